//! What viewers upload.

use crate::results::Uploads;

/// Who was there for less says little of a mean.
const MEASURED_US_MIN: u64 = 30_000_000;
/// Steps of a twentieth of the rate that are told apart at most.
const STEPS_MAX: u64 = 100;

/// Uploads in thousandths of the rate.
#[derive(Clone, Debug, Default)]
pub(crate) struct UploadShares {
    thousandths: Vec<u64>,
}

impl UploadShares {
    /// A viewer sent `bytes` in `measured_us` of a channel of `rate_bps`.
    pub(crate) fn add(&mut self, bytes: u64, measured_us: u64, rate_bps: u32) {
        if measured_us < MEASURED_US_MIN {
            return;
        }
        let media_bits = u128::from(rate_bps.max(1)) * u128::from(measured_us) / 1_000_000;
        let thousandths = u128::from(bytes) * 8_000 / media_bits.max(1);
        self.thousandths.push(u64::try_from(thousandths).unwrap_or(u64::MAX));
    }

    pub(crate) fn results(&self) -> Uploads {
        let mut sorted = self.thousandths.clone();
        sorted.sort_unstable();
        let middle = sorted.len().div_ceil(2).checked_sub(1);
        let p50 = middle.and_then(|middle| sorted.get(middle)).map(|&upload| upload as f64 / 1_000.0);
        let mut by_twentieths: Vec<u64> = Vec::new();
        for upload in &sorted {
            let step = upload.div_ceil(50).saturating_sub(1).min(STEPS_MAX - 1);
            let place = usize::try_from(step).unwrap_or(0);
            by_twentieths.resize(by_twentieths.len().max(place + 1), 0);
            if let Some(count) = by_twentieths.get_mut(place) {
                *count += 1;
            }
        }
        Uploads { viewers: sorted.len() as u64, p50, by_twentieths }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_multiples_of_the_rate() {
        let mut uploads = UploadShares::default();
        // 400 kbit/s for 40 s are 2 MB.
        for bytes in [0, 100_000, 102_000, 2_000_000, 3_000_000] {
            uploads.add(bytes, 40_000_000, 400_000);
        }
        uploads.add(9, 29_999_999, 400_000);
        let results = uploads.results();
        assert_eq!((results.viewers, results.p50), (5, Some(0.051)));
        let mut expected = [0; 30];
        (expected[0], expected[1], expected[19], expected[29]) = (2, 1, 1, 1);
        assert_eq!(results.by_twentieths, expected);
        assert_eq!(UploadShares::default().results(), Uploads::default());
    }
}
