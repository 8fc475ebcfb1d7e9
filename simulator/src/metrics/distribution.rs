//! Durations: percentiles and bars.

use crate::results::Bin;

/// Bounds of the bars in milliseconds: eight a decade would be finer than anybody looks.
const BOUNDS_MS: [u64; 16] =
    [20, 50, 100, 150, 200, 300, 400, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 30_000];

/// Durations in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distribution {
    us: Vec<u64>,
}

impl Distribution {
    pub(crate) fn add(&mut self, us: u64) {
        self.us.push(us);
    }

    pub(crate) fn count(&self) -> u64 {
        self.us.len() as u64
    }

    /// The duration in milliseconds that a share of `of` things stay within; those that were not added are infinite. `None`:
    /// infinite, or nothing there.
    pub(crate) fn percentiles_ms<const N: usize>(&self, of: u64, shares: [f64; N]) -> [Option<f64>; N] {
        let mut sorted = self.us.clone();
        sorted.sort_unstable();
        shares.map(|share| {
            let rank = rank(of, share).checked_sub(1)?;
            sorted.get(usize::try_from(rank).ok()?).map(|&us| us as f64 / 1_000.0)
        })
    }

    pub(crate) fn bins(&self) -> Vec<Bin> {
        let bounds = BOUNDS_MS.iter().map(|&bound| Some(bound)).chain([None]);
        let mut bins: Vec<Bin> = bounds.map(|up_to_ms| Bin { up_to_ms, count: 0 }).collect();
        for &us in &self.us {
            let place = BOUNDS_MS.partition_point(|&bound| bound * 1_000 < us);
            if let Some(bin) = bins.get_mut(place) {
                bin.count += 1;
            }
        }
        bins
    }
}

/// How many of `of` make up a share, rounded up: nearest rank.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count below 2^53")]
fn rank(of: u64, share: f64) -> u64 {
    (of as f64 * share).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_never_came_are_infinite() {
        let mut startups = Distribution::default();
        (1..=95).for_each(|ms| startups.add(ms * 1_000));
        assert_eq!(
            startups.percentiles_ms(100, [0.5, 0.95, 0.99, 1.0]),
            [Some(50.0), Some(95.0), None, None]
        );
        assert_eq!(startups.percentiles_ms(95, [1.0]), [Some(95.0)]);
        assert_eq!(Distribution::default().percentiles_ms(0, [0.5]), [None]);
    }

    #[test]
    fn bars_hold_everything_once() {
        let mut stalls = Distribution::default();
        [1, 20_000, 20_001, 40_000_000].into_iter().for_each(|us| stalls.add(us));
        let bins = stalls.bins();
        assert_eq!((bins[0].count, bins[1].count, bins[16].count), (2, 1, 1));
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 4);
    }
}
