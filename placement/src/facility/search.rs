use core::ops::ControlFlow;

use livesky_core::rng::Rng;

use super::branch::{Tree, cutoff};
use super::dual_ascent::DualAscent;
use super::lagrangian::{Climb, Lagrangian, Part};
use super::local_search::{LocalSearch, Plan};
use super::problem::Facilities;
use super::sorted::Sorted;
use crate::solve::watch::Watch;
use crate::solve::{Effort, Progress};

/// Disturbed copies of the best plan tried before the bound is looked for, and again with the sites it leaves.
const ROUNDS: u32 = 200;
/// Climb at the root: short first, to be rid of most sites.
const ROOT: [Climb; 2] = [
    Climb { steps: 400, factor: 1.0, patience: 10, factor_min: 0.01 },
    Climb { steps: 4000, factor: 0.5, patience: 25, factor_min: 1e-3 },
];

/// A plan, and what is proven about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which sites to open.
    pub open: Vec<bool>,
    /// What the plan costs, in the unit of the problem's costs.
    pub objective: f64,
    /// No plan costs less. Equal to the objective when the search ended by proof, up to a relative 1e-10.
    pub bound: f64,
    /// Nodes of the search tree done; 0 if bounds decided everything.
    pub nodes: u64,
    /// Whether the gap is within the effort's goal.
    pub is_proven: bool,
}

/// Opens the sites that serve everyone at the least cost. `None` if some customer cannot be served at all; with a
/// limit on open sites also if the search ended before it found a plan.
///
/// `tell` hears of progress about twenty times a second and may end the search, as the effort's time limit and gap do:
/// the best plan so far is returned then. Without a time limit the same seed gives the same plan.
pub fn solve(
    problem: &Facilities,
    effort: &Effort,
    tell: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Option<Found> {
    let mut watch = Watch::new(effort, tell);
    let whole = Sorted::new(problem)?;
    let mut ascent = DualAscent::new(&whole, 0.0);
    ascent.ascend();
    watch.raise(ascent.bound());
    if whole.open_max < whole.sites() {
        ascent = DualAscent::with_limit(&whole);
    }
    let everything = vec![true; whole.sites()];
    let mut best = Best { cost: whole.cost_of(&everything), open: whole.widen(&everything, problem.sites()) };
    let mut rng = Rng::from_seed(effort.seed);
    best.improve(&whole, &ascent.plan(), &mut rng, &mut watch);
    let part = Part::new(&whole, ascent.price, watch.bound);
    let is_exhausted = best.prove(whole, part, &mut rng, &mut watch);
    if !best.cost.is_finite() {
        return None;
    }
    let bound = if is_exhausted { best.cost } else { watch.bound.min(best.cost) };
    let is_proven = is_exhausted || best.cost - bound <= effort.gap_goal.max(0.0) * best.cost;
    Some(Found { open: best.open, objective: best.cost, bound, nodes: watch.nodes, is_proven })
}

/// The best plan so far, in the caller's numbers.
struct Best {
    open: Vec<bool>,
    cost: f64,
}

impl Best {
    /// Looks for better plans among the sites of `problem`.
    fn improve(&mut self, problem: &Sorted, start: &[bool], rng: &mut Rng, watch: &mut Watch<'_>) {
        let mut local = LocalSearch::new(problem);
        let plan = local.descend(start, watch);
        self.offer(problem, &plan, watch);
        let plan = local.improve(plan, ROUNDS, rng, watch);
        self.offer(problem, &plan, watch);
    }

    fn offer(&mut self, problem: &Sorted, plan: &Plan, watch: &mut Watch<'_>) {
        if plan.cost < self.cost {
            self.cost = plan.cost;
            self.open = problem.widen(&plan.open, self.open.len());
        }
        watch.best = watch.best.min(self.cost);
    }

    /// Raises the bound until it meets the best plan. Whether nothing is left to search.
    fn prove(&mut self, whole: Sorted, mut part: Part, rng: &mut Rng, watch: &mut Watch<'_>) -> bool {
        let mut problem = whole;
        // Without a plan whatever serves everyone will do.
        let cost_max = problem.cost_max();
        for climb in ROOT {
            if watch.is_over() {
                return false;
            }
            Lagrangian::default().climb(
                &problem,
                &mut part,
                cutoff(self.cost.min(cost_max)),
                climb,
                &mut |bound| {
                    watch.raise(bound);
                    watch.is_over()
                },
            );
            if !part.bound.is_finite() {
                return true;
            }
            let Some(narrower) = problem.narrowed(&part.decision) else { return true };
            part = part.narrowed(&narrower.is_required);
            problem = narrower;
            let start: Vec<bool> = problem.site.iter().map(|&site| self.open[site]).collect();
            self.improve(&problem, &start, rng, watch);
        }
        let (plan, is_exhausted) = Tree::new(&problem, self.cost.min(cost_max)).run(part, watch);
        if let Some(plan) = plan {
            self.offer(&problem, &plan, watch);
        }
        is_exhausted
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
