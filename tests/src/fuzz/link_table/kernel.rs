//! A naive reader of rtnetlink: what the links are after these messages.
//!
//! It walks them with another library than the driver does, and works everything out each time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netlink_packet_core::{NetlinkBuffer, NlasIterator};
use netsession_core::{InterfaceAddress, LinkState};
use netsession_io_linux::link_table::Phase;

#[derive(Clone, Debug, Default)]
pub(super) struct Kernel {
    links: BTreeMap<u32, Link>,
}

#[derive(Clone, Debug)]
struct Link {
    name: String,
    flags: u32,
    /// With the other end, which tells equal ones of IPv4 apart.
    addresses: BTreeSet<(IpAddr, u8, IpAddr)>,
}

impl Kernel {
    pub(super) fn take_in(&mut self, datagram: &[u8]) {
        let mut rest = datagram;
        while let Ok(message) = NetlinkBuffer::new_checked(rest) {
            // Without what it must have, a message says nothing.
            let _: Option<()> = self.take_message(message.message_type(), message.payload());
            rest = rest.get(message.length().next_multiple_of(4) as usize..).unwrap_or_default();
        }
    }

    pub(super) fn forget_addresses(&mut self, of: impl Fn(u32) -> bool) {
        let links = self.links.iter_mut().filter(|(index, _)| of(**index));
        links.for_each(|(_, link)| link.addresses.clear());
    }

    pub(super) fn indexes(&self) -> Vec<u32> {
        self.links.keys().copied().collect()
    }

    pub(super) fn name(&self, index: u32) -> Option<&String> {
        Some(&self.links.get(&index)?.name)
    }

    pub(super) fn addresses(&self, index: u32) -> Vec<InterfaceAddress> {
        let addresses = self.links.get(&index).into_iter().flat_map(|link| &link.addresses);
        let distinct: BTreeSet<_> = addresses.map(|(address, prefix, _)| (*address, *prefix)).collect();
        distinct.into_iter().filter_map(|(address, prefix)| InterfaceAddress::new(address, prefix)).collect()
    }

    pub(super) fn level(&self, index: u32, phase: Option<Phase>, can_start: bool) -> Option<LinkState> {
        const UP: u32 = 0x1;
        const RUNNING: u32 = 0x40;
        const LOWER_UP: u32 = 0x1_0000;
        let link = self.links.get(&index)?;
        let has = |flag| link.flags & flag != 0;
        let has_carrier = has(RUNNING) && has(LOWER_UP);
        Some(match (has(UP), phase) {
            (false, _) if can_start => LinkState::Discovered,
            (false, _) => LinkState::Defined,
            (true, Some(Phase::Stopping)) => LinkState::Closing,
            (true, Some(Phase::Equipping)) => LinkState::Connecting,
            (true, _) if has_carrier && !link.addresses.is_empty() => LinkState::Active,
            (true, Some(Phase::Starting)) => LinkState::Connecting,
            (true, Some(Phase::Returning)) => LinkState::Discovered,
            (true, None) if has_carrier => LinkState::Discovered,
            (true, None) => LinkState::Defined,
        })
    }

    fn take_message(&mut self, kind: u16, payload: &[u8]) -> Option<()> {
        match kind {
            16 => self.new_link(payload),
            17 => self.links.remove(&link_index(payload)?).map(drop),
            20 => self.address(payload, true),
            21 => self.address(payload, false),
            _ => None,
        }
    }

    fn new_link(&mut self, payload: &[u8]) -> Option<()> {
        const LOOPBACK: u32 = 0x8;
        let index = link_index(payload)?;
        let flags = u32::from_ne_bytes(*payload.get(8..)?.first_chunk()?);
        if flags & LOOPBACK != 0 {
            return None;
        }
        let name = last(&attributes(payload.get(16..)?), 3).and_then(|value| interface_name(&value));
        match (self.links.get_mut(&index), name) {
            (Some(link), name) => {
                link.flags = flags;
                link.name = name.unwrap_or(std::mem::take(&mut link.name));
            }
            (None, name) => {
                self.links.insert(index, Link { name: name?, flags, addresses: BTreeSet::new() });
            }
        }
        Some(())
    }

    fn address(&mut self, payload: &[u8], is_new: bool) -> Option<()> {
        let [family, prefix, flags, _, index @ ..] = *payload.first_chunk::<8>()?;
        let link = self.links.get_mut(&u32::from_ne_bytes(index))?;
        let attributes = attributes(payload.get(8..)?);
        let read = |kind| last(&attributes, kind).and_then(|value| ip(family, &value));
        let local = read(2).or(read(1))?;
        InterfaceAddress::new(local, prefix)?;
        let words = attributes.iter().filter(|(kind, _)| *kind == 8);
        let flags = words
            .filter_map(|(_, value)| value.first_chunk().map(|flags| u32::from_ne_bytes(*flags)))
            .next_back()
            .unwrap_or(flags.into());
        // IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE
        let is_usable = is_new && flags & (0x08 | 0x20 | 0x40) == 0 && leads_outside(local);
        let address = (local, prefix, read(1).filter(IpAddr::is_ipv4).unwrap_or(local));
        if is_usable {
            link.addresses.insert(address);
        } else {
            link.addresses.remove(&address);
        }
        Some(())
    }
}

fn link_index(payload: &[u8]) -> Option<u32> {
    let [family, _, _, _, index @ ..] = *payload.first_chunk::<8>()?;
    let index = i32::from_ne_bytes(index);
    (family == 0 && payload.len() >= 16 && index > 0).then(|| index.cast_unsigned())
}

fn attributes(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    NlasIterator::new(bytes).map_while(Result::ok).map(|it| (it.kind(), it.value().to_vec())).collect()
}

fn last(attributes: &[(u16, Vec<u8>)], kind: u16) -> Option<Vec<u8>> {
    attributes.iter().rfind(|(other, _)| *other == kind).map(|(_, value)| value.clone())
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        2 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        10 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        _ => None,
    }
}

/// As the kernel checks it.
fn interface_name(value: &[u8]) -> Option<String> {
    let bytes: Vec<u8> = value.iter().copied().take_while(|byte| *byte != 0).collect();
    let is_forbidden = |byte: &u8| b"/: \t\n\x0b\x0c\r".contains(byte);
    let is_name = (1..=15).contains(&bytes.len()) && !bytes.iter().any(is_forbidden);
    (is_name && bytes != b"." && bytes != b"..").then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// Others may answer to it.
pub(super) fn leads_outside(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.octets().starts_with(&[169, 254]),
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    };
    !is_link_local && !address.is_unspecified() && !address.is_multicast() && !address.is_loopback()
}
