use proptest::prelude::*;

use super::*;
use crate::facility::dual_ascent::DualAscent;
use crate::facility::small::{all_plans, brute_force, config, problems};
use crate::solve::Effort;

fn is_within(open: &[bool], part: &Part) -> bool {
    open.iter().zip(&part.decision).all(|(&is_open, decision)| match decision {
        Decision::Open => is_open,
        Decision::Closed => !is_open,
        Decision::Free => true,
    })
}

proptest! {
    #![proptest_config(config(200))]

    /// The tree by itself, without a plan to start from, and step by step: what is worth finding stays in an open part.
    #[test]
    fn no_better_plan_leaves_the_open_parts(problem in problems()) {
        let best = brute_force(&problem);
        let Some(sorted) = Sorted::new(&problem).filter(|_| best.is_finite()) else { return Ok(()) };
        let plans: Vec<_> = all_plans(sorted.sites())
            .filter(|open| open.iter().zip(&sorted.is_required).all(|(open, required)| *open || !required))
            .map(|open| (sorted.cost_of(&open), open))
            .collect();
        let tell = &mut |_: &_| core::ops::ControlFlow::Continue(());
        let mut watch = Watch::new(&Effort::default(), tell);
        let mut tree = Tree::new(&sorted, sorted.cost_max());
        tree.push(Part::new(&sorted, DualAscent::with_limit(&sorted).price, 0.0));
        while let Some(part) = tree.take() {
            tree.expand(part, &mut watch);
            for (cost, open) in &plans {
                prop_assert!(
                    *cost >= tree.best_cost * (1.0 - 1e-9) || tree.open.values().any(|part| is_within(open, part)),
                    "{open:?} of {cost} lost, best {}", tree.best_cost
                );
            }
        }
        prop_assert!((tree.best_cost - best).abs() <= 1e-9 * best);
    }
}
