use super::error::{InputError, Place};
use super::locate::line_of;
use crate::model::ProblemError;

/// Where a region, a site or a row of delays was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the problem file, under this key: `regions[0].site`.
    Key(String),
    /// In a table.
    Row { file: String, line: usize },
}

/// Where the parts of a problem were written, by their place in the problem.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    pub(super) regions: Vec<Origin>,
    pub(super) sites: Vec<Origin>,
    /// Each row of delays; empty when they follow from places.
    pub(super) delays: Vec<Origin>,
    /// The key of each region's delay within itself.
    pub(super) intra: Vec<Origin>,
    /// Whether the least and the most number of sites were written as one.
    pub(super) is_open_exact: bool,
}

/// A part of a problem by its kind and number, and what follows.
struct Part<'a> {
    list: &'a str,
    index: usize,
    rest: &'a str,
}

fn part(field: &str) -> Option<Part<'_>> {
    let (list, rest) = field.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    Some(Part { list, index: index.parse().ok()?, rest })
}

impl Origins {
    /// An error that names the file, the line and the field as they were written.
    pub(super) fn place(&self, error: ProblemError, text: &str, file: &str) -> InputError {
        let field = match error.field() {
            "limits.open-min" | "limits.open-max" if self.is_open_exact => "limits.open",
            field => field,
        };
        let field = field.to_owned();
        let (place, field) = match self.origin(&field) {
            Some((Origin::Row { file, line }, rest)) => (Place::new(file, Some(*line)), rest),
            Some((Origin::Key(key), rest)) => {
                let key = format!("{key}{rest}");
                (Place::new(file, line_of(text, &key)), key)
            }
            None => (Place::new(file, line_of(text, &field)), field),
        };
        InputError::Problem { place, error: Box::new(renamed(error, field)) }
    }

    fn origin(&self, field: &str) -> Option<(&Origin, String)> {
        let part = part(field)?;
        let after_dot = || part.rest.to_owned();
        match part.list {
            "regions" => self.regions.get(part.index).map(|origin| (origin, after_dot())),
            "sites" => self.sites.get(part.index).map(|origin| (origin, after_dot())),
            "delays.rtt-ms" => match self.delays.get(part.index) {
                Some(origin @ Origin::Row { .. }) => Some((origin, field.to_owned())),
                Some(origin) => Some((origin, after_dot())),
                None => self.intra.get(part.index).map(|origin| (origin, String::new())),
            },
            _ => None,
        }
    }
}

/// The same error, with the field as it was written.
fn renamed(error: ProblemError, written: String) -> ProblemError {
    let written = written.trim_start_matches('.').to_owned();
    let written = if written.is_empty() { error.field().to_owned() } else { written };
    match error {
        ProblemError::Invalid { problem, advice, .. } => {
            ProblemError::Invalid { field: written, problem, advice }
        }
        ProblemError::Unreachable { region, state, why, .. } => {
            ProblemError::Unreachable { field: written, region, state, why }
        }
        ProblemError::Short { state, available_bps, demand_bps, .. } => {
            ProblemError::Short { field: written, state, available_bps, demand_bps }
        }
    }
}
