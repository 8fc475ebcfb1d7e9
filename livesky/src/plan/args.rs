//! The command line of `plan`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use livesky_placement::model::{DemandRule, Objective};

use crate::scaling::{RealBounds, flag};

/// Bounds of `--exponent`: beyond, a millisecond decides alone.
const EXPONENT: RealBounds = RealBounds { min: 0.0, max: 10.0 };
/// Bounds of `--rho`: servers send something.
const RHO: RealBounds = RealBounds { min: 0.0, max: 0.999 };
/// Bounds of shares of 1.
const SHARE: RealBounds = RealBounds { min: 0.0, max: 1.0 };
/// Bounds of `--delay-max-ms`: a minute is no live stream any more.
const DELAY_MS: RealBounds = RealBounds { min: 0.001, max: 60_000.0 };
/// Bounds of `--budget-mbps`: a petabit a second.
const MBPS: RealBounds = RealBounds { min: 0.001, max: 1e9 };
/// Bounds of `--time-limit-s`: a week.
const TIME_S: RealBounds = RealBounds { min: 0.001, max: 604_800.0 };
/// Bounds of `--capacity`, in the file's own unit.
const CAPACITY: RealBounds = RealBounds { min: 1e-9, max: 1e15 };

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  livesky plan list
  livesky plan china-2009 --sites-max 6 --report plan.html
  livesky plan my.toml --objective ltcm --failover --json > plan.json
  livesky plan my.toml --sites-max 7 --compare plan.json
  livesky plan --regions regions.csv --sites sites.csv --delays delays.csv
  livesky plan --or-library cap71.txt --uncapacitated --json
  livesky plan figures --report figures.html"
)]
pub struct PlanArgs {
    /// Something else than making a plan.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// A problem, and what to do with it.
    #[command(flatten)]
    pub make: MakeArgs,
}

/// Something else than making a plan.
#[derive(Debug, Subcommand)]
pub enum Other {
    /// List the problems there are by name
    List,
    /// Redraw the figures of the placement paper, and say of each claim whether it reproduces
    Figures(FiguresArgs),
}

/// Arguments of `plan PROBLEM`.
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// A problem by its name (see `plan list`), or a TOML file
    #[arg(required_unless_present_any = ["regions", "or_library"])]
    pub problem: Option<String>,
    /// Where the problem is, when it is not in one TOML file.
    #[command(flatten)]
    pub files: FileArgs,
    /// What of the problem is changed.
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// How long the search goes on.
    #[command(flatten)]
    pub effort: EffortArgs,
    /// Print the plan as JSON
    #[arg(long = "json")]
    pub is_json: bool,
    /// Write a report: one HTML file with a map and plots
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the map alone: one SVG file
    #[arg(long, value_name = "FILE.svg")]
    pub map: Option<PathBuf>,
    /// Show how the plan differs from another: a plan by --json, a TOML file, or a problem by its name
    #[arg(long, value_name = "OTHER", conflicts_with = "is_json")]
    pub compare: Option<String>,
}

/// Where a problem is, when it is not in one TOML file.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct FileArgs {
    /// Regions as CSV, in place of a TOML file
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["problem", "or_library"])]
    pub regions: Option<PathBuf>,
    /// Sites and what they cost as CSV [default: one in each region]
    #[arg(long, value_name = "FILE.csv", requires = "regions", conflicts_with_all = ["problem", "or_library"])]
    pub sites: Option<PathBuf>,
    /// The matrix of round-trip times as CSV, in ms [default: from the regions' coordinates]
    #[arg(long, value_name = "FILE.csv", requires = "regions", conflicts_with_all = ["problem", "or_library"])]
    pub delays: Option<PathBuf>,
    /// A facility location problem in the form of the OR-Library
    #[arg(long, value_name = "FILE", conflicts_with = "problem")]
    pub or_library: Option<PathBuf>,
    /// Read the OR-Library file without its capacities
    #[arg(long = "uncapacitated", requires = "or_library", conflicts_with_all = ["problem", "capacity"])]
    pub is_uncapacitated: bool,
    /// What the word `capacity` in the OR-Library file stands for
    #[arg(long, value_name = "N", requires = "or_library", conflicts_with = "problem", allow_negative_numbers = true, value_parser = flag(CAPACITY))]
    pub capacity: Option<f64>,
}

/// What of a problem is changed.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct ChangeArgs {
    /// What is minimised [default: as the problem says, or mtcm]
    #[arg(long, value_enum, value_name = "MODEL", conflicts_with = "or_library")]
    pub objective: Option<Model>,
    /// How much delay counts in mtcm, p [default: 0.5]
    #[arg(long, value_name = "P", allow_negative_numbers = true, value_parser = flag(EXPONENT), conflicts_with = "or_library")]
    pub exponent: Option<f64>,
    /// Share of the stream that peers upload themselves, in every region
    #[arg(long, value_name = "RHO", allow_negative_numbers = true, value_parser = flag(RHO), conflicts_with = "or_library")]
    pub rho: Option<f64>,
    /// The same for each region, as a simulation measured it: results of `livesky simulate --json`
    #[arg(long, value_name = "RESULTS.json", conflicts_with_all = ["rho", "or_library"])]
    pub rho_from: Option<PathBuf>,
    /// Most sites
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "sites_exactly")]
    pub sites_max: Option<u32>,
    /// So many sites, no more and no fewer
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub sites_exactly: Option<u32>,
    /// What all sites together may send, U, in Mbit/s
    #[arg(long, value_name = "MBPS", allow_negative_numbers = true, value_parser = flag(MBPS), conflicts_with = "or_library")]
    pub budget_mbps: Option<f64>,
    /// The longest delay a region may be served with, in ms
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = flag(DELAY_MS), conflicts_with = "or_library")]
    pub delay_max_ms: Option<f64>,
    /// Survive the loss of any one site
    #[arg(long = "failover")]
    pub is_failover: bool,
    /// What sites are sized for [default: as the problem says, or servers]
    #[arg(long, value_enum, value_name = "DEMAND", conflicts_with = "or_library")]
    pub demand: Option<Demand>,
    /// Serve each region from one site, not in shares
    #[arg(long = "whole")]
    pub is_whole: bool,
}

/// How long a search goes on.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
pub struct EffortArgs {
    /// Stop after this many seconds with the best plan so far [default: when it is proven]
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = flag(TIME_S))]
    pub time_limit_s: Option<f64>,
    /// Stop when no plan can be better by more than this share: 0.01 is 1 % [default: proven]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = flag(SHARE))]
    pub gap: Option<f64>,
    /// Decides what is left to chance [default: 1]
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<u64>,
}

/// Arguments of `plan figures`.
#[derive(Debug, Args)]
pub struct FiguresArgs {
    /// Write the figures: one HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print figures and claims as JSON
    #[arg(long = "json")]
    pub is_json: bool,
}

/// The models by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// Cost times a power of the delay (the paper's)
    Mtcm,
    /// Cost alone
    Mpcm,
    /// Delay alone
    Mccm,
    /// 0.7 cost + 0.3 delay
    Ltcm,
}

impl Model {
    /// The model with the paper's numbers.
    #[must_use]
    pub const fn objective(self) -> Objective {
        match self {
            Self::Mtcm => Objective::MTCM,
            Self::Mpcm => Objective::Mpcm,
            Self::Mccm => Objective::Mccm,
            Self::Ltcm => Objective::LTCM,
        }
    }
}

/// What sites are sized for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Demand {
    /// All that viewers watch, as (14) is printed
    Full,
    /// What peers leave to servers
    Servers,
}

impl Demand {
    /// As the planner calls it.
    #[must_use]
    pub const fn rule(self) -> DemandRule {
        match self {
            Self::Full => DemandRule::Full,
            Self::Servers => DemandRule::Servers,
        }
    }
}
