//! The frame store of a simulated endpoint: it keeps four bytes of each fragment.

use super::frame_store::{FragmentRef, FrameStore, StaleKey, StoreFull, StoreKey};
use super::page_chains::{PageChains, PageLink};

/// The first bytes of a fragment, by which it is known.
pub type Tag = [u8; 4];

/// A frame store that keeps the first 4 bytes of each fragment as its tag, so that tens of thousands of clients fit in memory
/// and wrongly assembled or polluted frames still show. A fragment takes 20 bytes.
///
/// Beside whole fragments it takes the tag alone, or anything between, and gives the tag back.
#[derive(Debug)]
pub struct PhantomStore<'a> {
    tags: &'a mut [Tag],
    chains: PageChains<'a>,
}

impl<'a> PhantomStore<'a> {
    /// A tag that says nothing; all zero bits.
    pub const EMPTY_TAG: Tag = [0; 4];

    /// An empty store; of tags and links, as many are used as there are of both. Neither need be empty.
    #[must_use]
    pub fn new(tags: &'a mut [Tag], links: &'a mut [PageLink]) -> Self {
        let chains = PageChains::new(tags.len(), links);
        Self { tags, chains }
    }

    /// Fragments there is room for.
    #[must_use]
    pub const fn free_count(&self) -> u32 {
        self.chains.free_count()
    }
}

impl FrameStore for PhantomStore<'_> {
    fn allocate(&mut self, len: u32, fragment_len: u16) -> Result<StoreKey, StoreFull> {
        self.chains.allocate(len, fragment_len)
    }

    fn write(&mut self, key: StoreKey, index: u16, bytes: &[u8]) -> Result<(), StaleKey> {
        let (page, len) = self.chains.page_of(key, index)?;
        let len = usize::from(len);
        let tag = self.tags.get_mut(page).and_then(|tag| tag_of_mut(tag, len)).ok_or(StaleKey)?;
        let shown = bytes.get(..tag.len()).filter(|_| bytes.len() <= len).ok_or(StaleKey)?;
        tag.copy_from_slice(shown);
        Ok(())
    }

    fn complete(&mut self, _key: StoreKey) {}

    fn read(&self, fragment: FragmentRef) -> Option<&[u8]> {
        let tag = self.tags.get(self.chains.page_to_read(fragment)?)?;
        tag.get(..usize::from(fragment.len).min(tag.len()))
    }

    fn holds(&self, key: StoreKey) -> bool {
        self.chains.is_held(key)
    }

    fn release(&mut self, key: StoreKey) {
        self.chains.release(key);
    }
}

/// The part of a tag that a fragment of `len` bytes fills.
fn tag_of_mut(tag: &mut Tag, len: usize) -> Option<&mut [u8]> {
    let filled = len.min(tag.len());
    tag.get_mut(..filled)
}

#[cfg(test)]
mod tests;
