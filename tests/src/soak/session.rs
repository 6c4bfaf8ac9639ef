//! A session by what was said of it: the grammar of its events.

use std::time::Duration;

use netsession_core::{Cause, Event, Identifier, Input, Instant, OfferKind, ReopenPolicy, SessionState};

/// The first and the longest wait between two tries to re-open (R-LOSS-4).
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// What was said of a session, and what was said to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) state: Option<SessionState>,
    pub(super) is_open: bool,
    pub(super) is_opening: bool,
    /// What it was offered last, and neither answered nor withdrawn.
    pub(super) offer: Option<Identifier>,
    /// What it was last asked to decide on.
    pub(super) trial: Option<Identifier>,
    pub(super) reopens: bool,
    pub(super) reopening: Option<Reopening>,
    /// The input is a stop that is not possible.
    cannot_stop: bool,
    /// It was lost while it was to re-open.
    was_lost: bool,
    /// The access point that it uses was removed: one that is added under that name is another.
    pub(super) gone: Option<Identifier>,
}

/// A session that may open by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reopening {
    not_before: Instant,
    failures: u32,
    /// A try may be under way, and is the last.
    is_last: bool,
}

impl Session {
    /// A command that was accepted, before what it leads to.
    pub(super) fn obey(&mut self, input: &Input) {
        if matches!(input, Input::Open { .. }) {
            self.is_opening |= !self.is_open;
        }
        if matches!(input, Input::Migrate { .. } | Input::Ignore { .. }) {
            self.offer = None;
        }
        if matches!(input, Input::Accept { .. } | Input::Reject { .. }) {
            self.trial = None;
        }
        if let Input::Reopen { policy, .. } = input {
            self.reopens = *policy == ReopenPolicy::WhenAvailable;
            if let Some(reopening) = &mut self.reopening {
                reopening.is_last = !self.reopens;
            }
        }
    }

    /// What was said after that command has been said.
    pub(super) fn obeyed(&mut self, input: &Input) {
        // A stop that is not possible changes nothing (R-STOP-5).
        let is_not_possible = core::mem::take(&mut self.cannot_stop);
        if matches!(input, Input::Close { .. } | Input::Stop { .. }) && !is_not_possible {
            self.reopening = None;
        }
    }

    pub(super) fn tell(
        &mut self,
        at: Instant,
        event: &Event,
        give_up_after: u32,
    ) -> Result<(), &'static str> {
        match event {
            Event::StateChanged { state, .. } => {
                if self.state.replace(*state) == Some(*state) {
                    return Err("R-ST-1: the same state twice in a row");
                }
                if *state == SessionState::Connected {
                    self.gone = None;
                }
            }
            Event::Opened { .. } => self.open(at, give_up_after)?,
            Event::Closed { .. } => self.close(at)?,
            Event::Error { cause, .. } => self.fail(at, *cause, give_up_after)?,
            Event::PreferredConfigurationChanged { id, kind, .. } => {
                let may = |state| match kind {
                    OfferKind::Rescue => state == SessionState::Roaming,
                    OfferKind::Upgrade => matches!(state, SessionState::Connected | SessionState::Closing),
                };
                if !self.is_open || !self.state.is_none_or(may) {
                    return Err("R-ROAM-1: an offer in the wrong state");
                }
                self.offer = Some(id.clone());
            }
            Event::OfferWithdrawn { id, .. } => {
                if self.offer.take().as_ref() != Some(id) {
                    return Err("R-ROAM-3: withdrawn what was not offered");
                }
            }
            Event::NewConfigurationActivated { id, decision_due, .. } => {
                if !self.is_open || self.state.is_some_and(|state| state != SessionState::Roaming) {
                    return Err("R-ROAM-6: activated without Roaming");
                }
                self.trial = decision_due.then(|| id.clone());
            }
            Event::UsagePoliciesChanged { .. }
            | Event::ConfigurationAdded { .. }
            | Event::ConfigurationRemoved { .. }
            | Event::ConfigurationChanged { .. }
            | Event::OnlineStateChanged { .. }
            | Event::UpdateCompleted { .. } => {}
        }
        Ok(())
    }

    fn open(&mut self, at: Instant, give_up_after: u32) -> Result<(), &'static str> {
        if self.is_open {
            return Err("R-OPEN-11: opened twice");
        }
        if !self.is_opening {
            self.try_again(at, give_up_after)?;
        }
        (self.is_open, self.is_opening, self.reopening) = (true, false, None);
        Ok(())
    }

    fn close(&mut self, at: Instant) -> Result<(), &'static str> {
        if !self.is_open && !self.is_opening && self.reopening.is_none() {
            return Err("R-OPEN-11: closed without having been open or opening");
        }
        let is_to_reopen = core::mem::take(&mut self.was_lost) && self.is_open;
        self.reopening = is_to_reopen.then_some(Reopening { not_before: at, failures: 0, is_last: false });
        (self.is_open, self.is_opening) = (false, false);
        (self.offer, self.trial, self.gone) = (None, None, None);
        Ok(())
    }

    fn fail(&mut self, at: Instant, cause: Cause, give_up_after: u32) -> Result<(), &'static str> {
        self.cannot_stop = cause == Cause::CannotStop;
        match cause {
            Cause::StopRefused | Cause::StopTimedOut | Cause::CannotStop | Cause::RoamingFailed => {
                return Ok(());
            }
            Cause::NotPossible
            | Cause::DeviceTaken
            | Cause::ConfigurationUnavailable
            | Cause::Removed
            | Cause::Refused
            | Cause::Cancelled
            | Cause::Failed
            | Cause::TimedOut
            | Cause::LinkLost
            | Cause::StoppedByOther => {}
        }
        if self.is_open {
            if self.was_lost {
                return Err("R-OPEN-11: two errors for one end");
            }
            self.was_lost = cause == Cause::LinkLost && self.reopens;
            return Ok(());
        }
        if !core::mem::take(&mut self.is_opening) {
            self.try_again(at, give_up_after)?;
        }
        if let Some(reopening) = &mut self.reopening {
            let wait = WAITS[0].saturating_mul(1 << reopening.failures.min(16)).min(WAITS[1]);
            reopening.not_before = at + wait;
            reopening.failures += 1;
        }
        let is_over = matches!(cause, Cause::Removed | Cause::StoppedByOther);
        self.reopening = self.reopening.filter(|it| !it.is_last && !is_over);
        Ok(())
    }

    /// Something came of a try that nobody asked for just now.
    fn try_again(&self, at: Instant, give_up_after: u32) -> Result<(), &'static str> {
        let Some(reopening) = self.reopening else { return Err("R-OPEN-11: an end without an open()") };
        let is_given_up = reopening.failures >= give_up_after;
        if at < reopening.not_before && !is_given_up {
            return Err("R-LOSS-4: re-opens too early");
        }
        Ok(())
    }
}
