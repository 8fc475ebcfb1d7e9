//! Seeds that failed once, each with its story.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use livesky_sim::swarm;

fn live_through(seed: u64) {
    if let Err(violation) = swarm(seed) {
        panic!("{violation}");
    }
}

/// An edge of little capacity let P2P clients in, had no slot and no rescue left for them when their leases ended, and
/// neither fed them nor told them to go elsewhere.
#[test]
#[ignore = "an edge without rescue budget does not redirect"]
fn whoever_cannot_be_fed_is_told() {
    [29, 31, 40, 47, 54, 70, 73].into_iter().for_each(live_through);
}
