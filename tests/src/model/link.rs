//! What can be said of a link, and of a configuration, by looking at it.

use netsession_core::{
    Capabilities, ConfigurationState, ConfigurationType, LinkState, ShutdownPolicy, UsagePolicies,
};

use super::{AccessPoint, Key, Kind, Model, Network, Phase, Step};

/// What an access point is to a session that would use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// Active.
    Up,
    /// Within the grace of a loss.
    Grace,
    /// Connecting by a start of ours, or about to be.
    Ours,
    /// Can be started.
    Startable,
    /// Connecting by the system.
    Coming,
    /// Going down.
    Down,
    /// Its device is not free.
    Taken,
    /// Discovered, but nobody here can start it.
    NotPossible,
    /// Below Discovered, or gone.
    Unavailable,
}

impl Model {
    pub(super) fn ap(&self, key: Key) -> Option<&AccessPoint> {
        self.configurations.get(&key)?.access_point()
    }

    pub(super) fn ap_mut(&mut self, key: Key) -> Option<&mut AccessPoint> {
        match &mut self.configurations.get_mut(&key)?.kind {
            Kind::AccessPoint(ap) => Some(ap),
            Kind::ServiceNetwork(_) | Kind::UserChoice => None,
        }
    }

    pub(super) fn network(&self, key: Key) -> Option<&Network> {
        self.configurations.get(&key)?.network()
    }

    pub(super) fn kind_of(&self, key: Key) -> Option<ConfigurationType> {
        Some(match self.configurations.get(&key)?.kind {
            Kind::AccessPoint(_) => ConfigurationType::AccessPoint,
            Kind::ServiceNetwork(_) => ConfigurationType::ServiceNetwork,
            Kind::UserChoice => ConfigurationType::UserChoice,
        })
    }

    /// R-REG-3: the members that exist, most preferred first.
    pub(super) fn members(&self, key: Key) -> Vec<Key> {
        let list = self.network(key).map(|network| network.list.as_slice()).unwrap_or_default();
        list.iter().filter_map(|id| self.find(id)).filter(|member| self.ap(*member).is_some()).collect()
    }

    /// The access points of a configuration: itself, or its members.
    pub(super) fn links(&self, key: Key) -> Vec<Key> {
        if self.ap(key).is_some() { vec![key] } else { self.members(key) }
    }

    pub(super) fn is_active(&self, key: Key) -> bool {
        self.ap(key).is_some_and(AccessPoint::is_active)
    }

    /// Section 1, R-LOSS-5, R-X-3.
    pub(super) fn configuration_state(&self, key: Key) -> ConfigurationState {
        if let Some(ap) = self.ap(key) {
            if ap.grace.is_some() {
                return ConfigurationState::Active;
            }
            return match ap.level {
                LinkState::Undefined => ConfigurationState::Undefined,
                LinkState::Defined => ConfigurationState::Defined,
                LinkState::Discovered | LinkState::Connecting => ConfigurationState::Discovered,
                LinkState::Active | LinkState::Closing => ConfigurationState::Active,
            };
        }
        if self.network(key).is_none() {
            return ConfigurationState::Discovered;
        }
        let states = self.members(key).into_iter().map(|member| self.configuration_state(member));
        states.max().unwrap_or(ConfigurationState::Defined).max(ConfigurationState::Defined)
    }

    pub(super) fn is_in_reach(&self, key: Key) -> bool {
        self.configurations.contains_key(&key)
            && self.configuration_state(key) >= ConfigurationState::Discovered
    }

    /// R-REG-9.
    pub(super) fn capabilities_of(&self, key: Key) -> Capabilities {
        let of = |link: &Key| self.ap(*link).map(|ap| ap.capabilities);
        self.links(key).iter().filter_map(of).fold(Capabilities::empty(), |all, more| all | more)
    }

    /// R-POL-1.
    pub(super) fn policies_of(&self, key: Key) -> UsagePolicies {
        if let Some(ap) = self.ap(key) {
            return ap.policies;
        }
        let active = self.members(key).into_iter().filter_map(|member| self.ap(member));
        active
            .filter(|ap| ap.is_active())
            .map(|ap| ap.policies)
            .fold(UsagePolicies::empty(), |all, more| all | more)
    }

    /// R-REG-6, R-X-3.
    pub(super) fn is_online(&self) -> bool {
        self.configurations.iter().any(|(key, configuration)| {
            configuration.access_point().is_some_and(|ap| ap.counts_for_online)
                && self.configuration_state(*key) == ConfigurationState::Active
        })
    }

    /// The sessions that hold an access point: that open it, have it in use, or hold it beside that.
    pub(super) fn holders(&self, key: Key) -> Vec<u64> {
        let holds = |phase: &Phase| match phase {
            Phase::Closed | Phase::Asking { .. } => false,
            Phase::Opening(opening) => opening.attempt.is_some_and(|attempt| attempt.member == key),
            Phase::Open(open) => open.a == key || open.step.held() == Some(key),
        };
        self.sessions.iter().filter(|(_, it)| holds(&it.phase)).map(|(number, _)| *number).collect()
    }

    /// The sessions for whose sake it would be started: a dead A is let alone (R-ROAM-32).
    pub(super) fn starters(&self, key: Key) -> Vec<u64> {
        let starts = |phase: &Phase| match phase {
            Phase::Closed | Phase::Asking { .. } => false,
            Phase::Opening(opening) => opening.attempt.is_some_and(|attempt| attempt.member == key),
            Phase::Open(open) => match &open.step {
                Step::Migrating { to, .. } => *to == key,
                Step::Restoring { .. } => open.a == key,
                Step::Settled | Step::Offered { .. } | Step::Trial { .. } | Step::Waiting => false,
            },
        };
        self.sessions.iter().filter(|(_, it)| starts(&it.phase)).map(|(number, _)| *number).collect()
    }

    /// The other access points of its device.
    pub(super) fn others_of_device(&self, key: Key) -> Vec<Key> {
        let Some(device) = self.ap(key).and_then(|ap| ap.device.as_ref()) else { return Vec::new() };
        let shares = |ap: &AccessPoint| ap.device.as_ref() == Some(device);
        self.configurations
            .iter()
            .filter(|(other, it)| **other != key && it.access_point().is_some_and(shares))
            .map(|(other, _)| *other)
            .collect()
    }

    /// Up, coming up, going down, or being started for somebody: no other access point of its device can be
    /// started now (R-X-31: a cancel or a clean-up keeps nobody waiting).
    pub(super) fn occupies_device(&self, key: Key) -> bool {
        self.ap(key).is_some_and(|ap| ap.level >= LinkState::Connecting || ap.grace.is_some())
            || (self.ap(key).is_some_and(AccessPoint::is_starting) && !self.starters(key).is_empty())
    }

    /// The sessions that go on holding it: who waits for a start that has just failed lets go of it.
    fn keepers(&self, key: Key) -> Vec<u64> {
        let uses = |number: u64| {
            self.sessions.get(&number).and_then(|it| it.open()).is_some_and(|open| open.a == key)
        };
        let lets_go = |number: u64| self.news_of_failure(number, key).is_some() && !uses(number);
        self.holders(key).into_iter().filter(|number| !lets_go(*number)).collect()
    }

    /// R-DEV-6: whether the device of an access point is free for a session.
    pub(super) fn is_device_free(&self, key: Key, session: u64) -> bool {
        self.others_of_device(key).into_iter().all(|other| {
            let holders = self.keepers(other);
            let Some(ap) = self.ap(other) else { return true };
            if holders.iter().any(|holder| *holder != session) {
                return false;
            }
            let is_up = ap.level >= LinkState::Connecting || ap.grace.is_some();
            if holders.is_empty() {
                return !is_up || (ap.can_start_and_stop() && ap.shutdown != ShutdownPolicy::Never);
            }
            !is_up || self.can_be_left(other, session)
        })
    }

    /// R-DEV-6 for a member that is up or coming up, which has to displace nobody.
    pub(super) fn is_device_free_to_join(&self, key: Key, session: u64) -> bool {
        self.others_of_device(key).into_iter().all(|other| {
            let holders = self.keepers(other);
            let Some(ap) = self.ap(other) else { return true };
            let stays = !ap.can_start_and_stop() || ap.shutdown == ShutdownPolicy::Never;
            // What it merely tries it lets go of, and then nobody holds it.
            let uses =
                self.sessions.get(&session).and_then(|it| it.open()).is_some_and(|open| open.a == other);
            let is_up = ap.level >= LinkState::Connecting || ap.grace.is_some();
            let is_in_the_way = !uses && is_up && stays;
            holders.iter().all(|holder| *holder == session) && !is_in_the_way
        })
    }

    /// R-DEV-2, R-X-40: the session's own A, which is up, can be stopped to make room.
    fn can_be_left(&self, a: Key, session: u64) -> bool {
        let open = self.sessions.get(&session).and_then(|session| session.open());
        let Some(open) = open.filter(|open| open.a == a) else {
            // It lets go of it, and then nobody holds it.
            return self
                .ap(a)
                .is_some_and(|ap| ap.can_start_and_stop() && ap.shutdown != ShutdownPolicy::Never);
        };
        let is_dead = matches!(open.dead, super::Dead::Since(_));
        !is_dead && self.ap(a).is_some_and(AccessPoint::can_start_and_stop)
    }

    pub(super) fn prospect(&self, key: Key, session: u64) -> Prospect {
        let Some(ap) = self.ap(key) else { return Prospect::Unavailable };
        if ap.is_stopping() || ap.level == LinkState::Closing && ap.grace.is_none() {
            // Who waits for it already sees about the device when it is down.
            let waits = self.starters(key).contains(&session);
            let is_free = self.is_device_free(key, session) || waits;
            return if is_free { Prospect::Down } else { Prospect::Taken };
        }
        if ap.grace.is_some() {
            return Prospect::Grace;
        }
        match ap.level {
            LinkState::Active => Prospect::Up,
            LinkState::Closing => Prospect::Down,
            LinkState::Connecting if ap.is_starting() => Prospect::Ours,
            LinkState::Connecting => Prospect::Coming,
            LinkState::Undefined | LinkState::Defined => Prospect::Unavailable,
            LinkState::Discovered if ap.is_starting() => Prospect::Ours,
            LinkState::Discovered if !ap.can_start_and_stop() => Prospect::NotPossible,
            LinkState::Discovered if !self.is_device_free(key, session) => Prospect::Taken,
            LinkState::Discovered => Prospect::Startable,
        }
    }
}
