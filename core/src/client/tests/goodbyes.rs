//! Leaving, and what reaches a client from those it has lost or not met yet.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::net::SocketAddr;
use std::vec::Vec;

use super::script::{Memory, TestClient};
use crate::client::{ClientConfig, ClientEvent};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelName, ChannelSettings, FrameId};
use crate::wire::control::{
    Accept, Class, ClientId, Grant, LeaveReason, LinkId, Meet, RefuseReason, Subscribe, Welcome,
};
use crate::wire::stun::is_stun;
use crate::wire::{ControlWriter, Datagram, Message};
use crate::{Endpoint, Instant, Path};

const NOW: Instant = Instant::from_millis(1_000);

pub(super) fn address(index: u16) -> SocketAddr {
    ([192, 0, 2, 1], 7_000 + index).into()
}

pub(super) fn config() -> ClientConfig {
    ClientConfig { edge: address(0), upload_bps: 600_000, ..ClientConfig::default() }
}

pub(super) fn say(client: &mut TestClient<'_>, from: u16, link: LinkId, messages: &[Message<'_>]) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, link).unwrap();
    for message in messages {
        assert!(writer.push(message));
    }
    writer.pad_to(24);
    let len = writer.finish();
    let _taken = client.handle_datagram(NOW, Path::to(address(from)), &out[..len]);
}

/// Everything the client has to say, as text, with the receiver's port less 7000.
pub(super) fn said(client: &mut TestClient<'_>) -> Vec<(u16, Vec<u8>)> {
    let mut all = Vec::new();
    let mut head = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = client.poll_transmit(NOW, &mut head) {
        if is_stun(&head[..transmit.head_len]) {
            continue;
        }
        all.push((transmit.path.remote.port() - 7_000, head[..transmit.head_len].to_vec()));
    }
    all
}

/// Looks for a message in what was said.
pub(super) fn find<T>(said: &[(u16, Vec<u8>)], mut pick: impl FnMut(&Message<'_>) -> Option<T>) -> Option<T> {
    said.iter().find_map(|(_, datagram)| match Datagram::parse(datagram) {
        Ok(Datagram::Control(_, messages)) => messages.flatten().find_map(|message| pick(&message)),
        _ => panic!("only control is said here"),
    })
}

fn tuned(memory: &mut Memory, config: ClientConfig) -> TestClient<'_> {
    let mut client = memory.client(config);
    client.tune(NOW, &ChannelName::new("live1").unwrap());
    client
}

/// A push client; gives the link id it chose for the edge, too.
fn joined(memory: &mut Memory) -> (TestClient<'_>, LinkId) {
    joined_as(memory, config(), Class::Push, ChannelSettings::default())
}

/// A client welcomed at frame 100; gives the link id it chose for the edge, too.
pub(super) fn joined_as(
    memory: &mut Memory,
    config: ClientConfig,
    class: Class,
    settings: ChannelSettings,
) -> (TestClient<'_>, LinkId) {
    let mut client = tuned(memory, config);
    let hello = said(&mut client);
    let (nonce, link) = find(&hello, |message| match message {
        Message::Hello(hello) => Some((hello.nonce, hello.link)),
        _ => None,
    })
    .unwrap();
    let welcome = Welcome {
        nonce,
        client: ClientId(9),
        link: LinkId(500),
        epoch: 1,
        class,
        start: FrameId(100),
        newest: FrameId(100),
        left_from: None,
        settings,
        observed: address(9),
        init: &[],
        candidates: heapless::Vec::new(),
    };
    say(&mut client, 0, link, &[Message::Welcome(welcome)]);
    said(&mut client);
    (client, link)
}

/// A peer introduces itself; gives the client's link id for it.
pub(super) fn meet(client: &mut TestClient<'_>, from: u16) -> LinkId {
    let meet = Meet { link: LinkId(600), client: ClientId(100 + u32::from(from)), epoch: 1 };
    say(client, from, LinkId(0), &[Message::Meet(meet)]);
    let answer = said(client);
    let link = find(&answer, |message| match message {
        Message::Met(met) => Some(met.link),
        _ => None,
    })
    .unwrap();
    // An answer to nothing, under that id: its address is proved.
    say(client, from, link, &[Message::Pong { token: 0 }]);
    said(client);
    link
}

const SUBSCRIBE: Message<'static> =
    Message::Subscribe(Subscribe { substream: 0, from: FrameId(100), level: 2 });

fn events(client: &mut TestClient<'_>) -> Vec<ClientEvent> {
    core::iter::from_fn(|| client.poll_event()).collect()
}

#[test]
fn leaving_while_joining_comes_to_an_end() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let mut client = tuned(&mut memory, config());
    said(&mut client);
    client.leave(NOW);
    assert!(said(&mut client).is_empty(), "there is nobody to say goodbye to");
    assert_eq!(events(&mut client), [ClientEvent::Left { reason: LeaveReason::Done }]);
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn a_client_that_begins_anew_is_as_one_just_made() {
    let mut memory = Memory::new(4, 64, 4, 64);
    let (mut client, _) = joined(&mut memory);
    meet(&mut client, 1);
    let other = ClientConfig { seed: 7, ..config() };
    client.reset(other);
    let mut fresh_memory = Memory::new(4, 64, 4, 64);
    assert_eq!(std::format!("{client:?}"), std::format!("{:?}", fresh_memory.client(other)));
}

#[test]
fn leaving_says_goodbye_to_all_that_were_met() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let (mut client, _) = joined(&mut memory);
    meet(&mut client, 1);
    client.leave(NOW);
    let goodbyes = said(&mut client);
    assert_eq!(goodbyes.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [0, 1]);
    assert!(client.view(NOW).is_none());
    assert_eq!(client.poll_timeout().map(|deadline| deadline.why), None);
}

/// The last one that is owed a goodbye goes first.
#[test]
fn leaving_ends_when_the_last_to_be_told_has_gone() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let (mut client, _) = joined(&mut memory);
    let link = meet(&mut client, 1);
    client.leave(NOW);
    let mut head = [0; DATAGRAM_LEN_MAX];
    assert!(client.poll_transmit(NOW, &mut head).is_some(), "to the edge");
    say(&mut client, 1, link, &[Message::Leave { reason: LeaveReason::Done }]);
    assert!(said(&mut client).is_empty());
    assert!(events(&mut client).contains(&ClientEvent::Left { reason: LeaveReason::Done }));
}

/// A short scratch is no reason to forget what is owed.
#[test]
fn too_short_a_head_loses_nothing() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let mut client = tuned(&mut memory, config());
    assert_eq!(client.poll_transmit(NOW, &mut [0; 1_199]), None);
    assert_eq!(client.poll_transmit(NOW, &mut []), None);
    assert_eq!(said(&mut client).first().map(|(_, hello)| hello.len()), Some(DATAGRAM_LEN_MAX));
}

#[test]
fn what_follows_a_goodbye_takes_no_slot() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let (mut client, _) = joined(&mut memory);
    let link = meet(&mut client, 1);
    say(&mut client, 1, link, &[Message::Leave { reason: LeaveReason::Done }, SUBSCRIBE]);
    assert_eq!(client.view(NOW).map(|view| view.slots_used), Some(0));
}

/// A feed can break between a subscription and its answer.
#[test]
fn a_promise_that_cannot_be_kept_is_taken_back() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let (mut client, edge) = joined(&mut memory);
    let link = meet(&mut client, 1);
    say(&mut client, 1, link, &[SUBSCRIBE]);
    assert_eq!(client.view(NOW).map(|view| view.slots_used), Some(1));
    say(&mut client, 0, edge, &[Message::Refuse { substream: 0, reason: RefuseReason::Budget }]);
    let answer = said(&mut client);
    let is_refused = find(&answer, |message| match message {
        Message::Refuse { substream: 0, reason: RefuseReason::Unhealthy } => Some(true),
        Message::Accept(_) => Some(false),
        _ => None,
    });
    assert_eq!(is_refused, Some(true));
    assert_eq!(client.view(NOW).map(|view| view.slots_used), Some(0));
}

/// Whatever level the edge claims, its children stand right below it.
#[test]
fn the_edge_does_not_push_a_client_below_the_deepest_level() {
    let mut memory = Memory::new(4, 64, 4, 20);
    let (mut client, edge) = joined(&mut memory);
    say(&mut client, 0, edge, &[Message::Refuse { substream: 0, reason: RefuseReason::Budget }]);
    for later in 1..40 {
        client.handle_timeout(NOW.plus_micros(later * 50_000));
    }
    let accept = Accept { substream: 0, first: FrameId(100), level: 15, grant: Grant::Feed };
    say(&mut client, 0, edge, &[Message::Accept(accept)]);
    assert_eq!(client.level(0), 1);
}
