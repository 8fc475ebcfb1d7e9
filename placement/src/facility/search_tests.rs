use core::ops::ControlFlow;
use core::time::Duration;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::facility::FacilitiesError;
use crate::facility::generate::{Beasley, beasley, euclidean, opening_cost_for};
use crate::facility::small::{brute_force, config, problems};

const OR_LIBRARY: [(&str, &str, f64); 8] = [
    ("cap71", include_str!("../../data/or-library/cap71.txt"), 932_615.750),
    ("cap72", include_str!("../../data/or-library/cap72.txt"), 977_799.400),
    ("cap73", include_str!("../../data/or-library/cap73.txt"), 1_010_641.450),
    ("cap74", include_str!("../../data/or-library/cap74.txt"), 1_034_976.975),
    ("cap101", include_str!("../../data/or-library/cap101.txt"), 796_648.437),
    ("cap102", include_str!("../../data/or-library/cap102.txt"), 854_704.200),
    ("cap103", include_str!("../../data/or-library/cap103.txt"), 893_782.112),
    ("cap104", include_str!("../../data/or-library/cap104.txt"), 928_941.750),
];

/// Sites, customers; capacity and opening cost per site; demand and costs per customer.
fn read_or_library(text: &str) -> Facilities {
    let mut words = text.split_whitespace();
    let mut count = || words.next().unwrap().parse::<usize>().unwrap();
    let (sites, customers) = (count(), count());
    let mut next = || words.next().unwrap().parse::<f64>().unwrap();
    let opening: Vec<f64> = (0..sites).map(|_| (next(), next()).1).collect();
    let mut service = Vec::new();
    for _ in 0..customers {
        next();
        service.extend((0..sites).map(|_| next()));
    }
    Facilities::new(opening, service).unwrap()
}

fn prove(problem: &Facilities) -> Found {
    let found = solve(problem, &Effort::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(found.is_proven);
    assert!((problem.cost_of(&found.open) - found.objective).abs() <= 1e-9 * found.objective);
    found
}

#[expect(clippy::disallowed_methods, reason = "the goals are times")]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let made = run();
    (made, started.elapsed())
}

#[test]
fn or_library_is_solved_to_the_cent() {
    let mut took = Duration::ZERO;
    for (name, text, optimum) in OR_LIBRARY {
        let problem = read_or_library(text);
        let (found, elapsed) = timed(|| prove(&problem));
        took += elapsed;
        // The published optima are cut to a tenth of a cent.
        assert!((found.objective - optimum).abs() < 0.005, "{name}: {}", found.objective);
        assert!(found.bound > found.objective - 0.005, "{name}: {}", found.bound);
    }
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn beasley_kinds_are_proven() {
    for kind in [Beasley::A, Beasley::B, Beasley::C] {
        let (_, took) = timed(|| prove(&beasley(kind, 1).unwrap()));
        assert!(took < Duration::from_secs(10), "{kind:?}: {took:?}");
    }
}

#[test]
fn no_number_of_sites_is_no_plan() {
    for (customers, (open_min, open_max)) in [(0, (2, 1)), (1, (2, 1)), (0, (3, 9)), (0, (2, 2))] {
        let mut problem = Facilities::new(vec![0.0, 0.0, f64::INFINITY], vec![1.0; 3 * customers]).unwrap();
        problem.limit_open(open_min, open_max);
        let found = solve(&problem, &Effort::default(), &mut |_| ControlFlow::Continue(()));
        assert_eq!(found.is_some(), open_min == open_max, "{open_min} to {open_max}: {found:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let problem = euclidean(150, opening_cost_for(150, 12), 3).unwrap();
    let found = prove(&problem);
    assert_eq!(found, prove(&problem));
}

#[test]
fn a_search_that_is_stopped_has_a_plan_and_a_bound() {
    let problem = euclidean(200, opening_cost_for(200, 10), 5).unwrap();
    let optimum = prove(&problem).objective;
    let at_once = Effort { time_limit: Some(Duration::ZERO), ..Effort::default() };
    let found = solve(&problem, &at_once, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(found.bound <= optimum * (1.0 + 1e-9) && found.objective >= optimum * (1.0 - 1e-9), "{found:?}");
    assert!(found.bound > 0.5 * optimum && !found.is_proven);
    assert!((problem.cost_of(&found.open) - found.objective).abs() <= 1e-9 * optimum);
}

#[test]
fn a_gap_goal_ends_the_search() {
    let problem = euclidean(200, opening_cost_for(200, 10), 5).unwrap();
    let rough = Effort { gap_goal: 0.05, ..Effort::default() };
    let found = solve(&problem, &rough, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(found.is_proven && found.nodes == 0);
    assert!(found.objective - found.bound <= 0.05 * found.objective);
}

#[test]
fn progress_is_told_and_may_end_the_search() {
    let problem = euclidean(1_000, opening_cost_for(1_000, 50), 1).unwrap();
    let mut reports = Vec::new();
    let found = solve(&problem, &Effort::default(), &mut |progress| {
        reports.push(*progress);
        if reports.len() < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let found = found.unwrap();
    assert!(found.is_proven || reports.len() == 4);
    assert!(reports.iter().all(|report| report.bound <= report.best));
    assert!(reports.is_sorted_by(|a, b| a.bound <= b.bound && a.best >= b.best && a.elapsed <= b.elapsed));
    assert!(found.bound <= found.objective);
}

#[test]
fn required_and_forbidden_sites_are_kept() {
    // Site 0 serves all for nothing; 1 is dear.
    let mut problem = Facilities::new(vec![1.0, 5.0, 2.0], vec![0.0, 1.0, 3.0, 0.0, 1.0, 3.0]).unwrap();
    assert_eq!(prove(&problem).open, [true, false, false]);
    problem.require(1).unwrap();
    assert_eq!(prove(&problem).open, [true, true, false]);
    problem.forbid(0).unwrap();
    assert_eq!((prove(&problem).open, prove(&problem).objective), (vec![false, true, false], 7.0));
    problem.forbid(1).unwrap();
    let tell = &mut |_: &Progress| ControlFlow::Continue(());
    assert_eq!(solve(&problem, &Effort::default(), tell), None);
    assert_eq!(problem.require(3), Err(FacilitiesError::NoSite { site: 3 }));
}

#[test]
fn the_number_of_open_sites_is_kept() {
    let mut problem = euclidean(120, 0.0, 4).unwrap();
    let mut before = f64::INFINITY;
    for count in [1, 5, 30] {
        problem.limit_open(count, count);
        let found = prove(&problem);
        assert_eq!(found.open.iter().filter(|is_open| **is_open).count(), count);
        assert!(found.objective < before);
        before = found.objective;
    }
    problem.limit_open(121, 121);
    assert_eq!(solve(&problem, &Effort::default(), &mut |_| ControlFlow::Continue(())), None);
}

#[test]
fn the_empty_cases() {
    let tell = &mut |_: &Progress| ControlFlow::Continue(());
    let nothing = Facilities::new(vec![], vec![]).unwrap();
    assert_eq!(prove(&nothing).objective, 0.0);
    let nobody = Facilities::new(vec![3.0, 0.0], vec![]).unwrap();
    assert_eq!(prove(&nobody).objective, 0.0);
    let unserved = Facilities::new(vec![1.0], vec![f64::INFINITY]).unwrap();
    assert_eq!(solve(&unserved, &Effort::default(), tell), None);
}

#[test]
fn what_is_no_problem_is_refused() {
    for (opening, service, error) in [
        (vec![1.0, 2.0], vec![1.0; 3], FacilitiesError::Ragged { costs: 3, sites: 2 }),
        (vec![], vec![1.0], FacilitiesError::Ragged { costs: 1, sites: 0 }),
        (vec![1.0, -2.0], vec![1.0; 2], FacilitiesError::OpeningCost { site: 1, cost: -2.0 }),
        (
            vec![1.0, 2.0],
            vec![1.0, 0.0, 0.0, -1.0],
            FacilitiesError::ServiceCost { customer: 1, site: 1, cost: -1.0 },
        ),
        (vec![f64::MAX, 2.0], vec![1.0; 2], FacilitiesError::TooLarge),
    ] {
        assert_eq!(Facilities::new(opening, service), Err(error));
    }
    assert!(Facilities::new(vec![f64::NAN], vec![1.0]).is_err());
    assert!(Facilities::new(vec![1.0], vec![f64::NAN]).is_err());
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn plans_cost_what_the_best_of_all_sets_costs(problem in problems()) {
        let best = brute_force(&problem);
        let found = solve(&problem, &Effort::default(), &mut |_| ControlFlow::Continue(()));
        prop_assert_eq!(found.is_some(), best.is_finite());
        if let Some(found) = found {
            prop_assert!((found.objective - best).abs() <= 1e-9 * best, "{} against {}", found.objective, best);
            prop_assert!((problem.cost_of(&found.open) - best).abs() <= 1e-9 * best);
            prop_assert!(found.is_proven && found.bound <= found.objective);
        }
    }

    #[test]
    fn whenever_it_stops_bound_and_plan_hold(problem in problems(), reports in 0_u32..3) {
        let best = brute_force(&problem);
        let effort = Effort { time_limit: (reports == 0).then_some(Duration::ZERO), gap_goal: 0.01, seed: 9 };
        let found = solve(&problem, &effort, &mut |_| ControlFlow::Break(()));
        // A plan within limits may take longer to find than there was time.
        let has_limits = problem.open_limits() != (0, problem.sites());
        prop_assert!(found.is_some() == best.is_finite() || has_limits && found.is_none());
        if let Some(found) = found {
            prop_assert!(found.bound <= best * (1.0 + 1e-9) && found.objective >= best * (1.0 - 1e-9));
            prop_assert!((problem.cost_of(&found.open) - found.objective).abs() <= 1e-9 * found.objective);
        }
    }
}
