//! How long the general solver takes to prove a plan: `cargo bench -p livesky-placement --bench general [NAME]`.
//!
//! Made instances: regions uniform in a square of 4,000 km, one site each; viewers by a Pareto law (shape 1.2, at most 60
//! times the least), 1 Mbit/s each; serving costs viewers × (5 + km / 50); sizes 1.05 to 1.6 times what an even
//! spread over the open sites takes; opening costs about a third of what service costs. The
//! OR-Library's files with their own capacities, too. With `--features highs` HiGHS has its turn at each, for at most 60 s.

use core::ops::ControlFlow;
use core::time::Duration;
use std::path::Path;

use livesky_placement::general::solve;
use livesky_placement::input::{Capacities, load_or_library};
use livesky_placement::solve::{Effort, Instance, SiteNumbers, Standing, State, check};

#[path = "shared/highs.rs"]
mod rival;
#[path = "shared/stopwatch.rs"]
mod stopwatch;

/// For HiGHS.
const RIVAL_TIME_LIMIT: Duration = Duration::from_secs(60);

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    /// Uniform in 0..1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }
}

/// What is asked of a made instance.
#[derive(Clone, Copy)]
struct Wish {
    sites: usize,
    customers: usize,
    open: usize,
    is_exact: bool,
    seed: u64,
}

fn made(wish: Wish) -> Instance {
    let mut random = Random(wish.seed);
    let place = |random: &mut Random| (random.between(0.0, 4_000.0), random.between(0.0, 4_000.0));
    let customers: Vec<(f64, f64)> = (0..wish.customers).map(|_| place(&mut random)).collect();
    let sites: Vec<(f64, f64)> = (0..wish.sites)
        .map(|site| if wish.sites == wish.customers { customers[site] } else { place(&mut random) })
        .collect();
    let viewers: Vec<f64> = customers
        .iter()
        .map(|_| (1.0 - random.unit()).max(1e-9).powf(-1.0 / 1.2).min(60.0) * 1_000.0)
        .collect();
    let total_bps: f64 = viewers.iter().sum::<f64>() * 1e6;
    let even_bps = total_bps / wish.open as f64;
    let cost = |a: (f64, f64), b: (f64, f64)| 5.0 + f64::hypot(a.0 - b.0, a.1 - b.1) / 50.0;
    let service_cost: Vec<f64> = customers
        .iter()
        .zip(&viewers)
        .flat_map(|(&customer, &viewers)| sites.iter().map(move |&site| viewers * cost(customer, site)))
        .collect();
    let scale = viewers.iter().sum::<f64>() * 15.0 / wish.open as f64;
    let sites = sites
        .iter()
        .map(|_| SiteNumbers {
            opening_cost: scale * random.between(0.2, 0.5),
            standing: Standing::Free,
            size_max_bps: even_bps * random.between(1.05, 1.6),
            size_min_bps: 0.0,
        })
        .collect();
    Instance {
        sites,
        states: vec![State {
            weight: 1.0,
            demand_bps: viewers.iter().map(|viewers| viewers * 1e6).collect(),
            service_cost,
            lost: Vec::new(),
        }],
        budget_bps: f64::INFINITY,
        open_min: if wish.is_exact { wish.open } else { 0 },
        open_max: if wish.is_exact { wish.open } else { usize::MAX },
        is_whole: false,
        must_survive_loss: false,
    }
}

/// A normal state, an evening peak in which some regions ask for half as much again, and an outage of the first site.
fn with_states(mut instance: Instance) -> Instance {
    let normal = instance.states[0].clone();
    let peak = normal
        .demand_bps
        .iter()
        .enumerate()
        .map(|(index, demand)| demand * if index % 3 == 0 { 1.5 } else { 1.0 });
    let peak = State { weight: 0.3, demand_bps: peak.collect(), ..normal.clone() };
    let outage = State { weight: 0.0, lost: vec![0], ..normal.clone() };
    instance.states = vec![State { weight: 0.7, ..normal }, peak, outage];
    instance
}

/// Sizes so small that losing a site hurts.
fn with_smaller_sizes(mut instance: Instance, factor: f64) -> Instance {
    instance.sites.iter_mut().for_each(|site| site.size_max_bps *= factor);
    instance
}

/// Nobody is served from beyond about `km`.
fn with_reach(mut instance: Instance, km: f64) -> Instance {
    let state = &mut instance.states[0];
    let sites = instance.sites.len();
    for (costs, demand_bps) in state.service_cost.chunks_mut(sites.max(1)).zip(&state.demand_bps) {
        let most = demand_bps / 1e6 * (5.0 + km / 50.0);
        costs.iter_mut().filter(|cost| **cost > most).for_each(|cost| *cost = f64::INFINITY);
    }
    instance
}

fn with_budget(mut instance: Instance, factor: f64) -> Instance {
    instance.budget_bps = factor * instance.states[0].demand_bps.iter().sum::<f64>();
    instance
}

fn instances() -> Vec<(String, u64, Instance)> {
    let mut all = Vec::new();
    for open in [6, 8, 10] {
        for seed in 1..=3 {
            let base = made(Wish { sites: 34, customers: 34, open, is_exact: true, seed });
            let whole = Instance { is_whole: true, ..base.clone() };
            let safe = Instance { must_survive_loss: true, ..base.clone() };
            let both = Instance { must_survive_loss: true, ..whole.clone() };
            let lossy_budget = 1.08 * open as f64 / (open - 1) as f64;
            let free = Instance { open_min: 0, open_max: usize::MAX, ..safe.clone() };
            let kinds = [
                ("", 10, base.clone()),
                ("whole", 10, whole),
                ("failover", 30, with_smaller_sizes(safe.clone(), 0.93)),
                ("failover reach", 30, with_reach(safe.clone(), 1_500.0)),
                ("failover whole", 30, both),
                ("failover budget", 30, with_budget(safe, lossy_budget)),
                ("states", 30, with_states(base)),
                ("everything", 30, with_budget(with_states(with_reach(free, 1_500.0)), 1.6)),
            ];
            all.extend(
                kinds.map(|(kind, limit_s, made)| (format!("34x34 k={open} #{seed} {kind}"), limit_s, made)),
            );
        }
    }
    for seed in 1..=3 {
        let middle = made(Wish { sites: 60, customers: 120, open: 15, is_exact: false, seed });
        all.push((format!("60x120 #{seed}"), 30, middle.clone()));
        all.push((format!("60x120 #{seed} whole"), 30, Instance { is_whole: true, ..middle.clone() }));
        let safe =
            with_smaller_sizes(with_reach(Instance { must_survive_loss: true, ..middle }, 1_500.0), 0.9);
        all.push((format!("60x120 #{seed} failover reach"), 30, safe));
    }
    for seed in 1..=2 {
        let large = made(Wish { sites: 100, customers: 1_000, open: 12, is_exact: false, seed });
        all.push((format!("100x1000 #{seed}"), 30, large.clone()));
        all.push((
            format!("100x1000 #{seed} failover"),
            30,
            Instance { must_survive_loss: true, ..large.clone() },
        ));
        all.push((format!("100x1000 #{seed} whole"), 30, Instance { is_whole: true, ..large.clone() }));
        let budget = Instance { must_survive_loss: true, ..with_budget(with_reach(large, 1_500.0), 1.2) };
        all.push((format!("100x1000 #{seed} failover budget"), 30, budget));
    }
    all
}

fn or_library() -> Vec<(String, u64, Instance)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/or-library");
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.starts_with("cap") {
            continue;
        }
        let instance = match load_or_library(&file.path(), Capacities::Own) {
            Ok(instance) => instance,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        // Tight sizes: five such sites carry everything, and the largest customer just fits.
        let mut tight = instance.clone();
        let total: f64 = instance.states[0].demand_bps.iter().sum();
        tight.sites.iter_mut().for_each(|site| site.size_max_bps = total / 4.4);
        all.push((format!("{name} tight"), 10, tight.clone()));
        all.push((format!("{name} tight whole"), 10, Instance { is_whole: true, ..tight }));
        all.push((name, 10, instance));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn run(name: &str, limit_s: u64, instance: &Instance) {
    let effort = Effort { time_limit: Some(Duration::from_secs(limit_s)), ..Effort::default() };
    let stopwatch = stopwatch::Stopwatch::start();
    let found = solve(instance, &effort, &mut |_| ControlFlow::Continue(()));
    let took = stopwatch.columns();
    let ours = found.as_ref().ok().map(|plan| plan.objective);
    match found {
        Ok(plan) => {
            let gap = 100.0 * (plan.objective - plan.bound) / plan.objective.abs();
            let wrong = check(instance, &plan).len();
            print!(
                "{name:<36} {:>16.3} {:>16.3} {gap:>8.4} % {:>8} {took}{}",
                plan.objective,
                plan.bound,
                plan.nodes,
                if wrong > 0 { " VIOLATED" } else { "" }
            );
        }
        Err(error) => print!("{name:<36} {error} {took}"),
    }
    println!("{}", rival::column(|| instance.clone(), ours, RIVAL_TIME_LIMIT));
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!(
        "{:<36} {:>16} {:>16} {:>10} {:>8} {:>9}{:>9}{}",
        "instance",
        "objective",
        "bound",
        "gap",
        "nodes",
        "s",
        "cpu s",
        rival::header()
    );
    for (name, limit_s, instance) in instances().into_iter().chain(or_library()) {
        if name.contains(&filter) {
            run(&name, limit_s, &instance);
        }
    }
}
