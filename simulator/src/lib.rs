//! A deterministic network for the real LiveSky machines, in virtual time.
//!
//! [`scenario`] says what is simulated; `run` does it with a seed; [`results`] are what it tells.

pub mod results;
pub mod scenario;

pub use results::Results;
pub use scenario::Scenario;

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
