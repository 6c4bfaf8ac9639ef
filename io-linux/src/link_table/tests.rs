//! Hand-built messages in, levels out.

mod naming;

use crate::netlink::attribute;
use std::time::{Duration, Instant};

use netsession_core::{BearerType, Capabilities, Identifier, Input, LinkState};

use super::{DeviceType, LinkTable, Links, Phase};

const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;
const LOWER_UP: u32 = 0x1_0000;
/// As the kernel says it once it has looked at the carrier.
const RUNNING: u32 = 0x40 | LOWER_UP;
const RUNNING_BY_DEFAULT: u32 = 0x40;
const TENTATIVE: u32 = 0x40;
const DEPRECATED: u32 = 0x20;
const FAILED: u32 = 0x08;
// ARPHRD_…
const PPP: u16 = 512;
const RAW_IP: u16 = 519;
const RADIOTAP: u16 = 803;
const NO_HEADER: u16 = 0xfffe;

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(payload);
    bytes
}

/// A link message, built up.
#[derive(Clone)]
struct Link {
    kind: u16,
    family: u8,
    index: u32,
    layer: u16,
    flags: u32,
    attributes: Vec<u8>,
}

impl Link {
    fn new(index: u32, name: &str, flags: u32) -> Self {
        Self { kind: NEW_LINK, family: 0, index, layer: 1, flags, attributes: Vec::new() }
            .with(3, name.as_bytes())
    }

    fn gone(index: u32) -> Self {
        Self { kind: DELETE_LINK, ..Self::new(index, "", 0) }
    }

    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.attributes.extend(attribute(kind, value));
        self
    }

    fn of_kind(self, kind: &str) -> Self {
        self.with(18, &attribute(1, kind.as_bytes()))
    }

    fn of_layer(self, layer: u16) -> Self {
        Self { layer, ..self }
    }

    fn permanent(self, last: u8) -> Self {
        self.with(54, &[2, 0, 0, 0, 0, last])
    }

    fn parent(self, device: &str) -> Self {
        self.with(56, device.as_bytes()).with(57, b"pci\0")
    }

    fn bytes(&self) -> Vec<u8> {
        let mut payload = vec![self.family, 0];
        payload.extend(self.layer.to_ne_bytes());
        payload.extend(self.index.to_ne_bytes());
        payload.extend(self.flags.to_ne_bytes());
        payload.extend([0; 4]);
        payload.extend(&self.attributes);
        message(self.kind, &payload)
    }
}

fn address(kind: u16, index: u32, text: &str, flags: u32) -> Vec<u8> {
    let (family, octets) = match text.parse().unwrap() {
        std::net::IpAddr::V4(ip) => (2, ip.octets().to_vec()),
        std::net::IpAddr::V6(ip) => (10, ip.octets().to_vec()),
    };
    let mut payload = vec![family, 24, 0, 0];
    payload.extend(index.to_ne_bytes());
    payload.extend(attribute(1, &octets));
    payload.extend(attribute(8, &flags.to_ne_bytes()));
    message(kind, &payload)
}

fn table(can_start: bool) -> LinkTable {
    LinkTable::new(can_start, |_, name| match name.get(..2)? {
        "wl" => Some(DeviceType::Wlan),
        "ww" => Some(DeviceType::Wwan),
        "bn" => Some(DeviceType::Bluetooth),
        _ => None,
    })
}

fn inputs(table: &mut LinkTable) -> Vec<Input> {
    std::iter::from_fn(|| table.next_input()).collect()
}

fn only_input(table: &mut LinkTable) -> Input {
    let [input]: [Input; 1] = inputs(table).try_into().unwrap();
    input
}

/// The inputs in short: `eth0=active`, `+eth0=defined`, `-eth0`, `eth0"name"`, `{eth0=active wl=defined}`.
#[expect(clippy::wildcard_enum_match_arm, reason = "a table says nothing else")]
fn words(table: &mut LinkTable) -> String {
    let words: Vec<String> = inputs(table)
        .iter()
        .map(|input| match input {
            Input::Observed(seen) => format!("{}={}", seen.id, seen.link),
            Input::Add(add) => format!("+{}={}", add.id, add.link),
            Input::Remove { id } => format!("-{id}"),
            Input::Change(change) => format!("{}{:?}", change.id, change.settings.name.as_deref().unwrap()),
            Input::Snapshot(entries) => {
                let seen = entries.iter().map(|e| format!("{}={}", e.observation.id, e.observation.link));
                format!("{{{}}}", seen.collect::<Vec<_>>().join(" "))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    words.join(" ")
}

fn fresh(datagrams: &[Vec<u8>]) -> Links {
    let mut links = Links::default();
    datagrams.iter().for_each(|datagram| links.take_in(datagram));
    links
}

/// Notifies and says what came of it.
fn after(table: &mut LinkTable, datagram: &[u8]) -> String {
    table.notify(datagram);
    words(table)
}

#[test]
fn levels_follow_flags_and_addresses() {
    for (can_start, flags, has_address, level) in [
        (true, 0, false, LinkState::Discovered),
        (true, 0, true, LinkState::Discovered),
        (false, 0, true, LinkState::Defined),
        (true, UP, true, LinkState::Defined),
        // What an access point shows before it lets anyone in.
        (true, UP | LOWER_UP, true, LinkState::Defined),
        (true, UP | RUNNING_BY_DEFAULT, true, LinkState::Defined),
        (true, UP | RUNNING, false, LinkState::Discovered),
        (false, UP | RUNNING, false, LinkState::Discovered),
        (false, UP | RUNNING, true, LinkState::Active),
    ] {
        let mut dump = vec![Link::new(2, "eth0", flags).bytes()];
        if has_address {
            dump.push(address(NEW_ADDRESS, 2, "192.0.2.7", 0));
        }
        // By a snapshot and by notifications.
        let mut table = table(can_start);
        table.adopt(fresh(&dump));
        assert_eq!(words(&mut table), format!("{{eth0={level}}}"), "{can_start} {flags:x} {has_address}");
        let mut table = LinkTable::new(can_start, |_, _| None);
        dump.iter().for_each(|datagram| table.notify(datagram));
        assert_eq!(table.level(2), Some(level), "{can_start} {flags:x} {has_address}");
    }
}

#[test]
fn only_usable_addresses_make_a_link_active() {
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(2, "eth0", UP | RUNNING).bytes()]));
    assert_eq!(words(&mut table), "{eth0=discovered}");
    for (text, flags) in [
        ("2001:db8::1", TENTATIVE),
        ("2001:db8::1", DEPRECATED),
        ("2001:db8::1", FAILED),
        ("fe80::1", 0),
        ("169.254.1.1", 0),
    ] {
        assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, text, flags)), "", "{text} {flags:x}");
    }
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "2001:db8::1", 0)), "eth0=active");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "2001:db8::1", DEPRECATED)), "eth0=discovered");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "192.0.2.7", 0)), "eth0=active");
    assert_eq!(after(&mut table, &address(DELETE_ADDRESS, 2, "192.0.2.7", 0)), "eth0=discovered");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 99, "192.0.2.7", 0)), "", "no such link");
}

#[test]
fn every_level_is_told_at_once_and_addresses_once_per_flush() {
    let mut table = table(true);
    let up = Link::new(2, "eth0", UP | RUNNING).bytes();
    let cut = Link::new(2, "eth0", UP).bytes();
    table.adopt(fresh(&[up.clone(), address(NEW_ADDRESS, 2, "192.0.2.7", 0)]));
    inputs(&mut table);
    let flaps = [cut.clone(), up.clone(), cut, up].concat();
    assert_eq!(after(&mut table, &flaps), "eth0=defined eth0=active eth0=defined eth0=active");
    for last in 8..=99 {
        assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, &format!("192.0.2.{last}"), 0)), "");
    }
    table.flush();
    let Input::Observed(seen) = only_input(&mut table) else { panic!() };
    let interface = seen.interface.unwrap();
    assert_eq!((interface.index, interface.name.as_str(), interface.addresses.len()), (2, "eth0", 93));
    table.flush();
    assert_eq!(words(&mut table), "");
}

#[test]
fn our_start_is_connecting_until_it_is_done_or_over() {
    let now = Instant::now();
    let late = now + Duration::from_secs(30);
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(2, "eth0", 0).bytes()]));
    inputs(&mut table);
    table.begin(2, Phase::Starting, Some(late));
    assert_eq!(words(&mut table), "");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP).bytes()), "eth0=connecting");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP | RUNNING).bytes()), "");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "192.0.2.7", 0)), "eth0=active");
    assert_eq!(table.next_deadline(), None, "done");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP).bytes()), "eth0=defined", "a loss, no start");

    table.begin(2, Phase::Starting, Some(late));
    assert_eq!((words(&mut table).as_str(), table.next_deadline()), ("eth0=connecting", Some(late)));
    table.expire(now);
    assert_eq!(words(&mut table), "");
    table.expire(late);
    assert_eq!((words(&mut table).as_str(), table.next_deadline()), ("eth0=defined", None));

    table.begin(2, Phase::Starting, None);
    table.end(2);
    assert_eq!(words(&mut table), "eth0=connecting eth0=defined", "refused");
    table.notify(&Link::new(3, "eth1", UP).bytes());
    table.begin(3, Phase::Equipping, Some(late));
    table.equipped(3);
    table.notify(&Link::new(3, "eth1", UP | RUNNING).bytes());
    table.expire(late);
    assert_eq!((table.phase(3), table.next_deadline()), (Some(Phase::Starting), None), "there is carrier");
}

#[test]
fn a_link_that_is_still_to_get_its_route_is_connecting_whatever_it_has() {
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(2, "eth0", 0).bytes()]));
    inputs(&mut table);
    table.begin(2, Phase::Equipping, None);
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP | RUNNING).bytes()), "eth0=connecting");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "192.0.2.7", 0)), "");
    table.begin(2, Phase::Starting, None);
    assert_eq!((words(&mut table).as_str(), table.phase(2)), ("eth0=active", None));
}

#[test]
fn our_stop_is_closing_until_the_link_is_down_unless_it_cleans_up() {
    let mut table = table(true);
    let up = Link::new(2, "eth0", UP | RUNNING).bytes();
    table.adopt(fresh(&[up.clone(), address(NEW_ADDRESS, 2, "192.0.2.7", 0)]));
    inputs(&mut table);
    table.begin(2, Phase::Stopping, None);
    assert_eq!(words(&mut table), "eth0=closing");
    assert_eq!(after(&mut table, &address(DELETE_ADDRESS, 2, "192.0.2.7", 0)), "");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", 0).bytes()), "eth0=discovered");
    assert_eq!(after(&mut table, &up), "", "with carrier, but no address");
    assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, "192.0.2.7", 0)), "eth0=active", "done is done");

    after(&mut table, &Link::new(2, "eth0", UP).bytes());
    table.begin(2, Phase::Stopping, None);
    assert_eq!(words(&mut table), "", "below Connecting");
}

#[test]
fn a_link_that_had_carrier_is_taken_for_usable_while_it_comes_up_to_be_watched() {
    let now = Instant::now();
    let late = now + Duration::from_secs(5);
    let (down, no_carrier) = (Link::new(2, "eth0", 0).bytes(), Link::new(2, "eth0", UP).bytes());
    let mut table = table(true);
    table.adopt(fresh(std::slice::from_ref(&down)));
    inputs(&mut table);
    assert!(!table.had_carrier(2), "nobody knows");
    after(&mut table, &Link::new(2, "eth0", UP | RUNNING).bytes());
    after(&mut table, &down);
    assert!(table.had_carrier(2));
    table.begin(2, Phase::Returning, Some(late));
    assert_eq!(after(&mut table, &no_carrier), "", "still discovered");
    table.expire(now);
    assert_eq!(words(&mut table), "");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP | RUNNING).bytes()), "", "there it is");
    assert_eq!((table.phase(2), table.next_deadline()), (None, None));

    after(&mut table, &down);
    table.begin(2, Phase::Returning, Some(late));
    after(&mut table, &no_carrier);
    table.expire(late);
    assert_eq!(words(&mut table), "eth0=defined", "somebody has pulled the cable meanwhile");
    after(&mut table, &down);
    assert!(!table.had_carrier(2));
}

#[test]
fn links_come_and_go_but_loopback_is_none_and_a_bridge_port_that_leaves_is_not_gone() {
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(1, "lo", UP | RUNNING | LOOPBACK).bytes()]));
    assert_eq!(words(&mut table), "{}");
    assert_eq!(after(&mut table, &Link::new(1, "lo", UP | LOOPBACK).bytes()), "");
    assert_eq!(after(&mut table, &Link::new(2, "eth0", 0).bytes()), "+eth0=discovered");
    let mut port = Link::gone(2);
    port.family = 7;
    assert_eq!(after(&mut table, &port.bytes()), "");
    assert_eq!(after(&mut table, &Link::gone(2).bytes()), "-eth0");
    assert_eq!(after(&mut table, &Link::gone(2).bytes()), "");
    let mut links = fresh(&[Link::new(2, "eth0", 0).bytes(), Link::new(3, "eth1", 0).bytes()]);
    links.take_in(&Link::gone(2).bytes());
    table.adopt(links);
    assert_eq!(words(&mut table), "{eth1=discovered}");
}

#[test]
fn what_a_link_is_comes_from_its_kind() {
    let mut table = table(false);
    for (link, kind, bearer, counts) in [
        (Link::new(2, "eth0", 0), "ethernet", BearerType::Ethernet, true),
        (Link::new(3, "wlan0", 0), "wlan", BearerType::Wlan, true),
        (Link::new(4, "wl-not", 0).of_kind("veth"), "virtual (veth)", BearerType::Ethernet, false),
        (Link::new(5, "docker0", 0).of_kind("bridge"), "virtual (bridge)", BearerType::Ethernet, false),
        (Link::new(6, "bond0", 0).of_kind("bond"), "virtual (bond)", BearerType::Ethernet, true),
        // A monitor hears a wireless LAN, and is no way to the outside.
        (Link::new(7, "wlmon", 0).of_layer(RADIOTAP), "hardware", BearerType::Unknown, true),
        (Link::new(8, "wwan0", 0), "mobile", BearerType::Bearer3G, true),
        (Link::new(9, "wwan1", 0).of_layer(NO_HEADER), "mobile", BearerType::Bearer3G, true),
        (Link::new(10, "modem0", 0).of_layer(RAW_IP), "mobile", BearerType::Bearer3G, true),
        (Link::new(11, "modem1", 0).of_kind("wwan"), "mobile (wwan)", BearerType::Bearer3G, true),
        (Link::new(12, "ppp0", 0).of_layer(PPP).of_kind("ppp"), "virtual (ppp)", BearerType::Unknown, true),
        (Link::new(13, "line0", 0).of_layer(PPP), "hardware", BearerType::Unknown, true),
        (Link::new(14, "bnep0", 0), "bluetooth", BearerType::Bluetooth, true),
        (Link::new(15, "tap0", 0).of_kind("tun"), "vpn (tun)", BearerType::Unknown, false),
        (
            Link::new(16, "wg0", 0).of_layer(NO_HEADER).of_kind("wireguard"),
            "vpn (wireguard)",
            BearerType::Unknown,
            false,
        ),
        (Link::new(17, "new0", 0).of_kind("brandnew"), "virtual (other)", BearerType::Ethernet, false),
        (Link::new(18, "hwsim", 0).of_kind("virt_wifi"), "wlan (virt_wifi)", BearerType::Wlan, true),
    ] {
        table.notify(&link.bytes());
        assert_eq!(table.kind(link.index).unwrap().to_string(), kind);
        let Input::Add(add) = only_input(&mut table) else { panic!() };
        assert_eq!((add.settings.bearer, add.settings.counts_for_online), (Some(bearer), Some(counts)));
        assert_eq!(add.settings.loss_grace.is_some(), bearer == BearerType::Wlan);
        let capabilities = add.settings.capabilities.unwrap();
        assert!(!capabilities.intersects(
            Capabilities::CAN_START_AND_STOP_INTERFACES
                | Capabilities::SYSTEM_SESSION_SUPPORT
                | Capabilities::NETWORK_SESSION_REQUIRED
        ));
    }
}

#[test]
fn an_identifier_is_the_permanent_address_or_the_device_or_the_name() {
    let mut table = table(true);
    table.adopt(fresh(&[
        Link::new(2, "a", 0).permanent(1).parent("0000:00:03.0").bytes(),
        Link::new(3, "b", 0).permanent(2).parent("0000:00:04.0").bytes(),
        Link::new(4, "c", 0).permanent(2).parent("0000:00:05.0").bytes(),
        Link::new(5, "d", 0).permanent(2).parent("0000:00:05.0").bytes(),
        Link::new(6, "e", 0).with(54, &[0; 6]).bytes(),
    ]));
    let first =
        "{02:00:00:00:00:01=discovered pci/0000:00:04.0=discovered c=discovered d=discovered e=discovered}";
    assert_eq!(words(&mut table), first);
    // One that comes later changes nothing for those that are there.
    assert_eq!(after(&mut table, &Link::new(7, "f", 0).permanent(1).bytes()), "+f=discovered");
    assert_eq!(table.index_of("02:00:00:00:00:01"), Some(2));
    assert_eq!(after(&mut table, &Link::gone(2).bytes()), "-02:00:00:00:00:01");
    assert_eq!(after(&mut table, &Link::gone(7).bytes()), "-f");
    assert_eq!(
        after(&mut table, &Link::new(8, "g", 0).permanent(1).bytes()),
        "+02:00:00:00:00:01=discovered"
    );
}

#[test]
fn identifiers_survive_renames_and_stay_unique_also_in_the_next_dump() {
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(2, "a", 0).bytes()]));
    inputs(&mut table);
    assert_eq!(after(&mut table, &Link::new(2, "b", 0).bytes()), "a\"b\"");
    table.flush();
    let Input::Observed(seen) = only_input(&mut table) else { panic!() };
    assert_eq!((seen.id.as_str(), seen.interface.unwrap().name.as_str()), ("a", "b"));
    assert_eq!(after(&mut table, &Link::new(3, "a", 0).bytes()), "+a#2=discovered");
    assert_eq!(
        (table.named("a"), table.named("b")),
        (vec![Identifier::from("a#2")], vec![Identifier::from("a")])
    );
    let both = [Link::new(2, "b", 0).bytes(), Link::new(3, "a", 0).bytes()];
    table.adopt(fresh(&both));
    assert_eq!(words(&mut table), "{a=discovered a#2=discovered}");
    // The one that had the name has gone: what took it keeps what it has.
    assert_eq!(after(&mut table, &Link::gone(2).bytes()), "-a");
    table.adopt(fresh(&both[1..]));
    assert_eq!(words(&mut table), "{a#2=discovered}");
    // Another make under the same index is another link.
    table.adopt(fresh(&[Link::new(3, "c", 0).of_kind("veth").bytes()]));
    assert_eq!(words(&mut table), "{c=discovered}");
}

#[test]
fn alternative_names_find_a_link_and_a_wireless_event_does_not_take_them() {
    let mut table = table(true);
    let names = [attribute(53, b"enp0s3\0"), attribute(53, b"office\0")].concat();
    let link = Link::new(2, "eth0", UP | RUNNING).with(52 | 0x8000, &names);
    table.notify(&link.bytes());
    for name in ["eth0", "enp0s3", "office"] {
        assert_eq!(table.named(name), ["eth0"], "{name}");
    }
    table.notify(&Link::new(2, "eth0", UP | RUNNING).with(11, &[0; 8]).bytes());
    assert_eq!(table.named("office").len(), 1);
    table.notify(&Link::new(2, "eth0", UP | RUNNING).bytes());
    assert_eq!(table.named("office").len(), 0);
    assert_eq!(words(&mut table), "+eth0=discovered");
}

#[test]
fn a_snapshot_leaves_what_is_not_the_kernels_to_say() {
    let mut table = table(true);
    let dump = [Link::new(2, "wlan0", 0).bytes()];
    for is_first in [true, false] {
        table.adopt(fresh(&dump));
        let Input::Snapshot(entries) = only_input(&mut table) else { panic!() };
        let settings = &entries[0].settings;
        assert_eq!(settings.counts_for_online.is_some(), is_first);
        assert_eq!(settings.loss_grace.is_some(), is_first);
        assert_eq!(settings.name.as_deref(), Some("wlan0"));
    }
}

/// Numbers that look random and are the same every time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }
}

#[test]
fn no_bytes_make_it_fail() {
    let names = attribute(53, b"office\0");
    let good = [
        Link::new(2, "eth0", UP | RUNNING).permanent(1).parent("x").of_kind("veth").with(52, &names).bytes(),
        Link::gone(2).bytes(),
        address(NEW_ADDRESS, 2, "192.0.2.7", 0),
        address(NEW_ADDRESS, 2, "2001:db8::1", 0),
        address(DELETE_ADDRESS, 2, "192.0.2.7", 0),
    ];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut table = table(true);
    let mut told = 0;
    for round in 0..100_000 {
        let mut bytes = good[numbers.next() % good.len()].clone();
        for _ in 0..numbers.next() % 4 {
            let at = numbers.next() % bytes.len();
            bytes[at] = u8::try_from(numbers.next() % 256).unwrap();
        }
        bytes.truncate(bytes.len().saturating_sub(numbers.next() % 8 * (numbers.next() % 8)));
        table.notify(&bytes);
        table.flush();
        if round % 1000 == 0 {
            table.adopt(fresh(&[bytes]));
        }
        told += inputs(&mut table).len();
    }
    assert!(told > 5_000, "most of it was refused: {told}");
}

#[test]
fn what_no_kernel_says_is_not_believed() {
    let mut table = table(true);
    for index in [0, 1 << 31, u32::MAX] {
        assert_eq!(after(&mut table, &Link::new(index, "eth0", UP | RUNNING).bytes()), "", "{index}");
    }
    for name in ["", ".", "..", "a/b", "eth0:1", "a b", "a\x0bb", "sixteen-letters-"] {
        assert_eq!(after(&mut table, &Link::new(2, name, UP | RUNNING).bytes()), "", "{name:?}");
    }
    let cut = Link::new(2, "eth0", UP | RUNNING);
    assert_eq!(after(&mut table, &message(NEW_LINK, &cut.bytes()[16..28])), "", "half a header");
    assert_eq!(after(&mut table, &cut.bytes()), "+eth0=discovered");
    assert_eq!(after(&mut table, &Link::new(2, "a/b", UP | RUNNING).bytes()), "", "no other name");
    assert_eq!(after(&mut table, &message(DELETE_LINK, &Link::gone(2).bytes()[16..28])), "", "half a header");
    for (family, prefix, octets) in [(2, 33, &[192, 0, 2, 7][..]), (10, 129, &[1; 16]), (2, 24, &[192; 5])] {
        let payload = [&[family, prefix, 0, 0][..], &2_u32.to_ne_bytes(), &attribute(1, octets)].concat();
        assert_eq!(after(&mut table, &message(NEW_ADDRESS, &payload)), "", "{octets:?}/{prefix}");
    }
    let overlong = Link::new(3, "eth1", 0).with(54, &[2; 33]).with(56, &[b'x'; 256]).with(53, &[b'x'; 128]);
    assert_eq!(after(&mut table, &overlong.bytes()), "+eth1=discovered");
}

#[test]
fn every_name_and_prefix_that_a_kernel_does_allow_is_believed() {
    let mut table = table(true);
    let names =
        ["...", "a..b", "a\x01\x1b[3", "a\x7f", "a;,\"b", "-x", "%", "ü", "a\u{85}", "fifteen-letters"];
    for (index, name) in (2..).zip(names) {
        let said = after(&mut table, &Link::new(index, name, UP | RUNNING).bytes());
        assert_eq!((said, table.name_of(index)), (format!("+{name}=discovered"), Some(name)));
    }
    // No UTF-8; nor need it be, and two may look the same.
    for (index, octets, id) in [(50, b"\xff", "\u{fffd}"), (51, b"\xfe", "\u{fffd}#2")] {
        let bytes = Link { attributes: attribute(3, octets), ..Link::new(index, "", 0) }.bytes();
        assert_eq!(after(&mut table, &bytes), format!("+{id}=discovered"));
    }
    // Alternative names are not looked at.
    for name in ["a/b", "a b:c", "..", "\n", &"x".repeat(127)] {
        let link = Link::new(2, "...", UP | RUNNING).with(52, &attribute(53, name.as_bytes()));
        assert_eq!(after(&mut table, &link.bytes()), "");
        assert_eq!(table.named(name), ["..."], "{name:?}");
    }
    for (index, family, octets) in [(2, 2, &[192, 0, 2, 7][..]), (3, 10, &[0x20; 16])] {
        let header = [&[family, 0, 0, 0][..], &u32::to_ne_bytes(index)].concat();
        let datagram = message(NEW_ADDRESS, &[header, attribute(1, octets)].concat());
        assert_eq!(after(&mut table, &datagram), format!("{}=active", names[index as usize - 2]));
    }
    table.notify(&Link::new(i32::MAX.cast_unsigned(), "last", 0).bytes());
    assert_eq!(words(&mut table), "+last=discovered");
}

/// An address with another end.
fn address_to(kind: u16, local: &[u8], peer: &[u8]) -> Vec<u8> {
    let family = if local.len() == 4 { 2 } else { 10 };
    let header = [&[family, 32, 0, 0][..], &2_u32.to_ne_bytes()].concat();
    message(kind, &[header, attribute(2, local), attribute(1, peer)].concat())
}

#[test]
fn the_other_end_tells_addresses_of_ipv4_apart_and_is_changed_without_a_word_in_ipv6() {
    for (local, peers, left) in [
        (&[192, 0, 2, 7][..], [&[192, 0, 2, 8][..], &[192, 0, 2, 9]], ""),
        (&[0x20; 16], [&[0x21; 16], &[0x22; 16]], "eth0=discovered"),
    ] {
        let mut table = table(true);
        table.notify(&Link::new(2, "eth0", UP | RUNNING).bytes());
        for peer in peers {
            table.notify(&address_to(NEW_ADDRESS, local, peer));
        }
        assert_eq!(words(&mut table), "+eth0=discovered eth0=active");
        assert_eq!(after(&mut table, &address_to(DELETE_ADDRESS, local, peers[1])), left, "{local:?}");
    }
}

#[test]
fn an_address_by_which_nobody_outside_is_reached_makes_no_link_active() {
    let mut table = table(true);
    table.notify(&Link::new(2, "eth0", UP | RUNNING).bytes());
    inputs(&mut table);
    for text in ["0.0.0.0", "127.0.0.2", "239.1.1.1", "::", "::1", "ff02::1:2"] {
        assert_eq!(after(&mut table, &address(NEW_ADDRESS, 2, text, 0)), "", "{text}");
    }
}

#[test]
fn a_link_that_changes_what_it_is_made_of_leaves_nothing_behind_when_it_goes() {
    let mut table = table(true);
    table.notify(&Link::new(2, "a", 0).permanent(1).bytes());
    table.notify(&Link::new(2, "a", 0).permanent(2).bytes());
    table.notify(&Link::gone(2).bytes());
    inputs(&mut table);
    for last in [1, 2] {
        let id = format!("+02:00:00:00:00:0{last}=discovered");
        assert_eq!(after(&mut table, &Link::new(2 + u32::from(last), "a", 0).permanent(last).bytes()), id);
    }
}

#[test]
fn nothing_is_under_way_on_a_link_that_is_gone() {
    let mut table = table(true);
    table.begin(2, Phase::Starting, Some(Instant::now()));
    assert_eq!((table.phase(2), table.next_deadline()), (None, None));
    assert_eq!(after(&mut table, &Link::new(2, "eth0", UP).bytes()), "+eth0=defined");
}
