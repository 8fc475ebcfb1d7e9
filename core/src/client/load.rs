//! What a feed of each substream takes of an uplink: key frames need not be spread evenly.

use core::time::Duration;

use crate::limits::SUBSTREAMS_MAX;
use crate::time::Instant;

/// The slots are reckoned anew this often: many groups of pictures, or chance would show.
const WINDOW: Duration = Duration::from_secs(30);
/// A substream counts as one slot up to this many percent of the mean: frames differ.
const PLAIN_PERCENT_MAX: u64 = 150;

/// Bytes of each substream, and the slots that a feed of it takes.
///
/// When the distance of key frames is a multiple of M, `round-robin` puts all of them into one substream, whose feed then is
/// far above its share of the rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    bytes: [u32; SUBSTREAMS_MAX],
    slots: [u8; SUBSTREAMS_MAX],
    ends_at: Instant,
}

impl Load {
    /// Nothing known: every substream is one slot.
    pub(super) const EMPTY: Self =
        Self { bytes: [0; SUBSTREAMS_MAX], slots: [1; SUBSTREAMS_MAX], ends_at: Instant::ZERO };

    /// Counts a frame.
    pub(super) fn note(&mut self, now: Instant, substream: u8, len: u32, substreams: u8) {
        if now >= self.ends_at {
            if self.ends_at > Instant::ZERO {
                self.close(substreams);
            }
            self.ends_at = now + WINDOW;
        }
        if let Some(bytes) = self.bytes.get_mut(usize::from(substream)) {
            *bytes = bytes.saturating_add(len);
        }
    }

    fn close(&mut self, substreams: u8) {
        let all: u64 = self.bytes.iter().map(|&bytes| u64::from(bytes)).sum();
        for (slots, &bytes) in self.slots.iter_mut().zip(&self.bytes) {
            let percent = (u64::from(bytes) * 100 * u64::from(substreams)).checked_div(all).unwrap_or(0);
            let above = percent.saturating_sub(PLAIN_PERCENT_MAX).div_ceil(100);
            *slots = u8::try_from(above.saturating_add(1)).unwrap_or(u8::MAX);
        }
        // What is older counts half as much with each window.
        for bytes in &mut self.bytes {
            *bytes /= 2;
        }
    }

    /// Slots of an uplink that a feed of the substream takes, at least one.
    pub(super) fn slots(&self, substream: u8) -> u8 {
        self.slots.get(usize::from(substream)).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slots after a minute of a GOP of `gop` frames whose key frame is `key` times as large as the others.
    fn slots_at(gop: u32, key: u32, substreams: u8) -> std::vec::Vec<u8> {
        let mut load = Load::EMPTY;
        for frame in 0..1_600_u32 {
            let len = if frame.is_multiple_of(gop) { 1_000 * key } else { 1_000 };
            let now = Instant::from_millis(1 + u64::from(frame) * 40);
            load.note(now, u8::try_from(frame % u32::from(substreams)).unwrap(), len, substreams);
        }
        (0..substreams).map(|substream| load.slots(substream)).collect()
    }

    #[test]
    fn a_substream_with_all_key_frames_takes_more_slots() {
        assert_eq!(slots_at(25, 8, 6), [1; 6], "25 and 6 have no common divisor: key frames go round");
        assert_eq!(slots_at(24, 8, 6), [2, 1, 1, 1, 1, 1]);
        assert_eq!(slots_at(24, 30, 6), [4, 1, 1, 1, 1, 1]);
        assert_eq!(slots_at(25, 8, 1), [1]);
    }

    #[test]
    fn what_is_older_counts_half_as_much_with_each_window() {
        let mut load = Load::EMPTY;
        let mut window = |at_s: u64, lens: [u32; 2]| {
            for (substream, len) in (0..).zip(lens) {
                load.note(Instant::from_millis(1 + at_s * 1_000), substream, len, 2);
            }
            load.slots(0)
        };
        // Each window tells of those before it; 1,000 and then none, beside 100 at a time.
        let slots = [
            window(0, [1_000, 100]),
            window(31, [0, 100]),
            window(62, [0, 100]),
            window(93, [0, 100]),
            window(124, [0, 100]),
        ];
        assert_eq!(slots, [1, 2, 2, 1, 1]);
    }

    #[test]
    fn without_bytes_every_substream_is_one_slot() {
        assert_eq!(Load::EMPTY.slots(0), 1);
        let mut load = Load::EMPTY;
        load.note(Instant::from_millis(1), 0, 0, 0);
        load.note(Instant::from_millis(40_000), 0, 0, 0);
        assert_eq!((load.slots(0), load.slots(200)), (1, 1));
    }
}
