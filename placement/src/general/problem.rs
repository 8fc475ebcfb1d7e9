use crate::general::Infeasible;
use crate::solve::{Instance, Standing};

/// A demand below this part of the mean one weighs nothing: it is served wherever that is cheapest.
const WEIGHTLESS: f64 = 1e-10;

/// What is decided about a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// Nothing.
    Free,
    /// It is open.
    Open,
    /// It is not.
    Closed,
}

/// A state in scaled numbers.
#[derive(Clone, Debug)]
pub(super) struct Scaled {
    /// Of each customer; the mean over the customers of the largest state is 1, and what weighs nothing is 0.
    pub(super) demand: Vec<f64>,
    /// Weight × service cost, at `site * customers + customer`; infinite where the site may not serve the customer.
    pub(super) cost: Vec<f64>,
    /// Sum of `demand`.
    pub(super) total: f64,
    /// Whether who serves whom is part of the choice; otherwise it only has to be possible.
    pub(super) is_served: bool,
}

impl Scaled {
    pub(super) fn is_reached(&self, site: usize, customer: usize) -> bool {
        self.cost[site * self.demand.len() + customer].is_finite()
    }
}

/// An [`Instance`] that is well formed, scaled to numbers near 1, with sizes no larger than can be of use.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) sites: usize,
    pub(super) customers: usize,
    pub(super) cost_unit: f64,
    pub(super) demand_unit_bps: f64,
    pub(super) opening: Vec<f64>,
    pub(super) size_max: Vec<f64>,
    pub(super) size_min: Vec<f64>,
    /// Infinite when it cannot bind.
    pub(super) budget: f64,
    pub(super) open_min: usize,
    pub(super) open_max: usize,
    pub(super) fixes: Vec<Fix>,
    pub(super) is_whole: bool,
    pub(super) must_survive_loss: bool,
    pub(super) states: Vec<Scaled>,
    /// Indices of the states with `is_served`.
    pub(super) served: Vec<usize>,
    /// Loads that differ by no more are the same.
    pub(super) load_tolerance: f64,
}

impl Problem {
    pub(super) fn new(instance: &Instance) -> Result<Self, Infeasible> {
        refuse_malformed(instance)?;
        let sites = instance.sites.len();
        let customers = instance.states[0].demand_bps.len();
        let largest =
            instance.states.iter().map(|state| state.demand_bps.iter().sum::<f64>()).fold(0.0, f64::max);
        if !largest.is_finite() {
            return Err(Infeasible::Malformed("demands too large to be added"));
        }
        let demand_unit_bps = if largest > 0.0 { largest / customers.max(1) as f64 } else { 1.0 };
        let cost_unit = cost_unit(instance);
        let states: Vec<Scaled> = (0..instance.states.len())
            .map(|state| scale(instance, state, cost_unit, demand_unit_bps))
            .collect();
        let served = (0..states.len()).filter(|&state| states[state].is_served).collect();
        let useful = states.iter().map(|state| state.total).fold(0.0, f64::max);
        let size_min: Vec<f64> =
            instance.sites.iter().map(|site| site.size_min_bps / demand_unit_bps).collect();
        let size_max = instance
            .sites
            .iter()
            .zip(&size_min)
            .map(|(site, &least)| {
                (site.size_max_bps.min(instance.budget_bps) / demand_unit_bps).min(useful.max(least))
            })
            .collect();
        let mut problem = Self {
            sites,
            customers,
            cost_unit,
            demand_unit_bps,
            opening: instance.sites.iter().map(|site| site.opening_cost / cost_unit).collect(),
            size_max,
            size_min,
            budget: instance.budget_bps / demand_unit_bps,
            open_min: instance.open_min,
            open_max: instance.open_max,
            fixes: vec![Fix::Free; sites],
            is_whole: instance.is_whole,
            must_survive_loss: instance.must_survive_loss,
            states,
            served,
            load_tolerance: 1e-9 * useful.max(f64::MIN_POSITIVE),
        };
        problem.fix_standing(instance)?;
        problem.refuse_impossible(instance)?;
        problem.drop_slack_budget();
        Ok(problem)
    }

    fn fix_standing(&mut self, instance: &Instance) -> Result<(), Infeasible> {
        for (index, site) in instance.sites.iter().enumerate() {
            let is_possible = self.size_min[index] <= self.size_max[index] * (1.0 + 1e-12);
            self.fixes[index] = match site.standing {
                Standing::Built if !is_possible => return Err(Infeasible::NoChoice),
                Standing::Built => Fix::Open,
                Standing::Free if is_possible => Fix::Free,
                Standing::Free | Standing::Forbidden => Fix::Closed,
            };
            self.size_max[index] = self.size_max[index].max(self.size_min[index]);
        }
        let possible = self.fixes.iter().filter(|&&fix| fix != Fix::Closed).count();
        let built = self.fixes.iter().filter(|&&fix| fix == Fix::Open).count();
        self.open_max = self.open_max.min(possible);
        if self.open_min > self.open_max || built > self.open_max {
            return Err(Infeasible::MoreSitesNeeded {
                needed: self.open_min.max(built),
                allowed: self.open_max,
            });
        }
        Ok(())
    }

    /// What can be seen without a search.
    fn refuse_impossible(&self, instance: &Instance) -> Result<(), Infeasible> {
        let spare = usize::from(self.must_survive_loss);
        let mut sizes: Vec<f64> = (0..self.sites)
            .filter(|&site| self.fixes[site] != Fix::Closed)
            .map(|site| self.size_max[site])
            .collect();
        sizes.sort_unstable_by(|a, b| b.total_cmp(a));
        for (index, state) in self.states.iter().enumerate() {
            let served = self.served_state(index);
            let possible = || (0..self.sites).filter(|&site| self.fixes[site] != Fix::Closed);
            for customer in 0..self.customers {
                let reached = possible().filter(|&site| state.is_reached(site, customer)).count();
                let is_served = possible().any(|site| served.is_reached(site, customer));
                if reached < 1 + spare || !is_served {
                    return Err(Infeasible::Unreachable { state: index, customer });
                }
            }
            if state.total - self.budget > self.load_tolerance {
                let shortfall_bps =
                    instance.states[index].demand_bps.iter().sum::<f64>() - instance.budget_bps;
                return Err(Infeasible::BudgetBelowDemand { state: index, shortfall_bps });
            }
            let all: f64 = sizes.iter().skip(spare).sum();
            if state.total - all > self.load_tolerance {
                return Err(Infeasible::SizesBelowDemand {
                    state: index,
                    shortfall_bps: self.to_bps(state.total - all),
                });
            }
            let needed = self.sites_needed(&sizes, state.total, self.must_survive_loss);
            if self.customers > 0 && needed > self.open_max {
                return Err(Infeasible::MoreSitesNeeded { needed, allowed: self.open_max });
            }
        }
        Ok(())
    }

    /// The state with the reach it has when every site is open and nothing is lost: whole customers fit or are out of it.
    pub(super) fn served_state(&self, state: usize) -> Scaled {
        let mut state = self.states[state].clone();
        for site in (0..self.sites).filter(|_| self.is_whole) {
            for customer in 0..self.customers {
                if state.demand[customer] > self.size_max[site] + self.load_tolerance {
                    state.cost[site * self.customers + customer] = f64::INFINITY;
                }
            }
        }
        state
    }

    /// A cost that no plan is over.
    pub(super) fn ceiling(&self) -> f64 {
        let mut opening: Vec<f64> = self.opening.iter().map(|cost| cost.max(0.0)).collect();
        opening.sort_unstable_by(|a, b| b.total_cmp(a));
        let mut ceiling: f64 = opening.iter().take(self.open_max).sum();
        for &state in &self.served {
            for customer in 0..self.customers {
                let costs =
                    (0..self.sites).map(|site| self.states[state].cost[site * self.customers + customer]);
                ceiling += costs.filter(|cost| cost.is_finite()).fold(f64::NEG_INFINITY, f64::max);
            }
        }
        ceiling + 1e-6 * (1.0 + ceiling.abs())
    }

    fn to_bps(&self, scaled: f64) -> f64 {
        scaled * self.demand_unit_bps
    }

    /// How many sites of these sizes (largest first) it takes at least to carry `demand`, after the loss of the largest
    /// if `is_lossy`; more than there are when all are too few.
    pub(super) fn sites_needed(&self, sizes: &[f64], demand: f64, is_lossy: bool) -> usize {
        let spare = usize::from(is_lossy);
        let mut carried = 0.0;
        let mut needed = 1 + spare;
        for (index, size) in sizes.iter().enumerate().skip(spare) {
            if carried >= demand - self.load_tolerance {
                break;
            }
            carried += size;
            needed = needed.max(index + 1);
        }
        if carried < demand - self.load_tolerance {
            return sizes.len() + 1;
        }
        // The best use of a budget under loss is equal sizes: of n sites, n − 1 carry (n − 1)/n of it.
        while is_lossy && needed <= sizes.len() {
            let left = self.budget * (1.0 - 1.0 / needed as f64);
            if left >= demand - self.load_tolerance {
                break;
            }
            needed += 1;
        }
        needed
    }

    fn drop_slack_budget(&mut self) {
        let mut sizes: Vec<f64> = (0..self.sites)
            .filter(|&site| self.fixes[site] != Fix::Closed)
            .map(|site| self.size_max[site])
            .collect();
        sizes.sort_unstable_by(|a, b| b.total_cmp(a));
        let most: f64 = sizes.iter().take(self.open_max).sum();
        // With one state and neither losses nor smallest sizes a site's size is its load, and loads sum to the demand.
        let is_load = self.states.len() == 1
            && !self.must_survive_loss
            && self.size_min.iter().all(|&size_min| size_min <= 0.0);
        if self.budget >= most || is_load {
            self.budget = f64::INFINITY;
        }
    }
}

/// Whether the numbers are an instance at all.
pub(crate) fn refuse_malformed(instance: &Instance) -> Result<(), Infeasible> {
    let Some(first) = instance.states.first() else {
        return Err(Infeasible::Malformed("no state"));
    };
    let customers = first.demand_bps.len();
    let sites = instance.sites.len();
    if instance.budget_bps.is_nan() || instance.budget_bps < 0.0 {
        return Err(Infeasible::Malformed("a budget that is negative or no number"));
    }
    for site in &instance.sites {
        if !site.opening_cost.is_finite() || !(0.0..f64::INFINITY).contains(&site.size_min_bps) {
            return Err(Infeasible::Malformed("a site's cost or smallest size is no finite number"));
        }
        if site.size_max_bps.is_nan() || site.size_max_bps < 0.0 {
            return Err(Infeasible::Malformed("a site's largest size is negative or no number"));
        }
    }
    for state in &instance.states {
        if state.demand_bps.len() != customers
            || Some(state.service_cost.len()) != customers.checked_mul(sites)
        {
            return Err(Infeasible::Malformed("states of different shape"));
        }
        if !(0.0..f64::INFINITY).contains(&state.weight) || state.lost.iter().any(|&site| site >= sites) {
            return Err(Infeasible::Malformed("a state's weight or a lost site"));
        }
        if !state.demand_bps.iter().all(|demand| (0.0..f64::INFINITY).contains(demand)) {
            return Err(Infeasible::Malformed("a demand that is negative or not finite"));
        }
        if state.service_cost.iter().any(|&cost| cost.is_nan() || cost == f64::NEG_INFINITY) {
            return Err(Infeasible::Malformed("a service cost that is no number"));
        }
    }
    Ok(())
}

/// The largest finite cost: scaled by it, none is over 1.
fn cost_unit(instance: &Instance) -> f64 {
    let service = instance
        .states
        .iter()
        .flat_map(|state| state.service_cost.iter().map(move |cost| (cost * state.weight).abs()))
        .filter(|cost| cost.is_finite())
        .fold(0.0, f64::max);
    let unit = instance.sites.iter().map(|site| site.opening_cost.abs()).fold(service, f64::max);
    if unit.is_normal() { unit } else { 1.0 }
}

fn scale(instance: &Instance, index: usize, cost_unit: f64, demand_unit_bps: f64) -> Scaled {
    let state = &instance.states[index];
    let (sites, customers) = (instance.sites.len(), state.demand_bps.len());
    let mut cost = vec![f64::INFINITY; sites * customers];
    for (at, &raw) in state.service_cost.iter().enumerate() {
        let (customer, site) = (at / sites, at % sites);
        if raw.is_finite() {
            cost[site * customers + customer] = raw * state.weight / cost_unit;
        }
    }
    for &site in &state.lost {
        cost[site * customers..(site + 1) * customers].fill(f64::INFINITY);
    }
    let demand: Vec<f64> = state
        .demand_bps
        .iter()
        .map(|demand| demand / demand_unit_bps)
        .map(|demand| if demand < WEIGHTLESS { 0.0 } else { demand })
        .collect();
    let total = demand.iter().sum();
    Scaled { demand, cost, total, is_served: instance.is_whole || state.weight > 0.0 }
}
