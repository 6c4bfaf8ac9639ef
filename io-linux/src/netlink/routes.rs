//! Default routes of the main table, read when somebody wants to know, and never kept.

use std::fmt;
use std::net::IpAddr;

use super::{
    Message, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NetlinkSocket, Received, answer, attributes, ip,
    messages, request, u16_at, u32_at,
};
use crate::Error;

/// Whose routes and addresses ours are, in `ip route` and `ip address`: a number that nobody has registered, and
/// the letter N. Both have one, RTA_PROTOCOL since ever and IFA_PROTO since Linux 5.18.
pub(crate) const PROTOCOL: u8 = 78;

// linux/rtnetlink.h
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTN_UNICAST: u8 = 1;
const RT_TABLE_MAIN: u32 = 254;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
/// struct rtmsg
const HEADER_LENGTH: usize = 12;
/// struct rtnexthop
const NEXT_HOP_LENGTH: usize = 8;

/// A dump that others change all the time is used as it is after so many attempts.
const ATTEMPTS: u32 = 5;

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            2 => Some(Self::V4),
            10 => Some(Self::V6),
            _ => None,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }
}

/// One way of a default route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DefaultRoute {
    pub(crate) family: Family,
    /// The interface that it goes by.
    pub(crate) index: u32,
    /// `None`: everybody is on the link itself.
    pub(crate) gateway: Option<IpAddr>,
    /// The lowest is taken.
    pub(crate) metric: u32,
    pub(crate) protocol: u8,
    /// Only while there is this address of the machine, which is what is sent by it has as its own. Not read.
    pub(crate) source: Option<IpAddr>,
}

impl DefaultRoute {
    /// A route of ours.
    pub(crate) const fn ours(family: Family, index: u32, gateway: Option<IpAddr>, metric: u32) -> Self {
        Self { family, index, gateway, metric, protocol: PROTOCOL, source: None }
    }

    pub(crate) const fn is_ours(&self) -> bool {
        self.protocol == PROTOCOL
    }

    /// The ways of the default route that a message is about; none if it is about something else.
    pub(crate) fn all_of(message: &Message<'_>) -> Vec<Self> {
        Self::read(message).unwrap_or_default()
    }

    fn read(message: &Message<'_>) -> Option<Vec<Self>> {
        if !matches!(message.kind, RTM_NEWROUTE | RTM_DELROUTE) {
            return None;
        }
        let [family, destination_length, source_length, _, table, protocol, _, RTN_UNICAST, ..] =
            *message.payload
        else {
            return None;
        };
        let family = Family::from_number(family).filter(|_| destination_length == 0 && source_length == 0)?;
        let attributes = message.payload.get(HEADER_LENGTH..)?;
        let mut seen = Way::default();
        let (mut metric, mut table, mut ways) = (0, u32::from(table), Vec::new());
        for (kind, value) in super::attributes(attributes) {
            match kind {
                RTA_PRIORITY => metric = u32_at(value, 0)?,
                RTA_TABLE => table = u32_at(value, 0)?,
                RTA_MULTIPATH => ways.extend(next_hops(family, value)),
                _ => seen.take(family, kind, value),
            }
        }
        ways.extend(seen.index.map(|_| seen));
        let route = |way: Way| {
            let Way { index, gateway } = way;
            Some(Self { family, index: index?, gateway, metric, protocol, source: None })
        };
        (table == RT_TABLE_MAIN).then(|| ways.into_iter().filter_map(route).collect())
    }
}

impl fmt::Display for DefaultRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        write!(f, "default route of {family}")?;
        if let Some(gateway) = self.gateway {
            write!(f, " by {gateway}")?;
        }
        write!(f, " (metric {})", self.metric)
    }
}

#[derive(Clone, Copy, Default)]
struct Way {
    index: Option<u32>,
    gateway: Option<IpAddr>,
}

impl Way {
    fn take(&mut self, family: Family, kind: u16, value: &[u8]) {
        match kind {
            RTA_OIF => self.index = u32_at(value, 0),
            RTA_GATEWAY => self.gateway = ip(family.number(), value),
            RTA_VIA => {
                // A family as a short number, then the address.
                let family = u16_at(value, 0).and_then(|family| u8::try_from(family).ok());
                self.gateway = family.and_then(|family| ip(family, value.get(2..)?));
            }
            _ => {}
        }
    }
}

fn next_hops(family: Family, mut bytes: &[u8]) -> Vec<Way> {
    let mut ways = Vec::new();
    while let Some(length) = u16_at(bytes, 0).map(usize::from)
        && let Some(inner) = bytes.get(NEXT_HOP_LENGTH..length)
    {
        let mut way = Way { index: u32_at(bytes, 4), gateway: None };
        attributes(inner).for_each(|(kind, value)| way.take(family, kind, value));
        ways.push(way);
        bytes = bytes.get(super::aligned(length)..).unwrap_or_default();
    }
    ways
}

/// All default routes of the main table, the best of each family first.
pub(crate) fn read(socket: &NetlinkSocket, buffer: &mut Vec<u8>) -> Result<Vec<DefaultRoute>, Error> {
    read_some(socket, buffer, false)
}

/// Those of ours.
pub(crate) fn read_ours(socket: &NetlinkSocket, buffer: &mut Vec<u8>) -> Result<Vec<DefaultRoute>, Error> {
    let mut routes = read_some(socket, buffer, true)?;
    // The kernel sorts them out only if it is strict.
    routes.retain(DefaultRoute::is_ours);
    Ok(routes)
}

fn read_some(
    socket: &NetlinkSocket,
    buffer: &mut Vec<u8>,
    is_ours: bool,
) -> Result<Vec<DefaultRoute>, Error> {
    let mut routes = Vec::new();
    for family in Family::ALL {
        for attempt in 1..=ATTEMPTS {
            let (mut some, is_whole) = dump(socket, buffer, &request::dump_routes(1, family, is_ours))?;
            if is_whole || attempt == ATTEMPTS {
                routes.append(&mut some);
                break;
            }
        }
    }
    routes.sort_by_key(|route| (route.family, route.metric));
    Ok(routes)
}

/// `false`: routes changed meanwhile, so that one may be missing.
fn dump(
    socket: &NetlinkSocket,
    buffer: &mut Vec<u8>,
    request: &[u8],
) -> Result<(Vec<DefaultRoute>, bool), Error> {
    const DOING: &str = "read the default routes";
    let (mut routes, mut is_whole) = (Vec::new(), true);
    socket.send(request).map_err(|e| Error::system(DOING, e))?;
    loop {
        // Each part is there when the one before it has been read.
        let length = match socket.receive(buffer).map_err(|e| Error::system(DOING, e))? {
            Received::Messages(length) => length,
            Received::Nothing | Received::Lost => {
                return Err(Error::system(DOING, rustix::io::Errno::NOBUFS));
            }
        };
        for message in messages(buffer.get(..length).unwrap_or_default()) {
            is_whole &= message.flags & NLM_F_DUMP_INTR == 0;
            if !matches!(message.kind, NLMSG_DONE | NLMSG_ERROR) {
                routes.extend(DefaultRoute::all_of(&message));
                continue;
            }
            return match answer(&message) {
                Ok(()) => Ok((routes, is_whole)),
                Err(failure) => Err(Error::Kernel { doing: DOING, reason: failure.to_string() }),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attribute;

    fn routes(header: [u8; 8], attributes: &[Vec<u8>]) -> Vec<DefaultRoute> {
        let payload = [&header[..], &[0; 4], &attributes.concat()].concat();
        DefaultRoute::all_of(&Message { kind: RTM_NEWROUTE, flags: 0, sequence: 1, payload: &payload })
    }

    #[test]
    fn only_default_routes_of_the_main_table_are_read() {
        let oif = attribute(RTA_OIF, &3_u32.to_ne_bytes());
        let gateway = attribute(RTA_GATEWAY, &[192, 0, 2, 1]);
        let priority = attribute(RTA_PRIORITY, &100_u32.to_ne_bytes());
        let all = [oif.clone(), gateway.clone(), priority];
        let [route] = routes([2, 0, 0, 0, 254, 4, 0, 1], &all)[..] else { panic!("there is one") };
        assert_eq!((route.index, route.metric, route.is_ours()), (3, 100, false));
        assert_eq!(route.gateway, Some([192, 0, 2, 1].into()));
        for (other, header) in [
            ("a network", [2, 24, 0, 0, 254, 4, 0, 1]),
            ("for some senders", [2, 0, 24, 0, 254, 4, 0, 1]),
            ("another table", [2, 0, 0, 0, 253, 4, 0, 1]),
            ("unreachable", [2, 0, 0, 0, 254, 4, 0, 7]),
            ("another family", [7, 0, 0, 0, 254, 4, 0, 1]),
        ] {
            assert!(routes(header, &all).is_empty(), "{other}");
        }
        let table = attribute(RTA_TABLE, &1000_u32.to_ne_bytes());
        assert!(routes([2, 0, 0, 0, 252, 4, 0, 1], &[oif.clone(), table]).is_empty());
        assert_eq!(
            routes([10, 0, 0, 0, 254, 78, 0, 1], &[oif])[0],
            DefaultRoute::ours(Family::V6, 3, None, 0)
        );
    }

    #[test]
    fn each_way_of_several_is_one_and_gateways_may_be_of_the_other_family() {
        let via = [&10_u16.to_ne_bytes()[..], &[0xfe, 0x80], &[0; 13], &[1]].concat();
        let hop = |index: u32, attributes: &[u8]| {
            let length = u16::try_from(NEXT_HOP_LENGTH + attributes.len()).unwrap();
            [&length.to_ne_bytes()[..], &[0, 0], &index.to_ne_bytes(), attributes].concat()
        };
        let hops = [hop(3, &attribute(RTA_GATEWAY, &[192, 0, 2, 1])), hop(4, &attribute(RTA_VIA, &via))];
        let found = routes([2, 0, 0, 0, 254, 4, 0, 1], &[attribute(RTA_MULTIPATH, &hops.concat())]);
        assert_eq!(found.iter().map(|route| route.index).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(found[1].gateway, Some("fe80::1".parse().unwrap()));
        for length in [0_u16, 7, 9, u16::MAX] {
            let hops = [&length.to_ne_bytes()[..], &[0; 6]].concat();
            assert!(routes([2, 0, 0, 0, 254, 4, 0, 1], &[attribute(RTA_MULTIPATH, &hops)]).is_empty());
        }
    }
}
