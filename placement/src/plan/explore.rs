use core::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::made::summary;
use super::shape::Plan;
use crate::model::{Objective, Problem};
use crate::solve::{Effort, Progress, SolveError};

/// A plan in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What was minimised.
    pub model: Objective,
    /// What it costs, in units of the objective.
    pub objective: f64,
    /// No plan costs less.
    pub bound: f64,
    /// 0 is proof.
    pub gap: f64,
    /// Whether the gap is within the effort's goal.
    pub is_proven: bool,
    /// (7) in the normal state.
    pub f_pc: f64,
    /// (10) in the normal state, in ms.
    pub f_cc_ms: f64,
    /// f_pc × f_cc, in ms.
    pub integrated_cost_ms: f64,
    /// Traffic and opening in the normal state, in currency per month.
    pub cost_per_month: f64,
    /// The longest delay in the normal state, in ms.
    pub worst_delay_ms: f64,
    /// All sizes together, in bit/s.
    pub sizes_bps: f64,
    /// The open sites' names.
    pub open: Vec<String>,
}

impl From<&Plan> for Summary {
    fn from(plan: &Plan) -> Self {
        let normal = plan.normal();
        Self {
            model: plan.model,
            objective: plan.objective,
            bound: plan.bound,
            gap: plan.gap,
            is_proven: plan.is_proven,
            f_pc: normal.map_or(0.0, |state| state.f_pc),
            f_cc_ms: normal.map_or(0.0, |state| state.f_cc_ms),
            integrated_cost_ms: normal.map_or(0.0, |state| state.integrated_cost_ms),
            cost_per_month: plan.cost_per_month(),
            worst_delay_ms: normal.map_or(0.0, |state| state.worst_delay_ms),
            sizes_bps: plan.sizes_bps,
            open: plan.sites.iter().map(|site| site.name.clone()).collect(),
        }
    }
}

/// A plan, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There is one.
    Plan(Summary),
    /// There is none.
    None {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// The plan, if there is one.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        match self {
            Self::Plan(summary) => Some(summary),
            Self::None { .. } => None,
        }
    }
}

/// What a small change of one limit does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is changed, in words with numbers: "7 sites instead of 6".
    pub what: String,
    /// What comes of it.
    pub outcome: Outcome,
}

/// MTCM with one p.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// p.
    pub exponent: f64,
    /// What comes of it.
    pub outcome: Outcome,
    /// Whether another point is no worse in cost and in delay, and better in one.
    pub is_dominated: bool,
}

/// A plan with the same ρ everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RhoPoint {
    /// ρ of every region.
    pub rho: f64,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Plans one variant of a problem after another, each with the whole `effort`, until it is told to stop.
struct Explorer<'a> {
    effort: &'a Effort,
    progress: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    is_stopped: bool,
}

impl Explorer<'_> {
    fn outcome(&mut self, problem: &Problem) -> Outcome {
        if self.is_stopped {
            return Outcome::None { why: SolveError::Stopped.to_string() };
        }
        let found = summary(problem, self.effort, &mut |progress| {
            let flow = (self.progress)(progress);
            self.is_stopped |= flow.is_break();
            flow
        });
        found.map_or_else(|error| Outcome::None { why: error.to_string() }, Outcome::Plan)
    }
}

/// What one site more or less buys, and a tenth more or less of the budget and of the delay threshold; without a
/// threshold, of the longest delay in `base`, the problem's plan. Each variant is solved with the whole effort.
pub fn sensitivity(
    problem: &Problem,
    base: &Plan,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Vec<Change> {
    let mut explorer = Explorer { effort, progress, is_stopped: false };
    let variants = variants(problem, base);
    let change = |(what, problem): (String, Problem)| {
        let outcome = explorer.outcome(&problem);
        Change { what, outcome }
    };
    variants.into_iter().map(change).collect()
}

fn variants(problem: &Problem, base: &Plan) -> Vec<(String, Problem)> {
    let mut variants = Vec::new();
    let mut vary = |what: String, change: &dyn Fn(&mut Problem)| {
        let mut variant = problem.clone();
        change(&mut variant);
        variants.push((what, variant));
    };
    let open = base.sites.len();
    for count in [open.saturating_sub(1), open + 1] {
        if count > 0 && count <= problem.sites.len() {
            vary(format!("{count} sites instead of {open}"), &|variant| {
                variant.limits.open_min = count;
                variant.limits.open_max = count;
            });
        }
    }
    for factor in [0.9, 1.1] {
        let budget_bps = problem.limits.budget_bps * factor;
        if budget_bps.is_finite() {
            let what = format!(
                "a budget of {:.1} Mbit/s instead of {:.1}",
                budget_bps / 1e6,
                budget_bps / factor / 1e6
            );
            vary(what, &|variant| variant.limits.budget_bps = budget_bps);
        }
    }
    let limit_ms = problem.delay_model.threshold_ms;
    let from_ms = if limit_ms.is_finite() {
        limit_ms
    } else {
        base.normal().map_or(f64::INFINITY, |state| state.worst_delay_ms)
    };
    for factor in [0.9, 1.1] {
        let threshold_ms = from_ms * factor;
        // A looser limit than none buys nothing.
        if threshold_ms.is_finite() && threshold_ms > 0.0 && (limit_ms.is_finite() || factor < 1.0) {
            let what = format!("no delay above {threshold_ms:.1} ms instead of {from_ms:.1} ms");
            vary(what, &|variant| variant.delay_model.threshold_ms = threshold_ms);
        }
    }
    variants
}

/// MTCM over its exponents: the plans between the cheapest and the fastest.
pub fn front(
    problem: &Problem,
    exponents: &[f64],
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Vec<FrontPoint> {
    let mut explorer = Explorer { effort, progress, is_stopped: false };
    let point = |exponent: &f64| {
        let objective = Objective::Mtcm { exponent: *exponent };
        let outcome = explorer.outcome(&Problem { objective, ..problem.clone() });
        FrontPoint { exponent: *exponent, outcome, is_dominated: false }
    };
    let mut points: Vec<FrontPoint> = exponents.iter().map(point).collect();
    let found: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| point.outcome.summary())
        .map(|found| (found.f_pc, found.f_cc_ms))
        .collect();
    for point in &mut points {
        let Some(own) = point.outcome.summary() else { continue };
        point.is_dominated = found.iter().any(|other| dominates(*other, (own.f_pc, own.f_cc_ms)));
    }
    points
}

/// Whether `one` is no worse in both, and better in one by more than rounding.
fn dominates(one: (f64, f64), other: (f64, f64)) -> bool {
    let worse = |a: f64, b: f64| a > b + b.abs() * 1e-9;
    !worse(one.0, other.0) && !worse(one.1, other.1) && (worse(other.0, one.0) || worse(other.1, one.1))
}

/// The four models of the paper side by side, under the problem's own limits.
pub fn models(
    problem: &Problem,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Vec<(Objective, Outcome)> {
    let mut explorer = Explorer { effort, progress, is_stopped: false };
    // The problem's own weights and exponent stand for its own model.
    let own = problem.objective;
    let models = Objective::PAPER.map(|model| if model.name() == own.name() { own } else { model });
    let outcome =
        |objective: Objective| (objective, explorer.outcome(&Problem { objective, ..problem.clone() }));
    models.into_iter().map(outcome).collect()
}

/// The problem's model with the same ρ in every region, for each of `rhos`.
pub fn rho_effect(
    problem: &Problem,
    rhos: &[f64],
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Vec<RhoPoint> {
    let mut explorer = Explorer { effort, progress, is_stopped: false };
    let point = |rho: &f64| {
        let mut variant = problem.clone();
        variant.regions.iter_mut().for_each(|region| region.rho = *rho);
        RhoPoint { rho: *rho, outcome: explorer.outcome(&variant) }
    };
    rhos.iter().map(point).collect()
}
