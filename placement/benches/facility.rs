//! Facility location on stated instances: `cargo bench -p livesky-placement --bench facility [-- NAME]`.
//!
//! One line each: how far it was proven and how long that took. Names on the command line pick instances that contain one.
//! With `--features highs` HiGHS has its turn at each, for as long.

use core::ops::ControlFlow;
use core::time::Duration;

use livesky_placement::facility::generate::{Beasley, beasley, euclidean, opening_cost_for};
use livesky_placement::facility::{Facilities, FacilitiesError, solve};
use livesky_placement::solve::{Effort, Instance, SiteNumbers, Standing, State};

#[path = "shared/highs.rs"]
mod rival;
#[path = "shared/stopwatch.rs"]
mod stopwatch;

const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), FacilitiesError> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    println!(
        "{:<22}{:>18}{:>18}{:>10}{:>7}{:>8}{:>9}{:>9}{}",
        "instance",
        "objective",
        "bound",
        "gap %",
        "open",
        "nodes",
        "s",
        "cpu s",
        rival::header()
    );
    for (name, kind) in [("beasley-a", Beasley::A), ("beasley-b", Beasley::B), ("beasley-c", Beasley::C)] {
        for seed in 1..=3 {
            let name = format!("{name}-{seed}");
            if is_wanted(&name) {
                measure(&name, &beasley(kind, seed)?);
            }
        }
    }
    for (count, open, seeds) in
        [(300, 20, 1..=3), (1_000, 50, 1..=5), (1_000, 15, 1..=2), (1_000, 300, 1..=2), (2_000, 100, 1..=1)]
    {
        for seed in seeds {
            let name = format!("euclidean-{count}-{open}-{seed}");
            if is_wanted(&name) {
                measure(&name, &euclidean(count, opening_cost_for(count, open), seed)?);
            }
        }
    }
    for (count, open) in [(300, 20), (1_000, 50)] {
        let name = format!("p-median-{count}-{open}");
        if is_wanted(&name) {
            let mut problem = euclidean(count, 0.0, 1)?;
            problem.limit_open(open, open);
            measure(&name, &problem);
        }
    }
    Ok(())
}

fn measure(name: &str, problem: &Facilities) {
    let effort = Effort { time_limit: Some(TIME_LIMIT), ..Effort::default() };
    let stopwatch = stopwatch::Stopwatch::start();
    let Some(found) = solve(problem, &effort, &mut |_| ControlFlow::Continue(())) else {
        println!("{name:<22} cannot be served");
        return;
    };
    let took = stopwatch.columns();
    let gap = 100.0 * (found.objective - found.bound) / found.objective;
    let open = found.open.iter().filter(|is_open| **is_open).count();
    println!(
        "{name:<22}{:>18.4}{:>18.4}{gap:>10.5}{open:>7}{:>8}{took}{}",
        found.objective,
        found.bound,
        found.nodes,
        rival::column(|| instance(problem), Some(found.objective), TIME_LIMIT)
    );
}

/// The same with sizes that nothing limits.
fn instance(problem: &Facilities) -> Instance {
    let site = |(cost, is_required): (&f64, &bool)| SiteNumbers {
        opening_cost: if cost.is_finite() { *cost } else { 0.0 },
        standing: match (is_required, cost.is_finite()) {
            (_, false) => Standing::Forbidden,
            (true, true) => Standing::Built,
            (false, true) => Standing::Free,
        },
        size_max_bps: f64::INFINITY,
        size_min_bps: 0.0,
    };
    let (open_min, open_max) = problem.open_limits();
    Instance {
        sites: problem.opening_cost().iter().zip(problem.is_required()).map(site).collect(),
        states: vec![State {
            weight: 1.0,
            demand_bps: vec![1.0; problem.customers()],
            service_cost: (0..problem.customers())
                .flat_map(|customer| problem.row(customer))
                .copied()
                .collect(),
            lost: Vec::new(),
        }],
        budget_bps: f64::INFINITY,
        open_min,
        open_max,
        is_whole: false,
        must_survive_loss: false,
    }
}
