//! What the core believes of the links, and what it must never be told.

use std::collections::BTreeMap;

use netsession_core::{
    Add, ConfigurationType, Identifier, Input, Interface, InterfaceAddress, LinkState, Observation,
    SnapshotEntry,
};

use super::kernel::leads_outside;

#[derive(Debug, Default)]
pub(super) struct Belief {
    pub(super) by_id: BTreeMap<Identifier, Believed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Believed {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) addresses: Vec<InterfaceAddress>,
    pub(super) level: LinkState,
}

impl Belief {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all else is a violation, what comes later included")]
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Add(add) => self.add(add),
            Input::Remove { id } => {
                assert!(self.by_id.remove(&id).is_some(), "{id} is removed, but was not there");
            }
            Input::Change(change) => {
                let believed = self.by_id.get_mut(&change.id);
                let name = change.settings.name.unwrap_or_default();
                check_name(&name);
                believed.unwrap_or_else(|| unknown(&change.id)).name = name;
            }
            Input::Observed(seen) => {
                let known = self.by_id.get(&seen.id).unwrap_or_else(|| unknown(&seen.id)).index;
                let (id, believed) = believed(seen);
                assert_eq!(known, believed.index, "{id} has become another interface");
                self.by_id.insert(id, believed);
            }
            Input::Snapshot(entries) => self.snapshot(entries),
            other => assert!(matches!(other, Input::Tick {}), "a table does not say {other:?}"),
        }
        let indexes = self.indexes();
        assert!(indexes.is_sorted_by(|one, other| one < other), "two links of one index: {indexes:?}");
    }

    /// In order.
    pub(super) fn indexes(&self) -> Vec<u32> {
        let mut indexes: Vec<u32> = self.by_id.values().map(|believed| believed.index).collect();
        indexes.sort_unstable();
        indexes
    }

    pub(super) fn by_index(&self) -> BTreeMap<u32, &Believed> {
        self.by_id.values().map(|believed| (believed.index, believed)).collect()
    }

    fn add(&mut self, add: Add) {
        assert_eq!(add.kind, ConfigurationType::AccessPoint, "{add:?}");
        let mut seen = Observation::new(add.id, add.link);
        seen.interface = add.interface;
        let (id, believed) = believed(seen);
        assert!(add.settings.counts_for_online.is_some() && add.settings.bearer.is_some(), "{id}");
        assert_eq!(add.settings.name.as_ref(), Some(&believed.name), "{id}");
        let before = self.by_id.insert(id, believed);
        assert!(before.is_none(), "added twice: {before:?}");
    }

    /// What a snapshot does not name is gone; what is new in it is said to be.
    fn snapshot(&mut self, entries: Vec<SnapshotEntry>) {
        let before = std::mem::take(&mut self.by_id);
        for entry in entries {
            let (id, believed) = believed(entry.observation);
            let known = before.get(&id).is_some_and(|known| known.index == believed.index);
            let is_new = entry.settings.counts_for_online.is_some();
            assert!(known || is_new, "{id} was not there before");
            assert_eq!(entry.settings.name.as_ref(), Some(&believed.name), "{id}");
            let twice = self.by_id.insert(id, believed);
            assert!(twice.is_none(), "twice in one snapshot: {twice:?}");
        }
    }
}

#[expect(clippy::panic, reason = "how a fuzzer is told")]
fn unknown<T>(id: &Identifier) -> T {
    panic!("{id} is told of, but was not added")
}

fn believed(seen: Observation) -> (Identifier, Believed) {
    let Observation { id, link, interface, .. } = seen;
    let Interface { index, name, addresses, .. } = interface.unwrap_or_else(|| unknown(&id));
    // The longest that the kernel knows is a bus and a device on it.
    assert!((1..=600).contains(&id.len()), "{id:?} is no identifier");
    assert!(i32::try_from(index).is_ok_and(|index| index > 0), "{id} has the index {index}");
    check_name(&name);
    for address in &addresses {
        assert!(leads_outside(address.address), "{id} has {address}");
        assert!(
            InterfaceAddress::new(address.address, address.prefix_length).is_some(),
            "{id} has {address}"
        );
    }
    assert!(addresses.is_sorted_by(|one, other| one < other), "{id} has one twice: {addresses:?}");
    assert!(link != LinkState::Active || !addresses.is_empty(), "{id} is active, but has no address");
    assert!(!matches!(link, LinkState::Undefined), "{id} is {link}");
    (id, Believed { index, name, addresses, level: link })
}

/// Of up to 15 bytes, which may be no UTF-8.
fn check_name(name: &str) {
    let is_name = (1..=15).contains(&name.chars().count()) && ![".", ".."].contains(&name);
    assert!(is_name && !name.contains(['/', ':', ' ', '\n']), "{name:?} is no name of an interface");
}
