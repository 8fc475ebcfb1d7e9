//! Silence, leaving, shutting down, channels that end and come back.

use std::vec::Vec;

use super::harness::*;
use crate::edge::{EdgeEvent, LeaveCause, OpenError, PushError};
use crate::media::{FrameId, FrameInfo};
use crate::wire::control::{Class, LeaveReason, Message, Status};
use crate::wire::stream::Resume;
use crate::{Endpoint, Reject};

fn causes(world: &World<'_>) -> Vec<LeaveCause> {
    let left = world.events.iter().filter_map(|event| match event {
        EdgeEvent::Left { cause, .. } => Some(*cause),
        _ => None,
    });
    left.collect()
}

#[test]
fn a_silent_push_client_is_forgotten_after_three_seconds() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    let viewer = world.join();
    world.viewers[viewer].status = None;
    world.viewers[viewer].is_acking = false;
    world.run(SECOND * 29 / 10);
    assert_eq!(world.edge.clients_len(), 1);
    world.run(SECOND / 5);
    assert_eq!(world.edge.clients_len(), 0);
    assert_eq!(causes(&world), [LeaveCause::Silent]);
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!((view.p0, view.nc), (0, 0.0));
    let status = Message::Status(Status::default());
    assert_eq!(world.say(viewer, &status), Err(Reject::UnknownPeer));
    let link = world.viewers[viewer].edge_link;
    assert!(world.viewers[viewer].has_been_told(|told| *told == Told::Reset(link)));
}

#[test]
fn a_silent_p2p_client_is_forgotten_after_ten_seconds() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 1), settings(), 60);
    world.join_with_slots(5);
    let viewer = world.join();
    assert_eq!(world.viewers[viewer].class, Class::P2p);
    world.viewers[viewer].status = None;
    world.viewers[viewer].is_acking = false;
    world.run(SECOND * 99 / 10);
    assert_eq!(world.edge.clients_len(), 2);
    world.run(SECOND / 5);
    assert_eq!(world.edge.clients_len(), 1);
    assert_eq!(world.edge.channel_view(world.channel).unwrap().leases, (0, 0));
}

#[test]
fn any_datagram_is_hearing() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    let viewer = world.join();
    world.viewers[viewer].status = None;
    world.viewers[viewer].is_acking = false;
    for token in 0..5 {
        world.run(SECOND * 2);
        world.say(viewer, &Message::Ping { token }).unwrap();
        assert!(world.viewers[viewer].has_been_told(|told| *told == Told::Pong(token)));
    }
    assert_eq!(world.edge.clients_len(), 1);
}

#[test]
fn a_client_that_leaves_gives_back_all_it_held() {
    let mut memory = EdgeMemory::new(2, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    for round in 0..5 {
        let viewer = world.join_with_slots(5);
        world.run(SECOND / 2);
        world.say(viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
        assert_eq!(world.edge.clients_len(), 0, "round {round}");
    }
    assert_eq!(causes(&world), [LeaveCause::Left; 5]);
    let ids: Vec<_> = world.viewers.iter().map(|viewer| viewer.id).collect();
    assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1), "{ids:?}");
}

#[test]
fn a_shutdown_tells_everybody() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    for _ in 0..3 {
        world.join();
    }
    world.edge.shutdown(world.now);
    world.drain();
    assert_eq!(world.edge.clients_len(), 0);
    for viewer in &world.viewers {
        assert!(viewer.has_been_told(|told| *told == Told::Leave(LeaveReason::Done)));
    }
    assert_eq!(causes(&world), [LeaveCause::Dismissed; 3]);
}

#[test]
fn a_channel_whose_publisher_dropped_waits_for_it_and_then_closes() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    let viewer = world.join();
    world.run(SECOND);
    let taken = world.edge.open_channel(world.now, &name(), settings(), &[], None);
    assert_eq!(taken, Err(OpenError::Taken));
    world.is_publishing = false;
    world.edge.suspend_channel(world.now, world.channel);
    let info = FrameInfo { id: world.next_frame, len: 100, ..FrameInfo::default() };
    let pushed = world.edge.push_bytes(world.now, world.channel, info, &[0; 100]);
    assert_eq!(pushed, Err(PushError::UnknownChannel));
    world.run(SECOND * 29);
    let asked = Some(Resume { epoch: 9, next: FrameId(9) });
    let (channel, resume) = world.edge.open_channel(world.now, &name(), settings(), &[1], asked).unwrap();
    assert_eq!(channel, world.channel);
    assert_eq!(resume, Resume { epoch: 0, next: world.next_frame }, "the node's numbers win");
    world.is_publishing = true;
    world.run(SECOND * 3);
    assert_eq!(world.viewers[viewer].repeats(), 0);
    world.is_publishing = false;
    world.edge.suspend_channel(world.now, world.channel);
    world.run(SECOND * 31);
    assert!(world.viewers[viewer].has_been_told(|told| *told == Told::Leave(LeaveReason::Ended)));
    assert!(world.edge.channel_named("live1").is_none());
    assert!(world.events.contains(&EdgeEvent::ChannelClosed { channel: world.channel }));
}

#[test]
fn a_publisher_whose_node_knows_nothing_goes_on_with_its_own_numbers() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut edge = memory.edge(config(1_000_000, 1));
    let now = crate::Instant::from_millis(5);
    let asked = Resume { epoch: 3, next: FrameId(500) };
    assert_eq!(edge.open_channel(now, &name(), settings(), &[], Some(asked)).unwrap().1, asked);
    let info = FrameInfo { id: FrameId(499), len: 10, ..FrameInfo::default() };
    assert_eq!(edge.push_bytes(now, crate::edge::ChannelId(0), info, &[0; 10]), Err(PushError::Stale));
}

#[test]
fn other_settings_begin_an_epoch_and_send_the_clients_to_join_again() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    let viewer = world.join();
    world.edge.suspend_channel(world.now, world.channel);
    let mut faster = settings();
    faster.rate_bps = 800_000;
    let (_, resume) = world.edge.open_channel(world.now, &name(), faster, &[], None).unwrap();
    assert_eq!(resume, Resume { epoch: 1, next: FrameId(0) });
    assert_eq!(world.say(viewer, &Message::Ping { token: 1 }), Err(Reject::UnknownPeer));
}

#[test]
fn an_edge_with_room_for_nothing_refuses_and_does_not_fall() {
    for (clients, channels, frames) in
        [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 2, 1), (2, 1, 2)]
    {
        let mut memory = EdgeMemory::new(clients, channels, frames);
        let mut edge = memory.edge(config(1_000_000, 1));
        let now = crate::Instant::from_millis(50);
        let opened = edge.open_channel(now, &name(), settings(), &[], None);
        assert_eq!(opened.is_ok(), channels > 0);
        let Ok((channel, _)) = opened else { continue };
        for id in 0..5 {
            let info = FrameInfo { id: FrameId(id), len: 2_000, key: true, ..FrameInfo::default() };
            let pushed = edge.push_bytes(now, channel, info, &[1; 2_000]);
            assert_eq!(pushed.is_ok(), frames > 0, "{clients} {channels} {frames}: {pushed:?}");
        }
        edge.handle_timeout(now);
        let mut head = [0; 1_200];
        assert!(edge.poll_transmit(now, &mut head).is_none());
        assert!(edge.poll_transmit(now, &mut head[..100]).is_none());
    }
}
