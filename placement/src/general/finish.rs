//! From the best open set back to the instance's units, with a service for every state and the sizes that takes.

use crate::general::plan::{self, Plan};
use crate::general::problem::Problem;
use crate::general::sizes::{self, Outcome};
use crate::general::transport;
use crate::solve::{Share, Solution};

/// Losses times customers beyond which sizes are not made least.
const EFFORT_MAX: usize = 20_000;

pub(super) fn solution(problem: &Problem, plan: &Plan) -> Solution {
    let mut size = match &plan.size {
        Some(size) => size.clone(),
        None => free_sizes(problem, plan),
    };
    for (size, least) in size.iter_mut().zip(plan::least(problem, plan)) {
        *size = size.max(least);
    }
    let mut service = Vec::with_capacity(problem.states.len());
    let mut served = plan.shares.iter();
    for state in &problem.states {
        let shares = if state.is_served {
            served.next().cloned().unwrap_or_default()
        } else {
            let found = transport::serve(state, &plan.open, &size, true, 1_000.0 * problem.load_tolerance);
            for (size, load) in size.iter_mut().zip(&found.load) {
                *size = size.max(*load);
            }
            found.shares
        };
        let customer =
            |parts: Vec<(usize, f64)>| parts.into_iter().map(|(site, share)| Share { site, share }).collect();
        service.push(shares.into_iter().map(customer).collect());
    }
    let mut is_open = vec![false; problem.sites];
    for &site in &plan.open {
        is_open[site] = true;
    }
    Solution {
        is_open,
        size_bps: size.into_iter().map(|size| size * problem.demand_unit_bps).collect(),
        service,
        objective: plan::cost(problem, plan) * problem.cost_unit,
        bound: f64::NEG_INFINITY,
        nodes: 0,
        is_proven: false,
    }
}

/// Without a budget sizes are nobody's choice: the least that serve and survive, where that is quickly known.
fn free_sizes(problem: &Problem, plan: &Plan) -> Vec<f64> {
    let least = plan::least(problem, plan);
    let has_events = problem.must_survive_loss || problem.states.iter().any(|state| !state.is_served);
    if !has_events {
        return least;
    }
    if plan.open.len() * problem.customers <= EFFORT_MAX
        && let Outcome::Found(size) = sizes::least_sizes(problem, &plan.open, &least, &mut Vec::new())
    {
        return size;
    }
    let mut size = least;
    for state in &problem.states {
        let losses = plan.open.iter().copied().map(Some).filter(|_| problem.must_survive_loss);
        for lost in losses.chain([None]) {
            let left: Vec<usize> = plan.open.iter().copied().filter(|&site| Some(site) != lost).collect();
            let found = transport::serve(state, &left, &problem.size_max, false, problem.load_tolerance);
            for (size, load) in size.iter_mut().zip(&found.load) {
                *size = size.max(*load);
            }
        }
    }
    size
}
