use core::ops::ControlFlow;
use std::path::Path;

use super::shape::{Figure, Point, Series};
use crate::input::{InputError, parse};
use crate::model::{Normal, Objective, Problem};
use crate::plan::{PlanError, Summary, summary};
use crate::solve::Effort;

/// Figures 2 and 3a go from 4 regions up (section III-B).
pub(super) const REGIONS_MIN: usize = 4;
/// Figures 3b and 4: ρ from 0 to 0.7 in steps of 0.05.
const RHO_STEPS: u32 = 14;
/// Steps of ρ in 1.
const RHO_STEPS_IN_ONE: f64 = 20.0;

/// The paper's twenty regions with stated costs and delays: `placement/data/china-2009.toml`, built in.
///
/// # Errors
/// None, unless the file built in is broken.
pub fn paper_problem() -> Result<Problem, InputError> {
    parse(include_str!("../../data/china-2009.toml"), "china-2009.toml", Path::new(""))
}

/// A problem's plans by the four models, along one line of a figure.
pub(super) struct Sweep {
    /// Each step: its x, and one plan for each model of [`Objective::PAPER`].
    pub(super) steps: Vec<(f64, Vec<Summary>)>,
}

/// The first `regions` regions of a problem, and the sites in them. Units stay those of the whole.
pub(super) fn first_regions(problem: &Problem, regions: usize) -> Problem {
    let mut part = problem.clone();
    part.regions.truncate(regions);
    part.sites.retain(|site| site.region < regions);
    part.delays = problem.delays.first(regions);
    part.delay_unit_ms = Some(Normal::new(problem, &problem.customers()).delay_unit_ms);
    part
}

/// A problem with the same ρ everywhere.
pub(super) fn with_rho(problem: &Problem, rho: f64) -> Problem {
    let mut changed = problem.clone();
    changed.regions.iter_mut().for_each(|region| region.rho = rho);
    changed
}

fn rho_at(step: u32) -> f64 {
    f64::from(step) / RHO_STEPS_IN_ONE
}

/// One plan for each model of the paper.
pub(super) fn by_model(problem: &Problem, effort: &Effort) -> Result<Vec<Summary>, PlanError> {
    let solved = |objective: Objective| {
        let variant = Problem { objective, ..problem.clone() };
        summary(&variant, effort, &mut |_| ControlFlow::Continue(()))
    };
    Objective::PAPER.into_iter().map(solved).collect()
}

/// Over the number of regions, at the problem's own ρ.
pub(super) fn over_regions(problem: &Problem, effort: &Effort) -> Result<Sweep, PlanError> {
    let counts = u32::try_from(REGIONS_MIN).unwrap_or(0)..=u32::try_from(problem.regions.len()).unwrap_or(0);
    let step = |count: u32| {
        let part = first_regions(problem, usize::try_from(count).unwrap_or(usize::MAX));
        by_model(&part, effort).map(|plans| (f64::from(count), plans))
    };
    Ok(Sweep { steps: counts.map(step).collect::<Result<_, _>>()? })
}

/// Every plan of the paper's grid: 4 models, 4 to all regions, ρ from 0 to 0.7.
///
/// # Errors
/// [`PlanError`]: one of the problems in it has no plan.
pub fn paper_grid(problem: &Problem, effort: &Effort) -> Result<Vec<Summary>, PlanError> {
    let mut plans = Vec::new();
    for count in REGIONS_MIN..=problem.regions.len() {
        let part = first_regions(problem, count);
        for step in 0..=RHO_STEPS {
            plans.extend(by_model(&with_rho(&part, rho_at(step)), effort)?);
        }
    }
    Ok(plans)
}

/// Over ρ, with all regions.
pub(super) fn over_rho(problem: &Problem, effort: &Effort) -> Result<Sweep, PlanError> {
    let step = |step: u32| {
        let rho = rho_at(step);
        by_model(&with_rho(problem, rho), effort).map(|plans| (rho, plans))
    };
    Ok(Sweep { steps: (0..=RHO_STEPS).map(step).collect::<Result<_, _>>()? })
}

impl Sweep {
    /// The line of each model.
    pub(super) fn series(&self, y: impl Fn(&Summary) -> f64) -> Vec<Series> {
        let line = |(model, objective): (usize, Objective)| {
            let point =
                |(x, plans): &(f64, Vec<Summary>)| plans.get(model).map(|plan| Point { x: *x, y: y(plan) });
            Series {
                name: objective.name().to_owned(),
                points: self.steps.iter().filter_map(point).collect(),
            }
        };
        Objective::PAPER.into_iter().enumerate().map(line).collect()
    }

    /// The plans of one model with their x.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = (f64, &Summary)> {
        let model = Objective::PAPER.iter().position(|objective| objective.name() == name);
        self.steps.iter().filter_map(move |(x, plans)| plans.get(model?).map(|plan| (*x, plan)))
    }

    /// All plans.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Summary> {
        self.steps.iter().flat_map(|(_, plans)| plans)
    }
}

const COST: &str = "placement cost f_pc, parts of all demand at the highest unit cost";
const DELAY: &str = "connection cost f_cc, mean delay in ms";
const BOTH: &str = "integrated cost f_pc × f_cc in ms";

/// The six figures.
pub(super) fn draw(regions: &Sweep, rho: &Sweep) -> Vec<Figure> {
    type Axis = (&'static str, fn(&Summary) -> f64);
    let cost: Axis = (COST, |plan| plan.f_pc);
    let delay: Axis = (DELAY, |plan| plan.f_cc_ms);
    let both: Axis = (BOTH, |plan| plan.integrated_cost_ms);
    let figure = |name: &str, title: &str, x_label: &str, sweep: &Sweep, (y_label, y): Axis| Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        x_label: x_label.to_owned(),
        y_label: y_label.to_owned(),
        series: sweep.series(y),
    };
    let counts = "regions";
    let share = "ρ, the peers' share";
    vec![
        figure("2a", "Placement cost over the number of regions, ρ = 0", counts, regions, cost),
        figure("2b", "Delay over the number of regions, ρ = 0", counts, regions, delay),
        figure("3a", "Integrated cost over the number of regions, ρ = 0", counts, regions, both),
        figure("3b", "Integrated cost over ρ, 20 regions", share, rho, both),
        figure("4a", "Placement cost over ρ, 20 regions", share, rho, cost),
        figure("4b", "Delay over ρ, 20 regions", share, rho, delay),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_has_twenty_regions_in_its_order() {
        let problem = paper_problem().unwrap();
        assert_eq!(problem.regions.len(), 20);
        assert_eq!(problem.sites.len(), 20);
        assert_eq!(problem.sites[4].name, "GD");
        let users: f64 = problem.regions.iter().map(|region| region.viewers).sum();
        // Table II, added up.
        assert!((users - 116_060.0).abs() < 1.0, "{users}");
    }
}
