//! What flags change of a problem.

use livesky_placement::input::{Contribution, read_contribution};
use livesky_placement::model::{Assignment, Objective, Problem};
use livesky_placement::solve::Instance;

use super::args::{ChangeArgs, EffortArgs, Model};
use super::problems::failure;
use crate::failure::Failure;
use livesky_placement::solve::Effort;

/// Names listed in a message at most.
const NAMES_MAX: usize = 5;

/// Changes a problem as the flags say; gives what is to be said of it, a line each.
///
/// # Errors
/// Flags that do not go together, and what is wrong with the file of `--rho-from`.
pub fn change(problem: &mut Problem, args: &ChangeArgs) -> Result<Vec<String>, Failure> {
    problem.objective = objective(problem.objective, args)?;
    if let Some(rho) = args.rho {
        problem.regions.iter_mut().for_each(|region| region.rho = rho);
    }
    let notes = match &args.rho_from {
        Some(path) => contribute(problem, &read_contribution(path).map_err(|error| failure(&error))?)?,
        None => Vec::new(),
    };
    let (open_min, open_max) = sites(args, problem.limits.open_min, problem.limits.open_max);
    let limits = &mut problem.limits;
    (limits.open_min, limits.open_max) = (open_min, open_max);
    if let Some(mbps) = args.budget_mbps {
        limits.budget_bps = mbps * 1e6;
    }
    if args.is_failover {
        limits.survives_loss = true;
    }
    if args.is_whole {
        limits.assignment = Assignment::Whole;
    }
    if let Some(ms) = args.delay_max_ms {
        problem.delay_model.threshold_ms = ms;
    }
    if let Some(demand) = args.demand {
        problem.demand_rule = demand.rule();
    }
    Ok(notes)
}

/// The same for numbers alone, as far as they know it.
pub fn change_instance(instance: &mut Instance, args: &ChangeArgs) {
    (instance.open_min, instance.open_max) = sites(args, instance.open_min, instance.open_max);
    instance.is_whole |= args.is_whole;
    instance.must_survive_loss |= args.is_failover;
}

/// How long a search goes on.
#[must_use]
pub fn effort(args: &EffortArgs) -> Effort {
    let default = Effort::default();
    Effort {
        time_limit: args.time_limit_s.map(core::time::Duration::from_secs_f64).or(default.time_limit),
        gap_goal: args.gap.unwrap_or(default.gap_goal).max(default.gap_goal),
        seed: args.seed.unwrap_or(default.seed),
    }
}

/// The fewest and the most sites. Where a problem wants more than are allowed, what is said here counts.
fn sites(args: &ChangeArgs, open_min: usize, open_max: usize) -> (usize, usize) {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    match (args.sites_exactly, args.sites_max) {
        (Some(exactly), _) => (count(exactly), count(exactly)),
        (None, Some(most)) => (open_min.min(count(most)), count(most)),
        (None, None) => (open_min, open_max),
    }
}

/// The model asked for. A problem's own numbers stay when the model is its own.
fn objective(own: Objective, args: &ChangeArgs) -> Result<Objective, Failure> {
    let asked = match args.objective.map(Model::objective) {
        Some(asked) if asked.name() != own.name() => asked,
        Some(_) | None => own,
    };
    match (asked, args.exponent) {
        (asked, None) => Ok(asked),
        (Objective::Mtcm { .. }, Some(exponent)) => Ok(Objective::Mtcm { exponent }),
        (Objective::Mpcm | Objective::Mccm | Objective::Ltcm { .. }, Some(_)) => {
            Err(Failure::new(format!("--exponent is for mtcm: {} has none", asked.name())))
        }
    }
}

/// ρ as it was measured. What was measured in a single region holds for all.
fn contribute(problem: &mut Problem, measured: &Contribution) -> Result<Vec<String>, Failure> {
    let file = &measured.file;
    let known = |name: &String| problem.regions.iter().any(|region| region.name == *name);
    let found = measured.regions.iter().filter(|(name, _)| known(name)).count();
    match measured.regions.as_slice() {
        [] => Err(Failure::new(format!("{file} has no regions: nothing was measured in them"))),
        [(name, rho)] if found == 0 => {
            problem.regions.iter_mut().for_each(|region| region.rho = *rho);
            Ok(vec![format!("{file} has the region {name} alone: its ρ of {rho:.3} is taken for all")])
        }
        regions if found == 0 => {
            let [theirs, ours] = [
                regions.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
                problem.regions.iter().map(|region| region.name.as_str()).collect(),
            ];
            Err(Failure::new(format!(
                "{file} and the problem have no region in common: {} there, {} here",
                few(&theirs),
                few(&ours)
            )))
        }
        _ => {
            let unknown = measured.apply(problem);
            let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
            let note =
                (!names.is_empty()).then(|| format!("{file} says nothing of {}: their ρ stays", few(&names)));
            Ok(note.into_iter().collect())
        }
    }
}

/// A few names.
fn few(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(objective: Option<Model>, exponent: Option<f64>) -> ChangeArgs {
        ChangeArgs { objective, exponent, ..ChangeArgs::default() }
    }

    #[test]
    fn a_model_keeps_the_problems_numbers_when_it_is_its_own() {
        let own = Objective::Ltcm { placement_weight: 0.5, connection_weight: 0.5 };
        for (args, expected) in [
            (args(None, None), Some(own)),
            (args(Some(Model::Ltcm), None), Some(own)),
            (args(Some(Model::Mccm), None), Some(Objective::Mccm)),
            (args(Some(Model::Mtcm), None), Some(Objective::MTCM)),
            (args(Some(Model::Mtcm), Some(2.0)), Some(Objective::Mtcm { exponent: 2.0 })),
            (args(None, Some(2.0)), None),
            (args(Some(Model::Mpcm), Some(2.0)), None),
        ] {
            assert_eq!(objective(own, &args).ok(), expected, "{args:?}");
        }
    }

    #[test]
    fn numbers_of_sites() {
        let none = ChangeArgs::default();
        assert_eq!(sites(&none, 2, 7), (2, 7));
        assert_eq!(sites(&ChangeArgs { sites_max: Some(4), ..none.clone() }, 2, 7), (2, 4));
        assert_eq!(sites(&ChangeArgs { sites_max: Some(4), ..none.clone() }, 8, 8), (4, 4));
        assert_eq!(sites(&ChangeArgs { sites_exactly: Some(4), ..none }, 2, 7), (4, 4));
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        assert_eq!(few(&["a", "b"]), "a, b");
        assert_eq!(few(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
    }
}
