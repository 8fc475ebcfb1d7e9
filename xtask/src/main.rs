//! Checks and chores of this repository: `cargo xtask help` lists them.

mod bench;
mod footprint;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Checks and chores of this repository")]
enum Chore {
    /// Check the rules that neither rustc nor clippy knows
    Tidy,
    /// Run every check that a change must pass, as .ci/run does
    Ci {
        /// Leave out what takes minutes: other feature sets, docs, bare-metal builds
        #[arg(long)]
        quick: bool,
    },
    /// Build core for bare metal; print its sizes and hold its panics to the ratchet
    Footprint,
    /// Measure, and print the figures beside their goals
    Bench {
        /// Which to run; all of them when none is named
        #[arg(value_enum)]
        which: Vec<bench::Bench>,
    },
    /// Run cargo-mutants over core's unit tests (docs/mutants.md); arguments after `--` go to it
    Mutants {
        /// Only part K of N, for example `0/4`: every N-th mutant, so that each part samples all files
        #[arg(long, value_name = "K/N")]
        shard: Option<String>,
        /// For example `-- --file core/src/scaling/stage.rs`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let root = root();
    match Chore::parse() {
        Chore::Tidy => tidy::run(&root),
        Chore::Ci { quick } => {
            let mut command = Command::new("bash");
            command.arg(".ci/run").args(quick.then_some("--quick"));
            finish(command.current_dir(&root))
        }
        Chore::Footprint => footprint::run(&root),
        Chore::Bench { which } => bench::run(&root, &which),
        Chore::Mutants { shard, arguments } => mutants(&root, shard.as_deref(), &arguments),
    }
}

/// The repository's root: the folder above this package.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo builds.
fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// What a run over thousands of mutants cannot wait for: optimised builds, debug info, many random cases.
const MUTANTS_ENVIRONMENT: [(&str, &str); 3] =
    [("CARGO_PROFILE_TEST_OPT_LEVEL", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0"), ("PROPTEST_CASES", "8")];
/// Unit tests that need minutes without optimisation.
const MUTANTS_SLOW_TESTS: [&str; 2] = ["the_clock_does_not_drift", "the_loaded_are_named_less_often"];

fn mutants(root: &Path, shard: Option<&str>, arguments: &[String]) -> ExitCode {
    let version = Command::new("cargo").args(["mutants", "--version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("mutants: cargo-mutants is not installed; `cargo install --locked cargo-mutants` gets it");
        return ExitCode::FAILURE;
    }
    let mut command = Command::new("cargo");
    command.args(["mutants", "--package", "livesky-core", "--timeout", "15", "--exclude-re", "Debug>::fmt"]);
    if let Some(shard) = shard {
        command.args(["--shard", shard, "--sharding", "round-robin"]);
    }
    // A second `--` in `arguments` would end cargo-mutants' own: those for the tests come last.
    command.args(arguments).args(["--", "--lib", "--"]);
    command.args(MUTANTS_SLOW_TESTS.iter().flat_map(|test| ["--skip", test]));
    finish(command.envs(MUTANTS_ENVIRONMENT).current_dir(root))
}

/// Runs `command` to its end and takes over its verdict.
fn finish(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().display());
            ExitCode::FAILURE
        }
    }
}
