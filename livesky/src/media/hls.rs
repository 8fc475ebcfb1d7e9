//! The live window of a channel's HLS segments (RFC 8216): pure; whoever serves it brings frames and asks for text.

use core::fmt::Write;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use livesky_core::media::Dts;
use livesky_std::LoggedFrame;

use super::packet::{PACKET_LEN, PAT_PID, Packet, SDT_PID};

/// A longer step of decode times, or one backwards, is a discontinuity.
const STEP_MAX_US: i64 = 10_000_000;
/// A segment may be this much shorter than wanted: decode times that once were milliseconds are rounded.
const ROUNDING_US: i64 = 10_000;
/// A segment ends without a key frame after this: channels without key frames must not fill the memory.
const SEGMENT_MAX_US: i64 = 10_000_000;
/// And after that many bytes, whatever the decode times say: 10 s of 50 Mbit/s.
const SEGMENT_BYTES_MAX: usize = 64 << 20;
/// EXTINF has three decimals, and zero seconds would stop players.
const DURATION_US_MIN: i64 = 1_000;

/// How a window cuts and what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// A segment ends at the first key frame that is at least this far from its beginning.
    pub target: Duration,
    /// Segments in the playlist, at least 1.
    pub listed_max: usize,
    /// Segments held behind it for players with an older playlist (clause 6.2.2).
    pub spare_max: usize,
}

impl Default for WindowLimits {
    /// 2 s, 8 segments, 3 more.
    fn default() -> Self {
        Self { target: Duration::from_secs(2), listed_max: 8, spare_max: 3 }
    }
}

/// Frames from one key frame to another, shared with whoever else holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Media sequence number, from 0 in steps of 1.
    pub sequence: u64,
    /// Playing time in microseconds.
    pub duration_us: i64,
    /// Whether it does not continue the segment before it.
    pub is_discontinuous: bool,
    /// Its bytes in order: PAT and PMT, unless the first frame begins with them, then the frames. None is empty.
    pub parts: Vec<Arc<[u8]>>,
}

impl Segment {
    /// Bytes of all parts.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }
}

/// The last segments of a channel, and the one that grows.
#[derive(Clone, Debug)]
pub struct Window {
    limits: WindowLimits,
    segments: VecDeque<Arc<Segment>>,
    growing: Option<Growing>,
    next_sequence: u64,
    /// The longest segment so far: the target must not shrink (clause 6.2.1).
    longest_us: i64,
    /// Discontinuities that left the playlist (clause 4.3.3.3).
    discontinuities_gone: u64,
    /// Whether the next segment continues nothing.
    is_discontinuous: bool,
    /// Whether every segment began with a key frame (clause 4.3.5.1).
    is_independent: bool,
    is_ended: bool,
}

#[derive(Clone, Debug)]
struct Growing {
    began: Dts,
    last: Dts,
    step_us: i64,
    epoch: u16,
    bytes: usize,
    parts: Vec<Arc<[u8]>>,
}

impl Growing {
    fn new(frame: &LoggedFrame, init: &Arc<[u8]>) -> Self {
        let dts = frame.info.dts;
        let mut growing =
            Self { began: dts, last: dts, step_us: 0, epoch: frame.epoch, bytes: 0, parts: Vec::new() };
        if !begins_with_pat(&frame.bytes) {
            growing.add(init);
        }
        growing.add(&frame.bytes);
        growing
    }

    fn add(&mut self, part: &Arc<[u8]>) {
        if !part.is_empty() {
            self.bytes += part.len();
            self.parts.push(Arc::clone(part));
        }
    }
}

/// Whether a PAT comes before anything that needs it.
fn begins_with_pat(bytes: &[u8]) -> bool {
    let mut pids = bytes.chunks(PACKET_LEN).map_while(Packet::new).map(|packet| packet.pid());
    pids.find(|&pid| pid != SDT_PID) == Some(PAT_PID)
}

/// What a frame does to the segment that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It belongs to it.
    Inside,
    /// It begins the next one.
    Next,
    /// It continues nothing.
    Elsewhere,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(WindowLimits::default())
    }
}

impl Window {
    /// An empty window.
    #[must_use]
    pub fn new(limits: WindowLimits) -> Self {
        Self {
            limits,
            segments: VecDeque::new(),
            growing: None,
            next_sequence: 0,
            longest_us: micros(limits.target),
            discontinuities_gone: 0,
            is_discontinuous: false,
            is_independent: true,
            is_ended: false,
        }
    }

    /// Adds a frame; `init` is what a decoder needs before any: PAT and PMT (clause 3.2). Frames before the first key
    /// frame, and before the first one after a discontinuity, are left out; so are frames after [`Self::end`].
    pub fn push(&mut self, frame: &LoggedFrame, init: &Arc<[u8]>) {
        if self.is_ended {
            return;
        }
        match self.growing.as_ref().map(|growing| self.place_of(growing, frame)) {
            None => self.begin_at_key(frame, init),
            Some(Place::Inside) => {
                if let Some(growing) = &mut self.growing {
                    growing.step_us = frame.info.dts.micros_since(growing.last);
                    growing.last = frame.info.dts;
                    growing.add(&frame.bytes);
                }
            }
            Some(Place::Next) => {
                self.cut(frame.info.dts);
                self.is_independent &= frame.info.key;
                self.growing = Some(Growing::new(frame, init));
            }
            Some(Place::Elsewhere) => {
                self.on_missed();
                self.begin_at_key(frame, init);
            }
        }
    }

    fn begin_at_key(&mut self, frame: &LoggedFrame, init: &Arc<[u8]>) {
        if frame.info.key {
            self.growing = Some(Growing::new(frame, init));
        }
    }

    fn place_of(&self, growing: &Growing, frame: &LoggedFrame) -> Place {
        let dts = frame.info.dts;
        let is_step = (0..=STEP_MAX_US).contains(&dts.micros_since(growing.last));
        if growing.epoch != frame.epoch || !is_step {
            return Place::Elsewhere;
        }
        let length_us = dts.micros_since(growing.began);
        let is_full = length_us >= SEGMENT_MAX_US || growing.bytes + frame.bytes.len() > SEGMENT_BYTES_MAX;
        let is_long = length_us.saturating_add(ROUNDING_US) >= micros(self.limits.target);
        if is_full || (frame.info.key && is_long) { Place::Next } else { Place::Inside }
    }

    /// Frames are missing: what follows does not continue what was.
    pub fn on_missed(&mut self) {
        self.finish();
        self.is_discontinuous = true;
    }

    /// The channel is over: the last segment is complete, and players need not ask for more.
    pub fn end(&mut self) {
        self.finish();
        self.is_ended = true;
    }

    /// Ends the segment that grows without a frame after it: its last frame lasts as long as the one before.
    fn finish(&mut self) {
        if let Some(growing) = &self.growing {
            let end_us = growing.last.micros_since(growing.began) + growing.step_us;
            self.cut_at(end_us);
        }
    }

    /// Ends the segment that grows where the next one begins.
    fn cut(&mut self, end: Dts) {
        if let Some(growing) = &self.growing {
            let end_us = end.micros_since(growing.began);
            self.cut_at(end_us);
        }
    }

    fn cut_at(&mut self, duration_us: i64) {
        let Some(growing) = self.growing.take() else { return };
        let duration_us = duration_us.max(DURATION_US_MIN);
        self.longest_us = self.longest_us.max(duration_us);
        // Nothing is before the first segment that it could continue.
        let is_discontinuous = core::mem::take(&mut self.is_discontinuous) && self.next_sequence > 0;
        self.segments.push_back(Arc::new(Segment {
            sequence: self.next_sequence,
            duration_us,
            is_discontinuous,
            parts: growing.parts,
        }));
        self.next_sequence += 1;
        let unlisted = self.segments.len().saturating_sub(self.listed_max());
        // One segment came, so at most one left the playlist: the newest of those that are not listed.
        let gone = unlisted.checked_sub(1).and_then(|place| self.segments.get(place));
        self.discontinuities_gone += u64::from(gone.is_some_and(|segment| segment.is_discontinuous));
        if unlisted > self.limits.spare_max {
            self.segments.pop_front();
        }
    }

    fn listed_max(&self) -> usize {
        self.limits.listed_max.max(1)
    }

    /// Whether the channel is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The segment with a media sequence number, while it is held.
    #[must_use]
    pub fn segment(&self, sequence: u64) -> Option<Arc<Segment>> {
        let place = sequence.checked_sub(self.segments.front()?.sequence)?;
        self.segments.get(usize::try_from(place).ok()?).cloned()
    }

    /// The playlist (clause 4); `segment_url` writes a segment's address from its media sequence number. `None` before
    /// the first segment is complete: an empty playlist makes some players give up.
    #[must_use]
    pub fn playlist(&self, segment_url: impl Fn(u64) -> String) -> Option<String> {
        let listed = self.segments.iter().skip(self.segments.len().saturating_sub(self.listed_max()));
        let first = listed.clone().next()?.sequence;
        let target_s = self.longest_us.saturating_add(999_999) / 1_000_000;
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n",
            target_s.max(1)
        );
        if self.discontinuities_gone > 0 {
            // Writing to a string cannot fail, here and below.
            let _infallible = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuities_gone);
        }
        if self.is_independent {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        for segment in listed {
            if segment.is_discontinuous {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let milliseconds = (segment.duration_us + 500) / 1_000;
            let (seconds, thousandths) = (milliseconds / 1_000, milliseconds % 1_000);
            let url = segment_url(segment.sequence);
            let _infallible = write!(text, "#EXTINF:{seconds}.{thousandths:03},\n{url}\n");
        }
        if self.is_ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        Some(text)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "hls_tests.rs"]
mod tests;
