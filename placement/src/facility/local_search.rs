//! Good plans: descents of the neighbourhood from disturbed copies of the best one.

use livesky_core::rng::Rng;

use super::neighbourhood::{Change, Neighbourhood};
use super::sorted::Sorted;
use crate::solve::watch::Watch;

/// A change must save this share of the cost, lest rounding be taken for progress.
const SAVING_MIN: f64 = 1e-11;
/// Sites near a customer among which a disturbance picks.
const NEAR_SITES_MAX: u32 = 40;

/// A plan and its cost.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) open: Vec<bool>,
    pub(super) cost: f64,
}

/// A local search that keeps its tables between runs.
pub(super) struct LocalSearch<'a> {
    problem: &'a Sorted,
    around: Neighbourhood<'a>,
}

impl<'a> LocalSearch<'a> {
    pub(super) fn new(problem: &'a Sorted) -> Self {
        Self { problem, around: Neighbourhood::new(problem) }
    }

    /// The best plan that single changes reach from `open`.
    pub(super) fn descend(&mut self, open: &[bool], watch: &mut Watch<'_>) -> Plan {
        self.around.set(open);
        self.descend_from_here(watch);
        self.plan()
    }

    fn descend_from_here(&mut self, watch: &mut Watch<'_>) {
        // Each change saves something, so this ends; the limit is for sums that have drifted.
        for _ in 0..10 * (self.problem.sites() + 10) {
            if watch.is_over() {
                break;
            }
            let least = SAVING_MIN * self.around.cost();
            let Some(change) = self.around.best_change(least) else { break };
            self.around.apply(change);
        }
    }

    fn plan(&self) -> Plan {
        let open = self.around.plan();
        let cost = self.problem.cost_of(&open);
        Plan { open, cost }
    }

    /// Iterated local search: `rounds` times disturbs the best plan somewhere and descends again.
    ///
    pub(super) fn improve(&mut self, best: Plan, rounds: u32, rng: &mut Rng, watch: &mut Watch<'_>) -> Plan {
        let mut best = best;
        if self.problem.customers() == 0 {
            return best;
        }
        for _ in 0..rounds {
            if watch.is_over() {
                break;
            }
            self.around.set(&best.open);
            self.disturb(rng);
            self.descend_from_here(watch);
            // Equal cost is taken as well: it moves the search along a plateau.
            if self.around.cost() <= best.cost {
                let plan = self.plan();
                if plan.cost <= best.cost {
                    best = plan;
                    watch.best = watch.best.min(best.cost);
                }
            }
        }
        best
    }

    /// Opens one to four sites near a random customer and closes as many near it.
    fn disturb(&mut self, rng: &mut Rng) {
        let customer = rng.below(index(self.problem.customers())) as usize;
        let near: Vec<usize> =
            self.problem.row(customer).map(|(site, _)| site).take(NEAR_SITES_MAX as usize).collect();
        for _ in 0..=rng.below(4) {
            let site = near[rng.below(index(near.len())) as usize];
            if !self.around.is_open(site) {
                self.around.apply(Change::Open(site));
            }
            let closable = |site: &usize| self.around.is_open(*site) && !self.problem.is_required[*site];
            let open: Vec<usize> =
                self.problem.row(customer).map(|(site, _)| site).filter(closable).take(6).collect();
            if !open.is_empty() && self.around.open_sites().len() > 1 {
                let site = open[rng.below(index(open.len())) as usize];
                self.around.apply(Change::Close(self.around.slot_of(site)));
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`Facilities::new` keeps every count below 2^32")]
fn index(at: usize) -> u32 {
    at as u32
}
