use core::ops::ControlFlow;

use super::check::check;
use super::effort::{Effort, Progress};
use super::instance::{Instance, SiteNumbers, Solution, Standing, State};
use super::separable::cheapest_service;
use crate::facility::{self, Facilities};
use crate::general::{self, Infeasible};

/// Why there is no solution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// There is none.
    #[error("no plan meets all limits together: {why}")]
    Infeasible {
        /// What the search found out about it.
        why: String,
    },
    /// The search was stopped before it had one.
    #[error("stopped before there was a plan: allow more time")]
    Stopped,
}

/// The method that is made for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Opening is free and nothing limits it: each customer takes its cheapest site.
    Separable,
    /// Only opening costs and the number of sites tie customers together: uncapacitated facility location.
    Facility,
    /// Sizes, the budget or losses may bind: branch and cut.
    General,
}

/// Chooses the method for an instance. Limits too wide to bind are none.
#[must_use]
pub fn method(instance: &Instance) -> Method {
    let demand_bps: Vec<f64> = instance.states.iter().map(|state| state.demand_bps.iter().sum()).collect();
    let most_bps = demand_bps.iter().copied().fold(0.0, f64::max);
    let is_unlimited = |site: &SiteNumbers| site.size_max_bps >= most_bps && site.size_min_bps == 0.0;
    // With one state sizes are loads and sum to the demand. With more they may sum to more, but each load is at most what
    // its state asks for.
    let sizes_bps: f64 = demand_bps.iter().sum();
    let usable = instance.sites.iter().filter(|site| site.standing != Standing::Forbidden);
    let is_any_number = instance.open_min <= 1 && instance.open_max >= usable.clone().count();
    let binds =
        instance.must_survive_loss || instance.budget_bps < sizes_bps || !usable.clone().all(is_unlimited);
    let is_free = |site: &SiteNumbers| site.opening_cost == 0.0 || site.standing == Standing::Built;
    if binds {
        Method::General
    } else if is_any_number && usable.clone().all(is_free) {
        Method::Separable
    } else {
        Method::Facility
    }
}

/// Solves an instance with the method that is made for it. `progress` is told about ten times a second; when it breaks, the
/// best solution so far is the answer.
///
/// # Errors
/// [`SolveError`]: there is none, or it was stopped before it had one.
pub fn solve(
    instance: &Instance,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Solution, SolveError> {
    match method(instance) {
        Method::Separable => {
            let usable = |site: usize| is_usable(instance, site);
            cheapest_service(instance, usable).ok_or_else(nobody_serves)
        }
        Method::Facility => solve_facility(instance, effort, progress),
        Method::General => match unhindered(instance) {
            Some(found) => Ok(found),
            None => Ok(general::solve(instance, effort, progress)?),
        },
    }
}

impl From<Infeasible> for SolveError {
    fn from(error: Infeasible) -> Self {
        match error {
            Infeasible::Stopped => Self::Stopped,
            why @ (Infeasible::Malformed(_)
            | Infeasible::Unreachable { .. }
            | Infeasible::BudgetBelowDemand { .. }
            | Infeasible::SizesBelowDemand { .. }
            | Infeasible::MoreSitesNeeded { .. }
            | Infeasible::NoChoice) => Self::Infeasible { why: why.to_string() },
        }
    }
}

/// Everybody at the cheapest site, if that opens nothing that costs and happens to keep every limit: then nothing is better.
fn unhindered(instance: &Instance) -> Option<Solution> {
    // Who takes over from a lost site is not in these sizes.
    if instance.must_survive_loss {
        return None;
    }
    let found = cheapest_service(instance, |site| is_usable(instance, site))?;
    let opens_free = |(site, is_open): (&SiteNumbers, &bool)| !is_open || site.opening_cost == 0.0;
    let is_free = instance.sites.iter().zip(&found.is_open).all(opens_free);
    (is_free && check(instance, &found).is_empty()).then_some(found)
}

fn is_usable(instance: &Instance, site: usize) -> bool {
    instance.sites.get(site).is_some_and(|site| site.standing != Standing::Forbidden)
}

fn nobody_serves() -> SolveError {
    SolveError::Infeasible { why: "no allowed set of sites serves everybody".to_owned() }
}

/// Every state's customers are customers of their own, at their state's weight.
fn solve_facility(
    instance: &Instance,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Solution, SolveError> {
    let malformed = |error: facility::FacilitiesError| SolveError::Infeasible { why: error.to_string() };
    let opening_cost = instance.sites.iter().map(|site| site.opening_cost).collect();
    let service_cost = instance.states.iter().flat_map(|state| weighted_costs(state, instance.sites.len()));
    let mut facilities = Facilities::new(opening_cost, service_cost.collect()).map_err(malformed)?;
    for (index, site) in instance.sites.iter().enumerate() {
        match site.standing {
            Standing::Free => {}
            Standing::Built => facilities.require(index).map_err(malformed)?,
            Standing::Forbidden => facilities.forbid(index).map_err(malformed)?,
        }
    }
    facilities.limit_open(instance.open_min, instance.open_max);
    let found = facility::solve(&facilities, effort, progress).ok_or_else(nobody_serves)?;
    let is_open = |site: usize| found.open.get(site).copied().unwrap_or(false);
    let mut served = cheapest_service(instance, is_open).ok_or_else(nobody_serves)?;
    // A site that nobody uses is not opened, which may be cheaper than what was found, unless so many are asked for.
    if served.is_open.iter().filter(|is_open| **is_open).count() < instance.open_min {
        served.is_open.clone_from(&found.open);
        served.objective = found.objective;
    }
    Ok(Solution {
        bound: found.bound.min(served.objective),
        nodes: found.nodes,
        is_proven: found.is_proven,
        ..served
    })
}

/// A lost site serves nobody, and in a state that costs nothing whoever may serve is as good as any other.
fn weighted_costs(state: &State, sites: usize) -> impl Iterator<Item = f64> {
    state.service_cost.iter().enumerate().map(move |(at, cost)| {
        let is_lost = state.lost.contains(&at.checked_rem(sites).unwrap_or(0));
        match cost.is_finite() && !is_lost {
            true if state.weight > 0.0 => state.weight * cost,
            true => 0.0,
            false => f64::INFINITY,
        }
    })
}
