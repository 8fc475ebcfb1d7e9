use std::path::Path;

use serde::Deserialize;

use super::error::InputError;
use super::load::read;
use crate::model::Problem;

/// What a simulation measured of peers: ρ by region (`livesky simulate --json`).
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The file's name.
    pub file: String,
    /// Region names with their ρ.
    pub regions: Vec<(String, f64)>,
}

#[derive(Deserialize)]
struct ResultsFile {
    regions: Vec<ResultsRow>,
}

#[derive(Deserialize)]
struct ResultsRow {
    name: String,
    rho: f64,
}

/// Reads the results of a simulation (JSON).
///
/// # Errors
/// [`InputError`], which names file and line.
pub fn read_contribution(path: &Path) -> Result<Contribution, InputError> {
    let file = path.display().to_string();
    let wrong = |error: serde_json::Error| {
        let message = format!("is no result of `livesky simulate --json`: {error}");
        InputError::syntax(&file, Some(error.line()).filter(|line| *line > 0), message)
    };
    let results: ResultsFile = serde_json::from_str(&read(path)?).map_err(wrong)?;
    let mut regions = Vec::with_capacity(results.regions.len());
    for ResultsRow { name, rho } in results.regions {
        if !(0.0..1.0).contains(&rho) {
            let message = format!("regions: {name}: rho is {rho}: it is 0 to below 1");
            return Err(InputError::syntax(&file, None, message));
        }
        regions.push((name, rho));
    }
    Ok(Contribution { file, regions })
}

impl Contribution {
    /// Gives the regions of the same names their ρ; returns the names of the problem's regions it says nothing of, which
    /// keep theirs.
    #[must_use]
    pub fn apply(&self, problem: &mut Problem) -> Vec<String> {
        let mut unknown = Vec::new();
        for region in &mut problem.regions {
            match self.regions.iter().find(|(name, _)| *name == region.name) {
                Some((_, rho)) => region.rho = *rho,
                None => unknown.push(region.name.clone()),
            }
        }
        unknown
    }
}
