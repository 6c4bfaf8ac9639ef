//! Any bytes as what a kernel says of its links, and what this process does meanwhile.
//!
//! The bytes are a sequence of steps: datagrams of notifications, parts of a dump that is adopted when it is
//! complete, and requests of ours. A datagram is either put together from small choices, as a kernel would
//! do it, or the bytes as they stand. What holds of all bytes: nothing panics and nothing loops; nothing is
//! told to the core that cannot be ([`Belief`]); what was told is what a naive reader of the same messages
//! has ([`Kernel`]); a dump adopted at the end says the same as all the notifications before it; and a table
//! from which every link has gone is as good as a new one.

mod belief;
mod datagram;
mod kernel;

use std::time::{Duration, Instant};

use netsession_core::{Input, LinkState};
use netsession_io_linux::link_table::{DeviceType, LinkTable, Links, Phase};

use self::belief::Belief;
use self::datagram::Bytes;
use self::kernel::Kernel;

/// Feeds the bytes to a link table.
///
/// # Panics
/// If something of the above does not hold.
pub fn link_table(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let Some(first) = bytes.next() else { return };
    let mut run = Run::new(first % 2 == 0);
    while let Some(step) = Step::read(&mut bytes) {
        run.take(step);
        run.check();
    }
    run.end();
}

enum Step {
    Notified(Vec<u8>),
    Dumped(Vec<u8>),
    /// The dump is complete.
    Adopt,
    /// The dump goes back to where it had no addresses of one link, or of all.
    Forget(Option<u32>),
    Flush,
    Begin(u32, Phase, Option<Duration>),
    End(u32),
    Expire(Duration),
}

impl Step {
    fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(match bytes.next()? % 16 {
            0..=4 => Self::Notified(bytes.built_datagram()),
            5 | 6 => Self::Notified(bytes.raw_datagram()),
            7 | 8 => Self::Dumped(bytes.built_datagram()),
            9 => Self::Dumped(bytes.raw_datagram()),
            10 => Self::Adopt,
            11 => Self::Flush,
            12 => {
                let phases = [Phase::Starting, Phase::Equipping, Phase::Stopping, Phase::Returning];
                Self::Begin(bytes.index(), bytes.pick(&phases)?, bytes.optional_span())
            }
            13 => Self::End(bytes.index()),
            14 => Self::Expire(bytes.optional_span()?),
            _ => Self::Forget(Some(bytes.index()).filter(|index| *index != 0)),
        })
    }
}

/// A table beside all that it is compared with.
struct Run {
    table: LinkTable,
    belief: Belief,
    kernel: Kernel,
    /// What a driver would have that puts the same messages on a dump.
    links: Links,
    fresh: (Links, Kernel),
    notified: Vec<Vec<u8>>,
    began: Instant,
}

impl Run {
    fn new(can_start: bool) -> Self {
        Self {
            table: table(can_start),
            belief: Belief::default(),
            kernel: Kernel::default(),
            links: Links::default(),
            fresh: Default::default(),
            notified: Vec::new(),
            began: Instant::now(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Notified(datagram) => self.notify(datagram),
            Step::Dumped(datagram) => {
                self.fresh.0.take_in(&datagram);
                self.fresh.1.take_in(&datagram);
            }
            Step::Adopt => {
                (self.links, self.kernel) = std::mem::take(&mut self.fresh);
                self.table.adopt(self.links.clone());
            }
            Step::Forget(None) => {
                self.fresh.0.forget_addresses();
                self.fresh.1.forget_addresses(|_| true);
            }
            Step::Forget(Some(index)) => {
                self.fresh.0.forget_addresses_of(index);
                self.fresh.1.forget_addresses(|other| other == index);
            }
            Step::Flush => self.table.flush(),
            Step::Begin(index, phase, span) => {
                let until = span.and_then(|span| self.began.checked_add(span));
                self.table.begin(index, phase, until);
            }
            Step::End(index) => self.table.end(index),
            Step::Expire(span) => self.table.expire(self.began + span),
        }
    }

    fn notify(&mut self, datagram: Vec<u8>) {
        self.table.notify(&datagram);
        self.links.take_in(&datagram);
        self.kernel.take_in(&datagram);
        self.notified.push(datagram);
    }

    fn hear(&mut self) {
        inputs(&mut self.table).into_iter().for_each(|input| self.belief.take(input));
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.hear();
        let (believed, known) = (self.belief.indexes(), self.kernel.indexes());
        assert_eq!(believed, known, "the links that the core was told, and those that there are");
        for (id, believed) in &self.belief.by_id {
            let index = believed.index;
            let phase = self.table.phase(index);
            let level = self.kernel.level(index, phase, self.table.can_start());
            assert_eq!(Some(believed.level), level, "{id} with {phase:?} in {:?}", self.kernel);
            assert_eq!(self.table.level(index), level, "{id}: the table's word on what it told");
            assert_eq!(self.table.index_of(id), Some(index), "{id}");
            assert_eq!(self.table.name_of(index), Some(believed.name.as_str()), "{id}");
            assert_eq!(Some(&believed.name), self.kernel.name(index), "{id}");
            assert_eq!(self.table.is_up(index), level_is_up(&self.kernel, index), "{id}");
            assert!(self.table.named(&believed.name).contains(id), "{id} is not found by its name");
        }
    }

    /// What holds when all has been told.
    fn check_flushed(&mut self) {
        self.table.flush();
        self.check();
        for (id, believed) in &self.belief.by_id {
            assert_eq!(believed.addresses, self.kernel.addresses(believed.index), "{id}");
        }
    }

    fn end(mut self) {
        self.check_flushed();
        self.kernel.indexes().into_iter().for_each(|index| self.table.end(index));
        self.check();
        assert_eq!(self.table.next_deadline(), None, "all requests have ended");

        let mut other = table(self.table.can_start());
        other.adopt(self.links.clone());
        let mut adopted = Belief::default();
        inputs(&mut other).into_iter().for_each(|input| adopted.take(input));
        assert_eq!(adopted.by_index(), self.belief.by_index(), "a dump, and the notifications before it");

        let gone: Vec<_> = self.kernel.indexes().into_iter().map(datagram::deleted).collect();
        let notified = std::mem::take(&mut self.notified);
        gone.into_iter().for_each(|datagram| self.notify(datagram));
        self.check();
        assert!(self.belief.by_id.is_empty(), "left behind: {:?}", self.belief);
        let mut other = table(self.table.can_start());
        for datagram in notified {
            self.table.notify(&datagram);
            other.notify(&datagram);
            assert_eq!(
                inputs(&mut self.table),
                inputs(&mut other),
                "a table that was emptied, and a new one"
            );
        }
    }
}

fn table(can_start: bool) -> LinkTable {
    LinkTable::new(can_start, |_, name| match name.get(..2)? {
        "wl" => Some(DeviceType::Wlan),
        "ww" => Some(DeviceType::Wwan),
        _ => None,
    })
}

fn inputs(table: &mut LinkTable) -> Vec<Input> {
    std::iter::from_fn(|| table.next_input()).collect()
}

fn level_is_up(kernel: &Kernel, index: u32) -> bool {
    kernel.level(index, Some(Phase::Stopping), true) == Some(LinkState::Closing)
}
