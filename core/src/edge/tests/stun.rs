//! What the edge answers to STUN requests, from where, and how long it is.

use core::net::SocketAddr;
use std::vec::Vec;

use super::harness::{EdgeMemory, config};
use crate::edge::{EdgeConfig, EdgeSockets};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::wire::stun::{Change, StunClass, StunMessage, StunWriter, TransactionId};
use crate::{Ecn, Endpoint, Instant, Path, Reject};

const ID: TransactionId = TransactionId(*b"transaction!");
const PORT: Change = Change { ip: false, port: true };
const NOW: Instant = Instant::from_millis(50_000);

fn sockets() -> EdgeSockets {
    let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
    EdgeSockets { main: at(7_000), second: at(7_001) }
}

fn request(change: Option<Change>, len: usize, is_signed: bool) -> Vec<u8> {
    let mut out = [0; 300];
    let mut writer = StunWriter::new(&mut out, StunClass::Request, ID).unwrap();
    assert!(change.is_none_or(|change| writer.change(change)));
    writer.pad_to(if is_signed { len - 8 } else { len });
    let len = if is_signed { writer.finish_with_fingerprint().unwrap() } else { writer.finish() };
    out[..len].to_vec()
}

/// The edge's answer to bytes that came in at a socket: out of which socket, and what.
fn answer(
    sockets: Option<EdgeSockets>,
    socket: u8,
    from: &str,
    bytes: &[u8],
) -> Option<(u8, usize, StunMessage)> {
    let mut memory = EdgeMemory::new(1, 1, 10);
    let mut edge = memory.edge(EdgeConfig { sockets, ..config(1_000_000, 1) });
    let path = Path { socket, ..Path::to(from.parse().unwrap()) };
    edge.handle_datagram(NOW, path, bytes).unwrap();
    let mut head = [0; DATAGRAM_LEN_MAX];
    let sent = edge.poll_transmit(NOW, &mut head)?;
    assert_eq!(sent.path.remote, path.remote);
    assert!(sent.body.is_none() && edge.poll_transmit(NOW, &mut head).is_none());
    let message = StunMessage::parse(&head[..sent.head_len]).unwrap();
    assert_eq!(message.transaction, ID);
    Some((sent.path.socket, sent.head_len, message))
}

#[test]
fn the_answer_tells_where_the_asker_is_and_the_other_socket() {
    for socket in [0, 1] {
        let (out_of, _, told) =
            answer(Some(sockets()), socket, "198.51.100.9:4321", &request(None, 120, true)).unwrap();
        assert_eq!((out_of, told.class), (socket, StunClass::Success));
        assert_eq!(told.mapped, Some("198.51.100.9:4321".parse().unwrap()));
        assert_eq!(told.other, Some(sockets().of(socket ^ 1)));
        assert_eq!(told.origin, Some(sockets().of(socket)));
        assert!(told.has_fingerprint && told.cookie.is_some());
    }
    let (_, _, told) = answer(Some(sockets()), 0, "[2001:db8::7]:4321", &request(None, 120, false)).unwrap();
    assert_eq!(told.mapped, Some("[2001:db8::7]:4321".parse().unwrap()));
    assert_eq!(told.other, Some("[::]:7001".parse().unwrap()), "the address it knows");
    assert!(!told.has_fingerprint);
}

#[test]
fn a_changed_port_is_answered_from_the_other_socket_if_there_is_one() {
    let asked = request(Some(PORT), 120, true);
    let (out_of, _, told) = answer(Some(sockets()), 0, "198.51.100.9:4321", &asked).unwrap();
    assert_eq!((out_of, told.class), (1, StunClass::Success));
    assert_eq!((told.origin, told.other), (Some(sockets().second), Some(sockets().main)));
    for (sockets, change) in [(None, PORT), (Some(sockets()), Change { ip: true, port: true })] {
        let (out_of, _, told) =
            answer(sockets, 0, "198.51.100.9:4321", &request(Some(change), 120, true)).unwrap();
        assert_eq!((out_of, told.class, told.error_code), (0, StunClass::Error, Some(420)));
    }
}

#[test]
fn the_second_socket_s_other_is_the_first_and_marks_are_not_sent_back() {
    let asked = request(Some(PORT), 120, true);
    let (out_of, _, told) = answer(Some(sockets()), 1, "198.51.100.9:4321", &asked).unwrap();
    assert_eq!((out_of, told.origin), (0, Some(sockets().main)));
    let mut memory = EdgeMemory::new(1, 1, 10);
    let mut edge = memory.edge(EdgeConfig { sockets: Some(sockets()), ..config(1_000_000, 1) });
    let path = Path { ecn: Ecn::Capable0, ..Path::to("198.51.100.9:4321".parse().unwrap()) };
    let mut head = [0; DATAGRAM_LEN_MAX];
    // Too short for an answer, and long enough.
    for len in [20, 120] {
        edge.handle_datagram(NOW, path, &request(None, len, false)).unwrap();
        let sent = edge.poll_transmit(NOW, &mut head);
        assert_eq!(sent.map(|sent| sent.path.ecn), (len == 120).then_some(Ecn::NotCapable));
    }
    let stats = edge.stats();
    assert_eq!((stats.stun_answers, stats.stun_unanswered, stats.control_packets), (1, 1, 1));
    assert!(stats.control_bytes > 20 && stats.control_bytes <= 120);
}

#[test]
fn questions_that_find_no_room_are_counted() {
    let mut memory = EdgeMemory::new(1, 1, 10);
    let mut edge = memory.edge(EdgeConfig { sockets: Some(sockets()), ..config(1_000_000, 1) });
    let path = Path::to("198.51.100.9:4321".parse().unwrap());
    let mut head = [0; DATAGRAM_LEN_MAX];
    for _ in 0..200 {
        edge.handle_datagram(NOW, path, &request(None, 120, false)).unwrap();
    }
    let mut answered = 0;
    // The egress lets them go in time.
    for ms in 0..10_000 {
        while edge.poll_transmit(Instant::from_millis(50_000 + ms), &mut head).is_some() {
            answered += 1;
        }
    }
    let stats = edge.stats();
    assert!(stats.replies_dropped > 0 && answered > 0);
    assert_eq!((stats.stun_answers, stats.stun_answers + stats.replies_dropped), (answered, 200));
}

#[test]
fn no_answer_is_longer_than_its_question() {
    for from in ["198.51.100.9:4321", "[2001:db8::7]:4321"] {
        for len in (20..=160).step_by(4) {
            for is_signed in [false, true] {
                // Shorter padding than an attribute's header is none.
                let asked = request(None, len, is_signed && len > 28);
                let Some((_, answer_len, told)) = answer(Some(sockets()), 0, from, &asked) else {
                    assert!(asked.len() < 56, "{} bytes unanswered", asked.len());
                    continue;
                };
                assert!(answer_len <= asked.len(), "{answer_len} for {}", asked.len());
                assert!(told.mapped.is_some());
            }
        }
    }
}

#[test]
fn what_is_no_request_is_not_answered() {
    let mut memory = EdgeMemory::new(1, 1, 10);
    let mut edge = memory.edge(EdgeConfig { sockets: Some(sockets()), ..config(1_000_000, 1) });
    let path = Path::to("198.51.100.9:4321".parse().unwrap());
    let mut out = [0; 200];
    let mut head = [0; DATAGRAM_LEN_MAX];
    for (class, verdict) in [
        (StunClass::Indication, Ok(())),
        (StunClass::Success, Err(Reject::Unexpected)),
        (StunClass::Error, Err(Reject::Unexpected)),
    ] {
        let mut writer = StunWriter::new(&mut out, class, ID).unwrap();
        writer.pad_to(120);
        let len = writer.finish();
        assert_eq!(edge.handle_datagram(NOW, path, &out[..len]), verdict);
        assert!(edge.poll_transmit(NOW, &mut head).is_none());
    }
}
