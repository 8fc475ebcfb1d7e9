use core::ops::ControlFlow;

use crate::general::{Infeasible, solve};
use crate::solve::{Effort, Instance, Progress, SiteNumbers, Solution, Standing, State, Violation, check};

/// How a case differs from the one that works.
type Change<T> = fn(&mut T);

fn site() -> SiteNumbers {
    SiteNumbers { opening_cost: 3.0, standing: Standing::Free, size_max_bps: 10.0, size_min_bps: 0.0 }
}

/// Two customers of 4 and 6 bit/s beside two sites; the near site costs 1, the far one 2.
fn pair() -> Instance {
    let state = State {
        weight: 1.0,
        demand_bps: vec![4.0, 6.0],
        service_cost: vec![1.0, 2.0, 2.0, 1.0],
        lost: Vec::new(),
    };
    Instance::unlimited(vec![site(); 2], vec![state])
}

fn run(instance: &Instance) -> Result<Solution, Infeasible> {
    solve(instance, &Effort::default(), &mut |_: &Progress| ControlFlow::Continue(()))
}

#[test]
fn one_site_is_enough_and_two_when_one_may_be_lost() {
    let mut instance = pair();
    let one = run(&instance).expect("one site carries all");
    assert_eq!(one.is_open.iter().filter(|&&is_open| is_open).count(), 1);
    assert!((one.objective - 6.0).abs() < 1e-9);
    instance.must_survive_loss = true;
    let two = run(&instance).expect("each carries all");
    assert_eq!(two.is_open, [true, true]);
    assert!((two.objective - 8.0).abs() < 1e-9);
    assert!(
        two.size_bps.iter().all(|size| (size - 10.0).abs() < 1e-6),
        "each must carry all: {:?}",
        two.size_bps
    );
    assert_eq!(check(&instance, &two), vec![]);
}

#[test]
fn what_cannot_be_met_is_named() {
    let table: Vec<(Change<Instance>, Infeasible)> = vec![
        (|i| i.states.clear(), Infeasible::Malformed("no state")),
        (|i| i.budget_bps = 9.0, Infeasible::BudgetBelowDemand { state: 0, shortfall_bps: 1.0 }),
        (|i| i.open_min = 3, Infeasible::MoreSitesNeeded { needed: 3, allowed: 2 }),
        (
            |i| i.states[0].service_cost[2..].fill(f64::INFINITY),
            Infeasible::Unreachable { state: 0, customer: 1 },
        ),
        (
            |i| {
                i.states[0].demand_bps = vec![4.0; 2];
                i.sites.iter_mut().for_each(|site| site.size_max_bps = 3.0);
            },
            Infeasible::SizesBelowDemand { state: 0, shortfall_bps: 2.0 },
        ),
        (
            |i| {
                i.sites.iter_mut().for_each(|site| site.size_max_bps = 6.0);
                i.open_max = 1;
            },
            Infeasible::MoreSitesNeeded { needed: 2, allowed: 1 },
        ),
    ];
    for (change, expected) in table {
        let mut instance = pair();
        change(&mut instance);
        let found = run(&instance).expect_err("nothing can serve that");
        assert_eq!(found, expected);
    }
}

#[test]
fn whole_customers_that_only_fit_in_shares_have_no_plan() {
    let mut instance = pair();
    instance.states[0].demand_bps = vec![4.0, 4.0, 4.0];
    instance.states[0].service_cost = vec![1.0; 6];
    instance.sites.iter_mut().for_each(|site| site.size_max_bps = 6.0);
    assert!(run(&instance).is_ok());
    instance.is_whole = true;
    assert_eq!(run(&instance), Err(Infeasible::NoChoice));
}

#[test]
fn numbers_that_are_none_are_refused() {
    let broken: Vec<Change<Instance>> = vec![
        |i| i.budget_bps = f64::NAN,
        |i| i.sites[0].opening_cost = f64::INFINITY,
        |i| i.sites[1].size_max_bps = f64::NAN,
        |i| i.sites[1].size_min_bps = -1.0,
        |i| i.states[0].weight = -1.0,
        |i| i.states[0].demand_bps[0] = f64::INFINITY,
        |i| i.states[0].service_cost[1] = f64::NAN,
        |i| i.states[0].lost.push(2),
        |i| i.states[0].service_cost.truncate(3),
    ];
    for change in broken {
        let mut instance = pair();
        change(&mut instance);
        assert!(matches!(run(&instance), Err(Infeasible::Malformed(_))));
    }
}

#[test]
fn the_caller_may_break_off_and_is_told_the_truth() {
    let mut instance = pair();
    instance.states[0].demand_bps = vec![1.0; 2];
    let solution = solve(&instance, &Effort::default(), &mut |_| ControlFlow::Break(()))
        .expect("found before any report");
    assert_eq!(check(&instance, &solution), vec![]);
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let mut instance = pair();
    instance.is_whole = true;
    assert_eq!(run(&instance), run(&instance));
}

#[test]
fn the_check_sees_what_is_wrong() {
    let instance = Instance { must_survive_loss: true, ..pair() };
    let good = run(&instance).expect("a plan");
    let table: Vec<(Change<Solution>, Violation)> = vec![
        (|s| s.size_bps[0] = 11.0, Violation::Size(0)),
        (|s| s.size_bps[1] = 8.0, Violation::Loss { state: 0, site: 0 }),
        (|s| s.size_bps[1] = 5.0, Violation::Load { state: 0, site: 1 }),
        (|s| s.service[0][0][0].share = 0.5, Violation::Service { state: 0, customer: 0 }),
        (|s| s.objective -= 1.0, Violation::Objective(8.0)),
        (|s| s.bound = 9.0, Violation::Bound),
        (|s| s.is_open.truncate(1), Violation::Shape),
    ];
    for (change, expected) in table {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(check(&instance, &bad).contains(&expected), "{expected:?}");
    }
}
