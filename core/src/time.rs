//! Time as the machine sees it: an argument, never a clock.
//!
//! [`Instant`] counts nanoseconds from an origin that the caller chooses once (R-GEN-2). Spans are
//! [`core::time::Duration`]. All arithmetic saturates: no input can make it overflow (R-GEN-6).

use core::fmt;
use core::time::Duration;

/// A point in time: nanoseconds since an origin of the caller's choice.
///
/// A driver takes a monotonic clock that keeps still while the machine sleeps (`CLOCK_MONOTONIC`);
/// a simulator counts from zero.
///
/// ```
/// use core::time::Duration;
/// use netsession_core::Instant;
///
/// let start = Instant::from_millis(1_500);
/// assert_eq!((start + Duration::from_millis(500)).as_nanos(), 2_000_000_000);
/// assert_eq!(start.to_string(), "1500");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was, zero if it lies ahead.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// Milliseconds with as many decimals as needed and no more, as the trace writes them.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millis, mut rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{millis}")?;
        if rest == 0 {
            return Ok(());
        }
        let mut digits = 6;
        while rest % 10 == 0 {
            rest /= 10;
            digits -= 1;
        }
        write!(f, ".{rest:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn shortest_milliseconds() {
        for (nanos, text) in [(0, "0"), (1, "0.000001"), (1_500_000, "1.5"), (5_002_000_000, "5002")] {
            assert_eq!(Instant::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn never_overflows() {
        let last = Instant::from_nanos(u64::MAX);
        assert_eq!(last + Duration::MAX, last);
        assert_eq!(Instant::ZERO.saturating_since(last), Duration::ZERO);
    }
}
