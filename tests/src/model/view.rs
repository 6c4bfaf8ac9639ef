//! What can be read, as plain values: of the model, and of the core beside it.

use std::time::Duration;

use netsession_core::{
    BearerType, Capabilities, ConfigurationState, ConfigurationType, ConfigurationView, Identifier,
    Interface, LinkState, Manager, OfferKind, PropertyValue, Purpose, ReopenPolicy, RoamingMode,
    SessionError, SessionState, SessionView, ShutdownPolicy, UsagePolicies, property,
};

use super::{Counter, Key, Model, Step};

/// A session as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the core's view")]
#[non_exhaustive]
pub struct SessionSummary {
    pub number: u64,
    pub state: SessionState,
    pub is_open: bool,
    pub error: Option<SessionError>,
    pub configuration: Identifier,
    pub active_configuration: Option<Identifier>,
    pub offer: Option<(Identifier, OfferKind, bool)>,
    pub candidate: Option<(Identifier, Option<Interface>)>,
    pub interface: Option<Interface>,
    pub bytes: (u64, u64),
    pub active_time: u64,
    pub policies: UsagePolicies,
    pub mode: RoamingMode,
    pub reopen: ReopenPolicy,
    pub properties: Vec<(String, PropertyValue)>,
}

/// A configuration as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the core's view")]
#[non_exhaustive]
pub struct ConfigurationSummary {
    pub identifier: Identifier,
    pub kind: ConfigurationType,
    pub name: String,
    pub state: ConfigurationState,
    pub link: Option<LinkState>,
    pub bearer: Option<BearerType>,
    pub purpose: Purpose,
    pub roaming_available: bool,
    pub members: Vec<Identifier>,
    pub connect_timeout: Duration,
    pub interface: Option<Interface>,
    pub device: Option<Identifier>,
    pub shutdown: Option<ShutdownPolicy>,
    pub capabilities: Capabilities,
    pub policies: UsagePolicies,
    pub bytes: (u64, u64),
    pub holders: usize,
    pub is_ours: bool,
}

impl SessionSummary {
    /// What the core says of a session.
    #[must_use]
    pub fn of(view: &SessionView<'_>) -> Self {
        Self {
            number: view.id().number(),
            state: view.state(),
            is_open: view.is_open(),
            error: view.error(),
            configuration: view.configuration().clone(),
            active_configuration: view.active_configuration().cloned(),
            offer: view.offer().map(|offer| (offer.id.clone(), offer.kind, offer.seamless)),
            candidate: view.candidate().map(|it| (it.id.clone(), it.interface.cloned())),
            interface: view.interface().cloned(),
            bytes: (view.bytes_received(), view.bytes_sent()),
            active_time: view.active_time(),
            policies: view.usage_policies(),
            mode: view.roaming_mode(),
            reopen: view.reopen_policy(),
            properties: view.properties().map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    }
}

impl ConfigurationSummary {
    /// What the core says of a configuration.
    #[must_use]
    pub fn of(view: &ConfigurationView<'_>) -> Self {
        Self {
            identifier: view.id().clone(),
            kind: view.kind(),
            name: view.name().to_owned(),
            state: view.state(),
            link: view.link(),
            bearer: view.bearer(),
            purpose: view.purpose(),
            roaming_available: view.roaming_available(),
            members: view.members().cloned().collect(),
            connect_timeout: view.connect_timeout(),
            interface: view.interface().cloned(),
            device: view.device().cloned(),
            shutdown: view.shutdown_policy(),
            capabilities: view.capabilities(),
            policies: view.usage_policies(),
            bytes: (view.bytes_received(), view.bytes_sent()),
            holders: view.holders(),
            is_ours: view.is_ours(),
        }
    }
}

/// The whole as it stands: online, default, what is listed, all capabilities.
pub(crate) type Whole = (bool, Option<Identifier>, Vec<Identifier>, Capabilities);

pub(crate) fn whole_of(manager: &Manager) -> Whole {
    let listed = manager.configurations(None).map(|view| view.id().clone()).collect();
    let default = manager.default_configuration().map(|view| view.id().clone());
    (manager.is_online(), default, listed, manager.capabilities())
}

impl Model {
    /// All sessions, by number.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionSummary> {
        self.sessions.keys().filter_map(|number| self.session(*number)).collect()
    }

    /// A session by its number.
    #[must_use]
    pub fn session(&self, number: u64) -> Option<SessionSummary> {
        let session = self.sessions.get(&number)?;
        let open = session.open();
        let offer = open.and_then(|open| match &open.step {
            Step::Offered { to, name, kind } => {
                Some((name.clone(), *kind, self.is_seamless(open, *to, *kind)))
            }
            Step::Settled
            | Step::Migrating { .. }
            | Step::Trial { .. }
            | Step::Waiting
            | Step::Restoring { .. } => None,
        });
        let candidate = open.and_then(|open| match open.step {
            Step::Trial { to, .. } => Some((self.name_of(to), self.ap(to)?.shown_interface().cloned())),
            Step::Settled
            | Step::Offered { .. }
            | Step::Migrating { .. }
            | Step::Waiting
            | Step::Restoring { .. } => None,
        });
        let state = self.state(number);
        let since = session
            .connected_since
            .filter(|_| matches!(state, SessionState::Connected | SessionState::Roaming));
        let counted = open.map_or(session.on, |open| Some(open.target));
        Some(SessionSummary {
            number,
            state,
            is_open: open.is_some(),
            error: session.error,
            configuration: session.name.clone(),
            active_configuration: open.map(|open| open.a_name.clone()),
            offer,
            candidate,
            interface: self.interface_of(number),
            bytes: counted.map_or((0, 0), |key| self.bytes(key)),
            active_time: since.map_or(0, |since| self.now.saturating_since(since).as_secs()),
            policies: self.session_policies(number),
            mode: session.mode,
            reopen: session.reopen,
            properties: self.properties(number),
        })
    }

    /// R-ST-6.
    fn interface_of(&self, number: u64) -> Option<Interface> {
        if self.state(number) != SessionState::Connected {
            return None;
        }
        let session = self.sessions.get(&number)?;
        let link = match session.open() {
            Some(open) => open.a,
            None => self.links(session.on?).into_iter().find(|link| self.is_active(*link))?,
        };
        self.ap(link)?.shown_interface().cloned()
    }

    /// R-STAT-1.
    fn bytes(&self, key: Key) -> (u64, u64) {
        let is_counted = |link: &Key| self.ap(key).is_some() || self.is_active(*link);
        let links = self.links(key);
        let counted = links.iter().filter(|link| is_counted(link)).filter_map(|link| self.ap(*link));
        let counted = counted.filter(|ap| ap.capabilities.contains(Capabilities::DATA_STATISTICS));
        let sum = |of: fn(&super::AccessPoint) -> Counter| {
            counted.clone().fold(0_u64, |all, ap| all.saturating_add(of(ap).sum))
        };
        (sum(|ap| ap.received), sum(|ap| ap.sent))
    }

    /// R-PROP-1 … R-PROP-5.
    fn properties(&self, number: u64) -> Vec<(String, PropertyValue)> {
        let Some(session) = self.sessions.get(&number) else { return Vec::new() };
        let Some(on) = session.on else { return Vec::new() };
        let text =
            |name: Option<Identifier>| PropertyValue::Text(name.unwrap_or_default().as_str().to_owned());
        let mut all = session.properties.clone();
        let open = session.open();
        all.insert(property::ACTIVE_CONFIGURATION.to_owned(), text(open.map(|open| open.a_name.clone())));
        let resolved = open.filter(|open| open.target != on).map(|open| self.name_of(open.target));
        if self.kind_of(on) == Some(ConfigurationType::UserChoice) {
            all.insert(property::USER_CHOICE_CONFIGURATION.to_owned(), text(resolved));
        }
        if self.has_auto_close(number) {
            all.insert(
                property::AUTO_CLOSE_SESSION_TIMEOUT.to_owned(),
                PropertyValue::Integer(session.auto_close),
            );
        }
        all.into_iter().collect()
    }

    /// All configurations, in the order of insertion.
    #[must_use]
    pub fn configurations(&self) -> Vec<ConfigurationSummary> {
        self.configurations.keys().filter_map(|key| self.configuration(*key)).collect()
    }

    fn configuration(&self, key: Key) -> Option<ConfigurationSummary> {
        let configuration = self.configurations.get(&key)?;
        let ap = configuration.access_point();
        let members = if ap.is_some() { Vec::new() } else { self.members(key) };
        Some(ConfigurationSummary {
            identifier: configuration.identifier.clone(),
            kind: self.kind_of(key)?,
            name: configuration.name.clone(),
            state: self.configuration_state(key),
            link: ap.map(|ap| if ap.grace.is_some() { LinkState::Active } else { ap.level }),
            bearer: ap.map(|ap| ap.bearer),
            purpose: configuration.purpose,
            roaming_available: members.len() > 1,
            members: members.into_iter().map(|member| self.name_of(member)).collect(),
            connect_timeout: configuration.connect_timeout,
            interface: ap.and_then(|ap| ap.shown_interface().cloned()),
            device: ap.and_then(|ap| ap.device.clone()),
            shutdown: ap.map(|ap| ap.shutdown),
            capabilities: self.capabilities_of(key),
            policies: self.policies_of(key),
            bytes: self.bytes(key),
            holders: if ap.is_some() { self.holders(key).len() } else { 0 },
            is_ours: ap.is_some_and(|ap| ap.ours),
        })
    }

    pub(crate) fn whole(&self) -> Whole {
        let listed = self.configurations.keys().copied().filter(|key| !self.is_user_choice(*key));
        let listed: Vec<Key> = listed.collect();
        let all = listed.iter().fold(Capabilities::empty(), |all, key| all | self.capabilities_of(*key));
        (
            self.is_online(),
            self.best_default().map(|key| self.name_of(key)),
            listed.into_iter().map(|key| self.name_of(key)).collect(),
            all,
        )
    }
}
