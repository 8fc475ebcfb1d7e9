use super::customers::Customer;
use super::error::ProblemError;
use super::normal::{Normal, ratio};
use super::objective::Objective;
use super::problem::{Assignment, Problem};
use crate::solve::{Instance, SiteNumbers, Standing, State};

impl Problem {
    /// The problem in plain numbers, customers in the order of [`Problem::customers`], states in that of
    /// [`Problem::state_names`]. Weights of states are shares of their sum.
    ///
    /// # Errors
    /// [`ProblemError`]: what is wrong with the problem, and where.
    pub fn instance(&self) -> Result<Instance, ProblemError> {
        self.check()?;
        let customers = self.customers();
        let normal = Normal::new(self, &customers);
        let opening_factor = normal.opening_factor(self, &customers);
        let sites = self.sites.iter().map(|site| SiteNumbers {
            opening_cost: match site.standing {
                Standing::Built => 0.0,
                Standing::Free | Standing::Forbidden => {
                    opening_factor * normal.placement_cost(site.opening_cost_per_month)
                }
            },
            standing: site.standing,
            size_max_bps: site.size_max_bps,
            size_min_bps: site.size_min_bps,
        });
        let weights = self.normal_weight + self.scenarios.iter().map(|scenario| scenario.weight).sum::<f64>();
        let states = (0..=self.scenarios.len()).map(|state| self.state(state, weights, &customers, &normal));
        Ok(Instance {
            sites: sites.collect(),
            states: states.collect(),
            budget_bps: self.limits.budget_bps,
            open_min: self.limits.open_min,
            open_max: self.limits.open_max,
            is_whole: self.limits.assignment == Assignment::Whole,
            must_survive_loss: self.limits.survives_loss,
        })
    }

    fn state(&self, state: usize, weights: f64, customers: &[Customer], normal: &Normal) -> State {
        let scenario = self.scenario_of(state);
        let weight = scenario.map_or(self.normal_weight, |scenario| scenario.weight);
        let mut service_cost = Vec::with_capacity(customers.len() * self.sites.len());
        for customer in customers {
            let service = Service::new(self, state, customer, normal);
            for (site, unit_cost) in normal.unit_costs.iter().enumerate() {
                let delay_ms = self.delay_ms(site, customer.region);
                service_cost.push(service.cost(self.objective, *unit_cost, delay_ms, normal.delay_unit_ms));
            }
        }
        State {
            weight: ratio(weight, weights),
            demand_bps: customers.iter().map(|customer| self.size_demand_bps(state, customer)).collect(),
            service_cost,
            lost: scenario.map_or_else(Vec::new, |scenario| scenario.lost_sites.clone()),
        }
    }
}

/// What a customer weighs in a state, in normalised units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Service {
    /// d_j by viewers.
    pub(crate) viewers: f64,
    /// d_j (1−ρ_j) by traffic; with channels of one rate, the same d_j.
    pub(crate) server_demand: f64,
}

impl Service {
    pub(crate) fn new(problem: &Problem, state: usize, customer: &Customer, normal: &Normal) -> Self {
        Self {
            viewers: ratio(problem.viewers_in(state, customer), normal.viewers),
            server_demand: ratio(problem.server_demand_bps(state, customer), normal.demand_bps),
        }
    }

    /// What serving all of it costs in the objective.
    pub(crate) fn cost(self, objective: Objective, unit_cost: f64, delay_ms: f64, delay_unit_ms: f64) -> f64 {
        if !delay_ms.is_finite() {
            return f64::INFINITY;
        }
        let placement = self.server_demand * unit_cost;
        match objective {
            Objective::Mtcm { exponent } => placement * (self.viewers * delay_ms).powf(exponent),
            Objective::Mpcm => placement,
            Objective::Mccm => self.viewers * delay_ms,
            Objective::Ltcm { placement_weight, connection_weight } => {
                placement_weight * placement
                    + connection_weight * self.viewers * ratio(delay_ms, delay_unit_ms)
            }
        }
    }
}
