//! Chance, from a seed and nothing else.

use core::ops::RangeInclusive;
use core::time::Duration;

/// A SplitMix64 generator (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// Not for secrets. The numbers of a seed never change between versions: a seed is a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// The generator of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if there is none. The bias of the remainder does not matter here.
    pub const fn below(&mut self, limit: u64) -> u64 {
        let number = self.number();
        if limit == 0 { 0 } else { number % limit }
    }

    /// True this many times in a thousand.
    pub const fn per_mille(&mut self, chance: u16) -> bool {
        self.below(1_000) < chance as u64
    }

    /// A span within the range, in whole microseconds from its start.
    pub fn span(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let width = range.end().saturating_sub(*range.start());
        let micros = u64::try_from(width.as_micros()).unwrap_or(u64::MAX);
        *range.start() + Duration::from_micros(self.below(micros.saturating_add(1)))
    }

    /// One of these, or `None` if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference numbers of the generator for seed 1234567.
    #[test]
    fn is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let numbers = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.number(), random.number(), random.number()], numbers);
    }

    #[test]
    fn stays_within_its_limits() {
        let mut random = Random::new(1);
        let range = Duration::from_millis(2)..=Duration::from_millis(3);
        for _ in 0..1_000 {
            assert!(random.below(7) < 7);
            assert!(range.contains(&random.span(&range)));
            assert!(!random.per_mille(0));
            assert!(random.per_mille(1_000));
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.span(&(Duration::ZERO..=Duration::ZERO)), Duration::ZERO);
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
