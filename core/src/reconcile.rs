//! The one place where requests to links are born (R-GEN-5): what is wanted is compared with what is
//! believed and with the request under way.
//!
//! It runs once at the end of an input for every access point that the input touched, in insertion order,
//! so that what is decided follows from the facts of the whole input and never from a single event. Only
//! `stop()` sets the phase before; what it asks for is numbered here all the same, by
//! [`Manager::number_request`].

use crate::access_point::{AccessPoint, Phase, StopReason};
use crate::session::{Request, Session};
use crate::{ConfigurationId, Effect, LinkState, Manager, OperationId, SessionId, ShutdownPolicy};

/// What an operation number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Link(ConfigurationId),
    Update,
    /// The user is asked for this session.
    Resolve(SessionId),
}

impl Manager {
    pub(crate) fn reconcile(&mut self, id: ConfigurationId) {
        let Some(ap) = self.access_point_mut(id) else { return };
        let refused = core::mem::take(&mut ap.refused);
        let released = core::mem::take(&mut ap.released) && !refused;
        let is_held = !ap.holders.is_empty();
        let wanted = is_held && self.is_wanted(id);
        let Some(ap) = self.access_point(id) else { return };
        let is_up_or_rising = ap.is_up_or_rising();
        match ap.phase {
            Phase::Idle | Phase::Stopping { why: StopReason::CleanUp, .. } if wanted => {
                if ap.is_startable() {
                    self.request_start(id);
                }
            }
            Phase::Idle | Phase::Cancelling { is_used: true, .. } if released && ap.is_to_be_stopped() => {
                self.request_stop(id, StopReason::Unwanted);
            }
            Phase::Starting { .. } if !wanted => self.withdraw_start(id, StopReason::Unwanted),
            Phase::Cancelling { is_used: false, .. } if !is_held && is_up_or_rising => {
                self.request_stop(id, StopReason::Unwanted);
            }
            Phase::Idle | Phase::Starting { .. } | Phase::Cancelling { .. } | Phase::Stopping { .. } => {}
        }
        let Some(ap) = self.access_point_mut(id) else { return };
        if ap.phase == Phase::Idle && !is_held && !is_up_or_rising {
            ap.ours = false;
        }
        // It came up like any other: from now on the shutdown policy decides (R-X-24).
        if is_held
            && ap.is_active()
            && let Phase::Cancelling { is_used, .. } = &mut ap.phase
        {
            *is_used = true;
        }
    }

    /// A link that is up or on its way there was started by us once, and nothing has been asked of it since
    /// (R-X-54).
    pub(crate) fn adopt(&mut self, id: ConfigurationId) {
        self.touch(id);
        if let Some(ap) = self.access_point_mut(id) {
            ap.ours |= ap.phase == Phase::Idle && ap.is_up_or_rising();
        }
    }

    /// Whether a holder wants it up; one whose link is dead only keeps it from being stopped (R-ROAM-32).
    pub(crate) fn is_wanted(&self, id: ConfigurationId) -> bool {
        let holders = self.access_point(id).map_or(&[][..], |ap| &ap.holders);
        holders.iter().any(|&holder| self.session_ref(holder).is_some_and(|session| session.wants(id)))
    }

    /// Asks for a start, once the device is free.
    fn request_start(&mut self, id: ConfigurationId) {
        if let Some(op) = self.access_point_mut(id).and_then(|ap| ap.withdrawn.take()) {
            return self.set_phase(id, Phase::Starting { op: Some(op), answered: true });
        }
        if self.is_device_busy(id) {
            return self.make_room(id);
        }
        if let Some(ap) = self.access_point_mut(id) {
            ap.ours = true;
        }
        self.set_phase(id, Phase::Starting { op: None, answered: false });
    }

    /// Takes back a start that nobody wants any more (R-GEN-10).
    pub(crate) fn withdraw_start(&mut self, id: ConfigurationId, why: StopReason) {
        let Some(ap) = self.access_point_mut(id) else { return };
        let Phase::Starting { op, answered } = ap.phase else { return };
        // Who left has nothing more to ask for (R-CLOSE-11).
        ap.released = false;
        let is_low = ap.link() < LinkState::Connecting;
        let Some(start) = op else {
            // Not even said yet.
            return self.set_phase(id, Phase::Idle);
        };
        if !answered && is_low {
            self.set_phase(id, Phase::Cancelling { op: None, start, is_used: false });
        } else {
            self.request_stop(id, why);
            if let Some(ap) = self.access_point_mut(id)
                && matches!(ap.phase, Phase::Stopping { why: StopReason::CleanUp, .. })
            {
                ap.withdrawn = Some(start);
            }
        }
    }

    /// Asks for a stop, where the platform can; below Connecting it is a clean-up (R-CLOSE-11).
    pub(crate) fn request_stop(&mut self, id: ConfigurationId, why: StopReason) {
        let Some(ap) = self.access_point(id) else { return };
        if !ap.can_start_and_stop() {
            return self.set_phase(id, Phase::Idle);
        }
        let why = if ap.link() < LinkState::Connecting { StopReason::CleanUp } else { why };
        self.set_phase(id, Phase::Stopping { op: None, why });
    }

    /// Makes visible whether a link could be used, while some open session may want to (R-ROAM-39).
    pub(crate) fn watch(&mut self, id: ConfigurationId) {
        let Some(ap) = self.access_point(id).filter(|ap| !ap.is_watched && ap.is_to_be_seen()) else {
            return;
        };
        if self.is_member_of_open(ap) {
            self.set_watched(id, true);
        }
    }

    /// Takes that back.
    pub(crate) fn unwatch(&mut self, id: ConfigurationId) {
        let Some(ap) = self.access_point(id).filter(|ap| ap.is_watched) else { return };
        if !ap.is_to_be_seen() || !self.is_member_of_open(ap) {
            self.set_watched(id, false);
        }
    }

    fn is_member_of_open(&self, ap: &AccessPoint) -> bool {
        let networks = ap.networks.iter().filter_map(|&network| self.configuration_ref(network));
        let mut sessions = networks.flat_map(|network| &network.sessions);
        sessions.any(|&session| self.session_ref(session).is_some_and(Session::is_open))
    }

    fn set_watched(&mut self, id: ConfigurationId, is_watched: bool) {
        let Some(configuration) = self.configuration_mut(id) else { return };
        let identifier = configuration.identifier.clone();
        let Some(ap) = configuration.access_point_mut() else { return };
        ap.is_watched = is_watched;
        let effect =
            if is_watched { Effect::Watch { id: identifier } } else { Effect::Unwatch { id: identifier } };
        self.work.requests.push((id, effect));
    }

    /// Numbers what the phase of this access point asks for, if that is new.
    pub(crate) fn number_request(&mut self, id: ConfigurationId) {
        if let Some(ap) = self.access_point_mut(id) {
            ap.withdrawn = None;
        }
        let is_numbered = |ap: &AccessPoint| ap.phase == Phase::Idle || ap.phase.op().is_some();
        if self.access_point(id).is_none_or(is_numbered) {
            return;
        }
        let next = self.number_operation(Operation::Link(id));
        let Some(configuration) = self.configuration_mut(id) else { return };
        let identifier = configuration.identifier.clone();
        let Some(ap) = configuration.access_point_mut() else { return };
        let effect = match &mut ap.phase {
            Phase::Idle => return,
            Phase::Starting { op, .. } => {
                *op = Some(next);
                Effect::Start { op: next, id: identifier }
            }
            Phase::Cancelling { op, start, .. } => {
                *op = Some(next);
                Effect::Cancel { op: next, cancelled: *start }
            }
            Phase::Stopping { op, .. } => {
                *op = Some(next);
                Effect::Stop { op: next, id: identifier }
            }
        };
        self.work.requests.push((id, effect));
    }

    /// Numbers follow the order in which requests are said (R-REG-11). They were born in another one where a
    /// request was late at once, and others came of that.
    pub(crate) fn renumber<'a>(
        &mut self,
        born: &[OperationId],
        effects: impl Iterator<Item = &'a mut Effect>,
    ) {
        let mut said = born.to_vec();
        said.sort_unstable();
        let renew = |op: &mut OperationId| {
            let place = born.iter().position(|born| born == op);
            if let Some(&new) = place.and_then(|place| said.get(place)) {
                *op = new;
            }
        };
        for effect in effects {
            match effect {
                Effect::Start { op, .. }
                | Effect::Stop { op, .. }
                | Effect::Resolve { op, .. }
                | Effect::Update { op } => renew(op),
                Effect::Cancel { op, cancelled } => {
                    renew(op);
                    renew(cancelled);
                }
                Effect::ReadCounters { .. } | Effect::Watch { .. } | Effect::Unwatch { .. } => {}
            }
        }
        for (mut op, what) in core::mem::take(&mut self.operations) {
            renew(&mut op);
            self.operations.insert(op, what);
            match what {
                Operation::Link(id) => {
                    if let Some(ap) = self.access_point_mut(id) {
                        ap.phase.renumber(op, renew);
                    }
                }
                Operation::Update => {
                    if let Some(update) = &mut self.update {
                        update.op = Some(op);
                    }
                }
                Operation::Resolve(id) => {
                    if let Some(session) = self.session_mut(id) {
                        session.request = Request::Asking(Some(op));
                    }
                }
            }
        }
    }
}

impl AccessPoint {
    /// Up, and nobody held it any more when this was asked: requests of the same input will stop it, unless
    /// somebody is to hold it.
    pub(crate) fn is_about_to_stop(&self) -> bool {
        let is_unwanted = self.holders.is_empty() && self.is_up_or_rising() && self.can_start_and_stop();
        is_unwanted
            && match self.phase {
                Phase::Idle => self.released && !self.refused && self.is_to_be_stopped(),
                Phase::Cancelling { is_used, .. } => {
                    !is_used || self.released && !self.refused && self.is_to_be_stopped()
                }
                Phase::Starting { .. } => true,
                Phase::Stopping { .. } => false,
            }
    }

    /// Whether its last holder's going stops it (R-CLOSE-8).
    fn is_to_be_stopped(&self) -> bool {
        match self.shutdown {
            ShutdownPolicy::OwnedOnly => self.ours,
            ShutdownPolicy::LastClose => true,
            ShutdownPolicy::Never => false,
        }
    }
}
