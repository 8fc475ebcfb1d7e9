//! The decoder's place.

use core::task::{Context, Poll};
use core::time::Duration;

use livesky_core::media::{ChannelSettings, Dts};
use livesky_core::store::FrameStore;
use livesky_embedded::{Decoder, Flush, Frame};

use crate::continuity::{Continuity, PACKET_LEN};

/// Where the stream is written to, for a test to look at.
pub trait Output {
    /// Takes bytes of the stream.
    fn write(&mut self, bytes: &[u8]);
}

/// Nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutput;

impl Output for NoOutput {
    fn write(&mut self, _: &[u8]) {}
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that were due.
    pub frames: u32,
    /// Of those, frames decoding can begin at.
    pub key_frames: u32,
    /// Bytes of them.
    pub bytes: u64,
    /// Frames of which bytes were missing.
    pub cut: u32,
    /// TS packets that did not follow the one before.
    pub discontinuities: u32,
    /// Frames whose decode time was not after that of the one before.
    pub disorders: u32,
    /// Frames that could not be decoded: they came after a flush and before a key frame.
    pub undecodable: u32,
    /// Times playback began.
    pub starts: u32,
    /// How long the last start took, in milliseconds.
    pub startup_ms: u32,
    /// Times the picture stood.
    pub stalls: u32,
    /// For how long in all, in milliseconds.
    pub stalled_ms: u32,
    /// Frames passed over.
    pub skipped: u32,
    /// Frames gone before the decoder was ready.
    pub late: u32,
}

impl Counters {
    /// Whether nothing was wrong with what was shown.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cut == 0
            && self.discontinuities == 0
            && self.disorders == 0
            && self.undecodable == 0
            && self.late == 0
    }
}

/// See the crate.
#[derive(Clone, Debug)]
pub struct StandIn<O> {
    output: O,
    continuity: Continuity,
    counters: Counters,
    /// Decode time of the frame before; `None` after a flush.
    before: Option<Dts>,
    waits_for_key: bool,
}

impl<O> StandIn<O> {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new(output: O) -> Self {
        Self {
            output,
            continuity: Continuity::new(),
            counters: Counters::default(),
            before: None,
            waits_for_key: true,
        }
    }

    /// What was seen.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn begin_anew(&mut self, waits_for_key: bool) {
        self.continuity.forget();
        self.before = None;
        self.waits_for_key = waits_for_key;
    }
}

impl<O: Output> Decoder for StandIn<O> {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn on_joined(&mut self, _: &[u8], _: &ChannelSettings) {}

    fn on_frame<S: FrameStore>(&mut self, frame: &Frame<'_, S>) {
        let counters = &mut self.counters;
        counters.frames = counters.frames.wrapping_add(1);
        counters.key_frames = counters.key_frames.wrapping_add(u32::from(frame.info.key));
        self.waits_for_key &= !frame.info.key;
        counters.undecodable = counters.undecodable.wrapping_add(u32::from(self.waits_for_key));
        let dts = frame.info.dts;
        let is_after = self.before.replace(dts).is_none_or(|before| dts.ticks_since(before) > 0);
        counters.disorders = counters.disorders.wrapping_add(u32::from(!is_after));
        let mut len = 0_u32;
        for piece in frame.pieces() {
            len = len.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
            for packet in piece.chunks(PACKET_LEN) {
                let follows = self.continuity.follows(packet);
                counters.discontinuities = counters.discontinuities.wrapping_add(u32::from(!follows));
            }
            self.output.write(piece);
        }
        counters.bytes = counters.bytes.wrapping_add(u64::from(len));
        counters.cut = counters.cut.wrapping_add(u32::from(len != frame.info.len));
    }

    fn on_flush(&mut self, why: Flush) {
        match why {
            Flush::Begun => self.begin_anew(true),
            Flush::Skipped { from, to } => {
                self.counters.skipped = self.counters.skipped.wrapping_add(to.since(from));
                // A short hole is decoded over, as players do.
                self.begin_anew(false);
            }
            Flush::Late { .. } => {
                self.counters.late = self.counters.late.wrapping_add(1);
                self.begin_anew(false);
            }
        }
    }

    fn on_stalled(&mut self) {
        self.counters.stalls = self.counters.stalls.wrapping_add(1);
    }

    fn on_resumed(&mut self, after: Duration) {
        self.counters.stalled_ms = self.counters.stalled_ms.saturating_add(millis(after));
    }

    fn on_started(&mut self, after: Duration) {
        self.counters.starts = self.counters.starts.wrapping_add(1);
        self.counters.startup_ms = millis(after);
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "stand_in_tests.rs"]
mod tests;
