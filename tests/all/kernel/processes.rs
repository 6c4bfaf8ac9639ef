//! Several processes on one machine: what one does, and what the kernel tells, the others print.

use std::fmt::Write as _;
use std::process::Command;

use super::live::{Live, states_of};
use super::truth::{links_of_ip, links_of_list};
use super::*;
use crate::program::support::netsession;

kernel_tests! {
    /// R-REG-8
    fn s12_what_one_process_starts_and_stops_another_prints(namespace) {
        namespace.cable("eth0");
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        let (mut monitor, present) = Live::monitor();
        assert!(present[0].contains(r#""state":"discovered""#), "{present:?}");
        for _ in 0..3 {
            let mut run = Live::start(&mut netsession(&["run", "eth0", "--", "sh"]));
            run.say("echo $NETSESSION_INTERFACE is open");
            run.until_printed("eth0 is open");
            let mut lines = monitor.until_printed(r#"{"id":"eth0","state":"active","#);
            run.say("exit 3");
            assert_eq!(run.end(), (vec![], Some(3)));
            lines.extend(monitor.until_printed(r#"{"id":"eth0","state":"discovered","#));
            let states = states_of("eth0", &lines);
            // Up and without carrier for a moment, if the kernel is slow to look.
            assert!(
                matches!(states.iter().map(String::as_str).collect::<Vec<_>>()[..],
                    ["active", "discovered"] | ["defined", "active", "discovered"] |
                    ["defined", "discovered", "active", "discovered"]),
                "{states:?}"
            );
        }
    }

    fn every_flip_of_a_carrier_is_printed_as_the_kernel_says_it(namespace) {
        const FLIPS: usize = 100;
        let (mut monitor, mut kernel) = two_readers(namespace);
        let mut lines = Vec::new();
        for _ in 0..FLIPS {
            namespace.pull("eth0");
            lines.extend(monitor.until_printed(r#"{"id":"eth0","state":"defined","#));
            namespace.plug("eth0");
            lines.extend(monitor.until_printed(r#"{"id":"eth0","state":"active","#));
        }
        assert_eq!(flips(states_of("eth0", &lines)), ["defined", "active"].repeat(FLIPS), "what was done");
        let (rest, said) = both_until_address(namespace, &mut monitor, &mut kernel, "198.51.100.1");
        assert_eq!(flips(states_of("eth0", &rest)), NOTHING);
        assert_eq!(flips(carrier_states(&said)), ["defined", "active"].repeat(FLIPS), "what the kernel told");
    }

    fn flips_as_fast_as_can_be_are_printed_as_the_kernel_says_them(namespace) {
        let (mut monitor, mut kernel) = two_readers(namespace);
        let mut told = 0;
        for round in 1..=20 {
            // No more than a small receive buffer holds.
            namespace.far_ip_batch(&"link set eth0p down\nlink set eth0p up\n".repeat(20));
            until_ip(namespace, "carrier", |link| link["ifname"] != "eth0" || link["operstate"] == "UP");
            let address = format!("198.51.100.{round}");
            let (lines, said) = both_until_address(namespace, &mut monitor, &mut kernel, &address);
            let said = flips(carrier_states(&said));
            assert_eq!(flips(states_of("eth0", &lines)), said, "round {round}");
            told += said.len();
        }
        assert!(told > 0, "the kernel told of no flip");
        assert_eq!(links_of_list(), links_of_ip(namespace));
    }

    /// R-REG-8
    fn two_thousand_links_are_listed_and_a_change_of_one_is_printed(namespace) {
        let mut commands = String::new();
        (0..1000).for_each(|n| writeln!(commands, "link add a{n} type veth peer name b{n}").unwrap());
        namespace.ip_batch(&commands);
        let listed = links_of_list();
        assert_eq!((listed.len(), &listed), (2000, &links_of_ip(namespace)));
        let (mut monitor, present) = Live::monitor();
        assert_eq!(present.len(), 2001, "a view each, and one of the whole");
        namespace.ip("addr add 192.0.2.7/24 dev a500");
        namespace.ip("link set b500 up");
        namespace.ip("link set a500 up");
        let lines = monitor.until_printed(r#"{"id":"a500","state":"active","#);
        let of_others = lines.iter().filter(|line| !line.contains("a500") && !line.contains("b500"));
        let of_others: Vec<_> = of_others.filter(|line| !line.contains("online")).collect();
        assert!(of_others.is_empty(), "{of_others:#?}");
    }
}

/// An active `eth0`, `netsession monitor` and `ip monitor`, which have both said what there is.
fn two_readers(namespace: &Namespace) -> (Live, Live) {
    namespace.cable("eth0");
    namespace.ip("link set eth0 addrgenmode none");
    namespace.ip("addr add 192.0.2.7/24 dev eth0");
    namespace.ip("link set eth0 up");
    until_ip(namespace, "carrier", |link| link["ifname"] != "eth0" || link["operstate"] == "UP");
    let (mut monitor, _) = Live::monitor();
    let mut kernel =
        Live::start(Command::new("ip").args(["-o", "monitor", "link", "address", "dev", "eth0"]));
    // It does not say when it begins to listen, and drops what comes while it asks what links there are.
    until_some("ip monitor hears the kernel", || {
        namespace.ip("addr add 198.51.100.99/24 dev eth0");
        namespace.ip("addr del 198.51.100.99/24 dev eth0");
        kernel.printed()
    });
    both_until_address(namespace, &mut monitor, &mut kernel, "198.51.100.100");
    (monitor, kernel)
}

/// What both said up to the message of a new address of `eth0`: all that the kernel has told before it.
fn both_until_address(
    namespace: &Namespace,
    monitor: &mut Live,
    kernel: &mut Live,
    address: &str,
) -> (Vec<String>, Vec<String>) {
    namespace.ip(&format!("addr add {address}/24 dev eth0"));
    let words = format!("{address}/24");
    (
        monitor.until("the view with the address", |line| line.contains("view") && line.contains(&words)),
        kernel.until_printed(&words),
    )
}

/// What states follow from what `ip -o monitor link` printed of a link with an address.
fn carrier_states(lines: &[String]) -> Vec<String> {
    let links = lines.iter().filter(|line| line.contains(" mtu "));
    links.map(|line| if line.contains("NO-CARRIER") { "defined" } else { "active" }.to_owned()).collect()
}

/// States without those that are no other than the one before, at first active.
fn flips(states: Vec<String>) -> Vec<String> {
    let mut states = [vec!["active".to_owned()], states].concat();
    states.dedup();
    states.split_off(1)
}
