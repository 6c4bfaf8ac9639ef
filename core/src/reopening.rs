//! Opening again after a loss, for sessions that ask for it (R-LOSS-4).
//!
//! It promises: only a session that was lost re-opens, never one that was closed or stopped; each try is
//! an `open()` with its one end (R-OPEN-11); the tries keep a growing distance, and there is no timer while
//! there is nothing to open.

use core::time::Duration;

use crate::session::{Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{Cause, ConfigurationId, ConfigurationState, Instant, Manager, ReopenPolicy, SessionId};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A lost session on its way back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reopening {
    /// Tries that failed.
    pub(crate) failures: u32,
    /// Not tried again before.
    pub(crate) not_before: Instant,
}

impl Manager {
    /// A session was aborted: whether it opens again.
    pub(crate) fn plan_reopening(&mut self, id: SessionId, cause: Cause) {
        let Some(session) = self.session_mut(id) else { return };
        if session.reopen_policy == ReopenPolicy::WhenAvailable && cause == Cause::LinkLost {
            session.reopening = Some(Reopening::default());
        }
    }

    /// It does not open again.
    pub(crate) fn end_reopening(&mut self, id: SessionId) {
        self.timers.set(Timer::Session(id, SessionTimer::Reopen), None);
        let Some(session) = self.session_mut(id) else { return };
        session.reopening = None;
        if matches!(session.request, Request::None) {
            self.forget_choice(id);
        }
    }

    /// A try failed.
    pub(crate) fn postpone_reopening(&mut self, id: SessionId) {
        let now = self.now;
        let Some(reopening) = self.session_mut(id).and_then(|session| session.reopening.as_mut()) else {
            return;
        };
        let wait = FIRST_WAIT.saturating_mul(1 << reopening.failures.min(31)).min(LONGEST_WAIT);
        reopening.failures = reopening.failures.saturating_add(1);
        reopening.not_before = now + wait;
        self.set_reopen_timer(id);
    }

    /// No timer while there is nothing to open, nor once it was given up.
    fn set_reopen_timer(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let (Some(reopening), Some(target)) = (&session.reopening, session.target()) else { return };
        let due = Some(reopening.not_before)
            .filter(|_| !self.is_given_up(reopening))
            .filter(|_| self.configuration_state(target) >= ConfigurationState::Discovered);
        self.timers.set(Timer::Session(id, SessionTimer::Reopen), due);
    }

    const fn is_given_up(&self, reopening: &Reopening) -> bool {
        let tries = if self.config.give_up_after == 0 { 1 } else { self.config.give_up_after };
        reopening.failures >= tries
    }

    /// Whether a lost session is to try again, and there is something to open.
    pub(crate) fn is_time_to_reopen(&self, id: SessionId) -> bool {
        let Some(session) = self.session_ref(id) else { return false };
        let (Some(reopening), Some(target), Request::None) =
            (&session.reopening, session.target(), &session.request)
        else {
            return false;
        };
        if self.configuration_state(target) < ConfigurationState::Discovered {
            false
        } else if self.is_given_up(reopening) {
            self.climbed_by_itself(target)
        } else {
            reopening.not_before <= self.now
        }
    }

    /// Tries again, if it is time and there is something to open.
    pub(crate) fn settle_reopening(&mut self, id: SessionId) {
        if self.is_time_to_reopen(id) {
            // What it re-opens from is seen.
            self.report_state(id);
            self.attempt_to_open(id);
            // What it wants, and what it may go to, is looked at in this input.
            self.work.is_unsettled = true;
        } else if self.session_ref(id).is_some_and(|session| matches!(session.request, Request::None)) {
            self.set_reopen_timer(id);
        }
    }

    /// Whether a level of this configuration rose by itself in this moment.
    fn climbed_by_itself(&self, on: ConfigurationId) -> bool {
        let members = self.network_of(on).map_or(core::slice::from_ref(&on), |network| &network.members);
        members.iter().filter_map(|&id| self.access_point(id)).any(|ap| ap.news.climbed_by_itself)
    }

    /// The policy of a session; Never ends what is planned.
    pub(crate) fn set_reopen(&mut self, id: SessionId, policy: ReopenPolicy) {
        if let Some(session) = self.session_mut(id) {
            session.reopen_policy = policy;
        }
        let is_planned = self.session_ref(id).is_some_and(Session::is_to_reopen);
        if policy == ReopenPolicy::Never && is_planned {
            self.end_reopening(id);
        }
    }
}

impl Session {
    const fn is_to_reopen(&self) -> bool {
        self.reopening.is_some()
    }
}
