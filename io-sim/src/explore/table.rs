//! A table from 128-bit keys to places, for many millions of them: open addressing, at most half full.
//!
//! The keys are hashes already, so their low bits say where to look. Nothing is ever taken out.

/// What stands for a state: 128 bits.
pub(super) type Key = (u64, u64);

/// No place.
const FREE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<(Key, u32)>,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { slots: vec![((0, 0), FREE); 1 << 10], len: 0 }
    }
}

impl Table {
    /// The place under this key.
    pub(super) fn get(&self, key: Key) -> Option<u32> {
        let (_, place) = self.slots.get(self.slot_of(key))?;
        (*place != FREE).then_some(*place)
    }

    /// Notes a place under a key that has none.
    pub(super) fn insert(&mut self, key: Key, place: u32) {
        if self.len * 2 >= self.slots.len() {
            let twice = vec![((0, 0), FREE); self.slots.len() * 2];
            let old = core::mem::replace(&mut self.slots, twice);
            for (key, place) in old.into_iter().filter(|&(_, place)| place != FREE) {
                self.put(key, place);
            }
        }
        self.put(key, place);
        self.len += 1;
    }

    fn put(&mut self, key: Key, place: u32) {
        let slot = self.slot_of(key);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = (key, place);
        }
    }

    /// Where the key is, or would be.
    fn slot_of(&self, key: Key) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = key.0 as usize & mask;
        while self.slots.get(slot).is_some_and(|&(other, place)| place != FREE && other != key) {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let mut table = Table::default();
        // Many share their low bits.
        let key = |number: u32| (u64::from(number % 7), u64::from(number));
        for number in 0..2_000 {
            assert_eq!(table.get(key(number)), None);
            table.insert(key(number), number);
        }
        for number in 0..2_000 {
            assert_eq!(table.get(key(number)), Some(number));
        }
        assert_eq!(table.get((3, 2_000)), None);
    }
}
