//! What a run that was killed has left behind, and who is still alive.
//!
//! All that a start or a watch does is marked in the kernel: addresses and routes by their protocol, and a link that was
//! down before by an alternative name, `netsession.INDEX`, with what `addr_gen_mode` was (see `hush`) behind it. And for
//! as long as a run has given a link something, it holds the name `netsession/link/INDEX` in the abstract namespace of
//! Unix sockets, which belongs to the network namespace and is free as soon as the process is gone, however it ended.
//!
//! A driver looks for marks once, in its first dump. What belongs to a run that is alive is left alone. A link that is
//! up and has just what a start would give it now is taken over: it is ours (R-X-54), and the last close takes it down.
//! Everything else is taken back: an address by DHCP, whose lease nobody keeps, half of what a start gives, what the
//! configuration does not say any more, and a link that was only watched.
//!
//! Whoever may open sockets in the network namespace can hold such a name: then nothing is taken over, and nothing taken
//! back. A kernel before 5.5 does not take the mark of a link, which then stays up; one before 5.18 not that of
//! addresses, which then stay.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use netsession_core::{Input, LinkState};

use super::Rtnetlink;
use super::hush::Hushed;
use super::jobs::{Action, Gift, Given, Job};
use crate::driver::FOLLOWING_METRIC;
use crate::netlink::routes::{self, DefaultRoute};
use crate::netlink::{Failure, NetlinkSocket, buffer, request};

/// A name that is held for as long as this lives.
#[derive(Debug)]
pub(super) struct Owner {
    _socket: UnixDatagram,
}

/// The alternative name of a link that was down before us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    index: u32,
    hushed: Option<Hushed>,
}

impl Owner {
    /// `None`: somebody else has it.
    pub(super) fn claim(index: u32) -> Option<Self> {
        Self::hold(&format!("netsession/link/{index}"))
    }

    /// Of the default route that follows a session.
    pub(super) fn claim_default_route() -> Option<Self> {
        Self::hold("netsession/default-route")
    }

    fn hold(name: &str) -> Option<Self> {
        let address = SocketAddr::from_abstract_name(name).ok()?;
        UnixDatagram::bind_addr(&address).ok().map(|socket| Self { _socket: socket })
    }
}

impl Mark {
    pub(super) fn new(index: u32, given: Option<&Given>) -> Self {
        Self { index, hushed: given.and_then(|given| given.hushed) }
    }

    /// `None` if the name is not one of our marks.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("netsession.")?.split('.');
        let index = parts.next()?.parse().ok()?;
        let hushed = parts.next().map(str::parse).transpose().ok()?.map(Hushed);
        parts.next().is_none().then_some(Self { index, hushed })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "netsession.{}", self.index)?;
        self.hushed.map_or(Ok(()), |Hushed(mode)| write!(f, ".{mode}"))
    }
}

impl Rtnetlink {
    /// Takes over, or takes back, what was left. The table is what the kernel says.
    pub(super) fn take_over(&mut self) {
        if !self.table.can_start() {
            return;
        }
        // What cannot be read now is found by the next run.
        let routes =
            NetlinkSocket::unpolled(&[]).and_then(|socket| self.routes_left(&socket)).unwrap_or_default();
        let marked = self.table.marked_links().chain(routes.iter().map(|route| route.index));
        for index in marked.collect::<BTreeSet<u32>>() {
            let Some(id) = self.table.id_of(index).cloned() else { continue };
            let Some(owner) = Owner::claim(index) else { continue };
            let mark = self.table.mark_of(index);
            let addresses = self.table.addresses_marked(index).into_iter().map(Gift::Address);
            let of_link = routes.iter().filter(|route| route.index == index).copied().map(Gift::DefaultRoute);
            let given = Given {
                gifts: addresses.chain(of_link).collect(),
                was_down: mark.is_some(),
                was_up: mark.is_none(),
                hushed: mark.and_then(|mark| mark.hushed),
                mark,
                owner: Some(owner),
                ..Given::default()
            };
            let is_whole = self.is_what_a_start_gives(index, &given.gifts);
            self.given.insert(index, given);
            if is_whole && self.table.level(index) == Some(LinkState::Active) {
                // It may have been killed before it did that.
                let _: Result<(), Failure> = self.unhush(index);
                self.answers.push_back(Input::Adopt { id });
            } else {
                self.enqueue_on(index, Job::new(None, Action::Undo));
            }
        }
    }

    /// Routes of ours on links; one that followed a session is taken away.
    fn routes_left(&self, socket: &NetlinkSocket) -> Result<Vec<DefaultRoute>, crate::Error> {
        let mut buffer = buffer();
        let routes = routes::read_ours(socket, &mut buffer)?;
        let (following, others): (Vec<_>, Vec<_>) =
            routes.into_iter().partition(|route| route.metric == FOLLOWING_METRIC);
        // One that follows now takes it over, and one that is alive has it.
        if self.follower.is_none() && !following.is_empty() && Owner::claim_default_route().is_some() {
            for route in following {
                let _: Result<(), Failure> = socket.ask(&mut buffer, &request::remove_route(1, &route));
            }
        }
        Ok(others)
    }

    fn is_what_a_start_gives(&self, index: u32, gifts: &[Gift]) -> bool {
        let (mut addresses, mut gateways) = (BTreeSet::new(), BTreeSet::new());
        for gift in gifts {
            match gift {
                Gift::Address(address) => drop(addresses.insert(*address)),
                Gift::DefaultRoute(route) => gateways.extend(route.gateway),
            }
        }
        let wanted: BTreeSet<IpAddr> = self.gateways_of(index).into_iter().collect();
        !self.is_leased(index)
            && addresses == self.addresses_of(index).into_iter().collect()
            && gateways == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written_and_nothing_else_is_one() {
        for hushed in [None, Some(Hushed(0)), Some(Hushed(3))] {
            let mark = Mark { index: 12, hushed };
            assert_eq!(Mark::read(&mark.to_string()), Some(mark));
        }
        for name in
            ["netsession", "netsession.", "netsession.x", "netsession.1.2.3", "netsession.1.", "x.1", ""]
        {
            assert_eq!(Mark::read(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_held_by_one_until_it_is_let_go_of() {
        let index = u32::MAX - std::process::id();
        let held = Owner::claim(index);
        assert!(held.is_some());
        assert!(Owner::claim(index).is_none());
        drop(held);
        assert!(Owner::claim(index).is_some());
    }
}
