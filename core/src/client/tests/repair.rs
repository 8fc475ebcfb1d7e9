//! Holes: when and whom they are asked of, and how questions are answered.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::vec::Vec;

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::peer::EDGE;
use crate::limits::PULL_ITEMS_MAX;
use crate::media::FrameId;
use crate::wire::control::{Class, PullItem, Subscribe};
use crate::wire::{DataHeader, Message, SendReason};
use crate::{Instant, Reject};

fn memory() -> Memory {
    Memory::new(6, 256, 16, 1_024)
}

/// Fed by the edge, with partners in slots 1 to `peers`.
fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    Rig::new(memory, Class::Push, one_substream(), peers)
}

/// Whom the only hole is asked of when holes are looked at.
fn asked_at(rig: &mut Rig<'_>, now: Instant) -> Option<u8> {
    let tries = rig.client.holes.at(0).unwrap().tries;
    rig.client.on_pull_due(now);
    let hole = rig.client.holes.at(0).unwrap();
    if hole.tries > tries { hole.asked } else { None }
}

fn pulls(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, Vec<PullItem>)> {
    rig.hear(now, |message| match message {
        Message::Pull { items, .. } => Some(items.to_vec()),
        _ => None,
    })
}

#[test]
fn a_hole_waits_for_what_its_feeder_sends_again() {
    for (rtt_ms, due_ms) in [(None, 500), (Some(80), 260)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        if let Some(rtt_ms) = rtt_ms {
            rig.set_rtt(EDGE, rtt_ms);
        }
        rig.feed(NOW, 0, [100, 102]);
        assert_eq!(rig.client.holes.at(0).map(|hole| hole.frame), Some(FrameId(101)));
        assert_eq!(asked_at(&mut rig, after(due_ms - 1)), None, "two round trips and 100 ms");
        assert_eq!(asked_at(&mut rig, after(due_ms)), Some(EDGE));
        let item = PullItem { frame: FrameId(101), first: 0, wanted: u64::MAX };
        assert_eq!(pulls(&mut rig, after(due_ms)), [(0, [item].to_vec())]);
        assert_eq!(rig.client.stats().pulls, 1);
    }
}

#[test]
fn a_hole_near_its_deadline_waits_for_nobody_and_at_last_asks_the_edge() {
    for (ms, asked) in [(239, None), (240, None), (241, Some(1)), (740, Some(1)), (741, Some(EDGE))] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        // Nothing is overdue for four seconds.
        rig.set_rtt(EDGE, 2_000);
        rig.feed(NOW, 0, (100..131).chain(132..150));
        rig.tell_map(1, &[131]);
        // The frame is due at 1,240 ms.
        assert_eq!(rig.client.playout.deadline_of(FrameId(131)), Some(after(1_240)));
        assert_eq!(asked_at(&mut rig, after(ms)), asked, "at {ms}");
    }
}

#[test]
fn the_nearest_partner_that_holds_it_is_asked_then_another_then_the_edge() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 4);
    for (slot, ms) in [(1, 10), (2, 50), (3, 20), (4, 5)] {
        rig.set_rtt(slot, ms);
    }
    // The first is nearest, and holds another frame.
    rig.tell_map(1, &[100, 102]);
    for peer in 2..=4 {
        rig.tell_map(peer, &[100, 101]);
    }
    // The last one, nearer still, went away: nothing but its map is left.
    rig.client.peer_mut(4).unwrap().acquaintance = Default::default();
    rig.feed(NOW, 0, [100, 102]);
    let mut now = after(1_000);
    for asked in [3, 2, EDGE, EDGE] {
        assert_eq!(asked_at(&mut rig, now), Some(asked));
        now = rig.client.holes.at(0).unwrap().again_at;
        assert_eq!(asked_at(&mut rig, now.minus_micros(1)), None, "{asked} may answer yet");
    }
}

#[test]
fn each_question_waits_twice_as_long_for_its_answer() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    rig.feed(NOW, 0, [100, 102]);
    let mut now = after(1_000);
    // An unknown round trip is answered within 600 ms; 30 ms are the other's.
    for wait_ms in [630, 1_260, 2_520, 5_040, 5_040] {
        assert_eq!(asked_at(&mut rig, now), Some(EDGE));
        let again_at = rig.client.holes.at(0).unwrap().again_at;
        assert_eq!(again_at.since(now), Duration::from_millis(wait_ms));
        now = again_at;
    }
}

#[test]
fn a_hole_filled_or_passed_is_forgotten() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    rig.feed(NOW, 0, [100]);
    rig.client.playout.start(FrameId(100));
    for frame in [98, 99, 100, 101] {
        assert_eq!(rig.client.holes.note(FrameId(frame), NOW), None);
    }
    rig.client.on_pull_due(NOW);
    let left: Vec<_> = rig.client.holes.iter().map(|hole| hole.frame.0).collect();
    assert_eq!(left, [101], "100 is there, the others are past");
    assert_eq!(rig.client.clocks.pull_at, after(40));
    rig.client.holes.clear();
    rig.client.on_pull_due(after(40));
    assert_eq!(rig.client.clocks.pull_at, Instant::FAR_FUTURE);
}

#[test]
fn only_the_fragments_that_lack_are_asked_for() {
    // Those that came of how many, and the question.
    for (count, came, first, wanted) in
        [(3_u16, 0..1, 0, 0b110), (70, 0..64, 64, 0b11_1111), (70, 0..70, 0, 0), (64, 0..63, 0, 1 << 63)]
    {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        rig.feed(NOW, 0, [100]);
        let header = rig.long(101, count);
        for fragment in came {
            assert_eq!(rig.send(NOW, 0, DataHeader { fragment, ..header }), Ok(()));
        }
        rig.feed(NOW, 0, [102]);
        rig.client.on_pull_due(after(500));
        let expected = PullItem { frame: FrameId(101), first, wanted };
        let expected = (wanted != 0).then_some((0, [expected].to_vec()));
        assert_eq!(pulls(&mut rig, after(500)), Vec::from_iter(expected), "{count}");
    }
}

#[test]
fn more_questions_than_a_message_holds_go_in_the_next() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let last = 101 + u32::try_from(PULL_ITEMS_MAX).unwrap();
    rig.feed(NOW, 0, [100, last + 1]);
    rig.client.on_pull_due(after(500));
    assert!(rig.client.has_pulls(EDGE) && !rig.client.has_pulls(1));
    let asked = pulls(&mut rig, after(500));
    assert_eq!(asked.iter().map(|(_, items)| items.len()).collect::<Vec<_>>(), [PULL_ITEMS_MAX, 1]);
    let frames: Vec<_> = asked.iter().flat_map(|(_, items)| items).map(|item| item.frame.0).collect();
    assert_eq!(frames, Vec::from_iter(101..=last));
    assert!(!rig.client.has_pulls(EDGE));
}

/// What peer 1 gets for a question: fragments, and frames it is told to be missing.
fn answers(rig: &mut Rig<'_>, items: &[(u32, u16, u64)]) -> (Vec<(u32, u16)>, Vec<u32>) {
    let item = |&(frame, first, wanted): &(u32, u16, u64)| PullItem { frame: FrameId(frame), first, wanted };
    let items = items.iter().map(item).collect();
    assert_eq!(rig.say(NOW, 1, &Message::Pull { items, can_wait: false }), Ok(()));
    let (data, control) = rig.drain(NOW);
    assert!(data.iter().all(|sent| sent.to == 1 && sent.reason == SendReason::Pull));
    let missing = super::goodbyes::find(&control, |_| None::<()>);
    assert_eq!(missing, None);
    let mut told = Vec::new();
    for (_, datagram) in &control {
        let Ok(crate::wire::Datagram::Control(_, messages)) = crate::wire::Datagram::parse(datagram) else {
            panic!("only control is said here")
        };
        told.extend(messages.flatten().filter_map(|message| match message {
            Message::Missing { frame } => Some(frame.0),
            _ => None,
        }));
    }
    (data.iter().map(|sent| (sent.frame, sent.fragment)).collect(), told)
}

#[test]
fn a_partner_gets_the_fragments_it_asks_for_and_is_told_what_is_not_held() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let header = rig.long(100, 3);
    for fragment in 0..3 {
        rig.send(NOW, 0, DataHeader { fragment, ..header }).unwrap();
    }
    let header = rig.long(101, 2);
    rig.send(NOW, 0, header).unwrap();
    rig.feed(NOW, 0, [102]);
    for (items, sent, missing) in [
        (&[(100, 0, 0b101)][..], &[(100, 0), (100, 2)][..], &[][..]),
        (&[(100, 1, 1)], &[(100, 1)], &[]),
        (&[(100, 0, 0b111), (102, 0, 1)], &[(100, 0), (100, 1), (100, 2), (102, 0)], &[]),
        // Twice the same is asked for once.
        (&[(102, 0, 1), (102, 0, 1)], &[(102, 0)], &[]),
        (&[(100, 0, 1), (100, 2, 1)], &[(100, 0), (100, 2)], &[]),
        // Half of it is here; it is past; nothing of it is wanted.
        (&[(101, 0, 1), (102, 0, 1)], &[(102, 0)], &[101]),
        (&[(99, 0, 1)], &[], &[99]),
        (&[(102, 0, 0)], &[], &[102]),
        // No frame has so many fragments.
        (&[(100, 3, 1), (102, 0, 1)], &[(102, 0)], &[]),
        (&[(102, 0, u64::MAX), (100, 0, 1)], &[(102, 0), (100, 0)], &[]),
    ] {
        assert_eq!(answers(&mut rig, items), (sent.to_vec(), missing.to_vec()), "{items:?}");
    }
    assert_eq!(
        rig.say(NOW, 0, &Message::Pull { items: heapless::Vec::new(), can_wait: false }),
        Err(Reject::Unexpected)
    );
}

#[test]
fn who_may_not_upload_says_that_it_holds_nothing() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.feed(NOW, 0, [100]);
    rig.client.config.upload_bps = 0;
    assert_eq!(answers(&mut rig, &[(100, 0, 1)]), (Vec::new(), [100].to_vec()));
}

/// The frames peer 1, a child from frame 100 on, has got.
fn fed(rig: &mut Rig<'_>, now: Instant) -> Vec<u32> {
    let (data, _) = rig.drain(now);
    data.iter().filter(|sent| sent.to == 1).map(|sent| sent.frame).collect()
}

fn subscribe(rig: &mut Rig<'_>) {
    let subscribe = Subscribe { substream: 0, from: FrameId(100), level: 9 };
    assert_eq!(rig.say(NOW, 1, &Message::Subscribe(subscribe)), Ok(()));
}

#[test]
fn a_child_waits_half_a_second_for_a_hole() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.feed(NOW, 0, [100]);
    subscribe(&mut rig);
    rig.feed(NOW, 0, [102, 103]);
    assert_eq!(fed(&mut rig, NOW), [100]);
    rig.client.on_pull_due(after(499));
    assert_eq!(fed(&mut rig, after(499)), []);
    rig.client.on_pull_due(after(500));
    assert_eq!(fed(&mut rig, after(500)), [102, 103]);
}

#[test]
fn a_hole_that_fills_in_time_is_passed_on_in_order() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.feed(NOW, 0, [100]);
    subscribe(&mut rig);
    rig.feed(NOW, 0, [102]);
    let header = DataHeader { reason: SendReason::Pull, ..rig.header(101) };
    rig.send(after(300), 0, header).unwrap();
    assert_eq!(fed(&mut rig, after(300)), [100, 101, 102]);
}

#[test]
fn a_child_does_not_wait_for_what_was_passed_over() {
    for (playhead, sent) in [(100, &[][..]), (101, &[]), (102, &[102])] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        rig.feed(NOW, 0, [100]);
        subscribe(&mut rig);
        rig.feed(NOW, 0, [102]);
        assert_eq!(fed(&mut rig, NOW), [100]);
        rig.client.holes.clear();
        rig.client.playout.start(FrameId(playhead));
        rig.client.on_pull_due(after(1));
        assert_eq!(fed(&mut rig, after(1)), sent, "{playhead}");
    }
}
