//! The plots of a report.

use std::collections::BTreeSet;

use livesky_core::scaling::{Thresholds, n_star_operating};
use plotters::prelude::{Circle, IntoLogRange, Polygon, RGBColor};
use plotters::style::Color;

use super::plot::{self, Axes, Band, COLOURS, PlotError, band, draw, line, rule, span, stroke};
use super::spread::median;
use super::timeline::{Fold, timeline};
use crate::results::{Bin, Results, Sample};

/// A plot with what is said around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// What the lines are, in the order of the colours.
    pub(super) legend: Vec<&'static str>,
    /// What one should know to read it.
    pub(super) note: String,
    pub(super) svg: String,
}

const TIME: &str = "minutes from the end of the warm-up";

/// Minutes before and after the end of the warm-up.
fn minutes(runs: &[Results]) -> core::ops::Range<f64> {
    let run = runs.first().map(|run| &run.scenario.run);
    run.map_or(0.0..1.0, |run| -run.warm_up_s / 60.0..run.measure_s / 60.0)
}

/// Room above the highest point, and some where there is none.
fn up_to(top: f64) -> core::ops::Range<f64> {
    0.0..if top > 0.0 { top * 1.08 } else { 1.0 }
}

/// Lines over time, with the faults behind them.
fn over_time(
    runs: &[Results],
    (title, y_label): (&'static str, &'static str),
    lines: &[(&'static str, Band)],
) -> Result<Plot, PlotError> {
    let y = up_to(lines.iter().map(|(_, band)| band.top()).fold(0.0, f64::max));
    let svg = draw(Axes { title, x_label: TIME, y_label, x: minutes(runs), y: y.clone() }, |chart| {
        faults(chart, runs, &y)?;
        lines.iter().zip(COLOURS).try_for_each(|((_, line), colour)| band(chart, line, colour))
    })?;
    let legend = lines.iter().map(|(name, _)| *name).collect();
    Ok(Plot { title, legend, note: String::new(), svg })
}

fn faults<X>(
    chart: &mut plot::Chart<'_, '_, X>,
    runs: &[Results],
    y: &core::ops::Range<f64>,
) -> Result<(), PlotError>
where
    X: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    let scenario = runs.first().map(|run| &run.scenario);
    for fault in scenario.into_iter().flat_map(|scenario| &scenario.faults) {
        let (at_s, for_s) = fault.span_s();
        // What happens in an instant is seen, too.
        span(chart, at_s / 60.0, (at_s + for_s.max(1.0)) / 60.0, y)?;
    }
    rule(chart, (0.0, y.start), (0.0, y.end))
}

/// Viewers present, and those stalled.
pub(super) fn viewers(runs: &[Results]) -> Result<Plot, PlotError> {
    let of = |of: fn(&Sample) -> u32| timeline(runs, Fold::Mean, move |sample| f64::from(of(sample)));
    let lines = [("present", of(|sample| sample.viewers)), ("stalled", of(|sample| sample.stalled))];
    over_time(runs, ("Viewers", "viewers"), &lines)
}

/// Joins, leaves and stalls.
pub(super) fn changes(runs: &[Results]) -> Result<Plot, PlotError> {
    let of = |of: fn(&Sample) -> u32| timeline(runs, Fold::PerMinute, move |sample| f64::from(of(sample)));
    let lines = [
        ("joins", of(|sample| sample.joins)),
        ("leaves", of(|sample| sample.leaves)),
        ("stalls", of(|sample| sample.stalls)),
    ];
    over_time(runs, ("Joins, leaves and stalls", "a minute"), &lines)
}

/// Viewers' buffers.
pub(super) fn buffers(runs: &[Results]) -> Result<Plot, PlotError> {
    let of = |of: fn(&Sample) -> u32| timeline(runs, Fold::Mean, move |sample| f64::from(of(sample)) / 1e3);
    let lines =
        [("median", of(|sample| sample.buffer_ms_p50)), ("5 % point", of(|sample| sample.buffer_ms_p5))];
    over_time(runs, ("Buffers", "seconds"), &lines)
}

/// Bytes by source, one upon the other: medians over the seeds.
pub(super) fn sources(runs: &[Results]) -> Result<Plot, PlotError> {
    let title = "Bytes by source";
    let layers = [
        timeline(runs, Fold::Mean, |sample| (sample.egress_bps - sample.rescue_bps).max(0.0) / 1e6),
        timeline(runs, Fold::Mean, |sample| sample.rescue_bps / 1e6),
        timeline(runs, Fold::Mean, |sample| sample.peers_bps / 1e6),
    ];
    let x = layers.first().map(|layer| layer.x.clone()).unwrap_or_default();
    let mut tops: Vec<Vec<f64>> = vec![vec![0.0; x.len()]];
    for layer in &layers {
        let below = tops.last().cloned().unwrap_or_default();
        tops.push(below.iter().zip(&layer.median).map(|(below, own)| below + own).collect());
    }
    let y = up_to(tops.iter().flatten().copied().fold(0.0, f64::max));
    let axes =
        Axes { title, x_label: TIME, y_label: "Mbit/s of UDP payload", x: minutes(runs), y: y.clone() };
    let svg = draw(axes, |chart| {
        for (pair, colour) in tops.windows(2).zip(COLOURS) {
            let [below, above] = pair else { continue };
            let upper = x.iter().copied().zip(above.iter().copied());
            let lower = x.iter().copied().zip(below.iter().copied()).rev();
            let outline: Vec<(f64, f64)> = upper.clone().chain(lower).collect();
            chart.draw_series([Polygon::new(outline, colour.mix(0.5).filled())]).map_err(PlotError::new)?;
            line(chart, upper, stroke(colour))?;
        }
        faults(chart, runs, &y)
    })?;
    let legend = vec!["edges: feeds, bursts and control", "edges: rescue and late pull", "peers"];
    Ok(Plot { title, legend, note: "One upon the other, medians over the seeds.".to_owned(), svg })
}

/// Nc over P0 beside the stage function (LiveSky, Figure 7).
pub(super) fn stages(runs: &[Results]) -> Result<Plot, PlotError> {
    let title = "Nc over P0";
    let thresholds = runs.first().and_then(thresholds);
    let p0_max = runs.iter().flat_map(|run| &run.series).map(|row| row.p0).max().unwrap_or(0).max(1);
    let nc_max = runs.iter().flat_map(|run| &run.series).map(|row| row.nc).fold(1.0, f64::max);
    let target_max = thresholds.map_or(1.0, |thresholds| thresholds.target_nc(p0_max));
    let x = up_to(f64::from(p0_max));
    let y = up_to(nc_max.max(target_max));
    let axes = Axes {
        title,
        x_label: "P0: clients let in",
        y_label: "Nc: clients' worth of edge feeds",
        x: x.clone(),
        y: y.clone(),
    };
    let svg = draw(axes, |chart| {
        if let Some(thresholds) = thresholds {
            let begins = [f64::from(thresholds.n1), thresholds.stage_two_max(), thresholds.stage_four_min()];
            for at in begins.into_iter().filter(|at| *at <= x.end) {
                rule(chart, (at, y.start), (at, y.end))?;
            }
            let reach = x.end.min(y.end / thresholds.s);
            rule(chart, (0.0, 0.0), (reach, thresholds.s * reach))?;
            let target = (0..=p0_max).map(|p0| (f64::from(p0), thresholds.target_nc(p0)));
            line(chart, target, stroke(COLOURS[1]))?;
        }
        let dots = dots(runs, &x, &y);
        let dot = |at| Circle::new(at, 4, COLOURS[0].mix(0.5).filled());
        chart.draw_series(dots.into_iter().map(dot)).map_err(PlotError::new)?;
        Ok(())
    })?;
    let note = match thresholds {
        Some(Thresholds { n1, n_star, s, slope }) => {
            let interval_s = runs.first().map_or(0.0, |run| run.bounds.churn_interval_s);
            format!(
                "N1 = {n1}, N* in operation = {n_star}, S = {s:.4} at an interval of {interval_s} s, slope {slope:.4}. \
                 Upright: N1, N1/S, N*/S; slanted: S P0."
            )
        }
        None => "Several edges: their sums, without thresholds.".to_owned(),
    };
    Ok(Plot { title, legend: vec!["measured", "target"], note, svg })
}

/// The thresholds of the only edge.
fn thresholds(run: &Results) -> Option<Thresholds> {
    let [edge] = run.scenario.edges.as_slice() else { return None };
    let rate_bps = run.scenario.channel.rate_bps;
    let n_star = n_star_operating(
        edge.capacity_bps,
        rate_bps,
        edge.rescue_share,
        edge.overhead_share,
        edge.burst_share,
    );
    Thresholds::new(edge.n1, n_star, run.bounds.scaling.unwrap_or(1.0), edge.slope).ok()
}

/// The rows of all seeds, one dot for those that fall on the same spot.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates; spots are a few hundred each way"
)]
fn dots(runs: &[Results], x: &core::ops::Range<f64>, y: &core::ops::Range<f64>) -> Vec<(f64, f64)> {
    const SPOTS: f64 = 240.0;
    let rows = runs.iter().flat_map(|run| &run.series).filter(|row| row.p0 > 0);
    let spot = |row: &Sample| ((f64::from(row.p0) / x.end * SPOTS) as i32, (row.nc / y.end * SPOTS) as i32);
    let mut taken = BTreeSet::new();
    rows.filter(|row| taken.insert(spot(row))).map(|row| (f64::from(row.p0), row.nc)).collect()
}

/// Share of the arrivals that started within a time.
pub(super) fn startup(runs: &[Results]) -> Result<Plot, PlotError> {
    let title = "Startup";
    let curve = |run: &Results| cumulative(&run.startup.durations, run.startup.arrivals);
    let curves: Vec<_> = runs.iter().filter(|run| run.startup.arrivals > 0).map(curve).collect();
    let line = around(&curves);
    let x = (line.x.first().copied().unwrap_or(10.0)..line.x.last().copied().unwrap_or(10_000.0)).log_scale();
    let axes = Axes { title, x_label: "milliseconds", y_label: "share of the arrivals", x, y: 0.0..1.02 };
    let svg = draw(axes, |chart| band(chart, &line, COLOURS[0]))?;
    let note = "From the first hello to the first picture; who never started is missing at the right end.";
    Ok(Plot { title, legend: Vec::new(), note: note.to_owned(), svg })
}

/// Bars as points of a distribution function. The open bar has no end and no point.
fn cumulative(bins: &[Bin], of: u64) -> Vec<(f64, f64)> {
    let mut sum = 0;
    let points = bins.iter().filter_map(|bin| {
        sum += bin.count;
        bin.up_to_ms.map(|ms| (ms as f64, sum as f64 / of as f64))
    });
    points.collect()
}

/// Share of the viewers that upload no more than a multiple of the rate (LiveSky, Figure 13).
pub(super) fn uploads(runs: &[Results]) -> Result<Plot, PlotError> {
    let title = "Upload";
    let steps = runs.iter().map(|run| run.uploads.by_twentieths.len()).max().unwrap_or(0).max(20);
    let curve = |run: &Results| {
        let mut sum = 0;
        let counts = run.uploads.by_twentieths.iter().copied().chain(core::iter::repeat(0));
        let points = (1_u32..).zip(counts).take(steps).map(|(step, count)| {
            sum += count;
            (f64::from(step) / 20.0, sum as f64 / run.uploads.viewers as f64)
        });
        points.collect()
    };
    let curves: Vec<_> = runs.iter().filter(|run| run.uploads.viewers > 0).map(curve).collect();
    let line = around(&curves);
    let x = 0.0..steps as f64 / 20.0;
    let axes =
        Axes { title, x_label: "multiples of the rate", y_label: "share of the viewers", x, y: 0.0..1.02 };
    let svg = draw(axes, |chart| band(chart, &line, COLOURS[0]))?;
    let note = "Means over each viewer's time, of those there for 30 s or more after the warm-up.".to_owned();
    Ok(Plot { title, legend: Vec::new(), note, svg })
}

/// Curves with the same x: median and range at each.
fn around(curves: &[Vec<(f64, f64)>]) -> Band {
    let mut band = Band::default();
    for (place, (x, _)) in curves.first().into_iter().flatten().enumerate() {
        let points: Vec<f64> = curves.iter().filter_map(|curve| curve.get(place)).map(|(_, y)| *y).collect();
        let Some(middle) = median(&points) else { continue };
        band.x.push(*x);
        band.low.push(points.iter().copied().fold(f64::INFINITY, f64::min));
        band.median.push(middle);
        band.high.push(points.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
    band
}

/// Q1 and Q2 of the minutes, worst first (LiveSky, Figure 10).
pub(super) fn quality(runs: &[Results]) -> Result<Plot, PlotError> {
    let title = "Q1 and Q2 by minute";
    let sorted = |of: fn(&crate::results::MinuteRow) -> f64| {
        let curves: Vec<Vec<(f64, f64)>> = runs
            .iter()
            .map(|run| {
                let mut values: Vec<f64> = run.minutes.iter().map(of).collect();
                values.sort_by(f64::total_cmp);
                let count = values.len() as f64;
                (1_u32..).zip(values).map(|(rank, value)| (f64::from(rank) / count, value)).collect()
            })
            .collect();
        around(&curves)
    };
    let lines: [(&str, Band); 2] = [("Q1", sorted(|row| row.q1)), ("Q2", sorted(|row| row.q2))];
    let least = lines.iter().flat_map(|(_, band)| &band.low).copied().fold(1.0, f64::min);
    // A flat line at 1 is to be seen as one.
    let floor = (1.0 - (1.0 - least) * 1.1).clamp(0.0, 0.99);
    let axes = Axes {
        title,
        x_label: "share of the minutes, worst first",
        y_label: "Q",
        x: 0.0..1.0,
        y: floor..1.0 + (1.0 - floor) * 0.04,
    };
    let svg = draw(axes, |chart| {
        let mut lines = lines.iter().zip(COLOURS);
        lines.try_for_each(|((_, line), colour): (_, RGBColor)| band(chart, line, colour))
    })?;
    let note = "Startup counts in neither.".to_owned();
    Ok(Plot { title, legend: lines.iter().map(|(name, _)| *name).collect(), note, svg })
}
