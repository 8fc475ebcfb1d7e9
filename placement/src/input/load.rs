use std::path::{Path, PathBuf};

use super::build::Builder;
use super::error::InputError;
use super::locate::line_at;
use super::rows::{FilesRow, ProblemFile};
use crate::model::Problem;

/// Reads a problem file (TOML) with the tables it names, which are looked for beside it, and checks it.
///
/// # Errors
/// [`InputError`], which names file, line and field.
pub fn load(path: &Path) -> Result<Problem, InputError> {
    let text = read(path)?;
    parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
}

/// Reads a problem from a text (TOML) and checks it; `file` is its name in messages, `folder` where its tables are.
///
/// # Errors
/// [`InputError`], which names file, line and field.
pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Problem, InputError> {
    let syntax = |error: toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        // The line as it stands names the field.
        let written = line.and_then(|line| text.lines().nth(line - 1)).map(str::trim);
        let written = written.filter(|written| !written.is_empty());
        let written = written.map_or_else(String::new, |written| format!(", in `{written}`"));
        InputError::syntax(file, line, format!("{}{written}", error.message()))
    };
    let rows: ProblemFile = toml::from_str(text).map_err(syntax)?;
    let default_name =
        Path::new(file).file_stem().map_or_else(String::new, |stem| stem.display().to_string());
    Builder { rows, text, file, folder, default_name }.problem()
}

/// Makes a problem of tables (CSV) alone and checks it.
///
/// Columns have the names that fields have in a problem file: of regions `name`, `viewers` and what else `[[regions]]` has, of
/// sites those of `[[sites]]`. The table of delays has a column for each region served and a row, which begins with its
/// name, for each that serves; what is empty in it follows from coordinates, as everything does without one. Without a
/// table of sites each region has one.
///
/// # Errors
/// [`InputError`], which names file, line and field.
pub fn load_tables(
    regions: &Path,
    sites: Option<&Path>,
    delays: Option<&Path>,
) -> Result<Problem, InputError> {
    let name = |path: &Path| path.display().to_string();
    let files = FilesRow {
        regions: Some(name(regions)),
        sites: sites.map(name),
        delays: delays.map(name),
        contribution: None,
    };
    let rows = ProblemFile { files, ..ProblemFile::default() };
    let default_name = regions.file_stem().map_or_else(String::new, |stem| stem.display().to_string());
    Builder { rows, text: "", file: &name(regions), folder: Path::new(""), default_name }.problem()
}

pub(super) fn read(path: &Path) -> Result<String, InputError> {
    std::fs::read_to_string(path)
        .map_err(|source| InputError::Unreadable { path: PathBuf::from(path), source })
}
