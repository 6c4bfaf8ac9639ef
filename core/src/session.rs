//! A session: what it asked for, and what it was last told.
//!
//! It promises: the state is computed from the link's level, the request and the step of roaming
//! (R-ST-1 … R-ST-4), never set; only the last reported value is kept, and no event repeats it. Holding
//! and letting go of an access point happen in [`Manager::hold`] and [`Manager::release`] and nowhere
//! else.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::access_point::{AccessPoint, Failure, Phase};
use crate::configuration::{Kind, insert_sorted, remove_sorted};
use crate::refusal::Refusals;
use crate::reopening::Reopening;
use crate::roaming::{Life, Step};
use crate::timers::{SessionTimer, Timer};
use crate::{
    Cause, ConfigurationId, Event, Identifier, Instant, Manager, OperationId, PropertyValue, ReopenPolicy,
    RoamingMode, SessionError, SessionId, SessionState, UsagePolicies,
};

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// The name it was made on.
    pub(crate) configuration: Identifier,
    /// What that name stood for; `None` for a null session and once it was removed.
    pub(crate) on: Option<ConfigurationId>,
    /// What a user choice was resolved to, while it is opening or open on that, or will be again.
    pub(crate) resolved: Option<ConfigurationId>,
    /// Made on nothing (R-ST-5).
    pub(crate) is_null: bool,
    pub(crate) request: Request,
    pub(crate) roaming_mode: RoamingMode,
    pub(crate) refusals: Refusals,
    /// How often it was offered something, or put on trial: an answer to an earlier one can be told.
    pub(crate) steps: u64,
    pub(crate) reopen_policy: ReopenPolicy,
    /// It was lost, and will open again (R-LOSS-4).
    pub(crate) reopening: Option<Reopening>,
    /// How long it will stay open, where that can be said (R-PROP-4).
    pub(crate) auto_close: Option<Duration>,
    pub(crate) properties: BTreeMap<String, PropertyValue>,
    pub(crate) error: Option<(SessionError, String)>,
    pub(crate) reported: SessionState,
    pub(crate) reported_policies: UsagePolicies,
    /// Since when it is Connected, Roaming included.
    pub(crate) connected_since: Option<Instant>,
}

/// What a session asked for.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Nothing: it only watches.
    None,
    /// `open()`, and the user is asked what to open. The number is `None` until the effect is said.
    Asking(Option<OperationId>),
    /// `open()`, and no link yet.
    Opening(Opening),
    /// It has a link.
    Open(Open),
}

#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// The access point it waits for, which it holds.
    pub(crate) on: ConfigurationId,
    /// Since when.
    pub(crate) since: Instant,
    /// When it is late by its own timeout, as that was when it began (R-X-46).
    pub(crate) due: Option<Instant>,
    /// That one was going down when it was chosen: it is waited for to be down (R-OPEN-7).
    pub(crate) after_closing: bool,
    /// It waits for a loss to be one or none (R-LOSS-5): if it is one, what to open is chosen anew.
    pub(crate) in_grace: bool,
    /// Members of a service network that failed in this `open()`: each is tried once, so that it ends.
    pub(crate) tried: Vec<ConfigurationId>,
}

#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// The access point in use, which it holds.
    pub(crate) on: ConfigurationId,
    /// Its name, which outlives it.
    pub(crate) identifier: Identifier,
    /// Since when it is open.
    pub(crate) since: Instant,
    /// Since when that access point is the one in use.
    pub(crate) settled_at: Instant,
    /// That one came up through a start of ours.
    pub(crate) was_started: bool,
    pub(crate) life: Life,
    /// How it roams now: its mode, as far as the service network can (R-ROAM-40).
    pub(crate) mode: RoamingMode,
    pub(crate) step: Step,
    /// The name of what was offered last, which outlives it.
    pub(crate) offered: Identifier,
    /// Since when other members have been usable.
    pub(crate) usable: Vec<(ConfigurationId, Instant)>,
}

impl Session {
    /// What it is about: what a user choice was resolved to, else what it was made on.
    pub(crate) fn target(&self) -> Option<ConfigurationId> {
        self.resolved.or(self.on)
    }

    /// The access point that it waits for, or uses.
    pub(crate) const fn held(&self) -> Option<ConfigurationId> {
        match &self.request {
            Request::None | Request::Asking(_) => None,
            Request::Opening(opening) => Some(opening.on),
            Request::Open(open) => Some(open.on),
        }
    }

    /// The access point that it may move to, which it holds as well.
    pub(crate) const fn candidate(&self) -> Option<ConfigurationId> {
        match &self.request {
            Request::Open(Open { step: Step::Migrating { to, .. } | Step::Trial { to, .. }, .. }) => {
                Some(*to)
            }
            Request::Open(_) | Request::None | Request::Asking(_) | Request::Opening(_) => None,
        }
    }

    /// Whether it wants this access point, which it holds, to be up.
    pub(crate) fn wants(&self, held: ConfigurationId) -> bool {
        match &self.request {
            Request::None | Request::Asking(_) => false,
            Request::Opening(opening) => opening.on == held,
            Request::Open(open) => {
                self.candidate() == Some(held)
                    || open.on == held
                        && match open.life {
                            Life::Alive => true,
                            Life::Leaving | Life::Restorable => matches!(open.step, Step::Restoring { .. }),
                            // It ends with the link, or has no use for it.
                            Life::Stopped | Life::Dead { .. } => false,
                        }
            }
        }
    }

    /// Whether it lets go of what it uses so that the other of the same device can come up.
    pub(crate) fn gives_way(&self, from: ConfigurationId, to: ConfigurationId) -> bool {
        self.open().is_some_and(|open| {
            let is_going = matches!(open.step, Step::Migrating { to: going, .. } if going == to);
            is_going && open.on == from && matches!(open.life, Life::Leaving | Life::Restorable)
        })
    }

    pub(crate) const fn in_use(&self) -> Option<ConfigurationId> {
        match self.open() {
            Some(open) => Some(open.on),
            None => None,
        }
    }

    pub(crate) const fn opening(&self) -> Option<&Opening> {
        match &self.request {
            Request::Opening(opening) => Some(opening),
            Request::None | Request::Asking(_) | Request::Open(_) => None,
        }
    }

    pub(crate) const fn opening_mut(&mut self) -> Option<&mut Opening> {
        match &mut self.request {
            Request::Opening(opening) => Some(opening),
            Request::None | Request::Asking(_) | Request::Open(_) => None,
        }
    }

    pub(crate) const fn open(&self) -> Option<&Open> {
        match &self.request {
            Request::Open(open) => Some(open),
            Request::None | Request::Asking(_) | Request::Opening(_) => None,
        }
    }

    pub(crate) const fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.request {
            Request::Open(open) => Some(open),
            Request::None | Request::Asking(_) | Request::Opening(_) => None,
        }
    }

    /// Waits for a link.
    pub(crate) const fn is_opening(&self) -> bool {
        matches!(self.request, Request::Opening(_))
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.request, Request::Open(_))
    }
}

impl Manager {
    /// The state that a session is in now.
    pub(crate) fn compute_state(&self, session: &Session) -> SessionState {
        let Some(on) = session.on.and_then(|id| self.configuration_ref(id)) else {
            return SessionState::Invalid;
        };
        match &session.request {
            Request::Open(open) if open.is_at_rest() => {
                self.access_point(open.on).map_or(SessionState::Roaming, AccessPoint::session_state)
            }
            Request::Open(_) => SessionState::Roaming,
            Request::Asking(_) => SessionState::Connecting,
            // Of a user choice it is Connecting whatever the link does (R-ST-4).
            Request::Opening(_) if session.resolved.is_some() => SessionState::Connecting,
            Request::Opening(opening) => match self.access_point(opening.on) {
                Some(_) if opening.after_closing => self.watched_state(on),
                Some(ap) if ap.is_going_down() => SessionState::Closing,
                Some(_) | None => SessionState::Connecting,
            },
            Request::None => self.watched_state(on),
        }
    }

    /// The state of a session that is not open: of the link, of the best member (R-ST-3), or by what
    /// there is to choose from (R-ST-4).
    pub(crate) fn watched_state(&self, on: &crate::configuration::Configuration) -> SessionState {
        use SessionState::{Closing, Connected, Connecting, Disconnected, NotAvailable};
        let network = match &on.kind {
            Kind::AccessPoint(ap) => return ap.session_state(),
            Kind::UserChoice => return if self.near_links > 0 { Disconnected } else { NotAvailable },
            Kind::ServiceNetwork(network) => network,
        };
        let states = || network.members.iter().filter_map(|&id| Some(self.access_point(id)?.session_state()));
        [Connected, Connecting, Closing, Disconnected]
            .into_iter()
            .find(|&wanted| states().any(|state| state == wanted))
            .unwrap_or(NotAvailable)
    }

    /// Tells a session its state, if it is news (R-ST-1).
    pub(crate) fn report_state(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let state = self.compute_state(session);
        self.report_as(id, state);
    }

    /// The same where it is not the link in use that the state is of.
    pub(crate) fn report_as(&mut self, id: SessionId, state: SessionState) {
        let now = self.now;
        let Some(session) = self.session_mut(id) else { return };
        if session.reported == state {
            return;
        }
        let was = core::mem::replace(&mut session.reported, state);
        session.connected_since = match (state, was) {
            (SessionState::Roaming, _) | (SessionState::Connected, SessionState::Roaming) => {
                session.connected_since
            }
            (SessionState::Connected, _) => Some(now),
            _ => None,
        };
        self.tell(id, Event::StateChanged { session: id, state });
    }

    /// The end of an input for a session it touched: its state, then what follows it.
    pub(crate) fn report(&mut self, id: SessionId) {
        self.report_state(id);
        let mut later = core::mem::take(&mut self.work.errors);
        later.retain(|(session, failure)| {
            if *session == id {
                self.fail(id, failure.clone());
            }
            *session != id
        });
        self.work.errors = later;
        let Some(session) = self.session_ref(id) else { return };
        let policies = self.session_policies(session);
        let Some(session) = self.session_mut(id) else { return };
        if core::mem::replace(&mut session.reported_policies, policies) != policies {
            self.tell(id, Event::UsagePoliciesChanged { session: id, policies });
        }
    }

    pub(crate) fn session_policies(&self, session: &Session) -> UsagePolicies {
        let shown = session.in_use().or(session.on);
        shown.map_or(UsagePolicies::empty(), |id| self.configuration_policies(id))
    }

    /// An error, by its cause (R-OPEN-9), now.
    pub(crate) fn fail(&mut self, id: SessionId, failure: Failure) {
        self.fail_as(id, error_of(failure.cause), failure);
    }

    pub(crate) fn fail_as(&mut self, id: SessionId, error: SessionError, failure: Failure) {
        let Failure { cause, reason } = failure;
        let Some(session) = self.session_mut(id) else { return };
        let words = words_of(cause);
        let on = &session.configuration;
        let text = match &reason {
            Some(reason) => format!("{on}: {words}: {reason}"),
            None => format!("{on}: {words}"),
        };
        session.error = Some((error, text));
        self.tell(id, Event::Error { session: id, error, cause, reason });
    }

    /// An error that follows the state which the session has at the end of the input.
    pub(crate) fn fail_later(&mut self, id: SessionId, failure: Failure) {
        self.work.errors.push((id, failure));
        self.touch_session(id);
    }

    /// Whether it is to hear, at the end of the input, how something ended for it: what fails since then follows.
    pub(crate) fn is_still_to_hear(&self, id: SessionId) -> bool {
        self.work.endings.contains(&id) || self.work.errors.iter().any(|(session, _)| *session == id)
    }

    pub(crate) fn hold(&mut self, id: SessionId, on: ConfigurationId) {
        // What was to be stopped for want of a holder is one to go to again.
        if self.access_point(on).is_some_and(AccessPoint::is_about_to_stop) {
            self.work.is_unsettled = true;
            self.touch(on);
        }
        self.touch_link(on);
        let Some(ap) = self.access_point_mut(on) else { return };
        insert_sorted(&mut ap.holders, id);
        ap.released = false;
    }

    pub(crate) fn release(&mut self, id: SessionId, on: ConfigurationId) {
        self.touch_link(on);
        let Some(ap) = self.access_point_mut(on) else { return };
        if remove_sorted(&mut ap.holders, &id) && ap.holders.is_empty() {
            // What is being taken back already is not asked for again (R-CLOSE-10).
            ap.released = match ap.phase {
                Phase::Idle | Phase::Starting { .. } => true,
                Phase::Cancelling { is_used, .. } => is_used || ap.is_up_or_rising(),
                Phase::Stopping { .. } => false,
            };
            if ap.before_loss.is_some() {
                self.end_grace(on);
            }
        }
    }

    /// Forgets what a session asked for, and lets go of its links.
    pub(crate) fn withdraw_request(&mut self, id: SessionId) -> Request {
        self.touch_session(id);
        self.touch_members(id);
        for timer in SessionTimer::OF_A_REQUEST {
            self.timers.set(Timer::Session(id, timer), None);
        }
        let Some(session) = self.session_mut(id) else { return Request::None };
        let held = [session.held(), session.candidate()];
        let request = core::mem::replace(&mut session.request, Request::None);
        // The next open() ends all refusals.
        session.refusals.clear();
        for on in held.into_iter().flatten() {
            self.release(id, on);
        }
        if let Request::Asking(Some(op)) = request {
            self.operations.remove(&op);
            self.work.cancelled_resolves.push((id, op));
        }
        self.forget_choice(id);
        request
    }

    /// What a user choice was resolved to is no matter any more, unless it opens on that again.
    pub(crate) fn forget_choice(&mut self, id: SessionId) {
        let Some(session) = self.session_mut(id) else { return };
        if session.reopening.is_none()
            && let Some(resolved) = session.resolved.take()
            && let Some(configuration) = self.configuration_mut(resolved)
        {
            remove_sorted(&mut configuration.sessions, &id);
            self.touch(resolved);
        }
    }

    /// An open session lost its link (R-LOSS-1).
    pub(crate) fn abort(&mut self, id: SessionId, cause: Cause) {
        self.fail_as(id, SessionError::SessionAborted, cause.into());
        self.plan_reopening(id, cause);
        let target = self.session_ref(id).and_then(Session::target);
        self.withdraw_request(id);
        let is_on_link = target.is_some_and(|target| self.access_point(target).is_some());
        let is_on_choice = self.session_ref(id).and_then(|session| session.on) != target;
        if is_on_link && !is_on_choice {
            self.end(id);
        } else {
            // All facts, and what else it lets go, show in the state.
            self.work.endings.push(id);
        }
    }

    /// The last words of an open session that was aborted.
    pub(crate) fn end(&mut self, id: SessionId) {
        self.report_state(id);
        self.tell(id, Event::Closed { session: id });
        self.settle_reopening(id);
    }
}

/// Which documented error a cause shows as (R-OPEN-9).
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

const fn words_of(cause: Cause) -> &'static str {
    match cause {
        Cause::NotPossible => "the platform cannot bring the link up",
        Cause::DeviceTaken => "the device carries another access point",
        Cause::ConfigurationUnavailable => "the configuration is not in reach",
        Cause::Removed => "there is no such configuration, or it was removed",
        Cause::Refused => "the platform refused to bring the link up",
        Cause::Cancelled => "the user cancelled",
        Cause::Failed => "the link did not come up",
        Cause::TimedOut => "the link did not come up in time",
        Cause::LinkLost => "the link went down",
        Cause::StoppedByOther => "another session stopped the link",
        Cause::CannotStop => "the platform cannot take the link down",
        Cause::StopRefused => "the platform refused to take the link down",
        Cause::StopTimedOut => "the link did not go down in time",
        Cause::RoamingFailed => "moving to another access point failed",
    }
}
