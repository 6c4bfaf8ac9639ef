//! What a configuration says of links: which are called so, which are no access points, and what is told of
//! those that are absent.
//!
//! A table's own identifier is the core's for as long as the table is there: Defined while no link has it.
//! Further links of a table for many get numbers behind it and come and go like those without a table.

use std::collections::{BTreeMap, VecDeque};

use super::kind::ARPHRD_ETHER;
use super::*;
use crate::configuration::{AccessPoint, Addresses, Conflict, Facts, Owner, Postponed};

/// Who does not ask for them loses the oldest.
const CONFLICTS_KEPT: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Naming {
    configuration: Rc<Configuration>,
    /// The tables whose identifiers the core knows, as it was told of them.
    told: BTreeMap<Identifier, AccessPoint>,
    conflicts: VecDeque<Conflict>,
    is_to_be_reviewed: bool,
    is_new: bool,
}

impl Default for Naming {
    fn default() -> Self {
        let mut configuration = Configuration::default();
        configuration.ignored.defaults = false;
        Self {
            configuration: Rc::new(configuration),
            told: BTreeMap::new(),
            conflicts: VecDeque::new(),
            is_to_be_reviewed: false,
            is_new: false,
        }
    }
}

impl Naming {
    /// Whether the core knows this as the identifier of a table.
    pub(super) fn has_told(&self, id: &str) -> bool {
        self.told.contains_key(id)
    }

    /// A table as the core was told of it.
    pub(super) fn told_table(&self, id: &str) -> Option<&AccessPoint> {
        self.told.get(id)
    }

    fn table_of(&self, link: &Link) -> Option<&AccessPoint> {
        self.told.get(link.listing.as_ref()?.table.as_ref()?)
    }

    /// What the kernel says of a link, and over it what its table does.
    pub(super) fn settings(&self, link: &Link, kernel: Settings) -> Settings {
        let Some((table, listing)) = self.table_of(link).zip(link.listing.as_ref()) else { return kernel };
        over(kernel, table.settings(&listing.id))
    }

    fn note(&mut self, conflict: Conflict) {
        if !self.conflicts.contains(&conflict) {
            self.conflicts.push_back(conflict);
            self.conflicts.truncate(CONFLICTS_KEPT);
        }
    }
}

impl LinkTable {
    /// Takes this for what the links are called from now on. It holds for those that are known with the next
    /// [`adapt`](Self::adapt).
    pub fn configure(&mut self, configuration: Rc<Configuration>) {
        self.naming.configuration = configuration;
        self.naming.is_to_be_reviewed = true;
        self.naming.is_new = true;
    }

    /// Whether links may have to be called something else: [`adapt`](Self::adapt) is due.
    #[must_use]
    pub const fn is_to_be_adapted(&self) -> bool {
        self.naming.is_to_be_reviewed
    }

    /// The table of the configuration that the link of an interface belongs to.
    #[must_use]
    pub fn table_of(&self, index: u32) -> Option<&AccessPoint> {
        let table = self.links.by_index.get(&index)?.listing.as_ref()?.table.as_ref()?;
        self.naming.configuration.access_point(table)
    }

    /// The identifiers that the links of a table have, its own first.
    #[must_use]
    pub fn links_of(&self, table: &str) -> Vec<Identifier> {
        let listings = self.links.by_index.values().filter_map(|link| link.listing.as_ref());
        let own = listings.filter(|it| it.table.as_deref() == Some(table) && it.id != *table);
        let mut ids: Vec<Identifier> = own.map(|listing| listing.id.clone()).collect();
        // `wifi#10` after `wifi#9`.
        ids.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        ids.insert(0, table.into());
        ids
    }

    /// The next interface that does not fit the tables.
    pub fn next_conflict(&mut self) -> Option<Conflict> {
        self.naming.conflicts.pop_front()
    }

    /// Calls the links what the configuration calls them now, and tells the core what is different. What is in use
    /// keeps its identifier; that and all else that has to wait is the answer.
    pub fn adapt(&mut self, in_use: &dyn Fn(&Identifier) -> bool) -> Vec<Postponed> {
        self.naming.is_to_be_reviewed = false;
        self.forget_tables();
        let mut postponed = Vec::new();
        // First what belongs to a table and should not, so that its identifier is free for another.
        for has_table in [true, false] {
            for index in self.indexes() {
                let is_meant =
                    |it: &&Listing| it.table.is_some() == has_table && !self.is_called_rightly(index, it);
                let Some(listing) = self.links.by_index.get(&index).and_then(|it| it.listing.as_ref()) else {
                    continue;
                };
                if !is_meant(&listing) {
                    continue;
                }
                let id = listing.id.clone();
                if in_use(&id) || self.phases.contains_key(&index) {
                    postponed.push(Postponed::InUse(id));
                } else if !self.waits_for_another(index, in_use) {
                    self.unlist(index);
                }
            }
        }
        self.tell_tables(&mut postponed);
        for index in self.indexes() {
            if self.links.by_index.get(&index).is_some_and(|link| link.listing.is_none()) {
                self.add(index);
            }
        }
        if std::mem::take(&mut self.naming.is_new) {
            self.indexes().into_iter().for_each(|index| self.note_conflicts(index));
        }
        self.review_all_policies();
        postponed.dedup();
        postponed
    }

    /// Identifiers of tables that no link has.
    pub(super) fn absent(&self) -> impl Iterator<Item = Identifier> {
        self.naming.told.keys().filter(|id| self.identifiers.index_of(id).is_none()).cloned()
    }

    /// A link got another name, by which it may belong to another table.
    pub(super) fn reconsider(&mut self, index: u32) {
        let Some(link) = self.links.by_index.get(&index) else { return };
        let is_right = match &link.listing {
            // It keeps what it was called by a table: an identifier outlives a name.
            Some(listing) => listing.table.is_some() || self.is_called_rightly(index, listing),
            None => self.owner(index).0 == Owner::Ignored,
        };
        self.naming.is_to_be_reviewed |= !is_right;
    }

    /// A link of a table may have gone, and another may be what it was.
    pub(super) fn reconsider_all(&mut self) {
        if !self.naming.configuration.access_points.is_empty() {
            self.indexes().into_iter().for_each(|index| self.reconsider(index));
        }
    }

    /// What a new link is called, its table, and what it is; `None` if it is ignored.
    pub(super) fn identify(&mut self, index: u32) -> Option<(Identifier, Option<Identifier>, Class)> {
        let link = self.links.by_index.get(&index)?;
        let class = self.class_of(index, link);
        let configuration = Rc::clone(&self.naming.configuration);
        let (owner, _) = configuration.owner(&facts(link, class));
        let wish = self.links.makes.name_of(link).clone();
        let table = match owner {
            Owner::Ignored => return None,
            Owner::Itself => None,
            // Until the core can be told of it nothing belongs to it.
            Owner::Table(table) => self.naming.told.contains_key(&table.id).then_some(table),
        };
        let holder = table.filter(|it| it.is_for_one()).and_then(|it| self.identifiers.index_of(&it.id));
        let own = table.filter(|_| holder.is_none());
        let may_be_given =
            |id: &Identifier| own.is_some_and(|it| it.id == *id) || !configuration.reserves(id);
        let id = self.identifiers.give(index, own.map_or(&wish, |it| &it.id), may_be_given);
        Some((id, own.map(|it| it.id.clone()), class))
    }

    /// Notes what does not fit about a link that is listed.
    pub(super) fn note_conflicts(&mut self, index: u32) {
        let (Owner::Table(table), other) = self.owner(index) else { return };
        let Some(link) = self.links.by_index.get(&index) else { return };
        let two_tables = other.map(|other| Conflict::TwoTables {
            interface: link.name.clone(),
            first: table.id.clone(),
            second: other.id.clone(),
        });
        let holder = self.identifiers.index_of(&table.id).filter(|holder| *holder != index);
        let holder = holder.filter(|holder| table.is_for_one() && self.belongs_to(*holder, &table.id));
        let two_interfaces =
            holder.zip(link.listing.as_ref()).map(|(holder, listing)| Conflict::TwoInterfaces {
                access_point: table.id.clone(),
                first: self.name_of(holder).unwrap_or_default().into(),
                second: link.name.clone(),
                called: listing.id.clone(),
            });
        let no_ethernet = (table.addresses == Addresses::Dhcp && link.layer != ARPHRD_ETHER)
            .then(|| Conflict::NoEthernet { access_point: table.id.clone(), interface: link.name.clone() });
        let conflicts = two_tables.into_iter().chain(two_interfaces).chain(no_ethernet);
        conflicts.for_each(|conflict| self.naming.note(conflict));
    }

    fn owner(&self, index: u32) -> (Owner<'_>, Option<&AccessPoint>) {
        let Some(link) = self.links.by_index.get(&index) else { return (Owner::Ignored, None) };
        let known = link.listing.as_ref().map(|listing| listing.class);
        let class = known.unwrap_or_else(|| self.class_of(index, link));
        self.naming.configuration.owner(&facts(link, class))
    }

    fn class_of(&self, index: u32, link: &Link) -> Class {
        Class::of(link, || (self.device_type)(index, &link.name))
    }

    fn is_called_rightly(&self, index: u32, listing: &Listing) -> bool {
        match self.owner(index).0 {
            Owner::Ignored => false,
            Owner::Itself => listing.table.is_none() && !self.naming.configuration.reserves(&listing.id),
            Owner::Table(table) if listing.table.as_ref() == Some(&table.id) => {
                !table.is_for_one() || listing.id == table.id
            }
            Owner::Table(table) if listing.table.is_some() || !table.is_for_one() => listing.id == table.id,
            // It has what it wants, or another link does, which was said.
            Owner::Table(table) => {
                let holder = self.identifiers.index_of(&table.id);
                holder.is_some_and(|holder| holder == index || self.belongs_to(holder, &table.id))
            }
        }
    }

    /// Whether what a link should be called is what another is called that is in use.
    fn waits_for_another(&self, index: u32, in_use: &dyn Fn(&Identifier) -> bool) -> bool {
        let Owner::Table(table) = self.owner(index).0 else { return false };
        let holder = self.identifiers.index_of(&table.id).filter(|holder| *holder != index);
        holder.is_some_and(|holder| !self.belongs_to(holder, &table.id)) && in_use(&table.id)
    }

    fn belongs_to(&self, index: u32, table: &Identifier) -> bool {
        let listing = self.links.by_index.get(&index).and_then(|link| link.listing.as_ref());
        listing.is_some_and(|listing| listing.table.as_ref() == Some(table))
    }

    fn unlist(&mut self, index: u32) {
        let listing = self.links.by_index.get_mut(&index).and_then(|link| link.listing.take());
        if let Some(listing) = listing {
            self.dirty.retain(|other| *other != index);
            self.leave(listing.id);
        }
    }

    /// Tables that are no longer there.
    fn forget_tables(&mut self) {
        let configuration = Rc::clone(&self.naming.configuration);
        let (kept, gone): (BTreeMap<Identifier, AccessPoint>, BTreeMap<Identifier, AccessPoint>) =
            std::mem::take(&mut self.naming.told)
                .into_iter()
                .partition(|(id, _)| configuration.access_point(id).is_some());
        self.naming.told = kept;
        // A link that is in use keeps the identifier.
        for id in gone.into_keys().filter(|id| self.identifiers.index_of(id).is_none()) {
            self.metered.forget(&id);
            self.inputs.push_back(Input::Remove { id });
        }
    }

    /// Tables that are new or have changed.
    fn tell_tables(&mut self, postponed: &mut Vec<Postponed>) {
        let configuration = Rc::clone(&self.naming.configuration);
        for table in &configuration.access_points {
            let old = self.naming.told.get(&table.id).cloned();
            if old.as_ref() == Some(table) {
                continue;
            }
            if old.is_none() && !self.take_in(table, postponed) {
                continue;
            }
            self.naming.told.insert(table.id.clone(), table.clone());
            let is_other = |old: &AccessPoint| old.settings(&table.id) != table.settings(&table.id);
            let has_other_settings = old.as_ref().is_none_or(is_other);
            let addresses = |it: &AccessPoint| (it.addresses.clone(), it.metric);
            let has_other_addresses = match &old {
                Some(old) => addresses(old) != addresses(table),
                None => table.addresses != Addresses::External,
            };
            if has_other_settings {
                self.tell_table(table, old.is_none());
            }
            if has_other_addresses {
                let is_up = |link: &&Link| {
                    link.listing.as_ref().is_some_and(|it| {
                        it.table.as_ref() == Some(&table.id)
                            && matches!(it.level, LinkState::Connecting | LinkState::Active)
                    })
                };
                let up = self.links.by_index.values().filter(is_up).filter_map(|link| link.listing.as_ref());
                postponed.extend(up.map(|listing| Postponed::Addresses(listing.id.clone())));
            }
        }
    }

    /// Whether the identifier of a new table is free, or that of the very link that it is for.
    fn take_in(&mut self, table: &AccessPoint, postponed: &mut Vec<Postponed>) -> bool {
        let Some(index) = self.identifiers.index_of(&table.id) else { return true };
        let is_its = matches!(self.owner(index).0, Owner::Table(it) if it.id == table.id);
        if !is_its {
            postponed.push(Postponed::InUse(table.id.clone()));
            return false;
        }
        if let Some(listing) = self.links.by_index.get_mut(&index).and_then(|link| link.listing.as_mut()) {
            listing.table = Some(table.id.clone());
        }
        true
    }

    /// Tells all of a table: of the links that it has, and of itself where that is absent.
    fn tell_table(&mut self, table: &AccessPoint, is_new: bool) {
        if self.identifiers.index_of(&table.id).is_none() {
            let settings = over(absent_settings(self.can_start), table.settings(&table.id));
            self.inputs.push_back(if is_new {
                let mut add = Add::access_point(table.id.clone());
                add.settings = settings;
                Input::Add(add)
            } else {
                Input::Change(ConfigurationChange::new(table.id.clone(), settings))
            });
        }
        for link in self.links.by_index.values() {
            let Some(listing) = link.listing.as_ref().filter(|it| it.table.as_ref() == Some(&table.id))
            else {
                continue;
            };
            let kernel = settings_of(link, listing.class, self.can_start);
            let settings = over(kernel, table.settings(&listing.id));
            self.inputs.push_back(Input::Change(ConfigurationChange::new(listing.id.clone(), settings)));
        }
    }
}

/// What a table says, over what the kernel does.
fn over(kernel: Settings, table: Settings) -> Settings {
    let mut settings = table;
    settings.bearer = settings.bearer.or(kernel.bearer);
    settings.counts_for_online = settings.counts_for_online.or(kernel.counts_for_online);
    settings.capabilities = kernel.capabilities;
    settings.loss_grace = kernel.loss_grace;
    settings
}

/// What holds of a link of which the kernel says nothing.
fn absent_settings(can_start: bool) -> Settings {
    let mut settings = Settings::default();
    settings.bearer = Some(BearerType::Unknown);
    settings.capabilities = Some(capabilities(can_start));
    settings
}

fn facts(link: &Link, class: Class) -> Facts<'_> {
    Facts {
        name: &link.name,
        alternative_names: link.alternative_names(),
        permanent: link.permanent(),
        parent: link.parent(),
        kind: link.kind,
        class: class.word(),
    }
}
