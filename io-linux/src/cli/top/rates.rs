//! Byte rates over time, from counters that are read now and then.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use netsession_core::Identifier;

use super::super::journal::Counters;

/// More than any terminal has columns.
const KEPT: usize = 512;

/// Bytes in a second, received and sent.
pub(super) type Rate = (u64, u64);

/// The rates of each link, the newest last.
#[derive(Debug, Default)]
pub(super) struct Rates {
    links: BTreeMap<Identifier, Link>,
}

#[derive(Debug)]
struct Link {
    read_at: Instant,
    counted: (u64, u64),
    rates: VecDeque<Rate>,
}

impl Rates {
    /// Takes in counters that were read at `now`. A link that is not among them any more is forgotten.
    pub(super) fn take(&mut self, counters: &Counters, now: Instant) {
        self.links.retain(|id, _| counters.contains_key(id));
        for (id, counted) in counters {
            let Some(link) = self.links.get_mut(id) else {
                let link = Link { read_at: now, counted: *counted, rates: VecDeque::new() };
                self.links.insert(id.clone(), link);
                continue;
            };
            let passed = now.saturating_duration_since(link.read_at);
            if link.rates.len() == KEPT {
                link.rates.pop_front();
            }
            link.rates.push_back((
                rate(counted.0, link.counted.0, passed),
                rate(counted.1, link.counted.1, passed),
            ));
            (link.read_at, link.counted) = (now, *counted);
        }
    }

    /// The latest of a link, if its counters were read twice.
    pub(super) fn latest(&self, id: &str) -> Option<Rate> {
        self.links.get(id)?.rates.back().copied()
    }

    /// As many of a link as there are, the newest first.
    pub(super) fn newest_first(&self, id: &str) -> impl Iterator<Item = Rate> {
        self.links.get(id).into_iter().flat_map(|link| link.rates.iter().rev().copied())
    }
}

/// Bytes in a second. A counter that went backwards belongs to another link of the same name.
fn rate(now: u64, before: u64, passed: Duration) -> u64 {
    let moved = u128::from(now.saturating_sub(before)) * 1_000_000;
    u64::try_from(moved / passed.as_micros().max(1)).unwrap_or(u64::MAX)
}

/// A rate for people.
pub(super) fn written(bytes: u64) -> String {
    let units = ["kB/s", "MB/s", "GB/s", "TB/s"];
    if bytes < 1000 {
        return format!("{bytes} B/s");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_was_moved_in_the_time_between() {
        let (mut rates, began) = (Rates::default(), Instant::now());
        let mut read = |after_ms, counted: Option<(u64, u64)>| {
            let counters = counted.map(|counted| (Identifier::from("eth0"), counted)).into_iter().collect();
            rates.take(&counters, began + Duration::from_millis(after_ms));
            (rates.latest("eth0"), rates.newest_first("eth0").count())
        };
        assert_eq!(read(0, Some((1000, 50))), (None, 0));
        assert_eq!(read(500, Some((3000, 50))), (Some((4000, 0)), 1));
        assert_eq!(read(1500, Some((3001, 2050))), (Some((1, 2000)), 2));
        // Another link of that name, which begins anew.
        assert_eq!(read(2500, Some((10, 10))), (Some((0, 0)), 3));
        assert_eq!(read(3500, None), (None, 0));
    }

    #[test]
    fn rates_are_short() {
        let all = [0, 999, 1000, 999_949, 1_000_000, 12_345_678, 5_000_000_000_000_000].map(written);
        assert_eq!(
            all,
            ["0 B/s", "999 B/s", "1.0 kB/s", "999.9 kB/s", "1.0 MB/s", "12.3 MB/s", "5000.0 TB/s"]
        );
    }
}
