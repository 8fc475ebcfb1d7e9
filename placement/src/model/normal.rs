use std::collections::BTreeMap;

use super::customers::Customer;
use super::objective::Objective;
use super::problem::Problem;

/// The paper's normalisation (5), (10): what turns viewers, currency and ms into plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// c_i of each site: its class's highest cost over the highest of all.
    pub unit_costs: Vec<f64>,
    /// The unit cost that counts 1, in currency per Mbit/s and month.
    pub cost_unit: f64,
    /// Σ n_j in the normal state: the viewers that count 1.
    pub viewers: f64,
    /// Σ n_j R in the normal state: the traffic that counts 1, in bit/s. Scenarios are measured against the same.
    pub demand_bps: f64,
    /// The delay that counts 1 in LTCM and in f_cc, in ms.
    pub delay_unit_ms: f64,
}

impl Normal {
    /// Of a problem and its customers.
    #[must_use]
    pub fn new(problem: &Problem, customers: &[Customer]) -> Self {
        let mut class_costs: BTreeMap<&str, f64> = BTreeMap::new();
        let mut cost_unit: f64 = 0.0;
        for site in &problem.sites {
            cost_unit = cost_unit.max(site.cost_per_mbps_month);
            if let Some(class) = &site.cost_class {
                let highest = class_costs.entry(class).or_default();
                *highest = highest.max(site.cost_per_mbps_month);
            }
        }
        let raised = problem.sites.iter().map(|site| {
            let class_cost = site.cost_class.as_deref().and_then(|class| class_costs.get(class));
            class_cost.copied().unwrap_or(site.cost_per_mbps_month)
        });
        Self {
            unit_costs: raised.map(|cost| ratio(cost, cost_unit)).collect(),
            cost_unit,
            viewers: customers.iter().map(|customer| customer.viewers).sum(),
            demand_bps: customers.iter().map(|customer| problem.full_demand_bps(0, customer)).sum(),
            delay_unit_ms: problem.delay_unit_ms.unwrap_or_else(|| longest_delay_ms(problem, customers)),
        }
    }

    /// Currency per month as a part of f_pc: over what all demand would cost at the highest unit cost.
    #[must_use]
    pub fn placement_cost(&self, currency_per_month: f64) -> f64 {
        ratio(currency_per_month, self.cost_unit * self.demand_bps / 1e6)
    }

    /// What an opening cost of 1 in f_pc counts in the objective.
    #[must_use]
    pub fn opening_factor(&self, problem: &Problem, customers: &[Customer]) -> f64 {
        match problem.objective {
            Objective::Mpcm => 1.0,
            Objective::Mccm => 0.0,
            Objective::Ltcm { placement_weight, .. } => placement_weight,
            Objective::Mtcm { exponent } => {
                let at_best = customers.iter().map(|customer| {
                    let sites = 0..problem.sites.len();
                    let delays_ms = sites.map(|site| problem.delay_ms(site, customer.region));
                    let best_ms = delays_ms.fold(f64::INFINITY, f64::min);
                    let demand = ratio(problem.full_demand_bps(0, customer), self.demand_bps);
                    demand * (ratio(customer.viewers, self.viewers) * best_ms).powf(exponent)
                });
                at_best.sum()
            }
        }
    }
}

fn longest_delay_ms(problem: &Problem, customers: &[Customer]) -> f64 {
    let pairs = customers
        .iter()
        .flat_map(|customer| (0..problem.sites.len()).map(|site| problem.delay_ms(site, customer.region)));
    pairs.filter(|delay_ms| delay_ms.is_finite()).fold(0.0, f64::max)
}

/// `part` / `whole`, and 0 where there is nothing to share.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
