//! Plays a scenario out and prints its results as JSON: `cargo run --release -p livesky-sim --example simulate -- FILE [SEED]`.
//! `swarm` instead of a file: the random world of the seed.

use std::path::Path;
use std::process::ExitCode;

use livesky_sim::Scenario;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: simulate FILE [SEED]");
        return ExitCode::FAILURE;
    };
    let seed = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let loaded = match file.as_str() {
        "swarm" => Ok(livesky_sim::draw(seed)),
        file => Scenario::load(Path::new(file)),
    };
    let scenario = match loaded {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let results = livesky_sim::run(&scenario, seed, &mut |_| {});
    match serde_json::to_string_pretty(&results) {
        Ok(json) => println!("{json}"),
        Err(error) => eprintln!("{error}"),
    }
    ExitCode::SUCCESS
}
