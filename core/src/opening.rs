//! `open()`: from the request to a link that is up, or to one error (R-OPEN-11).
//!
//! A session that opens always waits for exactly one access point, which it holds. What that one is
//! doing is looked at whenever an input touched it: up, and the session is open; failed, and the next
//! member of a service network is tried until none is left (R-OPEN-8). What is wanted becomes a request in
//! [`reconcile`](crate::reconcile), not here.

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Failure};
use crate::roaming::Step;
use crate::session::{Open, Opening, Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{Cause, ConfigurationId, ConfigurationState, Event, LinkState, Manager, SessionId, SessionState};

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
        self.begin(id, Opening { on, after_closing: false, tried: Vec::new() }, on);
    }

    /// Starts an attempt on the best access point there is; without one the error is said at once.
    fn begin(&mut self, id: SessionId, mut opening: Opening, configuration: ConfigurationId) {
        let Some(on) = self.choose(configuration, &opening) else {
            let failure = self.why_nothing(configuration);
            return self.fail(id, failure);
        };
        opening.on = on;
        let due = self.configuration_ref(configuration).map(|it| it.connect_timeout);
        let due = due.filter(|timeout| !timeout.is_zero()).map(|timeout| self.now + timeout);
        self.timers.set(Timer::Session(id, SessionTimer::Open), due);
        self.attempt(id, opening);
        self.settle_opening(id);
    }

    /// Waits for the access point that `opening` names.
    fn attempt(&mut self, id: SessionId, mut opening: Opening) {
        let on = opening.on;
        opening.after_closing = self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let due = self.attempt_due(id, &opening);
        self.timers.set(Timer::Session(id, SessionTimer::Attempt), due);
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Opening(opening);
        }
        self.hold(id, on);
    }

    /// When to give up on one member of a service network (R-OPEN-12).
    fn attempt_due(&self, id: SessionId, opening: &Opening) -> Option<crate::Instant> {
        let network = self.network_of(self.session_ref(id)?.on?)?;
        let own = self.configuration_ref(opening.on)?.connect_timeout;
        let own = (!own.is_zero()).then(|| self.now + own);
        let is_candidate = |ap: &AccessPoint| ap.is_startable() || ap.is_starting();
        let left = network.members.iter().filter(|&&member| {
            member == opening.on
                || !opening.tried.contains(&member) && self.access_point(member).is_some_and(is_candidate)
        });
        let candidates = u32::try_from(left.count()).unwrap_or(u32::MAX);
        let share = self.timers.get(Timer::Session(id, SessionTimer::Open)).and_then(|whole| {
            (candidates > 1).then(|| self.now + whole.saturating_since(self.now) / candidates)
        });
        own.into_iter().chain(share).min()
    }

    /// The access point to wait for (R-OPEN-8), `None` if there is nothing to attempt.
    fn choose(&self, configuration: ConfigurationId, opening: &Opening) -> Option<ConfigurationId> {
        let is_worth_it = |ap: &AccessPoint| match ap.session_state() {
            SessionState::Connected | SessionState::Connecting | SessionState::Closing => true,
            SessionState::Disconnected => ap.can_start_and_stop(),
            SessionState::Invalid | SessionState::NotAvailable | SessionState::Roaming => false,
        };
        if let Some(ap) = self.access_point(configuration) {
            return is_worth_it(ap).then_some(configuration);
        }
        let network = self.network_of(configuration)?;
        let members = || {
            let members = network.members.iter().filter(|&&member| !opening.tried.contains(&member));
            members.filter_map(|&member| Some((member, self.access_point(member)?)))
        };
        let first = |wanted: &dyn Fn(&AccessPoint) -> bool| {
            members().find(|(_, ap)| wanted(ap)).map(|(member, _)| member)
        };
        first(&AccessPoint::is_usable_now)
            .or_else(|| {
                first(&|ap| {
                    ap.session_state() == SessionState::Disconnected && ap.can_start_and_stop()
                        || ap.is_starting()
                })
            })
            .or_else(|| first(&|ap| ap.is_active() || ap.session_state() == SessionState::Connecting))
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

    /// A link that was going down is down: the session sees it before it is started again (R-OPEN-7).
    fn wait(&mut self, id: SessionId) {
        let Some(on) = self.session_ref(id).and_then(Session::held) else { return };
        let is_going_down = self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) else { return };
        if opening.after_closing && !is_going_down {
            self.report_state(id);
        }
        if let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) {
            opening.after_closing = is_going_down;
        }
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
            LinkState::Discovered if ap.is_starting() || ap.can_start_and_stop() => Progress::Waits,
            LinkState::Discovered => Progress::Failed(Cause::NotPossible.into()),
            LinkState::Undefined | LinkState::Defined => {
                Progress::Failed(Cause::ConfigurationUnavailable.into())
            }
        }
    }

    /// The attempt failed: the next member, or the end. Whether there is a next one to look at.
    fn try_next(&mut self, id: SessionId, configuration: ConfigurationId, failure: Failure) -> bool {
        let Request::Opening(mut opening) = self.let_go(id) else { return false };
        opening.tried.push(opening.on);
        let next = self.network_of(configuration).and_then(|_| self.choose(configuration, &opening));
        if let Some(next) = next {
            opening.on = next;
            self.attempt(id, opening);
            return true;
        }
        self.withdraw_request(id);
        self.fail_later(id, failure);
        false
    }

    /// Lets go of the access point, and keeps the request.
    fn let_go(&mut self, id: SessionId) -> Request {
        let Some(session) = self.session_mut(id) else { return Request::None };
        let request = core::mem::replace(&mut session.request, Request::None);
        if let Request::Opening(opening) = &request {
            self.release(id, opening.on);
        }
        request
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
