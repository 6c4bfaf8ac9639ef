//! The kernel's truth: whatever happens, and whatever is lost, what the driver believes is what `ip` says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use netsession_core::LinkState;
use rustix::process::Signal;
use serde_json::Value;

use super::live::Live;
use super::*;
use crate::program::support;

/// Numbers that look random and are the same every time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

const PAIRS: u64 = 8;

/// One change of 16 interfaces, the two ends of 8 cables; it may be one that the kernel refuses.
fn change(numbers: &mut Numbers) -> String {
    let (pair, end) = (numbers.below(PAIRS), ["a", "b"][usize::try_from(numbers.below(2)).unwrap()]);
    let name = format!("{end}{pair}");
    match numbers.below(100) {
        0 => format!("link del {name}"),
        1..=3 => format!("link add a{pair} type veth peer name b{pair}"),
        4..=7 => format!("link set {name} name x{pair}"),
        8..=11 => format!("link set x{pair} name {name}"),
        12..=35 => format!("link set {name} down"),
        36..=65 => format!("link set {name} up"),
        66..=82 => format!("addr add 192.0.2.{}/24 dev {name}", numbers.below(4) + 1),
        83..=96 => format!("addr del 192.0.2.{}/24 dev {name}", numbers.below(4) + 1),
        _ => format!("addr add 2001:db8::{}/64 dev {name} nodad", numbers.below(4) + 1),
    }
}

/// Name, index, whether it is Active, and addresses of all links but loopback, as `ip` has them.
pub(super) fn links_of_ip(namespace: &Namespace) -> Vec<String> {
    let links: Vec<Value> = serde_json::from_str(&namespace.ip("-j addr")).unwrap();
    let mut lines: Vec<String> =
        links.iter().filter(|link| link["link_type"] != "loopback").map(line_of_ip).collect();
    lines.sort_unstable();
    lines
}

fn line_of_ip(link: &Value) -> String {
    let flags: Vec<&str> = link["flags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let is_usable = |address: &&Value| {
        address["scope"] != "link" && address["tentative"] != true && address["deprecated"] != true
    };
    let mut addresses: Vec<String> = link["addr_info"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_usable)
        .map(|address| format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"]))
        .collect();
    addresses.sort_unstable();
    let has_carrier =
        flags.contains(&"LOWER_UP") && matches!(link["operstate"].as_str(), Some("UP" | "UNKNOWN"));
    let is_active = flags.contains(&"UP") && has_carrier && !addresses.is_empty();
    format!(
        "{} {} active={is_active} {}",
        link["ifname"].as_str().unwrap(),
        link["ifindex"],
        addresses.join(" ")
    )
}

/// The same as the driver has it.
fn links_of(driver: &Driver) -> Vec<String> {
    let manager = driver.manager();
    let mut lines: Vec<String> = manager
        .configurations(None)
        .map(|view| {
            let interface = view.interface().unwrap();
            let mut addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
            addresses.sort_unstable();
            let is_active = view.link() == Some(LinkState::Active);
            format!("{} {} active={is_active} {}", interface.name, interface.index, addresses.join(" "))
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// The same as the program prints it.
fn links_of_views<'a>(views: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut lines: Vec<String> = views
        .into_iter()
        .map(|view| {
            let interface = &view["interface"];
            let addresses = interface["addresses"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut addresses: Vec<&str> = addresses.iter().filter_map(Value::as_str).collect();
            addresses.sort_unstable();
            let is_active = view["link"] == "active";
            let name = interface["name"].as_str().unwrap();
            format!("{name} {} active={is_active} {}", interface["index"], addresses.join(" "))
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// What `netsession list --json` prints.
pub(super) fn links_of_list() -> Vec<String> {
    let listed = support::run(&mut support::netsession(&["list", "--json"]));
    assert_eq!((listed.status, listed.err.as_str()), (Some(0), ""));
    let views: Vec<Value> =
        listed.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["view"].take()).collect();
    links_of_views(&views)
}

/// What a reader of `netsession monitor --json` knows.
#[derive(Default)]
struct Reader(BTreeMap<String, Value>);

impl Reader {
    fn take(&mut self, line: &str) {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let view = line["view"].take();
        if let Some(id) = view["id"].as_str() {
            self.0.insert(id.to_owned(), view);
        } else if let Some(id) = line["out"]["event"]["configuration_removed"]["id"].as_str() {
            self.0.remove(id);
        }
    }
}

/// How many notifications the kernel had to drop, for all readers in this namespace.
fn dropped_by_the_kernel() -> u64 {
    let sockets = std::fs::read_to_string("/proc/self/net/netlink").unwrap();
    let drops = sockets.lines().skip(1).map(|line| line.split_whitespace().nth(8).unwrap());
    drops.map(|drops| drops.parse::<u64>().unwrap()).sum()
}

fn changes(numbers: &mut Numbers, count: u32) -> String {
    (0..count).fold(String::new(), |mut commands, _| {
        writeln!(commands, "{}", change(numbers)).unwrap();
        commands
    })
}

fn make_cables(namespace: &Namespace) {
    for pair in 0..PAIRS {
        namespace.ip(&format!("link add a{pair} type veth peer name b{pair}"));
    }
}

/// The kernel tells of carrier a little later than of the change that it follows from.
pub(super) fn until_true(driver: &Driver, namespace: &Namespace) {
    until(driver, "what ip says", |driver| links_of(driver) == links_of_ip(namespace));
}

kernel_tests! {
    /// R-GEN-7
    fn after_lost_notifications_belief_is_what_the_kernel_says(namespace) {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        make_cables(namespace);
        let driver = Driver::builder().receive_buffer_bytes(1).build().unwrap();
        let mut sessions = Vec::new();
        for round in 0..50 {
            namespace.ip_batch(&changes(&mut numbers, 100));
            catch_up(&driver);
            until_true(&driver, namespace);
            sessions.push(driver.session(&format!("a{}", round % PAIRS)));
            sessions.iter().for_each(netsession_io_linux::Session::open);
            catch_up(&driver);
            for session in sessions.iter().filter(|session| session.is_open()) {
                let interface = session.interface().expect("an open session has an interface");
                let link = namespace.ip(&format!("-o link show {}", interface.name));
                assert!(link.starts_with(&format!("{}: ", interface.index)), "a session on {interface:?}: {link}");
            }
        }
        assert_eq!(links_of_list(), links_of_ip(namespace));
        assert!(driver.lost_notifications() > 10, "it must have lost some: {}", driver.lost_notifications());
        assert!(driver.resyncs() > 10);
    }

    /// R-GEN-7
    fn a_monitor_that_could_not_read_ends_with_what_the_kernel_says(namespace) {
        let mut numbers = Numbers(0x5851_f42d_4c95_7f2d);
        make_cables(namespace);
        let (mut monitor, present) = Live::monitor();
        let mut reader = Reader::default();
        present.iter().for_each(|line| reader.take(line));
        assert_eq!(links_of_views(reader.0.values()), links_of_ip(namespace));
        monitor.signal(Signal::STOP);
        namespace.ip_batch(&changes(&mut numbers, 5000));
        monitor.signal(Signal::CONT);
        while links_of_views(reader.0.values()) != links_of_ip(namespace) {
            reader.take(&monitor.until("what ip says", |_| true)[0]);
        }
        assert!(dropped_by_the_kernel() > 0, "it must have lost some");
    }

    fn with_a_large_buffer_nothing_is_lost(namespace) {
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
        let driver = Driver::new().unwrap();
        for _ in 0..20 {
            namespace.ip_batch(&changes(&mut numbers, 50));
            until_true(&driver, namespace);
        }
        assert_eq!((driver.lost_notifications(), driver.resyncs()), (0, 0));
    }

    /// R-GEN-7
    fn while_addresses_change_all_the_time_belief_follows(namespace) {
        namespace.ip("link add a0 type veth peer name b0");
        let mut commands = String::new();
        for n in 0..1000 {
            writeln!(commands, "addr add 10.0.{}.{}/32 dev a0", n / 250, n % 250 + 1).unwrap();
        }
        namespace.ip_batch(&commands);
        let driver = Driver::new().unwrap();
        // An address of narrower scope goes before all others. When it leaves, they move up, and a dump that
        // is under way misses one.
        let storm = "addr add 192.0.2.1/32 scope link dev a0\naddr del 192.0.2.1/32 dev a0\n".repeat(5_000);
        for _ in 0..5 {
            std::thread::scope(|scope| {
                let storm = scope.spawn(|| namespace.ip_batch(&storm));
                while !storm.is_finished() {
                    let before = driver.resyncs();
                    driver.handle(netsession_core::Input::Update {}).unwrap();
                    until(&driver, "the dump", |driver| driver.resyncs() > before || storm.is_finished());
                }
            });
            until_true(&driver, namespace);
        }
    }

    /// R-REG-7
    fn a_thousand_links_are_listed_and_updated(namespace) {
        let mut commands = String::new();
        (0..500).for_each(|n| writeln!(commands, "link add a{n} type veth peer name b{n}").unwrap());
        namespace.ip_batch(&commands);
        let driver = Driver::new().unwrap();
        assert_eq!(driver.manager().configurations(None).count(), 1000);
        namespace.ip("link set group 0 up");
        catch_up(&driver);
        driver.handle(netsession_core::Input::Update {}).unwrap();
        until(&driver, "the update", |driver| announced(driver).iter().any(|line| line.contains("update")));
        until_true(&driver, namespace);
    }
}
