//! The small queues of an edge, alone: events, replies, pulls.

use super::harness::address;
use crate::edge::channel::ChannelId;
use crate::edge::events::{EdgeEvent, Events};
use crate::edge::pull::{PullQueue, Pulled};
use crate::edge::replies::{Replies, Reply};
use crate::edge::stats::EdgeStats;
use crate::media::FrameId;
use crate::wire::control::{Challenge, LinkId, PullItem, RefusalReason};
use crate::{Instant, Path};

fn refused(reason: RefusalReason, channel: Option<u8>, count: u32) -> EdgeEvent {
    EdgeEvent::Refused { reason, channel: channel.map(ChannelId), decision: None, count }
}

#[test]
fn refusals_in_a_row_of_one_reason_and_channel_are_one_event() {
    use RefusalReason::{Full, Saturated};
    let mut events = Events::default();
    let mut stats = EdgeStats::default();
    for (reason, channel) in
        [(Full, Some(0)), (Full, Some(0)), (Full, Some(1)), (Saturated, Some(1)), (Saturated, Some(1))]
    {
        events.push(refused(reason, channel, 1), &mut stats);
    }
    let told: std::vec::Vec<_> = core::iter::from_fn(|| events.pop()).collect();
    assert_eq!(told, [refused(Full, Some(0), 2), refused(Full, Some(1), 1), refused(Saturated, Some(1), 2)]);
}

#[test]
fn the_oldest_events_give_way_and_are_counted() {
    let mut events = Events::default();
    let mut stats = EdgeStats::default();
    for channel in 0..67 {
        events.push(EdgeEvent::ChannelOpened { channel: ChannelId(channel) }, &mut stats);
    }
    assert_eq!(stats.events_dropped, 3);
    assert_eq!(events.pop(), Some(EdgeEvent::ChannelOpened { channel: ChannelId(3) }));
}

fn path() -> Path {
    Path::to(address(0))
}

#[test]
fn replies_that_find_no_room_are_counted() {
    let mut replies = Replies::default();
    let mut stats = EdgeStats::default();
    for _ in 0..35 {
        let challenge = Reply::Challenge(Challenge { nonce: 1, cookie: [0; 16] });
        replies.push(path(), LinkId(1), 1_200, challenge, &mut stats);
    }
    assert_eq!(stats.replies_dropped, 3);
}

#[test]
fn a_hundred_resets_a_second_whenever_in_it_they_are_asked_for() {
    let mut replies = Replies::default();
    let mut stats = EdgeStats::default();
    let mut head = [0; 1_200];
    let mut sent = [0; 2];
    for (step, now_ms) in (7_000..9_000).step_by(5).enumerate() {
        let now = Instant::from_millis(now_ms);
        replies.reset(now, path(), LinkId(9), 64, &mut stats);
        if replies.write(&mut head).is_some() {
            sent[step / 200] += 1;
        }
    }
    assert_eq!(sent, [100, 100]);
}

fn item(first: u16, wanted: u64) -> PullItem {
    PullItem { frame: FrameId(4), first, wanted }
}

fn popped(queue: &mut PullQueue, count: Option<u16>) -> std::vec::Vec<Pulled> {
    core::iter::from_fn(|| queue.pop(|_| count)).collect()
}

#[test]
fn pulls_of_one_frame_are_one_entry_and_each_fragment_comes_once() {
    let mut queue = PullQueue::EMPTY;
    assert!(queue.is_empty());
    for wanted in [0b0101, 0b0110, 0] {
        assert!(queue.push(item(8, wanted)));
    }
    assert!(!queue.is_empty());
    let fragments = [8, 9, 10].map(|index| Pulled::Fragment(FrameId(4), index));
    assert_eq!(popped(&mut queue, Some(100)), fragments);
    assert!(queue.is_empty());
}

#[test]
fn a_pull_names_no_fragment_a_frame_has_not() {
    for (wanted, count, expected) in [
        (u64::MAX, Some(3), &[0, 1, 2][..]),
        (0b1_1000, Some(4), &[3]),
        (0b1_1000, Some(0), &[]),
        (1 << 63, Some(64), &[63]),
    ] {
        let mut queue = PullQueue::EMPTY;
        assert!(queue.push(item(0, wanted)));
        let expected: std::vec::Vec<_> =
            expected.iter().map(|&index| Pulled::Fragment(FrameId(4), index)).collect();
        assert_eq!(popped(&mut queue, count), expected, "{wanted:x} of {count:?}");
        assert!(queue.is_empty());
    }
    let mut queue = PullQueue::EMPTY;
    assert!(queue.push(item(0, 1)));
    assert_eq!(popped(&mut queue, None), [Pulled::Missing(FrameId(4))]);
}

#[test]
fn more_pulls_than_fit_are_refused() {
    let mut queue = PullQueue::EMPTY;
    let taken = (0..10).filter(|&first| queue.push(item(first * 64, 1))).count();
    assert_eq!(taken, 8);
    assert!(queue.push(item(64, 2)), "what is held already takes no place");
}
