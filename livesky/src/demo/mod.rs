//! Everything in one process: what the `demo` command runs.
//!
//! - [`plan`]: the figures of a run, out of the arguments.
//! - [`crowd`]: viewers that come, watch, pass on and leave.
//! - [`totals`]: what they saw, those that left included, and the figures made of it.
//! - [`film`], [`noise`]: the clip as an endless stream, and a stream of any rate.
//! - [`table`]: the figures on the terminal.
//! - [`screen`]: the stream of a P2P-fed viewer, for the page.

pub mod crowd;
pub mod film;
pub mod noise;
pub mod plan;
pub mod screen;
pub mod table;
pub mod totals;
