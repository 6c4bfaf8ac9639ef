//! The one place where requests to links are born (R-GEN-5): what is wanted is compared with what is
//! believed and with the request under way.
//!
//! It runs once at the end of an input for every access point that the input touched, in insertion order,
//! so that what is decided follows from the facts of the whole input and never from a single event. Only
//! `stop()` sets the phase before; what it asks for is numbered here all the same, by
//! [`Manager::number_request`].

use crate::access_point::{AccessPoint, Phase, StopReason};
use crate::{ConfigurationId, Effect, LinkState, Manager, ShutdownPolicy};

/// What an operation number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Link(ConfigurationId),
    Update,
}

impl Manager {
    pub(crate) fn reconcile(&mut self, id: ConfigurationId) {
        let Some(ap) = self.access_point_mut(id) else { return };
        let refused = core::mem::take(&mut ap.refused);
        let released = core::mem::take(&mut ap.released) && !refused;
        let wanted = !ap.holders.is_empty();
        let is_up_or_rising = ap.link() >= LinkState::Connecting;
        match ap.phase {
            Phase::Idle | Phase::Stopping { why: StopReason::CleanUp, .. } if wanted => {
                if ap.is_startable() {
                    ap.ours = true;
                    self.set_phase(id, Phase::Starting { op: None, answered: false });
                }
            }
            Phase::Idle | Phase::Cancelling { is_used: true, .. } if released && ap.is_to_be_stopped() => {
                self.request_stop(id, StopReason::Unwanted);
            }
            Phase::Starting { .. } if !wanted => self.withdraw_start(id, StopReason::Unwanted),
            Phase::Cancelling { is_used: false, .. } if !wanted && is_up_or_rising => {
                self.request_stop(id, StopReason::Unwanted);
            }
            Phase::Idle | Phase::Starting { .. } | Phase::Cancelling { .. } | Phase::Stopping { .. } => {}
        }
        if let Some(ap) = self.access_point_mut(id)
            && ap.phase == Phase::Idle
            && !wanted
            && !is_up_or_rising
        {
            ap.ours = false;
        }
    }

    /// Takes back a start that nobody wants any more (R-GEN-10).
    pub(crate) fn withdraw_start(&mut self, id: ConfigurationId, why: StopReason) {
        let Some(ap) = self.access_point(id) else { return };
        let Phase::Starting { op: Some(start), answered } = ap.phase else { return };
        if !answered && ap.link() < LinkState::Connecting {
            self.set_phase(id, Phase::Cancelling { op: None, start, is_used: false });
        } else {
            self.request_stop(id, why);
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

    /// Numbers what the phase of this access point asks for, if that is new.
    pub(crate) fn number_request(&mut self, id: ConfigurationId) {
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
}

impl AccessPoint {
    /// Whether its last holder's going stops it (R-CLOSE-8).
    fn is_to_be_stopped(&self) -> bool {
        match self.shutdown {
            ShutdownPolicy::OwnedOnly => self.ours,
            ShutdownPolicy::LastClose => true,
            ShutdownPolicy::Never => false,
        }
    }
}
