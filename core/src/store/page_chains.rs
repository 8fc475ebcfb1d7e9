//! Which fixed pages make up each frame of a store: chains of page numbers, apart from the pages' bytes.

use super::frame_store::{FragmentRef, StaleKey, StoreFull, StoreKey};
use super::option_slot::OptionSlot;
use crate::media::{fragment_count, fragment_len_at};

/// What a store keeps of one page beside its bytes: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct PageLink {
    /// The page of the next fragment, or the next free page.
    next: OptionSlot,
    /// Of a frame's first page: the frame's bytes. Of fragments 1, 33, 65, ...: the page 32 fragments on.
    aside: u32,
    /// Uses of this page as a frame's first.
    generation: u32,
    /// Of a frame's first page: the length of its fragments. 0: not a first page.
    fragment_len: u16,
}

impl PageLink {
    /// Of a page never used; all zero bits.
    pub const EMPTY: Self = Self { next: OptionSlot::NONE, aside: 0, generation: 0, fragment_len: 0 };
}

/// Fragments that one step over [`PageLink::aside`] passes: a walk takes at most 32 of these and 31 single steps.
const STRIDE: u16 = 32;

/// A pool of pages, one fragment each; a frame is a chain of them, named by its first page.
#[derive(Debug)]
pub(super) struct PageChains<'a> {
    links: &'a mut [PageLink],
    /// Links that have a page.
    pages: u32,
    /// Pages from here on were never used.
    unused_from: u32,
    /// The page freed last.
    free: OptionSlot,
    free_count: u32,
}

impl<'a> PageChains<'a> {
    /// Chains over as many pages as have a link.
    pub(super) fn new(page_count: usize, links: &'a mut [PageLink]) -> Self {
        let pages = u32::try_from(page_count.min(links.len())).unwrap_or(u32::MAX);
        Self { links, pages, unused_from: 0, free: OptionSlot::NONE, free_count: pages }
    }

    /// Chains the pages of a frame.
    pub(super) fn allocate(&mut self, len: u32, fragment_len: u16) -> Result<StoreKey, StoreFull> {
        let count = fragment_count(len, fragment_len).ok_or(StoreFull)?;
        if u32::from(count) > self.free_count {
            return Err(StoreFull);
        }
        let first = self.take().ok_or(StoreFull)?;
        let (mut last, mut last_strider) = (first, None);
        for index in 1..count {
            let page = self.take().ok_or(StoreFull)?;
            if let Some(link) = self.link_mut(last) {
                link.next = OptionSlot::some(page);
            }
            if index % STRIDE == 1 {
                if let Some(strider) = last_strider.and_then(|strider| self.link_mut(strider)) {
                    strider.aside = page;
                }
                last_strider = Some(page);
            }
            last = page;
        }
        let link = self.link_mut(first).ok_or(StoreFull)?;
        link.generation = link.generation.checked_add(1).unwrap_or(1);
        link.aside = len;
        link.fragment_len = fragment_len;
        Ok(StoreKey { slot: first, generation: link.generation })
    }

    /// Gives the pages of a frame back.
    pub(super) fn release(&mut self, key: StoreKey) {
        let Some(first) = self.first(key) else { return };
        let count = fragment_count(first.aside, first.fragment_len).unwrap_or(0);
        let mut page = Some(key.slot);
        for _ in 0..count {
            let (free, Some(given)) = (self.free, page) else { return };
            let Some(link) = self.link_mut(given) else { return };
            page = link.next.get();
            link.next = free;
            link.fragment_len = 0;
            self.free = OptionSlot::some(given);
            self.free_count = self.free_count.saturating_add(1);
        }
    }

    pub(super) fn is_held(&self, key: StoreKey) -> bool {
        self.first(key).is_some()
    }

    /// The page of a fragment, and the fragment's length.
    pub(super) fn page_of(&self, key: StoreKey, index: u16) -> Result<(usize, u16), StaleKey> {
        let first = self.first(key).ok_or(StaleKey)?;
        let len = fragment_len_at(first.aside, first.fragment_len, index);
        if len == 0 {
            return Err(StaleKey);
        }
        let page = self.walk(key.slot, first, index).ok_or(StaleKey)?;
        Ok((page as usize, len))
    }

    /// The page of a fragment to be read; its length must be right.
    pub(super) fn page_to_read(&self, fragment: FragmentRef) -> Option<usize> {
        let (page, len) = self.page_of(fragment.key, fragment.index).ok()?;
        (len == fragment.len).then_some(page)
    }

    /// Pages that are free.
    pub(super) const fn free_count(&self) -> u32 {
        self.free_count
    }

    fn walk(&self, first_page: u32, first: &PageLink, index: u16) -> Option<u32> {
        let Some(steps) = index.checked_sub(1) else { return Some(first_page) };
        let mut page = first.next.get()?;
        for _ in 0..steps / STRIDE {
            page = self.links.get(page as usize)?.aside;
        }
        for _ in 0..steps % STRIDE {
            page = self.links.get(page as usize)?.next.get()?;
        }
        Some(page)
    }

    /// Takes a free page; its generation stays.
    fn take(&mut self) -> Option<u32> {
        let page = match self.free.get() {
            Some(page) => page,
            None if self.unused_from < self.pages => self.unused_from,
            None => return None,
        };
        let was_free = self.free.get().is_some();
        let link = self.links.get_mut(page as usize)?;
        let next = link.next;
        *link = PageLink { generation: link.generation, ..PageLink::EMPTY };
        if was_free {
            self.free = next;
        } else {
            self.unused_from = self.unused_from.saturating_add(1);
        }
        self.free_count = self.free_count.saturating_sub(1);
        Some(page)
    }

    fn first(&self, key: StoreKey) -> Option<&PageLink> {
        if key.slot >= self.unused_from {
            return None;
        }
        let link = self.links.get(key.slot as usize)?;
        (link.fragment_len != 0 && link.generation == key.generation).then_some(link)
    }

    fn link_mut(&mut self, page: u32) -> Option<&mut PageLink> {
        self.links.get_mut(page as usize)
    }
}
