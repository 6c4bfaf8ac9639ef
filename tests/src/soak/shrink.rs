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
    let mut shrink =
        Shrink { bytes: bytes.to_vec(), rule: violation.rule().to_owned(), runs_left: MOST_RUNS };
    let end = actions_at(bytes) + violation.after * ACTION;
    shrink.still_fails(|bytes| bytes.truncate(end));
    loop {
        let before = shrink.bytes.clone();
        shrink.leave_out_actions();
        for region in (0..3).rev() {
            shrink.leave_out_records(region);
        }
        shrink.tame_records();
        shrink.tame_bytes();
        if shrink.bytes == before || shrink.runs_left == 0 {
            return shrink.bytes;
        }
    }
}

struct Shrink {
    bytes: Vec<u8>,
    rule: String,
    runs_left: u32,
}

impl Shrink {
    /// Makes this change if the same rule is broken after it too.
    fn still_fails(&mut self, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut changed = self.bytes.clone();
        change(&mut changed);
        if changed == self.bytes || self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        let fails = run(&changed).is_err_and(|other| other.rule() == self.rule);
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
