//! What the edge left to peers: of whom it is asked, when, and that the feeds leave it alone.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::catch_up::{Left, OPEN_MAX, PATIENCE_US};
use crate::client::peer::EDGE;
use crate::media::{FrameId, PlayoutState};
use crate::wire::control::{Class, MapBits, PullItem, Subscribe};
use crate::wire::{DataHeader, Message, SendReason};
use crate::{Endpoint, Instant};

/// The stretch that is left: 4 s of media.
const FROM: u32 = 113;
const UNTIL: u32 = 213;

fn memory() -> Memory {
    Memory::new(6, 512, 64, 1_024)
}

/// A client that plays the first part of its burst, whose feed has gone on at the live edge; partners hold what lies between.
fn rig(memory: &mut Memory, partners: u16) -> Rig<'_> {
    let mut rig = Rig::new(memory, Class::Push, one_substream(), partners);
    let session = rig.client.session.as_mut().unwrap();
    session.left = Left::between(FrameId(FROM), FrameId(UNTIL - 10));
    session.newest = FrameId(UNTIL - 11);
    rig.feed(NOW, 0, (100..FROM).chain([UNTIL]));
    for partner in 1..=partners {
        let map = MapBits { oldest: FrameId(FROM), base: FrameId(FROM), bits: &[0xff; 13] };
        assert_eq!(rig.say(NOW, partner, &Message::BufferMap(map)), Ok(()));
    }
    assert_eq!(rig.client.playout.state(), PlayoutState::Playing);
    rig
}

/// Frames asked for now, whom, and whether that can wait.
fn asked(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, u32, bool)> {
    let heard = rig.hear(now, |message| match message {
        Message::Pull { items, can_wait } => Some((items.clone(), *can_wait)),
        _ => None,
    });
    let each = heard
        .into_iter()
        .flat_map(|(to, (items, can_wait))| items.into_iter().map(move |item| (to, item.frame.0, can_wait)));
    each.collect()
}

#[test]
fn a_feed_that_goes_on_at_the_live_edge_leaves_no_holes() {
    let mut memory = memory();
    let rig = rig(&mut memory, 0);
    assert!(rig.client.holes.is_empty(), "{:?}", rig.client.holes);
    let left = rig.client.session.as_ref().unwrap().left;
    assert_eq!(left, Left::between(FrameId(FROM), FrameId(UNTIL)), "the live edge had moved meanwhile");
    assert_eq!(rig.client.first_lacking(0, EDGE), Some(FrameId(UNTIL + 1)), "no feeder is asked for it");
}

#[test]
fn partners_are_asked_for_what_has_time_and_the_edge_for_what_has_not() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.on_pull_due(NOW);
    for (to, frame, can_wait) in asked(&mut rig, NOW) {
        let due_us = rig.client.playout.deadline_of(FrameId(frame)).unwrap().micros_since(NOW);
        assert_eq!((to == 0, can_wait), (due_us < 2_000_000, due_us >= 2_000_000), "{frame} due in {due_us}");
    }
    // Nobody is asked meanwhile.
    rig.client.on_pull_due(after(40));
    assert!(asked(&mut rig, after(40)).iter().all(|(_, frame, _)| *frame > FROM), "each once");
}

#[test]
fn who_gives_serves_feeds_first_and_declines_what_is_late() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 2);
    rig.feed(NOW, 0, 100..120);
    let subscribe = Subscribe { substream: 0, from: FrameId(119), level: 2 };
    assert_eq!(rig.say(NOW, 1, &Message::Subscribe(subscribe)), Ok(()));
    let pull = |frame: u32| {
        let item = PullItem { frame: FrameId(frame), first: 0, wanted: u64::MAX };
        Message::Pull { items: heapless::Vec::from_slice(&[item]).unwrap(), can_wait: true }
    };
    assert_eq!(rig.say(NOW, 2, &pull(105)), Ok(()));
    let (sent, _) = rig.drain(NOW);
    let order: Vec<_> = sent.iter().map(|sent| (sent.to, sent.frame, sent.reason)).collect();
    assert_eq!(order, [(1, 119, SendReason::Feed), (2, 105, SendReason::Pull)]);
    // The uplink was taken by others for too long.
    assert_eq!(rig.say(after(100), 2, &pull(106)), Ok(()));
    let (sent, _) = rig.drain(after(900));
    assert!(sent.iter().all(|sent| sent.to != 2), "{sent:?}");
    let declined = rig.hear(after(900), |message| match message {
        Message::Missing { frame } => Some(frame.0),
        _ => None,
    });
    assert_eq!(declined, [(2, 106)]);
}

#[test]
fn a_child_is_promised_nothing_of_what_is_still_to_come() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let subscribe = Subscribe { substream: 0, from: FrameId(UNTIL - 20), level: 2 };
    assert_eq!(rig.say(NOW, 1, &Message::Subscribe(subscribe)), Ok(()));
    let firsts = rig.hear(NOW, |message| match message {
        Message::Accept(accept) => Some(accept.first.0),
        _ => None,
    });
    assert_eq!(firsts, [(1, UNTIL)]);
}

/// What a partner does with a question.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Answers after so many milliseconds.
    Gives(u64),
    Declines,
    /// The question or the answer is lost.
    Loses,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![6 => (0_u64..650).prop_map(Deed::Gives), 1 => Just(Deed::Declines), 2 => Just(Deed::Loses)]
}

/// What the world around a client that catches up owes it, and what it asked for.
#[derive(Default)]
struct World {
    /// Frames under way: when, from whom.
    coming: BTreeMap<(Instant, u32), u16>,
    /// Questions no answer came to.
    open: BTreeMap<u32, (u16, Instant)>,
}

impl World {
    fn on_asked(&mut self, rig: &mut Rig<'_>, now: Instant, (to, frame): (u16, u32), deed: Deed) {
        let due_at = rig.client.playout.deadline_of(FrameId(frame)).unwrap();
        assert!(due_at >= now, "{frame} is asked for when it is too late");
        if let Some((other, at)) = self.open.insert(frame, (to, now)) {
            let waited_us = now.micros_since(at);
            assert!(other == 0 || waited_us >= PATIENCE_US, "{frame} is asked of {other} and of {to}");
        }
        match deed {
            _ if to == 0 => self.coming.insert((after_from(now, 40), frame), to),
            Deed::Gives(ms) => self.coming.insert((after_from(now, ms), frame), to),
            Deed::Loses => None,
            Deed::Declines => {
                self.open.remove(&frame);
                assert_eq!(rig.say(now, to, &Message::Missing { frame: FrameId(frame) }), Ok(()));
                None
            }
        };
    }

    fn arrive(&mut self, rig: &mut Rig<'_>, now: Instant) {
        while let Some((&(at, frame), &from)) =
            self.coming.first_key_value().filter(|((at, _), _)| *at <= now)
        {
            self.coming.remove(&(at, frame));
            self.open.remove(&frame);
            let header = DataHeader { reason: SendReason::Pull, ..rig.header(frame) };
            assert_eq!(rig.send(now, from, header), Ok(()), "{frame} came once");
        }
    }
}

fn after_from(now: Instant, ms: u64) -> Instant {
    now + Duration::from_millis(ms)
}

proptest! {
    #![proptest_config(Config {
        cases: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_catch_up.txt"))),
        ..Config::default()
    })]

    /// Whatever partners do: few questions are open, each at one of them, and no frame misses its deadline.
    #[test]
    fn every_frame_comes_once_and_in_time(deeds in proptest::collection::vec(deed(), 1..200), partners in 0_u16..5) {
        let mut memory = memory();
        let mut rig = rig(&mut memory, partners);
        let mut world = World::default();
        let mut deeds = deeds.iter().copied().cycle();
        let mut live = UNTIL;
        for look in 0..150_u64 {
            let now = after(look * 40);
            live += 1;
            rig.feed(now, 0, [live]);
            world.arrive(&mut rig, now);
            rig.client.handle_timeout(now);
            while rig.client.poll_event().is_some() {}
            rig.client.on_pull_due(now);
            let open = rig.client.holes.iter().filter(|hole| hole.frame < FrameId(UNTIL)).count();
            prop_assert!(open <= OPEN_MAX, "{open}");
            for (to, frame, _) in asked(&mut rig, now) {
                prop_assert!((FROM..UNTIL).contains(&frame), "{frame} comes by the feed");
                let deed = deeds.next().unwrap();
                world.on_asked(&mut rig, now, (to, frame), deed);
            }
        }
        prop_assert!(rig.client.playout.playhead() >= Some(FrameId(UNTIL)), "{:?}", rig.client.playout.playhead());
        let stats = rig.client.playout.stats();
        prop_assert_eq!((stats.stalls, stats.frames_skipped), (0, 0));
        prop_assert_eq!(rig.client.stats().watch.bytes_duplicate, 0);
        prop_assert!(!rig.client.is_catching_up());
    }
}
