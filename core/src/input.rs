//! Everything that can be said to the machine: facts, answers, and commands.
//!
//! With the feature `serde` an [`Input`] reads and writes exactly as the trace has it.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    BearerType, Capabilities, ConfigurationType, Identifier, Interface, LinkState, OperationId, Outcome,
    PropertyValue, Purpose, ReopenPolicy, RoamingMode, SessionId, ShutdownPolicy, UsagePolicies,
};

/// One thing said to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
#[expect(clippy::exhaustive_enums, reason = "the vocabulary of the trace; a new word is a breaking change")]
pub enum Input {
    /// Sets the machine's constants. Only as the very first input.
    Config(Config),
    /// Adds a configuration.
    Add(Add),
    /// Changes the named fields of a configuration (R-REG-12).
    Change(Change),
    /// Removes a configuration.
    Remove {
        /// Which.
        id: Identifier,
    },
    /// What a link is now: a level, which replaces all that was known of it (R-GEN-11).
    Observed(Observation),
    /// All access points as they are now (R-GEN-7).
    Snapshot(Vec<SnapshotEntry>),
    /// The platform's answer to a request.
    Completed {
        /// The request.
        op: OperationId,
        /// How it ended.
        result: Outcome,
        /// The platform's words, for people.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        reason: Option<String>,
    },
    /// The byte counters of a link, as the kernel counts them.
    Counters {
        /// The access point.
        id: Identifier,
        /// Bytes received.
        received: u64,
        /// Bytes sent.
        sent: u64,
    },
    /// The usage policies of an access point.
    Policies {
        /// The access point.
        id: Identifier,
        /// All that hold now.
        policies: UsagePolicies,
    },
    /// The link of an access point is ours: an earlier run of its driver started it and has not stopped it
    /// (R-X-54).
    Adopt {
        /// The access point.
        id: Identifier,
    },
    /// The platform's own default configuration.
    Default {
        /// `None`: it has none.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "Option::deserialize"))]
        id: Option<Identifier>,
    },
    /// Makes a session; the answer is [`Accepted::Session`](crate::Accepted::Session).
    Session {
        /// The configuration. An unknown one gives a null session (R-ST-5).
        on: Identifier,
    },
    /// Opens a session.
    Open {
        /// Which.
        session: SessionId,
    },
    /// Closes a session.
    Close {
        /// Which.
        session: SessionId,
    },
    /// Takes the session's link down, for every session on it.
    Stop {
        /// Which.
        session: SessionId,
    },
    /// Accepts an offer.
    Migrate {
        /// Which session.
        session: SessionId,
    },
    /// Declines an offer.
    Ignore {
        /// Which session.
        session: SessionId,
    },
    /// Keeps the candidate of a trial.
    Accept {
        /// Which session.
        session: SessionId,
    },
    /// Goes back from the candidate of a trial.
    Reject {
        /// Which session.
        session: SessionId,
    },
    /// Closes a session and forgets it (R-ST-8).
    Drop {
        /// Which.
        session: SessionId,
    },
    /// Moves a session to a member of the application's own choice.
    MigrateTo {
        /// Which session.
        session: SessionId,
        /// The member.
        member: Identifier,
    },
    /// Sets how a session roams.
    Roaming {
        /// Which session.
        session: SessionId,
        /// The mode.
        mode: RoamingMode,
    },
    /// Sets whether a lost session opens again.
    Reopen {
        /// Which session.
        session: SessionId,
        /// The policy.
        policy: ReopenPolicy,
    },
    /// Writes a property of a session.
    Property {
        /// Which session.
        session: SessionId,
        /// The key.
        key: String,
        /// `None` removes it.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "Option::deserialize"))]
        value: Option<PropertyValue>,
    },
    /// The user's answer to a `resolve`.
    Resolved {
        /// The request.
        op: OperationId,
        /// `None`: the user cancelled.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "Option::deserialize"))]
        choice: Option<Identifier>,
    },
    /// Asks for the byte counters of an access point.
    RefreshCounters {
        /// The access point.
        id: Identifier,
    },
    /// Asks the platform to look for configurations; the answer is
    /// [`Accepted::Update`](crate::Accepted::Update).
    Update {},
    /// Only time passed.
    Tick {},
}

impl Input {
    /// The session that the input is about, to put the core's handle in place of a number from a trace.
    pub fn session_mut(&mut self) -> Option<&mut SessionId> {
        match self {
            Self::Open { session }
            | Self::Close { session }
            | Self::Stop { session }
            | Self::Migrate { session }
            | Self::Ignore { session }
            | Self::Accept { session }
            | Self::Reject { session }
            | Self::Drop { session }
            | Self::MigrateTo { session, .. }
            | Self::Roaming { session, .. }
            | Self::Reopen { session, .. }
            | Self::Property { session, .. } => Some(session),
            Self::Config(_)
            | Self::Add(_)
            | Self::Change(_)
            | Self::Remove { .. }
            | Self::Observed(_)
            | Self::Snapshot(_)
            | Self::Completed { .. }
            | Self::Counters { .. }
            | Self::Policies { .. }
            | Self::Adopt { .. }
            | Self::Default { .. }
            | Self::Session { .. }
            | Self::Resolved { .. }
            | Self::RefreshCounters { .. }
            | Self::Update {}
            | Self::Tick {} => None,
        }
    }
}

/// The machine's constants. Service networks and sessions may override some.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Config {
    /// How long a better member must have been usable before it is offered. Default 0.
    #[cfg_attr(feature = "serde", serde(rename = "hold_off_ms", with = "crate::trace::millis"))]
    pub hold_off: Duration,
    /// How long a member that failed is left alone at first. Default 30 s.
    #[cfg_attr(feature = "serde", serde(rename = "retry_after_ms", with = "crate::trace::millis"))]
    pub retry_after: Duration,
    /// After so many failures in a row a member is left alone until it rises by itself. Default 5.
    pub give_up_after: u32,
    /// The application's time to answer while its link is up. Default: no limit.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "answer_within_ms", with = "crate::trace::nullable_millis")
    )]
    pub answer_within: Option<Duration>,
    /// The application's time to answer while its link is dead. Default 30 s.
    #[cfg_attr(feature = "serde", serde(rename = "rescue_answer_within_ms", with = "crate::trace::millis"))]
    pub rescue_answer_within: Duration,
    /// The platform's time to stop a link or to cancel a start. Default 30 s.
    #[cfg_attr(feature = "serde", serde(rename = "stop_timeout_ms", with = "crate::trace::millis"))]
    pub stop_timeout: Duration,
    /// The platform's time to complete an update. Default 30 s.
    #[cfg_attr(feature = "serde", serde(rename = "update_timeout_ms", with = "crate::trace::millis"))]
    pub update_timeout: Duration,
    /// The user's time to choose. Default 5 min.
    #[cfg_attr(feature = "serde", serde(rename = "ask_timeout_ms", with = "crate::trace::millis"))]
    pub ask_timeout: Duration,
    /// How long a roaming session waits for another link after a loss. Default 0.
    #[cfg_attr(feature = "serde", serde(rename = "rescue_grace_ms", with = "crate::trace::millis"))]
    pub rescue_grace: Duration,
    /// Whether the platform can ask the user. Default true.
    pub can_ask_user: bool,
}

impl core::default::Default for Config {
    fn default() -> Self {
        Self {
            hold_off: Duration::ZERO,
            retry_after: Duration::from_secs(30),
            give_up_after: 5,
            answer_within: None,
            rescue_answer_within: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(30),
            update_timeout: Duration::from_secs(30),
            ask_timeout: Duration::from_secs(300),
            rescue_grace: Duration::ZERO,
            can_ask_user: true,
        }
    }
}

/// The fields of a configuration that can change: what `add` may give, `change` and a snapshot may name.
///
/// `None` means: not named. Where a field itself can be absent, `Some(None)` names its absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The name for people. Default: the identifier.
    pub name: Option<String>,
    /// Access points: the kind of link. Default unknown.
    pub bearer: Option<BearerType>,
    /// What the network is for. Default unknown.
    pub purpose: Option<Purpose>,
    /// Access points: the exclusive device that carries it. Default none.
    pub device: Option<Option<Identifier>>,
    /// Access points: what the last close does. Default owned only.
    pub shutdown: Option<ShutdownPolicy>,
    /// Access points: what the platform can do with it. Default all but `NETWORK_SESSION_REQUIRED`.
    pub capabilities: Option<Capabilities>,
    /// The deadline of an attempt to open; zero means none (R-REG-10). Default 30 s.
    pub connect_timeout: Option<Duration>,
    /// Access points: how long a loss may last and be none (R-LOSS-5). Default 0.
    pub loss_grace: Option<Duration>,
    /// Access points: whether its driver polls (R-PROP-4). Default no.
    pub polls: Option<bool>,
    /// Access points: whether it counts for being online (R-REG-6). Default yes.
    pub counts_for_online: Option<bool>,
    /// Service networks: the members, most preferred first. Default none.
    pub members: Option<Vec<Identifier>>,
    /// Service networks: overrides [`Config::hold_off`]; `Some(None)` takes it back.
    pub hold_off: Option<Option<Duration>>,
    /// Service networks: overrides [`Config::retry_after`]; `Some(None)` takes it back.
    pub retry_after: Option<Option<Duration>>,
    /// Service networks: overrides [`Config::answer_within`]; `Some(None)` takes it back.
    pub answer_within: Option<Option<Duration>>,
}

/// A configuration to add.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "crate::trace::Record", try_from = "crate::trace::Record")
)]
#[non_exhaustive]
pub struct Add {
    /// Its identifier: not empty, and not taken.
    pub id: Identifier,
    /// What it is.
    pub kind: ConfigurationType,
    /// What is known about it.
    pub settings: Settings,
    /// Access points: the level of its link. Default defined.
    pub link: LinkState,
    /// Access points: its interface.
    pub interface: Option<Interface>,
}

impl Add {
    /// An access point whose link is Defined.
    #[must_use]
    pub fn access_point(id: impl Into<Identifier>) -> Self {
        Self::new(id.into(), ConfigurationType::AccessPoint)
    }

    /// A service network of these members, most preferred first.
    #[must_use]
    pub fn service_network<M: Into<Identifier>>(
        id: impl Into<Identifier>,
        members: impl IntoIterator<Item = M>,
    ) -> Self {
        let mut add = Self::new(id.into(), ConfigurationType::ServiceNetwork);
        add.settings.members = Some(members.into_iter().map(Into::into).collect());
        add
    }

    /// A user choice.
    #[must_use]
    pub fn user_choice(id: impl Into<Identifier>) -> Self {
        Self::new(id.into(), ConfigurationType::UserChoice)
    }

    pub(crate) fn new(id: Identifier, kind: ConfigurationType) -> Self {
        Self { id, kind, settings: Settings::default(), link: LinkState::Defined, interface: None }
    }
}

/// New values for some fields of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "crate::trace::Record", try_from = "crate::trace::Record")
)]
#[non_exhaustive]
pub struct Change {
    /// Which configuration.
    pub id: Identifier,
    /// The fields to change.
    pub settings: Settings,
}

impl Change {
    /// Changes these fields of that configuration.
    #[must_use]
    pub fn new(id: impl Into<Identifier>, settings: Settings) -> Self {
        Self { id: id.into(), settings }
    }
}

/// A link as a driver sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Observation {
    /// The access point.
    pub id: Identifier,
    /// Its level.
    pub link: LinkState,
    /// Its interface, if it has one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub interface: Option<Interface>,
    /// Links that report the same group keep the same address (R-ROAM-29).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub seamless_group: Option<Identifier>,
}

impl Observation {
    /// A level without an interface.
    #[must_use]
    pub fn new(id: impl Into<Identifier>, link: LinkState) -> Self {
        Self { id: id.into(), link, interface: None, seamless_group: None }
    }

    /// The same with this interface.
    #[must_use]
    pub fn with_interface(self, interface: Interface) -> Self {
        Self { interface: Some(interface), ..self }
    }
}

/// One access point of a snapshot: what `observed` would say, and for one that is not known yet what
/// `add` would. For a known one the fields that are named act as `change`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "crate::trace::Record", try_from = "crate::trace::Record")
)]
#[non_exhaustive]
pub struct SnapshotEntry {
    /// Its level and interface.
    pub observation: Observation,
    /// What is known about it.
    pub settings: Settings,
}

impl SnapshotEntry {
    /// An entry that says nothing but the level.
    #[must_use]
    pub fn new(observation: Observation) -> Self {
        Self { observation, settings: Settings::default() }
    }
}
