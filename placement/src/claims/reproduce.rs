use super::figures::{Sweep, draw, over_regions, over_rho};
use super::grid::{is_below_both, over_intra_and_spread};
use super::shape::{Claim, Reproduction};
use super::switches::{Switch, switches};
use crate::model::{Objective, Problem};
use crate::plan::{PlanError, Summary};
use crate::solve::Effort;

/// Equal up to this part.
const SAME: f64 = 1e-9;
/// Steps in which switches of LTCM are looked for: so fine that a region hardly switches twice in one.
const SWITCH_STEPS: u32 = 140;
const RHO_MAX: f64 = 0.7;

/// Draws the paper's figures from `problem`, [`super::paper_problem`] or another with one channel and no limits, and holds
/// them against what the paper says.
///
/// # Errors
/// [`PlanError`]: one of the problems in it has no plan.
pub fn reproduce(problem: &Problem, effort: &Effort) -> Result<Reproduction, PlanError> {
    let regions = over_regions(problem, effort)?;
    let rho = over_rho(problem, effort)?;
    let ltcm = Problem { objective: Objective::LTCM, ..problem.clone() };
    let switches = switches(&ltcm, RHO_MAX, SWITCH_STEPS, effort)?;
    let claims = vec![
        order(
            "2a",
            "MPCM costs least, MCCM most, MTCM and LTCM lie between",
            &regions,
            ["MPCM", "MCCM"],
            |plan| plan.f_pc,
        ),
        slightly_worse(&regions),
        order(
            "2b",
            "MCCM is fastest, MPCM slowest, MTCM and LTCM lie between",
            &regions,
            ["MCCM", "MPCM"],
            |plan| plan.f_cc_ms,
        ),
        below_both(&regions),
        straight("3b", "MTCM's integrated cost falls in a straight line in ρ", &rho, |plan| {
            plan.integrated_cost_ms
        }),
        straight("4a", "MTCM's placement cost falls in a straight line in ρ", &rho, |plan| plan.f_pc),
        constant_sites(&rho),
        ltcm_changes(&switches),
        closed_form(problem, &switches),
    ];
    let all = || regions.plans().chain(rho.plans());
    Ok(Reproduction {
        about: problem.about.clone(),
        plans: all().count(),
        is_proven: all().all(|plan| plan.is_proven),
        figures: draw(&regions, &rho),
        claims,
        grid: over_intra_and_spread(problem, effort)?,
    })
}

fn claim(figure: &str, statement: &str, holds: bool, found: String) -> Claim {
    Claim { figure: figure.to_owned(), statement: statement.to_owned(), holds, found }
}

/// One figure of one model at all steps.
fn values(sweep: &Sweep, name: &str, of: fn(&Summary) -> f64) -> Vec<f64> {
    sweep.of(name).map(|(_, plan)| of(plan)).collect()
}

fn order(
    figure: &str,
    statement: &str,
    sweep: &Sweep,
    [least, most]: [&str; 2],
    of: fn(&Summary) -> f64,
) -> Claim {
    let [least, most] = [values(sweep, least, of), values(sweep, most, of)];
    let mut broken = Vec::new();
    for name in ["MTCM", "LTCM"] {
        let steps = sweep.of(name).map(|(x, plan)| (x, of(plan)));
        for (((x, between), least), most) in steps.zip(&least).zip(&most) {
            if between < least * (1.0 - SAME) || between > most * (1.0 + SAME) {
                broken.push(format!("{name} at {x}"));
            }
        }
    }
    let found = if broken.is_empty() {
        format!("at all {} counts of regions", least.len())
    } else {
        format!("not for {}", broken.join(", "))
    };
    claim(figure, statement, broken.is_empty(), found)
}

/// "Slightly worse than MPCM but much better than MCCM", at the largest count of regions.
fn slightly_worse(sweep: &Sweep) -> Claim {
    let cost = |name: &str| sweep.of(name).last().map_or(f64::NAN, |(_, plan)| plan.f_pc);
    let [mpcm, mccm] = [cost("MPCM"), cost("MCCM")];
    let part = |name: &str| (cost(name) - mpcm) / (mccm - mpcm);
    let [mtcm, ltcm] = [part("MTCM"), part("LTCM")];
    let found = format!(
        "of the way from MPCM's cost to MCCM's, MTCM goes {:.0} % and LTCM {:.0} %",
        mtcm * 100.0,
        ltcm * 100.0
    );
    let statement =
        "MTCM and LTCM cost slightly more than MPCM and much less than MCCM (nearer to MPCM, 20 regions)";
    claim("2a", statement, mtcm < 0.5 && ltcm < 0.5, found)
}

fn below_both(sweep: &Sweep) -> Claim {
    let above: Vec<String> = sweep
        .steps
        .iter()
        .filter(|(_, plans)| !is_below_both(plans))
        .map(|(count, _)| count.to_string())
        .collect();
    let found = if above.is_empty() {
        format!("at all {} counts of regions", sweep.steps.len())
    } else {
        format!(
            "at {} of {} counts of regions; not at {}",
            sweep.steps.len() - above.len(),
            sweep.steps.len(),
            above.join(", ")
        )
    };
    claim(
        "3a",
        "the integrated costs of MTCM and LTCM are below those of both others",
        above.is_empty(),
        found,
    )
}

fn straight(figure: &str, statement: &str, sweep: &Sweep, of: fn(&Summary) -> f64) -> Claim {
    let points: Vec<(f64, f64)> = sweep.of("MTCM").map(|(rho, plan)| (rho, of(plan))).collect();
    let at_zero = points.first().map_or(f64::NAN, |(_, value)| *value);
    let off = |(rho, value): &(f64, f64)| (value / (at_zero * (1.0 - rho)) - 1.0).abs();
    let worst = points.iter().map(off).fold(0.0, f64::max);
    let found = format!("off the line (1 − ρ) × its value at 0 by {worst:.0e} at most");
    claim(figure, statement, worst < SAME, found)
}

fn constant_sites(sweep: &Sweep) -> Claim {
    let mut plans = sweep.of("MTCM").map(|(_, plan)| plan);
    let first = plans.next();
    let is_constant = first.is_some_and(|first| {
        plans.all(|plan| plan.open == first.open && (plan.f_cc_ms / first.f_cc_ms - 1.0).abs() < SAME)
    });
    let sites = first.map_or_else(String::new, |first| first.open.join(", "));
    claim("4b", "MTCM keeps its sites and its delay whatever ρ is", is_constant, format!("sites {sites}"))
}

fn ltcm_changes(switches: &[Switch]) -> Claim {
    let mut at: Vec<f64> = switches.iter().map(|switch| switch.found_rho).collect();
    at.sort_by(f64::total_cmp);
    let at: Vec<String> = at.iter().map(|rho| format!("{rho:.2}")).collect();
    let found = format!(
        "{} regions change their site, at ρ = {} (the paper, with its own numbers: at 0.4, 0.5 and 0.6)",
        at.len(),
        at.join(", ")
    );
    claim("4b", "LTCM changes its sites as ρ grows", !switches.is_empty(), found)
}

fn closed_form(problem: &Problem, switches: &[Switch]) -> Claim {
    let off = |switch: &Switch| (switch.found_rho - switch.closed_form_rho).abs();
    let worst = switches.iter().map(off).fold(0.0, f64::max);
    let first = switches.first().map_or_else(String::new, |switch| {
        let region = problem.regions.get(switch.region).map_or("", |region| region.name.as_str());
        let site = |site: usize| problem.sites.get(site).map_or("", |site| site.name.as_str());
        format!(
            ", such as {region} from {} to {} at {:.4}",
            site(switch.from),
            site(switch.to),
            switch.found_rho
        )
    });
    let found = format!("{} switches found by halving, off by {worst:.0e} at most{first}", switches.len());
    let statement = "LTCM gives region j from i to i' at ρ = 1 − 0.3 (L_i'j − L_ij) / (0.7 (c_i − c_i'))";
    claim("4b", statement, !switches.is_empty() && worst < SAME, found)
}
