//! Who feeds a client: asking, being answered, and changing over from one to another.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::Reject;
use crate::client::feed::{NO_LEVEL, Request, Stretch};
use crate::client::peer::{EDGE, Known, NamedCandidate};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::control::{Accept, Class, ClientId, Grant, Message, RefuseReason};

fn memory() -> Memory {
    Memory::new(6, 256, 16, 1_024)
}

fn stretch(peer: u8, next: u32) -> Stretch {
    Stretch { peer, next: FrameId(next), until: None, heard_at: NOW }
}

/// A P2P client that nobody feeds yet, with peers in slots 1 to 3.
fn rig(memory: &mut Memory) -> Rig<'_> {
    let settings = ChannelSettings { levels_max: 4, ..one_substream() };
    let mut rig = Rig::new(memory, Class::P2p, settings, 3);
    rig.client.feeds[0].current = None;
    rig.client.feeds[0].request = None;
    rig.client.feeds[0].level = NO_LEVEL;
    rig
}

fn asked(rig: &Rig<'_>) -> Option<(u8, u32)> {
    rig.client.feeds[0].request.map(|request| (request.peer, request.from.0))
}

fn holes(rig: &Rig<'_>) -> Vec<u32> {
    rig.client.holes.iter().map(|hole| hole.frame.0).collect()
}

/// Whom a release is owed to, and from which frame on nothing is wanted.
fn releases(rig: &Rig<'_>) -> Vec<(u8, u32)> {
    let releases = rig.client.feeds[0].releases.iter();
    releases.map(|release| (release.peer, release.until.0)).collect()
}

#[test]
fn a_feed_begins_with_the_first_frame_that_lacks() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    let lacking = |rig: &Rig<'_>, feeder| rig.client.first_lacking(0, feeder).map(|id| id.0);
    assert_eq!(lacking(&rig, 1), Some(100), "where the session began");
    rig.client.feeds[0].current = Some(stretch(2, 100));
    rig.feed(NOW, 2, 100..103);
    rig.feed(NOW, 2, [104]);
    assert_eq!(lacking(&rig, 1), Some(105), "103 is a hole, and the feed is past it");
    rig.client.feeds[0].current = Some(stretch(2, 101));
    assert_eq!(lacking(&rig, 1), Some(103));
    rig.client.feeds[0].tail = Some(Stretch { until: Some(FrameId(104)), ..stretch(1, 100) });
    rig.client.feeds[0].current = Some(stretch(2, 120));
    assert_eq!((lacking(&rig, 1), lacking(&rig, 2)), (Some(103), Some(120)));
    rig.client.playout.start(FrameId(110));
    assert_eq!(lacking(&rig, 1), Some(110));
    rig.client.session = None;
    assert_eq!(lacking(&rig, 1), None);
}

#[test]
fn a_request_is_repeated_three_times_ever_later() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.request(NOW, 1, 0, FrameId(100));
    let mut now = NOW;
    // One and a half of an unknown round trip of 200 ms.
    for (tries, wait_ms) in [(1, 300), (2, 600), (3, 1_200)] {
        let request =
            Request { peer: 1, from: FrameId(100), again_at: now + Duration::from_millis(wait_ms), tries };
        assert_eq!(rig.client.feeds[0].request, Some(request));
        assert!(rig.client.peer(1).unwrap().owed.subscribe == 1);
        rig.client.check(request.again_at.minus_micros(1));
        assert_eq!(rig.client.feeds[0].request, Some(request), "not yet");
        now = request.again_at;
        for slot in 1..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(now);
        }
        if tries < 3 {
            rig.client.check(now);
        }
    }
    rig.client.check(now);
    assert!(!rig.client.peer(1).unwrap().is_known(), "who answers nothing is let go");
    assert_eq!(asked(&rig), Some((EDGE, 100)), "the edge feeds meanwhile");
}

#[test]
fn a_feeder_that_answers_no_request_goes_on_feeding_and_the_edge_is_kept() {
    for (peer, is_feeder) in [(1, true), (EDGE, false)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        if is_feeder {
            rig.client.feeds[1].current = Some(stretch(peer, 100));
        }
        let request = Request { peer, from: FrameId(100), again_at: after(1), tries: 3 };
        rig.client.feeds[0].request = Some(request);
        rig.client.check(NOW);
        assert_eq!(rig.client.feeds[0].request, Some(request));
        rig.client.check(after(1));
        assert!(rig.client.peer(peer).unwrap().is_met(), "{peer}");
        assert_ne!(rig.client.feeds[0].request.map(|request| request.tries), Some(3));
    }
}

#[test]
fn the_edge_is_spent_for_a_second_after_it_refused_and_while_it_is_not_met() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    assert!(!rig.client.is_edge_spent(NOW));
    rig.client.on_refuse(NOW, EDGE, 0, RefuseReason::Budget).unwrap_err();
    assert!(rig.client.is_edge_spent(after(999)));
    assert!(!rig.client.is_edge_spent(after(1_000)));
    rig.client.take_from_edge(after(999), 0);
    assert_eq!(asked(&rig), None);
    rig.client.take_from_edge(after(1_000), 0);
    assert_eq!(asked(&rig), Some((EDGE, 100)));
    rig.client.peer_mut(EDGE).unwrap().acquaintance = Default::default();
    assert!(rig.client.is_edge_spent(after(1_000)));
}

#[test]
fn that_there_is_no_feed_says_nothing_against_asking_for_one() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.on_refuse(NOW, EDGE, 0, RefuseReason::Unhealthy).unwrap_err();
    assert!(!rig.client.is_edge_spent(NOW));
}

#[test]
fn what_a_lost_feeder_fed_is_taken_from_the_edge() {
    for is_spent in [false, true] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(1, 105));
        rig.client.feeds[0].tail = Some(Stretch { until: Some(FrameId(103)), ..stretch(2, 101) });
        rig.client.feeds[0].search_at = after(9_000);
        rig.client.clocks.edge_at = if is_spent { after(1) } else { NOW };
        rig.client.on_feeder_lost(NOW, 3, 0);
        assert_eq!((asked(&rig), holes(&rig)), (None, Vec::new()), "it fed nothing");
        rig.client.on_feeder_lost(NOW, 2, 0);
        assert_eq!((rig.client.feeds[0].tail, holes(&rig)), (None, [101, 102].to_vec()));
        assert_eq!(rig.client.stats().feeds_lost, 0, "the tail is not the feed");
        rig.client.on_feeder_lost(NOW, 1, 0);
        assert_eq!((rig.client.feeds[0].current, rig.client.feeds[0].search_at), (None, NOW));
        assert_eq!(asked(&rig), (!is_spent).then_some((EDGE, 105)));
        assert_eq!(rig.client.stats().feeds_lost, 1);
    }
}

#[test]
fn with_a_peer_goes_what_it_was_asked_for() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.request(NOW, 2, 0, FrameId(100));
    rig.client.on_feeder_lost(NOW, 1, 0);
    assert_eq!(asked(&rig), Some((2, 100)));
    rig.client.on_feeder_lost(NOW, 2, 0);
    assert_eq!(asked(&rig), None);
}

#[test]
fn a_refusal_is_an_answer_or_the_end_of_a_feed_or_stale() {
    // Who feeds, who is asked, who refuses; whether it is taken, who feeds and is asked then.
    for (feeder, request, from, verdict, left, asked_then) in [
        (None, Some(1), 1, Ok(()), None, None),
        (None, Some(1), 2, Err(Reject::Stale), None, Some(1)),
        (Some(1), None, 1, Ok(()), None, Some(EDGE)),
        (Some(1), Some(2), 2, Ok(()), Some(1), None),
        // Of a feeder that is asked anew, it answers the question.
        (Some(1), Some(1), 1, Ok(()), Some(1), None),
        (Some(EDGE), None, EDGE, Ok(()), None, Some(EDGE)),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = feeder.map(|peer| stretch(peer, 100));
        if let Some(peer) = request {
            rig.client.request(NOW, peer, 0, FrameId(100));
        }
        rig.client.clocks.check_at = after(9_000);
        let taken = rig.client.on_refuse(NOW, from, 0, RefuseReason::Unhealthy);
        assert_eq!(taken, verdict, "{feeder:?} {request:?} {from}");
        assert_eq!(rig.client.feeds[0].parent(), left);
        assert_eq!(asked(&rig).map(|(peer, _)| peer), asked_then, "{feeder:?} {request:?} {from}");
        assert_eq!(rig.client.clocks.check_at, NOW);
    }
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    assert_eq!(rig.client.on_refuse(NOW, 1, 99, RefuseReason::Full), Err(Reject::Malformed));
}

fn accept(first: u32, level: u8, grant: Grant) -> Accept {
    Accept { substream: 0, first: FrameId(first), level, grant }
}

#[test]
fn the_level_of_a_feed_is_its_feeder_s_and_one_more() {
    for (peer, level, grant, verdict, own) in [
        (1, 1, Grant::Feed, Ok(()), 2),
        (1, 3, Grant::Feed, Ok(()), 4),
        (1, 4, Grant::Feed, Err(Reject::Unexpected), NO_LEVEL),
        (EDGE, 0, Grant::Feed, Ok(()), 1),
        // Whatever it says: nobody stands between the edge and its child, and a lease leads to the deepest level.
        (EDGE, 9, Grant::Feed, Ok(()), 1),
        (EDGE, 0, Grant::Lease, Ok(()), 4),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.request(NOW, peer, 0, FrameId(100));
        assert_eq!(rig.client.on_accept(NOW, peer, &accept(100, level, grant)), verdict, "{peer} {level}");
        assert_eq!((rig.client.level(0), asked(&rig)), (own, None), "{peer} {level} {grant:?}");
        let is_told = if verdict.is_ok() { Vec::new() } else { [(peer, 100)].to_vec() };
        assert_eq!(releases(&rig), is_told);
    }
}

#[test]
fn an_answer_to_no_question_is_told_to_stop() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    assert_eq!(rig.client.on_accept(NOW, 1, &accept(100, 1, Grant::Feed)), Err(Reject::Stale));
    assert_eq!(releases(&rig), [(1, 100)]);
    let other = Accept { substream: 99, ..accept(100, 1, Grant::Feed) };
    assert_eq!(rig.client.on_accept(NOW, 1, &other), Err(Reject::Malformed));
    // One that feeds says so again.
    rig.client.feeds[0].releases.clear();
    rig.client.feeds[0].current = Some(stretch(1, 100));
    rig.client.request(NOW, 2, 0, FrameId(100));
    assert_eq!(rig.client.on_accept(NOW, 1, &accept(100, 1, Grant::Feed)), Err(Reject::Stale));
    assert_eq!((releases(&rig), asked(&rig)), (Vec::new(), Some((2, 100))));
}

#[test]
fn who_is_told_to_stop_at_once_still_owes_what_is_before_its_cut() {
    // The edge is asked for what a suspect feeds, and no longer wanted when it answers: it goes on with its burst up to the cut.
    for (first, until) in [(30, 130), (130, 130), (150, 150)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(1, 130));
        rig.client.feeds[0].tail = Some(Stretch { until: Some(FrameId(130)), ..stretch(EDGE, 20) });
        assert_eq!(rig.client.on_accept(NOW, EDGE, &accept(first, 0, Grant::Lease)), Err(Reject::Stale));
        assert_eq!(releases(&rig), [(EDGE, until)], "{first}");
        // So does a peer that stands too deep for anything further.
        rig.client.feeds[0].tail = Some(Stretch { until: Some(FrameId(130)), ..stretch(2, 20) });
        rig.client.request(NOW, 2, 0, FrameId(first));
        assert_eq!(rig.client.on_accept(NOW, 2, &accept(first, 9, Grant::Feed)), Err(Reject::Unexpected));
        assert_eq!(releases(&rig)[1..], [(2, until)], "{first}");
    }
}

#[test]
fn the_edge_alone_makes_a_feed_of_a_lease_and_only_of_a_lease() {
    for (peer, offered, has, verdict, grant) in [
        (EDGE, Grant::Feed, Grant::Lease, Ok(()), Grant::Feed),
        (EDGE, Grant::Lease, Grant::Lease, Err(Reject::Stale), Grant::Lease),
        (EDGE, Grant::Feed, Grant::Feed, Err(Reject::Stale), Grant::Feed),
        (1, Grant::Feed, Grant::Lease, Err(Reject::Stale), Grant::Lease),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(peer, 100));
        (rig.client.feeds[0].grant, rig.client.feeds[0].level) = (has, 4);
        assert_eq!(rig.client.on_accept(NOW, peer, &accept(100, 0, offered)), verdict);
        assert_eq!(rig.client.feeds[0].grant, grant, "{peer} {offered:?} {has:?}");
        assert_eq!(rig.client.level(0), if verdict.is_ok() { 1 } else { 4 });
    }
}

#[test]
fn a_cut_leaves_the_old_feeder_what_is_before_it() {
    type Current = Option<(u8, u32)>;
    type Tail = Option<(u8, u32, u32)>;
    type Told = &'static [(u8, u32)];
    let cases: [(Current, Tail, Tail, &[u32], Told); 6] = [
        // Nobody fed: what was asked for and is not promised is a hole.
        (None, None, None, &[100, 101, 102, 103, 104], &[]),
        // It moves its own feed.
        (Some((1, 102)), None, None, &[102, 103, 104], &[]),
        (Some((2, 102)), None, Some((2, 102, 105)), &[], &[(2, 105)]),
        // The other is there already.
        (Some((2, 105)), None, None, &[], &[(2, 105)]),
        // What a third still owed is nobody's.
        (Some((2, 105)), Some((3, 101, 103)), None, &[101, 102], &[(2, 105)]),
        (Some((2, 107)), Some((1, 101, 109)), None, &[101, 102, 103, 104], &[(2, 105)]),
    ];
    for (old, tail, then, lacking, told) in cases {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        let cut = |(peer, next, until)| Stretch { until: Some(FrameId(until)), ..stretch(peer, next) };
        rig.client.feeds[0].current = old.map(|(peer, next)| stretch(peer, next));
        rig.client.feeds[0].tail = tail.map(cut);
        rig.client.request(NOW, 1, 0, FrameId(100));
        rig.client.on_accept(NOW, 1, &accept(105, 1, Grant::Feed)).unwrap();
        let feed = &rig.client.feeds[0];
        assert_eq!(feed.current, Some(stretch(1, 105)));
        assert_eq!(feed.tail, then.map(cut), "{old:?} {tail:?}");
        assert_eq!((holes(&rig), releases(&rig)), (lacking.to_vec(), told.to_vec()), "{old:?} {tail:?}");
    }
}

#[test]
fn a_tail_ends_at_its_cut_or_in_silence() {
    // The next frame of it, what is held, how long it is silent; whether it goes on, and what is a hole then.
    for (next, held, silent_ms, goes_on, lacking) in [
        (103, 100, 0, true, &[][..]),
        (105, 100, 0, false, &[]),
        // The last one before the cut is whole, or is not.
        (104, 104, 0, false, &[]),
        (104, 100, 0, true, &[]),
        (103, 103, 0, true, &[]),
        (103, 100, 1_500, true, &[]),
        (103, 100, 1_501, false, &[103, 104]),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(1, 110));
        rig.feed(NOW, 1, [held]);
        let tail = Stretch { until: Some(FrameId(105)), ..stretch(2, next) };
        rig.client.feeds[0].tail = Some(tail);
        rig.client.feeds[0].releases.clear();
        let now = after(silent_ms);
        rig.client.feeds[0].current = Some(Stretch { heard_at: now, ..stretch(1, 110) });
        for slot in 0..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(now);
        }
        rig.client.check(now);
        assert_eq!(rig.client.feeds[0].tail, goes_on.then_some(tail), "{next} {held} {silent_ms}");
        assert_eq!(holes(&rig), lacking, "{next} {held} {silent_ms}");
    }
}

fn known(peer: u16, slots: u8) -> Known {
    let candidate = NamedCandidate {
        client: ClientId(100 + u32::from(peer)),
        address: address(peer).into(),
        slots,
        age_s: 9,
        feedable: 1,
    };
    Known { candidate, named_ds: 10, not_before: NOW }
}

/// Whom a client on a lease of the edge asks, when it knows of peer 1 alone and something was changed.
fn found(change: fn(&mut Rig<'_>)) -> Option<u8> {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.feeds[0].current = Some(stretch(EDGE, 100));
    rig.client.feeds[0].grant = Grant::Lease;
    rig.client.candidates.push(known(1, 3)).unwrap();
    change(&mut rig);
    rig.client.check(NOW);
    asked(&rig).map(|(peer, _)| peer)
}

#[test]
fn a_candidate_is_asked_that_can_feed_and_is_nobody_s_child_here() {
    assert_eq!(found(|_| ()), Some(1));
    assert_eq!(found(|rig| rig.client.candidates[0].candidate.slots = 0), None);
    assert_eq!(found(|rig| rig.client.candidates[0].candidate.feedable = 2), None);
    assert_eq!(found(|rig| rig.client.candidates[0].not_before = after(1)), None);
    assert_eq!(found(|rig| rig.client.peer_mut(1).unwrap().children = 1), None, "it is fed by us");
    assert_eq!(found(|rig| rig.client.peer_mut(1).unwrap().children = 2), Some(1));
    assert_eq!(found(|rig| rig.client.peer_mut(1).unwrap().probe.is_suspect = true), None);
}

#[test]
fn a_parent_is_looked_for_when_there_is_none_for_good() {
    assert_eq!(found(|rig| rig.client.feeds[0].grant = Grant::Feed), None);
    assert_eq!(found(|rig| rig.client.feeds[0].search_at = after(1)), None);
    assert_eq!(found(|rig| rig.client.request(NOW, 2, 0, FrameId(100))), Some(2), "one at a time");
    assert_eq!(found(|rig| rig.client.session.as_mut().unwrap().settings.overlay = Overlay::Off), None);
    let is_lagging: fn(&mut Rig<'_>) = |rig| {
        rig.client.feeds[0].current = Some(stretch(2, 100));
        rig.client.feeds[0].grant = Grant::Feed;
        rig.client.feeds[0].is_lagging = true;
        rig.client.session.as_mut().unwrap().newest = FrameId(400);
    };
    assert_eq!(found(is_lagging), Some(1));
    // The one that lags is no way out.
    assert_eq!(
        found(|rig| {
            rig.client.feeds[0].current = Some(stretch(1, 100));
            rig.client.feeds[0].grant = Grant::Feed;
            rig.client.feeds[0].is_lagging = true;
            rig.client.session.as_mut().unwrap().newest = FrameId(400);
        }),
        None
    );
}

#[test]
fn who_finds_nobody_asks_the_edge_ever_more_seldom() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.feeds[0].current = Some(stretch(EDGE, 100));
    rig.client.feeds[0].grant = Grant::Lease;
    rig.client.clocks.find_at = NOW;
    let mut now = NOW;
    for every_ms in [500, 1_000, 2_000, 4_000, 8_000, 8_000] {
        for slot in 0..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(now);
        }
        rig.client.feeds[0].current = Some(Stretch { heard_at: now, ..stretch(EDGE, 100) });
        rig.client.feeds[0].search_at = now;
        rig.client.peer_mut(EDGE).unwrap().owed.find = false;
        rig.client.check(now);
        assert!(rig.client.peer(EDGE).unwrap().owed.find, "after {every_ms}");
        assert_eq!(rig.client.clocks.find_at, now + Duration::from_millis(every_ms));
        assert_eq!(rig.client.feeds[0].search_at, now + Duration::from_millis(200));
        now = rig.client.clocks.find_at;
    }
}

#[test]
fn a_slot_that_is_asked_for_is_counted_as_taken() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.session.as_mut().unwrap().newest = FrameId(130);
    rig.client.feeds[0].current = Some(stretch(EDGE, 125));
    rig.client.feeds[0].grant = Grant::Lease;
    rig.client.candidates.push(known(1, 3)).unwrap();
    rig.client.check(NOW);
    assert_eq!(rig.client.candidates[0].candidate.slots, 2);
    assert_eq!(asked(&rig), Some((1, 131)), "the edge goes on meanwhile: from the next on");
}

#[test]
fn a_viewer_that_stands_still_unfed_for_five_seconds_begins_anew() {
    for (ms, is_joining) in [(5_000, false), (5_001, true)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.clocks.edge_at = after(60_000);
        rig.client.check(NOW);
        assert_eq!(rig.client.clocks.unfed_since, NOW);
        for slot in 0..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(after(ms));
        }
        rig.client.check(after(ms));
        assert_eq!(rig.client.joining.is_some(), is_joining, "{ms}");
    }
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.clocks.edge_at = after(60_000);
    rig.client.check(NOW);
    rig.client.feeds[0].current = Some(stretch(1, 100));
    rig.client.check(NOW);
    assert_eq!(rig.client.clocks.unfed_since, crate::Instant::FAR_FUTURE);
}

#[test]
fn a_feed_of_the_edge_that_stops_is_asked_for_again() {
    // A beat of 40 ms and three seconds.
    for (ms, is_asked) in [(3_040, false), (3_041, true)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(EDGE, 100));
        for slot in 0..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(after(ms));
        }
        rig.client.check(after(ms));
        assert_eq!(asked(&rig), is_asked.then_some((EDGE, 100)), "{ms}");
    }
}

#[test]
fn a_feeder_that_answers_and_sends_nothing_is_changed_when_there_is_something_newer() {
    for (ms, newest, is_lost) in [(1_540, 140, false), (1_541, 140, true), (2_000, 101, false)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(1, 100));
        rig.client.session.as_mut().unwrap().newest = FrameId(newest);
        // Nothing is changed for lag.
        rig.client.clocks.adapt_at = after(60_000);
        for slot in 0..=3 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(after(ms));
        }
        rig.client.check(after(ms));
        assert_eq!(rig.client.feeds[0].parent(), (!is_lost).then_some(1), "{ms} {newest}");
        assert_eq!(releases(&rig), if is_lost { [(1, 100)].to_vec() } else { Vec::new() });
        assert_eq!(rig.client.stats().feeds_lost, u32::from(is_lost));
    }
}

#[test]
fn a_release_is_told_to_the_one_it_is_for() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.send_release(NOW, 2, 0, FrameId(120));
    let told = rig.hear(NOW, |message| match message {
        Message::Release { substream, until } => Some((*substream, until.0)),
        _ => None,
    });
    assert_eq!(told, [(2, (0, 120))]);
    assert!(!rig.client.feeds[0].releases[0].is_due);
}

/// A client on a lease for the first of four substreams, to which peer 1 feeds a second and is asked for a third.
#[test]
fn nobody_is_asked_to_feed_more_than_half_while_another_can() {
    for (has_feed, has_request, expected) in [(true, true, 2), (true, false, 1), (false, true, 1)] {
        let mut memory = memory();
        let settings = ChannelSettings { substreams: 4, levels_max: 4, ..one_substream() };
        let mut rig = Rig::new(&mut memory, Class::P2p, settings, 2);
        for feed in &mut rig.client.feeds {
            feed.current = Some(stretch(EDGE, 100));
            feed.grant = Grant::Feed;
        }
        rig.client.feeds[0].grant = Grant::Lease;
        if has_feed {
            rig.client.feeds[1].current = Some(stretch(1, 100));
        }
        if has_request {
            let request = Request { peer: 1, from: FrameId(100), again_at: after(9_000), tries: 1 };
            rig.client.feeds[2].request = Some(request);
        }
        // The first is by far the better.
        rig.client.candidates.push(known(1, 8)).unwrap();
        rig.client.candidates.push(known(2, 1)).unwrap();
        rig.client.check(NOW);
        assert_eq!(asked(&rig).map(|(peer, _)| peer), Some(expected), "{has_feed} {has_request}");
    }
}

#[test]
fn who_leaves_looks_for_nobody() {
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.is_leaving = true;
    rig.client.check(NOW);
    assert_eq!(asked(&rig), None);
    rig.client.is_leaving = false;
    rig.client.check(NOW);
    assert_eq!(asked(&rig), Some((EDGE, 100)));
}

#[test]
fn a_beat_is_as_long_as_the_substream_s_frames_are_apart() {
    // Three substreams: 120 ms and a second and a half.
    for (ms, is_lost) in [(1_620, false), (1_621, true)] {
        let mut memory = memory();
        let settings = ChannelSettings { substreams: 3, ..one_substream() };
        let mut rig = Rig::new(&mut memory, Class::P2p, settings, 1);
        let next = rig.client.next_in(0, FrameId(100));
        for feed in &mut rig.client.feeds {
            feed.current = Some(Stretch { heard_at: after(ms), ..stretch(1, 100) });
            feed.grant = Grant::Feed;
        }
        rig.client.feeds[0].current = Some(stretch(1, next.0));
        rig.client.session.as_mut().unwrap().newest = FrameId(next.0 + 20);
        rig.client.clocks.adapt_at = after(60_000);
        for slot in 0..=1 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(after(ms));
        }
        rig.client.check(after(ms));
        assert_eq!(rig.client.feeds[0].parent().is_none(), is_lost, "{ms}");
    }
}

#[test]
fn who_has_children_takes_only_a_feeder_below_what_they_were_told() {
    for (level, verdict) in [(1, Ok(())), (2, Err(Reject::Unexpected))] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.peer_mut(2).unwrap().children = 1;
        rig.client.fed[0] = 0b100;
        rig.client.feeds[0].level = 2;
        rig.client.feeds[0].begin_telling();
        rig.client.request(NOW, 1, 0, FrameId(100));
        assert_eq!(rig.client.on_accept(NOW, 1, &accept(100, level, Grant::Feed)), verdict, "{level}");
    }
    // A child of another substream is none of this one.
    let mut memory = memory();
    let mut rig = rig(&mut memory);
    rig.client.fed[0] = 0b100;
    rig.client.peer_mut(2).unwrap().children = 0b10;
    assert!(!rig.client.has_children(0));
}

#[test]
fn a_lease_counts_as_a_rescue_and_what_remains_of_the_old_feed_is_timed_from_the_cut() {
    for (grant, rescues) in [(Grant::Lease, 1), (Grant::Feed, 0)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory);
        rig.client.feeds[0].current = Some(stretch(1, 100));
        rig.client.request(NOW, EDGE, 0, FrameId(100));
        rig.client.on_accept(after(30), EDGE, &accept(110, 0, grant)).unwrap();
        assert_eq!(rig.client.feeds[0].tail.map(|tail| tail.heard_at), Some(after(30)));
        rig.client.on_reports_due(after(60_000));
        assert_eq!(rig.client.reports().last.map(|minute| minute.rescues), Some(rescues));
    }
}
