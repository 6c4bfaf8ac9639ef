//! Watching a link that is down: without being up it shows no carrier, so nobody knows whether it could be
//! used.
//!
//! A watch brings such a link up and gives it nothing, so that it becomes Discovered with carrier and Defined
//! without; IPv6 is kept from giving it addresses meanwhile (see `hush`). The end of the watch takes it down again, unless
//! somebody uses it by then. A start takes over what the watch did: the link then counts as one that the start brought
//! up.

use netsession_core::{Identifier, LinkState};

use super::Rtnetlink;
use super::jobs::{Action, Job};

impl Rtnetlink {
    pub(super) fn watch(&mut self, id: &Identifier) {
        let index = self.table.index_of(id).filter(|index| self.watches(*index) && self.table.can_start());
        if let Some(index) = index {
            self.enqueue_on(index, Job::new(None, Action::Watch));
        }
    }

    fn watches(&self, index: u32) -> bool {
        let said = self.table.table_of(index).and_then(|table| table.watch_carrier);
        said.unwrap_or(self.is_watching)
    }

    /// Ends a watch when all requests have been made: one of them may be the start that takes it over, and then
    /// nothing is left to undo.
    pub(super) fn unwatch(&mut self, id: Identifier) {
        self.unwatched.push(id);
    }

    pub(super) fn end_watches(&mut self) {
        for id in std::mem::take(&mut self.unwatched) {
            if let Some(index) = self.table.index_of(&id).filter(|index| self.given.contains_key(index)) {
                self.enqueue_on(index, Job::new(None, Action::Unwatch));
            }
        }
    }

    /// Whether nobody uses a link that a watch has brought up. That it is up may still have to be read.
    pub(super) fn is_idle(&self, index: u32) -> bool {
        !matches!(self.table.level(index), Some(LinkState::Connecting | LinkState::Active))
    }

    /// What somebody has taken down meanwhile is no longer up by a watch.
    pub(super) fn forget_watches(&mut self) {
        let Self { given, table, jobs, .. } = self;
        let mut ended = Vec::new();
        for (index, given) in given.iter_mut().filter(|(index, _)| !jobs.contains_key(index)) {
            if given.is_up_by_watch && !table.is_up(*index) {
                given.is_up_by_watch = false;
                ended.push(*index);
            }
        }
        for index in ended {
            self.enqueue_on(index, Job::new(None, Action::Unwatch));
        }
    }
}
