//! The driver's clock: CLOCK_MONOTONIC for the core, CLOCK_BOOTTIME to notice that the machine slept.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Readings of the two clocks lie apart by at most a preemption, which the comparison allows for; what is
/// left is the rounding of the clocks themselves.
const SLACK: Duration = Duration::from_millis(1);

/// The time slept since boot lies between these: the two clocks cannot be read at one moment.
type Bounds = (Duration, Duration);

/// Maps the system's clock to the core's instants, which count from the making of the driver.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// Tells how long the machine has slept.
    pub(crate) slept: fn() -> Bounds,
    /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC is the time that the machine has slept: at most this.
    slept_at_most: Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), slept: slept_bounds, slept_at_most: slept_bounds().1 }
    }

    /// The core's instant for a reading of the clock.
    pub(crate) fn core_instant(&self, at: Instant) -> netsession_core::Instant {
        netsession_core::Instant::ZERO + at.saturating_duration_since(self.origin)
    }

    /// The reading of the clock for an instant of the core; `None` if it lies beyond the clock's range.
    pub(crate) fn system_instant(&self, at: netsession_core::Instant) -> Option<Instant> {
        self.origin.checked_add(Duration::from_nanos(at.as_nanos()))
    }

    /// Whether the machine has slept since this was asked last.
    pub(crate) fn has_slept(&mut self) -> bool {
        let (at_least, at_most) = (self.slept)();
        let slept = at_least > self.slept_at_most + SLACK;
        self.slept_at_most = if slept { at_most } else { self.slept_at_most.min(at_most) };
        slept
    }
}

fn slept_bounds() -> Bounds {
    let before = read(ClockId::Monotonic);
    let boot = read(ClockId::Boottime);
    let after = read(ClockId::Monotonic);
    (boot.saturating_sub(after), boot.saturating_sub(before))
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_noticed_once_and_nothing_else_is_sleep() {
        let mut clock = Clock::new();
        assert!(!clock.has_slept());
        clock.slept = || {
            let (at_least, at_most) = slept_bounds();
            (at_least + Duration::from_secs(60), at_most + Duration::from_secs(60))
        };
        assert!(clock.has_slept());
        assert!(!clock.has_slept());
        clock.slept = slept_bounds;
        assert!(!clock.has_slept(), "nobody sleeps backwards");
    }

    #[test]
    fn instants_go_there_and_back() {
        let clock = Clock::new();
        let at = clock.origin + Duration::from_nanos(1_234_567);
        assert_eq!(clock.core_instant(at).as_nanos(), 1_234_567);
        assert_eq!(clock.system_instant(clock.core_instant(at)), Some(at));
    }
}
