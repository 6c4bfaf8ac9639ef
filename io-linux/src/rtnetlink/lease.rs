//! An address by DHCP (IPv4): asked for on a link that has carrier, and asked for again before it ends.
//!
//! The machine is smoltcp's, without a thread or a clock of its own: it is carried by the driver's poll, over a
//! packet socket of the one interface (see `port`). While the link has no carrier nothing is sent; with carrier
//! again it is asked afresh, because it may be another network, and what was leased stays until the answer or
//! until its end. What a lease gives is an address and a default route. Servers of names, other routes, and
//! whatever else the server says are not looked at. Before an address is used it is asked whether somebody else does
//! (see `probe`); if so the server is told, and asked again after a rest. A stop tells the server that the address is
//! free (see `message`).

mod message;
mod packet;
mod port;
mod probe;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use mio::Token;
use netsession_core::InterfaceAddress;
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

use self::port::Port;
use self::probe::Probe;
use super::Rtnetlink;
use super::jobs::{Action, Gift, Job, Step};
use crate::Error;
use crate::netlink::Failure;
use crate::netlink::routes::{DefaultRoute, Family};

const LEASES: Token = Token(3);

/// RFC 2131 asks for 4 s before the first time again, and for longer ones after it.
const RETRY: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(4);

/// How long nothing is asked for after an address that somebody else uses: what RFC 2131 (3.1.5) wants at least.
const REST: Duration = Duration::from_secs(10);

/// What RFC 2131 has for a lease without an end.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A lease of one interface, from its start to its stop.
pub(super) struct Leasing {
    lease: Lease,
    /// Of the default route that it gives.
    pub(super) metric: u32,
    /// Nothing has been given yet since the start, so the link is on its way.
    is_awaited: bool,
    /// What was given for the lease in force.
    gifts: Vec<Gift>,
}

/// What a lease gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    address: Ipv4Cidr,
    router: Option<Ipv4Addr>,
}

/// What a server has confirmed.
#[derive(Clone, Copy, Debug)]
struct Confirmed {
    terms: Terms,
    server: Ipv4Addr,
    /// When it may not be used any more.
    end: Option<Instant>,
}

struct Lease {
    port: Port,
    interface: Interface,
    sockets: SocketSet<'static>,
    machine: SocketHandle,
    /// Zero of the machine's time.
    began: Instant,
    has_carrier: bool,
    /// What is in force.
    held: Option<Confirmed>,
    /// What comes into force when nobody else says that the address is its own.
    candidate: Option<(Confirmed, Probe)>,
    /// Since one did: when it is asked for another.
    rest_until: Option<Instant>,
    /// What is in force is new to others.
    is_unannounced: bool,
    wake: Option<Instant>,
}

impl Rtnetlink {
    /// Begins to ask for an address.
    pub(super) fn open_lease(&mut self, index: u32, metric: u32) -> Result<(), Failure> {
        let lease = Lease::open(&self.registry, index, Instant::now())?;
        // What an earlier start was given is judged by the new answer.
        let gifts = self.leases.remove(&index).map(|old| old.gifts).unwrap_or_default();
        self.leases.insert(index, Leasing { lease, metric, is_awaited: true, gifts });
        Ok(())
    }

    /// Whether the link waits for an address that was asked for.
    pub(super) fn is_lease_awaited(&self, index: u32) -> bool {
        self.leases.get(&index).is_some_and(|it| it.is_awaited)
    }

    /// Takes in what servers have said, and asks again what is due.
    pub(super) fn turn_leases(&mut self, now: Instant) {
        if self.sockets.is_none() {
            return;
        }
        let Self { leases, table, trouble, .. } = self;
        leases.retain(|index, _| table.name_of(*index).is_some());
        let mut changed = Vec::new();
        for (index, leasing) in leases {
            if leasing.lease.turn(now, table.has_carrier(*index)) {
                changed.push(*index);
            }
            if let Some((address, by)) = leasing.lease.decline(now) {
                let interface = table.name_of(*index).unwrap_or_default().to_owned();
                trouble.get_or_insert(Error::AddressInUse {
                    interface,
                    address,
                    by: in_words(by),
                    rest: REST,
                });
            }
        }
        for index in changed {
            self.enqueue_on(index, Job::new(None, Action::Lease));
        }
    }

    pub(super) fn next_lease_deadline(&self) -> Option<Instant> {
        // Without a connection to the kernel nothing can be given.
        let wakes = self.leases.values().filter_map(|it| it.lease.wake);
        self.sockets.as_ref().and_then(|_| wakes.min())
    }

    /// The steps by which the interface gets what the lease says now and loses what it said before: the new first, so
    /// that at no time it has no address.
    pub(super) fn exchange(&mut self, index: u32) -> Vec<Step> {
        let Some(leasing) = self.leases.get_mut(&index) else { return Vec::new() };
        let wanted = leasing.lease.held.map(|it| it.terms.gifts(index, leasing.metric)).unwrap_or_default();
        let old = std::mem::replace(&mut leasing.gifts, wanted.clone());
        leasing.is_awaited &= wanted.is_empty();
        steps_between(&old, &wanted)
    }

    /// For how long the kernel is to keep a leased address: until the end of the lease, so that it goes also when this
    /// process is no longer there to take it back.
    pub(super) fn lifetime_seconds(&self, index: u32, step: Step) -> Option<u32> {
        let Step::Give(Gift::Address(InterfaceAddress { address, .. })) = step else { return None };
        let held = self.leases.get(&index)?.lease.held.as_ref();
        let held = held.filter(|it| address == IpAddr::V4(it.terms.address.address()))?;
        let left = held.end?.saturating_duration_since(Instant::now());
        // Not before the end; and none at all is refused.
        u32::try_from(left.as_secs()).ok().and_then(|seconds| seconds.checked_add(1))
    }

    /// The interface has what its lease says: all others are told, if they have not been. The kernel does not.
    pub(super) fn announce_lease(&mut self, index: u32) {
        let Some(Lease { held: Some(held), port, is_unannounced, .. }) =
            self.leases.get_mut(&index).map(|it| &mut it.lease)
        else {
            return;
        };
        if std::mem::take(is_unannounced) {
            port.announce(held.terms.address.address());
        }
    }

    /// Metrics of routes that leases of other interfaces give, or will.
    pub(super) fn leased_metrics(&self, index: u32) -> BTreeSet<u32> {
        let others = self.leases.iter().filter(|(other, _)| **other != index);
        others.map(|(_, leasing)| leasing.metric).collect()
    }
}

impl Leasing {
    /// Ends it, while the interface still has what it gave.
    pub(super) fn close(self) {
        let Lease { mut port, held, candidate, .. } = self.lease;
        // The server that was asked last is the one that the port knows.
        if let Some(Confirmed { terms, server, .. }) = candidate.map(|(it, _)| it).or(held) {
            port.release(terms.address.address(), server);
        }
    }

    /// The machine may have slept, and its clock with it.
    pub(super) const fn doubt(&mut self) {
        self.lease.has_carrier = false;
    }
}

impl Terms {
    fn of(config: &dhcpv4::Config<'_>) -> Self {
        let router =
            config.router.filter(|it| !it.is_unspecified() && !it.is_multicast() && !it.is_broadcast());
        Self { address: config.address, router }
    }

    /// The route is reached by the address, so it comes last. A route of IPv4 has no lifetime: it goes with the
    /// address that it is to be used with.
    fn gifts(self, index: u32, metric: u32) -> Vec<Gift> {
        let source = Some(IpAddr::V4(self.address.address()));
        let route = |router| DefaultRoute {
            source,
            ..DefaultRoute::ours(Family::V4, index, Some(IpAddr::V4(router)), metric)
        };
        let route = self.router.map(|router| Gift::DefaultRoute(route(router)));
        let address = InterfaceAddress::new(self.address.address().into(), self.address.prefix_len());
        address.map(Gift::Address).into_iter().chain(route).collect()
    }
}

impl Lease {
    fn open(registry: &mio::Registry, index: u32, now: Instant) -> Result<Self, Failure> {
        let (mut port, own) = Port::open(registry, LEASES, index)?;
        let mut config = Config::new(EthernetAddress(own).into());
        let mut seed = [0; 8];
        getrandom(&mut seed, GetRandomFlags::empty()).map_err(|error| Failure { error, text: None })?;
        config.random_seed = u64::from_ne_bytes(seed);
        let interface = Interface::new(config, &mut port, smoltcp::time::Instant::ZERO);
        let mut machine = dhcpv4::Socket::new();
        let mut retry = dhcpv4::RetryConfig::default();
        (retry.discover_timeout, retry.initial_request_timeout, retry.min_renew_timeout) =
            (RETRY, RETRY, RETRY);
        machine.set_retry_config(retry);
        let mut sockets = SocketSet::new(Vec::new());
        let machine = sockets.add(machine);
        let wake = Some(now);
        let (has_carrier, is_unannounced) = (false, false);
        let (held, candidate, rest_until) = (None, None, None);
        Ok(Self {
            port,
            interface,
            sockets,
            machine,
            began: now,
            has_carrier,
            held,
            candidate,
            rest_until,
            is_unannounced,
            wake,
        })
    }

    /// `true` if what it gives has to be looked at.
    fn turn(&mut self, now: Instant, has_carrier: bool) -> bool {
        if has_carrier && !std::mem::replace(&mut self.has_carrier, has_carrier) {
            self.rest_until = None;
            self.ask_afresh();
        }
        self.has_carrier = has_carrier;
        self.rest_until = self.rest_until.filter(|until| now < *until);
        let is_carried = has_carrier && self.rest_until.is_none();
        let mut has_changed = is_carried && (self.carry(now) | self.probe(now));
        if self.held.and_then(|it| it.end).is_some_and(|end| end <= now) {
            self.held = None;
            has_changed = true;
            self.ask_afresh();
        }
        let next = if is_carried { self.next(now) } else { self.rest_until.filter(|_| has_carrier) };
        let probe = self.candidate.as_ref().filter(|_| has_carrier).map(|(_, probe)| probe.due);
        self.wake = [next, probe, self.held.and_then(|it| it.end)].into_iter().flatten().min();
        has_changed
    }

    /// Lets the machine do what is due.
    fn carry(&mut self, now: Instant) -> bool {
        self.port.begin_turn();
        self.interface.poll(self.time(now), &mut self.port, &mut self.sockets);
        let machine = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.machine);
        let mut has_changed = match machine.poll() {
            Some(dhcpv4::Event::Configured(config)) => {
                let (terms, server) = (Terms::of(&config), config.server.identifier);
                self.take_in(Confirmed { terms, server, end: None }, now)
            }
            // What was in force before the candidate still is.
            Some(dhcpv4::Event::Deconfigured) => {
                self.port.end_probing();
                self.candidate.take().is_none() && self.held.take().is_some()
            }
            None => false,
        };
        if let Some((address, time)) = self.port.take_confirmed() {
            let end = if time == FOR_EVER { None } else { now.checked_add(time) };
            let is_it = |it: &&mut Confirmed| it.terms.address.address() == address;
            if let Some(candidate) = self.candidate.as_mut().map(|(it, _)| it).filter(is_it) {
                candidate.end = end;
            } else if let Some(held) = self.held.as_mut().filter(is_it) {
                held.end = end;
                // The kernel is to know of it.
                has_changed = true;
            }
        }
        has_changed
    }

    /// `true` if it is in force at once, because the address is the one that was.
    fn take_in(&mut self, confirmed: Confirmed, now: Instant) -> bool {
        let address = confirmed.terms.address.address();
        if self.held.is_some_and(|it| it.terms.address.address() == address) {
            self.put_in_force(confirmed);
            return true;
        }
        self.port.begin_probing(address);
        self.candidate = Some((confirmed, Probe::begin(now)));
        false
    }

    /// Goes on asking for whom the address is. `true` if it is in force now.
    fn probe(&mut self, now: Instant) -> bool {
        let Some((confirmed, probe)) = &mut self.candidate else { return false };
        let address = confirmed.terms.address.address();
        if self.port.is_claimed() || !probe.go_on(now, &mut self.port, address) {
            return false;
        }
        let confirmed = *confirmed;
        self.put_in_force(confirmed);
        self.is_unannounced = true;
        true
    }

    fn put_in_force(&mut self, confirmed: Confirmed) {
        self.port.end_probing();
        self.candidate = None;
        self.held = Some(confirmed);
        let Terms { address, router } = confirmed.terms;
        // The machine itself renews by one address, to one server.
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // There is room for one.
            let _ = addresses.push(IpCidr::Ipv4(address));
        });
        let routes = self.interface.routes_mut();
        routes.remove_default_ipv4_route();
        // And room for one route.
        let _ = router.map(|router| routes.add_default_ipv4_route(router));
    }

    /// Refuses an address that somebody else uses, if somebody does; which one, and who.
    fn decline(&mut self, now: Instant) -> Option<(Ipv4Addr, EthernetAddress)> {
        let by = self.port.take_claim()?;
        let (Confirmed { terms, server, .. }, _) = self.candidate?;
        self.port.decline(terms.address.address(), server);
        self.ask_afresh();
        self.rest_until = now.checked_add(REST);
        let end = self.held.and_then(|it| it.end);
        self.wake = [self.rest_until, end].into_iter().flatten().min();
        Some((terms.address.address(), by))
    }

    fn ask_afresh(&mut self) {
        self.port.end_probing();
        self.candidate = None;
        let machine = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.machine);
        machine.reset();
        // That it has forgotten its lease is no news: until its end we know of it.
        let _: Option<dhcpv4::Event<'_>> = machine.poll();
    }

    /// When the machine wants to be carried again.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.port.is_exhausted() {
            return Some(now);
        }
        let time = self.time(now);
        let at = self.interface.poll_at(time, &self.sockets)?;
        let after_micros = u64::try_from(at.total_micros()).unwrap_or(0);
        self.began.checked_add(Duration::from_micros(after_micros))
    }

    fn time(&self, now: Instant) -> smoltcp::time::Instant {
        let passed = now.saturating_duration_since(self.began).as_micros();
        smoltcp::time::Instant::from_micros(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// From the old gifts to the new. Of the addresses of one network the kernel has all but the first go with the first:
/// there the new one comes with a prefix of its own until the old has gone.
fn steps_between(old: &[Gift], new: &[Gift]) -> Vec<Step> {
    let gone = old.iter().rev().filter(|gift| !new.contains(gift));
    let bridge_of = |gift: &Gift| {
        let neighbours = gone.clone().any(|other| other.is_of_the_network_of(gift));
        if neighbours && !old.contains(gift) { gift.alone() } else { None }
    };
    let bridged = new.iter().filter_map(|gift| Some((*gift, bridge_of(gift)?)));
    let first = new.iter().map(|gift| Step::Give(bridge_of(gift).unwrap_or(*gift)));
    let last = bridged.flat_map(|(gift, bridge)| [Step::Give(gift), Step::Take(bridge)]);
    first.chain(gone.clone().map(|gift| Step::Take(*gift))).chain(last).collect()
}

/// Why asking could not even begin.
pub(super) fn refusal_in_words(name: &str, failure: &Failure) -> String {
    let begin = format!("cannot ask for an address by DHCP on {name}");
    match failure.error {
        Errno::PERM | Errno::ACCESS => {
            format!("{begin}: this process needs CAP_NET_RAW beside CAP_NET_ADMIN in its network namespace")
        }
        _ => format!("{begin}: {failure}"),
    }
}

/// As the kernel writes it.
fn in_words(address: EthernetAddress) -> String {
    address.0.map(|octet| format!("{octet:02x}")).join(":")
}
