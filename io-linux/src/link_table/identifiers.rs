//! Identifiers of links: they survive renames, and most of them reboots; never the interface index.
//!
//! A link is known by its permanent hardware address if no other link has the same, else by its parent
//! device if no other link has the same, else by the name it has when it is first seen. It keeps that
//! until it is gone. Where another link has taken it, a number is put behind it: `eth0#2`.

use std::collections::BTreeMap;

use netsession_core::Identifier;

use super::links::Link;

#[derive(Clone, Debug, Default)]
pub(super) struct Identifiers {
    index_by_id: BTreeMap<Identifier, u32>,
    /// How many links have it.
    permanent: BTreeMap<Identifier, u32>,
    parents: BTreeMap<Identifier, u32>,
}

impl Identifiers {
    pub(super) fn index_of(&self, id: &str) -> Option<u32> {
        self.index_by_id.get(id).copied()
    }

    /// A link has appeared. All of those that appear together come before [`give`](Self::give).
    pub(super) fn count(&mut self, link: &Link) {
        for (counts, value) in [(&mut self.permanent, link.permanent()), (&mut self.parents, link.parent())] {
            if let Some(value) = value {
                *counts.entry(value.clone()).or_default() += 1;
            }
        }
    }

    /// A link keeps the identifier that it had.
    pub(super) fn keep(&mut self, index: u32, id: &Identifier) {
        self.index_by_id.insert(id.clone(), index);
    }

    /// A new link gets an identifier.
    pub(super) fn give(&mut self, index: u32, link: &Link) -> Identifier {
        let is_only =
            |counts: &BTreeMap<Identifier, u32>, value: &&Identifier| counts.get(*value) == Some(&1);
        let wish = (link.permanent().filter(|address| is_only(&self.permanent, address)))
            .or_else(|| link.parent().filter(|device| is_only(&self.parents, device)))
            .unwrap_or(&link.name);
        let mut id = wish.clone();
        for number in 2_u64.. {
            if !self.index_by_id.contains_key(&id) {
                break;
            }
            id = format!("{wish}#{number}").into();
        }
        self.keep(index, &id);
        id
    }

    /// A link is gone.
    pub(super) fn release(&mut self, link: &Link) {
        if let Some(listing) = &link.listing {
            self.index_by_id.remove(&listing.id);
        }
        for (counts, value) in [(&mut self.permanent, link.permanent()), (&mut self.parents, link.parent())] {
            let Some(value) = value else { continue };
            match counts.get_mut(value) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(counts.remove(value)),
            }
        }
    }
}
