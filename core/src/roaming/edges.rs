//! The edges of the roaming table: one named function each, with the rules that it is.
//!
//! An edge takes the step, tells the application in the documented order, holds and lets go. It decides
//! nothing that the facts have not decided: those that look whether an edge is due stand beside it.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Life, Step};
use crate::access_point::{AccessPoint, Failure};
use crate::device::Asker;
use crate::opening::Progress;
use crate::ranking::{Purpose, choose};
use crate::refusal::{Refusal, Refuser};
use crate::session::{Open, Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{
    Cause, ConfigurationId, Event, Identifier, Manager, OfferKind, Refused, RoamingMode, SessionError,
    SessionId,
};

/// The edges of the table.
impl Manager {
    /// Settled(A) to Offered(A,B), or Migrating(A,B) by itself (R-ROAM-1, R-ROAM-18).
    pub(super) fn upgrade(&mut self, id: SessionId) -> bool {
        if self.mode(id) == RoamingMode::Suppressed {
            return false;
        }
        let Some(to) = self.best(id, Purpose::Upgrade) else { return false };
        self.go_to(id, to, OfferKind::Upgrade)
    }

    /// A is lost: to the best of the others, else the end (R-ROAM-13, R-ROAM-19, R-ROAM-20, R-ROAM-37).
    pub(super) fn rescue(&mut self, id: SessionId) -> bool {
        match self.best(id, Purpose::Rescue) {
            Some(to) if self.mode(id) != RoamingMode::Suppressed => self.go_to(id, to, OfferKind::Rescue),
            Some(_) | None => {
                self.find_nothing(id);
                false
            }
        }
    }

    /// By asking, or by itself. Whether there may be a next step at once.
    pub(super) fn go_to(&mut self, id: SessionId, to: ConfigurationId, kind: OfferKind) -> bool {
        if self.mode(id) == RoamingMode::Application {
            self.offer(id, to, kind);
            return false;
        }
        self.start_migrating(id, to, false);
        true
    }

    /// Nothing is left to go to: that may change within the grace (R-ROAM-44), else it is the end.
    pub(super) fn find_nothing(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        let Life::Dead { since } = open.life else { return };
        let until = since + self.config.rescue_grace;
        // What is due before it may bring something (R-X-44).
        let is_waiting = open.step == Step::Waiting
            && self.timers.get(Timer::Session(id, SessionTimer::RescueGrace)).is_some();
        if open.mode == RoamingMode::Suppressed || until <= self.now && !is_waiting {
            self.abort(id, Cause::LinkLost);
        } else if open.step != Step::Waiting {
            self.set_step(id, Step::Waiting);
            self.timers.set(Timer::Session(id, SessionTimer::RescueGrace), Some(until));
            self.report_state(id);
        }
    }

    /// R-ROAM-1, R-ROAM-4, R-ROAM-13, R-ROAM-14, R-ROAM-16.
    pub(super) fn offer(&mut self, id: SessionId, to: ConfigurationId, kind: OfferKind) {
        self.set_step(id, Step::Offered { to, kind });
        self.count_step(id);
        self.report_state(id);
        self.await_answer(id);
        let Some(offered) = self.configuration_ref(to) else { return };
        let offered = offered.identifier.clone();
        let seamless = self.session_ref(id).is_some_and(|session| self.is_seamless(session, to));
        if let Some(open) = self.session_mut(id).and_then(Session::open_mut) {
            open.offered = offered.clone();
        }
        self.tell(id, Event::PreferredConfigurationChanged { session: id, id: offered, seamless, kind });
    }

    /// An offer stands as long as what it was made for (R-ROAM-3, R-ROAM-4, R-ROAM-14, R-ROAM-16).
    pub(super) fn reconsider(&mut self, id: SessionId, to: ConfigurationId, kind: OfferKind) -> bool {
        let Some(session) = self.session_ref(id) else { return false };
        let Some(open) = session.open() else { return false };
        if open.is_dead() {
            match self.best(id, Purpose::Rescue) {
                Some(best) if best == to && kind == OfferKind::Rescue => {}
                Some(best) => self.offer(id, best, OfferKind::Rescue),
                None => self.find_nothing(id),
            }
            return false;
        }
        let facts = self.facts(session, open);
        let place = |id: ConfigurationId| facts.iter().position(|fact| fact.id == id);
        let best = choose(&facts, Purpose::Upgrade);
        let is_usable = facts.iter().any(|fact| fact.id == to && fact.is_usable());
        let in_use = place(open.on);
        if !is_usable || place(to) > in_use {
            self.withdraw_offer(id);
            return true;
        }
        if let Some(best) = best.filter(|&best| place(best) < place(to)) {
            self.offer(id, best, OfferKind::Upgrade);
        }
        false
    }

    /// R-ROAM-3.
    pub(super) fn withdraw_offer(&mut self, id: SessionId) {
        self.tell_withdrawn(id);
        self.set_step(id, Step::Settled);
    }

    pub(crate) fn tell_withdrawn(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        // It may be gone.
        let id_offered = open.offered.clone();
        self.tell(id, Event::OfferWithdrawn { session: id, id: id_offered });
    }

    /// To Migrating(A,B): B is held, and started if it is not up (R-ROAM-5, R-ROAM-18, R-ROAM-27); on one
    /// device A goes down first (R-DEV-2).
    pub(super) fn start_migrating(&mut self, id: SessionId, to: ConfigurationId, is_own_choice: bool) {
        let breaks =
            self.session_ref(id).and_then(Session::in_use).is_some_and(|on| self.must_break_first(on, to));
        self.set_step(id, Step::Migrating { to, is_own_choice });
        self.hold(id, to);
        self.limit_attempt(id, to);
        if breaks {
            self.give_way(id);
        }
        self.report_state(id);
    }

    /// A is to go down for B (R-DEV-2).
    fn give_way(&mut self, id: SessionId) {
        let Some(on) = self.session_ref(id).and_then(Session::in_use) else { return };
        let is_up = self.access_point(on).is_some_and(AccessPoint::is_active);
        let Some(open) = self.session_mut(id).and_then(Session::open_mut) else { return };
        if open.life == Life::Alive {
            open.life = if is_up { Life::Leaving } else { Life::Restorable };
        }
        self.touch(on);
    }

    /// Whether B is up, still on its way, or failed; a forced session whose A is dead takes what is up first,
    /// and the most preferred of what comes up in one moment.
    pub(super) fn go_on_migrating(&mut self, id: SessionId, to: ConfigurationId) -> bool {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return false };
        let asker = open.asker();
        let takes_any = open.is_dead() && open.mode == RoamingMode::Forced;
        let is_own_choice = matches!(open.step, Step::Migrating { is_own_choice: true, .. });
        let breaks = open.life == Life::Alive && self.must_break_first(open.on, to);
        let other = if takes_any { self.best(id, Purpose::Rescue) } else { None };
        let other = other
            .filter(|&other| other != to && self.access_point(other).is_some_and(AccessPoint::is_usable_now));
        match (self.progress(to, Some(id), asker, true), other) {
            // The one that is up has the device (R-ROAM-33).
            (Progress::Failed(failure), Some(other))
                if failure.cause == Cause::DeviceTaken && !is_own_choice =>
            {
                self.take_other(id, to, other);
            }
            (Progress::Failed(failure), _) => {
                self.on_candidate_failed(id, Refuser::Failure, failure.reason);
            }
            (Progress::Up, Some(other)) if !is_own_choice => self.take_other(id, to, other),
            (Progress::Up, _) => self.on_activated(id, to),
            (Progress::Waits, Some(other)) => self.take_other(id, to, other),
            // It was coming up, and fell back (R-X-52).
            (Progress::Waits, None) if breaks => match asker {
                Asker::Automatic => self.on_candidate_failed(id, Refuser::Failure, None),
                Asker::Explicit => self.give_way(id),
            },
            (Progress::Waits, None) => return false,
        }
        true
    }

    /// R-ROAM-33: another member is up before B.
    pub(super) fn take_other(&mut self, id: SessionId, to: ConfigurationId, up: ConfigurationId) {
        self.hold(id, up);
        self.release(id, to);
        self.set_step(id, Step::Migrating { to: up, is_own_choice: false });
    }

    /// B is up: on trial, or taken (R-ROAM-6, R-ROAM-18, R-ROAM-33).
    pub(super) fn on_activated(&mut self, id: SessionId, to: ConfigurationId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        let Step::Migrating { is_own_choice, .. } = open.step else { return };
        let decision_due = open.mode == RoamingMode::Application;
        let Some(activated) = self.configuration_ref(to) else { return };
        let activated = activated.identifier.clone();
        if decision_due {
            self.set_step(id, Step::Trial { to, is_own_choice });
            self.count_step(id);
            self.await_answer(id);
        }
        self.tell(id, Event::NewConfigurationActivated { session: id, id: activated, decision_due });
        if !decision_due {
            self.settle_on_new(id, to, is_own_choice);
        }
    }

    /// Settled(B): A is let go (R-ROAM-9, R-ROAM-18, R-ROAM-24).
    pub(super) fn settle_on_new(&mut self, id: SessionId, to: ConfigurationId, is_own_choice: bool) {
        let now = self.now;
        let was_started = self.access_point(to).is_some_and(|ap| ap.ours);
        let Some(name) = self.configuration_ref(to).map(|it| it.identifier.clone()) else { return };
        self.set_step(id, Step::Settled);
        let Some(session) = self.session_mut(id) else { return };
        let Request::Open(open) = &mut session.request else { return };
        let old = open.on;
        let gave_way = matches!(open.life, Life::Leaving | Life::Restorable);
        if !open.is_dead() {
            session.refusals.forget(old);
        }
        (open.on, open.identifier) = (to, name);
        (open.settled_at, open.was_started, open.life) = (now, was_started, Life::Alive);
        if is_own_choice {
            // Before what was in use is let go, and perhaps stopped for that.
            self.refuse_preferred(id, to, gave_way.then_some(old));
        }
        self.release(id, old);
        self.report_state(id);
    }

    /// What the application passed over by its own choice it has refused (R-ROAM-27), and also what gave way for
    /// that and is still going down (R-X-51).
    pub(super) fn refuse_preferred(
        &mut self,
        id: SessionId,
        chosen: ConfigurationId,
        gave_way: Option<ConfigurationId>,
    ) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let facts = self.facts_for(session, open, Asker::Explicit);
        let preferred = facts.iter().take_while(|fact| fact.id != chosen);
        let passed = preferred.filter(|fact| fact.is_usable() || gave_way == Some(fact.id));
        let passed: Vec<_> = passed.map(|fact| fact.id).collect();
        for member in passed {
            self.refuse(id, member, Refuser::Application);
        }
    }

    /// Back in Settled(A): B is let go, if there is one.
    pub(super) fn settle_on_old(&mut self, id: SessionId) {
        self.leave_candidate(id, Step::Settled);
        let life = self.session_ref(id).and_then(Session::open).map(|open| open.life);
        if matches!(life, Some(Life::Leaving | Life::Restorable)) {
            self.set_life(id, Life::Alive);
        }
        self.report_state(id);
    }

    /// B failed, was late, or was lost in its trial (R-ROAM-7, R-ROAM-8, R-ROAM-12, R-ROAM-36).
    pub(crate) fn on_candidate_failed(&mut self, id: SessionId, by: Refuser, reason: Option<String>) {
        let Some(session) = self.session_ref(id) else { return };
        let (Some(open), Some(to)) = (session.open(), session.candidate()) else { return };
        let (life, mode) = (open.life, open.mode);
        let is_up = self.access_point(open.on).is_some_and(AccessPoint::is_usable_now);
        self.refuse(id, to, by);
        match life {
            Life::Leaving | Life::Restorable if !is_up => self.restore(id, true),
            Life::Alive | Life::Stopped | Life::Leaving | Life::Restorable => {
                self.settle_on_old(id);
                self.fail_roaming(id, reason);
            }
            Life::Dead { .. } => {
                self.drop_candidate(id);
                if mode == RoamingMode::Application {
                    self.fail_roaming(id, reason);
                }
            }
        }
    }

    /// B is not wanted (R-ROAM-10, R-ROAM-11, R-DEV-3); from Migrating as from Trial (R-ROAM-34).
    pub(super) fn on_rejected(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let (Some(open), Some(to)) = (session.open(), session.candidate()) else { return };
        let life = open.life;
        let is_up = self.access_point(open.on).is_some_and(AccessPoint::is_usable_now);
        self.refuse(id, to, Refuser::Application);
        match life {
            Life::Leaving | Life::Restorable if !is_up => self.restore(id, false),
            Life::Alive | Life::Stopped | Life::Leaving | Life::Restorable => self.settle_on_old(id),
            Life::Dead { .. } => self.drop_candidate(id),
        }
    }

    /// A is dead and B is gone: what is next is looked for as after a loss.
    pub(crate) fn drop_candidate(&mut self, id: SessionId) {
        self.leave_candidate(id, Step::Settled);
    }

    /// To a step without B, which is let go if there is one.
    fn leave_candidate(&mut self, id: SessionId, step: Step) {
        let candidate = self.session_ref(id).and_then(Session::candidate);
        self.set_step(id, step);
        if let Some(candidate) = candidate {
            self.release(id, candidate);
        }
    }

    /// R-DEV-3: A is started again.
    pub(super) fn restore(&mut self, id: SessionId, failure: bool) {
        self.leave_candidate(id, Step::Restoring { failure });
        let Some(on) = self.session_ref(id).and_then(Session::in_use) else { return };
        self.touch(on);
        self.limit_attempt(id, on);
    }

    pub(super) fn go_on_restoring(&mut self, id: SessionId) -> bool {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return false };
        let (on, is_dead) = (open.on, open.is_dead());
        match self.progress(on, Some(id), Asker::Explicit, true) {
            Progress::Up => {
                self.on_back(id);
                true
            }
            Progress::Waits if !is_dead => false,
            Progress::Waits | Progress::Failed(_) => {
                self.on_not_restored(id);
                true
            }
        }
    }

    /// A cannot be brought back: it is dead (R-DEV-3).
    pub(crate) fn on_not_restored(&mut self, id: SessionId) {
        self.fail_roaming(id, None);
        let is_dead = self.session_ref(id).and_then(Session::open).is_some_and(Open::is_dead);
        if !is_dead {
            self.on_lost(id);
        }
        self.set_step(id, Step::Settled);
    }

    /// R-ROAM-34.
    pub(super) fn on_suppressed(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        match open.step {
            Step::Offered { kind: OfferKind::Upgrade, .. } if !open.is_dead() => self.withdraw_offer(id),
            Step::Offered { .. } | Step::Waiting => self.abort(id, Cause::LinkLost),
            Step::Migrating { .. } | Step::Trial { .. } => self.on_rejected(id),
            Step::Settled | Step::Restoring { .. } => {}
        }
    }

    /// R-ROAM-24.
    pub(super) fn on_forced(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        let on = open.on;
        match open.step {
            Step::Offered { to, kind: OfferKind::Upgrade } if !open.is_dead() => {
                let is_free = self.is_device_free(to, Some(id), Asker::Automatic);
                if self.must_break_first(on, to) || !is_free {
                    self.withdraw_offer(id);
                } else {
                    self.start_migrating(id, to, false);
                }
            }
            Step::Offered { .. } => self.set_step(id, Step::Settled),
            Step::Trial { to, is_own_choice } => self.settle_on_new(id, to, is_own_choice),
            Step::Settled | Step::Migrating { .. } | Step::Restoring { .. } | Step::Waiting => {}
        }
    }
}

/// What the edges are made of.
impl Manager {
    /// The only place where the step changes: the deadlines of the old one are no more.
    pub(super) fn set_step(&mut self, id: SessionId, step: Step) {
        for timer in [SessionTimer::Attempt, SessionTimer::Answer, SessionTimer::RescueGrace] {
            self.timers.set(Timer::Session(id, timer), None);
        }
        self.touch_session(id);
        if let Some(open) = self.session_mut(id).and_then(Session::open_mut) {
            open.step = step;
        }
    }

    pub(super) fn set_life(&mut self, id: SessionId, life: Life) {
        if let Some(open) = self.session_mut(id).and_then(Session::open_mut) {
            open.life = life;
        }
    }

    /// The connect timeout of the access point that is to come up, from now.
    pub(super) fn limit_attempt(&mut self, id: SessionId, on: ConfigurationId) {
        self.timers.set(Timer::Session(id, SessionTimer::Attempt), self.due_of(on));
    }

    pub(super) fn count_step(&mut self, id: SessionId) {
        if let Some(session) = self.session_mut(id) {
            session.steps += 1;
        }
    }

    /// The application's time for an answer begins (R-ROAM-23).
    pub(super) fn await_answer(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let network = session.target().and_then(|target| self.network_of(target));
        let limit = if open.is_dead() {
            Some(self.config.rescue_answer_within)
        } else {
            network.and_then(|network| network.answer_within).or(self.config.answer_within)
        };
        let due = limit.map(|limit| self.now + limit);
        self.timers.set(Timer::Session(id, SessionTimer::Answer), due);
    }

    /// Whether this access point exists, and what a session is for leads to it.
    pub(crate) fn has_member(&self, id: SessionId, on: ConfigurationId) -> bool {
        self.access_point(on).is_some() && self.leads_to(self.session_ref(id).and_then(Session::target), on)
    }

    /// Puts a member among those that this session does not go to.
    pub(crate) fn refuse(&mut self, id: SessionId, member: ConfigurationId, by: Refuser) {
        if !self.has_member(id, member) {
            return;
        }
        let now = self.now;
        let (retry_after, give_up_after) = self.retry(id);
        let Some(session) = self.session_mut(id) else { return };
        match by {
            Refuser::Application => session.refusals.refuse(member, Refusal::Application),
            Refuser::Stop => session.refusals.refuse(member, Refusal::Stop),
            Refuser::Failure => session.refusals.fail(member, now, retry_after, give_up_after),
        }
        // However short the refusal, a hold_off begins after it (R-ROAM-41).
        if let Some(open) = session.open_mut() {
            open.usable.retain(|&(usable, _)| usable != member);
        }
        self.touch_session(id);
    }

    pub(super) fn fail_roaming(&mut self, id: SessionId, reason: Option<String>) {
        self.fail_as(id, SessionError::Roaming, Failure { cause: Cause::RoamingFailed, reason });
    }

    /// A and B keep the same address (R-ROAM-29).
    pub(crate) fn is_seamless(&self, session: &Session, to: ConfigurationId) -> bool {
        let Some(open) = session.open().filter(|open| open.life == Life::Alive) else { return false };
        let group = |id: ConfigurationId| self.access_point(id)?.shown().seamless_group.as_ref();
        group(open.on).is_some() && group(open.on) == group(to) && !self.must_break_first(open.on, to)
    }
}

/// What the application says.
impl Manager {
    /// The step of a session that may answer; a victim of a stop has none (R-STOP-8).
    pub(super) fn answerable(&self, id: SessionId) -> Result<Step, Refused> {
        let open = self.session_ref(id).and_then(Session::open).filter(|open| open.life != Life::Stopped);
        open.map(|open| open.step).ok_or(Refused::NotRoaming)
    }

    /// R-ROAM-5.
    pub(crate) fn on_migrate(&mut self, id: SessionId) -> Result<(), Refused> {
        let Step::Offered { to, .. } = self.answerable(id)? else { return Err(Refused::NotRoaming) };
        self.start_migrating(id, to, false);
        Ok(())
    }

    /// R-ROAM-2, R-ROAM-14.
    pub(crate) fn on_ignore(&mut self, id: SessionId) -> Result<(), Refused> {
        let Step::Offered { to, .. } = self.answerable(id)? else { return Err(Refused::NotRoaming) };
        self.refuse(id, to, Refuser::Application);
        self.set_step(id, Step::Settled);
        Ok(())
    }

    /// R-ROAM-9.
    pub(crate) fn on_accept(&mut self, id: SessionId) -> Result<(), Refused> {
        let Step::Trial { to, is_own_choice } = self.answerable(id)? else { return Err(Refused::NotRoaming) };
        self.settle_on_new(id, to, is_own_choice);
        Ok(())
    }

    /// R-ROAM-10, R-ROAM-11.
    pub(crate) fn on_reject(&mut self, id: SessionId) -> Result<(), Refused> {
        let Step::Trial { .. } = self.answerable(id)? else { return Err(Refused::NotRoaming) };
        self.on_rejected(id);
        Ok(())
    }

    /// R-ROAM-27.
    pub(crate) fn on_migrate_to(&mut self, id: SessionId, member: &Identifier) -> Result<(), Refused> {
        let Step::Settled = self.answerable(id)? else { return Err(Refused::NotRoaming) };
        let session = self.session_ref(id).ok_or(Refused::UnknownSession(id))?;
        let open = session.open().ok_or(Refused::NotRoaming)?;
        if self.roaming_capabilities(session, open).is_empty() {
            return Err(Refused::NotRoaming);
        }
        let to = self.find(member)?;
        let facts = self.facts_for(session, open, Asker::Explicit);
        if !facts.iter().any(|fact| fact.id == to && fact.is_usable_or_refused()) {
            return Err(Refused::NotUsable(member.clone()));
        }
        if let Some(session) = self.session_mut(id) {
            session.refusals.end(to);
        }
        self.start_migrating(id, to, true);
        Ok(())
    }

    /// No answer came in time: as reject, as ignore (R-ROAM-23).
    pub(crate) fn on_no_answer(&mut self, id: SessionId) {
        // Refused where there is nothing to answer any more.
        let _ = self.on_reject(id).or_else(|_| self.on_ignore(id));
    }

    /// What was to come up is late (R-ROAM-7, R-ROAM-8, R-DEV-3).
    pub(crate) fn on_late(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        if let Step::Restoring { .. } = open.step {
            self.on_not_restored(id);
        } else {
            self.on_candidate_failed(id, Refuser::Failure, None);
        }
    }

    /// Another session stops what this one uses: it leaves its step at once (R-STOP-8).
    pub(crate) fn on_victim(&mut self, id: SessionId) {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return };
        if let Step::Offered { .. } = open.step {
            self.tell_withdrawn(id);
        }
        self.drop_candidate(id);
        self.set_life(id, Life::Stopped);
        // It goes nowhere meanwhile.
        self.timers.set(Timer::Session(id, SessionTimer::HoldOff), None);
        let on = self.session_ref(id).and_then(Session::in_use).and_then(|on| self.access_point(on));
        // What is down already is told with the error, which comes first.
        if on.is_some_and(AccessPoint::is_up_or_rising) {
            self.report_state(id);
        }
    }
}
