//! An edge and its clients, together, in virtual time.

mod pair;

use core::time::Duration;

use livesky_core::client::ClientConfig;
use livesky_core::edge::EdgeConfig;
use livesky_core::media::{ChannelSettings, FrameId};
use livesky_core::wire::control::{Class, ClientId};
use pair::{Impairment, World, is_gapless};

const SECOND: Duration = Duration::from_secs(1);

fn config(n1: u32) -> EdgeConfig {
    EdgeConfig { n1, ..EdgeConfig::default() }
}

fn live(seed: u64, n1: u32, impairment: Impairment) -> World {
    let mut world = World::new(seed, config(n1), ChannelSettings::default(), impairment);
    world.run(20 * SECOND);
    world
}

#[test]
fn a_push_viewer_plays_every_frame() {
    let mut world = live(1, 10, Impairment::NONE);
    let viewer = world.join(0);
    world.run(30 * SECOND);
    let viewer = &world.viewers[viewer];
    assert!(viewer.started_after.unwrap() < Duration::from_millis(400), "{:?}", viewer.started_after);
    assert_eq!((viewer.stalls, viewer.skipped), (0, 0));
    assert!(is_gapless(&viewer.played));
    assert!(viewer.played.len() > 700, "{}", viewer.played.len());
}

#[test]
fn a_p2p_viewer_is_handed_over_to_its_parents() {
    let mut world = live(2, 2, Impairment::NONE);
    let parents = [world.join(600_000), world.join(600_000)];
    world.run(5 * SECOND);
    let child = world.join(0);
    world.run(30 * SECOND);
    let view = world.viewers[child].client.view(world.now).unwrap();
    assert_eq!(view.class, Class::P2p);
    let from_edge = view.parents.iter().filter(|parent| **parent == Some(ClientId::EDGE)).count();
    assert_eq!(from_edge, 0, "{view:?}");
    for index in [parents[0], parents[1], child] {
        let viewer = &world.viewers[index];
        assert_eq!((viewer.stalls, viewer.skipped), (0, 0), "viewer {index}");
        assert!(is_gapless(&viewer.played), "viewer {index}");
    }
    let watch = world.viewers[child].client.watch_stats(world.now);
    assert!(watch.bytes_peers > watch.bytes_edge / 2, "{watch:?}");
    let received = watch.bytes_peers + watch.bytes_edge;
    assert!(watch.bytes_duplicate * 100 < received, "{watch:?}");
}

/// The bar: 2 % loss, reordering and duplication lose no frame.
#[test]
fn a_rough_path_loses_no_frame() {
    for seed in 0..4 {
        let mut world = live(seed, 4, Impairment::ROUGH);
        for _ in 0..10 {
            world.join(600_000);
            world.run(SECOND);
        }
        world.run(60 * SECOND);
        for (index, viewer) in world.viewers.iter().enumerate() {
            let watch = viewer.client.watch_stats(world.now);
            assert_eq!((viewer.stalls, viewer.skipped), (0, 0), "seed {seed} viewer {index}: {watch:?}");
            assert!(is_gapless(&viewer.played), "seed {seed} viewer {index}");
            assert!(viewer.played.len() > 1_400, "seed {seed} viewer {index}: {}", viewer.played.len());
        }
    }
}

#[test]
fn a_parent_that_leaves_or_dies_costs_no_frame() {
    for (seed, says_goodbye) in [(5, true), (6, false)] {
        let mut world = live(seed, 3, Impairment::NONE);
        for _ in 0..9 {
            world.join(600_000);
            world.run(SECOND / 2);
        }
        world.run(20 * SECOND);
        if says_goodbye {
            world.leave(0)
        } else {
            world.kill(0)
        }
        world.run(20 * SECOND);
        let live = world.viewers.iter().filter(|viewer| !viewer.is_dead);
        for (index, viewer) in live.enumerate() {
            assert_eq!((viewer.stalls, viewer.skipped), (0, 0), "goodbye {says_goodbye}, viewer {index}");
            assert!(is_gapless(&viewer.played), "goodbye {says_goodbye}, viewer {index}");
        }
    }
}

#[test]
fn the_playhead_of_a_viewer_starts_at_a_key_frame() {
    let mut world = live(7, 10, Impairment::ROUGH);
    let viewer = world.join(0);
    world.run(5 * SECOND);
    assert_eq!(world.viewers[viewer].played.first().map(|first| first.0 % 25), Some(0));
    assert_ne!(world.viewers[viewer].played.first(), Some(&FrameId(0)));
}

/// Fed by the edge, or by others who keep the channel's 15 s.
#[test]
fn who_wants_a_shorter_buffer_plays_nearer_to_live() {
    for (seed, n1) in [(5, 10), (6, 3)] {
        let mut world = live(seed, n1, Impairment { loss_permille: 10, ..Impairment::NONE });
        for _ in 0..3 {
            world.join(900_000);
        }
        world.run(5 * SECOND);
        let config = |buffer_ms_max| ClientConfig { buffer_ms_max, ..ClientConfig::default() };
        let [near, nearest, usual] = [2_000, 1, 60_000].map(|ms| world.join_as(config(ms), None));
        world.run(40 * SECOND);
        let behind_ms = [near, nearest, usual].map(|index| {
            let viewer = &world.viewers[index];
            let what = format!("seed {seed}, viewer {index}");
            assert!(
                viewer.started_after.unwrap() < Duration::from_millis(1_500),
                "{what}: {:?}",
                viewer.started_after
            );
            assert_eq!((viewer.stalls, viewer.skipped), (0, 0), "{what}");
            assert!(is_gapless(&viewer.played) && viewer.played.len() > 900, "{what}");
            let view = viewer.client.view(world.now).unwrap();
            view.newest.since(view.playhead.unwrap()) * 40
        });
        let [near_ms, nearest_ms, usual_ms] = behind_ms;
        assert!(near_ms <= 2_300 && nearest_ms <= 1_700 && usual_ms > 10_000, "seed {seed}: {behind_ms:?}");
    }
}
