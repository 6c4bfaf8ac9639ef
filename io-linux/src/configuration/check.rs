//! What a file may say, table by table, and what must hold between tables.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use netsession_core::{BearerType, Config, Identifier, InterfaceAddress, Purpose, ShutdownPolicy};

use super::matching::{CLASSES, KINDS, Pattern, Selector};
use super::parse::{Entry, Faults, Placed, Reader, Section, did_you_mean, meant};
use super::{AccessPoint, Addresses, Configuration, ServiceNetwork};

/// A file in which everything is explained, and nothing said: all of it is commented out.
pub const EXAMPLE: &str = include_str!("example.toml");

const TABLES: [&str; 4] = ["access-point", "service-network", "ignore", "driver"];
const SELECTORS: [&str; 5] = ["interface", "pattern", "mac", "path", "kind"];
const ACCESS_POINT: [&str; 18] = [
    "interface",
    "pattern",
    "mac",
    "path",
    "kind",
    "name",
    "bearer",
    "purpose",
    "metered",
    "device",
    "shutdown",
    "connect_timeout_ms",
    "counts_for_online",
    "addresses",
    "address",
    "gateway",
    "metric",
    "watch_carrier",
];
const SERVICE_NETWORK: [&str; 7] =
    ["members", "name", "purpose", "connect_timeout_ms", "hold_off_ms", "retry_after_ms", "answer_within_ms"];
const IGNORE: [&str; 3] = ["patterns", "kinds", "defaults"];
const GIVE_UP_AFTER: &str = "give_up_after";
const ANSWER_WITHIN: &str = "answer_within_ms";
pub(super) const NETWORK_MANAGER: &str = "network_manager";

type Place = fn(&mut Config) -> &mut Duration;
/// The constants that are spans.
pub(super) const SPANS: [(&str, Place); 7] = [
    ("hold_off_ms", |it| &mut it.hold_off),
    ("retry_after_ms", |it| &mut it.retry_after),
    ("rescue_answer_within_ms", |it| &mut it.rescue_answer_within),
    ("stop_timeout_ms", |it| &mut it.stop_timeout),
    ("update_timeout_ms", |it| &mut it.update_timeout),
    ("ask_timeout_ms", |it| &mut it.ask_timeout),
    ("rescue_grace_ms", |it| &mut it.rescue_grace),
];

const BEARERS_MEANT: [(&str, &str); 8] = [
    ("wifi", "wlan"),
    ("wi-fi", "wlan"),
    ("wireless", "wlan"),
    ("wired", "ethernet"),
    ("cable", "ethernet"),
    ("lan", "ethernet"),
    ("5g", "4g"),
    ("umts", "wcdma"),
];
const KINDS_MEANT: [(&str, &str); 11] = [
    ("wifi", "wlan"),
    ("wi-fi", "wlan"),
    ("wireless", "wlan"),
    ("wired", "ethernet"),
    ("physical", "hardware"),
    ("tap", "tun"),
    ("wg", "wireguard"),
    ("docker", "bridge"),
    ("modem", "mobile"),
    ("cellular", "mobile"),
    ("tunnel", "vpn"),
];
const ADDRESSES_MEANT: [(&str, &str); 5] =
    [("none", "external"), ("manual", "static"), ("auto", "slaac"), ("ra", "slaac"), ("dhcpv4", "dhcp")];

/// What `addresses` can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Static,
    Slaac,
    Dhcp,
    External,
}

const SOURCES: [(&str, Source); 4] = [
    ("static", Source::Static),
    ("slaac", Source::Slaac),
    ("dhcp", Source::Dhcp),
    ("external", Source::External),
];

pub(super) fn configuration(text: &str) -> Result<Configuration, Faults> {
    let mut reader = Reader::new(text);
    let document = reader.document();
    let root = Section::of_document(&document);
    for entry in root.entries().filter(|entry| !TABLES.contains(&entry.key)) {
        let message = match table_with(entry.key) {
            Some(tables) => format!("{} belongs to {tables}; put it below that", entry.key),
            None => format!("there is no table {:?}; {}", entry.key, meant(entry.key, &TABLES)),
        };
        reader.fault(entry.key_span, message);
    }
    let mut configuration = Configuration::default();
    if let Some(entry) = root.get("driver") {
        driver(&mut reader, &entry, &mut configuration);
    }
    if let Some(entry) = root.get("ignore") {
        ignored(&mut reader, &entry, &mut configuration);
    }
    let access_point_entries = named(&mut reader, &root, "access-point");
    let access_points: Vec<_> =
        access_point_entries.iter().filter_map(|entry| access_point(&mut reader, entry)).collect();
    check_selectors(&mut reader, &access_points);
    // The wrong ones included: who names them means them.
    let ids: Vec<&str> = access_point_entries.iter().map(|entry| entry.key).collect();
    let network_entries = named(&mut reader, &root, "service-network");
    let networks: Vec<&str> = network_entries.iter().map(|entry| entry.key).collect();
    for entry in network_entries {
        if ids.contains(&entry.key) {
            let message = format!("{:?} is already the name of an access point; choose another", entry.key);
            reader.fault(entry.key_span.clone(), message);
        }
        configuration.service_networks.extend(service_network(&mut reader, &entry, &ids, &networks));
    }
    configuration.access_points = access_points.into_iter().map(|it| it.value).collect();
    reader.end()?;
    Ok(configuration)
}

/// The tables that have this key, to be told to whom put it elsewhere.
pub(super) fn table_with(key: &str) -> Option<String> {
    let is_of_driver =
        [GIVE_UP_AFTER, NETWORK_MANAGER].contains(&key) || SPANS.iter().any(|(other, _)| *other == key);
    let tables: Vec<&str> = [
        ("[access-point.ID]", ACCESS_POINT.contains(&key)),
        ("[service-network.ID]", SERVICE_NETWORK.contains(&key)),
        ("[ignore]", IGNORE.contains(&key)),
        ("[driver]", is_of_driver),
    ]
    .into_iter()
    .filter_map(|(table, has)| has.then_some(table))
    .collect();
    (!tables.is_empty()).then(|| tables.join(" or "))
}

/// The tables below `[access-point]` or `[service-network]`.
fn named<'d>(reader: &mut Reader<'_>, root: &Section<'d>, kind: &str) -> Vec<Entry<'d>> {
    let Some(entry) = root.get(kind) else { return Vec::new() };
    let Some(section) = Section::of(&entry) else {
        let message =
            format!("{kind} is a table of tables: write [{kind}.ID], with a name of your own for ID");
        reader.fault(entry.span, message);
        return Vec::new();
    };
    let mut tables = Vec::new();
    for entry in section.entries() {
        let known = if kind == "access-point" { &ACCESS_POINT[..] } else { &SERVICE_NETWORK };
        if Section::of(&entry).is_none() && known.contains(&entry.key) {
            let message = format!("{} belongs to a table with a name: write [{kind}.ID] above it", entry.key);
            reader.fault(entry.key_span, message);
        } else if entry.key.is_empty() || entry.key.contains(char::is_control) {
            let message = format!("{:?} cannot be what something is called in [{kind}.ID]", entry.key);
            reader.fault(entry.key_span, message);
        } else {
            tables.push(entry);
        }
    }
    tables
}

fn driver(reader: &mut Reader<'_>, entry: &Entry<'_>, configuration: &mut Configuration) {
    let others = [ANSWER_WITHIN, GIVE_UP_AFTER, NETWORK_MANAGER];
    let known: Vec<&str> = SPANS.iter().map(|(key, _)| *key).chain(others).collect();
    let Some(section) = reader.section("[driver]".to_owned(), entry, &known) else { return };
    configuration.network_manager = reader.flag(&section, NETWORK_MANAGER).unwrap_or(true);
    let config = &mut configuration.driver;
    for (key, place) in SPANS {
        if let Some(span) = reader.milliseconds(&section, key) {
            *place(config) = span;
        }
    }
    config.answer_within = reader.milliseconds(&section, ANSWER_WITHIN).or(config.answer_within);
    if let Some(number) = reader.number(&section, GIVE_UP_AFTER, 0..=u32::MAX.into()) {
        config.give_up_after = u32::try_from(number.value).unwrap_or(u32::MAX);
    }
}

fn ignored(reader: &mut Reader<'_>, entry: &Entry<'_>, configuration: &mut Configuration) {
    let Some(section) = reader.section("[ignore]".to_owned(), entry, &IGNORE) else { return };
    let ignored = &mut configuration.ignored;
    for text in reader.texts(&section, "patterns").unwrap_or_default() {
        ignored.patterns.extend(pattern(reader, &text, "[ignore] patterns"));
    }
    for text in reader.texts(&section, "kinds").unwrap_or_default() {
        ignored.kinds.extend(kind(reader, &text, "[ignore] kinds"));
    }
    ignored.defaults = reader.flag(&section, "defaults").unwrap_or(true);
}

fn access_point(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Placed<AccessPoint>> {
    let section = reader.section(format!("[access-point.{}]", entry.key), entry, &ACCESS_POINT)?;
    let mut it = AccessPoint::new(entry.key, selector(reader, &section));
    it.name = reader.text(&section, "name").map(|text| text.value.to_owned());
    it.bearer = reader.word(&section, "bearer", &words(BearerType::ALL, BearerType::word), &BEARERS_MEANT);
    it.purpose = reader.word(&section, "purpose", &words(Purpose::ALL, Purpose::word), &[]);
    it.metered = reader.flag(&section, "metered");
    it.device = reader.text(&section, "device").map(|text| text.value.into());
    let policies = words(ShutdownPolicy::ALL, ShutdownPolicy::word);
    it.shutdown = reader.word(&section, "shutdown", &policies, &[("always", "last_close")]);
    it.connect_timeout = reader.milliseconds(&section, "connect_timeout_ms");
    it.counts_for_online = reader.flag(&section, "counts_for_online");
    it.addresses = addresses(reader, &section);
    it.metric = metric(reader, &section, &it.addresses);
    it.watch_carrier = reader.flag(&section, "watch_carrier");
    Some(Placed { value: it, span: section.span })
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<(&'static str, T)> {
    all.iter().map(|value| (word(*value), *value)).collect()
}

fn selector(reader: &mut Reader<'_>, section: &Section<'_>) -> Selector {
    let mut selector = Selector::default();
    let what = |key: &str| format!("{} {key}", section.name);
    if let Some(text) = reader.text(section, "interface") {
        selector.interface = interface(reader, &text, &what("interface"));
    }
    if let Some(text) = reader.text(section, "pattern") {
        selector.pattern = pattern(reader, &text, &what("pattern"));
    }
    if let Some(text) = reader.text(section, "mac") {
        selector.mac = mac(reader, &text, &what("mac"));
    }
    if let Some(text) = reader.text(section, "path") {
        selector.path = path(reader, &text, &what("path"));
    }
    if let Some(text) = reader.text(section, "kind") {
        selector.kind = kind(reader, &text, &what("kind"));
    }
    if !SELECTORS.iter().any(|key| section.has(key)) {
        let message = format!(
            "{} does not say which interface it is; give it one of {}",
            section.name,
            SELECTORS.join(", ")
        );
        reader.fault(section.span.clone(), message);
    }
    selector
}

fn interface(reader: &mut Reader<'_>, text: &Placed<&str>, what: &str) -> Option<Identifier> {
    /// Of an alternative name; a name has at most 15.
    const LONGEST_BYTES: usize = 127;
    let name = text.value;
    let problem = if name.contains(['*', '?', '[']) {
        format!("{what} cannot be {name:?}: it is one name; did you mean pattern = {name:?}?")
    } else if name.contains(char::is_whitespace) || name.contains(['/', ':']) {
        format!("{what} cannot be {name:?}: a name of an interface has no space, slash or colon")
    } else if name.len() > LONGEST_BYTES {
        format!(
            "{what} has {} bytes; a name of an interface has at most 15, an alternative name {LONGEST_BYTES}",
            name.len()
        )
    } else if name == "lo" {
        format!("{what} cannot be \"lo\": loopback is no access point")
    } else {
        return Some(name.into());
    };
    reader.fault(text.span.clone(), problem);
    None
}

fn pattern(reader: &mut Reader<'_>, text: &Placed<&str>, what: &str) -> Option<Pattern> {
    match Pattern::new(text.value) {
        Ok(pattern) => Some(pattern),
        Err((at, why)) => {
            let why = if text.value.contains("**") { "one * is enough" } else { why };
            let message = format!("{what} {:?} is no pattern: {why} (character {})", text.value, at + 1);
            reader.fault(text.span.clone(), message);
            None
        }
    }
}

fn mac(reader: &mut Reader<'_>, text: &Placed<&str>, what: &str) -> Option<Identifier> {
    /// Of Ethernet, and of InfiniBand.
    const OCTETS: RangeInclusive<usize> = 6..=20;
    let plain = text.value.to_lowercase().replace('-', ":");
    let octets: Vec<&str> = plain.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && octet.bytes().all(|byte| byte.is_ascii_hexdigit());
    let problem = if !octets.iter().all(is_octet) || !OCTETS.contains(&octets.len()) {
        format!("{what} {:?} is no hardware address, such as 52:54:00:12:34:56", text.value)
    } else if octets.iter().all(|octet| *octet == "00") {
        format!("{what} {:?} is the address of nothing", text.value)
    } else {
        return Some(plain.as_str().into());
    };
    reader.fault(text.span.clone(), problem);
    None
}

fn path(reader: &mut Reader<'_>, text: &Placed<&str>, what: &str) -> Option<Identifier> {
    let path = text.value;
    let is_one = |text: &str| {
        matches!(text.split_once('/'), Some((bus, device))
        if !bus.is_empty() && !device.is_empty() && !device.contains('/'))
    };
    if is_one(path) {
        return Some(path.into());
    }
    // As udev has it, and as sysfs has it.
    let device = path.rsplit('/').find(|part| part.contains(':'));
    let hint = match (path.split_once('-'), device.filter(|_| path.starts_with('/'))) {
        (_, Some(device)) => did_you_mean(&format!("pci/{device}")),
        (Some((bus, device)), None) if !path.contains('/') && !device.is_empty() => {
            did_you_mean(&format!("{bus}/{device}"))
        }
        _ => "it is a bus and a device, such as pci/0000:00:1f.6".to_owned(),
    };
    reader.fault(text.span.clone(), format!("{what} {path:?} is no device path; {hint}"));
    None
}

fn kind(reader: &mut Reader<'_>, text: &Placed<&str>, what: &str) -> Option<Identifier> {
    let known: Vec<&str> = CLASSES.into_iter().chain(KINDS).collect();
    if known.contains(&text.value) {
        return Some(text.value.into());
    }
    let alias = KINDS_MEANT.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value));
    let hint = alias.map_or_else(|| meant(text.value, &known), |(_, word)| did_you_mean(word));
    reader.fault(text.span.clone(), format!("{what} cannot be {:?}; {hint}", text.value));
    None
}

fn addresses(reader: &mut Reader<'_>, section: &Section<'_>) -> Addresses {
    let source = reader.word(section, "addresses", &SOURCES, &ADDRESSES_MEANT);
    let list = section.get("address");
    if let (Some(Source::Slaac | Source::External | Source::Dhcp), Some(entry)) = (source, &list) {
        let message =
            format!("{} address is for addresses = \"static\"; leave one of the two out", section.name);
        reader.fault(entry.key_span.clone(), message);
        return Addresses::External;
    }
    if let (Some(Source::Static), None, Some(entry)) = (source, &list, section.get("addresses")) {
        let message = format!(
            "{} addresses = \"static\" needs address = [\"192.0.2.7/24\"], with at least one",
            section.name
        );
        reader.fault(entry.span, message);
    }
    let gateways = gateways(reader, section, list.is_some());
    if list.is_none() {
        return match source {
            Some(Source::Slaac) => Addresses::Slaac,
            Some(Source::Dhcp) => Addresses::Dhcp,
            Some(Source::Static | Source::External) | None => Addresses::External,
        };
    }
    let addresses = own_addresses(reader, section);
    check_gateways(reader, section, &addresses, &gateways);
    Addresses::Static {
        addresses: addresses.into_iter().map(|it| it.value).collect(),
        gateways: gateways.into_iter().map(|it| it.value).collect(),
    }
}

fn own_addresses(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<Placed<InterfaceAddress>> {
    let texts = reader.texts(section, "address");
    if let (true, Some(entry)) = (section.has_empty_list("address"), section.get("address")) {
        reader.fault(entry.span, format!("{} address is empty; leave it out, or name one", section.name));
    }
    let mut addresses = Vec::new();
    for text in texts.unwrap_or_default() {
        let what = format!("{} address", section.name);
        match text.value.parse::<InterfaceAddress>() {
            Ok(value) if is_usable(value.address) => addresses.push(Placed { value, span: text.span }),
            Ok(value) => {
                let message = format!("{what} cannot be {value}: no link can be reached at it");
                reader.fault(text.span, message);
            }
            Err(_) => {
                let length = text.value.parse::<IpAddr>().map(|it| if it.is_ipv4() { 24 } else { 64 });
                let hint = length.map_or_else(
                    |_| "such as 192.0.2.7/24".to_owned(),
                    |length| did_you_mean(&format!("{}/{length}", text.value)),
                );
                let message =
                    format!("{what} {:?} is no address with a length of its prefix; {hint}", text.value);
                reader.fault(text.span, message);
            }
        }
    }
    addresses
}

fn is_usable(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_loopback()
}

fn gateways(reader: &mut Reader<'_>, section: &Section<'_>, has_address: bool) -> Vec<Placed<IpAddr>> {
    let Some(entry) = section.get("gateway") else { return Vec::new() };
    if !has_address {
        let message = format!("{} gateway is for static addresses; give it address, too", section.name);
        reader.fault(entry.key_span, message);
        return Vec::new();
    }
    let what = format!("{} gateway", section.name);
    let mut gateways: Vec<Placed<IpAddr>> = Vec::new();
    for text in reader.texts(section, "gateway").unwrap_or_default() {
        match text.value.parse::<IpAddr>() {
            Ok(value) if gateways.iter().any(|it| it.value.is_ipv4() == value.is_ipv4()) => {
                let family = if value.is_ipv4() { "IPv4" } else { "IPv6" };
                reader.fault(text.span, format!("{what} names two of {family}; one can be the default"));
            }
            Ok(value) if is_usable(value) => gateways.push(Placed { value, span: text.span }),
            Ok(_) | Err(_) => {
                let plain = text.value.split('/').next().unwrap_or_default();
                let is_address = plain != text.value && plain.parse::<IpAddr>().is_ok();
                let hint = if is_address { did_you_mean(plain) } else { "such as 192.0.2.1".to_owned() };
                reader.fault(text.span, format!("{what} {:?} is no address of a router; {hint}", text.value));
            }
        }
    }
    gateways
}

/// A router is asked on the link, so it is in one of its networks.
fn check_gateways(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    addresses: &[Placed<InterfaceAddress>],
    gateways: &[Placed<IpAddr>],
) {
    for gateway in gateways {
        let is_near = match gateway.value {
            IpAddr::V6(address) => address.is_unicast_link_local(),
            IpAddr::V4(_) => false,
        };
        let is_reached =
            is_near || addresses.iter().any(|address| is_in_network(gateway.value, address.value));
        if !is_reached && !addresses.is_empty() {
            let message = format!(
                "{} gateway {} is in no network of its addresses, so it cannot be reached",
                section.name, gateway.value
            );
            reader.fault(gateway.span.clone(), message);
        }
    }
}

/// Whether a network has an address.
pub(crate) fn is_in_network(address: IpAddr, network: InterfaceAddress) -> bool {
    // As 128 bits each, so that one comparison serves both; a shift by all of them leaves nothing.
    let (bits, own, length) = match (address, network.address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()) << 96, u128::from(b.to_bits()) << 96, 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let prefix_length = u32::from(network.prefix_length.min(length));
    (bits ^ own).checked_shr(128 - prefix_length).unwrap_or(0) == 0
}

fn metric(reader: &mut Reader<'_>, section: &Section<'_>, addresses: &Addresses) -> Option<u32> {
    let entry = section.get("metric")?;
    let metric = reader.number(section, "metric", 1..=u32::MAX.into())?;
    let has_gateway = matches!(addresses, Addresses::Static { gateways, .. } if !gateways.is_empty());
    if !has_gateway && !section.has("gateway") {
        let message =
            format!("{} metric is of the routes by its gateway; give it gateway, too", section.name);
        reader.fault(entry.key_span, message);
    }
    u32::try_from(metric.value).ok()
}

/// Two tables that say the same of which interface they are.
fn check_selectors(reader: &mut Reader<'_>, access_points: &[Placed<AccessPoint>]) {
    for (number, it) in access_points.iter().enumerate() {
        let others = access_points.get(..number).unwrap_or_default();
        let is_empty = it.value.selector == Selector::default();
        if let Some(other) =
            others.iter().find(|other| !is_empty && other.value.selector == it.value.selector)
        {
            let message = format!(
                "[access-point.{}] is the same interface as [access-point.{}]; leave one of them out",
                it.value.id, other.value.id
            );
            reader.fault(it.span.clone(), message);
        }
    }
}

fn service_network(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    ids: &[&str],
    networks: &[&str],
) -> Option<ServiceNetwork> {
    let section = reader.section(format!("[service-network.{}]", entry.key), entry, &SERVICE_NETWORK)?;
    let mut it = ServiceNetwork::new(entry.key, members(reader, &section, ids, networks));
    it.name = reader.text(&section, "name").map(|text| text.value.to_owned());
    it.purpose = reader.word(&section, "purpose", &words(Purpose::ALL, Purpose::word), &[]);
    it.connect_timeout = reader.milliseconds(&section, "connect_timeout_ms");
    it.hold_off = reader.milliseconds(&section, "hold_off_ms");
    it.retry_after = reader.milliseconds(&section, "retry_after_ms");
    it.answer_within = reader.milliseconds(&section, ANSWER_WITHIN);
    Some(it)
}

fn members(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    ids: &[&str],
    networks: &[&str],
) -> Vec<Identifier> {
    let name = &section.name;
    let Some(entry) = section.get("members") else {
        let message = format!("{name} has no members; name access points, most preferred first");
        reader.fault(section.span.clone(), message);
        return Vec::new();
    };
    let texts = reader.texts(section, "members");
    if section.has_empty_list("members") {
        let message = format!("{name} members is empty; name access points, most preferred first");
        reader.fault(entry.span, message);
    }
    let mut members = Vec::new();
    for text in texts.unwrap_or_default() {
        if ids.contains(&text.value) {
            members.push(text.value.into());
            continue;
        }
        let hint = match meant(text.value, ids) {
            hint if hint.ends_with('?') => hint,
            _ => format!("add it: [access-point.{}]", text.value),
        };
        let message = if networks.contains(&text.value) {
            format!(
                "{name} members has {:?}, which is a service network; members are access points",
                text.value
            )
        } else {
            format!("{name} members has {:?}, which is no access point in this file; {hint}", text.value)
        };
        reader.fault(text.span, message);
    }
    members
}
