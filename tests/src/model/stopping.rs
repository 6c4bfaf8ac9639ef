//! stop(): it takes a link from everyone.

use netsession_core::{Cause, Event, LinkState, OfferKind, SessionId, SessionState};

use super::{Dead, Failure, Key, Model, Open, Phase, Request, Step, Told};

impl Model {
    /// The rules of stop(), by what the session has to stop.
    pub(super) fn stop(&mut self, number: u64) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.reopening = None;
        let Some(on) = session.on.filter(|on| self.configurations.contains_key(on)) else { return };
        let phase = session.phase.clone();
        for link in links_of(&phase, on) {
            self.end_grace_of_what_goes(link);
        }
        match phase {
            Phase::Asking { .. } => self.close(number),
            Phase::Opening(opening) => match opening.attempt {
                Some(attempt) => self.stop_as_opener(number, attempt.member),
                None => self.close(number),
            },
            Phase::Open(open) => self.stop_as_holder(number, &open),
            // R-STOP-2.
            Phase::Closed if self.ap(on).is_some() => self.stop_as_monitor(number, on),
            Phase::Closed => {}
        }
    }

    /// R-LOSS-5: what goes down by itself is not lost yet, and nothing is left to stop.
    fn end_grace_of_what_goes(&mut self, link: Key) {
        if let Some(ap) = self.ap_mut(link)
            && ap.level == LinkState::Closing
            && ap.can_start_and_stop()
            && ap.grace.take().is_some()
        {
            self.saying.steps += 1;
        }
    }

    /// Level Active, or what counts as that, and not on its way down.
    fn is_up(&self, link: Key) -> bool {
        self.ap(link)
            .is_some_and(|ap| (ap.grace.is_some() || ap.level == LinkState::Active) && !ap.is_stopping())
    }

    fn is_coming_up(&self, link: Key) -> bool {
        let waits = !self.starters(link).is_empty();
        self.ap(link).is_some_and(|ap| {
            !ap.is_stopping()
                && (ap.level == LinkState::Connecting || (ap.level < LinkState::Connecting && waits))
        })
    }

    /// R-STOP-5: a link that is up or coming up, and that nobody here can stop.
    fn cannot_be_stopped(&self, link: Key) -> bool {
        self.ap(link).is_some_and(|ap| {
            let shows = ap.grace.is_some() || matches!(ap.level, LinkState::Active | LinkState::Connecting);
            shows && !ap.is_stopping() && !ap.can_start_and_stop()
        })
    }

    fn stop_as_monitor(&mut self, number: u64, link: Key) {
        if self.cannot_be_stopped(link) {
            self.say_error(number, Failure::of(Cause::CannotStop));
        } else if self.is_up(link) || self.is_coming_up(link) {
            self.request_stop(number, link);
            self.take_from_others(number, link);
        }
    }

    /// R-STOP-4, R-STOP-8, R-LOSS-5: the stopper is opening: C, then S.
    fn stop_as_opener(&mut self, number: u64, link: Key) {
        if self.cannot_be_stopped(link) {
            self.say_error(number, Failure::of(Cause::CannotStop));
            return;
        }
        let is_down = self.ap(link).is_some_and(|ap| ap.is_stopping() || ap.level == LinkState::Closing);
        let in_grace = self.ap(link).is_some_and(|ap| ap.grace.is_some());
        self.set_phase(number, Phase::Closed);
        self.say_closed(number);
        if is_down && !in_grace {
            self.end_openers(number, link);
        } else {
            self.request_stop(number, link);
            self.take_from_others(number, link);
        }
    }

    /// R-STOP-1, R-STOP-8, R-ROAM-21, R-X-27: the stopper is open.
    fn stop_as_holder(&mut self, number: u64, open: &Open) {
        let a_counts = !matches!(open.dead, Dead::Since(_));
        let links: Vec<Key> = a_counts.then_some(open.a).into_iter().chain(open.step.held()).collect();
        let a_shows = a_counts && self.ap(open.a).is_some_and(|ap| ap.level >= LinkState::Connecting);
        let main = links.first().copied();
        if main.is_some_and(|link| self.cannot_be_stopped(link)) {
            self.say_error(number, Failure::of(Cause::CannotStop));
            return;
        }
        let mut goes_down = false;
        let mut taken = Vec::new();
        for link in links {
            let is_going = self.ap(link).is_some_and(|ap| ap.is_stopping() || ap.level == LinkState::Closing);
            let in_grace = self.ap(link).is_some_and(|ap| ap.grace.is_some());
            // R-X-43: B in the place of an A that is dead, or has gone down for it.
            let is_seen = !a_shows && self.ap(link).is_some_and(|ap| ap.level >= LinkState::Connecting);
            if is_going && !in_grace {
                goes_down |= is_seen;
                self.end_openers(number, link);
            } else if !self.cannot_be_stopped(link) && (self.is_up(link) || self.is_coming_up(link)) {
                goes_down |= (is_seen || self.is_up(link)) && !in_grace;
                self.request_stop(number, link);
                taken.push(link);
            }
        }
        if goes_down {
            self.say_this_state(number, SessionState::Closing);
        }
        self.set_phase(number, Phase::Closed);
        self.forget_armed(number);
        self.say_closed(number);
        for link in taken {
            self.take_from_others(number, link);
        }
    }

    /// Asks for the stop of a link that shows; what does not show is withdrawn when nobody wants it any more.
    fn request_stop(&mut self, number: u64, link: Key) {
        let Some(ap) = self.ap_mut(link) else { return };
        ap.grace = None;
        if matches!(ap.level, LinkState::Active | LinkState::Connecting) {
            self.ask_stop(link, vec![number]);
        }
        self.saying.steps += 1;
    }

    /// R-STOP-1, R-STOP-4, R-STOP-6, R-ROAM-22: what the stop of a link means for all others.
    fn take_from_others(&mut self, number: u64, link: Key) {
        self.refuse_for_all(link);
        self.end_openers(number, link);
        let open: Vec<(u64, bool)> = self
            .sessions
            .iter()
            .filter(|(other, _)| **other != number)
            .filter_map(|(other, it)| Some((*other, it.open()?)))
            .filter(|(_, open)| open.a == link || open.step.held() == Some(link))
            .map(|(other, open)| (other, open.a == link))
            .collect();
        for (other, is_a) in open {
            if is_a {
                self.become_victim(other, link);
            } else {
                self.candidate_failed(other, true);
            }
        }
    }

    /// Others that open by this link, or wait for it: S, E, no C (R-STOP-4, R-STOP-8).
    fn end_openers(&mut self, number: u64, link: Key) {
        let waits = |it: &super::Session| {
            it.opening().and_then(|opening| opening.attempt).is_some_and(|attempt| attempt.member == link)
        };
        let others: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(other, it)| **other != number && waits(it))
            .map(|(other, _)| *other)
            .collect();
        for other in &others {
            self.set_phase(*other, Phase::Closed);
        }
        for other in others {
            self.say_state_left(other);
            self.say_error(other, Failure::of(Cause::StoppedByOther));
            if let Some(session) = self.sessions.get_mut(&other) {
                session.reopening = None;
            }
        }
    }

    /// R-STOP-8: it leaves its step at once, and ends with the link.
    fn become_victim(&mut self, number: u64, link: Key) {
        let Some(open) = self.sessions.get(&number).and_then(|it| it.open()) else { return };
        if matches!(open.dead, Dead::Since(_)) {
            return;
        }
        // R-STOP-4: what was to be restored will not be.
        if matches!(open.step, Step::Restoring { .. }) && !self.is_there(link) {
            self.restore_failed(number);
            return;
        }
        let Some(open) = self.sessions.get_mut(&number).and_then(|it| it.open_mut()) else { return };
        let step = std::mem::replace(&mut open.step, Step::Settled);
        open.victim = true;
        open.dead = Dead::No;
        open.answer = None;
        if let Step::Offered { name, kind: OfferKind::Upgrade, .. } = step {
            let session = SessionId::unresolved(number);
            self.say(number, Event::OfferWithdrawn { session, id: name });
        }
        if self.is_there(link) {
            self.say_state(number);
        } else {
            // R-X-9.
            self.end(number, Cause::StoppedByOther);
        }
    }

    /// R-STOP-7, R-CLOSE-10, R-X-30: the platform refused the stop, or the link was not down in time.
    pub(super) fn stop_failed(&mut self, link: Key, cause: Cause, reason: Option<&String>) {
        let Some(ap) = self.ap_mut(link) else { return };
        let Some(Request::Stop { stoppers, .. }) = ap.request.take() else { return };
        self.saying.steps += 1;
        for number in self.sessions.keys().copied().collect::<Vec<u64>>() {
            if let Some(open) = self.sessions.get_mut(&number).and_then(|it| it.open_mut())
                && open.a == link
            {
                // R-STOP-8: it is Settled(A) again.
                if std::mem::take(&mut open.victim) {
                    self.saying.settled.insert(number);
                }
                if open.dead == Dead::No && self.is_there(link) {
                    self.say_state(number);
                }
            }
            // Who waits for the link sees that it stays before anything comes of it.
            let waits = |it: &super::Opening| it.attempt.is_some_and(|attempt| attempt.member == link);
            if self.sessions.get(&number).and_then(|it| it.opening()).is_some_and(waits) {
                self.say_that_it_is_down(number);
            }
            if stoppers.contains(&number) {
                self.say_state_of_link(number);
                self.say_error(number, Failure { cause, reason: reason.cloned() });
            }
        }
        // Who waits for the room waits in vain: as if its start had failed.
        let of_attempt = if cause == Cause::StopRefused { Cause::Failed } else { Cause::TimedOut };
        let mut others = self.others_of_device(link);
        others.retain(|other| self.waits_for_room(*other));
        for other in others {
            self.start_failed(other, Failure { cause: of_attempt, reason: reason.cloned() });
        }
    }

    /// S(what the link says), before anything else is asked of it.
    fn say_state_of_link(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else { return };
        let Some(on) = session.on.filter(|on| self.configurations.contains_key(on)) else { return };
        // R-X-33.
        let events = self.saying.events.get(&number);
        if events.is_some_and(|events| events.iter().any(|told| matches!(told, Told::StateLeft))) {
            return;
        }
        let state = match &session.phase {
            Phase::Closed => self.monitored(on, false),
            Phase::Opening(opening) => self.state_while_opening(on, opening, true),
            Phase::Asking { .. } | Phase::Open(_) => return,
        };
        self.say_this_state(number, state);
    }

    /// R-DEV-1, R-DEV-2: somebody wants this link, and it is not being started yet.
    fn waits_for_room(&self, link: Key) -> bool {
        self.ap(link).is_some_and(|ap| ap.level < LinkState::Connecting && !ap.is_starting())
            && !self.starters(link).is_empty()
    }
}

/// What stop() of a session in this phase is about.
fn links_of(phase: &Phase, on: Key) -> Vec<Key> {
    match phase {
        Phase::Asking { .. } => Vec::new(),
        Phase::Closed => vec![on],
        Phase::Opening(opening) => opening.attempt.iter().map(|attempt| attempt.member).collect(),
        Phase::Open(open) => open.step.held().into_iter().chain([open.a]).collect(),
    }
}
