//! Slots with versions: a handle to a value that is gone never reaches another value.
//!
//! Slots are reused oldest first, so that a slot is not used again at once, and each use raises the
//! version. A handle that was not given out by this arena finds nothing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: VecDeque<u32>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    version: u32,
    value: Option<T>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: VecDeque::new() }
    }
}

impl<T> Arena<T> {
    /// Puts in what `make` builds from the slot and the version that it will have.
    pub(crate) fn insert(&mut self, make: impl FnOnce(u32, u32) -> T) {
        if let Some(slot) = self.free.pop_front()
            && let Some(free) = self.slots.get_mut(slot as usize)
        {
            free.version = free.version.wrapping_add(1);
            free.value = Some(make(slot, free.version));
            return;
        }
        // More than u32::MAX values do not fit in memory.
        let slot = self.slots.len() as u32;
        self.slots.push(Slot { version: 1, value: Some(make(slot, 1)) });
    }

    pub(crate) fn remove(&mut self, slot: u32, version: u32) -> Option<T> {
        let found = self.slots.get_mut(slot as usize).filter(|found| found.version == version)?;
        let value = found.value.take()?;
        self.free.push_back(slot);
        Some(value)
    }

    pub(crate) fn get(&self, slot: u32, version: u32) -> Option<&T> {
        self.slots.get(slot as usize).filter(|found| found.version == version)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32, version: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize).filter(|found| found.version == version)?.value.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_handle_finds_nothing() {
        let mut arena = Arena::default();
        for _ in 0..2 {
            arena.insert(|slot, version| (slot, version));
        }
        assert_eq!(arena.remove(0, 1), Some((0, 1)));
        assert_eq!(arena.remove(0, 1), None);
        arena.insert(|slot, version| (slot, version));
        assert_eq!(arena.get(0, 1), None);
        assert_eq!(arena.get(0, 2), Some(&(0, 2)));
        assert_eq!(arena.iter().count(), 2);
    }
}
