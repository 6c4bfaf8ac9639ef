//! The registry: which configurations there are, and what changes about them (section 2 of the contract).
//!
//! It promises: an input is checked whole before anything changes, so a refused one changes nothing;
//! an identifier that comes back is a new record; members of a service network join when they are added
//! and leave a place when they go (R-REG-3).

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Report};
use crate::configuration::{
    CONNECT_TIMEOUT, Configuration, Kind, ServiceNetwork, insert_sorted, remove_sorted,
};
use crate::timers::{LinkTimer, Timer};
use crate::{
    Add, Capabilities, Change, Changes, ConfigurationId, ConfigurationState, ConfigurationType, Identifier,
    LinkState, Manager, Observation, Purpose, Refused, Settings, SnapshotEntry, UsagePolicies,
};

impl Manager {
    pub(crate) fn add(&mut self, add: Add) -> Result<(), Refused> {
        let Add { id, kind, settings, link, interface } = add;
        self.check_new(&id, kind)?;
        self.check_settings(&id, kind, &settings)?;
        let is_plain = link == LinkState::Defined && interface.is_none();
        if kind != ConfigurationType::AccessPoint && !is_plain {
            return Err(Refused::WrongType { id, found: kind });
        }
        self.insert(id, kind, settings, Report { link, interface, seamless_group: None });
        Ok(())
    }

    fn check_new(&self, id: &Identifier, kind: ConfigurationType) -> Result<(), Refused> {
        if id.is_empty() {
            return Err(Refused::EmptyIdentifier);
        }
        if self.by_identifier.contains_key(id) {
            return Err(Refused::DuplicateIdentifier(id.clone()));
        }
        let is_named = self.named_members.contains_key(id);
        if kind == ConfigurationType::Invalid || kind != ConfigurationType::AccessPoint && is_named {
            return Err(Refused::WrongType { id: id.clone(), found: kind });
        }
        Ok(())
    }

    /// Fields that the type does not have, and members that cannot be any.
    fn check_settings(
        &self,
        id: &Identifier,
        kind: ConfigurationType,
        settings: &Settings,
    ) -> Result<(), Refused> {
        let is_link = settings.names_link_fields();
        let is_network = settings.names_network_fields();
        let fits = match kind {
            ConfigurationType::AccessPoint => !is_network,
            ConfigurationType::ServiceNetwork => !is_link,
            ConfigurationType::UserChoice | ConfigurationType::Invalid => !is_link && !is_network,
        };
        if !fits {
            return Err(Refused::WrongType { id: id.clone(), found: kind });
        }
        let mut seen = BTreeSet::new();
        for member in settings.members.iter().flatten() {
            if member.is_empty() {
                return Err(Refused::EmptyIdentifier);
            }
            if !seen.insert(member) {
                return Err(Refused::DuplicateIdentifier(member.clone()));
            }
            let found =
                self.lookup(member).and_then(|id| self.configuration_ref(id)).map(Configuration::kind);
            let found = if member == id { Some(kind) } else { found };
            if let Some(found) = found.filter(|&found| found != ConfigurationType::AccessPoint) {
                return Err(Refused::WrongType { id: member.clone(), found });
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        identifier: Identifier,
        kind: ConfigurationType,
        settings: Settings,
        report: Report,
    ) {
        self.last_configuration += 1;
        let number = self.last_configuration;
        let mut id = None;
        self.configurations.insert(|slot, version| {
            let handle = ConfigurationId { number, slot, version };
            id = Some(handle);
            Configuration {
                id: handle,
                identifier: identifier.clone(),
                name: (*identifier).into(),
                purpose: Purpose::Unknown,
                connect_timeout: CONNECT_TIMEOUT,
                sessions: Vec::new(),
                announced: ConfigurationState::Undefined,
                changed: Changes::empty(),
                kind: match kind {
                    ConfigurationType::ServiceNetwork => Kind::ServiceNetwork(ServiceNetwork::default()),
                    ConfigurationType::UserChoice => Kind::UserChoice,
                    ConfigurationType::AccessPoint | ConfigurationType::Invalid => {
                        Kind::AccessPoint(Box::new(AccessPoint::new(report)))
                    }
                },
            }
        });
        let Some(id) = id else { return };
        self.by_identifier.insert(identifier.clone(), id);
        self.order.insert(id);
        self.work.added.push(id);
        self.touch(id);
        if kind == ConfigurationType::UserChoice {
            self.user_choices.push(id);
        }
        self.apply(id, settings);
        let Some(ap) = self.access_point(id) else { return };
        if ap.link() == LinkState::Active {
            self.read_counters(id);
        }
        for network in self.named_members.get(&identifier).cloned().unwrap_or_default() {
            self.join_members(network);
        }
    }

    /// Gives the fields that `settings` names their new values.
    fn apply(&mut self, id: ConfigurationId, settings: Settings) {
        let device = self.access_point(id).and_then(|ap| ap.device.clone());
        self.apply_fields(id, settings);
        self.move_to_device(id, device.as_ref());
    }

    fn apply_fields(&mut self, id: ConfigurationId, settings: Settings) {
        let Some(configuration) = self.configuration_mut(id) else { return };
        configuration.replace(Changes::NAME, settings.name, |it| Some(&mut it.name));
        configuration.replace(Changes::PURPOSE, settings.purpose, |it| Some(&mut it.purpose));
        configuration
            .replace(Changes::CONNECT_TIMEOUT, settings.connect_timeout, |it| Some(&mut it.connect_timeout));
        macro_rules! link_field {
            ($changes:expr, $field:ident) => {
                configuration
                    .replace($changes, settings.$field, |it| Some(&mut it.access_point_mut()?.$field));
            };
        }
        link_field!(Changes::BEARER, bearer);
        link_field!(Changes::DEVICE, device);
        link_field!(Changes::SHUTDOWN, shutdown);
        link_field!(Changes::CAPABILITIES, capabilities);
        link_field!(Changes::empty(), loss_grace);
        link_field!(Changes::empty(), polls);
        link_field!(Changes::empty(), counts_for_online);
        let Some(network) = configuration.service_network_mut() else { return };
        network.hold_off = settings.hold_off.unwrap_or(network.hold_off);
        network.retry_after = settings.retry_after.unwrap_or(network.retry_after);
        network.answer_within = settings.answer_within.unwrap_or(network.answer_within);
        if let Some(members) = settings.members {
            self.name_members(id, members);
        }
    }

    fn name_members(&mut self, id: ConfigurationId, members: Vec<Identifier>) {
        let named = self.configuration_mut(id).and_then(Configuration::service_network_mut);
        let Some(network) = named else { return };
        let old = core::mem::replace(&mut network.named, members.clone());
        for identifier in &old {
            self.unname_member(id, identifier);
        }
        for identifier in members {
            insert_sorted(self.named_members.entry(identifier).or_default(), id);
        }
        self.join_members(id);
    }

    fn unname_member(&mut self, network: ConfigurationId, member: &Identifier) {
        if let Some(networks) = self.named_members.get_mut(member) {
            remove_sorted(networks, &network);
            if networks.is_empty() {
                self.named_members.remove(member);
            }
        }
    }

    /// The members of a service network are those named that exist: works out who joined and who left.
    fn join_members(&mut self, id: ConfigurationId) {
        let Some(network) = self.network_of(id) else { return };
        let members: Vec<_> = network.named.iter().filter_map(|name| self.lookup(name)).collect();
        let Some(configuration) = self.configuration_mut(id) else { return };
        let Some(network) = configuration.service_network_mut() else { return };
        let old = core::mem::replace(&mut network.members, members.clone());
        if old == members {
            return;
        }
        configuration.changed |= Changes::MEMBERS;
        self.touch(id);
        for &gone in old.iter().filter(|gone| !members.contains(gone)) {
            self.touch(gone);
            if let Some(ap) = self.access_point_mut(gone) {
                remove_sorted(&mut ap.networks, &id);
            }
        }
        for member in members {
            self.touch(member);
            if let Some(ap) = self.access_point_mut(member) {
                insert_sorted(&mut ap.networks, id);
            }
        }
    }

    pub(crate) fn change(&mut self, change: Change) -> Result<(), Refused> {
        let Change { id, settings } = change;
        let found = self.find(&id)?;
        let kind = self.configuration_ref(found).map_or(ConfigurationType::Invalid, Configuration::kind);
        self.check_settings(&id, kind, &settings)?;
        self.touch(found);
        self.apply(found, settings);
        Ok(())
    }

    pub(crate) fn remove(&mut self, identifier: &Identifier) -> Result<(), Refused> {
        let id = self.find(identifier)?;
        self.remove_record(id);
        Ok(())
    }

    fn remove_record(&mut self, id: ConfigurationId) {
        let Some(configuration) = self.configurations.remove(id.slot, id.version) else { return };
        let Configuration { identifier, sessions, kind, .. } = configuration;
        self.by_identifier.remove(&identifier);
        self.order.remove(&id);
        match kind {
            Kind::AccessPoint(ap) => {
                for timer in [LinkTimer::Stop, LinkTimer::LossGrace] {
                    self.timers.set(Timer::AccessPoint(id, timer), None);
                }
                if let Some(op) = ap.phase.op() {
                    self.operations.remove(&op);
                }
                self.online_links -= usize::from(ap.online);
                self.near_links -= usize::from(ap.is_near);
                self.work.is_near_lost |= ap.is_near && self.near_links == 0;
                if let Some(device) = &ap.device {
                    self.leave_device(id, device);
                }
                self.on_configuration_removed(id, sessions);
                for network in ap.networks {
                    self.join_members(network);
                }
            }
            Kind::ServiceNetwork(network) => {
                self.on_configuration_removed(id, sessions);
                for member in &network.named {
                    self.unname_member(id, member);
                }
                for member in network.members {
                    self.touch(member);
                    if let Some(ap) = self.access_point_mut(member) {
                        remove_sorted(&mut ap.networks, &id);
                    }
                }
            }
            // It was never listed, so nobody is told.
            Kind::UserChoice => {
                remove_sorted(&mut self.user_choices, &id);
                return self.on_configuration_removed(id, sessions);
            }
        }
        self.work.removed.push(identifier);
    }

    pub(crate) fn observe(&mut self, observation: Observation) -> Result<(), Refused> {
        let id = self.find_access_point(&observation.id)?;
        self.take_report(id, observation.into());
        Ok(())
    }

    /// All facts first; what they mean is decided afterwards, by the same code as for one report (R-GEN-7).
    pub(crate) fn snapshot(&mut self, entries: Vec<SnapshotEntry>) -> Result<(), Refused> {
        let mut seen = BTreeSet::new();
        for SnapshotEntry { observation: Observation { id, .. }, settings } in &entries {
            if !seen.insert(id.clone()) {
                return Err(Refused::DuplicateIdentifier(id.clone()));
            }
            if self.lookup(id).is_some() {
                self.find_access_point(id)?;
            } else {
                self.check_new(id, ConfigurationType::AccessPoint)?;
            }
            self.check_settings(id, ConfigurationType::AccessPoint, settings)?;
        }
        let is_gone = |&&id: &&ConfigurationId| {
            self.access_point(id).is_some()
                && self.configuration_ref(id).is_some_and(|it| !seen.contains(&it.identifier))
        };
        let gone: Vec<_> = self.order.iter().filter(is_gone).copied().collect();
        for SnapshotEntry { observation, settings } in entries {
            if let Some(id) = self.lookup(&observation.id) {
                self.apply(id, settings);
                self.take_report(id, observation.into());
            } else {
                let id = observation.id.clone();
                self.insert(id, ConfigurationType::AccessPoint, settings, observation.into());
            }
        }
        for id in gone {
            self.remove_record(id);
        }
        Ok(())
    }

    pub(crate) fn set_policies(&mut self, id: &Identifier, policies: UsagePolicies) -> Result<(), Refused> {
        let id = self.find_access_point(id)?;
        self.touch(id);
        if let Some(configuration) = self.configuration_mut(id) {
            configuration
                .replace(Changes::POLICIES, Some(policies), |it| Some(&mut it.access_point_mut()?.policies));
        }
        Ok(())
    }

    pub(crate) fn configuration_state(&self, id: ConfigurationId) -> ConfigurationState {
        let Some(configuration) = self.configuration_ref(id) else { return ConfigurationState::Undefined };
        match &configuration.kind {
            Kind::AccessPoint(ap) => ap.configuration_state(),
            Kind::ServiceNetwork(network) => {
                let states = network.members.iter().map(|&member| self.configuration_state(member));
                states.max().unwrap_or(ConfigurationState::Defined).max(ConfigurationState::Defined)
            }
            Kind::UserChoice => ConfigurationState::Discovered,
        }
    }

    pub(crate) fn configuration_capabilities(&self, id: ConfigurationId) -> Capabilities {
        let Some(configuration) = self.configuration_ref(id) else { return Capabilities::empty() };
        match &configuration.kind {
            Kind::AccessPoint(ap) => ap.capabilities,
            Kind::ServiceNetwork(network) => network
                .members
                .iter()
                .fold(Capabilities::empty(), |all, &member| all | self.configuration_capabilities(member)),
            Kind::UserChoice => Capabilities::empty(),
        }
    }

    /// The policies of an access point, or of the members of a service network that are Active.
    pub(crate) fn configuration_policies(&self, id: ConfigurationId) -> UsagePolicies {
        let Some(configuration) = self.configuration_ref(id) else { return UsagePolicies::empty() };
        match &configuration.kind {
            Kind::AccessPoint(ap) => ap.policies,
            Kind::ServiceNetwork(network) => {
                let active = network.members.iter().filter_map(|&member| self.access_point(member));
                let active = active.filter(|ap| ap.is_active());
                active.fold(UsagePolicies::empty(), |all, ap| all | ap.policies)
            }
            Kind::UserChoice => UsagePolicies::empty(),
        }
    }

    /// The configuration to use where nobody said which (R-REG-5).
    pub(crate) fn best_configuration(&self) -> Option<ConfigurationId> {
        self.near_configurations().min_by_key(|&id| self.rank(id))
    }

    /// All that can be used now, best first.
    pub(crate) fn ranked_configurations(&self) -> Vec<ConfigurationId> {
        let mut ranked: Vec<_> = self.near_configurations().collect();
        ranked.sort_by_key(|&id| self.rank(id));
        ranked
    }

    /// What is listed and at least Discovered, in insertion order.
    pub(crate) fn near_configurations(&self) -> impl Iterator<Item = ConfigurationId> {
        self.order.iter().copied().filter(|&id| {
            self.is_listed(id) && self.configuration_state(id) >= ConfigurationState::Discovered
        })
    }

    /// The order of R-REG-5, lowest first; the first of equals is the one that was added first.
    fn rank(&self, id: ConfigurationId) -> (bool, bool, u8) {
        let is_active = self.configuration_state(id) == ConfigurationState::Active;
        let bearer = match self.access_point(id).map(|ap| ap.bearer) {
            None => 0,
            Some(crate::BearerType::Ethernet) => 1,
            Some(crate::BearerType::Wlan) => 2,
            Some(_) => 3,
        };
        (self.platform_default != Some(id), !is_active, bearer)
    }

    pub(crate) fn is_listed(&self, id: ConfigurationId) -> bool {
        self.configuration_ref(id).is_some_and(|it| !matches!(it.kind, Kind::UserChoice))
    }
}

impl Settings {
    const fn names_link_fields(&self) -> bool {
        self.bearer.is_some()
            || self.device.is_some()
            || self.shutdown.is_some()
            || self.capabilities.is_some()
            || self.loss_grace.is_some()
            || self.polls.is_some()
            || self.counts_for_online.is_some()
    }

    const fn names_network_fields(&self) -> bool {
        self.members.is_some()
            || self.hold_off.is_some()
            || self.retry_after.is_some()
            || self.answer_within.is_some()
    }
}
