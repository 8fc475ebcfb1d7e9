//! What suppliers can still take on, and pure figures of an edge.

use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::Instant;
use crate::edge::EdgeEvent;
use crate::edge::channel::ChannelSlot;
use crate::edge::feeds::{has_overlay, instant_of, share_of};
use crate::edge::tracker::{Supplier, better};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::control::{Class, Grant, LeaveReason, LinkId, Message, Status};

fn world(memory: &mut EdgeMemory) -> World<'_> {
    World::new(memory, config(100_000_000, 90), settings(), 30)
}

#[test]
fn spare_slots_are_a_share_of_all_what_is_promised_and_one_client_s() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    for (all, free, can_supply, has_spare) in [
        // 5 of 100 and six substreams.
        (100, 11, false, true),
        (100, 10, false, false),
        // 12 of 100 before a client that could supply others.
        (100, 18, true, true),
        (100, 17, true, false),
        (0, 6, false, true),
        (0, 5, false, false),
    ] {
        let channel = world.edge.channel_mut(world.channel).unwrap();
        (channel.slots_all, channel.slots_free) = (all, free);
        assert_eq!(world.edge.has_spare_slots(world.channel, can_supply), has_spare, "{free} of {all}");
    }
}

#[test]
fn slots_are_counted_as_the_last_statuses_tell() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let (first, second) = (world.join(), world.join());
    let counted = |world: &World<'_>| {
        let channel = world.edge.channel(world.channel).unwrap();
        (channel.slots_free, channel.slots_all, channel.uplink_slots)
    };
    for (viewer, slots, slots_max, feedable, sums) in [
        (first, 4, 7, 0x3f, (4, 7, 7)),
        (second, 2, 3, 0x3f, (6, 10, 10)),
        (first, 1, 7, 0x3f, (3, 10, 10)),
        // Nothing to pass on: what it could take on does not count.
        (second, 2, 3, 0, (1, 7, 10)),
        (second, 9, 3, 0x3f, (4, 10, 10)),
        (first, 0, 0, 0, (3, 3, 3)),
    ] {
        let status = Status { slots, slots_max, feedable, ..Status::default() };
        world.say(viewer, &Message::Status(status)).unwrap();
        assert_eq!(counted(&world), sums);
    }
}

#[test]
fn who_can_supply_others_is_told_by_its_slots_or_its_uplink() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    world.join();
    for (slots_max, upload_bps, can_supply) in
        [(0, 0, false), (1, 0, true), (0, 400_000, true), (0, 1_000, false)]
    {
        let record = world.edge.record_mut(0).unwrap();
        (record.slots_max, record.upload_bps) = (slots_max, upload_bps);
        assert_eq!(world.edge.can_supply(0), can_supply, "{slots_max} {upload_bps}");
    }
    assert!(!world.edge.can_supply(1), "nobody is there");
}

#[test]
fn one_more_feed_for_good_is_within_the_target() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let channel = world.edge.channel_mut(world.channel).unwrap();
    // Up to N1 = 90 clients the edge feeds all of them.
    channel.clients = 10;
    for (feeds, is_below) in [(0, true), (59, true), (60, false)] {
        world.edge.channel_mut(world.channel).unwrap().feeds = feeds;
        assert_eq!(world.edge.is_below_target(world.channel), is_below, "{feeds} sixths");
    }
}

#[test]
fn a_frame_is_timely_for_a_target_buffer() {
    let slot = ChannelSlot { settings: settings(), newest: Some(FrameId(500)), ..ChannelSlot::EMPTY };
    // 4 s at 25 a second.
    for (frame, is_timely) in [(500, true), (401, true), (400, false), (0, false)] {
        assert_eq!(slot.is_timely(FrameId(frame)), is_timely, "{frame}");
    }
    assert!(!ChannelSlot { newest: None, ..slot }.is_timely(FrameId(500)));
}

#[test]
fn shares_are_cut_off_at_nothing_and_all() {
    for (rate_bps, share, expected) in [
        (1_000, 0.5, 500),
        (1_000, 0.0, 0),
        (1_000, 1.0, 1_000),
        (1_000, -1.0, 0),
        (1_000, 7.0, 1_000),
        (3, 0.5, 1),
    ] {
        assert_eq!(share_of(rate_bps, share), expected, "{share} of {rate_bps}");
    }
    assert_eq!(instant_of(25), Instant::from_millis(2_500));
    for (overlay, levels, has) in
        [(Overlay::Push, 1, false), (Overlay::Push, 2, true), (Overlay::Off, 2, false)]
    {
        assert_eq!(has_overlay(overlay, levels), has, "{overlay:?} {levels}");
    }
}

#[test]
fn the_freer_supplier_is_better_and_of_two_as_free_the_older() {
    let supplier = |slot, slots_free, joined_ms| {
        Some(Supplier { slot, slots_free, joined_at: Instant::from_millis(joined_ms) })
    };
    let best = |left, right| better(left, right).map(|supplier| supplier.slot);
    assert_eq!(best(supplier(1, 3, 10), supplier(2, 4, 20)), Some(2));
    assert_eq!(best(supplier(1, 4, 20), supplier(2, 3, 10)), Some(1));
    assert_eq!(best(supplier(1, 4, 20), supplier(2, 4, 10)), Some(2));
    assert_eq!(best(supplier(1, 4, 10), supplier(2, 4, 20)), Some(1));
    assert_eq!((best(None, supplier(2, 0, 0)), best(supplier(1, 0, 0), None)), (Some(2), Some(1)));
}

#[test]
fn strict_stages_leave_nothing_to_peers_that_the_stages_give_to_the_edge() {
    for is_stage_strict in [false, true] {
        let mut memory = EdgeMemory::new(8, 1, 64);
        let options = crate::edge::EdgeConfig { is_stage_strict, slope: Some(1.0), ..config(100_000_000, 1) };
        let mut world = World::new(&mut memory, options, settings(), 30);
        world.join();
        let status = Status { slots: 200, slots_max: 200, feedable: 0x3f, ..Status::default() };
        world.say(0, &Message::Status(status)).unwrap();
        world.join();
        world.join();
        let p2p = world.viewers.iter().filter(|viewer| viewer.class == Class::P2p).count();
        // Past N1/S, which is 2 or less, each newcomer is the edge's by the stages.
        assert_eq!(p2p, if is_stage_strict { 1 } else { 2 });
    }
}

/// When a client on leases, for which there is room and whom nobody takes on, is fed for good, in milliseconds after it came.
fn promoted_after(can_supply: bool, spare_slots: u32) -> Option<u128> {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 2), settings(), 30);
    for _ in 0..3 {
        world.join_with_slots(0);
    }
    assert_eq!(world.viewers[2].class, Class::P2p);
    let joined_at = world.now;
    if !can_supply {
        world.edge.record_mut(2).unwrap().upload_bps = 0;
    }
    world.say(0, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    world.viewers[0].edge_link = LinkId(0);
    world.edge.channel_mut(world.channel).unwrap().slots_free = spare_slots;
    let id = world.viewers[2].id;
    for _ in 0..90 {
        world.run(Duration::from_millis(100));
        let is_it = |event: &EdgeEvent| matches!(event, EdgeEvent::Promoted { client, .. } if *client == id);
        if world.events.iter().any(is_it) {
            assert_eq!(world.edge.stats().promotions, 1);
            let client = world.edge.clients.at(2).unwrap();
            assert_eq!((client.class, client.feeds.0, client.leases.0), (Class::Push, 0x3f, 0));
            let grants = world.viewers[2]
                .told
                .iter()
                .filter(|(_, told)| matches!(told, Told::Accept(accept) if accept.grant == Grant::Feed));
            assert_eq!(grants.count(), 6);
            return Some(world.now.since(joined_at).as_millis());
        }
    }
    None
}

#[test]
fn who_finds_no_parents_is_fed_for_good_the_sooner_when_it_can_feed_others() {
    let (good, other) = (promoted_after(true, 0).unwrap(), promoted_after(false, 0).unwrap());
    assert!((2_000..=3_100).contains(&good), "{good}");
    assert!((6_000..=7_100).contains(&other), "{other}");
    assert_eq!(promoted_after(true, 60), None, "others can take it on");
}

fn mesh(memory: &mut EdgeMemory, n1: u32) -> World<'_> {
    let settings = ChannelSettings { overlay: Overlay::Mesh, ..settings() };
    World::new(memory, config(100_000_000, n1), settings, 30)
}

#[test]
fn a_mesh_has_so_many_seeds_and_they_can_feed_others() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = mesh(&mut memory, 2);
    for _ in 0..4 {
        world.join_with_slots(0);
    }
    let classes: Vec<_> = world.viewers.iter().map(|viewer| viewer.class).collect();
    assert_eq!(classes, [Class::Push, Class::Push, Class::P2p, Class::P2p]);
    // Whole clients of feeds; a good one is made a seed, another only when there is none at all.
    for (feeds, can_supply, wants) in [
        (12, true, false),
        (11, true, true),
        (7, true, true),
        (6, false, false),
        (5, false, true),
        (0, false, true),
        (0, true, true),
    ] {
        world.edge.channel_mut(world.channel).unwrap().feeds = feeds;
        assert_eq!(world.edge.wants_seed(world.channel, can_supply), wants, "{feeds} {can_supply}");
    }
}

#[test]
fn a_seed_that_goes_is_replaced() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = mesh(&mut memory, 1);
    for _ in 0..3 {
        world.join_with_slots(0);
    }
    world.say(0, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    world.viewers[0].edge_link = LinkId(0);
    world.run(Duration::from_millis(1_100));
    assert_eq!(world.edge.stats().promotions, 1);
    let fed: Vec<_> = (1..3).map(|slot| world.edge.clients.at(slot).map(|client| client.feeds.0)).collect();
    assert_eq!(fed.iter().filter(|feeds| **feeds == Some(0x3f)).count(), 1, "{fed:?}");
    let accepts = world
        .viewers
        .iter()
        .flat_map(|viewer| &viewer.told)
        .filter(|(_, told)| matches!(told, Told::Accept(accept) if accept.grant == Grant::Feed));
    assert_eq!(accepts.count(), 6);
    world.run(Duration::from_millis(3_000));
    assert_eq!(world.edge.stats().promotions, 1, "one is enough");
}

/// Where there is no room for a feed nobody is let in as a seed, and nobody is made one afterwards.
#[test]
fn a_seed_is_replaced_only_where_there_is_room() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let settings = ChannelSettings { overlay: Overlay::Mesh, ..settings() };
    // Less than a client's 400 kbit/s.
    let mut world = World::new(&mut memory, config(300_000, 2), settings, 30);
    world.join_with_slots(0);
    assert_eq!(world.viewers[0].class, Class::P2p);
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!((view.thresholds.unwrap().n_star, view.nc), (0, 0.0));
}
