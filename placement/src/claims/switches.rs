use core::ops::ControlFlow;

use super::figures::with_rho;
use crate::model::{Normal, Objective, Problem};
use crate::plan::PlanError;
use crate::solve::{self, Effort};

/// Halvings until ρ is known to 2^-45.
const HALVINGS: u32 = 45;

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

/// All switches of `problem`, LTCM with one channel, between ρ = 0 and `rho_max`, looked for in `steps` steps. Two switches
/// of one region within a step count as one when the site between them is not seen.
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
            if from == to {
                continue;
            }
            let [mut low, mut high] = [rho(step - 1), rho(step)];
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(low, high);
                let is_before = sites_at(problem, middle, effort)?.get(region) == Some(from);
                *(if is_before { &mut low } else { &mut high }) = middle;
            }
            switches.push(Switch {
                region,
                from: *from,
                to: *to,
                found_rho: high,
                closed_form_rho: closed_form_rho(problem, &normal, region, *from, *to),
            });
        }
        before = after;
    }
    Ok(switches)
}

fn closed_form_rho(problem: &Problem, normal: &Normal, region: usize, from: usize, to: usize) -> f64 {
    let Objective::Ltcm { placement_weight, connection_weight } = problem.objective else { return f64::NAN };
    let delay = |site: usize| problem.delay_ms(site, region) / normal.delay_unit_ms;
    let cost = |site: usize| normal.unit_costs.get(site).copied().unwrap_or(f64::NAN);
    1.0 - connection_weight * (delay(to) - delay(from)) / (placement_weight * (cost(from) - cost(to)))
}
