//! Branch and bound on the sites that the bound at the root leaves undecided, best bound first.

use std::collections::BTreeMap;

use super::lagrangian::{Climb, Lagrangian, Part};
use super::local_search::{LocalSearch, Plan};
use super::reach::Decision;
use super::sorted::Sorted;
use super::watch::Watch;

/// Climb of a child from its parent's prices.
const CHILD: Climb = Climb { steps: 250, factor: 0.5, patience: 8, factor_min: 0.02 };
/// Short climbs that compare sites to branch on.
const PROBE: Climb = Climb { steps: 16, factor: 0.3, patience: 4, factor_min: 0.05 };
/// Sites compared.
const PROBES: usize = 6;
/// Every so many nodes the relaxed plan is made a real one.
const PLAN_EVERY: u64 = 4;
/// What the open nodes may hold, in bytes; beyond that the search goes depth first.
const NODES_BYTES_MAX: usize = 1 << 29;

/// The open nodes, by bound; the number tells apart equal ones. Bounds are not negative, so their bits sort as they do.
type Open = BTreeMap<(u64, u64), Part>;

/// A branch and bound in progress.
pub(super) struct Tree<'a> {
    problem: &'a Sorted,
    open: Open,
    pushed: u64,
    lagrangian: Lagrangian,
    local: LocalSearch<'a>,
    /// The best plan found here.
    best: Option<Plan>,
    /// The cost of the best plan known.
    best_cost: f64,
}

impl<'a> Tree<'a> {
    pub(super) fn new(problem: &'a Sorted, best_cost: f64) -> Self {
        let (open, lagrangian, local) = (Open::new(), Lagrangian::default(), LocalSearch::new(problem));
        Self { problem, open, pushed: 0, lagrangian, local, best: None, best_cost }
    }

    /// Searches below `root`. Returns the best plan, if it is better than the one known, and whether the tree was searched to its end.
    pub(super) fn run(mut self, root: Part, watch: &mut Watch<'_>) -> (Option<Plan>, bool) {
        self.push(root);
        while let Some(part) = self.take() {
            // While this part is looked at, its own bound is among the lowest.
            let lowest =
                self.open.keys().next().map_or(part.bound, |key| f64::from_bits(key.0).min(part.bound));
            watch.raise(lowest);
            if watch.is_over() {
                return (self.best, false);
            }
            if part.bound < cutoff(self.best_cost) {
                self.expand(part, watch);
            }
        }
        (self.best, true)
    }

    fn push(&mut self, part: Part) {
        if part.bound < cutoff(self.best_cost) {
            self.pushed += 1;
            self.open.insert((part.bound.to_bits(), self.pushed), part);
        }
    }

    fn take(&mut self) -> Option<Part> {
        let part_bytes = 9 * self.problem.sites() + 8 * self.problem.customers();
        let is_full = self.open.len().saturating_mul(part_bytes) > NODES_BYTES_MAX;
        let taken = if is_full { self.open.pop_last() } else { self.open.pop_first() };
        taken.map(|(_, part)| part)
    }

    /// Replaces a part by its two halves.
    fn expand(&mut self, mut part: Part, watch: &mut Watch<'_>) {
        let Some(site) = self.choose(&mut part, watch) else {
            if part.bound.is_finite() {
                self.finish(&part, watch);
            }
            return;
        };
        for decision in [Decision::Open, Decision::Closed] {
            let mut child = part.clone();
            child.decision[site] = decision;
            self.climb(&mut child, CHILD, watch);
            watch.nodes += 1;
            if child.bound.is_finite() && watch.nodes.is_multiple_of(PLAN_EVERY) {
                let used = self.lagrangian.used().to_vec();
                self.try_plan(&child, &used, watch);
            }
            self.push(child);
        }
    }

    fn climb(&mut self, part: &mut Part, climb: Climb, watch: &mut Watch<'_>) {
        let cutoff = cutoff(self.best_cost);
        self.lagrangian.climb(self.problem, part, cutoff, climb, &mut |_| watch.is_over());
    }

    /// The free site to branch on; decides others on the way. `None` if there is none left to decide.
    ///
    /// Strong branching: the site whose two halves' bounds rise most, by the product of their rises.
    fn choose(&mut self, part: &mut Part, watch: &mut Watch<'_>) -> Option<usize> {
        let mut free: Vec<usize> =
            (0..self.problem.sites()).filter(|&site| part.decision[site] == Decision::Free).collect();
        let distance = |site: &usize| (part.opened[*site] - 0.5).abs();
        free.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        free.truncate(PROBES);
        let mut best = None;
        for site in free {
            if part.decision[site] != Decision::Free || watch.is_over() {
                continue;
            }
            let rises = [Decision::Open, Decision::Closed].map(|decision| {
                let mut child = part.clone();
                child.decision[site] = decision;
                self.climb(&mut child, PROBE, watch);
                child.bound
            });
            match rises.map(f64::is_finite) {
                [false, false] => {
                    part.bound = f64::INFINITY;
                    return None;
                }
                [false, true] => part.decision[site] = Decision::Closed,
                [true, false] => part.decision[site] = Decision::Open,
                [true, true] => {
                    let least = 1e-9 * part.bound;
                    let score = rises.map(|bound| (bound - part.bound).max(least)).iter().product::<f64>();
                    if best.is_none_or(|(top, _)| score > top) {
                        best = Some((score, site));
                    }
                }
            }
        }
        let is_free = |site: &usize| part.decision[*site] == Decision::Free;
        best.map(|(_, site)| site).or_else(|| (0..self.problem.sites()).find(is_free))
    }

    /// A part without free sites is one plan.
    fn finish(&mut self, part: &Part, watch: &mut Watch<'_>) {
        let nothing = vec![false; self.problem.sites()];
        self.try_plan(part, &nothing, watch);
    }

    fn try_plan(&mut self, part: &Part, used: &[bool], watch: &mut Watch<'_>) {
        let open: Vec<bool> = part
            .decision
            .iter()
            .zip(used)
            .map(|(decision, used)| *used || *decision == Decision::Open)
            .collect();
        let plan = self.local.descend(&open, watch);
        if plan.cost < self.best_cost {
            watch.best = watch.best.min(plan.cost);
            self.best_cost = plan.cost;
            self.best = Some(plan);
        }
    }
}

/// Plans are looked for that cost less than this: better than the best by more than rounding.
pub(super) fn cutoff(best: f64) -> f64 {
    best * (1.0 - PROOF)
}

/// How near, relatively, the bound of a proof is to the plan: what rounding in sums of many costs allows.
const PROOF: f64 = 1e-10;
