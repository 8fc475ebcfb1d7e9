//! Meeting: whose word counts for what, which address is used, and what is told once two have met.

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::Request;
use crate::client::meeting::Claim;
use crate::client::peer::{Acquaintance, EDGE, Known, NamedCandidate};
use crate::media::{ChannelSettings, FrameId};
use crate::wire::control::{Class, ClientId, Introduce, LinkId, Meet};
use crate::wire::{ControlWriter, Message};
use crate::{Endpoint, Path, Reject};

fn memory() -> Memory {
    Memory::new(8, 128, 16, 256)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    let settings = ChannelSettings { substreams: 3, ..one_substream() };
    let mut rig = Rig::new(memory, Class::P2p, settings, peers);
    for feed in &mut rig.client.feeds {
        feed.current = None;
        feed.request = None;
    }
    rig
}

/// A stranger's `Meet`.
fn meet(rig: &mut Rig<'_>, from: SocketAddr, meet: Meet) -> Result<(), Reject> {
    let mut out = [0; 64];
    let mut writer = ControlWriter::new(&mut out, LinkId(0)).unwrap();
    assert!(writer.push(&Message::Meet(meet)));
    writer.pad_to(40);
    let len = writer.finish();
    rig.client.handle_datagram(NOW, Path::to(from), &out[..len])
}

const MEET: Meet = Meet { link: LinkId(700), client: ClientId(200), epoch: 1 };

#[test]
fn a_meeting_is_of_this_run_and_of_another_client() {
    for (wrong, verdict) in [
        (Meet { epoch: 2, ..MEET }, Err(Reject::Stale)),
        (Meet { client: ClientId(9), ..MEET }, Err(Reject::Unexpected)),
        (MEET, Ok(())),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        assert_eq!(meet(&mut rig, address(5), wrong), verdict, "{wrong:?}");
    }
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    rig.client.is_leaving = true;
    assert_eq!(meet(&mut rig, address(5), MEET), Err(Reject::Unexpected), "it is going");
}

#[test]
fn who_was_met_is_answered_again_and_nobody_takes_its_place() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    // Peer 1 is client 101 and chose link 600.
    let same = Meet { link: LinkId(600), client: ClientId(101), epoch: 1 };
    assert_eq!(meet(&mut rig, address(1), same), Ok(()));
    assert!(rig.client.peer(1).unwrap().owed.met);
    let other_client = Meet { client: ClientId(102), ..same };
    assert_eq!(meet(&mut rig, address(1), other_client), Err(Reject::Unauthentic));
    let other_link = Meet { link: LinkId(601), ..same };
    assert_eq!(meet(&mut rig, address(1), other_link), Err(Reject::Unauthentic));
    rig.client.peer_mut(1).unwrap().is_expected = true;
    rig.client.peer_mut(1).unwrap().children = 1;
    assert_eq!(meet(&mut rig, address(1), other_link), Ok(()), "the edge told that it begins anew");
    let peer = rig.client.peer(rig.client.slot_of_client(ClientId(101)).unwrap()).unwrap();
    assert_eq!((peer.their_link, peer.children, peer.is_expected), (LinkId(601), 0, false));
}

fn introduce(client: u32, addresses: &[SocketAddr]) -> Introduce {
    Introduce { client: ClientId(client), addresses: heapless::Vec::from_slice(addresses).unwrap() }
}

#[test]
fn an_introduction_is_of_another_and_at_all_its_addresses() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    let all = [address(5), address(6), address(7)];
    assert_eq!(rig.client.on_introduce(NOW, &introduce(9, &all)), Err(Reject::Unexpected), "oneself");
    assert_eq!(rig.client.on_introduce(NOW, &introduce(200, &all)), Ok(()));
    let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
    assert_eq!(rig.client.peer(slot).unwrap().owed.meet, 0b111);
    for (remote, is_at) in [
        (address(5), true),
        (address(6), true),
        // Another port of the same host, while it is being met.
        (address(99), true),
        (([198, 51, 100, 9], 7_005).into(), false),
    ] {
        assert_eq!(rig.client.is_at(slot, &remote), is_at, "{remote}");
    }
    rig.client.peer_mut(slot).unwrap().acquaintance = Acquaintance::Met;
    assert!(rig.client.is_at(slot, &address(6)) && !rig.client.is_at(slot, &address(99)));
    // Another peer's whereabouts are its own; one that is forgotten leaves none.
    assert_eq!(rig.client.on_introduce(NOW, &introduce(201, &[address(8), address(10)])), Ok(()));
    let other = rig.client.slot_of_client(ClientId(201)).unwrap();
    assert_eq!(rig.client.peer(other).unwrap().owed.meet, 0b011);
    rig.client.forget_whereabouts(slot);
    assert!(!rig.client.is_at(slot, &address(6)) && rig.client.is_at(other, &address(10)));
    rig.client.is_leaving = true;
    assert_eq!(rig.client.on_introduce(NOW, &introduce(202, &all)), Err(Reject::Unexpected));
}

#[test]
fn an_answer_tells_the_round_trip_when_it_is_plain_what_it_answers() {
    for (meets, rtt_us) in [(1, 30_000), (2, 200_000)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        rig.client.on_introduce(NOW, &introduce(200, &[address(5)])).unwrap();
        let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
        rig.client.peer_mut(slot).unwrap().meets = meets;
        assert_eq!(rig.client.on_met(after(30), slot, &Meet { epoch: 2, ..MEET }), Err(Reject::Stale));
        assert_eq!(rig.client.on_met(after(30), EDGE, &MEET), Err(Reject::Unexpected));
        assert_eq!(rig.client.on_met(after(30), slot, &MEET), Ok(()));
        let peer = rig.client.peer(slot).unwrap();
        assert_eq!(peer.link.rtt().smoothed_us(), rtt_us, "{meets}");
        assert_eq!((peer.acquaintance, peer.their_link), (Acquaintance::Met, LinkId(700)));
    }
}

#[test]
fn who_is_met_is_asked_at_once_for_what_it_is_to_feed() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    rig.client.on_introduce(NOW, &introduce(200, &[address(5)])).unwrap();
    let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
    for (substream, peer) in [(0, slot), (1, EDGE), (2, slot)] {
        let request = Request { peer, from: FrameId(100), again_at: after(500), tries: 1 };
        rig.client.feeds[substream].request = Some(request);
    }
    rig.client.on_met(after(30), slot, &MEET).unwrap();
    let owed = &rig.client.peer(slot).unwrap().owed;
    assert_eq!((owed.subscribe, owed.whole_map, owed.meet), (0b101, true, 0));
    assert_eq!(rig.client.stats().peers_met, 0, "the edge told it of us");
}

#[test]
fn a_candidate_that_is_met_is_counted_once() {
    for named in [200, 201] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        rig.client.on_introduce(NOW, &introduce(200, &[address(5)])).unwrap();
        let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
        let candidate = NamedCandidate {
            client: ClientId(named),
            address: address(5).into(),
            slots: 3,
            age_s: 1,
            feedable: 1,
        };
        rig.client.candidates.push(Known { candidate, named_ds: 10, not_before: NOW }).unwrap();
        for _ in 0..2 {
            rig.client.on_met(after(30), slot, &MEET).unwrap();
        }
        assert_eq!(rig.client.stats().peers_met, u32::from(named == 200));
    }
}

#[test]
fn a_stranger_where_the_edge_says_somebody_is_has_proved_nothing_less_than_that() {
    // The address the edge tells of; whether the stranger is met with that.
    for (public, is_met) in [(address(5), true), (address(6), false)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        meet(&mut rig, address(5), MEET).unwrap();
        let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
        assert_eq!(rig.client.peer(slot).unwrap().acquaintance, Acquaintance::Stranger);
        assert_eq!(rig.client.expect(NOW, ClientId(200), public), Some(slot));
        assert_eq!(rig.client.peer(slot).unwrap().is_met(), is_met, "{public}");
    }
}

#[test]
fn another_client_at_an_address_is_the_one_there_under_a_new_name() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    assert_eq!(rig.client.expect(NOW, ClientId(150), address(1)), Some(1));
    let peer = rig.client.peer(1).unwrap();
    assert_eq!((peer.client, peer.is_expected, peer.is_met()), (ClientId(150), true, true));
    // A stranger there gives way.
    meet(&mut rig, address(5), MEET).unwrap();
    let slot = rig.client.expect(NOW, ClientId(151), address(5)).unwrap();
    let peer = rig.client.peer(slot).unwrap();
    assert_eq!((peer.client, peer.acquaintance), (ClientId(151), Acquaintance::Meeting));
    assert_eq!(rig.client.slot_of_client(ClientId(200)), None);
}

#[test]
fn links_are_of_their_slot_and_never_twice_the_same() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 5);
    let mut links = Vec::new();
    for _ in 0..20 {
        for slot in 0..=5_u8 {
            let link = rig.client.peer(slot).unwrap().own_link;
            assert_eq!(link.0 & 0xffff, u32::from(slot));
            assert!(link.0 >> 16 != 0 && link.0 >> 26 == 0, "{link:?}");
            links.push(link);
        }
        for slot in 1..=5 {
            rig.client.forget_peer(slot);
        }
        for peer in 1..=5_u16 {
            rig.client.take_slot(NOW, address(10 + peer), Claim::Introduced).unwrap();
        }
    }
    let edge = links[0];
    links.retain(|link| *link != edge);
    let all = links.len();
    links.sort_unstable_by_key(|link| link.0);
    links.dedup();
    assert!(links.len() * 10 > all * 8, "{} of {all} differ", links.len());
    let peer = rig.client.peer(1).unwrap();
    assert_eq!((peer.met_at, peer.again_at), (NOW, NOW));
}

#[test]
fn where_a_peer_sees_us_tells_of_the_nat_unless_it_is_at_home() {
    // The edge sees us at 192.0.2.1.
    for (from, sees, counts) in [
        (1, "192.0.2.1:7009", Ok(true)),
        (1, "198.51.100.1:7009", Ok(true)),
        (1, "10.0.0.7:7009", Ok(false)),
        (1, "[2001:db8::1]:7009", Ok(false)),
        (EDGE, "192.0.2.1:7009", Err(Reject::Unexpected)),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        let before = std::format!("{:?}", rig.client.discovery);
        let verdict = rig.client.on_seen(from, &sees.parse().unwrap());
        let is_changed = std::format!("{:?}", rig.client.discovery) != before;
        assert_eq!(verdict.map(|()| is_changed), counts, "{sees}");
    }
}

#[test]
fn who_was_not_met_is_told_to_the_edge() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    for client in [200, 201] {
        let at = address(u16::try_from(client).unwrap());
        rig.client.on_introduce(NOW, &introduce(client, &[at])).unwrap();
        let candidate =
            NamedCandidate { client: ClientId(client), address: at.into(), slots: 3, age_s: 1, feedable: 1 };
        rig.client.candidates.push(Known { candidate, named_ds: 10, not_before: NOW }).unwrap();
    }
    rig.client.unmet.push((ClientId(200), 1)).unwrap();
    rig.client.unmet.push((ClientId(250), 1)).unwrap();
    let slot = rig.client.slot_of_client(ClientId(200)).unwrap();
    let mut now = NOW;
    while rig.client.peer(slot).unwrap().is_known() {
        now = now + Duration::from_millis(100);
        rig.client.on_meet_due(now, slot);
        assert!(now < after(5_000));
    }
    let unmet: Vec<_> = rig.client.unmet.iter().map(|(client, _)| client.0).collect();
    assert_eq!(unmet, [250, 200], "told anew, and last");
    assert_eq!(rig.client.stats().peers_unmet, 1);
    assert!(rig.client.peer(EDGE).unwrap().owed.status);
}
