//! Which command makes which figures.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use super::figure::Figure;
use super::instructions;

/// The package and bench target that measure core's data path.
const CORE: (&str, &str) = ("livesky-core", "datapath");

/// A named set of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bench {
    /// Time and instructions of core's data path
    Core,
    /// A crowd of 100 viewers in one process, two minutes
    Demo,
    /// What a viewer costs the edge in memory
    Memory,
}

impl Bench {
    const ALL: [Self; 3] = [Self::Core, Self::Demo, Self::Memory];

    /// The arguments to cargo that run it.
    fn arguments(self) -> Vec<&'static str> {
        match self {
            Self::Core => vec!["bench", "--package", CORE.0, "--bench", CORE.1],
            Self::Demo => {
                vec!["run", "--release", "--", "demo", "--viewers", "100", "--seconds", "120", "--json"]
            }
            Self::Memory => vec!["bench", "--package", "livesky", "--bench", "memory"],
        }
    }
}

/// Runs the benches in `which`, all when it is empty, and prints the table. Fails only when a bench could not run.
pub(crate) fn run(root: &Path, which: &[Bench]) -> ExitCode {
    let mut figures = Vec::new();
    let mut all_ran = true;
    for bench in if which.is_empty() { &Bench::ALL } else { which } {
        let (found, ran) = measure(root, &bench.arguments());
        if !ran || found.is_empty() {
            eprintln!("bench {bench:?}: `cargo {}` gave no figures", bench.arguments().join(" "));
            all_ran = false;
        }
        let counts = if *bench == Bench::Core { count_instructions(root, &found) } else { Vec::new() };
        figures.extend(found);
        figures.extend(counts);
    }
    println!("\n{:<44} {:>14} {:<14} goal", "figure", "measured", "unit");
    for figure in &figures {
        println!("{figure}");
    }
    if all_ran { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs cargo with `arguments`, passes its output through and keeps the figures in it.
fn measure(root: &Path, arguments: &[&str]) -> (Vec<Figure>, bool) {
    let child = Command::new("cargo").args(arguments).current_dir(root).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return (Vec::new(), false) };
    let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
    let mut figures = Vec::new();
    for line in lines.into_iter().flatten().map_while(Result::ok) {
        match Figure::parse(&line) {
            Some(figure) => figures.push(figure),
            None => println!("{line}"),
        }
    }
    (figures, child.wait().is_ok_and(|status| status.success()))
}

/// The same operations as the timed ones, counted by callgrind; nothing where valgrind is missing.
fn count_instructions(root: &Path, timed: &[Figure]) -> Vec<Figure> {
    let Some(executable) = instructions::executable(root, CORE.0, CORE.1) else { return Vec::new() };
    let operations = timed.iter().filter(|figure| figure.unit == "ns");
    let counted = operations.filter_map(|figure| {
        let Some(value) = instructions::per_repeat(root, &executable, &figure.name) else {
            eprintln!("bench: no instruction count of {}; is valgrind installed?", figure.name);
            return None;
        };
        Some(Figure { name: figure.name.clone(), value, unit: "instructions".to_owned(), goal: None })
    });
    counted.collect()
}
