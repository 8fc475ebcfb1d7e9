use core::ops::ControlFlow;

use super::error::PlanError;
use super::explore::Summary;
use super::figures::Solved;
use super::shape::Plan;
use super::ties::nearest_of_equals;
use crate::model::Problem;
use crate::solve::{self, Effort, Progress, Solution};

/// Solves a problem. `progress` is told about ten times a second; when it breaks, the best plan so far is the answer.
///
/// # Errors
/// [`PlanError`]: the problem is none, has no plan, or was stopped before it had one.
pub fn plan(
    problem: &Problem,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Plan, PlanError> {
    let solution = solution(problem, effort, progress)?;
    Ok(Solved::new(problem, &solution).plan())
}

/// The same in one line, without what the loss of a site does.
///
/// # Errors
/// As [`plan`].
pub fn summary(
    problem: &Problem,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Summary, PlanError> {
    let solution = solution(problem, effort, progress)?;
    Ok(Solved::new(problem, &solution).summary())
}

fn solution(
    problem: &Problem,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Solution, PlanError> {
    let instance = problem.instance()?;
    let mut solution = solve::solve(&instance, effort, progress)?;
    nearest_of_equals(problem, &instance, &mut solution);
    Ok(solution)
}
