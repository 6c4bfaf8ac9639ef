//! Exclusive devices: one radio, several access points, of which one can be up (section 6 of the contract).
//!
//! It promises: whether a device is free for an access point follows from holders, levels and policies
//! alone; a link is stopped to make room only where nobody else holds it, and what waits for the room is
//! told if the stop fails. The stop itself is born in [`reconcile`](crate::reconcile) like every request.

use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Failure, Phase, StopReason};
use crate::configuration::{insert_sorted, remove_sorted};
use crate::session::{Open, Session};
use crate::{Cause, ConfigurationId, Identifier, LinkState, Manager, SessionId, ShutdownPolicy};

/// Who wants a device to be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The application, or whoever opens for it: a link of others may be stopped.
    Explicit,
    /// A roam that nobody asked for: only a link of ours may be stopped (R-ROAM-42).
    Automatic,
}

impl Manager {
    /// The other access points of its device.
    pub(crate) fn siblings(&self, id: ConfigurationId) -> impl Iterator<Item = ConfigurationId> {
        let device = self.access_point(id).and_then(|ap| ap.device.as_ref());
        let all = device.and_then(|device| self.devices.get(device)).map_or(&[][..], Vec::as_slice);
        all.iter().copied().filter(move |&other| other != id)
    }

    /// Files an access point under the device that it names now.
    pub(crate) fn move_to_device(&mut self, id: ConfigurationId, old: Option<&Identifier>) {
        let new = self.access_point(id).and_then(|ap| ap.device.clone());
        if old == new.as_ref() {
            return;
        }
        if let Some(old) = old {
            self.leave_device(id, old);
        }
        if let Some(new) = new {
            insert_sorted(self.devices.entry(new).or_default(), id);
        }
        // Who shared the device, and who shares it now.
        self.touch(id);
    }

    pub(crate) fn leave_device(&mut self, id: ConfigurationId, device: &Identifier) {
        let Some(list) = self.devices.get_mut(device) else { return };
        remove_sorted(list, &id);
        let left = list.clone();
        if left.is_empty() {
            self.devices.remove(device);
        }
        for sibling in left {
            self.touch(sibling);
        }
    }

    /// Whether the device of an access point is free for it (R-DEV-6), for this session or for a new one.
    pub(crate) fn is_device_free(&self, on: ConfigurationId, by: Option<SessionId>, asker: Asker) -> bool {
        let is_up = self.access_point(on).is_some_and(|ap| ap.is_up_or_rising() && !ap.is_going_down());
        self.siblings(on).filter_map(|other| Some((other, self.access_point(other)?))).all(
            |(other, sibling)| {
                // All who wait for a start that fails in this moment let go of it; who uses it does not (R-ROAM-32).
                let uses = |holder| self.session_ref(holder).and_then(Session::in_use) == Some(other);
                let keeps = |holder| sibling.news.start_failed.is_none() || uses(holder);
                if sibling.holders.iter().any(|&holder| Some(holder) != by && keeps(holder)) {
                    return false;
                }
                // What it uses it gives up, if that can be stopped; what is dead is not (R-ROAM-32). What is up, or
                // coming up, needs no room. Anything else that it holds is held by nobody once it has let go.
                let is_given_up = by.is_some_and(uses);
                if is_given_up && is_up {
                    return true;
                }
                let is_dead =
                    by.and_then(|by| self.session_ref(by)).and_then(Session::open).is_some_and(Open::is_dead);
                if is_given_up && is_dead && sibling.is_up_or_rising() {
                    return false;
                }
                let is_asked_for = asker == Asker::Explicit
                    || sibling.ours
                    || sibling.is_going_down()
                    || !sibling.holders.is_empty();
                !sibling.is_up_or_rising() || sibling.can_make_room(is_given_up) && (is_up || is_asked_for)
            },
        )
    }

    /// Whether to move from one to the other the first has to go down before the second comes up.
    pub(crate) fn must_break_first(&self, from: ConfigurationId, to: ConfigurationId) -> bool {
        let is_up = |id| self.access_point(id).is_some_and(AccessPoint::is_up_or_rising);
        is_up(from) && !is_up(to) && self.siblings(to).any(|sibling| sibling == from)
    }

    /// What has to be down, or withdrawn, before a link of the device can be started.
    pub(crate) fn is_device_busy(&self, on: ConfigurationId) -> bool {
        self.siblings(on).any(|sibling| self.access_point(sibling).is_some_and(AccessPoint::occupies_device))
    }

    /// Stops what is in the way of an access point that is wanted (R-DEV-1, R-DEV-2).
    pub(crate) fn make_room(&mut self, on: ConfigurationId) {
        let siblings: Vec<_> = self.siblings(on).collect();
        for sibling in siblings {
            let Some(ap) = self.access_point(sibling) else { continue };
            let is_held = ap.holders.iter().any(|&holder| {
                !self.session_ref(holder).is_some_and(|session| session.gives_way(sibling, on))
            });
            // Within the grace of a loss it is waited for until that is over (R-X-21).
            let is_idle =
                matches!(ap.phase, Phase::Idle | Phase::Cancelling { .. }) && ap.before_loss.is_none();
            let is_rising = matches!(ap.link(), LinkState::Connecting | LinkState::Active);
            if !is_held && is_idle && is_rising && ap.can_make_room(!ap.holders.is_empty()) {
                self.request_stop(sibling, StopReason::Unwanted);
            }
        }
    }

    /// A stop failed: what waits for the room fails, too.
    pub(crate) fn on_room_refused(&mut self, stopped: ConfigurationId, failure: Failure) {
        let cause = if failure.cause == Cause::StopTimedOut { Cause::TimedOut } else { Cause::Failed };
        let siblings: Vec<_> = self.siblings(stopped).collect();
        for sibling in siblings {
            let is_waiting =
                self.access_point(sibling).is_some_and(|ap| !ap.is_up_or_rising() && !ap.is_starting());
            if is_waiting && self.is_wanted(sibling) {
                self.touch(sibling);
                if let Some(ap) = self.access_point_mut(sibling) {
                    ap.news.start_failed = Some(Failure { cause, reason: failure.reason.clone() });
                }
            }
        }
    }
}

impl AccessPoint {
    /// It can be stopped for another one. Its policy speaks for what nobody holds (R-DEV-6); `is_given_up`: whoever
    /// holds it gives it up for that.
    fn can_make_room(&self, is_given_up: bool) -> bool {
        self.can_start_and_stop() && (is_given_up || self.shutdown != ShutdownPolicy::Never)
    }

    fn occupies_device(&self) -> bool {
        let is_under_way = match self.phase {
            Phase::Starting { .. } => true,
            Phase::Stopping { why, .. } => why != StopReason::CleanUp,
            Phase::Idle | Phase::Cancelling { .. } => false,
        };
        is_under_way || self.is_up_or_rising()
    }
}
