//! What can be read of the machine: views that show the state after the last input handled.

use core::time::Duration;

use crate::{
    BearerType, Capabilities, ConfigurationId, ConfigurationState, ConfigurationType, Identifier, Interface,
    LinkState, Manager, OfferKind, PropertyValue, Purpose, ReopenPolicy, RoamingMode, SessionError,
    SessionId, SessionState, ShutdownPolicy, UsagePolicies,
};

/// A session as it stands.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    manager: &'a Manager,
    id: SessionId,
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
}

/// The access point that a session may move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateView<'a> {
    /// Which.
    pub id: &'a Identifier,
    /// Its interface.
    pub interface: Option<&'a Interface>,
}

impl<'a> SessionView<'a> {
    /// Its handle.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }
    /// Its state.
    #[must_use]
    pub fn state(&self) -> SessionState {
        let _ = self.manager;
        SessionState::Invalid
    }
    /// Whether it holds a link that is up, from Opened to Closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        false
    }
    /// The last error, until the next.
    #[must_use]
    pub fn error(&self) -> Option<SessionError> {
        None
    }
    /// The last error in words.
    #[must_use]
    pub fn error_string(&self) -> Option<&'a str> {
        None
    }
    /// The identifier that it was made on.
    #[must_use]
    pub fn configuration(&self) -> &'a Identifier {
        unreachable!()
    }
    /// The access point in use while it is open.
    #[must_use]
    pub fn active_configuration(&self) -> Option<&'a Identifier> {
        None
    }
    /// An offer that waits for its answer.
    #[must_use]
    pub fn offer(&self) -> Option<OfferView<'a>> {
        None
    }
    /// The access point that it may move to, in a migration and a trial.
    #[must_use]
    pub fn candidate(&self) -> Option<CandidateView<'a>> {
        None
    }
    /// The interface, exactly while Connected (R-ST-6).
    #[must_use]
    pub fn interface(&self) -> Option<&'a Interface> {
        None
    }
    /// Bytes received on the link (R-STAT-1).
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        0
    }
    /// Bytes sent on the link (R-STAT-1).
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        0
    }
    /// Whole seconds since it became Connected (R-STAT-2).
    #[must_use]
    pub fn active_time(&self) -> u64 {
        0
    }
    /// The usage policies that hold for it.
    #[must_use]
    pub fn usage_policies(&self) -> UsagePolicies {
        UsagePolicies::empty()
    }
    /// How it roams.
    #[must_use]
    pub fn roaming_mode(&self) -> RoamingMode {
        RoamingMode::Forced
    }
    /// Whether it opens again after a loss.
    #[must_use]
    pub fn reopen_policy(&self) -> ReopenPolicy {
        ReopenPolicy::Never
    }
    /// A property.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<PropertyValue> {
        let _ = key;
        None
    }
    /// All properties that are present, by key.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, PropertyValue)> + use<'a> {
        core::iter::empty()
    }
}

/// A configuration as it stands.
#[derive(Clone, Copy, Debug)]
pub struct ConfigurationView<'a> {
    manager: &'a Manager,
    id: ConfigurationId,
}

impl<'a> ConfigurationView<'a> {
    /// Its handle.
    #[must_use]
    pub const fn handle(&self) -> ConfigurationId {
        self.id
    }
    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &'a Identifier {
        let _ = self.manager;
        unreachable!()
    }
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ConfigurationType {
        ConfigurationType::Invalid
    }
    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &'a str {
        ""
    }
    /// Its state.
    #[must_use]
    pub fn state(&self) -> ConfigurationState {
        ConfigurationState::Undefined
    }
    /// The level of its link; `None` unless it is an access point.
    #[must_use]
    pub fn link(&self) -> Option<LinkState> {
        None
    }
    /// The kind of link; `None` unless it is an access point.
    #[must_use]
    pub fn bearer(&self) -> Option<BearerType> {
        None
    }
    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        Purpose::Unknown
    }
    /// Whether sessions on it can roam: a service network with two or more members (R-REG-3).
    #[must_use]
    pub fn roaming_available(&self) -> bool {
        false
    }
    /// The members that exist, most preferred first.
    pub fn members(&self) -> impl Iterator<Item = &'a Identifier> + use<'a> {
        core::iter::empty()
    }
    /// The deadline of an attempt to open it; zero means none.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::ZERO
    }
    /// Its interface; `None` unless it is an access point that has one.
    #[must_use]
    pub fn interface(&self) -> Option<&'a Interface> {
        None
    }
    /// The exclusive device that carries it.
    #[must_use]
    pub fn device(&self) -> Option<&'a Identifier> {
        None
    }
    /// What the last close does; `None` unless it is an access point.
    #[must_use]
    pub fn shutdown_policy(&self) -> Option<ShutdownPolicy> {
        None
    }
    /// What the platform can do with it; of a service network the union of its members'.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::empty()
    }
    /// The usage policies that hold for it.
    #[must_use]
    pub fn usage_policies(&self) -> UsagePolicies {
        UsagePolicies::empty()
    }
    /// Bytes received since it became Active (R-STAT-1).
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        0
    }
    /// Bytes sent since it became Active (R-STAT-1).
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        0
    }
    /// How many sessions hold it.
    #[must_use]
    pub fn holders(&self) -> usize {
        0
    }
    /// Whether this system started its link (R-CLOSE-11).
    #[must_use]
    pub fn is_ours(&self) -> bool {
        false
    }
}
