//! Where frames go: the stand-in of a decoder, and the log of what it saw.

use core::task::{Context, Poll};
use core::time::Duration;

use livesky_core::media::ChannelSettings;
use livesky_core::store::FrameStore;
use livesky_embedded::{Decoder, Flush, Frame};
use livesky_stb_decoder::StandIn;

#[cfg(feature = "record")]
use crate::tape::Tape as Out;
#[cfg(not(feature = "record"))]
use livesky_stb_decoder::NoOutput as Out;

/// Frames between two lines of the log: ten seconds of most channels.
const FRAMES_PER_LINE: u32 = 250;

/// The stand-in, which tells what it saw.
pub(crate) struct Screen {
    stand_in: StandIn<Out>,
    /// Whether it was told that something is wrong: it is told at once, and then with the other lines.
    is_wrong_told: bool,
}

impl Screen {
    /// Dark.
    pub(crate) fn new() -> Self {
        Self { stand_in: StandIn::new(Default::default()), is_wrong_told: false }
    }

    /// What was seen so far.
    pub(crate) fn tell(&mut self) {
        let counters = self.stand_in.counters();
        defmt::info!(
            "seen: {=u32} frames, {=u32} key, {=u64} bytes, {=u32} starts, {=u32} stalls of {=u32} ms, {=u32} skipped",
            counters.frames,
            counters.key_frames,
            counters.bytes,
            counters.starts,
            counters.stalls,
            counters.stalled_ms,
            counters.skipped
        );
        if !counters.is_clean() {
            defmt::error!(
                "wrong: {=u32} discontinuities, {=u32} disorders, {=u32} cut, {=u32} undecodable, {=u32} late",
                counters.discontinuities,
                counters.disorders,
                counters.cut,
                counters.undecodable,
                counters.late
            );
        }
        self.is_wrong_told = !counters.is_clean();
    }
}

impl Decoder for Screen {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stand_in.poll_ready(cx)
    }

    fn on_joined(&mut self, init: &[u8], settings: &ChannelSettings) {
        self.stand_in.on_joined(init, settings);
    }

    fn on_frame<S: FrameStore>(&mut self, frame: &Frame<'_, S>) {
        self.stand_in.on_frame(frame);
        let counters = self.stand_in.counters();
        let is_due = counters.frames.is_multiple_of(FRAMES_PER_LINE);
        if is_due || (!self.is_wrong_told && !counters.is_clean()) {
            self.tell();
        }
    }

    fn on_flush(&mut self, why: Flush) {
        self.stand_in.on_flush(why);
    }

    fn on_stalled(&mut self) {
        self.stand_in.on_stalled();
    }

    fn on_resumed(&mut self, after: Duration) {
        self.stand_in.on_resumed(after);
    }

    fn on_started(&mut self, after: Duration) {
        self.stand_in.on_started(after);
    }
}
