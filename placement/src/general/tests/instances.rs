//! Random instances with every kind of limit, each of them switched on at random.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Just;

use crate::solve::{Instance, SiteNumbers, Standing, State};

/// How large the instances are at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) sites: usize,
    pub(super) customers: usize,
    pub(super) states: usize,
}

/// Numbers in quarters, so that limits are met exactly now and then.
fn quarters(most: u32) -> impl Strategy<Value = f64> {
    (0..=4 * most).prop_map(|quarters| f64::from(quarters) / 4.0)
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![8 => Just(Standing::Free), 1 => Just(Standing::Built), 1 => Just(Standing::Forbidden)]
}

fn site() -> impl Strategy<Value = SiteNumbers> {
    (quarters(8), standing(), option::weighted(0.7, quarters(20)), option::weighted(0.2, quarters(6)))
        .prop_map(|(opening_cost, standing, size_max, size_min)| SiteNumbers {
            opening_cost,
            standing,
            size_max_bps: size_max.unwrap_or(f64::INFINITY),
            size_min_bps: size_min.unwrap_or(0.0),
        })
}

fn state(sites: usize, customers: usize) -> impl Strategy<Value = State> {
    let cost = prop_oneof![9 => quarters(10), 1 => Just(f64::INFINITY)];
    (
        prop_oneof![3 => Just(1.0), 1 => Just(0.0), 1 => Just(0.25)],
        vec(quarters(5), customers),
        vec(cost, sites * customers),
        option::weighted(0.2, 0..sites),
    )
        .prop_map(|(weight, demand_bps, service_cost, lost)| State {
            weight,
            demand_bps,
            service_cost,
            lost: lost.into_iter().collect(),
        })
}

pub(super) fn instance(extent: Extent) -> impl Strategy<Value = Instance> {
    (1..=extent.sites, 0..=extent.customers, 1..=extent.states).prop_flat_map(|(sites, customers, states)| {
        let numbers = (
            vec(site(), sites),
            vec(state(sites, customers), states),
            option::weighted(0.4, (1.0..2.5_f64, any::<bool>())),
            option::weighted(0.3, 0..=sites),
            option::weighted(0.4, 1..=sites),
        );
        (numbers, any::<bool>(), any::<bool>()).prop_map(
            |((sites, states, budget, open_min, open_max), is_whole, must_survive_loss)| {
                let total = |state: &State| state.demand_bps.iter().sum::<f64>();
                let largest = states.iter().map(total).fold(0.0, f64::max);
                // Half of the budgets are met exactly by somebody.
                let budget_bps = budget.map_or(f64::INFINITY, |(factor, is_exact)| {
                    if is_exact { (4.0 * factor * largest).round() / 4.0 } else { factor * largest }
                });
                Instance {
                    sites,
                    states,
                    budget_bps,
                    open_min: open_min.unwrap_or(0),
                    open_max: open_max.unwrap_or(usize::MAX),
                    is_whole,
                    must_survive_loss,
                }
            },
        )
    })
}
