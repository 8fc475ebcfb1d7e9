//! What a feed of each substream takes of an uplink: key frames need not be spread evenly.

use core::time::Duration;

use crate::limits::SUBSTREAMS_MAX;
use crate::media::ChannelSettings;
use crate::time::Instant;

/// The slots are reckoned anew this often: many groups of pictures, or chance would show.
const WINDOW: Duration = Duration::from_secs(30);
/// A substream counts as one slot up to this many percent of the mean: frames differ.
const PLAIN_PERCENT_MAX: u64 = 150;

/// Bytes and frames of each substream, and the slots that a feed of it takes.
///
/// When the distance of key frames is a multiple of M, `round-robin` puts all of them into one substream, whose feed then is
/// far above its share of the rate. Frames are weighed, not feeds: one that stood still brought less, and is no lighter for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    bytes: [u32; SUBSTREAMS_MAX],
    frames: [u16; SUBSTREAMS_MAX],
    slots: [u8; SUBSTREAMS_MAX],
    ends_at: Instant,
}

impl Load {
    /// Nothing known: every substream is one slot.
    pub(super) const EMPTY: Self = Self {
        bytes: [0; SUBSTREAMS_MAX],
        frames: [0; SUBSTREAMS_MAX],
        slots: [1; SUBSTREAMS_MAX],
        ends_at: Instant::ZERO,
    };

    /// Counts a frame.
    pub(super) fn note(&mut self, now: Instant, substream: u8, len: u32, settings: &ChannelSettings) {
        if now >= self.ends_at {
            if self.ends_at > Instant::ZERO {
                self.close(settings);
            }
            self.ends_at = now + WINDOW;
        }
        if let Some(bytes) = self.bytes.get_mut(usize::from(substream)) {
            *bytes = bytes.saturating_add(len);
        }
        if let Some(frames) = self.frames.get_mut(usize::from(substream)) {
            *frames = frames.saturating_add(1);
        }
    }

    fn close(&mut self, settings: &ChannelSettings) {
        let due = settings.frames_in(WINDOW).checked_div(u32::from(settings.substreams)).unwrap_or(0);
        // Of a few frames, chance decides how many are key frames.
        let told = |frames: u16| if u32::from(frames) * 2 >= due { u64::from(frames) } else { 0 };
        let means = self.bytes.iter().zip(&self.frames);
        let means = means.filter_map(|(&bytes, &frames)| u64::from(bytes).checked_div(told(frames)));
        let (count, all) = means.fold((0, 0), |(count, all), mean| (count + 1, all + mean));
        for ((slots, &bytes), &frames) in self.slots.iter_mut().zip(&self.bytes).zip(&self.frames) {
            let mean = u64::from(bytes).checked_div(told(frames));
            let Some(percent) = mean.and_then(|mean| (mean * 100 * count).checked_div(all)) else { continue };
            let above = percent.saturating_sub(PLAIN_PERCENT_MAX).div_ceil(100);
            *slots = u8::try_from(above.saturating_add(1)).unwrap_or(u8::MAX);
        }
        // What is older counts half as much with each window.
        for (bytes, frames) in self.bytes.iter_mut().zip(&mut self.frames) {
            (*bytes, *frames) = (*bytes / 2, *frames / 2);
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

    fn settings(substreams: u8) -> ChannelSettings {
        ChannelSettings { substreams, ..ChannelSettings::default() }
    }

    /// The slots after a minute of a GOP of `gop` frames whose key frame is `key` times as large as the others; of substream
    /// 0 one frame in `every` comes.
    fn slots_at(gop: u32, key: u32, substreams: u8, every: u32) -> std::vec::Vec<u8> {
        let mut load = Load::EMPTY;
        let m = u32::from(substreams);
        for frame in (0..1_600_u32).filter(|frame| frame % m > 0 || (frame / m).is_multiple_of(every)) {
            let len = if frame.is_multiple_of(gop) { 1_000 * key } else { 1_000 };
            let now = Instant::from_millis(1 + u64::from(frame) * 40);
            load.note(now, u8::try_from(frame % m).unwrap(), len, &settings(substreams));
        }
        (0..substreams).map(|substream| load.slots(substream)).collect()
    }

    #[test]
    fn a_substream_with_all_key_frames_takes_more_slots() {
        assert_eq!(slots_at(25, 8, 6, 1), [1; 6], "25 and 6 have no common divisor: key frames go round");
        assert_eq!(slots_at(24, 8, 6, 1), [2, 1, 1, 1, 1, 1]);
        assert_eq!(slots_at(24, 30, 6, 1), [4, 1, 1, 1, 1, 1]);
        assert_eq!(slots_at(25, 8, 1, 1), [1]);
    }

    #[test]
    fn a_feed_that_brought_less_makes_no_other_heavier() {
        assert_eq!(slots_at(25, 8, 6, 2), [1; 6]);
        // Less than half tells nothing.
        assert_eq!(slots_at(25, 8, 6, 1_000), [1; 6]);
        assert_eq!(slots_at(25, 8, 2, 1_000), [1; 2]);
        assert_eq!(slots_at(24, 30, 6, 5), [1; 6]);
    }

    #[test]
    fn what_is_older_counts_half_as_much_with_each_window() {
        let mut load = Load::EMPTY;
        let due = settings(2).frames_in(WINDOW) / 2;
        let mut window = |at_s: u64, lens: [u32; 2]| {
            for (substream, len) in (0..).zip(lens) {
                for _ in 0..due {
                    load.note(Instant::from_millis(1 + at_s * 1_000), substream, len, &settings(2));
                }
            }
            load.slots(0)
        };
        // Each window tells of those before it; 1,000 and then 10, beside 100 at a time.
        let slots = [
            window(0, [1_000, 100]),
            window(31, [10, 100]),
            window(62, [10, 100]),
            window(93, [10, 100]),
            window(124, [10, 100]),
        ];
        assert_eq!(slots, [1, 2, 2, 1, 1]);
    }

    #[test]
    fn without_bytes_every_substream_is_one_slot() {
        assert_eq!(Load::EMPTY.slots(0), 1);
        let mut load = Load::EMPTY;
        load.note(Instant::from_millis(1), 0, 0, &settings(0));
        load.note(Instant::from_millis(40_000), 0, 0, &settings(0));
        assert_eq!((load.slots(0), load.slots(200)), (1, 1));
    }
}
