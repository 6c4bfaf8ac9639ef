//! `open()`: from the request to a link that is up, or to one error (R-OPEN-11).
//!
//! A session that opens always waits for exactly one access point, which it holds. What that one is
//! doing is looked at whenever an input touched it: up, and the session is open; failed, and the next
//! member of a service network is tried until none is left (R-OPEN-8). What is wanted becomes a request in
//! [`reconcile`](crate::reconcile), not here.

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Failure};
use crate::device::Asker;
use crate::refusal::Refuser;
use crate::session::{Open, Opening, Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{
    Cause, ConfigurationId, ConfigurationState, Event, Instant, LinkState, Manager, SessionId, SessionState,
};

/// What the access point that a session waits for is doing.
pub(crate) enum Progress {
    Up,
    /// On its way, or about to be asked for.
    Waits,
    Failed(Failure),
}

impl Manager {
    /// `open()` by the application. It replaces a pending re-opening, and ends refusals (R-ROAM-43).
    pub(crate) fn open_session(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        if !matches!(session.request, Request::None) {
            return;
        }
        self.end_reopening(id);
        self.attempt_to_open(id);
    }

    /// `open()` by the session's state: the table of section 4.
    pub(crate) fn attempt_to_open(&mut self, id: SessionId) {
        let Some(session) = self.session_mut(id) else { return };
        session.refusals.clear();
        let Some(target) = session.target() else { return self.fail(id, Cause::Removed.into()) };
        if self.is_user_choice(target) { self.open_choice(id) } else { self.open_target(id) }
    }

    /// The same once it is known what to open.
    pub(crate) fn open_target(&mut self, id: SessionId) {
        let Some(on) = self.session_ref(id).and_then(Session::target) else { return };
        self.touch_session(id);
        self.end_stops(on);
        let Some(first) = self.choose_member(on, Some(id), &[]) else {
            let failure = self.why_nothing(on, id);
            return self.fail_open(id, failure);
        };
        self.timers.set(Timer::Session(id, SessionTimer::Open), self.due_of(on));
        self.attempt(id, first, Vec::new());
        self.settle_opening(id);
    }

    /// An access point that is opened is no longer one that was stopped (R-STOP-6).
    fn end_stops(&mut self, on: ConfigurationId) {
        let networks = self.access_point(on).map(|ap| ap.networks.clone()).unwrap_or_default();
        for network in networks {
            let sessions = self.configuration_ref(network).map(|it| it.sessions.clone()).unwrap_or_default();
            for id in sessions {
                if self.session_mut(id).is_some_and(|session| session.refusals.end_stop(on)) {
                    self.touch_session(id);
                }
            }
        }
    }

    /// The one end of an `open()` that failed: it is forgotten, the error follows the state (R-OPEN-9).
    pub(crate) fn fail_open(&mut self, id: SessionId, failure: Failure) {
        self.withdraw_request(id);
        self.postpone_reopening(id);
        self.fail_later(id, failure);
    }

    /// Waits for an access point.
    fn attempt(&mut self, id: SessionId, on: ConfigurationId, tried: Vec<ConfigurationId>) {
        let after_closing = self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let in_grace = self.is_in_grace(on);
        let opening = Opening { on, since: self.now, due: self.due_of(on), after_closing, in_grace, tried };
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Opening(opening);
        }
        self.hold(id, on);
    }

    fn is_in_grace(&self, on: ConfigurationId) -> bool {
        self.access_point(on).is_some_and(|ap| ap.before_loss.is_some())
    }

    /// When an attempt that begins now is late; a timeout that is changed counts for the next one (R-X-46).
    pub(crate) fn due_of(&self, on: ConfigurationId) -> Option<Instant> {
        let timeout = self.configuration_ref(on)?.connect_timeout;
        (!timeout.is_zero()).then(|| self.now + timeout)
    }

    /// When to give up on one member of a service network, by the candidates that there are now (R-OPEN-12).
    fn attempt_due(&self, id: SessionId) -> Option<Instant> {
        let session = self.session_ref(id)?;
        let (opening, network) = (session.opening()?, self.network_of(session.target()?)?);
        let left = network.members.iter().filter(|&member| {
            *member == opening.on
                || !opening.tried.contains(member)
                    && session.refusals.of(*member).is_none()
                    && self.is_candidate(*member, Some(id))
        });
        let candidates = u32::try_from(left.count()).unwrap_or(u32::MAX);
        let whole = self.timers.get(Timer::Session(id, SessionTimer::Open)).filter(|_| candidates > 1);
        let share = whole.map(|whole| opening.since + whole.saturating_since(opening.since) / candidates);
        opening.due.into_iter().chain(share).min()
    }

    /// The access point to wait for (R-OPEN-8), `None` if there is nothing to attempt.
    pub(crate) fn choose_member(
        &self,
        on: ConfigurationId,
        by: Option<SessionId>,
        tried: &[ConfigurationId],
    ) -> Option<ConfigurationId> {
        let network = self.network_of(on).map(|network| &network.members[..]);
        let members = network.unwrap_or(core::slice::from_ref(&on));
        let refusals = by.and_then(|by| self.session_ref(by)).map(|session| &session.refusals);
        let is_left = |member: &ConfigurationId| {
            !tried.contains(member) && refusals.is_none_or(|refusals| refusals.of(*member).is_none())
        };
        let left: Vec<_> = members.iter().copied().filter(is_left).collect();
        let first = |wanted: &dyn Fn(&AccessPoint) -> bool| {
            left.iter().copied().find(|&member| self.access_point(member).is_some_and(wanted))
        };
        // Of several, one that is out of reach is no choice, though another session's start is under way on it.
        let is_rising = |ap: &AccessPoint| {
            ap.session_state() == SessionState::Connecting
                && (network.is_none() || ap.link() >= LinkState::Discovered)
        };
        first(&AccessPoint::is_usable_now)
            .or_else(|| first(&AccessPoint::is_active))
            .or_else(|| left.iter().copied().find(|&member| self.is_candidate(member, by)))
            .or_else(|| first(&is_rising))
            .or_else(|| {
                // Once it is down it is started again, so its device has to be free.
                let is_going_down = |id| self.access_point(id).is_some_and(AccessPoint::is_going_down);
                let free = |&id: &ConfigurationId| is_going_down(id) && self.is_free(id, by);
                left.iter().copied().find(free)
            })
    }

    /// Whether an attempt can be made on an access point: it, and its device.
    fn is_candidate(&self, id: ConfigurationId, by: Option<SessionId>) -> bool {
        self.access_point(id).is_some_and(AccessPoint::is_candidate) && self.is_free(id, by)
    }

    fn is_free(&self, id: ConfigurationId, by: Option<SessionId>) -> bool {
        self.is_device_free(id, by, Asker::Explicit)
    }

    /// Why nothing can be attempted (R-OPEN-1, R-OPEN-3, R-DEV-1).
    fn why_nothing(&self, configuration: ConfigurationId, id: SessionId) -> Failure {
        let members = self.network_of(configuration).map(|network| &network.members[..]);
        let members = members.unwrap_or(core::slice::from_ref(&configuration));
        let cause = match self.configuration_state(configuration) {
            ConfigurationState::Undefined | ConfigurationState::Defined => Cause::ConfigurationUnavailable,
            ConfigurationState::Discovered | ConfigurationState::Active
                if members.iter().any(|&member| self.is_only_taken(member, id)) =>
            {
                Cause::DeviceTaken
            }
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
            let (Request::Opening(opening), Some(configuration)) = (&session.request, session.target())
            else {
                return;
            };
            let on = opening.on;
            if let Some(network) = self.network_of(configuration) {
                let is_up = |&&member: &&ConfigurationId| {
                    self.access_point(member).is_some_and(AccessPoint::is_usable_now)
                };
                if let Some(&up) = network.members.iter().find(is_up) {
                    if !is_fresh && self.access_point(on).is_some_and(|ap| ap.news.start_failed.is_some()) {
                        self.refuse(id, on, Refuser::Failure);
                    }
                    return self.become_open(id, up);
                }
            }
            let progress = if self.leads_to(Some(configuration), on) {
                self.progress(on, Some(id), Asker::Explicit, is_fresh)
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
        let (Some(opening), Some(configuration)) = (session.opening(), session.target()) else { return };
        let is_going_down =
            |on: ConfigurationId| self.access_point(on).is_some_and(AccessPoint::is_going_down);
        let (on, goes_down, was_going_down) = (opening.on, is_going_down(opening.on), opening.after_closing);
        let in_grace = self.is_in_grace(on);
        let is_open = goes_down || opening.in_grace && !in_grace;
        let other = if is_open { self.choose_member(configuration, Some(id), &opening.tried) } else { None };
        let other = other.filter(|&other| other != on && !is_going_down(other));
        if was_going_down && !goes_down {
            self.report_state(id);
        }
        let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) else { return };
        (opening.after_closing, opening.in_grace) = (goes_down, in_grace);
        if let Some(other) = other {
            let tried = core::mem::take(&mut opening.tried);
            self.release(id, on);
            self.attempt(id, other, tried);
        }
        let due = self.attempt_due(id);
        self.timers.set(Timer::Session(id, SessionTimer::Attempt), due);
    }

    /// What an access point that is waited for is doing. For `is_fresh` see above.
    pub(crate) fn progress(
        &self,
        on: ConfigurationId,
        by: Option<SessionId>,
        asker: Asker,
        is_fresh: bool,
    ) -> Progress {
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
            LinkState::Discovered if ap.is_starting() => Progress::Waits,
            LinkState::Discovered if !ap.is_startable() => Progress::Failed(Cause::NotPossible.into()),
            LinkState::Discovered if self.is_device_free(on, by, asker) => Progress::Waits,
            LinkState::Discovered => Progress::Failed(Cause::DeviceTaken.into()),
            LinkState::Undefined | LinkState::Defined => {
                Progress::Failed(Cause::ConfigurationUnavailable.into())
            }
        }
    }

    /// The attempt failed: the next member, or the end. Whether there is a next one to look at.
    fn try_next(&mut self, id: SessionId, configuration: ConfigurationId, failure: Failure) -> bool {
        let Some(opening) = self.session_mut(id).and_then(Session::opening_mut) else { return false };
        let (on, mut tried) = (opening.on, core::mem::take(&mut opening.tried));
        tried.retain(|&member| self.access_point(member).is_some());
        tried.push(on);
        if self.network_of(configuration).is_some() {
            self.refuse(id, on, Refuser::Failure);
        }
        if let Some(next) = self.choose_member(configuration, Some(id), &tried) {
            self.release(id, on);
            self.attempt(id, next, tried);
            return true;
        }
        self.fail_open(id, failure);
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
        for timer in [SessionTimer::Attempt, SessionTimer::Open, SessionTimer::Reopen] {
            self.timers.set(Timer::Session(id, timer), None);
        }
        let name = self.configuration_ref(on).map(|it| it.identifier.clone()).unwrap_or_default();
        let was_started = self.access_point(on).is_some_and(|ap| ap.ours);
        let open = Open { was_started, ..Open::new(on, name, self.now) };
        if let Some(session) = self.session_mut(id) {
            session.request = Request::Open(open);
            session.reopening = None;
            session.refusals.forget(on);
        }
        self.touch_members(id);
        self.report_state(id);
        self.tell(id, Event::Opened { session: id });
        self.arm_auto_close(id);
    }

    /// A session is open now, or no longer: its members are watched, or not (R-ROAM-39).
    pub(crate) fn touch_members(&mut self, id: SessionId) {
        let network = self.session_ref(id).and_then(Session::target).and_then(|on| self.network_of(on));
        for member in network.map(|network| network.members.clone()).unwrap_or_default() {
            self.touch_link(member);
        }
    }

    /// A deadline of a session passed.
    pub(crate) fn on_session_deadline(&mut self, id: SessionId, timer: SessionTimer) {
        let Some(session) = self.session_ref(id) else { return };
        let (target, is_opening) = (session.target(), session.is_opening());
        self.touch_session(id);
        match timer {
            SessionTimer::Attempt if is_opening => {
                if target.is_some_and(|target| self.try_next(id, target, Cause::TimedOut.into())) {
                    self.settle_opening(id);
                }
            }
            SessionTimer::Attempt => self.on_late(id),
            SessionTimer::Open | SessionTimer::Ask => self.fail_open(id, Cause::TimedOut.into()),
            SessionTimer::Answer => self.on_no_answer(id),
            SessionTimer::AutoClose => self.auto_close(id),
            // What is due is seen when the session is looked at.
            SessionTimer::RescueGrace
            | SessionTimer::HoldOff
            | SessionTimer::Retry
            | SessionTimer::Reopen => {}
        }
    }
}
