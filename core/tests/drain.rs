//! Other edges: a full one names them, one that goes down hands its clients over to them, and nobody stalls.

#![allow(clippy::cast_possible_truncation, reason = "small numbers of a test")]

mod pair;

use core::cell::RefCell;
use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use livesky_core::client::ClientConfig;
use livesky_core::edge::{EdgeConfig, EdgeEvent};
use livesky_core::media::{ChannelName, ChannelSettings};
use livesky_core::scaling::Churn;
use livesky_core::wire::Datagram;
use livesky_core::{Endpoint, Instant};
use pair::{Impairment, World, edge_address, is_gapless, other_edge_address};

const SECOND: Duration = Duration::from_secs(1);

fn config(n1: u32) -> EdgeConfig {
    EdgeConfig { n1, churn: Churn { alpha: 0.9, ..Churn::default() }, ..EdgeConfig::default() }
}

/// A world with `edges` other ones, all fed from the first frame on.
fn world(seed: u64, n1: u32, edges: usize, impairment: Impairment, settings: ChannelSettings) -> World {
    let mut world = World::new(seed, config(n1), settings, impairment);
    for _ in 0..edges {
        world.add_edge(config(n1));
    }
    world.run(20 * SECOND);
    world
}

fn crowd(world: &mut World, viewers: usize) {
    for _ in 0..viewers {
        world.join(600_000);
        world.run(Duration::from_millis(200));
    }
    world.run(20 * SECOND);
    assert_eq!(world.edge.clients_len() as usize, viewers, "all are in");
}

fn has_drained(events: &[EdgeEvent]) -> bool {
    events.contains(&EdgeEvent::Drained)
}

/// When the edge said that nobody is left, after it was told to go down.
fn drain(world: &mut World, span: Duration, alternatives: &[SocketAddr]) -> Duration {
    let begun = world.now;
    world.edge.drain(begun, begun + span, alternatives);
    world.drain_all();
    while !has_drained(&world.edge_events) {
        world.run(Duration::from_millis(50));
        assert!(world.now.since(begun) < span + SECOND, "the edge is not empty");
    }
    world.now.since(begun)
}

fn assert_unharmed(world: &World, what: &str) {
    for (index, viewer) in world.viewers.iter().enumerate() {
        assert_eq!((viewer.stalls, viewer.skipped), (0, 0), "{what}: viewer {index}");
        assert!(is_gapless(&viewer.played), "{what}: viewer {index}");
        assert_eq!(viewer.left, 0, "{what}: viewer {index} lost its session");
    }
}

#[test]
fn an_edge_with_twenty_viewers_is_drained_and_nobody_stalls() {
    for (what, impairment) in [("clean", Impairment::NONE), ("rough", Impairment::ROUGH)] {
        for buffer_ms in [2_000, 15_000] {
            let settings = ChannelSettings { target_buffer_ms: buffer_ms, ..ChannelSettings::default() };
            let mut world = world(3, 8, 2, impairment, settings);
            crowd(&mut world, 20);
            let stalls_before: Vec<u32> = world.viewers.iter().map(|viewer| viewer.stalls).collect();
            let skipped_before: Vec<u32> = world.viewers.iter().map(|viewer| viewer.skipped).collect();
            let twice = |world: &World| -> u64 {
                world.viewers.iter().map(|viewer| viewer.client.stats().watch.bytes_duplicate).sum()
            };
            let twice_before = twice(&world);
            let targets = [other_edge_address(0), other_edge_address(1)];
            let took = drain(&mut world, 10 * SECOND, &targets);
            println!(
                "{what}, {buffer_ms} ms buffer: empty after {took:?}, {} B twice",
                twice(&world) - twice_before
            );
            // The old edge is gone for good.
            world.edge.shutdown(world.now);
            world.run(20 * SECOND);
            let of = |index: usize| world.others[index].edge.clients_len();
            assert_eq!(of(0) + of(1), 20, "{what}");
            assert!(of(0) >= 4 && of(1) >= 4, "spread: {} and {}", of(0), of(1));
            for (index, viewer) in world.viewers.iter().enumerate() {
                assert_eq!(viewer.stalls, stalls_before[index], "{what}: viewer {index}");
                assert_eq!(viewer.skipped, skipped_before[index], "{what}: viewer {index}");
                assert!(viewer.client.view(world.now).is_some_and(|view| view.edge != edge_address()));
            }
            if what == "clean" {
                assert_unharmed(&world, what);
            }
        }
    }
}

#[test]
fn an_alternative_that_is_dead_is_passed_over() {
    let mut world = world(5, 8, 2, Impairment::NONE, ChannelSettings::default());
    world.others[0].is_dead = true;
    crowd(&mut world, 10);
    drain(&mut world, 10 * SECOND, &[other_edge_address(0), other_edge_address(1)]);
    world.run(10 * SECOND);
    assert_eq!(world.others[1].edge.clients_len(), 10);
    assert_unharmed(&world, "dead alternative");
}

#[test]
fn without_another_edge_clients_are_told_to_leave_at_the_end() {
    let mut world = world(5, 8, 0, Impairment::NONE, ChannelSettings::default());
    crowd(&mut world, 5);
    let took = drain(&mut world, 4 * SECOND, &[]);
    assert!(took >= 4 * SECOND, "{took:?}");
    world.run(Duration::from_millis(500));
    assert!(world.viewers.iter().all(|viewer| viewer.left == 1));
}

#[test]
fn an_edge_of_another_run_begins_the_session_anew() {
    let mut world = World::new(7, config(8), ChannelSettings::default(), Impairment::NONE);
    world.run(20 * SECOND);
    world.add_edge_of_epoch(config(8), 3);
    world.run(20 * SECOND);
    crowd(&mut world, 3);
    drain(&mut world, 10 * SECOND, &[other_edge_address(0)]);
    world.run(10 * SECOND);
    assert_eq!(world.others[0].edge.clients_len(), 3);
    for viewer in &world.viewers {
        let view = viewer.client.view(world.now).unwrap();
        assert_eq!(view.epoch, 3);
        assert!(view.newest.since(*viewer.played.last().unwrap()) < 500, "it plays on");
    }
}

#[test]
fn whoever_a_full_edge_refuses_is_let_in_by_another() {
    // Room for a few only, and nobody uploads.
    let small = EdgeConfig {
        capacity_bps: 3_000_000,
        alternatives: heapless::Vec::from_slice(&[other_edge_address(0), other_edge_address(1)]).unwrap(),
        ..config(100)
    };
    let mut world = World::new(9, small, ChannelSettings::default(), Impairment::NONE);
    world.add_edge(config(100));
    world.add_edge(config(100));
    world.run(20 * SECOND);
    for _ in 0..20 {
        world.join(0);
        world.run(Duration::from_millis(500));
    }
    world.run(10 * SECOND);
    let of = |index: usize| world.others[index].edge.clients_len();
    assert_eq!(world.edge.clients_len() + of(0) + of(1), 20);
    assert!(world.edge.clients_len() < 10 && of(0) > 2 && of(1) > 2, "{} {}", of(0), of(1));
    for (index, viewer) in world.viewers.iter().enumerate() {
        let after = viewer.started_after.expect("it plays");
        assert!(after < 2 * SECOND, "viewer {index}: {after:?}");
        assert_eq!(viewer.refused as usize, viewer.redirected.len(), "viewer {index} was told why");
    }
}

#[test]
fn an_owner_may_forbid_to_go_elsewhere() {
    let small = EdgeConfig {
        capacity_bps: 10_000,
        alternatives: heapless::Vec::from_slice(&[other_edge_address(0)]).unwrap(),
        ..config(100)
    };
    let mut world = World::new(9, small, ChannelSettings::default(), Impairment::NONE);
    world.add_edge(config(100));
    world.run(20 * SECOND);
    let stays = world.join_as(ClientConfig { follows_redirects: false, ..ClientConfig::default() }, None);
    let goes = world.join(0);
    world.run(10 * SECOND);
    assert!(world.viewers[stays].redirected.is_empty() && world.viewers[stays].refused >= 3);
    assert!(world.viewers[stays].client.refused().is_some_and(|refused| refused.alternatives.len() == 1));
    assert_eq!(world.viewers[goes].redirected, [other_edge_address(0)]);
    assert_eq!(world.others[0].edge.clients_len(), 1);
}

#[test]
fn after_the_alternatives_the_first_edge_is_asked_again() {
    let full = |alternatives: &[SocketAddr]| EdgeConfig {
        capacity_bps: 10_000,
        alternatives: heapless::Vec::from_slice(alternatives).unwrap(),
        ..config(100)
    };
    // Full edges that name each other.
    let two = [other_edge_address(0), other_edge_address(1)];
    let mut world = World::new(9, full(&two), ChannelSettings::default(), Impairment::NONE);
    world.add_edge(full(&[edge_address()]));
    world.add_edge(full(&[edge_address()]));
    world.run(2 * SECOND);
    let viewer = world.join(0);
    world.run(10 * SECOND);
    let viewer = &world.viewers[viewer];
    // Every 2 s the edge is asked, and then both others.
    assert!((8..=18).contains(&viewer.refused), "{}", viewer.refused);
    assert!((5..=12).contains(&viewer.redirected.len()), "{:?}", viewer.redirected);
}

#[test]
fn tuning_takes_one_round_trip() {
    let mut world = World::new(11, config(100), ChannelSettings::default(), Impairment::NONE);
    world.open_second();
    world.run(20 * SECOND);
    let viewer = world.join(600_000);
    let child = world.join(600_000);
    world.run(10 * SECOND);
    let address = world.viewers[viewer].address;
    let first_data: Rc<RefCell<Option<Instant>>> = Rc::default();
    let hellos: Rc<RefCell<u32>> = Rc::default();
    let (seen, said) = (Rc::clone(&first_data), Rc::clone(&hellos));
    let begun = world.now;
    world.viewers[viewer].played.clear();
    world.viewers[viewer].client.tune(begun, &ChannelName::new("live2").unwrap());
    // What is on its way of the old channel comes within one way; the first of the new one leaves after that.
    world.tap = Some(Box::new(move |now, _, to, _| {
        if to == address && now > begun {
            seen.borrow_mut().get_or_insert(now);
        }
    }));
    world.control_tap = Some(Box::new(move |_, from, _, bytes| {
        *said.borrow_mut() += u32::from(from == address && bytes.len() == 1_200);
        assert!(Datagram::parse(bytes).is_ok());
    }));
    world.is_publishing = false;
    world.drain_all();
    world.run(Duration::from_millis(50));
    // 20 ms each way: the edge sends at once when it reads the hello.
    assert_eq!(*first_data.borrow(), Some(begun + Duration::from_millis(20)));
    assert_eq!(*hellos.borrow(), 1);
    assert_eq!(world.viewers[viewer].client.view(world.now).unwrap().edge, edge_address());
    world.is_publishing = true;
    world.run(5 * SECOND);
    assert!(is_gapless(&world.viewers[viewer].played) && world.viewers[viewer].played.len() > 50);
    assert_eq!(world.viewers[child].stalls, 0);
    assert_eq!(world.edge.clients_len(), 2);
}

#[test]
fn a_lost_hello_of_a_tune_is_said_again() {
    let mut world = World::new(11, config(100), ChannelSettings::default(), Impairment::NONE);
    world.open_second();
    world.run(20 * SECOND);
    let viewer = world.join(600_000);
    world.run(5 * SECOND);
    world.viewers[viewer].client.tune(world.now, &ChannelName::new("live2").unwrap());
    world.viewers[viewer].played.clear();
    world.impairment.loss_permille = 1_000;
    world.drain_all();
    world.run(Duration::from_millis(10));
    world.impairment.loss_permille = 0;
    world.run(5 * SECOND);
    assert!(is_gapless(&world.viewers[viewer].played) && world.viewers[viewer].played.len() > 50);
    assert_eq!(world.edge.clients_len(), 1);
    assert!(world.edge.poll_timeout().is_some());
}
