use super::explore::Summary;
use super::losses;
use super::shape::{OpenSite, Plan, Served, ServedBySite, StateFigures};
use crate::model::{Customer, Normal, Problem, Scenario, ratio};
use crate::solve::{Share, Solution, Standing};

/// A solved problem and what it is measured with.
pub(super) struct Solved<'a> {
    pub(super) problem: &'a Problem,
    pub(super) solution: &'a Solution,
    pub(super) customers: Vec<Customer>,
    pub(super) normal: Normal,
}

impl<'a> Solved<'a> {
    pub(super) fn new(problem: &'a Problem, solution: &'a Solution) -> Self {
        let customers = problem.customers();
        let normal = Normal::new(problem, &customers);
        Self { problem, solution, customers, normal }
    }

    /// All figures.
    pub(super) fn plan(&self) -> Plan {
        let Self { problem, solution, .. } = *self;
        let open: Vec<usize> = self.open().collect();
        let sites: Vec<OpenSite> = open.iter().filter_map(|site| self.open_site(*site)).collect();
        let opening_cost_per_month = self.opening_cost_per_month();
        let states = problem.state_names().enumerate();
        let states: Vec<StateFigures> =
            states.map(|(state, name)| self.state_figures(state, name, opening_cost_per_month)).collect();
        Plan {
            problem: problem.name.clone(),
            about: problem.about.clone(),
            currency: problem.currency.clone(),
            model: problem.objective,
            model_text: problem.objective.to_string(),
            objective: solution.objective,
            bound: solution.bound.min(solution.objective),
            gap: solution.gap(),
            is_proven: solution.is_proven,
            nodes: solution.nodes,
            assignment: states.first().map_or_else(Vec::new, |state| state.assignment.clone()),
            sizes_bps: sites.iter().map(|site| site.size_bps).sum(),
            budget_bps: finite(problem.limits.budget_bps),
            size_cost_per_month: sites
                .iter()
                .map(|site| site.size_bps / 1e6 * site.cost_per_mbps_month)
                .sum(),
            opening_cost_per_month,
            cost_unit: self.normal.cost_unit,
            delay_unit_ms: self.normal.delay_unit_ms,
            losses: open.iter().map(|site| losses::of_site(self, *site)).collect(),
            sites,
            states,
        }
    }

    /// The figures that fit a line.
    pub(super) fn summary(&self) -> Summary {
        let Self { problem, solution, .. } = *self;
        let opening_cost_per_month = self.opening_cost_per_month();
        let normal = self.state_figures(0, Scenario::NORMAL, opening_cost_per_month);
        let open = self.open().filter_map(|site| problem.sites.get(site));
        Summary {
            model: problem.objective,
            objective: solution.objective,
            bound: solution.bound.min(solution.objective),
            gap: solution.gap(),
            is_proven: solution.is_proven,
            f_pc: normal.f_pc,
            f_cc_ms: normal.f_cc_ms,
            integrated_cost_ms: normal.integrated_cost_ms,
            cost_per_month: normal.traffic_cost_per_month + opening_cost_per_month,
            worst_delay_ms: normal.worst_delay_ms,
            sizes_bps: solution.size_bps.iter().sum(),
            open: open.map(|site| site.name.clone()).collect(),
        }
    }

    /// Of the open sites that are not built already.
    fn opening_cost_per_month(&self) -> f64 {
        let open = self.open().filter_map(|site| self.problem.sites.get(site));
        open.filter(|site| site.standing != Standing::Built).map(|site| site.opening_cost_per_month).sum()
    }

    /// The sites that are open, by index.
    pub(super) fn open(&self) -> impl Iterator<Item = usize> {
        let is_open = self.solution.is_open.iter().enumerate();
        is_open.filter(|(_, is_open)| **is_open).map(|(site, _)| site)
    }

    /// Each customer of a state with its shares.
    pub(super) fn shares(&self, state: usize) -> impl Iterator<Item = (&Customer, &[Share])> {
        let service = self.solution.service.get(state);
        let shares = service.into_iter().flatten().map(Vec::as_slice);
        self.customers.iter().zip(shares)
    }

    /// `share` of `customer` in `state`, served by `site`.
    pub(super) fn served(&self, state: usize, customer: &Customer, site: usize, share: f64) -> Served {
        let problem = self.problem;
        let [from, to] = [problem.site_labels(site).isp, problem.region_labels(customer.region).isp];
        let stands_in = problem.sites.get(site).map(|site| site.region);
        Served {
            channel: problem.channels.get(customer.channel).map_or_else(String::new, |of| of.name.clone()),
            region: problem.regions.get(customer.region).map_or_else(String::new, |at| at.name.clone()),
            site: problem.sites.get(site).map_or_else(String::new, |site| site.name.clone()),
            share,
            viewers: share * problem.viewers_in(state, customer),
            traffic_bps: share * problem.server_demand_bps(state, customer),
            delay_ms: problem.round_trip_ms(site, customer.region),
            is_own_region: stands_in == Some(customer.region),
            crosses_isp: from.zip(to).map(|(from, to)| from != to),
        }
    }

    fn assignment(&self, state: usize) -> Vec<Served> {
        let each = self.shares(state).flat_map(|(customer, shares)| {
            shares.iter().map(move |share| self.served(state, customer, share.site, share.share))
        });
        each.collect()
    }

    fn open_site(&self, index: usize) -> Option<OpenSite> {
        let problem = self.problem;
        let site = problem.sites.get(index)?;
        let region = problem.regions.get(site.region)?;
        let own = self.shares(0).flat_map(|(customer, shares)| {
            let own = shares.iter().filter(|share| share.site == index);
            own.map(move |share| (customer, share.share))
        });
        let own: Vec<(&Customer, f64)> = own.collect();
        let sum =
            |of: &dyn Fn(&Customer) -> f64| own.iter().map(|(customer, share)| share * of(customer)).sum();
        let traffic_bps: f64 = sum(&|customer| problem.server_demand_bps(0, customer));
        let serves = own.iter().map(|(customer, share)| self.served(0, customer, index, *share));
        let is_built = site.standing == Standing::Built;
        Some(OpenSite {
            name: site.name.clone(),
            region: region.name.clone(),
            latitude_deg: region.coordinates.map(|at| at.latitude_deg),
            longitude_deg: region.coordinates.map(|at| at.longitude_deg),
            isp: problem.site_labels(index).isp.map(str::to_owned),
            is_built,
            cost_per_mbps_month: site.cost_per_mbps_month,
            unit_cost: self.normal.unit_costs.get(index).copied().unwrap_or_default(),
            opening_cost_per_month: if is_built { 0.0 } else { site.opening_cost_per_month },
            size_bps: self.solution.size_bps.get(index).copied().unwrap_or_default(),
            size_max_bps: finite(site.size_max_bps),
            load_bps: sum(&|customer| problem.size_demand_bps(0, customer)),
            traffic_bps,
            traffic_cost_per_month: traffic_bps / 1e6 * site.cost_per_mbps_month,
            viewers: sum(&|customer| customer.viewers),
            serves: serves.map(ServedBySite::from).collect(),
        })
    }

    fn state_figures(&self, state: usize, name: &str, opening_cost_per_month: f64) -> StateFigures {
        let assignment = self.assignment(state);
        let normal = &self.normal;
        let f_pc_opening = normal.placement_cost(opening_cost_per_month);
        let mut f_pc = f_pc_opening;
        let mut traffic_cost_per_month = 0.0;
        for (customer, shares) in self.shares(state) {
            let demand_bps = self.problem.server_demand_bps(state, customer);
            for share in shares {
                let unit_cost = normal.unit_costs.get(share.site).copied().unwrap_or_default();
                f_pc += share.share * unit_cost * ratio(demand_bps, normal.demand_bps);
                let price = self.problem.sites.get(share.site).map_or(0.0, |site| site.cost_per_mbps_month);
                traffic_cost_per_month += share.share * demand_bps / 1e6 * price;
            }
        }
        let viewers: f64 = assignment.iter().map(|served| served.viewers).sum();
        let delay_sum: f64 = assignment.iter().map(|served| served.viewers * served.delay_ms).sum();
        let f_cc_ms = ratio(delay_sum, viewers);
        let worst = worst(&assignment);
        let weights: f64 = self.problem.scenarios.iter().map(|scenario| scenario.weight).sum();
        let weight = self.problem.scenario_of(state).map_or(self.problem.normal_weight, |of| of.weight);
        StateFigures {
            name: name.to_owned(),
            weight: ratio(weight, weights + self.problem.normal_weight),
            viewers,
            demand_bps: self.customers.iter().map(|of| self.problem.full_demand_bps(state, of)).sum(),
            traffic_bps: assignment.iter().map(|served| served.traffic_bps).sum(),
            f_pc,
            f_pc_opening,
            f_cc_ms,
            f_cc: ratio(f_cc_ms, normal.delay_unit_ms),
            integrated_cost_ms: f_pc * f_cc_ms,
            traffic_cost_per_month,
            worst_delay_ms: worst.map_or(0.0, |served| served.delay_ms),
            worst_region: worst.map_or_else(String::new, |served| served.region.clone()),
            cross_isp_share: cross_isp_share(&assignment),
            outside_region_share: {
                let outside = assignment.iter().filter(|served| !served.is_own_region);
                ratio(outside.map(|served| served.viewers).sum(), viewers)
            },
            assignment,
        }
    }
}

/// Who waits longest among those who are anybody.
pub(super) fn worst(assignment: &[Served]) -> Option<&Served> {
    let present = assignment.iter().filter(|served| served.viewers > 0.0 && served.delay_ms.is_finite());
    present.max_by(|one, other| one.delay_ms.total_cmp(&other.delay_ms))
}

/// `None` unless both ends of all traffic are known.
fn cross_isp_share(assignment: &[Served]) -> Option<f64> {
    let mut crossing_bps = 0.0;
    for served in assignment {
        if served.crosses_isp? {
            crossing_bps += served.traffic_bps;
        }
    }
    Some(ratio(crossing_bps, assignment.iter().map(|served| served.traffic_bps).sum()))
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl From<Served> for ServedBySite {
    fn from(served: Served) -> Self {
        Self {
            channel: served.channel,
            region: served.region,
            share: served.share,
            viewers: served.viewers,
            delay_ms: served.delay_ms,
        }
    }
}
