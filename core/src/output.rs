//! Everything that the machine says: effects for the driver, events for applications, and when it wants
//! to be woken.
//!
//! With the feature `serde` an [`Effect`] and an [`Event`] write exactly as the trace has it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{
    Cause, Changes, ConfigurationState, Identifier, Instant, OfferKind, OperationId, SessionError, SessionId,
    SessionState, UpdateToken, UsagePolicies, WakeReason,
};

/// What [`Manager::poll_output`](crate::Manager::poll_output) yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new output must be seen by every driver at compile time")]
pub enum Output {
    /// Something for the driver to do.
    Effect(Effect),
    /// Something for an application to know.
    Event(Event),
    /// Everything has been said. Call [`Manager::handle_input`](crate::Manager::handle_input) with
    /// [`Input::Tick`](crate::Input::Tick) at the latest at `wake`.
    Idle {
        /// The next deadline.
        wake: Option<Wake>,
    },
}

/// The next deadline, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair")]
pub struct Wake {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: WakeReason,
}

/// A request to the platform. Those with an `op` are answered by
/// [`Input::Completed`](crate::Input::Completed) (a `Resolve` by
/// [`Input::Resolved`](crate::Input::Resolved)); nothing waits for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new effect must be seen by every driver at compile time")]
pub enum Effect {
    /// Bring the link up.
    Start {
        /// The request.
        op: OperationId,
        /// The access point.
        id: Identifier,
    },
    /// Take the link down, and back what a start gave.
    Stop {
        /// The request.
        op: OperationId,
        /// The access point.
        id: Identifier,
    },
    /// Give up a request that is not answered yet: a start, or a resolve.
    Cancel {
        /// The request.
        op: OperationId,
        /// The request to give up.
        cancelled: OperationId,
    },
    /// Ask the user which configuration to use.
    Resolve {
        /// The request.
        op: OperationId,
        /// For this session.
        session: SessionId,
        /// What there is to choose from.
        among: Vec<Identifier>,
    },
    /// Look for configurations; report what is found, then answer.
    Update {
        /// The request.
        op: OperationId,
    },
    /// Report the byte counters of this access point.
    ReadCounters {
        /// The access point.
        id: Identifier,
    },
    /// Make it visible whether this link could be used, without using it (R-ROAM-39).
    Watch {
        /// The access point.
        id: Identifier,
    },
    /// Undo what `Watch` did.
    Unwatch {
        /// The access point.
        id: Identifier,
    },
}

impl Effect {
    /// The number of the request, where it is answered.
    #[must_use]
    pub const fn op(&self) -> Option<OperationId> {
        match self {
            Self::Start { op, .. }
            | Self::Stop { op, .. }
            | Self::Cancel { op, .. }
            | Self::Resolve { op, .. }
            | Self::Update { op } => Some(*op),
            Self::ReadCounters { .. } | Self::Watch { .. } | Self::Unwatch { .. } => None,
        }
    }
}

/// Something that happened, as plain data: it may be logged, and dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a new event must be seen by every program at compile time")]
pub enum Event {
    /// A session's state is another.
    StateChanged {
        /// The session.
        session: SessionId,
        /// The new state.
        state: SessionState,
    },
    /// A session is open: its link may be used.
    Opened {
        /// The session.
        session: SessionId,
    },
    /// A session is no longer open, or no longer opening.
    Closed {
        /// The session.
        session: SessionId,
    },
    /// Something went wrong with a session.
    Error {
        /// The session.
        session: SessionId,
        /// What, by its documented number.
        error: SessionError,
        /// Why, in one word.
        cause: Cause,
        /// The platform's words, where there are any.
        reason: Option<String>,
    },
    /// The application is asked whether to move.
    PreferredConfigurationChanged {
        /// The session.
        session: SessionId,
        /// Where to.
        id: Identifier,
        /// Whether connections survive the move by themselves.
        seamless: bool,
        /// Why.
        kind: OfferKind,
    },
    /// The offer no longer stands.
    OfferWithdrawn {
        /// The session.
        session: SessionId,
        /// Where to it would have been.
        id: Identifier,
    },
    /// The other access point is up.
    NewConfigurationActivated {
        /// The session.
        session: SessionId,
        /// Which.
        id: Identifier,
        /// Whether the application is to accept or reject it.
        decision_due: bool,
    },
    /// The policies of the link in use are others.
    UsagePoliciesChanged {
        /// The session.
        session: SessionId,
        /// All that hold now.
        policies: UsagePolicies,
    },
    /// A configuration was added.
    ConfigurationAdded {
        /// Which.
        id: Identifier,
    },
    /// A configuration was removed.
    ConfigurationRemoved {
        /// Which.
        id: Identifier,
    },
    /// A configuration is not what it was.
    ConfigurationChanged {
        /// Which.
        id: Identifier,
        /// Its state now.
        state: ConfigurationState,
        /// What changed.
        changed: Changes,
    },
    /// The first link came up, or the last went down (R-REG-6).
    OnlineStateChanged {
        /// Whether there is one.
        online: bool,
    },
    /// What an update caused has been said.
    UpdateCompleted {
        /// Which update.
        token: UpdateToken,
    },
}

impl Event {
    /// The session that the event is about, if it is about one.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::StateChanged { session, .. }
            | Self::Opened { session }
            | Self::Closed { session }
            | Self::Error { session, .. }
            | Self::PreferredConfigurationChanged { session, .. }
            | Self::OfferWithdrawn { session, .. }
            | Self::NewConfigurationActivated { session, .. }
            | Self::UsagePoliciesChanged { session, .. } => Some(*session),
            Self::ConfigurationAdded { .. }
            | Self::ConfigurationRemoved { .. }
            | Self::ConfigurationChanged { .. }
            | Self::OnlineStateChanged { .. }
            | Self::UpdateCompleted { .. } => None,
        }
    }
}
