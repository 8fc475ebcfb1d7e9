//! The overlay mode without feeds between clients: what is pulled, of whom, and when more partners are wanted.

use std::vec::Vec;

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::Instant;
use crate::client::feed::Stretch;
use crate::client::peer::{Acquaintance, EDGE};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::control::Class;

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

/// Whom the frame is asked of at a look.
fn asked_of(rig: &mut Rig<'_>, now: Instant, frame: u32) -> Option<u8> {
    let tries = rig.client.holes.get(FrameId(frame)).map_or(0, |hole| hole.tries);
    rig.client.pull_from_partners(now);
    let hole = rig.client.holes.get(FrameId(frame)).filter(|hole| hole.tries > tries);
    hole.and_then(|hole| hole.asked)
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

#[test]
fn six_partners_that_hold_what_comes_next_are_enough() {
    // How many there are, the newest frame of the last one's map, whether that one was met.
    for (peers, newest, is_met, lacks) in [
        (6, 105, true, false),
        (5, 105, true, true),
        (6, 104, true, true),
        (6, 105, false, true),
        (7, 105, true, false),
    ] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, peers);
        // 100 to 104 are here.
        rig.client.playout.start(FrameId(100));
        for id in 100..105 {
            let key = crate::store::StoreKey { slot: id, generation: 1 };
            let info = crate::media::FrameInfo { id: FrameId(id), len: 1, ..Default::default() };
            rig.client.frames.insert_complete(info, key, 1).unwrap();
        }
        for peer in 1..peers {
            rig.tell_map(peer, &[105]);
        }
        rig.tell_map(peers, &[newest]);
        if !is_met {
            rig.client.peer_mut(u8::try_from(peers).unwrap()).unwrap().acquaintance = Acquaintance::Stranger;
        }
        assert_eq!(rig.client.lacks_partners(), lacks, "{peers} {newest} {is_met}");
        rig.client.session.as_mut().unwrap().settings.overlay = Overlay::Push;
        assert!(!rig.client.lacks_partners(), "it pulls from none");
    }
}

#[test]
fn the_next_six_are_kept_in_mind_up_to_the_live_edge() {
    for (newest, expected) in [(140, &[100, 102, 103, 104, 105, 106][..]), (103, &[100, 102, 103]), (99, &[])]
    {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 0);
        rig.client.playout.start(FrameId(100));
        let key = crate::store::StoreKey { slot: 1, generation: 1 };
        let info = crate::media::FrameInfo { id: FrameId(101), len: 1, ..Default::default() };
        rig.client.frames.insert_complete(info, key, 1).unwrap();
        set_newest(&mut rig, newest);
        rig.client.pull_from_partners(NOW);
        assert_eq!(holes(&rig), expected, "{newest}");
    }
}

#[test]
fn frames_that_a_partner_offers_are_drawn_from_the_target_buffer() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.playout.start(FrameId(100));
    set_newest(&mut rig, 2_000);
    // 15 s are 375 frames: what is offered beyond is not wanted yet.
    rig.tell_map(1, &(300..360).collect::<Vec<_>>());
    rig.tell_map(2, &(500..560).collect::<Vec<_>>());
    set_newest(&mut rig, 2_000);
    for look in 0..300 {
        rig.client.pull_from_partners(after(look * 40));
    }
    let drawn: Vec<_> = holes(&rig).into_iter().filter(|id| *id >= 110).collect();
    assert!(drawn.len() > 20, "{drawn:?}");
    assert!(drawn.iter().all(|id| (300..360).contains(id)), "{drawn:?}");
}

#[test]
fn the_partner_with_the_fewest_open_questions_is_asked_and_the_nearest_of_those() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 3);
    rig.client.playout.start(FrameId(100));
    set_newest(&mut rig, 1_000);
    for (slot, ms) in [(1, 50), (2, 20), (3, 5)] {
        rig.set_rtt(slot, ms);
    }
    rig.tell_map(1, &[100, 101, 102, 103, 104, 105]);
    rig.tell_map(2, &[100, 101, 102, 103, 104, 105]);
    // The nearest holds none of it.
    rig.tell_map(3, &[200]);
    rig.client.pull_from_partners(NOW);
    let asked: Vec<_> = rig.client.holes.iter().map(|hole| hole.asked).collect();
    assert_eq!(asked, [Some(2), Some(1), Some(2), Some(1), Some(2), Some(1)], "in turns, the nearer first");
    assert_eq!(rig.client.stats().pulls, 6);
    // An answer may stand in the other's queue for two seconds.
    let first = rig.client.holes.get(FrameId(100)).unwrap();
    assert!(first.again_at.since(NOW).as_millis() > 2_000);
    rig.client.pull_from_partners(after(40));
    assert_eq!(rig.client.stats().pulls, 6, "what is asked for is waited for");
}

#[test]
fn three_questions_are_open_at_one_partner_at_most() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.playout.start(FrameId(100));
    set_newest(&mut rig, 1_000);
    rig.tell_map(1, &[100, 101, 102, 103, 104, 105]);
    rig.client.pull_from_partners(NOW);
    let asked = |rig: &Rig<'_>| rig.client.holes.iter().filter(|hole| hole.asked == Some(1)).count();
    assert_eq!(asked(&rig), 3);
    rig.client.pull_from_partners(after(40));
    assert_eq!(asked(&rig), 3);
    rig.client.holes.at_mut(1).unwrap().again_at = after(50);
    rig.client.pull_from_partners(after(60));
    assert_eq!(rig.client.stats().pulls, 4, "one was answered, or never will be");
}

#[test]
fn who_is_at_the_live_edge_is_asked_only_for_what_nobody_else_holds() {
    // 25 frames are a second: whose map reaches as far is at the live edge.
    for (newest_of_first, asked) in [(976, 1), (974, 1), (975, 2)] {
        let mut memory = memory();
        let mut rig = rig(&mut memory, 2);
        rig.client.playout.start(FrameId(940));
        rig.set_rtt(1, 5);
        rig.set_rtt(2, 50);
        rig.tell_map(1, &[940, newest_of_first]);
        rig.tell_map(2, &[940, 941]);
        set_newest(&mut rig, 1_000);
        let expected = if newest_of_first >= 975 { 2 } else { asked };
        assert_eq!(asked_of(&mut rig, NOW, 940), Some(expected), "{newest_of_first}");
    }
    let mut memory = memory();
    let mut rig = rig(&mut memory, 1);
    rig.client.playout.start(FrameId(970));
    rig.tell_map(1, &[970, 1_000]);
    assert_eq!(asked_of(&mut rig, NOW, 970), Some(1), "there is no other");
}

#[test]
fn who_did_not_answer_is_asked_again_only_when_there_is_no_other() {
    let mut memory = memory();
    let mut rig = rig(&mut memory, 2);
    rig.client.playout.start(FrameId(100));
    set_newest(&mut rig, 100);
    rig.set_rtt(1, 5);
    rig.set_rtt(2, 50);
    rig.tell_map(1, &[100, 101]);
    rig.tell_map(2, &[100, 101]);
    set_newest(&mut rig, 100);
    let mut now = NOW;
    for expected in [1, 2, 1] {
        assert_eq!(asked_of(&mut rig, now, 100), Some(expected));
        now = rig.client.holes.get(FrameId(100)).unwrap().again_at;
    }
    rig.client.peer_mut(2).unwrap().acquaintance = Acquaintance::Stranger;
    assert_eq!(asked_of(&mut rig, now, 100), Some(1));
}
