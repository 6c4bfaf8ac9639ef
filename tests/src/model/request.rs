//! Holding what is wanted against what is, and asking the platform (R-GEN-5). This is done once, when
//! everybody has decided.

use netsession_core::{LinkState, OperationId, ShutdownPolicy};

use super::{AccessPoint, Dead, Key, Model, Phase, Request};

/// A request that this input makes; its number is given when all are known (R-REG-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    CancelResolve { session: u64, cancelled: OperationId },
    Resolve { session: u64 },
    Update,
    Cancel { link: Key, cancelled: OperationId },
    Stop { link: Key },
    Start { link: Key },
}

/// What is to be asked of an access point now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Nothing,
    Start,
    Cancel,
    Stop,
    /// R-DEV-1, R-DEV-2: to free the device.
    MakeRoom,
}

impl Model {
    /// Notes a request, and gives the number by which it is known until it has its own.
    pub(super) fn ask(&mut self, asked: Asked) -> OperationId {
        self.saying.asked.push(asked);
        provisional(self.saying.asked.len())
    }

    /// What is wanted of an access point, held against what is and what is under way.
    pub(super) fn plan(&self, link: Key) -> Plan {
        let Some(ap) = self.ap(link) else { return Plan::Nothing };
        let is_held = !self.holders(link).is_empty();
        let is_wanted = !self.starters(link).is_empty();
        let has_left = ap.held && !is_held;
        match ap.request {
            // R-GEN-10.
            Some(Request::Start { .. }) if is_wanted => Plan::Nothing,
            Some(Request::Start { answered: false, .. }) if ap.level < LinkState::Connecting => Plan::Cancel,
            Some(Request::Start { .. }) => Plan::Stop,
            Some(Request::Stop { clean_up: false, .. }) => Plan::Nothing,
            // R-X-16, R-X-24.
            Some(Request::Cancel { used, .. }) => {
                let is_up = ap.level >= LinkState::Connecting;
                if is_up && self.is_to_make_room(link) {
                    Plan::MakeRoom
                } else if (is_up && !is_held && !used) || (used && has_left && stops_at_the_last_close(ap)) {
                    Plan::Stop
                } else {
                    Plan::Nothing
                }
            }
            Some(Request::Stop { clean_up: true, .. }) | None => {
                if is_wanted && self.can_be_started_now(link) {
                    Plan::Start
                } else if self.is_to_make_room(link) {
                    Plan::MakeRoom
                } else if has_left && ap.request.is_none() && stops_at_the_last_close(ap) {
                    Plan::Stop
                } else {
                    Plan::Nothing
                }
            }
        }
    }

    /// Whether a stop that shows is due, though it is not asked for yet.
    pub(super) fn is_to_be_stopped(&self, link: Key) -> bool {
        self.ap(link).is_some_and(|ap| ap.level >= LinkState::Connecting)
            && matches!(self.plan(link), Plan::Stop | Plan::MakeRoom)
    }

    fn can_be_started_now(&self, link: Key) -> bool {
        self.ap(link).is_some_and(|ap| {
            ap.level == LinkState::Discovered && ap.grace.is_none() && ap.can_start_and_stop()
        }) && self.others_of_device(link).into_iter().all(|other| !self.occupies_device(other))
    }

    /// R-DEV-1, R-DEV-2: somebody waits for the device, and may have this link stopped for that.
    fn is_to_make_room(&self, link: Key) -> bool {
        let Some(ap) = self.ap(link) else { return false };
        let is_up = matches!(ap.level, LinkState::Connecting | LinkState::Active);
        if !is_up || !ap.can_start_and_stop() {
            return false;
        }
        let holders = self.holders(link);
        self.others_of_device(link).into_iter().any(|other| {
            let mut starters = self.starters(other);
            // Who has waited in vain does not want it any more.
            starters.retain(|starter| self.news_of_failure(*starter, other).is_none());
            let waits = self.ap(other).is_some_and(|ap| {
                // R-GEN-10: not before a cancel is answered.
                let is_busy = matches!(ap.request, Some(Request::Start { .. } | Request::Cancel { .. }));
                ap.level == LinkState::Discovered && !is_busy && ap.can_start_and_stop()
            });
            let may = if holders.is_empty() {
                ap.shutdown != ShutdownPolicy::Never
            } else {
                holders.iter().all(|holder| starters.contains(holder))
            };
            waits && !starters.is_empty() && may
        })
    }

    /// Asks for a stop, in place of whatever was under way.
    pub(super) fn ask_stop(&mut self, link: Key, stoppers: Vec<u64>) {
        // It may be long since it could be started.
        if !self.ap(link).is_some_and(AccessPoint::can_start_and_stop) {
            if let Some(ap) = self.ap_mut(link) {
                ap.request = None;
            }
            return;
        }
        let deadline = self.now + self.config.stop_timeout;
        let op = self.ask(Asked::Stop { link });
        if let Some(ap) = self.ap_mut(link) {
            let clean_up = ap.level < LinkState::Connecting;
            ap.request = Some(Request::Stop { op, deadline, answered: false, clean_up, stoppers });
            ap.touch();
        }
    }

    /// Asks the platform for all that is wanted now.
    pub(super) fn make_requests(&mut self) {
        let links: Vec<Key> =
            self.configurations.keys().copied().filter(|key| self.ap(*key).is_some()).collect();
        for link in links.iter().copied() {
            match self.plan(link) {
                Plan::Nothing => {}
                Plan::Start => self.ask_start(link),
                Plan::Cancel => self.ask_cancel(link),
                Plan::Stop => self.ask_stop(link, Vec::new()),
                Plan::MakeRoom => {
                    self.ask_stop(link, Vec::new());
                    self.break_first(link);
                }
            }
        }
        for link in links {
            let is_held = !self.holders(link).is_empty();
            let Some(ap) = self.ap_mut(link) else { continue };
            ap.held = is_held;
            if is_held
                && ap.level == LinkState::Active
                && let Some(Request::Cancel { used, .. }) = &mut ap.request
            {
                *used = true;
            }
            // R-CLOSE-11; within its grace it has not fallen (R-LOSS-5).
            if !is_held && ap.level < LinkState::Connecting && ap.grace.is_none() && ap.request.is_none() {
                ap.ours = false;
            }
        }
    }

    /// Who leaves while a stop is under way, or a cancel of what does not show, has nothing to ask for: that is
    /// asked for already (R-CLOSE-10).
    pub(super) fn note_leavings(&mut self) -> bool {
        let mut has_ended = false;
        for link in self.configurations.keys().copied().collect::<Vec<Key>>() {
            let is_held = !self.holders(link).is_empty();
            let Some(ap) = self.ap_mut(link) else { continue };
            // R-LOSS-5: the last holder ends the grace.
            if ap.held && !is_held && ap.grace.take().is_some() {
                has_ended = true;
            }
            ap.held |= is_held;
            match ap.request {
                Some(Request::Stop { .. }) => ap.held &= is_held,
                Some(Request::Cancel { used: false, .. }) if ap.level < LinkState::Connecting => {
                    ap.held &= is_held;
                }
                Some(Request::Start { .. } | Request::Cancel { .. }) | None => {}
            }
        }
        has_ended
    }

    fn ask_start(&mut self, link: Key) {
        let op = self.ask(Asked::Start { link });
        if let Some(ap) = self.ap_mut(link) {
            ap.request = Some(Request::Start { op, answered: false });
            ap.ours = true;
            ap.touch();
        }
    }

    fn ask_cancel(&mut self, link: Key) {
        let deadline = self.now + self.config.stop_timeout;
        let Some(Request::Start { op: cancelled, .. }) = self.ap(link).and_then(|ap| ap.request.clone())
        else {
            return;
        };
        let op = self.ask(Asked::Cancel { link, cancelled });
        if let Some(ap) = self.ap_mut(link) {
            ap.request = Some(Request::Cancel { op, deadline, used: false });
        }
    }

    /// R-DEV-2: A goes down to make room for B, and can be restored.
    fn break_first(&mut self, link: Key) {
        for open in self.sessions.values_mut().filter_map(|session| session.open_mut()) {
            if open.a == link && open.dead == Dead::No && open.step.held().is_some() {
                open.dead = Dead::Restorable;
            }
        }
    }

    /// R-OPEN-10: a question that nobody needs any more is withdrawn.
    pub(super) fn withdraw_question(&mut self, number: u64) {
        let Some(Phase::Asking { op, .. }) = self.sessions.get(&number).map(|session| session.phase.clone())
        else {
            return;
        };
        let unasked = self.saying.asked.iter().position(|it| *it == Asked::Resolve { session: number });
        if unasked.is_none() {
            self.ask(Asked::CancelResolve { session: number, cancelled: op });
        }
    }

    /// Gives a request its number.
    pub(super) fn number(&mut self, before: OperationId, after: OperationId) {
        let mut ops = Vec::new();
        if let Some(update) = &mut self.update {
            ops.push(&mut update.op);
        }
        for session in self.sessions.values_mut() {
            if let Phase::Asking { op, .. } = &mut session.phase {
                ops.push(op);
            }
        }
        for configuration in self.configurations.values_mut() {
            if let super::Kind::AccessPoint(ap) = &mut configuration.kind
                && let Some(Request::Start { op, .. } | Request::Stop { op, .. } | Request::Cancel { op, .. }) =
                    &mut ap.request
            {
                ops.push(op);
            }
        }
        for op in ops.into_iter().filter(|op| **op == before) {
            *op = after;
        }
    }
}

/// R-CLOSE-8.
fn stops_at_the_last_close(ap: &AccessPoint) -> bool {
    ap.can_start_and_stop()
        && match ap.shutdown {
            ShutdownPolicy::OwnedOnly => ap.ours,
            ShutdownPolicy::LastClose => true,
            ShutdownPolicy::Never => false,
        }
}

/// Far above every number that is ever given.
pub(super) fn provisional(index: usize) -> OperationId {
    OperationId(u64::MAX - u64::try_from(index).unwrap_or(0))
}
