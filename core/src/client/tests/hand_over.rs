//! A change of feeder by a cut, a feeder that sinks too deep, and the cap of the uplink.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;

use super::goodbyes::{address, config, find, joined_as, meet, said, say};
use super::model::feed;
use super::script::{Memory, TestClient};
use super::silence::{fed_from, say_at};
use crate::client::ClientConfig;
use crate::client::feed::{Feed, NO_LEVEL};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo};
use crate::wire::control::{
    Accept, Candidate, Class, ClientId, Grant, LeaveReason, LinkId, Meet, PullItem, Subscribe, Transport,
};
use crate::wire::{ControlWriter, DATA_HEADER_LEN, DataHeader, Message};
use crate::{Endpoint, Instant, Path};

const NOW: Instant = Instant::from_millis(1_000);
/// One substream, so that whom it concerns is plain.
const SETTINGS: fn() -> ChannelSettings = || ChannelSettings { substreams: 1, ..ChannelSettings::default() };
/// Where the peer's feed begins.
const CUT: FrameId = FrameId(120);

/// The peer at address 1.
fn candidate() -> Candidate {
    Candidate {
        client: ClientId(101),
        address: address(1),
        transport: Transport::Udp,
        slots: 3,
        feedable: 1,
        age_s: 9,
    }
}

/// A P2P client fed by the peer at address 1 from [`CUT`]; gives its link id for it.
fn fed_by_a_peer(client: &mut TestClient<'_>, edge: LinkId) -> LinkId {
    fed_from(client, edge, CUT, &[0])
}

fn release_to(to: u16, client: &mut TestClient<'_>) -> Option<FrameId> {
    let mut told = said(client);
    told.retain(|(port, _)| *port == to);
    find(&told, |message| match message {
        Message::Release { substream: 0, until } => Some(*until),
        _ => None,
    })
}

#[test]
fn the_old_feeder_is_told_the_cut() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    for packet in 0..10 {
        feed(&mut client, edge, &SETTINGS(), packet, 100 + packet);
    }
    fed_by_a_peer(&mut client, edge);
    assert_eq!(release_to(0, &mut client), Some(CUT));
    let view = client.view(NOW).unwrap();
    assert_eq!((view.parents.first(), view.leased), (Some(&Some(ClientId(101))), 0));
}

/// Whom peers feed the edge takes on unasked, for good and from a frame still to come; what it said before it was told to stop is past.
#[test]
fn the_edge_takes_on_whom_a_peer_feeds() {
    let first = FrameId(CUT.0 + 40);
    for (grant, from, waited_ms, is_taken) in [
        (Grant::Feed, first, 500, true),
        (Grant::Lease, first, 500, false),
        (Grant::Feed, FrameId(CUT.0 - 1), 500, false),
        (Grant::Feed, first, 100, false),
    ] {
        let mut memory = Memory::new(4, 64, 8, 64);
        let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
        fed_by_a_peer(&mut client, edge);
        said(&mut client);
        let now = NOW + Duration::from_millis(waited_ms);
        let accept = Accept { substream: 0, first: from, level: 0, grant };
        say_at(now, &mut client, 0, edge, &Message::Accept(accept));
        let parent = client.view(now).unwrap().parents.first().copied().flatten();
        assert_eq!(parent, Some(if is_taken { ClientId::EDGE } else { ClientId(101) }), "{grant:?} {from:?}");
        let told = said(&mut client);
        let until = find(&told, |message| match message {
            Message::Release { until, .. } => Some(*until),
            _ => None,
        });
        // What is before the cut the edge still owes.
        let until_then = from.max(CUT);
        assert_eq!((until, told.first().map(|told| told.0)), (Some(until_then), Some(u16::from(is_taken))));
    }
}

#[test]
fn the_edge_says_what_its_feed_is_from_now_on() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::Push, SETTINGS());
    for (grant, leased, level) in [(Grant::Lease, 1, SETTINGS().levels_max), (Grant::Feed, 0, 1)] {
        assert_eq!(client.view(NOW).unwrap().leased, 1 - leased);
        let accept = Accept { substream: 0, first: FrameId(110), level: 0, grant };
        say(&mut client, 0, edge, &[Message::Accept(accept)]);
        assert_eq!((client.view(NOW).unwrap().leased, client.feeds[0].level), (leased, level));
        assert_eq!(client.wanting(NOW), leased, "on a lease it looks for a parent");
    }
}

/// A new lease: the edge is asked again at once, what plays plays on.
#[test]
fn a_host_with_another_address_says_hello_and_keeps_what_it_has() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::Push, SETTINGS());
    for packet in 0..10 {
        feed(&mut client, edge, &SETTINGS(), packet, 100 + packet);
    }
    said(&mut client);
    let held = client.frames.newest();
    client.relocate(NOW, Some(address(9)));
    let told = said(&mut client);
    let is_hello = find(&told, |message| matches!(message, Message::Hello(_)).then_some(()));
    assert_eq!((is_hello, told.first().map(|told| told.0)), (Some(()), Some(0)));
    assert!(client.view(NOW).is_some() && held.is_some() && client.frames.newest() == held);
    assert_eq!(client.config.local, Some(address(9)));
}

#[test]
fn who_watches_nothing_says_nothing_from_another_address() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, _) = joined_as(&mut memory, config(), Class::Push, SETTINGS());
    client.leave(NOW);
    said(&mut client);
    client.relocate(NOW, None);
    assert!(said(&mut client).is_empty());
}

/// One level down is a move within K0; K0 itself leaves no room for a child.
#[test]
fn a_feeder_at_the_deepest_level_is_given_up() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    let link = fed_by_a_peer(&mut client, edge);
    said(&mut client);
    let info = FrameInfo { id: CUT, dts: Dts::from_ticks(0), pts_offset_ticks: 0, len: 40, key: false };
    let header =
        DataHeader { link, epoch: 1, info, count: 1, level: SETTINGS().levels_max, ..DataHeader::default() };
    let mut datagram = [7; DATA_HEADER_LEN + 40];
    header.write(&mut datagram).unwrap();
    client.handle_datagram(NOW, Path::to(address(1)), &datagram).unwrap();
    assert_eq!(client.view(NOW).unwrap().parents.first(), Some(&None));
    assert_eq!(release_to(1, &mut client), Some(CUT));
}

/// What a client that lost its parent tells the next candidate to be below.
fn bound_told_after_loss(has_child: bool) -> u8 {
    let settings = ChannelSettings { levels_max: 4, ..SETTINGS() };
    let mut memory = Memory::new(5, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, settings);
    let parent = fed_by_a_peer(&mut client, edge);
    if has_child {
        let child = meet(&mut client, 2);
        let ask = Subscribe { substream: 0, from: CUT, level: 4 };
        say(&mut client, 2, child, &[Message::Subscribe(ask)]);
        let level = find(&said(&mut client), |message| match message {
            Message::Accept(accept) => Some(accept.level),
            _ => None,
        });
        assert_eq!(level, Some(2));
    }
    let leaves = Message::Leave { reason: LeaveReason::Done };
    say(&mut client, 1, parent, &[leaves]);
    let lease = Accept { substream: 0, first: CUT, level: 0, grant: Grant::Lease };
    let candidate = Candidate { client: ClientId(103), address: address(3), ..candidate() };
    let list = heapless::Vec::from_slice(&[candidate]).unwrap();
    say(&mut client, 0, edge, &[Message::Accept(lease), Message::Candidates { list }]);
    client.handle_timeout(NOW + Duration::from_millis(200));
    let asked = said(&mut client);
    let link = find(&asked, |message| match message {
        Message::Meet(meet) => Some(meet.link),
        _ => None,
    });
    let met = Meet { link: LinkId(601), client: ClientId(103), epoch: 1 };
    say(&mut client, 3, link.unwrap(), &[Message::Met(met)]);
    let mut all = asked;
    all.extend(said(&mut client));
    all.retain(|(port, _)| *port == 3);
    find(&all, |message| match message {
        Message::Subscribe(subscribe) => Some(subscribe.level),
        _ => None,
    })
    .unwrap()
}

/// DUAL's feasibility: with children, only a feeder below the level they were told; without, none of them can be a descendant.
#[test]
fn who_has_children_looks_only_below_the_level_they_were_told() {
    assert_eq!(bound_told_after_loss(true), 2);
    assert_eq!(bound_told_after_loss(false), 4);
}

#[test]
fn the_level_told_to_children_bounds_until_they_are_gone() {
    let mut feed = Feed::EMPTY;
    feed.set_level(1);
    feed.set_level(3);
    assert_eq!(feed.feasible_below(false), NO_LEVEL);
    feed.begin_telling();
    assert_eq!(feed.feasible_below(true), 3, "who comes hears the level of this moment");
    feed.set_level(5);
    assert_eq!(feed.feasible_below(true), 3);
    feed.set_level(2);
    assert_eq!((feed.level, feed.feasible_below(true)), (2, 2));
}

/// New CoolStreaming's lag test: what another brings shows that the feeder is behind; it goes on until the next one has begun.
#[test]
fn a_feeder_that_falls_behind_is_replaced_and_not_before() {
    let mut memory = Memory::new(5, 128, 8, 128);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    let link = fed_by_a_peer(&mut client, edge);
    said(&mut client);
    // It is there, and only slow.
    let speak = |client: &mut TestClient<'_>, ms| {
        let pong = Message::Pong { token: 0 };
        say_at(NOW + Duration::from_millis(ms), client, 1, link, &pong);
    };
    let candidate = Candidate { client: ClientId(103), address: address(3), ..candidate() };
    let list = heapless::Vec::from_slice(&[candidate]).unwrap();
    say(&mut client, 0, edge, &[Message::Candidates { list }]);
    // A partner's map or another substream would tell; here the edge still sends: frames far ahead of the feeder's.
    feed(&mut client, edge, &SETTINGS(), 0, CUT.0 + 100);
    client.handle_timeout(NOW + Duration::from_millis(200));
    speak(&mut client, 390);
    assert_eq!(client.stats().lags, 0, "a feed that has just begun may catch up");
    client.clocks.adapt_at = NOW;
    client.handle_timeout(NOW + Duration::from_millis(400));
    assert_eq!(client.stats().lags, 1);
    let is_lagging = |client: &TestClient<'_>| client.feeds.first().is_some_and(|feed| feed.is_lagging);
    assert!(is_lagging(&client) && client.wanting(NOW) == 1, "it looks for another");
    assert_eq!(
        client.view(NOW).unwrap().parents.first(),
        Some(&Some(ClientId(101))),
        "and is fed on meanwhile"
    );
    speak(&mut client, 590);
    feed(&mut client, edge, &SETTINGS(), 1, CUT.0 + 101);
    client.handle_timeout(NOW + Duration::from_millis(600));
    assert_eq!(client.stats().lags, 1, "once is enough");
}

/// Bytes of fragments a client sends within 10 s while a peer asks for all it holds without end.
fn uploaded_in_10_s(client: &mut TestClient<'_>, link: LinkId) -> u64 {
    let mut head = [0; DATAGRAM_LEN_MAX];
    let mut sum = 0;
    for step in 0..500 {
        let now = NOW + Duration::from_millis(step * 20);
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, link).unwrap();
        let first = 100 + u32::try_from(step % 20).unwrap();
        let item = |frame| PullItem { frame: FrameId(frame), first: 0, wanted: u64::MAX };
        assert!(
            writer.push(&Message::Pull { items: (first..first + 8).map(item).collect(), can_wait: false })
        );
        let len = writer.finish();
        let _taken = client.handle_datagram(now, Path::to(address(1)), &out[..len]);
        while let Some(transmit) = client.poll_transmit(now, &mut head) {
            let body = transmit.body.map(|body| transmit.head_len + usize::from(body.len));
            sum += body.unwrap_or(0) as u64;
        }
    }
    sum
}

#[test]
fn uploads_stay_below_the_cap() {
    for (upload_bps, cap_bps) in [(0, 0), (20_000, 20_000), (u32::MAX, 30_000)] {
        let mut memory = Memory::new(4, 64, 8, 64);
        let config = ClientConfig { upload_bps, ..config() };
        let settings = ChannelSettings { rate_bps: 20_000, ..SETTINGS() };
        let (mut client, edge) = joined_as(&mut memory, config, Class::Push, settings);
        for packet in 0..30 {
            feed(&mut client, edge, &settings, packet, 100 + packet);
        }
        let link = meet(&mut client, 1);
        let sent = uploaded_in_10_s(&mut client, link);
        // One bucket, and the datagram that overdraws it.
        let sent_max = if cap_bps == 0 { 0 } else { cap_bps * 10 / 8 + 24_000 + 1_200 };
        assert!(sent <= sent_max && sent * 2 >= sent_max, "{sent} of {sent_max} at {upload_bps}");
    }
}
