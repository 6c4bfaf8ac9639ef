//! Starting and stopping links: a job of a few steps, each a request that the kernel answers.
//!
//! Jobs on one interface run one after the other. What a start gave is kept until it is taken back, so that
//! a stop, a failure half-way, or a cancel removes exactly that. A link that was down is marked before it is brought
//! up, so that a later run can tell what this one left if it is killed (see `leftovers`).

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use netsession_core::{Identifier, Input, InterfaceAddress, LinkState, OperationId, Outcome};
use rustix::io::Errno;

use super::hush::Hushed;
use super::lease::refusal_in_words;
use super::leftovers::{Mark, Owner};
use super::{Awaited, Rtnetlink};
use crate::Error;
use crate::backend::How;
use crate::configuration::is_in_network;
use crate::link_table::Phase;
use crate::netlink::request::Manner;
use crate::netlink::routes::{DefaultRoute, Family};
use crate::netlink::{Failure, request};

/// Between the metrics of the default routes of two members: others find room in between.
const METRIC_STEP: u32 = 100;
/// The two ends of a cable agree within some seconds (IEEE 802.3, clause 28), on a slow one within four.
const CABLE_WITHIN: Duration = Duration::from_secs(5);

/// What our starts have given to an interface and no stop has taken back.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The start that gave it.
    pub(super) by: Option<OperationId>,
    pub(super) gifts: Vec<Gift>,
    /// It was down before.
    pub(super) was_down: bool,
    /// It was up before, by somebody else.
    pub(super) was_up: bool,
    /// It was down before, and a watch has brought it up.
    pub(super) is_up_by_watch: bool,
    /// How IPv6 makes addresses for it by itself otherwise, while a watch keeps it from that.
    pub(super) hushed: Option<Hushed>,
    /// Its mark in the kernel.
    pub(super) mark: Option<Mark>,
    /// Shows others that the one who gave this is alive.
    pub(super) owner: Option<Owner>,
}

/// A request to start or stop an interface.
#[derive(Debug)]
pub(super) struct Job {
    action: Action,
    /// To whom it is answered: the start or stop, or the cancel of the start; a watch is not.
    op: Option<OperationId>,
    result: Outcome,
    reason: Option<String>,
    steps: VecDeque<Step>,
    /// Sent, not answered yet.
    current: Option<Step>,
    has_begun: bool,
    /// The kernel may not know the mark of addresses.
    is_unmarked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Start {
        place: u32,
        /// It is over if a cable shows no carrier in time.
        needs_carrier: bool,
    },
    Stop {
        until: Option<Instant>,
        /// Also if somebody else had brought it up before it was started.
        is_forced: bool,
    },
    /// Takes back what was given, after a start that failed or was cancelled.
    Undo,
    Watch,
    Unwatch,
    /// Gives what a lease says now, in place of what it said before.
    Lease,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Up,
    Down,
    /// Writes in the kernel that it was down before us, if the kernel knows how to.
    Mark,
    Unmark,
    /// Keeps IPv6 from making addresses by itself, and lets it again. Netlink is not asked.
    Hush,
    Unhush,
    /// Begins to ask for an address by DHCP, of which comes a default route of this metric. The kernel is not asked.
    Ask {
        metric: u32,
    },
    Give(Gift),
    Take(Gift),
}

/// What a start gives and a stop takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gift {
    Address(InterfaceAddress),
    DefaultRoute(DefaultRoute),
}

impl Rtnetlink {
    /// A link in a later place of its service network gets a default route that is less preferred.
    pub(super) fn start(&mut self, op: OperationId, id: &Identifier, how: &How) {
        self.enqueue(op, id, Action::Start { place: how.place, needs_carrier: how.is_one_of_many });
    }

    pub(super) fn stop(&mut self, op: OperationId, id: &Identifier, until: Option<Instant>, is_forced: bool) {
        self.enqueue(op, id, Action::Stop { until, is_forced });
    }

    pub(super) fn cancel(&mut self, op: OperationId, cancelled: OperationId) {
        let is_meant = |job: &&mut Job| job.op == Some(cancelled) && job.action.is_start();
        if let Some(job) = self.jobs.values_mut().flatten().find(is_meant) {
            // Its turn comes when the kernel has answered the step that is under way on the interface.
            job.action = Action::Undo;
            job.op = Some(op);
        } else if let Some((index, _)) = self.given.iter().find(|(_, given)| given.by == Some(cancelled)) {
            // Its answer and the cancel have crossed.
            let index = *index;
            self.enqueue_on(index, Job::new(Some(op), Action::Undo));
        } else {
            self.complete(Some(op), Outcome::Ok, None);
        }
    }

    pub(super) fn on_step_answered(&mut self, index: u32, result: Result<(), Failure>) {
        self.settle(index, result);
        self.run(index);
    }

    pub(super) fn fail_all_jobs(&mut self) {
        for (index, jobs) in std::mem::take(&mut self.jobs) {
            self.table.end(index);
            if jobs.iter().any(|job| job.action != Action::Lease) {
                self.leases.remove(&index);
            }
            for job in jobs {
                self.complete(
                    job.op,
                    Outcome::Failed,
                    Some("the connection to the kernel is lost".to_owned()),
                );
            }
        }
    }

    fn enqueue(&mut self, op: OperationId, id: &Identifier, action: Action) {
        let Some(index) = self.table.index_of(id) else {
            return self.complete(Some(op), Outcome::Gone, Some(format!("{id} is gone")));
        };
        if !self.table.can_start() {
            let reason =
                format!("to start and stop {id} this process needs CAP_NET_ADMIN in its network namespace");
            return self.complete(Some(op), Outcome::NotSupported, Some(reason));
        }
        self.enqueue_on(index, Job::new(Some(op), action));
    }

    pub(super) fn enqueue_on(&mut self, index: u32, job: Job) {
        self.make_room();
        let jobs = self.jobs.entry(index).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 {
            self.run(index);
        }
    }

    /// Goes on with the first job of an interface until the kernel owes an answer.
    fn run(&mut self, index: u32) {
        while let Some(jobs) = self.jobs.get_mut(&index) {
            let Some(job) = jobs.front_mut() else {
                self.jobs.remove(&index);
                return;
            };
            if !job.has_begun {
                job.has_begun = true;
                self.begin(index);
                continue;
            }
            if matches!(job.action, Action::Stop { .. } | Action::Undo)
                && let Some(leasing) = self.leases.remove(&index)
            {
                leasing.close();
            }
            let given = self.given.get(&index);
            let Some(step) = job.next_step(given) else {
                self.finish(index);
                continue;
            };
            job.current = Some(step);
            let is_marked = !job.is_unmarked;
            let mark = given.and_then(|given| given.mark).unwrap_or_else(|| Mark::new(index, given));
            let is_again =
                matches!(step, Step::Give(gift) if given.is_some_and(|it| it.gifts.contains(&gift)));
            let how = Manner { is_marked, is_again, lifetime_seconds: self.lifetime_seconds(index, step) };
            let result = match step {
                Step::Ask { metric } => self.open_lease(index, metric),
                Step::Hush => self.hush(index),
                Step::Unhush => self.unhush(index),
                Step::Up | Step::Down | Step::Mark | Step::Unmark | Step::Give(_) | Step::Take(_) => {
                    let request = |sequence| step.request(sequence, index, how, mark);
                    match self.send(Awaited::Step { index }, request) {
                        Ok(()) => return,
                        Err(failure) => Err(failure),
                    }
                }
            };
            self.settle(index, result);
        }
    }

    fn begin(&mut self, index: u32) {
        let is_idle = self.is_idle(index);
        let steps = self.steps_of_start(index);
        let is_watch = |job: &Job| job.action == Action::Watch;
        let is_watch = self.jobs.get(&index).and_then(VecDeque::front).is_some_and(is_watch);
        let mode = if is_watch { self.mode(index) } else { Ok(None) };
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::front_mut) else { return };
        match job.action {
            Action::Start { needs_carrier, .. } => {
                let is_up = self.table.is_up(index);
                let given = self.given.entry(index).or_default();
                given.claim(index);
                job.steps.extend(given.hushed.map(|_| Step::Unhush));
                if !is_up {
                    job.steps.extend(given.mark.is_none().then_some(Step::Mark));
                    job.steps.push_back(Step::Up);
                }
                job.steps.extend(steps);
                given.by = job.op;
                given.was_down |= std::mem::take(&mut given.is_up_by_watch) && is_up;
                given.was_up = is_up && !given.was_down;
                let has_route = job.steps.iter().any(|step| step.metric().is_some());
                let phase = if has_route { Phase::Equipping } else { Phase::Starting };
                self.ending.retain(|other| *other != index);
                let is_cable = self.table.kind(index).is_some_and(|kind| kind.class.is_cable());
                let is_hurried = needs_carrier && is_cable && !given.was_up;
                let until = is_hurried.then(|| Instant::now() + CABLE_WITHIN);
                self.table.begin(index, phase, until);
            }
            Action::Stop { is_forced: false, .. } if self.given.get(&index).is_some_and(|it| it.was_up) => {
                // What the start gave is taken back, and that is all.
                job.result = Outcome::Refused;
                job.reason = Some("somebody else had brought it up before, so it stays up".to_owned());
            }
            Action::Stop { until, .. } => {
                job.steps.push_back(Step::Down);
                self.ending.retain(|other| *other != index);
                self.table.begin(index, Phase::Stopping, until);
            }
            Action::Watch if self.table.is_up(index) => {}
            // What IPv6 cannot be kept from would be an address.
            Action::Watch if mode.is_err() => {}
            Action::Watch => {
                let given = self.given.entry(index).or_default();
                given.claim(index);
                // Marked with it before it is done.
                given.hushed = given.hushed.or(mode.ok().flatten());
                job.steps.extend([Step::Mark, Step::Hush, Step::Up]);
                if self.table.had_carrier(index) {
                    let until = Instant::now().checked_add(CABLE_WITHIN);
                    self.table.begin(index, Phase::Returning, until);
                }
            }
            Action::Unwatch => {
                let is_ours =
                    self.given.get_mut(&index).is_some_and(|it| std::mem::take(&mut it.is_up_by_watch));
                job.steps.extend((is_ours && is_idle).then_some(Step::Down));
            }
            Action::Undo => {}
            Action::Lease => self.begin_exchange(index),
        }
    }

    /// A link that has no address is on its way again until it has all that its lease gives.
    fn begin_exchange(&mut self, index: u32) {
        let steps = self.exchange(index);
        let gives = steps.iter().any(|step| matches!(step, Step::Give(_)));
        if gives && self.table.level(index) != Some(LinkState::Active) {
            self.table.begin(index, Phase::Equipping, None);
        }
        if let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::front_mut) {
            job.steps.extend(steps);
        }
    }

    /// What a start gives, after the link is up.
    fn steps_of_start(&self, index: u32) -> Vec<Step> {
        let job = self.jobs.get(&index).and_then(VecDeque::front);
        let Some(Action::Start { place, .. }) = job.map(|job| job.action) else { return Vec::new() };
        let metric = self.metric(index, place);
        let addresses = self.addresses_of(index).into_iter().map(Gift::Address);
        // A gateway is reached by an address, so its route comes last and goes first.
        let gateways = self.gateways_of(index).into_iter();
        let routes = gateways.map(|it| DefaultRoute::ours(Family::of(it), index, Some(it), metric));
        let gifts = addresses.chain(routes.map(Gift::DefaultRoute)).map(Step::Give);
        gifts.chain(self.is_leased(index).then_some(Step::Ask { metric })).collect()
    }

    /// The metric of the default route that a start gives, so that the most preferred is taken: none that
    /// another link was given, because the kernel would share the traffic among them.
    fn metric(&self, index: u32, place: u32) -> u32 {
        let given = self.given.iter().filter(|(other, _)| **other != index).flat_map(|(_, it)| &it.gifts);
        let others = self.jobs.iter().filter(|(other, _)| **other != index).filter_map(|(_, it)| it.front());
        let steps = others.flat_map(|job| job.current.iter().chain(&job.steps)).filter_map(Step::metric);
        let mut taken = self.leased_metrics(index);
        taken.extend(given.filter_map(Gift::metric).chain(steps));
        let by_place = METRIC_STEP.saturating_mul(place.saturating_add(1));
        let wish = self.table.table_of(index).and_then(|table| table.metric).unwrap_or(by_place);
        (wish..).find(|metric| !taken.contains(metric)).unwrap_or(wish)
    }

    /// Takes in how the current step of an interface's job ended.
    fn settle(&mut self, index: u32, result: Result<(), Failure>) {
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::front_mut) else { return };
        let Some(step) = job.current.take() else { return };
        let given = self.given.entry(index).or_default();
        match (step, &result) {
            (Step::Mark, Ok(())) => given.mark = Some(Mark::new(index, Some(given))),
            // A kernel before 5.5, or one that has lost it already: nothing depends on it but what a later run finds.
            (Step::Mark, Err(_)) | (Step::Unhush, _) => return,
            (Step::Unmark, _) => {
                given.mark = None;
                return;
            }
            (Step::Up, Ok(())) if job.action == Action::Watch => given.is_up_by_watch = true,
            (Step::Up, Ok(())) => given.was_down = true,
            (Step::Give(gift), Ok(())) if given.gifts.contains(&gift) => {}
            (Step::Give(gift), Ok(())) => given.gifts.push(gift),
            // It was there before, so it is not ours to take back.
            (Step::Give(_), Err(failure)) if failure.error == Errno::EXIST => return,
            // It may be the mark that is refused, by a kernel that does not know it: once more without.
            (Step::Give(Gift::Address(_)), Err(failure))
                if failure.error == Errno::INVAL && !job.is_unmarked =>
            {
                job.is_unmarked = true;
                return job.steps.push_front(step);
            }
            // Taken back by us or by others, it is no longer ours.
            (Step::Take(gift), _) => return given.gifts.retain(|other| *other != gift),
            (Step::Down, _) => (given.was_down, given.is_up_by_watch) = (false, false),
            // What they did stands in what was given.
            (Step::Hush | Step::Ask { .. }, Ok(()))
            | (Step::Up | Step::Hush | Step::Give(_) | Step::Ask { .. }, Err(_)) => {}
        }
        let Err(failure) = result else { return };
        if job.result == Outcome::Ok && job.action != Action::Undo {
            let name = self.table.name_of(index).unwrap_or("an interface that is gone");
            job.result = outcome_of(failure.error);
            job.reason = Some(step.failure_in_words(name, &failure));
        }
        match job.action {
            Action::Start { .. } | Action::Lease => job.action = Action::Undo,
            Action::Watch => {
                job.steps.clear();
                job.action = Action::Unwatch;
            }
            Action::Stop { .. } | Action::Undo | Action::Unwatch => {}
        }
    }

    /// Answers the first job of an interface, which has no step left.
    fn finish(&mut self, index: u32) {
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::pop_front) else { return };
        let is_watch = matches!(job.action, Action::Watch | Action::Unwatch);
        let is_lease = job.action == Action::Lease;
        let is_on_its_way = job.result == Outcome::Ok && job.action != Action::Undo;
        match self.table.phase(index) {
            _ if is_watch => {}
            // What it is to get is still to come.
            Some(Phase::Equipping) if is_on_its_way && self.is_lease_awaited(index) => {}
            Some(Phase::Equipping) if is_on_its_way => self.table.equipped(index),
            // What it was given and is no longer is still to be read.
            Some(Phase::Equipping) => self.ending.push(index),
            Some(Phase::Starting | Phase::Stopping | Phase::Returning) | None if is_on_its_way => {}
            Some(Phase::Starting | Phase::Stopping | Phase::Returning) | None => self.table.end(index),
        }
        if let Some(given) = self.given.get_mut(&index) {
            given.was_up &= job.action.is_start() || is_watch || is_lease;
            if given.is_nothing() {
                self.given.remove(&index);
            }
        }
        if is_lease && job.result == Outcome::Ok {
            self.announce_lease(index);
        }
        // Nobody waits for the answer of a lease.
        if let Some(reason) = job.reason.clone().filter(|_| job.op.is_none() && !is_watch) {
            self.trouble.get_or_insert(Error::Kernel { doing: "give a link what was leased to it", reason });
        }
        self.complete(job.op, job.result, job.reason);
    }

    fn complete(&mut self, op: Option<OperationId>, result: Outcome, reason: Option<String>) {
        self.answers.extend(op.map(|op| Input::Completed { op, result, reason }));
    }
}

impl Job {
    pub(super) const fn new(op: Option<OperationId>, action: Action) -> Self {
        Self {
            action,
            op,
            result: Outcome::Ok,
            reason: None,
            steps: VecDeque::new(),
            current: None,
            has_begun: false,
            is_unmarked: false,
        }
    }

    fn next_step(&mut self, given: Option<&Given>) -> Option<Step> {
        let back = given.and_then(|given| given.gifts.last()).map(|gift| Step::Take(*gift));
        let rest = given.and_then(Given::trace);
        match self.action {
            Action::Start { .. } | Action::Watch | Action::Lease => self.steps.pop_front(),
            Action::Unwatch => self.steps.pop_front().or(rest),
            Action::Stop { .. } => back.or_else(|| self.steps.pop_front()).or(rest),
            Action::Undo => {
                back.or_else(|| given.filter(|given| given.was_down).map(|_| Step::Down)).or(rest)
            }
        }
    }
}

impl Given {
    fn is_nothing(&self) -> bool {
        self.gifts.is_empty()
            && !self.was_up
            && !self.is_up_by_us()
            && self.hushed.is_none()
            && self.mark.is_none()
    }

    const fn is_up_by_us(&self) -> bool {
        self.was_down || self.is_up_by_watch
    }

    /// The next trace of us that is to go once we keep it up no more.
    fn trace(&self) -> Option<Step> {
        let hushed = self.hushed.map(|_| Step::Unhush);
        hushed.or_else(|| self.mark.map(|_| Step::Unmark)).filter(|_| !self.is_up_by_us())
    }

    fn claim(&mut self, index: u32) {
        self.owner = self.owner.take().or_else(|| Owner::claim(index));
    }
}

impl Gift {
    const fn metric(&self) -> Option<u32> {
        match self {
            Self::Address(_) => None,
            Self::DefaultRoute(route) => Some(route.metric),
        }
    }

    /// Whether both are addresses of one network.
    pub(super) fn is_of_the_network_of(&self, other: &Self) -> bool {
        let (Self::Address(one), Self::Address(other)) = (self, other) else { return false };
        one.prefix_length == other.prefix_length && is_in_network(one.address, *other)
    }

    /// The same address without its network.
    pub(super) fn alone(&self) -> Option<Self> {
        let Self::Address(InterfaceAddress { address, .. }) = *self else { return None };
        InterfaceAddress::new(address, if address.is_ipv4() { 32 } else { 128 }).map(Self::Address)
    }
}

impl Step {
    /// Of the default route that it is about.
    const fn metric(&self) -> Option<u32> {
        match self {
            Self::Give(gift) | Self::Take(gift) => gift.metric(),
            Self::Ask { metric } => Some(*metric),
            Self::Up | Self::Down | Self::Mark | Self::Unmark | Self::Hush | Self::Unhush => None,
        }
    }

    /// What the kernel is asked for; nothing where it is not.
    fn request(self, sequence: u32, index: u32, how: Manner, mark: Mark) -> Vec<u8> {
        match self {
            Self::Ask { .. } | Self::Hush | Self::Unhush => Vec::new(),
            Self::Mark => request::add_alternative_name(sequence, index, mark.to_string()),
            Self::Unmark => request::remove_alternative_name(sequence, index, mark.to_string()),
            Self::Up => request::set_up(sequence, index, true),
            Self::Down => request::set_up(sequence, index, false),
            Self::Give(Gift::Address(address)) => request::give_address(sequence, index, address, how),
            Self::Take(Gift::Address(address)) => request::remove_address(sequence, index, address),
            Self::Give(Gift::DefaultRoute(route)) => request::add_route(sequence, &route),
            Self::Take(Gift::DefaultRoute(route)) => request::remove_route(sequence, &route),
        }
    }

    fn failure_in_words(self, name: &str, failure: &Failure) -> String {
        match self {
            Self::Up => format!("cannot bring up {name}: {failure}"),
            Self::Down => format!("cannot take down {name}: {failure}"),
            Self::Mark => format!("cannot mark {name}: {failure}"),
            Self::Unmark => format!("cannot take our mark from {name}: {failure}"),
            Self::Hush => format!("cannot keep IPv6 from giving addresses to {name}: {failure}"),
            Self::Unhush => format!("cannot let IPv6 give addresses to {name} again: {failure}"),
            Self::Ask { .. } => refusal_in_words(name, failure),
            Self::Give(gift) => format!("cannot give {gift} to {name}: {failure}"),
            Self::Take(gift) => format!("cannot take {gift} from {name}: {failure}"),
        }
    }
}

impl Action {
    const fn is_start(self) -> bool {
        matches!(self, Self::Start { .. })
    }
}

impl fmt::Display for Gift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::DefaultRoute(route) => write!(f, "the {route}"),
        }
    }
}

fn outcome_of(error: Errno) -> Outcome {
    match error {
        Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP => Outcome::NotSupported,
        Errno::NODEV | Errno::NXIO => Outcome::Gone,
        // A switch for radios is off.
        Errno::RFKILL => Outcome::Refused,
        _ => Outcome::Failed,
    }
}
