//! Of one client: what is to be sent to it next, whether it is owed control, and how it addresses the edge.

use super::harness::*;
use crate::edge::client_slot::{ClientSlot, EgressClass, Mask, Pending};
use crate::edge::{EdgeConfig, channel::ChannelId};
use crate::media::FrameId;
use crate::store::Handle;
use crate::wire::control::{LeaveReason, LinkId};

fn slot() -> ClientSlot {
    let mut slot = ClientSlot { feeds: Mask(0b011), leases: Mask(0b100), ..ClientSlot::EMPTY };
    for (substream, next) in [(0, 103), (1, 101), (2, 102)] {
        slot.by_substream[substream].next = FrameId(next);
    }
    slot.first_until = FrameId(102);
    slot
}

#[test]
fn what_is_most_urgent_goes_first_and_of_that_the_oldest() {
    use EgressClass::{BurstFirst, BurstRest, Live, Rescue, Standing};
    // Substreams that are behind and that are rescued, whether the pace is used up; what is next.
    for (behind, rescues, is_paced, newest, next) in [
        (0, 0, false, 110, Some((Live, 1))),
        (0, 0, false, 100, None),
        (0, 0, false, 101, Some((Live, 1))),
        (0, 0b001, false, 110, Some((Rescue, 0))),
        (0b010, 0, false, 110, Some((Live, 2))),
        // Frames before 102 are the first part of a burst.
        (0b111, 0, false, 110, Some((BurstFirst, 1))),
        (0b101, 0, false, 110, Some((Live, 1))),
        (0b111, 0, true, 110, None),
        (0b110, 0, true, 110, Some((Live, 0))),
    ] {
        let mut slot = slot();
        (slot.behind, slot.rescues, slot.is_paced) = (Mask(behind), Mask(rescues), is_paced);
        assert_eq!(slot.next_feed(FrameId(newest)), next, "{behind:b} {rescues:b} {is_paced} {newest}");
    }
    let mut rest = slot();
    (rest.behind, rest.first_until) = (Mask(0b111), FrameId(101));
    assert_eq!(rest.next_feed(FrameId(110)), Some((BurstRest, 1)));
    // What stands still comes before what begins, as far as that part goes.
    let standing = ClientSlot { behind: Mask(0b111), is_standing: true, ..slot() };
    assert_eq!(standing.next_feed(FrameId(110)), Some((Standing, 1)));
    rest.is_standing = true;
    assert_eq!(rest.next_feed(FrameId(110)), Some((BurstRest, 1)));
    assert!(Standing < BurstFirst);
    assert_eq!(slot().active(), Mask(0b111));
}

/// A newcomer that starts on rescue leases, and whose one feed was lost and begun anew for good.
#[test]
fn a_burst_of_rescues_lets_go_first_what_is_played_before_it() {
    use EgressClass::{BurstFirst, BurstRest, Rescue};
    // What is rescued, where the first part ends; what is next of frames 103, 101 and 102.
    for (rescues, first_until, next) in [
        // The oldest frame is another's.
        (0b001, 102, (Rescue, 1)),
        (0b101, 103, (Rescue, 1)),
        // It is not played soon: a rescue comes first.
        (0b001, 100, (Rescue, 0)),
        // Nothing is rescued.
        (0b000, 102, (BurstFirst, 1)),
        (0b000, 100, (BurstRest, 1)),
    ] {
        let mut slot = slot();
        (slot.behind, slot.rescues) = (Mask(0b111), Mask(rescues));
        slot.first_until = FrameId(first_until);
        assert_eq!(slot.next_feed(FrameId(110)), Some(next), "{rescues:b} {first_until}");
    }
    // A rescue at the live edge, with no burst beside it.
    let lone = ClientSlot { behind: Mask(0b001), rescues: Mask(0b001), ..slot() };
    assert_eq!(lone.next_feed(FrameId(110)), Some((Rescue, 0)));
}

#[test]
fn anything_that_is_to_be_told_is_control() {
    assert!(!ClientSlot::EMPTY.has_control());
    let none = Pending::default();
    let pending = [
        Pending { welcome: true, ..none },
        Pending { pong: true, ..none },
        Pending { candidates: true, ..none },
        Pending { introduce: true, ..none },
        Pending { report_ack: true, ..none },
        Pending { redirect: true, ..none },
        Pending { leave: Some(LeaveReason::Done), ..none },
    ];
    for pending in pending {
        assert!(ClientSlot { pending, ..ClientSlot::EMPTY }.has_control());
    }
    assert!(ClientSlot { accepts: Mask(1), ..ClientSlot::EMPTY }.has_control());
    assert!(ClientSlot { refusals: Mask(1), ..ClientSlot::EMPTY }.has_control());
}

#[test]
fn a_link_id_is_of_shard_generation_and_slot() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let edge = memory.edge(EdgeConfig { shard: 5, ..config(1_000_000, 1) });
    for (slot, generation, link) in [
        (3, 1, (5 << 26) | (1 << 16) | 3),
        (0, 1_023, (5 << 26) | (1_023 << 16)),
        // Generations begin anew at 1: 0 would be no link of shard 0.
        (3, 1_024, (5 << 26) | (1 << 16) | 3),
        (3, 1_025, (5 << 26) | (2 << 16) | 3),
    ] {
        assert_eq!(edge.link_id(Handle { slot, generation }), LinkId(link), "{slot} {generation}");
    }
    assert_eq!(edge.slot_of(LinkId((5 << 26) | (1 << 16) | 3)), None, "nobody is there");
}

#[test]
fn a_full_store_lets_go_of_the_channel_that_holds_most() {
    let mut memory = EdgeMemory::new(4, 2, 64);
    let mut world = World::new(&mut memory, config(100_000_000, 90), settings(), 30);
    let held = |world: &World<'_>| {
        let index = &world.edge.frames[usize::from(world.channel.0)];
        (index.oldest(), index.len())
    };
    assert_eq!(held(&world), (Some(FrameId(0)), 30));
    assert!(world.edge.evict_oldest());
    assert_eq!(held(&world), (Some(FrameId(1)), 29));
    for _ in 0..29 {
        assert!(world.edge.evict_oldest());
    }
    assert!(!world.edge.evict_oldest(), "nothing is left");
    assert!(world.edge.channel(ChannelId(0)).is_some());
}
