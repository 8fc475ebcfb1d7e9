//! `livesky simulate`: scenarios in virtual time.

use std::io::{self, Write};

use livesky_sim::{Progress, Results, Scenario, report};

use crate::failure::Failure;
use crate::simulate::{self, CompareArgs, Named, Other, PlayArgs, Screen, Seeds, SimulateArgs, SwarmArgs};

/// Worlds of a swarm unless said.
const SWARM_SEEDS: u64 = 20;

/// Does what the arguments say.
///
/// # Errors
/// One line for people: bad input, a rule broken, two runs that differ.
pub(super) fn run(args: SimulateArgs) -> Result<(), Failure> {
    match args.other {
        None if args.play.is_list => list(),
        None => play(&args.play),
        Some(Other::Swarm(args)) => swarm(&args),
        Some(Other::Compare(args)) => compare(&args),
    }
}

fn list() -> Result<(), Failure> {
    let list = simulate::list()?;
    let width = list.iter().map(|named| named.scenario.name.chars().count()).max().unwrap_or(0);
    for Named { scenario, .. } in list {
        print(&format!("{:width$}  {}\n", scenario.name, scenario.about));
    }
    Ok(())
}

/// Plays a scenario out, with each seed.
fn play(args: &PlayArgs) -> Result<(), Failure> {
    let named = simulate::find(args.scenario.as_deref().unwrap_or_default())?;
    let scenario = &named.scenario;
    let seeds = match &args.seeds {
        Some(seeds) => seeds.list(scenario.run.seeds),
        None => vec![args.seed.unwrap_or(1)],
    };
    for path in [&args.out, &args.report].into_iter().flatten() {
        simulate::check_writable(path)?;
    }
    let mut jobs = seeds.clone();
    if args.is_twice {
        jobs.extend(&seeds);
    }
    let mut screen = Screen::new(&scenario.name, jobs.len(), scenario.total_s());
    let run = |seed: &u64, progress: &mut dyn FnMut(Progress)| livesky_sim::run(scenario, *seed, progress);
    let mut runs = simulate::run_all(&jobs, run, &mut screen);
    let again = runs.split_off(seeds.len().min(runs.len()));
    named.name_replays(&mut runs);
    let json = simulate::json(&runs, args.seeds.is_some())?;
    if let Some(path) = &args.out {
        simulate::write(path, &json)?;
    }
    if let Some(path) = &args.report {
        let page = report::page(&runs, &named.text, env!("CARGO_PKG_VERSION"));
        simulate::write(path, &page.map_err(|error| Failure::new(error.to_string()))?)?;
    }
    if args.is_json {
        print(&json);
    } else {
        print(&format!("{}: {}\n", scenario.name, scenario.about));
        print(&simulate::summary(&runs, &report::rows(&runs)));
    }
    if args.is_twice {
        same_twice(&runs, &again)?;
    }
    no_rule_broken(&runs)
}

/// Lives through random worlds, and says which rules were broken in them.
fn swarm(args: &SwarmArgs) -> Result<(), Failure> {
    let seeds = match (&args.seeds, args.seed) {
        (None, Some(seed)) => vec![seed],
        (Some(Seeds::All) | None, _) => (1..=SWARM_SEEDS).collect(),
        (Some(seeds), _) => seeds.list(SWARM_SEEDS),
    };
    let worlds: Vec<(u64, Scenario)> = seeds.iter().map(|&seed| (seed, livesky_sim::draw(seed))).collect();
    let span_s = worlds.first().map_or(0.0, |(_, scenario)| scenario.total_s());
    let mut screen = Screen::new("swarm", worlds.len(), span_s);
    let run = |(seed, scenario): &(u64, Scenario), progress: &mut dyn FnMut(Progress)| {
        livesky_sim::run(scenario, *seed, progress)
    };
    let runs = simulate::run_all(&worlds, run, &mut screen);
    if args.is_json {
        print(&simulate::json(&runs, args.seed.is_none())?);
    } else {
        print(&simulate::worlds(&runs));
    }
    no_rule_broken(&runs)
}

/// Two runs with the same seed are to be the same.
fn same_twice(runs: &[Results], again: &[Results]) -> Result<(), Failure> {
    let is_same =
        |run: &Results, again: &Results| run.event_hash == again.event_hash && run.series == again.series;
    let different = runs.iter().zip(again).find(|(run, again)| !is_same(run, again));
    let Some((run, again)) = different else {
        say(&format!("run twice with {} seeds: the same to the last event", runs.len()));
        return Ok(());
    };
    let Results { seed, event_hash, .. } = run;
    Err(Failure::new(format!(
        "seed {seed} run twice is not the same: hashes {event_hash} and {}; something depends on more than the seed",
        again.event_hash
    )))
}

/// Says which rules were broken, and how to see it again.
fn no_rule_broken(runs: &[Results]) -> Result<(), Failure> {
    let count: u64 = runs.iter().map(|run| run.violations_count).sum();
    if count == 0 {
        return Ok(());
    }
    for violation in runs.iter().flat_map(|run| &run.violations) {
        say(&violation.to_string());
    }
    Err(Failure::new(format!("{count} rules were broken")))
}

fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let (left, right) = (simulate::read(&args.left)?, simulate::read(&args.right)?);
    let about = |letter, path: &std::path::Path, runs: &[Results]| {
        let name = runs.first().map_or("", |run| run.scenario.name.as_str());
        let seeds: Vec<String> = runs.iter().map(|run| run.seed.to_string()).collect();
        format!("{letter}: {name}, seeds {} ({})\n", seeds.join(", "), path.display())
    };
    print(&about('A', &args.left, &left));
    print(&about('B', &args.right, &right));
    print(&simulate::differences(&report::compare(&left, &right)));
    Ok(())
}

/// Writes to standard output. Nobody reading is no error.
fn print(text: &str) {
    let _is_read = io::stdout().write_all(text.as_bytes());
}

/// A line on standard error. Nobody reading is no error.
fn say(line: &str) {
    let _is_read = writeln!(io::stderr(), "{line}");
}
