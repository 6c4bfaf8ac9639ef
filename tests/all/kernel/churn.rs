//! Links that come and go by the hundreds, and all at once, around a session and under one.

use std::fmt::Write as _;

use netsession_core::SessionState;
use netsession_io_linux::Session;

use super::live::Live;
use super::truth::{links_of_ip, links_of_list, until_true};
use super::two_links::open;
use super::*;
use crate::program::support;

const BATCHES: usize = 10;
const PAIRS_IN_A_BATCH: usize = 100;
/// The group of the links that go together.
const GROUP: u32 = 7;

fn make_pairs(count: usize) -> String {
    (0..count).fold(String::new(), |mut commands, n| {
        writeln!(commands, "link add c{n} group {GROUP} type veth peer name d{n} group {GROUP}").unwrap();
        writeln!(commands, "link set c{n} up").unwrap();
        commands
    })
}

/// An open session on `eth0`, with nothing of it left to be told.
fn settled(namespace: &Namespace, driver: &Driver) -> Session {
    let session = open(driver, "eth0");
    until_ip(namespace, "carrier", |link| link["operstate"] == "UP");
    until_true(driver, namespace);
    told(driver);
    session
}

/// Pairs come and go, the last of each batch stays.
fn churn(namespace: &Namespace, driver: &Driver) {
    let session = settled(namespace, driver);
    for batch in 0..BATCHES {
        let last = format!("last{batch}");
        let stays = format!("link add {last} type veth peer name {last}p\n");
        let commands = make_pairs(PAIRS_IN_A_BATCH) + &format!("link del group {GROUP}\n{stays}");
        std::thread::scope(|scope| {
            scope.spawn(|| namespace.ip_batch(&commands));
            until(driver, &last, |driver| state_of(driver, &last).is_some());
        });
    }
    until_true(driver, namespace);
    assert_eq!(told(driver), NOTHING, "of other links");
    assert_eq!(session.state(), SessionState::Connected);
    let listed = links_of_list();
    assert_eq!((listed.len(), &listed), (1 + 2 * BATCHES, &links_of_ip(namespace)));
}

kernel_tests! {
    fn a_session_hears_nothing_of_a_thousand_links_that_come_and_go(namespace) {
        namespace.cable("eth0");
        churn(namespace, &driver_for_eth0());
    }

    /// R-GEN-7
    fn nor_does_it_when_most_of_what_is_told_of_them_is_lost(namespace) {
        namespace.cable("eth0");
        let driver = with_address(Driver::builder()).receive_buffer_bytes(1).build().unwrap();
        churn(namespace, &driver);
        assert!(driver.lost_notifications() > 0 && driver.resyncs() > 0, "it must have lost some");
    }

    /// R-LOSS-3
    fn a_driver_whose_links_all_go_at_once_lives_on(namespace) {
        let (mut monitor, _) = Live::monitor();
        for receive_buffer_bytes in [1 << 20, 1] {
            namespace.cable("eth0");
            namespace.ip(&format!("link set eth0 group {GROUP}"));
            namespace.ip_batch(&make_pairs(PAIRS_IN_A_BATCH));
            let driver =
                with_address(Driver::builder()).receive_buffer_bytes(receive_buffer_bytes).build().unwrap();
            let session = open(&driver, "eth0");
            told(&driver);
            namespace.ip(&format!("link del group {GROUP}"));
            until(&driver, "none is left", |driver| driver.manager().configurations(None).count() == 0);
            assert_eq!((session.state(), session.is_open()), (SessionState::Invalid, false));
            assert_eq!(told(&driver).iter().filter(|line| line.contains("session_aborted")).count(), 1);
            let listed = support::run(&mut support::netsession(&["list"]));
            assert_eq!((listed.status, listed.out.lines().count()), (Some(0), 1), "{}", listed.out);
            namespace.cable("eth0");
            until(&driver, "there again", |driver| state_of(driver, "eth0").is_some());
            let again = open(&driver, "eth0");
            assert_eq!(again.interface().unwrap().name, "eth0");
            monitor.until_printed(r#""state":"active""#);
            drop((session, again, driver));
            namespace.ip("link del eth0");
        }
    }
}
