//! The five edges of the documented roaming diagram, and a rescue, on real links with real connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use netsession_core::{OfferKind, Refused, RoamingMode, SessionState};
use netsession_io_linux::{Error, MigrationResult, Offer, Session, Trial};

use super::two_links::{
    connect_to, converse, listen, open, plug_in, until_watched, wan, with_addresses_and_gateways,
};
use super::*;

/// `eth0` is up without carrier, so that a session opens on `eth1`, and is asked before it roams.
fn on_the_second_best(namespace: &Namespace) -> (Driver, Session) {
    plug_in(namespace);
    namespace.pull("eth0");
    namespace.ip("link set eth0 up");
    let driver = wan(with_addresses_and_gateways(Driver::builder())).build().unwrap();
    assert_eq!(state_of(&driver, "eth0"), Some(netsession_core::ConfigurationState::Defined));
    let session = open(&driver, "wan");
    session.set_roaming_mode(RoamingMode::Application).unwrap();
    assert_eq!(session.active_configuration().unwrap(), "eth1");
    told(&driver);
    (driver, session)
}

fn offer_of(driver: &Driver, session: &Session) -> Offer {
    until(driver, "an offer", |_| session.offer().is_some());
    session.offer().unwrap()
}

fn trial_of(offer: Offer) -> Trial {
    let result = offer.migrate().unwrap().wait_for_trial(-1);
    let MigrationResult::Trial(trial) = result else { panic!("no trial: {result:?}") };
    trial
}

fn is_refused(result: Result<(), Error>) -> bool {
    matches!(result, Err(Error::Refused(Refused::NotRoaming)))
}

/// Whether a link has the address that a start gives it.
fn is_equipped(namespace: &Namespace, link: usize) -> bool {
    namespace.ip(&format!("addr show eth{link}")).contains(two_links::NEAR[link][0])
}

/// Writes numbers to a connection until told to end, and compares what comes out at the other end.
struct Numbers {
    is_over: std::sync::Arc<AtomicBool>,
    writer: JoinHandle<u64>,
    reader: JoinHandle<u64>,
}

impl Numbers {
    fn flow((mut near, mut far): (TcpStream, TcpStream)) -> Self {
        let is_over = std::sync::Arc::new(AtomicBool::new(false));
        let until = is_over.clone();
        let writer = std::thread::spawn(move || {
            (0_u64..)
                .find(|number| {
                    near.write_all(&number.to_be_bytes()).unwrap();
                    until.load(Ordering::Relaxed)
                })
                .unwrap()
                + 1
        });
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 8];
            let mut read = 0;
            while far.read_exact(&mut bytes).is_ok() {
                assert_eq!(u64::from_be_bytes(bytes), read, "a byte is missing");
                read += 1;
            }
            read
        });
        Self { is_over, writer, reader }
    }

    /// How many were written; all of them were read.
    fn end(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        let written = self.writer.join().unwrap();
        assert_eq!(self.reader.join().unwrap(), written);
        written
    }
}

kernel_tests! {
    /// D1, D2; R-ROAM-1, R-ROAM-2, R-ROAM-43
    fn the_better_link_is_offered_and_ignored_until_it_has_gone_and_come_back(namespace) {
        let (driver, session) = on_the_second_best(namespace);
        namespace.plug("eth0");
        let offer = offer_of(&driver, &session);
        assert_eq!((offer.id().as_str(), offer.kind(), offer.is_seamless()), ("eth0", OfferKind::Upgrade, false));
        assert_eq!(session.state(), SessionState::Connected);
        offer.ignore().unwrap();
        catch_up(&driver);
        assert!(session.offer().is_none());
        assert_eq!(session.active_configuration().unwrap(), "eth1");
        assert!(!is_equipped(namespace, 0), "not roamed");
        namespace.pull("eth0");
        until(&driver, "gone", |driver| {
            state_of(driver, "eth0") == Some(netsession_core::ConfigurationState::Defined)
        });
        namespace.plug("eth0");
        assert_eq!(offer_of(&driver, &session).id(), "eth0");
    }

    /// D1, D3, D4; R-ROAM-5, R-ROAM-6, R-ROAM-9, R-ROAM-28
    fn migrate_and_accept_keep_both_links_up_until_the_old_one_is_let_go(namespace) {
        let (driver, session) = on_the_second_best(namespace);
        let listeners = listen(namespace);
        let old = connect_to(&listeners[0], |socket| session.bind_to_session(socket));
        namespace.plug("eth0");
        let trial = trial_of(offer_of(&driver, &session));
        assert_eq!(session.state(), SessionState::Roaming);
        assert_eq!(session.active_configuration().unwrap(), "eth1");
        assert_eq!((trial.candidate().id.as_str(), session.candidate().unwrap().id.as_str()), ("eth0", "eth0"));
        let interface = trial.candidate().interface.clone().unwrap();
        assert!(interface.addresses.iter().any(|it| it.to_string() == "10.0.0.1/24"), "{interface:?}");
        assert_eq!(trial.lacks().unwrap(), []);
        // Both at once: a connection over each.
        converse(&old.0, &old.1);
        let another = connect_to(&listeners[0], |socket| session.bind_to_session(socket));
        assert_eq!(another.0.local_addr().unwrap().ip().to_string(), "10.0.1.1");
        let new = connect_to(&listeners[0], |socket| trial.bind_to_candidate(socket));
        assert_eq!(new.0.local_addr().unwrap().ip().to_string(), "10.0.0.1");
        converse(&new.0, &new.1);
        let numbers = Numbers::flow(new);
        trial.accept().unwrap();
        assert_eq!(session.state(), SessionState::Connected);
        assert_eq!(session.active_configuration().unwrap(), "eth0");
        until(&driver, "the old one is down", |_| {
            !is_equipped(namespace, 1) && !namespace.ip("link show eth1").contains(",UP")
        });
        assert!(numbers.end() > 0);
        let after = connect_to(&listeners[0], |socket| session.bind_to_session(socket));
        assert_eq!(after.0.local_addr().unwrap().ip().to_string(), "10.0.0.1");
        let kept = ["1 is roaming", "1 is connected"];
        let said = told(&driver);
        assert!(said.iter().filter(|line| line.contains(" is ")).eq(kept), "{said:?}");
    }

    /// D1, D3, D5; R-ROAM-10
    fn reject_takes_the_new_link_down_and_the_old_one_has_lost_nothing(namespace) {
        let (driver, session) = on_the_second_best(namespace);
        let listeners = listen(namespace);
        let numbers = Numbers::flow(connect_to(&listeners[0], |socket| session.bind_to_session(socket)));
        namespace.plug("eth0");
        trial_of(offer_of(&driver, &session)).reject().unwrap();
        assert_eq!(session.state(), SessionState::Connected);
        assert_eq!(session.active_configuration().unwrap(), "eth1");
        until(&driver, "the new one is let go", |_| !is_equipped(namespace, 0));
        catch_up(&driver);
        assert!(session.offer().is_none(), "it was refused");
        assert!(session.is_open());
        assert!(numbers.end() > 0);
    }

    /// R-ROAM-13, R-ROAM-9
    fn the_next_link_is_offered_as_a_rescue_when_the_one_in_use_is_lost(namespace) {
        plug_in(namespace);
        let driver = wan(with_addresses_and_gateways(Driver::builder())).build().unwrap();
        let session = open(&driver, "wan");
        session.set_roaming_mode(RoamingMode::Application).unwrap();
        assert_eq!(session.active_configuration().unwrap(), "eth0");
        namespace.pull("eth0");
        let offer = offer_of(&driver, &session);
        assert_eq!((offer.id().as_str(), offer.kind()), ("eth1", OfferKind::Rescue));
        assert_eq!(session.state(), SessionState::Roaming);
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        assert!(session.bind_to_session(&socket).unwrap_err().to_string().contains("down"));
        let trial = trial_of(offer);
        let listeners = listen(namespace);
        let numbers = Numbers::flow(connect_to(&listeners[0], |socket| trial.bind_to_candidate(socket)));
        trial.accept().unwrap();
        until(&driver, "the dead one is let go", |_| !is_equipped(namespace, 0));
        assert!(session.is_open());
        assert_eq!(session.interface().unwrap().name, "eth1");
        assert!(numbers.end() > 0);
        assert!(!told(&driver).iter().any(|line| line.contains("closed")));
    }

    /// R-ROAM-3, R-ROAM-26
    fn a_stale_answer_is_refused_and_harms_nothing(namespace) {
        let (driver, session) = on_the_second_best(namespace);
        namespace.plug("eth0");
        let stale = [offer_of(&driver, &session), session.offer().unwrap()];
        namespace.pull("eth0");
        until(&driver, "withdrawn", |_| session.offer().is_none());
        let [first, second] = stale;
        assert!(is_refused(first.ignore()));
        namespace.plug("eth0");
        let offer = offer_of(&driver, &session);
        assert!(is_refused(second.migrate().map(|_| ())), "the one that stands is another");
        let twin = session.offer().unwrap();
        let trial = trial_of(offer);
        assert!(is_refused(twin.ignore()));
        assert_eq!(session.state(), SessionState::Roaming);
        let twin = session.trial().unwrap();
        trial.reject().unwrap();
        assert!(is_refused(twin.accept()));
        assert_eq!(session.active_configuration().unwrap(), "eth1");
        assert!(session.is_open());
        let mut others = driver.session("eth1");
        assert!(others.offer().is_none() && others.trial().is_none() && others.candidate().is_none());
        others = driver.session("nothing");
        assert!(matches!(others.migrate_to(&"eth1".into()), Err(Error::Refused(Refused::NotRoaming))));
    }

    /// R-ROAM-27, R-ROAM-18
    fn a_session_that_roams_by_itself_moves_where_it_is_told_without_asking(namespace) {
        plug_in(namespace);
        let driver = wan(with_addresses_and_gateways(Driver::builder())).build().unwrap();
        let session = open(&driver, "wan");
        assert_eq!(session.roaming_mode(), RoamingMode::Forced);
        until_watched(namespace, &driver, "eth1");
        let migration = session.migrate_to(&"eth1".into()).unwrap();
        assert_eq!(migration.to(), "eth1");
        let MigrationResult::TimedOut(migration) = migration.wait_for_trial(0) else {
            panic!("the kernel has not even been asked")
        };
        assert!(matches!(migration.wait_for_trial(-1), MigrationResult::Moved));
        assert_eq!(session.interface().unwrap().name, "eth1");
        let refused = session.migrate_to(&"eth9".into()).map(drop);
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        until(&driver, "let go", |driver| {
            state_of(driver, "eth0") == Some(netsession_core::ConfigurationState::Discovered)
        });
        let migration = session.migrate_to(&"eth0".into()).unwrap();
        namespace.pull("eth0");
        session.close();
        assert!(matches!(migration.wait_for_trial(-1), MigrationResult::Ended(_)));
    }
}
