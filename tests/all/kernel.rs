//! The driver on the kernel's own links, in network namespaces that the test makes itself.
//!
//! Needs `ip` (iproute2), `unshare` and `nsenter` (util-linux), and a kernel that lets this user make
//! namespaces; no root. Where that is missing the tests say so, and fail if CI=true.

mod bound;
mod churn;
mod configured;
mod conformance;
mod counters;
mod idle;
mod lease;
mod leftovers;
mod links;
mod live;
mod marks;
mod metered;
pub(crate) mod namespace;
mod processes;
mod roaming;
mod routes;
mod stream;
mod terminal;
mod top;
mod truth;
mod two_links;
mod watching;

use std::time::{Duration, Instant};

use netsession_core::{Event, Output};
use netsession_io_linux::{Builder, Configuration, Driver};
use netsession_io_sim::Record;
use serde_json::Value;

use self::namespace::{Namespace, kernel_tests};

/// Only so that a test that would hang says where; nothing is measured by it.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Makes the driver run until something is true.
fn until(driver: &Driver, what: &str, is_true: impl Fn(&Driver) -> bool) {
    let end = Instant::now() + FOR_EVER;
    while !is_true(driver) {
        assert!(Instant::now() < end, "still not so: {what}");
        driver.wait(Some(FOR_EVER)).unwrap();
        driver.turn().unwrap();
    }
}

/// Asks `ip` for all links until each of them is so.
fn until_ip(namespace: &Namespace, what: &str, is_so: impl Fn(&Value) -> bool) {
    until_some(what, || {
        let links: Vec<Value> = serde_json::from_str(&namespace.ip("-j link")).unwrap();
        links.iter().filter(|link| link["link_type"] != "loopback").all(&is_so).then_some(())
    });
}

/// Looks until there is something that no driver tells of.
fn until_some<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + FOR_EVER;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "still not so: {what}");
    }
}

/// Makes the driver read all that the kernel has said so far.
fn catch_up(driver: &Driver) {
    while driver.turn().unwrap() {}
}

/// What the sessions were told since the last call.
fn told(driver: &Driver) -> Vec<String> {
    let events = std::iter::from_fn(|| driver.next_event());
    events.filter(|event| event.session().is_some()).map(written).collect()
}

/// What was said of configurations since the last call.
fn announced(driver: &Driver) -> Vec<String> {
    let events = std::iter::from_fn(|| driver.next_event());
    events.filter(|event| event.session().is_none()).map(written).collect()
}

fn written(event: Event) -> String {
    let line = Record::Output(Output::Event(event)).to_string();
    line.trim_start_matches("> ").to_owned()
}

/// A driver that gives `eth0` an address when it starts it.
fn driver_for_eth0() -> Driver {
    with_address(Driver::builder()).build().unwrap()
}

fn with_address(builder: Builder) -> Builder {
    builder.address("eth0", "192.0.2.7/24".parse().unwrap())
}

fn configuration(text: &str) -> Configuration {
    Configuration::from_toml(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Administratively.
fn is_up(namespace: &Namespace, link: &str) -> bool {
    namespace.ip(&format!("link show {link}")).contains(",UP")
}

fn state_of(driver: &Driver, id: &str) -> Option<netsession_core::ConfigurationState> {
    driver.manager().configuration(id).map(|view| view.state())
}

const NOTHING: [&str; 0] = [];
