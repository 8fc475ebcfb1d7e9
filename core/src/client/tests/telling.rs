//! Who may say what, what partners and the edge are told, and what can be seen from outside.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::{Request, Stretch};
use crate::client::peer::{EDGE, Peer, Serving, bit, slot_bit};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::Message;
use crate::wire::control::{Challenge, Class, ClientId, Grant, Introduce, LinkId, RefusalReason, Refused};
use crate::wire::report::ReportAck;
use crate::{Endpoint, Instant, Reject};

fn memory() -> Memory {
    Memory::new(6, 256, 16, 1_024)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    Rig::new(memory, Class::Push, one_substream(), peers)
}

fn stretch(peer: u8, next: u32) -> Stretch {
    Stretch { peer, next: FrameId(next), until: None, heard_at: NOW }
}

#[test]
fn only_the_edge_speaks_of_joining_of_others_and_of_reports() {
    let addresses = heapless::Vec::from_slice(&[address(9)]).unwrap();
    let alternatives = heapless::Vec::from_slice(&[address(9)]).unwrap();
    let refused = Refused {
        nonce: 1,
        reason: RefusalReason::Full,
        retry_after_ms: 1_000,
        alternatives: heapless::Vec::new(),
    };
    // The message, and what the edge gets for it.
    let messages = [
        (Message::Challenge(Challenge { nonce: 1, cookie: [1; 16] }), Err(Reject::Stale)),
        (Message::Refused(refused), Err(Reject::Stale)),
        (Message::Candidates { list: heapless::Vec::new() }, Ok(())),
        (Message::Introduce(Introduce { client: ClientId(109), addresses }), Ok(())),
        (Message::ReportAck(ReportAck { highest: 0, taken: 1 }), Ok(())),
        (Message::Redirect { alternatives }, Ok(())),
        (Message::Padding, Ok(())),
    ];
    for (message, verdict) in messages {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        let others = if message == Message::Padding { Ok(()) } else { Err(Reject::Unexpected) };
        assert_eq!(rig.client.on_message(NOW, 1, &message), others, "{message:?}");
        assert_eq!(rig.client.on_message(NOW, EDGE, &message), verdict, "{message:?}");
    }
}

#[test]
fn a_stranger_is_not_listened_to() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.peer_mut(1).unwrap().acquaintance = crate::client::peer::Acquaintance::Stranger;
    let ping = Message::Ping { token: 7 };
    assert_eq!(rig.client.on_message(NOW, 1, &ping), Err(Reject::Unexpected));
    rig.client.peer_mut(1).unwrap().acquaintance = crate::client::peer::Acquaintance::Met;
    assert_eq!(rig.client.on_message(NOW, 1, &ping), Ok(()));
    let pongs = rig.hear(NOW, |message| match message {
        Message::Pong { token } => Some(*token),
        _ => None,
    });
    assert_eq!(pongs, [(1, 7)]);
}

#[test]
fn a_datagram_is_of_the_one_whose_link_and_address_it_bears() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    let links: Vec<_> = (1..=2).map(|slot| rig.client.peer(slot).unwrap().own_link).collect();
    let mut say = |from, link| {
        let mut out = [0; 64];
        let mut writer = crate::wire::ControlWriter::new(&mut out, link).unwrap();
        assert!(writer.push(&Message::Ping { token: 1 }));
        let len = writer.finish();
        rig.client.handle_datagram(NOW, crate::Path::to(address(from)), &out[..len])
    };
    assert_eq!(say(1, links[0]), Ok(()));
    assert_eq!(say(2, links[0]), Err(Reject::UnknownPeer), "another's address");
    assert_eq!(say(1, LinkId(links[0].0 ^ (1 << 20))), Err(Reject::UnknownPeer), "an earlier link");
    assert_eq!(say(1, LinkId(links[0].0 | 0xff)), Err(Reject::UnknownPeer), "no such slot");
}

/// Whom a map goes to, its first frame and how many it tells of.
fn maps(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, (u32, u32, usize))> {
    rig.hear(now, |message| match message {
        Message::BufferMap(map) => Some((map.oldest.0, map.base.0, map.bits.len())),
        _ => None,
    })
}

#[test]
fn partners_are_told_what_came_and_every_tenth_time_all() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.clocks.maps = 0;
    rig.feed(NOW, 0, 100..110);
    rig.drain(NOW);
    rig.client.on_map_due(NOW);
    assert_eq!(rig.client.clocks.map_at, after(500));
    assert_eq!(maps(&mut rig, NOW), [(1, (100, 100, 2))]);
    // What was told is not told again, but the newest is.
    rig.feed(after(500), 0, 110..112);
    for round in 2..=9 {
        rig.client.on_map_due(after(500));
        let expected = if round == 2 { (100, 110, 1) } else { (100, 112, 0) };
        assert_eq!(maps(&mut rig, after(500)), [(1, expected)], "{round}");
    }
    rig.client.on_map_due(after(500));
    assert_eq!(maps(&mut rig, after(500)), [(1, (100, 100, 2))], "the tenth");
    // Who may not upload has nothing to offer.
    rig.client.config.upload_bps = 0;
    for _ in 0..10 {
        rig.client.on_map_due(after(500));
        assert_eq!(maps(&mut rig, after(500))[0].1.2, 0);
    }
}

#[test]
fn a_map_tells_of_the_live_edge_within_a_minute() {
    // 1,500 frames are a minute; the bit of the newest is the 64th.
    for (base, newest) in [(1_537, 1_600), (1_538, 100), (90, 153)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        rig.tell_map(1, &[base, base + 63]);
        assert_eq!(rig.client.session.as_ref().unwrap().newest, FrameId(newest), "{base}");
        assert!(rig.client.peer(1).unwrap().map.has(FrameId(base)));
    }
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let map = crate::wire::control::MapBits { oldest: FrameId(100), base: FrameId(100), bits: &[1] };
    assert_eq!(rig.client.on_map(EDGE, &map), Err(Reject::Unexpected));
}

#[test]
fn the_view_tells_who_feeds_and_what_is_leased() {
    let settings = ChannelSettings { substreams: 3, ..one_substream() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, settings, 2);
    rig.client.feeds[0].grant = Grant::Lease;
    rig.client.feeds[1].grant = Grant::Lease;
    rig.client.feeds[1].current = Some(stretch(1, 100));
    rig.client.feeds[2].current = None;
    rig.client.peer_mut(2).unwrap().children = 0b101;
    let view = rig.client.view(after(7_000)).unwrap();
    assert_eq!(view.leased, 0b001, "what a peer feeds is no lease");
    assert_eq!(view.parents[..], [Some(ClientId::EDGE), Some(ClientId(101)), None]);
    assert_eq!((view.peers, view.slots_used, view.age_s), (2, 2, 7));
    let peers: Vec<_> = rig.client.peers().map(|peer| (peer.client.0, peer.children, peer.feeds)).collect();
    assert_eq!(peers, [(101, 0, 0b010), (102, 0b101, 0)]);
    rig.client.session.as_mut().unwrap().newest = FrameId(140);
    let behind: Vec<_> = (0..4).map(|substream| rig.client.behind_frames(substream)).collect();
    assert_eq!(behind, [Some(38), Some(40), None, None]);
    rig.client.session.as_mut().unwrap().newest = FrameId(100);
    let status = rig.client.status(NOW);
    assert_eq!((status.slots_max, status.slots), (view.slots_max, view.slots_max - 2));
    assert_eq!((status.edge_feeds, status.feedable), (0b001, 0b010));
    assert_eq!(status.parents, view.parents);
}

#[test]
fn a_parent_is_wanted_where_there_is_none_for_good() {
    let settings = ChannelSettings { substreams: 5, ..one_substream() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, settings, 1);
    for feed in &mut rig.client.feeds {
        feed.current = Some(stretch(1, 100));
        feed.grant = Grant::Feed;
    }
    assert_eq!(rig.client.wanting(NOW), 0);
    rig.client.feeds[0].current = None;
    rig.client.feeds[1].is_lagging = true;
    rig.client.feeds[2].current = Some(stretch(EDGE, 100));
    rig.client.feeds[2].grant = Grant::Lease;
    rig.client.feeds[3].current = Some(stretch(EDGE, 100));
    rig.client.feeds[4].grant = Grant::Lease;
    assert_eq!(rig.client.wanting(NOW), 0b00111);
    rig.client.session.as_mut().unwrap().settings.overlay = Overlay::Off;
    assert_eq!(rig.client.wanting(NOW), 0);
}

#[test]
fn watching_is_told_in_figures() {
    let settings = ChannelSettings { startup_ms: 400, ..one_substream() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, settings, 0);
    rig.feed(NOW, 0, 100..110);
    assert_eq!(rig.client.buffer_ms(), 360, "the first of ten was handed over");
    for step in 0..60 {
        rig.client.play(after(step * 40));
        while rig.client.poll_event().is_some() {}
        rig.client.clocks.play_at = NOW;
    }
    let watch = rig.client.watch_stats(after(2_400));
    assert_eq!((watch.frames_played, watch.stalls, watch.buffer_ms), (10, 1, 0));
    assert!((1_900..=2_000).contains(&watch.stalled_ms), "{}", watch.stalled_ms);
    assert!(watch.startup_ms > 0 && watch.bytes_control > 0);
    // What is missing is passed over in the end.
    rig.feed(after(2_400), 0, 111..150);
    for step in 60..120 {
        rig.client.play(after(step * 40));
        while rig.client.poll_event().is_some() {}
        rig.client.clocks.play_at = NOW;
    }
    let watch = rig.client.watch_stats(after(4_800));
    assert!(watch.frames_skipped >= 1 && watch.frames_played > 20, "{watch:?}");
}

#[test]
fn a_feed_to_a_child_is_over_when_its_cut_is_reached() {
    let mut serving = Serving::from(FrameId(100));
    assert!(!serving.is_over());
    assert!(!serving.stop_before(FrameId(99)), "of an earlier feed");
    assert!(!serving.is_over());
    assert!(serving.stop_before(FrameId(103)));
    for (cursor, is_over) in [(102, false), (103, true), (104, true)] {
        serving.cursor = FrameId(cursor);
        assert_eq!(serving.is_over(), is_over, "{cursor}");
    }
    assert!(Serving::from(FrameId(0)).stop_before(FrameId(0)));
}

#[test]
fn a_feed_that_stops_leaves_the_others() {
    let mut peer = Peer::EMPTY;
    assert!(!peer.is_child());
    peer.children = 0b111;
    peer.ready = 0b110;
    peer.owed.accept = 0b011;
    peer.stop_serving(1);
    assert_eq!((peer.children, peer.ready, peer.owed.accept), (0b101, 0b100, 0b001));
    assert!(peer.is_child());
    assert_eq!((bit(15), bit(16), slot_bit(63), slot_bit(64)), (1 << 15, 0, 1 << 63, 0));
}

#[test]
fn a_feeder_that_catches_up_stays() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.clocks.adapt_at = NOW;
    // A second and two beats are 27 frames.
    for (behind, has_request, is_lagging) in
        [(27, false, false), (28, true, false), (28, false, true), (27, false, false)]
    {
        rig.client.feeds[0].current = Some(stretch(1, 200));
        rig.client.feeds[0].request = has_request.then_some(Request {
            peer: EDGE,
            from: FrameId(200),
            again_at: after(9_000),
            tries: 1,
        });
        rig.client.session.as_mut().unwrap().newest = FrameId(200 + behind);
        rig.client.check_lag(NOW, 0);
        assert_eq!(rig.client.feeds[0].is_lagging, is_lagging, "{behind}");
    }
    assert_eq!(rig.client.stats().lags, 1);
    let rest = rig.client.clocks.adapt_at.since(NOW);
    assert!(rest >= Duration::from_secs(5) && rest < Duration::from_secs(7), "{rest:?}");
    // While it rests, nothing is changed; nor is the edge, ever.
    rig.client.session.as_mut().unwrap().newest = FrameId(300);
    rig.client.check_lag(after(4_999), 0);
    assert!(!rig.client.feeds[0].is_lagging);
    rig.client.feeds[0].current = Some(stretch(EDGE, 200));
    rig.client.check_lag(after(8_000), 0);
    assert!(!rig.client.feeds[0].is_lagging);
    rig.client.feeds[0].current = Some(stretch(1, 200));
    rig.client.check_lag(rig.client.clocks.adapt_at, 0);
    assert!(rig.client.feeds[0].is_lagging);
}

#[test]
fn what_is_due_first_is_the_deadline() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.drain(NOW);
    rig.client.handle_timeout(NOW);
    rig.drain(NOW);
    // The edge's packet is acknowledged before anything else is due.
    rig.client.discovery.stop();
    let clocks = &mut rig.client.clocks;
    for at in [&mut clocks.check_at, &mut clocks.status_at, &mut clocks.map_at] {
        *at = after(5_000);
    }
    rig.feed(NOW, 0, [100]);
    rig.client.clocks.play_at = Instant::FAR_FUTURE;
    assert_eq!(rig.client.poll_timeout().map(|deadline| deadline.at), Some(after(200)));
    rig.client.handle_timeout(after(200));
    let acks = rig.hear(after(200), |message| match message {
        Message::Ack(ack) => Some(ack.largest),
        _ => None,
    });
    assert_eq!(acks, [(0, 0)]);
}
