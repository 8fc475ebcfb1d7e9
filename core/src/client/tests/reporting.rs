//! Reports of a client: when they are made, what they say, and that they are told until they are taken.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::Instant;
use crate::client::peer::{Acquaintance, EDGE};
use crate::media::{ChannelSettings, FrameId};
use crate::wire::Message;
use crate::wire::control::Class;
use crate::wire::report::{AddressKinds, ReportAck, ReportBody};

fn memory() -> Memory {
    Memory::new(8, 256, 16, 1_024)
}

/// The reports that go out now: number, and whether it is a minute's.
fn reported(rig: &mut Rig<'_>, now: Instant) -> std::vec::Vec<(u32, bool)> {
    let told = rig.hear(now, |message| match message {
        Message::Report(report) => Some((report.number, matches!(report.body, ReportBody::Minute(_)))),
        _ => None,
    });
    assert!(told.iter().all(|(to, _)| *to == 0), "the edge alone is told");
    told.into_iter().map(|(_, report)| report).collect()
}

#[test]
fn a_minute_is_told_until_the_edge_has_taken_it() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 2);
    rig.client.on_reports_due(after(59_999));
    assert_eq!(rig.client.reports().last, None);
    rig.client.on_reports_due(after(60_000));
    let view = rig.client.reports();
    let minute = view.last.unwrap();
    assert_eq!((view.pending, view.dropped), (2, 0), "the start, as far as it went, and the minute");
    assert_eq!((minute.minute, minute.span_ms, minute.peers, minute.class), (0, 60_000, 2, Class::P2p));
    assert_eq!(reported(&mut rig, after(60_000)), [(1, false), (2, true)]);
    assert_eq!(reported(&mut rig, after(60_500)), []);
    rig.client.on_reports_due(after(60_999));
    assert_eq!(reported(&mut rig, after(60_999)), []);
    rig.client.on_report_ack(&ReportAck { highest: 1, taken: 1 }).unwrap();
    assert_eq!(rig.client.reports().pending, 1);
    rig.client.on_reports_due(after(61_000));
    assert_eq!(reported(&mut rig, after(61_000)), [(2, true)]);
    rig.client.on_report_ack(&ReportAck { highest: 2, taken: 0b11 }).unwrap();
    assert_eq!(rig.client.reports().pending, 0);
    rig.client.on_reports_due(after(119_999));
    assert_eq!(reported(&mut rig, after(119_999)), []);
    assert_eq!(rig.client.reports_deadline(), after(120_000));
}

#[test]
fn without_an_edge_reports_wait_for_one() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 0);
    rig.client.peer_mut(EDGE).unwrap().acquaintance = Acquaintance::Meeting;
    rig.client.on_reports_due(after(60_000));
    assert_eq!(rig.client.reports_deadline(), after(120_000), "not before the next minute");
    assert_eq!(reported(&mut rig, after(60_000)), []);
    rig.client.peer_mut(EDGE).unwrap().acquaintance = Acquaintance::Met;
    assert!(rig.client.reports_deadline() <= after(60_000));
    rig.client.on_reports_due(after(60_001));
    assert_eq!(reported(&mut rig, after(60_001)).len(), 2);
}

#[test]
fn a_minute_tells_which_kinds_of_addresses_were_in_use() {
    use AddressKinds as Kinds;
    for (edge, peers, kinds) in [
        ("192.0.2.1:7000", &[][..], Kinds::EDGE_V4),
        ("[2001:db8::1]:7000", &[], Kinds::EDGE_V6),
        ("192.0.2.1:7000", &["203.0.113.1:4000"], Kinds::EDGE_V4 | Kinds::PEERS_V4),
        ("192.0.2.1:7000", &["[2001:db8::9]:4000"], Kinds::EDGE_V4 | Kinds::PEERS_V6),
        ("192.0.2.1:7000", &["10.0.0.9:4000"], Kinds::EDGE_V4 | Kinds::PEERS_LOCAL),
        (
            "192.0.2.1:7000",
            &["10.0.0.9:4000", "203.0.113.1:4000", "203.0.113.2:4000"],
            Kinds::EDGE_V4 | Kinds::PEERS_LOCAL | Kinds::PEERS_V4,
        ),
    ] {
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 4);
        // The last one was not met.
        for slot in 1..=4 {
            rig.client.peer_mut(slot).unwrap().acquaintance = Acquaintance::Stranger;
        }
        rig.client.peer_mut(EDGE).unwrap().remote = edge.parse().unwrap();
        for (slot, remote) in (1_u8..).zip(peers) {
            let peer = rig.client.peer_mut(slot).unwrap();
            peer.remote = remote.parse().unwrap();
            peer.acquaintance = Acquaintance::Met;
        }
        rig.client.on_reports_due(after(60_000));
        assert_eq!(
            rig.client.reports().last.map(|minute| minute.kinds),
            Some(Kinds(kinds)),
            "{edge} {peers:?}"
        );
    }
}

#[test]
fn the_buffer_is_full_with_the_target_or_with_all_there_is() {
    // Thirteen frames of 40 ms are held.
    for (target_buffer_ms, newest, is_full) in
        [(4_000, 112, true), (4_000, 114, true), (4_000, 115, false), (521, 200, false), (520, 200, true)]
    {
        let settings = ChannelSettings { target_buffer_ms, ..one_substream() };
        let mut memory = memory();
        let mut rig = Rig::new(&mut memory, Class::P2p, settings, 0);
        rig.feed(NOW, 0, 100..113);
        rig.client.playout.start(FrameId(100));
        rig.client.session.as_mut().unwrap().newest = FrameId(newest);
        assert!(rig.client.reports.minute.wants_full());
        rig.client.note_start(after(5));
        assert_eq!(rig.client.reports.minute.wants_full(), !is_full, "{target_buffer_ms} {newest}");
    }
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 0);
    rig.client.note_start(after(5));
    assert!(rig.client.reports.minute.wants_full(), "nothing is held");
}

#[test]
fn a_start_is_told_when_it_is_over() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, one_substream(), 0);
    rig.feed(after(400), 0, 100..113);
    rig.client.on_reports_due(after(600));
    assert_eq!(reported(&mut rig, after(600)), [(1, false)]);
    rig.client.on_reports_due(after(700));
    assert_eq!(reported(&mut rig, after(700)), []);
    // Who leaves tells the last of it first.
    rig.client.leave(after(30_000));
    assert_eq!(reported(&mut rig, after(30_000)), [(1, false), (2, true)]);
    assert!(!rig.client.reports.minute.is_running());
}
