//! Scenarios: those built into the program, by name, and files.

use std::path::Path;

use livesky_sim::scenario::ScenarioError;
use livesky_sim::{Results, Scenario};
use rust_embed::RustEmbed;

use crate::failure::Failure;
use crate::nearest::nearest;

#[derive(RustEmbed)]
#[folder = "../simulator/scenarios"]
struct BuiltIn;

/// A scenario with the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// What is played out.
    pub scenario: Scenario,
    /// As its author wrote it.
    pub text: String,
    /// How the command line names it.
    pub argument: String,
}

impl Named {
    /// Rules broken are seen again with the file that was run, whatever name stands in it.
    pub fn name_replays(&self, runs: &mut [Results]) {
        for run in runs {
            let replay = format!("livesky simulate {} --seed {}", self.argument, run.seed);
            run.violations.iter_mut().for_each(|violation| violation.replay.clone_from(&replay));
        }
    }
}

/// Names of the scenarios built in, in alphabetical order.
fn names() -> Vec<String> {
    let mut names: Vec<String> =
        BuiltIn::iter().filter_map(|file| Some(file.strip_suffix(".toml")?.to_owned())).collect();
    names.sort_unstable();
    names
}

/// The scenarios built in.
///
/// # Errors
/// One that cannot be read, which a test rules out.
pub fn list() -> Result<Vec<Named>, Failure> {
    names().iter().map(|name| built_in(name)).collect()
}

/// The scenario of this name, or the one in the file: whatever ends in `.toml` or has a `/` is a file.
///
/// # Errors
/// A name that is not known, or what is wrong with the file.
pub fn find(name: &str) -> Result<Named, Failure> {
    let is_file = name.ends_with(".toml") || name.contains(['/', '\\']);
    if !is_file {
        return built_in(name);
    }
    let path = Path::new(name);
    let fail = |error: ScenarioError| Failure::new(one_line(&error.to_string()));
    let scenario = Scenario::load(path).map_err(fail)?;
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    Ok(Named { scenario, text, argument: name.to_owned() })
}

fn built_in(name: &str) -> Result<Named, Failure> {
    let file = format!("{name}.toml");
    let Some(embedded) = BuiltIn::get(&file) else {
        let names = names();
        let advice = match nearest(name, names.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "`livesky simulate --list` lists them, and a file's name ends in .toml".to_owned(),
        };
        return Err(Failure::new(format!("there is no scenario `{name}`: {advice}")));
    };
    let text = String::from_utf8_lossy(&embedded.data).into_owned();
    let fail = |error: ScenarioError| Failure::new(one_line(&error.to_string()));
    let mut scenario = Scenario::parse(&text, &file).map_err(fail)?;
    let population = &mut scenario.population;
    if let Some((trace, name)) = population.trace.clone().and_then(|name| Some((BuiltIn::get(&name)?, name)))
    {
        population.read_trace(&String::from_utf8_lossy(&trace.data), &name).map_err(fail)?;
    }
    Ok(Named { scenario, text, argument: name.to_owned() })
}

/// A message of several lines in one: what it says of the place, and what is wrong there. The lines between draw it.
fn one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let (first, last) = (lines.next().unwrap_or_default(), lines.next_back());
    last.map_or_else(|| first.to_owned(), |last| format!("{first}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_built_in_is_valid_and_says_what_it_is_about() {
        let list = list().unwrap();
        assert!(list.len() >= 2, "{}", list.len());
        for Named { scenario, text, .. } in list {
            assert!(!scenario.about.is_empty() && !scenario.about.contains('\n'), "{}", scenario.name);
            let has_steps = !scenario.population.trace_steps.is_empty();
            assert_eq!(has_steps, scenario.population.trace.is_some(), "{}'s trace", scenario.name);
            assert_eq!(find(&scenario.name).unwrap().text, text, "{} is found by its name", scenario.name);
        }
    }

    #[test]
    fn names_that_are_not_known() {
        let error = find("smoke-chrun").unwrap_err().to_string();
        assert!(error.contains("did you mean `smoke-churn`?"), "{error}");
        let error = find("q").unwrap_err().to_string();
        assert!(error.contains("--list"), "{error}");
    }

    #[test]
    fn messages_are_one_line() {
        let drawn = "x.toml: TOML parse error at line 1, column 1\n  |\n1 | a\n  | ^\nunknown field `a`\n";
        assert_eq!(one_line(drawn), "x.toml: TOML parse error at line 1, column 1: unknown field `a`");
        assert_eq!(one_line("x"), "x");
    }
}
