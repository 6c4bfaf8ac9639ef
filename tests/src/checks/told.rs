//! What each session is told in one input: the grammar of its events, from the state before to the state after.

use netsession_core::{
    Cause, Event, Identifier, Input, OfferKind, ReopenPolicy, RoamingMode, SessionError, SessionId,
    SessionState, SessionView, UsagePolicies, property,
};
use netsession_io_sim::explore::{Edge, When};

use super::probe::{bit, opening};
use super::{Verdict, Violation, named};

type Told = Result<(), (&'static str, &'static str)>;

/// `was_opening` has the sessions with an open() under way before, as bits by place.
pub(super) fn check(edge: &Edge<'_>, was_opening: u64) -> Verdict {
    let is_opening = opening(edge.to);
    let (before, after) = (edge.from.sessions(), edge.to.sessions());
    let says_something = edge.taken.events().any(|event| event.session().is_some());
    let mut place_after = 0;
    for (place, &id) in before.iter().enumerate() {
        let Some(from) = edge.from.session(place) else { continue };
        let mut session = Session::before(&from, was_opening & bit(place) != 0);
        let to = if after.get(place_after) == Some(&id) { edge.to.session(place_after) } else { None };
        let named = named(&edge.taken.input) == Some(id) && edge.taken.result.is_ok();
        let told =
            if named || says_something { session.hear_all(edge, &from, to.as_ref(), named) } else { Ok(()) };
        let told = told.and_then(|()| match &to {
            Some(to) => session.stands(edge, &from, to, is_opening & bit(place_after) != 0),
            None if matches!(edge.taken.input, Input::Drop { .. }) => Ok(()),
            None => Err(("R-ST-8", "it is gone, and was not dropped")),
        });
        told.map_err(|(rule, saw)| violation(edge, id, rule, saw))?;
        place_after += usize::from(to.is_some());
    }
    check_made(edge)
}

#[cold]
fn violation(edge: &Edge<'_>, id: SessionId, rule: &'static str, saw: &'static str) -> Violation {
    let told: Vec<_> = edge.taken.events().filter(|event| event.session() == Some(id)).collect();
    Violation::new(rule, format!("{saw}; session {} at {}: {told:?}", id.number(), edge.step))
}

/// R-ST-7: a new session is told nothing in the input that makes it, but by deadlines.
fn check_made(edge: &Edge<'_>) -> Verdict {
    let Ok(netsession_core::Accepted::Session(made)) = edge.taken.result else { return Ok(()) };
    if edge.step.when == When::Now && edge.taken.events().any(|event| event.session() == Some(made)) {
        return Err(violation(edge, made, "R-ST-7", "a new session is told something"));
    }
    Ok(())
}

/// A session by what it is told.
struct Session<'a> {
    state: SessionState,
    is_open: bool,
    is_opening: bool,
    offer: Option<&'a Identifier>,
    trial: Option<&'a Identifier>,
    /// It may open without being told to (R-LOSS-4).
    reopens: bool,
    /// How many events it was told.
    heard: u32,
    after: After,
}

/// What the event before leaves to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Anything,
    /// An open session was aborted: its state, then Closed.
    Aborted,
    /// The same, and the state was said.
    AbortedAndShown,
    /// An open() failed, and that was all.
    Failed,
    /// It settles on what was activated.
    Activated,
    /// The policies come last.
    Policies,
}

impl<'a> Session<'a> {
    fn before(from: &SessionView<'a>, is_opening: bool) -> Self {
        Self {
            state: from.state(),
            is_open: from.is_open(),
            is_opening,
            offer: from.offer().map(|it| it.id),
            trial: from.candidate().map(|it| it.id),
            reopens: from.reopen_policy() == ReopenPolicy::WhenAvailable,
            heard: 0,
            after: After::Anything,
        }
    }

    fn hear_all(
        &mut self,
        edge: &Edge<'a>,
        from: &SessionView<'a>,
        to: Option<&SessionView<'a>>,
        named: bool,
    ) -> Told {
        let input = &edge.taken.input;
        if named {
            self.obey(input);
        }
        let closes = named && matches!(input, Input::Close { .. });
        let stops = named && matches!(input, Input::Stop { .. });
        let may_end = (closes || stops) && (self.is_open || self.is_opening);
        let (mut closed, mut cannot) = (false, false);
        self.reopens |= to.is_some_and(|to| to.reopen_policy() == ReopenPolicy::WhenAvailable);
        for event in edge.taken.events().filter(|event| event.session() == Some(from.id())) {
            if to.is_none() {
                return Err(("R-ST-8", "it was dropped, and is told something"));
            }
            match event {
                Event::Closed { .. } => {
                    if may_end && !closed && self.heard > 0 {
                        let shown = stops && self.heard == 1 && self.state == SessionState::Closing;
                        let is_aborted = matches!(self.after, After::Aborted | After::AbortedAndShown);
                        if !shown && !is_aborted {
                            return Err(("R-CLOSE-2", "Closed is not the first word of close() or stop()"));
                        }
                    }
                    let by_time = edge.step.when != When::Now || matches!(input, Input::Property { .. });
                    let by_itself = by_time && from.property(property::AUTO_CLOSE_SESSION_TIMEOUT).is_some()
                        || matches!(input, Input::Property { .. });
                    self.close(may_end && !closed || by_itself)?;
                    closed = true;
                }
                Event::Error { cause: Cause::CannotStop, .. } => {
                    cannot = true;
                    if !stops {
                        return Err(("R-STOP-5", "cannot_stop without stop()"));
                    }
                }
                Event::Error { cause, error, .. } => self.fail(edge, *cause, *error)?,
                Event::StateChanged { .. }
                | Event::Opened { .. }
                | Event::PreferredConfigurationChanged { .. }
                | Event::OfferWithdrawn { .. }
                | Event::NewConfigurationActivated { .. }
                | Event::UsagePoliciesChanged { .. }
                | Event::ConfigurationAdded { .. }
                | Event::ConfigurationRemoved { .. }
                | Event::ConfigurationChanged { .. }
                | Event::OnlineStateChanged { .. }
                | Event::UpdateCompleted { .. } => self.hear(edge, from, to, event)?,
            }
            self.heard += 1;
        }
        if may_end && !closed && !cannot {
            return Err(("R-OPEN-11", "close() or stop() of what was open or opening, and no Closed"));
        }
        match self.after {
            After::Aborted | After::AbortedAndShown => Err(("R-LOSS-1", "aborted, and not Closed")),
            After::Activated => Err(("R-ROAM-18", "activated, and not Connected")),
            After::Anything | After::Failed | After::Policies => Ok(()),
        }
    }

    /// What a command does before anything is said.
    fn obey(&mut self, input: &Input) {
        match input {
            Input::Open { .. } => self.is_opening |= !self.is_open,
            Input::Migrate { .. } | Input::Ignore { .. } => self.offer = None,
            Input::Accept { .. } | Input::Reject { .. } => self.trial = None,
            Input::Config(_)
            | Input::Add(_)
            | Input::Change(_)
            | Input::Remove { .. }
            | Input::Observed(_)
            | Input::Snapshot(_)
            | Input::Completed { .. }
            | Input::Counters { .. }
            | Input::Policies { .. }
            | Input::Adopt { .. }
            | Input::Default { .. }
            | Input::Session { .. }
            | Input::Close { .. }
            | Input::Stop { .. }
            | Input::Drop { .. }
            | Input::MigrateTo { .. }
            | Input::Roaming { .. }
            | Input::Reopen { .. }
            | Input::Property { .. }
            | Input::Resolved { .. }
            | Input::RefreshCounters { .. }
            | Input::Update {}
            | Input::Tick {} => {}
        }
    }

    fn hear(
        &mut self,
        edge: &Edge<'a>,
        from: &SessionView<'a>,
        to: Option<&SessionView<'a>>,
        event: &'a Event,
    ) -> Told {
        match (self.after, event) {
            (After::Aborted, Event::StateChanged { .. }) => self.after = After::AbortedAndShown,
            (After::Activated, Event::StateChanged { state: SessionState::Connected, .. }) => {
                self.after = After::Anything;
            }
            (After::Anything | After::Failed, Event::UsagePoliciesChanged { .. }) => {
                self.after = After::Policies;
            }
            (After::Anything, _) => {}
            (After::Aborted | After::AbortedAndShown, _) => {
                return Err(("R-LOSS-1", "aborted, and not Closed next"));
            }
            (After::Activated, _) => return Err(("R-ROAM-18", "activated, and not Connected next")),
            (After::Failed, _) => return Err(("R-OPEN-9", "the failure of an open() is not the last word")),
            (After::Policies, _) => return Err(("R-REG-11", "the policies do not come last")),
        }
        match event {
            Event::StateChanged { state, .. } => {
                if core::mem::replace(&mut self.state, *state) == *state {
                    return Err(("R-ST-1", "the same state twice in a row"));
                }
                // What is accepted may be on its way down.
                if *state != SessionState::Roaming {
                    self.trial = None;
                }
                Ok(())
            }
            Event::Opened { .. } => self.open(),
            Event::PreferredConfigurationChanged { id, kind, .. } => {
                self.be_offered(edge, from, to, id, *kind)
            }
            Event::OfferWithdrawn { id, .. } => {
                if self.offer.take() != Some(id) {
                    return Err(("R-ROAM-3", "withdrawn what was not offered"));
                }
                Ok(())
            }
            Event::NewConfigurationActivated { id, decision_due, .. } => {
                // An offer is taken by itself when who was asked is asked no more (R-ROAM-24).
                let changes_mode = matches!(edge.taken.input, Input::Roaming { .. } | Input::Change(_));
                let is_migrating = self.is_open
                    && self.state == SessionState::Roaming
                    && self.trial.is_none()
                    && (self.offer.is_none() || changes_mode);
                self.offer = None;
                if !is_migrating {
                    return Err(("R-ROAM-6", "activated outside of a migration"));
                }
                self.trial = decision_due.then_some(id);
                if !decision_due {
                    self.after = After::Activated;
                }
                Ok(())
            }
            Event::UsagePoliciesChanged { policies, .. } => said_policies(from, to, *policies),
            Event::Closed { .. }
            | Event::Error { .. }
            | Event::ConfigurationAdded { .. }
            | Event::ConfigurationRemoved { .. }
            | Event::ConfigurationChanged { .. }
            | Event::OnlineStateChanged { .. }
            | Event::UpdateCompleted { .. } => Ok(()),
        }
    }

    fn open(&mut self) -> Told {
        if self.is_open {
            return Err(("R-OPEN-11", "Opened while it is open"));
        }
        if !core::mem::take(&mut self.is_opening) && !self.reopens {
            return Err(("R-OPEN-11", "Opened without open()"));
        }
        if self.state != SessionState::Connected {
            return Err(("R-OPEN-2", "Opened before Connected"));
        }
        self.is_open = true;
        Ok(())
    }

    /// `is_asked_for`: by its own close() or stop(), or by its time.
    fn close(&mut self, is_asked_for: bool) -> Told {
        let is_aborted = match core::mem::replace(&mut self.after, After::Anything) {
            After::Aborted | After::AbortedAndShown => true,
            After::Anything => false,
            After::Failed => return Err(("R-OPEN-11", "Closed after the error that ended the open()")),
            After::Activated => return Err(("R-ROAM-18", "activated, and not Connected next")),
            After::Policies => return Err(("R-REG-11", "the policies do not come last")),
        };
        let was_open = core::mem::take(&mut self.is_open);
        let was_opening = core::mem::take(&mut self.is_opening);
        (self.offer, self.trial) = (None, None);
        if !was_open && !was_opening {
            return Err(("R-OPEN-11", "Closed without having been open or opening"));
        }
        if !is_asked_for && (!was_open || !is_aborted) {
            return Err(("R-OPEN-11", "Closed without close(), stop() or an error"));
        }
        Ok(())
    }

    fn fail(&mut self, edge: &Edge<'_>, cause: Cause, error: SessionError) -> Told {
        // One that tells of a stop is no end, and may stand between an end and its Closed: that follows from the
        // whole input on a service network.
        let is_end = !matches!(cause, Cause::StopRefused | Cause::StopTimedOut | Cause::CannotStop);
        match self.after {
            After::Anything => {}
            After::Failed | After::Aborted if !is_end => {}
            // The state at that moment was said with it.
            After::AbortedAndShown if !is_end => self.after = After::Aborted,
            After::Failed | After::Aborted | After::AbortedAndShown => {
                return Err(("R-OPEN-11", "two ends in a row"));
            }
            After::Activated => return Err(("R-ROAM-18", "activated, and not Connected next")),
            After::Policies => return Err(("R-REG-11", "the policies do not come last")),
        }
        let expected = match cause {
            Cause::NotPossible | Cause::CannotStop => SessionError::OperationNotSupported,
            Cause::Removed if self.is_open => SessionError::SessionAborted,
            Cause::DeviceTaken | Cause::ConfigurationUnavailable | Cause::Removed => {
                SessionError::InvalidConfiguration
            }
            Cause::Refused | Cause::Cancelled | Cause::LinkLost | Cause::StoppedByOther => {
                SessionError::SessionAborted
            }
            Cause::Failed | Cause::TimedOut | Cause::StopRefused | Cause::StopTimedOut => {
                SessionError::Unknown
            }
            Cause::RoamingFailed => SessionError::Roaming,
        };
        if error != expected {
            return Err(("R-OPEN-9", "the error is not that of its cause"));
        }
        match cause {
            Cause::StopRefused => {
                let is_answer = matches!(edge.taken.input, Input::Completed { .. });
                return if is_answer { Ok(()) } else { Err(("R-STOP-7", "nobody refused a stop")) };
            }
            Cause::StopTimedOut => {
                let is_late = edge.step.when != When::Now;
                return if is_late { Ok(()) } else { Err(("R-STOP-7", "no stop is late")) };
            }
            Cause::CannotStop => return Ok(()),
            Cause::RoamingFailed => {
                self.trial = None;
                return if self.is_open {
                    Ok(())
                } else {
                    Err(("R-ROAM-7", "it is not open, and cannot roam"))
                };
            }
            Cause::LinkLost | Cause::StoppedByOther | Cause::Removed if self.is_open => {
                self.after = After::Aborted;
                return Ok(());
            }
            Cause::LinkLost => return Err(("R-LOSS-1", "a loss of what was not open")),
            Cause::NotPossible
            | Cause::DeviceTaken
            | Cause::ConfigurationUnavailable
            | Cause::Removed
            | Cause::Refused
            | Cause::Cancelled
            | Cause::Failed
            | Cause::TimedOut
            | Cause::StoppedByOther => {}
        }
        if self.is_open {
            return Err(("R-OPEN-11", "the failure of an open() while it is open"));
        }
        if !core::mem::take(&mut self.is_opening) && !self.reopens {
            return Err(("R-OPEN-11", "an error without an open()"));
        }
        self.after = After::Failed;
        Ok(())
    }

    fn be_offered(
        &mut self,
        edge: &Edge<'a>,
        from: &SessionView<'a>,
        to: Option<&SessionView<'a>>,
        id: &'a Identifier,
        kind: OfferKind,
    ) -> Told {
        let fits = match kind {
            OfferKind::Rescue => self.state == SessionState::Roaming,
            OfferKind::Upgrade => matches!(self.state, SessionState::Connected | SessionState::Closing),
        };
        if !self.is_open || !fits {
            return Err(("R-ROAM-1", "an offer in the wrong state"));
        }
        let asks = |it: &SessionView<'_>| it.roaming_mode() == RoamingMode::Application;
        if !asks(from) && !to.is_some_and(asks) {
            return Err(("R-ROAM-40", "an offer to who is not asked"));
        }
        let was_ignored = matches!(edge.taken.input, Input::Ignore { session } if session == from.id())
            && from.offer().is_some_and(|it| it.id == id);
        if was_ignored && edge.step.when == When::Now {
            return Err(("R-ROAM-2", "offered again what was ignored"));
        }
        if self.offer == Some(id) && edge.step.when == When::Now && kind == OfferKind::Upgrade {
            return Err(("R-ROAM-4", "offered what is offered"));
        }
        self.offer = Some(id);
        Ok(())
    }

    /// What stands after the input is what was said.
    fn stands(
        &self,
        edge: &Edge<'_>,
        from: &SessionView<'_>,
        to: &SessionView<'_>,
        is_opening: bool,
    ) -> Told {
        if to.state() != self.state {
            return Err(("R-ST-1", "it is in another state than was said"));
        }
        if to.is_open() != self.is_open {
            return Err(("R-OPEN-11", "it is open or not, and that was not said"));
        }
        // A re-opening begins by itself.
        if is_opening != self.is_opening && !(is_opening && self.reopens) {
            return Err(("R-OPEN-11", "an open() began, or ended in neither of Opened, Error and Closed"));
        }
        let (offer, trial) = (to.offer().map(|it| it.id), to.candidate().map(|it| it.id));
        if offer.is_some() && offer != self.offer {
            return Err(("R-ROAM-1", "it is offered what was not said"));
        }
        if trial.is_some() && trial != self.trial {
            return Err(("R-ROAM-6", "it tries what was not said"));
        }
        if offer.is_none() && self.offer.is_some() && self.is_open {
            self.went_silently(edge, from, to)?;
        }
        Ok(())
    }

    /// An offer ends in silence only if it is answered, or not in time, or by the change of mode.
    fn went_silently(&self, edge: &Edge<'_>, from: &SessionView<'_>, to: &SessionView<'_>) -> Told {
        let goes_on = to.state() == SessionState::Roaming;
        let is_late = edge.step.when != When::Now;
        let other_mode = from.roaming_mode() != to.roaming_mode();
        if goes_on || is_late || other_mode {
            Ok(())
        } else {
            Err(("R-ROAM-3", "the offer is gone, and not withdrawn"))
        }
    }
}

/// R-POL-1: once per change.
fn said_policies(from: &SessionView<'_>, to: Option<&SessionView<'_>>, policies: UsagePolicies) -> Told {
    let is_news = from.usage_policies() != policies;
    if is_news && to.is_some_and(|to| to.usage_policies() == policies) {
        return Ok(());
    }
    Err(("R-POL-1", "policies that are no others, or not those that hold"))
}
