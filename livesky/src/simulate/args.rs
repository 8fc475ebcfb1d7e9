//! The command line of `simulate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::seeds::Seeds;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  livesky simulate --list
  livesky simulate churn-10 --seeds 10 --report churn-10.html --out churn-10.json
  livesky simulate my.toml --seed 7 --json
  livesky simulate swarm --seeds 20
  livesky simulate compare before.json after.json"
)]
pub struct SimulateArgs {
    /// Something else than playing a scenario out.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// A scenario, and what to do with it.
    #[command(flatten)]
    pub play: PlayArgs,
}

/// Something else than playing a scenario out.
#[derive(Debug, Subcommand)]
pub enum Other {
    /// Draw configurations and faults at random, and look for rules broken
    Swarm(SwarmArgs),
    /// Show how the figures of two runs differ
    Compare(CompareArgs),
}

/// Arguments of `simulate SCENARIO`.
#[derive(Debug, Args)]
pub struct PlayArgs {
    /// A scenario by its name (see --list), or a TOML file
    #[arg(required_unless_present = "is_list")]
    pub scenario: Option<String>,
    /// List the scenarios there are by name
    #[arg(long = "list", conflicts_with = "scenario")]
    pub is_list: bool,
    /// The seed that decides everything [default: 1]
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Several seeds: `10` is 1 to 10, `3..13` is 3 to 12, `3..=13` is 3 to 13, `all` as many as the scenario says
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<Seeds>,
    /// Print the results as JSON: an object for --seed, an array for --seeds
    #[arg(long = "json")]
    pub is_json: bool,
    /// Write a report: one HTML file with plots
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Run each seed twice, and see that both runs are the same to the last event
    #[arg(long = "twice")]
    pub is_twice: bool,
}

/// Arguments of `simulate swarm`.
#[derive(Debug, Args)]
pub struct SwarmArgs {
    /// One seed: replays what it showed
    #[arg(long, value_name = "SEED", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Several seeds, as for a scenario [default: 20]
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<Seeds>,
    /// Print the results as JSON
    #[arg(long = "json")]
    pub is_json: bool,
}

/// Arguments of `simulate compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Results by --out or --json
    #[arg(value_name = "A.json")]
    pub left: PathBuf,
    /// The results beside them
    #[arg(value_name = "B.json")]
    pub right: PathBuf,
}
