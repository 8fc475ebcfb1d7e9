//! When a frame is due: decode times laid onto the viewer's clock.

use super::{Dts, FrameId, FrameInfo};
use crate::time::Instant;

/// A decode time further ahead of the frame before it than this is a discontinuity, not a slow stream: the longest
/// cadence a channel may have.
const STEP_MAX_US: u64 = 10_000_000;
/// The anchor moves up after this many ticks (3.3 h), far from half the wrap where differences become ambiguous.
const ANCHOR_TICKS_MAX: i64 = 1 << 30;
/// Parts per million in one.
const MILLION: i64 = 1_000_000;

/// Media time from one frame to the frame after it in microseconds; `None` where decode time is discontinuous: it goes
/// back, or ahead by more than 10 s.
pub(super) fn step_us(from: Dts, to: Dts) -> Option<u64> {
    u64::try_from(to.micros_since(from)).ok().filter(|&step| step <= STEP_MAX_US)
}

/// What the clock knows of the last frame it saw.
#[derive(Clone, Copy, Debug, Default)]
struct Stamp {
    id: FrameId,
    dts: Dts,
    due: Instant,
}

/// Lays decode times onto the caller's time: due = anchor + (DTS - the anchor's DTS) / rate. Every due time is computed
/// from the anchor, so rounding does not add up from frame to frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaClock {
    anchor_at: Instant,
    anchor_dts: Dts,
    /// Speed of playback above 1, in parts per million.
    rate_ppm: i32,
    last: Stamp,
    /// Time from frame to frame as seen lately, in sixteenths of a microsecond.
    cadence_x16_us: u64,
}

impl MediaClock {
    pub(super) fn new(cadence_us: u32) -> Self {
        Self {
            anchor_at: Instant::ZERO,
            anchor_dts: Dts::default(),
            rate_ppm: 0,
            last: Stamp::default(),
            cadence_x16_us: u64::from(cadence_us.max(1)) * 16,
        }
    }

    /// Makes `frame` due at `at`, and later frames relative to it.
    pub(super) fn anchor(&mut self, at: Instant, frame: &FrameInfo) {
        self.anchor_at = at;
        self.anchor_dts = frame.dts;
        self.last = Stamp { id: frame.id, dts: frame.dts, due: at };
    }

    /// When `frame`, the next after the last one seen, is due. Past a discontinuity it follows at the usual cadence.
    pub(super) fn due(&mut self, frame: &FrameInfo) -> Instant {
        if step_us(self.last.dts, frame.dts).is_none() {
            let at = self.last.due.plus_micros(self.cadence_us());
            self.anchor(at, frame);
        }
        self.due_of(frame.dts)
    }

    /// Records that `frame` was handed over when it was due.
    pub(super) fn on_delivered(&mut self, frame: &FrameInfo, due: Instant) {
        if frame.id == self.last.id.next()
            && let Some(step) = step_us(self.last.dts, frame.dts)
        {
            self.cadence_x16_us = (self.cadence_x16_us - self.cadence_x16_us / 16 + step).max(16);
        }
        self.last = Stamp { id: frame.id, dts: frame.dts, due };
        if frame.dts.ticks_since(self.anchor_dts) > ANCHOR_TICKS_MAX {
            self.anchor(due, frame);
        }
    }

    /// Changes the speed from the last frame on; the same speed leaves the anchor where it is.
    pub(super) fn set_rate(&mut self, rate_ppm: i32) {
        if rate_ppm != self.rate_ppm {
            self.rate_ppm = rate_ppm;
            self.anchor_at = self.last.due;
            self.anchor_dts = self.last.dts;
        }
    }

    pub(super) fn rate_ppm(&self) -> i32 {
        self.rate_ppm
    }

    pub(super) fn cadence_us(&self) -> u64 {
        self.cadence_x16_us / 16
    }

    /// Media in `frames` frames at the cadence seen lately, in microseconds.
    pub(super) fn media_us(&self, frames: u32) -> u64 {
        u64::from(frames).saturating_mul(self.cadence_x16_us) / 16
    }

    /// Frames in `media_us` of media, at the cadence seen lately.
    pub(super) fn frames_in(&self, media_us: u64) -> u32 {
        let frames = media_us.saturating_mul(16).checked_div(self.cadence_x16_us);
        u32::try_from(frames.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// When frame `id` is due, as far as the cadence tells.
    pub(super) fn estimate(&self, id: FrameId) -> Instant {
        if id >= self.last.id {
            self.last.due.plus_micros(self.media_us(id.since(self.last.id)))
        } else {
            self.last.due.minus_micros(self.media_us(self.last.id.since(id)))
        }
    }

    /// When frame `id`, before the complete frame `later`, is due: between the last frame and that one, evenly.
    pub(super) fn estimate_before(&self, id: FrameId, later: &FrameInfo) -> Instant {
        let frames = u64::from(later.id.since(self.last.id));
        match step_us(self.last.dts, later.dts) {
            Some(_) if frames > 0 => {
                let span = self.due_of(later.dts).micros_since(self.last.due);
                let share = u64::from(id.since(self.last.id)).min(frames);
                self.last.due.plus_micros(span.saturating_mul(share) / frames)
            }
            Some(_) | None => self.estimate(id),
        }
    }

    /// Media from frame `from` to frame `to`, in microseconds: by decode time where that is known and agrees with the
    /// count of frames, else by the count. So neither a discontinuity nor a changing frame rate misleads.
    pub(super) fn media_to(&self, from: FrameId, to: FrameId, to_dts: Option<Dts>) -> u64 {
        let counted = self.media_us(to.since(from));
        let is_near = from.since(self.last.id) <= 1 && from >= self.last.id;
        let measured = to_dts.filter(|_| is_near).map(|dts| dts.micros_since(self.last.dts));
        match measured.and_then(|span| u64::try_from(span).ok()) {
            Some(span) if span >= counted / 2 && span / 2 <= counted.saturating_add(MILLION as u64) => {
                span.saturating_sub(self.media_us(from.since(self.last.id)))
            }
            Some(_) | None => counted,
        }
    }

    fn due_of(&self, dts: Dts) -> Instant {
        let ticks = dts.ticks_since(self.anchor_dts);
        // At most 2^32 x 10^8: far below 2^63.
        // The bound spells out for the compiler that no rate divides by zero.
        let rate = (MILLION + i64::from(self.rate_ppm)).max(1);
        let span_us = ticks * 100 * MILLION / (9 * rate);
        if span_us < 0 {
            self.anchor_at.minus_micros(span_us.unsigned_abs())
        } else {
            self.anchor_at.plus_micros(span_us.unsigned_abs())
        }
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
