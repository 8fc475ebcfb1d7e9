use crate::solve::{Instance, Share, Solution, Standing, State};

/// What may be rounding: this part of a state's demand, or of the costs.
const TOLERANCE: f64 = 1e-6;

/// What a plan does not keep to.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// The solution's vectors are not as long as the instance's.
    Shape,
    /// A built site is closed, or a forbidden one open: which.
    Standing(usize),
    /// Fewer or more sites are open than may be: how many.
    OpenCount(usize),
    /// A customer's shares are not positive parts of 1, name a site twice, or one that is closed, lost or may not serve
    /// it, or are several where customers are whole.
    Service {
        /// Index of the state.
        state: usize,
        /// Index of the customer.
        customer: usize,
    },
    /// A site's size is outside its limits, or not 0 although it is closed: which.
    Size(usize),
    /// A site's load in a state is over its size.
    Load {
        /// Index of the state.
        state: usize,
        /// Index of the site.
        site: usize,
    },
    /// (15): the sizes sum to more than the budget: to what, in bit/s.
    Budget(f64),
    /// After the loss of an open site the others cannot serve everybody.
    Loss {
        /// Index of the state.
        state: usize,
        /// Index of the lost site.
        site: usize,
    },
    /// The objective is not what the plan costs: that is it.
    Objective(f64),
    /// The bound is over the objective, or no number.
    Bound,
}

/// Everything that a plan does not keep to, rounding aside; empty for a plan that holds. The instance must be well formed.
#[must_use]
pub fn check(instance: &Instance, solution: &Solution) -> Vec<Violation> {
    if !has_shape(instance, solution) {
        return vec![Violation::Shape];
    }
    let mut found = Vec::new();
    check_sites(instance, solution, &mut found);
    for index in 0..instance.states.len() {
        check_state(instance, solution, index, &mut found);
    }
    if instance.must_survive_loss {
        check_losses(instance, solution, &mut found);
    }
    let (cost, magnitude) = cost(instance, solution);
    let is_right = (cost - solution.objective).abs() <= TOLERANCE * magnitude;
    if !is_right {
        found.push(Violation::Objective(cost));
    }
    if solution.bound.is_nan() || solution.bound > solution.objective + TOLERANCE * magnitude {
        found.push(Violation::Bound);
    }
    found
}

fn has_shape(instance: &Instance, solution: &Solution) -> bool {
    let sites = instance.sites.len();
    solution.is_open.len() == sites
        && solution.size_bps.len() == sites
        && solution.service.len() == instance.states.len()
        && instance.states.iter().zip(&solution.service).all(|(state, service)| {
            service.len() == state.demand_bps.len()
                && state.service_cost.len() == sites * state.demand_bps.len()
                && service.iter().flatten().all(|share| share.site < sites)
        })
}

fn slack_bps(instance: &Instance) -> f64 {
    let total = |state: &State| state.demand_bps.iter().sum::<f64>();
    TOLERANCE * instance.states.iter().map(total).fold(0.0, f64::max)
}

fn check_sites(instance: &Instance, solution: &Solution, found: &mut Vec<Violation>) {
    let slack = slack_bps(instance);
    for (index, site) in instance.sites.iter().enumerate() {
        let is_open = solution.is_open[index];
        let is_allowed = match site.standing {
            Standing::Free => true,
            Standing::Built => is_open,
            Standing::Forbidden => !is_open,
        };
        if !is_allowed {
            found.push(Violation::Standing(index));
        }
        let size = solution.size_bps[index];
        let (least, most) = if is_open { (site.size_min_bps, site.size_max_bps) } else { (0.0, 0.0) };
        let is_sized = size >= least - slack && size <= most + slack;
        if !is_sized {
            found.push(Violation::Size(index));
        }
    }
    let open = solution.is_open.iter().filter(|&&is_open| is_open).count();
    if open < instance.open_min || open > instance.open_max {
        found.push(Violation::OpenCount(open));
    }
    let sum: f64 = solution.size_bps.iter().sum();
    let is_within = sum <= instance.budget_bps + slack;
    if !is_within {
        found.push(Violation::Budget(sum));
    }
}

fn check_state(instance: &Instance, solution: &Solution, index: usize, found: &mut Vec<Violation>) {
    let state = &instance.states[index];
    let mut load_bps = vec![0.0; instance.sites.len()];
    for (customer, shares) in solution.service[index].iter().enumerate() {
        let sum: f64 = shares.iter().map(|share| share.share).sum();
        let is_distinct =
            shares.iter().enumerate().all(|(at, a)| shares[..at].iter().all(|b| a.site != b.site));
        let is_fine = (sum - 1.0).abs() <= TOLERANCE
            && is_distinct
            && (!instance.is_whole || shares.len() == 1)
            && shares.iter().all(|share| {
                share.share > 0.0
                    && solution.is_open[share.site]
                    && !state.lost.contains(&share.site)
                    && service_cost(instance, state, customer, share).is_finite()
            });
        if !is_fine {
            found.push(Violation::Service { state: index, customer });
        }
        for share in shares {
            load_bps[share.site] += share.share * state.demand_bps[customer];
        }
    }
    let slack = slack_bps(instance);
    for (site, load) in load_bps.into_iter().enumerate() {
        if load > solution.size_bps[site] + slack {
            found.push(Violation::Load { state: index, site });
        }
    }
}

fn service_cost(instance: &Instance, state: &State, customer: usize, share: &Share) -> f64 {
    state.service_cost[customer * instance.sites.len() + share.site]
}

/// What the plan costs, and the sum of the magnitudes that went into it.
pub(super) fn cost(instance: &Instance, solution: &Solution) -> (f64, f64) {
    let mut parts: Vec<f64> = Vec::new();
    for (site, is_open) in instance.sites.iter().zip(&solution.is_open) {
        if *is_open {
            parts.push(site.opening_cost);
        }
    }
    for (state, service) in instance.states.iter().zip(&solution.service) {
        for (customer, shares) in service.iter().enumerate() {
            for share in shares.iter().filter(|_| state.weight > 0.0) {
                parts.push(state.weight * share.share * service_cost(instance, state, customer, share));
            }
        }
    }
    (parts.iter().sum(), parts.iter().map(|part| part.abs()).sum())
}

fn check_losses(instance: &Instance, solution: &Solution, found: &mut Vec<Violation>) {
    for (index, state) in instance.states.iter().enumerate() {
        for site in (0..instance.sites.len()).filter(|&site| solution.is_open[site]) {
            if unserved_bps(instance, solution, state, site)
                .is_none_or(|unserved| unserved > slack_bps(instance))
            {
                found.push(Violation::Loss { state: index, site });
            }
        }
    }
}

/// What the sites cannot carry without `lost`; nothing when somebody is out of reach. A maximum flow along shortest paths
/// (Edmonds and Karp), from customers through sites.
fn unserved_bps(instance: &Instance, solution: &Solution, state: &State, lost: usize) -> Option<f64> {
    let sites = instance.sites.len();
    let is_usable = |site: usize| solution.is_open[site] && site != lost && !state.lost.contains(&site);
    let reach: Vec<Vec<usize>> = (0..state.demand_bps.len())
        .map(|customer| {
            let finite = |site: &usize| state.service_cost[customer * sites + site].is_finite();
            (0..sites).filter(|&site| is_usable(site)).filter(finite).collect()
        })
        .collect();
    if reach.iter().any(Vec::is_empty) {
        return None;
    }
    let mut left_bps = solution.size_bps.clone();
    let mut waiting_bps = state.demand_bps.clone();
    // The flow of each customer to each site.
    let mut flow_bps = vec![0.0; state.demand_bps.len() * sites];
    let grain = 1e-3 * slack_bps(instance);
    for (customer, waiting) in waiting_bps.iter_mut().enumerate() {
        for &site in &reach[customer] {
            let amount = waiting.min(left_bps[site]).max(0.0);
            *waiting -= amount;
            left_bps[site] -= amount;
            flow_bps[customer * sites + site] += amount;
        }
    }
    for customer in 0..waiting_bps.len() {
        while waiting_bps[customer] > grain {
            let Some(path) = path_to_room(&reach, &flow_bps, &left_bps, customer, grain) else {
                break;
            };
            push(&path, customer, sites, &mut waiting_bps, &mut left_bps, &mut flow_bps);
        }
    }
    Some(waiting_bps.iter().sum())
}

/// A step of a path: the customer moves to the site.
type Step = (usize, usize);

fn path_to_room(
    reach: &[Vec<usize>],
    flow_bps: &[f64],
    left_bps: &[f64],
    start: usize,
    grain: f64,
) -> Option<Vec<Step>> {
    let sites = left_bps.len();
    // Through which customer, and from which site, each site was reached.
    let mut came: Vec<Option<(usize, Option<usize>)>> = vec![None; sites];
    let mut queue: Vec<usize> = Vec::new();
    for &site in &reach[start] {
        came[site] = Some((start, None));
        queue.push(site);
    }
    let mut at = 0;
    while at < queue.len() {
        let site = queue[at];
        at += 1;
        if left_bps[site] > grain {
            let mut path = Vec::new();
            let mut step = Some(site);
            while let Some(to) = step {
                let (customer, from) = came[to]?;
                path.push((customer, to));
                step = from;
            }
            path.reverse();
            return Some(path);
        }
        for customer in (0..reach.len()).filter(|customer| flow_bps[customer * sites + site] > grain) {
            for &next in &reach[customer] {
                if came[next].is_none() {
                    came[next] = Some((customer, Some(site)));
                    queue.push(next);
                }
            }
        }
    }
    None
}

fn push(
    path: &[Step],
    customer: usize,
    sites: usize,
    waiting_bps: &mut [f64],
    left_bps: &mut [f64],
    flow_bps: &mut [f64],
) {
    let Some(&(_, end)) = path.last() else {
        return;
    };
    let mut amount = waiting_bps[customer].min(left_bps[end]);
    for (before, step) in path.iter().zip(&path[1..]) {
        amount = amount.min(flow_bps[step.0 * sites + before.1]);
    }
    for (before, step) in path.iter().zip(&path[1..]) {
        flow_bps[step.0 * sites + before.1] -= amount;
    }
    for &(who, to) in path {
        flow_bps[who * sites + to] += amount;
    }
    waiting_bps[customer] -= amount;
    left_bps[end] -= amount;
}
