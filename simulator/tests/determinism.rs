//! The same scenario and seed give the same run, to the last event.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::path::Path;

use livesky_sim::{Results, Scenario, run};

fn smoke(seed: u64) -> Results {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/smoke-churn.toml");
    run(&Scenario::load(&path).unwrap(), seed, &mut |_| {})
}

#[test]
fn running_twice_gives_the_same_results() {
    let results = smoke(1);
    assert!(results == smoke(1), "two runs differ");
    assert_ne!(results.event_hash, smoke(2).event_hash);
}

#[test]
fn results_survive_json() {
    let results = smoke(3);
    let json = serde_json::to_string(&results).unwrap();
    let read: Results = serde_json::from_str(&json).unwrap();
    assert!(read == results, "something was lost on the way through JSON");
}
