//! Tables with a header line, as spreadsheets and scripts write them.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::de::DeserializeOwned;

use super::error::InputError;
use super::load::read;
use super::rows::{DelaysRow, RegionRow};
use crate::model::{Coordinates, Delays, ProblemError, rtt_ms};

/// l_jj where nothing says otherwise, in ms: what a home connection has to the exchange of its region.
const INTRA_RTT_MS: f64 = 20.0;
/// How much longer cables are than the great circle where nothing says otherwise.
const ROUTE_FACTOR: f64 = 1.5;

impl DelaysRow {
    pub(super) fn intra_ms(&self, region: &RegionRow) -> f64 {
        region.intra_rtt_ms.or(self.intra_rtt_ms).unwrap_or(INTRA_RTT_MS)
    }

    pub(super) fn route_factor(&self) -> f64 {
        self.route_factor.unwrap_or(ROUTE_FACTOR)
    }
}

/// Every record of a file with its line. The header is the first; columns are named as in a problem file, `_` being `-`.
fn records(path: &Path) -> Result<(StringRecord, Vec<(usize, StringRecord)>), InputError> {
    let file = path.display().to_string();
    let text = read(path)?;
    let wrong = |error: csv::Error| {
        let line = error.position().and_then(|at| usize::try_from(at.line()).ok());
        InputError::syntax(&file, line, what(&error))
    };
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(wrong)?.clone();
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(0);
        records.push((line, record));
    }
    if records.is_empty() {
        return Err(InputError::syntax(&file, None, "has no rows below its header"));
    }
    Ok((header, records))
}

/// What is wrong, without the place, which is named already.
fn what(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("has {len} fields, and the header {expected_len}");
    }
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        return err.kind().to_string();
    }
    error.to_string()
}

/// The rows of a table with their lines.
pub(super) fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<(usize, T)>, InputError> {
    let file = path.display().to_string();
    let (header, records) = records(path)?;
    let header: StringRecord = header.iter().map(|name| name.replace('_', "-")).collect();
    let row = |(line, record): (usize, StringRecord)| match record.deserialize(Some(&header)) {
        Ok(row) => Ok((line, row)),
        Err(error) => {
            let csv::ErrorKind::Deserialize { err, .. } = error.kind() else {
                return Err(InputError::syntax(&file, Some(line), what(&error)));
            };
            let field = err.field();
            let field =
                field.and_then(|field| usize::try_from(field).ok()).and_then(|field| header.get(field));
            let field = field.map_or_else(String::new, |field| format!("{field}: "));
            Err(InputError::syntax(&file, Some(line), format!("{field}{}", what(&error))))
        }
    };
    records.into_iter().map(row).collect()
}

/// Delays from a table, by region; empty fields are `None`.
pub(super) struct DelayTable {
    pub(super) rtt_ms: Vec<Vec<Option<f64>>>,
    /// The line of each row.
    pub(super) lines: Vec<usize>,
}

/// A table whose first column names the regions that serve and whose header those that are served.
pub(super) fn delays(path: &Path, regions: &[&str]) -> Result<DelayTable, InputError> {
    let file = path.display().to_string();
    let (header, records) = records(path)?;
    let unknown = |name: &str, line: usize, kind: &str| {
        InputError::syntax(&file, Some(line), format!("{kind} {name}: there is no such region"))
    };
    let mut columns = Vec::with_capacity(regions.len());
    for name in header.iter().skip(1) {
        let region = regions.iter().position(|region| *region == name);
        let region = region.ok_or_else(|| unknown(name, 1, "column"))?;
        if columns.contains(&region) {
            return Err(InputError::syntax(&file, Some(1), format!("column {name} stands twice")));
        }
        columns.push(region);
    }
    let missing = (0..regions.len()).find(|region| !columns.contains(region));
    if let Some(name) = missing.and_then(|region| regions.get(region)) {
        let message =
            format!("has no column {name}: the matrix is square, one row and one column for each region");
        return Err(InputError::syntax(&file, Some(1), message));
    }
    let mut table = DelayTable { rtt_ms: vec![Vec::new(); regions.len()], lines: vec![0; regions.len()] };
    for (line, record) in records {
        let name = record.get(0).unwrap_or_default();
        let region = regions.iter().position(|region| *region == name);
        let region = region.ok_or_else(|| unknown(name, line, "row"))?;
        let row = delay_row(&record, &columns, regions)
            .map_err(|message| InputError::syntax(&file, Some(line), message))?;
        if let (Some(place), Some(of)) = (table.rtt_ms.get_mut(region), table.lines.get_mut(region)) {
            if !place.is_empty() {
                return Err(InputError::syntax(&file, Some(line), format!("row {name} stands twice")));
            }
            (*place, *of) = (row, line);
        }
    }
    let missing = table.rtt_ms.iter().zip(regions).find(|(row, _)| row.is_empty());
    if let Some((_, name)) = missing {
        let message =
            format!("has no row {name}: the matrix is square, one row and one column for each region");
        return Err(InputError::syntax(&file, None, message));
    }
    Ok(table)
}

fn delay_row(record: &StringRecord, columns: &[usize], regions: &[&str]) -> Result<Vec<Option<f64>>, String> {
    let mut row = vec![None; regions.len()];
    for (text, column) in record.iter().skip(1).zip(columns) {
        if text.is_empty() {
            continue;
        }
        let name = regions.get(*column).copied().unwrap_or_default();
        let number = text.parse().map_err(|_error| format!("{name}: {text} is no number"))?;
        if let Some(place) = row.get_mut(*column) {
            *place = Some(number);
        }
    }
    Ok(row)
}

/// The whole matrix: what is missing follows from l_jj and coordinates.
pub(super) fn complete(
    regions: &[RegionRow],
    given: &[Vec<Option<f64>>],
    intra_ms: &[f64],
    route_factor: f64,
) -> Result<Delays, ProblemError> {
    let place = |index: usize, row: &RegionRow| {
        let place = row.latitude_deg.zip(row.longitude_deg);
        let place = place.map(|(latitude_deg, longitude_deg)| Coordinates { latitude_deg, longitude_deg });
        place.ok_or_else(|| {
            let advice = "give latitude-deg and longitude-deg, or all delays to and from it";
            let field = format!("regions[{index}].latitude-deg");
            ProblemError::invalid(
                field,
                format!("is missing, and a delay of {} is not given", row.name),
                advice,
            )
        })
    };
    let mut rows = Vec::with_capacity(regions.len());
    for (from, (row_from, given)) in regions.iter().zip(given).enumerate() {
        let mut row = Vec::with_capacity(regions.len());
        for (to, ((row_to, given), intra_ms)) in regions.iter().zip(given).zip(intra_ms).enumerate() {
            row.push(match given {
                Some(given) => *given,
                None if from == to => *intra_ms,
                None => {
                    rtt_ms(place(from, row_from)?.distance_km(place(to, row_to)?), *intra_ms, route_factor)
                }
            });
        }
        rows.push(row);
    }
    Delays::from_rows(&rows).ok_or_else(|| {
        let advice = "the matrix is square, in the order of the regions";
        ProblemError::invalid("delays.rtt-ms", "has rows of different lengths", advice)
    })
}
