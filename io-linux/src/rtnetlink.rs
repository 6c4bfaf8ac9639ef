//! The back end for the links of a network namespace, by rtnetlink.
//!
//! One socket hears notifications, another carries requests and dumps, one dump at a time; neither ever
//! blocks. In rest notifications go to the [`LinkTable`] as they come; when belief may be wrong everything
//! is dumped afresh (see `resync`).

mod follow;
mod hush;
mod jobs;
mod lease;
mod leftovers;
mod metered;
mod resync;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Token;
use netsession_core::{Effect, Identifier, Input, Interface, InterfaceAddress, OperationId};
use rustix::io::Errno;

use self::follow::Follower;
use self::jobs::{Given, Job};
use self::lease::Leasing;
pub(crate) use self::leftovers::Mark;
use self::metered::Metering;
use self::resync::Resync;
use crate::backend::{Backend, Followed, How};
use crate::configuration::{Addresses, Postponed};
use crate::lacks::{is_strict, lacks_of};
use crate::link_table::{Kind, LinkTable};
use crate::netlink::{
    Failure, Message, NetlinkSocket, Received, answer, attributes, buffer, messages, request, routes, u64_at,
};
use crate::{Configuration, Error, Lack, sysfs};

// linux/rtnetlink.h
const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_IPV4_IFADDR: u32 = 5;
const RTNLGRP_IPV6_IFADDR: u32 = 9;
const RTM_NEWSTATS: u16 = 92;
const IFLA_STATS_LINK_64: u16 = 1;

const NOTIFICATIONS: Token = Token(0);
const REQUESTS: Token = Token(1);
const FOLLOWED_ROUTES: Token = Token(2);

/// Some milliseconds of work; then the core and the application get their turn.
const DATAGRAMS_PER_TURN: usize = 128;
/// The kernel answers at once. So many answers, of about 1 300 bytes with all that it counts, fit into half of
/// the receive buffer that a socket gets by default, with the largest part of a dump beside them.
const AWAITED_AT_MOST: usize = 64;
/// After a dead socket a new one is tried at first so soon, then half as often each time.
const RETRY_AT_FIRST: Duration = Duration::from_secs(1);
const RETRY_AT_MOST: Duration = Duration::from_secs(60);

pub(crate) struct Rtnetlink {
    registry: mio::Registry,
    receive_buffer_bytes: usize,
    /// `None` after an error, until `retry_at`.
    sockets: Option<Sockets>,
    retry_at: Option<Instant>,
    retry_after: Duration,
    buffer: Vec<u8>,
    table: LinkTable,
    resync: Resync,
    /// Another dump is wanted after the one that runs.
    is_resync_wanted: bool,
    /// Updates that wait for a dump to begin, and for the running one to end.
    waiting_updates: Vec<OperationId>,
    running_updates: Vec<OperationId>,
    last_sequence: u32,
    awaited: BTreeMap<u32, Awaited>,
    /// An error of reading answers outside a turn, for the next one.
    failed: Option<Error>,
    /// Requests to start and stop, by interface; the first of each is under way.
    jobs: BTreeMap<u32, VecDeque<Job>>,
    given: BTreeMap<u32, Given>,
    /// Addresses by DHCP, by interface: from the step of the start that asks for one to the stop.
    leases: BTreeMap<u32, Leasing>,
    /// Links whose start failed, until all has been read that it did.
    ending: Vec<u32>,
    answers: VecDeque<Input>,
    /// What to give to links that are started, by identifier or name.
    addresses: Vec<(String, InterfaceAddress)>,
    gateways: Vec<(String, IpAddr)>,
    /// Links that ask for an address by DHCP, by identifier or name.
    leased: Vec<String>,
    follower: Option<Follower>,
    metering: Metering,
    /// What failed of it.
    trouble: Option<Error>,
    is_watching: bool,
    /// Watches that have just ended.
    unwatched: Vec<Identifier>,
    lost_notifications: u64,
    resyncs: u64,
}

struct Sockets {
    notifications: NetlinkSocket,
    requests: NetlinkSocket,
}

/// An answer that the kernel owes.
enum Awaited {
    /// To the step of a job on this interface.
    Step {
        index: u32,
    },
    Counters {
        id: Identifier,
    },
}

impl Rtnetlink {
    pub(crate) fn new(registry: mio::Registry, receive_buffer_bytes: usize) -> Result<Self, Error> {
        let sockets = Sockets::open(&registry, receive_buffer_bytes)?;
        let mut buffer = buffer();
        let can_start = can_start(&sockets.requests, &mut buffer)?;
        Ok(Self {
            registry,
            receive_buffer_bytes,
            sockets: Some(sockets),
            retry_at: None,
            retry_after: RETRY_AT_FIRST,
            buffer,
            table: LinkTable::new(can_start, sysfs::device_type),
            resync: Resync::Lost,
            is_resync_wanted: false,
            waiting_updates: Vec::new(),
            running_updates: Vec::new(),
            last_sequence: 1,
            awaited: BTreeMap::new(),
            failed: None,
            jobs: BTreeMap::new(),
            given: BTreeMap::new(),
            leases: BTreeMap::new(),
            ending: Vec::new(),
            answers: VecDeque::new(),
            addresses: Vec::new(),
            gateways: Vec::new(),
            leased: Vec::new(),
            follower: None,
            metering: Metering::default(),
            trouble: None,
            is_watching: true,
            unwatched: Vec::new(),
            lost_notifications: 0,
            resyncs: 0,
        })
    }

    /// Whether links that are down are brought up while they are watched.
    pub(crate) const fn watch_carrier(&mut self, watches: bool) {
        self.is_watching = watches;
    }

    /// The default route can follow from now on, by a route of this metric.
    pub(crate) fn prepare_to_follow(&mut self, metric: u32) -> Result<(), Error> {
        if !self.table.can_start() {
            return Err(Error::Kernel {
                doing: "let the default route follow a session",
                reason: "this process needs CAP_NET_ADMIN in its network namespace".to_owned(),
            });
        }
        self.follower = Some(Follower::new(&self.registry, metric)?);
        Ok(())
    }

    /// The addresses that a start gives to an interface.
    fn addresses_of(&self, index: u32) -> Vec<InterfaceAddress> {
        let of_table = match self.table.table_of(index).map(|table| &table.addresses) {
            Some(Addresses::Static { addresses, .. }) => addresses.as_slice(),
            Some(Addresses::External | Addresses::Slaac | Addresses::Dhcp) | None => &[],
        };
        let given = self.addresses.iter().filter(|(link, _)| self.is_called(index, link));
        given.map(|(_, address)| *address).chain(of_table.iter().copied()).collect()
    }

    /// The gateways that are known for an interface.
    fn gateways_of(&self, index: u32) -> Vec<IpAddr> {
        let of_table = match self.table.table_of(index).map(|table| &table.addresses) {
            Some(Addresses::Static { gateways, .. }) => gateways.as_slice(),
            Some(Addresses::External | Addresses::Slaac | Addresses::Dhcp) | None => &[],
        };
        let given = self.gateways.iter().filter(|(link, _)| self.is_called(index, link));
        given.map(|(_, gateway)| *gateway).chain(of_table.iter().copied()).collect()
    }

    /// Whether a start asks for an address by DHCP.
    fn is_leased(&self, index: u32) -> bool {
        let of_table = self.table.table_of(index).is_some_and(|table| table.addresses == Addresses::Dhcp);
        of_table || self.leased.iter().any(|link| self.is_called(index, link))
    }

    /// By identifier, or by the name of the interface.
    fn is_called(&self, index: u32, link: &str) -> bool {
        self.table.name_of(index) == Some(link) || self.table.index_of(link) == Some(index)
    }

    /// Reads until nothing is left, or it is enough for one turn.
    fn read(&mut self) -> Result<bool, Error> {
        for _ in 0..DATAGRAMS_PER_TURN {
            let is_dumping = matches!(self.resync, Resync::Dumping(_));
            let has_read = ((is_dumping || !self.awaited.is_empty()) && self.read_answer()?)
                || (!is_dumping && self.read_notification()?);
            if !has_read {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads answers before more are asked for than may wait to be read.
    fn make_room(&mut self) {
        while self.awaited.len() >= AWAITED_AT_MOST && self.failed.is_none() {
            match self.read_answer() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn read_answer(&mut self) -> Result<bool, Error> {
        let Some(sockets) = &self.sockets else { return Ok(false) };
        let received = sockets
            .requests
            .receive(&mut self.buffer)
            .map_err(|e| Error::system("read an answer of rtnetlink", e))?;
        match received {
            Received::Nothing => return Ok(false),
            // An answer is missing, nobody knows which: ask for nothing that is under way again.
            Received::Lost => {
                return Err(Error::system(
                    "read an answer of rtnetlink",
                    std::io::Error::from(Errno::NOBUFS),
                ));
            }
            Received::Messages(length) => self.with_buffer(length, |this, datagram| {
                messages(datagram).try_for_each(|message| this.on_answer(&message))
            })?,
        }
        Ok(true)
    }

    fn on_answer(&mut self, message: &Message<'_>) -> Result<(), Error> {
        if self.resync.is_dumped_by(message) {
            return self.on_dump_message(message);
        }
        match self.awaited.remove(&message.sequence) {
            Some(Awaited::Step { index }) => self.on_step_answered(index, answer(message)),
            Some(Awaited::Counters { id }) => self.answers.extend(counters(id, message)),
            None => {}
        }
        Ok(())
    }

    /// `false` if nothing is left to do.
    fn read_notification(&mut self) -> Result<bool, Error> {
        let Some(sockets) = &self.sockets else { return Ok(false) };
        let received = sockets
            .notifications
            .receive(&mut self.buffer)
            .map_err(|e| Error::system("read the notifications of rtnetlink", e))?;
        match received {
            Received::Nothing => return self.on_quiet(),
            Received::Lost => self.on_lost(),
            Received::Messages(length) => {
                let Self { buffer, table, resync, .. } = self;
                let datagram = buffer.get(..length).unwrap_or_default();
                match resync {
                    Resync::Settled => table.notify(datagram),
                    Resync::Draining(fresh) => fresh.take_in(datagram),
                    Resync::Lost | Resync::Dumping(_) => {}
                }
            }
        }
        Ok(true)
    }

    /// Sends a request that one message answers.
    fn send(&mut self, awaited: Awaited, make: impl FnOnce(u32) -> Vec<u8>) -> Result<(), Failure> {
        let sequence = self.next_sequence();
        let result = match &self.sockets {
            Some(sockets) => sockets.requests.send(&make(sequence)),
            None => Err(Errno::NOTCONN.into()),
        };
        match result {
            Ok(()) => {
                self.awaited.insert(sequence, awaited);
                Ok(())
            }
            Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO).into()),
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.last_sequence = self.last_sequence.wrapping_add(1);
        self.last_sequence
    }

    fn with_buffer<T>(&mut self, length: usize, read: impl FnOnce(&mut Self, &[u8]) -> T) -> T {
        let buffer = std::mem::take(&mut self.buffer);
        let result = read(self, buffer.get(..length).unwrap_or_default());
        self.buffer = buffer;
        result
    }

    /// The sockets are of no use any more. Requests under way are over; new sockets come after a while.
    fn give_up(&mut self, now: Instant) {
        if let Some(sockets) = self.sockets.take() {
            sockets.notifications.close(&self.registry);
            sockets.requests.close(&self.registry);
        }
        self.awaited.clear();
        self.fail_all_jobs();
        self.resync = Resync::Lost;
        self.retry_at = now.checked_add(self.retry_after);
        self.retry_after = (self.retry_after * 2).min(RETRY_AT_MOST);
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.retry_at = None;
        self.sockets = Some(Sockets::open(&self.registry, self.receive_buffer_bytes)?);
        Ok(())
    }

    /// The table is what the kernel has said so far. The answer to a request comes before the notification of
    /// what it did, so some things can be judged only now.
    fn on_all_read(&mut self) {
        std::mem::take(&mut self.ending).into_iter().for_each(|index| self.table.end(index));
        self.forget_watches();
    }

    fn read_counters(&mut self, id: Identifier) {
        self.make_room();
        // Nobody waits for it: without a link, or without an answer, there is nothing to report.
        if let Some(index) = self.table.index_of(&id) {
            let _: Result<(), Failure> =
                self.send(Awaited::Counters { id }, |sequence| request::counters(sequence, index));
        }
    }
}

impl Backend for Rtnetlink {
    fn turn(&mut self, now: Instant) -> Result<bool, Error> {
        self.table.expire(now);
        let is_time = self.retry_at.is_some_and(|at| at <= now);
        let reopened = if is_time { self.reopen() } else { Ok(()) };
        let result = self.failed.take().map_or(reopened, Err).and_then(|()| self.read());
        if result.is_err() {
            self.give_up(now);
        }
        if matches!((&result, &self.resync), (Ok(false), Resync::Settled)) {
            self.on_all_read();
        }
        self.turn_leases(now);
        let is_more = self.turn_network_manager();
        self.table.flush();
        self.given.retain(|index, _| self.table.name_of(*index).is_some());
        let is_left = self.read_route_changes() || is_more;
        result.map(|left| left || is_left)
    }

    fn next_input(&mut self) -> Option<Input> {
        self.table.next_input().or_else(|| self.answers.pop_front())
    }

    fn request(&mut self, effect: Effect, how: How) {
        match effect {
            Effect::Start { op, id } => self.start(op, &id, &how),
            Effect::Stop { op, id } => self.stop(op, &id, how.until, how.is_forced),
            Effect::Cancel { op, cancelled } => self.cancel(op, cancelled),
            Effect::Update { op } => {
                self.look_for_network_manager();
                self.waiting_updates.push(op);
                self.is_resync_wanted = true;
            }
            Effect::ReadCounters { id } => self.read_counters(id),
            // Not asked for: the core knows that this platform cannot ask.
            Effect::Resolve { op, .. } => self.answers.push_back(Input::Resolved { op, choice: None }),
            Effect::Watch { id } => self.watch(&id),
            Effect::Unwatch { id } => self.unwatch(id),
        }
    }

    fn requested(&mut self) {
        self.end_watches();
    }

    fn follow(&mut self, followed: Followed) {
        self.follow_to(followed);
    }

    fn next_trouble(&mut self) -> Option<Error> {
        self.trouble.take().or_else(|| self.table.next_conflict().map(Error::Conflict))
    }

    fn lacks(&self, interface: &Interface) -> Result<Vec<Lack>, Error> {
        let routes = routes::read(&NetlinkSocket::unpolled(&[])?, &mut buffer())?;
        let name_of = |index| self.table.name_of(index).map(str::to_owned);
        Ok(lacks_of(interface, &routes, name_of, || is_strict(&interface.name)))
    }

    fn resync(&mut self) {
        self.leases.values_mut().for_each(Leasing::doubt);
        self.look_for_network_manager();
        if let Resync::Settled = self.resync {
            self.resync = Resync::Lost;
        } else {
            self.is_resync_wanted = true;
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let is_due =
            self.sockets.is_some() && self.is_resync_wanted && matches!(self.resync, Resync::Settled);
        let now = (is_due || self.failed.is_some()).then(Instant::now);
        let lease = self.next_lease_deadline();
        [now, self.retry_at, self.table.next_deadline(), lease].into_iter().flatten().min()
    }

    fn named(&self, name: &str) -> Vec<Identifier> {
        self.table.named(name)
    }

    fn kind(&self, id: &str) -> Option<Kind> {
        self.table.kind(self.table.index_of(id)?)
    }

    fn configure(&mut self, configuration: Rc<Configuration>) {
        self.metering.is_configured = configuration.network_manager;
        self.look_for_network_manager();
        self.table.configure(configuration);
    }

    fn is_to_be_adapted(&self) -> bool {
        self.table.is_to_be_adapted()
    }

    fn adapt(&mut self, in_use: &dyn Fn(&Identifier) -> bool) -> Vec<Postponed> {
        self.table.adapt(in_use)
    }

    fn links_of(&self, table: &str) -> Vec<Identifier> {
        self.table.links_of(table)
    }

    fn give_address(&mut self, link: &str, address: InterfaceAddress) {
        self.addresses.push((link.to_owned(), address));
    }

    fn give_gateway(&mut self, link: &str, gateway: IpAddr) {
        self.gateways.push((link.to_owned(), gateway));
    }

    fn ask_for_address(&mut self, link: &str) {
        self.leased.push(link.to_owned());
    }

    fn lost_notifications(&self) -> u64 {
        self.lost_notifications
    }

    fn resyncs(&self) -> u64 {
        self.resyncs.saturating_sub(1)
    }
}

impl Drop for Rtnetlink {
    /// Carries out what was asked for: what a start gave is not left behind half-way.
    fn drop(&mut self) {
        // The kernel has answered by the time that a request is sent: this waits for nothing.
        while !self.jobs.is_empty() && self.failed.is_none() && matches!(self.read_answer(), Ok(true)) {}
    }
}

impl Sockets {
    fn open(registry: &mio::Registry, receive_buffer_bytes: usize) -> Result<Self, Error> {
        let groups = [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];
        let notifications = NetlinkSocket::open(registry, NOTIFICATIONS, &groups)?;
        notifications.set_receive_buffer(receive_buffer_bytes)?;
        Ok(Self { notifications, requests: NetlinkSocket::open(registry, REQUESTS, &[])? })
    }
}

/// Whether the kernel lets this process change links: it checks that before it looks at what to change, so
/// a change of no link at all tells. Nothing else knows as well who owns the network namespace.
fn can_start(socket: &NetlinkSocket, buffer: &mut Vec<u8>) -> Result<bool, Error> {
    const NO_LINK: u32 = 0;
    const DOING: &str = "ask rtnetlink what this process may do";
    socket.send(&request::set_up(1, NO_LINK, true)).map_err(|e| Error::system(DOING, e))?;
    // The kernel has answered by the time that the request is sent.
    match socket.receive(buffer).map_err(|e| Error::system(DOING, e))? {
        Received::Messages(length) => Ok(messages(buffer.get(..length).unwrap_or_default())
            .any(|message| answer(&message).is_err_and(|failure| failure.error != Errno::PERM))),
        Received::Nothing | Received::Lost => Ok(false),
    }
}

fn counters(id: Identifier, message: &Message<'_>) -> Option<Input> {
    /// struct if_stats_msg
    const HEADER_LENGTH: usize = 12;
    /// In struct rtnl_link_stats64, behind the two counts of packets.
    const RX_BYTES: usize = 16;
    const TX_BYTES: usize = 24;
    if message.kind != RTM_NEWSTATS {
        return None;
    }
    let (_, stats) =
        attributes(message.payload.get(HEADER_LENGTH..)?).find(|(kind, _)| *kind == IFLA_STATS_LINK_64)?;
    Some(Input::Counters { id, received: u64_at(stats, RX_BYTES)?, sent: u64_at(stats, TX_BYTES)? })
}
