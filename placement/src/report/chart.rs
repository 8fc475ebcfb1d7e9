//! A plot as SVG: axes with titles and units, lines, dots, cells.

use super::canvas::{Anchor, Canvas};
use super::labels::{Area, Labels};
use super::ticks::{number, ticks};

/// Size of the drawing and of what stands around the plot, in the drawing's units: shown at about the same number of pixels.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Size of letters.
const LETTERS: f64 = 12.0;

/// Letters that fit along the y axis.
const TITLE_MAX: usize = 38;

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// What is counted, and in what.
    pub(super) label: String,
    /// Its ends; `None`: as the points say.
    pub(super) ends: Option<(f64, f64)>,
    /// Whether it begins at 0 when the points say its ends.
    pub(super) is_from_zero: bool,
}

impl Axis {
    /// An axis that shows all points.
    pub(super) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ends: None, is_from_zero: false }
    }

    /// The same from 0.
    pub(super) fn from_zero(label: impl Into<String>) -> Self {
        Self { is_from_zero: true, ..Self::new(label) }
    }

    /// The same between these ends.
    pub(super) fn between(label: impl Into<String>, min: f64, max: f64) -> Self {
        Self { ends: Some((min, max)), ..Self::new(label) }
    }
}

/// How points are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A line with a dot at each.
    Dotted,
    /// Dots.
    Dots,
}

/// Points of one colour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// What they are.
    pub(super) name: String,
    /// Place of the colour in the style sheet.
    pub(super) colour: usize,
    pub(super) form: Form,
    pub(super) points: Vec<(f64, f64)>,
    /// What stands beside each point; may be fewer than the points, and empty.
    pub(super) labels: Vec<String>,
}

impl Series {
    /// Points without names.
    pub(super) fn new(name: impl Into<String>, colour: usize, form: Form, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), colour, form, points, labels: Vec::new() }
    }
}

/// A plot with what is said around it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// An upright line where the plan is.
    pub(super) mark_x: Option<f64>,
    /// What one should know to read it.
    pub(super) note: String,
}

/// From numbers to places on the drawing.
struct Scale {
    x: (f64, f64),
    y: (f64, f64),
}

impl Scale {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let part = |value: f64, (min, max): (f64, f64)| (value - min) / (max - min);
        (
            LEFT + part(x, self.x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - part(y, self.y) * (HEIGHT - TOP - BOTTOM),
        )
    }
}

impl Chart {
    /// The plot with its caption, legend and note.
    pub(super) fn figure(&self) -> String {
        let legend: Vec<(usize, &str)> =
            self.series.iter().map(|series| (series.colour, series.name.as_str())).collect();
        super::page::figure(&self.title, &legend, &self.svg(), &self.note)
    }

    /// The plot alone.
    pub(super) fn svg(&self) -> String {
        let mut canvas = Canvas::new(WIDTH, HEIGHT, &self.title);
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied()).filter(is_shown);
        let marks = self.mark_x.into_iter();
        let scale = Scale {
            x: ends(&self.x, points().map(|(x, _)| x).chain(marks)),
            y: ends(&self.y, points().map(|(_, y)| y)),
        };
        self.frame(&mut canvas, &scale);
        if let Some(x) = self.mark_x {
            let ends = [(x, scale.y.0), (x, scale.y.1)].map(|point| scale.place(point));
            canvas.line("mark", &ends);
        }
        let within = Area { left: LEFT, top: 5.0, right: WIDTH, bottom: HEIGHT - BOTTOM };
        let mut labels = Labels::new(within);
        for point in self.series.iter().flat_map(|series| &series.points) {
            labels.take(Area::around(scale.place(*point), 4.0));
        }
        for series in &self.series {
            draw(&mut canvas, &scale, series);
        }
        for series in &self.series {
            name(&mut canvas, &scale, series, &mut labels);
        }
        canvas.finish()
    }

    /// Grid, numbers and titles of the axes.
    fn frame(&self, canvas: &mut Canvas, scale: &Scale) {
        for x in ticks(scale.x.0, scale.x.1, 7) {
            let (at, _) = scale.place((x, scale.y.0));
            canvas.line("grid", &[(at, TOP), (at, HEIGHT - BOTTOM)]);
            canvas.text("tick", (at, HEIGHT - BOTTOM + 16.0), Anchor::Middle, &number(x));
        }
        for y in ticks(scale.y.0, scale.y.1, 5) {
            let (_, at) = scale.place((scale.x.0, y));
            canvas.line("grid", &[(LEFT, at), (WIDTH - RIGHT, at)]);
            canvas.text("tick", (LEFT - 6.0, at + 4.0), Anchor::End, &number(y));
        }
        canvas.line("axis", &[(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)]);
        canvas.text("title", ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0), Anchor::Middle, &self.x.label);
        let lines = wrapped(&self.y.label);
        for (line, x) in lines.iter().zip([12.0, 26.0]) {
            canvas.upright_text("title", (x, (TOP + HEIGHT - BOTTOM) / 2.0), line);
        }
    }
}

/// A long title in two lines, at the space nearest to its middle.
fn wrapped(title: &str) -> Vec<&str> {
    if title.chars().count() <= TITLE_MAX {
        return vec![title];
    }
    let middle = title.len() / 2;
    let space = title.match_indices(' ').map(|(at, _)| at).min_by_key(|at| at.abs_diff(middle));
    space
        .and_then(|at| title.split_at_checked(at))
        .map_or(vec![title], |(first, rest)| vec![first, rest.trim()])
}

fn is_shown((x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// The ends of an axis: given, or with some room around the points; never the same.
fn ends(axis: &Axis, values: impl Iterator<Item = f64>) -> (f64, f64) {
    if let Some((min, max)) = axis.ends.filter(|(min, max)| min < max) {
        return (min, max);
    }
    let (min, max) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)));
    let (min, max) = if min <= max { (min, max) } else { (0.0, 1.0) };
    let min = if axis.is_from_zero { min.min(0.0) } else { min };
    // Differences in the last digits are no shape.
    let room = (max - min).max(max.abs() * 1e-6).max(1e-12) * 0.08;
    (if axis.is_from_zero && min == 0.0 { 0.0 } else { min - room }, max + room)
}

fn draw(canvas: &mut Canvas, scale: &Scale, series: &Series) {
    let colour = series.colour % super::page::COLOURS;
    let places: Vec<(f64, f64)> =
        series.points.iter().filter(|point| is_shown(point)).map(|point| scale.place(*point)).collect();
    let radius = match series.form {
        Form::Dotted => {
            canvas.line(&format!("line s{colour}"), &places);
            3.0
        }
        Form::Dots => 5.0,
    };
    for ((x, y), place) in series.points.iter().filter(|point| is_shown(point)).zip(&places) {
        let tip = format!("{}: {}, {}", series.name, precise(*x), precise(*y));
        canvas.disc(&format!("f{colour}"), *place, radius, &tip);
    }
}

/// Names beside points, where there is room.
fn name(canvas: &mut Canvas, scale: &Scale, series: &Series, labels: &mut Labels) {
    for (point, text) in series.points.iter().zip(&series.labels) {
        if text.is_empty() || !is_shown(point) {
            continue;
        }
        let place = labels.place(scale.place(*point), 5.0, text, LETTERS);
        if let Some((at, anchor)) = place {
            canvas.text("name", at, anchor, text);
        }
    }
}

/// Four digits that count.
pub(super) fn precise(value: f64) -> String {
    let size = value.abs();
    match size {
        size if size >= 1e4 => number((value / 10.0).round() * 10.0),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>) -> Chart {
        Chart {
            title: "Cost & delay".to_owned(),
            x: Axis::new("delay, ms"),
            y: Axis::from_zero("cost, currency a month"),
            series,
            mark_x: None,
            note: String::new(),
        }
    }

    #[test]
    fn axes_have_titles_and_numbers_even_without_points() {
        for points in
            [vec![], vec![(1.0, 1.0)], vec![(f64::NAN, 1.0), (2.0, f64::INFINITY)], vec![(0.0, 0.0); 2]]
        {
            let svg = chart(vec![Series::new("a", 0, Form::Dotted, points)]).svg();
            assert!(svg.contains("delay, ms") && svg.contains("cost, currency a month"), "{svg}");
            assert!(svg.contains("aria-label=\"Cost &amp; delay\""), "{svg}");
            assert!(svg.matches("class=\"tick\"").count() >= 4, "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn an_axis_from_zero_begins_there() {
        let (min, max) = ends(&Axis::from_zero("x"), [3.0, 5.0].into_iter());
        assert!(min == 0.0 && max > 5.0, "{min} {max}");
        let (min, max) = ends(&Axis::new("x"), [3.0, 5.0].into_iter());
        assert!(min < 3.0 && min > 2.5 && max > 5.0, "{min} {max}");
        assert_eq!(ends(&Axis::between("x", 0.0, 0.7), [9.0].into_iter()), (0.0, 0.7));
    }

    #[test]
    fn long_titles_take_two_lines() {
        assert_eq!(wrapped("delay, ms"), ["delay, ms"]);
        let long = "placement cost, parts of all demand at the highest unit cost";
        assert_eq!(wrapped(long), ["placement cost, parts of all", "demand at the highest unit cost"]);
        assert_eq!(wrapped(&"x".repeat(50)).len(), 1);
    }

    #[test]
    fn points_are_placed_by_their_numbers() {
        let scale = Scale { x: (0.0, 10.0), y: (0.0, 1.0) };
        assert_eq!(scale.place((0.0, 0.0)), (LEFT, HEIGHT - BOTTOM));
        assert_eq!(scale.place((10.0, 1.0)), (WIDTH - RIGHT, TOP));
    }

    #[test]
    fn names_stand_beside_dots() {
        let mut series = Series::new("a", 1, Form::Dots, vec![(1.0, 1.0), (1.0, 1.0001), (5.0, 3.0)]);
        series.labels = ["one", "two", "three"].map(str::to_owned).to_vec();
        let svg = chart(vec![series]).svg();
        assert!(svg.contains(">three</text>") && svg.contains(">one</text>"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}
