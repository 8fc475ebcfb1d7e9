//! Nc held to the stage function.

use std::vec::Vec;

use super::harness::*;
use crate::edge::{EdgeConfig, EdgeEvent};
use crate::wire::control::{Class, Grant, LeaveReason, LinkId, Message, Status};

/// Two clients are the edge's by the stages, whoever comes.
fn strict(is_stage_strict: bool) -> EdgeConfig {
    EdgeConfig { is_stage_strict, slope: Some(0.01), ..config(100_000_000, 2) }
}

fn told_of(world: &World<'_>, viewer: usize, grant: Grant) -> usize {
    let is_it = |told: &&(_, Told)| matches!(&told.1, Told::Accept(accept) if accept.grant == grant);
    world.viewers[viewer].told.iter().filter(is_it).count()
}

fn classes(world: &World<'_>) -> Vec<Option<Class>> {
    (0..4).map(|slot| world.edge.clients.at(slot).map(|client| client.class)).collect()
}

/// Four clients, and the first goes when nobody looks for parents any more.
fn short_by_one(memory: &mut EdgeMemory, is_stage_strict: bool) -> World<'_> {
    let mut world = World::new(memory, strict(is_stage_strict), settings(), 30);
    for _ in 0..4 {
        world.join_with_slots(0);
    }
    assert_eq!(classes(&world), [Class::Push, Class::Push, Class::P2p, Class::P2p].map(Some));
    for viewer in [2, 3] {
        for substream in 0..6 {
            let until = world.next_frame;
            world.say(viewer, &Message::Release { substream, until }).unwrap();
        }
    }
    world.run(3 * SECOND);
    world.say(0, &Message::Leave { reason: LeaveReason::Done }).unwrap();
    world.viewers[0].edge_link = LinkId(0);
    world
}

#[test]
fn who_is_fed_by_peers_is_taken_on_when_others_go() {
    for is_stage_strict in [true, false] {
        let mut memory = EdgeMemory::new(8, 1, 256);
        let mut world = short_by_one(&mut memory, is_stage_strict);
        world.run(2 * SECOND);
        let feeds = world.edge.channel(world.channel).unwrap().feeds;
        let given = told_of(&world, 2, Grant::Feed) + told_of(&world, 3, Grant::Feed);
        if !is_stage_strict {
            assert_eq!((feeds, given), (6, 0), "peers feed them well");
            continue;
        }
        assert_eq!((feeds, given), (12, 6));
        assert_eq!(world.edge.stats().promotions, 1);
        let pushed = classes(&world).iter().filter(|&&class| class == Some(Class::Push)).count();
        assert_eq!(pushed, 2);
    }
}

#[test]
fn what_is_more_than_the_stages_want_is_left_to_peers_that_can_take_it_on() {
    for (slots, leaves) in [(12, true), (5, false)] {
        let mut memory = EdgeMemory::new(8, 1, 256);
        let mut world = World::new(&mut memory, strict(true), settings(), 30);
        for _ in 0..4 {
            world.join_with_slots(0);
        }
        world.run(3 * SECOND);
        // A third of the edge's own: the churn was thought to be worse.
        let slot = 2;
        for substream in 0..6 {
            world.edge.regrant(slot, substream, Some(crate::edge::feeds::Granted::Feed));
        }
        world.edge.clients.at_mut(slot).unwrap().class = Class::Push;
        let channel = world.edge.channel_mut(world.channel).unwrap();
        (channel.slots_all, channel.slots_free) = (slots, slots);
        let status = Status { edge_feeds: 0x3f, ..Status::default() };
        world.say(2, &Message::Status(status)).unwrap();
        let client = world.edge.clients.at(slot).unwrap();
        let now = (client.class, client.feeds.0, client.leases.0);
        assert_eq!(now, if leaves { (Class::P2p, 0, 0x3f) } else { (Class::Push, 0x3f, 0) });
        assert_eq!(world.edge.stats().demotions, u64::from(leaves));
        world.run(SECOND / 10);
        let is_demoted = |event: &EdgeEvent| matches!(event, EdgeEvent::Demoted { .. });
        assert_eq!(world.events.iter().any(is_demoted), leaves);
        assert_eq!(told_of(&world, 2, Grant::Lease) >= 6, leaves);
    }
}
