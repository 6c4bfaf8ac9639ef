//! User choice: a session on it asks the user, or takes the best, and goes on as a session on that
//! (R-OPEN-10).
//!
//! It promises: the user is asked once per `open()`; the question has a deadline, and is taken back when
//! nobody needs its answer; an answer that comes late, twice, or for nothing is dropped.

use alloc::vec::Vec;

use crate::access_point::Failure;
use crate::configuration::{Kind, insert_sorted};
use crate::property::CONNECT_IN_BACKGROUND;
use crate::reconcile::Operation;
use crate::session::Request;
use crate::timers::{SessionTimer, Timer};
use crate::{
    Cause, ConfigurationId, ConfigurationState, Effect, Identifier, Manager, OperationId, PropertyValue,
    SessionId,
};

impl Manager {
    /// Whether a configuration stands for the user's choice.
    pub(crate) fn is_user_choice(&self, id: ConfigurationId) -> bool {
        self.configuration_ref(id).is_some_and(|it| matches!(it.kind, Kind::UserChoice))
    }

    /// `open()` on a user choice that is not resolved.
    pub(crate) fn open_choice(&mut self, id: SessionId) {
        let in_background = self.session_ref(id).is_some_and(|session| {
            session.properties.get(CONNECT_IN_BACKGROUND) == Some(&PropertyValue::Bool(true))
        });
        let best = self.best_configuration();
        match best {
            None => self.fail_open(id, Cause::ConfigurationUnavailable.into()),
            Some(best) if in_background || !self.config.can_ask_user => self.go_on_with(id, best),
            Some(_) => {
                let due = self.now + self.config.ask_timeout;
                self.timers.set(Timer::Session(id, SessionTimer::Ask), Some(due));
                self.touch_session(id);
                self.work.asking.push(id);
                if let Some(session) = self.session_mut(id) {
                    session.request = Request::Asking(None);
                }
            }
        }
    }

    /// Goes on as a session on what was chosen; the time for it begins now.
    fn go_on_with(&mut self, id: SessionId, chosen: ConfigurationId) {
        self.timers.set(Timer::Session(id, SessionTimer::Ask), None);
        let Some(session) = self.session_mut(id) else { return };
        session.request = Request::None;
        session.resolved = Some(chosen);
        if let Some(configuration) = self.configuration_mut(chosen) {
            insert_sorted(&mut configuration.sessions, id);
        }
        self.open_target(id);
    }

    /// The user has chosen, or cancelled.
    pub(crate) fn on_resolved(&mut self, id: SessionId, choice: Option<&Identifier>) {
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Asking(None);
        }
        let Some(choice) = choice else { return self.fail_open(id, Cause::Cancelled.into()) };
        let is_fit = |&chosen: &ConfigurationId| {
            !self.is_user_choice(chosen) && self.configuration_state(chosen) >= ConfigurationState::Discovered
        };
        match self.lookup(choice).filter(is_fit) {
            Some(chosen) => self.go_on_with(id, chosen),
            None => self.fail_open(id, Cause::ConfigurationUnavailable.into()),
        }
    }

    /// The platform did not ask.
    pub(crate) fn on_not_asked(&mut self, id: SessionId, failure: Failure) {
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Asking(None);
        }
        self.fail_open(id, failure);
    }

    /// Says questions that were taken back, then new ones, each by session.
    pub(crate) fn number_resolves(&mut self) {
        let mut cancelled = core::mem::take(&mut self.work.cancelled_resolves);
        cancelled.sort_unstable();
        for (_, asked) in cancelled {
            let op = self.next_operation();
            self.work.platform.push(Effect::Cancel { op, cancelled: asked });
        }
        let mut asking = core::mem::take(&mut self.work.asking);
        asking.sort_unstable();
        asking.dedup();
        for session in asking {
            if !self.session_ref(session).is_some_and(|it| matches!(it.request, Request::Asking(None))) {
                continue;
            }
            let op: OperationId = self.number_operation(Operation::Resolve(session));
            if let Some(record) = self.session_mut(session) {
                record.request = Request::Asking(Some(op));
            }
            let among = self.choices();
            self.work.platform.push(Effect::Resolve { op, session, among });
        }
    }

    /// What there is to choose from.
    fn choices(&self) -> Vec<Identifier> {
        let near = self.near_configurations();
        near.filter_map(|id| Some(self.configuration_ref(id)?.identifier.clone())).collect()
    }
}
