//! The requests that the back end sends, as bytes.

use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressProtocol, CacheInfo};
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage, Prop};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteScope, RouteType, RouteVia,
};
use netlink_packet_route::stats::{StatsFilterMask, StatsMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netsession_core::InterfaceAddress;

use super::routes::{DefaultRoute, Family, PROTOCOL};

/// All links, without their statistics.
pub(crate) fn dump_links(sequence: u32) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    bytes(sequence, NLM_F_DUMP, RouteNetlinkMessage::GetLink(message))
}

/// All addresses, or those of one link.
pub(crate) fn dump_addresses(sequence: u32, index: Option<u32>) -> Vec<u8> {
    let mut message = AddressMessage::default();
    message.header.index = index.unwrap_or(0);
    bytes(sequence, NLM_F_DUMP, RouteNetlinkMessage::GetAddress(message))
}

/// Sets a link administratively up or down.
pub(crate) fn set_up(sequence: u32, index: u32, up: bool) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    message.header.change_mask = LinkFlags::Up;
    bytes(sequence, NLM_F_ACK, RouteNetlinkMessage::SetLink(message))
}

/// Gives a link one more name. One that some link has already is refused.
pub(crate) fn add_alternative_name(sequence: u32, index: u32, name: String) -> Vec<u8> {
    let message = RouteNetlinkMessage::NewLinkProp(alternative_name(index, name));
    bytes(sequence, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, message)
}

/// Takes a name from a link that is not its first.
pub(crate) fn remove_alternative_name(sequence: u32, index: u32, name: String) -> Vec<u8> {
    bytes(sequence, NLM_F_ACK, RouteNetlinkMessage::DelLinkProp(alternative_name(index, name)))
}

fn alternative_name(index: u32, name: String) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::PropList(vec![Prop::AltIfName(name)]));
    message
}

/// How an address is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Marked as ours.
    pub(crate) is_marked: bool,
    /// After so many seconds the kernel takes it back; `None`: never.
    pub(crate) lifetime_seconds: Option<u32>,
    /// It may be there already, and gets this lifetime anew. Otherwise one that is there is refused.
    pub(crate) is_again: bool,
}

/// Gives a link an address.
pub(crate) fn give_address(sequence: u32, index: u32, address: InterfaceAddress, how: Manner) -> Vec<u8> {
    let mut message = address_message(index, address);
    let mark = AddressAttribute::Protocol(AddressProtocol::from(PROTOCOL));
    message.attributes.extend(how.is_marked.then_some(mark));
    message.attributes.extend(how.lifetime_seconds.map(|seconds| {
        let mut lifetime = CacheInfo::default();
        // It is as good as new until its end: one that is not preferred any more is of no use here.
        (lifetime.ifa_valid, lifetime.ifa_preferred) = (seconds, seconds);
        AddressAttribute::CacheInfo(lifetime)
    }));
    let flags = NLM_F_CREATE | if how.is_again { NLM_F_REPLACE } else { NLM_F_EXCL };
    bytes(sequence, NLM_F_ACK | flags, RouteNetlinkMessage::NewAddress(message))
}

/// Takes an address from a link.
pub(crate) fn remove_address(sequence: u32, index: u32, address: InterfaceAddress) -> Vec<u8> {
    bytes(sequence, NLM_F_ACK, RouteNetlinkMessage::DelAddress(address_message(index, address)))
}

/// The byte counters of a link.
pub(crate) fn counters(sequence: u32, index: u32) -> Vec<u8> {
    let mut message = StatsMessage::default();
    message.header.ifindex = index;
    message.header.filter_mask = StatsFilterMask::Link64;
    bytes(sequence, 0, RouteNetlinkMessage::GetStats(message))
}

/// The routes of a family in the main table, or only those of ours.
pub(crate) fn dump_routes(sequence: u32, family: Family, is_ours: bool) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    if is_ours {
        message.header.protocol = PROTOCOL.into();
    }
    bytes(sequence, NLM_F_DUMP, RouteNetlinkMessage::GetRoute(message))
}

/// Adds a default route of ours beside those that there are. One that is quite the same is refused.
pub(crate) fn add_route(sequence: u32, route: &DefaultRoute) -> Vec<u8> {
    let message = RouteNetlinkMessage::NewRoute(route_message(route));
    bytes(sequence, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, message)
}

/// Adds a default route of ours where none of that metric is.
pub(crate) fn add_only_route(sequence: u32, route: &DefaultRoute) -> Vec<u8> {
    let message = RouteNetlinkMessage::NewRoute(route_message(route));
    bytes(sequence, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, message)
}

/// Puts a default route of ours in the place of the one of the same metric, in one step: whoever looks for
/// a route finds the one or the other.
pub(crate) fn replace_route(sequence: u32, route: &DefaultRoute) -> Vec<u8> {
    let message = RouteNetlinkMessage::NewRoute(route_message(route));
    bytes(sequence, NLM_F_ACK | NLM_F_REPLACE, message)
}

/// Takes a default route of ours away.
pub(crate) fn remove_route(sequence: u32, route: &DefaultRoute) -> Vec<u8> {
    bytes(sequence, NLM_F_ACK, RouteNetlinkMessage::DelRoute(route_message(route)))
}

fn route_message(route: &DefaultRoute) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(route.family);
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = PROTOCOL.into();
    message.header.kind = RouteType::Unicast;
    // Whoever has no gateway is on the link itself.
    let is_on_link = route.gateway.is_none() && route.family == Family::V4;
    message.header.scope = if is_on_link { RouteScope::Link } else { RouteScope::Universe };
    message.attributes.push(RouteAttribute::Oif(route.index));
    message.attributes.push(RouteAttribute::Priority(route.metric));
    let source = route.source.map(RouteAddress::from);
    message.attributes.extend(source.map(RouteAttribute::PrefSource));
    message.attributes.extend(route.gateway.map(|gateway| match (route.family, gateway) {
        (Family::V4, IpAddr::V6(gateway)) => RouteAttribute::Via(RouteVia::Inet6(gateway)),
        (Family::V4 | Family::V6, gateway) => RouteAttribute::Gateway(RouteAddress::from(gateway)),
    }));
    message
}

const fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

fn address_message(index: u32, address: InterfaceAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match address.address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = address.prefix_length;
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.push(AddressAttribute::Address(address.address));
    message
}

fn bytes(sequence: u32, flags: u16, message: RouteNetlinkMessage) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.sequence_number = sequence;
    header.flags = NLM_F_REQUEST | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
