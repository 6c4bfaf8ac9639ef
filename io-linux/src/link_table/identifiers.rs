//! Identifiers of links: they survive renames, and most of them reboots; never the interface index.
//!
//! A link is known by its permanent hardware address if no other link has the same, else by its parent
//! device if no other link has the same, else by the name it has when it is first seen. It keeps that
//! until it is gone. Where another link has taken it, a number is put behind it: `eth0#2`. A table of the
//! configuration that a link belongs to gives it another: see `naming`.

use std::collections::BTreeMap;

use netsession_core::Identifier;

use super::links::Link;

#[derive(Clone, Debug, Default)]
pub(super) struct Identifiers {
    index_by_id: BTreeMap<Identifier, u32>,
}

/// How many links have the same permanent address, and the same parent.
#[derive(Clone, Debug, Default)]
pub(super) struct Makes {
    permanent: BTreeMap<Identifier, u32>,
    parents: BTreeMap<Identifier, u32>,
}

impl Identifiers {
    pub(super) fn index_of(&self, id: &str) -> Option<u32> {
        self.index_by_id.get(id).copied()
    }

    /// A link keeps the identifier that it had.
    pub(super) fn keep(&mut self, index: u32, id: &Identifier) {
        self.index_by_id.insert(id.clone(), index);
    }

    /// A new link gets this identifier, or the first with a number behind it that no link has and that may be
    /// given.
    pub(super) fn give(
        &mut self,
        index: u32,
        wish: &Identifier,
        may_be_given: impl Fn(&Identifier) -> bool,
    ) -> Identifier {
        let mut id = wish.clone();
        for number in 2_u64.. {
            if !self.index_by_id.contains_key(&id) && may_be_given(&id) {
                break;
            }
            id = format!("{wish}#{number}").into();
        }
        self.keep(index, &id);
        id
    }

    /// A link is gone.
    pub(super) fn release(&mut self, id: &Identifier) {
        self.index_by_id.remove(id);
    }
}

impl Makes {
    /// A link is there.
    pub(super) fn count(&mut self, link: &Link) {
        for (counts, value) in self.of(link) {
            *counts.entry(value.clone()).or_default() += 1;
        }
    }

    /// A link is there no longer, or not as it was.
    pub(super) fn discount(&mut self, link: &Link) {
        for (counts, value) in self.of(link) {
            match counts.get_mut(value) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(counts.remove(value)),
            }
        }
    }

    /// What a link is called by itself. All those that appeared with it have been counted.
    pub(super) fn name_of<'a>(&self, link: &'a Link) -> &'a Identifier {
        self.only_one_of(link).unwrap_or(&link.name)
    }

    /// What no other link has.
    fn only_one_of<'a>(&self, link: &'a Link) -> Option<&'a Identifier> {
        let is_only =
            |counts: &BTreeMap<Identifier, u32>, value: &&Identifier| counts.get(*value) == Some(&1);
        (link.permanent().filter(|address| is_only(&self.permanent, address)))
            .or_else(|| link.parent().filter(|device| is_only(&self.parents, device)))
    }

    fn of<'a>(
        &mut self,
        link: &'a Link,
    ) -> impl Iterator<Item = (&mut BTreeMap<Identifier, u32>, &'a Identifier)> {
        [(&mut self.permanent, link.permanent()), (&mut self.parents, link.parent())]
            .into_iter()
            .filter_map(|(counts, value)| Some((counts, value?)))
    }
}
