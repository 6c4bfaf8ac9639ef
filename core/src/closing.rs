//! `close()`, `stop()`, and what a lost or stopped link does to the sessions on it.
//!
//! `close()` says that one session no longer wants the link; whether it goes down follows from the other
//! holders and the shutdown policy. `stop()` takes it down for everybody: the other open sessions are
//! victims, who see Closing at once and the error when the link is down (R-STOP-1).

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Phase, StopReason};
use crate::refusal::Refuser;
use crate::roaming::Life;
use crate::session::{Open, Request, Session};
use crate::{Cause, ConfigurationId, Event, LinkState, Manager, SessionId, SessionState};

impl Manager {
    /// `close()`: Closed first, then what the link says (R-CLOSE-1 … R-CLOSE-7).
    pub(crate) fn close_session(&mut self, id: SessionId) {
        self.end_reopening(id);
        match self.withdraw_request(id) {
            Request::None => {}
            Request::Asking(_) | Request::Opening(_) | Request::Open(_) => {
                self.tell(id, Event::Closed { session: id });
            }
        }
    }

    /// The access point that `stop()` of this session is about (R-STOP-2).
    fn stop_target(&self, id: SessionId) -> Option<ConfigurationId> {
        let session = self.session_ref(id)?;
        session.held().or(session.target()).filter(|&on| self.access_point(on).is_some())
    }

    /// `stop()` by a session: of what it uses, and of what it may move to (R-ROAM-21).
    pub(crate) fn stop_session(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        if let Request::Asking(_) = session.request {
            return self.close_session(id);
        }
        self.end_reopening(id);
        let Some(session) = self.session_ref(id) else { return };
        let candidate = session.candidate();
        let is_without_link = session.open().is_some_and(Open::is_dead);
        let cannot = |on: ConfigurationId| {
            let ap = self.access_point(on);
            ap.is_some_and(|ap| ap.is_up_or_rising() && !ap.is_going_down() && !ap.can_start_and_stop())
        };
        let first = if is_without_link { candidate } else { session.in_use() };
        if candidate.is_some() && first.is_some_and(cannot) {
            return self.fail(id, Cause::CannotStop.into());
        }
        let is_open = session.is_open();
        // What is to be back is on its way up, whatever it waits for, as what it moves to is (R-STOP-4).
        let is_restoring = session.open().is_some_and(Open::is_restoring);
        let is_in_use_up = session.in_use().and_then(|on| self.access_point(on)).is_some_and(|ap| {
            let is_down =
                matches!(ap.session_state(), SessionState::Disconnected | SessionState::NotAvailable);
            !is_without_link && (!is_down || is_restoring)
        });
        let stoppable = candidate.filter(|&candidate| !cannot(candidate));
        if candidate.is_some() {
            self.drop_candidate(id);
        }
        let of_use = self.session_ref(id).and_then(|it| it.in_use()).and_then(|on| self.access_point(on));
        let shows = !is_without_link && of_use.is_some_and(|ap| ap.reported.link >= LinkState::Connecting);
        let is_seen = |ap: &AccessPoint| ap.is_usable_now() || !shows && ap.is_up_or_rising();
        if stoppable.and_then(|on| self.access_point(on)).is_some_and(is_seen) {
            // Also where A is on its way down already (R-STOP-1), or B in its place (R-X-43).
            self.report_as(id, SessionState::Closing);
        }
        // A first: who uses it is its victim, whatever becomes of B (R-STOP-8).
        if (!is_open || is_in_use_up)
            && let Some(on) = self.stop_target(id)
        {
            let is_wanted = self.is_wanted(on);
            self.stop_link(id, on, is_wanted);
        }
        if let Some(candidate) = stoppable {
            self.stop_link(id, candidate, true);
        }
        if let Some(candidate) = candidate
            && self.access_point(candidate).is_some_and(AccessPoint::is_going_down)
        {
            // Others wait for it to be down no longer (R-STOP-8).
            self.end_openings(id, candidate);
            if !is_in_use_up {
                self.report_as(id, SessionState::Closing);
            }
        }
        if is_open && !is_in_use_up {
            self.close_session(id);
        }
    }

    /// Takes a link down for everybody, on behalf of a session.
    fn stop_link(&mut self, id: SessionId, on: ConfigurationId, is_wanted: bool) {
        let Some(ap) = self.access_point(on) else { return };
        let can_stop = ap.can_start_and_stop();
        let uses_it = self.session_ref(id).is_some_and(|session| session.held() == Some(on));
        let was_in_grace = ap.before_loss.is_some() && !ap.is_going_down();
        if ap.before_loss.is_some() && can_stop {
            // It counts from now on, and who stops it is not told of a loss (R-LOSS-5).
            self.close_session(id);
            self.end_grace(on);
            // One that goes down by itself is not lost yet, and nothing is left to stop.
            if let Some(ap) = self.access_point_mut(on).filter(|ap| !ap.is_going_down()) {
                // Who has it in use is a victim, until what is coming up again is down.
                ap.news.stopped = !ap.is_up_or_rising();
                self.refuse_stopped(on);
            }
        }
        let Some(ap) = self.access_point(on) else { return };
        match ap.session_state() {
            // Nothing more to stop (R-STOP-8).
            SessionState::Closing if uses_it => self.end_openings(id, on),
            SessionState::Connected | SessionState::Connecting if !can_stop => {
                self.fail(id, Cause::CannotStop.into());
            }
            SessionState::Connected => self.stop_up(id, on, uses_it),
            SessionState::Connecting => self.stop_rising(id, on),
            // The cancel of an earlier start is awaited before the next.
            SessionState::Disconnected | SessionState::NotAvailable if is_wanted => self.stop_rising(id, on),
            SessionState::Closing
            | SessionState::Disconnected
            | SessionState::NotAvailable
            | SessionState::Invalid
            | SessionState::Roaming => {}
        }
        if was_in_grace && can_stop {
            self.make_victims(on);
        }
    }

    /// R-STOP-1: everyone sees Closing, the stopper is closed, the victims wait for the link to be down.
    fn stop_up(&mut self, id: SessionId, on: ConfigurationId, uses_it: bool) {
        self.request_stop(on, StopReason::Command(id));
        if uses_it {
            self.report_as(id, SessionState::Closing);
            self.close_session(id);
        }
        self.refuse_stopped(on);
        self.make_victims(on);
        self.end_candidates(on);
    }

    /// All who have it in use, and can be told (R-STOP-8).
    fn make_victims(&mut self, on: ConfigurationId) {
        let holders = self.access_point(on).map(|ap| ap.holders.clone()).unwrap_or_default();
        for holder in holders {
            let Some(open) = self.session_ref(holder).and_then(Session::open) else { continue };
            if open.on == on && matches!(open.life, Life::Alive | Life::Leaving | Life::Restorable) {
                self.on_victim(holder);
            }
        }
    }

    /// R-STOP-4: the start is withdrawn for all who wait for it.
    fn stop_rising(&mut self, id: SessionId, on: ConfigurationId) {
        self.refuse_stopped(on);
        self.end_openings(id, on);
        let Some(ap) = self.access_point(on) else { return };
        match ap.phase {
            Phase::Starting { .. } => self.withdraw_start(on, StopReason::Command(id)),
            Phase::Idle | Phase::Cancelling { .. } if ap.link() == LinkState::Connecting => {
                self.request_stop(on, StopReason::Command(id));
            }
            Phase::Idle | Phase::Cancelling { .. } | Phase::Stopping { .. } => {}
        }
        self.end_candidates(on);
    }

    /// For the service networks it is a member of, what was stopped counts as refused (R-STOP-6).
    fn refuse_stopped(&mut self, on: ConfigurationId) {
        let networks = self.access_point(on).map(|ap| ap.networks.clone()).unwrap_or_default();
        for network in networks {
            let sessions = self.configuration_ref(network).map(|it| it.sessions.clone()).unwrap_or_default();
            for id in sessions {
                let is_active = self.session_ref(id).is_some_and(|it| !matches!(it.request, Request::None));
                if is_active {
                    self.refuse(id, on, Refuser::Stop);
                }
            }
        }
    }

    /// Sessions that were about to move to what was stopped stay where they are (R-ROAM-22).
    fn end_candidates(&mut self, on: ConfigurationId) {
        let holders = self.access_point(on).map(|ap| ap.holders.clone()).unwrap_or_default();
        for holder in holders {
            let Some(session) = self.session_ref(holder) else { continue };
            if session.candidate() == Some(on) {
                self.on_candidate_failed(holder, Refuser::Stop, None);
            } else if session.open().is_some_and(Open::is_restoring) {
                self.on_not_restored(holder);
            }
        }
    }

    /// The stopper is closed, and every `open()` of others that waits for this link ends, because of it.
    fn end_openings(&mut self, stopper: SessionId, on: ConfigurationId) {
        if self.session_ref(stopper).is_some_and(|session| session.held() == Some(on)) {
            self.close_session(stopper);
        }
        let holders = self.access_point(on).map(|ap| ap.holders.clone()).unwrap_or_default();
        for id in holders {
            if self.session_ref(id).is_some_and(Session::is_opening) {
                self.end_reopening(id);
                self.fail_open(id, Cause::StoppedByOther.into());
            }
        }
    }

    /// What the facts of this moment mean for one session.
    pub(crate) fn settle(&mut self, id: SessionId) {
        self.note_refusals(id);
        let Some(session) = self.session_ref(id) else { return };
        match &session.request {
            Request::None => {
                if session.on.is_some_and(|on| self.went_down(on)) {
                    self.report_state(id);
                }
            }
            Request::Asking(_) => {}
            Request::Opening(_) => {
                let on = self.session_ref(id).and_then(Session::held);
                self.settle_opening(id);
                // What happened to the link before it was open is no news to it; it is looked at again.
                self.work.is_unsettled |= self.session_ref(id).is_some_and(Session::is_open);
                // Somebody else may start it again in this input (R-X-4).
                let is_down = |on| {
                    self.access_point(on).is_some_and(|ap| {
                        ap.news.went_down && ap.session_state() == SessionState::Disconnected
                    })
                };
                let has_failed =
                    self.session_ref(id).is_some_and(|session| matches!(session.request, Request::None));
                if has_failed && on.is_some_and(is_down) {
                    self.report_state(id);
                }
            }
            Request::Open(_) => self.settle_open(id),
        }
        if !self.work.endings.contains(&id) {
            self.settle_reopening(id);
        }
        self.settle_auto_close(id);
    }

    /// Whether a link of this configuration was going down and is down since this moment.
    fn went_down(&self, on: ConfigurationId) -> bool {
        let is_news = |ap: &AccessPoint| ap.news.went_down;
        self.access_point(on).is_some_and(is_news)
            || self.network_of(on).is_some_and(|network| {
                network.members.iter().any(|&member| self.access_point(member).is_some_and(is_news))
            })
    }

    /// The configuration of these sessions was removed (R-LOSS-3), or what a user choice was resolved to
    /// (R-OPEN-10).
    pub(crate) fn on_configuration_removed(&mut self, removed: ConfigurationId, sessions: Vec<SessionId>) {
        for id in sessions {
            let Some(session) = self.session_mut(id) else { continue };
            if session.on == Some(removed) {
                session.on = None;
            }
            self.end_reopening(id);
            let Some(session) = self.session_ref(id) else { continue };
            match session.request {
                Request::Open(_) => self.abort(id, Cause::Removed),
                Request::Asking(_) | Request::Opening(_) => {
                    self.withdraw_request(id);
                    self.fail_later(id, Cause::Removed.into());
                }
                Request::None => self.touch_session(id),
            }
        }
    }
}
