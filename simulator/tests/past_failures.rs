//! Seeds of the swarm that failed once, each with its story.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use livesky_sim::swarm;

fn live_through(seeds: &[u64]) {
    for &seed in seeds {
        if let Err(violation) = swarm(seed) {
            panic!("{violation}");
        }
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
