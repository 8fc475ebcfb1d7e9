//! Handing clients over: other channels, other edges, and what is told of it.

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::edge::{ChannelId, EdgeEvent, LeaveCause};
use crate::nat::{NatClass, NatFiltering, NatMapping};
use crate::scaling::Stage;
use crate::wire::control::{ClientId, Hello, LeaveReason, LinkId, Message, Reach, RefusalReason, Status};
use crate::wire::{ControlWriter, SendReason};
use crate::{Endpoint, Instant, Reject};

fn world(memory: &mut EdgeMemory) -> World<'_> {
    World::new(memory, config(100_000_000, 90), settings(), 30)
}

fn other() -> SocketAddr {
    ([192, 0, 2, 77], 7_000).into()
}

/// Who was asked to go, and when.
fn redirected(world: &World<'_>) -> Vec<(usize, Instant)> {
    let mut all = Vec::new();
    for (index, viewer) in world.viewers.iter().enumerate() {
        let asked = viewer.told.iter().filter(|(_, told)| matches!(told, Told::Redirect(_)));
        all.extend(asked.map(|(at, _)| (index, *at)));
    }
    all.sort_by_key(|(_, at)| *at);
    all
}

fn has_drained(world: &World<'_>) -> bool {
    world.events.contains(&EdgeEvent::Drained)
}

#[test]
fn clients_are_asked_to_go_one_after_the_other_and_again_and_at_last_told() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    for _ in 0..3 {
        world.join_with_slots(0);
    }
    world.run(SECOND);
    let begun = world.now;
    // Half of 300 ms for three clients: one every 50 ms.
    world.edge.drain(begun, begun + Duration::from_millis(300), &[other()]);
    world.run(Duration::from_millis(290));
    let asked: Vec<_> =
        redirected(&world).iter().map(|(of, at)| (*of, at.since(begun).as_millis())).collect();
    assert_eq!(asked, [(0, 0), (1, 50), (2, 100)]);
    assert!(!world.viewers.iter().any(|viewer| viewer.has_been_told(|told| matches!(told, Told::Leave(_)))));
    world.run(Duration::from_millis(20));
    for viewer in &world.viewers {
        assert!(viewer.has_been_told(|told| *told == Told::Leave(LeaveReason::Draining)));
    }
    assert!(has_drained(&world));
    assert_eq!(world.edge.drain_deadline(), None);
    let late = world.add_viewer();
    world.hello(late).unwrap();
    let _ = world.hello(late);
    assert_eq!(world.viewers[late].edge_link, LinkId(0), "nobody is let in any more");
}

#[test]
fn who_stays_is_asked_again_after_a_second_and_a_tenth_of_one_is_the_longest_wait() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    for _ in 0..2 {
        world.join_with_slots(0);
    }
    let begun = world.now;
    world.edge.drain(begun, begun + 60 * SECOND, &[other()]);
    world.run(Duration::from_millis(1_350));
    let asked: Vec<_> =
        redirected(&world).iter().map(|(of, at)| (*of, at.since(begun).as_millis())).collect();
    assert_eq!(asked, [(0, 0), (1, 100), (0, 1_200), (1, 1_300)]);
    for viewer in 0..2 {
        assert!(!has_drained(&world));
        world.say(viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
        world.viewers[viewer].edge_link = LinkId(0);
    }
    assert!(has_drained(&world));
}

#[test]
fn without_another_edge_nobody_is_asked_and_an_empty_edge_has_drained() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    world.join_with_slots(0);
    let begun = world.now;
    world.edge.drain(begun, begun + SECOND, &[]);
    world.run(Duration::from_millis(900));
    assert_eq!(redirected(&world), []);
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 90), settings(), 30);
    world.edge.drain(begun, begun + SECOND, &[]);
    world.drain();
    assert!(has_drained(&world));
}

#[test]
fn a_hello_under_a_session_s_link_ends_it_and_begins_another() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    let (link, before) = (world.viewers[viewer].edge_link, world.viewers[viewer].id);
    let hello = Message::Hello(Hello {
        nonce: 4_711,
        link: world.viewers[viewer].own_link,
        channel: "live1",
        cookie: None,
        upload_bps: 0,
        ticket: &[],
    });
    let mut out = [0; 200];
    let mut writer = ControlWriter::new(&mut out, link).unwrap();
    assert!(writer.push(&hello));
    let len = writer.finish();
    let path = world.viewers[viewer].path;
    let short = world.edge.handle_datagram(world.now, path, &out[..len]);
    assert_eq!(short, Err(Reject::Malformed), "the answer would be longer");
    assert_eq!(world.edge.clients_len(), 1);
    assert_eq!(world.say_raw(viewer, link, &[hello]), Ok(()));
    assert_eq!(world.edge.clients_len(), 1);
    assert_ne!(world.viewers[viewer].id, before);
    let left = world.events.iter().any(
        |event| matches!(event, EdgeEvent::Left { client, cause: LeaveCause::Replaced, .. } if *client == before),
    );
    assert!(left);
}

#[test]
fn what_a_decoder_needs_is_replaced_for_those_who_come_next() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    assert!(world.edge.set_init(world.channel, &[1; 100]));
    assert!(!world.edge.set_init(world.channel, &[1; 2_000]), "too long");
    assert!(!world.edge.set_init(ChannelId(9), &[1]), "no such channel");
    let viewer = world.join();
    let told =
        world.viewers[viewer].has_been_told(|told| matches!(told, Told::Welcome { init_len: 100, .. }));
    assert!(told);
}

#[test]
fn a_client_s_view_tells_what_it_told() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    world.run(SECOND);
    let parents = heapless::Vec::from_slice(&[None, Some(ClientId(7))]).unwrap();
    world.say(viewer, &Message::Status(Status { parents, ..Status::default() })).unwrap();
    let private: SocketAddr = ([10, 0, 0, 7], 4_000).into();
    let nat = NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent };
    let reach = |met, unmet| {
        Message::Reach(Reach { nat, private: Some(private), met, unmet, unmet_list: heapless::Vec::new() })
    };
    // What was before this session is not the edge's.
    for (met, unmet, sums) in [(5, 6, (0, 0)), (7, 6, (2, 0)), (7, 9, (2, 3)), (0, 0, (2, 3))] {
        world.say(viewer, &reach(met, unmet)).unwrap();
        let stats = world.edge.stats();
        assert_eq!((stats.introductions_met, stats.introductions_failed), sums, "{met} {unmet}");
    }
    let view = world.edge.clients(world.channel).next().unwrap();
    assert_eq!((view.parent(0), view.parent(1), view.parent(9)), (None, Some(ClientId(7)), None));
    assert_eq!(view.other_addresses(), (Some(private), None));
    assert!(view.bytes(SendReason::Burst) > 1_000 && view.bytes(SendReason::Feed) > 1_000);
    assert_eq!(view.bytes(SendReason::Pull), 0);
}

#[test]
fn a_public_address_is_believed_of_nobody_who_claims_it() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let viewer = world.join();
    let reach = Reach { private: Some(([198, 51, 100, 9], 4_000).into()), ..Reach::default() };
    world.say(viewer, &Message::Reach(reach)).unwrap();
    assert_eq!(world.edge.clients(world.channel).next().unwrap().other_addresses(), (None, None));
}

#[test]
fn those_who_are_turned_away_are_counted_by_the_reason() {
    let mut memory = EdgeMemory::new(8, 1, 64);
    let mut world = world(&mut memory);
    let stranger = world.add_viewer();
    world.hello(stranger).unwrap();
    world.edge.drain(world.now, world.now + SECOND, &[]);
    world.hello(stranger).unwrap();
    let counts = |world: &World<'_>| {
        use RefusalReason::{Draining, Full, NotOnAir, Saturated, Ticket, UnknownChannel};
        [UnknownChannel, NotOnAir, Saturated, Full, Draining, Ticket]
            .map(|reason| world.edge.stats().refusals(reason))
    };
    assert_eq!(counts(&world), [0, 0, 0, 0, 1, 0]);
    world.edge.close_channel(world.now, world.channel);
    world.hello(stranger).unwrap();
    assert_eq!(counts(&world), [1, 0, 0, 0, 1, 0]);
}

#[test]
fn a_stage_that_changes_is_told_up_and_down() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 5), settings(), 30);
    for _ in 0..6 {
        world.join();
    }
    let stages = |world: &World<'_>| {
        let stage = |event: &EdgeEvent| match event {
            EdgeEvent::StageChanged { decision, .. } => Some((decision.stage, decision.p0)),
            _ => None,
        };
        world.events.iter().filter_map(stage).collect::<Vec<_>>()
    };
    assert_eq!(stages(&world), [(Stage::Two, 6)]);
    for viewer in 0..6 {
        world.say(viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    }
    assert_eq!(stages(&world).last().map(|(stage, _)| *stage), Some(Stage::One));
}
