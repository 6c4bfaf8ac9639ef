//! Roaming: an open session between the access point that it uses (A) and one that it may go to (B);
//! section 5 of the contract, with the moves over one exclusive device of section 6.
//!
//! It promises: every edge of the table is one named function here, which takes the step, tells the
//! application, holds and lets go; whether an edge is due follows from facts that hold now
//! ([`settle_open`](Manager::settle_open)), so that it makes no difference by which input they came about.
//! Both A and B are held from migrate to the decision (R-ROAM-28).
//!
//! Why it comes to rest (R-ROAM-30). While facts stand still, each step goes one way only. An offer waits
//! for an answer. A migration ends up, failed or late; one that fails puts B among the refused, where it
//! stays until time or a link moves on its own, and those waits double up to a limit of tries. One that
//! succeeds leads to a member that is preferred to A, or, if A was lost, puts A among the refused if it did
//! not last. So in each stretch without news the members that are left to go to become fewer.

mod edges;

use alloc::vec::Vec;
use core::time::Duration;

use crate::access_point::{AccessPoint, Failure, Phase, StopReason};
use crate::device::Asker;
use crate::ranking::{Purpose, choose, next_ready};
use crate::refusal::Refuser;
use crate::session::{Open, Request, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{
    Capabilities, Cause, ConfigurationId, Instant, Manager, OfferKind, RoamingMode, SessionId, SessionState,
};

/// An upgrade is never offered in the moment of Opened (R-ROAM-41).
const AFTER_OPENED: Duration = Duration::from_millis(1);

/// Where an open session stands. What it uses now is kept beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It uses its access point and considers no other.
    Settled,
    /// The application was asked whether to move.
    Offered { to: ConfigurationId, kind: OfferKind },
    /// The other one is being brought up.
    Migrating {
        to: ConfigurationId,
        /// The application chose it itself (R-ROAM-27).
        is_own_choice: bool,
    },
    /// Both are up, and the application tries the other one.
    Trial { to: ConfigurationId, is_own_choice: bool },
    /// What it used went down for another one of the device, and is brought up again (R-DEV-3).
    Restoring {
        /// Because the other one failed.
        failure: bool,
    },
    /// What it used was lost and there is nothing else, but there may be in a moment (R-ROAM-44).
    Waiting,
}

/// What became of the access point in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// Another session said `stop()`: it ends with the link, and goes nowhere meanwhile (R-STOP-6).
    Stopped,
    /// It is about to go down for another one of its device (R-DEV-2).
    Leaving,
    /// It did, and can be brought up again.
    Restorable,
    Dead {
        since: Instant,
    },
}

impl Open {
    pub(crate) fn new(on: ConfigurationId, identifier: crate::Identifier, now: Instant) -> Self {
        Self {
            on,
            identifier,
            since: now,
            settled_at: now,
            was_started: false,
            life: Life::Alive,
            mode: RoamingMode::Suppressed,
            step: Step::Settled,
            offered: crate::Identifier::default(),
            usable: Vec::new(),
        }
    }

    /// In use and asked for nothing but an upgrade: the state is that of the link.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.life, Life::Alive | Life::Stopped)
            && matches!(self.step, Step::Settled | Step::Offered { kind: OfferKind::Upgrade, .. })
    }

    pub(crate) const fn is_dead(&self) -> bool {
        matches!(self.life, Life::Dead { .. })
    }

    pub(crate) const fn is_restoring(&self) -> bool {
        matches!(self.step, Step::Restoring { .. })
    }

    pub(crate) fn earliest_offer(&self) -> Instant {
        self.since + AFTER_OPENED
    }

    /// For whom a device has to be free: a forced session moves unasked.
    pub(crate) fn asker(&self) -> Asker {
        let is_own_choice = matches!(
            self.step,
            Step::Migrating { is_own_choice: true, .. } | Step::Trial { is_own_choice: true, .. }
        );
        if self.mode == RoamingMode::Application || is_own_choice {
            Asker::Explicit
        } else {
            Asker::Automatic
        }
    }
}

/// Facts and modes: what makes edges due.
impl Manager {
    /// What the facts of this moment mean for an open session.
    pub(crate) fn settle_open(&mut self, id: SessionId) {
        if self.note_stopped(id) {
            self.note_usable(id);
            return;
        }
        self.note_life(id);
        self.note_candidate(id);
        self.note_mode(id);
        self.note_usable(id);
        // In what follows, what failed in this moment failed for those who waited for it then.
        while self.take_step(id) {
            self.note_mode(id);
            self.note_usable(id);
        }
        self.set_roaming_timers(id);
    }

    /// The end of a session whose link another one stopped; one whose stop failed goes on (R-STOP-8). Whether
    /// there is nothing else to look at.
    fn note_stopped(&mut self, id: SessionId) -> bool {
        let Some(open) = self.session_ref(id).and_then(Session::open) else { return true };
        let (on, is_stopped) = (open.on, open.life == Life::Stopped);
        if !is_stopped && open.life != Life::Alive {
            return false;
        }
        let is_member = self.session_ref(id).is_some_and(|session| self.leads_to(session.target(), on));
        let ap = self.access_point(on).filter(|_| is_member || !is_stopped);
        let is_down = ap.is_none_or(|ap| ap.news.stopped || is_stopped && !ap.is_up_or_rising());
        if is_down && (is_stopped || ap.is_some()) {
            self.abort(id, Cause::StoppedByOther);
            return true;
        }
        let is_going =
            ap.is_some_and(|ap| matches!(ap.phase, Phase::Stopping { why: StopReason::Command(_), .. }));
        if is_stopped && !is_going {
            self.on_stop_failed_for(id);
        }
        is_stopped && is_going
    }

    /// Its link stays, and it hears of that before it goes on (R-STOP-7).
    fn on_stop_failed_for(&mut self, id: SessionId) {
        self.set_life(id, Life::Alive);
        let on = self.session_ref(id).and_then(Session::in_use);
        if on.and_then(|on| self.access_point(on)).is_some_and(AccessPoint::is_active) {
            self.report_state(id);
        }
    }

    /// Ends refusals that are over: by time, by what the links did, by leaving the service network (R-X-55).
    pub(crate) fn note_refusals(&mut self, id: SessionId) {
        let now = self.now;
        let Some(session) = self.session_mut(id).filter(|session| !session.refusals.is_empty()) else {
            return;
        };
        let mut refusals = core::mem::take(&mut session.refusals);
        refusals.retain(|member| self.has_member(id, member));
        let members: Vec<_> = refusals.members().collect();
        for member in members {
            if let Some(ap) = self.access_point(member) {
                refusals.on_news(member, &ap.news);
            }
        }
        refusals.expire(now);
        if let Some(session) = self.session_mut(id) {
            session.refusals = refusals;
        }
    }

    /// Whether what it uses was lost, or is back.
    fn note_life(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let ap = self.access_point(open.on).filter(|_| self.leads_to(session.target(), open.on));
        let is_active = ap.is_some_and(AccessPoint::is_active);
        // What is on its way down is lost when it is down (R-LOSS-1).
        let holds = ap
            .is_some_and(|ap| matches!(ap.session_state(), SessionState::Connected | SessionState::Closing));
        let is_in_reach = ap.is_some_and(|ap| ap.session_state() != SessionState::NotAvailable);
        // Whether it may roam follows from all facts of this moment, too.
        let is_replaced = ap.is_some_and(|ap| ap.news.replaced)
            && self.effective_mode(session, open) == RoamingMode::Suppressed;
        match open.life {
            Life::Alive if is_replaced => {
                // A move of its own choice goes on, and what it uses is back at once (R-GEN-11).
                let is_moving = session.candidate().is_some();
                self.on_lost(id);
                if is_moving && is_active {
                    self.on_back(id);
                }
            }
            Life::Alive if !holds => self.on_lost(id),
            Life::Leaving | Life::Restorable if !is_in_reach => self.on_lost(id),
            Life::Leaving if !is_active => self.set_life(id, Life::Restorable),
            Life::Restorable if is_active && open.is_restoring() => self.on_back(id),
            Life::Dead { .. } if is_active => self.on_back(id),
            Life::Alive | Life::Stopped | Life::Leaving | Life::Restorable | Life::Dead { .. } => {}
        }
    }

    /// A is lost: all refusals end, once; if it did not last it is refused itself (R-ROAM-43). The step is
    /// the same for now (R-ROAM-38).
    fn on_lost(&mut self, id: SessionId) {
        let now = self.now;
        let (retry_after, give_up_after) = self.retry(id);
        let Some(on) = self.session_ref(id).and_then(Session::in_use) else { return };
        self.touch(on);
        let is_member = self.has_member(id, on);
        let Some(session) = self.session_mut(id) else { return };
        let Request::Open(open) = &mut session.request else { return };
        let was_in_use = core::mem::replace(&mut open.life, Life::Dead { since: now }) == Life::Alive;
        session.refusals.end_all();
        let lasted = now.saturating_since(open.settled_at);
        if open.was_started && lasted < retry_after && was_in_use && is_member {
            session.refusals.fail(open.on, now, retry_after, give_up_after);
        } else {
            session.refusals.forget(open.on);
        }
        if let Step::Trial { .. } = open.step {
            self.await_answer(id);
        }
    }

    /// A is up again (R-ROAM-15, R-ROAM-33, R-ROAM-38).
    fn on_back(&mut self, id: SessionId) {
        let Some(open) = self.session_mut(id).and_then(Session::open_mut) else { return };
        let was_dead = open.is_dead();
        open.life = Life::Alive;
        let (on, step, mode) = (open.on, open.step, open.mode);
        match step {
            Step::Offered { kind: OfferKind::Rescue, .. } => {
                self.tell_withdrawn(id);
                self.settle_on_old(id);
            }
            Step::Migrating { .. } if was_dead && mode == RoamingMode::Forced => {
                self.settle_on_old(id);
            }
            Step::Restoring { failure } => {
                self.settle_on_old(id);
                if failure {
                    self.fail_roaming(id, None);
                }
            }
            Step::Waiting => self.settle_on_old(id),
            // It is in the way of what the application wants instead (R-DEV-2).
            Step::Migrating { to, .. } if was_dead && self.must_break_first(on, to) => {
                self.set_life(id, Life::Leaving)
            }
            Step::Trial { .. } => self.await_answer(id),
            Step::Settled | Step::Offered { kind: OfferKind::Upgrade, .. } | Step::Migrating { .. } => {}
        }
    }

    /// How what is awaited fares, by the news of this moment: B, or A that is to come back.
    fn note_candidate(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let link = |id| self.access_point(id).filter(|_| self.leads_to(session.target(), id));
        match open.step {
            Step::Migrating { to, .. } => {
                let failure = match link(to) {
                    Some(ap) => ap.news.start_failed.clone(),
                    None => Some(Cause::Removed.into()),
                };
                if let Some(Failure { reason, .. }) = failure {
                    self.on_candidate_failed(id, Refuser::Failure, reason);
                }
            }
            Step::Trial { to, .. } => {
                let is_lost = link(to).is_none_or(|ap| {
                    let state = ap.session_state();
                    ap.news.replaced || !matches!(state, SessionState::Connected | SessionState::Closing)
                });
                if is_lost {
                    self.on_candidate_failed(id, Refuser::Failure, None);
                }
            }
            Step::Restoring { .. } => {
                if link(open.on).is_some_and(|ap| ap.news.start_failed.is_some()) {
                    self.on_not_restored(id);
                }
            }
            Step::Settled | Step::Offered { .. } | Step::Waiting => {}
        }
    }

    /// How an open session roams: its mode, as far as its service network can (R-ROAM-40).
    fn effective_mode(&self, session: &Session, open: &Open) -> RoamingMode {
        let capabilities = self.roaming_capabilities(session, open);
        let can_ask = capabilities.contains(Capabilities::APPLICATION_LEVEL_ROAMING);
        let can_force = capabilities.contains(Capabilities::FORCED_ROAMING);
        match session.roaming_mode {
            RoamingMode::Application if can_ask => RoamingMode::Application,
            RoamingMode::Application | RoamingMode::Forced if can_force => RoamingMode::Forced,
            RoamingMode::Application | RoamingMode::Forced | RoamingMode::Suppressed => {
                RoamingMode::Suppressed
            }
        }
    }

    /// None where there is nowhere to go: one member, or no service network (R-REG-3).
    fn roaming_capabilities(&self, session: &Session, open: &Open) -> Capabilities {
        let Some(target) = session.target() else { return Capabilities::empty() };
        let Some(network) = self.network_of(target) else { return Capabilities::empty() };
        if network.members.iter().all(|&member| member == open.on) {
            return Capabilities::empty();
        }
        let all = Capabilities::APPLICATION_LEVEL_ROAMING | Capabilities::FORCED_ROAMING;
        self.configuration_capabilities(target) & all
    }

    /// The mode is another: by command, or because the service network can do more or less.
    fn note_mode(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let mode = self.effective_mode(session, open);
        let is_lost = mode == RoamingMode::Suppressed
            && session.candidate().is_some()
            && self.roaming_capabilities(session, open).is_empty();
        if mode == open.mode {
            // A move of the application's own choice needs no mode, but a network that can roam.
            if is_lost {
                self.on_rejected(id);
            }
            return;
        }
        let old = open.mode;
        if let Some(open) = self.session_mut(id).and_then(Session::open_mut) {
            open.mode = mode;
            open.usable.clear();
        }
        match (old, mode) {
            (_, RoamingMode::Suppressed) => self.on_suppressed(id),
            (RoamingMode::Application, RoamingMode::Forced) => self.on_forced(id),
            (_, RoamingMode::Application | RoamingMode::Forced) => {}
        }
        // What is in use now may be the only member.
        self.note_mode(id);
    }

    /// Since when each member has been usable; what is usable in this moment for the first time counts
    /// from now (R-ROAM-41).
    fn note_usable(&mut self, id: SessionId) {
        let now = self.now;
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let facts = self.facts(session, open);
        let usable = facts.iter().filter(|fact| fact.is_usable()).map(|fact| {
            let known = open.usable.iter().find(|(member, _)| *member == fact.id);
            (fact.id, known.map_or(now, |&(_, since)| since))
        });
        let usable: Vec<_> = usable.collect();
        if let Some(open) = self.session_mut(id).and_then(Session::open_mut) {
            open.usable = usable;
        }
    }

    /// Takes the next step that is due. Whether it did.
    fn take_step(&mut self, id: SessionId) -> bool {
        let Some(session) = self.session_ref(id) else { return false };
        let Some(open) = session.open() else { return false };
        match open.step {
            Step::Settled | Step::Waiting if open.is_dead() => self.rescue(id),
            Step::Settled => self.upgrade(id),
            Step::Offered { to, kind } => self.reconsider(id, to, kind),
            Step::Migrating { to, .. } => self.go_on_migrating(id, to),
            Step::Restoring { .. } => self.go_on_restoring(id),
            Step::Trial { .. } | Step::Waiting => false,
        }
    }

    fn best(&self, id: SessionId, purpose: Purpose) -> Option<ConfigurationId> {
        let session = self.session_ref(id)?;
        choose(&self.facts(session, session.open()?), purpose)
    }

    fn mode(&self, id: SessionId) -> RoamingMode {
        self.session_ref(id).and_then(Session::open).map_or(RoamingMode::Suppressed, |open| open.mode)
    }

    /// When a better member is ready to be offered, and when a refusal ends.
    fn set_roaming_timers(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let Some(open) = session.open() else { return };
        let looks = open.mode != RoamingMode::Suppressed && open.is_at_rest();
        let mut facts = if looks { self.facts(session, open) } else { Vec::new() };
        if let Step::Offered { to, .. } = open.step {
            // Only for a better one is the offer made anew (R-ROAM-4).
            facts.truncate(facts.iter().position(|fact| fact.id == to).unwrap_or(0));
        }
        let ready = next_ready(&facts);
        let retry = session.refusals.next();
        self.timers.set(Timer::Session(id, SessionTimer::HoldOff), ready);
        self.timers.set(Timer::Session(id, SessionTimer::Retry), retry);
    }

    /// For how long a member that fails is left alone, and how often it is tried.
    fn retry(&self, id: SessionId) -> (Duration, u32) {
        let target = self.session_ref(id).and_then(Session::target);
        let network = target.and_then(|target| self.network_of(target));
        let retry_after = network.and_then(|network| network.retry_after).unwrap_or(self.config.retry_after);
        (retry_after, self.config.give_up_after)
    }
}
