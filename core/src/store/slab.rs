//! A table of items that are named by handles, over slots the caller lends.

use super::option_slot::OptionSlot;

/// Names an item of a [`Slab`]. The generation makes the handle of an item since removed stale instead of wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Handle {
    /// Place in the slab.
    pub slot: u32,
    /// Which use of that place; never 0 for a handle a slab gave out.
    pub generation: u32,
}

impl Handle {
    /// Names nothing.
    pub const EMPTY: Self = Self { slot: 0, generation: 0 };
}

/// What a [`Slab`] keeps inside each slot: 8 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlabMeta {
    generation: u32,
    state: SlotState,
}

/// The next free slot, or [`SlotState::IN_USE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SlotState(OptionSlot);

impl SlotState {
    /// No slab is so large that this could be the next free slot.
    const IN_USE: Self = Self(OptionSlot::some(u32::MAX - 1));
}

impl SlabMeta {
    /// Of a slot never used; all zero bits.
    pub const EMPTY: Self = Self { generation: 0, state: SlotState(OptionSlot::NONE) };
}

/// An item that has room for the slab's own 8 bytes.
pub trait SlabItem {
    /// The slab's bytes; items themselves leave them alone.
    fn slab(&self) -> &SlabMeta;

    /// The slab's bytes, to change.
    fn slab_mut(&mut self) -> &mut SlabMeta;
}

/// A bounded table of `T`. Every operation but [`Slab::iter`] and [`Slab::first_from`] takes constant time.
///
/// Lent slots need not be empty: what they held before is out of reach, and handles to it stay stale.
#[derive(Debug)]
pub struct Slab<'a, T> {
    slots: &'a mut [T],
    /// Slots from here on were never used by this slab.
    unused_from: u32,
    /// The slot freed last.
    free: OptionSlot,
    len: u32,
}

impl<'a, T: SlabItem> Slab<'a, T> {
    /// Slots past this are not used, so that slot numbers fit.
    const CAPACITY_MAX: u32 = u32::MAX - 2;

    /// An empty slab over `slots`.
    #[must_use]
    pub const fn new(slots: &'a mut [T]) -> Self {
        Self { slots, unused_from: 0, free: OptionSlot::NONE, len: 0 }
    }

    /// Takes in an item.
    ///
    /// # Errors
    /// Gives the item back when the slab is full.
    pub fn insert(&mut self, mut item: T) -> Result<Handle, T> {
        let (slot, free) = match self.free.get() {
            Some(slot) => match self.slots.get(slot as usize) {
                Some(freed) => (slot, freed.slab().state.0),
                None => return Err(item),
            },
            None if self.unused_from < self.capacity() => (self.unused_from, OptionSlot::NONE),
            None => return Err(item),
        };
        let Some(place) = self.slots.get_mut(slot as usize) else { return Err(item) };
        let generation = place.slab().generation.checked_add(1).unwrap_or(1);
        *item.slab_mut() = SlabMeta { generation, state: SlotState::IN_USE };
        *place = item;
        self.free = free;
        self.unused_from = self.unused_from.max(slot.saturating_add(1));
        self.len = self.len.saturating_add(1);
        Ok(Handle { slot, generation })
    }

    /// Removes an item; `false` when the handle is stale. The value stays in its slot, unreachable, until overwritten.
    pub fn remove(&mut self, handle: Handle) -> bool {
        let free = self.free;
        let Some(item) = self.get_mut(handle) else { return false };
        item.slab_mut().state = SlotState(free);
        self.free = OptionSlot::some(handle.slot);
        self.len = self.len.saturating_sub(1);
        true
    }

    /// The item of a handle, to change; `None` when stale.
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        self.at_mut(handle.slot).filter(|item| item.slab().generation == handle.generation)
    }

    /// The item in a slot, to change; `None` when the slot is free.
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        if slot >= self.unused_from {
            return None;
        }
        self.slots.get_mut(slot as usize).filter(|item| item.slab().state == SlotState::IN_USE)
    }

    /// The item of a handle; `None` when stale.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        self.at(handle.slot).filter(|item| item.slab().generation == handle.generation)
    }

    /// The item in a slot; `None` when the slot is free.
    #[must_use]
    pub fn at(&self, slot: u32) -> Option<&T> {
        if slot >= self.unused_from {
            return None;
        }
        self.slots.get(slot as usize).filter(|item| item.slab().state == SlotState::IN_USE)
    }

    /// The handle of the item in a slot; `None` when the slot is free.
    #[must_use]
    pub fn handle_of(&self, slot: u32) -> Option<Handle> {
        self.at(slot).map(|item| Handle { slot, generation: item.slab().generation })
    }

    /// The first item in `slot` or after it: a cursor for those who change items on their way. Scans over free slots.
    #[must_use]
    pub fn first_from(&self, slot: u32) -> Option<Handle> {
        (slot..self.unused_from).find_map(|slot| self.handle_of(slot))
    }

    /// All items in slot order. Scans over free slots.
    pub fn iter(&self) -> impl Iterator<Item = (Handle, &T)> {
        (0..self.unused_from).filter_map(|slot| {
            let item = self.at(slot)?;
            Some((Handle { slot, generation: item.slab().generation }, item))
        })
    }

    /// The slot after the last that ever held an item: who draws one at random draws below this.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.unused_from
    }

    /// Items held.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether no item is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Items that fit.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX).min(Self::CAPACITY_MAX)
    }
}

#[cfg(test)]
mod tests;
