//! Links and addresses from netlink messages, and what they mean to the core: access points and levels.
//!
//! Pure: bytes go in, [`Input`]s come out; there is no socket and no clock. No bytes, however wrong, make
//! it fail.
//!
//! | the kernel says | level |
//! |---|---|
//! | administratively down | Discovered if this process may start it, else Defined |
//! | up, no carrier | Defined |
//! | up again by a watch of ours, no carrier yet, which it had before | Discovered |
//! | up, carrier, no usable address | Discovered |
//! | up, carrier, a usable address | Active |
//! | up, and a start of ours is under way, until it is Active | Connecting |
//! | up, and a start of ours has not yet given it its default route | Connecting |
//! | up, and a stop of ours is under way that began at Connecting or Active | Closing |
//! | deleted | Defined if the configuration names it, else the access point is removed |
//!
//! Carrier is IFF_RUNNING, and not without IFF_LOWER_UP. An address is usable if it is neither tentative nor
//! deprecated nor refused by its neighbours, and others can answer to it: not if it is link-local, of
//! loopback, a group's, or none. Loopback is not listed, and what the configuration ignores is not either. A change of level is told with the message that makes
//! it; other changes are told once per [`flush`](LinkTable::flush).

mod identifiers;
mod kind;
mod links;
mod metered;
mod naming;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use netsession_core::{
    Add, BearerType, Capabilities, Change as ConfigurationChange, Identifier, Input, Interface,
    InterfaceAddress, LinkState, Observation, Settings, SnapshotEntry,
};

use self::identifiers::Identifiers;
pub use self::kind::{Class, DeviceType, Kind};
pub use self::links::Links;
use self::links::{Change, Link, Listing};
use self::metered::Metered;
pub use self::metered::MeteredLink;
use self::naming::Naming;
use crate::Configuration;
use crate::netlink::messages;
use crate::rtnetlink::Mark;

/// A move between two stations of one network is a blink of the carrier, not a loss (R-LOSS-5).
const WLAN_LOSS_GRACE: Duration = Duration::from_millis(100);

/// A request of ours that is under way on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are no other requests to a link")]
pub enum Phase {
    /// It is being brought up.
    Starting,
    /// It is being brought up, and is of no use before it has been given all that it is to get.
    Equipping,
    /// It is being taken down.
    Stopping,
    /// It is being brought up to be watched, and had carrier when it was taken down: it is taken for usable until it
    /// shows that again, for as long as a cable may need.
    Returning,
}

/// The links, and what the core has been told of them.
#[derive(Clone, Debug)]
pub struct LinkTable {
    links: Links,
    identifiers: Identifiers,
    naming: Naming,
    metered: Metered,
    phases: BTreeMap<u32, (Phase, Option<Instant>)>,
    phase_deadlines: BTreeSet<(Instant, u32)>,
    /// Links of which something other than the level is still to be told.
    dirty: Vec<u32>,
    inputs: VecDeque<Input>,
    can_start: bool,
    device_type: fn(u32, &str) -> Option<DeviceType>,
}

impl LinkTable {
    /// An empty table, in which every link is called by what it is and none is ignored. `can_start`: whether
    /// this process may start and stop links. `device_type` is asked of each new link that is hardware, by index and
    /// name.
    #[must_use]
    pub fn new(can_start: bool, device_type: fn(u32, &str) -> Option<DeviceType>) -> Self {
        Self {
            links: Links::default(),
            identifiers: Identifiers::default(),
            naming: Naming::default(),
            metered: Metered::default(),
            phases: BTreeMap::new(),
            phase_deadlines: BTreeSet::new(),
            dirty: Vec::new(),
            inputs: VecDeque::new(),
            can_start,
            device_type,
        }
    }

    /// Whether this process may start and stop links.
    #[must_use]
    pub const fn can_start(&self) -> bool {
        self.can_start
    }

    /// Takes in a datagram of notifications.
    pub fn notify(&mut self, datagram: &[u8]) {
        for message in messages(datagram) {
            match self.links.apply(&message) {
                Some(Change::Added { index }) => self.add(index),
                Some(Change::Removed { index }) => self.remove(index),
                Some(Change::Renamed { index }) => {
                    self.tell_name(index);
                    self.review(index, true);
                    self.reconsider(index);
                    self.review_policies_of(index);
                }
                Some(Change::Flags { index }) => self.review(index, false),
                Some(Change::Addresses { index }) => self.review(index, true),
                None => {}
            }
            while let Some(index) = self.links.relabelled.pop() {
                self.reconsider(index);
                self.review_policies_of(index);
            }
        }
    }

    /// Tells what has changed besides the levels.
    pub fn flush(&mut self) {
        for index in std::mem::take(&mut self.dirty) {
            let Some(link) = self.links.by_index.get_mut(&index) else { continue };
            let Some(listing) = link.listing.as_mut().filter(|listing| listing.is_dirty) else { continue };
            listing.is_dirty = false;
            let level = listing.level;
            self.inputs.extend(observation(index, link, level).map(Input::Observed));
        }
    }

    /// Puts a fresh dump in place of all that was known, and tells it as a snapshot. A link with the index
    /// and the make of one that was known is that one.
    pub fn adopt(&mut self, mut fresh: Links) {
        self.identifiers = Identifiers::default();
        for (index, link) in &mut fresh.by_index {
            let known = self.links.by_index.get_mut(index).filter(|known| known.is_same_make(link));
            link.had_carrier = known.as_ref().is_some_and(|known| known.had_carrier);
            if let Some(listing) = known.and_then(|known| known.listing.take()) {
                self.identifiers.keep(*index, &listing.id);
                link.listing = Some(listing);
            }
        }
        let is_known = |index: &u32| fresh.by_index.get(index).is_some_and(|link| link.listing.is_some());
        let gone: Vec<u32> = self.phases.keys().filter(|index| !is_known(index)).copied().collect();
        for index in gone {
            self.forget_phase(index);
        }
        self.links = fresh;
        self.dirty.clear();
        self.links.relabelled.clear();
        let mut entries: Vec<SnapshotEntry> =
            self.indexes().into_iter().filter_map(|index| self.entry(index)).collect();
        entries.extend(self.absent().map(|id| SnapshotEntry::new(Observation::new(id, LinkState::Defined))));
        self.inputs.push_back(Input::Snapshot(entries));
        self.review_all_policies();
        self.reconsider_all();
    }

    /// The next thing to tell the core.
    pub fn next_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    /// The index of the interface that carries an access point.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<u32> {
        self.identifiers.index_of(id)
    }

    /// The name of an interface.
    #[must_use]
    pub fn name_of(&self, index: u32) -> Option<&str> {
        self.links.by_index.get(&index).map(|link| link.name.as_str())
    }

    /// The access point that an interface carries.
    pub(crate) fn id_of(&self, index: u32) -> Option<&Identifier> {
        self.links.by_index.get(&index)?.listing.as_ref().map(|listing| &listing.id)
    }

    /// The mark of an interface that a run of ours brought up.
    pub(crate) fn mark_of(&self, index: u32) -> Option<Mark> {
        self.links.by_index.get(&index)?.rare.as_ref()?.mark
    }

    /// The addresses of an interface that a start gave.
    pub(crate) fn addresses_marked(&self, index: u32) -> Vec<InterfaceAddress> {
        let marked = self.links.marked.iter().filter(|(marked, _)| *marked == index);
        marked.map(|(_, address)| *address).collect()
    }

    /// The interfaces that have a mark, or an address with one.
    pub(crate) fn marked_links(&self) -> impl Iterator<Item = u32> {
        let links = self.links.by_index.keys().copied().filter(|index| self.mark_of(*index).is_some());
        links.chain(self.links.marked.iter().map(|(index, _)| *index))
    }

    /// The level that the core was told last.
    #[must_use]
    pub fn level(&self, index: u32) -> Option<LinkState> {
        self.links.by_index.get(&index)?.listing.as_ref().map(|listing| listing.level)
    }

    /// The request of ours that is under way on an interface.
    #[must_use]
    pub fn phase(&self, index: u32) -> Option<Phase> {
        self.phases.get(&index).map(|(phase, _)| *phase)
    }

    /// What the link of an interface is.
    #[must_use]
    pub fn kind(&self, index: u32) -> Option<Kind> {
        let link = self.links.by_index.get(&index)?;
        Some(Kind::of(link, link.listing.as_ref()?.class))
    }

    /// Whether an interface is administratively up.
    #[must_use]
    pub fn is_up(&self, index: u32) -> bool {
        self.links.by_index.get(&index).is_some_and(Link::is_up)
    }

    /// Whether what is sent on an interface can arrive somewhere.
    #[must_use]
    pub fn has_carrier(&self, index: u32) -> bool {
        self.links.by_index.get(&index).is_some_and(|link| link.is_up() && link.has_carrier())
    }

    /// Whether an interface that is down had carrier when it was taken down.
    pub(crate) fn had_carrier(&self, index: u32) -> bool {
        self.links.by_index.get(&index).is_some_and(|link| link.had_carrier)
    }

    /// Whether everybody behind an interface is reached without naming a gateway: it has one other end, or
    /// nobody to ask.
    #[must_use]
    pub fn needs_no_gateway(&self, index: u32) -> bool {
        self.links.by_index.get(&index).is_some_and(Link::needs_no_gateway)
    }

    /// The access points whose interface has this name, or this alternative name.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<Identifier> {
        let fits = |link: &&Link| link.name == name || link.alternative_names().iter().any(|n| n == name);
        let links = self.links.by_index.values().filter(fits);
        links.filter_map(|link| link.listing.as_ref()).map(|listing| listing.id.clone()).collect()
    }

    /// A request of ours is under way from now on, until the link shows it done, [`end`](Self::end), or
    /// [`expire`](Self::expire) after `until`; a start only if there is no carrier then. On a link that is not there
    /// nothing is under way.
    pub fn begin(&mut self, index: u32, phase: Phase, until: Option<Instant>) {
        let Some(level) = self.level(index) else { return };
        let is_on = matches!(level, LinkState::Connecting | LinkState::Active);
        if phase == Phase::Stopping && !is_on {
            // A clean-up: it changes no state (R-CLOSE-11).
            return self.end(index);
        }
        self.forget_phase(index);
        self.phases.insert(index, (phase, until));
        self.phase_deadlines.extend(until.map(|until| (until, index)));
        self.review(index, false);
    }

    /// A link that was being [equipped](Phase::Equipping) has all that it is to be given.
    pub(crate) fn equipped(&mut self, index: u32) {
        let until = self.phases.get(&index).and_then(|(_, until)| *until);
        self.begin(index, Phase::Starting, until);
    }

    /// The request is over: the link is what it looks like.
    pub fn end(&mut self, index: u32) {
        self.forget_phase(index);
        self.review(index, false);
    }

    /// When the next request is over for being late.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.phase_deadlines.first().map(|(until, _)| *until)
    }

    /// Ends the requests that are late.
    pub fn expire(&mut self, now: Instant) {
        while let Some((until, index)) = self.phase_deadlines.first().copied()
            && until <= now
        {
            match self.phase(index) {
                // What it still lacks others may give it.
                Some(phase @ (Phase::Starting | Phase::Equipping)) if self.has_carrier(index) => {
                    self.begin(index, phase, None);
                }
                Some(_) | None => self.end(index),
            }
        }
    }

    fn indexes(&self) -> Vec<u32> {
        self.links.by_index.keys().copied().collect()
    }

    fn add(&mut self, index: u32) {
        let Some((id, table, class)) = self.identify(index) else { return };
        let Some(link) = self.links.by_index.get_mut(&index) else { return };
        let level = level_of(link, None, self.can_start);
        link.listing = Some(Listing { id: id.clone(), table, class, level, is_dirty: false });
        self.note_conflicts(index);
        let Some(link) = self.links.by_index.get(&index) else { return };
        let settings = self.naming.settings(link, settings_of(link, class, self.can_start));
        if self.naming.has_told(&id) {
            self.inputs.push_back(Input::Change(ConfigurationChange::new(id, settings)));
            self.inputs.extend(observation(index, link, level).map(Input::Observed));
            return self.review_policies_of(index);
        }
        let mut add = Add::access_point(id);
        add.settings = settings;
        add.link = level;
        add.interface = Some(interface_of(index, link));
        self.inputs.push_back(Input::Add(add));
        self.review_policies_of(index);
    }

    fn remove(&mut self, index: u32) {
        self.forget_phase(index);
        let listing = self.links.remove(index).and_then(|link| link.listing);
        let Some(Listing { id, table, .. }) = listing else { return };
        self.leave(id);
        if table.is_some() {
            self.reconsider_all();
        }
    }

    /// No link has this identifier any more.
    fn leave(&mut self, id: Identifier) {
        self.identifiers.release(&id);
        if self.naming.has_told(&id) {
            self.inputs.push_back(Input::Observed(Observation::new(id.clone(), LinkState::Defined)));
            self.review_policies(&id);
        } else {
            self.metered.forget(&id);
            self.inputs.push_back(Input::Remove { id });
        }
    }

    fn tell_name(&mut self, index: u32) {
        let Some(link) = self.links.by_index.get(&index) else { return };
        // A table says what it is called for people.
        let Some(listing) = link.listing.as_ref().filter(|it| it.table.is_none()) else { return };
        let mut settings = Settings::default();
        settings.name = Some(link.name.as_str().to_owned());
        let change = ConfigurationChange::new(listing.id.clone(), settings);
        self.inputs.push_back(Input::Change(change));
    }

    /// Tells the level if it has changed; notes what else has.
    fn review(&mut self, index: u32, has_changed: bool) {
        let Some(link) = self.links.by_index.get_mut(&index) else { return };
        let phase = self.phases.get(&index).map(|(phase, _)| *phase);
        let level = level_of(link, phase, self.can_start);
        let is_done = is_done(link, phase, level);
        let Some(listing) = &mut link.listing else { return };
        if level != listing.level {
            listing.level = level;
            listing.is_dirty = false;
            self.inputs.extend(observation(index, link, level).map(Input::Observed));
        } else if has_changed && !listing.is_dirty {
            listing.is_dirty = true;
            self.dirty.push(index);
        }
        if is_done {
            self.forget_phase(index);
        }
    }

    /// What a snapshot says of a link.
    fn entry(&mut self, index: u32) -> Option<SnapshotEntry> {
        let known = self.links.by_index.get_mut(&index)?.listing.take();
        let (is_new, known) = (known.is_none(), known.map(|it| (it.id, it.table, it.class)));
        let (id, table, class) = known.or_else(|| self.identify(index))?;
        let link = self.links.by_index.get_mut(&index)?;
        let phase = self.phases.get(&index).map(|(phase, _)| *phase);
        let level = level_of(link, phase, self.can_start);
        link.listing = Some(Listing { id, table, class, level, is_dirty: false });
        let mut entry = SnapshotEntry::new(observation(index, link, level)?);
        let settings = settings_of(link, class, self.can_start);
        entry.settings = self.naming.settings(link, settings);
        if !is_new {
            // Not the kernel's to say; somebody may have changed them.
            let Settings { name, bearer, capabilities, .. } = std::mem::take(&mut entry.settings);
            (entry.settings.name, entry.settings.bearer) = (name, bearer);
            entry.settings.capabilities = capabilities;
        }
        if is_done(link, phase, level) {
            self.forget_phase(index);
        }
        if is_new {
            self.note_conflicts(index);
        }
        Some(entry)
    }

    fn forget_phase(&mut self, index: u32) {
        if let Some((_, Some(until))) = self.phases.remove(&index) {
            self.phase_deadlines.remove(&(until, index));
        }
    }
}

fn level_of(link: &Link, phase: Option<Phase>, can_start: bool) -> LinkState {
    if !link.is_up() {
        return if can_start { LinkState::Discovered } else { LinkState::Defined };
    }
    let is_usable = link.has_carrier() && !link.addresses.is_empty();
    match phase {
        Some(Phase::Stopping) => LinkState::Closing,
        Some(Phase::Equipping) => LinkState::Connecting,
        Some(Phase::Starting) if !is_usable => LinkState::Connecting,
        Some(Phase::Returning) if !link.has_carrier() => LinkState::Discovered,
        _ if is_usable => LinkState::Active,
        _ if link.has_carrier() => LinkState::Discovered,
        _ => LinkState::Defined,
    }
}

fn interface_of(index: u32, link: &Link) -> Interface {
    Interface::new(index, link.name.as_str()).with_addresses(link.usable_addresses())
}

fn observation(index: u32, link: &Link, level: LinkState) -> Option<Observation> {
    let listing = link.listing.as_ref()?;
    Some(Observation::new(listing.id.clone(), level).with_interface(interface_of(index, link)))
}

/// Whether the link shows that a request is done.
fn is_done(link: &Link, phase: Option<Phase>, level: LinkState) -> bool {
    match phase {
        Some(Phase::Starting) => level == LinkState::Active,
        Some(Phase::Stopping) => !link.is_up(),
        Some(Phase::Returning) => link.is_up() && link.has_carrier(),
        Some(Phase::Equipping) | None => false,
    }
}

fn capabilities(can_start: bool) -> Capabilities {
    let mut capabilities = Capabilities::DIRECT_CONNECTION_ROUTING
        | Capabilities::APPLICATION_LEVEL_ROAMING
        | Capabilities::FORCED_ROAMING
        | Capabilities::DATA_STATISTICS;
    capabilities.set(Capabilities::CAN_START_AND_STOP_INTERFACES, can_start);
    capabilities
}

fn settings_of(link: &Link, class: Class, can_start: bool) -> Settings {
    let bearer = class.bearer(link);
    let mut settings = Settings::default();
    settings.name = Some(link.name.as_str().to_owned());
    settings.bearer = Some(bearer);
    settings.capabilities = Some(capabilities(can_start));
    settings.counts_for_online = Some(!link.is_virtual);
    settings.loss_grace = (bearer == BearerType::Wlan).then_some(WLAN_LOSS_GRACE);
    settings
}
