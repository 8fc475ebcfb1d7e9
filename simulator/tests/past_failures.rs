//! Seeds that failed once, each with its story.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::path::Path;

use livesky_sim::{Scenario, run};

/// Worlds that a swarm's seeds once drew, in `worlds/`: what is drawn today may be another.
fn live_through(seeds: &[u64]) {
    for &seed in seeds {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/worlds/seed-{seed}.toml"));
        let results = run(&Scenario::load(&path).unwrap(), seed, &mut |_| {});
        assert!(results.violations.is_empty(), "{}", results.violations.first().unwrap());
    }
}

/// Leases and feeds came to more than the edge can send; one P2P client, leased in all substreams, was sent nothing for good
/// while others were fed in full: those who start had no share of the egress of their own.
#[test]
fn an_overbooked_edge_starves_nobody() {
    live_through(&[4]);
}

/// An edge of little capacity let P2P clients in, had no slot and no rescue left for them when their leases ended, and
/// neither fed them nor told them to go elsewhere.
#[test]
fn whoever_cannot_be_fed_is_told() {
    live_through(&[29, 31, 40, 47, 54]);
}

/// With a single substream the one feeder went silent but answered pings: nothing told the child that there were newer frames.
#[test]
fn a_feeder_that_says_nothing_new_is_given_up_when_the_picture_stands() {
    live_through(&[18]);
}

/// Plain players, who do not ask, took what had been promised to others: those were neither fed nor told to go elsewhere, since
/// the line itself gave all it should.
#[test]
fn whoever_plain_players_push_out_is_told() {
    live_through(&[38]);
}

/// A quarter of all datagrams is lost, and newcomers come.
const LOSSY: &str = r#"
name = "lossy-start"
about = "A minute with 60 viewers and 25 % loss"
run = { warm-up-s = 20, measure-s = 40 }
population = { initial = 60, ramp-s = 10, joins-per-minute = 0.3, leaves-per-minute = 0.3 }
network = { loss = 0.25 }
edges = [{ n1 = 10 }]
"#;

/// A newcomer's welcomes were lost for so long that, when one came, its leases were over and its burst began where nobody held
/// anything any more: it had no picture for 20 s.
#[test]
fn a_newcomer_plays_however_many_welcomes_are_lost() {
    let scenario = Scenario::parse(LOSSY, "lossy-start.toml").unwrap();
    for seed in [16, 21, 23, 45, 51] {
        let results = run(&scenario, seed, &mut |_| {});
        assert!(results.violations.is_empty(), "seed {seed}: {}", results.violations.first().unwrap());
    }
}
