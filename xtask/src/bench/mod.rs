//! Figures beside their goals; reported, never gating.
//!
//! A bench prints one JSON object a line for each figure: `{"name": "...", "value": 1.5, "unit": "...", "goal": "<= 2"}`;
//! other lines pass through. `figure` reads and judges them, `instructions` counts with callgrind, `run` knows which
//! command makes which figures.

mod figure;
mod instructions;
mod run;

pub(crate) use run::{Bench, run};
