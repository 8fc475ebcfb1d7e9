//! What a report shows beside the plan itself: the same problem with one thing changed, solved again and again.

use core::ops::ControlFlow;

use crate::model::{Objective, Problem};
use crate::plan::{
    Change, FrontPoint, Outcome, Plan, RhoPoint, Summary, front, models, plan, rho_effect, sensitivity,
};
use crate::solve::{Effort, Progress};

/// p of the front, from cost alone to delay above all.
const EXPONENTS: [f64; 12] = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
/// ρ of the paper's Figures 3b and 4: 0 to 0.7 by 0.05.
const RHO_STEPS: u32 = 14;
const RHO_STEP: f64 = 0.05;
/// Numbers of sites looked at below and above the plan's.
const SITES_AROUND: usize = 4;

/// Told how far a study is, about ten times a second: what is looked at, and how far its search is. A break ends the
/// study; what it has not come to is left out.
pub type StudyProgress<'a> = dyn FnMut(&str, &Progress) -> ControlFlow<()> + 'a;

/// The problem with one thing changed at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Study {
    /// The paper's models.
    pub models: Vec<(Objective, Outcome)>,
    /// MTCM over p.
    pub front: Vec<FrontPoint>,
    /// Each of the models with the same ρ everywhere.
    pub rho: Vec<(Objective, Vec<RhoPoint>)>,
    /// The plan's model with so many sites.
    pub sites: Vec<(usize, Outcome)>,
    /// One limit loosened or tightened.
    pub changes: Vec<Change>,
}

impl Study {
    /// Studies a problem and its plan, each variant with the whole `effort`.
    #[must_use]
    pub fn of(problem: &Problem, base: &Plan, effort: &Effort, progress: &mut StudyProgress<'_>) -> Self {
        let changes = sensitivity(problem, base, effort, &mut |state| progress("limits", state));
        let sites = sites(problem, base, effort, &mut |state| progress("number of sites", state));
        let models = models(problem, effort, &mut |state| progress("models", state));
        let front = front(problem, &EXPONENTS, effort, &mut |state| progress("exponents", state));
        let rhos: Vec<f64> = (0..=RHO_STEPS).map(|step| f64::from(step) * RHO_STEP).collect();
        let over_rho = |objective: &Objective| {
            let variant = Problem { objective: *objective, ..problem.clone() };
            (
                *objective,
                rho_effect(&variant, &rhos, effort, &mut |state| progress("peers' contribution", state)),
            )
        };
        let rho = models.iter().map(|(objective, _)| objective).map(over_rho).collect();
        Self { models, front, rho, sites, changes }
    }

    /// How many variants were solved, and how many of them without proof.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let models = self.models.iter().map(|(_, outcome)| outcome);
        let front = self.front.iter().map(|point| &point.outcome);
        let rho = self.rho.iter().flat_map(|(_, points)| points.iter().map(|point| &point.outcome));
        let sites = self.sites.iter().map(|(_, outcome)| outcome);
        let changes = self.changes.iter().map(|change| &change.outcome);
        let all = models.chain(front).chain(rho).chain(sites).chain(changes);
        let solved: Vec<&Summary> = all.filter_map(Outcome::summary).collect();
        (solved.len(), solved.iter().filter(|summary| !summary.is_proven).count())
    }
}

/// The plan's model with a few sites fewer or more.
fn sites(
    problem: &Problem,
    base: &Plan,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Vec<(usize, Outcome)> {
    let open = base.sites.len();
    let counts = open.saturating_sub(SITES_AROUND).max(1)..=(open + SITES_AROUND).min(problem.sites.len());
    let mut is_stopped = false;
    let mut list = Vec::new();
    for count in counts {
        let mut variant = problem.clone();
        (variant.limits.open_min, variant.limits.open_max) = (count, count);
        let found = plan(&variant, effort, &mut |state| {
            let flow = progress(state);
            is_stopped |= flow.is_break();
            flow
        });
        let outcome = match found {
            Ok(plan) => Outcome::Plan(Summary::from(&plan)),
            Err(error) => Outcome::None { why: error.to_string() },
        };
        list.push((count, outcome));
        if is_stopped {
            break;
        }
    }
    list
}
