//! What a feed knows of its feeders, and what is forgotten with them.

use std::vec::Vec;

use super::*;

const NOW: Instant = Instant::from_millis(1_000);
const TAIL: u8 = 1;
const CURRENT: u8 = 2;
const ASKED: u8 = 3;
const RELEASED: u8 = 4;

fn stretch(peer: u8, next: u32, until: Option<u32>) -> Stretch {
    Stretch { peer, next: FrameId(next), until: until.map(FrameId), heard_at: NOW }
}

/// One peer in each part.
fn busy() -> Feed {
    let mut feed = Feed {
        current: Some(stretch(CURRENT, 120, None)),
        tail: Some(stretch(TAIL, 105, Some(120))),
        request: Some(Request { peer: ASKED, from: FrameId(130), again_at: NOW, tries: 1 }),
        ..Feed::EMPTY
    };
    feed.release(RELEASED, FrameId(90), NOW);
    feed
}

fn parts(feed: &Feed) -> [Option<u8>; 4] {
    [
        feed.tail.map(|tail| tail.peer),
        feed.parent(),
        feed.request.map(|request| request.peer),
        feed.releases.first().map(|release| release.peer),
    ]
}

#[test]
fn a_frame_belongs_to_the_stretch_it_was_promised_in() {
    for (peer, frame, next) in [
        (TAIL, 119, Some(105)),
        // The cut is not the former feeder's any more.
        (TAIL, 120, None),
        (CURRENT, 119, Some(120)),
        (CURRENT, 500, Some(120)),
        (ASKED, 130, None),
    ] {
        let found = busy().stretch_mut(peer, FrameId(frame)).map(|stretch| stretch.next.0);
        assert_eq!(found, next, "{frame} of {peer}");
    }
    // One that was released and taken again owes what is before the cut and what is after it.
    let mut again = Feed { current: Some(stretch(TAIL, 120, None)), ..busy() };
    for (frame, next) in [(119, 105), (120, 120)] {
        let found = again.stretch_mut(TAIL, FrameId(frame)).map(|stretch| stretch.next.0);
        assert_eq!(found, Some(next), "{frame}");
    }
    let mut cut = Feed { current: Some(stretch(CURRENT, 120, Some(140))), ..Feed::EMPTY };
    assert!(cut.stretch_mut(CURRENT, FrameId(139)).is_some());
    assert!(cut.stretch_mut(CURRENT, FrameId(140)).is_none());
}

#[test]
fn who_is_taken_anew_goes_on_where_it_owes() {
    assert_eq!(busy().owed_by(TAIL), Some(FrameId(105)));
    assert_eq!(busy().owed_by(CURRENT), Some(FrameId(120)));
    assert_eq!(busy().owed_by(ASKED), Some(FrameId(120)), "a stranger to the feed begins where it stands");
    assert_eq!(Feed::EMPTY.owed_by(CURRENT), None);
}

#[test]
fn the_current_feeder_alone_is_the_parent() {
    assert!(busy().is_from(CURRENT));
    assert!(!busy().is_from(TAIL));
    assert!(!Feed::EMPTY.is_from(0));
}

#[test]
fn a_gap_grows_both_ways() {
    let mut feed = Feed::EMPTY;
    for (from, until, gap) in
        [(100, 110, (100, 110)), (105, 108, (100, 110)), (90, 95, (90, 110)), (120, 130, (90, 130))]
    {
        feed.widen_gap(FrameId(from), FrameId(until));
        assert_eq!(feed.gap, Some((FrameId(gap.0), FrameId(gap.1))), "{from} to {until}");
    }
}

#[test]
fn of_several_cuts_the_last_counts_and_the_oldest_makes_room() {
    let mut feed = Feed::EMPTY;
    for (peer, until) in [(1, 10), (2, 20), (1, 30), (3, 40), (4, 50), (5, 60)] {
        feed.release(peer, FrameId(until), NOW);
    }
    let due =
        |&(peer, until): &(u8, u32)| Release { peer, until: FrameId(until), told_at: NOW, is_due: true };
    let expected: Vec<_> = [(1, 30), (3, 40), (4, 50), (5, 60)].iter().map(due).collect();
    assert_eq!(feed.releases.as_slice(), expected);
}

#[test]
fn a_peer_that_goes_takes_its_parts_and_no_others() {
    let all = [Some(TAIL), Some(CURRENT), Some(ASKED), Some(RELEASED)];
    for gone in [TAIL, CURRENT, ASKED, RELEASED] {
        let mut feed = busy();
        feed.forget_peer(gone);
        assert_eq!(parts(&feed), all.map(|peer| peer.filter(|peer| *peer != gone)), "{gone} goes");
    }
}

#[test]
fn a_peer_of_another_slot_keeps_its_parts() {
    let all = [Some(TAIL), Some(CURRENT), Some(ASKED), Some(RELEASED)];
    for moved in [TAIL, CURRENT, ASKED, RELEASED] {
        let mut feed = busy();
        feed.rename_peer(moved, 9);
        let expected = all.map(|peer| peer.map(|peer| if peer == moved { 9 } else { peer }));
        assert_eq!(parts(&feed), expected, "{moved} moves");
    }
}
