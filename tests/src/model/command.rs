//! What applications ask for.

use netsession_core::{
    Accepted, Capabilities, Identifier, Input, PropertyValue, Refused, ReopenPolicy, RoamingMode, SessionId,
    property,
};

use super::{Model, Phase, Session, Step};

impl Model {
    /// A command of a session.
    pub(super) fn command(&mut self, input: &Input) -> Result<Accepted, Refused> {
        let mut input = input.clone();
        let Some(session) = input.session_mut().map(|session| *session) else { return Ok(Accepted::Done) };
        let number = session.number();
        if !self.sessions.contains_key(&number) {
            return Err(Refused::UnknownSession(session));
        }
        match input {
            Input::Open { .. } => self.open(number),
            Input::Close { .. } => self.close(number),
            Input::Stop { .. } => self.stop(number),
            Input::Drop { .. } => self.drop_session(number),
            Input::Migrate { .. } => self.migrate(number)?,
            Input::Ignore { .. } => self.ignore(number)?,
            Input::Accept { .. } => self.accept(number)?,
            Input::Reject { .. } => self.reject(number)?,
            Input::MigrateTo { member, .. } => self.migrate_to(number, &member)?,
            Input::Roaming { mode, .. } => self.set_mode(number, mode),
            Input::Reopen { policy, .. } => self.set_reopen(number, policy),
            Input::Property { key, value, .. } => self.write(number, &key, value.as_ref())?,
            Input::Config(_)
            | Input::Add(_)
            | Input::Change(_)
            | Input::Remove { .. }
            | Input::Observed(_)
            | Input::Snapshot(_)
            | Input::Completed { .. }
            | Input::Counters { .. }
            | Input::Policies { .. }
            | Input::Adopt { .. }
            | Input::Default { .. }
            | Input::Session { .. }
            | Input::Resolved { .. }
            | Input::RefreshCounters { .. }
            | Input::Update {}
            | Input::Tick {} => {}
        }
        Ok(Accepted::Done)
    }

    /// The table of close().
    pub(super) fn close(&mut self, number: u64) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.reopening = None;
        if matches!(session.phase, Phase::Closed) {
            return;
        }
        self.let_go(number);
        self.say_closed(number);
    }

    /// Leaves whatever the session holds or waits for.
    fn let_go(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else { return };
        let a = match &session.phase {
            Phase::Open(open) => Some(open.a),
            Phase::Opening(opening) => opening.attempt.map(|attempt| attempt.member),
            Phase::Closed | Phase::Asking { .. } => None,
        };
        self.withdraw_question(number);
        self.set_phase(number, Phase::Closed);
        self.forget_armed(number);
        // R-LOSS-5: the last holder ends the grace.
        if let Some(a) = a
            && self.holders(a).is_empty()
            && let Some(ap) = self.ap_mut(a)
        {
            ap.grace = None;
        }
    }

    /// R-ST-8.
    fn drop_session(&mut self, number: u64) {
        self.let_go(number);
        self.sessions.remove(&number);
        self.saying.events.remove(&number);
    }

    fn set_mode(&mut self, number: u64, mode: RoamingMode) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.mode = mode;
        }
    }

    fn set_reopen(&mut self, number: u64, policy: ReopenPolicy) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.reopen = policy;
        if policy == ReopenPolicy::Never {
            session.reopening = None;
            if let Some(opening) = session.opening_mut() {
                opening.again = false;
            }
        }
    }

    /// R-ROAM-26: the open session of a command of section 5, in its step.
    pub(super) fn step_of(&self, number: u64) -> Result<Step, Refused> {
        let open = self.sessions.get(&number).and_then(Session::open).ok_or(Refused::NotRoaming)?;
        if open.victim || self.network(open.target).is_none() {
            return Err(Refused::NotRoaming);
        }
        Ok(open.step.clone())
    }

    pub(super) fn connects_in_background(&self, number: u64) -> bool {
        let value =
            self.sessions.get(&number).and_then(|it| it.properties.get(property::CONNECT_IN_BACKGROUND));
        value == Some(&PropertyValue::Bool(true))
    }

    /// R-PROP-4: where `AutoCloseSessionTimeout` exists.
    pub(super) fn has_auto_close(&self, number: u64) -> bool {
        let session = self.sessions.get(&number);
        let used = session.and_then(|session| session.open()).map(|open| open.a);
        let on = used.or(session.and_then(|session| session.on)).and_then(|on| self.ap(on));
        on.is_some_and(|ap| {
            ap.polls && !ap.capabilities.contains(Capabilities::CAN_START_AND_STOP_INTERFACES)
        })
    }

    /// R-PROP-1 … R-PROP-5.
    fn write(&mut self, number: u64, key: &str, value: Option<&PropertyValue>) -> Result<(), Refused> {
        let has_auto_close = self.has_auto_close(number);
        let Some(session) = self.sessions.get_mut(&number) else {
            return Err(Refused::UnknownSession(SessionId::unresolved(number)));
        };
        if session.on.is_none() {
            return Ok(());
        }
        let read_only = Err(Refused::ReadOnly(key.to_owned()));
        match (key, value) {
            (property::ACTIVE_CONFIGURATION | property::USER_CHOICE_CONFIGURATION, _) => return read_only,
            (property::AUTO_CLOSE_SESSION_TIMEOUT, _) if !has_auto_close => return read_only,
            (property::AUTO_CLOSE_SESSION_TIMEOUT, None) => {
                session.auto_close = -1;
                session.auto_close_at = None;
            }
            (property::AUTO_CLOSE_SESSION_TIMEOUT, Some(PropertyValue::Integer(millis))) => {
                session.auto_close = (*millis).max(-1);
                session.auto_close_at = None;
                if session.open().is_some() {
                    self.arm_auto_close(number);
                }
            }
            (_, None) => {
                session.properties.remove(key);
            }
            (property::AUTO_CLOSE_SESSION_TIMEOUT, Some(_)) => {
                return Err(Refused::WrongValue { key: key.to_owned(), wants: "a whole number" });
            }
            (property::CONNECT_IN_BACKGROUND, Some(PropertyValue::Text(_) | PropertyValue::Integer(_))) => {
                return Err(Refused::WrongValue { key: key.to_owned(), wants: "true or false" });
            }
            (_, Some(value)) => {
                let own = session.properties.keys().filter(|key| *key != property::CONNECT_IN_BACKGROUND);
                let is_full = !session.properties.contains_key(key)
                    && key != property::CONNECT_IN_BACKGROUND
                    && own.count() >= 64;
                let is_long = matches!(value, PropertyValue::Text(text) if text.len() > 4_096);
                if is_full || is_long || key.len() > 256 {
                    return Err(Refused::TooMany("properties"));
                }
                session.properties.insert(key.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// R-PROP-4: it counts from O, or from the write if that is later.
    pub(super) fn arm_auto_close(&mut self, number: u64) {
        let now = self.now;
        let exists = self.has_auto_close(number);
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let span = u64::try_from(session.auto_close).ok().filter(|_| exists);
        session.auto_close_at = span.map(|millis| now + std::time::Duration::from_millis(millis));
    }

    pub(super) fn forget_armed(&mut self, number: u64) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.auto_close_at = None;
        }
    }

    /// R-X-36: where it ceases to exist it is disarmed.
    pub(super) fn forget_auto_close(&mut self) {
        for number in self.sessions.keys().copied().collect::<Vec<u64>>() {
            if !self.has_auto_close(number)
                && let Some(session) = self.sessions.get_mut(&number)
            {
                session.auto_close = -1;
                session.auto_close_at = None;
            }
        }
    }

    pub(super) fn name_of(&self, key: super::Key) -> Identifier {
        self.configurations.get(&key).map(|it| it.identifier.clone()).unwrap_or_default()
    }
}
