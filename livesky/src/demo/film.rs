//! The clip as one endless stream.

use livesky_std::PublishedFrame;

use crate::media::clip::CLIP;
use crate::media::cut::CutError;
use crate::media::packet::PACKET_LEN;
use crate::publish::cut::MpegTs;

/// Bytes cut at a time.
const CHUNK_LEN: usize = 64 * PACKET_LEN;

/// The clip's frames, over and over.
#[derive(Debug)]
pub struct Film {
    ts: MpegTs,
    rest: &'static [u8],
}

impl Film {
    /// The clip from its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self { ts: MpegTs::new(true), rest: CLIP }
    }

    /// What a decoder needs; known from the first frame on.
    #[must_use]
    pub fn init(&mut self) -> Vec<u8> {
        self.ts.take_new_init().unwrap_or_default()
    }

    fn feed(&mut self) -> Result<(), CutError> {
        if self.rest.is_empty() {
            self.ts.restart();
            self.rest = CLIP;
        }
        let (chunk, rest) = self.rest.split_at(CHUNK_LEN.min(self.rest.len()));
        self.rest = rest;
        self.ts.push(chunk)
    }
}

impl Default for Film {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for Film {
    type Item = PublishedFrame;

    fn next(&mut self) -> Option<PublishedFrame> {
        loop {
            if let Some(frame) = self.ts.pop() {
                return Some(frame);
            }
            self.feed().ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clip_runs_on_over_its_end() {
        let frames: Vec<_> = Film::new().take(2_000).collect();
        let steps = frames.windows(2).map(|pair| pair[1].frame.dts.ticks_since(pair[0].frame.dts));
        assert!(steps.into_iter().all(|ticks| ticks == 3_600), "25 frames a second, without a seam");
        let first_pass: Vec<u8> = frames[..750].iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        assert_eq!(first_pass.as_slice(), &CLIP[..first_pass.len()]);
    }
}
