//! Doubly linked lists of slots; the links live inside the slots' items.

use super::option_slot::OptionSlot;
use super::slab::{Slab, SlabItem};

/// The links of one item in one list: 8 bytes. An item that may be in several lists at once has one of these for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListLinks {
    next: OptionSlot,
    /// None: in no list. The first item's is [`ListLinks::FIRST`].
    previous: OptionSlot,
}

impl ListLinks {
    /// In no list; all zero bits.
    pub const EMPTY: Self = Self { next: OptionSlot::NONE, previous: OptionSlot::NONE };

    /// What the first item has as its previous one: no table has a slot of that number.
    const FIRST: OptionSlot = OptionSlot::some(u32::MAX - 1);

    /// The slot after this one; `None` at the end and in no list. With it a list can be walked on shared borrows.
    #[must_use]
    pub const fn next(self) -> Option<u32> {
        self.next.get()
    }

    /// Whether the item is in a list.
    #[must_use]
    pub const fn is_linked(self) -> bool {
        !self.previous.is_none()
    }
}

/// Reaches the links of one list in a table's slots. [`links_of`] makes one from a slice or a [`Slab`] and a field.
pub trait Links {
    /// The links of `slot`; `None` when there is no such slot.
    fn links(&mut self, slot: u32) -> Option<&mut ListLinks>;
}

impl Links for [ListLinks] {
    fn links(&mut self, slot: u32) -> Option<&mut ListLinks> {
        self.get_mut(slot as usize)
    }
}

/// A table whose items are reached by slot number.
pub trait Slots {
    /// What a slot holds.
    type Item;

    /// The item in `slot`, `None` when there is none.
    fn slot_mut(&mut self, slot: u32) -> Option<&mut Self::Item>;
}

impl<T: SlabItem> Slots for Slab<'_, T> {
    type Item = T;

    fn slot_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.at_mut(slot)
    }
}

/// The links of one list, a field of a table's items.
#[derive(Debug)]
pub struct LinksOf<'s, S: ?Sized, F> {
    slots: &'s mut S,
    field: F,
}

/// Reaches the links that `field` picks from each item of `slots`, for instance
/// `links_of(&mut self.clients, |client| client.subscriptions.get_mut(substream))`.
pub const fn links_of<S, F>(slots: &mut S, field: F) -> LinksOf<'_, S, F>
where
    S: Slots + ?Sized,
    F: Fn(&mut S::Item) -> Option<&mut ListLinks>,
{
    LinksOf { slots, field }
}

impl<S, F> Links for LinksOf<'_, S, F>
where
    S: Slots + ?Sized,
    F: Fn(&mut S::Item) -> Option<&mut ListLinks>,
{
    fn links(&mut self, slot: u32) -> Option<&mut ListLinks> {
        (self.field)(self.slots.slot_mut(slot)?)
    }
}

/// A list of slots in the order they were pushed: 12 bytes; every operation takes constant time.
///
/// The links passed in must be the same at every call. Links shared by several lists are in one of them at a time, and
/// only that one may remove them. An item leaves its lists before its slot is freed.
#[derive(Clone, Copy, Debug, Default)]
pub struct List {
    head: OptionSlot,
    tail: OptionSlot,
    len: u32,
}

impl List {
    /// Nothing in it; all zero bits.
    pub const EMPTY: Self = Self { head: OptionSlot::NONE, tail: OptionSlot::NONE, len: 0 };

    /// Appends `slot`; `false`, and nothing changes, when it is in a list already or there is no such slot.
    pub fn push_back(&mut self, links: &mut (impl Links + ?Sized), slot: u32) -> bool {
        let Some(own) = links.links(slot).filter(|own| !own.is_linked()) else { return false };
        *own = ListLinks {
            next: OptionSlot::NONE,
            previous: if self.tail.is_none() { ListLinks::FIRST } else { self.tail },
        };
        match self.tail.get().and_then(|tail| links.links(tail)) {
            Some(tail) => tail.next = OptionSlot::some(slot),
            None => self.head = OptionSlot::some(slot),
        }
        self.tail = OptionSlot::some(slot);
        self.len = self.len.saturating_add(1);
        true
    }

    /// Takes `slot` out; `false` when it is in no list.
    pub fn remove(&mut self, links: &mut (impl Links + ?Sized), slot: u32) -> bool {
        let Some(own) = links.links(slot) else { return false };
        let ListLinks { next, previous } = *own;
        let is_first = previous == ListLinks::FIRST;
        if previous.is_none() || (is_first && self.head.get() != Some(slot)) {
            return false;
        }
        *own = ListLinks::EMPTY;
        match next.get().and_then(|next| links.links(next)) {
            Some(next) => next.previous = previous,
            None => self.tail = if is_first { OptionSlot::NONE } else { previous },
        }
        if is_first {
            self.head = next;
        } else if let Some(before) = previous.get().and_then(|before| links.links(before)) {
            before.next = next;
        }
        self.len = self.len.saturating_sub(1);
        true
    }

    /// Takes the first slot out.
    pub fn pop_front(&mut self, links: &mut (impl Links + ?Sized)) -> Option<u32> {
        let slot = self.front()?;
        self.remove(links, slot).then_some(slot)
    }

    /// Moves the first slot to the end and gives it: one turn of a round robin.
    pub fn rotate(&mut self, links: &mut (impl Links + ?Sized)) -> Option<u32> {
        let slot = self.pop_front(links)?;
        self.push_back(links, slot).then_some(slot)
    }

    /// The slot after `slot`; `None` at the end. Ask before removing `slot`.
    pub fn next(&self, links: &mut (impl Links + ?Sized), slot: u32) -> Option<u32> {
        links.links(slot)?.next()
    }

    /// The first slot.
    #[must_use]
    pub const fn front(&self) -> Option<u32> {
        self.head.get()
    }

    /// The last slot.
    #[must_use]
    pub const fn back(&self) -> Option<u32> {
        self.tail.get()
    }

    /// Slots in it.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests;
