//! Fragments that arrive: which are taken, where they are kept, and what is said about them.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use std::vec;
use std::vec::Vec;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::ClientEvent;
use crate::client::feed::{Request, Stretch};
use crate::client::peer::EDGE;
use crate::media::{ChannelSettings, FrameId, FrameInfo};
use crate::wire::control::{Class, Grant};
use crate::wire::{DATA_HEADER_LEN, DataHeader, Message, SendReason};
use crate::{Endpoint, Instant, Path, Reject};

fn memory() -> Memory {
    Memory::new(6, 256, 16, 1_024)
}

fn stretch(peer: u8, next: u32) -> Stretch {
    Stretch { peer, next: FrameId(next), until: None, heard_at: NOW }
}

#[test]
fn a_fragment_fits_its_frame_and_its_substream() {
    let settings = ChannelSettings { substreams: 2, ..ChannelSettings::default() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, settings, 0);
    let plain = rig.header(100);
    let other_substream = DataHeader { substream: 1 - plain.substream, ..plain };
    let long = rig.long(102, 2);
    let other_count = DataHeader { count: 3, ..long };
    let mut packet = 10;
    let mut arrive = |header: DataHeader, len: usize| {
        packet += 1;
        let link = rig.client.peer(EDGE).unwrap().own_link;
        let mut datagram = vec![7; DATA_HEADER_LEN + len];
        DataHeader { link, packet, ..header }.write(&mut datagram).unwrap();
        rig.client.handle_datagram(NOW, Path::to(address(0)), &datagram)
    };
    assert_eq!(arrive(other_substream, 40), Err(Reject::Malformed));
    assert_eq!(arrive(plain, 41), Err(Reject::Malformed));
    assert_eq!(arrive(other_count, 1_128), Err(Reject::Malformed));
    assert_eq!(arrive(DataHeader { epoch: 2, ..plain }, 40), Err(Reject::Stale));
    assert_eq!(arrive(plain, 40), Ok(()));
    assert_eq!(arrive(long, 1_128), Ok(()));
}

#[test]
fn a_peer_speaks_of_a_minute_ahead_and_the_edge_of_any_time() {
    // 60 s are 1,500 frames.
    for (from, id, is_taken) in [(1, 1_600, true), (1, 1_601, false), (0, 9_000, true)] {
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 1);
        let header = rig.header(id);
        assert_eq!(rig.send(NOW, from, header) != Err(Reject::Unexpected), is_taken, "{id} of {from}");
    }
}

#[test]
fn acknowledgements_wait_half_as_long_where_latency_is_low() {
    for (target_buffer_ms, wait_ms) in [(3_000, 100), (3_001, 200)] {
        let settings = ChannelSettings { target_buffer_ms, ..one_substream() };
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::Push, settings, 0);
        rig.feed(NOW, 0, [100]);
        let deadline = rig.client.peer(EDGE).unwrap().link.ack_deadline();
        assert_eq!(deadline, Some(after(wait_ms)), "{target_buffer_ms}");
        assert_eq!(acks(&mut rig, NOW), [], "nobody has waited yet");
        rig.client.handle_timeout(after(wait_ms));
        assert_eq!(acks(&mut rig, after(wait_ms)), [(0, 0)]);
    }
}

/// To whom acknowledgements go, and of which packet.
fn acks(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, u32)> {
    rig.hear(now, |message| match message {
        Message::Ack(ack) => Some(ack.largest),
        _ => None,
    })
}

#[test]
fn a_gap_is_acknowledged_at_once_and_what_came_twice_counts() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    rig.feed(NOW, 0, [100]);
    rig.skip_packet(0);
    rig.feed(after(10), 0, [101]);
    assert_eq!(acks(&mut rig, after(10)), [(0, 2)]);
    let again = rig.header(101);
    assert_eq!(rig.send(after(10), 0, again), Err(Reject::Duplicate));
    rig.repeat_packet(0);
    assert_eq!(rig.send(after(10), 0, again), Err(Reject::Duplicate), "the packet itself");
    assert_eq!(rig.client.stats().watch.bytes_duplicate, 80);
}

#[test]
fn who_disagrees_about_a_frame_is_not_believed() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    let header = rig.long(100, 2);
    assert_eq!(rig.send(NOW, 0, header), Ok(()));
    let info = FrameInfo { pts_offset_ticks: 1, ..header.info };
    assert_eq!(rig.send(NOW, 0, DataHeader { info, fragment: 1, ..header }), Err(Reject::Unexpected));
    assert_eq!(rig.send(NOW, 0, DataHeader { fragment: 1, ..header }), Ok(()));
    assert!(rig.client.frames.is_complete(FrameId(100)));
}

#[test]
fn bytes_are_counted_by_sender_and_by_reason() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 1);
    for (from, id, reason) in [
        (0, 100, SendReason::Burst),
        (0, 101, SendReason::Feed),
        (0, 102, SendReason::Feed),
        (1, 103, SendReason::Pull),
        (1, 104, SendReason::Pull),
        (1, 105, SendReason::Pull),
    ] {
        let header = DataHeader { reason, ..rig.header(id) };
        assert_eq!(rig.send(NOW, from, header), Ok(()));
    }
    let stats = rig.client.stats();
    assert_eq!((stats.watch.bytes_edge, stats.watch.bytes_peers), (120, 120));
    let by_reason = stats.bytes_by_reason;
    assert_eq!((by_reason.burst, by_reason.feed, by_reason.rescue, by_reason.pull), (40, 80, 0, 120));
}

#[test]
fn the_first_key_frame_with_enough_behind_it_starts_the_player() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    rig.feed(NOW, 0, 100..112);
    assert!(!core::iter::from_fn(|| rig.client.poll_event()).any(is_started));
    rig.feed(after(480), 0, [112]);
    assert!(core::iter::from_fn(|| rig.client.poll_event()).any(is_started));
}

fn is_started(event: ClientEvent) -> bool {
    matches!(event, ClientEvent::Started { .. })
}

/// Whom peer 2, who does not feed, is told to stop before which frame.
fn releases(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, u32)> {
    rig.hear(now, |message| match message {
        Message::Release { until, .. } => Some(until.0),
        _ => None,
    })
}

#[test]
fn who_feeds_unasked_is_told_to_stop() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 2);
    rig.feed(NOW, 2, [105]);
    assert_eq!(releases(&mut rig, NOW), [(2, 105)]);
    // It may not have heard yet; what is before the cut was asked for once.
    rig.feed(after(199), 2, [106]);
    assert_eq!(releases(&mut rig, after(199)), []);
    rig.feed(after(200), 2, [104]);
    assert_eq!(releases(&mut rig, after(200)), []);
    rig.feed(after(200), 2, [107]);
    // A feeder may have been asked since, and its answer be lost: it began beyond the cut of before.
    assert_eq!(releases(&mut rig, after(200)), [(2, 107)]);
    rig.feed(after(399), 2, [108]);
    assert_eq!(releases(&mut rig, after(399)), []);
}

#[test]
fn who_is_being_asked_may_begin_before_it_answers() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 2);
    let request = Request { peer: 2, from: FrameId(105), again_at: Instant::FAR_FUTURE, tries: 1 };
    rig.client.feeds[0].request = Some(request);
    rig.feed(NOW, 2, [105]);
    assert_eq!(releases(&mut rig, NOW), []);
    // Whatever it was told before.
    rig.client.feeds[0].release(2, FrameId(50), Instant::ZERO);
    rig.feed(NOW, 2, [106]);
    assert_eq!(releases(&mut rig, NOW), []);
    rig.feed(NOW, 1, [107]);
    assert_eq!(releases(&mut rig, NOW), [(1, 107)]);
}

#[test]
fn a_feeder_may_stand_right_above_the_deepest_level() {
    let deepest = one_substream().levels_max;
    for (level, is_kept) in [(deepest - 1, true), (deepest, false)] {
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 1);
        rig.client.feeds[0].current = Some(stretch(1, 100));
        let header = DataHeader { level, ..rig.header(100) };
        let _ = rig.send(NOW, 1, header);
        assert_eq!(rig.client.feeds[0].is_from(1), is_kept, "{level}");
    }
}

#[test]
fn what_a_feed_leaves_out_is_a_hole_unless_it_is_here_or_past() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 1);
    rig.client.playout.start(FrameId(103));
    rig.client.feeds[0].current = Some(stretch(EDGE, 100));
    let header = DataHeader { reason: SendReason::Pull, ..rig.header(104) };
    rig.send(NOW, 1, header).unwrap();
    assert_eq!(rig.client.clocks.pull_at, Instant::FAR_FUTURE);
    rig.feed(NOW, 0, [106]);
    let holes: Vec<_> = rig.client.holes.iter().map(|hole| hole.frame.0).collect();
    assert_eq!(holes, [103, 105]);
    assert_eq!(rig.client.clocks.pull_at, after(40));
    rig.feed(after(10), 0, [108]);
    assert_eq!(rig.client.clocks.pull_at, after(40), "the first look comes soon enough");
}

#[test]
fn holes_that_find_no_room_are_noted_when_there_is_some() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    rig.feed(NOW, 0, [100, 200]);
    let noted = |rig: &Rig<'_>| {
        let frames: Vec<_> = rig.client.holes.iter().map(|hole| hole.frame.0).collect();
        (frames.first().copied(), frames.last().copied(), frames.len())
    };
    assert_eq!(noted(&rig), (Some(101), Some(164), 64));
    assert_eq!(rig.client.feeds[0].gap, Some((FrameId(165), FrameId(200))));
    rig.client.check(NOW);
    assert_eq!(rig.client.feeds[0].gap, Some((FrameId(165), FrameId(200))), "there is none yet");
    rig.client.holes.clear();
    rig.client.check(NOW);
    assert_eq!(noted(&rig), (Some(165), Some(199), 35));
    assert_eq!(rig.client.feeds[0].gap, None);
}

#[test]
fn frames_give_way_from_the_oldest_but_none_that_is_not_read() {
    let mut memory = Memory::new(2, 8, 8, 64);
    let mut rig =
        Rig::new(&mut memory, Class::Push, ChannelSettings { startup_ms: 40, ..one_substream() }, 0);
    rig.feed(NOW, 0, [100, 101]);
    assert_eq!(rig.client.unread(), Some(FrameId(100)));
    let (late, last) = (rig.header(108), rig.header(107));
    assert_eq!(rig.send(NOW, 0, late), Err(Reject::Full), "eight frames are from 101 on");
    assert_eq!(rig.send(NOW, 0, last), Ok(()));
    while rig.client.poll_event().is_some() {}
    assert_eq!(rig.send(NOW, 0, late), Ok(()));
    assert!(!rig.client.frames.is_complete(FrameId(100)));
}

#[test]
fn a_late_frame_is_taken_while_it_is_among_those_held_or_still_to_be_played() {
    for (id, verdict) in [(102, Err(Reject::Stale)), (104, Ok(())), (105, Ok(())), (106, Ok(()))] {
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
        rig.feed(NOW, 0, [103, 110]);
        rig.client.playout.start(FrameId(105));
        let header = rig.header(id);
        assert_eq!(rig.send(NOW, 0, header), verdict, "{id}");
    }
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    rig.feed(NOW, 0, [110]);
    rig.client.playout.start(FrameId(105));
    let (past, next) = (rig.header(104), rig.header(105));
    assert_eq!(rig.send(NOW, 0, past), Err(Reject::Stale));
    assert_eq!(rig.send(NOW, 0, next), Ok(()), "the next to be played");
}

#[test]
fn a_full_store_lets_go_of_what_was_played_and_of_nothing_else() {
    let mut memory = Memory::new(2, 64, 8, 4);
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 0);
    rig.feed(NOW, 0, 100..104);
    rig.client.playout.start(FrameId(102));
    rig.feed(NOW, 0, [104, 105]);
    let header = rig.header(106);
    assert_eq!(rig.send(NOW, 0, header), Err(Reject::Full));
    let held: Vec<_> = (98..108).filter(|&id| rig.client.frames.is_complete(FrameId(id))).collect();
    assert_eq!(held, [102, 103, 104, 105]);
}

#[test]
fn feeds_up_to_the_live_edge_can_be_passed_on() {
    let mut memory = memory();
    let settings = ChannelSettings { substreams: 2, ..ChannelSettings::default() };
    let deepest = settings.levels_max;
    let mut rig = Rig::new(&mut memory, Class::Push, settings, 1);
    rig.client.feeds[1].current = None;
    let behind_max = rig.client.session.as_ref().unwrap().behind_max();
    let newest = 1_000;
    rig.client.session.as_mut().unwrap().newest = FrameId(newest);
    for (peer, level, behind, grant, feedable) in [
        (1, 1, behind_max, Grant::Feed, 1),
        (1, 1, behind_max + 1, Grant::Feed, 0),
        (1, deepest - 1, 0, Grant::Feed, 1),
        (1, deepest, 0, Grant::Feed, 0),
        (EDGE, 1, 0, Grant::Feed, 1),
        (EDGE, 1, 0, Grant::Lease, 0),
        (1, 1, 0, Grant::Lease, 1),
    ] {
        rig.client.feeds[0].current = Some(stretch(peer, newest - behind));
        rig.client.feeds[0].level = level;
        rig.client.feeds[0].grant = grant;
        assert_eq!(rig.client.feedable(), feedable, "{peer} {level} {behind} {grant:?}");
        assert_eq!(rig.client.edge_feeds(), u16::from(peer == EDGE));
    }
    rig.client.feeds[0].current = None;
    rig.client.feeds[1].current = Some(stretch(EDGE, newest));
    assert_eq!((rig.client.feedable(), rig.client.edge_feeds()), (2, 2));
}
