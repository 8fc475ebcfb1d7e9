//! Series of several seeds as bands over time.

use super::plot::Band;
use super::spread::median;
use crate::results::{Results, Sample};

/// Points of a line at most: more than a screen's are not seen.
const POINTS_MAX: usize = 300;
/// Things that happen are counted over this many seconds at least: their rate is noise below.
const RATE_SPAN_S: f64 = 10.0;

/// How rows of the series become one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// What holds: the mean.
    Mean,
    /// What happened: per minute.
    PerMinute,
}

/// A column of the series over time in minutes from the end of the warm-up: the median over the seeds and the range.
pub(super) fn timeline(runs: &[Results], fold: Fold, of: impl Fn(&Sample) -> f64) -> Band {
    let len = runs.iter().map(|run| run.series.len()).min().unwrap_or(0);
    let Some(first) = runs.first() else { return Band::default() };
    let scenario = &first.scenario.run;
    let chunk = chunk_len(len, fold, scenario.sample_s);
    let mut band = Band::default();
    for start in (0..len).step_by(chunk) {
        let end = (start + chunk).min(len);
        let points: Vec<f64> = runs
            .iter()
            .filter_map(|run| run.series.get(start..end))
            .map(|rows| point(rows, fold, scenario.sample_s, &of))
            .collect();
        let at_s = first.series.get(start..end).and_then(|rows| {
            let (first, last) = (rows.first()?, rows.last()?);
            Some((first.at_s - scenario.sample_s + last.at_s) / 2.0)
        });
        let (Some(middle), Some(at_s)) = (median(&points), at_s) else { continue };
        band.x.push((at_s - scenario.warm_up_s) / 60.0);
        band.low.push(points.iter().copied().fold(f64::INFINITY, f64::min));
        band.median.push(middle);
        band.high.push(points.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
    band
}

/// Rows of the series that make one point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the length of a series is small"
)]
fn chunk_len(len: usize, fold: Fold, sample_s: f64) -> usize {
    let least = match fold {
        Fold::Mean => 1,
        Fold::PerMinute => (RATE_SPAN_S / sample_s).ceil() as usize,
    };
    len.div_ceil(POINTS_MAX).max(least).max(1)
}

fn point(rows: &[Sample], fold: Fold, sample_s: f64, of: &impl Fn(&Sample) -> f64) -> f64 {
    let sum: f64 = rows.iter().map(of).sum();
    match fold {
        Fold::Mean => sum / rows.len() as f64,
        Fold::PerMinute => sum * 60.0 / (rows.len() as f64 * sample_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_series_have_as_many_points_as_a_screen() {
        assert_eq!(chunk_len(300, Fold::Mean, 1.0), 1);
        assert_eq!(chunk_len(301, Fold::Mean, 1.0), 2);
        assert_eq!(chunk_len(301, Fold::PerMinute, 1.0), 10);
        assert_eq!(chunk_len(60, Fold::PerMinute, 30.0), 1);
        assert_eq!(chunk_len(0, Fold::Mean, 1.0), 1);
    }

    #[test]
    fn what_holds_is_averaged_and_what_happens_is_counted_per_minute() {
        let rows = [1, 3].map(|joins| Sample { joins, ..Sample::default() });
        let of = |sample: &Sample| f64::from(sample.joins);
        assert_eq!(point(&rows, Fold::Mean, 0.5, &of), 2.0);
        assert_eq!(point(&rows, Fold::PerMinute, 0.5, &of), 240.0);
    }
}
