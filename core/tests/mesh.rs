//! Overlay mode `mesh`: the edge feeds a few seeds, all others pull from each other.

mod pair;

use core::time::Duration;

use livesky_core::edge::EdgeConfig;
use livesky_core::media::{ChannelSettings, Overlay};
use livesky_core::wire::control::{Class, WatchStats};
use pair::{Impairment, World};

const NEAR: Impairment = Impairment { delay: Duration::from_millis(10), ..Impairment::NONE };
const SEEDS: u32 = 3;

fn mesh(seed: u64, viewers: usize) -> World {
    let settings = ChannelSettings { overlay: Overlay::Mesh, ..ChannelSettings::default() };
    let config = EdgeConfig { n1: SEEDS, ..EdgeConfig::default() };
    let mut world = World::new(seed, config, settings, NEAR);
    world.run(Duration::from_secs(20));
    for _ in 0..viewers {
        world.join(800_000);
        world.run(Duration::from_millis(400));
    }
    world
}

fn pushed(world: &World) -> usize {
    let is_seed = |viewer: &&pair::Viewer| {
        let view = viewer.client.view(world.now);
        view.is_some_and(|view| view.class == Class::Push || view.parents.iter().any(Option::is_some))
    };
    world.viewers.iter().filter(|viewer| !viewer.is_dead).filter(is_seed).count()
}

fn paused(world: &World) -> Vec<u32> {
    world.viewers.iter().map(|viewer| viewer.stalls + viewer.skipped).collect()
}

/// Viewers that paused or passed over frames while `world` runs on for half a minute.
fn pauses_in_half_a_minute(world: &mut World) -> usize {
    let before = paused(world);
    world.run(Duration::from_secs(30));
    paused(world).iter().zip(before).filter(|(after, before)| *after > before).count()
}

/// The edge feeds three of 24 and nobody else; once buffers have grown hardly anybody pauses.
#[test]
fn who_is_fed_by_nobody_pulls_all_of_it_from_others() {
    let mut world = mesh(1, 24);
    world.run(Duration::from_secs(60));
    let paused = pauses_in_half_a_minute(&mut world);
    assert!(world.viewers.iter().all(|viewer| viewer.started_after.is_some()));
    assert!(paused <= 3, "{paused} of 21 paused");
    assert_eq!(pushed(&world), SEEDS as usize);
    let sum = |bytes: fn(&WatchStats) -> u64| {
        world.viewers.iter().map(|viewer| bytes(&viewer.client.stats().watch)).sum::<u64>()
    };
    let (edge, peers, twice) =
        (sum(|watch| watch.bytes_edge), sum(|watch| watch.bytes_peers), sum(|watch| watch.bytes_duplicate));
    assert!(peers * 10 > (edge + peers) * 8, "{edge} of the edge, {peers} of peers");
    assert!(twice * 20 < peers, "{twice} bytes twice");
}

/// Seeds that leave, one without a word, are replaced by others.
#[test]
fn a_seed_that_leaves_has_a_successor() {
    let mut world = mesh(2, 12);
    world.run(Duration::from_secs(10));
    world.leave(0);
    world.kill(1);
    world.run(Duration::from_secs(50));
    assert_eq!(pushed(&world), SEEDS as usize);
    let paused = pauses_in_half_a_minute(&mut world);
    assert!(paused <= 1, "{paused} of 10 paused");
}
