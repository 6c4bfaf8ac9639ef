//! Losses, ends, and opening again.

use std::time::Duration;

use netsession_core::{Cause, LinkState, ReopenPolicy, SessionError, SessionState};

use super::{Failure, Key, Model, Phase, Reopening};

/// R-LOSS-4.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

impl Model {
    /// R-LOSS-3, R-OPEN-10: the configuration of the session, or what the user chose, is gone.
    pub(super) fn end_with_its_configuration(&mut self, number: u64) -> bool {
        let Some(session) = self.sessions.get(&number) else { return true };
        let Some(on) = session.on else { return true };
        let is_gone = !self.configurations.contains_key(&on);
        if let Some(open) = session.open() {
            if is_gone || !self.configurations.contains_key(&open.target) {
                let failure = Failure::of(Cause::Removed);
                self.set_phase(number, Phase::Closed);
                self.say_error_of(number, SessionError::SessionAborted, failure);
                self.say_state_left(number);
                self.say_closed(number);
                self.stop_reopening(number);
                return true;
            }
        } else if is_gone {
            self.stop_reopening(number);
            if matches!(self.sessions.get(&number).map(|it| &it.phase), Some(Phase::Closed)) {
                self.say_state(number);
            } else {
                self.withdraw_question(number);
                self.set_phase(number, Phase::Closed);
                self.say_state(number);
                self.say_error(number, Failure::of(Cause::Removed));
            }
            return true;
        }
        is_gone
    }

    fn stop_reopening(&mut self, number: u64) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.reopening = None;
        }
    }

    /// Whether the link in use is still there: Closing by others is no loss yet (R-LOSS-1).
    pub(super) fn is_there(&self, link: Key) -> bool {
        self.ap(link)
            .is_some_and(|ap| ap.level >= LinkState::Active || ap.grace.is_some() || ap.is_stopping())
    }

    /// R-LOSS-1: an open session on an access point, which has nowhere to go.
    pub(super) fn end_with_its_link(&mut self, number: u64) {
        let Some(open) = self.sessions.get(&number).and_then(|it| it.open()) else { return };
        if self.ap(open.target).is_none() {
            return;
        }
        let is_another = self.saying.news.get(&open.a).is_some_and(|news| news.had_it.contains(&number));
        if !self.is_there(open.a) || is_another {
            let victim = open.victim;
            self.end(number, if victim { Cause::StoppedByOther } else { Cause::LinkLost });
        }
    }

    /// E(SessionAborted), S, C.
    pub(super) fn end(&mut self, number: u64, cause: Cause) {
        let Some(session) = self.sessions.get(&number) else { return };
        let Some(target) = session.open().map(|open| open.target) else { return };
        let is_direct = session.on == Some(target) && self.ap(target).is_some();
        self.set_phase(number, Phase::Closed);
        self.say_error(number, Failure::of(cause));
        if is_direct {
            // As the link is, before anything is asked of it; the same link, if it is back (R-GEN-11).
            let state = self.link_state_as_it_is(target);
            self.say_this_state(number, state);
        } else {
            self.say_state_left(number);
        }
        self.say_closed(number);
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.auto_close_at = None;
        if cause == Cause::LinkLost && session.reopen == ReopenPolicy::WhenAvailable {
            session.reopening = Some(Reopening { target, failures: 0, next: Some(now) });
        }
    }

    /// R-LOSS-4: the try failed; the next comes later.
    pub(super) fn try_again_later(&mut self, number: u64) {
        let (now, limit) = (self.now, self.config.give_up_after);
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let Some(reopening) = &mut session.reopening else { return };
        reopening.failures = reopening.failures.saturating_add(1);
        let doubled = 2_u32.saturating_pow(reopening.failures - 1);
        let back_off = FIRST_BACK_OFF.saturating_mul(doubled).min(LONGEST_BACK_OFF);
        reopening.next = (reopening.failures < limit).then(|| now + back_off);
    }

    /// R-LOSS-4: a level of a configuration that is to be opened again rose by itself.
    pub(super) fn wake_reopenings(&mut self, link: Key) {
        let now = self.now;
        let waiting: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, it)| it.reopening.is_some_and(|reopening| reopening.next.is_none()))
            .filter(|(_, it)| it.reopening.is_some_and(|it| self.links(it.target).contains(&link)))
            .filter(|(_, it)| it.reopening.is_some_and(|it| self.is_in_reach(it.target)))
            .map(|(number, _)| *number)
            .collect();
        for number in waiting {
            if let Some(reopening) = self.sessions.get_mut(&number).and_then(|it| it.reopening.as_mut()) {
                reopening.next = Some(now);
            }
        }
    }

    /// R-LOSS-4: whether it opens again when its time has come.
    pub(super) fn is_to_reopen(&self, number: u64) -> bool {
        let Some(session) = self.sessions.get(&number) else { return false };
        session.reopening.is_some_and(|reopening| {
            matches!(session.phase, Phase::Closed)
                && reopening.next.is_some()
                && self.is_in_reach(reopening.target)
        })
    }

    /// R-LOSS-4: opens again as if open() were called.
    pub(super) fn reopen(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else { return };
        let Some(reopening) = session.reopening else { return };
        // R-X-34; nothing has been withdrawn yet (R-X-41).
        let is_starting = |link: &Key| {
            self.ap(*link).is_some_and(|ap| ap.is_starting() && ap.level < LinkState::Connecting)
        };
        let state = session.on.map(|on| {
            let state = self.monitored(on, false);
            let starts = self.links(on).iter().any(is_starting);
            if starts && state != SessionState::Connected { SessionState::Connecting } else { state }
        });
        self.say_this_state(number, state.unwrap_or(SessionState::Invalid));
        self.forget_refusals(number);
        self.begin(number, reopening.target, true);
    }
}
