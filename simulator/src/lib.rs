//! A deterministic network for the real LiveSky machines, in virtual time.
//!
//! [`scenario`] says what is simulated; [`run`] does it with a seed; [`results`] are what it tells. Below that:
//! `engine` is virtual time, `network` what lies between hosts, `world` who is there, `metrics` what is counted.

mod engine;
mod invariants;
mod metrics;
mod network;
pub mod report;
pub mod results;
pub mod scenario;
mod seeds;
mod swarm;
mod world;

pub use results::Results;
pub use scenario::Scenario;
pub use swarm::{SwarmReport, draw, swarm};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Virtual time passed, in seconds.
    pub now_s: f64,
    /// Virtual time a run takes, in seconds.
    pub end_s: f64,
    /// Viewers present.
    pub viewers: u32,
    /// Events handled.
    pub events: u64,
}

/// Plays a scenario out. The same scenario and seed give the same results, on every computer.
pub fn run(scenario: &Scenario, seed: u64, progress: &mut dyn FnMut(Progress)) -> Results {
    world::run(scenario, seed, progress)
}
