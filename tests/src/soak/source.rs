//! Where a scenario is drawn from: bytes, cut into records of fixed width.
//!
//! A record decides one thing: the world's constants, one link, one service network, one action. So a byte
//! that changes changes one thing, and whole records can be left out, doubled and moved. A record that is
//! cut short goes on with zeros, and zero is the tamest choice there is. The `arbitrary` crate would do for
//! the numbers, but knows no records, and each of its draws is a `Result` that cannot fail here.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use netsession_io_sim::Random;

/// The widths of the records, in bytes.
const HEADER: usize = 64;
const LINK: usize = 32;
const NETWORK: usize = 16;
pub(super) const ACTION: usize = 8;

/// Which byte of the header has the number of links, of service networks, of sessions in the beginning.
const LINKS_AT: usize = 0;
const NETWORKS_AT: usize = 1;
const SESSIONS_AT: usize = 2;

/// One record that is being read.
#[derive(Debug)]
pub(super) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(super) const fn new(record: &'a [u8]) -> Self {
        Self(record)
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next two bytes as a number.
    pub(super) fn pair(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A number below `limit`, from one byte if that is enough; 0 if there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let drawn: usize = if limit <= 0x100 { self.byte().into() } else { self.pair().into() };
        if limit == 0 { 0 } else { drawn % limit }
    }

    /// True about this many times in a thousand; not for zero.
    pub(super) fn per_mille(&mut self, chance: u16) -> bool {
        u32::from(0xFF - self.byte()) * 1_000 < u32::from(chance) * 0x100
    }

    pub(super) fn pick<'b, T>(&mut self, from: &'b [T]) -> Option<&'b T> {
        from.get(self.below(from.len()))
    }

    /// One of these times; 0 if there are none.
    pub(super) fn millis(&mut self, from: &[u64]) -> Duration {
        Duration::from_millis(self.pick(from).copied().unwrap_or(0))
    }

    pub(super) fn span(&mut self, range: RangeInclusive<Duration>) -> Duration {
        let width = range.end().saturating_sub(*range.start());
        *range.start() + width * u32::from(self.pair()) / u32::from(u16::MAX)
    }

    /// What is left, in records of so many bytes.
    pub(super) fn take(&mut self, width: usize) -> Source<'a> {
        let (taken, rest) = self.0.split_at(width.min(self.0.len()));
        self.0 = rest;
        Source(taken)
    }
}

/// The bytes of a scenario, cut into records.
#[derive(Debug)]
pub(super) struct Records<'a> {
    pub(super) header: Source<'a>,
    pub(super) links: Vec<Source<'a>>,
    pub(super) networks: Vec<Source<'a>>,
    pub(super) sessions: usize,
    /// One that is cut short is none.
    pub(super) actions: std::slice::ChunksExact<'a, u8>,
}

impl<'a> Records<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let [links, networks, sessions] = Region::all(bytes).map(|region| region.count);
        let mut rest = Source(bytes);
        Self {
            header: rest.take(HEADER),
            links: (0..links).map(|_| rest.take(LINK)).collect(),
            networks: (0..networks).map(|_| rest.take(NETWORK)).collect(),
            sessions,
            actions: rest.0.chunks_exact(ACTION),
        }
    }
}

/// Records of one kind whose number stands in the header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// Which byte has the number, and what it means.
    number_at: usize,
    number: fn(u8) -> usize,
    start: usize,
    width: usize,
    pub(super) count: usize,
}

impl Region {
    /// The links, the service networks, and the sessions, which have no record.
    pub(super) fn all(bytes: &[u8]) -> [Self; 3] {
        let region = |number_at: usize, number: fn(u8) -> usize, start, width| {
            let count = number(bytes.get(number_at).copied().unwrap_or(0));
            Self { number_at, number, start, width, count }
        };
        let links = region(LINKS_AT, links, HEADER, LINK);
        let networks = region(NETWORKS_AT, networks, links.end(), NETWORK);
        [links, networks, region(SESSIONS_AT, sessions, networks.end(), 0)]
    }

    pub(super) const fn end(&self) -> usize {
        self.start + self.width * self.count
    }

    /// Leaves out these records. False where the header cannot say how many are left.
    pub(super) fn leave_out(&self, bytes: &mut Vec<u8>, gone: Range<usize>) -> bool {
        let left = self.count - gone.len();
        let Some(number) = (0..=u8::MAX).find(|&byte| (self.number)(byte) == left) else { return false };
        let place = |index: usize| (self.start + self.width * index).min(bytes.len());
        let (from, until) = (place(gone.start), place(gone.end));
        drop(bytes.drain(from..until));
        if let Some(byte) = bytes.get_mut(self.number_at) {
            *byte = number;
        }
        true
    }
}

/// Where the actions begin.
pub(super) fn actions_at(bytes: &[u8]) -> usize {
    let [_, networks, _] = Region::all(bytes);
    networks.end()
}

/// The start of each record of these bytes, and of pieces of the header past its numbers.
pub(super) fn starts(bytes: &[u8]) -> Vec<usize> {
    let [links, networks, _] = Region::all(bytes);
    let numbers = SESSIONS_AT + 1;
    let pieces = [(numbers, HEADER, 8), (HEADER, links.end(), LINK), (links.end(), networks.end(), NETWORK)];
    let actions = (networks.end(), bytes.len(), ACTION);
    pieces
        .into_iter()
        .chain([actions])
        .flat_map(|(from, until, width)| (from..until).step_by(width))
        .collect()
}

/// The bytes of a seed, with so many actions.
#[must_use]
pub fn bytes_of(seed: u64, actions: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes: Vec<u8> = (0..HEADER / 8).flat_map(|_| random.number().to_le_bytes()).collect();
    let wanted = actions_at(&bytes) + actions * ACTION;
    bytes.extend((0..wanted.div_ceil(8)).flat_map(|_| random.number().to_le_bytes()));
    bytes.truncate(wanted);
    bytes
}

/// One to fifty, mostly few.
fn links(byte: u8) -> usize {
    let byte = usize::from(byte);
    match byte {
        0..192 => 1 + byte % 5,
        192..240 => 6 + (byte - 192) / 6,
        _ => 14 + (byte - 240) * 12 / 5,
    }
}

/// None to ten, mostly few.
fn networks(byte: u8) -> usize {
    let byte = usize::from(byte);
    if byte < 224 { byte % 4 } else { (4 + (byte - 224) / 5).min(10) }
}

/// How many sessions there are in the beginning: none to two hundred, mostly few.
fn sessions(byte: u8) -> usize {
    let byte = usize::from(byte);
    match byte {
        0..128 => 0,
        128..232 => 1 + byte % 6,
        232..250 => 7 + (byte - 232) * 2,
        _ => 50 + (byte - 250) * 30,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_are_mostly_small_and_sometimes_large() {
        let most = |of: fn(u8) -> usize| (0..=u8::MAX).map(of).max();
        assert_eq!([most(links), most(networks), most(sessions)], [Some(50), Some(10), Some(200)]);
        let few = |of: fn(u8) -> usize| (0..=u8::MAX).filter(|&byte| of(byte) < 6).count();
        assert!([few(links), few(networks), few(sessions)].iter().all(|&few| few > 190));
    }

    #[test]
    fn a_record_that_ends_goes_on_with_zeros() {
        let mut source = Source::new(&[7, 1]);
        assert_eq!((source.below(5), source.pair(), source.byte()), (2, 1, 0));
        assert_eq!((source.below(0), source.pick::<u8>(&[]), source.per_mille(990)), (0, None, false));
    }

    fn counts(bytes: &[u8]) -> [usize; 3] {
        Region::all(bytes).map(|region| region.count)
    }

    #[test]
    fn what_is_left_out_leaves_the_rest_as_it_was() {
        // Five links, three service networks.
        let bytes: Vec<u8> = [4, 3, 0].into_iter().chain(3..=u8::MAX).cycle().take(400).collect();
        let mut less = bytes.clone();
        let [links, ..] = Region::all(&bytes);
        assert!(links.leave_out(&mut less, 1..3));
        assert_eq!((counts(&bytes), counts(&less)), ([5, 3, 0], [3, 3, 0]));
        assert_eq!(less[HEADER..HEADER + LINK], bytes[HEADER..HEADER + LINK]);
        assert_eq!(less[HEADER + LINK..], bytes[HEADER + 3 * LINK..]);
        assert_eq!(starts(&less).last().map(|start| less.len() - start), Some(ACTION));
    }

    #[test]
    fn each_scenario_has_the_records_that_its_header_names() {
        for seed in 0..100 {
            let bytes = bytes_of(seed, 9);
            let records = Records::of(&bytes);
            assert_eq!(records.actions.len(), 9);
            assert_eq!([records.links.len(), records.networks.len(), records.sessions], counts(&bytes));
        }
        assert_eq!(Records::of(&[]).actions.len(), 0);
    }
}
