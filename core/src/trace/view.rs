//! Questions to a manager, and their answers as the trace writes them: every field, in a fixed order,
//! `null` for what does not exist.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    BearerType, Capabilities, ConfigurationState, ConfigurationType, ConfigurationView, Considered,
    Identifier, Interface, LinkState, Manager, OfferKind, PropertyValue, Purpose, Refused, ReopenPolicy,
    RoamingMode, SessionError, SessionId, SessionState, SessionView, ShutdownPolicy, UsagePolicies,
};

/// A question that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "the vocabulary of the trace; a new word is a breaking change")]
pub enum Query {
    /// How a session stands.
    Session(SessionId),
    /// How a configuration stands.
    Configuration(Identifier),
    /// How the whole stands.
    Manager {},
    /// Why a session is where it is, or where a new one would go (R-ROAM-31).
    Why(Subject),
}

/// Whose choice a [`Query::Why`] asks about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the vocabulary of the trace; a new word is a breaking change")]
pub enum Subject {
    /// A session's.
    Session(SessionId),
    /// That of a new session on this configuration.
    Configuration(Identifier),
}

impl Query {
    /// The session that is asked about, to put the core's handle in place of a number from a trace.
    pub const fn session_mut(&mut self) -> Option<&mut SessionId> {
        match self {
            Self::Session(session) | Self::Why(Subject::Session(session)) => Some(session),
            Self::Configuration(_) | Self::Manager {} | Self::Why(Subject::Configuration(_)) => None,
        }
    }
}

/// The answer to a [`Query`]. Serializes as what stands behind `view` in the trace.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "one for each query")]
pub enum View<'a> {
    /// To [`Query::Session`].
    Session(SessionView<'a>),
    /// To [`Query::Configuration`].
    Configuration(ConfigurationView<'a>),
    /// To [`Query::Manager`].
    Manager(ManagerView<'a>),
    /// To [`Query::Why`].
    Why {
        /// The access points that were considered, most preferred first.
        why: Vec<Considered<'a>>,
    },
}

/// The whole as it stands.
#[derive(Clone, Copy, Debug)]
pub struct ManagerView<'a>(&'a Manager);

/// Answers a question.
///
/// # Errors
/// [`Refused::UnknownSession`] or [`Refused::UnknownConfiguration`].
pub fn answer<'a>(manager: &'a Manager, query: &Query) -> Result<View<'a>, Refused> {
    match query {
        Query::Session(id) => session(manager, *id).map(View::Session),
        Query::Configuration(id) => configuration(manager, id).map(View::Configuration),
        Query::Manager {} => Ok(View::Manager(ManagerView(manager))),
        Query::Why(Subject::Session(id)) => {
            session(manager, *id).map(|session| View::Why { why: session.why() })
        }
        Query::Why(Subject::Configuration(id)) => {
            configuration(manager, id).map(|found| View::Why { why: found.why() })
        }
    }
}

fn session(manager: &Manager, id: SessionId) -> Result<SessionView<'_>, Refused> {
    manager.session(id).ok_or(Refused::UnknownSession(id))
}

fn configuration<'a>(manager: &'a Manager, id: &Identifier) -> Result<ConfigurationView<'a>, Refused> {
    manager.configuration(id).ok_or_else(|| Refused::UnknownConfiguration(id.clone()))
}

#[derive(Serialize)]
struct SessionRecord<'a> {
    session: SessionId,
    state: SessionState,
    is_open: bool,
    error: Option<SessionError>,
    error_string: Option<&'a str>,
    configuration: &'a Identifier,
    active_configuration: &'a str,
    offer: Option<OfferRecord<'a>>,
    candidate: Option<CandidateRecord<'a>>,
    interface: Option<&'a Interface>,
    received: u64,
    sent: u64,
    active_time: u64,
    policies: UsagePolicies,
    roaming: RoamingMode,
    reopen: ReopenPolicy,
    properties: BTreeMap<&'a str, PropertyValue>,
}

#[derive(Serialize)]
struct OfferRecord<'a> {
    id: &'a Identifier,
    kind: OfferKind,
    seamless: bool,
}

#[derive(Serialize)]
struct CandidateRecord<'a> {
    id: &'a Identifier,
    interface: Option<&'a Interface>,
}

impl Serialize for SessionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offer = self.offer();
        let candidate = self.candidate();
        SessionRecord {
            session: self.id(),
            state: self.state(),
            is_open: self.is_open(),
            error: self.error(),
            error_string: self.error_string(),
            configuration: self.configuration(),
            active_configuration: self.active_configuration().map_or("", Identifier::as_str),
            offer: offer.map(|it| OfferRecord { id: it.id, kind: it.kind, seamless: it.seamless }),
            candidate: candidate.map(|it| CandidateRecord { id: it.id, interface: it.interface }),
            interface: self.interface(),
            received: self.bytes_received(),
            sent: self.bytes_sent(),
            active_time: self.active_time(),
            policies: self.usage_policies(),
            roaming: self.roaming_mode(),
            reopen: self.reopen_policy(),
            properties: self.properties().collect(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct ConfigurationRecord<'a> {
    id: &'a Identifier,
    #[serde(rename = "type")]
    kind: ConfigurationType,
    name: &'a str,
    state: ConfigurationState,
    link: Option<LinkState>,
    bearer: Option<BearerType>,
    bearer_name: Option<&'a str>,
    bearer_family: Option<BearerType>,
    purpose: Purpose,
    roaming_available: bool,
    members: Vec<&'a Identifier>,
    #[serde(with = "super::millis")]
    connect_timeout_ms: Duration,
    interface: Option<&'a Interface>,
    device: Option<&'a Identifier>,
    shutdown: Option<ShutdownPolicy>,
    capabilities: Capabilities,
    policies: UsagePolicies,
    received: u64,
    sent: u64,
    holders: usize,
    ours: bool,
}

impl Serialize for ConfigurationView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ConfigurationRecord {
            id: self.id(),
            kind: self.kind(),
            name: self.name(),
            state: self.state(),
            link: self.link(),
            bearer: self.bearer(),
            bearer_name: self.bearer().map(BearerType::name),
            bearer_family: self.bearer().map(BearerType::family),
            purpose: self.purpose(),
            roaming_available: self.roaming_available(),
            members: self.members().collect(),
            connect_timeout_ms: self.connect_timeout(),
            interface: self.interface(),
            device: self.device(),
            shutdown: self.shutdown_policy(),
            capabilities: self.capabilities(),
            policies: self.usage_policies(),
            received: self.bytes_received(),
            sent: self.bytes_sent(),
            holders: self.holders(),
            ours: self.is_ours(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct ManagerRecord<'a> {
    online: bool,
    capabilities: Capabilities,
    default: Option<&'a Identifier>,
    configurations: Vec<&'a Identifier>,
}

impl Serialize for ManagerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ManagerRecord {
            online: self.0.is_online(),
            capabilities: self.0.capabilities(),
            default: self.0.default_configuration().map(|configuration| configuration.id()),
            configurations: self.0.configurations(None).map(|configuration| configuration.id()).collect(),
        }
        .serialize(serializer)
    }
}
