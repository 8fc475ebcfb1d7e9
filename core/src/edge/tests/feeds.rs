//! Hand-over, leases, grants, and the counts that decide them.

use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::Reject;
use crate::edge::EdgeConfig;
use crate::media::FrameId;
use crate::wire::control::{Class, Grant, Message, RefuseReason, Status};

/// An edge with one push client and one P2P client, both past their bursts.
fn pair(memory: &mut EdgeMemory) -> World<'_> {
    let mut world = World::new(memory, config(20_000_000, 1), settings(), 60);
    world.join_with_slots(5);
    let viewer = world.join_with_slots(0);
    assert_eq!(world.viewers[viewer].class, Class::P2p);
    world.run(SECOND * 2);
    world
}

fn of_substream(world: &World<'_>, viewer: usize, substream: u8, from: FrameId) -> Vec<FrameId> {
    let frames = world.viewers[viewer].frames(Some(substream));
    frames.into_iter().filter(|&id| id >= from).collect()
}

fn expected(world: &World<'_>, substream: u8, from: FrameId, to: FrameId) -> Vec<FrameId> {
    let mapping = world.settings.mapping;
    (from.0..to.0).map(FrameId).filter(|&id| mapping.substream_of(id, 6) == substream).collect()
}

fn edge_feeds(world: &mut World<'_>, viewer: usize, mask: u16) {
    world.viewers[viewer].status = Some(Status { edge_feeds: mask, ..Status::default() });
}

#[test]
fn a_release_stops_the_feed_before_its_cut_and_not_earlier() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    let from = world.next_frame;
    let cut = world.settings.mapping.next_in(2, from.plus(20), 6);
    world.release(1, 2, cut).unwrap();
    world.run(SECOND * 2);
    assert_eq!(of_substream(&world, 1, 2, from), expected(&world, 2, from, cut));
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!(view.leases, (5, 0));
    assert_eq!(world.release(1, 2, cut), Err(Reject::Duplicate));
}

#[test]
fn a_cut_and_a_new_subscription_meet_without_gap_or_repeat() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    let from = world.next_frame;
    let cut = world.settings.mapping.next_in(2, from.plus(10), 6);
    world.release(1, 2, cut).unwrap();
    world.run(SECOND);
    // It finds its parent silent and takes the rest from the edge.
    world.subscribe(1, 2, cut).unwrap();
    let accept = world.viewers[1].last_accept().unwrap();
    assert_eq!((accept.substream, accept.first, accept.level), (2, cut, 1));
    assert_eq!(accept.grant, Grant::Lease);
    world.run(SECOND);
    assert_eq!(of_substream(&world, 1, 2, from), expected(&world, 2, from, world.next_frame));
    assert_eq!(world.viewers[1].repeats(), 0);
    assert_eq!(world.edge.channel_view(world.channel).unwrap().leases, (5, 1));
    assert_eq!(world.edge.stats().rescues, 1);
}

#[test]
fn a_repeated_subscription_gets_the_same_answer_and_a_lower_one_moves_the_feed() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    world.stop(1, 2);
    let from = world.next_frame.plus(12);
    world.subscribe(1, 2, from).unwrap();
    let first = world.viewers[1].last_accept().unwrap();
    world.run(SECOND);
    world.subscribe(1, 2, from).unwrap();
    assert_eq!(world.viewers[1].last_accept().unwrap(), first);
    assert_eq!(world.viewers[1].repeats(), 0);
    world.subscribe(1, 2, first.first.plus(1)).unwrap();
    let moved = world.viewers[1].last_accept().unwrap();
    assert!(moved.first > first.first, "its first frame was below what is wanted");
}

#[test]
fn the_end_of_an_earlier_feed_told_late_does_not_end_the_next() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    let late = world.next_frame;
    world.stop(1, 2);
    world.subscribe(1, 2, late.plus(12)).unwrap();
    assert_eq!(world.release(1, 2, late), Err(Reject::Stale));
    world.run(SECOND);
    let from = world.viewers[1].last_accept().unwrap().first;
    assert_eq!(of_substream(&world, 1, 2, from), expected(&world, 2, from, world.next_frame));
    world.release(1, 2, from).unwrap();
    assert_eq!(world.edge.channel_view(world.channel).unwrap().leases.0, 5);
}

#[test]
fn a_feed_believed_in_that_is_none_is_denied() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    world.stop(1, 2);
    world.viewers[1].told.clear();
    edge_feeds(&mut world, 1, 0b01_1111);
    world.run(SECOND * 2);
    let denied = |told: &(crate::Instant, Told)| matches!(told.1, Told::Refuse(2, RefuseReason::Unhealthy));
    assert!(world.viewers[1].told.iter().any(denied));
    let others =
        world.viewers[1].told.iter().filter(|told| matches!(told.1, Told::Refuse(..)) && !denied(told));
    assert_eq!(others.count(), 0, "what runs is not denied");
}

#[test]
fn a_feed_from_the_future_or_of_no_substream_is_not_given() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = pair(&mut memory);
    assert_eq!(world.subscribe(1, 6, FrameId(0)), Err(Reject::Unexpected));
    assert_eq!(world.subscribe(1, 2, FrameId(u32::MAX)), Err(Reject::Unexpected));
    assert!(world.release(1, 200, FrameId(0)).is_err());
}

#[test]
fn a_feed_starts_at_the_oldest_frame_held_when_asked_for_more() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = pair(&mut memory);
    world.run(SECOND * 4);
    world.stop(1, 2);
    world.subscribe(1, 2, FrameId(0)).unwrap();
    let first = world.viewers[1].last_accept().unwrap().first;
    let oldest = FrameId(world.next_frame.0 - 64);
    assert_eq!(first, world.settings.mapping.next_in(2, oldest, 6));
}

#[test]
fn a_lease_ends_five_seconds_after_the_last_status_that_names_it() {
    let mut memory = EdgeMemory::new(4, 1, 512);
    let mut world = pair(&mut memory);
    edge_feeds(&mut world, 1, 0b00_1111);
    let named_at = world.now;
    world.run(SECOND * 8);
    assert_eq!(world.edge.channel_view(world.channel).unwrap().leases, (4, 0));
    let ended = world.viewers[1].told.iter().find(|(_, told)| matches!(told, Told::Refuse(..))).unwrap();
    assert!(matches!(ended.1, Told::Refuse(4, RefuseReason::Slow)));
    let after = ended.0.since(named_at);
    assert!((Duration::from_millis(3_900)..=Duration::from_millis(5_200)).contains(&after), "{after:?}");
    let last = world.viewers[1].data.iter().rev().find(|(_, h)| h.substream == 4).unwrap().0;
    assert!(last <= ended.0);
    let renewed = world.viewers[1].data.iter().rev().find(|(_, h)| h.substream == 3).unwrap().0;
    assert!(world.now.since(renewed) < SECOND, "named leases go on");
}

#[test]
fn while_nc_is_below_its_target_a_feed_is_given_for_good() {
    let mut memory = EdgeMemory::new(8, 1, 256);
    let mut world = pair(&mut memory);
    assert_eq!(world.edge.channel_view(world.channel).unwrap().nc, 1.0);
    world.say(0, &Message::Leave { reason: crate::wire::control::LeaveReason::Done }).unwrap();
    assert_eq!(world.edge.channel_view(world.channel).unwrap().nc, 0.0);
    for substream in 0..6 {
        world.subscribe(1, substream, world.next_frame).unwrap();
        assert_eq!(world.viewers[1].last_accept().unwrap().grant, Grant::Feed);
        assert_eq!(world.viewers[1].last_accept().unwrap().level, 0);
    }
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!((view.nc, view.leases), (1.0, (0, 0)));
    edge_feeds(&mut world, 1, 0);
    world.run(SECOND * 8);
    assert_eq!(world.edge.channel_view(world.channel).unwrap().nc, 1.0, "what is for good needs no renewal");
}

#[test]
fn when_the_rescue_budget_is_spent_the_edge_says_so() {
    let mut memory = EdgeMemory::new(8, 1, 256);
    // A fifth of 4 Mbit/s is two clients' worth of leases.
    let options = EdgeConfig { slope: Some(0.01), ..config(4_000_000, 1) };
    let mut world = World::new(&mut memory, options, settings(), 60);
    world.join_with_slots(60);
    for _ in 0..3 {
        world.join_with_slots(0);
    }
    assert_eq!(world.edge.channel_view(world.channel).unwrap().nc, 1.0);
    world.run(SECOND * 2);
    for viewer in 1..4 {
        for substream in 0..6 {
            world.stop(viewer, substream);
            world.subscribe(viewer, substream, world.next_frame).unwrap();
        }
    }
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!((view.nc, view.leases), (1.0, (0, 12)));
    let told = &world.viewers[3].told;
    let refused = told.iter().filter(|(_, told)| matches!(told, Told::Refuse(_, RefuseReason::Budget)));
    assert_eq!(refused.count(), 6);
    assert_eq!(world.edge.stats().rescues_refused, 6);
}
