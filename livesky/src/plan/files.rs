//! Plans as files.

use std::path::Path;

use livesky_placement::plan::Plan;
use serde::Serialize;

use crate::failure::Failure;

/// Plain data as JSON in one line.
///
/// # Errors
/// None that is known.
pub fn json(plain: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(plain).map(|json| json + "\n").map_err(|error| Failure::new(error.to_string()))
}

/// A plan written by `--json`.
///
/// # Errors
/// A file that cannot be read, or is something else.
pub fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("{shown} has no plan: {error}; `livesky plan PROBLEM --json > FILE` writes one"))
    })
}
