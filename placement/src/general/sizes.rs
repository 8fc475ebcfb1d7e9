//! Linear programs over an open set: the least sizes that survive what must be survived, and the least cost within a
//! budget. Losses enter as cuts, when a plan does not survive one.

use core::time::Duration;

use microlp::{ComparisonOp, Error, OptimizationDirection, Solution, SolveOutcome, Variable};

use crate::general::cut::Stuck;
use crate::general::problem::{Problem, Scaled};
use crate::general::transport;

/// Rounds of cuts.
const ROUNDS_MAX: usize = 200;
/// The longest that one program may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Up to `most` states or losses that the open sites with these sizes do not survive.
pub(super) fn unsurvived(
    problem: &Problem,
    open: &[usize],
    size: &[f64],
    slack: f64,
    most: usize,
) -> Vec<Stuck> {
    let mut found = Vec::new();
    for (index, state) in problem.states.iter().enumerate() {
        if !state.is_served {
            let service = transport::serve(state, open, size, false, slack);
            if !service.stuck.is_empty() {
                found.push(Stuck { state: index, lost: None, customers: service.stuck });
            }
        }
        if problem.must_survive_loss {
            let losses =
                transport::unsurvived_losses(state, open, size, slack, most.saturating_sub(found.len()));
            found.extend(losses.into_iter().map(|(site, customers)| Stuck {
                state: index,
                lost: Some(site),
                customers,
            }));
        }
        if found.len() >= most {
            break;
        }
    }
    found
}

/// The sites of a cut on sizes that `open` did not fulfil, and the right-hand side.
fn size_cut(problem: &Problem, open: &[usize], stuck: &Stuck) -> (Vec<usize>, f64) {
    let state = &problem.states[stuck.state];
    let demand = stuck.customers.iter().map(|&customer| state.demand[customer]).sum();
    let sites = open.iter().copied().filter(|&site| Some(site) != stuck.lost);
    let reach = sites
        .filter(|&site| stuck.customers.iter().any(|&customer| state.is_reached(site, customer)))
        .collect();
    (reach, demand)
}

/// What a program came to.
pub(super) enum Outcome<T> {
    Found(T),
    Impossible,
    /// The program could not be solved in time or numerically.
    Unknown,
}

/// The least sizes, `least` or more, that survive everything, by site; learnt cuts go to `learnt`.
pub(super) fn least_sizes(
    problem: &Problem,
    open: &[usize],
    least: &[f64],
    learnt: &mut Vec<Stuck>,
) -> Outcome<Vec<f64>> {
    let slack = 100.0 * problem.load_tolerance;
    let violated = unsurvived(problem, open, least, slack, usize::MAX);
    if violated.is_empty() {
        return Outcome::Found(least.to_vec());
    }
    let mut program = microlp::Problem::new(OptimizationDirection::Minimize);
    program.set_time_limit(PATIENCE);
    let variables: Vec<Variable> = open
        .iter()
        .map(|&site| program.add_var(1.0, (least[site], problem.size_max[site].max(least[site]))))
        .collect();
    for stuck in &violated {
        let (reach, demand) = size_cut(problem, open, stuck);
        program.add_constraint(terms(open, &variables, &reach), ComparisonOp::Ge, demand);
    }
    learnt.extend(violated);
    let solution = with_cuts(problem, open, &variables, program.solve(), learnt, slack);
    read(solution, |solution| sizes_of(problem, open, &variables, solution))
}

fn terms(open: &[usize], variables: &[Variable], reach: &[usize]) -> Vec<(Variable, f64)> {
    let chosen = open.iter().zip(variables).filter(|(site, _)| reach.contains(site));
    chosen.map(|(_, &variable)| (variable, 1.0)).collect()
}

fn sizes_of(problem: &Problem, open: &[usize], variables: &[Variable], solution: &Solution) -> Vec<f64> {
    let mut size = vec![0.0; problem.sites];
    for (&site, &variable) in open.iter().zip(variables) {
        size[site] = solution.var_value(variable).clamp(0.0, problem.size_max[site]);
    }
    size
}

/// Adds cuts until the sizes survive everything.
fn with_cuts(
    problem: &Problem,
    open: &[usize],
    sizes: &[Variable],
    first: Result<SolveOutcome, Error>,
    learnt: &mut Vec<Stuck>,
    slack: f64,
) -> Result<Option<Solution>, Error> {
    let mut outcome = first?;
    for _ in 0..ROUNDS_MAX {
        let Ok(mut solution) = outcome.into_solution() else {
            return Ok(None);
        };
        let size = sizes_of(problem, open, sizes, &solution);
        let violated = unsurvived(problem, open, &size, slack, open.len());
        if violated.is_empty() {
            return Ok(Some(solution));
        }
        let last = violated.len() - 1;
        let mut next = None;
        for (index, stuck) in violated.iter().enumerate() {
            let (reach, demand) = size_cut(problem, open, stuck);
            let edited = solution.add_constraint(terms(open, sizes, &reach), ComparisonOp::Ge, demand)?;
            if index == last {
                next = Some(edited);
                break;
            }
            let Ok(edited) = edited.into_solution() else {
                return Ok(None);
            };
            solution = edited;
        }
        learnt.extend(violated);
        let Some(edited) = next else {
            return Ok(None);
        };
        outcome = edited;
    }
    Ok(None)
}

fn read<T>(solution: Result<Option<Solution>, Error>, of: impl FnOnce(&Solution) -> T) -> Outcome<T> {
    match solution {
        Ok(Some(solution)) => Outcome::Found(of(&solution)),
        Err(Error::Infeasible) => Outcome::Impossible,
        Ok(None) | Err(_) => Outcome::Unknown,
    }
}

/// Service in shares, by served state, and sizes by site.
pub(super) struct Budgeted {
    pub(super) shares: Vec<Vec<Vec<(usize, f64)>>>,
    pub(super) size: Vec<f64>,
}

/// The least costly service in shares, of the open sites within the budget, surviving everything. `states` are the served
/// states, perhaps with less reach than the problem's own.
pub(super) fn least_cost(
    problem: &Problem,
    states: &[Scaled],
    open: &[usize],
    learnt: &mut Vec<Stuck>,
) -> Outcome<Budgeted> {
    let mut program = microlp::Problem::new(OptimizationDirection::Minimize);
    program.set_time_limit(PATIENCE);
    let sizes: Vec<Variable> = open
        .iter()
        .map(|&site| program.add_var(0.0, (problem.size_min[site], problem.size_max[site])))
        .collect();
    let all: Vec<(Variable, f64)> = sizes.iter().map(|&size| (size, 1.0)).collect();
    program.add_constraint(all, ComparisonOp::Le, problem.budget);
    let mut flows: Vec<(usize, usize, usize, Variable)> = Vec::new();
    for (served, state) in states.iter().enumerate() {
        let mut loads: Vec<Vec<(Variable, f64)>> = sizes.iter().map(|&size| vec![(size, -1.0)]).collect();
        for customer in (0..problem.customers).filter(|&customer| state.demand[customer] > 0.0) {
            let demand = state.demand[customer];
            let mut parts = Vec::new();
            for (place, &site) in open.iter().enumerate() {
                let cost = state.cost[site * problem.customers + customer];
                if cost.is_finite() {
                    let flow = program.add_var(cost / demand, (0.0, demand));
                    flows.push((served, customer, site, flow));
                    parts.push((flow, 1.0));
                    loads[place].push((flow, 1.0));
                }
            }
            program.add_constraint(parts, ComparisonOp::Eq, demand);
        }
        for load in loads {
            program.add_constraint(load, ComparisonOp::Le, 0.0);
        }
    }
    let slack = 100.0 * problem.load_tolerance;
    let solution = with_cuts(problem, open, &sizes, program.solve(), learnt, slack);
    read(solution, |solution| Budgeted {
        shares: shares_of(problem, states, open, &flows, solution),
        size: sizes_of(problem, open, &sizes, solution),
    })
}

fn shares_of(
    problem: &Problem,
    states: &[Scaled],
    open: &[usize],
    flows: &[(usize, usize, usize, Variable)],
    solution: &Solution,
) -> Vec<Vec<Vec<(usize, f64)>>> {
    let mut shares = vec![vec![Vec::new(); problem.customers]; states.len()];
    for &(served, customer, site, flow) in flows {
        let share = solution.var_value(flow) / states[served].demand[customer];
        if share > 1e-9 {
            shares[served][customer].push((site, share));
        }
    }
    for (served, state) in states.iter().enumerate() {
        for (customer, parts) in shares[served].iter_mut().enumerate() {
            let sum: f64 = parts.iter().map(|part| part.1).sum();
            for part in parts.iter_mut() {
                part.1 /= sum;
            }
            let cost = |site: usize| state.cost[site * problem.customers + customer];
            let nearest = open.iter().copied().min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
            if let Some(nearest) = nearest.filter(|_| parts.is_empty()) {
                parts.push((nearest, 1.0));
            }
        }
    }
    shares
}
