//! Problems: those built into the program, by name, and files.

use std::path::Path;

use livesky_placement::input::{self, InputError};
use livesky_placement::model::Problem;
use rust_embed::RustEmbed;

use super::args::FileArgs;
use crate::failure::Failure;
use crate::nearest::nearest;

#[derive(RustEmbed)]
#[folder = "../placement/data"]
struct BuiltIn;

/// A problem with the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// What is asked.
    pub problem: Problem,
    /// As its author wrote it; empty when it came from tables.
    pub text: String,
}

/// Names of the problems built in, in alphabetical order. Those that need tables beside them are files, and no more.
fn names() -> Vec<String> {
    let is_whole =
        |file: &str| text(file).is_some_and(|text| !text.lines().any(|line| line.trim() == "[files]"));
    let mut names: Vec<String> = BuiltIn::iter()
        .filter(|file| is_whole(file))
        .filter_map(|file| Some(file.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort_unstable();
    names
}

/// A file built in.
fn text(file: &str) -> Option<String> {
    BuiltIn::get(file).map(|embedded| String::from_utf8_lossy(&embedded.data).into_owned())
}

/// The problems built in, with the names they are asked for by.
///
/// # Errors
/// One that cannot be read, which a test rules out.
pub fn list() -> Result<Vec<(String, Named)>, Failure> {
    names().into_iter().map(|name| built_in(&name).map(|named| (name, named))).collect()
}

/// The problem of this name, or the one in the file: whatever ends in `.toml` or has a `/` is a file.
///
/// # Errors
/// A name that is not known, or what is wrong with the file.
pub fn find(name: &str) -> Result<Named, Failure> {
    let is_file = name.ends_with(".toml") || name.contains(['/', '\\']);
    if !is_file {
        return built_in(name);
    }
    let problem = input::load(Path::new(name)).map_err(|error| failure(&error))?;
    let text = std::fs::read_to_string(name)
        .map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    Ok(Named { problem, text })
}

/// The problem that the arguments name: by name, in a TOML file, or in tables.
///
/// # Errors
/// A name that is not known, or what is wrong with a file.
pub fn asked(name: Option<&str>, files: &FileArgs) -> Result<Named, Failure> {
    let Some(regions) = &files.regions else { return find(name.unwrap_or_default()) };
    let problem = input::load_tables(regions, files.sites.as_deref(), files.delays.as_deref());
    Ok(Named { problem: problem.map_err(|error| failure(&error))?, text: String::new() })
}

fn built_in(name: &str) -> Result<Named, Failure> {
    let file = format!("{name}.toml");
    let Some(text) = text(&file) else {
        let names = names();
        let advice = match nearest(name, names.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "`livesky plan list` lists them, and a file's name ends in .toml".to_owned(),
        };
        return Err(Failure::new(format!("there is no problem `{name}`: {advice}")));
    };
    let problem = input::parse(&text, &file, Path::new("")).map_err(|error| failure(&error))?;
    Ok(Named { problem, text })
}

/// What is wrong with a file, in one line.
#[must_use]
pub fn failure(error: &InputError) -> Failure {
    let text = error.to_string();
    Failure::new(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_built_in_is_valid_and_says_what_it_is_about() {
        let list = list().unwrap();
        assert!(list.iter().any(|(name, _)| name == "china-2009"), "{list:?}");
        for (name, Named { problem, text }) in list {
            assert!(!problem.about.is_empty() && !problem.about.contains('\n'), "{name}");
            assert_eq!(problem.name, name, "it is found by its name");
            assert!(!text.is_empty());
        }
    }

    #[test]
    fn names_that_are_not_known() {
        let error = find("china-2008").unwrap_err().to_string();
        assert!(error.contains("did you mean `china-2009`?"), "{error}");
        let error = find("q").unwrap_err().to_string();
        assert!(error.contains("plan list"), "{error}");
    }
}
