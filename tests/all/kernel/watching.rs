//! Links that are brought up while they are watched, so that they show whether they could be used (R-ROAM-39).

use netsession_core::{ConfigurationState, RoamingMode, SessionState};
use netsession_io_linux::{Configuration, MigrationResult, Session, WaitResult};

use super::two_links::{plug_in, wan, with_addresses_and_gateways};
use super::*;

/// A session on `eth1`, which somebody else has brought up; it watches `eth0`, which is down.
fn watching(namespace: &Namespace) -> (Driver, Session) {
    namespace.ip("link set eth1 up");
    namespace.ip("addr add 192.0.2.9/24 dev eth1");
    let driver = wan(with_addresses_and_gateways(Driver::builder())).build().unwrap();
    until(&driver, "active", |driver| state_of(driver, "eth1") == Some(ConfigurationState::Active));
    let session = driver.session("wan");
    session.set_roaming_mode(RoamingMode::Application).unwrap();
    session.open();
    assert_eq!(session.active_configuration().unwrap(), "eth1");
    until(&driver, "watched", |_| is_up(namespace, "eth0"));
    (driver, session)
}

kernel_tests! {
    fn a_watched_link_is_up_for_as_long_as_it_is_watched(namespace) {
        plug_in(namespace);
        namespace.pull("eth0");
        let (driver, session) = watching(namespace);
        let is_known = |driver: &Driver| state_of(driver, "eth0") == Some(ConfigurationState::Defined);
        until(&driver, "known to have no carrier", is_known);
        assert!(session.offer().is_none());
        namespace.plug("eth0");
        until(&driver, "offered", |_| session.offer().is_some());
        session.close();
        until(&driver, "not watched any more", |_| !is_up(namespace, "eth0"));
        assert!(is_up(namespace, "eth1"), "it was found running");
    }

    /// Only a cable that is known to be there, or not, is waited for as long as is allowed.
    fn a_member_whose_cable_is_not_there_is_left_for_the_next_though_there_is_time(namespace) {
        plug_in(namespace);
        namespace.pull("eth0");
        let configuration = Configuration::from_toml(
            "[access-point.eth0]\ninterface = \"eth0\"\nconnect_timeout_ms = 0\n\
             [access-point.eth1]\ninterface = \"eth1\"\n\
             [service-network.wan]\nmembers = [\"eth0\", \"eth1\"]\nconnect_timeout_ms = 0\n\
             [service-network.alone]\nmembers = [\"eth0\"]\nconnect_timeout_ms = 0\n",
        )
        .unwrap();
        let driver = with_addresses_and_gateways(Driver::builder()).configuration(configuration).build().unwrap();
        let session = driver.session("wan");
        session.open();
        until(&driver, "opened", |_| session.is_open());
        assert_eq!(session.active_configuration().unwrap(), "eth1");
        until(&driver, "watched", |_| is_up(namespace, "eth0"));
        session.close();
        until(&driver, "down", |_| !is_up(namespace, "eth0") && !is_up(namespace, "eth1"));

        let session = driver.session("alone");
        session.open();
        until(&driver, "started", |_| is_up(namespace, "eth0"));
        let end = Instant::now() + Duration::from_secs(6);
        while Instant::now() < end {
            driver.wait(Some(end.saturating_duration_since(Instant::now()))).unwrap();
            catch_up(&driver);
        }
        assert_eq!(session.state(), SessionState::Connecting, "somebody may be about to plug it in");
        namespace.plug("eth0");
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
    }

    fn what_somebody_has_done_to_a_watched_link_is_left_alone(namespace) {
        plug_in(namespace);
        namespace.pull("eth0");
        let (driver, session) = watching(namespace);
        let is = |state| move |driver: &Driver| state_of(driver, "eth0") == Some(state);
        until(&driver, "known to have no carrier", is(ConfigurationState::Defined));
        namespace.ip("link set eth0 down");
        until(&driver, "down", is(ConfigurationState::Discovered));
        namespace.ip("link set eth0 up");
        until(&driver, "up", is(ConfigurationState::Defined));
        session.close();
        catch_up(&driver);
        assert!(is_up(namespace, "eth0"));
    }

    fn nothing_is_brought_up_where_that_is_not_wanted(namespace) {
        plug_in(namespace);
        namespace.ip("link set eth1 up");
        namespace.ip("addr add 192.0.2.9/24 dev eth1");
        let driver = wan(Driver::builder()).watch_carrier(false).build().unwrap();
        until(&driver, "active", |driver| state_of(driver, "eth1") == Some(ConfigurationState::Active));
        let session = driver.session("wan");
        session.set_roaming_mode(RoamingMode::Application).unwrap();
        session.open();
        until(&driver, "offered for want of knowledge", |_| session.offer().is_some());
        assert!(!is_up(namespace, "eth0"));
    }

    fn a_start_takes_over_what_the_watch_did(namespace) {
        plug_in(namespace);
        let (driver, session) = watching(namespace);
        let is_offered = |_: &Driver| {
            state_of(&driver, "eth0") == Some(ConfigurationState::Discovered) && session.offer().is_some()
        };
        until(&driver, "offered", is_offered);
        for is_accepted in [false, true] {
            let migration = if is_accepted {
                session.migrate_to(&"eth0".into()).unwrap()
            } else {
                session.offer().unwrap().migrate().unwrap()
            };
            let MigrationResult::Trial(trial) = migration.wait_for_trial(-1) else { panic!("no trial") };
            assert!(namespace.ip("addr show eth0").contains("10.0.0.1/24"));
            if is_accepted {
                trial.accept().unwrap();
                session.close();
                until(&driver, "down as if the start had brought it up", |_| !is_up(namespace, "eth0"));
            } else {
                trial.reject().unwrap();
                until(&driver, "taken back", |_| !namespace.ip("addr show eth0").contains("10.0.0.1/24"));
                until(&driver, "watched again", |_| is_up(namespace, "eth0"));
                catch_up(&driver);
            }
        }
    }
}
