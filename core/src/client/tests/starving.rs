//! A parent that says that it gets nothing itself: how long it is borne with, and that it is borne with for saying so.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::ops::RangeInclusive;
use core::time::Duration;
use std::boxed::Box;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::peer::EDGE;
use crate::media::{ChannelSettings, FrameId};
use crate::wire::control::{Accept, Candidate, Class, ClientId, Grant, Transport};
use crate::wire::{DataHeader, Message};
use crate::{Endpoint, Instant, Reject};

/// The substream of the parent that starves; the edge feeds the other one.
const STARVING: u8 = 0;
const PARENT: u16 = 1;
/// A peer that feeds nothing.
const OTHER: u16 = 2;

fn memory() -> Memory {
    Memory::new(4, 1_024, 16, 1_024)
}

/// A client that plays, holds `held` frames, and takes one of two substreams from a peer the edge named.
fn rig(memory: &mut Memory, held: u32) -> Rig<'_> {
    let settings = ChannelSettings { substreams: 2, ..one_substream() };
    let mut rig = Rig::new(memory, Class::P2p, settings, 2);
    rig.feed(NOW, 0, 100..100 + held);
    let candidate = Candidate {
        client: ClientId(101),
        address: address(PARENT),
        transport: Transport::Udp,
        slots: 3,
        feedable: 1 << STARVING,
        age_s: 9,
    };
    let list = heapless::Vec::from_slice(&[candidate]).unwrap();
    assert_eq!(rig.say(NOW, 0, &Message::Candidates { list }), Ok(()));
    rig.client.handle_timeout(NOW);
    let asked = rig.hear(NOW, |message| match message {
        Message::Subscribe(ask) => Some((ask.substream, ask.from)),
        _ => None,
    });
    let &[(PARENT, (STARVING, first))] = &asked[..] else { panic!("{asked:?}") };
    let accept = Accept { substream: STARVING, first, level: 1, grant: Grant::Feed };
    assert_eq!(rig.say(NOW, PARENT, &Message::Accept(accept)), Ok(()));
    rig
}

fn starved(rig: &mut Rig<'_>, now: Instant, from: u16, since: FrameId) -> Result<(), Reject> {
    rig.say(now, from, &Message::Starved { substream: STARVING, since })
}

/// The first frame the parent has not sent.
fn lacked(rig: &Rig<'_>) -> FrameId {
    rig.client.feeds[usize::from(STARVING)].current.unwrap().next
}

/// When a parent that answers and sends nothing is given up, in milliseconds: it, or somebody else, says at these times that it starves.
fn changed_at(held: u32, told: &[(u64, u16)]) -> u64 {
    let mut memory = memory();
    let mut rig = rig(&mut memory, held);
    let since = lacked(&rig);
    for step in 0..200_u32 {
        let ms = u64::from(step) * 40;
        let now = after(ms);
        for &(_, from) in told.iter().filter(|(at, _)| (ms..ms + 40).contains(at)) {
            let verdict = if from == PARENT { Ok(()) } else { Err(Reject::Stale) };
            assert_eq!(starved(&mut rig, now, from, since), verdict);
        }
        // It is there all the time, and the edge's frames tell that it lacks something.
        let _ = rig.say(now, PARENT, &Message::Pong { token: 0 });
        let header = rig.header(100 + held + step);
        if header.substream != STARVING {
            assert_eq!(rig.send(now, 0, header), Ok(()));
        }
        rig.client.handle_timeout(now);
        while rig.client.poll_event().is_some() {}
        rig.drain(now);
        let feed = &rig.client.feeds[usize::from(STARVING)];
        if !feed.is_from(1) {
            assert_eq!(feed.request.map(|request| request.peer), Some(EDGE));
            return ms;
        }
    }
    panic!("it is kept for good");
}

/// Frames held, who says that it starves and when in milliseconds, and when the feed is changed.
type Case<'a> = (u32, &'a [(u64, u16)], RangeInclusive<u64>);

#[test]
fn who_says_that_it_starves_is_kept_for_three_seconds_and_who_says_nothing_for_half_of_that() {
    // A beat is three frames at most, a look comes each 40 ms.
    let cases: [Case<'_>; 6] = [
        (200, &[], 1_500..=1_760),
        (200, &[(0, PARENT)], 3_000..=3_160),
        (200, &[(0, PARENT), (1_920, PARENT)], 4_920..=5_080),
        (200, &[(1_200, PARENT)], 4_200..=4_360),
        (200, &[(0, OTHER)], 1_500..=1_760),
        // Due in 3 s: the picture is not put in danger.
        (75, &[(0, PARENT)], 2_000..=2_160),
    ];
    for (held, told, expected) in cases {
        let ms = changed_at(held, told);
        assert!(expected.contains(&ms), "{held} held, told {told:?}: changed at {ms}");
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 300,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_starved.txt"))),
        ..Config::default()
    })]

    /// Whoever says it when: only the parent's word counts, from then on for 3 s, never into the last second before what is lacked is
    /// due, and no longer than until something comes.
    #[test]
    fn patience_is_the_parents_to_ask_for_and_ends_before_the_picture_is_in_danger(
        held in 13..350_u32,
        words in prop::collection::vec((0..4_000_u64, 0..8_u8, 0..100_u32), 1..12),
    ) {
        let mut memory = memory();
        let mut rig = rig(&mut memory, held);
        let mut ms = 0;
        let mut until = Instant::ZERO;
        for (wait_ms, kind, ahead) in words {
            for look in (0..=wait_ms).step_by(100).map(|passed| after(ms + passed)) {
                prop_assert_eq!(rig.client.is_patient(look, STARVING), look < until, "{:?} {:?}", look, until);
                prop_assert!(!rig.client.is_patient(look, 1), "the other substream is the edge's");
            }
            ms += wait_ms;
            let now = after(ms);
            let since = lacked(&rig).plus(ahead);
            let deadline = rig.client.playout.deadline_of(since).unwrap();
            match kind {
                0 => prop_assert_eq!(starved(&mut rig, now, OTHER, since), Err(Reject::Stale)),
                1 => prop_assert_eq!(starved(&mut rig, now, 0, since), Err(Reject::Stale)),
                2 => {
                    let next = rig.client.next_in(STARVING, lacked(&rig).next());
                    let header = DataHeader { level: 1, ..rig.header(next.0) };
                    prop_assert_eq!(rig.send(now, PARENT, header), Ok(()));
                    until = Instant::ZERO;
                }
                _ => {
                    prop_assert_eq!(starved(&mut rig, now, PARENT, since), Ok(()));
                    until = (now + Duration::from_secs(3)).min(deadline.minus_micros(1_000_000));
                }
            }
        }
    }
}
