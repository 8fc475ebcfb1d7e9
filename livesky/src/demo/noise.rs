//! A stream of any rate that means nothing: frames as a video encoder would make them, filled with noise.

use std::sync::Arc;

use livesky_core::media::{ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_core::rng::Rng;
use livesky_std::PublishedFrame;

use crate::media::cut::FRAME_LEN_MAX;

/// A key frame is so many times as long as another one.
const KEY_WEIGHT: u64 = 6;

/// Frames of a constant rate, a key frame each second.
#[derive(Debug)]
pub struct Noise {
    rng: Rng,
    number: u64,
    cadence_us: u64,
    frames_per_gop: u64,
    weight_bytes: u64,
}

impl Noise {
    /// Noise for a channel of these settings.
    #[must_use]
    pub fn new(settings: &ChannelSettings, seed: u64) -> Self {
        let cadence_us = u64::from(settings.cadence_us.max(1));
        let frames_per_gop = (1_000_000 / cadence_us).max(1);
        let gop_bytes = u64::from(settings.rate_bps) * frames_per_gop * cadence_us / 8_000_000;
        let weight_bytes = (gop_bytes / (frames_per_gop - 1 + KEY_WEIGHT)).max(1);
        Self { rng: Rng::from_seed(seed), number: 0, cadence_us, frames_per_gop, weight_bytes }
    }
}

impl Iterator for Noise {
    type Item = PublishedFrame;

    fn next(&mut self) -> Option<PublishedFrame> {
        let key = self.number.is_multiple_of(self.frames_per_gop);
        let len = if key { self.weight_bytes * KEY_WEIGHT } else { self.weight_bytes };
        let len = usize::try_from(len).unwrap_or(FRAME_LEN_MAX).min(FRAME_LEN_MAX);
        let dts = Dts::from_ticks(self.number * self.cadence_us * 9 / 100);
        self.number += 1;
        let bytes: Arc<[u8]> = core::iter::repeat_with(|| self.rng.next_u32().to_le_bytes())
            .take(len.div_ceil(4))
            .flatten()
            .take(len)
            .collect();
        Some(PublishedFrame { frame: NewFrame { dts, pts_offset_ticks: 0, len: 0, key }, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::measure::measure;

    #[test]
    fn noise_has_the_channels_rate_and_cadence() {
        for (rate_bps, cadence_us) in [(400_000, 40_000), (2_000_000, 20_000), (50_000, 40_000)] {
            let settings = ChannelSettings { rate_bps, cadence_us, ..ChannelSettings::default() };
            let frames: Vec<_> = Noise::new(&settings, 1).take(1_001).collect();
            let measured = measure(&frames).unwrap();
            assert_eq!(measured.cadence_us, cadence_us);
            assert!(measured.rate_bps.abs_diff(rate_bps) < rate_bps / 50, "{measured:?}");
        }
    }
}
