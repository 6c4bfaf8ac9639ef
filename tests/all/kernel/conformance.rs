//! The cases of the contract's section 9 that are marked † there.

use std::time::Duration;

use netsession_core::{BearerType, ConfigurationState, Identifier, SessionState};
use netsession_io_linux::{Driver, Session, WaitResult};

use super::*;

/// Opens and waits as long as it takes.
fn open(session: &Session) {
    session.open();
    assert_eq!(session.wait_for_opened(-1), WaitResult::Opened, "{:?}", session.error_string());
}

fn is_down(session: &Session) -> impl Fn(&Driver) -> bool {
    |_| session.state() == SessionState::Disconnected
}

kernel_tests! {
    /// R-CLOSE-1, R-CLOSE-9
    fn s2_rounds_with_any_delay_end_where_they_began(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        driver.add_service_network("wan", &[Identifier::from("eth0")]).unwrap();
        for configuration in ["eth0", "wan"] {
            let session = driver.session(configuration);
            session.close();
            assert_eq!(told(&driver), NOTHING, "close without open is harmless");
            for round in 0..25 {
                session.open();
                let _ = driver.wait(Some(Duration::from_millis(round)));
                driver.turn().unwrap();
                session.close();
                assert!(!session.is_open());
                until(&driver, "disconnected", is_down(&session));
            }
            assert_eq!(driver.manager().configuration("eth0").unwrap().holders(), 0);
            told(&driver);
        }
        assert!(!namespace.ip("addr show eth0").contains("192.0.2.7"), "what a start gave is taken back");
    }

    /// R-ST-2, R-ST-6
    fn s7_session_states_follow_configuration_states(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        let check = |configuration: ConfigurationState, state: SessionState| {
            let view = |driver: &Driver| state_of(driver, "eth0") == Some(configuration) && session.state() == state;
            until(&driver, &format!("{configuration} and {state}"), view);
            assert_eq!(session.interface().is_some(), state == SessionState::Connected, "{state}");
        };
        check(ConfigurationState::Discovered, SessionState::Disconnected);
        namespace.pull("eth0");
        namespace.ip("link set eth0 up");
        check(ConfigurationState::Defined, SessionState::NotAvailable);
        namespace.plug("eth0");
        check(ConfigurationState::Discovered, SessionState::Disconnected);
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        check(ConfigurationState::Active, SessionState::Connected);
        let interface = session.interface().unwrap();
        assert_eq!((interface.name.as_str(), interface.addresses[0].to_string()), ("eth0", "192.0.2.7/24".into()));
        assert_eq!(driver.manager().configuration("eth0").unwrap().bearer(), Some(BearerType::Ethernet));
        namespace.ip("link del eth0");
        until(&driver, "removed", |_| session.state() == SessionState::Invalid);
        assert!(session.interface().is_none());
    }

    /// R-OPEN-2, R-CLOSE-5
    fn s8_three_clean_rounds_on_one_object(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        for _ in 0..3 {
            open(&session);
            let opened = ["1 is connecting", "1 is connected", "1 opened"];
            assert_eq!(told(&driver), opened);
            session.close();
            until(&driver, "disconnected", is_down(&session));
            assert_eq!(told(&driver), ["1 closed", "1 is closing", "1 is disconnected"]);
        }
    }

    /// R-OPEN-5, R-CLOSE-3, R-CLOSE-5
    fn s10_two_sessions_and_the_last_close_takes_the_link_down(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let (first, second) = (driver.session("eth0"), driver.session("eth0"));
        open(&first);
        assert_eq!(told(&driver), [
            "1 is connecting", "2 is connecting", "1 is connected", "1 opened", "2 is connected",
        ]);
        open(&second);
        assert_eq!(told(&driver), ["2 opened"]);
        assert_eq!(first.interface(), second.interface());
        first.close();
        catch_up(&driver);
        assert_eq!(told(&driver), ["1 closed"]);
        assert!(second.is_open() && namespace.ip("link show eth0").contains(",UP"));
        second.close();
        until(&driver, "disconnected", is_down(&second));
        assert!(!namespace.ip("link show eth0").contains(",UP"));
    }

    /// R-STOP-1
    fn s11_stop_ends_both_sessions_and_only_the_other_has_an_error(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let (stopper, other) = (driver.session("eth0"), driver.session("eth0"));
        open(&stopper);
        open(&other);
        told(&driver);
        stopper.stop();
        until(&driver, "disconnected", is_down(&other));
        assert_eq!(told(&driver), [
            "1 is closing", "1 closed", "2 is closing",
            "1 is disconnected", "2 error session_aborted (stopped_by_other)", "2 is disconnected", "2 closed",
        ]);
        assert_eq!(stopper.error(), None);
    }

    /// R-REG-8
    fn s12_what_another_process_does_is_seen_as_changes(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        assert_eq!(announced(&driver), NOTHING, "the first population is silent");
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        namespace.ip("link set eth0 up");
        until(&driver, "active", |driver| state_of(driver, "eth0") == Some(ConfigurationState::Active));
        assert!(announced(&driver).iter().any(|line| line.contains("active")));
        namespace.ip("link set eth0 down");
        until(&driver, "down", |driver| state_of(driver, "eth0") == Some(ConfigurationState::Discovered));
        assert!(announced(&driver).iter().any(|line| line.contains("discovered")));
    }

    /// R-WAIT-1, R-WAIT-3
    fn waiting_says_how_it_ended(namespace) {
        namespace.cable("eth0");
        namespace.pull("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        assert_eq!(session.wait_for_opened(-1), WaitResult::NotOpening);
        session.open();
        assert_eq!(session.wait_for_opened(10), WaitResult::TimedOut, "there is no carrier");
        assert_eq!(session.state(), SessionState::Connecting, "the attempt goes on");
        namespace.plug("eth0");
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        assert_eq!(session.wait_for_opened(0), WaitResult::Opened);
        session.close();
        assert_eq!(session.wait_for_opened(-1), WaitResult::NotOpening);
        until(&driver, "disconnected", is_down(&session));
        session.open();
        namespace.ip("link del eth0");
        let failed = WaitResult::Failed(netsession_core::SessionError::InvalidConfiguration);
        assert_eq!(session.wait_for_opened(-1), failed, "{:?}", session.error_string());
    }
}
