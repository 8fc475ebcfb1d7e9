//! What an open set costs, and whether it serves everybody.

use crate::general::assign;
use crate::general::cut::{Cuts, Stuck};
use crate::general::problem::{Problem, Scaled};
use crate::general::sizes::{self, Outcome};
use crate::general::transport;

/// Losses from which cuts are learnt at a time.
const STUCK_MAX: usize = 4;

/// An open set with its service.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) cost: f64,
    pub(super) open: Vec<usize>,
    /// By served state and customer: sites and shares.
    pub(super) shares: Vec<Vec<Vec<(usize, f64)>>>,
    /// By site, where a budget makes them part of the plan.
    pub(super) size: Option<Vec<f64>>,
}

/// What is known about an open set.
pub(super) enum Verdict {
    /// A plan. No plan with these sites costs less than `floor`.
    Plan { plan: Plan, floor: f64 },
    /// No plan with these sites costs less than this, which is not under the cutoff.
    Costly(f64),
    /// These sites do not serve everybody.
    Impossible,
    /// There may be a plan; it costs no less than this.
    Unknown(f64),
}

/// The best plan with exactly these sites open that costs less than `cutoff`. `served` are the served states, perhaps with
/// less reach than the problem's own.
pub(super) fn evaluate(
    problem: &Problem,
    served: &[Scaled],
    open: &[usize],
    cutoff: f64,
    cuts: &mut Cuts,
) -> Verdict {
    if open.len() < problem.open_min || open.len() > problem.open_max {
        return Verdict::Impossible;
    }
    let opening: f64 = open.iter().map(|&site| problem.opening[site]).sum();
    let unlimited = opening + served.iter().map(|state| nearest_cost(state, open)).sum::<f64>();
    if unlimited >= cutoff {
        return Verdict::Costly(unlimited);
    }
    let mut services = Vec::with_capacity(served.len());
    let mut floor = opening;
    for (index, state) in served.iter().enumerate() {
        let service = transport::serve(state, open, &problem.size_max, true, problem.load_tolerance);
        if !service.stuck.is_empty() {
            // Pins do not hold elsewhere: learn from what the sites reach without them.
            let own = &problem.states[problem.served[index]];
            let free = transport::serve(own, open, &problem.size_max, false, problem.load_tolerance);
            let stuck = Stuck { state: problem.served[index], lost: None, customers: free.stuck };
            cuts.learn(problem, &stuck);
            return Verdict::Impossible;
        }
        floor += service.cost;
        services.push(service);
    }
    if floor >= cutoff {
        return Verdict::Costly(floor);
    }
    let stuck = sizes::unsurvived(problem, open, &problem.size_max, problem.load_tolerance, STUCK_MAX);
    for stuck in &stuck {
        cuts.learn(problem, stuck);
    }
    if !stuck.is_empty() {
        return Verdict::Impossible;
    }
    let mut plan = Plan { cost: floor, open: open.to_vec(), shares: Vec::new(), size: None };
    for (state, service) in served.iter().zip(services) {
        if !problem.is_whole {
            plan.shares.push(service.shares);
            continue;
        }
        let Some(sites) = assign::assign(state, open, &problem.size_max, &service, problem.load_tolerance)
        else {
            return Verdict::Unknown(floor);
        };
        let cost: f64 = sites
            .iter()
            .enumerate()
            .map(|(customer, &site)| state.cost[site * problem.customers + customer])
            .sum();
        plan.cost += cost - service.cost;
        plan.shares.push(sites.into_iter().map(|site| vec![(site, 1.0)]).collect());
    }
    if problem.budget.is_finite() {
        within_budget(problem, served, plan, floor, cuts)
    } else {
        Verdict::Plan { plan, floor }
    }
}

fn nearest_cost(state: &Scaled, open: &[usize]) -> f64 {
    let customers = state.demand.len();
    let nearest = |customer| {
        open.iter().map(|&site| state.cost[site * customers + customer]).fold(f64::INFINITY, f64::min)
    };
    (0..customers).map(nearest).sum()
}

/// Keeps the plan if its sites need no more than the budget, or finds the best that does.
fn within_budget(
    problem: &Problem,
    served: &[Scaled],
    mut plan: Plan,
    floor: f64,
    cuts: &mut Cuts,
) -> Verdict {
    let mut learnt = Vec::new();
    let least = least(problem, &plan);
    let found = sizes::least_sizes(problem, &plan.open, &least, &mut learnt);
    let verdict = match found {
        Outcome::Found(size)
            if size.iter().sum::<f64>() <= problem.budget + 100.0 * problem.load_tolerance =>
        {
            plan.size = Some(size);
            Verdict::Plan { plan, floor }
        }
        Outcome::Found(_) | Outcome::Impossible | Outcome::Unknown if problem.is_whole => {
            let is_known = !matches!(found, Outcome::Unknown);
            if is_known && is_forced(problem, served, &plan.open) {
                Verdict::Impossible
            } else {
                Verdict::Unknown(floor)
            }
        }
        Outcome::Found(_) | Outcome::Impossible | Outcome::Unknown => {
            budgeted(problem, plan, floor, &mut learnt)
        }
    };
    for stuck in &learnt {
        cuts.learn(problem, stuck);
    }
    verdict
}

fn budgeted(problem: &Problem, mut plan: Plan, floor: f64, learnt: &mut Vec<Stuck>) -> Verdict {
    match sizes::least_cost(problem, &plan.open, learnt) {
        Outcome::Found(found) => {
            plan.shares = found.shares;
            plan.size = Some(found.size);
            plan.cost = cost(problem, &plan);
            Verdict::Plan { floor: plan.cost, plan }
        }
        Outcome::Impossible => Verdict::Impossible,
        Outcome::Unknown => Verdict::Unknown(floor),
    }
}

/// What the plan costs by its shares.
pub(super) fn cost(problem: &Problem, plan: &Plan) -> f64 {
    let mut cost: f64 = plan.open.iter().map(|&site| problem.opening[site]).sum();
    for (shares, &state) in plan.shares.iter().zip(&problem.served) {
        for (customer, parts) in shares.iter().enumerate() {
            for &(site, share) in parts {
                cost += share * problem.states[state].cost[site * problem.customers + customer];
            }
        }
    }
    cost
}

/// The largest load of each site, and its smallest size if it is open.
pub(super) fn least(problem: &Problem, plan: &Plan) -> Vec<f64> {
    let mut least = vec![0.0; problem.sites];
    for &site in &plan.open {
        least[site] = problem.size_min[site];
    }
    for (shares, &state) in plan.shares.iter().zip(&problem.served) {
        let mut load = vec![0.0; problem.sites];
        for (parts, demand) in shares.iter().zip(&problem.states[state].demand) {
            for &(site, share) in parts {
                load[site] += share * demand;
            }
        }
        for (least, load) in least.iter_mut().zip(load) {
            *least = least.max(load);
        }
    }
    least
}

/// Whether every customer has one site left.
fn is_forced(problem: &Problem, served: &[Scaled], open: &[usize]) -> bool {
    served.iter().all(|state| {
        (0..problem.customers)
            .all(|customer| open.iter().filter(|&&site| state.is_reached(site, customer)).count() == 1)
    })
}
