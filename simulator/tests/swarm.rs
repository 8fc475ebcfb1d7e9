//! Random worlds. `SWARM=100..200` looks further than the seeds of every run.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use livesky_sim::{draw, swarm};

fn seeds() -> core::ops::Range<u64> {
    let asked = std::env::var("SWARM").ok().and_then(|range| {
        let (from, to) = range.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    asked.unwrap_or(0..20)
}

#[test]
fn random_worlds_are_safe_and_recover() {
    let failures: Vec<String> = seeds()
        .filter_map(|seed| swarm(seed).err().map(|violation| format!("seed {seed}: {violation}")))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_seed_draws_a_valid_world() {
    for seed in 0..1_000 {
        let scenario = draw(seed);
        scenario.validate(&format!("seed {seed}")).unwrap();
    }
}
