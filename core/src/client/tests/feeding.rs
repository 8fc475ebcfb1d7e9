//! Children: who is taken on, what goes to whom first, and who is let go when the uplink gives less.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of message among all")]

use std::vec::Vec;

use super::rig::{NOW, Rig, Sent, after, one_substream};
use super::script::Memory;
use crate::client::feed::Stretch;
use crate::link::{Acked, Ledbat};
use crate::media::{ChannelSettings, FrameId};
use crate::wire::control::{Ack, Class, RefuseReason, Subscribe};
use crate::wire::{DataHeader, Message, SendReason};
use crate::{Endpoint, Instant, Reject, Why};

fn memory() -> Memory {
    Memory::new(6, 256, 16, 1_024)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    let mut rig = Rig::new(memory, Class::Push, one_substream(), peers);
    rig.feed(NOW, 0, 100..104);
    rig
}

fn subscribe(rig: &mut Rig<'_>, now: Instant, child: u16, from: u32) -> Result<(), Reject> {
    let subscribe = Subscribe { substream: 0, from: FrameId(from), level: 2 };
    rig.say(now, child, &Message::Subscribe(subscribe))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept { first: u32 },
    Refuse(RefuseReason),
}

fn answers(rig: &mut Rig<'_>, now: Instant) -> Vec<(u16, Answer)> {
    rig.hear(now, |message| match message {
        Message::Accept(accept) => Some(Answer::Accept { first: accept.first.0 }),
        Message::Refuse { reason, .. } => Some(Answer::Refuse(*reason)),
        _ => None,
    })
}

fn frames_to(rig: &mut Rig<'_>, now: Instant, child: u16) -> Vec<u32> {
    let (data, _) = rig.drain(now);
    data.iter().filter(|sent| sent.to == child).map(|sent| sent.frame).collect()
}

#[test]
fn a_subscription_is_for_a_substream_and_not_the_edge_s() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    assert_eq!(subscribe(&mut rig, NOW, 0, 100), Err(Reject::Unexpected));
    let other = Subscribe { substream: 1, from: FrameId(100), level: 2 };
    assert_eq!(rig.say(NOW, 1, &Message::Subscribe(other)), Err(Reject::Unexpected));
    assert_eq!(subscribe(&mut rig, NOW, 1, 100), Ok(()));
    assert_eq!(answers(&mut rig, NOW), [(1, Answer::Accept { first: 100 })]);
}

#[test]
fn one_that_is_repeated_is_answered_again_and_one_further_on_begins_anew() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    for (from, first, sent) in [
        (101, 101, &[101, 102, 103][..]),
        // It has all that, and did not hear so.
        (101, 101, &[]),
        (100, 101, &[]),
        // What it wants now begins after what it was promised.
        (103, 103, &[103]),
    ] {
        subscribe(&mut rig, NOW, 1, from).unwrap();
        let (data, control) = rig.drain(NOW);
        assert_eq!(data.iter().map(|sent| sent.frame).collect::<Vec<_>>(), sent, "from {from}");
        let answer = super::goodbyes::find(&control, |message| match message {
            Message::Accept(accept) => Some(accept.first.0),
            _ => None,
        });
        assert_eq!(answer, Some(first));
        assert_eq!(rig.client.slots_used(), 1);
    }
}

#[test]
fn a_refusal_says_why() {
    type Change = fn(&mut Rig<'_>);
    let cases: [(Change, RefuseReason); 4] = [
        (|rig| rig.client.is_leaving = true, RefuseReason::Leaving),
        (|rig| rig.client.feeds[0].level = 2, RefuseReason::Level),
        (|rig| rig.client.session.as_mut().unwrap().newest = FrameId(9_000), RefuseReason::Unhealthy),
        (|rig| rig.client.ledbat = Ledbat::EMPTY, RefuseReason::Full),
    ];
    for (change, reason) in cases {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        change(&mut rig);
        subscribe(&mut rig, NOW, 1, 100).unwrap();
        let owed = &rig.client.peer(1).unwrap().owed;
        assert_eq!((owed.refuse.as_slice(), owed.accept), (&[(0, reason)][..], 0));
        assert_eq!(rig.client.peer(1).unwrap().children, 0);
    }
}

#[test]
fn a_feed_that_brought_nothing_for_two_beats_and_a_second_is_not_passed_on() {
    // A beat of one substream is 40 ms.
    for (ms, is_accepted) in [(1_080, true), (1_081, false)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        subscribe(&mut rig, after(ms), 1, 104).unwrap();
        assert_eq!(rig.client.peer(1).unwrap().is_child(), is_accepted, "{ms}");
    }
}

#[test]
fn the_last_refusal_of_a_substream_counts() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    for (substream, reason) in
        [(0, RefuseReason::Full), (1, RefuseReason::Level), (0, RefuseReason::Unhealthy)]
    {
        rig.client.refuse(1, substream, reason);
    }
    let owed = &rig.client.peer(1).unwrap().owed.refuse;
    assert_eq!(owed.as_slice(), [(1, RefuseReason::Level), (0, RefuseReason::Unhealthy)]);
}

#[test]
fn only_a_child_can_end_its_feed() {
    let settings = ChannelSettings { substreams: 2, ..one_substream() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, settings, 2);
    rig.feed(NOW, 0, 100..104);
    for (child, substream) in [(1, 0), (1, 1), (2, 1)] {
        let subscribe = Subscribe { substream, from: FrameId(100), level: 2 };
        rig.say(NOW, child, &Message::Subscribe(subscribe)).unwrap();
    }
    rig.drain(NOW);
    let release = |substream, until| Message::Release { substream, until: FrameId(until) };
    assert_eq!(rig.say(NOW, 0, &release(1, 104)), Err(Reject::Unexpected));
    assert_eq!(rig.say(NOW, 2, &release(0, 104)), Err(Reject::Stale), "it has no such feed");
    assert_eq!(rig.say(NOW, 1, &release(0, 99)), Err(Reject::Stale), "the end of an earlier feed");
    assert_eq!(rig.say(NOW, 1, &release(0, 104)), Ok(()));
    let children = |rig: &Rig<'_>, slot| rig.client.peer(slot).unwrap().children;
    assert_eq!((children(&rig, 1), children(&rig, 2)), (0b10, 0b10));
    // A cut ahead ends the feed when it is reached.
    assert_eq!(rig.say(NOW, 2, &release(1, 107)), Ok(()));
    assert_eq!(children(&rig, 2), 0b10);
    rig.feed(NOW, 0, 104..110);
    let odd: Vec<_> = (104..107).filter(|&id| rig.header(id).substream == 1).collect();
    assert_eq!(frames_to(&mut rig, NOW, 2), odd);
    assert_eq!((children(&rig, 1), children(&rig, 2)), (0b10, 0));
}

#[test]
fn the_lowest_frame_goes_first_and_whole() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 2);
    for id in 100..103 {
        let header = rig.long(id, 3);
        for fragment in 0..3 {
            rig.send(NOW, 0, DataHeader { fragment, ..header }).unwrap();
        }
    }
    subscribe(&mut rig, NOW, 1, 102).unwrap();
    subscribe(&mut rig, NOW, 2, 100).unwrap();
    let (data, _) = rig.drain(NOW);
    let order: Vec<_> = data.iter().map(|sent| (sent.frame, sent.fragment, sent.to)).collect();
    let whole = |frame, to| (0..3).map(move |fragment| (frame, fragment, to));
    let expected = whole(100, 2).chain(whole(101, 2)).chain(whole(102, 1)).chain(whole(102, 2));
    assert_eq!(order, expected.collect::<Vec<_>>());
    let len = u64::from(one_substream().fragment_len) + 64;
    let uploaded = rig.client.stats().watch.bytes_uploaded;
    assert!((12 * (len - 24)..=12 * len).contains(&uploaded), "{uploaded}");
}

#[test]
fn what_the_uplink_holds_back_goes_when_it_is_ready() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    for id in 104..120 {
        let header = rig.long(id, 3);
        for fragment in 0..3 {
            rig.send(NOW, 0, DataHeader { fragment, ..header }).unwrap();
        }
    }
    subscribe(&mut rig, NOW, 1, 100).unwrap();
    rig.client.handle_timeout(NOW);
    let mut head = [0; crate::limits::DATAGRAM_LEN_MAX];
    while rig.client.poll_transmit(NOW, &mut head).is_some() {}
    let deadline = rig.client.poll_timeout().unwrap();
    assert_eq!(deadline.why, Why::Pacing);
    assert!(deadline.at > NOW);
    rig.client.handle_timeout(deadline.at.minus_micros(1));
    assert_eq!(rig.client.clocks.pacing_at, Some(deadline.at));
    rig.client.handle_timeout(deadline.at);
    assert_eq!(rig.client.clocks.pacing_at, None);
    assert!(rig.client.poll_transmit(deadline.at, &mut head).is_some());
}

/// What goes to child 1 for the second time, when the second of its packets is lost.
fn sent_again(newest: u32) -> (Vec<Sent>, u32) {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    subscribe(&mut rig, NOW, 1, 100).unwrap();
    assert_eq!(frames_to(&mut rig, NOW, 1), [100, 101, 102, 103]);
    rig.client.session.as_mut().unwrap().newest = FrameId(newest);
    let ack = Ack { largest: 3, delay_us: 0, one_way_us: 0, runs: &[2, 1, 1] };
    rig.say(after(20), 1, &Message::Ack(ack)).unwrap();
    assert_eq!(rig.drain(after(20)).0, [], "it may only be late");
    rig.say(after(200), 1, &Message::Ack(ack)).unwrap();
    (rig.drain(after(200)).0, rig.client.stats().retransmits)
}

#[test]
fn what_is_lost_on_the_way_to_a_child_is_sent_again_while_it_is_of_use() {
    let again = Sent { to: 1, frame: 101, fragment: 0, reason: SendReason::Feed };
    // A target buffer of frames behind the newest it is too late.
    let target = one_substream().frames_in(one_substream().target_buffer());
    assert_eq!(sent_again(101 + target - 1), ([again].to_vec(), 1));
    assert_eq!(sent_again(101 + target), (Vec::new(), 0));
}

#[test]
fn loss_shows_by_time_as_well() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    subscribe(&mut rig, NOW, 1, 100).unwrap();
    assert_eq!(frames_to(&mut rig, NOW, 1).len(), 4);
    let ack = Ack { largest: 3, delay_us: 0, one_way_us: 0, runs: &[2, 1, 1] };
    rig.say(after(100), 1, &Message::Ack(ack)).unwrap();
    assert_eq!(frames_to(&mut rig, after(100), 1), [], "it may only be late");
    let due = rig.client.peer(1).unwrap().link.loss_deadline().unwrap();
    let first = rig.client.poll_timeout().unwrap();
    assert!(first.at <= due);
    rig.client.handle_timeout(due);
    assert_eq!(frames_to(&mut rig, due, 1), [101]);
}

/// Two children, of which the second is further behind; the uplink then gives as much as one feed.
#[test]
fn when_the_uplink_gives_less_the_child_furthest_behind_goes() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    for (child, from) in [(1, 103), (2, 100)] {
        subscribe(&mut rig, NOW, child, from).unwrap();
    }
    rig.client.peer_mut(1).unwrap().serving[0].cursor = FrameId(104);
    rig.client.peer_mut(2).unwrap().serving[0].cursor = FrameId(102);
    rig.client.check_uplink(NOW);
    assert_eq!((rig.client.slots_used(), rig.client.stats().children_stopped), (2, 0));
    let rate = u64::from(one_substream().rate_bps);
    rig.client.ledbat = Ledbat::EMPTY;
    rig.client.ledbat.set_cap(3 * rate);
    assert!(rig.client.slots_max() >= 2);
    // What gets through in a second, with a queue beside it: one feed and a half.
    for ms in [0, 500, 1_000] {
        rig.client.check_uplink(after(ms));
        for _ in 0..50 {
            rig.client.ledbat.on_sent(u32::try_from(rate * 3 / 2 / 8 / 100).unwrap());
        }
        rig.client.ledbat.on_ack(&Acked { newly: 50, lost: 0, queue_us: Some(200_000) });
    }
    assert_eq!(rig.client.slots_max(), 1);
    assert!(rig.client.peer(1).unwrap().is_child());
    assert!(!rig.client.peer(2).unwrap().is_child());
    assert_eq!(rig.client.stats().children_stopped, 1);
    assert_eq!(answers(&mut rig, after(1_000)).last(), Some(&(2, Answer::Refuse(RefuseReason::Full))));
}

#[test]
fn who_loses_much_takes_nobody_on_and_lets_nobody_go() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    subscribe(&mut rig, NOW, 1, 100).unwrap();
    rig.client.ledbat = Ledbat::EMPTY;
    rig.client.ledbat.set_cap(u64::from(one_substream().rate_bps) * 5 / 2);
    assert_eq!((rig.client.slots_max(), rig.client.slots_promised_max()), (2, 2));
    // A third of what it sends arrives.
    for ms in (0..60_000).step_by(500) {
        for _ in 0..30 {
            rig.client.ledbat.on_sent(1_000);
        }
        rig.client.ledbat.on_ack(&Acked { newly: 10, lost: 20, queue_us: Some(0) });
        rig.client.check_uplink(after(ms));
    }
    assert_eq!((rig.client.slots_max(), rig.client.slots_promised_max()), (2, 1));
    let told = rig.client.status(NOW);
    assert_eq!((told.slots, told.slots_max), (0, 1));
    assert!(rig.client.peer(1).unwrap().is_child());
    subscribe(&mut rig, NOW, 2, 100).unwrap();
    assert!(!rig.client.peer(2).unwrap().is_child());
}

#[test]
fn a_child_behind_by_more_than_two_seconds_begins_later_than_it_asks() {
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::Push, one_substream(), 1);
    rig.feed(NOW, 0, 100..200);
    subscribe(&mut rig, NOW, 1, 100).unwrap();
    assert_eq!(answers(&mut rig, NOW), [(1, Answer::Accept { first: 149 })]);
}

#[test]
fn whoever_is_fed_by_a_peer_passes_on_its_level_and_one_more() {
    let settings = ChannelSettings { levels_max: 4, ..one_substream() };
    let mut memory = memory();
    let mut rig = Rig::new(&mut memory, Class::P2p, settings, 2);
    let current = Stretch { peer: 1, next: FrameId(100), until: None, heard_at: NOW };
    rig.client.feeds[0].current = Some(current);
    let header = DataHeader { level: 2, ..rig.header(100) };
    rig.send(NOW, 1, header).unwrap();
    for (level, is_accepted) in [(3, false), (4, true)] {
        let subscribe = Subscribe { substream: 0, from: FrameId(100), level };
        rig.say(NOW, 2, &Message::Subscribe(subscribe)).unwrap();
        assert_eq!(rig.client.peer(2).unwrap().is_child(), is_accepted, "{level}");
    }
    let told = rig.hear(NOW, |message| match message {
        Message::Accept(accept) => Some(accept.level),
        _ => None,
    });
    assert_eq!(told, [(2, 3)]);
}
