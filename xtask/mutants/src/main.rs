//! Which mutants of core its unit tests do not notice: all mutants in one program, each behind a number, and
//! that program run once for each. `cargo xtask mutants` starts it; docs/mutants.md says what came of it.

mod list;
mod report;
mod rewrite;
mod runs;
mod sites;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use list::Mutant;
use report::Outcome;
use rewrite::File;
use runs::{Runs, Verdict};
use tree::Tree;

/// What is to be tried, and by whom.
#[derive(Default)]
struct Wanted {
    /// Parts of paths; none: all files.
    files: Vec<String>,
    /// Integration tests that are asked beside the unit tests.
    tests: Vec<String>,
    /// Only what the last run missed.
    is_missed_only: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(root), Some(target)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: livesky-mutants ROOT TARGET [--missed] [--with TEST].. [FILE..]");
        eprintln!("`cargo xtask mutants` is easier");
        return ExitCode::FAILURE;
    };
    let mut wanted = Wanted::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--missed" => wanted.is_missed_only = true,
            "--with" => wanted.tests.extend(arguments.next()),
            _ => wanted.files.push(argument),
        }
    }
    match run(&PathBuf::from(root), &PathBuf::from(target), &wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(root: &Path, target: &Path, wanted: &Wanted) -> Result<(), String> {
    let mut mutants = list::load(root, &wanted.files)?;
    let outcomes_path = target.join("mutants/outcomes.txt");
    if wanted.is_missed_only {
        let missed = report::read_missed(&outcomes_path)?;
        mutants.retain(|mutant| missed.contains(&mutant.name));
    }
    let mut files = BTreeMap::new();
    for mutant in &mutants {
        if !files.contains_key(&mutant.file) {
            let text = std::fs::read_to_string(root.join(&mutant.file));
            let file = text.map_err(|error| error.to_string()).and_then(File::new);
            files.insert(mutant.file.clone(), file.map_err(|error| format!("{}: {error}", mutant.file))?);
        }
    }
    let has_room = |mutant: &&Mutant| files.get(&mutant.file).is_some_and(|file| file.has_room_for(mutant));
    let is_unviable = |mutant: &Mutant| files.get(&mutant.file).is_some_and(|file| file.is_unviable(mutant));
    let placed: Vec<_> = mutants.iter().filter(has_room).collect();
    eprintln!("{} mutants, {} of them in one program", mutants.len(), placed.len());

    let tree = Tree::copy(root, target)?;
    let (programs, unviable) = tree.build(&files, &placed, &wanted.tests)?;
    let runs = Runs::survey(programs, tree.path.join("core"))?;
    let is_run = |number: &u32| runs.is_reached(*number) && !unviable.contains(number);
    let numbers: Vec<_> = placed.iter().map(|mutant| mutant.number).filter(is_run).collect();
    let verdicts: BTreeMap<_, _> = numbers.iter().copied().zip(runs.judge(&numbers)).collect();

    let outcome = |mutant: &Mutant| match verdicts.get(&mutant.number) {
        Some(Verdict::Caught) => Outcome::Caught,
        Some(Verdict::TimedOut) => Outcome::TimedOut,
        Some(Verdict::Missed) => Outcome::Missed,
        None if unviable.contains(&mutant.number) || is_unviable(mutant) => Outcome::Unviable,
        None if !has_room(&mutant) => Outcome::Left,
        // What constants are made of was evaluated while compiling.
        None if files.get(&mutant.file).is_some_and(|file| file.is_in_const_fn(mutant)) => Outcome::Left,
        None => Outcome::Unreached,
    };
    let outcomes: Vec<_> = mutants.iter().map(|mutant| (mutant, outcome(mutant))).collect();
    report::print(&outcomes);
    report::write(&outcomes, &outcomes_path)
}
