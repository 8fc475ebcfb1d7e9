//! Which frames a partner holds, as far as it told; and telling it of one's own.

use super::FrameId;
use crate::limits::MAP_LEN_MAX;
use crate::wire::control::MapBits;

/// Frames a map remembers, counted back from the newest: 40 s at 25 frames a second, the target buffer of the paper and
/// its pull window more than once.
pub const MAP_FRAMES: u32 = 1_024;
const RING_LEN: usize = MAP_FRAMES as usize / 8;

/// A receiver's view of what one partner holds: a ring of bits by frame id. All zero bits: nothing.
///
/// Whatever the partner claims, the map stays this size, takes time in proportion to the message, and misleads only
/// about that partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferMap {
    /// Frames below are not held any more.
    oldest: FrameId,
    /// One past the newest frame held; 0: none is.
    end: u32,
    /// Bit `id % MAP_FRAMES`. Bits of frames at or past `end` are zero.
    ring: [u8; RING_LEN],
}

impl Default for BufferMap {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl BufferMap {
    /// Nothing is known.
    pub const EMPTY: Self = Self { oldest: FrameId(0), end: 0, ring: [0; RING_LEN] };

    /// Takes in a whole map or a change. What it covers is replaced, the rest stays. `false`: older than one taken in
    /// before (a store's oldest frame never goes back), and ignored.
    pub fn merge(&mut self, map: &MapBits<'_>) -> bool {
        if map.oldest < self.oldest {
            return false;
        }
        self.oldest = map.oldest;
        let bits = map.bits.get(..map.bits.len().min(MAP_LEN_MAX)).unwrap_or(&[]);
        let covered = u32::try_from(bits.len() * 8).unwrap_or(0);
        let covered_end = map.base.0.saturating_add(covered);
        for id in map.base.0.max(self.first())..covered_end.min(self.end) {
            self.write(id, false);
        }
        // What was the newest may be gone, and the ring reach further back for what comes.
        self.shrink();
        if let Some(newest) = newest_of(map.base, bits) {
            self.extend(newest.saturating_add(1));
        }
        for id in map.base.0.max(self.first())..covered_end.min(self.end) {
            if is_set(bits, id - map.base.0) {
                self.write(id, true);
            }
        }
        self.shrink();
        true
    }

    /// Takes in that the partner does not hold `frame` after all.
    pub fn forget(&mut self, frame: FrameId) {
        if self.has(frame) {
            self.write(frame.0, false);
            self.shrink();
        }
    }

    /// Whether the partner said it holds `frame`.
    #[must_use]
    pub fn has(&self, frame: FrameId) -> bool {
        frame.0 >= self.first() && frame.0 < self.end && self.read(frame.0)
    }

    /// The partner holds nothing below this frame.
    #[must_use]
    pub fn oldest(&self) -> FrameId {
        self.oldest
    }

    /// The newest frame it holds.
    #[must_use]
    pub fn newest(&self) -> Option<FrameId> {
        self.end.checked_sub(1).map(FrameId)
    }

    /// The first id the ring can speak of.
    fn first(&self) -> u32 {
        self.end.saturating_sub(MAP_FRAMES).max(self.oldest.0)
    }

    /// Moves the ring on to `end`; ids that come in are not held.
    fn extend(&mut self, end: u32) {
        if end.saturating_sub(self.end) >= MAP_FRAMES {
            self.ring = [0; RING_LEN];
        } else {
            for id in self.end..end {
                self.write(id, false);
            }
        }
        self.end = self.end.max(end);
    }

    /// Moves the end back to the newest frame that is held.
    fn shrink(&mut self) {
        let first = self.first();
        while self.end > first && !self.read(self.end - 1) {
            self.end -= 1;
        }
        if self.end <= first {
            (self.end, self.ring) = (0, [0; RING_LEN]);
        }
    }

    fn read(&self, id: u32) -> bool {
        is_set(&self.ring, id % MAP_FRAMES)
    }

    fn write(&mut self, id: u32, is_held: bool) {
        let place = id % MAP_FRAMES;
        if let Some(byte) = self.ring.get_mut(place as usize / 8) {
            let bit = 1 << (place % 8);
            *byte = if is_held { *byte | bit } else { *byte & !bit };
        }
    }
}

/// Writes a map of the frames from `base` on into `out`: `count` frames, rounded up to whole bytes, as far as they fit
/// `out` and a message. `is_held` is asked for each of them, once, in order.
pub fn write_bits<'o>(
    oldest: FrameId,
    base: FrameId,
    count: u32,
    is_held: impl Fn(FrameId) -> bool,
    out: &'o mut [u8],
) -> MapBits<'o> {
    let wanted = usize::try_from(count.div_ceil(8)).unwrap_or(usize::MAX);
    let len = wanted.min(out.len()).min(MAP_LEN_MAX);
    let bits = out.get_mut(..len).unwrap_or(&mut []);
    let mut id = Some(base.0);
    for byte in &mut *bits {
        *byte = 0;
        for bit in 0..8 {
            if id.is_some_and(|id| is_held(FrameId(id))) {
                *byte |= 1 << bit;
            }
            id = id.and_then(|id| id.checked_add(1));
        }
    }
    MapBits { oldest, base, bits }
}

fn is_set(bits: &[u8], place: u32) -> bool {
    bits.get(place as usize / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

/// The highest id that has its bit set. The very last id is never counted as held, so that one past it exists.
fn newest_of(base: FrameId, bits: &[u8]) -> Option<u32> {
    let covered = u32::try_from(bits.len() * 8).ok()?;
    let past_last = u32::MAX - base.0;
    (0..covered.min(past_last)).rev().find(|&place| is_set(bits, place)).map(|place| base.0 + place)
}

#[cfg(test)]
#[path = "buffer_map_tests.rs"]
mod tests;
