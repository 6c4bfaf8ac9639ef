//! All deadlines, and what happens when one is due (R-GEN-2).

use std::time::Duration;

use netsession_core::{Cause, Instant, Wake, WakeReason};

use super::{Dead, Failure, Key, Model, Phase, Request, Session, Step};

/// What is due at a time. The order is that of R-GEN-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Link(Key, OfLink),
    Session(u64, OfSession),
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OfLink {
    Grace,
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OfSession {
    Attempt,
    Whole,
    Ask,
    Answer,
    RescueGrace,
    HoldOff,
    Retry,
    Reopen,
    AutoClose,
}

impl Due {
    const fn why(self) -> WakeReason {
        match self {
            Self::Link(_, OfLink::Grace) => WakeReason::LossGrace,
            Self::Link(_, OfLink::Request) => WakeReason::StopTimeout,
            Self::Session(_, OfSession::Attempt | OfSession::Whole) => WakeReason::ConnectTimeout,
            Self::Session(_, OfSession::Ask) => WakeReason::AskTimeout,
            Self::Session(_, OfSession::Answer) => WakeReason::Answer,
            Self::Session(_, OfSession::RescueGrace) => WakeReason::RescueGrace,
            Self::Session(_, OfSession::HoldOff) => WakeReason::HoldOff,
            Self::Session(_, OfSession::Retry) => WakeReason::Retry,
            Self::Session(_, OfSession::Reopen) => WakeReason::Reopen,
            Self::Session(_, OfSession::AutoClose) => WakeReason::AutoClose,
            Self::Update => WakeReason::UpdateTimeout,
        }
    }
}

impl Model {
    /// Every deadline there is.
    fn deadlines(&self) -> Vec<(Instant, Due)> {
        let mut all = Vec::new();
        for (key, ap) in self.configurations.iter().filter_map(|(key, it)| Some((*key, it.access_point()?))) {
            all.extend(ap.grace.as_ref().map(|grace| (grace.until, Due::Link(key, OfLink::Grace))));
            if let Some(Request::Stop { deadline, .. } | Request::Cancel { deadline, .. }) = ap.request {
                all.push((deadline, Due::Link(key, OfLink::Request)));
            }
        }
        for (number, session) in &self.sessions {
            let mut add = |at: Option<Instant>, what: OfSession| {
                all.extend(at.map(|at| (at, Due::Session(*number, what))));
            };
            match &session.phase {
                Phase::Closed => {}
                Phase::Asking { deadline, .. } => add(Some(*deadline), OfSession::Ask),
                Phase::Opening(opening) => {
                    add(self.attempt_deadline(*number, opening), OfSession::Attempt);
                    add(opening.due, OfSession::Whole);
                }
                Phase::Open(_) => {
                    add(Self::step_deadline(session), OfSession::Attempt);
                    add(session.open().and_then(|open| open.answer), OfSession::Answer);
                    add(self.rescue_grace_end(session), OfSession::RescueGrace);
                    add(self.next_hold_off(*number), OfSession::HoldOff);
                    add(self.next_retry(session), OfSession::Retry);
                }
            }
            // R-LOSS-4: no timer while unavailable.
            let next = session.reopening.and_then(|it| it.next).filter(|_| self.is_to_reopen(*number));
            add(next, OfSession::Reopen);
            add(session.auto_close_at, OfSession::AutoClose);
        }
        all.extend(self.update.as_ref().map(|update| (update.deadline, Due::Update)));
        all
    }

    /// R-ROAM-7, R-DEV-3.
    fn step_deadline(session: &Session) -> Option<Instant> {
        match session.open()?.step {
            Step::Migrating { due, .. } | Step::Restoring { due, .. } => due,
            Step::Settled | Step::Offered { .. } | Step::Trial { .. } | Step::Waiting => None,
        }
    }

    /// R-REG-10: when an attempt that begins now is late.
    pub(super) fn due_of(&self, key: Key) -> Option<Instant> {
        let timeout = self.configurations.get(&key)?.connect_timeout;
        (!timeout.is_zero()).then(|| self.now + timeout)
    }

    /// R-ROAM-44.
    fn rescue_grace_end(&self, session: &Session) -> Option<Instant> {
        let open = session.open()?;
        match (&open.step, open.dead) {
            (Step::Waiting, Dead::Since(lost)) => Some(lost + self.config.rescue_grace),
            _ => None,
        }
    }

    /// R-ROAM-43.
    fn next_retry(&self, session: &Session) -> Option<Instant> {
        session.refusals.values().filter_map(|refusal| refusal.end()).min()
    }

    /// The first deadline that is due, and its time.
    pub(super) fn due(&self) -> Option<(Instant, Due)> {
        self.deadlines().into_iter().filter(|(at, _)| *at <= self.now).min()
    }

    /// The next deadline, and why.
    pub(super) fn wake(&self) -> Option<Wake> {
        let (at, due) = self.deadlines().into_iter().min()?;
        Some(Wake { at, why: due.why() })
    }

    /// A deadline is over.
    pub(super) fn fire(&mut self, (at, due): (Instant, Due)) {
        self.reached = self.reached.max((at, due));
        self.saying.steps += 1;
        match due {
            Due::Link(key, OfLink::Grace) => {
                if let Some(ap) = self.ap_mut(key) {
                    ap.grace = None;
                }
            }
            Due::Link(key, OfLink::Request) => self.request_is_late(key),
            Due::Session(number, of) => self.fire_of_session(number, of, at),
            Due::Update => self.complete_update(),
        }
    }

    fn request_is_late(&mut self, key: Key) {
        match self.ap(key).and_then(|ap| ap.request.clone()) {
            Some(Request::Stop { clean_up: false, .. }) => self.stop_failed(key, Cause::StopTimedOut, None),
            Some(Request::Stop { clean_up: true, .. }) => {
                if let Some(ap) = self.ap_mut(key) {
                    (ap.request, ap.ours) = (None, false);
                }
            }
            Some(Request::Cancel { .. }) => self.cancel_is_over(key),
            Some(Request::Start { .. }) | None => {}
        }
    }

    fn fire_of_session(&mut self, number: u64, of: OfSession, at: Instant) {
        let timed_out = Failure::of(Cause::TimedOut);
        match of {
            OfSession::Attempt => self.attempt_is_late(number),
            OfSession::Whole => self.fail(number, timed_out),
            OfSession::Ask => {
                self.withdraw_question(number);
                self.leave_asking(number);
                self.fail(number, timed_out);
            }
            OfSession::Answer => self.answer_is_late(number),
            OfSession::RescueGrace => self.end(number, Cause::LinkLost),
            OfSession::HoldOff => {}
            OfSession::Reopen => self.reopen(number),
            OfSession::Retry => self.end_refusals_by_time(number, at),
            OfSession::AutoClose => {
                self.close(number);
                if let Some(session) = self.sessions.get_mut(&number) {
                    session.auto_close = -1;
                    session.auto_close_at = None;
                }
            }
        }
    }

    fn attempt_is_late(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else { return };
        match session.open().map(|open| &open.step) {
            None => self.attempt_failed(number, Failure::of(Cause::TimedOut)),
            Some(Step::Restoring { .. }) => self.restore_failed(number),
            Some(_) => self.candidate_failed(number, false),
        }
    }

    /// R-ROAM-41: when the next upgrade has been usable for long enough.
    fn next_hold_off(&self, number: u64) -> Option<Instant> {
        let times = self.waiting_upgrades(number);
        times.into_iter().filter(|at| !self.has_reached(number, *at)).min()
    }

    /// Whether a hold_off that ends then is over.
    pub(super) fn has_reached(&self, number: u64, at: Instant) -> bool {
        (at, Due::Session(number, OfSession::HoldOff)) <= self.reached
    }

    /// R-ROAM-41: never less than this after O.
    pub(super) const FIRST_UPGRADE: Duration = Duration::from_millis(1);
}
