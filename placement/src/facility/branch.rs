//! Branch and bound on the sites that the bound at the root leaves undecided, best bound first.

use std::collections::BTreeMap;

use super::lagrangian::{Climb, Lagrangian, Part};
use super::local_search::{LocalSearch, Plan};
use super::reach::Decision;
use super::rises::Rises;
use super::sorted::Sorted;
use crate::solve::watch::Watch;

/// Climb of a child from its parent's prices.
const CHILD: Climb = Climb { steps: 600, factor: 0.5, patience: 25, factor_min: 0.02 };
/// Short climbs that compare sites to branch on.
const PROBE: Climb = Climb { steps: 40, factor: 0.5, patience: 8, factor_min: 0.05 };
/// Sites compared.
const PROBES: usize = 24;
/// Sites compared in a row without finding a better one.
const PROBES_IDLE_MAX: u32 = 6;
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
    rises: Rises,
    /// The best plan found here.
    best: Option<Plan>,
    /// The cost of the best plan known.
    best_cost: f64,
}

impl<'a> Tree<'a> {
    pub(super) fn new(problem: &'a Sorted, best_cost: f64) -> Self {
        let (open, lagrangian, local) = (Open::new(), Lagrangian::default(), LocalSearch::new(problem));
        Self {
            problem,
            open,
            pushed: 0,
            lagrangian,
            local,
            rises: Rises::new(problem.sites()),
            best: None,
            best_cost,
        }
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
            self.learn(&part, &child, site, decision);
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
    /// The site whose two halves' bounds rise most, by the product of their rises: as seen before, or tried here.
    fn choose(&mut self, part: &mut Part, watch: &mut Watch<'_>) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        let mut idle = 0;
        for (expected, site) in self.candidates(part) {
            if part.decision[site] != Decision::Free || watch.is_over() {
                continue;
            }
            let score =
                if self.rises.is_known(site) { Some(expected) } else { self.probe(part, site, watch) };
            if !part.bound.is_finite() {
                return None;
            }
            idle += 1;
            if let Some(score) = score.filter(|score| best.is_none_or(|(top, _)| *score > top)) {
                best = Some((score, site));
                idle = 0;
            }
            if idle >= PROBES_IDLE_MAX {
                break;
            }
        }
        let is_free = |site: &usize| part.decision[*site] == Decision::Free;
        best.map(|(_, site)| site).filter(is_free).or_else(|| (0..self.problem.sites()).find(is_free))
    }

    /// Free sites by what deciding them promises.
    fn candidates(&self, part: &Part) -> Vec<(f64, usize)> {
        let free = (0..self.problem.sites()).filter(|&site| part.decision[site] == Decision::Free);
        let mut candidates: Vec<_> = free
            .map(|site| {
                let opened = part.opened[site];
                let doubt = 4.0 * opened * (1.0 - opened);
                (self.score(part, self.rises.expected(site)) * (doubt + 1e-3), site)
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.truncate(PROBES);
        candidates
    }

    fn score(&self, part: &Part, rises: [f64; 2]) -> f64 {
        // Halves that do not rise at all are told apart by the other.
        let least = 1e-4 * (cutoff(self.best_cost) - part.bound);
        rises.map(|rise| rise.max(least)).iter().product()
    }

    /// Tries both ways of deciding a site by short climbs. `None` if one of them is impossible: then it is decided.
    fn probe(&mut self, part: &mut Part, site: usize, watch: &mut Watch<'_>) -> Option<f64> {
        let rises = [Decision::Open, Decision::Closed].map(|decision| {
            let mut child = part.clone();
            child.decision[site] = decision;
            self.climb(&mut child, PROBE, watch);
            self.learn(part, &child, site, decision)
        });
        let room = cutoff(self.best_cost) - part.bound;
        match rises.map(|rise| rise < room) {
            [false, false] => part.bound = f64::INFINITY,
            [false, true] => part.decision[site] = Decision::Closed,
            [true, false] => part.decision[site] = Decision::Open,
            [true, true] => return Some(self.score(part, rises)),
        }
        None
    }

    /// Remembers how far a child's bound rose; a child without plans rose all the way to the cutoff.
    fn learn(&mut self, part: &Part, child: &Part, site: usize, decision: Decision) -> f64 {
        let room = cutoff(self.best_cost) - part.bound;
        let rise = (child.bound - part.bound).min(room);
        self.rises.add(site, decision, rise);
        rise
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
        // A descent may leave the part, and be cut short on its way.
        let descended = self.local.descend(&open, watch);
        let cost = self.problem.cost_of(&open);
        for plan in [descended, Plan { open, cost }] {
            if plan.cost < self.best_cost {
                watch.best = watch.best.min(plan.cost);
                self.best_cost = plan.cost;
                self.best = Some(plan);
            }
        }
    }
}

/// Plans are looked for that cost less than this: better than the best by more than rounding.
pub(super) fn cutoff(best: f64) -> f64 {
    best * (1.0 - PROOF)
}

/// How near, relatively, the bound of a proof is to the plan: what rounding in sums of many costs allows.
const PROOF: f64 = 1e-10;

#[cfg(test)]
#[path = "branch_tests.rs"]
mod tests;
