//! The choice of sites in plain numbers, and how it is made.

mod check;
mod dispatch;
mod effort;
#[cfg(feature = "highs")]
pub mod highs;
mod instance;
mod separable;
pub(crate) mod watch;

pub use check::{Violation, check};
pub use dispatch::{Method, SolveError, method, solve};
pub use effort::{Effort, Progress};
pub use instance::{Instance, Share, SiteNumbers, Solution, Standing, State};
