//! Attempts to open: on an access point, on a service network, on what the user chose.

use std::time::Duration;

use netsession_core::{
    BearerType, Cause, ConfigurationState, Event, Identifier, Instant, OperationId, Outcome, SessionError,
    SessionId,
};

use super::link::Prospect;
use super::request::Asked;
use super::{Attempt, Dead, Failure, Key, Manner, Model, Open, Opening, Phase, Step};

/// R-OPEN-9: what the platform's answer to a request means.
pub(super) const fn cause_of(outcome: Outcome) -> Cause {
    match outcome {
        Outcome::NotSupported => Cause::NotPossible,
        Outcome::Refused => Cause::Refused,
        Outcome::Gone => Cause::ConfigurationUnavailable,
        Outcome::TimedOut => Cause::TimedOut,
        Outcome::Ok | Outcome::Failed => Cause::Failed,
    }
}

/// R-OPEN-9, and the causes of section 4 and 5 that are no failures of an attempt.
const fn error_of(cause: Cause) -> SessionError {
    match cause {
        Cause::NotPossible | Cause::CannotStop => SessionError::OperationNotSupported,
        Cause::DeviceTaken | Cause::ConfigurationUnavailable | Cause::Removed => {
            SessionError::InvalidConfiguration
        }
        Cause::Refused | Cause::Cancelled | Cause::LinkLost | Cause::StoppedByOther => {
            SessionError::SessionAborted
        }
        Cause::Failed | Cause::TimedOut | Cause::StopRefused | Cause::StopTimedOut => SessionError::Unknown,
        Cause::RoamingFailed => SessionError::Roaming,
    }
}

impl Model {
    pub(super) fn say_error(&mut self, number: u64, failure: Failure) {
        self.say_error_of(number, error_of(failure.cause), failure);
    }

    pub(super) fn say_error_of(&mut self, number: u64, error: SessionError, failure: Failure) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.error = Some(error);
        }
        let Failure { cause, reason } = failure;
        self.say(number, Event::Error { session: SessionId::unresolved(number), error, cause, reason });
    }

    pub(super) fn say_opened(&mut self, number: u64) {
        self.say(number, Event::Opened { session: SessionId::unresolved(number) });
    }

    pub(super) fn say_closed(&mut self, number: u64) {
        self.say(number, Event::Closed { session: SessionId::unresolved(number) });
    }

    /// The table of open().
    pub(super) fn open(&mut self, number: u64) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        if !matches!(session.phase, Phase::Closed) {
            return;
        }
        session.reopening = None;
        let on = session.on.filter(|on| self.configurations.contains_key(on));
        let Some(on) = on else {
            self.say_state(number);
            self.say_error(number, Failure::of(Cause::Removed));
            return;
        };
        self.forget_refusals(number);
        if !self.is_user_choice(on) {
            self.begin(number, on, false);
            return;
        }
        let best = self.best_default();
        let in_background = !self.config.can_ask_user || self.connects_in_background(number);
        match best {
            _ if self.state(number) == netsession_core::SessionState::NotAvailable => {
                self.say_error(number, Failure::of(Cause::ConfigurationUnavailable));
            }
            Some(best) if in_background => self.begin(number, best, false),
            None if in_background => self.say_error(number, Failure::of(Cause::ConfigurationUnavailable)),
            Some(_) | None => {
                let op = self.ask(Asked::Resolve { session: number });
                let deadline = self.now + self.config.ask_timeout;
                self.set_phase(number, Phase::Asking { op, deadline });
            }
        }
    }

    /// R-REG-5.
    pub(super) fn best_default(&self) -> Option<Key> {
        if let Some(own) = self.platform_default
            && self.is_in_reach(own)
            && !self.is_user_choice(own)
        {
            return Some(own);
        }
        let listed = self.configurations.keys().copied().filter(|key| !self.is_user_choice(*key));
        listed.filter(|key| self.is_in_reach(*key)).min_by_key(|key| {
            let is_active = self.configuration_state(*key) == ConfigurationState::Active;
            let first = [BearerType::Ethernet, BearerType::Wlan];
            let place = |bearer| first.iter().position(|it| *it == bearer).unwrap_or(first.len());
            let bearer = self.ap(*key).map(|ap| place(ap.bearer));
            (!is_active, bearer, *key)
        })
    }

    pub(super) fn set_phase(&mut self, number: u64, phase: Phase) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.phase = phase;
            self.saying.steps += 1;
        }
    }

    pub(super) fn begin(&mut self, number: u64, target: Key, again: bool) {
        let due = self.due_of(target);
        let opening = Opening { target, due, attempt: None, tried: [].into(), last: None, again };
        self.set_phase(number, Phase::Opening(opening));
        // R-STOP-6: an open() of the access point ends what a stop() of it brought.
        if self.ap(target).is_some() {
            self.end_refusals_by_stop_of(target);
        }
        self.pursue(number);
    }

    /// The session that waits for this answer of the user.
    pub(super) fn asked_by(&self, op: OperationId) -> Option<u64> {
        let asks = |phase: &Phase| matches!(phase, Phase::Asking { op: asked, .. } if *asked == op);
        self.sessions.iter().find(|(_, session)| asks(&session.phase)).map(|(number, _)| *number)
    }

    /// The answer of the user, or of the platform in its place, is there.
    pub(super) fn leave_asking(&mut self, number: u64) {
        let target = self.sessions.get(&number).and_then(|session| session.on).unwrap_or_default();
        let due = self.due_of(target);
        let opening = Opening { target, due, attempt: None, tried: [].into(), last: None, again: false };
        self.set_phase(number, Phase::Opening(opening));
    }

    /// R-OPEN-10: the user's answer.
    pub(super) fn resolved(&mut self, op: OperationId, choice: Option<&Identifier>) {
        let Some(number) = self.asked_by(op) else { return };
        self.leave_asking(number);
        let Some(choice) = choice else {
            self.fail(number, Failure::of(Cause::Cancelled));
            return;
        };
        let chosen = self.find(choice).filter(|key| !self.is_user_choice(*key) && self.is_in_reach(*key));
        match chosen {
            Some(target) => self.begin(number, target, false),
            None => self.fail(number, Failure::of(Cause::ConfigurationUnavailable)),
        }
    }

    /// R-OPEN-9: the attempt is forgotten; S(what the link says), E.
    pub(super) fn fail(&mut self, number: u64, failure: Failure) {
        let again = self.sessions.get(&number).and_then(|it| it.opening()).is_some_and(|it| it.again);
        self.set_phase(number, Phase::Closed);
        self.say_state_left(number);
        let cause = failure.cause;
        self.say_error(number, failure);
        if again && cause != Cause::StoppedByOther {
            self.try_again_later(number);
        }
    }

    /// What an opening session does about what is so now.
    pub(super) fn pursue(&mut self, number: u64) {
        let Some(opening) = self.sessions.get(&number).and_then(|it| it.opening()).cloned() else { return };
        if !self.configurations.contains_key(&opening.target) {
            self.fail(number, Failure::of(Cause::Removed));
            return;
        }
        if let Some(attempt) = opening.attempt
            && let Some(failure) = self.news_of_failure(number, attempt.member)
        {
            self.attempt_failed(number, failure);
            return;
        }
        if self.ap(opening.target).is_some() {
            self.pursue_access_point(number, opening.target);
        } else {
            self.pursue_network(number, &opening);
        }
    }

    /// Who wants the link since then may have it started anew.
    pub(super) fn news_of_failure(&self, number: u64, link: Key) -> Option<Failure> {
        let (failure, holders) = self.saying.news.get(&link)?.failed.as_ref()?;
        holders.contains(&number).then(|| failure.clone())
    }

    fn pursue_access_point(&mut self, number: u64, target: Key) {
        match self.prospect(target, number) {
            Prospect::Up => self.is_opened(number, target),
            Prospect::Unavailable => self.fail(number, Failure::of(Cause::ConfigurationUnavailable)),
            Prospect::NotPossible => self.fail(number, Failure::of(Cause::NotPossible)),
            Prospect::Taken => self.fail(number, Failure::of(Cause::DeviceTaken)),
            Prospect::Grace | Prospect::Ours | Prospect::Startable | Prospect::Coming | Prospect::Down => {
                self.attempt(number, target)
            }
        }
    }

    fn attempt(&mut self, number: u64, member: Key) {
        let (since, due) = (self.now, self.due_of(member));
        let joined = !matches!(self.prospect(member, number), Prospect::Grace | Prospect::Down);
        let Some(opening) = self.sessions.get_mut(&number).and_then(|it| it.opening_mut()) else { return };
        match &mut opening.attempt {
            Some(attempt) if attempt.member == member => attempt.joined = joined,
            Some(_) | None => {
                opening.attempt = Some(Attempt { member, since, due, joined });
                // The last attempt says why, and this one comes after it.
                opening.last = None;
                self.saying.steps += 1;
            }
        }
    }

    /// R-OPEN-8, R-OPEN-12, R-X-20, R-X-21: which member to use, to try, or to wait for.
    fn pursue_network(&mut self, number: u64, opening: &Opening) {
        let members = self.members(opening.target);
        let of = |wanted: &[Prospect]| {
            members.iter().copied().find(|member| wanted.contains(&self.prospect(*member, number)))
        };
        if let Some(up) = of(&[Prospect::Up]) {
            self.is_opened(number, up);
            return;
        }
        if let Some(attempt) = opening.attempt {
            let cause = match self.prospect(attempt.member, number) {
                _ if !members.contains(&attempt.member) => Some(Cause::ConfigurationUnavailable),
                Prospect::Unavailable => Some(Cause::ConfigurationUnavailable),
                Prospect::NotPossible => Some(Cause::NotPossible),
                Prospect::Taken => Some(Cause::DeviceTaken),
                Prospect::Up
                | Prospect::Grace
                | Prospect::Ours
                | Prospect::Startable
                | Prospect::Coming
                | Prospect::Down => None,
            };
            if let Some(cause) = cause {
                self.attempt_failed(number, Failure::of(cause));
                return;
            }
        }
        let is_kept = |attempt: &Attempt| {
            let prospect = self.prospect(attempt.member, number);
            matches!(prospect, Prospect::Ours | Prospect::Startable)
                || (attempt.joined && prospect == Prospect::Coming)
        };
        let may_wait = |prospect: Prospect| {
            let refused = self.sessions.get(&number).map(|session| &session.refusals);
            let waits = |member: &Key| {
                self.prospect(*member, number) == prospect
                    && !opening.tried.contains(member)
                    && !refused.is_some_and(|refused| refused.contains_key(member))
            };
            let current = opening.attempt.map(|attempt| attempt.member).filter(waits);
            current.or_else(|| members.iter().copied().find(waits))
        };
        let next = may_wait(Prospect::Grace)
            .or_else(|| opening.attempt.filter(is_kept).map(|attempt| attempt.member))
            .or_else(|| self.candidates(number, opening).first().copied())
            .or_else(|| may_wait(Prospect::Coming))
            .or_else(|| may_wait(Prospect::Down));
        match next {
            Some(member) => self.attempt(number, member),
            None => {
                let failure = opening.last.clone().unwrap_or_else(|| self.why_not(number, &members));
                self.fail(number, failure);
            }
        }
    }

    /// The members that can be tried and have not been.
    fn candidates(&self, number: u64, opening: &Opening) -> Vec<Key> {
        let Some(session) = self.sessions.get(&number) else { return Vec::new() };
        let can_be_tried = |member: &Key| {
            matches!(self.prospect(*member, number), Prospect::Ours | Prospect::Startable)
                && !opening.tried.contains(member)
                && !session.refusals.contains_key(member)
        };
        self.members(opening.target).into_iter().filter(can_be_tried).collect()
    }

    /// R-OPEN-1, R-OPEN-3, R-DEV-1: no member can even be tried.
    fn why_not(&self, number: u64, members: &[Key]) -> Failure {
        let any = |prospect| members.iter().any(|member| self.prospect(*member, number) == prospect);
        Failure::of(if any(Prospect::Taken) {
            Cause::DeviceTaken
        } else if any(Prospect::NotPossible) {
            Cause::NotPossible
        } else {
            Cause::ConfigurationUnavailable
        })
    }

    /// R-OPEN-8: the member failed; the next has its turn.
    pub(super) fn attempt_failed(&mut self, number: u64, failure: Failure) {
        let Some(opening) = self.sessions.get_mut(&number).and_then(|it| it.opening_mut()) else { return };
        let target = opening.target;
        let Some(attempt) = opening.attempt.take() else { return };
        opening.tried.insert(attempt.member);
        opening.last = Some(failure.clone());
        self.saying.steps += 1;
        if self.ap(target).is_some() {
            self.fail(number, failure);
            return;
        }
        self.refuse_by_failure(number, target, attempt.member);
        self.pursue(number);
    }

    /// R-OPEN-2, R-OPEN-5, R-OPEN-8: the link is up.
    fn is_opened(&mut self, number: u64, a: Key) {
        // R-ROAM-43: a success.
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.remove(&a);
            session.failures.remove(&a);
        }
        let Some(target) = self.sessions.get(&number).and_then(|it| it.opening()).map(|it| it.target) else {
            return;
        };
        let now = self.now;
        let open = Open {
            target,
            a,
            a_name: self.configurations.get(&a).map(|it| it.identifier.clone()).unwrap_or_default(),
            a_since: now,
            a_started: self.ap(a).is_some_and(|ap| ap.ours),
            dead: Dead::No,
            step: Step::Settled,
            victim: false,
            opened_at: now,
            mode_since: now,
            manner: Manner::Stays,
            answer: None,
            usable: [].into(),
        };
        self.set_phase(number, Phase::Open(Box::new(open)));
        let manner = self.manner(number);
        if let Some(session) = self.sessions.get_mut(&number) {
            session.reopening = None;
            session.refusals.remove(&a);
            if let Some(open) = session.open_mut() {
                open.manner = manner;
            }
        }
        self.say_state(number);
        self.say_opened(number);
        self.arm_auto_close(number);
    }

    /// R-OPEN-12, R-X-19: the end of the attempt on a member.
    pub(super) fn attempt_deadline(&self, number: u64, opening: &Opening) -> Option<Instant> {
        let attempt = opening.attempt?;
        if attempt.member == opening.target {
            return None;
        }
        let others = self.candidates(number, opening);
        let others = others.iter().filter(|member| **member != attempt.member).count();
        let left = opening.due.map(|end| end.saturating_since(attempt.since));
        let share = left.filter(|_| others > 0).map(|left| attempt.since + part(left, others + 1));
        attempt.due.into_iter().chain(share).min()
    }
}

fn part(left: Duration, parts: usize) -> Duration {
    left / u32::try_from(parts).unwrap_or(u32::MAX)
}
