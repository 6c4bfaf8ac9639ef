//! An access point: the level of its link as reported, and the one request that may be under way on it.
//!
//! It promises: the level changes by reports only, never by an answer (R-GEN-4); at most one start or
//! stop is outstanding (R-GEN-5); a stop and a cancel have a deadline, a start has those of the sessions
//! that wait for it; and what sessions see is computed from the level and the [`Phase`] (R-ST-2). Who wants the link is kept in
//! one list, `holders`. What it needs done is decided in [`reconcile`](crate::reconcile).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::configuration::Kind;
use crate::statistics::Counters;
use crate::timers::{LinkTimer, Timer};
use crate::{
    BearerType, Capabilities, Cause, Changes, ConfigurationId, ConfigurationState, Identifier, Interface,
    LinkState, Manager, Observation, OperationId, Outcome, SessionId, SessionState, ShutdownPolicy,
    UsagePolicies,
};

#[derive(Clone, Debug)]
pub(crate) struct AccessPoint {
    pub(crate) bearer: BearerType,
    pub(crate) device: Option<Identifier>,
    pub(crate) shutdown: ShutdownPolicy,
    pub(crate) capabilities: Capabilities,
    pub(crate) loss_grace: Duration,
    pub(crate) polls: bool,
    pub(crate) counts_for_online: bool,
    pub(crate) policies: UsagePolicies,
    pub(crate) counters: Counters,
    /// What the driver said last.
    pub(crate) reported: Report,
    /// What stood before a loss that may still be none (R-LOSS-5).
    pub(crate) before_loss: Option<Report>,
    pub(crate) phase: Phase,
    /// Whether we started it and have to take it back (R-CLOSE-11).
    pub(crate) ours: bool,
    /// The last holder went in this input: the one time that a stop is asked for (R-CLOSE-10).
    pub(crate) released: bool,
    /// The platform refused the start in this input: there is nothing to take back.
    pub(crate) refused: bool,
    /// The answered start that this input gave up: it goes on if somebody wants it after all.
    pub(crate) withdrawn: Option<OperationId>,
    /// Sessions that open it or have it open, by number.
    pub(crate) holders: Vec<SessionId>,
    /// Service networks that have it as a member.
    pub(crate) networks: Vec<ConfigurationId>,
    /// Whether it is among the links that make the system online.
    pub(crate) online: bool,
    /// Whether it is among those that are in reach.
    pub(crate) is_near: bool,
    /// The driver was asked to make its carrier visible (R-ROAM-39).
    pub(crate) is_watched: bool,
    pub(crate) aftermath: Aftermath,
    pub(crate) news: News,
}

/// What a start or stop of ours may still do to the level: not by itself, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// Nothing.
    Over,
    /// Make it fall below Discovered, and rise again.
    Fall,
    /// Make it rise again.
    Rise,
}

/// One report of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) link: LinkState,
    pub(crate) interface: Option<Interface>,
    pub(crate) seamless_group: Option<Identifier>,
}

/// The request under way. The number is `None` until the effect is said, at the end of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// None.
    Idle,
    /// A start, until the level is Active, or it failed.
    Starting { op: Option<OperationId>, answered: bool },
    /// A start that nobody wanted, until the cancel is answered. The link may come up all the same, and a
    /// session be open on it.
    Cancelling { op: Option<OperationId>, start: OperationId, is_used: bool },
    /// A stop, until the level is below Connecting, or it failed.
    Stopping { op: Option<OperationId>, why: StopReason },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Nobody wants the link.
    Unwanted,
    /// Nobody wants the link, and it is down: the driver takes back what a start gave. Changes no state.
    CleanUp,
    /// A session said `stop()`.
    Command(SessionId),
}

/// What happened to the link in this moment, for its sessions to act upon.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The start failed.
    pub(crate) start_failed: Option<Failure>,
    /// It was going down, and is down.
    pub(crate) went_down: bool,
    /// It is down because a session said `stop()`.
    pub(crate) stopped: bool,
    /// It was lost and is back (R-GEN-11).
    pub(crate) replaced: bool,
    /// It is in reach again, whoever's doing that is.
    pub(crate) rose: bool,
    /// The same, by itself.
    pub(crate) rose_by_itself: bool,
    /// It went out of reach by itself.
    pub(crate) fell_by_itself: bool,
    /// It came up by itself.
    pub(crate) became_active_by_itself: bool,
    /// Its level is a better one by itself, whichever.
    pub(crate) climbed_by_itself: bool,
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) reason: Option<String>,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, reason: None }
    }
}

impl From<Observation> for Report {
    fn from(observation: Observation) -> Self {
        let Observation { id: _, link, interface, seamless_group } = observation;
        Self { link, interface, seamless_group }
    }
}

impl AccessPoint {
    pub(crate) fn new(reported: Report) -> Self {
        Self {
            bearer: BearerType::Unknown,
            device: None,
            shutdown: ShutdownPolicy::OwnedOnly,
            capabilities: Capabilities::all() - Capabilities::NETWORK_SESSION_REQUIRED,
            loss_grace: Duration::ZERO,
            polls: false,
            counts_for_online: true,
            policies: UsagePolicies::empty(),
            counters: Counters::default(),
            reported,
            before_loss: None,
            phase: Phase::Idle,
            ours: false,
            released: false,
            refused: false,
            withdrawn: None,
            holders: Vec::new(),
            networks: Vec::new(),
            online: false,
            is_near: false,
            is_watched: false,
            aftermath: Aftermath::Over,
            news: News::default(),
        }
    }

    /// What stands, a loss within its grace left out.
    pub(crate) fn shown(&self) -> &Report {
        self.before_loss.as_ref().unwrap_or(&self.reported)
    }

    pub(crate) fn link(&self) -> LinkState {
        self.shown().link
    }

    /// A stop of ours that sessions can see.
    fn is_stopping(&self) -> bool {
        match self.phase {
            Phase::Stopping { why: StopReason::Unwanted | StopReason::Command(_), .. } => true,
            Phase::Stopping { why: StopReason::CleanUp, .. }
            | Phase::Idle
            | Phase::Starting { .. }
            | Phase::Cancelling { .. } => false,
        }
    }

    pub(crate) fn is_going_down(&self) -> bool {
        self.session_state() == SessionState::Closing
    }

    /// Up and not going down.
    pub(crate) fn is_active(&self) -> bool {
        self.session_state() == SessionState::Connected
    }

    /// Up, and not within the grace of a loss: a session can be opened on it at once.
    pub(crate) fn is_usable_now(&self) -> bool {
        self.is_active() && self.before_loss.is_none()
    }

    pub(crate) const fn is_starting(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. })
    }

    pub(crate) fn can_start_and_stop(&self) -> bool {
        self.capabilities.contains(Capabilities::CAN_START_AND_STOP_INTERFACES)
    }

    /// Down, and can be brought up.
    pub(crate) fn is_startable(&self) -> bool {
        self.link() == LinkState::Discovered && self.can_start_and_stop()
    }

    /// What an attempt to open can be made on, if its device is free: startable, or started by us.
    pub(crate) fn is_candidate(&self) -> bool {
        let is_started = self.is_starting() && self.link() >= LinkState::Discovered;
        !self.is_active() && !self.is_going_down() && (self.is_startable() || is_started)
    }

    /// Up, on its way up, or on its way down.
    pub(crate) fn is_up_or_rising(&self) -> bool {
        self.link() >= LinkState::Connecting
    }

    /// Nothing of ours is under way on it, and it is not up: what a watch is for (R-ROAM-39).
    pub(crate) fn is_to_be_seen(&self) -> bool {
        self.phase == Phase::Idle && !self.is_active()
    }

    /// Notes how the level moved, and whether by itself.
    fn note_edges(&mut self, before: LinkState, was_quiet: bool) {
        let link = self.link();
        let is_in_reach = |link| link >= LinkState::Discovered;
        let fell = is_in_reach(before) && !is_in_reach(link);
        let rose = !is_in_reach(before) && is_in_reach(link);
        let is_ours = match self.aftermath {
            Aftermath::Fall if fell => {
                self.aftermath = Aftermath::Rise;
                true
            }
            Aftermath::Rise if rose => {
                self.aftermath = Aftermath::Over;
                true
            }
            Aftermath::Fall | Aftermath::Rise | Aftermath::Over => false,
        };
        // What comes up under a clean-up has ended it (R-X-17).
        if link == LinkState::Active && before != LinkState::Active && !self.is_stopping() {
            self.aftermath = Aftermath::Over;
        }
        let by_itself = was_quiet && !is_ours;
        let climbed = link > before && link != LinkState::Closing;
        self.news.rose |= rose;
        self.news.rose_by_itself |= rose && by_itself;
        self.news.fell_by_itself |= fell && by_itself;
        self.news.climbed_by_itself |= climbed && by_itself;
        self.news.became_active_by_itself |= climbed && by_itself && link == LinkState::Active;
    }

    /// The state of a session on it (R-ST-2).
    pub(crate) fn session_state(&self) -> SessionState {
        let link = self.link();
        match link {
            LinkState::Closing => SessionState::Closing,
            LinkState::Active | LinkState::Connecting if self.is_stopping() => SessionState::Closing,
            LinkState::Active => SessionState::Connected,
            LinkState::Connecting => SessionState::Connecting,
            LinkState::Undefined | LinkState::Defined | LinkState::Discovered if self.is_starting() => {
                SessionState::Connecting
            }
            LinkState::Discovered => SessionState::Disconnected,
            LinkState::Undefined | LinkState::Defined => SessionState::NotAvailable,
        }
    }

    pub(crate) fn configuration_state(&self) -> ConfigurationState {
        match self.link() {
            LinkState::Undefined => ConfigurationState::Undefined,
            LinkState::Defined => ConfigurationState::Defined,
            LinkState::Discovered | LinkState::Connecting => ConfigurationState::Discovered,
            LinkState::Active | LinkState::Closing => ConfigurationState::Active,
        }
    }
}

/// The cause of a start that the platform answered with a failure (R-OPEN-9).
pub(crate) const fn cause_of(result: Outcome) -> Cause {
    match result {
        Outcome::NotSupported => Cause::NotPossible,
        Outcome::Refused => Cause::Refused,
        Outcome::Gone => Cause::ConfigurationUnavailable,
        Outcome::TimedOut => Cause::TimedOut,
        Outcome::Ok | Outcome::Failed => Cause::Failed,
    }
}

impl Manager {
    /// Takes what the driver says of a link. Decides nothing: what it means for sessions is left in
    /// `news` until all facts of the input are taken.
    pub(crate) fn take_report(&mut self, id: ConfigurationId, report: Report) {
        self.touch(id);
        let now = self.now;
        let Some(ap) = self.access_point_mut(id) else { return };
        let was_active = ap.before_loss.is_none() && ap.reported.link == LinkState::Active;
        let leaves = was_active && report.link != LinkState::Active;
        let grace = if leaves && !ap.is_stopping() { ap.loss_grace } else { Duration::ZERO };
        let before = Before::of(ap);
        let old = core::mem::replace(&mut ap.reported, report);
        let grace_timer = Timer::AccessPoint(id, LinkTimer::LossGrace);
        // What no longer stands, if what stands is another now.
        let past = if !grace.is_zero() {
            ap.before_loss = Some(old);
            self.timers.set(grace_timer, Some(now + grace));
            None
        } else if ap.before_loss.is_none() {
            Some(old)
        } else if ap.reported.link == LinkState::Active {
            let past = ap.before_loss.take();
            self.timers.set(grace_timer, None);
            past
        } else {
            None
        };
        if let Some(past) = past {
            self.on_level(id, &before, &past);
        }
    }

    /// A loss is one after all: its grace is over, or somebody does not want to wait for it.
    pub(crate) fn end_grace(&mut self, id: ConfigurationId) {
        self.touch(id);
        self.timers.set(Timer::AccessPoint(id, LinkTimer::LossGrace), None);
        let Some(ap) = self.access_point_mut(id) else { return };
        let before = Before::of(ap);
        if let Some(past) = ap.before_loss.take() {
            self.on_level(id, &before, &past);
            // It may come while sessions are looked at, and is news to those before.
            self.work.is_unsettled = true;
        }
    }

    /// What a change of the level that is shown does to the request under way, and what is news.
    fn on_level(&mut self, id: ConfigurationId, before: &Before, past: &Report) {
        let Some(configuration) = self.configuration_mut(id) else { return };
        let Kind::AccessPoint(ap) = &mut configuration.kind else { return };
        if ap.shown().interface != past.interface {
            configuration.changed |= Changes::INTERFACE;
        }
        let was_quiet = ap.phase == Phase::Idle && !ap.ours;
        ap.note_edges(before.link, was_quiet);
        let link = ap.link();
        let is_below = |level: LinkState| level < LinkState::Connecting;
        let fell = is_below(link) && !is_below(before.link);
        let replaced = before.link == LinkState::Active
            && link == LinkState::Active
            && matches!((before.index, ap.index()), (Some(old), Some(new)) if old != new);
        let went_down = before.going_down && is_below(link);
        let end = match ap.phase {
            Phase::Starting { .. } if link == LinkState::Active => true,
            Phase::Starting { answered: true, .. } if fell => {
                ap.news.start_failed = Some(Cause::Failed.into());
                true
            }
            Phase::Stopping { why: StopReason::Unwanted | StopReason::Command(_), .. } => is_below(link),
            // It comes back by itself: what was to be taken back is gone.
            Phase::Stopping { why: StopReason::CleanUp, .. } => !is_below(link),
            Phase::Starting { .. } | Phase::Idle | Phase::Cancelling { .. } => false,
        };
        if let Phase::Stopping { why, .. } = ap.phase
            && end
        {
            ap.news.stopped = matches!(why, StopReason::Command(_));
            ap.ours = false;
        }
        ap.news.went_down |= went_down;
        ap.news.replaced |= replaced;
        if end {
            self.set_phase(id, Phase::Idle);
        }
        let Some(ap) = self.access_point_mut(id) else { return };
        let rose = !matches!(before.link, LinkState::Active | LinkState::Closing);
        if link == LinkState::Active && (rose || replaced) {
            ap.counters = Counters::default();
            self.read_counters(id);
        }
    }

    /// The only place where the phase changes: the old request is forgotten (an answer to it is stale),
    /// the new one has its deadline.
    pub(crate) fn set_phase(&mut self, id: ConfigurationId, phase: Phase) {
        let now = self.now;
        let due = match phase {
            Phase::Cancelling { .. } | Phase::Stopping { .. } => Some(now + self.config.stop_timeout),
            // A start lasts as long as somebody waits for it, and all who wait have a deadline.
            Phase::Starting { .. } | Phase::Idle => None,
        };
        let Some(ap) = self.access_point_mut(id) else { return };
        if let Phase::Starting { .. } | Phase::Stopping { .. } = phase {
            let is_in_reach = ap.link() >= LinkState::Discovered;
            ap.aftermath = if is_in_reach { Aftermath::Fall } else { Aftermath::Rise };
        }
        // Sessions of an access point alone do not look at what is requested of it.
        let is_news = ap.phase != phase && (!ap.networks.is_empty() || ap.device.is_some());
        let old = core::mem::replace(&mut ap.phase, phase);
        self.work.is_unsettled |= is_news;
        if let Some(op) = old.op() {
            self.operations.remove(&op);
        }
        self.timers.set(Timer::AccessPoint(id, LinkTimer::Stop), due);
        self.touch(id);
    }

    /// The platform answered the request under way on this access point.
    pub(crate) fn on_link_answer(&mut self, id: ConfigurationId, result: Outcome, reason: Option<String>) {
        self.touch(id);
        let Some(ap) = self.access_point_mut(id) else { return };
        let ok = result == Outcome::Ok;
        match &mut ap.phase {
            Phase::Starting { answered, .. } if ok => *answered = true,
            Phase::Starting { .. } => {
                ap.news.start_failed = Some(Failure { cause: cause_of(result), reason });
                ap.refused = true;
                ap.ours = false;
                self.set_phase(id, Phase::Idle);
            }
            Phase::Cancelling { .. } => self.on_cancelled(id),
            Phase::Stopping { why: StopReason::CleanUp, .. } => self.on_cleaned_up(id),
            Phase::Stopping { .. } if ok => {}
            Phase::Stopping { .. } => self.on_stop_failed(id, Failure { cause: Cause::StopRefused, reason }),
            Phase::Idle => {}
        }
    }

    /// The deadline of the request under way passed.
    pub(crate) fn on_link_deadline(&mut self, id: ConfigurationId, timer: LinkTimer) {
        self.touch(id);
        if timer == LinkTimer::LossGrace {
            return self.end_grace(id);
        }
        // With no time at all for an answer it is asked all the same.
        self.number_request(id);
        let Some(ap) = self.access_point(id) else { return };
        match ap.phase {
            Phase::Cancelling { .. } => self.on_cancelled(id),
            Phase::Stopping { why: StopReason::CleanUp, .. } => self.on_cleaned_up(id),
            Phase::Stopping { .. } => self.on_stop_failed(id, Cause::StopTimedOut.into()),
            Phase::Idle | Phase::Starting { .. } => {}
        }
    }

    /// The cancel is answered, or late: what comes up from now on is not ours (R-CLOSE-11).
    fn on_cancelled(&mut self, id: ConfigurationId) {
        if let Some(ap) = self.access_point_mut(id)
            && ap.link() < LinkState::Connecting
        {
            ap.ours = false;
        }
        self.set_phase(id, Phase::Idle);
    }

    fn on_cleaned_up(&mut self, id: ConfigurationId) {
        if let Some(ap) = self.access_point_mut(id) {
            ap.ours = false;
        }
        self.set_phase(id, Phase::Idle);
    }

    /// The link stays up (R-CLOSE-10, R-STOP-7): only who said `stop()` is told.
    fn on_stop_failed(&mut self, id: ConfigurationId, failure: Failure) {
        let Some(ap) = self.access_point(id) else { return };
        let why = match ap.phase {
            Phase::Stopping { why, .. } => Some(why),
            Phase::Idle | Phase::Starting { .. } | Phase::Cancelling { .. } => None,
        };
        self.set_phase(id, Phase::Idle);
        if let Some(ap) = self.access_point_mut(id) {
            // Not asked for again in this input either.
            ap.released = false;
        }
        if let Some(StopReason::Command(stopper)) = why {
            if self.is_still_to_hear(stopper) {
                self.fail_later(stopper, failure.clone());
            } else {
                self.report_state(stopper);
                self.fail(stopper, failure.clone());
            }
        }
        self.on_room_refused(id, failure);
    }
}

/// What stood before a report.
struct Before {
    link: LinkState,
    going_down: bool,
    index: Option<u32>,
}

impl Before {
    fn of(ap: &AccessPoint) -> Self {
        Self { link: ap.link(), going_down: ap.is_going_down(), index: ap.index() }
    }
}

impl AccessPoint {
    fn index(&self) -> Option<u32> {
        self.shown().interface.as_ref().map(|interface| interface.index)
    }
}

impl Phase {
    pub(crate) const fn op(&self) -> Option<OperationId> {
        match self {
            Self::Idle => None,
            Self::Starting { op, .. } | Self::Cancelling { op, .. } | Self::Stopping { op, .. } => *op,
        }
    }

    /// The request has this number in truth.
    pub(crate) fn renumber(&mut self, number: OperationId, renew: impl Fn(&mut OperationId)) {
        match self {
            Self::Idle => {}
            Self::Starting { op, .. } | Self::Stopping { op, .. } => *op = Some(number),
            Self::Cancelling { op, start, .. } => {
                *op = Some(number);
                renew(start);
            }
        }
    }
}
