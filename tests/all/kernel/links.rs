//! Links that are lost, renamed, removed and not this user's to start.

use std::cell::RefCell;
use std::rc::Rc;

use netsession_core::{
    Accepted, Capabilities, ConfigurationState, Input, Refused, SessionError, SessionState,
};
use netsession_io_linux::{Driver, Error, Observer, WaitResult};

use super::namespace::run_again;
use super::*;

/// The reasons of requests that the platform did not carry out.
#[derive(Clone, Default)]
struct Refusals(Rc<RefCell<Vec<String>>>);

impl Observer for Refusals {
    fn input(&mut self, _: netsession_core::Instant, input: &Input) {
        if let Input::Completed { reason: Some(reason), .. } = input {
            self.0.borrow_mut().push(reason.clone());
        }
    }

    fn result(&mut self, _: netsession_core::Instant, _: &Result<Accepted, Refused>) {}

    fn output(&mut self, _: netsession_core::Instant, _: &Output) {}
}

kernel_tests! {
    /// R-LOSS-1, R-CLOSE-11
    fn a_pulled_cable_ends_the_session_and_what_it_was_given_is_taken_back(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        told(&driver);
        namespace.pull("eth0");
        until(&driver, "closed", |_| !session.is_open());
        assert_eq!(told(&driver), ["1 error session_aborted (link_lost)", "1 is not_available", "1 closed"]);
        until(&driver, "down again", |_| session.state() == SessionState::Disconnected);
        assert!(!namespace.ip("addr show eth0").contains("192.0.2.7"));
        namespace.plug("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened, "and it can be opened again");
    }

    fn a_stop_takes_back_exactly_what_the_start_gave(namespace) {
        namespace.cable("eth0");
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        let driver = with_address(Driver::builder()).address("eth0", "198.51.100.7/24".parse().unwrap());
        let driver = driver.build().unwrap();
        let session = driver.session("eth0");
        session.open();
        until(&driver, "both", |_| session.interface().is_some_and(|interface| interface.addresses.len() == 2));
        session.close();
        until(&driver, "down", |_| session.state() == SessionState::Disconnected);
        let left = namespace.ip("addr show eth0");
        assert!(left.contains("192.0.2.7") && !left.contains("198.51.100.7"), "{left}");
    }

    /// R-GEN-10
    fn a_start_that_is_withdrawn_leaves_nothing(namespace) {
        namespace.cable("eth0");
        namespace.pull("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        for has_answer in [false, true] {
            session.open();
            if has_answer {
                until(&driver, "up", |_| namespace.ip("addr show eth0").contains("192.0.2.7"));
                catch_up(&driver);
            }
            session.close();
            let is_clean = |text: &str| !text.contains("192.0.2.7") && !text.contains(",UP");
            until(&driver, "taken back", |_| is_clean(&namespace.ip("addr show eth0")));
            until(&driver, "down", |_| session.state() == SessionState::Disconnected);
        }
    }

    /// R-CLOSE-8, R-CLOSE-10: somebody brought the link up and is about to give it an address.
    fn a_link_that_was_up_before_it_was_started_stays_up(namespace) {
        namespace.cable("eth0");
        namespace.ip("link set eth0 up");
        let driver = Driver::new().unwrap();
        let session = driver.session("eth0");
        until(&driver, "in reach", |_| session.state() == SessionState::Disconnected);
        for is_stopped in [false, true] {
            session.open();
            namespace.ip("addr replace 203.0.113.7/24 dev eth0");
            assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
            if is_stopped {
                session.stop();
                until(&driver, "down", |_| session.state() == SessionState::Disconnected);
                assert!(!namespace.ip("addr show eth0").contains(",UP"));
            } else {
                session.close();
                until(&driver, "up again", |_| session.state() == SessionState::Connected);
                let left = namespace.ip("addr show eth0");
                assert!(left.contains(",UP") && left.contains("203.0.113.7"), "{left}");
                assert_eq!(session.error(), None);
            }
        }
    }

    fn what_a_start_gave_is_taken_back_by_a_driver_that_is_dropped_at_once(namespace) {
        namespace.cable("eth0");
        for is_open in [false, true] {
            let driver = driver_for_eth0();
            let session = driver.session("eth0");
            session.open();
            if is_open {
                assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
            }
            drop((session, driver));
            let left = namespace.ip("addr show eth0");
            assert!(!left.contains("192.0.2.7") && !left.contains(",UP"), "{left}");
        }
    }

    /// R-CLOSE-11, R-GEN-10
    fn a_start_withdrawn_behind_a_stop_leaves_the_stop_alone(namespace) {
        namespace.cable("eth0");
        let refusals = Refusals::default();
        let driver = with_address(Driver::builder()).observer(Box::new(refusals.clone())).build().unwrap();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        namespace.ip("addr del 192.0.2.7/24 dev eth0");
        // What is left of the start is taken back, step by step.
        until(&driver, "closed", |_| !session.is_open());
        session.open();
        session.close();
        until(&driver, "down", |_| !namespace.ip("addr show eth0").contains(",UP"));
        catch_up(&driver);
        assert_eq!(*refusals.0.borrow(), NOTHING);
    }

    /// More than the answers that a socket can hold.
    fn hundreds_of_links_are_read_started_and_stopped_at_once(namespace) {
        const PAIRS: usize = 150;
        let batch = |make: &dyn Fn(usize) -> String| namespace.ip_batch(&(0..PAIRS).map(make).collect::<String>());
        batch(&|n| format!("link add a{n} type veth peer name b{n}\nlink set a{n} up\n"));
        batch(&|n| format!("addr add 10.0.{n}.1/24 dev a{n}\naddr add 10.1.{n}.1/24 dev b{n}\n"));
        let driver = Driver::new().unwrap();
        let sessions: Vec<_> = (0..PAIRS).map(|n| driver.session(&format!("b{n}"))).collect();
        sessions.iter().for_each(|session| session.open());
        until(&driver, "open", |_| sessions.iter().all(|session| session.is_open()));
        assert_eq!(driver.resyncs(), 0, "nothing was lost");
        // All 300 links are found running, and the counters of each are asked for at once.
        let second = Driver::new().unwrap();
        until(&second, "active", |driver| state_of(driver, "a0") == Some(ConfigurationState::Active));
        catch_up(&second);
        assert_eq!(second.resyncs(), 0, "nothing was lost");
        drop((sessions, driver));
        let left = namespace.ip("-br link show up");
        assert!(!left.lines().any(|line| line.starts_with('b')), "{left}");
    }

    /// R-REG-12
    fn a_rename_keeps_the_identifier_and_the_open_session(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        namespace.ip("link set eth0 name office0");
        namespace.ip("link property add dev office0 altname the-office");
        until(&driver, "renamed", |_| session.interface().is_some_and(|i| i.name == "office0"));
        catch_up(&driver);
        assert!(session.is_open());
        for name in ["eth0", "office0", "the-office"] {
            assert_eq!(driver.find(name).unwrap(), "eth0", "{name}");
        }
        namespace.ip("link add eth0 type veth peer name other0");
        until(&driver, "the second", |driver| state_of(driver, "eth0#2").is_some());
        let Err(Error::Ambiguous { fits, .. }) = driver.find("eth0") else { panic!("which one?") };
        assert_eq!(fits, ["eth0", "eth0#2"]);
        let Err(Error::NotFound { existing, .. }) = driver.find("eth9") else { panic!("there is none") };
        assert_eq!(existing, ["eth0", "other0", "eth0#2"]);
    }

    /// R-LOSS-3, R-REG-2
    fn a_link_that_is_removed_and_comes_back_is_another(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        told(&driver);
        namespace.ip("link del eth0");
        until(&driver, "removed", |driver| state_of(driver, "eth0").is_none());
        // The kernel takes it down before it deletes it.
        let said = told(&driver);
        assert_eq!(said.iter().filter(|line| line.contains("error session_aborted")).count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|line| line.contains("closed")).count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|line| line.contains("is invalid")).count(), 1, "{said:?}");
        namespace.cable("eth0");
        until(&driver, "back", |driver| state_of(driver, "eth0").is_some());
        assert_eq!(session.state(), SessionState::Invalid);
        let again = driver.session("eth0");
        again.open();
        assert_eq!(again.wait_for_opened(-1), WaitResult::Opened);
    }

    fn bytes_are_counted_by_the_kernel(namespace) {
        namespace.cable("eth0");
        let driver = driver_for_eth0();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        catch_up(&driver);
        let socket = std::net::UdpSocket::bind("192.0.2.7:0").unwrap();
        // Broadcast needs no neighbour.
        socket.set_broadcast(true).unwrap();
        let before = session.bytes_sent();
        socket.send_to(&[0; 1000], "255.255.255.255:9").unwrap();
        assert!(session.bytes_sent() >= before + 1000);
    }
}

/// R-OPEN-3, R-STOP-5
#[test]
fn without_the_capability_everything_but_start_and_stop_works() {
    const PATH: &str =
        concat!(module_path!(), "::without_the_capability_everything_but_start_and_stop_works");
    const DEEPER: &str = "NETSESSION_TEST_HAS_NO_CAPABILITY";
    if std::env::var_os(DEEPER).is_some() {
        return watch_without_capability();
    }
    namespace::run(PATH, |namespace| {
        namespace.cable("eth0");
        namespace.cable("eth1");
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        namespace.ip("link set eth0 up");
        // A user namespace of its own has no say over the network namespace of another.
        run_again(PATH, std::process::Command::new("unshare").arg("--user").env(DEEPER, "1"));
    });
}

fn watch_without_capability() {
    let driver = Driver::new().unwrap();
    until(&driver, "active", |driver| state_of(driver, "eth0") == Some(ConfigurationState::Active));
    assert!(!driver.manager().capabilities().contains(Capabilities::CAN_START_AND_STOP_INTERFACES));
    assert_eq!(state_of(&driver, "eth1"), Some(ConfigurationState::Defined));
    let session = driver.session("eth0");
    session.open();
    assert_eq!(session.wait_for_opened(-1), WaitResult::Opened, "what is up can be shared");
    session.stop();
    assert!(session.is_open());
    assert_eq!(session.error(), Some(SessionError::OperationNotSupported));
    let down = driver.session("eth1");
    down.open();
    assert_eq!(down.state(), SessionState::NotAvailable);
}
