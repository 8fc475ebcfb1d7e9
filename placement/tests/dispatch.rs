//! Whatever method an instance gets, its answer is that of trying every set of open sites.

use core::ops::ControlFlow;

use livesky_placement::solve::{Effort, Instance, Method, SiteNumbers, Standing, State, method, solve};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// The least cost over all sets of open sites, sizes being unlimited; infinite when nobody can be served.
fn oracle(instance: &Instance) -> f64 {
    let sites = instance.sites.len();
    let mut best = f64::INFINITY;
    for set in 0_u32..1 << sites {
        let is_open = |site: usize| set >> site & 1 == 1;
        let is_allowed = instance.sites.iter().enumerate().all(|(index, site)| match site.standing {
            Standing::Free => true,
            Standing::Built => is_open(index),
            Standing::Forbidden => !is_open(index),
        });
        let count = (0..sites).filter(|site| is_open(*site)).count();
        if !is_allowed || count < instance.open_min || count > instance.open_max {
            continue;
        }
        let mut cost: f64 =
            (0..sites).filter(|site| is_open(*site)).map(|site| instance.sites[site].opening_cost).sum();
        for state in &instance.states {
            for costs in state.service_cost.chunks_exact(sites) {
                let usable = (0..sites).filter(|site| is_open(*site) && !state.lost.contains(site));
                let mut reached: Vec<f64> =
                    usable.map(|site| costs[site]).filter(|cost| cost.is_finite()).collect();
                reached.sort_by(f64::total_cmp);
                // Any one of them may be lost: another must be left.
                let needed = if instance.must_survive_loss { 2 } else { 1 };
                cost += if reached.len() < needed { f64::INFINITY } else { state.weight * reached[0] };
            }
        }
        best = best.min(cost);
    }
    best
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![6 => Just(Standing::Free), 1 => Just(Standing::Built), 1 => Just(Standing::Forbidden)]
}

fn site(is_free: bool) -> impl Strategy<Value = SiteNumbers> {
    (0_u32..20, standing()).prop_map(move |(cost, standing)| SiteNumbers {
        opening_cost: if is_free || standing == Standing::Built { 0.0 } else { f64::from(cost) },
        standing,
        size_max_bps: f64::INFINITY,
        size_min_bps: 0.0,
    })
}

fn state(sites: usize, customers: usize) -> impl Strategy<Value = State> {
    let cost = prop_oneof![7 => (0_u32..40).prop_map(f64::from), 1 => Just(f64::INFINITY)];
    let lost = proptest::collection::vec(0..sites, 0..2);
    let costs = proptest::collection::vec(cost, sites * customers);
    (0_u32..4, costs, proptest::collection::vec(1_u32..9, customers), lost).prop_map(
        |(weight, service_cost, demand, lost)| State {
            weight: f64::from(weight) / 2.0,
            demand_bps: demand.into_iter().map(f64::from).collect(),
            service_cost,
            lost,
        },
    )
}

fn instance() -> impl Strategy<Value = Instance> {
    let size = (1_usize..8, 1_usize..7, 1_usize..4, any::<bool>());
    size.prop_flat_map(|(sites, customers, states, is_free)| {
        let sites_of = proptest::collection::vec(site(is_free), sites);
        let states_of = proptest::collection::vec(state(sites, customers), states);
        (sites_of, states_of).prop_map(|(sites, states)| Instance::unlimited(sites, states))
    })
}

fn same_as_oracle(instance: &Instance) -> Result<(), TestCaseError> {
    let best = oracle(instance);
    match solve(instance, &Effort::default(), &mut |_| ControlFlow::Continue(())) {
        Ok(found) => {
            let close = 1e-6 * best.abs().max(1.0);
            prop_assert!(
                (found.objective - best).abs() <= close,
                "found {} where {best} is best",
                found.objective
            );
            prop_assert!(found.is_proven);
            prop_assert!(found.bound <= best + close, "bound {} above {best}", found.bound);
        }
        Err(_) => prop_assert!(best.is_infinite(), "found none where {best} is best"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/placement_dispatch.txt",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn without_limits(instance in instance()) {
        prop_assert_ne!(method(&instance), Method::General);
        same_as_oracle(&instance)?;
    }

    #[test]
    fn with_a_number_of_sites_and_losses(
        instance in instance(),
        (open_min, most, must_survive_loss) in (0_usize..4, 0_usize..4, any::<bool>()),
    ) {
        let open_max = if most == 0 { usize::MAX } else { open_min.max(most) };
        same_as_oracle(&Instance { open_min, open_max, must_survive_loss, ..instance })?;
    }
}

#[test]
fn the_method_goes_by_what_can_bind() {
    let site =
        SiteNumbers { opening_cost: 0.0, standing: Standing::Free, size_max_bps: 10.0, size_min_bps: 0.0 };
    let state =
        State { weight: 1.0, demand_bps: vec![4.0, 6.0], service_cost: vec![1.0; 4], lost: Vec::new() };
    let slack = Instance {
        sites: vec![site; 2],
        states: vec![state],
        budget_bps: 10.0,
        open_min: 1,
        open_max: 2,
        is_whole: true,
        must_survive_loss: false,
    };
    assert_eq!(method(&slack), Method::Separable);
    let changed = |change: &dyn Fn(&mut Instance)| {
        let mut instance = slack.clone();
        change(&mut instance);
        method(&instance)
    };
    assert_eq!(changed(&|instance| instance.sites[1].opening_cost = 1.0), Method::Facility);
    assert_eq!(changed(&|instance| instance.open_max = 1), Method::Facility);
    assert_eq!(changed(&|instance| instance.open_min = 2), Method::Facility);
    let binding: [&dyn Fn(&mut Instance); 4] = [
        &|instance| instance.sites[0].size_max_bps = 9.0,
        &|instance| instance.sites[0].size_min_bps = 1.0,
        &|instance| instance.budget_bps = 9.0,
        &|instance| instance.must_survive_loss = true,
    ];
    for (number, change) in binding.into_iter().enumerate() {
        assert_eq!(changed(change), Method::General, "{number}");
    }
    // A site that may not be used limits nothing.
    let forbidden = changed(&|instance| {
        instance.sites[0].standing = Standing::Forbidden;
        instance.sites[0].size_max_bps = 0.0;
        instance.open_max = 1;
    });
    assert_eq!(forbidden, Method::Separable);
}
