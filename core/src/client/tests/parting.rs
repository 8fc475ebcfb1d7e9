//! Taking leave of peers, changing the edge, and what control says of feeds.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::Stretch;
use crate::client::peer::{Acquaintance, EDGE, Known, NamedCandidate};
use crate::media::{ChannelSettings, FrameId};
use crate::wire::Message;
use crate::wire::control::{Class, ClientId, Grant, Introduce, LinkId, Meet};

fn memory() -> Memory {
    Memory::new(8, 128, 16, 256)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    let settings = ChannelSettings { substreams: 2, ..one_substream() };
    Rig::new(memory, Class::Push, settings, peers)
}

#[test]
fn who_was_met_is_told_goodbye_and_the_edge_is_not() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 3);
    rig.client.peer_mut(3).unwrap().acquaintance = Acquaintance::Stranger;
    for slot in 1..=3 {
        rig.client.peer_mut(slot).unwrap().children = 0b11;
    }
    rig.client.serving = 0b1110;
    rig.client.part_from_peers();
    assert_eq!((rig.client.parting, rig.client.serving), (0b0110, 0));
    for (slot, is_told, children) in [(EDGE, false, 0), (1, true, 0), (2, true, 0), (3, false, 0b11)] {
        let peer = rig.client.peer(slot).unwrap();
        assert_eq!((peer.owed.leave, peer.owed.ack, peer.children), (is_told, is_told, children), "{slot}");
    }
    let goodbyes = rig.hear(NOW, |message| match message {
        Message::Leave { .. } => Some(()),
        _ => None,
    });
    assert_eq!(goodbyes, [(1, ()), (2, ())]);
    assert!(!rig.client.peer(1).unwrap().is_known());
    assert_eq!(rig.client.parting, 0);
}

#[test]
fn at_another_edge_peers_are_somebody_else() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    let addresses = heapless::Vec::from_slice(&[address(5)]).unwrap();
    rig.client.on_introduce(NOW, &Introduce { client: ClientId(200), addresses }).unwrap();
    let meeting = rig.client.slot_of_client(ClientId(200)).unwrap();
    let candidate =
        NamedCandidate { client: ClientId(101), address: address(1).into(), slots: 3, age_s: 1, feedable: 1 };
    rig.client.candidates.push(Known { candidate, named_ds: 10, not_before: NOW }).unwrap();
    rig.client.unmet.push((ClientId(101), 1)).unwrap();
    let edge = rig.client.peer(EDGE).unwrap().client;
    rig.client.estrange_peers();
    assert!(rig.client.candidates.is_empty() && rig.client.unmet.is_empty());
    assert!(!rig.client.peer(meeting).unwrap().is_known(), "nobody will answer");
    for slot in 1..=2 {
        let peer = rig.client.peer(slot).unwrap();
        assert_eq!((peer.client, peer.is_met()), (ClientId::ELSEWHERE, true));
    }
    assert_eq!(rig.client.peer(EDGE).unwrap().client, edge);
}

#[test]
fn an_edge_that_is_asked_begins_with_a_link_of_its_own_and_owes_nothing() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    (rig.client.owing, rig.client.serving) = (0b11, 0b11);
    rig.client.begin_joining(after(7), address(9), Duration::from_secs(2));
    let edge = rig.client.peer(EDGE).unwrap();
    assert_eq!((edge.remote, edge.met_at, edge.acquaintance), (address(9), after(7), Acquaintance::Meeting));
    assert_eq!((rig.client.owing, rig.client.serving, rig.client.known), (0b10, 0b10, 0b11));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3_000 {
        let link = rig.client.draw_edge_link();
        assert!(link.0 & 0xffff == 0 && link.0 >> 16 != 0 && link.0 >> 26 == 0, "{link:?}");
        let edge = rig.client.peer_mut(EDGE).unwrap();
        assert_ne!(link, edge.own_link, "the one in use is another's");
        edge.own_link = link;
        seen.insert(link.0);
    }
    assert!(seen.len() > 500, "{}", seen.len());
}

#[test]
fn who_was_introduced_is_told_where_it_seems_to_be() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    let addresses = heapless::Vec::from_slice(&[address(5)]).unwrap();
    rig.client.on_introduce(NOW, &Introduce { client: ClientId(200), addresses }).unwrap();
    let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
    rig.client.on_met(NOW, slot, &Meet { link: LinkId(700), client: ClientId(200), epoch: 1 }).unwrap();
    rig.client.owe(slot, |owed| owed.met = true);
    let told = rig.hear(NOW, |message| match message {
        Message::Seen { address } => Some(*address),
        _ => None,
    });
    assert_eq!(told, [(5, address(5))]);
}

#[test]
fn each_is_told_its_own_cut_of_each_substream_once() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.send_release(NOW, 1, 0, FrameId(110));
    rig.client.send_release(NOW, 2, 0, FrameId(120));
    rig.client.send_release(NOW, 2, 1, FrameId(121));
    let releases = |rig: &mut Rig<'_>| {
        rig.hear(NOW, |message| match message {
            Message::Release { substream, until } => Some((*substream, until.0)),
            _ => None,
        })
    };
    assert_eq!(releases(&mut rig), [(1, (0, 110)), (2, (0, 120)), (2, (1, 121))]);
    // What was told is told again only when it is due.
    rig.client.owe_release(1, 0);
    assert_eq!(releases(&mut rig), []);
    assert_eq!(rig.client.peer(1).unwrap().owed.release, 0);
}

#[test]
fn only_who_is_a_child_is_accepted() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let peer = rig.client.peer_mut(1).unwrap();
    peer.children = 0b01;
    rig.client.owe(1, |owed| owed.accept = 0b11);
    let accepts = rig.hear(NOW, |message| match message {
        Message::Accept(accept) => Some(accept.substream),
        _ => None,
    });
    assert_eq!(accepts, [(1, 0)]);
    assert_eq!(rig.client.peer(1).unwrap().owed.accept, 0);
}

#[test]
fn parents_are_asked_for_where_they_are_wanted() {
    for (grant, asked) in [(Grant::Feed, None), (Grant::Lease, Some(0b01))] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        rig.client.feeds[0].current =
            Some(Stretch { peer: EDGE, next: FrameId(100), until: None, heard_at: NOW });
        rig.client.feeds[0].grant = grant;
        rig.client.owe(EDGE, |owed| owed.find = true);
        let found = rig.hear(NOW, |message| match message {
            Message::FindParents { substreams } => Some(*substreams),
            _ => None,
        });
        assert_eq!(found.first().map(|(_, substreams)| *substreams), asked);
        assert!(!rig.client.peer(EDGE).unwrap().owed.find);
    }
}
