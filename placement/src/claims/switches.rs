use core::ops::ControlFlow;

use super::figures::with_rho;
use crate::model::{Normal, Objective, Problem};
use crate::plan::PlanError;
use crate::solve::{self, Effort};

/// ρ is known when it lies between two numbers no further apart.
const RHO_STEP: f64 = 1e-12;

/// Where LTCM gives a region to another site as ρ grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// Index of the region.
    pub region: usize,
    /// Index of the site it leaves.
    pub from: usize,
    /// Index of the site it goes to.
    pub to: usize,
    /// ρ at which plans change, found by halving.
    pub found_rho: f64,
    /// ρ at which both cost the same: 1 − w_c (L_i'j − L_ij) / (w_p (c_i − c_i')), delays in delay units.
    pub closed_form_rho: f64,
}

/// The site of each region at one ρ; regions in several shares or channels count by their first.
fn sites_at(problem: &Problem, rho: f64, effort: &Effort) -> Result<Vec<usize>, PlanError> {
    let instance = with_rho(problem, rho).instance()?;
    let solution = solve::solve(&instance, effort, &mut |_| ControlFlow::Continue(()))?;
    let service = solution.service.into_iter().next().unwrap_or_default();
    Ok(service.iter().filter_map(|shares| shares.first()).map(|share| share.site).collect())
}

/// All switches of `problem`, LTCM with one channel, between ρ = 0 and `rho_max`, looked for in `steps` steps. Within a
/// step a region may switch several times; that it goes and comes back is not seen.
///
/// # Errors
/// [`PlanError`]: the problem has no plan.
pub fn switches(
    problem: &Problem,
    rho_max: f64,
    steps: u32,
    effort: &Effort,
) -> Result<Vec<Switch>, PlanError> {
    let normal = Normal::new(problem, &problem.customers());
    let mut switches = Vec::new();
    let mut before = sites_at(problem, 0.0, effort)?;
    for step in 1..=steps {
        let rho = |step: u32| rho_max * f64::from(step) / f64::from(steps);
        let after = sites_at(problem, rho(step), effort)?;
        for (region, (from, to)) in before.iter().zip(&after).enumerate() {
            let step = Interval { low: rho(step - 1), high: rho(step), from: *from, to: *to };
            for Interval { high, from, to, .. } in step.narrowed(problem, region, effort)? {
                let closed_form_rho = closed_form_rho(problem, &normal, region, from, to);
                switches.push(Switch { region, from, to, found_rho: high, closed_form_rho });
            }
        }
        before = after;
    }
    Ok(switches)
}

/// Between two ρ a region goes from one site to another.
#[derive(Clone, Copy)]
struct Interval {
    low: f64,
    high: f64,
    from: usize,
    to: usize,
}

impl Interval {
    /// The switches in it, each narrowed down by halving, in order.
    fn narrowed(self, problem: &Problem, region: usize, effort: &Effort) -> Result<Vec<Self>, PlanError> {
        let mut open = vec![self];
        let mut found = Vec::new();
        while let Some(mut interval) = open.pop() {
            if interval.from == interval.to {
                continue;
            }
            while interval.high - interval.low > RHO_STEP {
                let middle = f64::midpoint(interval.low, interval.high);
                let sites = sites_at(problem, middle, effort)?;
                let at = sites.get(region).copied().unwrap_or(interval.from);
                if at == interval.from {
                    interval.low = middle;
                    continue;
                }
                if at != interval.to {
                    open.push(Self { low: middle, from: at, ..interval });
                    interval.to = at;
                }
                interval.high = middle;
            }
            found.push(interval);
        }
        Ok(found)
    }
}

fn closed_form_rho(problem: &Problem, normal: &Normal, region: usize, from: usize, to: usize) -> f64 {
    let Objective::Ltcm { placement_weight, connection_weight } = problem.objective else { return f64::NAN };
    let delay = |site: usize| problem.delay_ms(site, region) / normal.delay_unit_ms;
    let cost = |site: usize| normal.unit_costs.get(site).copied().unwrap_or(f64::NAN);
    1.0 - connection_weight * (delay(to) - delay(from)) / (placement_weight * (cost(from) - cost(to)))
}
