//! What can be read of the machine: views that show the state after the last input handled.

use core::time::Duration;

use crate::access_point::AccessPoint;
use crate::configuration::Configuration;
use crate::property::{ACTIVE_CONFIGURATION, AUTO_CLOSE_SESSION_TIMEOUT, USER_CHOICE_CONFIGURATION};
use crate::ranking::Considered;
use crate::roaming::Step;
use crate::session::Session;
use crate::{
    BearerType, Capabilities, ConfigurationId, ConfigurationState, ConfigurationType, Identifier, Interface,
    LinkState, Manager, OfferKind, PropertyValue, Purpose, ReopenPolicy, RoamingMode, SessionError,
    SessionId, SessionState, ShutdownPolicy, UsagePolicies,
};

/// A session as it stands.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    pub(crate) manager: &'a Manager,
    pub(crate) session: &'a Session,
}

/// An offer that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferView<'a> {
    /// Where to.
    pub id: &'a Identifier,
    /// Why.
    pub kind: OfferKind,
    /// Whether connections survive the move by themselves.
    pub seamless: bool,
    /// Which of the session's offers and trials this is: the next has another number.
    pub step: u64,
}

/// The access point that a session tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateView<'a> {
    /// Which.
    pub id: &'a Identifier,
    /// Its interface.
    pub interface: Option<&'a Interface>,
    /// Which of the session's offers and trials this is: the next has another number.
    pub step: u64,
}

impl<'a> SessionView<'a> {
    pub(crate) const fn new(manager: &'a Manager, session: &'a Session) -> Self {
        Self { manager, session }
    }

    /// Its handle.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.session.id
    }
    /// Its state.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.manager.compute_state(self.session)
    }
    /// Whether it holds a link that is up, from Opened to Closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.session.is_open()
    }
    /// The last error, until the next.
    #[must_use]
    pub fn error(&self) -> Option<SessionError> {
        self.session.error.as_ref().map(|(error, _)| *error)
    }
    /// The last error in words.
    #[must_use]
    pub fn error_string(&self) -> Option<&'a str> {
        self.session.error.as_ref().map(|(_, text)| text.as_str())
    }
    /// The identifier that it was made on.
    #[must_use]
    pub fn configuration(&self) -> &'a Identifier {
        &self.session.configuration
    }
    /// The access point in use while it is open.
    #[must_use]
    pub fn active_configuration(&self) -> Option<&'a Identifier> {
        Some(&self.session.open()?.identifier)
    }
    /// An offer that waits for its answer.
    #[must_use]
    pub fn offer(&self) -> Option<OfferView<'a>> {
        let Self { manager, session } = *self;
        let open = session.open()?;
        let Step::Offered { to, kind } = open.step else { return None };
        let seamless = manager.is_seamless(session, to);
        Some(OfferView { id: &open.offered, kind, seamless, step: session.steps })
    }
    /// The access point that it may move to: up, in a trial that waits for accept or reject (R-ROAM-6).
    #[must_use]
    pub fn candidate(&self) -> Option<CandidateView<'a>> {
        let Self { manager, session } = *self;
        let Step::Trial { to, .. } = session.open()?.step else { return None };
        let to = manager.configuration_ref(to)?;
        let interface = to.access_point()?.shown().interface.as_ref();
        Some(CandidateView { id: &to.identifier, interface, step: session.steps })
    }
    /// Why it uses what it uses, is offered what it is offered, or would open what it would open: all that
    /// were considered, most preferred first (R-ROAM-31).
    #[must_use]
    pub fn why(&self) -> alloc::vec::Vec<Considered<'a>> {
        self.manager.why_session(self.session)
    }
    /// The interface, exactly while Connected (R-ST-6).
    #[must_use]
    pub fn interface(&self) -> Option<&'a Interface> {
        if self.state() != SessionState::Connected {
            return None;
        }
        let manager = self.manager;
        let on = self.session.in_use().or(self.session.on)?;
        let link = manager.access_point(on).or_else(|| {
            let mut members =
                manager.network_of(on)?.members.iter().filter_map(|&id| manager.access_point(id));
            members.find(|ap| ap.is_active())
        });
        link?.shown().interface.as_ref()
    }
    /// What its bytes are of: what a user choice was resolved to only while it is open.
    fn counted(&self) -> Option<ConfigurationId> {
        if self.session.is_open() { self.session.target() } else { self.session.on }
    }
    /// Bytes received on the link (R-STAT-1).
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.counted().map_or(0, |on| self.manager.bytes(on).received)
    }
    /// Bytes sent on the link (R-STAT-1).
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.counted().map_or(0, |on| self.manager.bytes(on).sent)
    }
    /// Whole seconds since it became Connected (R-STAT-2).
    #[must_use]
    pub fn active_time(&self) -> u64 {
        let since = match self.state() {
            SessionState::Connected | SessionState::Roaming => self.session.connected_since,
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connecting
            | SessionState::Closing
            | SessionState::Disconnected => None,
        };
        since.map_or(0, |since| self.manager.now().saturating_since(since).as_secs())
    }
    /// The usage policies that hold for it.
    #[must_use]
    pub fn usage_policies(&self) -> UsagePolicies {
        self.manager.session_policies(self.session)
    }
    /// How it roams.
    #[must_use]
    pub fn roaming_mode(&self) -> RoamingMode {
        self.session.roaming_mode
    }
    /// Whether it opens again after a loss.
    #[must_use]
    pub fn reopen_policy(&self) -> ReopenPolicy {
        self.session.reopen_policy
    }
    /// A property.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<PropertyValue> {
        self.manager.property(self.session, key)
    }
    /// All properties that are present, by key.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, PropertyValue)> + use<'a> {
        let Self { manager, session } = *self;
        let documented =
            [ACTIVE_CONFIGURATION, AUTO_CLOSE_SESSION_TIMEOUT, USER_CHOICE_CONFIGURATION].into_iter();
        let own = session.properties.keys().map(alloc::string::String::as_str);
        let mut keys: alloc::vec::Vec<&'a str> = documented.chain(own).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(move |key| Some((key, manager.property(session, key)?)))
    }
}

/// A configuration as it stands.
#[derive(Clone, Copy, Debug)]
pub struct ConfigurationView<'a> {
    manager: &'a Manager,
    configuration: &'a Configuration,
}

impl<'a> ConfigurationView<'a> {
    pub(crate) const fn new(manager: &'a Manager, configuration: &'a Configuration) -> Self {
        Self { manager, configuration }
    }

    /// Its handle.
    #[must_use]
    pub const fn handle(&self) -> ConfigurationId {
        self.configuration.id
    }
    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &'a Identifier {
        &self.configuration.identifier
    }
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ConfigurationType {
        self.configuration.kind()
    }
    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.configuration.name
    }
    /// Its state.
    #[must_use]
    pub fn state(&self) -> ConfigurationState {
        self.manager.configuration_state(self.configuration.id)
    }
    /// The level of its link; `None` unless it is an access point.
    #[must_use]
    pub fn link(&self) -> Option<LinkState> {
        self.configuration.access_point().map(AccessPoint::link)
    }
    /// The kind of link; `None` unless it is an access point.
    #[must_use]
    pub fn bearer(&self) -> Option<BearerType> {
        self.configuration.access_point().map(|ap| ap.bearer)
    }
    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.configuration.purpose
    }
    /// Whether sessions on it can roam: a service network with two or more members (R-REG-3).
    #[must_use]
    pub fn roaming_available(&self) -> bool {
        self.configuration.service_network().is_some_and(|network| network.members.len() > 1)
    }
    /// The members that exist, most preferred first.
    pub fn members(&self) -> impl Iterator<Item = &'a Identifier> + use<'a> {
        let manager = self.manager;
        let members = self.configuration.service_network().map_or(&[][..], |network| &network.members);
        members.iter().filter_map(move |&id| Some(&manager.configuration_ref(id)?.identifier))
    }
    /// The deadline of an attempt to open it; zero means none.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.configuration.connect_timeout
    }
    /// Its interface; `None` unless it is an access point that has one.
    #[must_use]
    pub fn interface(&self) -> Option<&'a Interface> {
        self.configuration.access_point()?.shown().interface.as_ref()
    }
    /// The exclusive device that carries it.
    #[must_use]
    pub fn device(&self) -> Option<&'a Identifier> {
        self.configuration.access_point()?.device.as_ref()
    }
    /// What the last close does; `None` unless it is an access point.
    #[must_use]
    pub fn shutdown_policy(&self) -> Option<ShutdownPolicy> {
        self.configuration.access_point().map(|ap| ap.shutdown)
    }
    /// What the platform can do with it; of a service network the union of its members'.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.manager.configuration_capabilities(self.configuration.id)
    }
    /// The usage policies that hold for it.
    #[must_use]
    pub fn usage_policies(&self) -> UsagePolicies {
        self.manager.configuration_policies(self.configuration.id)
    }
    /// Bytes received since it became Active (R-STAT-1).
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.manager.bytes(self.configuration.id).received
    }
    /// Bytes sent since it became Active (R-STAT-1).
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.manager.bytes(self.configuration.id).sent
    }
    /// Why a session opened now would use what it would use: all that would be considered, most preferred
    /// first (R-ROAM-31).
    #[must_use]
    pub fn why(&self) -> alloc::vec::Vec<Considered<'a>> {
        self.manager.why_configuration(self.configuration.id, None)
    }
    /// How many sessions hold it.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.configuration.access_point().map_or(0, |ap| ap.holders.len())
    }
    /// Whether this system started its link (R-CLOSE-11).
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.configuration.access_point().is_some_and(|ap| ap.ours)
    }
}
