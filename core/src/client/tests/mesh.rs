//! The overlay mode without feeds between clients: what is pulled, of whom, who answers, and when more partners are
//! wanted.

use std::vec::Vec;

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::Stretch;
use crate::client::peer::{Acquaintance, EDGE};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::control::{Accept, Class, Grant, PullItem};
use crate::wire::{DataHeader, Message, SendReason};
use crate::{Instant, Reject};

fn memory() -> Memory {
    Memory::new(12, 512, 16, 1_024)
}

fn rig(memory: &mut Memory, peers: u16) -> Rig<'_> {
    let settings = ChannelSettings { overlay: Overlay::Mesh, ..one_substream() };
    let mut rig = Rig::new(memory, Class::P2p, settings, peers);
    for feed in &mut rig.client.feeds {
        feed.current = None;
        feed.request = None;
    }
    rig.client.holes.clear();
    rig
}

fn holes(rig: &Rig<'_>) -> Vec<u32> {
    rig.client.holes.iter().map(|hole| hole.frame.0).collect()
}

fn set_newest(rig: &mut Rig<'_>, newest: u32) {
    rig.client.session.as_mut().unwrap().newest = FrameId(newest);
}

#[test]
fn who_is_fed_does_not_pull_all() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    assert!(rig.client.is_in_mesh() && rig.client.is_pulling());
    rig.client.feeds[0].current =
        Some(Stretch { peer: EDGE, next: FrameId(100), until: None, heard_at: NOW });
    assert!(!rig.client.is_pulling(), "a seed");
    rig.client.feeds[0].current = None;
    rig.client.session.as_mut().unwrap().settings.overlay = Overlay::Push;
    assert!(!rig.client.is_in_mesh() && !rig.client.is_pulling());
}

/// Frames that are held from the playhead on.
fn hold(rig: &mut Rig<'_>, ids: core::ops::Range<u32>) {
    for id in ids {
        let key = crate::store::StoreKey { slot: id, generation: 1 };
        let info = crate::media::FrameInfo { id: FrameId(id), len: 1, ..Default::default() };
        rig.client.frames.insert_complete(info, key, 1).unwrap();
    }
}

#[test]
fn six_partners_that_hold_what_comes_next_or_may_are_enough() {
    // How many there are, whether the last one holds the next, for how long it has been known, whether it was met.
    for (peers, is_holding, known_for_ms, is_met, lacks) in [
        (6, true, 10_000, true, false),
        (5, true, 10_000, true, true),
        (6, false, 2_000, true, true),
        (6, false, 1_999, true, false),
        (6, true, 10_000, false, true),
        (7, true, 10_000, false, false),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, peers);
        rig.client.playout.start(FrameId(100));
        let last = u8::try_from(peers).unwrap();
        for peer in 1..=peers {
            rig.tell_map(peer, &[if peer < peers || is_holding { 100 } else { 99 }]);
        }
        rig.client.peer_mut(last).unwrap().met_at = NOW;
        if !is_met {
            rig.client.peer_mut(last).unwrap().acquaintance = Acquaintance::Stranger;
        }
        let now = after(known_for_ms);
        assert_eq!(rig.client.lacks_partners(now), lacks, "{peers} {is_holding} {known_for_ms} {is_met}");
        rig.client.session.as_mut().unwrap().settings.overlay = Overlay::Push;
        assert!(!rig.client.lacks_partners(now), "it pulls from none");
    }
}

#[test]
fn what_is_played_next_is_asked_for_in_its_order_up_to_the_live_edge() {
    for (newest, least) in [(140, 100..=119), (103, 100..=103)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 8);
        rig.client.playout.start(FrameId(100));
        hold(&mut rig, 101..102);
        for peer in 1..=8 {
            rig.tell_map(peer, &(100..=140).collect::<Vec<_>>());
        }
        set_newest(&mut rig, newest);
        rig.client.pull_from_partners(NOW);
        let asked = holes(&rig);
        assert!(least.filter(|&id| id != 101).all(|id| asked.contains(&id)), "{newest}: {asked:?}");
        assert!(!asked.contains(&101) && asked.iter().all(|&id| id <= newest), "{asked:?}");
        // Three at each of eight.
        assert!(asked.len() <= 24, "{asked:?}");
    }
}

#[test]
fn twelve_frames_that_are_played_later_are_asked_for_at_once_while_nothing_is_in_the_buffer() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 11);
    rig.client.playout.start(FrameId(100));
    // The buffer of the channel is 15 s, 375 frames: what is offered beyond finds no room.
    for peer in 1..=10 {
        rig.tell_map(peer, &(300..360).collect::<Vec<_>>());
    }
    rig.tell_map(11, &(500..560).collect::<Vec<_>>());
    for look in 0..40 {
        rig.client.pull_from_partners(after(look * 40));
    }
    let asked = holes(&rig);
    assert_eq!(asked.len(), 12, "{asked:?}");
    assert!(asked.iter().all(|id| (300..360).contains(id)), "{asked:?}");
}

#[test]
fn of_what_is_drawn_the_rarest_is_asked_for() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.playout.start(FrameId(100));
    rig.tell_map(1, &[300, 301, 302, 303, 304, 305]);
    rig.tell_map(2, &[300, 301, 302, 303, 305]);
    let mut drawn = [0; 8];
    for _ in 0..200 {
        let id = rig.client.draw_rarest(FrameId(300), FrameId(307)).expect("six of eight are offered");
        drawn[id.0 as usize - 300] += 1;
    }
    // Eight draws of eight meet it two times of three.
    assert!(drawn[4] > 100, "{drawn:?}");
    assert_eq!(drawn[6..], [0, 0], "nobody holds them");
    assert!(drawn[0] > 0 && drawn[5] > 0, "{drawn:?}");
}

#[test]
fn the_partner_with_the_fewest_open_questions_is_asked_and_the_nearest_of_those() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 3);
    rig.client.playout.start(FrameId(100));
    for (slot, ms) in [(1, 50), (2, 20), (3, 5)] {
        rig.set_rtt(slot, ms);
    }
    rig.tell_map(1, &[100, 101, 102, 103, 104]);
    rig.tell_map(2, &[100, 101, 102, 103, 104]);
    // The nearest holds none of it.
    rig.tell_map(3, &[200]);
    set_newest(&mut rig, 110);
    rig.client.pull_from_partners(NOW);
    let asked = |rig: &Rig<'_>, slot| rig.client.holes.iter().filter(|hole| hole.asked == Some(slot)).count();
    assert_eq!([1, 2, 3].map(|slot| asked(&rig, slot)), [2, 3, 0], "in turns, the nearer first");
    assert_eq!(rig.client.stats().pulls, 5);
    // An answer may stand in the other's queue for two seconds.
    let first = rig.client.holes.get(FrameId(100)).unwrap();
    assert!(first.again_at.since(NOW).as_millis() > 2_000);
    rig.client.pull_from_partners(after(40));
    assert_eq!(rig.client.stats().pulls, 5, "what is asked for is waited for");
}

#[test]
fn who_answers_is_asked_for_more_at_once_and_who_will_not_for_less() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.playout.start(FrameId(100));
    rig.tell_map(1, &(100..130).collect::<Vec<_>>());
    rig.client.pull_from_partners(NOW);
    assert_eq!(holes(&rig).len(), 3, "at first");
    // An eighth of a question more with each answer, a quarter of all less with each refusal.
    for (answers, refusals, questions) in [(7, 0, 3), (1, 0, 4), (8, 0, 5), (90, 0, 8), (0, 1, 6), (0, 30, 1)]
    {
        for _ in 0..answers {
            rig.client.on_answered(1);
        }
        for _ in 0..refusals {
            rig.client.on_unanswered(1);
        }
        let max = rig.client.questions_max(1);
        assert_eq!(max, questions, "{answers} {refusals}");
    }
    // A frame that was asked for brings it about.
    for (reason, eighths) in [(SendReason::Pull, 1), (SendReason::Feed, 0)] {
        let before = rig.client.windows[1];
        let id = holes(&rig)[0];
        let header = DataHeader { reason, ..rig.header(id) };
        // Nobody feeds: what was not asked for is taken all the same.
        let _ = rig.send(NOW, 1, header);
        rig.client.on_pull_due(NOW);
        assert_eq!(rig.client.windows[1] - before, eighths);
    }
}

#[test]
fn who_is_at_the_live_edge_is_asked_only_for_what_nobody_else_holds() {
    // 25 frames are a second: whose map reaches as far is at the live edge.
    for (newest_of_first, asked) in [(974, 1), (975, 2), (976, 2)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 2);
        rig.set_rtt(1, 5);
        rig.set_rtt(2, 50);
        rig.tell_map(1, &[940, newest_of_first]);
        rig.tell_map(2, &[940, 941]);
        set_newest(&mut rig, 1_000);
        assert_eq!(rig.client.least_busy(FrameId(940), None, &[0; 64]), Some(asked), "{newest_of_first}");
        assert_eq!(
            rig.client.least_busy(FrameId(newest_of_first), None, &[0; 64]),
            Some(1),
            "there is no other"
        );
        assert_eq!(rig.client.least_busy(FrameId(940), None, &[3; 64]), None, "both have enough to do");
    }
}

#[test]
fn who_did_not_answer_is_asked_for_the_frame_again_when_it_tells_that_it_holds_it() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.playout.start(FrameId(100));
    rig.set_rtt(1, 5);
    rig.set_rtt(2, 50);
    rig.tell_map(1, &[100, 101]);
    rig.tell_map(2, &[100, 101]);
    set_newest(&mut rig, 100);
    rig.client.pull_from_partners(NOW);
    let hole = |rig: &Rig<'_>| rig.client.holes.get(FrameId(100)).copied();
    assert_eq!(hole(&rig).unwrap().asked, Some(1));
    // It says that it will not: the other is asked at the next look.
    assert_eq!(rig.say(after(10), 1, &Message::Missing { frame: FrameId(100) }), Ok(()));
    assert!(rig.client.windows[1] < 0);
    rig.client.pull_from_partners(after(40));
    assert_eq!(hole(&rig).unwrap().asked, Some(2));
    let later = hole(&rig).unwrap().again_at;
    rig.client.pull_from_partners(later);
    assert_eq!(hole(&rig), None, "neither is believed to hold it");
    rig.tell_map(1, &[100, 101]);
    rig.client.pull_from_partners(later);
    assert_eq!(hole(&rig).unwrap().asked, Some(1));
}

/// Peer 1 asks for five frames of ten fragments each; what it is told to be missing.
fn refused(rig: &mut Rig<'_>, now: Instant) -> Vec<u32> {
    let item = |frame| PullItem { frame: FrameId(frame), first: 0, wanted: u64::MAX };
    let items = (100..105).map(item).collect();
    assert_eq!(rig.say(now, 1, &Message::Pull { items, can_wait: false }), Ok(()));
    let missing =
        rig.hear(now, |message| if let Message::Missing { frame } = message { Some(frame.0) } else { None });
    let mut frames: Vec<_> = missing.into_iter().map(|(_, frame)| frame).collect();
    frames.sort_unstable();
    frames
}

#[test]
fn what_the_uplink_could_send_only_late_is_refused_at_once() {
    // Ten fragments take 226 ms of 400 kbit/s: three are more than half a second.
    for (overlay, expected) in [(Overlay::Mesh, &[103, 104][..]), (Overlay::Push, &[])] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 1);
        for id in 100..105 {
            let header = rig.long(id, 10);
            for fragment in 0..10 {
                rig.send(NOW, 0, DataHeader { fragment, ..header }).unwrap();
            }
        }
        rig.client.ledbat.set_cap(400_000);
        rig.client.session.as_mut().unwrap().settings.overlay = overlay;
        assert_eq!(refused(&mut rig, after(1_000)), expected, "{overlay:?}");
    }
}

#[test]
fn a_frame_asked_for_goes_out_whole() {
    for (overlay, expected) in [(Overlay::Mesh, [1, 1, 1, 2, 2, 2]), (Overlay::Push, [1, 2, 1, 2, 1, 2])] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 2);
        let header = rig.long(100, 3);
        for fragment in 0..3 {
            rig.send(NOW, 0, DataHeader { fragment, ..header }).unwrap();
        }
        rig.client.session.as_mut().unwrap().settings.overlay = overlay;
        let _ = rig.drain(NOW);
        for peer in [1, 2] {
            let items = [PullItem { frame: FrameId(100), first: 0, wanted: 0b111 }].into_iter().collect();
            assert_eq!(rig.say(NOW, peer, &Message::Pull { items, can_wait: false }), Ok(()));
        }
        let (data, _) = rig.drain(NOW);
        assert_eq!(data.iter().map(|sent| sent.to).collect::<Vec<_>>(), expected, "{overlay:?}");
    }
}

#[test]
fn the_edge_is_told_how_many_partners_more_there_is_room_for() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 5);
    let slots = |rig: &Rig<'_>| rig.client.status(NOW).slots;
    assert_eq!(slots(&rig), rig.client.peers_len() - 6, "all but the edge and five");
    rig.client.ledbat.set_cap(0);
    assert_eq!(slots(&rig), 0, "nothing is to be had from it");
}

/// A channel has so many substreams: what is granted beyond them is no feed, and keeps nobody in a mesh from pulling.
#[test]
fn a_feed_of_a_substream_that_the_channel_does_not_have_is_none() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    let accept = Accept { substream: 1, first: FrameId(120), level: 0, grant: Grant::Feed };
    assert_eq!(rig.say(NOW, 0, &Message::Accept(accept)), Err(Reject::Stale));
    assert!(rig.client.feeds.iter().all(|feed| feed.current.is_none()));
    assert!(rig.client.is_pulling());
}
