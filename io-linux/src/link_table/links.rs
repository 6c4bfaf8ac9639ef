//! The kernel's links as its messages tell them, and nothing else: no level, no identifier.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netsession_core::{Identifier, InterfaceAddress, LinkState};

use super::identifiers::Makes;
use super::kind::Class;
use crate::configuration::{HARDWARE, known_kind};
use crate::netlink::routes::PROTOCOL;
use crate::netlink::{Message, attributes, ip, messages, text_of, u16_at, u32_at};
use crate::rtnetlink::Mark;

// linux/rtnetlink.h
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
// linux/if_link.h
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_WIRELESS: u16 = 11;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PARENT_DEV_NAME: u16 = 56;
const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;
// linux/if_addr.h
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_PROTO: u16 = 11;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_DEPRECATED: u32 = 0x20;
const IFA_F_TENTATIVE: u32 = 0x40;
// linux/if.h
const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;
const IFF_POINTOPOINT: u32 = 0x10;
const IFF_NOARP: u32 = 0x80;
const IFF_RUNNING: u32 = 0x40;
const IFF_LOWER_UP: u32 = 0x1_0000;
const AF_UNSPEC: u8 = 0;
// linux/if.h, linux/netdevice.h; without the zero byte behind them
const LONGEST_NAME_BYTES: usize = 15;
const LONGEST_ALTERNATIVE_NAME_BYTES: usize = 127;
const LONGEST_HARDWARE_ADDRESS_BYTES: usize = 32;
/// A name of a directory in sysfs.
const LONGEST_DEVICE_NAME_BYTES: usize = 255;

/// Made by software, yet what traffic to the outside goes through: these count for being online. All
/// other kinds (bridge, veth, tun …) do not; what has no kind is hardware.
const KINDS_LIKE_HARDWARE: [&[u8]; 10] =
    [b"bond", b"team", b"vlan", b"macvlan", b"ipvlan", b"ppp", b"wwan", b"rmnet", b"dsa", b"virt_wifi"];

/// All links of a network namespace but loopback, by their index.
///
/// What no kernel says is not believed: an index or a name that a link cannot have, a prefix that is longer
/// than its address.
#[derive(Clone, Debug, Default)]
pub struct Links {
    pub(super) by_index: BTreeMap<u32, Link>,
    /// Of these links.
    pub(super) makes: Makes,
    /// Addresses that a start gave, of this run or of another one.
    pub(super) marked: BTreeSet<(u32, InterfaceAddress)>,
    /// Links that got or lost alternative names, or have another hardware address.
    pub(super) relabelled: Vec<u32>,
}

/// One link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) name: Identifier,
    /// The one that it has now; nothing if it has none.
    pub(super) hardware_address: Box<[u8]>,
    /// What few links have.
    pub(super) rare: Option<Box<Rare>>,
    /// The usable ones, in order.
    pub(super) addresses: Vec<Address>,
    flags: u32,
    /// When it was taken down.
    pub(super) had_carrier: bool,
    /// ARPHRD_…
    pub(super) layer: u16,
    /// What made it, as the configuration names kinds.
    pub(super) kind: &'static str,
    pub(super) is_virtual: bool,
    /// Filled in by the table.
    pub(super) listing: Option<Listing>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rare {
    pub(super) permanent: Option<Identifier>,
    pub(super) parent: Option<Identifier>,
    pub(super) alternative_names: Vec<Identifier>,
    /// That a run of ours brought it up.
    pub(super) mark: Option<Mark>,
}

/// What the core was told of a link.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) id: Identifier,
    /// The table of the configuration that it belongs to.
    pub(super) table: Option<Identifier>,
    /// As the kernel says.
    pub(super) class: Class,
    pub(super) level: LinkState,
    /// Something else than the level has changed since.
    pub(super) is_dirty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    local: InterfaceAddress,
    /// The other end, where it tells addresses apart: not of IPv6, where a new end takes the place of the old
    /// without a word of that.
    peer: Option<IpAddr>,
}

/// What a message changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added { index: u32 },
    Removed { index: u32 },
    Renamed { index: u32 },
    Flags { index: u32 },
    Addresses { index: u32 },
}

impl Link {
    pub(super) const fn is_up(&self) -> bool {
        self.flags & IFF_UP != 0
    }

    /// Operational. IFF_LOWER_UP alone is not: an access point shows it before it lets anyone in. But
    /// without it IFF_RUNNING only says that the kernel has not yet looked at a link that is new.
    pub(super) const fn has_carrier(&self) -> bool {
        self.flags & (IFF_RUNNING | IFF_LOWER_UP) == IFF_RUNNING | IFF_LOWER_UP
    }

    pub(super) const fn needs_no_gateway(&self) -> bool {
        self.flags & (IFF_POINTOPOINT | IFF_NOARP) != 0
    }

    pub(super) fn permanent(&self) -> Option<&Identifier> {
        self.rare.as_ref()?.permanent.as_ref()
    }

    pub(super) fn parent(&self) -> Option<&Identifier> {
        self.rare.as_ref()?.parent.as_ref()
    }

    pub(super) fn alternative_names(&self) -> &[Identifier] {
        self.rare.as_ref().map_or(&[], |rare| &rare.alternative_names)
    }

    /// Whether this can be the link that `other` was: what a link is made of does not change.
    pub(super) fn is_same_make(&self, other: &Self) -> bool {
        (self.layer, self.is_virtual, self.permanent(), self.parent())
            == (other.layer, other.is_virtual, other.permanent(), other.parent())
    }

    pub(super) fn usable_addresses(&self) -> Vec<InterfaceAddress> {
        let mut addresses: Vec<_> = self.addresses.iter().map(|address| address.local).collect();
        // Addresses that differ in the other end only.
        addresses.dedup();
        addresses
    }
}

impl Links {
    /// Takes in a datagram of a dump, or of notifications that came while it ran.
    pub fn take_in(&mut self, datagram: &[u8]) {
        for message in messages(datagram) {
            self.take_message(&message);
        }
    }

    /// `true` if a link has come or gone.
    pub(crate) fn take_message(&mut self, message: &Message<'_>) -> bool {
        let change = self.apply(message);
        if let Some(Change::Removed { index }) = change {
            self.remove(index);
        }
        matches!(change, Some(Change::Added { .. } | Change::Removed { .. }))
    }

    /// The link whose addresses a message is about.
    pub(crate) fn addresses_named_by(message: &Message<'_>) -> Option<u32> {
        matches!(message.kind, RTM_NEWADDR | RTM_DELADDR).then(|| u32_at(message.payload, 4)).flatten()
    }

    pub(crate) fn contains(&self, index: u32) -> bool {
        self.by_index.contains_key(&index)
    }

    /// Forgets all addresses, to take them in anew.
    pub fn forget_addresses(&mut self) {
        self.marked.clear();
        for link in self.by_index.values_mut() {
            link.addresses.clear();
        }
    }

    /// Forgets the addresses of one link.
    pub fn forget_addresses_of(&mut self, index: u32) {
        self.marked.retain(|(marked, _)| *marked != index);
        if let Some(link) = self.by_index.get_mut(&index) {
            link.addresses.clear();
        }
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Link> {
        let link = self.by_index.remove(&index)?;
        self.makes.discount(&link);
        self.marked.retain(|(marked, _)| *marked != index);
        Some(link)
    }

    pub(super) fn apply(&mut self, message: &Message<'_>) -> Option<Change> {
        match message.kind {
            RTM_NEWLINK => self.new_link(message.payload),
            RTM_DELLINK => self.delete_link(message.payload),
            RTM_NEWADDR => self.address(message.payload, true),
            RTM_DELADDR => self.address(message.payload, false),
            _ => None,
        }
    }

    fn new_link(&mut self, payload: &[u8]) -> Option<Change> {
        let header = LinkHeader::read(payload)?;
        if header.flags & IFF_LOOPBACK != 0 {
            return None;
        }
        let index = header.index;
        let mut seen = Attributes::read(payload.get(LinkHeader::LENGTH..)?);
        let Some(link) = self.by_index.get_mut(&index) else {
            let link = seen.into_link(&header)?;
            self.makes.count(&link);
            self.by_index.insert(index, link);
            return Some(Change::Added { index });
        };
        let changed_flags = (link.flags ^ header.flags) & (IFF_UP | IFF_RUNNING | IFF_LOWER_UP) != 0;
        if link.is_up() && header.flags & IFF_UP == 0 {
            link.had_carrier = link.has_carrier();
        }
        link.flags = header.flags;
        // What wireless drivers say by the way names little more than the link.
        if !seen.is_wireless_event {
            self.makes.discount(link);
            let old = std::mem::replace(&mut link.rare, seen.take_rare());
            self.makes.count(link);
            if old.as_ref().map_or(&[][..], |rare| &rare.alternative_names) != link.alternative_names() {
                self.relabelled.push(index);
            }
        }
        if let Some(address) = seen.hardware_address.filter(|address| **address != *link.hardware_address) {
            link.hardware_address = address.into();
            self.relabelled.push(index);
        }
        match seen.name.filter(|name| *name != link.name) {
            Some(name) => {
                link.name = name;
                Some(Change::Renamed { index })
            }
            None => changed_flags.then_some(Change::Flags { index }),
        }
    }

    fn delete_link(&mut self, payload: &[u8]) -> Option<Change> {
        let index = LinkHeader::read(payload)?.index;
        // Whoever asked takes it out when all has been said.
        self.by_index.contains_key(&index).then_some(Change::Removed { index })
    }

    fn address(&mut self, payload: &[u8], is_new: bool) -> Option<Change> {
        const HEADER_LENGTH: usize = 8;
        let [family, prefix_length, flags, ..] = *payload else { return None };
        let index = u32_at(payload, 4)?;
        let link = self.by_index.get_mut(&index)?;
        let (mut local, mut other, mut flags, mut is_marked) = (None, None, u32::from(flags), false);
        for (kind, value) in attributes(payload.get(HEADER_LENGTH..)?) {
            match kind {
                IFA_LOCAL => local = ip(family, value),
                IFA_ADDRESS => other = ip(family, value),
                IFA_FLAGS => flags = u32_at(value, 0).unwrap_or(flags),
                IFA_PROTO => is_marked = value == [PROTOCOL],
                _ => {}
            }
        }
        let local = local.or(other)?;
        let peer = other.filter(|other| local.is_ipv4() && *other != local);
        let address = Address { local: InterfaceAddress::new(local, prefix_length)?, peer };
        match is_new && is_marked {
            true => drop(self.marked.insert((index, address.local))),
            false => drop(self.marked.remove(&(index, address.local))),
        }
        let is_usable = is_new
            && flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED) == 0
            && leads_outside(local);
        match (link.addresses.binary_search(&address), is_usable) {
            (Err(place), true) => link.addresses.insert(place, address),
            (Ok(place), false) => drop(link.addresses.remove(place)),
            (Ok(_), true) | (Err(_), false) => return None,
        }
        Some(Change::Addresses { index })
    }
}

struct LinkHeader {
    layer: u16,
    index: u32,
    flags: u32,
}

impl LinkHeader {
    const LENGTH: usize = 16;

    /// `None` for other families too: a bridge says by them that a port has left, not that a link has gone.
    fn read(payload: &[u8]) -> Option<Self> {
        let [AF_UNSPEC, ..] = *payload.get(..Self::LENGTH)? else { return None };
        // A positive one: the kernel's number is signed.
        let index = u32_at(payload, 4).filter(|index| (1..=i32::MAX.cast_unsigned()).contains(index))?;
        Some(Self { layer: u16_at(payload, 2)?, index, flags: u32_at(payload, 8)? })
    }
}

#[derive(Default)]
struct Attributes<'a> {
    name: Option<Identifier>,
    hardware_address: Option<&'a [u8]>,
    permanent: Option<Identifier>,
    parent: Option<Identifier>,
    alternative_names: Vec<Identifier>,
    mark: Option<Mark>,
    /// What the kernel calls the kind.
    kind: Option<&'static str>,
    is_virtual: bool,
    is_wireless_event: bool,
}

impl<'a> Attributes<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut seen = Self::default();
        let mut bus = None;
        for (kind, value) in attributes(bytes) {
            match kind {
                IFLA_IFNAME => seen.name = interface_name(value),
                IFLA_ADDRESS if value.len() <= LONGEST_HARDWARE_ADDRESS_BYTES => {
                    seen.hardware_address = Some(value);
                }
                IFLA_WIRELESS => seen.is_wireless_event = true,
                IFLA_LINKINFO => {
                    let kind = attributes(value).find(|(kind, _)| *kind == IFLA_INFO_KIND);
                    let word = kind.map(|(_, value)| until_zero(value));
                    seen.is_virtual = word.is_some_and(|word| !KINDS_LIKE_HARDWARE.contains(&word));
                    seen.kind = word.map(known_kind);
                }
                IFLA_PERM_ADDRESS => seen.permanent = hardware_address(value),
                IFLA_PARENT_DEV_NAME => seen.parent = name(value, LONGEST_DEVICE_NAME_BYTES),
                IFLA_PARENT_DEV_BUS_NAME => bus = name(value, LONGEST_DEVICE_NAME_BYTES),
                IFLA_PROP_LIST => {
                    let names = attributes(value).filter(|(kind, _)| *kind == IFLA_ALT_IFNAME);
                    let name = |(_, value)| name(value, LONGEST_ALTERNATIVE_NAME_BYTES);
                    // Our marks are no names that anybody gave it.
                    for name in names.filter_map(name) {
                        match Mark::read(&name) {
                            Some(mark) => seen.mark = Some(mark),
                            None => seen.alternative_names.push(name),
                        }
                    }
                }
                _ => {}
            }
        }
        // With its bus a device cannot be mistaken for an interface, whose name has no slash.
        seen.parent =
            seen.parent.map(|parent| format!("{}/{parent}", bus.as_deref().unwrap_or("device")).into());
        seen
    }

    fn take_rare(&mut self) -> Option<Box<Rare>> {
        let rare = Rare {
            permanent: self.permanent.take(),
            parent: self.parent.take(),
            alternative_names: std::mem::take(&mut self.alternative_names),
            mark: self.mark.take(),
        };
        (rare != Rare::default()).then(|| Box::new(rare))
    }

    fn into_link(mut self, header: &LinkHeader) -> Option<Link> {
        Some(Link {
            rare: self.take_rare(),
            name: self.name?,
            hardware_address: self.hardware_address.unwrap_or_default().into(),
            addresses: Vec::new(),
            flags: header.flags,
            had_carrier: false,
            layer: header.layer,
            kind: self.kind.unwrap_or(HARDWARE),
            is_virtual: self.is_virtual,
            listing: None,
        })
    }
}

fn name(value: &[u8], longest_bytes: usize) -> Option<Identifier> {
    let bytes = until_zero(value);
    (1..=longest_bytes).contains(&bytes.len()).then(|| Identifier::from(text_of(bytes)))
}

/// As the kernel allows them: each is a directory in sysfs.
fn interface_name(value: &[u8]) -> Option<Identifier> {
    let is_forbidden = |byte: char| byte.is_ascii_whitespace() || ['\x0b', '/', ':'].contains(&byte);
    name(value, LONGEST_NAME_BYTES)
        .filter(|name| !name.contains(is_forbidden) && ![".", ".."].contains(&name.as_str()))
}

fn until_zero(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// `52:54:00:12:34:56`; absent or all zero means that there is none.
fn hardware_address(value: &[u8]) -> Option<Identifier> {
    let is_one = value.len() <= LONGEST_HARDWARE_ADDRESS_BYTES && value.iter().any(|octet| *octet != 0);
    let octets = || value.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>();
    is_one.then(|| Identifier::from(octets().join(":")))
}

/// Others may answer to it. A link can have a multicast address, to listen to, and one of loopback's.
const fn leads_outside(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !is_link_local && !address.is_unspecified() && !address.is_multicast() && !address.is_loopback()
}
