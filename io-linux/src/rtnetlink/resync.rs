//! Looking at everything again: at the beginning, after lost notifications, after a sleep of the machine,
//! and for an update.
//!
//! Links are dumped, then addresses. While a dump runs no notification is read; after it those that have
//! come are put on top of it before the core is told, so that old ones do not replay as flaps. The last
//! notification about a link is never older than the dump, whatever came before it.
//!
//! A dump that was changed while it was read is not complete. Links are dumped again. Addresses change too
//! fast for that: a storm interrupts every dump of them, and kernels that dump without their big lock do not
//! always say so. But a link whose addresses did not change was dumped whole, and those that did are named
//! by notifications: only these are dumped again, one by one.

use std::collections::BTreeSet;

use netsession_core::{Input, Outcome};
use rustix::io::Errno;

use super::{RETRY_AT_FIRST, Rtnetlink};
use crate::Error;
use crate::link_table::Links;
use crate::netlink::{Message, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, answer, messages, request};

pub(super) enum Resync {
    /// The table is what the kernel says.
    Settled,
    /// Nothing is known, or notifications were lost: those that are left are void. A dump follows.
    Lost,
    Dumping(Dump),
    /// The dump is there; notifications that came meanwhile go on top of it.
    Draining(Fresh),
}

/// Fewer addresses come in one part, which cannot be changed while it is read.
const ADDRESSES_IN_ONE_PART: usize = 100;

pub(super) struct Dump {
    sequence: u32,
    stage: Stage,
    rows: usize,
    is_interrupted: bool,
    fresh: Fresh,
}

enum Stage {
    Links,
    Addresses,
    /// The addresses of one link, then of the others.
    AddressesOf {
        index: u32,
        others: BTreeSet<u32>,
    },
}

/// What has been dumped so far.
#[derive(Default)]
pub(super) struct Fresh {
    links: Links,
    /// Notifications were put on top of it.
    is_touched: bool,
    /// Addresses that changed while they were dumped may be missing.
    doubt: Option<Doubt>,
}

#[derive(Default)]
struct Doubt {
    /// Links whose addresses have changed since the dump began, or before.
    named: BTreeSet<u32>,
    is_interrupted: bool,
    /// Links have come or gone, which moves the place at which a dump goes on.
    has_moved: bool,
}

impl Resync {
    pub(super) fn is_dumped_by(&self, message: &Message<'_>) -> bool {
        matches!(self, Self::Dumping(dump) if dump.sequence == message.sequence)
    }
}

impl Fresh {
    pub(super) fn take_in(&mut self, datagram: &[u8]) {
        self.is_touched = true;
        for message in messages(datagram) {
            let has_moved = self.links.take_message(&message);
            if let Some(doubt) = &mut self.doubt {
                doubt.has_moved |= has_moved;
                doubt.named.extend(Links::addresses_named_by(&message));
            }
        }
    }
}

impl Rtnetlink {
    pub(super) fn on_dump_message(&mut self, message: &Message<'_>) -> Result<(), Error> {
        let Resync::Dumping(dump) = &mut self.resync else { return Ok(()) };
        dump.is_interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
        if !matches!(message.kind, NLMSG_DONE | NLMSG_ERROR) {
            dump.rows += 1;
            dump.fresh.links.take_message(message);
            return Ok(());
        }
        match (answer(message), &dump.stage) {
            (Ok(()), _) => {}
            // It has gone meanwhile, as a notification will tell.
            (Err(failure), Stage::AddressesOf { .. }) if failure.error == Errno::NODEV => {}
            (Err(failure), _) => {
                let doing = "list the links and their addresses";
                return Err(Error::Kernel { doing, reason: failure.to_string() });
            }
        }
        self.next_stage()
    }

    fn next_stage(&mut self) -> Result<(), Error> {
        let Resync::Dumping(dump) = std::mem::replace(&mut self.resync, Resync::Lost) else { return Ok(()) };
        let Dump { stage, rows, is_interrupted, mut fresh, .. } = dump;
        match (stage, is_interrupted) {
            (Stage::Links, true) => return self.dump(Stage::Links, Fresh::default()),
            (Stage::Links, false) => return self.dump(Stage::Addresses, fresh),
            (Stage::Addresses, _) => fresh.doubt = Some(Doubt { is_interrupted, ..Doubt::default() }),
            (Stage::AddressesOf { index, mut others }, _) => {
                if is_interrupted {
                    others.insert(index);
                } else if rows > ADDRESSES_IN_ONE_PART {
                    fresh.doubt = Some(Doubt::default());
                }
                return self.dump_addresses_of(others, fresh);
            }
        }
        self.resync = Resync::Draining(fresh);
        Ok(())
    }

    /// All notifications have been read. `false` if nothing is left to do.
    pub(super) fn on_quiet(&mut self) -> Result<bool, Error> {
        match std::mem::replace(&mut self.resync, Resync::Settled) {
            Resync::Draining(mut fresh) => match fresh.doubt.take() {
                Some(doubt) if doubt.is_interrupted && doubt.has_moved => {
                    fresh.links.forget_addresses();
                    self.dump(Stage::Addresses, fresh)?;
                }
                Some(mut doubt) => {
                    doubt.named.retain(|index| fresh.links.contains(*index));
                    self.dump_addresses_of(doubt.named, fresh)?;
                }
                None => self.adopt(fresh),
            },
            Resync::Settled if !self.is_resync_wanted => return Ok(false),
            Resync::Settled | Resync::Lost | Resync::Dumping(_) => {
                self.is_resync_wanted = false;
                self.running_updates.append(&mut self.waiting_updates);
                self.dump(Stage::Links, Fresh::default())?;
            }
        }
        Ok(true)
    }

    pub(super) fn on_lost(&mut self) {
        self.lost_notifications += 1;
        // A whole dump that nothing was put on is as good as the moment it was made; without this a storm
        // that loses notifications all the time would keep the core from learning anything.
        if let Resync::Draining(fresh) = std::mem::replace(&mut self.resync, Resync::Lost)
            && !fresh.is_touched
            && !fresh.doubt.as_ref().is_some_and(|doubt| doubt.is_interrupted)
        {
            self.adopt(fresh);
        }
    }

    fn adopt(&mut self, fresh: Fresh) {
        self.table.adopt(fresh.links);
        if self.resyncs == 0 {
            self.take_over();
        }
        self.resyncs += 1;
        self.retry_after = RETRY_AT_FIRST;
        self.is_resync_wanted |= !self.waiting_updates.is_empty();
        for op in std::mem::take(&mut self.running_updates) {
            self.answers.push_back(Input::Completed { op, result: Outcome::Ok, reason: None });
        }
    }

    /// Goes on with the first of these links; when none is left the dump is complete.
    fn dump_addresses_of(&mut self, mut links: BTreeSet<u32>, mut fresh: Fresh) -> Result<(), Error> {
        let Some(index) = links.pop_first() else {
            self.resync = Resync::Draining(fresh);
            return Ok(());
        };
        fresh.links.forget_addresses_of(index);
        self.dump(Stage::AddressesOf { index, others: links }, fresh)
    }

    fn dump(&mut self, stage: Stage, fresh: Fresh) -> Result<(), Error> {
        let sequence = self.next_sequence();
        let request = match &stage {
            Stage::Links => request::dump_links(sequence),
            Stage::Addresses => request::dump_addresses(sequence, None),
            Stage::AddressesOf { index, .. } => request::dump_addresses(sequence, Some(*index)),
        };
        let Some(sockets) = &self.sockets else { return Ok(()) };
        sockets.requests.send(&request).map_err(|e| Error::system("ask rtnetlink for all links", e))?;
        self.resync = Resync::Dumping(Dump { sequence, stage, rows: 0, is_interrupted: false, fresh });
        Ok(())
    }
}
