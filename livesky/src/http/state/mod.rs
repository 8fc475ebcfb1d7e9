//! What `/api/` answers, built from an edge's snapshots (docs/api.md).
//!
//! [`Sampler`] looks at the edge once a second and keeps a [`Sample`] of each channel; [`model`] mirrors the document; `totals`
//! adds up what clients tell each second, [`reports`] writes what they report each minute, those that left included; `build` makes one from the other; `why` finds the sentences.

mod board;
mod build;
mod legacy;
mod levels;
pub mod model;
pub mod reports;
mod sampler;
mod startups;
mod totals;
mod why;

pub use board::{P2pVideo, Sample, StateBoard};
pub use legacy::{LegacyMeter, ReaderGuard};
pub use sampler::{ReportLog, Sampler, StateOptions, Told};

#[cfg(test)]
mod tests;
