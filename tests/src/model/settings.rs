//! The fields of a configuration: which type has which, and what they are unless they are named.

use std::time::Duration;

use netsession_core::{
    BearerType, Capabilities, ConfigurationType, LinkState, Settings, ShutdownPolicy, UsagePolicies,
};

use super::{AccessPoint, Configuration, Counter, Key, Kind, Model, Touched};

/// R-REG-10.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the fields that are named are fields of a type (R-X-1).
pub(super) trait FieldsOf {
    fn fit(&self, kind: ConfigurationType) -> bool;
}

impl FieldsOf for Settings {
    fn fit(&self, kind: ConfigurationType) -> bool {
        let of_access_points = self.bearer.is_some()
            || self.device.is_some()
            || self.shutdown.is_some()
            || self.capabilities.is_some()
            || self.loss_grace.is_some()
            || self.polls.is_some()
            || self.counts_for_online.is_some();
        let of_networks = self.members.is_some()
            || self.hold_off.is_some()
            || self.retry_after.is_some()
            || self.answer_within.is_some();
        match kind {
            ConfigurationType::AccessPoint => !of_networks,
            ConfigurationType::ServiceNetwork => !of_access_points,
            ConfigurationType::UserChoice | ConfigurationType::Invalid => !of_access_points && !of_networks,
        }
    }
}

/// An access point of which nothing was said.
pub(super) const fn new_access_point() -> AccessPoint {
    AccessPoint {
        bearer: BearerType::Unknown,
        device: None,
        shutdown: ShutdownPolicy::OwnedOnly,
        capabilities: Capabilities::all().difference(Capabilities::NETWORK_SESSION_REQUIRED),
        loss_grace: Duration::ZERO,
        polls: false,
        counts_for_online: true,
        policies: UsagePolicies::empty(),
        level: LinkState::Defined,
        interface: None,
        group: None,
        grace: None,
        request: None,
        ours: false,
        held: false,
        touched: Touched::No,
        watched: false,
        received: Counter { last: None, sum: 0 },
        sent: Counter { last: None, sum: 0 },
    }
}

fn set<T: Clone>(field: &mut T, named: Option<&T>) {
    if let Some(value) = named {
        field.clone_from(value);
    }
}

impl Configuration {
    /// R-REG-12: the fields that are named, and no other.
    pub(super) fn apply(&mut self, settings: &Settings) {
        set(&mut self.name, settings.name.as_ref());
        set(&mut self.purpose, settings.purpose.as_ref());
        set(&mut self.connect_timeout, settings.connect_timeout.as_ref());
        match &mut self.kind {
            Kind::AccessPoint(ap) => {
                set(&mut ap.bearer, settings.bearer.as_ref());
                set(&mut ap.device, settings.device.as_ref());
                set(&mut ap.shutdown, settings.shutdown.as_ref());
                set(&mut ap.capabilities, settings.capabilities.as_ref());
                set(&mut ap.loss_grace, settings.loss_grace.as_ref());
                set(&mut ap.polls, settings.polls.as_ref());
                set(&mut ap.counts_for_online, settings.counts_for_online.as_ref());
            }
            Kind::ServiceNetwork(network) => {
                set(&mut network.list, settings.members.as_ref());
                set(&mut network.hold_off, settings.hold_off.as_ref());
                set(&mut network.retry_after, settings.retry_after.as_ref());
                set(&mut network.answer_within, settings.answer_within.as_ref());
            }
            Kind::UserChoice => {}
        }
    }
}

impl Model {
    /// What a session's service network overrides.
    pub(super) fn hold_off(&self, target: Key) -> Duration {
        self.network(target).and_then(|network| network.hold_off).unwrap_or(self.config.hold_off)
    }

    pub(super) fn retry_after(&self, target: Key) -> Duration {
        self.network(target).and_then(|network| network.retry_after).unwrap_or(self.config.retry_after)
    }

    pub(super) fn answer_within(&self, target: Key) -> Option<Duration> {
        self.network(target).and_then(|network| network.answer_within).or(self.config.answer_within)
    }
}
