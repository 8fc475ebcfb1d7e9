//! Problems small enough to try every plan.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::problem::Facilities;

/// Every plan, as one flag per site.
pub(super) fn all_plans(sites: usize) -> impl Iterator<Item = Vec<bool>> {
    (0_u32..1 << sites).map(move |set| (0..sites).map(|site| set >> site & 1 == 1).collect())
}

/// The least cost over all plans; infinite if none serves everyone.
pub(super) fn brute_force(problem: &Facilities) -> f64 {
    all_plans(problem.sites()).map(|open| problem.cost_of(&open)).fold(f64::INFINITY, f64::min)
}

pub(super) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/placement_facility.txt",
        ))),
        ..ProptestConfig::default()
    }
}

/// Costs with ties, zeros and pairs that may not be.
fn cost(scale: f64) -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => Just(0.0),
        4 => (0_u8..6).prop_map(move |cost| f64::from(cost) * scale),
        4 => (0.0..10.0).prop_map(move |cost| cost * scale),
        1 => Just(f64::INFINITY),
    ]
}

prop_compose! {
    pub(super) fn problems()(sites in 1_usize..=12, customers in 0_usize..=12, exponent in -6_i32..=12, spread in 0_i32..3)(
        opening in prop::collection::vec(cost(10_f64.powi(exponent + spread)), sites),
        service in prop::collection::vec(cost(10_f64.powi(exponent)), sites * customers),
        is_required in prop::collection::vec(prop::bool::weighted(0.1), sites),
        twin in prop::option::of(0..sites),
        limits in prop::option::weighted(0.4, (0..=sites, 0..=sites)),
    ) -> Facilities {
        let (mut opening, mut service) = (opening, service);
        // Two sites alike, and two customers.
        if let Some(twin) = twin {
            opening[0] = opening[twin];
            for row in service.chunks_exact_mut(opening.len()) {
                row[0] = row[twin];
            }
        }
        let mut problem = Facilities::new(opening, service).unwrap();
        for (site, _) in is_required.iter().enumerate().filter(|(_, is_required)| **is_required) {
            problem.require(site).unwrap();
        }
        if let Some((a, b)) = limits {
            problem.limit_open(a.min(b), a.max(b));
        }
        problem
    }
}
