//! What came of the mutants: a table by folder, and the lines of those that nothing noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use crate::list::Mutant;

/// What came of a mutant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Outcome {
    Caught,
    TimedOut,
    /// Does not compile.
    Unviable,
    /// Tests came by, and none failed.
    Missed,
    /// Missed, as no test comes by.
    Unreached,
    /// Cannot be put beside the original: `cargo mutants` itself has to try it.
    Left,
}

const COLUMNS: [(Outcome, &str); 6] = [
    (Outcome::Caught, "caught"),
    (Outcome::TimedOut, "timeout"),
    (Outcome::Unviable, "unviable"),
    (Outcome::Missed, "missed"),
    (Outcome::Unreached, "unreached"),
    (Outcome::Left, "left"),
];

/// Prints what was not noticed, and the table.
pub(crate) fn print(outcomes: &[(&Mutant, Outcome)]) {
    for (mutant, outcome) in outcomes {
        match outcome {
            Outcome::Missed => println!("{}", mutant.name),
            Outcome::Unreached => println!("{} (unreached)", mutant.name),
            Outcome::Caught | Outcome::TimedOut | Outcome::Unviable | Outcome::Left => {}
        }
    }
    let mut counts: BTreeMap<&str, BTreeMap<Outcome, usize>> = BTreeMap::new();
    for (mutant, outcome) in outcomes {
        for row in [folder(&mutant.file), "all"] {
            *counts.entry(row).or_default().entry(*outcome).or_default() += 1;
        }
    }
    let heads: String = COLUMNS.iter().map(|(_, head)| format!("{head:>10}")).collect();
    println!("\n{:<12}{:>10}{heads}", "", "mutants");
    let (all, rows): (Vec<_>, Vec<_>) = counts.iter().partition(|(name, _)| **name == "all");
    for (name, row) in rows.into_iter().chain(all) {
        let counted = COLUMNS.iter().map(|(outcome, _)| row.get(outcome).copied().unwrap_or_default());
        let counted: String = counted.map(|count| format!("{count:>10}")).collect();
        println!("{name:<12}{:>10}{counted}", row.values().sum::<usize>());
    }
}

/// Writes what came of each.
pub(crate) fn write(outcomes: &[(&Mutant, Outcome)], path: &Path) -> Result<(), String> {
    let mut text = String::new();
    for (mutant, outcome) in outcomes {
        let _ = writeln!(text, "{outcome:?} {}", mutant.name);
    }
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("each of them: {}", path.display());
    Ok(())
}

/// The names of those that the last run missed.
pub(crate) fn read_missed(path: &Path) -> Result<BTreeSet<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let missed = [Outcome::Missed, Outcome::Unreached].map(|outcome| format!("{outcome:?}"));
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    Ok(lines
        .filter(|(outcome, _)| missed.iter().any(|of| of == outcome))
        .map(|(_, name)| name.to_owned())
        .collect())
}

/// `client` of `core/src/client/peers.rs`.
fn folder(file: &str) -> &str {
    let inside = file.strip_prefix("core/src/").unwrap_or(file);
    inside.split(['/', '.']).next().unwrap_or(inside)
}
