//! Results and reports as files.

use std::path::Path;

use livesky_sim::Results;

use crate::failure::Failure;

/// The results as JSON: an object for one run unless `is_array`.
///
/// # Errors
/// None that is known: results are plain data.
pub fn json(runs: &[Results], is_array: bool) -> Result<String, Failure> {
    let json = match runs {
        [run] if !is_array => serde_json::to_string(run),
        runs => serde_json::to_string(runs),
    };
    json.map(|json| json + "\n").map_err(|error| Failure::new(error.to_string()))
}

/// Whether a file can be written, asked before hours of work; what it holds stays.
///
/// # Errors
/// What the system says.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    let opened = std::fs::File::options().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// Writes a file.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// Results written by `--out` or `--json`; at least one run.
///
/// # Errors
/// A file that cannot be read, or is something else.
pub fn read(path: &Path) -> Result<Vec<Results>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {shown}: {error}")))?;
    let no_results = |what: String| {
        Failure::new(format!(
            "{shown} has no results: {what}; `livesky simulate NAME --out FILE` writes some"
        ))
    };
    let runs: Vec<Results> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(|error| no_results(error.to_string()))?
    } else {
        vec![serde_json::from_str(&text).map_err(|error| no_results(error.to_string()))?]
    };
    if runs.is_empty() { Err(no_results("it is empty".to_owned())) } else { Ok(runs) }
}
