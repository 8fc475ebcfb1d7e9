//! What every plan's open sites fulfil, learnt from sets of sites that could not serve everybody: by max-flow and
//! min-cut, customers who cannot be served name the sites that are too few or too small for them.

use std::collections::BTreeSet;

use crate::general::problem::{Fix, Problem};

/// Beyond so many, cuts that are found are not kept.
const CUTS_MAX: usize = 2_000;

/// Up to so many customers, what each needs by itself is known from the start.
const SINGLES_MAX: usize = 300;

/// Sum over the sites of `size[i]` × its size + `open[i]` if it is open is at least 1.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// Empty when sizes have no part in it.
    pub(super) size: Vec<f64>,
    pub(super) open: Vec<f64>,
}

impl Cut {
    pub(super) fn size(&self, site: usize) -> f64 {
        self.size.get(site).copied().unwrap_or(0.0)
    }

    /// The most an open site can contribute.
    pub(super) fn most(&self, problem: &Problem, site: usize) -> f64 {
        self.size(site) * problem.size_max[site] + self.open[site]
    }
}

/// The customers of a state that could not be served after the loss of a site, if of any.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    pub(super) state: usize,
    pub(super) lost: Option<usize>,
    pub(super) customers: Vec<usize>,
}

/// All cuts that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    pub(super) all: Vec<Cut>,
    known: BTreeSet<(Vec<usize>, u64)>,
}

impl Cuts {
    /// What follows from the whole demand of each state.
    pub(super) fn new(problem: &Problem) -> Self {
        let mut cuts = Self::default();
        for state in 0..problem.states.len() {
            let customers: Vec<usize> = (0..problem.customers).collect();
            cuts.learn(problem, &Stuck { state, lost: None, customers: customers.clone() });
            if problem.must_survive_loss && !customers.is_empty() {
                cuts.learn_count(problem, state, &customers, true);
            }
            let are_few = problem.customers * problem.states.len() <= SINGLES_MAX;
            for customer in (0..problem.customers).filter(|_| are_few && problem.must_survive_loss) {
                cuts.learn_count(problem, state, &[customer], true);
            }
        }
        cuts
    }

    /// Adds the cuts that forbid what left these customers without service.
    pub(super) fn learn(&mut self, problem: &Problem, stuck: &Stuck) {
        if stuck.customers.is_empty() || self.all.len() >= CUTS_MAX {
            return;
        }
        self.learn_count(problem, stuck.state, &stuck.customers, stuck.lost.is_some());
        let state = &problem.states[stuck.state];
        let demand: f64 = stuck.customers.iter().map(|&customer| state.demand[customer]).sum();
        let mut reach = reach(problem, stuck.state, &stuck.customers);
        reach.retain(|&site| Some(site) != stuck.lost);
        if demand <= problem.load_tolerance || !self.known.insert((reach.clone(), demand.to_bits())) {
            return;
        }
        // A plan that is short by the tolerance still counts.
        let demand = (demand - 2.0 * problem.load_tolerance).max(0.5 * demand);
        let mut open = vec![0.0; problem.sites];
        let mut size = vec![0.0; problem.sites];
        for &site in &reach {
            open[site] = problem.size_max[site].min(demand) / demand;
            size[site] = 1.0 / demand;
        }
        self.all.push(Cut { size: Vec::new(), open });
        if problem.budget.is_finite() {
            self.all.push(Cut { size, open: vec![0.0; problem.sites] });
        }
    }

    /// How many of the sites that reach these customers must be open.
    fn learn_count(&mut self, problem: &Problem, state: usize, customers: &[usize], is_lossy: bool) {
        let reach = reach(problem, state, customers);
        let demand: f64 = customers.iter().map(|&customer| problem.states[state].demand[customer]).sum();
        let mut sizes: Vec<f64> = reach.iter().map(|&site| problem.size_max[site]).collect();
        sizes.sort_unstable_by(|a, b| b.total_cmp(a));
        let needed = problem.sites_needed(&sizes, demand, is_lossy);
        if !self.known.insert((reach.clone(), needed as u64)) {
            return;
        }
        let mut open = vec![0.0; problem.sites];
        for &site in &reach {
            open[site] = 1.0 / needed as f64;
        }
        self.all.push(Cut { size: Vec::new(), open });
    }

    /// Fixes what the cuts, the counts and the budget leave no choice about; false when they leave none at all.
    pub(super) fn propagate(&self, problem: &Problem, fixes: &mut [Fix]) -> bool {
        loop {
            let before = count(fixes, Fix::Free);
            if !propagate_counts(problem, fixes) {
                return false;
            }
            if !self.all.iter().all(|cut| propagate_cut(problem, cut, fixes)) {
                return false;
            }
            if count(fixes, Fix::Free) == before {
                return propagate_counts(problem, fixes);
            }
        }
    }
}

/// Sites that may serve any of the customers.
fn reach(problem: &Problem, state: usize, customers: &[usize]) -> Vec<usize> {
    (0..problem.sites)
        .filter(|&site| problem.fixes[site] != Fix::Closed)
        .filter(|&site| customers.iter().any(|&customer| problem.states[state].is_reached(site, customer)))
        .collect()
}

pub(super) fn count(fixes: &[Fix], kind: Fix) -> usize {
    fixes.iter().filter(|&&fix| fix == kind).count()
}

fn settle(fixes: &mut [Fix], fix: Fix) {
    for site in fixes.iter_mut().filter(|site| **site == Fix::Free) {
        *site = fix;
    }
}

fn propagate_counts(problem: &Problem, fixes: &mut [Fix]) -> bool {
    let open = count(fixes, Fix::Open);
    let possible = fixes.len() - count(fixes, Fix::Closed);
    if open > problem.open_max || possible < problem.open_min {
        return false;
    }
    if open == problem.open_max {
        settle(fixes, Fix::Closed);
    } else if possible == problem.open_min {
        settle(fixes, Fix::Open);
    }
    if problem.budget.is_finite() {
        let taken: f64 =
            (0..fixes.len()).filter(|&i| fixes[i] == Fix::Open).map(|i| problem.size_min[i]).sum();
        let left = problem.budget - taken;
        if left < -problem.load_tolerance {
            return false;
        }
        for (site, fix) in fixes.iter_mut().enumerate() {
            if *fix == Fix::Free && problem.size_min[site] > left + problem.load_tolerance {
                *fix = Fix::Closed;
            }
        }
    }
    true
}

fn propagate_cut(problem: &Problem, cut: &Cut, fixes: &mut [Fix]) -> bool {
    const ENOUGH: f64 = 1.0 - 1e-9;
    let mut slots = problem.open_max;
    let mut sum = 0.0;
    let mut free: Vec<(f64, usize)> = Vec::new();
    for (site, fix) in fixes.iter().enumerate() {
        match fix {
            Fix::Open => {
                sum += cut.most(problem, site);
                slots = slots.saturating_sub(1);
            }
            Fix::Free => free.push((cut.most(problem, site), site)),
            Fix::Closed => {}
        }
    }
    if sum >= ENOUGH {
        return true;
    }
    free.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    sum += free.iter().take(slots).map(|part| part.0).sum::<f64>();
    if sum < ENOUGH {
        return false;
    }
    let next = free.get(slots).map_or(0.0, |part| part.0);
    for &(most, site) in free.iter().take(slots) {
        if sum - most + next >= ENOUGH {
            break;
        }
        fixes[site] = Fix::Open;
    }
    true
}
