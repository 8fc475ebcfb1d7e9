//! Peers and candidates: who is kept, who is asked whether it is there, who is forgotten.

use core::time::Duration;
use std::vec::Vec;

use super::goodbyes::address;
use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::{Request, Stretch};
use crate::client::peer::{Acquaintance, EDGE, Known, NamedCandidate};
use crate::client::peers::deciseconds;
use crate::endpoint::{Path, Reject};
use crate::media::FrameId;
use crate::wire::control::{Candidate, Class, ClientId, LeaveReason, LinkId, RefuseReason, Transport};
use crate::{Endpoint, Instant};

fn memory() -> Memory {
    Memory::new(16, 128, 16, 256)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    let mut rig = Rig::new(memory, Class::P2p, one_substream(), peers);
    rig.client.feeds[0].current = None;
    rig.client.feeds[0].request = None;
    rig
}

fn stretch(peer: u8) -> Stretch {
    Stretch { peer, next: FrameId(100), until: None, heard_at: NOW }
}

fn slots(set: u64) -> Vec<u32> {
    (0..64).filter(|slot| set & (1 << slot) != 0).collect()
}

#[test]
fn who_feeds_is_fed_or_is_asked_is_related() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 5);
    rig.client.feeds[0].current = Some(stretch(1));
    rig.client.feeds[0].tail = Some(stretch(2));
    let request = Request { peer: 3, from: FrameId(100), again_at: NOW, tries: 1 };
    rig.client.feeds[0].request = Some(request);
    rig.client.peer_mut(4).unwrap().children = 1;
    let related: Vec<_> = (0..=5).map(|slot| rig.client.is_related(slot)).collect();
    assert_eq!(related, [false, true, true, true, true, false]);
}

#[test]
fn maps_go_to_the_related_and_to_the_eight_met_last() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 12);
    for slot in 1..=12 {
        // The lower its slot the later it was met, but for the first.
        rig.client.peer_mut(slot).unwrap().met_at = after(u64::from(20 - slot));
    }
    rig.client.peer_mut(1).unwrap().met_at = NOW;
    rig.client.peer_mut(2).unwrap().acquaintance = Acquaintance::Stranger;
    rig.client.feeds[0].current = Some(stretch(12));
    assert_eq!(slots(rig.client.partners()), [3, 4, 5, 6, 7, 8, 9, 10, 12]);
}

#[test]
fn a_pong_answers_the_ping_that_is_under_way() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.probe(NOW, 1);
    let token = rig.client.peer(1).unwrap().probe.token;
    assert_ne!(token, 0);
    assert!(rig.client.peer(1).unwrap().owed.ping);
    rig.client.probe(after(10), 1);
    assert_eq!(rig.client.peer(1).unwrap().probe.sent_at, NOW, "it is being asked");
    assert_eq!(rig.client.on_pong(after(30), 1, token ^ 2), Err(Reject::Stale));
    assert_eq!(rig.client.on_pong(after(30), 1, token), Ok(()));
    assert_eq!(rig.client.peer(1).unwrap().link.rtt().smoothed_us(), 30_000);
    assert_eq!(rig.client.on_pong(after(30), 1, 0), Err(Reject::Stale), "nothing is under way");
    rig.client.peer_mut(1).unwrap().acquaintance = Acquaintance::Stranger;
    rig.client.probe(after(40), 1);
    assert_eq!(rig.client.peer(1).unwrap().probe.token, 0, "whom one has not met is not asked");
}

#[test]
fn a_silent_edge_is_asked_again_and_again_and_then_left() {
    // When it was asked last, and what follows from how long a silence.
    for (silence_ms, asked_ms, is_asked, is_left) in [
        (1_000, 0, false, false),
        (1_001, 0, true, false),
        (2_000, 1_500, false, false),
        (2_000, 1_499, true, false),
        (4_000, 0, true, false),
        (4_001, 0, false, true),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        let edge = rig.client.peer_mut(EDGE).unwrap();
        edge.probe.token = 7;
        edge.probe.sent_at = after(asked_ms);
        rig.client.check_peers(after(silence_ms));
        assert_eq!(rig.client.joining.is_some(), is_left, "{silence_ms}");
        if !is_left {
            let is_new = rig.client.peer(EDGE).unwrap().probe.token != 7;
            assert_eq!(is_new, is_asked, "{silence_ms} {asked_ms}");
        }
    }
}

#[test]
fn who_is_silent_for_three_seconds_is_forgotten() {
    for (ms, is_kept) in [(3_000, true), (3_001, false)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 2);
        rig.client.peer_mut(2).unwrap().acquaintance = Acquaintance::Stranger;
        for slot in 0..=2 {
            rig.client.peer_mut(slot).unwrap().link.on_heard(NOW);
        }
        rig.client.peer_mut(EDGE).unwrap().link.on_heard(after(ms));
        rig.client.check_peers(after(ms));
        for slot in 1..=2 {
            assert_eq!(rig.client.peer(slot).unwrap().is_known(), is_kept, "{slot} after {ms}");
        }
    }
}

fn named(peer: u16, slots: u8, named_ds: u32) -> Known {
    let candidate = NamedCandidate {
        client: ClientId(100 + u32::from(peer)),
        address: address(peer).into(),
        slots,
        age_s: 9,
        feedable: 0b11,
    };
    Known { candidate, named_ds, not_before: NOW }
}

#[test]
fn a_peer_that_is_lost_is_set_aside_for_a_minute() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    for peer in 1..=2 {
        rig.client.candidates.push(named(peer, 3, 10)).unwrap();
    }
    rig.client.feeds[0].current = Some(stretch(1));
    rig.client.lose_peer(after(5), 1);
    assert!(!rig.client.peer(1).unwrap().is_known());
    assert!(rig.client.peer(2).unwrap().is_known());
    let not_before: Vec<_> = rig.client.candidates.iter().map(|known| known.not_before).collect();
    assert_eq!(not_before, [after(60_005), NOW]);
    assert_eq!(rig.client.feeds[0].request.map(|request| request.peer), Some(EDGE));
    rig.client.set_aside(ClientId(101), NOW);
    assert_eq!(rig.client.candidates[0].not_before, after(60_005), "no sooner than that");
}

#[test]
fn nothing_is_left_of_a_peer_that_is_forgotten() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    for set in [&mut rig.client.owing, &mut rig.client.serving, &mut rig.client.parting] {
        *set = 0b110;
    }
    rig.client.forget_peer(1);
    let client = &rig.client;
    assert_eq!((client.known, client.owing, client.serving, client.parting), (0b101, 0b100, 0b100, 0b100));
    rig.client.owe(1, |owed| owed.ack = true);
    assert_eq!(rig.client.owing, 0b100, "nobody is there to be owed anything");
}

#[test]
fn a_reset_is_believed_of_the_one_it_comes_from() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    let theirs = rig.client.peer(1).unwrap().their_link;
    let from = |peer| Path::to(address(peer));
    assert_eq!(rig.client.on_reset(NOW, &from(3), theirs), Err(Reject::UnknownPeer));
    assert_eq!(rig.client.on_reset(NOW, &from(1), LinkId(theirs.0 + 1)), Err(Reject::UnknownPeer));
    assert_eq!(rig.client.on_reset(NOW, &from(1), theirs), Ok(()));
    assert!(!rig.client.peer(1).unwrap().is_known());
    assert!(rig.client.peer(2).unwrap().is_known());
    let theirs = rig.client.peer(EDGE).unwrap().their_link;
    assert_eq!(rig.client.on_reset(NOW, &from(0), theirs), Ok(()));
    assert!(rig.client.joining.is_some(), "the edge lost its state");
}

#[test]
fn an_edge_that_says_goodbye_is_asked_again_after_a_second() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    rig.client.on_leave(NOW, EDGE, LeaveReason::Done).unwrap();
    let again_at = rig.client.joining.as_ref().map(|joining| joining.again_at);
    assert_eq!(again_at, Some(after(1_000)));
    let mut head = [0; crate::limits::DATAGRAM_LEN_MAX];
    while let Some(transmit) = rig.client.poll_transmit(NOW, &mut head) {
        assert!(crate::wire::stun::is_stun(&head[..transmit.head_len]), "no hello yet");
    }
    rig.client.handle_timeout(after(1_000));
    assert!(rig.client.poll_transmit(after(1_000), &mut head).is_some());
}

fn candidate(peer: u16, slots: u8) -> Candidate {
    Candidate {
        client: ClientId(100 + u32::from(peer)),
        address: address(peer),
        transport: Transport::Udp,
        slots,
        feedable: 1,
        age_s: 9,
    }
}

#[test]
fn what_is_named_anew_is_taken_anew_but_is_tried_no_sooner() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.candidates.push(named(1, 0, 3)).unwrap();
    rig.client.candidates[0].not_before = after(7);
    rig.client.clocks.find_every = Duration::from_secs(8);
    rig.client.feeds[0].search_at = after(500);
    rig.client.clocks.check_at = after(500);
    assert_eq!(rig.client.on_candidates(after(100), &[]), Ok(()));
    assert_eq!(rig.client.clocks.find_every, Duration::from_secs(8), "nobody was found");
    assert_eq!(rig.client.clocks.check_at, after(500));
    let own = Candidate { client: ClientId(9), ..candidate(3, 3) };
    assert_eq!(rig.client.on_candidates(after(100), &[candidate(1, 3), own, candidate(2, 1)]), Ok(()));
    let known: Vec<_> =
        rig.client.candidates.iter().map(|known| (known.candidate.client.0, known.candidate.slots)).collect();
    assert_eq!(known, [(101, 3), (102, 1)], "one's own name is no news");
    assert_eq!(rig.client.candidates[0].not_before, after(7));
    assert_eq!(rig.client.candidates[0].named_ds, 11);
    assert_eq!(rig.client.clocks.find_every, Duration::from_millis(500));
    assert_eq!((rig.client.feeds[0].search_at, rig.client.clocks.check_at), (after(100), after(100)));
}

#[test]
fn the_candidate_named_first_makes_room() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 0);
    for peer in 20..45 {
        rig.client.on_candidates(NOW, &[candidate(peer, 3)]).unwrap();
    }
    let known: Vec<_> = rig.client.candidates.iter().map(|known| known.candidate.client.0).collect();
    assert_eq!(known, Vec::from_iter(125..145));
}

#[test]
fn a_candidate_can_be_met_for_half_a_minute_unless_it_was_met() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let now = Instant::from_millis(100_000);
    for slot in 0..=1 {
        rig.client.peer_mut(slot).unwrap().link.on_heard(now);
    }
    for (peer, named_ds) in [(1, 1), (5, 700), (6, 699)] {
        rig.client.candidates.push(named(peer, 3, named_ds)).unwrap();
    }
    rig.client.check_peers(now);
    let left: Vec<_> = rig.client.candidates.iter().map(|known| known.candidate.client.0).collect();
    assert_eq!(left, [101, 105]);
    assert_eq!(deciseconds(Instant::from_millis(1_999)), 19);
}

#[test]
fn a_refusal_says_what_to_expect_of_a_candidate() {
    for (reason, slots, feedable, not_before) in [
        (RefuseReason::Full, 0, 0b11, after(2_000)),
        (RefuseReason::Budget, 0, 0b11, after(2_000)),
        (RefuseReason::Slow, 0, 0b11, after(2_000)),
        (RefuseReason::Level, 3, 0b01, NOW),
        (RefuseReason::Unhealthy, 3, 0b01, NOW),
        (RefuseReason::Leaving, 3, 0b11, after(60_000)),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 2);
        for peer in 1..=2 {
            rig.client.candidates.push(named(peer, 3, 10)).unwrap();
        }
        rig.client.on_candidate_refused(NOW, 2, 1, reason);
        let [other, known] = rig.client.candidates[..] else { panic!() };
        let Known { candidate, not_before: then, .. } = known;
        assert_eq!((candidate.slots, candidate.feedable, then), (slots, feedable, not_before), "{reason:?}");
        assert_eq!((other.candidate.slots, other.candidate.feedable, other.not_before), (3, 0b11, NOW));
    }
}
