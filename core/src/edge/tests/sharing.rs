//! Burst sharing: to whom the rest of a burst is left, and what the edge sends then.

use std::vec::Vec;

use super::harness::*;
use crate::edge::EdgeConfig;
use crate::media::{ChannelSettings, FrameId};
use crate::wire::SendReason;

/// Frames of the first part: half a second and 2 s, rounded up.
const FIRST_PART: u32 = 63;

/// An edge with little to spare, four clients with `slots` each and a burst that waits, and then five who come at once.
fn crowd(memory: &mut EdgeMemory, slots: u8) -> World<'_> {
    let deep = ChannelSettings { target_buffer_ms: 12_000, ..settings() };
    let options =
        EdgeConfig { rescue_share: 0.0, overhead_share: 0.0, burst_share: 0.0, ..config(10_000_000, 20) };
    let mut world = World::new(memory, options, deep, 310);
    for _ in 0..4 {
        world.join_with_slots(slots);
    }
    world.run(SECOND * 10);
    for _ in 0..9 {
        world.join();
    }
    world
}

fn left_from(world: &World<'_>, viewer: usize) -> Option<FrameId> {
    world.viewers[viewer].told.iter().find_map(|(_, told)| match told {
        Told::Welcome { left_from, .. } => *left_from,
        _ => None,
    })
}

#[test]
fn in_a_crowd_the_edge_sends_the_first_part_and_what_is_live() {
    let mut memory = EdgeMemory::new(32, 1, 1_024);
    let mut world = crowd(&mut memory, 20);
    let shared: Vec<_> = (4..13).filter(|&viewer| left_from(&world, viewer).is_some()).collect();
    assert!(
        !shared.is_empty() && shared.iter().all(|&viewer| viewer > 6),
        "who comes first waits for nobody: {shared:?}"
    );
    assert_eq!(world.edge.stats().bursts_shared, shared.len() as u64);
    world.run(SECOND * 10);
    for &viewer in &shared {
        let (start, left) = (world.viewers[viewer].start, left_from(&world, viewer).unwrap());
        assert_eq!(left, start.plus(FIRST_PART));
        let sent = world.viewers[viewer].frames(None);
        let live: Vec<_> = sent.iter().copied().filter(|&id| id >= left).collect();
        let first = live[0];
        assert!(first.since(left) > 150, "the rest is left out: {left:?} to {first:?}");
        assert_eq!(sent.len() - live.len(), FIRST_PART as usize, "all of the first part");
        // The last ones may still be on their way.
        assert!(live.len() + 6 > world.next_frame.since(first) as usize, "all that is live");
        assert!(live.windows(2).all(|pair| pair[1] == pair[0].next()), "without a gap");
        let reasons = world.viewers[viewer].data.iter();
        assert!(
            reasons
                .filter(|(_, header)| header.info.id >= first)
                .all(|(_, header)| header.reason == SendReason::Feed)
        );
        let told = world.viewers[viewer].told.iter();
        let candidates = told
            .filter(|(_, told)| matches!(told, Told::Welcome { candidates, .. } if !candidates.is_empty()));
        assert_eq!(candidates.count(), 1, "it is told who can give, although the edge feeds it");
    }
    assert_eq!(world.edge.tracker.reserved(), 0, "who gives frames gives no slot away");
    assert_eq!(world.edge.channel(world.channel).unwrap().sharing as usize, shared.len());
    world.run(SECOND * 4);
    assert_eq!(world.edge.channel(world.channel).unwrap().sharing, 0, "the buffers are full");
}

#[test]
fn without_slots_to_spare_bursts_are_short_as_before() {
    for slots in [0, 2] {
        let mut memory = EdgeMemory::new(32, 1, 1_024);
        let world = crowd(&mut memory, slots);
        assert!((4..13).all(|viewer| left_from(&world, viewer).is_none()), "{slots} slots");
        let start = world.viewers[12].start;
        assert!(world.next_frame.since(start) < FIRST_PART + 25, "begins near the live edge");
    }
}

#[test]
fn the_count_of_those_who_catch_up_and_of_idle_slots_follows_departures() {
    let mut memory = EdgeMemory::new(32, 1, 1_024);
    let mut world = crowd(&mut memory, 20);
    assert_eq!(world.edge.channel(world.channel).unwrap().slots_idle, 80);
    assert!(world.edge.channel(world.channel).unwrap().sharing > 0);
    for viewer in 0..13 {
        let leave = crate::wire::control::Message::Leave { reason: crate::wire::control::LeaveReason::Done };
        world.say(viewer, &leave).unwrap();
    }
    let channel = world.edge.channel(world.channel).unwrap();
    assert_eq!((channel.slots_idle, channel.sharing), (0, 0));
}
