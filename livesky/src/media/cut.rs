//! From MPEG-TS to frames: the run of packets from one picture to the next, everything else riding along.

use core::mem;
use std::collections::VecDeque;

use livesky_core::limits::{FRAGMENT_LEN, FRAGMENTS_MAX};

use super::packet::{PACKET_LEN, PAT_PID, Packet, Pes, SDT_PID, SYNC_BYTE, WRAP_TICKS};
use super::psi::{Codec, Lead, Tables};

/// Longest frame in bytes: what the protocol's fragments can carry.
pub const FRAME_LEN_MAX: usize = FRAGMENT_LEN as usize * FRAGMENTS_MAX as usize;
/// Bytes looked at for a sync byte before the input counts as no MPEG-TS.
const SEARCH_LEN_MAX: usize = 64 << 10;
/// Sync bytes in a row that make a stream of packets.
const SYNCS: usize = 3;
/// Where there is no picture, frames are this long: 100 ms.
const AUDIO_FRAME_TICKS: u64 = 9_000;
/// Bytes after which an input without tables or without a key frame is given up.
const PREAMBLE_LEN_MAX: usize = 32 << 20;

/// A frame of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutFrame {
    /// Decode time, 33 bits of 90 kHz.
    pub dts: u64,
    /// Presentation time minus decode time, in ticks.
    pub pts_offset: u32,
    /// Whether decoding can begin here.
    pub key: bool,
    /// Its packets.
    pub bytes: Vec<u8>,
}

/// Why an input cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// No packets.
    #[error(
        "this is not MPEG-TS: no sync byte 0x47 every 188 bytes in the first {searched} bytes (publish other bytes with --raw)"
    )]
    NotTransportStream {
        /// Bytes looked at.
        searched: usize,
    },
    /// Packets, then something else.
    #[error("the MPEG-TS is damaged: no packet within {SEARCH_LEN_MAX} bytes after byte {offset}")]
    SyncLost {
        /// Where the last packet ended.
        offset: u64,
    },
    /// No tables.
    #[error("the MPEG-TS has no program: no PAT and PMT in its first {searched} bytes")]
    NoProgram {
        /// Bytes looked at.
        searched: u64,
    },
    /// Tables without picture and sound.
    #[error("the MPEG-TS has neither video (H.264, H.265, MPEG-2) nor audio: publish it with --raw")]
    NoMedia,
    /// A picture nobody can join at.
    #[error(
        "no key frame in the first {searched} bytes of the MPEG-TS: encode with key frames (ffmpeg: -g 25)"
    )]
    NoKeyFrame {
        /// Bytes looked at.
        searched: u64,
    },
    /// A frame the protocol cannot carry.
    #[error(
        "a frame at byte {offset} is longer than {FRAME_LEN_MAX} bytes: lower the bitrate or shorten the GOP"
    )]
    FrameTooLong {
        /// Where it ended.
        offset: u64,
    },
    /// Nothing.
    #[error("the input is empty")]
    Empty,
}

/// What was left out of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Bytes before the first key frame.
    pub before_start: u64,
    /// Bytes between packets, where sync was lost.
    pub unsynced: u64,
    /// Times sync was lost.
    pub resyncs: u32,
    /// Bytes of a packet cut short by the end.
    pub truncated: u64,
}

/// Cuts MPEG-TS into frames, bytes coming in any portions.
///
/// From the first key frame on, the frames one after the other are the input again, byte for byte, but for what
/// [`Self::dropped`] counts.
#[derive(Debug, Default)]
pub struct Cutter {
    pending: Vec<u8>,
    is_synced: bool,
    offset: u64,
    tables: Tables,
    current: Vec<u8>,
    /// Where in `current` the tables begin that nothing but tables follows.
    tables_at: Option<usize>,
    head: Option<Head>,
    ready: VecDeque<CutFrame>,
    dropped: Dropped,
}

/// What is known of the frame being gathered.
#[derive(Clone, Copy, Debug)]
struct Head {
    dts: u64,
    pts_offset: u32,
    key: bool,
}

impl Cutter {
    /// A cutter at the beginning of an input.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes; frames they complete wait for [`Self::next_frame`].
    ///
    /// # Errors
    /// [`CutError`]; the input cannot be gone on with.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), CutError> {
        self.pending.extend_from_slice(bytes);
        let pending = mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        let verdict = self.take_packets(&mut rest);
        self.pending = rest.to_vec();
        verdict
    }

    /// The next frame that is complete.
    pub fn next_frame(&mut self) -> Option<CutFrame> {
        self.ready.pop_front()
    }

    /// The input has ended: the last frame is complete, too.
    ///
    /// # Errors
    /// [`CutError`] when there was no frame at all.
    pub fn finish(&mut self) -> Result<(), CutError> {
        let is_silent = self.offset == 0 && self.head.is_none();
        if is_silent && self.pending.is_empty() {
            return Err(CutError::Empty);
        }
        if is_silent {
            return Err(CutError::NotTransportStream { searched: self.pending.len() });
        }
        self.dropped.truncated += self.pending.len() as u64;
        self.pending.clear();
        if self.head.is_none() {
            return Err(self.why_no_frame());
        }
        self.end_frame(self.current.len())
    }

    /// What a decoder needs before any frame: the last PAT and PMT; empty before they came.
    #[must_use]
    pub fn init(&self) -> Vec<u8> {
        self.tables.init()
    }

    /// The stream frames are cut by.
    #[must_use]
    pub const fn lead(&self) -> Option<Lead> {
        self.tables.lead()
    }

    /// What was left out so far.
    #[must_use]
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    fn why_no_frame(&self) -> CutError {
        let searched = self.offset;
        match self.tables.lead() {
            Some(_) => CutError::NoKeyFrame { searched },
            None if self.tables.has_program_without_media() => CutError::NoMedia,
            None => CutError::NoProgram { searched },
        }
    }

    fn take_packets(&mut self, rest: &mut &[u8]) -> Result<(), CutError> {
        loop {
            if !self.is_synced && !self.find_sync(rest)? {
                return Ok(());
            }
            let Some((raw, after)) = rest.split_at_checked(PACKET_LEN) else { return Ok(()) };
            let Some(packet) = Packet::new(raw) else {
                self.is_synced = false;
                self.dropped.resyncs += 1;
                continue;
            };
            self.offset += PACKET_LEN as u64;
            *rest = after;
            self.take_packet(&packet, raw)?;
        }
    }

    /// Skips to where sync bytes stand 188 bytes apart; `false`: more bytes are needed to tell.
    fn find_sync(&mut self, rest: &mut &[u8]) -> Result<bool, CutError> {
        let is_sync = |start: usize| {
            (0..SYNCS).all(|index| rest.get(start + index * PACKET_LEN).is_none_or(|&byte| byte == SYNC_BYTE))
        };
        let tellable = (rest.len() + 1).saturating_sub(SYNCS * PACKET_LEN);
        let found = (0..tellable).find(|&start| is_sync(start));
        let skipped = found.unwrap_or(tellable);
        if found.is_none() && rest.len() > SEARCH_LEN_MAX {
            let lost = CutError::SyncLost { offset: self.offset };
            return Err(if self.offset == 0 {
                CutError::NotTransportStream { searched: rest.len() }
            } else {
                lost
            });
        }
        if found.is_none() {
            return Ok(false);
        }
        self.dropped.unsynced += skipped as u64;
        *rest = rest.get(skipped..).unwrap_or(&[]);
        self.is_synced = true;
        Ok(true)
    }

    fn take_packet(&mut self, packet: &Packet<'_>, raw: &[u8]) -> Result<(), CutError> {
        let is_table = self.tables.take(packet, raw) || packet.pid() == SDT_PID;
        if let Some((pes, lead)) = self.start_of_unit(packet) {
            self.on_unit(packet, &pes, lead)?;
        }
        if is_table {
            // A run of tables counts from its PAT, or from an SDT right before it.
            let begins = packet.pid() == PAT_PID || packet.pid() == SDT_PID;
            if begins && self.tables_at.is_none() {
                self.tables_at = Some(self.current.len());
            }
        } else {
            self.tables_at = None;
        }
        self.current.extend_from_slice(raw);
        if self.head.is_none() && self.current.len() > PREAMBLE_LEN_MAX {
            return Err(self.why_no_frame());
        }
        if self.head.is_some() && self.current.len() > FRAME_LEN_MAX {
            return Err(CutError::FrameTooLong { offset: self.offset });
        }
        Ok(())
    }

    /// The access unit that begins in a packet of the leading stream.
    fn start_of_unit<'p>(&self, packet: &Packet<'p>) -> Option<(Pes<'p>, Lead)> {
        let lead = self.tables.lead().filter(|lead| packet.pid() == lead.pid)?;
        Some((packet.pes()?, lead))
    }

    fn on_unit(&mut self, packet: &Packet<'_>, pes: &Pes<'_>, lead: Lead) -> Result<(), CutError> {
        let Some(dts) = pes.dts else { return Ok(()) };
        let key =
            !lead.codec.is_video() || packet.is_random_access() || has_key_unit(lead.codec, pes.elementary);
        let pts_offset = u32::try_from((pes.pts.unwrap_or(dts) + WRAP_TICKS - dts) % WRAP_TICKS);
        let head =
            Head { dts, pts_offset: pts_offset.ok().filter(|&offset| offset < 1 << 24).unwrap_or(0), key };
        match self.head {
            None if !key => return Ok(()),
            None => {
                let start = self.tables_at.unwrap_or(self.current.len());
                self.dropped.before_start += start as u64;
                self.current.drain(..start);
            }
            Some(previous) => {
                let ticks = (dts + WRAP_TICKS - previous.dts) % WRAP_TICKS;
                let is_short = !lead.codec.is_video() && ticks < AUDIO_FRAME_TICKS;
                if is_short {
                    return Ok(());
                }
                let end = self.tables_at.filter(|_| key).unwrap_or(self.current.len());
                self.end_frame(end)?;
            }
        }
        self.head = Some(head);
        Ok(())
    }

    /// Ends the current frame before `end`; what follows belongs to the next.
    fn end_frame(&mut self, end: usize) -> Result<(), CutError> {
        let next = self.current.split_off(end);
        let bytes = mem::replace(&mut self.current, next);
        self.tables_at = self.tables_at.and_then(|at| at.checked_sub(end));
        let Some(Head { dts, pts_offset, key }) = self.head.take() else { return Ok(()) };
        if bytes.len() > FRAME_LEN_MAX {
            return Err(CutError::FrameTooLong { offset: self.offset });
        }
        if !bytes.is_empty() {
            self.ready.push_back(CutFrame { dts, pts_offset, key, bytes });
        }
        Ok(())
    }
}

/// Whether an access unit's first bytes show a unit decoding can begin with: an IDR picture or its parameter sets.
fn has_key_unit(codec: Codec, elementary: &[u8]) -> bool {
    let starts =
        elementary.windows(4).filter(|window| window.starts_with(&[0, 0, 1])).map(|window| window[3]);
    match codec {
        // Rec. H.264 table 7-1: 5 IDR, 7 SPS.
        Codec::H264 => starts.map(|byte| byte & 0x1f).any(|kind| kind == 5 || kind == 7),
        // Rec. H.265 table 7-1: 16..=21 IRAP, 32 VPS, 33 SPS.
        Codec::H265 => starts.map(|byte| byte >> 1 & 0x3f).any(|kind| matches!(kind, 16..=21 | 32 | 33)),
        // ISO/IEC 13818-2 table 6-1: sequence header.
        Codec::Mpeg2 => starts.into_iter().any(|byte| byte == 0xb3),
        Codec::Audio | Codec::Other => true,
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
