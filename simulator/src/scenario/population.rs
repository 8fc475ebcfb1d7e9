//! Who watches, and when.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ScenarioError;
use super::validate::SECONDS_MAX;

/// Arrivals and departures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PopulationSpec {
    /// Clients that join during the warm-up.
    pub initial: u32,
    /// Time they take for it, in seconds, evenly spread.
    pub ramp_s: f64,
    /// Joins a minute as a share of `initial` (Poisson).
    pub joins_per_minute: f64,
    /// Leaves a minute as a share of those present (Poisson).
    pub leaves_per_minute: f64,
    /// Joins and leaves by chance end at this time; left out: they go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn_until_s: Option<f64>,
    /// Share of leavers that say nothing.
    pub silent_share: f64,
    /// Crowds.
    pub flash: Vec<FlashSpec>,
    /// The number present is led to a target, linearly; on top of all else.
    pub sweep: Vec<SweepSpec>,
    /// CSV file beside the scenario: `seconds,join` or `seconds,leave` a line, seconds from the end of the warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What the trace says: seconds, and +1 or -1.
    #[serde(skip)]
    pub trace_steps: Vec<(f64, i8)>,
    /// Share of clients sent to an edge of their own region and ISP, the best match there is; the rest goes anywhere.
    pub mapped_right: f64,
}

impl Default for PopulationSpec {
    fn default() -> Self {
        Self {
            initial: 500,
            ramp_s: 60.0,
            joins_per_minute: 0.1,
            leaves_per_minute: 0.1,
            churn_until_s: None,
            silent_share: 0.05,
            flash: Vec::new(),
            sweep: Vec::new(),
            trace: None,
            trace_steps: Vec::new(),
            mapped_right: 1.0,
        }
    }
}

/// A crowd that comes at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlashSpec {
    /// When the first comes.
    pub at_s: f64,
    /// How long it takes until the last came, in seconds.
    pub over_s: f64,
    /// How many.
    pub clients: u32,
}

/// A target for the number present.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SweepSpec {
    /// When the way there begins.
    pub at_s: f64,
    /// How long it takes, in seconds.
    pub over_s: f64,
    /// How many are to be present at its end.
    pub clients: u32,
}

impl PopulationSpec {
    /// Reads the trace.
    ///
    /// # Errors
    /// [`ScenarioError`] when it cannot be read, or names the line that is no step.
    pub fn load_trace(&mut self, path: &Path) -> Result<(), ScenarioError> {
        let unreadable = |source| ScenarioError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        self.read_trace(&text, &path.display().to_string())
    }

    /// Takes in the text of a trace; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ScenarioError`] that names the line that is no step.
    pub fn read_trace(&mut self, text: &str, file: &str) -> Result<(), ScenarioError> {
        self.trace_steps.clear();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let step = trace_step(line).ok_or_else(|| ScenarioError::Invalid {
                file: file.to_owned(),
                key: format!("line {}", index + 1),
                problem: format!("is no step: `{line}`"),
                advice: "write `seconds,join` or `seconds,leave`, with seconds from 0 to 86400".to_owned(),
            })?;
            self.trace_steps.push(step);
        }
        self.trace_steps.sort_by(|left, right| left.0.total_cmp(&right.0));
        Ok(())
    }
}

fn trace_step(line: &str) -> Option<(f64, i8)> {
    let (seconds, what) = line.split_once(',')?;
    let seconds =
        seconds.trim().parse::<f64>().ok().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds))?;
    match what.trim() {
        "join" => Some((seconds, 1)),
        "leave" => Some((seconds, -1)),
        _ => None,
    }
}
