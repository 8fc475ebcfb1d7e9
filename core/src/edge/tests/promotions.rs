//! Clients that feed each other as they are told to: who is promoted, who is left to peers, and what stays true for their children.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::harness::*;
use crate::edge::client_slot::ClientSlot;
use crate::edge::{EdgeConfig, EdgeEvent};
use crate::limits::CANDIDATES_MAX;
use crate::media::ChannelSettings;
use crate::wire::control::{Candidate, Class, ClientId, Grant, LeaveReason, LinkId, Message, Status};

const VIEWERS: usize = 8;
const SUBSTREAMS: u8 = 6;
const ALL: u16 = 0x3f;

#[derive(Clone, Debug)]
enum Op {
    /// Of a client with so many upload slots.
    Join(usize, u8),
    Leave(usize),
    /// Looks for parents of these substreams, and takes those it is told of.
    Find(usize, u16),
    Wait(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..VIEWERS, prop_oneof![Just(0_u8), 0..9_u8, 0..24_u8]).prop_map(|(viewer, slots)| Op::Join(viewer, slots)),
        2 => (0..VIEWERS).prop_map(Op::Leave),
        6 => (0..VIEWERS, prop_oneof![Just(ALL), 1..=ALL]).prop_map(|(viewer, mask)| Op::Find(viewer, mask)),
        4 => (1..5_u8).prop_map(Op::Wait),
    ]
}

/// Who feeds a substream, as the client has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feeder {
    Nobody,
    Edge,
    Peer(usize),
}

#[derive(Clone, Debug)]
struct Peer {
    is_in: bool,
    slots_max: u8,
    feeders: [Feeder; SUBSTREAMS as usize],
}

/// What a status is answered from.
struct Before {
    feeds: u32,
    own: (u16, u16),
    target: f64,
    events: usize,
    told: usize,
}

struct Crowd<'a> {
    world: World<'a>,
    peers: Vec<Peer>,
    levels_max: u8,
}

impl<'a> Crowd<'a> {
    fn new(memory: &'a mut EdgeMemory, config: EdgeConfig, levels_max: u8) -> Self {
        let mut world = World::new(memory, config, ChannelSettings { levels_max, ..settings() }, 30);
        world.is_publishing = false;
        for viewer in 0..VIEWERS {
            world.add_viewer();
            world.viewers[viewer].status = None;
        }
        let peer = Peer { is_in: false, slots_max: 0, feeders: [Feeder::Nobody; SUBSTREAMS as usize] };
        Self { world, peers: std::vec![peer; VIEWERS], levels_max }
    }

    fn slot(&self, viewer: usize) -> Option<u32> {
        self.world.edge.addresses.get(&self.world.viewers[viewer].path.remote)
    }

    fn client(&self, viewer: usize) -> Option<&ClientSlot> {
        self.world.edge.clients.at(self.slot(viewer)?)
    }

    /// How deep a client is on a substream; none: nobody feeds it.
    fn level(&self, viewer: usize, substream: u8) -> Option<u8> {
        match self.peers[viewer].feeders[usize::from(substream)] {
            Feeder::Nobody => None,
            Feeder::Edge if self.client(viewer)?.feeds.has(substream) => Some(1),
            Feeder::Edge if self.client(viewer)?.leases.has(substream) => Some(self.levels_max),
            Feeder::Edge => None,
            Feeder::Peer(parent) => Some(self.level(parent, substream)? + 1),
        }
    }

    fn can_feed(&self, viewer: usize, substream: u8) -> bool {
        self.peers[viewer].is_in && self.level(viewer, substream).is_some_and(|level| level < self.levels_max)
    }

    fn children(&self, viewer: usize) -> u8 {
        let feeders = self.peers.iter().flat_map(|peer| peer.feeders);
        u8::try_from(feeders.filter(|&feeder| feeder == Feeder::Peer(viewer)).count()).unwrap()
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Join(viewer, slots) if !self.peers[*viewer].is_in => self.join(*viewer, *slots),
            Op::Leave(viewer) if self.peers[*viewer].is_in => {
                self.world.say(*viewer, &Message::Leave { reason: LeaveReason::Done }).unwrap();
                self.world.viewers[*viewer].edge_link = LinkId(0);
                self.peers[*viewer] =
                    Peer { is_in: false, slots_max: 0, feeders: [Feeder::Nobody; SUBSTREAMS as usize] };
            }
            Op::Find(viewer, mask) if self.peers[*viewer].is_in => self.find(*viewer, *mask),
            Op::Wait(seconds) => (0..*seconds).for_each(|_| self.second()),
            Op::Join(..) | Op::Leave(_) | Op::Find(..) => {}
        }
        self.settle();
        self.check();
    }

    fn join(&mut self, viewer: usize, slots: u8) {
        // The cookie of an earlier session may be too old.
        let _challenged = self.world.hello(viewer);
        self.world.hello(viewer).unwrap();
        let Some(slot) = self.slot(viewer) else { return };
        if slots == 0 {
            self.world.edge.record_mut(slot).unwrap().upload_bps = 0;
        }
        self.peers[viewer] =
            Peer { is_in: true, slots_max: slots, feeders: [Feeder::Edge; SUBSTREAMS as usize] };
        self.status(viewer);
    }

    /// Each tells its status once, and who has no feeder asks the edge.
    fn second(&mut self) {
        self.world.run(SECOND);
        for viewer in 0..VIEWERS {
            if self.peers[viewer].is_in {
                self.status(viewer);
                self.settle();
            }
        }
    }

    /// Children whose parent is gone or too deep go to the edge; who is refused there has nobody.
    fn settle(&mut self) {
        for _ in 0..=self.levels_max {
            for (viewer, substream) in
                (0..VIEWERS).flat_map(|viewer| (0..SUBSTREAMS).map(move |s| (viewer, s)))
            {
                let feeder = self.peers[viewer].feeders[usize::from(substream)];
                let is_fed = match feeder {
                    Feeder::Nobody => false,
                    Feeder::Edge => self.client(viewer).is_some_and(|client| client.active().has(substream)),
                    Feeder::Peer(parent) => self.can_feed(parent, substream),
                };
                if !self.peers[viewer].is_in || is_fed {
                    continue;
                }
                self.world.subscribe(viewer, substream, self.world.next_frame).unwrap();
                let is_fed = self.client(viewer).is_some_and(|client| client.active().has(substream));
                let feeder = if is_fed { Feeder::Edge } else { Feeder::Nobody };
                self.peers[viewer].feeders[usize::from(substream)] = feeder;
            }
        }
    }

    fn find(&mut self, viewer: usize, mask: u16) {
        // Longer than the gap between two answers.
        self.second();
        let told = self.world.viewers[viewer].told.len();
        let promised = self.world.edge.tracker.reserved();
        self.world.say(viewer, &Message::FindParents { substreams: mask }).unwrap();
        let promised = self.world.edge.tracker.reserved() - promised;
        assert!(promised <= mask.count_ones() as usize + 2, "{promised} slots for {mask:b}");
        let list = self.world.viewers[viewer].told[told..].iter().find_map(|(_, told)| match told {
            Told::Candidates(list) => Some(list.clone()),
            _ => None,
        });
        let list = list.expect("an answer");
        assert!(list.len() <= CANDIDATES_MAX);
        for candidate in &list {
            let parent = self.by_id(candidate.client);
            self.check_candidate(viewer, parent, candidate, mask);
            for substream in (0..SUBSTREAMS).filter(|substream| mask & (1 << substream) != 0) {
                self.attach(viewer, parent, substream);
            }
        }
    }

    fn by_id(&self, id: ClientId) -> usize {
        self.world.viewers.iter().position(|viewer| viewer.id == id && viewer.edge_link.0 != 0).unwrap()
    }

    /// A candidate had slots and a feed that is wanted, when it last said so.
    fn check_candidate(&self, asker: usize, parent: usize, candidate: &Candidate, mask: u16) {
        assert_ne!(asker, parent);
        let client = self.client(parent).unwrap();
        assert_eq!((candidate.slots, candidate.feedable), (client.slots, client.feedable.0));
        assert!(client.slots > 0 && client.feedable.0 & mask != 0, "{candidate:?} for {mask:b}");
        assert!((1..=client.slots).contains(&client.reserved), "{} of {}", client.reserved, client.slots);
    }

    /// Is fed by a peer from now on where that can do it, as real clients ask it themselves.
    fn attach(&mut self, viewer: usize, parent: usize, substream: u8) {
        let is_full = self.children(parent) >= self.peers[parent].slots_max;
        let is_above = self.level(parent, substream) < self.level(viewer, substream);
        if is_full || !is_above || !self.can_feed(parent, substream) {
            return;
        }
        let fed = self.client(viewer).filter(|client| client.active().has(substream));
        if let Some(feed) = fed.and_then(|client| client.feed(substream)).copied() {
            let until = feed.mark.max(self.world.next_frame.minus(u32::from(SUBSTREAMS)));
            if feed.next < until {
                // The burst comes first.
                return;
            }
            self.world.release(viewer, substream, until).unwrap();
        }
        self.peers[viewer].feeders[usize::from(substream)] = Feeder::Peer(parent);
    }

    fn status(&mut self, viewer: usize) {
        let free = self.peers[viewer].slots_max.saturating_sub(self.children(viewer));
        let feedable = (0..SUBSTREAMS).filter(|&substream| self.can_feed(viewer, substream));
        let feedable = feedable.fold(0, |mask, substream| mask | 1 << substream);
        let Some(client) = self.client(viewer) else { return };
        let own = (client.feeds.0, client.leases.0);
        let status = Status {
            slots: free,
            slots_max: self.peers[viewer].slots_max,
            feedable,
            edge_feeds: own.0 | own.1,
            ..Status::default()
        };
        let channel = self.world.edge.channel(self.world.channel).unwrap();
        let before = Before {
            feeds: channel.feeds,
            own,
            target: self.world.edge.thresholds(self.world.channel).unwrap().target_nc(channel.clients),
            events: self.world.events.len(),
            told: self.world.viewers[viewer].told.len(),
        };
        self.world.say(viewer, &Message::Status(status)).unwrap();
        self.check_status(viewer, &before);
        let Some(client) = self.client(viewer) else { return };
        let active = client.active();
        // Who is fed by the edge anew leaves its parent.
        for substream in active.iter().filter(|&substream| (own.0 | own.1) & (1 << substream) == 0) {
            self.peers[viewer].feeders[usize::from(substream)] = Feeder::Edge;
        }
    }

    /// A status moves its client alone, and only for a reason.
    fn check_status(&self, viewer: usize, before: &Before) {
        let events = &self.world.events[before.events..];
        let is_promoted = events.iter().any(|event| matches!(event, EdgeEvent::Promoted { .. }));
        let is_demoted = events.iter().any(|event| matches!(event, EdgeEvent::Demoted { .. }));
        let channel = self.world.edge.channel(self.world.channel).unwrap();
        let client = self.client(viewer).unwrap();
        assert!(!(is_promoted && is_demoted));
        assert_eq!(channel.feeds > before.feeds, is_promoted, "Nc rises by promotions");
        assert_eq!(channel.feeds < before.feeds, is_demoted, "Nc falls for nobody else's sake");
        let moved = channel.feeds.abs_diff(before.feeds);
        assert_eq!((client.feeds.0 ^ before.own.0).count_ones(), moved, "another was moved");
        if is_promoted {
            self.check_promoted(viewer, before);
        }
        if is_demoted {
            self.check_demoted(viewer, before);
        }
    }

    /// Taken on for good: it waited, nobody else could take it on, the stages want it, and it is at the top from now on.
    fn check_promoted(&self, viewer: usize, before: &Before) {
        let edge = &self.world.edge;
        let slot = self.slot(viewer).unwrap();
        let (client, channel) = (self.client(viewer).unwrap(), edge.channel(self.world.channel).unwrap());
        let can_supply = edge.can_supply(slot);
        let is_strict = edge.config.is_stage_strict;
        let wait = if can_supply || is_strict { SECOND * 2 } else { SECOND * 6 };
        assert!(self.world.now.since(client.joined_at) >= wait);
        assert!(is_strict || !edge.has_spare_slots(self.world.channel, can_supply), "peers have room");
        let n_star = edge.thresholds(self.world.channel).unwrap().n_star;
        assert!(
            channel.nc() <= before.target.min(f64::from(n_star)) + 1e-6,
            "{} {}",
            channel.nc(),
            before.target
        );
        assert_eq!(before.own.0 & !client.feeds.0, 0);
        assert_eq!((before.own.0 | before.own.1) & !client.active().0, 0, "it keeps what it had");
        assert_eq!(client.feeds.0 == ALL, client.class == Class::Push);
        let told = &self.world.viewers[viewer].told[before.told..];
        for substream in (0..SUBSTREAMS).filter(|s| (client.feeds.0 & !before.own.0) & (1 << s) != 0) {
            let is_it = |told: &Told| matches!(told, Told::Accept(a) if (a.substream, a.grant, a.level) == (substream, Grant::Feed, 0));
            assert!(told.iter().any(|(_, told)| is_it(told)), "{substream}: {told:?}");
        }
    }

    /// Left to peers: its owner wants that, peers have room for it, no more than is too much, and it is fed until it has them.
    fn check_demoted(&self, viewer: usize, before: &Before) {
        let edge = &self.world.edge;
        let (client, channel) = (self.client(viewer).unwrap(), edge.channel(self.world.channel).unwrap());
        assert!(edge.config.is_stage_strict);
        assert!(self.world.now.since(client.joined_at) >= SECOND * 2);
        assert!(edge.has_slots_for(self.world.channel), "nobody has room");
        assert!(channel.nc() > before.target - 1.0 / 6.0 - 1e-6, "{} of {}", channel.nc(), before.target);
        assert_eq!(client.active().0, before.own.0 | before.own.1, "it keeps what it has");
        let left = before.own.0 & !client.feeds.0;
        assert_eq!((client.rescues.0 & left, client.class), (0, Class::P2p), "not of the rescue budget");
        let told = &self.world.viewers[viewer].told[before.told..];
        for substream in (0..SUBSTREAMS).filter(|s| left & (1 << s) != 0) {
            let level = self.levels_max - 1;
            let is_it = |told: &Told| matches!(told, Told::Accept(a) if (a.substream, a.grant, a.level) == (substream, Grant::Lease, level));
            assert!(told.iter().any(|(_, told)| is_it(told)), "{substream}: {told:?}");
        }
    }

    /// Nobody gives more than it has, nobody is too deep, and nobody but the refused is without a feeder.
    fn check(&self) {
        for viewer in (0..VIEWERS).filter(|&viewer| self.peers[viewer].is_in) {
            let client = self.client(viewer).expect("who tells its status is there");
            // What was promised counts on for 2 s beside what came of it.
            assert!(client.reserved.max(client.slots) <= self.peers[viewer].slots_max);
            assert!(self.children(viewer) <= self.peers[viewer].slots_max);
            for substream in 0..SUBSTREAMS {
                let level = self.level(viewer, substream);
                assert!(
                    level.is_none_or(|level| level <= self.levels_max),
                    "{viewer} {substream}: {level:?}"
                );
            }
        }
        for (_, told) in self.world.viewers.iter().flat_map(|viewer| &viewer.told) {
            let Told::Accept(accept) = told else { continue };
            assert!(accept.level < self.levels_max, "{accept:?}");
        }
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_promotions.txt",
        ))),
        ..Config::default()
    })]

    #[test]
    fn who_feeds_others_has_room_and_who_is_moved_is_fed_on(
        ops in prop::collection::vec(op(), 0..80),
        capacity_kbps in 1_000..20_000_u64,
        n1 in 0..5_u32,
        levels_max in 2..4_u8,
        is_stage_strict: bool,
        slope in prop_oneof![Just(None), (0.05..1.0).prop_map(Some)],
        alpha in 0.3..2.0,
    ) {
        let mut memory = EdgeMemory::new(VIEWERS, 1, 64);
        let plain = config(capacity_kbps * 1_000, n1);
        let churn = crate::scaling::Churn { alpha, ..plain.churn };
        let config = EdgeConfig { is_stage_strict, slope, churn, ..plain };
        let mut crowd = Crowd::new(&mut memory, config, levels_max);
        ops.iter().for_each(|op| crowd.step(op));
    }
}
