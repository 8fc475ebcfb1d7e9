use core::ops::ControlFlow;
use core::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::brute;
use super::instances::{Extent, instance};
use crate::general::{Infeasible, solve};
use crate::solve::{Effort, Instance, check};

fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        // PROPTEST_CASES scales all of them.
        cases: u32::max(1, cases * default.cases / 256),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/placement_general.txt",
        ))),
        max_shrink_time: 60_000,
        ..default
    }
}

fn agrees(instance: &Instance) -> Result<(), TestCaseError> {
    let expected = brute::least_cost(instance);
    match (solve(instance, &Effort::default(), &mut |_| ControlFlow::Continue(())), expected) {
        (Ok(solution), Some(cost)) => {
            prop_assert_eq!(check(instance, &solution), vec![]);
            let close = 1e-6 * cost.abs().max(1e-3);
            prop_assert!(
                (solution.objective - cost).abs() <= close,
                "{} instead of {cost}",
                solution.objective
            );
            prop_assert!(solution.bound <= cost + close, "bound {} over {cost}", solution.bound);
            prop_assert!(solution.is_proven, "bound {} of {cost} is no proof", solution.bound);
        }
        (Err(Infeasible::Stopped), _) => prop_assert!(false, "nothing stopped it"),
        (Err(_), None) => {}
        (found, expected) => prop_assert!(false, "{found:?}, brute force {expected:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn small_instances_equal_brute_force(instance in instance(Extent { sites: 4, customers: 4, states: 2 })) {
        agrees(&instance)?;
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn larger_instances_equal_brute_force(instance in instance(Extent { sites: 6, customers: 7, states: 2 })) {
        agrees(&instance)?;
    }

    #[test]
    fn a_search_that_is_stopped_keeps_an_honest_bound(
        instance in instance(Extent { sites: 5, customers: 6, states: 2 }),
    ) {
        let effort = Effort { time_limit: Some(Duration::ZERO), ..Effort::default() };
        match (solve(&instance, &effort, &mut |_| ControlFlow::Continue(())), brute::least_cost(&instance)) {
            (Ok(solution), Some(cost)) => {
                prop_assert_eq!(check(&instance, &solution), vec![]);
                prop_assert!(solution.bound <= cost + 1e-6 * cost.abs(), "bound {} over {cost}", solution.bound);
            }
            (Ok(_), None) => prop_assert!(false, "a plan where there is none"),
            (Err(Infeasible::Stopped), _) | (Err(_), None) => {}
            (Err(error), Some(cost)) => prop_assert!(false, "{error}, brute force {cost}"),
        }
    }
}
