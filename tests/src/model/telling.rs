//! The order in which everything is told (R-REG-11), and what is announced of configurations.

use std::collections::BTreeMap;

use netsession_core::{Changes, Effect, Event, Identifier, OperationId, Output, SessionId};

use super::request::{Asked, provisional};
use super::{Configuration, Face, Key, Kind, Model, Phase, Session, Told};

impl Model {
    /// What everybody can see of the configurations that are listed (R-X-23).
    pub(super) fn faces(&self) -> BTreeMap<Key, Face> {
        let listed = self.configurations.iter().filter(|(_, it)| !matches!(it.kind, Kind::UserChoice));
        listed.map(|(key, it)| (*key, self.face(*key, it))).collect()
    }

    fn face(&self, key: Key, configuration: &Configuration) -> Face {
        let ap = configuration.access_point();
        Face {
            state: self.configuration_state(key),
            name: configuration.name.clone(),
            members: if ap.is_some() { Vec::new() } else { self.members(key) },
            interface: ap.and_then(|ap| ap.shown_interface().cloned()),
            policies: self.policies_of(key),
            bearer: ap.map(|ap| ap.bearer),
            purpose: configuration.purpose,
            connect_timeout: configuration.connect_timeout,
            capabilities: self.capabilities_of(key),
            shutdown: ap.map(|ap| ap.shutdown),
            device: ap.and_then(|ap| ap.device.clone()),
        }
    }

    /// Says everything that this input led to.
    pub(super) fn tell(
        &mut self,
        before: &BTreeMap<Key, Face>,
        was_online: bool,
        silent: bool,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut events = Vec::new();
        if !silent {
            self.tell_configurations(before, &mut events);
        }
        self.tell_sessions(&mut events);
        let online = self.is_online();
        if online != was_online && !silent {
            events.push(Event::OnlineStateChanged { online });
        }
        let completed = std::mem::take(&mut self.saying.completed);
        events.extend(completed.into_iter().map(|token| Event::UpdateCompleted { token }));
        outputs.extend(events.into_iter().map(Output::Event));
        outputs.extend(self.effects().into_iter().map(Output::Effect));
        outputs.push(Output::Idle { wake: self.wake() });
        outputs
    }

    /// Removed, Added, Changed; each: access points, then service networks.
    fn tell_configurations(&mut self, before: &BTreeMap<Key, Face>, events: &mut Vec<Event>) {
        let mut removed = std::mem::take(&mut self.saying.removed);
        removed.sort_by_key(|(key, it)| (it.access_point().is_none(), *key));
        events.extend(removed.into_iter().map(|(_, it)| Event::ConfigurationRemoved { id: it.identifier }));
        let mut now: Vec<(Key, Face)> = self.faces().into_iter().collect();
        now.sort_by_key(|(key, _)| (self.ap(*key).is_none(), *key));
        for (key, _) in now.iter().filter(|(key, _)| !before.contains_key(key)) {
            events.push(Event::ConfigurationAdded { id: self.name_of(*key) });
        }
        for (key, face) in now {
            let Some(old) = before.get(&key) else { continue };
            let changed = face.changes_from(old);
            if !changed.is_empty() {
                let id = self.name_of(key);
                events.push(Event::ConfigurationChanged { id, state: face.state, changed });
            }
        }
    }

    /// Per session in the order of cause, the policies last.
    fn tell_sessions(&mut self, events: &mut Vec<Event>) {
        for number in self.sessions.keys().copied().collect::<Vec<u64>>() {
            self.say_state(number);
            for told in self.saying.events.remove(&number).unwrap_or_default() {
                if let Told::Event(event) = told {
                    events.push(event);
                }
            }
            let policies = self.session_policies(number);
            let Some(session) = self.sessions.get_mut(&number) else { continue };
            if session.told_policies != policies {
                session.told_policies = policies;
                let session = SessionId::unresolved(number);
                events.push(Event::UsagePoliciesChanged { session, policies });
            }
        }
    }

    /// The effects, and their numbers.
    fn effects(&mut self) -> Vec<Effect> {
        let asked = std::mem::take(&mut self.saying.asked);
        let mut asked: Vec<(OperationId, Asked)> =
            asked.into_iter().enumerate().map(|(index, asked)| (provisional(index + 1), asked)).collect();
        asked.retain(|(op, asked)| !self.is_void(*op, *asked));
        asked.sort_by_key(|(_, asked)| *asked);
        let mut effects = Vec::new();
        let (of_links, others): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(_, asked)| asked.link().is_some());
        for (op, asked) in others {
            effects.extend(self.effect(op, asked));
        }
        let links: Vec<Key> =
            self.configurations.keys().copied().filter(|key| self.ap(*key).is_some()).collect();
        for link in links {
            let wants_watch = self.is_to_be_watched(link);
            let id = self.name_of(link);
            let was_watched = self.ap(link).is_some_and(|ap| ap.watched);
            let mine: Vec<_> =
                of_links.iter().filter(|(_, asked)| asked.link() == Some(link)).copied().collect();
            for (op, asked) in mine.iter().filter(|(_, asked)| matches!(asked, Asked::Cancel { .. })) {
                effects.extend(self.effect(*op, *asked));
            }
            // While a request of ours is under way it is not watched, however soon that one is late.
            let is_interrupted = mine.iter().any(|(_, asked)| !matches!(asked, Asked::Cancel { .. }));
            if was_watched && (is_interrupted || !wants_watch) {
                effects.push(Effect::Unwatch { id: id.clone() });
            }
            for (op, asked) in mine.iter().filter(|(_, asked)| !matches!(asked, Asked::Cancel { .. })) {
                effects.extend(self.effect(*op, *asked));
            }
            if wants_watch && (is_interrupted || !was_watched) {
                effects.push(Effect::Watch { id: id.clone() });
            }
            if let Some(ap) = self.ap_mut(link) {
                ap.watched = wants_watch;
            }
            if self.saying.read.contains(&link) {
                effects.push(Effect::ReadCounters { id });
            }
        }
        self.saying = super::Saying::default();
        effects
    }

    /// A question that was withdrawn before it was asked.
    fn is_void(&self, op: OperationId, asked: Asked) -> bool {
        match asked {
            Asked::Resolve { session } => !matches!(
                self.sessions.get(&session).map(|session| &session.phase),
                Some(Phase::Asking { op: own, .. }) if *own == op
            ),
            Asked::CancelResolve { .. }
            | Asked::Update
            | Asked::Cancel { .. }
            | Asked::Stop { .. }
            | Asked::Start { .. } => false,
        }
    }

    fn effect(&mut self, before: OperationId, asked: Asked) -> Option<Effect> {
        self.last_operation += 1;
        let op = OperationId(self.last_operation);
        self.number(before, op);
        Some(match asked {
            Asked::CancelResolve { cancelled, .. } | Asked::Cancel { cancelled, .. } => {
                Effect::Cancel { op, cancelled }
            }
            Asked::Resolve { session } => {
                Effect::Resolve { op, session: SessionId::unresolved(session), among: self.choices() }
            }
            Asked::Update => Effect::Update { op },
            Asked::Stop { link } => Effect::Stop { op, id: self.name_of(link) },
            Asked::Start { link } => Effect::Start { op, id: self.name_of(link) },
        })
    }

    /// R-X-29.
    fn choices(&self) -> Vec<Identifier> {
        let can_be = |key: &Key| !self.is_user_choice(*key) && self.is_in_reach(*key);
        self.configurations.keys().filter(|key| can_be(key)).map(|key| self.name_of(*key)).collect()
    }

    /// R-ROAM-39.
    fn is_to_be_watched(&self, link: Key) -> bool {
        let is_member = |session: &Session| {
            session.open().is_some_and(|open| {
                self.network(open.target).is_some() && self.members(open.target).contains(&link)
            })
        };
        let asked = self.ap(link).and_then(|ap| ap.request.as_ref());
        asked.is_none() && !self.is_active(link) && self.sessions.values().any(is_member)
    }
}

impl Asked {
    const fn link(&self) -> Option<Key> {
        match self {
            Self::Cancel { link, .. } | Self::Stop { link } | Self::Start { link } => Some(*link),
            Self::CancelResolve { .. } | Self::Resolve { .. } | Self::Update => None,
        }
    }
}

impl Face {
    fn changes_from(&self, old: &Self) -> Changes {
        let pairs = [
            (self.state != old.state, Changes::STATE),
            (self.name != old.name, Changes::NAME),
            (self.members != old.members, Changes::MEMBERS),
            (self.interface != old.interface, Changes::INTERFACE),
            (self.policies != old.policies, Changes::POLICIES),
            (self.bearer != old.bearer, Changes::BEARER),
            (self.purpose != old.purpose, Changes::PURPOSE),
            (self.connect_timeout != old.connect_timeout, Changes::CONNECT_TIMEOUT),
            (self.capabilities != old.capabilities, Changes::CAPABILITIES),
            (self.shutdown != old.shutdown, Changes::SHUTDOWN),
            (self.device != old.device, Changes::DEVICE),
        ];
        let changed = pairs.into_iter().filter(|(is_other, _)| *is_other);
        changed.fold(Changes::empty(), |all, (_, one)| all | one)
    }
}
