//! The channel's frames: how large they are, and by which four bytes their fragments are known.

use livesky_core::media::{Dts, FrameId, FrameInfo};
use livesky_core::store::Tag;

use crate::scenario::{ChannelSpec, FrameSizes};
use crate::seeds::{Draw, Purpose, mix, stream};

/// Presentation follows decoding by this: two frames at 25 a second.
const PTS_OFFSET_TICKS: u32 = 7_200;

/// How large frames are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameModel {
    seed: u64,
    gop_frames: u32,
    cadence_us: u64,
    fragment_len: u16,
    key_len: f64,
    other_len: f64,
    variation: f64,
}

impl FrameModel {
    pub(crate) fn new(channel: &ChannelSpec, seed: u64) -> Self {
        let mean = f64::from(channel.rate_bps) * f64::from(channel.cadence_us) / 8e6;
        let (ratio, variation) = match channel.frame_sizes {
            FrameSizes::Constant => (1.0, 0.0),
            FrameSizes::Gop => (channel.key_ratio, channel.variation),
        };
        let gop = f64::from(channel.gop_frames);
        let other_len = mean * gop / (gop - 1.0 + ratio);
        Self {
            seed,
            gop_frames: channel.gop_frames,
            cadence_us: u64::from(channel.cadence_us),
            fragment_len: channel.fragment_len,
            key_len: other_len * ratio,
            other_len,
            variation,
        }
    }

    /// Bytes of a key frame.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame of a valid channel")]
    pub(crate) const fn key_len(&self) -> u32 {
        self.key_len as u32
    }

    /// What is known of a frame.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame of a valid channel")]
    pub(crate) fn info(&self, id: FrameId) -> FrameInfo {
        let key = id.0.is_multiple_of(self.gop_frames);
        let len = if key {
            self.key_len
        } else {
            let mut rng = stream(self.seed, Purpose::Frames, u64::from(id.0));
            self.other_len * rng.between(1.0 - self.variation, 1.0 + self.variation)
        };
        let most = f64::from(self.fragment_len) * f64::from(livesky_core::limits::FRAGMENTS_MAX);
        let dts = u64::from(id.0) * self.cadence_us * 9 / 100;
        FrameInfo {
            id,
            dts: Dts::from_ticks(dts),
            pts_offset_ticks: PTS_OFFSET_TICKS,
            len: len.clamp(1.0, most) as u32,
            key,
        }
    }
}

/// The bytes a fragment is known by.
pub(crate) const fn tag_of(epoch: u16, frame: FrameId, fragment: u16) -> Tag {
    let place = (epoch as u64) << 48 | (frame.0 as u64) << 16 | fragment as u64;
    let [a, b, c, d, ..] = mix(place).to_le_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_a_second(channel: &ChannelSpec) -> f64 {
        let model = FrameModel::new(channel, 1);
        (0..25 * 60).map(|id| f64::from(model.info(FrameId(id)).len)).sum::<f64>() / 60.0
    }

    #[test]
    fn sizes_fit_the_rate() {
        let gop = bytes_a_second(&ChannelSpec::default());
        assert!((gop / 50_000.0 - 1.0).abs() < 0.02, "{gop}");
        let constant = ChannelSpec { frame_sizes: FrameSizes::Constant, ..ChannelSpec::default() };
        assert!((bytes_a_second(&constant) / 50_000.0 - 1.0).abs() < 0.001);
    }

    #[test]
    fn key_frames_are_as_much_larger_as_told() {
        let model = FrameModel::new(&ChannelSpec { variation: 0.0, ..ChannelSpec::default() }, 1);
        let (key, other) = (model.info(FrameId(25)), model.info(FrameId(26)));
        assert!(key.key && !other.key);
        assert_eq!((key.len, other.len), (10_000, 1_666));
    }

    #[test]
    fn fragments_differ() {
        assert_ne!(tag_of(0, FrameId(1), 2), tag_of(0, FrameId(2), 1));
        assert_ne!(tag_of(0, FrameId(1), 2), tag_of(1, FrameId(1), 2));
    }
}
