//! Introductions and strangers: who gets how many bytes, whose place is taken, and which address is used.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::net::SocketAddr;
use core::time::Duration;
use std::vec;
use std::vec::Vec;

use super::goodbyes::{config, joined_as};
use super::script::{Memory, TestClient};
use crate::client::ClientConfig;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, FrameId};
use crate::nat::{NatClass, NatFiltering, NatKind, NatMapping};
use crate::wire::control::{
    Candidate, Class, ClientId, Introduce, LinkId, Meet, Reach, Subscribe, Transport,
};
use crate::wire::stun::{StunAddress, StunClass, StunMessage, StunWriter, is_stun};
use crate::wire::{ControlWriter, Datagram, Message};
use crate::{Endpoint, Instant, Path, Reject};

const NOW: Instant = Instant::from_millis(1_000);
/// The client's own id is 9: one below and one above it.
const LOWER: ClientId = ClientId(3);
const HIGHER: ClientId = ClientId(300);
const SUBSCRIBE: Message<'static> =
    Message::Subscribe(Subscribe { substream: 0, from: FrameId(100), level: 2 });

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn edge() -> SocketAddr {
    config().edge
}

/// Hands over a control datagram of at least `len` bytes; gives its length and what became of it.
fn tell(
    client: &mut TestClient<'_>,
    now: Instant,
    from: SocketAddr,
    link: LinkId,
    messages: &[Message<'_>],
    len: usize,
) -> (usize, Result<(), Reject>) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, link).unwrap();
    for message in messages {
        assert!(writer.push(message));
    }
    writer.pad_to(len);
    let len = writer.finish();
    (len, client.handle_datagram(now, Path::to(from), &out[..len]))
}

/// All datagrams the client sends now.
fn sent(client: &mut TestClient<'_>, now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut all = Vec::new();
    let mut head = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = client.poll_transmit(now, &mut head) {
        let mut datagram = head[..transmit.head_len].to_vec();
        datagram.resize(datagram.len() + transmit.body.map_or(0, |body| usize::from(body.len)), 7);
        all.push((transmit.path.remote, datagram));
    }
    all
}

fn pick<T>(datagram: &[u8], mut pick: impl FnMut(&Message<'_>) -> Option<T>) -> Option<T> {
    match Datagram::parse(datagram) {
        Ok(Datagram::Control(_, messages)) => messages.flatten().find_map(|message| pick(&message)),
        _ => None,
    }
}

/// Where `Meet` went, and under which link id.
fn meets(sent: &[(SocketAddr, Vec<u8>)]) -> Vec<(SocketAddr, LinkId)> {
    let of = |(to, datagram): &(SocketAddr, Vec<u8>)| {
        let link = pick(datagram, |message| match message {
            Message::Meet(meet) => Some(meet.link),
            _ => None,
        })?;
        assert!(datagram.len() >= 24, "an answer might be longer");
        Some((*to, link))
    };
    sent.iter().filter_map(of).collect()
}

fn met_links(sent: &[(SocketAddr, Vec<u8>)]) -> Vec<(SocketAddr, LinkId)> {
    let of = |(to, datagram): &(SocketAddr, Vec<u8>)| {
        let link = pick(datagram, |message| match message {
            Message::Met(met) => Some(met.link),
            _ => None,
        })?;
        Some((*to, link))
    };
    sent.iter().filter_map(of).collect()
}

fn meet(client: ClientId) -> Message<'static> {
    Message::Meet(Meet { link: LinkId(600 + client.0), client, epoch: 1 })
}

fn introduce(client: ClientId, addresses: &[&str]) -> Message<'static> {
    let addresses = addresses.iter().map(|text| at(text)).collect();
    Message::Introduce(Introduce { client, addresses })
}

fn candidates(client: ClientId, address: &str) -> Message<'static> {
    let candidate = Candidate {
        client,
        address: at(address),
        transport: Transport::Udp,
        slots: 3,
        feedable: 1,
        age_s: 9,
    };
    Message::Candidates { list: heapless::Vec::from_slice(&[candidate]).unwrap() }
}

fn joined(memory: &mut Memory) -> (TestClient<'_>, LinkId) {
    let settings = ChannelSettings { substreams: 1, ..ChannelSettings::default() };
    joined_as(memory, config(), Class::Push, settings)
}

fn remotes(client: &TestClient<'_>) -> Vec<SocketAddr> {
    client.peers().map(|peer| peer.remote).collect()
}

/// RFC 9000 clause 8.1 allows three times as much; here never more goes to an unproved address than came from it.
#[test]
fn a_stranger_gets_no_more_bytes_than_it_sent() {
    let stranger = at("203.0.113.5:5000");
    for len in 0..60 {
        let mut memory = Memory::new(4, 64, 4, 64);
        let (mut client, link) = joined(&mut memory);
        super::model::feed(
            &mut client,
            link,
            &ChannelSettings { substreams: 1, ..ChannelSettings::default() },
            0,
            100,
        );
        let (mut came, mut went) = (0, 0);
        for step in 0..30 {
            let now = NOW.plus_micros(step * 100_000);
            if step.is_multiple_of(4) {
                came += tell(&mut client, now, stranger, LinkId(0), &[meet(LOWER), SUBSCRIBE], len).0;
            }
            client.handle_timeout(now);
            let to_it = sent(&mut client, now).into_iter().filter(|(to, _)| *to == stranger);
            went += to_it.map(|(_, datagram)| datagram.len()).sum::<usize>();
            assert!(went <= came, "{went} bytes for {came}, padded to {len}");
        }
        assert!(len < 24 || went > 0, "no answer to {len} bytes");
        assert!(remotes(&client).is_empty());
        assert_eq!(client.view(NOW).unwrap().slots_used, 0, "fed without a proof");
    }
}

#[test]
fn a_stranger_that_answers_is_met() {
    let mut memory = Memory::new(4, 64, 4, 64);
    let (mut client, _) = joined(&mut memory);
    let stranger = at("203.0.113.5:5000");
    tell(&mut client, NOW, stranger, LinkId(0), &[meet(LOWER)], 24).1.unwrap();
    let [(to, link)] = met_links(&sent(&mut client, NOW))[..] else { panic!("one answer") };
    assert_eq!(to, stranger);
    // Another address with the right id proves nothing.
    assert_eq!(
        tell(&mut client, NOW, at("203.0.113.6:5000"), link, &[SUBSCRIBE], 0).1,
        Err(Reject::UnknownPeer)
    );
    assert!(remotes(&client).is_empty());
    tell(&mut client, NOW, stranger, link, &[SUBSCRIBE], 0).1.unwrap();
    assert_eq!(remotes(&client), [stranger]);
    assert_eq!(client.view(NOW).unwrap().slots_used, 1);
}

/// Idle peers keep their places through any number of strangers; one that the edge introduces gets one.
#[test]
fn a_flood_of_strangers_takes_nobodys_place() {
    let mut memory = Memory::new(9, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    for index in 0..8_u32 {
        let address = std::format!("203.0.113.{index}:5000");
        let id = ClientId(100 + index);
        tell(&mut client, NOW, edge(), link, &[introduce(id, &[&address])], 0).1.unwrap();
        tell(&mut client, NOW, at(&address), LinkId(0), &[meet(id)], 24).1.unwrap();
    }
    let before = remotes(&client);
    assert_eq!(before.len(), 8);
    for index in 0..1_000_u32 {
        let address = SocketAddr::from((
            [198, 51, 100, (index % 250) as u8],
            6_000 + u16::try_from(index / 250).unwrap(),
        ));
        let verdict = tell(&mut client, NOW, address, LinkId(0), &[meet(ClientId(5_000 + index))], 24).1;
        assert_eq!(verdict, Err(Reject::Full));
    }
    assert_eq!(remotes(&client), before);
    let newcomer = "203.0.113.99:5000";
    tell(&mut client, NOW, edge(), link, &[introduce(HIGHER, &[newcomer])], 0).1.unwrap();
    tell(&mut client, NOW, at(newcomer), LinkId(0), &[meet(HIGHER)], 24).1.unwrap();
    assert!(remotes(&client).contains(&at(newcomer)));
    assert_eq!(remotes(&client).len(), 8);
}

#[test]
fn strangers_are_few_and_forgotten_soon() {
    let mut memory = Memory::new(24, 64, 4, 64);
    let (mut client, _) = joined(&mut memory);
    let mut let_in = 0;
    for index in 0..20_u16 {
        let address = SocketAddr::from(([198, 51, 100, 7], 6_000 + index));
        let id = ClientId(5_000 + u32::from(index));
        let_in += usize::from(tell(&mut client, NOW, address, LinkId(0), &[meet(id)], 24).1.is_ok());
    }
    assert_eq!(let_in, 4);
    let later = NOW + Duration::from_secs(4);
    client.handle_timeout(later);
    let address = at("198.51.100.8:6000");
    tell(&mut client, later, address, LinkId(0), &[meet(ClientId(6_000))], 24).1.unwrap();
}

#[test]
fn an_introduction_is_probed_at_every_address_three_times_and_then_less() {
    let mut memory = Memory::new(4, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    let all = ["203.0.113.5:5000", "192.168.1.7:9000", "[2001:db8::5]:5000"];
    tell(&mut client, NOW, edge(), link, &[introduce(HIGHER, &all)], 0).1.unwrap();
    let mut rounds = vec![];
    for ms in 0..2_000 {
        let now = NOW.plus_micros(ms * 1_000);
        client.handle_timeout(now);
        let asked = meets(&sent(&mut client, now));
        if !asked.is_empty() {
            rounds.push(ms);
            let mut asked: Vec<_> = asked.iter().map(|(to, _)| *to).collect();
            asked.sort();
            let mut expected = all.map(at);
            expected.sort();
            assert_eq!(asked, expected, "at {ms} ms");
        }
    }
    assert_eq!(rounds, [0, 50, 100, 200, 400, 800]);
}

#[test]
fn the_port_of_an_introduced_address_may_be_another_and_the_address_may_not() {
    for (from, is_taken) in [("203.0.113.5:6666", true), ("203.0.113.6:5000", false)] {
        let mut memory = Memory::new(4, 64, 4, 64);
        let (mut client, link) = joined(&mut memory);
        tell(&mut client, NOW, edge(), link, &[introduce(HIGHER, &["203.0.113.5:5000"])], 0).1.unwrap();
        tell(&mut client, NOW, at(from), LinkId(0), &[meet(HIGHER), SUBSCRIBE], 24).1.unwrap();
        assert_eq!(remotes(&client).contains(&at(from)), is_taken, "{from}");
        assert_eq!(client.view(NOW).unwrap().slots_used, u8::from(is_taken), "{from}");
    }
}

/// Who met more peers than it needs tells the last eight of them what it holds; the others fall silent.
#[test]
fn maps_go_to_few_of_those_that_are_idle() {
    let mut memory = Memory::new(24, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    for index in 0..20_u32 {
        let address = std::format!("203.0.113.{index}:5000");
        let id = ClientId(100 + index);
        let now = NOW.plus_micros(u64::from(index) * 1_000);
        tell(&mut client, now, edge(), link, &[introduce(id, &[&address])], 0).1.unwrap();
        tell(&mut client, now, at(&address), LinkId(0), &[meet(id)], 24).1.unwrap();
        sent(&mut client, now);
    }
    let later = NOW.plus_micros(700_000);
    client.handle_timeout(later);
    let is_map = |message: &Message<'_>| matches!(message, Message::BufferMap(_)).then_some(());
    let mut told = sent(&mut client, later);
    told.retain(|(_, datagram)| pick(datagram, is_map).is_some());
    let mut told: Vec<_> = told.into_iter().map(|(to, _)| to).collect();
    told.sort();
    let expected: Vec<_> = (12..20).map(|index| SocketAddr::from(([203, 0, 113, index], 5_000))).collect();
    assert_eq!(told, expected);
}

/// Each side may have heard the other first at another address: the one with the higher id follows.
#[test]
fn both_sides_settle_on_one_address() {
    let (public, private) = ("203.0.113.5:5000", "192.168.1.7:9000");
    for (other, expected) in [(LOWER, private), (HIGHER, public)] {
        let mut memory = Memory::new(4, 64, 4, 64);
        let (mut client, link) = joined(&mut memory);
        tell(&mut client, NOW, edge(), link, &[introduce(other, &[public, private])], 0).1.unwrap();
        let own = meets(&sent(&mut client, NOW))[0].1;
        tell(&mut client, NOW, at(public), LinkId(0), &[meet(other)], 24).1.unwrap();
        assert_eq!(remotes(&client), [at(public)]);
        tell(&mut client, NOW, at(private), own, &[Message::Ping { token: 1 }], 0).1.unwrap();
        assert_eq!(remotes(&client), [at(expected)], "{other:?}");
    }
}

/// Somebody at a peer's address, or who forges it, does not end what runs: the edge has to say so.
#[test]
fn only_the_edge_makes_another_of_a_peer() {
    let mut memory = Memory::new(4, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    let address = "203.0.113.5:5000";
    let introduced = introduce(LOWER, &[address]);
    tell(&mut client, NOW, edge(), link, core::slice::from_ref(&introduced), 0).1.unwrap();
    tell(&mut client, NOW, at(address), LinkId(0), &[meet(LOWER), SUBSCRIBE], 24).1.unwrap();
    let again = Message::Meet(Meet { link: LinkId(777), client: LOWER, epoch: 1 });
    for forged in [again.clone(), meet(HIGHER)] {
        let verdict = tell(&mut client, NOW, at(address), LinkId(0), &[forged], 24).1;
        assert_eq!(verdict, Err(Reject::Unauthentic));
    }
    assert_eq!(client.view(NOW).unwrap().slots_used, 1);
    tell(&mut client, NOW, edge(), link, &[introduced], 0).1.unwrap();
    tell(&mut client, NOW, at(address), LinkId(0), &[again], 24).1.unwrap();
    assert_eq!(client.view(NOW).unwrap().slots_used, 0, "its other life asked for nothing yet");
    assert_eq!(remotes(&client), [at(address)]);
}

fn reach_in(sent: &[(SocketAddr, Vec<u8>)]) -> Option<Reach> {
    let reach = |message: &Message<'_>| match message {
        Message::Reach(reach) => Some(reach.clone()),
        _ => None,
    };
    sent.iter().rev().find_map(|(_, datagram)| pick(datagram, reach))
}

#[test]
fn a_candidate_that_does_not_answer_is_reported_and_left_alone_for_a_minute() {
    let mut memory = Memory::new(4, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    let address = "203.0.113.5:5000";
    tell(&mut client, NOW, edge(), link, &[candidates(LOWER, address)], 0).1.unwrap();
    let mut reports = vec![];
    let mut rounds = 0;
    for ms in 0..5_000 {
        let now = NOW.plus_micros(ms * 1_000);
        client.handle_timeout(now);
        let all = sent(&mut client, now);
        rounds += meets(&all).len();
        reports.extend(reach_in(&all).filter(|reach| reach.unmet == 1));
        // Silent peers are lost, and so is a silent edge.
        tell(&mut client, now, edge(), link, &[Message::Pong { token: 0 }], 0).1.unwrap_err();
    }
    assert_eq!(rounds, 6);
    let named = reports.iter().filter(|reach| reach.unmet_list.contains(&LOWER)).count();
    assert_eq!(named, 3, "in three reports");
    assert!(reports.len() > 3);
    assert_eq!((client.stats().peers_met, client.stats().peers_unmet), (0, 1));
}

/// Answers the questions of a client, as an edge seen through a NAT that gives the port a number for each destination.
fn answer_stun(
    client: &mut TestClient<'_>,
    now: Instant,
    all: &[(SocketAddr, Vec<u8>)],
    seen: fn(SocketAddr) -> SocketAddr,
) {
    let second = SocketAddr::new(edge().ip(), edge().port() + 1);
    for (to, datagram) in all.iter().filter(|(_, datagram)| is_stun(datagram)) {
        let asked = StunMessage::parse(datagram).unwrap();
        assert_eq!((datagram.len(), asked.has_fingerprint), (120, true));
        // A filter by port keeps out what comes from a port not asked yet.
        let (from, is_let_in) = if asked.change.port { (second, false) } else { (*to, true) };
        let mut out = [0; 120];
        let mut writer = StunWriter::new(&mut out, StunClass::Success, asked.transaction).unwrap();
        assert!(
            writer.address(StunAddress::XorMapped, &seen(*to)) && writer.address(StunAddress::Other, &second)
        );
        let len = writer.finish_with_fingerprint().unwrap();
        if is_let_in {
            // One asked twice is answered twice, and the second answer is stale.
            let _ = client.handle_datagram(now, Path::to(from), &out[..len]);
        }
    }
}

fn class_found(seen: fn(SocketAddr) -> SocketAddr) -> NatClass {
    let mut memory = Memory::new(4, 64, 4, 64);
    let mut client = memory.client(ClientConfig { local: Some(at("198.51.100.9:7009")), ..config() });
    client.tune(NOW, &crate::media::ChannelName::new("live1").unwrap());
    for ms in 0..1_000 {
        let now = NOW.plus_micros(ms * 1_000);
        client.handle_timeout(now);
        let all = sent(&mut client, now);
        answer_stun(&mut client, now, &all, seen);
    }
    client.discovery.class()
}

#[test]
fn the_class_follows_from_the_answers() {
    let symmetric = class_found(|to| SocketAddr::from(([203, 0, 113, 1], to.port() + 1_000)));
    assert_eq!(symmetric.kind(), NatKind::Symmetric);
    let stable = class_found(|_| at("203.0.113.1:4000"));
    assert_eq!(stable, NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent });
    let direct = class_found(|_| at("198.51.100.9:7009"));
    assert_eq!(direct.kind(), NatKind::Firewalled);
}

/// A NAT that maps by address looks like one that does not, from two ports of one address: peers tell.
#[test]
fn peers_that_see_another_address_make_the_mapping_dependent() {
    let mut memory = Memory::new(6, 64, 4, 64);
    let (mut client, link) = joined(&mut memory);
    client.discovery = super::super::discovery::Discovery::EMPTY;
    client
        .discovery
        .set_class(NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent });
    let observed = client.view(NOW).unwrap().observed;
    let mut see = |index: u32, address: SocketAddr| {
        let (id, from) = (ClientId(100 + index), std::format!("203.0.113.{index}:5000"));
        tell(&mut client, NOW, edge(), link, &[introduce(id, &[&from])], 0).1.unwrap();
        let own = meets(&sent(&mut client, NOW))[0].1;
        let met = Meet { link: LinkId(800), client: id, epoch: 1 };
        tell(&mut client, NOW, at(&from), own, &[Message::Met(met), Message::Seen { address }], 0).1.unwrap();
        client.view(NOW).unwrap().nat.mapping
    };
    assert_eq!(see(1, observed), NatMapping::Independent);
    assert_eq!(see(2, at("203.0.113.200:1111")), NatMapping::Independent, "one says so, one the contrary");
    assert_eq!(see(3, at("203.0.113.200:2222")), NatMapping::AddressDependent);
    assert_eq!(see(4, at("192.168.1.1:2222")), NatMapping::AddressDependent, "its own network's affair");
}
