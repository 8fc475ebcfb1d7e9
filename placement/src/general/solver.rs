use core::ops::ControlFlow;

use crate::general::finish;
use crate::general::infeasible::Infeasible;
use crate::general::problem::Problem;
use crate::general::tree::Tree;
use crate::solve::watch::Watch;
use crate::solve::{Effort, Instance, Progress, Solution};

/// Finds the best plan and proves it, or the best within the effort with its bound.
///
/// `progress` is told about every 100 ms; when it breaks, the best plan so far is returned.
///
/// # Errors
///
/// Why there is no plan, or that the search was stopped before it found one.
pub fn solve(
    instance: &Instance,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Solution, Infeasible> {
    let mut watch = Watch::new(effort, progress);
    let problem = Problem::new(instance)?;
    watch.cost_unit = problem.cost_unit;
    let ending = Tree::new(&problem, effort.gap_goal, effort.seed, &mut watch).search();
    let Some(plan) = ending.plan else {
        let is_open_end = ending.is_stopped || ending.bound.is_finite();
        return Err(if is_open_end { Infeasible::Stopped } else { Infeasible::NoChoice });
    };
    let mut solution = finish::solution(&problem, &plan);
    solution.bound = (ending.bound * problem.cost_unit).min(solution.objective);
    solution.nodes = watch.nodes;
    let gap = solution.objective - solution.bound;
    solution.is_proven = gap <= effort.gap_goal.max(1e-9) * solution.objective.abs();
    Ok(solution)
}
