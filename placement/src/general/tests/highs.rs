//! Our solvers against HiGHS, which knows nothing of how they work.

use core::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::instances::{Extent, instance};
use crate::solve::highs::{self, HighsError};
use crate::solve::{Effort, Instance, SiteNumbers, SolveError, Standing, State, check, solve};

const CAP71: &str = include_str!("../../../data/or-library/cap71.txt");

fn agree(instance: &Instance) -> Result<(), TestCaseError> {
    let effort = Effort::default();
    let ours = solve(instance, &effort, &mut |_| ControlFlow::Continue(()));
    match (highs::solve(instance, &effort), ours) {
        (Ok(theirs), Ok(ours)) => {
            prop_assert_eq!(check(instance, &ours), vec![]);
            prop_assert_eq!(check(instance, &theirs), vec![]);
            prop_assert!(theirs.is_proven && ours.is_proven);
            let close = 1e-6 * ours.objective.abs().max(1.0);
            let (ours_best, theirs_best) = (ours.objective, theirs.objective);
            prop_assert!((ours_best - theirs_best).abs() <= close, "{ours_best}, HiGHS {theirs_best}");
            prop_assert!(theirs.bound >= theirs_best - close, "{} of {theirs_best}", theirs.bound);
        }
        (Err(HighsError::Infeasible), Err(SolveError::Infeasible { .. })) => {}
        (theirs, ours) => prop_assert!(false, "{ours:?}, HiGHS {theirs:?}"),
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        // PROPTEST_CASES scales them.
        cases: u32::max(1, cases * default.cases / 256),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/placement_highs.txt",
        ))),
        ..default
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn random_instances(instance in instance(Extent { sites: 6, customers: 8, states: 3 })) {
        agree(&instance)?;
    }
}

/// Sites, customers; size and opening cost of each site; demand and costs of each customer.
fn cap71() -> Instance {
    let mut words = CAP71.split_whitespace();
    let mut count = || words.next().unwrap().parse::<usize>().unwrap();
    let (sites, customers) = (count(), count());
    let mut next = || words.next().unwrap().parse::<f64>().unwrap();
    let site = |_| SiteNumbers {
        size_max_bps: next(),
        opening_cost: next(),
        standing: Standing::Free,
        size_min_bps: 0.0,
    };
    let sites: Vec<SiteNumbers> = (0..sites).map(site).collect();
    let mut state = State { weight: 1.0, demand_bps: Vec::new(), service_cost: Vec::new(), lost: Vec::new() };
    for _ in 0..customers {
        state.demand_bps.push(next());
        state.service_cost.extend(sites.iter().map(|_| next()));
    }
    Instance::unlimited(sites, vec![state])
}

#[test]
fn cap71_as_published() {
    let instance = cap71();
    agree(&instance).unwrap();
    let found = highs::solve(&instance, &Effort::default()).unwrap();
    assert!((found.objective - 932_615.75).abs() < 0.005, "{}", found.objective);
}

#[test]
fn cap71_with_sizes_a_budget_and_losses() {
    let mut instance = cap71();
    let total: f64 = instance.states[0].demand_bps.iter().sum();
    instance.sites.iter_mut().for_each(|site| site.size_max_bps = total / 4.4);
    agree(&instance).unwrap();
    agree(&Instance { is_whole: true, ..instance.clone() }).unwrap();
    agree(&Instance { must_survive_loss: true, budget_bps: 1.3 * total, ..instance }).unwrap();
}

#[test]
fn what_it_cannot_do_it_says() {
    let mut instance = cap71();
    instance.states.clear();
    assert!(matches!(highs::solve(&instance, &Effort::default()), Err(HighsError::Malformed(_))));
    let large = Instance { must_survive_loss: true, states: vec![cap71().states[0].clone(); 200], ..cap71() };
    let expected = HighsError::TooLarge { shares: 200 * 17 * 16 * 50 };
    assert_eq!(highs::solve(&large, &Effort::default()), Err(expected));
}
