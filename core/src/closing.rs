//! `close()`, `stop()`, and what a lost or stopped link does to the sessions on it.
//!
//! `close()` says that one session no longer wants the link; whether it goes down follows from the other
//! holders and the shutdown policy. `stop()` takes it down for everybody: the other open sessions are
//! victims, who see Closing at once and the error when the link is down (R-STOP-1).

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Phase, StopReason};
use crate::session::{Request, Session};
use crate::{Cause, ConfigurationId, Event, LinkState, Manager, SessionId, SessionState};

impl Manager {
    /// `close()`: Closed first, then what the link says (R-CLOSE-1 … R-CLOSE-7).
    pub(crate) fn close_session(&mut self, id: SessionId) {
        match self.withdraw_request(id) {
            Request::None => {}
            Request::Opening(_) | Request::Open(_) => self.tell(id, Event::Closed { session: id }),
        }
    }

    /// The access point that `stop()` of this session is about (R-STOP-2).
    fn stop_target(&self, id: SessionId) -> Option<ConfigurationId> {
        let session = self.session_ref(id)?;
        session.held().or(session.on).filter(|&on| self.access_point(on).is_some())
    }

    pub(crate) fn stop_link(&mut self, id: SessionId) {
        let Some(on) = self.stop_target(id) else { return };
        let Some(ap) = self.access_point(on) else { return };
        let can_stop = ap.can_start_and_stop();
        let uses_it = self.session_ref(id).is_some_and(|session| session.held().is_some());
        if ap.before_loss.is_some() && can_stop {
            // It counts from now on, and who stops it is not told of a loss (R-LOSS-5).
            self.close_session(id);
            self.end_grace(on);
            if let Some(ap) = self.access_point_mut(on) {
                ap.news.stopped = true;
            }
        }
        let Some(ap) = self.access_point(on) else { return };
        let is_wanted =
            ap.holders.iter().any(|&holder| self.session_ref(holder).is_some_and(Session::is_opening));
        match ap.session_state() {
            // Nothing more to stop (R-STOP-8).
            SessionState::Closing if uses_it => self.end_openings(id, on),
            SessionState::Connected | SessionState::Connecting if !can_stop => {
                self.fail(id, Cause::CannotStop.into());
            }
            SessionState::Connected => self.stop_up(id, on),
            SessionState::Connecting => self.stop_rising(id, on),
            // The cancel of an earlier start is awaited before the next.
            SessionState::Disconnected | SessionState::NotAvailable if is_wanted => self.stop_rising(id, on),
            SessionState::Closing
            | SessionState::Disconnected
            | SessionState::NotAvailable
            | SessionState::Invalid
            | SessionState::Roaming => {}
        }
    }

    /// R-STOP-1: everyone sees Closing, the stopper is closed, the victims wait for the link to be down.
    fn stop_up(&mut self, id: SessionId, on: ConfigurationId) {
        self.request_stop(on, StopReason::Command(id));
        self.report_state(id);
        self.close_session(id);
    }

    /// R-STOP-4: the start is withdrawn for all who wait for it.
    fn stop_rising(&mut self, id: SessionId, on: ConfigurationId) {
        self.end_openings(id, on);
        let Some(ap) = self.access_point(on) else { return };
        match ap.phase {
            Phase::Starting { .. } => self.withdraw_start(on, StopReason::Command(id)),
            Phase::Idle | Phase::Cancelling { .. } if ap.link() == LinkState::Connecting => {
                self.request_stop(on, StopReason::Command(id));
            }
            Phase::Idle | Phase::Cancelling { .. } | Phase::Stopping { .. } => {}
        }
    }

    /// The stopper is closed, and every `open()` of others that waits for this link ends, because of it.
    fn end_openings(&mut self, stopper: SessionId, on: ConfigurationId) {
        self.close_session(stopper);
        let holders = self.access_point(on).map(|ap| ap.holders.clone()).unwrap_or_default();
        for id in holders {
            if self.session_ref(id).is_some_and(Session::is_opening) {
                self.withdraw_request(id);
                self.fail_later(id, Cause::StoppedByOther.into());
            }
        }
    }

    /// What the facts of this moment mean for one session.
    pub(crate) fn settle(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        match &session.request {
            Request::None => {
                if session.on.is_some_and(|on| self.went_down(on)) {
                    self.report_state(id);
                }
            }
            Request::Opening(_) => self.settle_opening(id),
            Request::Open(open) => {
                let ap = self.access_point(open.on).filter(|_| self.leads_to(session.on, open.on));
                let is_lost = ap.is_none_or(|ap| {
                    ap.news.replaced
                        || !matches!(ap.session_state(), SessionState::Connected | SessionState::Closing)
                });
                if is_lost {
                    let was_stopped = ap.is_some_and(|ap| ap.news.stopped);
                    self.abort(id, if was_stopped { Cause::StoppedByOther } else { Cause::LinkLost });
                }
            }
        }
    }

    /// Whether a link of this configuration was going down and is down since this moment.
    fn went_down(&self, on: ConfigurationId) -> bool {
        let is_news = |ap: &AccessPoint| ap.news.went_down;
        self.access_point(on).is_some_and(is_news)
            || self.network_of(on).is_some_and(|network| {
                network.members.iter().any(|&member| self.access_point(member).is_some_and(is_news))
            })
    }

    /// The configuration of these sessions was removed (R-LOSS-3).
    pub(crate) fn on_configuration_removed(&mut self, sessions: Vec<SessionId>) {
        for id in sessions {
            let Some(session) = self.session_mut(id) else { continue };
            session.on = None;
            match session.request {
                Request::Open(_) => self.abort(id, Cause::Removed),
                Request::Opening(_) => {
                    self.withdraw_request(id);
                    self.report_state(id);
                    self.fail(id, Cause::Removed.into());
                }
                Request::None => self.report_state(id),
            }
        }
    }
}
