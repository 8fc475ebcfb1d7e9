//! The file as a whole.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::channel::ChannelSpec;
use super::edges::EdgeSpec;
use super::error::ScenarioError;
use super::faults::FaultSpec;
use super::hosts::{HostSpec, NatSpec};
use super::network::NetworkSpec;
use super::population::PopulationSpec;

/// A scenario: everything but the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Short name, as in results.
    pub name: String,
    /// What it shows, in a sentence.
    #[serde(default)]
    pub about: String,
    /// How long.
    #[serde(default)]
    pub run: RunSpec,
    /// What is sent.
    #[serde(default)]
    pub channel: ChannelSpec,
    /// Who sends it. Without any: one edge with the defaults.
    #[serde(default = "one_edge")]
    pub edges: Vec<EdgeSpec>,
    /// Who watches, and when.
    #[serde(default)]
    pub population: PopulationSpec,
    /// From where they watch.
    #[serde(default)]
    pub clients: HostSpec,
    /// NAT boxes by share of the clients; the rest has public addresses.
    #[serde(default)]
    pub nat: Vec<NatSpec>,
    /// What lies between.
    #[serde(default)]
    pub network: NetworkSpec,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
}

/// How long a run lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunSpec {
    /// Time before anything is measured, in seconds. The initial population joins in it.
    pub warm_up_s: f64,
    /// Time measured, in seconds.
    pub measure_s: f64,
    /// Seeds a full run takes: 1 to this.
    pub seeds: u64,
    /// Time between the rows of the series, in seconds.
    pub sample_s: f64,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self { warm_up_s: 120.0, measure_s: 600.0, seeds: 10, sample_s: 1.0 }
    }
}

fn one_edge() -> Vec<EdgeSpec> {
    vec![EdgeSpec::default()]
}

impl Scenario {
    /// Reads a file and checks it. A trace is looked for beside it.
    ///
    /// # Errors
    /// [`ScenarioError`], which says file, key and what to do.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let unreadable = |source| ScenarioError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mut scenario = Self::parse(&text, &path.display().to_string())?;
        if let Some(trace) = &scenario.population.trace {
            let trace = path.parent().unwrap_or(Path::new(".")).join(trace);
            scenario.population.load_trace(&trace)?;
        }
        Ok(scenario)
    }

    /// Reads a text and checks it; `file` is its name in messages. A trace it names is not loaded.
    ///
    /// # Errors
    /// [`ScenarioError`], which says file, key and what to do.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let syntax = |error: toml::de::Error| ScenarioError::Syntax {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        };
        let scenario: Self = toml::from_str(text).map_err(syntax)?;
        scenario.validate(file)?;
        Ok(scenario)
    }

    /// Virtual time a run takes, in seconds.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.run.warm_up_s + self.run.measure_s
    }
}
