//! One plot as SVG: axes, lines, bands.
//!
//! Colours are names that the page's style sheet knows: it finds them by their value and shows them light or dark. The
//! canvas has twice the size it is shown at, since coordinates are whole numbers.

use core::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, DrawingArea, IntoDrawingArea, IntoFont, LineSeries, PathElement,
    Polygon, RGBColor, Rectangle, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::{Color, TRANSPARENT};

/// Width and height of the canvas: shown at half of it or less.
const CANVAS: (u32, u32) = (960, 560);
/// Height of letters, in the backend's measure.
const LETTERS: u32 = 32;
/// Width of lines.
const STROKE: u32 = 4;

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
/// The grid.
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// What is behind the lines: faults, bounds.
pub(super) const SHADE: RGBColor = RGBColor(0x99, 0x99, 0x99);
/// The lines' colours, told apart by those who see no red or green (Okabe and Ito 2008).
pub(super) const COLOURS: [RGBColor; 4] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
];

/// Why a plot is not drawn.
#[derive(Debug, thiserror::Error)]
#[error("a plot cannot be drawn: {0}")]
pub struct PlotError(String);

impl PlotError {
    /// Whatever the backend says.
    pub(super) fn new(what: impl core::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// What a plot is drawn on.
pub(super) type Chart<'a, 'b, X> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, RangedCoordf64>>;

/// The frame of a plot.
pub(super) struct Axes<X> {
    /// For those who cannot see it.
    pub(super) title: &'static str,
    pub(super) x_label: &'static str,
    pub(super) y_label: &'static str,
    pub(super) x: X,
    pub(super) y: Range<f64>,
}

/// A line over all seeds: the median, and what lies around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Band {
    pub(super) x: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) median: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Band {
    /// The highest point of all.
    pub(super) fn top(&self) -> f64 {
        self.high.iter().copied().fold(0.0, f64::max)
    }
}

/// Draws axes, and lets `body` draw inside.
pub(super) fn draw<X>(
    axes: Axes<X>,
    body: impl FnOnce(&mut Chart<'_, '_, X::CoordDescType>) -> Result<(), PlotError>,
) -> Result<String, PlotError>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut svg = String::new();
    {
        let area: DrawingArea<SVGBackend<'_>, Shift> =
            SVGBackend::with_string(&mut svg, CANVAS).into_drawing_area();
        let text = TextStyle::from(("sans-serif", LETTERS).into_font()).color(&INK);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(84)
            .y_label_area_size(124)
            .build_cartesian_2d(axes.x, axes.y)
            .map_err(PlotError::new)?;
        chart
            .configure_mesh()
            .x_labels(7)
            .y_labels(6)
            .max_light_lines(0)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_desc(axes.x_label)
            .y_desc(axes.y_label)
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .draw()
            .map_err(PlotError::new)?;
        body(&mut chart)?;
        area.present().map_err(PlotError::new)?;
    }
    let title = axes.title;
    Ok(svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1))
}

/// A number beside an axis: as few digits as tell it from its neighbours.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "plotters' signature")]
fn number(number: &f64) -> String {
    let rounded = (number * 1e6).round() / 1e6;
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}") }
}

/// The lines' style in a colour.
pub(super) fn stroke(colour: RGBColor) -> ShapeStyle {
    colour.stroke_width(STROKE)
}

/// The range, where there is one, and the median over it.
pub(super) fn band<X: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, '_, X>,
    band: &Band,
    colour: RGBColor,
) -> Result<(), PlotError> {
    if band.low != band.high {
        let upper = band.x.iter().copied().zip(band.high.iter().copied());
        let lower = band.x.iter().copied().zip(band.low.iter().copied()).rev();
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        let area = Polygon::new(outline, colour.mix(0.25).filled());
        chart.draw_series([area]).map_err(PlotError::new)?;
    }
    line(chart, band.x.iter().copied().zip(band.median.iter().copied()), stroke(colour))
}

/// A line.
pub(super) fn line<X: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, '_, X>,
    points: impl IntoIterator<Item = (f64, f64)>,
    style: ShapeStyle,
) -> Result<(), PlotError> {
    chart.draw_series(LineSeries::new(points, style)).map_err(PlotError::new)?;
    Ok(())
}

/// A straight line, thin, behind the others.
pub(super) fn rule<X: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, '_, X>,
    from: (f64, f64),
    to: (f64, f64),
) -> Result<(), PlotError> {
    let rule = PathElement::new(vec![from, to], SHADE.stroke_width(STROKE / 2));
    chart.draw_series([rule]).map_err(PlotError::new)?;
    Ok(())
}

/// A shaded span of the x axis, over the whole height.
pub(super) fn span<X: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, '_, X>,
    from: f64,
    to: f64,
    height: &Range<f64>,
) -> Result<(), PlotError> {
    let shade = Rectangle::new([(from, height.start), (to, height.end)], SHADE.mix(0.2).filled());
    chart.draw_series([shade]).map_err(PlotError::new)?;
    Ok(())
}
