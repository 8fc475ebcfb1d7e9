use super::figures::{REGIONS_MIN, by_model, first_regions};
use super::shape::Grid;
use crate::model::{Delays, Normal, Objective, Problem, ratio};
use crate::plan::{PlanError, Summary};
use crate::solve::Effort;

/// What is below what by less than this part is not below it.
const CLEARLY: f64 = 1e-9;

/// Round trips within a region: 2.5 to 60 ms.
const INTRA_RTT_MS: [f64; 14] =
    [2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0];
/// From hardly any spread to one that puts the classes at 1, 0.57, 0.28 and 0.10.
const COST_SPREAD: [f64; 10] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5];

/// Whether both trade-off models cost less than both others, the product of cost and delay being what they cost (3a).
pub(super) fn is_below_both(plans: &[Summary]) -> bool {
    let cost = |name: &str| {
        let model = Objective::PAPER.iter().position(|objective| objective.name() == name);
        model.and_then(|model| plans.get(model)).map_or(f64::NAN, |plan| plan.integrated_cost_ms)
    };
    let limit = cost("MPCM").min(cost("MCCM")) * (1.0 - CLEARLY);
    cost("MTCM") < limit && cost("LTCM") < limit
}

/// Where 3a holds, over made delays and costs.
pub(super) fn over_intra_and_spread(problem: &Problem, effort: &Effort) -> Result<Grid, PlanError> {
    let counts: Vec<usize> = (REGIONS_MIN..=problem.regions.len()).collect();
    let total = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    let mut holds = Vec::new();
    for spread in COST_SPREAD {
        let mut row = Vec::new();
        for intra_ms in INTRA_RTT_MS {
            let made = spread_costs(&with_intra(problem, intra_ms), spread);
            let mut below = 0_u32;
            for count in &counts {
                below += u32::from(is_below_both(&by_model(&first_regions(&made, *count), effort)?));
            }
            row.push(ratio(f64::from(below), f64::from(total)));
        }
        holds.push(row);
    }
    Ok(Grid { intra_rtt_ms: INTRA_RTT_MS.to_vec(), cost_spread: COST_SPREAD.to_vec(), holds })
}

/// The same distances with another delay within regions.
fn with_intra(problem: &Problem, intra_ms: f64) -> Problem {
    let regions = 0..problem.regions.len();
    let row = |from: usize| {
        let entry = |to: usize| problem.delays.rtt_ms(from, to) - problem.delays.rtt_ms(to, to) + intra_ms;
        regions.clone().map(entry).collect()
    };
    let rows: Vec<Vec<f64>> = regions.clone().map(row).collect();
    let delays = Delays::from_rows(&rows).unwrap_or_default();
    Problem { delays, ..problem.clone() }
}

/// Unit costs c become c^spread.
fn spread_costs(problem: &Problem, spread: f64) -> Problem {
    let normal = Normal::new(problem, &problem.customers());
    let mut made = problem.clone();
    for site in &mut made.sites {
        site.cost_per_mbps_month =
            normal.cost_unit * ratio(site.cost_per_mbps_month, normal.cost_unit).powf(spread);
    }
    made
}
