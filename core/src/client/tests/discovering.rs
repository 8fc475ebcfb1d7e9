//! What a client finds out about its NAT: which questions go where and when, and what follows from the answers.

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::{address, config};
use super::script::{Memory, TestClient};
use crate::client::ClientConfig;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::ChannelName;
use crate::nat::{NatClass, NatFiltering, NatMapping};
use crate::wire::stun::{StunAddress, StunClass, StunMessage, StunWriter, TransactionId, is_stun};
use crate::{Endpoint, Instant, Path, Reject};

const NOW: Instant = Instant::from_millis(1_000);
const MAIN: u8 = 1;
const CHANGED: u8 = 2;
const SECOND: u8 = 4;
const ALSO: u8 = 8;

fn after(ms: u64) -> Instant {
    NOW + Duration::from_millis(ms)
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The edge's second port, its other address, and where the NAT lets us be seen.
fn second() -> SocketAddr {
    at("192.0.2.1:7777")
}

fn also() -> SocketAddr {
    at("[2001:db8::1]:7000")
}

fn seen() -> SocketAddr {
    at("203.0.113.7:40000")
}

fn tuned(memory: &mut Memory, config: ClientConfig) -> TestClient<'_> {
    let mut client = memory.client(config);
    client.tune(NOW, &ChannelName::new("live1").unwrap());
    client
}

/// A question that was sent: where to, which.
#[derive(Clone, Copy, Debug)]
struct Asked {
    to: SocketAddr,
    question: u8,
    transaction: TransactionId,
    is_changed: bool,
}

fn questions(client: &mut TestClient<'_>, now: Instant) -> Vec<Asked> {
    let mut all = Vec::new();
    let mut head = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = client.poll_transmit(now, &mut head) {
        let datagram = &head[..transmit.head_len];
        if !is_stun(datagram) {
            continue;
        }
        assert_eq!(datagram.len(), 120, "as long as the longest answer");
        let message = StunMessage::parse(datagram).unwrap();
        assert_eq!(message.class, StunClass::Request);
        all.push(Asked {
            to: transmit.path.remote,
            question: message.transaction.0[11],
            transaction: message.transaction,
            is_changed: message.change.port && !message.change.ip,
        });
    }
    all
}

fn asked(client: &mut TestClient<'_>, now: Instant) -> Vec<(u8, SocketAddr)> {
    let all = questions(client, now);
    assert!(all.iter().all(|asked| asked.is_changed == (asked.question == CHANGED)));
    all.iter().map(|asked| (asked.question, asked.to)).collect()
}

/// What an answer tells.
#[derive(Clone, Copy)]
struct Told {
    mapped: SocketAddr,
    other: Option<SocketAddr>,
    has_cookie: bool,
}

const fn told(mapped: SocketAddr) -> Told {
    Told { mapped, other: None, has_cookie: false }
}

fn answer(
    client: &mut TestClient<'_>,
    now: Instant,
    from: SocketAddr,
    transaction: TransactionId,
    told: Told,
) -> Result<(), Reject> {
    let mut out = [0; 128];
    let mut writer = StunWriter::new(&mut out, StunClass::Success, transaction).unwrap();
    assert!(writer.address(StunAddress::XorMapped, &told.mapped));
    if let Some(other) = told.other {
        assert!(writer.address(StunAddress::Other, &other));
    }
    if told.has_cookie {
        assert!(writer.cookie(&[5; 16]));
    }
    let len = writer.finish();
    client.handle_datagram(now, Path::to(from), &out[..len])
}

/// The id of a question under the same start.
fn of(transaction: TransactionId, question: u8) -> TransactionId {
    let mut id = transaction.0;
    id[11] = question;
    TransactionId(id)
}

/// A client that has asked its first two questions, and their transaction.
fn begun(memory: &mut Memory, config: ClientConfig) -> (TestClient<'_>, TransactionId) {
    let mut client = tuned(memory, config);
    let all = questions(&mut client, NOW);
    assert_eq!(
        all.iter().map(|asked| (asked.question, asked.to)).collect::<Vec<_>>(),
        [(MAIN, address(0)), (CHANGED, address(0))]
    );
    (client, all[0].transaction)
}

fn main_told() -> Told {
    Told { other: Some(second()), ..told(seen()) }
}

fn class(mapping: NatMapping, filtering: NatFiltering) -> NatClass {
    NatClass { mapping, filtering }
}

#[test]
fn questions_are_repeated_ever_later_and_anew_after_half_a_minute() {
    let mut memory = Memory::new(4, 32, 4, 32);
    let (mut client, first) = begun(&mut memory, config());
    let mut ms = 0;
    for wait_ms in [50, 100, 200, 400, 800] {
        ms += wait_ms;
        client.handle_timeout(after(ms - 1));
        assert_eq!(asked(&mut client, after(ms - 1)), [], "{ms}");
        client.handle_timeout(after(ms));
        assert_eq!(asked(&mut client, after(ms)), [(MAIN, address(0)), (CHANGED, address(0))], "{ms}");
    }
    ms += 1_600;
    client.handle_timeout(after(ms));
    assert_eq!(asked(&mut client, after(ms)), [], "given up");
    client.handle_timeout(after(ms + 29_999));
    assert_eq!(asked(&mut client, after(ms + 29_999)), []);
    client.handle_timeout(after(ms + 30_000));
    let again = questions(&mut client, after(ms + 30_000));
    assert_eq!(again.len(), 2);
    assert_ne!(again[0].transaction, first, "an answer to the first questions is none to these");
}

#[test]
fn a_nat_that_lets_the_second_port_in_and_shows_it_the_same_address_is_a_cone() {
    for (is_main_first, mapped, mapping) in [
        (true, seen(), NatMapping::Independent),
        (false, seen(), NatMapping::Independent),
        (true, at("203.0.113.7:40001"), NatMapping::PortDependent),
    ] {
        let mut memory = Memory::new(4, 32, 4, 32);
        let (mut client, id) = begun(&mut memory, config());
        let main =
            |client: &mut TestClient<'_>| answer(client, after(20), address(0), of(id, MAIN), main_told());
        let changed =
            |client: &mut TestClient<'_>| answer(client, after(20), second(), of(id, CHANGED), told(seen()));
        if is_main_first {
            assert_eq!((main(&mut client), changed(&mut client)), (Ok(()), Ok(())));
        } else {
            assert_eq!((changed(&mut client), main(&mut client)), (Ok(()), Ok(())));
        }
        // What was owed when the main port's answer came first is of no more use.
        let all = asked(&mut client, after(20));
        assert_eq!(all.last(), Some(&(SECOND, second())), "{all:?}");
        assert_eq!(client.discovery.class(), class(NatMapping::Unknown, NatFiltering::AddressDependent));
        assert_eq!(answer(&mut client, after(40), second(), of(id, SECOND), told(mapped)), Ok(()));
        assert_eq!(client.discovery.class(), class(mapping, NatFiltering::AddressDependent));
        assert_eq!(client.discovery.deadline(), Instant::FAR_FUTURE);
        let again = answer(&mut client, after(50), second(), of(id, SECOND), told(seen()));
        assert_eq!(again, Err(Reject::Stale));
        assert_eq!(client.discovery.class().mapping, mapping);
    }
}

#[test]
fn a_nat_that_keeps_the_second_port_out_for_a_moment_keeps_it_out() {
    let mut memory = Memory::new(4, 32, 4, 32);
    let (mut client, id) = begun(&mut memory, config());
    assert_eq!(answer(&mut client, after(20), address(0), of(id, MAIN), main_told()), Ok(()));
    assert_eq!(asked(&mut client, after(20)), [(CHANGED, address(0))], "once more, together with the wait");
    client.handle_timeout(after(119));
    assert_eq!(asked(&mut client, after(119)), []);
    client.handle_timeout(after(120));
    assert_eq!(client.discovery.class(), class(NatMapping::Unknown, NatFiltering::PortDependent));
    assert_eq!(asked(&mut client, after(120)), [(SECOND, second())]);
    let late = answer(&mut client, after(121), second(), of(id, CHANGED), told(seen()));
    assert_eq!(late, Err(Reject::Stale), "it was sent to since");
    // A lost question is asked again, and no other.
    client.handle_timeout(after(170));
    assert_eq!(asked(&mut client, after(170)), [(SECOND, second())]);
}

#[test]
fn without_a_nat_or_a_second_port_there_is_nothing_more_to_ask() {
    for (local, other, mapping) in [
        (Some(seen()), Some(second()), NatMapping::Direct),
        (Some(at("10.0.0.7:40000")), None, NatMapping::Unknown),
    ] {
        let mut memory = Memory::new(4, 32, 4, 32);
        let (mut client, id) = begun(&mut memory, ClientConfig { local, ..config() });
        assert_eq!(answer(&mut client, after(20), second(), of(id, CHANGED), told(seen())), Ok(()));
        let main = Told { other, ..told(seen()) };
        assert_eq!(answer(&mut client, after(20), address(0), of(id, MAIN), main), Ok(()));
        assert_eq!(client.discovery.class(), class(mapping, NatFiltering::AddressDependent));
        assert_eq!(asked(&mut client, after(20)), []);
        assert_eq!(client.discovery.deadline(), Instant::FAR_FUTURE);
    }
}

#[test]
fn an_answer_counts_from_where_it_was_asked_for() {
    let mut memory = Memory::new(4, 32, 4, 32);
    let (mut client, id) = begun(&mut memory, config());
    let mut other_id = id;
    other_id.0[0] ^= 1;
    for (from, transaction) in [
        (second(), of(id, MAIN)),
        (address(0), of(id, CHANGED)),
        (at("192.0.2.9:7777"), of(id, CHANGED)),
        (address(0), of(id, 3)),
        (address(0), other_id),
    ] {
        let verdict = answer(&mut client, after(20), from, transaction, main_told());
        assert_eq!(verdict, Err(Reject::Unauthentic), "{from} {transaction:?}");
    }
    assert_eq!(client.discovery.class(), NatClass::UNKNOWN);
    let mut out = [0; 64];
    let writer = StunWriter::new(&mut out, StunClass::Request, of(id, MAIN)).unwrap();
    let len = writer.finish();
    assert_eq!(client.handle_datagram(NOW, Path::to(address(0)), &out[..len]), Err(Reject::Unexpected));
}

#[test]
fn where_the_edge_s_other_address_sees_the_client_is_told_with_its_proof() {
    let mut memory = Memory::new(4, 32, 4, 32);
    let (mut client, id) = begun(&mut memory, ClientConfig { edge_also: Some(also()), ..config() });
    client.on_observed(after(5), seen());
    assert_eq!(asked(&mut client, after(5)), [(ALSO, also())]);
    let mapped = at("[2001:db8::7]:40000");
    let bare = answer(&mut client, after(10), also(), of(id, ALSO), told(mapped));
    assert_eq!(bare, Err(Reject::Unexpected), "without a proof");
    let whole = Told { has_cookie: true, ..told(mapped) };
    assert_eq!(answer(&mut client, after(10), also(), of(id, ALSO), whole), Ok(()));
    assert_eq!(answer(&mut client, after(12), address(0), of(id, MAIN), main_told()), Ok(()));
    // Every tenth time the edge is told how we are reached.
    let mut out = [0; DATAGRAM_LEN_MAX];
    for round in 0..21 {
        let mut writer = crate::wire::ControlWriter::new(&mut out, crate::wire::control::LinkId(1)).unwrap();
        client.push_reach(&mut writer);
        let len = writer.finish();
        let Ok(crate::wire::Datagram::Control(_, messages)) = crate::wire::Datagram::parse(&out[..len])
        else {
            panic!("it is control")
        };
        let told: Vec<_> = messages.flatten().collect();
        assert_eq!(told.len(), if round % 10 == 0 { 2 } else { 1 }, "{round}");
    }
    // Questions that begin anew leave what the other address told.
    client.on_observed(after(90), at("203.0.113.8:40000"));
    let mut writer = crate::wire::ControlWriter::new(&mut out, crate::wire::control::LinkId(1)).unwrap();
    client.push_reach(&mut writer);
    let len = writer.finish();
    let Ok(crate::wire::Datagram::Control(_, messages)) = crate::wire::Datagram::parse(&out[..len]) else {
        panic!("it is control")
    };
    let also = messages.flatten().any(|message| {
        matches!(message, crate::wire::Message::AlsoAt { address, cookie } if address == mapped && cookie == [5; 16])
    });
    assert!(also);
}

#[test]
fn a_client_seen_elsewhere_asks_anew() {
    for (observed, is_anew) in [(seen(), false), (at("203.0.113.8:40000"), true)] {
        let mut memory = Memory::new(4, 32, 4, 32);
        let (mut client, id) = begun(&mut memory, config());
        answer(&mut client, after(20), second(), of(id, CHANGED), told(seen())).unwrap();
        answer(&mut client, after(20), address(0), of(id, MAIN), main_told()).unwrap();
        asked(&mut client, after(20));
        client.on_observed(after(30), observed);
        assert_eq!(asked(&mut client, after(30)).len(), if is_anew { 2 } else { 0 }, "{observed}");
        assert_eq!(client.discovery.class() == NatClass::UNKNOWN, is_anew);
    }
}

#[test]
fn whoever_comes_unasked_from_elsewhere_shows_that_nothing_keeps_it_out() {
    let start = class(NatMapping::Independent, NatFiltering::AddressDependent);
    for (known, from, filtering) in [
        (start, "198.51.100.9:5000", NatFiltering::Independent),
        // The edge's own host, and one's own network, are let in for other reasons.
        (start, "192.0.2.1:5000", NatFiltering::AddressDependent),
        (start, "10.0.0.9:5000", NatFiltering::AddressDependent),
        (
            class(NatMapping::Independent, NatFiltering::PortDependent),
            "198.51.100.9:5000",
            NatFiltering::PortDependent,
        ),
    ] {
        let mut memory = Memory::new(4, 32, 4, 32);
        let (mut client, _) = begun(&mut memory, config());
        client.discovery.set_class(known);
        client.note_unsolicited(&at(from));
        assert_eq!(client.discovery.class().filtering, filtering, "{from}");
    }
}

#[test]
fn more_peers_that_see_another_address_than_the_same_show_a_symmetric_nat() {
    let mut memory = Memory::new(4, 32, 4, 32);
    let (mut client, _) = begun(&mut memory, config());
    client.discovery.set_class(class(NatMapping::Independent, NatFiltering::AddressDependent));
    for (is_same, mapping) in [
        (true, NatMapping::Independent),
        (false, NatMapping::Independent),
        (false, NatMapping::AddressDependent),
        (true, NatMapping::Independent),
    ] {
        client.discovery.on_seen(is_same);
        let expected = class(mapping, NatFiltering::AddressDependent);
        assert_eq!(client.discovery.class(), expected);
    }
}
