//! `open()`: from the request to a link that is up, or to one error (R-OPEN-11).
//!
//! A session that opens always waits for exactly one access point, which it holds. What that one is
//! doing is looked at whenever an input touched it: up, and the session is open; failed, and the next
//! member of a service network is tried until none is left (R-OPEN-8). What is wanted becomes a request in
//! [`reconcile`](crate::reconcile), not here.

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Failure, Phase};
use crate::roaming::Step;
use crate::session::{Open, Opening, Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{
    Cause, ConfigurationId, ConfigurationState, Event, Instant, LinkState, Manager, SessionId, SessionState,
};

/// What the access point that a session waits for is doing.
enum Progress {
    Up,
    /// On its way, or about to be asked for.
    Waits,
    Failed(Failure),
}

impl Manager {
    /// `open()` by the session's state: the table of section 4.
    pub(crate) fn open_session(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        if session.is_opening() || session.is_open() {
            return;
        }
        let Some(on) = session.on else { return self.fail(id, Cause::Removed.into()) };
        self.touch_session(id);
        let Some(first) = self.choose(on, &[]) else {
            let failure = self.why_nothing(on);
            return self.fail(id, failure);
        };
        let due = self.configuration_ref(on).map(|it| it.connect_timeout);
        let due = due.filter(|timeout| !timeout.is_zero()).map(|timeout| self.now + timeout);
        self.timers.set(Timer::Session(id, SessionTimer::Open), due);
        self.attempt(id, first, Vec::new());
        self.settle_opening(id);
    }

    /// Waits for an access point.
    fn attempt(&mut self, id: SessionId, on: ConfigurationId, tried: Vec<ConfigurationId>) {
        let after_closing = self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let opening = Opening { on, since: self.now, after_closing, tried };
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Opening(opening);
        }
        self.hold(id, on);
    }

    /// When to give up on one member of a service network, by the candidates that there are now (R-OPEN-12).
    fn attempt_due(&self, id: SessionId) -> Option<Instant> {
        let session = self.session_ref(id)?;
        let (opening, network) = (session.opening()?, self.network_of(session.on?)?);
        let own = self.configuration_ref(opening.on)?.connect_timeout;
        let own = (!own.is_zero()).then(|| opening.since + own);
        let left = network.members.iter().filter(|&member| {
            *member == opening.on
                || !opening.tried.contains(member)
                    && self.access_point(*member).is_some_and(AccessPoint::is_candidate)
        });
        let candidates = u32::try_from(left.count()).unwrap_or(u32::MAX);
        let whole = self.timers.get(Timer::Session(id, SessionTimer::Open)).filter(|_| candidates > 1);
        let share = whole.map(|whole| opening.since + whole.saturating_since(opening.since) / candidates);
        own.into_iter().chain(share).min()
    }

    /// The access point to wait for (R-OPEN-8), `None` if there is nothing to attempt.
    fn choose(&self, on: ConfigurationId, tried: &[ConfigurationId]) -> Option<ConfigurationId> {
        let network = self.network_of(on).map(|network| &network.members[..]);
        let members = network.unwrap_or(core::slice::from_ref(&on));
        let first = |wanted: &dyn Fn(&AccessPoint) -> bool| {
            let is_wanted = |member: ConfigurationId| self.access_point(member).is_some_and(wanted);
            members.iter().copied().find(|&member| !tried.contains(&member) && is_wanted(member))
        };
        first(&AccessPoint::is_usable_now)
            .or_else(|| first(&AccessPoint::is_active))
            .or_else(|| first(&AccessPoint::is_candidate))
            .or_else(|| first(&|ap| ap.session_state() == SessionState::Connecting))
            .or_else(|| first(&AccessPoint::is_going_down))
    }

    /// Why nothing can be attempted (R-OPEN-1, R-OPEN-3).
    fn why_nothing(&self, configuration: ConfigurationId) -> Failure {
        let state = self.configuration_state(configuration);
        let cause = match state {
            ConfigurationState::Undefined | ConfigurationState::Defined => Cause::ConfigurationUnavailable,
            ConfigurationState::Discovered | ConfigurationState::Active => Cause::NotPossible,
        };
        cause.into()
    }

    /// Looks at what the session waits for, and goes on as far as it can.
    pub(crate) fn settle_opening(&mut self, id: SessionId) {
        // What failed in this moment failed for those who waited for it, not for who turns to it now.
        let mut is_fresh = false;
        // Each round but the last has tried one member more, so it ends.
        loop {
            let Some(session) = self.session_ref(id) else { return };
            let (Request::Opening(opening), Some(configuration)) = (&session.request, session.on) else {
                return;
            };
            let on = opening.on;
            if let Some(network) = self.network_of(configuration) {
                let is_up = |&&member: &&ConfigurationId| {
                    self.access_point(member).is_some_and(AccessPoint::is_usable_now)
                };
                if let Some(&up) = network.members.iter().find(is_up) {
                    return self.become_open(id, up);
                }
            }
            let progress = if self.leads_to(Some(configuration), on) {
                self.progress(on, is_fresh)
            } else {
                Progress::Failed(Cause::ConfigurationUnavailable.into())
            };
            let failure = match progress {
                Progress::Up => return self.become_open(id, on),
                Progress::Waits => return self.wait(id),
                Progress::Failed(failure) => failure,
            };
            if !self.try_next(id, configuration, failure) {
                return;
            }
            is_fresh = true;
        }
    }

    /// Goes on waiting. A link that was going down and is down is seen so before it is started again
    /// (R-OPEN-7); one that still goes down is left for a member that can be had.
    fn wait(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let (Some(opening), Some(configuration)) = (session.opening(), session.on) else { return };
        let is_going_down =
            |on: ConfigurationId| self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let (on, goes_down, was_going_down) = (opening.on, is_going_down(opening.on), opening.after_closing);
        let other = if goes_down { self.choose(configuration, &opening.tried) } else { None };
        let other = other.filter(|&other| !is_going_down(other));
        if was_going_down && !goes_down {
            self.report_state(id);
        }
        let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) else { return };
        opening.after_closing = goes_down;
        if let Some(other) = other {
            let tried = core::mem::take(&mut opening.tried);
            self.release(id, on);
            self.attempt(id, other, tried);
        }
        let due = self.attempt_due(id);
        self.timers.set(Timer::Session(id, SessionTimer::Attempt), due);
    }

    fn progress(&self, on: ConfigurationId, is_fresh: bool) -> Progress {
        let Some(ap) = self.access_point(on) else {
            return Progress::Failed(Cause::ConfigurationUnavailable.into());
        };
        if let Some(failure) = &ap.news.start_failed
            && !is_fresh
        {
            return Progress::Failed(failure.clone());
        }
        if ap.is_usable_now() {
            return Progress::Up;
        }
        match ap.link() {
            LinkState::Active | LinkState::Closing | LinkState::Connecting => Progress::Waits,
            LinkState::Discovered if ap.is_candidate() => Progress::Waits,
            LinkState::Discovered => Progress::Failed(Cause::NotPossible.into()),
            LinkState::Undefined | LinkState::Defined => {
                Progress::Failed(Cause::ConfigurationUnavailable.into())
            }
        }
    }

    /// The attempt failed: the next member, or the end. Whether there is a next one to look at.
    fn try_next(&mut self, id: SessionId, configuration: ConfigurationId, failure: Failure) -> bool {
        let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) else { return false };
        let (on, mut tried) = (opening.on, core::mem::take(&mut opening.tried));
        tried.push(on);
        if let Some(next) = self.choose(configuration, &tried) {
            self.release(id, on);
            self.attempt(id, next, tried);
            return true;
        }
        self.withdraw_request(id);
        self.fail_later(id, failure);
        false
    }

    fn become_open(&mut self, id: SessionId, on: ConfigurationId) {
        let held = self.session_ref(id).and_then(Session::held);
        self.hold(id, on);
        if let Some(held) = held
            && held != on
        {
            self.release(id, held);
        }
        self.timers.set(Timer::Session(id, SessionTimer::Attempt), None);
        self.timers.set(Timer::Session(id, SessionTimer::Open), None);
        if let Some(Phase::Cancelling { is_used, .. }) = self.access_point_mut(on).map(|ap| &mut ap.phase) {
            *is_used = true;
        }
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Open(Open { on, step: Step::Settled });
        }
        self.report_state(id);
        self.tell(id, Event::Opened { session: id });
    }

    /// A deadline of an opening session passed.
    pub(crate) fn on_session_deadline(&mut self, id: SessionId, timer: SessionTimer) {
        let Some(configuration) = self.session_ref(id).and_then(|session| session.on) else { return };
        self.touch_session(id);
        match timer {
            SessionTimer::Attempt => {
                if self.try_next(id, configuration, Cause::TimedOut.into()) {
                    self.settle_opening(id);
                }
            }
            SessionTimer::Open => {
                self.withdraw_request(id);
                self.fail_later(id, Cause::TimedOut.into());
            }
        }
    }
}
