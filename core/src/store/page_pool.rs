//! The frame store of a box: fixed pages in memory the caller lends.

use super::frame_store::{FragmentRef, FrameStore, StaleKey, StoreFull, StoreKey};
use super::page_chains::{PageChains, PageLink};
use crate::limits::FRAGMENT_LEN;

/// The bytes of one fragment.
pub type Page = [u8; FRAGMENT_LEN as usize];

/// A frame store over lent pages, one fragment each: a frame of any size fits while enough pages are free, wherever they
/// are. A page takes [`PagePool::BYTES_PER_PAGE`] in all.
#[derive(Debug)]
pub struct PagePool<'a> {
    pages: &'a mut [Page],
    chains: PageChains<'a>,
}

impl<'a> PagePool<'a> {
    /// A page that holds nothing; all zero bits.
    pub const EMPTY_PAGE: Page = [0; FRAGMENT_LEN as usize];

    /// Bytes of a page with its link.
    pub const BYTES_PER_PAGE: usize = size_of::<Page>() + size_of::<PageLink>();

    /// An empty pool; of pages and links, as many are used as there are of both. Neither need be empty.
    #[must_use]
    pub fn new(pages: &'a mut [Page], links: &'a mut [PageLink]) -> Self {
        let chains = PageChains::new(pages.len(), links);
        Self { pages, chains }
    }

    /// Pages that hold `millis` milliseconds of a stream of `rate_bps` bit/s and `frames` frames: each frame may leave most
    /// of a page empty.
    #[must_use]
    pub const fn pages_for(rate_bps: u64, millis: u64, frames: u64) -> u64 {
        let bytes = rate_bps.saturating_mul(millis).div_ceil(8_000);
        bytes.div_ceil(FRAGMENT_LEN as u64).saturating_add(frames)
    }

    /// Pages that are free.
    #[must_use]
    pub const fn free_count(&self) -> u32 {
        self.chains.free_count()
    }
}

impl FrameStore for PagePool<'_> {
    fn allocate(&mut self, len: u32, fragment_len: u16) -> Result<StoreKey, StoreFull> {
        if fragment_len > FRAGMENT_LEN {
            return Err(StoreFull);
        }
        self.chains.allocate(len, fragment_len)
    }

    fn write(&mut self, key: StoreKey, index: u16, bytes: &[u8]) -> Result<(), StaleKey> {
        let (page, len) = self.chains.page_of(key, index)?;
        let page = self.pages.get_mut(page).and_then(|page| page.get_mut(..usize::from(len)));
        let room = page.filter(|page| page.len() == bytes.len()).ok_or(StaleKey)?;
        room.copy_from_slice(bytes);
        Ok(())
    }

    fn complete(&mut self, _key: StoreKey) {}

    fn read(&self, fragment: FragmentRef) -> Option<&[u8]> {
        self.pages.get(self.chains.page_to_read(fragment)?)?.get(..usize::from(fragment.len))
    }

    fn holds(&self, key: StoreKey) -> bool {
        self.chains.is_held(key)
    }

    fn release(&mut self, key: StoreKey) {
        self.chains.release(key);
    }
}

#[cfg(test)]
mod tests;
