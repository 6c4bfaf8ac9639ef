//! Taking an input: what is refused and why, and what it changes in the records. Nothing is decided here.

use netsession_core::{
    Accepted, Add, Capabilities, Change, ConfigurationType, Identifier, Input, LinkState, Observation,
    OperationId, Outcome, Refused, SessionId, SessionState, SnapshotEntry, UsagePolicies,
};

use super::request::Asked;
use super::settings::{FieldsOf, new_access_point};
use super::{Configuration, Counter, Failure, Kind, Model, Network, Request, Session, Update};

impl Model {
    /// Takes an input, or refuses it and changes nothing.
    pub(super) fn take(&mut self, input: &Input) -> Result<Accepted, Refused> {
        match input {
            Input::Config(_) if !self.untouched => Err(Refused::ConfigNotFirst),
            Input::Config(config) => {
                self.config = config.clone();
                Ok(Accepted::Done)
            }
            Input::Session { on } => Ok(self.make_session(on)),
            Input::Update {} => Ok(self.request_update()),
            Input::Tick {} => Ok(Accepted::Done),
            Input::Add(add) => self.add(add),
            Input::Change(change) => self.change(change),
            Input::Remove { id } => self.remove(id),
            Input::Snapshot(entries) => self.snapshot(entries),
            Input::Completed { op, result, reason } => {
                self.completed(*op, *result, reason.as_ref());
                Ok(Accepted::Done)
            }
            Input::Resolved { op, choice } => {
                self.resolved(*op, choice.as_ref());
                Ok(Accepted::Done)
            }
            Input::Observed(seen) => self.observed(seen),
            Input::Counters { id, received, sent } => self.count(id, *received, *sent),
            Input::Policies { id, policies } => self.set_policies(id, *policies),
            Input::Adopt { id } => self.adopt(id),
            Input::Default { id } => self.set_default(id.as_ref()),
            Input::RefreshCounters { id } => self.refresh(id),
            Input::Open { .. }
            | Input::Close { .. }
            | Input::Stop { .. }
            | Input::Migrate { .. }
            | Input::Ignore { .. }
            | Input::Accept { .. }
            | Input::Reject { .. }
            | Input::Drop { .. }
            | Input::MigrateTo { .. }
            | Input::Roaming { .. }
            | Input::Reopen { .. }
            | Input::Property { .. } => self.command(input),
        }
    }

    fn observed(&mut self, seen: &Observation) -> Result<Accepted, Refused> {
        let key = self.access_point_named(&seen.id)?;
        self.observe(key, seen.link, seen.interface.clone(), seen.seamless_group.clone());
        Ok(Accepted::Done)
    }

    fn count(&mut self, id: &Identifier, received: u64, sent: u64) -> Result<Accepted, Refused> {
        let key = self.access_point_named(id)?;
        if let Some(ap) = self.ap_mut(key) {
            let is_active = ap.level >= LinkState::Active || ap.grace.is_some();
            ap.received.report(received, is_active);
            ap.sent.report(sent, is_active);
        }
        Ok(Accepted::Done)
    }

    fn set_policies(&mut self, id: &Identifier, policies: UsagePolicies) -> Result<Accepted, Refused> {
        let key = self.access_point_named(id)?;
        if let Some(ap) = self.ap_mut(key) {
            ap.policies = policies;
        }
        Ok(Accepted::Done)
    }

    /// R-X-54.
    fn adopt(&mut self, id: &Identifier) -> Result<Accepted, Refused> {
        let key = self.access_point_named(id)?;
        if let Some(ap) = self.ap_mut(key)
            && ap.request.is_none()
            && (ap.level >= LinkState::Connecting || ap.grace.is_some())
        {
            ap.ours = true;
        }
        Ok(Accepted::Done)
    }

    /// R-STAT-3.
    fn refresh(&mut self, id: &Identifier) -> Result<Accepted, Refused> {
        let key = self.access_point_named(id)?;
        if self.ap(key).is_some_and(|ap| ap.capabilities.contains(Capabilities::DATA_STATISTICS)) {
            self.saying.read.insert(key);
        }
        Ok(Accepted::Done)
    }

    /// R-X-11.
    fn set_default(&mut self, id: Option<&Identifier>) -> Result<Accepted, Refused> {
        self.platform_default = id.map(|id| self.named(id)).transpose()?;
        Ok(Accepted::Done)
    }

    fn named(&self, id: &Identifier) -> Result<super::Key, Refused> {
        self.find(id).ok_or_else(|| Refused::UnknownConfiguration(id.clone()))
    }

    fn access_point_named(&self, id: &Identifier) -> Result<super::Key, Refused> {
        let key = self.named(id)?;
        match self.ap(key) {
            Some(_) => Ok(key),
            None => Err(self.wrong_type(id)),
        }
    }

    fn wrong_type(&self, id: &Identifier) -> Refused {
        let found = self.find(id).and_then(|key| self.kind_of(key)).unwrap_or(ConfigurationType::Invalid);
        Refused::WrongType { id: id.clone(), found }
    }

    /// R-REG-3: members are access points, or do not exist yet.
    fn check_list(&self, own: &Identifier, list: &[Identifier]) -> Result<(), Refused> {
        for (index, member) in list.iter().enumerate() {
            if member.is_empty() {
                return Err(Refused::EmptyIdentifier);
            }
            if list.iter().take(index).any(|other| other == member) {
                return Err(Refused::DuplicateIdentifier(member.clone()));
            }
            let is_other = self.find(member).is_some_and(|key| self.ap(key).is_none());
            if is_other || member == own {
                return Err(self.wrong_type(member));
            }
        }
        Ok(())
    }

    /// Whether some service network names it as a member.
    fn is_listed(&self, id: &Identifier) -> bool {
        self.configurations
            .values()
            .filter_map(Configuration::network)
            .any(|network| network.list.contains(id))
    }

    fn check_new(&self, id: &Identifier) -> Result<(), Refused> {
        if id.is_empty() {
            return Err(Refused::EmptyIdentifier);
        }
        if self.find(id).is_some() {
            return Err(Refused::DuplicateIdentifier(id.clone()));
        }
        Ok(())
    }

    fn add(&mut self, add: &Add) -> Result<Accepted, Refused> {
        self.check_new(&add.id)?;
        let wrong = Err(Refused::WrongType { id: add.id.clone(), found: add.kind });
        if add.kind == ConfigurationType::Invalid || !add.settings.fit(add.kind) {
            return wrong;
        }
        let has_link = add.link != LinkState::Defined || add.interface.is_some();
        if add.kind != ConfigurationType::AccessPoint && (has_link || self.is_listed(&add.id)) {
            return wrong;
        }
        self.check_list(&add.id, add.settings.members.as_deref().unwrap_or_default())?;
        let kind = match add.kind {
            ConfigurationType::ServiceNetwork => Kind::ServiceNetwork(Network::default()),
            ConfigurationType::UserChoice => Kind::UserChoice,
            ConfigurationType::AccessPoint | ConfigurationType::Invalid => {
                Kind::AccessPoint(Box::new(new_access_point()))
            }
        };
        let key = self.insert(&add.id, kind);
        if let Some(configuration) = self.configurations.get_mut(&key) {
            configuration.apply(&add.settings);
        }
        if add.kind == ConfigurationType::AccessPoint {
            self.first_level(key, add.link, add.interface.clone(), None);
        }
        Ok(Accepted::Done)
    }

    fn insert(&mut self, id: &Identifier, kind: Kind) -> super::Key {
        self.last_configuration += 1;
        let configuration = Configuration {
            identifier: id.clone(),
            name: id.as_str().to_owned(),
            purpose: netsession_core::Purpose::Unknown,
            connect_timeout: super::settings::CONNECT_TIMEOUT,
            kind,
        };
        self.configurations.insert(self.last_configuration, configuration);
        self.last_configuration
    }

    /// R-REG-12.
    fn change(&mut self, change: &Change) -> Result<Accepted, Refused> {
        let key = self.named(&change.id)?;
        let kind = self.kind_of(key).unwrap_or(ConfigurationType::Invalid);
        if !change.settings.fit(kind) {
            return Err(self.wrong_type(&change.id));
        }
        self.check_list(&change.id, change.settings.members.as_deref().unwrap_or_default())?;
        if let Some(configuration) = self.configurations.get_mut(&key) {
            configuration.apply(&change.settings);
        }
        self.forget_auto_close();
        Ok(Accepted::Done)
    }

    fn remove(&mut self, id: &Identifier) -> Result<Accepted, Refused> {
        let key = self.named(id)?;
        self.forget(key);
        Ok(Accepted::Done)
    }

    /// R-REG-2, R-X-11: with the record goes all that was asked of it.
    fn forget(&mut self, key: super::Key) {
        if let Some(gone) = self.configurations.remove(&key)
            && !matches!(gone.kind, Kind::UserChoice)
        {
            self.saying.removed.push((key, gone));
        }
        if self.platform_default == Some(key) {
            self.platform_default = None;
        }
        for session in self.sessions.values_mut() {
            session.refusals.remove(&key);
            session.failures.remove(&key);
        }
    }

    /// R-GEN-7: all facts first.
    fn snapshot(&mut self, entries: &[SnapshotEntry]) -> Result<Accepted, Refused> {
        for (index, entry) in entries.iter().enumerate() {
            let id = &entry.observation.id;
            if id.is_empty() {
                return Err(Refused::EmptyIdentifier);
            }
            if entries.iter().take(index).any(|other| other.observation.id == *id) {
                return Err(Refused::DuplicateIdentifier(id.clone()));
            }
            let is_other = self.find(id).is_some_and(|key| self.ap(key).is_none());
            if is_other || !entry.settings.fit(ConfigurationType::AccessPoint) {
                return Err(Refused::WrongType {
                    id: id.clone(),
                    found: self
                        .find(id)
                        .and_then(|key| self.kind_of(key))
                        .unwrap_or(ConfigurationType::AccessPoint),
                });
            }
        }
        let known: Vec<super::Key> = self.configurations.keys().copied().collect();
        for key in known {
            let named = self.configurations.get(&key).map(|it| it.identifier.clone());
            let is_in = entries.iter().any(|entry| Some(&entry.observation.id) == named.as_ref());
            if self.ap(key).is_some() && !is_in {
                self.forget(key);
            }
        }
        for entry in entries {
            self.take_entry(entry);
        }
        self.forget_auto_close();
        Ok(Accepted::Done)
    }

    fn take_entry(&mut self, entry: &SnapshotEntry) {
        let seen = &entry.observation;
        let known = self.find(&seen.id);
        let new = || Kind::AccessPoint(Box::new(new_access_point()));
        let key = known.unwrap_or_else(|| self.insert(&seen.id, new()));
        if let Some(configuration) = self.configurations.get_mut(&key) {
            configuration.apply(&entry.settings);
        }
        if known.is_some() {
            self.observe(key, seen.link, seen.interface.clone(), seen.seamless_group.clone());
        } else {
            self.first_level(key, seen.link, seen.interface.clone(), seen.seamless_group.clone());
        }
    }

    fn make_session(&mut self, on: &Identifier) -> Accepted {
        self.last_session += 1;
        let key = self.find(on);
        let number = self.last_session;
        self.sessions.insert(number, Session::new(on.clone(), key));
        let told = self.state(number);
        let policies = self.session_policies(number);
        let now = self.now;
        if let Some(session) = self.sessions.get_mut(&number) {
            session.told = told;
            session.told_policies = policies;
            session.connected_since = (told == SessionState::Connected).then_some(now);
        }
        Accepted::Session(SessionId::unresolved(number))
    }

    /// R-REG-7.
    fn request_update(&mut self) -> Accepted {
        let token = self.next_token();
        if let Some(update) = &mut self.update {
            update.tokens.push(token);
        } else {
            let op = self.ask(Asked::Update);
            let deadline = self.now + self.config.update_timeout;
            self.update = Some(Update { op, deadline, tokens: vec![token] });
        }
        Accepted::Update(token)
    }

    /// R-GEN-3: an answer to nothing that is outstanding is dropped.
    fn completed(&mut self, op: OperationId, result: Outcome, reason: Option<&String>) {
        if self.update.as_ref().is_some_and(|update| update.op == op) {
            self.complete_update();
            return;
        }
        if result != Outcome::Ok
            && let Some(session) = self.asked_by(op)
        {
            let failure = Failure { cause: super::opening::cause_of(result), reason: reason.cloned() };
            self.leave_asking(session);
            self.fail(session, failure);
            return;
        }
        let of = |ap: &super::AccessPoint| match ap.request {
            Some(Request::Start { op, .. } | Request::Stop { op, .. } | Request::Cancel { op, .. }) => {
                Some(op)
            }
            None => None,
        };
        let asked = self.configurations.iter().find(|(_, it)| it.access_point().and_then(of) == Some(op));
        if let Some(key) = asked.map(|(key, _)| *key) {
            self.answered(key, result, reason);
        }
    }
}

impl Counter {
    /// R-STAT-1, R-X-10: the first report is the zero; what runs backwards counts from nothing again.
    const fn report(&mut self, value: u64, is_active: bool) {
        if !is_active {
            return;
        }
        if let Some(last) = self.last {
            let moved = if value >= last { value - last } else { value };
            self.sum = self.sum.saturating_add(moved);
        }
        self.last = Some(value);
    }
}

impl Session {
    const fn new(name: Identifier, on: Option<super::Key>) -> Self {
        use std::collections::BTreeMap;
        let error =
            if on.is_none() { Some(netsession_core::SessionError::InvalidConfiguration) } else { None };
        Self {
            name,
            on,
            told: SessionState::Invalid,
            told_policies: UsagePolicies::empty(),
            error,
            mode: netsession_core::RoamingMode::Forced,
            reopen: netsession_core::ReopenPolicy::Never,
            phase: super::Phase::Closed,
            reopening: None,
            refusals: BTreeMap::new(),
            failures: BTreeMap::new(),
            connected_since: None,
            properties: BTreeMap::new(),
            auto_close: -1,
            auto_close_at: None,
        }
    }
}
