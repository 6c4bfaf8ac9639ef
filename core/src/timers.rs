//! All deadlines of the machine, in one place, in the order in which they fire.
//!
//! The order of ties is that of the keys: access points in insertion order, sessions by number, the
//! update (R-GEN-2). Setting a deadline replaces the one under the same key; every deadline has a reason
//! to show when it is the next.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::{ConfigurationId, Instant, SessionId, Wake, WakeReason};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    AccessPoint(ConfigurationId, LinkTimer),
    Session(SessionId, SessionTimer),
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LinkTimer {
    /// A stop is not done, or a cancel not answered.
    Stop,
    /// A loss counts from now on.
    LossGrace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionTimer {
    /// The attempt on one member of a service network, or on the candidate of a migration.
    Attempt,
    /// The whole `open()`.
    Open,
    /// The user's choice.
    Ask,
    /// The application's answer to an offer or a trial.
    Answer,
    /// A lost link may have a successor.
    RescueGrace,
    /// A better member has been usable for long enough.
    HoldOff,
    /// A refusal by failure ends.
    Retry,
    /// The next try of a lost session.
    Reopen,
    /// `AutoCloseSessionTimeout`.
    AutoClose,
}

impl SessionTimer {
    /// All that end with what the session asked for.
    pub(crate) const OF_A_REQUEST: [Self; 8] = [
        Self::Attempt,
        Self::Open,
        Self::Ask,
        Self::Answer,
        Self::RescueGrace,
        Self::HoldOff,
        Self::Retry,
        Self::AutoClose,
    ];
}

impl Timer {
    const fn why(self) -> WakeReason {
        match self {
            Self::Session(_, SessionTimer::Attempt | SessionTimer::Open) => WakeReason::ConnectTimeout,
            Self::Session(_, SessionTimer::Ask) => WakeReason::AskTimeout,
            Self::Session(_, SessionTimer::Answer) => WakeReason::Answer,
            Self::Session(_, SessionTimer::RescueGrace) => WakeReason::RescueGrace,
            Self::Session(_, SessionTimer::HoldOff) => WakeReason::HoldOff,
            Self::Session(_, SessionTimer::Retry) => WakeReason::Retry,
            Self::Session(_, SessionTimer::Reopen) => WakeReason::Reopen,
            Self::Session(_, SessionTimer::AutoClose) => WakeReason::AutoClose,
            Self::AccessPoint(_, LinkTimer::Stop) => WakeReason::StopTimeout,
            Self::AccessPoint(_, LinkTimer::LossGrace) => WakeReason::LossGrace,
            Self::Update => WakeReason::UpdateTimeout,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    pub(crate) at: BTreeMap<Timer, Instant>,
    pub(crate) order: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Sets the deadline under this key, or clears it.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        let old = match at {
            Some(at) => self.at.insert(timer, at),
            None => self.at.remove(&timer),
        };
        if let Some(old) = old {
            self.order.remove(&(old, timer));
        }
        if let Some(at) = at {
            self.order.insert((at, timer));
        }
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        self.at.get(&timer).copied()
    }

    /// Takes out the first deadline that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }

    /// Whether a deadline at this time, under this key, would come before all that are set (R-GEN-2).
    pub(crate) fn is_first(&self, timer: Timer, at: Instant) -> bool {
        self.order.first().is_none_or(|&first| (at, timer) < first)
    }

    pub(crate) fn next(&self) -> Option<Wake> {
        self.order.first().map(|&(at, timer)| Wake { at, why: timer.why() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_by_time_then_by_key_and_once() {
        let mut timers = Timers::default();
        let session = |number| Timer::Session(SessionId { number, slot: 0, version: 0 }, SessionTimer::Open);
        let at = Instant::from_millis;
        timers.set(Timer::Update, Some(at(5)));
        timers.set(session(2), Some(at(5)));
        timers.set(session(1), Some(at(9)));
        timers.set(session(1), Some(at(5)));
        assert_eq!(timers.next(), Some(Wake { at: at(5), why: WakeReason::ConnectTimeout }));
        assert_eq!(timers.pop_due(at(4)), None);
        assert!(timers.is_first(session(2), at(4)) && timers.is_first(session(0), at(5)));
        assert!(!timers.is_first(session(1), at(5)) && !timers.is_first(session(0), at(6)));
        for expected in [session(1), session(2), Timer::Update] {
            assert_eq!(timers.pop_due(at(5)), Some(expected));
        }
        assert_eq!(timers.pop_due(at(99)), None);
    }
}
