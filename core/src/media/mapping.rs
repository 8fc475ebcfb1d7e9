//! Which frames belong to which substream, forwards and backwards, each in a handful of operations.

use super::{FrameId, Mapping};

/// The finaliser of MurmurHash3 (Appleby): every bit of the input reaches every bit of the output. Part of the wire
/// protocol, since both sides of a feed compute it: it never changes.
const fn mix(block: u32) -> u32 {
    let mut bits = block;
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x85eb_ca6b);
    bits ^= bits >> 13;
    bits = bits.wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}

impl Mapping {
    /// The substream of `frame` among `substreams` (M; 0 counts as 1): below M, and different for every frame of a block
    /// of M ids that starts at a multiple of M.
    #[must_use]
    pub fn substream_of(self, frame: FrameId, substreams: u8) -> u8 {
        let count = u32::from(substreams.max(1));
        let (block, place) = (frame.0 / count, frame.0 % count);
        narrow(wrap(place + self.rotation(block, count), count))
    }

    /// The lowest id at or after `from` that belongs to `substream` (taken modulo M). The highest id when there is none
    /// left.
    #[must_use]
    pub fn next_in(self, substream: u8, from: FrameId, substreams: u8) -> FrameId {
        let count = u32::from(substreams.max(1));
        let block = from.0 / count;
        match self.in_block(substream, block, count) {
            Some(id) if id >= from => id,
            Some(_) | None => self.in_block(substream, block + 1, count).unwrap_or(FrameId(u32::MAX)),
        }
    }

    /// The highest id before `before` that belongs to `substream` (taken modulo M); `None` when there is none.
    #[must_use]
    pub fn previous_in(self, substream: u8, before: FrameId, substreams: u8) -> Option<FrameId> {
        let count = u32::from(substreams.max(1));
        let block = before.0 / count;
        let found = self.in_block(substream, block, count).filter(|&id| id < before);
        found.or_else(|| self.in_block(substream, block.checked_sub(1)?, count))
    }

    /// Ids from one frame of a substream to its next, at most: a feed that has waited for that many frames is late.
    #[must_use]
    pub fn beat_max(self, substreams: u8) -> u32 {
        let count = u32::from(substreams.max(1));
        match self {
            Self::RoundRobin => count,
            // The first place of one block and the last of the one after.
            Self::Scattered => 2 * count - 1,
        }
    }

    /// How far block number `block` is rotated, below `count`.
    fn rotation(self, block: u32, count: u32) -> u32 {
        match self {
            Self::RoundRobin => 0,
            Self::Scattered => mix(block) % count,
        }
    }

    /// The one id of `substream` in a block; `None` past the last id.
    fn in_block(self, substream: u8, block: u32, count: u32) -> Option<FrameId> {
        let substream = u32::from(substream);
        let substream = if substream < count { substream } else { substream % count };
        let place = wrap(substream + count - self.rotation(block, count), count);
        block.checked_mul(count)?.checked_add(place).map(FrameId)
    }
}

/// `sum` modulo `count`, for a sum of two places: a division would cost more than all the rest.
const fn wrap(sum: u32, count: u32) -> u32 {
    if sum < count { sum } else { sum - count }
}

/// A substream number: below M, which is a `u8`.
#[expect(clippy::cast_possible_truncation, reason = "callers reduce it modulo a u8")]
const fn narrow(substream: u32) -> u8 {
    substream as u8
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
