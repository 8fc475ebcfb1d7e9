//! Facility location on stated instances: `cargo bench -p livesky-placement --bench facility [-- NAME]`.
//!
//! One line each: how far it was proven and how long that took. Names on the command line pick instances that contain one.

use core::ops::ControlFlow;
use core::time::Duration;
use std::time::Instant;

use livesky_placement::facility::generate::{Beasley, beasley, euclidean, opening_cost_for};
use livesky_placement::facility::{Facilities, FacilitiesError, solve};
use livesky_placement::solve::Effort;

const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), FacilitiesError> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    println!(
        "{:<22}{:>18}{:>18}{:>10}{:>7}{:>8}{:>9}{:>9}",
        "instance", "objective", "bound", "gap %", "open", "nodes", "s", "cpu s"
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
        [(1_000, 50, 1..=5), (1_000, 15, 1..=2), (1_000, 300, 1..=2), (2_000, 100, 1..=1)]
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

/// Seconds this thread has computed; less than what the clock says when other programs run beside it.
fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: u64 = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(ns).as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn measure(name: &str, problem: &Facilities) {
    let effort = Effort { time_limit: Some(TIME_LIMIT), ..Effort::default() };
    let (started, cpu_before) = (Instant::now(), cpu_s());
    let Some(found) = solve(problem, &effort, &mut |_| ControlFlow::Continue(())) else {
        println!("{name:<22} cannot be served");
        return;
    };
    let cpu =
        cpu_s().zip(cpu_before).map_or_else(String::new, |(after, before)| format!("{:.3}", after - before));
    let took = started.elapsed().as_secs_f64();
    let gap = 100.0 * (found.objective - found.bound) / found.objective;
    let open = found.open.iter().filter(|is_open| **is_open).count();
    println!(
        "{name:<22}{:>18.4}{:>18.4}{gap:>10.5}{open:>7}{:>8}{took:>9.3}{cpu:>9}",
        found.objective, found.bound, found.nodes
    );
}
