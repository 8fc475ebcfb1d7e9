//! The live window of a stream's HLS segments (RFC 8216).

use core::fmt::Write;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use livesky_core::media::Dts;
use livesky_std::LoggedFrame;

use super::live::bytes_of;

/// A segment is cut at the first key frame after this.
const SEGMENT_MIN_US: i64 = 1_900_000;
/// Segments in the playlist.
const LISTED: usize = 6;
/// Segments kept behind it, for players that read an older playlist.
const KEPT: usize = LISTED + 3;
/// A longer step of decode times, or one backwards, is a discontinuity.
const STEP_MAX_US: i64 = 10_000_000;

/// Frames from one key frame to another, shared with the store.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) sequence: u64,
    duration_us: i64,
    is_discontinuous: bool,
    /// PAT and PMT, then the frames.
    pub(super) parts: Vec<Bytes>,
}

/// The last segments of a stream, and the one that grows.
#[derive(Debug, Default)]
pub(super) struct Window {
    segments: VecDeque<Arc<Segment>>,
    growing: Option<Growing>,
    sequence: u64,
    /// Discontinuities that left the playlist (clause 4.3.3.3).
    discontinuities_gone: u64,
    is_discontinuous: bool,
}

#[derive(Debug)]
struct Growing {
    began: Dts,
    last: Dts,
    epoch: u16,
    parts: Vec<Bytes>,
}

impl Window {
    /// Adds a frame; `init` precedes every segment (clause 3.2).
    pub(super) fn push(&mut self, frame: &LoggedFrame, init: &Arc<[u8]>) {
        let dts = frame.info.dts;
        if let Some(growing) = &self.growing {
            let step_us = dts.micros_since(growing.last);
            if growing.epoch != frame.epoch || !(0..=STEP_MAX_US).contains(&step_us) {
                let end = growing.last;
                self.cut(end);
                self.is_discontinuous = true;
            } else if frame.info.key && dts.micros_since(growing.began) >= SEGMENT_MIN_US {
                self.cut(dts);
            }
        }
        if let Some(growing) = &mut self.growing {
            growing.last = dts;
            growing.parts.push(bytes_of(&frame.bytes));
        } else if frame.info.key {
            let parts = vec![bytes_of(init), bytes_of(&frame.bytes)];
            self.growing = Some(Growing { began: dts, last: dts, epoch: frame.epoch, parts });
        }
    }

    /// Frames are missing: what follows does not continue what was.
    pub(super) fn on_missed(&mut self) {
        if let Some(end) = self.growing.as_ref().map(|growing| growing.last) {
            self.cut(end);
        }
        self.is_discontinuous = true;
    }

    fn cut(&mut self, end: Dts) {
        let Some(growing) = self.growing.take() else { return };
        let is_discontinuous = core::mem::take(&mut self.is_discontinuous) && self.sequence > 0;
        self.segments.push_back(Arc::new(Segment {
            sequence: self.sequence,
            duration_us: end.micros_since(growing.began).max(1_000),
            is_discontinuous,
            parts: growing.parts,
        }));
        self.sequence += 1;
        if self.segments.len() > KEPT {
            self.segments.pop_front();
        }
        // The segment that has just left the list.
        let gone = self.segments.len().checked_sub(LISTED + 1).and_then(|place| self.segments.get(place));
        self.discontinuities_gone += u64::from(gone.is_some_and(|segment| segment.is_discontinuous));
    }

    pub(super) fn segment(&self, sequence: u64) -> Option<Arc<Segment>> {
        self.segments.iter().find(|segment| segment.sequence == sequence).cloned()
    }

    /// The playlist; `None` before the first segment.
    pub(super) fn playlist(&self) -> Option<String> {
        let listed = || self.segments.iter().skip(self.segments.len().saturating_sub(LISTED));
        let first = listed().next()?.sequence;
        let longest_us = listed().map(|segment| segment.duration_us).max().unwrap_or(0);
        // The target is the longest rounded to the nearest second (clause 4.3.3.1).
        let target_s = (longest_us + 500_000) / 1_000_000;
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n",
            target_s.max(1)
        );
        if self.discontinuities_gone > 0 {
            let _fits = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuities_gone);
        }
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        for segment in listed() {
            if segment.is_discontinuous {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let seconds = segment.duration_us as f64 / 1e6;
            let _fits = write!(text, "#EXTINF:{seconds:.3},\n{}.ts\n", segment.sequence);
        }
        Some(text)
    }
}
