//! What an edge counts, and what those who look on see of it.

use super::harness::*;
use crate::Endpoint;
use crate::edge::{ClientView, EdgeEvent, LeaveCause};
use crate::media::FrameId;
use crate::wire::SendReason;
use crate::wire::control::{Class, LeaveReason, Message};

#[test]
fn a_client_is_seen_as_it_told_of_itself() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 1), settings(), 60);
    world.join_with_slots(5);
    let late = world.join_with_slots(2);
    let all = world.settings.all_substreams();
    let seen = |view: ClientView<'_>| {
        (view.class(), view.slots(), view.upload_bps(), view.feedable(), view.edge_feeds())
    };
    let views: std::vec::Vec<_> = world.edge.clients(world.channel).map(seen).collect();
    assert_eq!(
        views,
        [(Class::Push, (5, 5), 400_000, all, (all, 0)), (Class::P2p, (2, 2), 400_000, 0, (0, all))]
    );
    let viewer = &world.viewers[late];
    assert_eq!(world.edge.path_of(viewer.id), Some(viewer.path));
    assert_eq!(world.edge.client(viewer.id).map(seen), Some(views[1]));
}

#[test]
fn bytes_are_counted_by_reason_and_joins_by_class() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 1), settings(), 60);
    world.join_with_slots(5);
    world.join_with_slots(0);
    world.run(SECOND * 3);
    let stats = world.edge.stats();
    assert_eq!((stats.joins_push, stats.joins_p2p), (1, 1));
    assert!(stats.received_packets > 8 && stats.received_bytes > 2_400 + 8 * stats.received_packets);
    for reason in [SendReason::Feed, SendReason::Burst, SendReason::Rescue, SendReason::Pull] {
        let of_headers = world.viewers.iter().flat_map(|viewer| &viewer.data);
        let sent = of_headers.filter(|(_, header)| header.reason == reason).count();
        assert_eq!(stats.media_bytes(reason) > 0, sent > 0, "{reason:?}");
    }
    assert!(stats.media_bytes(SendReason::Burst) > 0 && stats.media_bytes(SendReason::Feed) > 0);
}

#[test]
fn the_newest_key_frame_is_the_last_one_pushed() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let world = World::new(&mut memory, config(20_000_000, 1), settings(), 60);
    let newest = world.edge.newest_key(world.channel).unwrap();
    assert_eq!(newest, FrameId(59 / GOP * GOP));
    assert!(newest.0 > 0 && world.edge.frame(world.channel, newest).unwrap().0.key);
}

#[test]
fn who_leaves_is_told_of_with_the_time_it_stayed() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    let viewer = world.join_with_slots(5);
    world.run(SECOND * 2);
    world.say(viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    let client = world.viewers[viewer].id;
    let left = EdgeEvent::Left { client, channel: world.channel, cause: LeaveCause::Left, stayed_ms: 2_000 };
    assert!(world.events.contains(&left), "{:?}", world.events.last());
}

#[test]
fn a_channel_that_ends_is_closed_once_when_its_last_client_was_told() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(20_000_000, 4), settings(), 60);
    for _ in 0..3 {
        world.join();
    }
    world.is_publishing = false;
    world.edge.close_channel(world.now, world.channel);
    let is_closed = |event: &EdgeEvent| matches!(event, EdgeEvent::ChannelClosed { .. });
    assert!(core::iter::from_fn(|| world.edge.poll_event()).all(|event| !is_closed(&event)));
    world.drain();
    assert_eq!(world.edge.clients_len(), 0);
    assert_eq!(world.events.iter().filter(|event| is_closed(event)).count(), 1);
}
