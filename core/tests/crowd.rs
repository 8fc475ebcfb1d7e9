//! A crowd that comes and goes, in virtual time.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers of a test")]

mod pair;

use core::time::Duration;

use livesky_core::edge::EdgeConfig;
use livesky_core::media::ChannelSettings;
use livesky_core::rng::Rng;
use livesky_core::scaling::Churn;
use pair::{Impairment, World};

fn crowd(
    seed: u64,
    viewers: usize,
    seconds: u64,
    impairment: Impairment,
    leave_percent_a_minute: u32,
) -> World {
    let churn = Churn { alpha: 0.9, ..Churn::default() };
    let config = EdgeConfig { n1: 10, churn, ..EdgeConfig::default() };
    let mut world = World::new(seed, config, ChannelSettings::default(), impairment);
    let mut rng = Rng::from_seed(seed);
    world.run(Duration::from_secs(20));
    let uplink = |rng: &mut Rng| 400_000 + rng.below(200_000);
    let mut alive = Vec::new();
    for _ in 0..viewers {
        alive.push(world.join(uplink(&mut rng)));
        world.run(Duration::from_millis(10_000 / viewers as u64));
    }
    let mut owed = 0;
    for _ in 0..seconds * 10 {
        world.run(Duration::from_millis(100));
        owed += viewers as u32 * leave_percent_a_minute;
        while owed >= 60_000 {
            owed -= 60_000;
            let index = alive.swap_remove(rng.below(alive.len() as u32) as usize);
            if rng.below(20) == 0 {
                world.kill(index)
            } else {
                world.leave(index)
            }
            alive.push(world.join(uplink(&mut rng)));
        }
    }
    world
}

/// Totals over everybody who was ever there.
#[derive(Debug, Default)]
struct Totals {
    edge: u64,
    peers: u64,
    twice: u64,
    control: u64,
    stalls: u32,
    skipped: u32,
    startups_ms: Vec<u128>,
}

fn totals(world: &World) -> Totals {
    let mut totals = Totals::default();
    for viewer in &world.viewers {
        let watch = viewer.client.stats().watch;
        totals.edge += watch.bytes_edge;
        totals.peers += watch.bytes_peers;
        totals.twice += watch.bytes_duplicate;
        totals.control += watch.bytes_control;
        totals.stalls += viewer.stalls;
        totals.skipped += viewer.skipped;
        totals.startups_ms.extend(viewer.started_after.map(|after| after.as_millis()));
    }
    totals.startups_ms.sort_unstable();
    totals
}

fn share(part: u64, totals: &Totals) -> f64 {
    part as f64 / (totals.edge + totals.peers) as f64
}

/// With uplinks of 1x to 1.5x and S = .55, peers carry a third of the bytes, bursts counted, and nobody notices who comes and
/// goes.
#[test]
fn a_crowd_feeds_itself() {
    let near = Impairment { delay: Duration::from_millis(5), ..Impairment::NONE };
    let world = crowd(1, 40, 60, near, 20);
    let totals = totals(&world);
    assert_eq!((totals.stalls, totals.skipped), (0, 0), "{totals:?}");
    assert!(share(totals.peers, &totals) > 0.33, "{totals:?}");
    assert!(share(totals.twice, &totals) < 0.002, "{totals:?}");
    assert!(share(totals.control, &totals) < 0.015, "{totals:?}");
    assert!(totals.startups_ms.last().is_some_and(|&startup| startup < 300), "{totals:?}");
}

/// Fifty joins in 5 s onto an edge whose capacity is a third of the bursts they could have: all start, with less in the buffer,
/// hardly a frame is lost, and few pictures stand still for a moment.
#[test]
fn a_flash_crowd_on_a_small_edge_starts_with_less() {
    let near = Impairment { delay: Duration::from_millis(5), ..Impairment::NONE };
    let config = EdgeConfig { n1: 5, capacity_bps: 20_000_000, ..EdgeConfig::default() };
    let mut world = World::new(3, config, ChannelSettings::default(), near);
    world.run(Duration::from_secs(20));
    for _ in 0..50 {
        world.join(600_000);
        world.run(Duration::from_millis(100));
    }
    world.run(Duration::from_secs(40));
    let totals = totals(&world);
    assert_eq!(totals.startups_ms.len(), 50, "{totals:?}");
    assert!(totals.skipped <= 2, "{totals:?}");
    assert!(totals.stalls <= 10, "{totals:?}");
    assert!(share(totals.peers, &totals) > 0.3, "{totals:?}");
    // Who is refused comes in 2 s later, few after another 2 s.
    assert!(totals.startups_ms.get(44).is_some_and(|&p90| p90 < 2_500), "{totals:?}");
    assert!(totals.startups_ms.last().is_some_and(|&startup| startup < 5_000), "{totals:?}");
}

/// 2 % of the datagrams lost, 1 % doubled, 15 ms of jitter, 40 % leaving a minute, one in twenty without a word.
#[test]
fn a_crowd_on_a_rough_path_loses_no_frame() {
    let world = crowd(2, 30, 60, Impairment::ROUGH, 40);
    let totals = totals(&world);
    assert_eq!((totals.stalls, totals.skipped), (0, 0), "{totals:?}");
    assert!(share(totals.peers, &totals) > 0.25, "{totals:?}");
    // 1 % is the network's own.
    assert!(share(totals.twice, &totals) < 0.02, "{totals:?}");
    assert!(share(totals.control, &totals) < 0.03, "{totals:?}");
}
