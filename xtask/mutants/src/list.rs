//! The mutants, as cargo-mutants lists them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Where a character stands: line and column, both from 1.
pub(crate) type Place = (usize, usize);

/// How a mutant changes the text of its span.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Genre {
    /// The function's body becomes a value.
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

/// One change to one place of core.
pub(crate) struct Mutant {
    /// From 1; 0 is core as it is.
    pub(crate) number: u32,
    /// `core/src/…`.
    pub(crate) file: String,
    pub(crate) genre: Genre,
    pub(crate) start: Place,
    pub(crate) end: Place,
    pub(crate) replacement: String,
    /// `file:line:column: what changes`.
    pub(crate) name: String,
    /// The function's return type is `impl Trait`: a second value cannot stand beside the first.
    pub(crate) is_opaque: bool,
}

/// Asks cargo-mutants for the mutants of core, or of those files of it whose path contains one of `files`.
pub(crate) fn load(root: &Path, files: &[String]) -> Result<Vec<Mutant>, String> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--package", "livesky-core", "--exclude-re", "Debug>::fmt"]);
    let output = command.current_dir(root).output().map_err(|error| format!("cargo mutants: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`cargo install --locked cargo-mutants` gets what lists the mutants: {said}"));
    }
    let list: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let entries = list.as_array().ok_or("cargo-mutants listed no array")?;
    let all = (1..).zip(entries).map(|(number, entry)| {
        read(number, entry).ok_or_else(|| format!("cargo-mutants listed what is not understood: {entry}"))
    });
    let mut all = all.collect::<Result<Vec<_>, _>>()?;
    all.retain(|mutant| files.is_empty() || files.iter().any(|file| mutant.file.contains(file.as_str())));
    Ok(all)
}

fn read(number: u32, entry: &Value) -> Option<Mutant> {
    let text = |key: &str| entry.get(key)?.as_str().map(str::to_owned);
    let genre = match entry.get("genre")?.as_str()? {
        "FnValue" => Genre::FnValue,
        "BinaryOperator" => Genre::BinaryOperator,
        "UnaryOperator" => Genre::UnaryOperator,
        "MatchArm" => Genre::MatchArm,
        "MatchArmGuard" => Genre::MatchArmGuard,
        "StructField" => Genre::StructField,
        _ => return None,
    };
    let returns = entry.pointer("/function/return_type").and_then(Value::as_str).unwrap_or_default();
    Some(Mutant {
        number,
        file: text("file")?,
        genre,
        start: place(entry.pointer("/span/start")?)?,
        end: place(entry.pointer("/span/end")?)?,
        replacement: text("replacement")?,
        name: text("name")?,
        is_opaque: genre == Genre::FnValue && returns.contains("impl "),
    })
}

fn place(value: &Value) -> Option<Place> {
    let at = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
    Some((at("line")?, at("column")?))
}
