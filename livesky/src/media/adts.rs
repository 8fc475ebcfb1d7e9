//! How long the AAC in a PES packet lasts, counted by its ADTS headers (ISO/IEC 14496-3 clause 1.A.3.2).

/// Bytes of a header up to number_of_raw_data_blocks_in_frame.
const HEADER_LEN: usize = 7;
/// Samples of a raw data block (clause 4.5.2.1).
const BLOCK_SAMPLES: i64 = 1_024;
/// Sampling frequencies by index (clause 1.6.3.4).
const RATES_HZ: [i64; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const TICKS_PER_SECOND: i64 = 90_000;

/// Counts the frames of one PES packet, which comes in pieces of any size.
#[derive(Clone, Debug, Default)]
pub(super) struct AdtsCounter {
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// Bytes before the next header.
    skip: usize,
    blocks: i64,
    /// Of the last header; 0 before it.
    rate_hz: i64,
    is_other: bool,
}

impl AdtsCounter {
    /// Goes on with the PES packet's next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !self.is_other && !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or(&[]);
            for (place, &byte) in self.header.iter_mut().skip(self.header_len).zip(bytes) {
                *place = byte;
            }
            let taken = bytes.len().min(HEADER_LEN - self.header_len);
            self.header_len += taken;
            bytes = bytes.get(taken..).unwrap_or(&[]);
            if self.header_len == HEADER_LEN {
                self.on_header();
            }
        }
    }

    fn on_header(&mut self) {
        let [a, b, c, d, e, f, g] = self.header;
        self.header_len = 0;
        let rate_hz = RATES_HZ.get(usize::from(c >> 2 & 0x0f));
        let frame_len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        let is_adts = a == 0xff && b & 0xf6 == 0xf0;
        match (rate_hz, frame_len.checked_sub(HEADER_LEN)) {
            (Some(&rate_hz), Some(skip)) if is_adts => {
                self.rate_hz = rate_hz;
                self.skip = skip;
                self.blocks += i64::from(g & 3) + 1;
            }
            (Some(_) | None, Some(_) | None) => self.is_other = true,
        }
    }

    /// Ticks of 90 kHz that the frames last; `None` when it is not AAC, or no header has come.
    pub(super) fn duration_ticks(&self) -> Option<i64> {
        let samples = self.blocks * BLOCK_SAMPLES;
        (samples * TICKS_PER_SECOND).checked_div(self.rate_hz).filter(|_| !self.is_other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of `len` bytes at 48 kHz with `blocks` blocks.
    fn frame(len: u8, blocks: u8) -> Vec<u8> {
        let mut frame = vec![0x55; usize::from(len)];
        frame[..7].copy_from_slice(&[0xff, 0xf1, 3 << 2, 0, len >> 3, len << 5, blocks - 1]);
        frame
    }

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let pes = [frame(100, 1), frame(7, 2), frame(90, 1)].concat();
        for chunk_len in 1..pes.len() {
            let mut counter = AdtsCounter::default();
            pes.chunks(chunk_len).for_each(|chunk| counter.push(chunk));
            assert_eq!(counter.duration_ticks(), Some(4 * 1_920), "in chunks of {chunk_len}");
        }
    }

    #[test]
    fn what_is_not_aac_has_no_duration() {
        let of = |bytes: &[u8]| {
            let mut counter = AdtsCounter::default();
            counter.push(bytes);
            counter.duration_ticks()
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[0, 0, 0, 1, 9, 0xf0, 0]), None, "H.264");
        assert_eq!(of(&[0xff, 0xfd, 0xa4, 0, 0, 0, 0, 0]), None, "MPEG audio layer II");
        assert_eq!(of(&[0xff, 0xf1, 15 << 2, 0, 9, 0, 0]), None, "a reserved frequency");
        assert_eq!(of(&[0xff, 0xf1, 3 << 2, 0, 0, 0, 0]), None, "a frame shorter than its header");
        assert_eq!(of(&[frame(50, 1), vec![1; 7]].concat()), None, "sync lost");
    }
}
