//! The seam between a machine, which knows frames, and the memory that holds their bytes.

/// Names the bytes of one frame in a store. The generation makes a key of a frame since released stale instead of wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StoreKey {
    /// Place in the store.
    pub slot: u32,
    /// Which use of that place; never 0 for a key a store gave out.
    pub generation: u32,
}

/// Names the bytes of one fragment in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FragmentRef {
    /// The frame.
    pub key: StoreKey,
    /// Which fragment.
    pub index: u16,
    /// Bytes of it.
    pub len: u16,
}

/// No room for a frame: release another, or drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StoreFull;

/// The key's frame was released, or the fragment is not one of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StaleKey;

/// Holds the bytes of frames. The machine decides what is kept; a store never evicts by itself.
pub trait FrameStore {
    /// Makes room for a frame of `len` bytes in fragments of `fragment_len`.
    ///
    /// # Errors
    /// [`StoreFull`] when it does not fit, or when the lengths make no valid frame
    /// ([`fragment_count`](crate::media::fragment_count)).
    fn allocate(&mut self, len: u32, fragment_len: u16) -> Result<StoreKey, StoreFull>;

    /// Writes fragment `index`.
    ///
    /// # Errors
    /// [`StaleKey`] when the key is stale, the index past the end, or `bytes` not of the fragment's length.
    fn write(&mut self, key: StoreKey, index: u16, bytes: &[u8]) -> Result<(), StaleKey>;

    /// Says that every fragment was written: a store that shares frames freezes it here. A stale key is ignored.
    fn complete(&mut self, key: StoreKey);

    /// The bytes of a fragment, `None` when stale.
    fn read(&self, fragment: FragmentRef) -> Option<&[u8]>;

    /// Whether the key's frame is still held.
    fn holds(&self, key: StoreKey) -> bool;

    /// Gives up a frame. A stale key is ignored.
    fn release(&mut self, key: StoreKey);
}
