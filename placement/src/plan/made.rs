use core::ops::ControlFlow;

use super::error::PlanError;
use super::figures;
use super::shape::Plan;
use crate::model::Problem;
use crate::solve::{self, Effort, Progress};

/// Solves a problem. `progress` is told about ten times a second; when it breaks, the best plan so far is the answer.
///
/// # Errors
/// [`PlanError`]: the problem is none, has no plan, or was stopped before it had one.
pub fn plan(
    problem: &Problem,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Plan, PlanError> {
    let instance = problem.instance()?;
    let solution = solve::solve(&instance, effort, progress)?;
    Ok(figures::of_solution(problem, &solution))
}
