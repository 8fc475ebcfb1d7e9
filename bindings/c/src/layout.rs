//! How a client's memory is divided.

use livesky_core::client::{ClientStorage, Peer};
use livesky_core::store::{Assembly, FrameSlot, Page, PageLink, PagePool};

use crate::client::LiveskyClient;
use crate::result::LiveskyResult;

/// Frames being assembled at once (`ClientStorage::assemblies`).
const ASSEMBLIES: usize = 32;

/// What the memory is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacities {
    /// The edge and the peers.
    pub(crate) peers: usize,
    /// Frames.
    pub(crate) frames: usize,
    /// Fragments.
    pub(crate) pages: usize,
}

/// A table in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Bytes from the start of the memory.
    pub(crate) offset: usize,
    /// Slots.
    pub(crate) count: usize,
}

/// Where each table lies; the client itself is at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Of `Peer`.
    pub(crate) peers: Section,
    /// Of `FrameSlot`.
    pub(crate) frames: Section,
    /// Of `Assembly`.
    pub(crate) assemblies: Section,
    /// Of `PageLink`.
    pub(crate) links: Section,
    /// Of `Page`.
    pub(crate) pages: Section,
    /// Bytes in all, a multiple of [`Layout::ALIGN`].
    pub(crate) size: usize,
}

/// The client's tables, in memory of the caller.
pub(crate) struct Tables {
    pub(crate) storage: ClientStorage<'static>,
    pub(crate) store: PagePool<'static>,
}

impl Layout {
    /// What the memory is aligned to.
    pub(crate) const ALIGN: usize = {
        let (mut most, mut at) = (align_of::<LiveskyClient>(), 0);
        let aligns =
            [align_of::<Peer>(), align_of::<FrameSlot>(), align_of::<Assembly>(), align_of::<PageLink>()];
        while at < aligns.len() {
            #[expect(clippy::indexing_slicing, reason = "within bounds, at compile time")]
            if aligns[at] > most {
                most = aligns[at];
            }
            at += 1;
        }
        most
    };

    /// Divides; `Err` with the capacity that is too large for this computer's memory.
    pub(crate) const fn of(capacities: &Capacities) -> Result<Self, LiveskyResult> {
        let Capacities { peers, frames, pages } = *capacities;
        let client = (0, size_of::<LiveskyClient>());
        let Some((peers, end)) = after::<Peer>(client.1, peers) else {
            return Err(LiveskyResult::InvalidPeersMax);
        };
        let Some((assemblies, end)) = after::<Assembly>(end, ASSEMBLIES) else {
            return Err(LiveskyResult::InvalidPeersMax);
        };
        let Some((frames, end)) = after::<FrameSlot>(end, frames) else {
            return Err(LiveskyResult::InvalidFramesMax);
        };
        let Some((links, end)) = after::<PageLink>(end, pages) else {
            return Err(LiveskyResult::InvalidStoreBytesMax);
        };
        // Last, since it is aligned to single bytes.
        let Some((pages, end)) = after::<Page>(end, pages) else {
            return Err(LiveskyResult::InvalidStoreBytesMax);
        };
        // Whole, as C's aligned_alloc wants it (C11, 7.22.3.1). Far below overflow: `end` is at most half of all numbers.
        let size = end.next_multiple_of(Self::ALIGN);
        Ok(Self { peers, frames, assemblies, links, pages, size })
    }

    /// Makes empty tables.
    ///
    /// # Safety
    /// `memory` is aligned to [`Self::ALIGN`], and its first `size` bytes are writable and used by nobody else, until none of
    /// the tables is used any more.
    pub(crate) unsafe fn tables(&self, memory: *mut u8) -> Tables {
        // SAFETY: of the memory that the caller vouches for, each table takes a part of its own, as the tests of this file show.
        let (peers, frames) =
            unsafe { (table(memory, self.peers, Peer::EMPTY), table(memory, self.frames, FrameSlot::EMPTY)) };
        // SAFETY: the same.
        let assemblies = unsafe { table(memory, self.assemblies, Assembly::EMPTY) };
        // SAFETY: the same.
        let (links, pages) = unsafe {
            (table(memory, self.links, PageLink::EMPTY), table(memory, self.pages, PagePool::EMPTY_PAGE))
        };
        Tables { storage: ClientStorage { peers, frames, assemblies }, store: PagePool::new(pages, links) }
    }
}

/// A table of `T` behind what ends at `end`, and where it ends itself; `None` when no memory reaches so far.
const fn after<T>(end: usize, count: usize) -> Option<(Section, usize)> {
    let Some(offset) = end.checked_next_multiple_of(align_of::<T>()) else { return None };
    let Some(len) = size_of::<T>().checked_mul(count) else { return None };
    match offset.checked_add(len) {
        Some(end) if end <= isize::MAX.cast_unsigned() => Some((Section { offset, count }, end)),
        Some(_) | None => None,
    }
}

/// Fills a table with copies of `empty`.
///
/// # Safety
/// The section lies within `memory`, aligned to `T`, and is nobody else's while the slice lives.
unsafe fn table<T: Clone>(memory: *mut u8, section: Section, empty: T) -> &'static mut [T] {
    // SAFETY: within the memory, says the caller.
    let start = unsafe { memory.add(section.offset) }.cast::<T>();
    for index in 0..section.count {
        // SAFETY: within the section.
        let slot = unsafe { start.add(index) };
        // SAFETY: aligned as the section is, and writable.
        unsafe { slot.write(empty.clone()) };
    }
    // SAFETY: every slot was written, and is nobody else's, says the caller.
    unsafe { core::slice::from_raw_parts_mut(start, section.count) }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
