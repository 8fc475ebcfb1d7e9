use serde::{Deserialize, Serialize};

/// The paper's figures, what it says of them, and whether that holds on the stated numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reproduction {
    /// Whose numbers these are, and which of them are made.
    pub about: String,
    /// 2a, 2b, 3a, 3b, 4a, 4b.
    pub figures: Vec<Figure>,
    /// What the paper says of them.
    pub claims: Vec<Claim>,
    /// Where 3a holds.
    pub grid: Grid,
    /// Plans made for the figures.
    pub plans: usize,
    /// Whether every one of them is proven.
    pub is_proven: bool,
}

/// A figure as numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// As in the paper: "2a".
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What x is, with its unit.
    pub x_label: String,
    /// What y is, with its unit.
    pub y_label: String,
    /// One for each model.
    pub series: Vec<Series>,
}

/// A line of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The model's name.
    pub name: String,
    /// From left to right.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Across.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// Something the paper says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The figure it is said of: "2a".
    pub figure: String,
    /// What is said.
    pub statement: String,
    /// Whether it holds on the stated numbers.
    pub holds: bool,
    /// By how much, or where it fails.
    pub found: String,
}

/// Where MTCM and LTCM cost less than both others (3a), over made numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Round-trip times within a region, in ms: the columns.
    pub intra_rtt_ms: Vec<f64>,
    /// How far costs are spread: the rows. A unit cost is c^spread, c being that of the stated numbers, at most 1.
    pub cost_spread: Vec<f64>,
    /// For each row, for each column: the share of the counts of regions, 4 to 20, at which it holds. 1: at all of them.
    pub holds: Vec<Vec<f64>>,
}
