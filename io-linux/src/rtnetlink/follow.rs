//! The system's default route where the session is.
//!
//! Beside the default routes that links have anyway there is one of ours for each family, with a metric that
//! goes before all of those. It is moved by one request that the kernel carries out in one step, so that
//! whoever sends meanwhile finds the one way or the other, never none and never two. The gateway is the one
//! that was configured for the link, else that of the link's own default route; a link on which there is
//! nobody else to ask, such as a tunnel, needs none.
//!
//! Routes are read when the session moves, and when default routes change. Of all other changes of routes
//! nothing is looked at.

use std::net::IpAddr;

use netsession_core::Interface;
use rustix::io::Errno;

use super::leftovers::Owner;
use super::{FOLLOWED_ROUTES, Rtnetlink};
use crate::Error;
use crate::backend::Followed;
use crate::netlink::routes::{self, DefaultRoute, Family};
use crate::netlink::{Failure, NetlinkSocket, Received, buffer, messages, request};

// linux/rtnetlink.h
const RTNLGRP_IPV4_ROUTE: u32 = 7;
const RTNLGRP_IPV6_ROUTE: u32 = 11;

const DATAGRAMS_PER_TURN: usize = 64;

/// The one who moves the default route.
pub(super) struct Follower {
    metric: u32,
    followed: Followed,
    /// Tells of changes.
    changes: NetlinkSocket,
    /// Is asked, and answers at once.
    requests: NetlinkSocket,
    buffer: Vec<u8>,
    /// What was told last, so that it is told once.
    told: Option<String>,
    /// Shows others that the route has somebody who moves it.
    _owner: Option<Owner>,
}

impl Follower {
    pub(super) fn new(registry: &mio::Registry, metric: u32) -> Result<Self, Error> {
        let groups = [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE];
        Ok(Self {
            metric,
            followed: Followed::Nothing,
            changes: NetlinkSocket::open(registry, FOLLOWED_ROUTES, &groups)?,
            requests: NetlinkSocket::unpolled(&[])?,
            buffer: buffer(),
            told: None,
            _owner: Owner::claim_default_route(),
        })
    }

    /// Reads what has changed, at most so much that others get their turn: whether default routes of others
    /// have, and whether something is left.
    fn read_changes(&mut self) -> (bool, bool) {
        let mut has_changed = false;
        for _ in 0..DATAGRAMS_PER_TURN {
            match self.changes.receive(&mut self.buffer) {
                Ok(Received::Messages(length)) => {
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    let mut routes = messages(datagram).flat_map(|message| DefaultRoute::all_of(&message));
                    // What another of us does is no reason to undo it.
                    has_changed |= routes.any(|route| !route.is_ours());
                }
                Ok(Received::Lost) => has_changed = true,
                // It is no source of truth: what it would have told is seen at the next move.
                Ok(Received::Nothing) | Err(_) => return (has_changed, false),
            }
        }
        (has_changed, true)
    }

    /// Makes the routes of ours what they should be.
    fn review(&mut self, way: &impl Fn(Family, &Interface) -> Way) -> Result<(), Error> {
        let interface = match &self.followed {
            Followed::Kept => return Ok(()),
            Followed::Nothing => None,
            Followed::Link(_, interface) => Some(interface.clone()),
        };
        let routes = routes::read(&self.requests, &mut self.buffer)?;
        let mut result = Ok(());
        for family in Family::ALL {
            let is_ours =
                |it: &&DefaultRoute| it.is_ours() && it.metric == self.metric && it.family == family;
            let current = routes.iter().find(is_ours).copied();
            let wanted = interface.as_ref().map_or(Ok(None), |interface| {
                self.wanted(family, interface, &routes, way(family, interface))
            });
            let moved = match wanted {
                Ok(wanted) => self.make_it(current, wanted, interface.as_ref()),
                Err(error) => self.make_it(current, None, interface.as_ref()).and(Err(error)),
            };
            result = result.and(moved);
        }
        result
    }

    /// The route that should be there.
    fn wanted(
        &self,
        family: Family,
        interface: &Interface,
        routes: &[DefaultRoute],
        way: Way,
    ) -> Result<Option<DefaultRoute>, Error> {
        let has = |family| interface.addresses.iter().any(|it| Family::of(it.address) == family);
        if !has(family) {
            return Ok(None);
        }
        let is_ours = |it: &DefaultRoute| it.is_ours() && it.metric == self.metric;
        let others = || routes.iter().filter(|it| it.family == family && !is_ours(it));
        let own = others().find(|it| it.index == interface.index).map(|it| it.gateway);
        let gateway = match way {
            Way::Gateway(gateway) => Some(gateway),
            Way::Unknown { .. } if own.is_some() => own.flatten(),
            Way::Unknown { is_alone: true } => None,
            // Many networks have IPv6 within and IPv4 to the outside.
            Way::Unknown { .. } if family == Family::V6 && has(Family::V4) => return Ok(None),
            Way::Unknown { .. } => {
                return Err(trouble(
                    interface,
                    "no gateway is known; the route is set as soon as the interface has a default route of its \
                     own, or give the driver a gateway for it",
                ));
            }
        };
        if let Some(other) = others().find(|it| it.metric <= self.metric && it.index != interface.index) {
            return Err(trouble(
                interface,
                format!("another {other} goes before it; give that a metric above {}", self.metric),
            ));
        }
        Ok(Some(DefaultRoute::ours(family, interface.index, gateway, self.metric)))
    }

    fn make_it(
        &mut self,
        current: Option<DefaultRoute>,
        wanted: Option<DefaultRoute>,
        interface: Option<&Interface>,
    ) -> Result<(), Error> {
        let mut ask = |request: Vec<u8>| self.requests.ask(&mut self.buffer, &request);
        let result: Result<(), Failure> = match (current, wanted) {
            (None, None) => Ok(()),
            (Some(current), Some(wanted)) if current == wanted => Ok(()),
            (Some(_), Some(wanted)) => match ask(request::replace_route(1, &wanted)) {
                // It has gone with its link meanwhile.
                Err(failure) if failure.error == Errno::NOENT => ask(request::add_only_route(1, &wanted)),
                result => result,
            },
            (None, Some(wanted)) => ask(request::add_only_route(1, &wanted)),
            (Some(current), None) => match ask(request::remove_route(1, &current)) {
                Err(failure) if matches!(failure.error, Errno::SRCH | Errno::NODEV) => Ok(()),
                result => result,
            },
        };
        result.map_err(|failure| {
            let name = interface.map_or("where it was before", |interface| interface.name.as_str());
            Error::DefaultRoute { interface: name.to_owned(), reason: failure.to_string() }
        })
    }
}

/// How one gets out by a link.
pub(super) enum Way {
    /// As configured.
    Gateway(IpAddr),
    /// As the link's own default route says.
    Unknown {
        /// The link has one other end and needs no gateway.
        is_alone: bool,
    },
}

impl Rtnetlink {
    pub(super) fn follow_to(&mut self, followed: Followed) {
        let Some(follower) = self.follower.as_mut().filter(|it| it.followed != followed) else { return };
        follower.followed = followed;
        self.review_default_route();
    }

    /// Looks at what has changed about default routes. `true`: something is left.
    pub(super) fn read_route_changes(&mut self) -> bool {
        let Some(follower) = &mut self.follower else { return false };
        let (has_changed, is_left) = follower.read_changes();
        if has_changed && matches!(follower.followed, Followed::Link(..)) {
            self.review_default_route();
        }
        is_left
    }

    fn review_default_route(&mut self) {
        let Some(mut follower) = self.follower.take() else { return };
        let way = |family: Family, interface: &Interface| {
            let gateways = self.gateways_of(interface.index);
            gateways.into_iter().find(|gateway| Family::of(*gateway) == family).map_or_else(
                || Way::Unknown { is_alone: self.table.needs_no_gateway(interface.index) },
                Way::Gateway,
            )
        };
        match follower.review(&way) {
            Ok(()) => follower.told = None,
            Err(error) => {
                let text = error.to_string();
                if follower.told.as_ref() != Some(&text) {
                    follower.told = Some(text);
                    self.trouble.get_or_insert(error);
                }
            }
        }
        self.follower = Some(follower);
    }
}

fn trouble(interface: &Interface, reason: impl Into<String>) -> Error {
    Error::DefaultRoute { interface: interface.name.clone(), reason: reason.into() }
}
