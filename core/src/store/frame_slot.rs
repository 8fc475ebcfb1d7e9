//! What a frame index keeps of each frame.

use super::StoreKey;
use crate::media::{Dts, FrameId, FrameInfo};

/// One place of a [`FrameIndex`](super::FrameIndex): 40 bytes.
///
/// Beside a frame it holds 32 bits of each of two bitmaps over all places: the index's search needs them, and lent memory is
/// the only memory there is.
#[derive(Clone, Copy, Debug)]
pub struct FrameSlot {
    /// The decode time's 33 bits; the top bit is the key flag.
    dts_and_key: u64,
    id: FrameId,
    pts_offset_ticks: u32,
    len: u32,
    store_key: StoreKey,
    /// Fragments of the frame; 0: no frame here.
    pub(super) count: u16,
    /// 1 + the assembly of a frame that is not complete, 0 of one that is.
    pub(super) assembly: u16,
    /// Bit b of slot w: a complete frame is at place 32 w + b.
    pub(super) complete_bits: u32,
    /// The same of complete key frames.
    pub(super) key_bits: u32,
}

impl FrameSlot {
    /// No frame; all zero bits.
    pub const EMPTY: Self = Self {
        dts_and_key: 0,
        id: FrameId(0),
        pts_offset_ticks: 0,
        len: 0,
        store_key: StoreKey { slot: 0, generation: 0 },
        count: 0,
        assembly: 0,
        complete_bits: 0,
        key_bits: 0,
    };

    const KEY_FLAG: u64 = 1 << 63;

    /// Puts a frame here; the bitmaps stay.
    pub(super) fn hold(&mut self, info: &FrameInfo, store_key: StoreKey, count: u16, assembly: u16) {
        *self = Self {
            dts_and_key: info.dts.ticks() | if info.key { Self::KEY_FLAG } else { 0 },
            id: info.id,
            pts_offset_ticks: info.pts_offset_ticks,
            len: info.len,
            store_key,
            count,
            assembly,
            complete_bits: self.complete_bits,
            key_bits: self.key_bits,
        };
    }

    /// Takes the frame out; the bitmaps stay.
    pub(super) fn clear(&mut self) {
        *self = Self { complete_bits: self.complete_bits, key_bits: self.key_bits, ..Self::EMPTY };
    }

    /// Whether frame `id` is here.
    pub(super) fn is_holding(&self, id: FrameId) -> bool {
        self.count != 0 && self.id == id
    }

    pub(super) const fn store_key(&self) -> StoreKey {
        self.store_key
    }

    pub(super) const fn is_key(&self) -> bool {
        self.dts_and_key & Self::KEY_FLAG != 0
    }

    pub(super) const fn info(&self) -> FrameInfo {
        FrameInfo {
            id: self.id,
            dts: Dts::from_ticks(self.dts_and_key),
            pts_offset_ticks: self.pts_offset_ticks,
            len: self.len,
            key: self.is_key(),
        }
    }
}

/// How far a held frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FrameState {
    /// Fragments are missing.
    Assembling,
    /// Every fragment is there.
    Complete,
}

/// What the index knows of a frame it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameEntry {
    /// The frame.
    pub info: FrameInfo,
    /// Where its bytes are.
    pub key: StoreKey,
    /// Fragments it has.
    pub count: u16,
    /// Fragments that came.
    pub received: u16,
    /// Whether that is all.
    pub state: FrameState,
}
