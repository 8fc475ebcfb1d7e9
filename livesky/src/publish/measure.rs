//! A channel's rate and cadence, measured on its first frames.

use livesky_core::media::ChannelSettings;
use livesky_std::PublishedFrame;

use crate::cli::PublishArgs;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Mean rate in bit/s.
    pub rate_bps: u32,
    /// The middle of the times from one frame to the next, in microseconds.
    pub cadence_us: u32,
}

/// Measures frames in the order of their decode times; `None` for fewer than two, or when time stands still.
#[must_use]
pub fn measure(frames: &[PublishedFrame]) -> Option<Measured> {
    let steps = frames.windows(2).filter_map(|pair| {
        let [earlier, later] = pair else { return None };
        let step_us = later.frame.dts.micros_since(earlier.frame.dts);
        u32::try_from(step_us).ok().filter(|step_us| (1..=10_000_000).contains(step_us))
    });
    let mut steps: Vec<u32> = steps.collect();
    steps.sort_unstable();
    let cadence_us = *steps.get(steps.len() / 2)?;
    let span_us: u64 = steps.iter().map(|&step_us| u64::from(step_us)).sum();
    let bytes: u64 = frames.iter().skip(1).map(|frame| frame.bytes.len() as u64).sum();
    let rate_bps = u32::try_from(bytes.saturating_mul(8_000_000) / span_us.max(1)).unwrap_or(u32::MAX);
    Some(Measured { rate_bps: rate_bps.max(1), cadence_us: cadence_us.max(1_000) })
}

/// The channel's settings: flags first, then what was measured, then the defaults.
#[must_use]
pub fn settings(args: &PublishArgs, measured: Option<Measured>) -> ChannelSettings {
    let defaults = ChannelSettings::default();
    let measured_or =
        measured.unwrap_or(Measured { rate_bps: defaults.rate_bps, cadence_us: defaults.cadence_us });
    ChannelSettings {
        rate_bps: args.rate_kbps.map_or(measured_or.rate_bps, |kbps| kbps.saturating_mul(1_000)),
        cadence_us: args.fps.map_or(measured_or.cadence_us, cadence_us),
        substreams: args.substreams,
        target_buffer_ms: args.target_buffer_ms,
        levels_max: args.levels,
        overlay: args.overlay.into(),
        ..defaults
    }
}

/// Microseconds between frames of which `fps`, 0.1 to 1,000, come in a second.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
#[expect(clippy::cast_sign_loss, reason = "the bounds are positive")]
pub fn cadence_us(fps: f64) -> u32 {
    (1_000_000.0 / fps).round().clamp(1_000.0, 10_000_000.0) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use livesky_core::media::Dts;
    use livesky_core::relay::NewFrame;

    use super::*;

    fn frames(times_ms: &[u64], len: usize) -> Vec<PublishedFrame> {
        let frame = |&ms: &u64| PublishedFrame {
            frame: NewFrame { dts: Dts::from_ticks(ms * 90), pts_offset_ticks: 0, len: 0, key: false },
            bytes: Arc::from(vec![0; len]),
        };
        times_ms.iter().map(frame).collect()
    }

    #[test]
    fn rate_and_cadence_come_from_decode_times() {
        for (times_ms, len, measured) in [
            (&[0, 40, 80, 120][..], 2_000, Some((400_000, 40_000))),
            // A jump is no time that went by.
            (&[0, 40, 80, 90_000, 90_040], 2_000, Some((533_333, 40_000))),
            (&[0, 0, 0], 2_000, None),
            (&[7], 2_000, None),
            (&[], 2_000, None),
        ] {
            let measured = measured.map(|(rate_bps, cadence_us)| Measured { rate_bps, cadence_us });
            assert_eq!(measure(&frames(times_ms, len)), measured, "{times_ms:?}");
        }
    }

    #[test]
    fn frame_rates_become_cadences() {
        for (fps, us) in [(25.0, 40_000), (29.97, 33_367), (0.1, 10_000_000), (1_000.0, 1_000)] {
            assert_eq!(cadence_us(fps), us);
        }
    }
}
