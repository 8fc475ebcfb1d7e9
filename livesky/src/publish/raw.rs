//! Bytes of any kind cut by time.

use core::mem;
use std::collections::VecDeque;
use std::sync::Arc;

use livesky_core::Instant;
use livesky_core::media::Dts;
use livesky_core::relay::NewFrame;
use livesky_std::PublishedFrame;

use crate::media::cut::FRAME_LEN_MAX;

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Bytes are due as they come.
    Arrival,
    /// So many bytes make up a frame: a recording of constant rate.
    Bytes(usize),
}

/// Cuts without looking at the bytes; every frame is a place to begin at.
#[derive(Debug)]
pub struct RawCutter {
    clock: Clock,
    cadence_us: u64,
    pending: Vec<u8>,
    began_at: Option<Instant>,
    frame_at: Instant,
    frames: u64,
    ready: VecDeque<PublishedFrame>,
}

impl RawCutter {
    /// A cutter of frames `cadence_us` apart.
    #[must_use]
    pub const fn new(clock: Clock, cadence_us: u32) -> Self {
        Self {
            clock,
            cadence_us: cadence_us as u64,
            pending: Vec::new(),
            began_at: None,
            frame_at: Instant::ZERO,
            frames: 0,
            ready: VecDeque::new(),
        }
    }

    /// Takes bytes that came at `now`.
    pub fn push(&mut self, now: Instant, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.pending.is_empty() {
                self.frame_at = now;
                self.began_at.get_or_insert(now);
            }
            let room = self.frame_len().saturating_sub(self.pending.len());
            let (taken, left) = rest.split_at(room.min(rest.len()));
            self.pending.extend_from_slice(taken);
            rest = left;
            let is_over = match self.clock {
                Clock::Arrival => now.micros_since(self.frame_at) >= self.cadence_us,
                Clock::Bytes(_) => false,
            };
            if is_over || self.pending.len() >= self.frame_len() {
                self.cut();
            }
        }
    }

    /// Nothing more comes: what is left is a frame.
    pub fn finish(&mut self) {
        if !self.pending.is_empty() {
            self.cut();
        }
    }

    /// The next frame.
    pub fn pop(&mut self) -> Option<PublishedFrame> {
        self.ready.pop_front()
    }

    fn frame_len(&self) -> usize {
        match self.clock {
            Clock::Arrival => FRAME_LEN_MAX,
            Clock::Bytes(len) => len.clamp(1, FRAME_LEN_MAX),
        }
    }

    fn cut(&mut self) {
        let micros = match self.clock {
            Clock::Arrival => self.frame_at.micros_since(self.began_at.unwrap_or(self.frame_at)),
            Clock::Bytes(_) => self.frames.saturating_mul(self.cadence_us),
        };
        let dts = Dts::from_ticks(micros.saturating_mul(9) / 100);
        let bytes: Arc<[u8]> = mem::take(&mut self.pending).into();
        self.ready.push_back(PublishedFrame {
            frame: NewFrame { dts, pts_offset_ticks: 0, len: 0, key: true },
            bytes,
        });
        self.frames += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pop_all(cutter: &mut RawCutter) -> Vec<(u64, usize)> {
        core::iter::from_fn(|| cutter.pop())
            .map(|frame| (frame.frame.dts.ticks() / 90, frame.bytes.len()))
            .collect()
    }

    #[test]
    fn arrival_decides_over_live_bytes() {
        let mut cutter = RawCutter::new(Clock::Arrival, 40_000);
        for ms in [1_000, 1_020, 1_041, 1_050, 1_200] {
            cutter.push(Instant::from_millis(ms), &[0; 100]);
        }
        assert_eq!(pop_all(&mut cutter), [(0, 300), (50, 200)]);
        cutter.finish();
        assert_eq!(pop_all(&mut cutter), []);
    }

    #[test]
    fn a_recording_is_cut_by_its_rate() {
        let mut cutter = RawCutter::new(Clock::Bytes(200), 40_000);
        cutter.push(Instant::ZERO, &[0; 450]);
        assert_eq!(pop_all(&mut cutter), [(0, 200), (40, 200)]);
        cutter.finish();
        assert_eq!(pop_all(&mut cutter), [(80, 50)]);
    }

    #[test]
    fn no_frame_is_longer_than_the_protocol_carries() {
        let mut cutter = RawCutter::new(Clock::Arrival, 40_000);
        cutter.push(Instant::ZERO, &vec![0; FRAME_LEN_MAX + 5]);
        cutter.finish();
        assert_eq!(pop_all(&mut cutter), [(0, FRAME_LEN_MAX), (0, 5)]);
    }
}
