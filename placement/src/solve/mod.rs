//! The choice of sites in plain numbers, and how it is made.

mod effort;
mod instance;

pub use effort::{Effort, Progress};
pub use instance::{Instance, Share, SiteNumbers, Solution, Standing, State};
