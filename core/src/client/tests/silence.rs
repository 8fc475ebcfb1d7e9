//! A parent that falls silent: what is asked of whom, and what becomes of it when the parent speaks again.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::{address, config, find, joined_as, said, say};
use super::script::{Memory, TestClient};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, FrameId};
use crate::wire::control::{Accept, Candidate, Class, ClientId, Grant, LinkId, Meet, Transport};
use crate::wire::{ControlWriter, Message};
use crate::{Endpoint, Instant, Path};

pub(super) const NOW: Instant = Instant::from_millis(1_000);
/// Two substreams, both from one parent.
pub(super) const SETTINGS: fn() -> ChannelSettings =
    || ChannelSettings { substreams: 2, ..ChannelSettings::default() };

/// A P2P client fed by the peer at address 1 on both substreams; gives its link id for it.
pub(super) fn fed_by_a_peer(client: &mut TestClient<'_>, edge: LinkId) -> LinkId {
    let candidate = Candidate {
        client: ClientId(101),
        address: address(1),
        transport: Transport::Udp,
        slots: 3,
        feedable: 3,
        age_s: 9,
    };
    let list = heapless::Vec::from_slice(&[candidate]).unwrap();
    say(client, 0, edge, &[Message::Candidates { list }]);
    client.handle_timeout(NOW);
    let asked = said(client);
    let link = find(&asked, |message| match message {
        Message::Meet(meet) => Some(meet.link),
        _ => None,
    });
    let met = Meet { link: LinkId(600), client: ClientId(101), epoch: 1 };
    let accept =
        |substream| Message::Accept(Accept { substream, first: FrameId(120), level: 1, grant: Grant::Feed });
    say(client, 1, link.unwrap(), &[Message::Met(met), accept(0), accept(1)]);
    said(client);
    link.unwrap()
}

pub(super) fn say_at(
    now: Instant,
    client: &mut TestClient<'_>,
    from: u16,
    link: LinkId,
    message: &Message<'_>,
) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, link).unwrap();
    assert!(writer.push(message));
    let len = writer.finish();
    let _taken = client.handle_datagram(now, Path::to(address(from)), &out[..len]);
}

/// Lets the client's timers fire up to a time; gives what was said, with the time in milliseconds since [`NOW`] and the receiver.
fn run(client: &mut TestClient<'_>, from_ms: u64, until_ms: u64) -> Vec<(u64, u16, Vec<u8>)> {
    let mut all = Vec::new();
    let mut now = NOW + Duration::from_millis(from_ms);
    let until = NOW + Duration::from_millis(until_ms);
    while now <= until {
        client.handle_timeout(now);
        let ms = now.micros_since(NOW) / 1_000;
        all.extend(said(client).into_iter().map(|(to, datagram)| (ms, to, datagram)));
        now = client.poll_timeout().unwrap().at;
    }
    all
}

fn times(all: &[(u64, u16, Vec<u8>)], to: u16, mut is_it: impl FnMut(&Message<'_>) -> bool) -> Vec<u64> {
    let mut is_in = |datagram: &Vec<u8>| {
        find(&[(to, datagram.clone())], |message| is_it(message).then_some(())).is_some()
    };
    all.iter().filter(|(_, other, _)| *other == to).filter(|(_, _, d)| is_in(d)).map(|(ms, ..)| *ms).collect()
}

const IS_PING: fn(&Message<'_>) -> bool = |message| matches!(message, Message::Ping { .. });
const IS_SUBSCRIBE: fn(&Message<'_>) -> bool = |message| matches!(message, Message::Subscribe(_));

/// The parents of both substreams.
fn parents(client: &TestClient<'_>) -> Vec<Option<u32>> {
    client.view(NOW).unwrap().parents.iter().map(|parent| parent.map(|client| client.0)).collect()
}

#[test]
fn a_silent_parent_is_asked_then_suspected_in_all_it_feeds_then_freed() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    fed_by_a_peer(&mut client, edge);
    let all = run(&mut client, 0, 900);
    let pings = times(&all, 1, IS_PING);
    // Frames come each 40 ms from the parent of both substreams: within the mapping's block of two and 60 ms late.
    let first = *pings.first().unwrap();
    assert!((100..=180).contains(&first), "{pings:?}");
    assert_eq!(pings.len(), 3, "{pings:?}");
    let rtt_us = client.peer(1).unwrap().link.rtt().smoothed_us();
    let rescue = *times(&all, 0, IS_SUBSCRIBE).first().unwrap();
    let wait_ms = u64::from(rtt_us) * 3 / 2_000;
    assert!((first + wait_ms.max(60)..=first + wait_ms.max(60) + 2).contains(&rescue), "{rescue} {rtt_us}");
    let asked = [0, 1].map(|wanted| {
        let is_of =
            |message: &Message<'_>| matches!(message, Message::Subscribe(ask) if ask.substream == wanted);
        times(&all, 0, is_of).first().copied()
    });
    assert_eq!(asked, [Some(rescue); 2], "all that it feeds, at once");
    assert_eq!(parents(&client), [Some(101); 2], "make before break");
    assert_eq!(client.stats().suspicions, 1);
    run(&mut client, 900, 1_200);
    assert!(client.peer(1).is_some_and(|peer| !peer.is_known()), "freed after a second");
}

#[test]
fn a_suspect_that_speaks_again_feeds_on_and_the_edge_is_released() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    let parent = fed_by_a_peer(&mut client, edge);
    run(&mut client, 0, 600);
    assert!(client.is_suspect(1));
    let now = NOW + Duration::from_millis(610);
    say_at(now, &mut client, 1, parent, &Message::Pong { token: 1 });
    assert_eq!((client.stats().suspicions, client.stats().suspicions_false), (1, 1));
    assert!(client.feeds.iter().all(|feed| feed.request.is_none()), "the edge need not feed");
    let accept = Accept { substream: 0, first: FrameId(120), level: 0, grant: Grant::Lease };
    say_at(now, &mut client, 0, edge, &Message::Accept(accept));
    let mut told = said(&mut client);
    told.retain(|(to, _)| *to == 0);
    let released = find(&told, |message| match message {
        Message::Release { substream: 0, until } => Some(*until),
        _ => None,
    });
    assert_eq!(released, Some(FrameId(120)));
    assert_eq!(parents(&client), [Some(101); 2]);
}

#[test]
fn a_rescue_that_came_first_stays_and_the_suspect_is_told_where_to_stop() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    let parent = fed_by_a_peer(&mut client, edge);
    run(&mut client, 0, 600);
    let now = NOW + Duration::from_millis(610);
    let accept = Accept { substream: 1, first: FrameId(120), level: 0, grant: Grant::Lease };
    say_at(now, &mut client, 0, edge, &Message::Accept(accept));
    let mut told = said(&mut client);
    told.retain(|(to, _)| *to == 1);
    let is_released = find(&told, |message| match message {
        Message::Release { substream: 1, .. } => Some(()),
        _ => None,
    });
    assert!(is_released.is_some());
    say_at(now, &mut client, 1, parent, &Message::Pong { token: 1 });
    assert_eq!(parents(&client), [Some(101), Some(0)], "only what was not rescued yet");
    assert_eq!(client.stats().feeds_lost, 1);
}

/// One that speaks but is late with what is nearly due: that is asked of others, before it counts as too slow.
#[test]
fn what_is_nearly_due_and_late_is_a_hole() {
    for (ms, is_noted) in [(100, false), (400, true)] {
        let mut memory = Memory::new(4, 64, 8, 64);
        let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
        let parent = fed_by_a_peer(&mut client, edge);
        let session = client.session.as_mut().unwrap();
        session.newest = FrameId(150);
        // It starts at once: the parent's first frame is due in 800 ms.
        client.playout.start(FrameId(100));
        for id in 100..120 {
            super::model::feed(&mut client, edge, &SETTINGS(), id - 100, id);
        }
        let now = NOW + Duration::from_millis(ms);
        say_at(now, &mut client, 1, parent, &Message::Pong { token: 1 });
        client.note_overdue(now, 0);
        assert_eq!(!client.holes.is_empty(), is_noted, "{ms} {:?}", client.playout.state());
    }
}
