//! Bitmaps over the places of a frame index, 32 bits of each in each of the first slots.

use super::frame_slot::FrameSlot;

/// One of the bitmaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceBits {
    /// Complete frames.
    Complete,
    /// Complete key frames.
    Keys,
    /// Places without a complete frame.
    Gaps,
}

const WORD_BITS: u32 = 32;

impl PlaceBits {
    /// The lowest place of `first..=last` whose bit is set.
    pub(super) fn lowest(self, slots: &[FrameSlot], first: u32, last: u32) -> Option<u32> {
        (first / WORD_BITS..=last / WORD_BITS).find_map(|word| {
            let bits = self.word(slots, word, first, last);
            (bits != 0).then(|| word * WORD_BITS + bits.trailing_zeros())
        })
    }

    /// The highest place of `first..=last` whose bit is set.
    pub(super) fn highest(self, slots: &[FrameSlot], first: u32, last: u32) -> Option<u32> {
        (first / WORD_BITS..=last / WORD_BITS).rev().find_map(|word| {
            let bits = self.word(slots, word, first, last);
            bits.checked_ilog2().map(|bit| word * WORD_BITS + bit)
        })
    }

    /// One word, the bits of places outside `first..=last` zero.
    fn word(self, slots: &[FrameSlot], word: u32, first: u32, last: u32) -> u32 {
        let Some(slot) = slots.get(word as usize) else { return 0 };
        let bits = match self {
            Self::Complete => slot.complete_bits,
            Self::Keys => slot.key_bits,
            Self::Gaps => !slot.complete_bits,
        };
        let from_first = if word == first / WORD_BITS { u32::MAX << (first % WORD_BITS) } else { u32::MAX };
        let to_last =
            if word == last / WORD_BITS { u32::MAX >> (WORD_BITS - 1 - last % WORD_BITS) } else { u32::MAX };
        bits & from_first & to_last
    }
}

/// Notes that a complete frame is at `place`.
pub(super) fn set_complete(slots: &mut [FrameSlot], place: u32, is_key: bool) {
    let Some(slot) = slots.get_mut((place / WORD_BITS) as usize) else { return };
    let bit = 1 << (place % WORD_BITS);
    slot.complete_bits |= bit;
    if is_key {
        slot.key_bits |= bit;
    }
}

/// Notes that no complete frame is at `place`.
pub(super) fn set_gap(slots: &mut [FrameSlot], place: u32) {
    let Some(slot) = slots.get_mut((place / WORD_BITS) as usize) else { return };
    let others = !(1 << (place % WORD_BITS));
    slot.complete_bits &= others;
    slot.key_bits &= others;
}
