//! Any order of calls, any datagram: what the edge keeps stays consistent.

use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::harness::*;
use crate::Endpoint;
use crate::edge::client_slot::{ClientSlot, EgressClass};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::wire::ControlWriter;
use crate::wire::control::{Ack, LeaveReason, LinkId, Message, PullItem, Status, Subscribe};

const VIEWERS: usize = 6;

#[derive(Clone, Debug)]
enum Said {
    Subscribe(u8, u32),
    Release(u8, u32),
    Pull(u32, u16, u64),
    FindParents(u16),
    Status(bool, u16),
    Ack(u32, Vec<u8>),
    Ping(u32),
    Leave,
    Reset(u32),
}

#[derive(Clone, Debug)]
enum Op {
    Hello(usize),
    Say(usize, Said),
    /// A message with one byte changed.
    Mangle(usize, Said, usize, u8),
    Raw(usize, Vec<u8>),
    Push,
    Wait(u16),
    /// Time passes and nobody sees to the edge.
    Idle(u16),
    PollOnce,
    Drop,
    Reopen(bool),
    Evict,
}

fn said() -> impl Strategy<Value = Said> {
    let frame = prop_oneof![0..200_u32, any::<u32>()];
    prop_oneof![
        4 => (0..8_u8, frame.clone()).prop_map(|(substream, from)| Said::Subscribe(substream, from)),
        4 => (0..8_u8, frame.clone()).prop_map(|(substream, until)| Said::Release(substream, until)),
        2 => (frame, 0..4_u16, any::<u64>()).prop_map(|(frame, first, wanted)| Said::Pull(frame, first, wanted)),
        2 => any::<u16>().prop_map(Said::FindParents),
        3 => (any::<bool>(), any::<u16>()).prop_map(|(has_slots, feeds)| Said::Status(has_slots, feeds)),
        2 => (0..80_u32, prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(largest, runs)| Said::Ack(largest, runs)),
        1 => any::<u32>().prop_map(Said::Ping),
        1 => Just(Said::Leave),
        1 => (500..506_u32).prop_map(Said::Reset),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..VIEWERS).prop_map(Op::Hello),
        8 => (0..VIEWERS, said()).prop_map(|(viewer, said)| Op::Say(viewer, said)),
        2 => (0..VIEWERS, said(), 0..40_usize, any::<u8>()).prop_map(|(v, s, place, byte)| Op::Mangle(v, s, place, byte)),
        1 => (0..VIEWERS, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(viewer, bytes)| Op::Raw(viewer, bytes)),
        5 => Just(Op::Push),
        3 => (0..4_000_u16).prop_map(Op::Wait),
        1 => (0..12_000_u16).prop_map(Op::Idle),
        3 => Just(Op::PollOnce),
        1 => Just(Op::Drop),
        1 => any::<bool>().prop_map(Op::Reopen),
        1 => Just(Op::Evict),
    ]
}

/// The message in words of the wire; what borrows is lent by the caller.
fn message(said: &Said, slots: u8) -> Message<'_> {
    match said {
        Said::Subscribe(substream, from) => {
            Message::Subscribe(Subscribe { substream: *substream, from: FrameId(*from), level: 2 })
        }
        Said::Release(substream, until) => Message::Release { substream: *substream, until: FrameId(*until) },
        Said::Pull(frame, first, wanted) => {
            let item = PullItem { frame: FrameId(*frame), first: *first, wanted: *wanted };
            Message::Pull {
                items: heapless::Vec::from_slice(&[item, item]).unwrap(),
                can_wait: frame % 2 == 0,
            }
        }
        Said::FindParents(substreams) => Message::FindParents { substreams: *substreams },
        // The slots a client tells are always the same, or none: they are compared with what was promised.
        Said::Status(has_slots, mask) => Message::Status(Status {
            slots,
            slots_max: slots,
            feedable: if *has_slots { *mask } else { 0 },
            edge_feeds: *mask,
            ..Status::default()
        }),
        Said::Ack(largest, runs) => Message::Ack(Ack { largest: *largest, delay_us: 0, one_way_us: 0, runs }),
        Said::Ping(token) => Message::Ping { token: *token },
        Said::Leave => Message::Leave { reason: LeaveReason::Done },
        Said::Reset(link) => Message::Reset { link: LinkId(*link) },
    }
}

fn apply(world: &mut World<'_>, op: &Op) {
    match op {
        Op::Hello(viewer) => {
            let _taken = world.hello(*viewer);
        }
        Op::Say(viewer, said @ Said::Reset(_)) => {
            let _taken = world.say_raw(*viewer, LinkId(0), &[message(said, 0)]);
        }
        Op::Say(viewer, said) => {
            let _taken = world.say(*viewer, &message(said, slots_of(*viewer)));
        }
        Op::Mangle(viewer, said, place, byte) => {
            let mut out = [0; DATAGRAM_LEN_MAX];
            let link = world.viewers[*viewer].edge_link;
            let mut writer = ControlWriter::new(&mut out, link).unwrap();
            writer.push(&message(said, slots_of(*viewer)));
            let len = writer.finish();
            // What a status tells of slots is left as it is: see `message`.
            if !matches!(said, Said::Status(..)) {
                out[place % len] ^= byte;
            }
            let path = world.viewers[*viewer].path;
            let _taken = world.edge.handle_datagram(world.now, path, &out[..len]);
        }
        Op::Raw(viewer, bytes) => {
            let path = world.viewers[*viewer].path;
            let _taken = world.edge.handle_datagram(world.now, path, bytes);
        }
        Op::Push => {
            let is_open = world.edge.channel_view(world.channel).is_some_and(|view| view.is_open);
            if is_open {
                world.push();
            }
        }
        Op::Wait(ms) => world.run(Duration::from_millis(u64::from(*ms))),
        Op::Idle(ms) => {
            world.now = world.now + Duration::from_millis(u64::from(*ms));
            world.edge.handle_timeout(world.now);
            assert!(world.edge.poll_timeout().is_none_or(|deadline| deadline.at > world.now));
        }
        Op::PollOnce => {
            let mut head = [0; DATAGRAM_LEN_MAX];
            let _lost = world.edge.poll_transmit(world.now, &mut head);
        }
        Op::Drop => world.edge.suspend_channel(world.now, world.channel),
        Op::Reopen(is_other) => {
            let mut settings = world.settings;
            if *is_other {
                settings.startup_ms ^= 1;
            }
            if let Ok((channel, resume)) = world.edge.open_channel(world.now, &name(), settings, &[], None) {
                (world.channel, world.next_frame, world.settings) = (channel, resume.next, settings);
            }
        }
        Op::Evict => {
            world.edge.evict_oldest();
        }
    }
}

fn slots_of(viewer: usize) -> u8 {
    u8::try_from(viewer).unwrap()
}

/// Everything that is kept twice says the same twice.
fn check(world: &World<'_>) {
    let edge = &world.edge;
    let clients: BTreeMap<u32, &ClientSlot> =
        edge.clients.iter().map(|(h, client)| (h.slot, client)).collect();
    assert_eq!(edge.addresses.len(), edge.clients.len());
    for (&slot, client) in &clients {
        assert_eq!(edge.addresses.get(&client.path.remote), Some(slot));
        assert!(client.reserved <= client.slots, "{} of {}", client.reserved, client.slots);
        assert_eq!(client.feeds.0 & client.leases.0, 0);
        assert_eq!(client.rescues.0 & !client.leases.0, 0);
        assert_eq!((client.cut.0 | client.behind.0) & !client.active().0, 0);
    }
    let reserved: usize = clients.values().map(|client| usize::from(client.reserved)).sum();
    assert!(reserved <= edge.tracker.reserved());
    check_channel(world, &clients);
    for class in EgressClass::ALL {
        let ready = clients.values().filter(|client| client.ready == Some(class)).count();
        assert_eq!(edge.ready[class.index()].len() as usize, ready);
    }
}

fn check_channel(world: &World<'_>, clients: &BTreeMap<u32, &ClientSlot>) {
    let edge = &world.edge;
    let Some(channel) = edge.channel(world.channel) else { return };
    let count =
        |mask: fn(&ClientSlot) -> u16| clients.values().map(|client| mask(client).count_ones()).sum::<u32>();
    assert_eq!(channel.clients as usize, clients.len());
    assert_eq!(channel.feeds, count(|client| client.feeds.0));
    assert_eq!(channel.rescue_leases, count(|client| client.rescues.0));
    assert_eq!(channel.join_leases, count(|client| client.leases.0 & !client.rescues.0));
    let bps = channel.substream_bps();
    assert_eq!(edge.promised.feeds_bps, u64::from(channel.feeds) * bps);
    assert_eq!(edge.promised.rescues_bps, u64::from(channel.rescue_leases) * bps);
    assert!(edge.promised.rescues_bps * 5 <= edge.config.capacity_bps);
    let thresholds = edge.thresholds(world.channel).unwrap();
    assert!(channel.nc() <= f64::from(thresholds.n_star) + 1e-6, "Nc {}", channel.nc());
    for substream in 0..16 {
        let list = &channel.subscribers[usize::from(substream)];
        let mut listed = Vec::new();
        let mut next = list.front();
        while let Some(slot) = next {
            listed.push(slot);
            next = clients[&slot].feed(substream).unwrap().links.next();
        }
        assert_eq!(listed.len(), list.len() as usize);
        listed.sort_unstable();
        let active = clients.iter().filter(|(_, client)| client.active().has(substream));
        assert_eq!(listed, active.map(|(&slot, _)| slot).collect::<Vec<_>>());
    }
    let suppliers = clients.values().filter(|client| client.supplier_place != 0).count();
    assert_eq!(channel.suppliers as usize, suppliers);
    for (&slot, client) in clients {
        assert_eq!(client.supplier_place != 0, client.slots > 0 && !client.feedable.is_empty());
        if let Some(index) = client.supplier_place.checked_sub(1) {
            assert_eq!(edge.tracker.supplier(world.channel, index), Some(slot));
        }
        let is_due = edge.class_of(world.now, slot);
        assert!(client.is_paced || client.ready == is_due, "{:?} but {is_due:?}", client.ready);
    }
}

fn play(world: &mut World<'_>, ops: &[Op]) {
    for _ in 0..VIEWERS {
        let viewer = world.add_viewer();
        world.viewers[viewer].status = None;
        world.viewers[viewer].is_acking = viewer.is_multiple_of(2);
    }
    world.is_publishing = false;
    for op in ops {
        apply(world, op);
        check(world);
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_edge.txt"))),
        ..Config::default()
    })]

    #[test]
    fn any_calls_leave_the_edge_consistent(
        ops in prop::collection::vec(op(), 0..120),
        room in 0..VIEWERS + 1,
        capacity_kbps in 0..6_000_u64,
        n1 in 0..4_u32,
        levels_max in 1..4_u8,
        has_overlay: bool,
    ) {
        let mut memory = EdgeMemory::new(room, 1, 64);
        let overlay = if has_overlay { Overlay::Push } else { Overlay::Off };
        let settings = ChannelSettings { levels_max, overlay, ..settings() };
        let mut world = World::new(&mut memory, config(capacity_kbps * 1_000, n1), settings, 30);
        play(&mut world, &ops);
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(ops in prop::collection::vec(op(), 0..60)) {
        let run = || {
            let mut memory = EdgeMemory::new(VIEWERS, 1, 64);
            let mut world = World::new(&mut memory, config(3_000_000, 2), settings(), 30);
            play(&mut world, &ops);
            let stats = world.edge.stats().clone();
            let told: Vec<_> = world.viewers.iter().map(|viewer| (viewer.bytes_in, viewer.told.clone())).collect();
            (stats, told)
        };
        prop_assert_eq!(run(), run());
    }
}
