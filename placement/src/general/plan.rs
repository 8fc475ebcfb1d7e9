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
/// less reach than the problem's own. A thorough look at whole customers within a budget is dear, but bounds what they cost.
pub(super) fn evaluate(
    problem: &Problem,
    served: &[Scaled],
    open: &[usize],
    cutoff: f64,
    is_thorough: bool,
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
    let shares = services.into_iter().map(|service| service.shares).collect();
    let relaxed = Plan { cost: floor, open: open.to_vec(), shares, size: None };
    let plan =
        if problem.is_whole { whole(problem, served, &relaxed, &problem.size_max) } else { Some(relaxed) };
    match plan {
        Some(plan) if !problem.budget.is_finite() => Verdict::Plan { plan, floor },
        Some(plan) => within_budget(problem, served, plan, floor, is_thorough.then_some(cutoff), cuts),
        None => Verdict::Unknown(floor),
    }
}

/// The plan with whole customers, if they are found a place.
fn whole(problem: &Problem, served: &[Scaled], relaxed: &Plan, size: &[f64]) -> Option<Plan> {
    let mut plan = Plan { shares: Vec::new(), size: None, ..relaxed.clone() };
    for (state, shares) in served.iter().zip(&relaxed.shares) {
        let sites = assign::assign(state, &plan.open, size, shares, problem.load_tolerance)?;
        plan.shares.push(sites.into_iter().map(|site| vec![(site, 1.0)]).collect());
    }
    plan.cost = cost(problem, &plan);
    Some(plan)
}

fn nearest_cost(state: &Scaled, open: &[usize]) -> f64 {
    let customers = state.demand.len();
    let nearest = |customer| {
        open.iter().map(|&site| state.cost[site * customers + customer]).fold(f64::INFINITY, f64::min)
    };
    (0..customers).map(nearest).sum()
}

/// Gives the plan sizes, if the least that survive everything are within the budget.
fn sized(problem: &Problem, mut plan: Plan, learnt: &mut Vec<Stuck>) -> Outcome<Plan> {
    match sizes::least_sizes(problem, &plan.open, &least(problem, &plan), learnt) {
        Outcome::Found(size)
            if size.iter().sum::<f64>() <= problem.budget + 100.0 * problem.load_tolerance =>
        {
            plan.size = Some(size);
            Outcome::Found(plan)
        }
        Outcome::Found(_) | Outcome::Impossible => Outcome::Impossible,
        Outcome::Unknown => Outcome::Unknown,
    }
}

/// Keeps the plan if its sites need no more than the budget, or looks for one that does.
fn within_budget(
    problem: &Problem,
    served: &[Scaled],
    plan: Plan,
    floor: f64,
    thorough: Option<f64>,
    cuts: &mut Cuts,
) -> Verdict {
    let mut learnt = Vec::new();
    let relaxed = Plan { shares: Vec::new(), ..plan.clone() };
    let is_exact = plan.cost <= floor + 1e-12 * floor.abs();
    let verdict = match sized(problem, plan, &mut learnt) {
        Outcome::Found(plan) if is_exact || thorough.is_none() => Verdict::Plan { plan, floor },
        Outcome::Impossible if problem.is_whole && is_forced(problem, served, &relaxed.open) => {
            Verdict::Impossible
        }
        found if problem.is_whole => {
            let plan = if let Outcome::Found(plan) = found { Some(plan) } else { None };
            match (thorough, plan) {
                (Some(cutoff), plan) => budgeted_whole(problem, served, relaxed, plan, cutoff, &mut learnt),
                (None, Some(plan)) => Verdict::Plan { plan, floor },
                (None, None) => Verdict::Unknown(floor),
            }
        }
        Outcome::Found(_) | Outcome::Impossible | Outcome::Unknown => {
            match budgeted(problem, served, relaxed, &mut learnt) {
                Outcome::Found(plan) => Verdict::Plan { floor: plan.cost, plan },
                Outcome::Impossible => Verdict::Impossible,
                Outcome::Unknown => Verdict::Unknown(floor),
            }
        }
    };
    for stuck in &learnt {
        cuts.learn(problem, stuck);
    }
    verdict
}

/// The best plan in shares with these sites within the budget.
fn budgeted(problem: &Problem, served: &[Scaled], mut plan: Plan, learnt: &mut Vec<Stuck>) -> Outcome<Plan> {
    match sizes::least_cost(problem, served, &plan.open, learnt) {
        Outcome::Found(found) => {
            plan.shares = found.shares;
            plan.size = Some(found.size);
            plan.cost = cost(problem, &plan);
            Outcome::Found(plan)
        }
        Outcome::Impossible => Outcome::Impossible,
        Outcome::Unknown => Outcome::Unknown,
    }
}

/// A bound for whole customers within the budget by shares, and the better of `known` and what rounding those gives.
fn budgeted_whole(
    problem: &Problem,
    served: &[Scaled],
    relaxed: Plan,
    known: Option<Plan>,
    cutoff: f64,
    learnt: &mut Vec<Stuck>,
) -> Verdict {
    let opening: f64 = relaxed.open.iter().map(|&site| problem.opening[site]).sum();
    let unlimited = opening + served.iter().map(|state| nearest_cost(state, &relaxed.open)).sum::<f64>();
    let shared = match budgeted(problem, served, relaxed, learnt) {
        Outcome::Found(shared) => shared,
        Outcome::Impossible => {
            return known.map_or(Verdict::Impossible, |plan| Verdict::Plan { plan, floor: unlimited });
        }
        Outcome::Unknown => {
            return known
                .map_or(Verdict::Unknown(unlimited), |plan| Verdict::Plan { plan, floor: unlimited });
        }
    };
    // Rounding of the program's answer may put it a little over what it stands for.
    let floor = shared.cost - 1e-7 * (1.0 + shared.cost.abs()) * f64::from(u8::from(shared.cost > unlimited));
    if known.is_none() && floor >= cutoff {
        return Verdict::Costly(floor);
    }
    let size = shared.size.clone().unwrap_or_else(|| problem.size_max.clone());
    let rounded = whole(problem, served, &shared, &size).and_then(|plan| {
        if let Outcome::Found(plan) = sized(problem, plan, learnt) { Some(plan) } else { None }
    });
    let best = [known, rounded].into_iter().flatten().min_by(|a, b| a.cost.total_cmp(&b.cost));
    best.map_or(Verdict::Unknown(floor), |plan| Verdict::Plan { plan, floor })
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
