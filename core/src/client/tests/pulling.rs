//! Repair beside the feeds: whom a hole is asked of, when, and that nobody is asked in vain or twice.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::Stretch;
use crate::media::{ChannelSettings, FrameId, Playout};
use crate::wire::control::{Class, Grant, MapBits, Subscribe};
use crate::wire::{DataHeader, Message, SendReason};
use crate::{Endpoint, Instant};

const SUBSTREAMS: u8 = 6;
/// Who feeds all of them; its map tells of nothing, so that it is not asked.
const FEEDER: u16 = 1;
/// Who is fed one substream, in half of the cases.
const CHILD: u16 = 2;
const FED: u8 = 0;
/// The partners come after those.
const PARTNERS_FROM: u16 = 3;
const STEP_MS: u64 = 20;
const STEP_US: u64 = STEP_MS * 1_000;
/// Steps of a run: 8 s.
const STEPS: u64 = 400;
/// Nearer to its deadline a hole does not wait for its feeder, and nearer still it is the edge's (docs/wire.md, "Pull").
const URGENT_US: u64 = 1_000_000;
const LAST_CALL_US: u64 = 500_000;
/// Questions that may be open: one for each hole remembered.
const OPEN_MAX: usize = 64;
/// From the end of a hole's grace to the look that asks for it: holes are looked at this often, and a step.
const ASK_US: u64 = 40_000 + STEP_US;
/// From a change to the look that finds it: that, and housekeeping.
const LOOK_US: u64 = 100_000 + ASK_US;

/// What becomes of a frame of the feed.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Comes,
    Lost,
    /// Lost, and sent again so much later.
    Late(u64),
    /// It and so many more come together after the last of them.
    Held(u32),
}

/// What a partner does with a question.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Gives(u64),
    Declines,
    /// The question or the answer is lost.
    Loses,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Comes),
        2 => Just(Fate::Lost),
        1 => (20..600_u64).prop_map(Fate::Late),
        1 => (1..16_u32).prop_map(Fate::Held),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![4 => (10..400_u64).prop_map(Deed::Gives), 1 => Just(Deed::Declines), 1 => Just(Deed::Loses)]
}

/// What a run goes by.
#[derive(Clone, Debug)]
struct Case {
    /// Frames held at first, and how many of them were lost on the way from the edge.
    held: u32,
    lost: u32,
    has_child: bool,
    feeder_rtt_ms: u64,
    partner_rtts_ms: Vec<u64>,
    fates: Vec<Fate>,
    deeds: Vec<Deed>,
}

fn case() -> impl Strategy<Value = Case> {
    let (fates, deeds) = (prop::collection::vec(fate(), 1..200), prop::collection::vec(deed(), 1..100));
    let rtts = prop::collection::vec(5..100_u64, 0..4);
    let held = prop_oneof![15..90_u32, 90..250_u32];
    (held, 0..100_u32, any::<bool>(), 5..150_u64, rtts, fates, deeds).prop_map(
        |(held, lost, has_child, feeder_rtt_ms, partner_rtts_ms, fates, deeds)| {
            // What is lost lies two seconds ahead.
            let lost = lost.min(held.saturating_sub(70));
            Case { held, lost, has_child, feeder_rtt_ms, partner_rtts_ms, fates, deeds }
        },
    )
}

/// A question that was asked.
#[derive(Clone, Copy, Debug)]
struct Question {
    to: u16,
    at: Instant,
    is_declined: bool,
}

/// What the world around a client knows.
struct World<'c> {
    case: &'c Case,
    /// The newest frame there is.
    live: u32,
    /// Frames of the feed that come later.
    held_back: Vec<u32>,
    held_until: u32,
    /// Frames under way: when, from whom, why.
    coming: BTreeMap<(Instant, u32, u16), SendReason>,
    /// Since when each hole is known, and who was asked for it.
    noted: BTreeMap<u32, Instant>,
    asked: BTreeMap<u32, Vec<Question>>,
    /// The newest frame that came of each substream, and when.
    fed: Vec<(u32, Instant)>,
    /// Substreams whose last frame did not come when it was due: the next one does, or the feeder would be changed.
    lacking: u16,
    /// The newest frame in the partners' maps.
    told: u32,
    /// The newest frame the client knew of, step by step.
    known: Vec<FrameId>,
    /// Playout when the client looked last.
    playout: Playout,
}

/// Whether a partner holds a frame once it is there: three of four, each partner others.
fn holds(partner: u16, frame: u32) -> bool {
    !(frame.wrapping_mul(0x9e37_79b9) >> 13).wrapping_add(u32::from(partner)).is_multiple_of(4)
}

impl<'c> World<'c> {
    /// A client that plays what the edge sent, and a feeder that goes on from there.
    fn new<'m>(memory: &'m mut Memory, case: &'c Case) -> (Self, Rig<'m>) {
        let settings = ChannelSettings {
            substreams: SUBSTREAMS,
            levels_max: 3,
            target_buffer_ms: (case.held * 40).max(500),
            ..one_substream()
        };
        let partners = u16::try_from(case.partner_rtts_ms.len()).unwrap();
        let mut rig = Rig::new(memory, Class::P2p, settings, PARTNERS_FROM - 1 + partners);
        let live = 99 + case.held;
        let lost = 150..150 + case.lost;
        rig.feed(NOW, 0, (100..=live).filter(|id| !lost.contains(id)));
        let mut fed = Vec::new();
        for substream in 0..SUBSTREAMS {
            let next = settings.mapping.previous_in(substream, FrameId(live + 1), SUBSTREAMS).unwrap();
            let feed = &mut rig.client.feeds[usize::from(substream)];
            feed.current = Some(Stretch { peer: 1, next, until: None, heard_at: NOW });
            (feed.grant, feed.request) = (Grant::Feed, None);
            feed.set_level(1);
            fed.push((next.0, NOW));
        }
        rig.set_rtt(1, case.feeder_rtt_ms);
        for (slot, &ms) in (3..).zip(&case.partner_rtts_ms) {
            rig.set_rtt(slot, ms);
        }
        if case.has_child {
            let subscribe = Subscribe { substream: FED, from: FrameId(live), level: 3 };
            assert_eq!(rig.say(NOW, CHILD, &Message::Subscribe(subscribe)), Ok(()));
            assert!(rig.client.has_children(FED));
        }
        rig.drain(NOW);
        let world = Self {
            case,
            live,
            held_back: Vec::new(),
            held_until: 0,
            coming: BTreeMap::new(),
            noted: BTreeMap::new(),
            asked: BTreeMap::new(),
            fed,
            lacking: 0,
            told: 0,
            known: Vec::new(),
            playout: rig.client.playout,
        };
        (world, rig)
    }

    fn partners(&self) -> impl Iterator<Item = u16> + use<> {
        PARTNERS_FROM..PARTNERS_FROM + u16::try_from(self.case.partner_rtts_ms.len()).unwrap()
    }

    /// Whether a partner said that it holds a frame.
    fn is_told(&self, partner: u16, frame: u32) -> bool {
        frame <= self.told && holds(partner, frame)
    }

    /// The next frame comes into being, and the feeder has its way with it.
    fn go_live(&mut self, now: Instant, substream: u8, fate: Fate) {
        self.live += 1;
        let id = self.live;
        let was_lacking = self.lacking >> substream & 1 == 1;
        let fate = if was_lacking { Fate::Comes } else { fate };
        self.lacking &= !(1 << substream);
        if id > self.held_until && matches!(fate, Fate::Lost | Fate::Late(_)) {
            self.lacking |= 1 << substream;
        }
        let mut send = |at, id| self.coming.insert((at, id, FEEDER), SendReason::Feed);
        match fate {
            _ if id <= self.held_until => self.held_back.push(id),
            Fate::Comes => {
                send(now, id);
            }
            Fate::Lost => {}
            Fate::Late(ms) => {
                send(now + Duration::from_millis(ms), id);
            }
            Fate::Held(frames) => {
                self.held_until = id + frames;
                self.held_back.push(id);
            }
        }
        if id >= self.held_until {
            for id in self.held_back.drain(..) {
                send(now, id);
            }
        }
    }

    /// Partners say what they hold of the last ten seconds; who feeds and who is fed is there.
    fn tell(&mut self, rig: &mut Rig<'_>, now: Instant) {
        self.told = self.live;
        let base = self.live.saturating_sub(255).max(100);
        for partner in self.partners() {
            let mut bits = [0_u8; 32];
            for frame in (base..=self.live).filter(|&frame| holds(partner, frame)) {
                let place = usize::try_from(frame - base).unwrap();
                bits[place / 8] |= 1 << (place % 8);
            }
            let map = MapBits { oldest: FrameId(100), base: FrameId(base), bits: &bits };
            assert_eq!(rig.say(now, partner, &Message::BufferMap(map)), Ok(()));
        }
    }

    fn arrive(&mut self, rig: &mut Rig<'_>, now: Instant) {
        while let Some((&(at, frame, from), &reason)) = self.coming.first_key_value()
            && at <= now
        {
            self.coming.remove(&(at, frame, from));
            let header = DataHeader { reason, ..rig.header(frame) };
            let _ = rig.send(now, from, header);
            if from == FEEDER {
                let fed = &mut self.fed[usize::from(header.substream)];
                *fed = (fed.0.max(frame), now);
            }
            self.note(rig, now);
        }
    }

    /// Holes that are new: behind what the feed brought, or late and nearly due.
    fn note(&mut self, rig: &Rig<'_>, now: Instant) {
        let holes: Vec<u32> = rig.client.holes.iter().map(|hole| hole.frame.0).collect();
        assert!(holes.len() <= OPEN_MAX);
        self.noted.retain(|frame, _| holes.contains(frame));
        for frame in holes.into_iter().filter(|frame| !self.noted.contains_key(frame)).collect::<Vec<_>>() {
            let (fed, fed_at) = self.fed[usize::from(rig.header(frame).substream)];
            if frame >= fed {
                let due_us = self.due_us(now, frame);
                assert!(due_us < URGENT_US + 40_000, "{frame}, due in {due_us}, may still come");
                let late_us = now.micros_since(fed_at);
                assert!(late_us > 40_000 + 60_000, "{frame} is late by {late_us} only");
            }
            self.noted.insert(frame, now);
        }
    }

    fn due_us(&self, now: Instant, frame: u32) -> u64 {
        self.playout.deadline_of(FrameId(frame)).unwrap().micros_since(now)
    }

    /// How long a hole is left to its feeder's own retransmission.
    fn grace_us(&self, frame: u32, rig: &Rig<'_>) -> u64 {
        let rtt_us = self.case.feeder_rtt_ms * 1_000;
        let own_us = 2 * rtt_us + 100_000;
        if !self.case.has_child || rig.header(frame).substream != FED {
            return own_us;
        }
        // A round trip before the children's beat of six frames, and 60 ms.
        let beat_us = 240_000 + 60_000 - rtt_us;
        beat_us.max(rtt_us * 5 / 4 + 50_000).min(own_us)
    }

    /// How long an answer is waited for at least, after so many questions.
    fn wait_us(rig: &Rig<'_>, to: u16, questions: usize) -> u64 {
        let slot = u8::try_from(to).unwrap();
        let answer_us = u64::from(rig.client.peer(slot).unwrap().link.rtt().answer_us());
        answer_us << (questions.clamp(1, 4) - 1)
    }

    /// Judges a question, and answers it.
    fn on_asked(&mut self, rig: &mut Rig<'_>, now: Instant, (to, frame): (u16, u32), deed: Deed) {
        assert!(!rig.client.frames.is_complete(FrameId(frame)), "{frame} is held");
        let due_us = self.due_us(now, frame);
        let noted_at = self.noted.get(&frame).copied().expect("a hole");
        let before = self.asked.entry(frame).or_default().clone();
        let last = before.last();
        let holders: Vec<u16> = self
            .partners()
            .filter(|&partner| self.is_told(partner, frame) && last.is_none_or(|last| last.to != partner))
            .collect();
        let is_for_partners = due_us >= LAST_CALL_US && before.len() < 2 && !holders.is_empty();
        assert_eq!(to != 0, is_for_partners, "{frame}, due in {due_us}, asked of {to} after {before:?}");
        if to != 0 {
            let rtt_of = |partner: u16| self.case.partner_rtts_ms[usize::from(partner - PARTNERS_FROM)];
            let nearest = holders.iter().map(|&partner| rtt_of(partner)).min();
            assert!(holders.contains(&to), "{frame} is asked of {to}, and {holders:?} hold it");
            assert_eq!(Some(rtt_of(to)), nearest, "of the nearest");
        }
        if let Some(last) = last.filter(|last| !last.is_declined) {
            let waited_us = now.micros_since(last.at);
            let wait_us = Self::wait_us(rig, last.to, before.len());
            assert!(waited_us >= wait_us, "{frame} again after {waited_us}, and {last:?} has {wait_us}");
        }
        let (known_us, grace_us) = (now.micros_since(noted_at), self.grace_us(frame, rig));
        assert!(due_us < URGENT_US || known_us >= grace_us, "{frame} after {known_us} of {grace_us}");
        self.asked.entry(frame).or_default().push(Question { to, at: now, is_declined: false });
        match deed {
            _ if to == 0 => {
                self.coming.insert((now + Duration::from_millis(40), frame, to), SendReason::Pull);
            }
            Deed::Gives(ms) => {
                self.coming.insert((now + Duration::from_millis(ms), frame, to), SendReason::Pull);
            }
            Deed::Declines => {
                self.asked.entry(frame).or_default().last_mut().unwrap().is_declined = true;
                assert_eq!(rig.say(now, to, &Message::Missing { frame: FrameId(frame) }), Ok(()));
            }
            Deed::Loses => {}
        }
    }

    /// What is not asked for too long: holes past their grace, and what the feed is late with and is nearly due.
    fn check_idle(&self, rig: &Rig<'_>, now: Instant) {
        let is_open = |(&frame, questions): (&u32, &Vec<Question>)| {
            let last = questions.last().unwrap();
            let is_waiting = now.micros_since(last.at) < Self::wait_us(rig, last.to, questions.len());
            is_waiting && !last.is_declined && !rig.client.frames.is_complete(FrameId(frame))
        };
        let open = self.asked.iter().filter(|&question| is_open(question)).count();
        assert!(open <= OPEN_MAX, "{open} questions are open");
        for (&frame, &noted_at) in &self.noted {
            let limit_us = self.grace_us(frame, rig) + ASK_US;
            let is_late = now.micros_since(noted_at) > limit_us;
            assert!(!is_late || self.asked.contains_key(&frame), "{frame} is not asked for");
        }
        for (substream, &(fed, fed_at)) in (0_u8..).zip(&self.fed) {
            let next = rig.client.next_in(substream, FrameId(fed + 1));
            let beat_us = u64::from(next.0 - fed) * 40_000;
            let is_late = now.micros_since(fed_at) > beat_us + 60_000 + LOOK_US;
            let is_due = self.due_us(now, next.0) < URGENT_US - LOOK_US;
            let known = self.known.iter().nth_back(usize::try_from(LOOK_US / STEP_US).unwrap());
            let is_known = known > Some(&next) && rig.client.playout.playhead() <= Some(next);
            // What finds no room is noted when there is some.
            let is_full = rig.client.holes.len() == OPEN_MAX;
            let is_seen = is_full || rig.client.frames.is_complete(next) || self.noted.contains_key(&next.0);
            assert!(!(is_late && is_due && is_known) || is_seen, "{next:?} is late and nearly due");
        }
    }
}

/// Frames asked for now, of whom.
fn asked(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, u32)> {
    let heard = rig.hear(now, |message| match message {
        Message::Pull { items, can_wait } => Some((items.clone(), *can_wait)),
        _ => None,
    });
    assert!(heard.iter().all(|(_, (_, can_wait))| !can_wait), "a hole cannot wait");
    let each = heard.into_iter().flat_map(|(to, (items, _))| items.into_iter().map(move |i| (to, i.frame.0)));
    each.collect()
}

fn run(case: &Case) {
    let mut memory = Memory::new(10, 1_024, 64, 1_024);
    let (mut world, mut rig) = World::new(&mut memory, case);
    let mut fates = case.fates.iter().copied().cycle();
    let mut deeds = case.deeds.iter().copied().cycle();
    for step in 0..STEPS {
        let now = after(step * STEP_MS);
        if step % 2 == 0 {
            let substream = rig.header(world.live + 1).substream;
            world.go_live(now, substream, fates.next().unwrap());
        }
        if step % 20 == 0 {
            world.tell(&mut rig, now);
        }
        for there in [0, FEEDER, CHILD] {
            let _ = rig.say(now, there, &Message::Pong { token: 0 });
        }
        world.note(&rig, now);
        world.arrive(&mut rig, now);
        world.playout = rig.client.playout;
        world.known.push(rig.client.session.as_ref().unwrap().newest);
        rig.client.handle_timeout(now);
        while rig.client.poll_event().is_some() {}
        world.note(&rig, now);
        for question in asked(&mut rig, now) {
            world.on_asked(&mut rig, now, question, deeds.next().unwrap());
        }
        world.check_idle(&rig, now);
    }
    assert!(rig.client.feeds.iter().take(6).all(|feed| feed.is_from(1)), "the feeder is there all the time");
    assert_eq!(rig.client.has_children(FED), case.has_child);
    if case.held >= 90 {
        let stats = rig.client.playout.stats();
        assert_eq!((stats.stalls, stats.frames_skipped), (0, 0), "there was time for all of it");
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_pull.txt"))),
        ..Config::default()
    })]

    /// Whatever is lost, held up, declined or not answered: a hole is asked of a partner that said it holds it, of the edge when it is
    /// nearly due or partners were asked in vain; not before its feeder had its time, not again before an answer is late, and never forgotten.
    #[test]
    fn holes_are_asked_of_those_who_hold_them_in_their_time_and_once(case in case()) {
        run(&case);
    }
}

#[test]
fn a_hole_is_nobodys_but_the_edges_where_there_are_no_partners() {
    for has_child in [false, true] {
        run(&Case {
            held: 100,
            lost: 30,
            has_child,
            feeder_rtt_ms: 30,
            partner_rtts_ms: Vec::new(),
            fates: [Fate::Comes, Fate::Comes, Fate::Lost].to_vec(),
            deeds: [Deed::Loses].to_vec(),
        });
    }
}
