//! Hello, cookie, welcome, refusal.

use super::harness::*;
use crate::edge::{EdgeEvent, EdgeStats, LeaveCause};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::control::{Class, Hello, LinkId, Message, RefusalReason};
use crate::{Endpoint, Reject};

#[test]
fn an_unproved_address_gets_a_cookie_and_nothing_is_kept() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    world.hello(viewer).unwrap();
    assert!(matches!(world.viewers[viewer].told[..], [(_, Told::Challenge(_))]));
    assert!(world.viewers[viewer].bytes_in < 64, "a challenge is short");
    assert_eq!(world.edge.clients_len(), 0);
    assert!(world.events.iter().all(|event| matches!(event, EdgeEvent::ChannelOpened { .. })));
}

#[test]
fn never_more_bytes_go_to_an_unproved_address_than_came() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    let path = world.viewers[viewer].path;
    for len in 0..64 {
        let mut bytes = [0_u8; 64];
        bytes[0] = 0x81;
        bytes[1..5].copy_from_slice(&9_u32.to_le_bytes());
        let before = world.viewers[viewer].bytes_in;
        let _reject = world.edge.handle_datagram(world.now, path, &bytes[..len]);
        world.drain();
        assert!(world.viewers[viewer].bytes_in - before <= len);
    }
    assert!(world.viewers[viewer].has_been_told(|told| *told == Told::Reset(LinkId(9))));
}

#[test]
fn resets_are_counted_out() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    for _ in 0..300 {
        let said =
            world.say_raw(viewer, LinkId(9), &[Message::Ping { token: 1 }, Message::Ping { token: 2 }]);
        assert_eq!(said, Err(Reject::UnknownPeer));
    }
    assert_eq!(world.viewers[viewer].told.len(), 100);
}

#[test]
fn a_short_hello_or_one_with_a_false_cookie_is_not_let_in() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    world.viewers[viewer].cookie = Some([3; 16]);
    assert_eq!(world.hello(viewer), Err(Reject::Unauthentic));
    assert_eq!(world.edge.clients_len(), 0);
    let hello =
        Hello { nonce: 1, link: LinkId(0), channel: "live1", cookie: None, upload_bps: 0, ticket: &[] };
    assert_eq!(world.say_raw(viewer, LinkId(0), &[Message::Hello(hello)]), Err(Reject::Malformed));
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = crate::wire::ControlWriter::new(&mut out, LinkId(0)).unwrap();
    let hello =
        Hello { nonce: 1, link: LinkId(7), channel: "live1", cookie: None, upload_bps: 0, ticket: &[] };
    assert!(writer.push(&Message::Hello(hello)));
    let len = writer.finish();
    let path = world.viewers[viewer].path;
    assert_eq!(world.edge.handle_datagram(world.now, path, &out[..len]), Err(Reject::Malformed));
}

#[test]
fn the_welcome_names_the_oldest_key_frame_within_the_target_buffer() {
    let mut memory = EdgeMemory::new(4, 1, 512);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 210);
    let viewer = world.join();
    let [_, (_, Told::Welcome { class, start, newest, init_len, .. })] = &world.viewers[viewer].told[..]
    else {
        panic!("{:?}", world.viewers[viewer].told)
    };
    // The target buffer is 4 s or 100 frames, the newest frame is 209.
    assert_eq!((*class, *start, *newest, *init_len), (Class::Push, FrameId(125), FrameId(209), 376));
}

#[test]
fn a_group_longer_than_the_target_buffer_starts_at_its_only_key_frame() {
    let mut memory = EdgeMemory::new(4, 1, 512);
    let short = ChannelSettings { target_buffer_ms: 500, ..settings() };
    let mut world = World::new(&mut memory, config(10_000_000, 10), short, 45);
    let viewer = world.join();
    assert_eq!(world.viewers[viewer].start, FrameId(25));
}

#[test]
fn a_repeated_hello_gets_the_same_welcome_and_its_feeds_start_over() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    world.viewers[viewer].is_acking = false;
    world.hello(viewer).unwrap();
    world.hello(viewer).unwrap();
    let first = world.viewers[viewer].data.len();
    assert!(first > 0);
    world.run(SECOND / 4);
    world.viewers[viewer].data.clear();
    world.hello(viewer).unwrap();
    let welcomes: std::vec::Vec<_> = world.viewers[viewer]
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            Told::Welcome { client, link, start, .. } => Some((*client, *link, *start)),
            _ => None,
        })
        .collect();
    assert_eq!(welcomes.len(), 2);
    assert_eq!(welcomes[0], welcomes[1]);
    world.run(SECOND / 4);
    assert_eq!(world.viewers[viewer].data[0].1.info.id, world.viewers[viewer].start);
    assert_eq!(world.edge.clients_len(), 1);
}

#[test]
fn who_heard_nothing_for_long_is_decided_on_anew() {
    let mut memory = EdgeMemory::new(4, 1, 512);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.add_viewer();
    world.viewers[viewer].is_acking = false;
    world.hello(viewer).unwrap();
    world.hello(viewer).unwrap();
    let (id, start) = (world.viewers[viewer].id, world.viewers[viewer].start);
    for (wait, is_anew) in [(SECOND * 3, false), (SECOND * 3, true)] {
        world.run(wait);
        world.viewers[viewer].data.clear();
        world.hello(viewer).unwrap();
        let again = &world.viewers[viewer];
        assert_eq!((again.id != id, again.start > start), (is_anew, is_anew), "{wait:?}");
        assert_eq!(world.edge.clients_len(), 1);
    }
    world.run(SECOND / 4);
    assert_eq!(world.viewers[viewer].data[0].1.info.id, world.viewers[viewer].start);
}

#[test]
fn a_hello_after_an_acknowledgement_repeats_no_data() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.join();
    world.run(SECOND * 2);
    world.hello(viewer).unwrap();
    world.run(SECOND);
    assert_eq!(world.viewers[viewer].repeats(), 0);
}

#[test]
fn another_nonce_replaces_the_session_only_with_a_cookie() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.join();
    let id = world.viewers[viewer].id;
    let cookie = world.viewers[viewer].cookie.take();
    world.viewers[viewer].nonce = 77;
    world.hello(viewer).unwrap();
    assert!(world.edge.client(id).is_some(), "anybody can forge an address");
    world.viewers[viewer].cookie = cookie;
    world.hello(viewer).unwrap();
    assert!(world.edge.client(id).is_none());
    assert_eq!(world.edge.clients_len(), 1);
    let is_replaced =
        |event: &EdgeEvent| matches!(event, EdgeEvent::Left { cause: LeaveCause::Replaced, .. });
    assert!(world.events.iter().any(is_replaced));
}

#[test]
fn a_reset_from_the_client_ends_its_session_and_a_foreign_one_does_not() {
    let mut memory = EdgeMemory::new(4, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    let viewer = world.join();
    let wrong = Message::Reset { link: LinkId(1) };
    assert_eq!(world.say_raw(viewer, LinkId(0), &[wrong]), Err(Reject::UnknownPeer));
    let right = Message::Reset { link: world.viewers[viewer].own_link };
    world.say_raw(viewer, LinkId(0), &[right]).unwrap();
    assert_eq!(world.edge.clients_len(), 0);
}

#[test]
fn who_cannot_be_let_in_is_told_why() {
    let mut memory = EdgeMemory::new(1, 1, 256);
    let mut options = config(10_000_000, 10);
    options.alternatives.push(address(900)).unwrap();
    let mut world = World::new(&mut memory, options, settings(), 0);
    let viewer = world.join();
    let refused = world.viewers[viewer].refused().unwrap().clone();
    assert_eq!(refused.reason, RefusalReason::NotOnAir);
    assert_eq!(refused.alternatives[..], [address(900)]);
    assert_eq!(refused.nonce, world.viewers[viewer].nonce);
    world.push();
    world.hello(viewer).unwrap();
    let other = world.join();
    assert_eq!(world.viewers[other].refused().unwrap().reason, RefusalReason::Full);
    world.edge.shutdown(world.now);
    world.drain();
    world.hello(other).unwrap();
    assert_eq!(world.viewers[other].refused().unwrap().reason, RefusalReason::Draining);
    assert_eq!(world.edge.clients_len(), 0, "those who are in are told to leave");
}

#[test]
fn a_pure_cdn_feeds_up_to_its_capacity_and_refuses_the_rest() {
    let mut memory = EdgeMemory::new(16, 1, 256);
    let cdn = ChannelSettings { overlay: Overlay::Off, ..settings() };
    // (1 - .2 - .07 - .05) of 4 Mbit/s is 6.8 clients' worth of 400 kbit/s.
    let mut world = World::new(&mut memory, config(4_000_000, 1), cdn, 60);
    for _ in 0..10 {
        world.join();
    }
    let let_in = world.viewers.iter().filter(|viewer| viewer.edge_link.0 != 0);
    assert!(let_in.clone().all(|viewer| viewer.class == Class::Push));
    assert_eq!(let_in.count(), 6);
    assert_eq!(world.viewers[9].refused().unwrap().reason, RefusalReason::Saturated);
    let refusals = |stats: &EdgeStats| stats.refusals(RefusalReason::Saturated);
    assert_eq!(refusals(world.edge.stats()), 4);
    let told = world.events.iter().filter_map(|event| match event {
        EdgeEvent::Refused { count, .. } => Some(*count),
        _ => None,
    });
    assert_eq!(told.sum::<u32>(), 4);
}

#[test]
fn past_n1_newcomers_go_to_peers_and_without_slots_are_refused() {
    let mut memory = EdgeMemory::new(32, 1, 256);
    let mut world = World::new(&mut memory, config(4_000_000, 2), settings(), 60);
    for _ in 0..2 {
        let viewer = world.join_with_slots(0);
        assert_eq!(world.viewers[viewer].class, Class::Push);
    }
    // The rescue budget of 800 kbit/s starts two without any peer's slot.
    let outcomes: std::vec::Vec<_> = (0..4)
        .map(|_| {
            let viewer = world.join();
            (world.viewers[viewer].class, world.viewers[viewer].refused().map(|refused| refused.reason))
        })
        .collect();
    let push = outcomes.iter().filter(|outcome| **outcome == (Class::Push, None)).count();
    let p2p = outcomes.iter().filter(|outcome| **outcome == (Class::P2p, None)).count();
    assert!(push <= 1, "{outcomes:?}");
    assert_eq!(p2p, 2, "{outcomes:?}");
    assert_eq!(outcomes[3].1, Some(RefusalReason::Saturated), "{outcomes:?}");
    let view = world.edge.channel_view(world.channel).unwrap();
    assert_eq!(view.leases, (0, 12));
    assert!(view.nc <= f64::from(view.thresholds.unwrap().n_star));
}

#[test]
fn unproved_hellos_leave_no_trace_in_the_table() {
    let mut memory = EdgeMemory::new(2, 1, 256);
    let mut world = World::new(&mut memory, config(10_000_000, 10), settings(), 60);
    for _ in 0..50 {
        let viewer = world.add_viewer();
        world.hello(viewer).unwrap();
    }
    assert_eq!(world.edge.clients_len(), 0);
    assert_eq!(world.edge.stats().challenges, 50);
}

/// Who sees that nobody has an uplink feeds everybody, whatever was configured; who is not asked to look goes by the settings.
#[test]
fn s_follows_the_churn_that_is_seen_where_that_is_wanted() {
    let s_after_a_minute = |is_churn_estimated: bool| {
        let mut memory = EdgeMemory::new(32, 1, 256);
        let options = crate::edge::EdgeConfig { is_churn_estimated, ..config(100_000_000, 20) };
        let mut world = World::new(&mut memory, options, settings(), 60);
        for _ in 0..16 {
            world.join_with_slots(0);
        }
        world.run(core::time::Duration::from_secs(60));
        world.edge.channel_view(world.channel).unwrap().thresholds.unwrap().s
    };
    let configured = s_after_a_minute(false);
    assert!((0.5..0.8).contains(&configured), "{configured}");
    assert!(s_after_a_minute(true) > 0.95);
}

/// What is kept for rescues, headers and bursts is kept of the whole line, however many channels share it.
#[test]
fn two_channels_together_leave_the_reserve_alone() {
    let mut memory = EdgeMemory::new(40, 2, 64);
    let cdn = ChannelSettings { overlay: Overlay::Off, ..settings() };
    // (1 - .2 - .07 - .05) of 10 Mbit/s is 17 clients of 400 kbit/s.
    let mut world = World::new(&mut memory, config(10_000_000, 1), cdn, 60);
    for _ in 0..20 {
        world.join();
    }
    let (first, second) = (world.channel, crate::media::ChannelName::new("live2").unwrap());
    assert_eq!(world.edge.channel_view(first).unwrap().nc, 17.0);
    let (second, _) = world.edge.open_channel(world.now, &second, cdn, &[], None).unwrap();
    (world.channel, world.next_frame) = (second, FrameId(0));
    (0..60).for_each(|_| world.push());
    for _ in 0..20 {
        let index = world.add_viewer();
        for _ in 0..2 {
            let Viewer { nonce, own_link, cookie, .. } = world.viewers[index];
            let hello =
                Hello { nonce, link: own_link, channel: "live2", cookie, upload_bps: 400_000, ticket: &[] };
            world.say_raw(index, LinkId(0), &[Message::Hello(hello)]).unwrap();
        }
    }
    assert_eq!(world.edge.channel_view(second).unwrap().nc, 0.0, "the first has all there is for feeds");
}
