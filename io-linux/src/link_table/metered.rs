//! Which links are metered, and whether the core knows.
//!
//! What a table of the configuration says of it holds; where it says nothing, what a network manager says of the
//! link. The core is told what is different from what it was told before.

use netsession_core::UsagePolicies;

use super::*;

/// A link that is metered, as a network manager names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct MeteredLink {
    /// The name of its interface.
    pub interface: Identifier,
    /// Its hardware address; `None` if the name is enough.
    pub address: Option<Box<[u8]>>,
}

impl MeteredLink {
    /// The interface of this name, which has to have this hardware address if one is given.
    #[must_use]
    pub fn new(interface: &str, address: Option<Box<[u8]>>) -> Self {
        Self { interface: interface.into(), address }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Metered {
    said: BTreeSet<MeteredLink>,
    /// What the core takes for metered.
    told: BTreeSet<Identifier>,
}

impl Metered {
    fn names(&self, link: &Link) -> bool {
        let fits = |said: &&MeteredLink| {
            said.address.is_none() || said.address.as_deref() == Some(&*link.hardware_address)
        };
        let first = MeteredLink { interface: link.name.clone(), address: None };
        let named = self.said.range(first..).take_while(|said| said.interface == link.name);
        named.filter(fits).count() > 0
    }

    /// The core has removed it.
    pub(super) fn forget(&mut self, id: &Identifier) {
        self.told.remove(id);
    }
}

impl LinkTable {
    /// These are the links that a network manager takes for metered from now on.
    pub fn take_metered(&mut self, said: BTreeSet<MeteredLink>) {
        if self.metered.said != said {
            self.metered.said = said;
            self.review_all_policies();
        }
    }

    pub(super) fn review_all_policies(&mut self) {
        let Self { metered, identifiers, naming, .. } = self;
        metered.told.retain(|id| identifiers.index_of(id).is_some() || naming.has_told(id));
        let absent: Vec<Identifier> = self.absent().collect();
        absent.iter().for_each(|id| self.review_policies(id));
        self.indexes().into_iter().for_each(|index| self.review_policies_of(index));
    }

    pub(super) fn review_policies_of(&mut self, index: u32) {
        let listing = self.links.by_index.get(&index).and_then(|link| link.listing.as_ref());
        if let Some(id) = listing.map(|listing| listing.id.clone()) {
            self.review_policies(&id);
        }
    }

    /// Tells whether it is metered, if that has changed.
    pub(super) fn review_policies(&mut self, id: &Identifier) {
        let link = self.identifiers.index_of(id).and_then(|index| self.links.by_index.get(&index));
        let of_link = link.and_then(|link| link.listing.as_ref()).map(|listing| listing.table.as_ref());
        let table = of_link.unwrap_or(Some(id));
        let told = table.map(|table| self.naming.told_table(table));
        // In use under the name of a table that is gone: it stays what it is until it is not.
        let Some(table) = told.map_or(Some(None), |told| told.map(Some)) else { return };
        let configured = table.and_then(|table| table.metered);
        let is_metered = configured.unwrap_or_else(|| link.is_some_and(|link| self.metered.names(link)));
        if is_metered == self.metered.told.contains(id) {
            return;
        }
        if is_metered {
            self.metered.told.insert(id.clone());
        } else {
            self.metered.told.remove(id);
        }
        let mut policies = UsagePolicies::empty();
        policies.set(UsagePolicies::NO_BACKGROUND_TRAFFIC, is_metered);
        self.inputs.push_back(Input::Policies { id: id.clone(), policies });
    }
}
