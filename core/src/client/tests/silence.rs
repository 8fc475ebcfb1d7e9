//! A parent that falls silent: what is asked of whom, and what becomes of it when the parent speaks again.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::{address, config, find, joined_as, meet, said, say};
use super::script::{Memory, TestClient};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, FrameId};
use crate::wire::control::{
    Accept, Candidate, Class, ClientId, Grant, LeaveReason, LinkId, Meet, RefuseReason, Subscribe, Transport,
};
use crate::wire::{ControlWriter, Message};
use crate::{Endpoint, Instant, Path};

pub(super) const NOW: Instant = Instant::from_millis(1_000);
/// Two substreams, both from one parent.
pub(super) const SETTINGS: fn() -> ChannelSettings =
    || ChannelSettings { substreams: 2, ..ChannelSettings::default() };

/// A P2P client on a lease, told of the peer at address 1, which then takes it on for each of `substreams` from a frame; gives its
/// link id for it.
pub(super) fn fed_from(
    client: &mut TestClient<'_>,
    edge: LinkId,
    first: FrameId,
    substreams: &[u8],
) -> LinkId {
    let candidate = Candidate {
        client: ClientId(101),
        address: address(1),
        transport: Transport::Udp,
        slots: 3,
        feedable: substreams.iter().fold(0, |set, substream| set | 1 << substream),
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
    let link = link.unwrap();
    let met = Message::Met(Meet { link: LinkId(600), client: ClientId(101), epoch: 1 });
    let accept = |&substream| Message::Accept(Accept { substream, first, level: 1, grant: Grant::Feed });
    let told: Vec<_> = core::iter::once(met).chain(substreams.iter().map(accept)).collect();
    say(client, 1, link, &told);
    link
}

/// A P2P client fed by the peer at address 1 on both substreams; gives its link id for it.
pub(super) fn fed_by_a_peer(client: &mut TestClient<'_>, edge: LinkId) -> LinkId {
    let link = fed_from(client, edge, FrameId(120), &[0, 1]);
    said(client);
    link
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

/// A push client with a child on substream 1, and the id by which the child addresses it.
fn with_a_child(memory: &mut Memory) -> (TestClient<'_>, LinkId, LinkId) {
    let (mut client, edge) = joined_as(memory, config(), Class::Push, SETTINGS());
    for id in 100..110 {
        super::model::feed(&mut client, edge, &SETTINGS(), id - 100, id);
    }
    let child = meet(&mut client, 2);
    let ask = Subscribe { substream: 1, from: FrameId(110), level: 2 };
    say(&mut client, 2, child, &[Message::Subscribe(ask)]);
    said(&mut client);
    (client, edge, child)
}

#[test]
fn a_client_that_gets_nothing_tells_its_children_until_it_does() {
    let mut memory = Memory::new(4, 64, 8, 64);
    let (mut client, edge, _) = with_a_child(&mut memory);
    let all = run(&mut client, 0, 1_900);
    let told = times(&all, 2, |message| matches!(message, Message::Starved { substream: 1, .. }));
    // A beat of two or three frames, and then each half second.
    assert!(told.first().is_some_and(|ms| (540..=720).contains(ms)), "{told:?}");
    assert!((2..=3).contains(&told.len()), "{told:?}");
    let others = times(&all, 2, |message| matches!(message, Message::Starved { substream: 0, .. }));
    assert!(others.is_empty(), "it feeds nobody that");
    let since = all.iter().find_map(|(_, to, datagram)| {
        find(&[(*to, datagram.clone())], |message| match message {
            Message::Starved { since, .. } => Some(*since),
            _ => None,
        })
    });
    assert!(since.is_some_and(|since| (110..=112).contains(&since.0)), "{since:?}");
    // The next frame of each ends it.
    for (packet, id) in (10..).zip(110..114) {
        super::model::feed(&mut client, edge, &SETTINGS(), packet, id);
    }
    client.check_starved(NOW, 1);
    assert_eq!(client.feeds.get(1).map(|feed| feed.starved_at), Some(Instant::ZERO));
}

/// A feeder that answers and sends nothing is changed after a second and a half; one that says why is borne with for a while.
#[test]
fn a_starved_parent_is_kept_and_what_it_lacks_is_pulled() {
    for is_told in [false, true] {
        let mut memory = Memory::new(4, 64, 8, 64);
        let (mut client, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
        let parent = fed_by_a_peer(&mut client, edge);
        client.session.as_mut().unwrap().newest = FrameId(180);
        for id in 100..120 {
            super::model::feed(&mut client, edge, &SETTINGS(), id - 100, id);
        }
        let is_patient_at =
            |client: &TestClient<'_>, ms| client.is_patient(NOW + Duration::from_millis(ms), 0);
        // The buffer it plays from is short here: what patience it has is set by hand below.
        say_at(NOW, &mut client, 1, parent, &Message::Starved { substream: 0, since: FrameId(120) });
        assert!(!client.holes.is_empty(), "frames more than a second old are pulled");
        assert!(client.holes.iter().all(|hole| hole.frame < FrameId(156)), "the others may still come");
        assert!(!is_patient_at(&client, 0), "800 ms before they are due");
        if is_told {
            client.feeds[0].patient_until = NOW + Duration::from_secs(3);
            client.feeds[1].patient_until = NOW + Duration::from_secs(3);
        }
        for step in 1..25 {
            let now = NOW + Duration::from_millis(step * 100);
            say_at(now, &mut client, 1, parent, &Message::Pong { token: 1 });
            client.clocks.adapt_at = now + Duration::from_secs(9);
            client.playout.stop();
            client.handle_timeout(now);
            said(&mut client);
        }
        let kept = parents(&client).iter().filter(|parent| **parent == Some(101)).count();
        assert_eq!(kept, if is_told { 2 } else { 0 }, "{is_told} {:?}", parents(&client));
    }
}

#[test]
fn who_leaves_names_another_and_its_child_asks_that_one() {
    let mut memory = Memory::new(5, 64, 8, 64);
    let (mut client, edge, _) = with_a_child(&mut memory);
    let candidate = Candidate {
        client: ClientId(103),
        address: address(3),
        transport: Transport::Udp,
        slots: 3,
        feedable: 2,
        age_s: 9,
    };
    let strange = Candidate { client: ClientId(104), address: address(4), feedable: 1, ..candidate };
    let list = heapless::Vec::from_slice(&[candidate, strange]).unwrap();
    say(&mut client, 0, edge, &[Message::Candidates { list }]);
    said(&mut client);
    client.leave(NOW);
    let mut told = said(&mut client);
    told.retain(|(to, _)| *to == 2);
    let named = find(&told, |message| match message {
        Message::Successors { clients } => Some(clients.clone()),
        Message::Leave { .. } => panic!("what follows a goodbye is nobody's"),
        _ => None,
    });
    assert_eq!(named.as_deref(), Some(&[ClientId(103)][..]), "who can feed what the child takes");

    let mut memory = Memory::new(5, 64, 8, 64);
    let (mut child, edge) = joined_as(&mut memory, config(), Class::P2p, SETTINGS());
    let parent = fed_by_a_peer(&mut child, edge);
    meet(&mut child, 3);
    let clients = heapless::Vec::from_slice(&[ClientId(104), ClientId(103)]).unwrap();
    let leave = Message::Leave { reason: LeaveReason::Done };
    say(&mut child, 1, parent, &[Message::Successors { clients }, leave]);
    let mut asked = said(&mut child);
    assert!(asked.iter().all(|(to, _)| *to != 4), "nobody said where that is");
    let is_asked = |said: &[(u16, Vec<u8>)]| {
        find(said, |message| matches!(message, Message::Subscribe(_)).then_some(())).is_some()
    };
    asked.retain(|(to, _)| *to == 3);
    assert!(is_asked(&asked));
    let refusals = [0, 1].map(|substream| Message::Refuse { substream, reason: RefuseReason::Full });
    let link = child.peer(asked_slot(&child)).unwrap().own_link;
    say(&mut child, 3, link, &refusals);
    child.handle_timeout(NOW);
    let mut then = said(&mut child);
    then.retain(|(to, _)| *to == 0);
    assert!(is_asked(&then), "refused: the edge, at once");
}

fn asked_slot(client: &TestClient<'_>) -> u8 {
    client.slot_of_client(ClientId(103)).unwrap()
}
