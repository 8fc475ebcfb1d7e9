//! Frames as shared bytes: one copy for the machine, for HTTP and for whoever else reads them.

use std::sync::Arc;

use livesky_core::media::{fragment_count, fragment_len_at};
use livesky_core::store::{FragmentRef, FrameStore, StaleKey, StoreFull, StoreKey};

/// A [`FrameStore`] whose frames are `Arc<[u8]>`: complete ones are handed out without a copy and outlive their release
/// for as long as somebody reads them.
///
/// Bounded by the sum of its frames' bytes. Like every store it evicts nothing by itself.
#[derive(Debug)]
pub struct SharedStore {
    slots: Vec<Slot>,
    free: Vec<u32>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    /// Not shared before it is complete, so that fragments can be written in place.
    frame: Arc<[u8]>,
    fragment_len: u16,
    is_complete: bool,
}

impl Held {
    fn range_of(&self, index: u16) -> Option<core::ops::Range<usize>> {
        let frame_len = u32::try_from(self.frame.len()).ok()?;
        let len = fragment_len_at(frame_len, self.fragment_len, index);
        let start = usize::from(index) * usize::from(self.fragment_len);
        (len > 0).then(|| start..start + usize::from(len))
    }
}

impl SharedStore {
    /// An empty store for at most `bytes_max` bytes of frames.
    #[must_use]
    pub const fn new(bytes_max: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), bytes: 0, bytes_max }
    }

    /// Takes in a complete frame, to be read in fragments of `fragment_len`.
    ///
    /// # Errors
    /// [`StoreFull`] when it does not fit, or when the lengths make no valid frame.
    pub fn insert(&mut self, frame: Arc<[u8]>, fragment_len: u16) -> Result<StoreKey, StoreFull> {
        let len = u32::try_from(frame.len()).map_err(|_| StoreFull)?;
        self.admit(len, fragment_len)?;
        self.hold(Held { frame, fragment_len, is_complete: true })
    }

    /// A complete frame; `None` when the key is stale or fragments are missing.
    #[must_use]
    pub fn frame(&self, key: StoreKey) -> Option<Arc<[u8]>> {
        self.held(key).filter(|held| held.is_complete).map(|held| Arc::clone(&held.frame))
    }

    /// Bytes of the frames held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of the frames held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether no frame is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn admit(&self, len: u32, fragment_len: u16) -> Result<(), StoreFull> {
        fragment_count(len, fragment_len).ok_or(StoreFull)?;
        let len = usize::try_from(len).map_err(|_| StoreFull)?;
        if len > self.bytes_max - self.bytes { Err(StoreFull) } else { Ok(()) }
    }

    fn hold(&mut self, held: Held) -> Result<StoreKey, StoreFull> {
        let len = held.frame.len();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).map_err(|_| StoreFull)?;
                self.slots.push(Slot { generation: 0, held: None });
                slot
            }
        };
        let place = self.slots.get_mut(slot as usize).ok_or(StoreFull)?;
        // 0 is never a generation of a key given out.
        place.generation = place.generation.checked_add(1).unwrap_or(1);
        place.held = Some(held);
        self.bytes += len;
        Ok(StoreKey { slot, generation: place.generation })
    }

    fn held(&self, key: StoreKey) -> Option<&Held> {
        let slot = self.slots.get(key.slot as usize)?;
        slot.held.as_ref().filter(|_| slot.generation == key.generation)
    }

    fn held_mut(&mut self, key: StoreKey) -> Option<&mut Held> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        slot.held.as_mut().filter(|_| slot.generation == key.generation)
    }
}

impl FrameStore for SharedStore {
    fn allocate(&mut self, len: u32, fragment_len: u16) -> Result<StoreKey, StoreFull> {
        self.admit(len, fragment_len)?;
        let frame = core::iter::repeat_n(0, len as usize).collect();
        self.hold(Held { frame, fragment_len, is_complete: false })
    }

    fn write(&mut self, key: StoreKey, index: u16, bytes: &[u8]) -> Result<(), StaleKey> {
        let held = self.held_mut(key).ok_or(StaleKey)?;
        let range = held.range_of(index).ok_or(StaleKey)?;
        let frame = Arc::get_mut(&mut held.frame).ok_or(StaleKey)?;
        let place = frame.get_mut(range).filter(|place| place.len() == bytes.len()).ok_or(StaleKey)?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    fn complete(&mut self, key: StoreKey) {
        if let Some(held) = self.held_mut(key) {
            held.is_complete = true;
        }
    }

    fn read(&self, fragment: FragmentRef) -> Option<&[u8]> {
        let held = self.held(fragment.key)?;
        let bytes = held.frame.get(held.range_of(fragment.index)?)?;
        (bytes.len() == usize::from(fragment.len)).then_some(bytes)
    }

    fn holds(&self, key: StoreKey) -> bool {
        self.held(key).is_some()
    }

    fn release(&mut self, key: StoreKey) {
        if !self.holds(key) {
            return;
        }
        if let Some(held) = self.slots.get_mut(key.slot as usize).and_then(|slot| slot.held.take()) {
            self.bytes -= held.frame.len();
            self.free.push(key.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(key: StoreKey, index: u16, len: u16) -> FragmentRef {
        FragmentRef { key, index, len }
    }

    #[test]
    fn a_frame_written_in_fragments_comes_out_whole() {
        let mut store = SharedStore::new(10_000);
        let key = store.allocate(5, 2).unwrap();
        assert_eq!(store.frame(key), None, "not complete");
        store.write(key, 2, b"e").unwrap();
        store.write(key, 0, b"ab").unwrap();
        assert_eq!(store.write(key, 1, b"c"), Err(StaleKey), "wrong length");
        assert_eq!(store.write(key, 3, b""), Err(StaleKey), "past the end");
        store.write(key, 1, b"cd").unwrap();
        store.complete(key);
        let shared = store.frame(key).unwrap();
        assert_eq!(&*shared, b"abcde");
        assert_eq!(store.write(key, 0, b"xx"), Err(StaleKey), "shared frames do not change");
        assert_eq!(store.read(fragment(key, 1, 2)), Some(&b"cd"[..]));
        assert_eq!(store.read(fragment(key, 2, 1)), Some(&b"e"[..]));
        assert_eq!(store.read(fragment(key, 2, 2)), None, "another length than the fragment's");
    }

    #[test]
    fn released_keys_are_stale_even_when_the_place_is_used_again() {
        let mut store = SharedStore::new(10);
        let first = store.insert(Arc::from(&b"0123456789"[..]), 4).unwrap();
        assert_ne!(first.generation, 0);
        assert_eq!(store.insert(Arc::from(&b"x"[..]), 4), Err(StoreFull));
        let read_before = store.frame(first).unwrap();
        store.release(first);
        store.release(first);
        assert_eq!((store.bytes(), store.len()), (0, 0));
        let second = store.insert(Arc::from(&b"y"[..]), 4).unwrap();
        assert_eq!(first.slot, second.slot);
        assert!(!store.holds(first) && store.holds(second));
        assert_eq!(store.read(fragment(first, 0, 1)), None);
        store.release(first);
        assert_eq!(store.frame(second).as_deref(), Some(&b"y"[..]));
        assert_eq!(&*read_before, b"0123456789");
    }

    #[test]
    fn lengths_that_make_no_frame_are_refused() {
        let mut store = SharedStore::new(usize::MAX);
        assert_eq!(store.allocate(0, 100), Err(StoreFull));
        assert_eq!(store.allocate(10, 0), Err(StoreFull));
        assert_eq!(store.allocate(u32::MAX, 1), Err(StoreFull));
    }
}
