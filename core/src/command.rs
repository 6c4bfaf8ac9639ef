//! What applications can say: the commands of a session, and named methods for every input.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::configuration::{insert_sorted, remove_sorted};
use crate::refusal::Refusals;
use crate::session::{Request, Session};
use crate::{
    Accepted, Identifier, Input, Instant, Manager, PropertyValue, Refused, ReopenPolicy, RoamingMode,
    SessionError, SessionId, SessionState, UpdateToken, UsagePolicies,
};

impl Manager {
    pub(crate) fn make_session(&mut self, on: Identifier) -> SessionId {
        self.last_session += 1;
        let number = self.last_session;
        let configuration = self.lookup(&on);
        let error = configuration.is_none().then(|| {
            let text = alloc::format!("{on}: there is no such configuration");
            (SessionError::InvalidConfiguration, text)
        });
        let mut id = SessionId::unresolved(number);
        self.sessions.insert(|slot, version| {
            id = SessionId { number, slot, version };
            Session {
                id,
                configuration: on,
                on: configuration,
                resolved: None,
                is_null: configuration.is_none(),
                request: Request::None,
                roaming_mode: RoamingMode::Forced,
                refusals: Refusals::default(),
                steps: 0,
                reopen_policy: ReopenPolicy::Never,
                reopening: None,
                auto_close: None,
                properties: BTreeMap::new(),
                error,
                reported: SessionState::Invalid,
                reported_policies: UsagePolicies::empty(),
                connected_since: None,
            }
        });
        if let Some(configuration) = configuration.and_then(|id| self.configuration_mut(id)) {
            insert_sorted(&mut configuration.sessions, id);
        }
        // Nothing is announced to a new session; what stands counts as told (R-ST-7).
        let now = self.now;
        if let Some(session) = self.session_ref(id) {
            let (state, policies) = (self.compute_state(session), self.session_policies(session));
            if let Some(session) = self.session_mut(id) {
                session.reported = state;
                session.reported_policies = policies;
                session.connected_since = (state == SessionState::Connected).then_some(now);
            }
        }
        id
    }

    pub(crate) fn take_command(&mut self, id: SessionId, input: Input) -> Result<(), Refused> {
        match input {
            Input::Open { .. } => self.open_session(id),
            Input::Close { .. } => self.close_session(id),
            Input::Stop { .. } => self.stop_session(id),
            Input::Drop { .. } => self.forget_session(id),
            Input::Property { key, value, .. } => self.set_property(id, key, value)?,
            Input::Roaming { mode, .. } => {
                self.touch_session(id);
                if let Some(session) = self.session_mut(id) {
                    session.roaming_mode = mode;
                }
            }
            Input::Reopen { policy, .. } => self.set_reopen(id, policy),
            Input::Migrate { .. } => self.on_migrate(id)?,
            Input::Ignore { .. } => self.on_ignore(id)?,
            Input::Accept { .. } => self.on_accept(id)?,
            Input::Reject { .. } => self.on_reject(id)?,
            Input::MigrateTo { member, .. } => self.on_migrate_to(id, &member)?,
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
        Ok(())
    }

    /// As close, without a word to who is gone (R-ST-8).
    fn forget_session(&mut self, id: SessionId) {
        self.end_reopening(id);
        self.withdraw_request(id);
        let Some(session) = self.sessions.remove(id.slot, id.version) else { return };
        if let Some(on) = session.on {
            self.touch(on);
            if let Some(configuration) = self.configuration_mut(on) {
                remove_sorted(&mut configuration.sessions, &id);
            }
        }
    }
}

/// The named methods: each covers one [`Input`], at `now`.
///
/// # Errors
/// Each is refused for what its input is refused for: see [`Refused`].
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Manager {
    /// Makes a session on a configuration; an unknown one gives a null session (R-ST-5).
    pub fn create_session(&mut self, now: Instant, on: &str) -> Result<SessionId, Refused> {
        match self.handle_input(now, Input::Session { on: on.into() })? {
            Accepted::Session(session) => Ok(session),
            Accepted::Done | Accepted::Update(_) => Err(Refused::UnknownConfiguration(on.into())),
        }
    }

    /// Asks the platform to look for configurations (R-REG-7).
    pub fn update_configurations(&mut self, now: Instant) -> Result<UpdateToken, Refused> {
        match self.handle_input(now, Input::Update {})? {
            Accepted::Update(token) => Ok(token),
            Accepted::Done | Accepted::Session(_) => Err(Refused::OutputsFull),
        }
    }

    /// Opens a session.
    pub fn open(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Open { session })
    }

    /// Closes a session.
    pub fn close(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Close { session })
    }

    /// Takes the session's link down, for every session on it.
    pub fn stop(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Stop { session })
    }

    /// Accepts an offer.
    pub fn migrate(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Migrate { session })
    }

    /// Declines an offer.
    pub fn ignore(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Ignore { session })
    }

    /// Keeps the candidate of a trial.
    pub fn accept(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Accept { session })
    }

    /// Goes back from the candidate of a trial.
    pub fn reject(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Reject { session })
    }

    /// Closes a session and forgets it.
    pub fn drop_session(&mut self, now: Instant, session: SessionId) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Drop { session })
    }

    /// Moves a session to a member of the application's own choice.
    pub fn migrate_to(
        &mut self,
        now: Instant,
        session: SessionId,
        member: &str,
    ) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::MigrateTo { session, member: member.into() })
    }

    /// Sets how a session roams.
    pub fn set_roaming_mode(
        &mut self,
        now: Instant,
        session: SessionId,
        mode: RoamingMode,
    ) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Roaming { session, mode })
    }

    /// Sets whether a lost session opens again.
    pub fn set_reopen_policy(
        &mut self,
        now: Instant,
        session: SessionId,
        policy: ReopenPolicy,
    ) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Reopen { session, policy })
    }

    /// Writes a property; `None` removes it.
    pub fn write_property(
        &mut self,
        now: Instant,
        session: SessionId,
        key: impl Into<String>,
        value: Option<PropertyValue>,
    ) -> Result<Accepted, Refused> {
        self.handle_input(now, Input::Property { session, key: key.into(), value })
    }
}
