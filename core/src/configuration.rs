//! What is kept of a configuration: the fields of `add`, and for an access point what is believed of its
//! link.
//!
//! Nothing here decides; these are the records that the rooms of the machine work on.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::access_point::AccessPoint;
use crate::{
    Changes, ConfigurationId, ConfigurationState, ConfigurationType, Identifier, Purpose, SessionId,
};

/// The default of a configuration's connect timeout (R-REG-10).
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) id: ConfigurationId,
    pub(crate) identifier: Identifier,
    pub(crate) name: String,
    pub(crate) purpose: Purpose,
    pub(crate) connect_timeout: Duration,
    /// Sessions made on it, by number.
    pub(crate) sessions: Vec<SessionId>,
    /// The state that was last announced.
    pub(crate) announced: ConfigurationState,
    /// What else changed in this input.
    pub(crate) changed: Changes,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    AccessPoint(Box<AccessPoint>),
    ServiceNetwork(ServiceNetwork),
    UserChoice,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceNetwork {
    /// As given: some may not exist yet (R-REG-3).
    pub(crate) named: Vec<Identifier>,
    /// Those that exist, in the order of `named`.
    pub(crate) members: Vec<ConfigurationId>,
    pub(crate) hold_off: Option<Duration>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) answer_within: Option<Duration>,
    /// What was last announced of the members' union.
    pub(crate) announced_capabilities: crate::Capabilities,
    pub(crate) announced_policies: crate::UsagePolicies,
}

impl Configuration {
    pub(crate) const fn kind(&self) -> ConfigurationType {
        match self.kind {
            Kind::AccessPoint(_) => ConfigurationType::AccessPoint,
            Kind::ServiceNetwork(_) => ConfigurationType::ServiceNetwork,
            Kind::UserChoice => ConfigurationType::UserChoice,
        }
    }

    pub(crate) fn access_point(&self) -> Option<&AccessPoint> {
        match &self.kind {
            Kind::AccessPoint(ap) => Some(ap),
            Kind::ServiceNetwork(_) | Kind::UserChoice => None,
        }
    }

    pub(crate) fn access_point_mut(&mut self) -> Option<&mut AccessPoint> {
        match &mut self.kind {
            Kind::AccessPoint(ap) => Some(ap),
            Kind::ServiceNetwork(_) | Kind::UserChoice => None,
        }
    }

    pub(crate) const fn service_network(&self) -> Option<&ServiceNetwork> {
        match &self.kind {
            Kind::ServiceNetwork(network) => Some(network),
            Kind::AccessPoint(_) | Kind::UserChoice => None,
        }
    }

    pub(crate) const fn service_network_mut(&mut self) -> Option<&mut ServiceNetwork> {
        match &mut self.kind {
            Kind::ServiceNetwork(network) => Some(network),
            Kind::AccessPoint(_) | Kind::UserChoice => None,
        }
    }

    /// Puts `value` in `place` and notes that the field changed, if it did.
    pub(crate) fn replace<T: PartialEq>(
        &mut self,
        field: Changes,
        value: Option<T>,
        place: impl FnOnce(&mut Self) -> Option<&mut T>,
    ) {
        let Some(value) = value else { return };
        if let Some(place) = place(self)
            && *place != value
        {
            *place = value;
            self.changed |= field;
        }
    }
}

/// Inserts into a sorted list, once.
pub(crate) fn insert_sorted<T: Ord>(list: &mut Vec<T>, value: T) -> bool {
    match list.binary_search(&value) {
        Ok(_) => false,
        Err(at) => {
            list.insert(at, value);
            true
        }
    }
}

/// Removes from a sorted list.
pub(crate) fn remove_sorted<T: Ord>(list: &mut Vec<T>, value: &T) -> bool {
    match list.binary_search(value) {
        Ok(at) => {
            list.remove(at);
            true
        }
        Err(_) => false,
    }
}
