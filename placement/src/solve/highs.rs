//! A second opinion: an instance as one mixed-integer program, solved by [HiGHS](https://highs.dev).
//!
//! Binaries open sites, a share per customer and site says who serves (binary for whole customers), and no share is over
//! what its site is open (the strong linking, whose relaxation is far tighter than one row per site). Sizes are columns of
//! their own only when a budget ties them together. That a loss is survived is written out: for each state and each
//! site that may be lost, shares of their own without it. While the site is closed nothing is lost, and the state's
//! own shares are such shares, so none of these rows needs to know whether it is open.

use ::highs::{Col, HighsModelStatus, HighsSolutionStatus, Model, RowProblem, Sense, SolvedModel};

use super::check::cost;
use super::effort::Effort;
use super::instance::{Instance, Share, SiteNumbers, Solution, Standing};
use crate::general::{Infeasible, refuse_malformed};

/// More shares take gigabytes, and longer than anybody waits.
const SHARES_MAX: usize = 2_000_000;
/// A smaller share is rounding.
const SHARE_MIN: f64 = 1e-9;
/// A gap that is rounding, in mean costs, where the objective is so near 0 that no part of it can be asked for.
const GAP_ABSOLUTE_MAX: f64 = 1e-9;

/// Why HiGHS gave no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HighsError {
    /// There is none.
    #[error("no plan meets all limits together")]
    Infeasible,
    /// The numbers are no instance.
    #[error(transparent)]
    Malformed(Infeasible),
    /// The time was over before there was a plan.
    #[error("stopped before there was a plan: allow more time")]
    Stopped,
    /// With shares for every state, and for every loss in it that must be survived, the program is too large to be tried.
    #[error("{shares} shares are too many for one program, at most {SHARES_MAX}")]
    TooLarge {
        /// How many there would be.
        shares: usize,
    },
    /// HiGHS did not take the program, or gave up on it: its numbers lie too far apart.
    #[error("HiGHS refused the program")]
    Refused,
}

/// Solves an instance with HiGHS, on one thread. Objective and bound are in the instance's units, and hold to HiGHS's
/// tolerances of about a millionth; nodes are not counted.
///
/// # Errors
/// [`HighsError`].
pub fn solve(instance: &Instance, effort: &Effort) -> Result<Solution, HighsError> {
    refuse_malformed(instance).map_err(HighsError::Malformed)?;
    let shares = shares(instance);
    if shares > SHARES_MAX {
        return Err(HighsError::TooLarge { shares });
    }
    let mut program = Program::new(instance)?;
    let problem = core::mem::take(&mut program.problem);
    let mut model = problem.try_optimise(Sense::Minimise).map_err(|_| HighsError::Refused)?;
    set_options(&mut model, effort).ok_or(HighsError::Refused)?;
    let solved = model.try_solve().map_err(|_| HighsError::Refused)?;
    program.read(&solved)
}

fn set_options(model: &mut Model, effort: &Effort) -> Option<()> {
    if let Some(limit) = effort.time_limit {
        model.try_set_option("time_limit", limit.as_secs_f64()).ok()?;
    }
    let seed = i32::try_from(effort.seed % u64::from(i32::MAX.unsigned_abs())).ok()?;
    model.try_set_option("random_seed", seed).ok()?;
    model.try_set_option("mip_rel_gap", effort.gap_goal).ok()?;
    model.try_set_option("mip_abs_gap", effort.gap_goal.min(GAP_ABSOLUTE_MAX)).ok()?;
    // The same seed is to give the same plan.
    model.try_set_option("threads", 1).ok()?;
    model.try_set_option("parallel", "off").ok()
}

/// How many shares the program has at most.
fn shares(instance: &Instance) -> usize {
    let pairs: usize = instance
        .states
        .iter()
        .map(|state| state.service_cost.iter().filter(|cost| cost.is_finite()).count())
        .sum();
    let losses = if instance.must_survive_loss { instance.sites.len() } else { 0 };
    pairs.saturating_mul(1 + losses)
}

/// The shares of one state, as it is or without one more site.
struct Service {
    state: usize,
    lost: Option<usize>,
    /// For each customer: the sites that may serve it, and their parts.
    parts: Vec<Vec<(usize, Col)>>,
}

struct Program<'a> {
    instance: &'a Instance,
    problem: RowProblem,
    /// What 1 is in the objective: the mean cost.
    cost_unit: f64,
    /// What 1 is in sizes: the mean demand in the largest state.
    demand_unit_bps: f64,
    /// The most that all customers of a state ask for.
    most_bps: f64,
    /// For each site.
    open: Vec<Col>,
    /// For each site, when sizes are tied together by a budget.
    size: Option<Vec<Col>>,
    /// First each state as it is, then each with its losses.
    services: Vec<Service>,
}

impl<'a> Program<'a> {
    fn new(instance: &'a Instance) -> Result<Self, HighsError> {
        let totals = instance.states.iter().map(|state| state.demand_bps.iter().sum::<f64>());
        let most_bps = totals.fold(0.0, f64::max);
        let customers = instance.states.first().map_or(0, |state| state.demand_bps.len());
        let mean_bps = most_bps / customers.max(1) as f64;
        let mut program = Self {
            instance,
            problem: RowProblem::new(),
            cost_unit: cost_unit(instance),
            demand_unit_bps: if mean_bps.is_normal() { mean_bps } else { 1.0 },
            most_bps,
            open: Vec::new(),
            size: None,
            services: Vec::new(),
        };
        program.add_sites()?;
        program.add_budget();
        for state in 0..instance.states.len() {
            program.add_service(state, None)?;
        }
        if instance.must_survive_loss {
            for (state, numbers) in instance.states.iter().enumerate() {
                let kept = |site: &usize| program.may_open(*site) && !numbers.lost.contains(site);
                let losses: Vec<usize> = (0..instance.sites.len()).filter(kept).collect();
                for lost in losses {
                    program.add_service(state, Some(lost))?;
                }
            }
        }
        Ok(program)
    }

    /// Whether the site is a choice: it is not forbidden, and its smallest size is not beyond its limits.
    fn may_open(&self, site: usize) -> bool {
        let SiteNumbers { standing, size_max_bps, size_min_bps, .. } = self.instance.sites[site];
        let most_bps = size_max_bps.min(self.instance.budget_bps);
        standing != Standing::Forbidden && size_min_bps <= most_bps * (1.0 + 1e-12)
    }

    /// The largest size that can be of use.
    fn size_max_bps(&self, site: usize) -> f64 {
        let SiteNumbers { size_max_bps, size_min_bps, .. } = self.instance.sites[site];
        size_max_bps.min(self.most_bps).max(size_min_bps)
    }

    fn add_sites(&mut self) -> Result<(), HighsError> {
        for (index, site) in self.instance.sites.iter().enumerate() {
            let is_built = site.standing == Standing::Built;
            let may_open = self.may_open(index);
            if is_built && !may_open {
                return Err(HighsError::Infeasible);
            }
            let (least, most) = (u8::from(is_built), u8::from(may_open));
            let cost = site.opening_cost / self.cost_unit;
            self.open.push(self.problem.add_integer_column(cost, least..=most));
        }
        let (least, most) = (self.instance.open_min, self.instance.open_max);
        if least > self.open.len() || least > most {
            return Err(HighsError::Infeasible);
        }
        if least > 0 || most < self.open.len() {
            let all: Vec<(Col, f64)> = self.open.iter().map(|open| (*open, 1.0)).collect();
            self.problem.add_row(least as f64..=most.min(self.open.len()) as f64, all);
        }
        Ok(())
    }

    /// Sizes within their limits where the site is open, 0 where it is not, and (15) over all of them.
    fn add_budget(&mut self) {
        let usable = (0..self.open.len()).filter(|site| self.may_open(*site));
        let useful_bps: f64 = usable.map(|site| self.size_max_bps(site)).sum();
        if self.instance.budget_bps >= useful_bps {
            return;
        }
        let mut sizes = Vec::with_capacity(self.open.len());
        for (site, &open) in self.open.iter().enumerate() {
            let (least, most) = match self.may_open(site) {
                true => (self.instance.sites[site].size_min_bps, self.size_max_bps(site)),
                false => (0.0, 0.0),
            };
            let (least, most) = (least / self.demand_unit_bps, most / self.demand_unit_bps);
            let size = self.problem.add_column(0.0, 0.0..=most);
            self.problem.add_row(..=0.0, [(size, 1.0), (open, -most)]);
            if least > 0.0 {
                self.problem.add_row(0.0.., [(size, 1.0), (open, -least)]);
            }
            sizes.push(size);
        }
        let all: Vec<(Col, f64)> = sizes.iter().map(|size| (*size, 1.0)).collect();
        self.problem.add_row(..=self.instance.budget_bps / self.demand_unit_bps, all);
        self.size = Some(sizes);
    }

    /// Everybody is served in a state, perhaps without one more site; service without it costs nothing, and may split
    /// whole customers.
    fn add_service(&mut self, index: usize, lost: Option<usize>) -> Result<(), HighsError> {
        let state = &self.instance.states[index];
        let sites = self.instance.sites.len();
        let mut parts = Vec::with_capacity(state.demand_bps.len());
        for customer in 0..state.demand_bps.len() {
            let mut own = Vec::new();
            for site in 0..sites {
                let cost = state.service_cost[customer * sites + site];
                let is_away = lost == Some(site) || state.lost.contains(&site) || !self.may_open(site);
                if is_away || !cost.is_finite() {
                    continue;
                }
                let part = if lost.is_some() {
                    self.problem.add_column(0.0, 0.0..=1.0)
                } else {
                    let cost = state.weight * cost / self.cost_unit;
                    self.problem.add_column_with_integrality(cost, 0.0..=1.0, self.instance.is_whole)
                };
                if self.instance.sites[site].standing != Standing::Built {
                    self.problem.add_row(..=0.0, [(part, 1.0), (self.open[site], -1.0)]);
                }
                own.push((site, part));
            }
            if own.is_empty() {
                return Err(HighsError::Infeasible);
            }
            self.problem.add_row(1.0..=1.0, own.iter().map(|(_, part)| (*part, 1.0)).collect::<Vec<_>>());
            parts.push(own);
        }
        self.add_loads(&state.demand_bps, &parts);
        self.services.push(Service { state: index, lost, parts });
        Ok(())
    }

    /// (14): what a site serves fits its size.
    fn add_loads(&mut self, demand_bps: &[f64], parts: &[Vec<(usize, Col)>]) {
        let mut loads: Vec<Vec<(Col, f64)>> = vec![Vec::new(); self.open.len()];
        for (own, demand_bps) in parts.iter().zip(demand_bps) {
            for &(site, part) in own.iter().filter(|_| *demand_bps > 0.0) {
                loads[site].push((part, demand_bps / self.demand_unit_bps));
            }
        }
        for (site, mut load) in loads.into_iter().enumerate() {
            let most = self.size_max_bps(site) / self.demand_unit_bps;
            match &self.size {
                Some(sizes) => load.push((sizes[site], -1.0)),
                None if load.iter().map(|(_, demand)| demand).sum::<f64>() > most => {
                    load.push((self.open[site], -most));
                }
                None => continue,
            }
            self.problem.add_row(..=0.0, load);
        }
    }

    fn read(&self, solved: &SolvedModel) -> Result<Solution, HighsError> {
        let status = solved.status();
        let is_proven = matches!(status, HighsModelStatus::Optimal | HighsModelStatus::ModelEmpty);
        // No column is unbounded.
        if matches!(status, HighsModelStatus::Infeasible | HighsModelStatus::UnboundedOrInfeasible) {
            return Err(HighsError::Infeasible);
        }
        if !is_proven && solved.primal_solution_status() != HighsSolutionStatus::Feasible {
            return Err(HighsError::Stopped);
        }
        let values = solved.get_solution();
        let is_open: Vec<bool> = self.open.iter().map(|open| values[*open] > 0.5).collect();
        let mut size_bps: Vec<f64> = vec![0.0; is_open.len()];
        let mut service = Vec::with_capacity(self.instance.states.len());
        for asked in &self.services {
            let served: Vec<Vec<Share>> = asked
                .parts
                .iter()
                .map(|own| {
                    let open = own.iter().filter(|(site, _)| is_open[*site]);
                    let raw = open.map(|(site, part)| Share { site: *site, share: values[*part] });
                    rounded(raw.collect(), self.instance.is_whole && asked.lost.is_none())
                })
                .collect();
            // What the loss of a closed site asks for is no more than what is asked for anyhow.
            if asked.lost.is_none_or(|lost| is_open[lost]) {
                let demand_bps = &self.instance.states[asked.state].demand_bps;
                raise_sizes(&mut size_bps, &served, demand_bps);
            }
            if asked.lost.is_none() {
                service.push(served);
            }
        }
        for ((size_bps, site), _) in
            size_bps.iter_mut().zip(&self.instance.sites).zip(&is_open).filter(|(_, is_open)| **is_open)
        {
            *size_bps = size_bps.max(site.size_min_bps).min(site.size_max_bps);
        }
        let bound = solved.double_info_value(c"mip_dual_bound").map_err(|_| HighsError::Refused)?;
        let mut solution =
            Solution { is_open, size_bps, service, objective: 0.0, bound, nodes: 0, is_proven };
        solution.objective = cost(self.instance, &solution).0;
        solution.bound = (bound * self.cost_unit).min(solution.objective);
        Ok(solution)
    }
}

/// Each site's size is at least its load.
fn raise_sizes(size_bps: &mut [f64], served: &[Vec<Share>], demand_bps: &[f64]) {
    let mut load_bps = vec![0.0; size_bps.len()];
    for (shares, demand_bps) in served.iter().zip(demand_bps) {
        for share in shares {
            load_bps[share.site] += share.share * demand_bps;
        }
    }
    for (size_bps, load_bps) in size_bps.iter_mut().zip(load_bps) {
        *size_bps = size_bps.max(load_bps);
    }
}

/// Shares that sum to 1 without crumbs, or the largest alone.
fn rounded(mut shares: Vec<Share>, is_whole: bool) -> Vec<Share> {
    let largest = shares.iter().copied().max_by(|a, b| a.share.total_cmp(&b.share));
    if is_whole {
        return largest.map(|largest| Share { share: 1.0, ..largest }).into_iter().collect();
    }
    shares.retain(|share| share.share > SHARE_MIN);
    let sum: f64 = shares.iter().map(|share| share.share).sum();
    shares.iter_mut().for_each(|share| share.share /= sum);
    shares
}

/// The mean of the costs that count: HiGHS's tolerances are absolute.
fn cost_unit(instance: &Instance) -> f64 {
    let service = instance
        .states
        .iter()
        .flat_map(|state| state.service_cost.iter().map(move |cost| (cost * state.weight).abs()));
    let opening = instance.sites.iter().map(|site| site.opening_cost.abs());
    let counted = service.chain(opening).filter(|cost| cost.is_finite() && *cost > 0.0);
    let (count, sum) = counted.fold((0_u32, 0.0), |(count, sum), cost| (count.saturating_add(1), sum + cost));
    let mean = sum / f64::from(count.max(1));
    if mean.is_normal() { mean } else { 1.0 }
}
