//! The steps of roaming (section 5), and of breaking before making (section 6).

use netsession_core::{
    Cause, ConfigurationState, Event, Identifier, Instant, LinkState, OfferKind, Refused, SessionError,
    SessionId,
};

use super::link::Prospect;
use super::{Dead, Failure, Key, Manner, Model, Open, Session, Step};

/// A session that moves more often than this within one round goes round in circles (R-ROAM-30).
const MOVES: usize = 50;

impl Model {
    /// What an open session on a service network does about what is so now.
    pub(super) fn roam(&mut self, number: u64) {
        self.note_another_index(number);
        for _ in 0..MOVES {
            self.note_usable_of(number);
            let Some(open) = self.open_on_network(number) else { return };
            if !self.roam_once(number, &open) {
                return;
            }
        }
    }

    fn open_on_network(&self, number: u64) -> Option<Open> {
        let open = self.sessions.get(&number)?.open()?;
        self.network(open.target)?;
        Some(open.clone())
    }

    fn is_member(&self, open: &Open, link: Key) -> bool {
        self.members(open.target).contains(&link)
    }

    fn change_open(&mut self, number: u64, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.sessions.get_mut(&number).and_then(Session::open_mut) {
            change(open);
            self.saying.steps += 1;
        }
    }

    fn set_step(&mut self, number: u64, step: Step) {
        if step == Step::Settled {
            self.saying.settled.insert(number);
        }
        self.change_open(number, |open| {
            open.step = step;
            open.answer = None;
        });
    }

    /// R-GEN-11: another index means that A was lost and is back.
    fn note_another_index(&mut self, number: u64) {
        let Some(open) = self.open_on_network(number) else { return };
        let is_another = self.saying.news.get(&open.a).is_some_and(|news| news.had_it.contains(&number));
        if !is_another || open.dead != Dead::No {
            return;
        }
        if open.victim {
            self.end(number, Cause::StoppedByOther);
        } else if self.manner(number) == Manner::Stays && open.step == Step::Settled {
            self.end(number, Cause::LinkLost);
        }
    }

    fn roam_once(&mut self, number: u64, open: &Open) -> bool {
        let is_there = self.is_member(open, open.a) && self.is_there(open.a);
        if open.victim {
            if !is_there {
                self.end(number, Cause::StoppedByOther);
            }
            return !is_there;
        }
        if self.live_and_die(number, open, is_there) {
            return true;
        }
        // What becomes of B comes before what becomes of the mode.
        if open.step.held().is_some_and(|to| self.is_lost(number, open, to)) {
            self.candidate_failed(number, false);
            return true;
        }
        if self.follow_manner(number, open) {
            return true;
        }
        match &open.step {
            Step::Settled => self.in_settled(number, open),
            Step::Offered { to, name, kind } => self.in_offered(number, open, *to, name, *kind),
            Step::Migrating { to, chosen, .. } => self.in_migrating(number, open, *to, *chosen),
            Step::Trial { .. } => false,
            Step::Waiting => self.in_waiting(number),
            Step::Restoring { failed, .. } => self.in_restoring(number, open, *failed),
        }
    }

    /// R-ROAM-38: A is lost, or Active again.
    fn live_and_die(&mut self, number: u64, open: &Open, is_there: bool) -> bool {
        let now = self.now;
        let is_up = is_there && self.is_active(open.a);
        let is_gone = !self.is_member(open, open.a)
            || self.configuration_state_of(open.a) < Some(ConfigurationState::Discovered);
        match open.dead {
            Dead::No if !is_there => self.lose_a(number, open),
            Dead::Restorable if is_gone && !matches!(open.step, Step::Restoring { .. }) => {
                self.lose_a(number, open);
            }
            Dead::Since(_) if is_up => {
                self.change_open(number, |open| open.dead = Dead::No);
                self.a_is_back(number, open);
            }
            Dead::No | Dead::Restorable | Dead::Since(_) => return false,
        }
        let _ = now;
        true
    }

    fn configuration_state_of(&self, key: Key) -> Option<ConfigurationState> {
        self.configurations.contains_key(&key).then(|| self.configuration_state(key))
    }

    fn lose_a(&mut self, number: u64, open: &Open) {
        let now = self.now;
        self.change_open(number, |open| open.dead = Dead::Since(now));
        self.a_was_lost(number, open);
        // R-ROAM-23.
        if matches!(open.step, Step::Trial { .. }) {
            self.set_answer(number, Some(now + self.config.rescue_answer_within));
        }
    }

    /// R-ROAM-43, R-X-35: every refusal of the session ends, and then A itself may be refused.
    fn a_was_lost(&mut self, number: u64, open: &Open) {
        let lasted = self.now.saturating_since(open.a_since) >= self.retry_after(open.target);
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.clear();
            if lasted {
                session.failures.remove(&open.a);
            }
        }
        if open.a_started && !lasted && open.dead == Dead::No {
            self.refuse_by_failure(number, open.target, open.a);
        }
    }

    /// R-ROAM-15, R-ROAM-23, R-ROAM-33, R-ROAM-38, R-ROAM-44.
    fn a_is_back(&mut self, number: u64, open: &Open) {
        match &open.step {
            Step::Offered { name, .. } => {
                self.say_withdrawn(number, name);
                self.settle_on_a(number);
            }
            Step::Waiting => self.settle_on_a(number),
            Step::Migrating { .. } if open.manner == Manner::Moves => self.settle_on_a(number),
            Step::Trial { .. } => {
                self.set_answer(number, self.answer_within(open.target).map(|span| self.now + span));
            }
            // R-X-50: it gives way again.
            Step::Migrating { to, .. } if self.must_break_first(open, *to) => {
                self.change_open(number, |open| open.dead = Dead::Restorable);
            }
            Step::Settled | Step::Migrating { .. } | Step::Restoring { .. } => {}
        }
    }

    fn set_answer(&mut self, number: u64, answer: Option<Instant>) {
        self.change_open(number, |open| open.answer = answer);
    }

    fn settle_on_a(&mut self, number: u64) {
        self.set_step(number, Step::Settled);
        self.say_state(number);
    }

    /// R-ROAM-24, R-ROAM-25, R-ROAM-34.
    fn follow_manner(&mut self, number: u64, open: &Open) -> bool {
        let manner = self.manner(number);
        if manner == open.manner {
            return false;
        }
        let now = self.now;
        // R-X-56.
        self.change_open(number, |open| (open.manner, open.mode_since) = (manner, now));
        self.note_usable_of(number);
        match (&open.step, manner) {
            (Step::Offered { to, name, kind: OfferKind::Upgrade }, _) if open.dead == Dead::No => {
                if manner == Manner::Moves && self.is_upgrade(number, *to) {
                    self.go(number, *to, false);
                } else {
                    self.say_withdrawn(number, name);
                    self.set_step(number, Step::Settled);
                }
            }
            (Step::Offered { .. } | Step::Waiting, Manner::Stays) => self.end(number, Cause::LinkLost),
            (Step::Offered { .. }, Manner::Moves) => self.rescue(number),
            (Step::Trial { .. }, Manner::Moves) => self.take_candidate(number),
            (Step::Trial { .. } | Step::Migrating { .. }, Manner::Stays) => self.leave_candidate(number),
            _ => {}
        }
        true
    }

    /// R-ROAM-1, R-ROAM-13, R-ROAM-18, R-ROAM-19, R-ROAM-20, R-ROAM-37.
    fn in_settled(&mut self, number: u64, open: &Open) -> bool {
        if open.dead != Dead::No {
            self.rescue(number);
            return true;
        }
        let Some(best) = self.best_upgrade(number) else { return false };
        if open.manner == Manner::Asks {
            self.offer(number, best, OfferKind::Upgrade);
        } else {
            self.go(number, best, false);
        }
        true
    }

    /// R-ROAM-3, R-ROAM-4, R-ROAM-14, R-ROAM-16.
    fn in_offered(&mut self, number: u64, open: &Open, to: Key, name: &Identifier, kind: OfferKind) -> bool {
        if kind == OfferKind::Rescue {
            let best = self.best_rescue(number);
            if best == Some(to) {
                return false;
            }
            self.rescue(number);
            return true;
        }
        if open.dead != Dead::No {
            self.rescue(number);
            return true;
        }
        if !self.is_upgrade(number, to) {
            self.say_withdrawn(number, name);
            self.set_step(number, Step::Settled);
            return true;
        }
        let members = self.members(open.target);
        let place = |link: Key| members.iter().position(|member| *member == link);
        match self.best_upgrade(number) {
            Some(best) if place(best) < place(to) => {
                self.offer(number, best, OfferKind::Upgrade);
                true
            }
            Some(_) | None => false,
        }
    }

    /// R-ROAM-6, R-ROAM-7, R-ROAM-8, R-ROAM-18, R-ROAM-33, R-X-32, R-X-39.
    fn in_migrating(&mut self, number: u64, open: &Open, to: Key, chosen: bool) -> bool {
        // R-X-52: it was coming up, and fell back.
        if open.dead == Dead::No && self.must_break_first(open, to) {
            if open.manner == Manner::Moves && !chosen {
                self.candidate_failed(number, false);
            } else {
                self.change_open(number, |open| open.dead = Dead::Restorable);
            }
            return true;
        }
        let has_what_it_chose = chosen && self.prospect(to, number) == Prospect::Up;
        if matches!(open.dead, Dead::Since(_)) && open.manner == Manner::Moves && !has_what_it_chose {
            let is_up = |member: &Key| {
                self.prospect(*member, number) == Prospect::Up
                    && *member != open.a
                    && (*member == to || self.is_usable(number, *member))
            };
            if let Some(first) = self.members(open.target).into_iter().find(is_up) {
                let due = self.due_of(first);
                self.set_step(number, Step::Migrating { to: first, due, chosen: false });
                self.say_activated(number, first, false);
                self.take_candidate(number);
                return true;
            }
        }
        // R-ROAM-42.
        if open.manner == Manner::Moves && !chosen && self.would_stop_what_is_not_ours(open, to) {
            self.candidate_failed(number, false);
            return true;
        }
        if self.prospect(to, number) != Prospect::Up {
            return false;
        }
        if open.manner == Manner::Asks {
            let answer = match open.dead {
                Dead::Since(_) => Some(self.config.rescue_answer_within),
                Dead::No | Dead::Restorable => self.answer_within(open.target),
            };
            self.set_step(number, Step::Trial { to, chosen });
            self.set_answer(number, answer.map(|span| self.now + span));
            self.say_activated(number, to, true);
        } else {
            self.say_activated(number, to, false);
            self.take_candidate(number);
        }
        true
    }

    /// R-X-40, for a migration that has begun.
    fn is_kept_from(&self, open: &Open, to: Key) -> bool {
        matches!(open.dead, Dead::Since(_))
            && self.ap(to).is_some_and(|ap| ap.level == LinkState::Discovered && !ap.is_starting())
            && self.others_of_device(to).contains(&open.a)
            && self.ap(open.a).is_some_and(|ap| ap.level >= LinkState::Connecting)
    }

    /// R-ROAM-7, R-ROAM-12, R-X-37: B failed, or is lost.
    fn is_lost(&self, number: u64, open: &Open, to: Key) -> bool {
        let is_another = self.saying.news.get(&to).is_some_and(|news| news.is_another);
        if !self.is_member(open, to) {
            return true;
        }
        if matches!(open.step, Step::Trial { .. }) {
            return !self.is_there(to) || is_another;
        }
        self.news_of_failure(number, to).is_some()
            || self.is_kept_from(open, to)
            || matches!(
                self.prospect(to, number),
                Prospect::Unavailable | Prospect::NotPossible | Prospect::Taken
            )
    }

    /// R-ROAM-44.
    fn in_waiting(&mut self, number: u64) -> bool {
        if self.best_rescue(number).is_none() {
            return false;
        }
        self.rescue(number);
        true
    }

    /// R-DEV-3.
    fn in_restoring(&mut self, number: u64, open: &Open, failed: bool) -> bool {
        let prospect = self.prospect(open.a, number);
        if prospect == Prospect::Up && self.is_member(open, open.a) {
            self.change_open(number, |open| open.dead = Dead::No);
            self.settle_on_a(number);
            if failed {
                self.say_roaming_failed(number);
            }
            return true;
        }
        let cannot_be = self.news_of_failure(number, open.a).is_some()
            || !self.is_member(open, open.a)
            || matches!(prospect, Prospect::Unavailable | Prospect::NotPossible | Prospect::Taken);
        if cannot_be {
            self.restore_failed(number);
        }
        cannot_be
    }

    /// R-DEV-3: A cannot be restored: E(Roaming), rescue or ended.
    pub(super) fn restore_failed(&mut self, number: u64) {
        let Some(open) = self.open_on_network(number) else { return };
        self.say_roaming_failed(number);
        self.has_been_told(number, open.a);
        self.set_step(number, Step::Waiting);
        self.lose_a(number, &open);
        self.rescue(number);
    }

    /// R-ROAM-13, R-ROAM-14, R-ROAM-19, R-ROAM-37, R-ROAM-44: A is dead; the best of the rest, else the end.
    fn rescue(&mut self, number: u64) {
        let Some(open) = self.open_on_network(number) else { return };
        self.note_usable_of(number);
        let best = self.best_rescue(number);
        let Dead::Since(lost) = open.dead else { return };
        match (best, self.manner(number)) {
            (_, Manner::Stays) => self.end(number, Cause::LinkLost),
            (Some(best), Manner::Asks) => self.offer(number, best, OfferKind::Rescue),
            (Some(best), Manner::Moves) => self.go(number, best, false),
            (None, _) if lost + self.config.rescue_grace > self.now => {
                self.set_step(number, Step::Waiting);
                self.say_state(number);
            }
            (None, _) => self.end(number, Cause::LinkLost),
        }
    }

    fn offer(&mut self, number: u64, to: Key, kind: OfferKind) {
        let Some(open) = self.open_on_network(number) else { return };
        let name = self.name_of(to);
        let seamless = self.is_seamless(&open, to, kind);
        self.set_step(number, Step::Offered { to, name: name.clone(), kind });
        let answer = match kind {
            OfferKind::Upgrade => self.answer_within(open.target),
            OfferKind::Rescue => Some(self.config.rescue_answer_within),
        };
        self.set_answer(number, answer.map(|span| self.now + span));
        self.say_state(number);
        let session = SessionId::unresolved(number);
        self.say(number, Event::PreferredConfigurationChanged { session, id: name, seamless, kind });
    }

    /// R-ROAM-29, R-DEV-2.
    pub(super) fn is_seamless(&self, open: &Open, to: Key, kind: OfferKind) -> bool {
        let group = |link: Key| self.ap(link).and_then(|ap| ap.shown_group().cloned());
        kind == OfferKind::Upgrade
            && group(to).is_some()
            && group(to) == group(open.a)
            && !self.must_break_first(open, to)
    }

    /// R-ROAM-5, R-ROAM-18: B is held from now on.
    fn go(&mut self, number: u64, to: Key, chosen: bool) {
        let due = self.due_of(to);
        // R-DEV-2: A gives way from now on.
        if self.open_on_network(number).is_some_and(|open| self.must_break_first(&open, to)) {
            self.change_open(number, |open| {
                if open.dead == Dead::No {
                    open.dead = Dead::Restorable;
                }
            });
        }
        self.set_step(number, Step::Migrating { to, due, chosen });
        self.say_state(number);
    }

    /// R-ROAM-9: B is in use from now on.
    fn take_candidate(&mut self, number: u64) {
        let Some(open) = self.open_on_network(number) else { return };
        let Some(to) = open.step.held() else { return };
        let chosen =
            matches!(open.step, Step::Trial { chosen: true, .. } | Step::Migrating { chosen: true, .. });
        let now = self.now;
        let (name, started) = (self.name_of(to), self.ap(to).is_some_and(|ap| ap.ours));
        // R-X-35: left alive, or after it lasted.
        let lasted = now.saturating_since(open.a_since) >= self.retry_after(open.target);
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.remove(&to);
            let is_alive = !matches!(open.dead, Dead::Since(_));
            if is_alive || lasted {
                session.failures.remove(&open.a);
            }
            // Left alive, it served: a stop() of it came to nothing.
            if is_alive {
                session.refusals.remove(&open.a);
            }
        }
        // It has come, however soon it goes (R-CLOSE-10).
        if let Some(ap) = self.ap_mut(to) {
            ap.held = true;
        }
        self.change_open(number, |open| {
            (open.a, open.a_name, open.a_since, open.a_started) = (to, name, now, started);
            open.dead = Dead::No;
            open.usable.remove(&to);
        });
        self.settle_on_a(number);
        let manner = self.manner(number);
        self.change_open(number, |open| open.manner = manner);
        if chosen {
            let preferred = self.members(open.target).into_iter().take_while(|member| *member != to);
            for member in preferred.collect::<Vec<Key>>() {
                // A included, which it has just left, also if it is still going down for that (R-X-51).
                let gave_way = member == open.a && open.dead == Dead::Restorable;
                if gave_way || self.is_usable_as_it_is(number, member) {
                    self.refuse_by_application(number, member);
                }
            }
        }
    }

    /// R-ROAM-10, R-ROAM-11: B is let go as the application wants it.
    fn leave_candidate(&mut self, number: u64) {
        let Some(open) = self.open_on_network(number) else { return };
        let Some(to) = open.step.held() else { return };
        self.refuse_by_application(number, to);
        self.go_back(number, &open, false);
    }

    /// R-ROAM-7, R-ROAM-8, R-ROAM-12, R-ROAM-22, R-ROAM-36: B failed, or was taken away.
    pub(super) fn candidate_failed(&mut self, number: u64, by_application: bool) {
        let Some(open) = self.open_on_network(number) else { return };
        let Some(to) = open.step.held() else { return };
        if by_application {
            self.refuse_for_all(to);
        } else {
            self.refuse_by_failure(number, open.target, to);
        }
        self.has_been_told(number, to);
        self.go_back(number, &open, true);
    }

    /// That this start failed is known: should the session turn to the link again, that is another start.
    fn has_been_told(&mut self, number: u64, link: Key) {
        if let Some((_, holders)) = self.saying.news.get_mut(&link).and_then(|news| news.failed.as_mut()) {
            holders.retain(|holder| *holder != number);
        }
    }

    fn go_back(&mut self, number: u64, open: &Open, failed: bool) {
        match open.dead {
            Dead::No => {
                self.settle_on_a(number);
                if failed {
                    self.say_roaming_failed(number);
                }
            }
            Dead::Restorable => {
                let due = self.due_of(open.a);
                self.set_step(number, Step::Restoring { due, failed });
            }
            Dead::Since(_) => {
                if failed && open.manner == Manner::Asks {
                    self.say_roaming_failed(number);
                }
                self.set_step(number, Step::Waiting);
                self.rescue(number);
            }
        }
    }

    fn say_roaming_failed(&mut self, number: u64) {
        self.say_error_of(number, SessionError::Roaming, Failure::of(Cause::RoamingFailed));
    }

    fn say_withdrawn(&mut self, number: u64, name: &Identifier) {
        let session = SessionId::unresolved(number);
        self.say(number, Event::OfferWithdrawn { session, id: name.clone() });
    }

    fn say_activated(&mut self, number: u64, link: Key, decision_due: bool) {
        let (session, id) = (SessionId::unresolved(number), self.name_of(link));
        self.say(number, Event::NewConfigurationActivated { session, id, decision_due });
    }

    /// R-ROAM-5.
    pub(super) fn migrate(&mut self, number: u64) -> Result<(), Refused> {
        let Step::Offered { to, .. } = self.step_of(number)? else { return Err(Refused::NotRoaming) };
        self.go(number, to, false);
        Ok(())
    }

    /// R-ROAM-2, R-ROAM-14.
    pub(super) fn ignore(&mut self, number: u64) -> Result<(), Refused> {
        let Step::Offered { to, kind, .. } = self.step_of(number)? else { return Err(Refused::NotRoaming) };
        self.refuse_by_application(number, to);
        match kind {
            OfferKind::Upgrade => self.set_step(number, Step::Settled),
            OfferKind::Rescue => self.rescue(number),
        }
        Ok(())
    }

    /// R-ROAM-9.
    pub(super) fn accept(&mut self, number: u64) -> Result<(), Refused> {
        let Step::Trial { .. } = self.step_of(number)? else { return Err(Refused::NotRoaming) };
        self.take_candidate(number);
        Ok(())
    }

    /// R-ROAM-10, R-ROAM-11.
    pub(super) fn reject(&mut self, number: u64) -> Result<(), Refused> {
        let Step::Trial { .. } = self.step_of(number)? else { return Err(Refused::NotRoaming) };
        self.leave_candidate(number);
        Ok(())
    }

    /// R-ROAM-23.
    pub(super) fn answer_is_late(&mut self, number: u64) {
        self.change_open(number, |open| open.answer = None);
        let _ = self.ignore(number).or_else(|_| self.reject(number));
    }

    /// R-ROAM-27.
    pub(super) fn migrate_to(&mut self, number: u64, member: &Identifier) -> Result<(), Refused> {
        let Step::Settled = self.step_of(number)? else { return Err(Refused::NotRoaming) };
        let not_usable = || Refused::NotUsable(member.clone());
        let open = self.open_on_network(number).ok_or(Refused::NotRoaming)?;
        // R-REG-3, R-X-25: with no other member there is no roaming.
        if !self.members(open.target).into_iter().any(|member| member != open.a) {
            return Err(Refused::NotRoaming);
        }
        let to = self.find(member).ok_or_else(|| Refused::UnknownConfiguration(member.clone()))?;
        if !self.could_be_used(number, &open, to) {
            return Err(not_usable());
        }
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.remove(&to);
        }
        self.go(number, to, true);
        Ok(())
    }
}
