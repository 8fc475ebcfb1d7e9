//! Brute force: for each set of open sites one linear program that knows nothing of cuts or prices: every loss has flows
//! of its own, whole customers are binary variables.

use microlp::{ComparisonOp, Error, LinearExpr, OptimizationDirection, Problem, Variable};

use crate::solve::{Instance, Standing, State};

/// The least cost of any plan; nothing when there is none.
pub(super) fn least_cost(instance: &Instance) -> Option<f64> {
    let sites = instance.sites.len();
    (0..1_usize << sites)
        .map(|set| (0..sites).filter(|site| set >> site & 1 == 1).collect::<Vec<_>>())
        .filter(|open| is_allowed(instance, open))
        .filter_map(|open| cost_of(instance, &open))
        .min_by(f64::total_cmp)
}

fn is_allowed(instance: &Instance, open: &[usize]) -> bool {
    open.len() >= instance.open_min
        && open.len() <= instance.open_max
        && instance.sites.iter().enumerate().all(|(index, site)| match site.standing {
            Standing::Free => !open.contains(&index) || site.size_min_bps <= site.size_max_bps,
            Standing::Built => open.contains(&index) && site.size_min_bps <= site.size_max_bps,
            Standing::Forbidden => !open.contains(&index),
        })
}

fn cost_of(instance: &Instance, open: &[usize]) -> Option<f64> {
    let mut program = Problem::new(OptimizationDirection::Minimize);
    let sizes: Vec<Variable> = open
        .iter()
        .map(|&site| {
            let numbers = &instance.sites[site];
            program.add_var(0.0, (numbers.size_min_bps, numbers.size_max_bps))
        })
        .collect();
    let mut budget = LinearExpr::empty();
    for &size in &sizes {
        budget.add(size, 1.0);
    }
    if instance.budget_bps.is_finite() {
        program.add_constraint(budget, ComparisonOp::Le, instance.budget_bps);
    }
    let mut is_possible = true;
    for state in &instance.states {
        is_possible &= add_service(&mut program, instance, state, open, &sizes, None);
        for &lost in open.iter().filter(|_| instance.must_survive_loss) {
            is_possible &= add_service(&mut program, instance, state, open, &sizes, Some(lost));
        }
    }
    if !is_possible {
        return None;
    }
    let opening: f64 = open.iter().map(|&site| instance.sites[site].opening_cost).sum();
    match program.solve() {
        Ok(outcome) => Some(opening + outcome.into_solution().expect("no limit is set").objective()),
        Err(Error::Infeasible) => None,
        Err(error) => panic!("brute force: {error}"),
    }
}

/// Shares of every customer, after a loss if of a site; false when somebody is out of reach.
fn add_service(
    program: &mut Problem,
    instance: &Instance,
    state: &State,
    open: &[usize],
    sizes: &[Variable],
    lost: Option<usize>,
) -> bool {
    let mut loads: Vec<LinearExpr> = sizes
        .iter()
        .map(|&size| {
            let mut load = LinearExpr::empty();
            load.add(size, -1.0);
            load
        })
        .collect();
    for (customer, &demand_bps) in state.demand_bps.iter().enumerate() {
        let mut sum = LinearExpr::empty();
        let mut is_reached = false;
        for (place, &site) in open.iter().enumerate() {
            let cost = state.service_cost[customer * instance.sites.len() + site];
            if !cost.is_finite() || state.lost.contains(&site) || lost == Some(site) {
                continue;
            }
            let cost = if lost.is_some() { 0.0 } else { cost * state.weight };
            let share = if instance.is_whole && lost.is_none() {
                program.add_binary_var(cost)
            } else {
                program.add_var(cost, (0.0, 1.0))
            };
            sum.add(share, 1.0);
            loads[place].add(share, demand_bps);
            is_reached = true;
        }
        if !is_reached {
            return false;
        }
        program.add_constraint(sum, ComparisonOp::Eq, 1.0);
    }
    for load in loads {
        program.add_constraint(load, ComparisonOp::Le, 0.0);
    }
    true
}
