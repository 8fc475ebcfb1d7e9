//! The choice of sites in plain numbers, and how it is made.

mod dispatch;
mod effort;
mod instance;
mod separable;

pub use dispatch::{SolveError, solve};
pub use effort::{Effort, Progress};
pub use instance::{Instance, Share, SiteNumbers, Solution, Standing, State};
