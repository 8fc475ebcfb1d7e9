use proptest::prelude::*;

use super::*;
use crate::facility::dual_ascent::DualAscent;
use crate::facility::generate::{euclidean, opening_cost_for};
use crate::facility::small::{all_plans, brute_force, config, problems};

const CLIMB: Climb = Climb { steps: 300, factor: 1.0, patience: 10, factor_min: 1e-3 };

fn is_within(open: &[bool], decision: &[Decision]) -> bool {
    open.iter().zip(decision).all(|(&is_open, decision)| match decision {
        Decision::Open => is_open,
        Decision::Closed => !is_open,
        Decision::Free => true,
    })
}

proptest! {
    #![proptest_config(config(400))]

    /// Whatever is decided beforehand: plans below the cutoff survive, and none is below the bound.
    #[test]
    fn a_climb_loses_no_plan_below_its_cutoff(
        problem in problems(),
        above in 0.001_f64..0.5,
        decided in prop::collection::vec((0_usize..12, any::<bool>()), 0..3),
    ) {
        let best = brute_force(&problem);
        let Some(sorted) = Sorted::new(&problem).filter(|_| best.is_finite()) else { return Ok(()) };
        let cutoff = best * (1.0 + above) + f64::MIN_POSITIVE;
        let mut part = Part::new(&sorted, DualAscent::with_limit(&sorted).price, 0.0);
        for (site, is_open) in decided {
            if let Some(decision) = part.decision.get_mut(site).filter(|decision| **decision == Decision::Free) {
                *decision = if is_open { Decision::Open } else { Decision::Closed };
            }
        }
        let before = part.decision.clone();
        Lagrangian::default().climb(&sorted, &mut part, cutoff, CLIMB, &mut |_| false);
        for open in all_plans(sorted.sites()).filter(|open| is_within(open, &before)) {
            let cost = if open.iter().zip(&sorted.is_required).any(|(open, required)| *required && !open) {
                f64::INFINITY
            } else {
                sorted.cost_of(&open)
            };
            if cost < cutoff * (1.0 - 1e-9) {
                prop_assert!(part.bound <= cost * (1.0 + 1e-9), "{} below {}", cost, part.bound);
                prop_assert!(is_within(&open, &part.decision), "{open:?} of {cost} lost: {:?}", part.decision);
            }
        }
    }

    #[test]
    fn dual_ascent_bounds_every_plan(problem in problems()) {
        let Some(sorted) = Sorted::new(&problem) else { return Ok(()) };
        let mut ascent = DualAscent::new(&sorted, 0.0);
        ascent.ascend();
        prop_assert!(ascent.bound() <= brute_force(&problem) * (1.0 + 1e-9));
    }
}

#[test]
fn the_bound_nears_the_relaxation() {
    // The linear relaxation of these is within a thousandth of the optimum, the dual ascent's bound is not.
    for seed in 1..4 {
        let problem = euclidean(200, opening_cost_for(200, 10), seed).unwrap();
        let sorted = Sorted::new(&problem).unwrap();
        let mut ascent = DualAscent::new(&sorted, 0.0);
        ascent.ascend();
        let first = ascent.bound();
        let mut part = Part::new(&sorted, ascent.price, first);
        let cutoff = first * 1.05;
        let climb = Climb { steps: 3_000, factor: 1.0, patience: 30, factor_min: 1e-4 };
        Lagrangian::default().climb(&sorted, &mut part, cutoff, climb, &mut |_| false);
        assert!(part.bound > first * 1.002);
    }
}
