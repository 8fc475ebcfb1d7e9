//! A line that gives too little: the rate follows, some clients wait, and all come back.

use std::vec::Vec;

use super::harness::*;
use crate::edge::{EdgeEvent, RateCause};
use crate::media::FrameId;
use crate::wire::SendReason;
use crate::wire::control::{Message, PullItem, RefusalReason, Subscribe};

const CAPACITY_BPS: u64 = 24_000_000;
const VIEWERS: usize = 24;

/// A queue in the line, as everybody sees it.
fn set_queue(world: &mut World<'_>, queue_us: u32) {
    world.viewers.iter_mut().for_each(|viewer| viewer.queue_us = queue_us);
}

/// Viewers that are fed; the first half of them feeds others.
fn crowd<'a>(memory: &'a mut EdgeMemory) -> World<'a> {
    let mut world = World::new(memory, config(CAPACITY_BPS, 100), settings(), 60);
    for index in 0..VIEWERS {
        let viewer = world.join_with_slots(4);
        let status = world.viewers[viewer].status.as_mut().unwrap();
        status.slots = if index < VIEWERS / 2 { 0 } else { 4 };
    }
    world.run(SECOND * 4);
    world
}

fn waiting(world: &World<'_>) -> Vec<usize> {
    let is_waiting = |index: &usize| {
        let slot = world.edge.slot_of(world.viewers[*index].edge_link).unwrap();
        world.edge.clients.at(slot).unwrap().is_waiting
    };
    (0..VIEWERS).filter(is_waiting).collect()
}

/// The line gives less than is wanted, and the queue goes neither up nor down.
fn make_short(world: &mut World<'_>) {
    set_queue(world, 100_000);
    world.run(SECOND * 3 / 2);
    set_queue(world, 30_000);
    world.run(SECOND * 4);
}

#[test]
fn a_queue_that_everybody_sees_lowers_the_rate_and_is_told_once() {
    let mut memory = EdgeMemory::new(32, 1, 512);
    let mut world = crowd(&mut memory);
    assert_eq!(world.edge.line_view().cause, RateCause::Configured);
    set_queue(&mut world, 100_000);
    world.run(SECOND * 2);
    let view = world.edge.line_view();
    assert!(view.counted_bps < 12_000_000 && view.rate_bps < view.counted_bps, "{view:?}");
    assert_eq!(view.cause, RateCause::Queue);
    assert!(world.edge.thresholds(world.channel).unwrap().n_star < 25, "N* follows");
    let told = |event: &EdgeEvent| matches!(event, EdgeEvent::RateChanged { cause: RateCause::Queue, .. });
    let count = world.events.iter().filter(|event| told(event)).count();
    assert!((1..=6).contains(&count), "{count}");
    set_queue(&mut world, 0);
    world.run(SECOND * 14);
    assert_eq!(world.edge.line_view().counted_bps, CAPACITY_BPS);
    assert!(matches!(
        world.events.iter().rfind(|event| matches!(event, EdgeEvent::RateChanged { .. })),
        Some(EdgeEvent::RateChanged {
            counted_bps: CAPACITY_BPS,
            cause: RateCause::Configured,
            waiting: 0,
            ..
        })
    ));
}

#[test]
fn who_feeds_nobody_waits_first_and_goes_on_at_a_key_frame_near_the_live_edge() {
    let mut memory = EdgeMemory::new(32, 1, 512);
    let mut world = crowd(&mut memory);
    make_short(&mut world);
    let set_aside = waiting(&world);
    assert!(!set_aside.is_empty() && set_aside.iter().all(|&index| index >= VIEWERS / 2), "{set_aside:?}");
    assert_eq!(world.edge.stats().waiting as usize, set_aside.len());
    let waits = set_aside[0];
    // Nobody new comes in meanwhile, what is skipped cannot be pulled, and the others have no gap.
    let stranger = world.join();
    assert!(matches!(world.viewers[stranger].told.last(), Some((_, Told::Refused(refused)))
        if refused.reason == RefusalReason::Saturated && refused.retry_after_ms == 1_000));
    world.viewers[waits].data.clear();
    let item = PullItem { frame: world.next_frame.minus(10), first: 0, wanted: 1 };
    world
        .say(waits, &Message::Pull { items: heapless::Vec::from_slice(&[item]).unwrap(), can_wait: false })
        .unwrap();
    world.run(SECOND);
    let is_pull = |reason: SendReason| reason == SendReason::Pull;
    assert!(world.viewers[waits].data.iter().all(|(_, header)| !is_pull(header.reason)));
    world.viewers[waits].data.clear();
    set_queue(&mut world, 0);
    let live = world.next_frame;
    world.run(SECOND * 6);
    assert_eq!(waiting(&world), []);
    let got = world.viewers[waits].frames(None);
    let first = *got.iter().min().unwrap();
    assert!(first.0.is_multiple_of(GOP) && first >= live.minus(GOP * 2), "{first:?} at {live:?}");
    assert!((first.0..world.next_frame.0 - 10).all(|id| got.contains(&FrameId(id))), "no gap after it");
    let always = (0..VIEWERS).find(|index| !set_aside.contains(index)).unwrap();
    let fed = world.viewers[always].frames(None);
    assert!(
        (60..world.next_frame.0 - 10).all(|id| fed.contains(&FrameId(id))),
        "the others see nothing of it"
    );
}

/// It asks for its feeds again and again meanwhile, which makes the line give no more.
#[test]
fn who_waits_in_vain_is_told_so() {
    let mut memory = EdgeMemory::new(32, 1, 512);
    let mut world = crowd(&mut memory);
    make_short(&mut world);
    let waits = waiting(&world)[0];
    world.viewers[waits].told.clear();
    for _ in 0..32 {
        let ask = Subscribe { substream: 0, from: world.next_frame, level: 2 };
        world.say(waits, &Message::Subscribe(ask)).unwrap();
        world.run(SECOND);
    }
    assert!(world.viewers[waits].told.iter().any(|(_, told)| matches!(told, Told::Refuse(..))));
    assert!(!waiting(&world).contains(&waits));
}

#[test]
fn a_client_that_goes_while_it_waits_leaves_nothing_behind() {
    let mut memory = EdgeMemory::new(32, 1, 512);
    let mut world = crowd(&mut memory);
    make_short(&mut world);
    for index in waiting(&world) {
        world.say(index, &Message::Leave { reason: crate::wire::control::LeaveReason::Done }).unwrap();
        world.viewers[index].edge_link = crate::wire::control::LinkId(0);
    }
    assert_eq!((world.edge.stats().waiting, world.edge.promised.waiting_bps), (0, 0));
}
