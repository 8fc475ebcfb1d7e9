//! A file sent again and again as one endless stream.

use std::collections::BTreeMap;

use livesky_core::media::Dts;

use super::adts::AdtsCounter;
use super::packet::{NULL_PID, PACKET_LEN, Packet, SYNC_BYTE, WRAP_TICKS, set_continuity, shift_clocks};

/// A longer step of decode times on a PID without video is a pause (subtitles have them), not the length of a frame.
const FRAME_TICKS_MAX: i64 = 9_000;

/// Rewrites the passes over a file so that clocks and continuity counters run on over the seams.
///
/// The first pass comes out unchanged, and its length is measured meanwhile: the largest over all PIDs from the first
/// decode time to the last frame's end. On later passes PCR, PTS and DTS of all PIDs move by that length, so that video
/// and audio stay in step. Bytes between packets pass as they are: whether the file is MPEG-TS at all, the cutter says.
#[derive(Clone, Debug, Default)]
pub struct Looper {
    /// The beginning of a packet whose rest has not come.
    tail: Vec<u8>,
    /// At most one for each of the 8,192 PIDs.
    tracks: BTreeMap<u16, Track>,
    /// Length of the file; `None` on the first pass.
    span_ticks: Option<u64>,
    /// How much later than in the file this pass is.
    shift_ticks: u64,
}

#[derive(Clone, Debug, Default)]
struct Track {
    counter: Counter,
    pcr: Option<Elapsed>,
    dts: Option<Elapsed>,
    is_video: bool,
    /// Of the PES packet that came last.
    adts: AdtsCounter,
}

/// Continuity of one PID (ISO/IEC 13818-1 clause 2.4.3.3).
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// What the last packet with payload left with.
    last: Option<u8>,
    /// From the file's counter to ours; `None` until this pass's first packet with payload.
    offset: Option<u8>,
}

/// A clock of the file since its first stamp.
#[derive(Clone, Copy, Debug)]
struct Elapsed {
    last: Dts,
    /// From the first stamp to the last.
    ticks: i64,
    /// From the stamp before to the last.
    step_ticks: i64,
}

impl Looper {
    /// A looper before its first pass.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `out` every packet that `bytes` complete; the beginning of another waits for its rest.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        loop {
            if self.tail.is_empty() {
                // Where a packet begins must not depend on how the bytes were cut: no looking ahead for a second sync byte.
                let start = bytes.iter().position(|&byte| byte == SYNC_BYTE).unwrap_or(bytes.len());
                let (between, rest) = bytes.split_at(start);
                out.extend_from_slice(between);
                bytes = rest;
                if let Some((packet, rest)) = bytes.split_first_chunk::<PACKET_LEN>() {
                    self.on_packet(packet, out);
                    bytes = rest;
                    continue;
                }
            }
            let missing = PACKET_LEN - self.tail.len();
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.tail.extend_from_slice(taken);
            bytes = rest;
            if self.tail.len() < PACKET_LEN {
                return;
            }
            let packet = core::mem::take(&mut self.tail);
            self.on_packet(&packet, out);
        }
    }

    /// The file starts over: half a packet at its end is dropped.
    pub fn restart(&mut self) {
        self.tail.clear();
        let tracks = &self.tracks;
        let span_ticks = *self.span_ticks.get_or_insert_with(|| span_of(tracks.values()));
        self.shift_ticks = (self.shift_ticks + span_ticks) % WRAP_TICKS;
        for track in self.tracks.values_mut() {
            track.counter.offset = None;
        }
    }

    /// Length of the file in ticks of 90 kHz; `None` before the first [`Self::restart`].
    #[must_use]
    pub fn span_ticks(&self) -> Option<u64> {
        self.span_ticks
    }

    fn on_packet(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Some(packet) = Packet::new(bytes) else { return };
        let start = out.len();
        out.extend_from_slice(bytes);
        if packet.pid() == NULL_PID {
            return;
        }
        let track = self.tracks.entry(packet.pid()).or_default();
        let continuity = track.counter.on_packet(&packet);
        let Some(bytes) = out.get_mut(start..) else { return };
        match self.span_ticks {
            None => track.measure(&packet),
            Some(_) => {
                set_continuity(bytes, continuity);
                shift_clocks(bytes, self.shift_ticks);
            }
        }
    }
}

impl Counter {
    /// What the packet leaves with.
    fn on_packet(&mut self, packet: &Packet<'_>) -> u8 {
        let continuity = packet.continuity();
        if !packet.has_payload() {
            let before = self.last.unwrap_or(continuity);
            return self.offset.map_or(before, |offset| continuity.wrapping_add(offset) & 0x0f);
        }
        let next = self.last.map_or(continuity, |last| last.wrapping_add(1));
        // An offset rather than a count of our own: packets sent twice and losses in the file stay what they are.
        let offset = *self.offset.get_or_insert(next.wrapping_sub(continuity));
        let continuity = continuity.wrapping_add(offset) & 0x0f;
        self.last = Some(continuity);
        continuity
    }
}

impl Track {
    fn measure(&mut self, packet: &Packet<'_>) {
        if let Some(base) = packet.pcr_base() {
            Elapsed::tick(&mut self.pcr, base);
        }
        if !packet.starts_unit() {
            self.adts.push(packet.payload());
        } else if let Some(pes) = packet.pes() {
            if let Some(dts) = pes.dts {
                Elapsed::tick(&mut self.dts, dts);
            }
            // Stream ids of video (table 2-22).
            self.is_video = packet.payload().get(3).is_some_and(|id| matches!(id, 0xe0..=0xef));
            self.adts = AdtsCounter::default();
            self.adts.push(pes.elementary);
        }
    }

    /// Ticks after which the track may begin again.
    fn span_ticks(&self) -> Option<i64> {
        let dts = self.dts.map(|dts| {
            let step_ticks = if self.is_video { dts.step_ticks } else { dts.step_ticks.min(FRAME_TICKS_MAX) };
            dts.ticks + self.adts.duration_ticks().unwrap_or(step_ticks)
        });
        // PCR has no frames: it only must not stand still.
        dts.max(self.pcr.map(|pcr| pcr.ticks + 1))
    }
}

impl Elapsed {
    fn tick(clock: &mut Option<Self>, stamp: u64) {
        let stamp = Dts::from_ticks(stamp);
        *clock = Some(match *clock {
            None => Self { last: stamp, ticks: 0, step_ticks: 0 },
            Some(Self { last, ticks, .. }) => {
                let step_ticks = stamp.ticks_since(last);
                Self { last: stamp, ticks: ticks.saturating_add(step_ticks), step_ticks }
            }
        });
    }
}

fn span_of<'a>(tracks: impl Iterator<Item = &'a Track>) -> u64 {
    let longest = tracks.filter_map(Track::span_ticks).max().unwrap_or(0);
    longest.rem_euclid(WRAP_TICKS as i64) as u64
}

#[cfg(test)]
#[path = "looped_tests.rs"]
mod tests;
