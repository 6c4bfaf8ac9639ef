//! Makes the bytes of a run that breaks a rule shorter and tamer, while it still breaks that rule.

use super::source::{ACTION, Region, actions_at, starts};
use super::{Violation, run};

/// So many runs are tried; a scenario that is slow to fail ends up longer than it could be.
const MOST_RUNS: u32 = 20_000;
/// A byte that cannot be zero may be one of these.
const TAME: [u8; 4] = [0, 1, 2, 3];

/// The same with as much left out, and as tame, as still breaks that rule.
#[must_use]
pub fn shortened(bytes: &[u8], violation: &Violation) -> Vec<u8> {
    let end = actions_at(bytes) + violation.after * ACTION;
    let breaks_it = |bytes: &[u8]| run(bytes).is_err_and(|other| other.rule() == violation.rule());
    Shrink { bytes: bytes.to_vec(), fails: breaks_it, runs_left: MOST_RUNS }.shortest(end)
}

struct Shrink<F> {
    bytes: Vec<u8>,
    fails: F,
    runs_left: u32,
}

impl<F: Fn(&[u8]) -> bool> Shrink<F> {
    fn shortest(mut self, end: usize) -> Vec<u8> {
        self.still_fails(|bytes| bytes.truncate(end));
        loop {
            let before = self.bytes.clone();
            self.leave_out_actions();
            for region in (0..3).rev() {
                self.leave_out_records(region);
            }
            self.tame_records();
            self.tame_bytes();
            if self.bytes == before || self.runs_left == 0 {
                return self.bytes;
            }
        }
    }

    /// Makes this change if it fails after it too.
    fn still_fails(&mut self, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut changed = self.bytes.clone();
        change(&mut changed);
        if changed == self.bytes || self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        let fails = (self.fails)(&changed);
        if fails {
            self.bytes = changed;
        }
        fails
    }

    fn leave_out_actions(&mut self) {
        let first = actions_at(&self.bytes);
        let mut chunk = self.bytes.len().saturating_sub(first) / ACTION;
        while chunk > 0 {
            let mut from = first;
            while from < self.bytes.len() {
                let until = (from + chunk * ACTION).min(self.bytes.len());
                if !self.still_fails(|bytes| drop(bytes.drain(from..until))) {
                    from += chunk * ACTION;
                }
            }
            chunk /= 2;
        }
    }

    /// Links, service networks or sessions: all from some place on, then one by one.
    fn leave_out_records(&mut self, region: usize) {
        let count = |bytes: &[u8]| Region::all(bytes).get(region).map_or(0, |region| region.count);
        for first in 0..count(&self.bytes) {
            let last = count(&self.bytes);
            if self.leave_out(region, first..last) {
                break;
            }
        }
        for index in (0..count(&self.bytes)).rev() {
            self.leave_out(region, index..index + 1);
        }
    }

    fn leave_out(&mut self, region: usize, gone: std::ops::Range<usize>) -> bool {
        self.still_fails(|bytes| {
            if let Some(region) = Region::all(bytes).get(region) {
                region.leave_out(bytes, gone);
            }
        })
    }

    /// Sets whole records to zero, and pieces of the header.
    fn tame_records(&mut self) {
        let mut starts = starts(&self.bytes);
        starts.push(self.bytes.len());
        for piece in starts.windows(2) {
            let &[from, until] = piece else { continue };
            self.still_fails(|bytes| bytes.iter_mut().take(until).skip(from).for_each(|byte| *byte = 0));
        }
    }

    fn tame_bytes(&mut self) {
        let first = starts(&self.bytes).first().copied().unwrap_or(0);
        for at in first..self.bytes.len() {
            let old = self.bytes.get(at).copied().unwrap_or(0);
            let _ = TAME.into_iter().filter(|&tame| tame < old).any(|tame| {
                self.still_fails(|bytes| bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = tame))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Command, Scenario, bytes_of};
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let drops = |action: &Action| matches!(action, Action::Command(Command::Drop, _));
        let fails = |bytes: &[u8]| {
            let scenario = Scenario::decode(bytes);
            scenario.specification.access_points.len() > 2 && scenario.actions.iter().any(drops)
        };
        let bytes = (0..).map(|seed| bytes_of(seed, 100)).find(|bytes| fails(bytes)).unwrap();
        let end = bytes.len();
        let shortest = Shrink { bytes, fails, runs_left: MOST_RUNS }.shortest(end);
        let scenario = Scenario::decode(&shortest);
        assert_eq!(scenario.specification.access_points.len(), 3);
        assert_eq!(scenario.specification.service_networks.len(), 0);
        assert!(matches!(&*scenario.actions, [Action::Command(Command::Drop, 0)]), "{:?}", scenario.actions);
        let not_zero = shortest.iter().filter(|&&byte| byte != 0).count();
        assert_eq!(not_zero, 3, "the number of links, the kind of action, the command: {shortest:?}");
    }
}
