use crate::model::ProblemError;
use crate::solve::SolveError;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The problem is none, or it shows at first sight that it has no plan.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// The search found none.
    #[error(transparent)]
    Solve(#[from] SolveError),
}
