//! The records of the model: plain data, in the order in which they were made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netsession_core::{
    BearerType, Capabilities, Cause, ConfigurationState, Event, Identifier, Instant, Interface, LinkState,
    OfferKind, OperationId, PropertyValue, Purpose, ReopenPolicy, RoamingMode, SessionError, SessionState,
    ShutdownPolicy, UpdateToken, UsagePolicies,
};

/// A configuration, by the order of insertion. One that is added again has another key (R-REG-2).
pub(crate) type Key = u64;

/// A configuration of any type.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub identifier: Identifier,
    pub name: String,
    pub purpose: Purpose,
    pub connect_timeout: Duration,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    AccessPoint(Box<AccessPoint>),
    ServiceNetwork(Network),
    UserChoice,
}

/// The list of a service network (R-REG-3), and what it overrides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    pub list: Vec<Identifier>,
    pub hold_off: Option<Duration>,
    pub retry_after: Option<Duration>,
    pub answer_within: Option<Duration>,
}

/// An access point: what was said of it, and what we asked of it.
#[derive(Clone, Debug)]
pub(crate) struct AccessPoint {
    pub bearer: BearerType,
    pub device: Option<Identifier>,
    pub shutdown: ShutdownPolicy,
    pub capabilities: Capabilities,
    pub loss_grace: Duration,
    pub polls: bool,
    pub counts_for_online: bool,
    pub policies: UsagePolicies,
    pub level: LinkState,
    pub interface: Option<Interface>,
    pub group: Option<Identifier>,
    /// R-LOSS-5: it left Active, and may be back.
    pub grace: Option<Grace>,
    pub request: Option<Request>,
    /// R-CLOSE-11.
    pub ours: bool,
    /// Whether it had a holder when the platform was last asked.
    pub held: bool,
    /// What "by itself" means for its next fall and rise.
    pub touched: Touched,
    /// R-ROAM-39.
    pub watched: bool,
    pub received: Counter,
    pub sent: Counter,
}

/// Until when a loss may be none, and what is shown until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grace {
    pub until: Instant,
    pub interface: Option<Interface>,
    pub group: Option<Identifier>,
}

/// Whether a fall below Discovered, and the rise after it, may go back to a request of ours (section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    No,
    /// Since the last start or stop of ours it did not fall.
    Yes,
    /// It fell once.
    Fallen,
}

/// Bytes of one direction (R-STAT-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    pub last: Option<u64>,
    pub sum: u64,
}

/// The one request that may be outstanding on an access point (R-GEN-5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Start {
        op: OperationId,
        answered: bool,
    },
    Stop {
        op: OperationId,
        deadline: Instant,
        answered: bool,
        /// R-CLOSE-11: asked for below Connecting; it shows in no state.
        clean_up: bool,
        /// The sessions whose stop() it is.
        stoppers: Vec<u64>,
    },
    Cancel {
        op: OperationId,
        deadline: Instant,
        /// R-X-24: the link came up, and a session used it.
        used: bool,
    },
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub name: Identifier,
    /// `None`: a null session (R-ST-5).
    pub on: Option<Key>,
    /// The state that was told last.
    pub told: SessionState,
    pub told_policies: UsagePolicies,
    pub error: Option<SessionError>,
    pub mode: RoamingMode,
    pub reopen: ReopenPolicy,
    pub phase: Phase,
    /// R-LOSS-4: it is to open again.
    pub reopening: Option<Reopening>,
    pub refusals: BTreeMap<Key, Refusal>,
    /// Failures in a row (R-X-35).
    pub failures: BTreeMap<Key, u32>,
    pub connected_since: Option<Instant>,
    pub properties: BTreeMap<String, PropertyValue>,
    pub auto_close: i64,
    pub auto_close_at: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Closed,
    /// The user is asked (R-OPEN-10).
    Asking {
        op: OperationId,
        deadline: Instant,
    },
    Opening(Opening),
    Open(Box<Open>),
}

/// An attempt to open.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// The access point or service network that is opened.
    pub target: Key,
    /// When it is late: the timeout is that of its beginning (R-X-46).
    pub due: Option<Instant>,
    /// The member that is tried, or waited for.
    pub attempt: Option<Attempt>,
    /// R-X-13.
    pub tried: BTreeSet<Key>,
    pub last: Option<Failure>,
    /// R-LOSS-4: nobody called open().
    pub again: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub member: Key,
    pub since: Instant,
    /// By the member's own timeout.
    pub due: Option<Instant>,
    /// It is tried, or was joined on its way up: not merely waited for while it goes down, or may be back.
    pub joined: bool,
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub cause: Cause,
    pub reason: Option<String>,
}

impl Failure {
    pub(crate) const fn of(cause: Cause) -> Self {
        Self { cause, reason: None }
    }
}

/// An open session.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// The access point or service network that was opened.
    pub target: Key,
    /// A: the access point in use, and its name.
    pub a: Key,
    pub a_name: Identifier,
    /// Since when it is in use, and whether after a start of ours (R-ROAM-43).
    pub a_since: Instant,
    pub a_started: bool,
    pub dead: Dead,
    pub step: Step,
    /// R-STOP-8: another session stops A.
    pub victim: bool,
    pub opened_at: Instant,
    pub mode_since: Instant,
    /// How it roams, as it last looked.
    pub manner: Manner,
    /// R-ROAM-23.
    pub answer: Option<Instant>,
    /// Since when each member is usable (R-ROAM-41).
    pub usable: BTreeMap<Key, Instant>,
}

/// Whether A is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    /// It is up.
    No,
    /// We took it down to make room for B (R-DEV-2).
    Restorable,
    /// It was lost, then.
    Since(Instant),
}

/// The step of roaming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Settled,
    Offered {
        to: Key,
        name: Identifier,
        kind: OfferKind,
    },
    Migrating {
        to: Key,
        due: Option<Instant>,
        /// R-ROAM-27: the application chose it itself.
        chosen: bool,
    },
    Trial {
        to: Key,
        chosen: bool,
    },
    /// A is lost and nothing is usable yet (R-ROAM-44).
    Waiting,
    /// A is started again (R-DEV-3).
    Restoring {
        due: Option<Instant>,
        /// B failed, so E(Roaming) follows.
        failed: bool,
    },
}

/// What a session may do (R-ROAM-40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Asks,
    Moves,
    Stays,
}

/// Why a member is refused (R-ROAM-43).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub by_application: bool,
    /// By stop() of it (R-STOP-6).
    pub by_stop: bool,
    pub by_failure: bool,
    /// By failure: until then; `None`: until it rises by itself.
    pub until: Option<Instant>,
    /// It fell below Discovered by itself.
    pub fallen: bool,
}

/// R-LOSS-4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reopening {
    pub target: Key,
    pub failures: u32,
    /// Not before then; `None`: not before a level rises by itself.
    pub next: Option<Instant>,
}

/// An update that is under way (R-REG-7).
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub op: OperationId,
    pub deadline: Instant,
    pub tokens: Vec<UpdateToken>,
}

/// What one input makes the model say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saying {
    pub removed: Vec<(Key, Configuration)>,
    pub events: BTreeMap<u64, Vec<Told>>,
    pub completed: Vec<UpdateToken>,
    pub read: BTreeSet<Key>,
    /// The sessions that this input settled, and that look again at once (R-ROAM-41).
    pub settled: BTreeSet<u64>,
    /// Requests made, in any order; numbers are given at the end.
    pub asked: Vec<super::request::Asked>,
    /// What the facts of the round mean, by access point.
    pub news: BTreeMap<Key, super::level::News>,
    /// How much was done: when it stands still all is settled.
    pub steps: u64,
}

/// Something told to a session.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Event(Event),
    /// R-X-33: the state in which the whole input leaves it.
    StateLeft,
}

/// What is announced of a configuration when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    pub state: ConfigurationState,
    pub name: String,
    pub members: Vec<Key>,
    pub interface: Option<Interface>,
    pub policies: UsagePolicies,
    pub bearer: Option<BearerType>,
    pub purpose: Purpose,
    pub connect_timeout: Duration,
    pub capabilities: Capabilities,
    pub shutdown: Option<ShutdownPolicy>,
    pub device: Option<Identifier>,
}

impl Configuration {
    pub(crate) const fn access_point(&self) -> Option<&AccessPoint> {
        match &self.kind {
            Kind::AccessPoint(ap) => Some(ap),
            Kind::ServiceNetwork(_) | Kind::UserChoice => None,
        }
    }

    pub(crate) const fn network(&self) -> Option<&Network> {
        match &self.kind {
            Kind::ServiceNetwork(network) => Some(network),
            Kind::AccessPoint(_) | Kind::UserChoice => None,
        }
    }
}

impl AccessPoint {
    /// A start or stop of ours begins: what is out of reach already falls no more by it, but may rise.
    pub(crate) fn touch(&mut self) {
        self.touched = if self.level >= LinkState::Discovered { Touched::Yes } else { Touched::Fallen };
    }

    pub(crate) const fn can_start_and_stop(&self) -> bool {
        self.capabilities.contains(Capabilities::CAN_START_AND_STOP_INTERFACES)
    }

    /// A stop that shows: not a clean-up.
    pub(crate) const fn is_stopping(&self) -> bool {
        matches!(self.request, Some(Request::Stop { clean_up: false, .. }))
    }

    pub(crate) const fn is_starting(&self) -> bool {
        matches!(self.request, Some(Request::Start { .. }))
    }

    /// Section 1: Active, or within its loss_grace, and no stop of ours under way.
    pub(crate) fn is_active(&self) -> bool {
        (self.level == LinkState::Active || self.grace.is_some()) && !self.is_stopping()
    }

    /// What is shown of its interface (R-LOSS-5).
    pub(crate) fn shown_interface(&self) -> Option<&Interface> {
        self.grace.as_ref().map_or(self.interface.as_ref(), |grace| grace.interface.as_ref())
    }

    pub(crate) fn shown_group(&self) -> Option<&Identifier> {
        self.grace.as_ref().map_or(self.group.as_ref(), |grace| grace.group.as_ref())
    }
}

impl Session {
    /// The service network or access point that it is open on, or opens.
    pub(crate) fn target(&self) -> Option<Key> {
        match &self.phase {
            Phase::Open(open) => Some(open.target),
            Phase::Opening(opening) => Some(opening.target),
            Phase::Closed | Phase::Asking { .. } => None,
        }
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        match &self.phase {
            Phase::Open(open) => Some(open),
            Phase::Closed | Phase::Asking { .. } | Phase::Opening(_) => None,
        }
    }

    pub(crate) fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.phase {
            Phase::Open(open) => Some(open),
            Phase::Closed | Phase::Asking { .. } | Phase::Opening(_) => None,
        }
    }

    pub(crate) const fn opening(&self) -> Option<&Opening> {
        match &self.phase {
            Phase::Opening(opening) => Some(opening),
            Phase::Closed | Phase::Asking { .. } | Phase::Open(_) => None,
        }
    }

    pub(crate) const fn opening_mut(&mut self) -> Option<&mut Opening> {
        match &mut self.phase {
            Phase::Opening(opening) => Some(opening),
            Phase::Closed | Phase::Asking { .. } | Phase::Open(_) => None,
        }
    }
}

impl Step {
    /// The member that is held beside A.
    pub(crate) const fn held(&self) -> Option<Key> {
        match self {
            Self::Migrating { to, .. } | Self::Trial { to, .. } => Some(*to),
            Self::Settled | Self::Offered { .. } | Self::Waiting | Self::Restoring { .. } => None,
        }
    }
}
