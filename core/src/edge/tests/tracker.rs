//! Who is told about whom.

use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::Reject;
use crate::edge::tracker::shares;
use crate::wire::control::{Candidate, Class, Message, Status};

fn asked(world: &mut World<'_>, viewer: usize, substreams: u16) -> Vec<Candidate> {
    world.say(viewer, &Message::FindParents { substreams }).unwrap();
    let found = world.viewers[viewer].told.iter().rev().find_map(|(_, told)| match told {
        Told::Candidates(list) => Some(list.clone()),
        _ => None,
    });
    found.unwrap()
}

/// `suppliers` push clients with `slots` each, and a push client without.
fn crowd(memory: &mut EdgeMemory, suppliers: usize, slots: u8) -> World<'_> {
    let mut world = World::new(memory, config(100_000_000, 90), settings(), 30);
    world.join_with_slots(0);
    for _ in 0..suppliers {
        world.join_with_slots(slots);
    }
    world
}

#[test]
fn an_answer_names_eight_distinct_others_and_holds_their_slots_for_two_seconds() {
    for suppliers in [20, 60] {
        let mut memory = EdgeMemory::new(80, 1, 64);
        let mut world = crowd(&mut memory, suppliers, 5);
        let list = asked(&mut world, 1, 0x3f);
        assert_eq!(list.len(), 8);
        let mut ids: Vec<_> = list.iter().map(|candidate| candidate.client).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 8);
        assert!(!ids.contains(&world.viewers[1].id), "never the asker");
        assert!(!ids.contains(&world.viewers[0].id), "nor one without slots");
        assert_eq!(world.edge.tracker.reserved(), 8);
        world.run(Duration::from_millis(1_900));
        assert_eq!(world.edge.tracker.reserved(), 8);
        world.run(Duration::from_millis(200));
        assert_eq!(world.edge.tracker.reserved(), 0);
        assert!(world.edge.clients.iter().all(|(_, client)| client.reserved == 0));
    }
}

#[test]
fn held_slots_are_not_offered_twice() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 3, 1);
    assert_eq!(asked(&mut world, 0, 0x3f).len(), 3);
    world.run(Duration::from_millis(600));
    assert_eq!(asked(&mut world, 0, 0x3f).len(), 0);
    world.run(Duration::from_millis(1_600));
    assert_eq!(asked(&mut world, 0, 0x3f).len(), 3);
}

#[test]
fn only_those_who_can_feed_what_is_wanted_are_named() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 3, 5);
    let status = Status { slots: 5, slots_max: 5, feedable: 0b10, ..Status::default() };
    world.say(2, &Message::Status(status)).unwrap();
    let list = asked(&mut world, 0, 0b1);
    assert_eq!(list.len(), 2);
    assert!(list.iter().all(|candidate| candidate.client != world.viewers[2].id));
    let none = Status { slots: 0, slots_max: 5, feedable: 0x3f, ..Status::default() };
    world.say(1, &Message::Status(none)).unwrap();
    world.run(Duration::from_millis(2_500));
    // The statuses the harness repeats put the slots back.
    assert_eq!(asked(&mut world, 0, 0b1).len(), 3);
}

#[test]
fn one_client_is_answered_every_half_second() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 3, 5);
    asked(&mut world, 0, 0x3f);
    let again = world.say(0, &Message::FindParents { substreams: 0x3f });
    assert_eq!(again, Err(Reject::Duplicate));
    assert_eq!(world.say(1, &Message::FindParents { substreams: 0 }), Err(Reject::Unexpected));
}

#[test]
fn half_a_second_later_to_the_microsecond_it_is_answered_again() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 3, 5);
    let begun = world.now;
    asked(&mut world, 0, 0x3f);
    assert_eq!(world.edge.tracker.next_expiry(), Some(begun + 2 * SECOND));
    let find = Message::FindParents { substreams: 0x3f };
    world.now = begun.plus_micros(499_999);
    assert_eq!(world.say(0, &find), Err(Reject::Duplicate));
    world.now = begun.plus_micros(500_000);
    assert_eq!(world.say(0, &find), Ok(()));
}

#[test]
fn a_candidate_s_age_is_told_in_seconds_up_to_255() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 1, 5);
    world.is_publishing = false;
    for (later, age_s) in [(3, 3), (297, 255)] {
        let list = {
            world.now = world.now + later * SECOND;
            world.statuses();
            asked(&mut world, 0, 0x3f)
        };
        assert_eq!(list.iter().map(|candidate| candidate.age_s).collect::<Vec<_>>(), [age_s]);
    }
}

#[test]
fn those_who_left_are_not_named() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = crowd(&mut memory, 5, 5);
    for viewer in [1, 3, 5] {
        world.say(viewer, &Message::Leave { reason: crate::wire::control::LeaveReason::Done }).unwrap();
    }
    let ids: Vec<_> = asked(&mut world, 0, 0x3f).iter().map(|candidate| candidate.client).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&world.viewers[2].id) && ids.contains(&world.viewers[4].id));
}

#[test]
fn a_newcomer_hears_of_candidates_in_its_welcome() {
    let mut memory = EdgeMemory::new(16, 1, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 2), settings(), 30);
    world.join_with_slots(5);
    world.join_with_slots(5);
    let viewer = world.join();
    assert_eq!(world.viewers[viewer].class, Class::P2p);
    let named = world.viewers[viewer].told.iter().find_map(|(_, told)| match told {
        Told::Welcome { candidates, .. } => Some(candidates.clone()),
        _ => None,
    });
    let named = named.unwrap();
    assert_eq!(named.len(), 2);
    assert!(named.iter().all(|candidate| candidate.feedable == 0x3f && candidate.slots == 5));
    assert_eq!(named.iter().find(|c| c.client == world.viewers[0].id).unwrap().address, address(0));
}

#[test]
fn the_loaded_are_named_less_often() {
    let mut memory = EdgeMemory::new(128, 1, 64);
    let mut world = crowd(&mut memory, 40, 2);
    for _ in 0..40 {
        world.join_with_slots(12);
    }
    let mut named = [0; 2];
    for _ in 0..20 {
        for candidate in asked(&mut world, 0, 0x3f) {
            named[usize::from(candidate.slots == 12)] += 1;
        }
        world.run(Duration::from_millis(2_100));
    }
    // Of two at random the better is loaded in a quarter of the cases.
    assert!(named[0] * 2 < named[1], "{named:?}");
}

#[test]
fn slots_are_shared_out_one_each_and_then_up_to_half_at_one() {
    let table: [(&[u8], usize, &[u8]); 6] = [
        (&[], 6, &[]),
        (&[0, 0], 6, &[0, 0]),
        (&[9, 9], 6, &[3, 3]),
        (&[1, 9], 6, &[1, 3]),
        (&[5, 5, 5, 5, 5, 5, 5, 5], 6, &[1, 1, 1, 1, 1, 1, 1, 1]),
        (&[5, 5, 5], 1, &[1, 1, 1]),
    ];
    for (free, wanted, held) in table {
        assert_eq!(shares(free, wanted)[..], *held, "{free:?} {wanted}");
    }
}
