//! Any order of calls, any datagram: what the edge keeps stays consistent.

use core::net::SocketAddr;
use core::time::Duration;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::consistency::{Before, check};
use super::harness::*;
use crate::edge::{ChannelId, EdgeConfig, EdgeEvent, LeaveCause};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo, Overlay};
use crate::wire::ControlWriter;
use crate::wire::control::{
    Ack, ClientId, Hello, LeaveReason, LinkId, Message, PullItem, RefusalReason, Status, Subscribe,
};
use crate::{Endpoint, Instant};

/// Enough of them for the churn to be estimated.
const VIEWERS: usize = 12;

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
    /// Another channel, or one that is not there, under the link of the session.
    Tune(usize, Asked),
    Push,
    PushOther,
    /// Legacy clients take so much, in kbit/s.
    Legacy(u16),
    Wait(u16),
    /// Time passes and nobody sees to the edge.
    Idle(u16),
    PollOnce,
    Drop,
    Reopen(bool),
    Evict,
    /// The edge is to be empty after so many milliseconds; whether there are others.
    Drain(u16, bool),
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    First,
    Other,
    Unknown,
}

impl Asked {
    const fn name(self) -> &'static str {
        match self {
            Self::First => "live1",
            Self::Other => OTHER,
            Self::Unknown => "nothing",
        }
    }
}

/// The second channel.
const OTHER: &str = "live2";

/// Where a draining edge sends its clients.
fn others() -> [SocketAddr; 2] {
    [address(900), address(901)]
}

fn said() -> impl Strategy<Value = Said> {
    let frame = prop_oneof![0..200_u32, any::<u32>()];
    prop_oneof![
        4 => (0..8_u8, frame.clone()).prop_map(|(substream, from)| Said::Subscribe(substream, from)),
        4 => (0..8_u8, frame.clone()).prop_map(|(substream, until)| Said::Release(substream, until)),
        2 => (frame, 0..4_u16, any::<u64>()).prop_map(|(frame, first, wanted)| Said::Pull(frame, first, wanted)),
        2 => any::<u16>().prop_map(Said::FindParents),
        6 => (any::<bool>(), any::<u16>()).prop_map(|(has_slots, feeds)| Said::Status(has_slots, feeds)),
        2 => (0..80_u32, prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(largest, runs)| Said::Ack(largest, runs)),
        1 => any::<u32>().prop_map(Said::Ping),
        1 => Just(Said::Leave),
        1 => (500..506_u32).prop_map(Said::Reset),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let asked = prop_oneof![2 => Just(Asked::First), 4 => Just(Asked::Other), 1 => Just(Asked::Unknown)];
    let plain = prop_oneof![
        5 => (0..VIEWERS).prop_map(Op::Hello),
        12 => (0..VIEWERS, said()).prop_map(|(viewer, said)| Op::Say(viewer, said)),
        2 => (0..VIEWERS, said(), 0..40_usize, any::<u8>()).prop_map(|(v, s, place, byte)| Op::Mangle(v, s, place, byte)),
        1 => (0..VIEWERS, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(viewer, bytes)| Op::Raw(viewer, bytes)),
        2 => (0..VIEWERS, asked).prop_map(|(viewer, asked)| Op::Tune(viewer, asked)),
        5 => Just(Op::Push),
        2 => Just(Op::PushOther),
        1 => (0..8_000_u16).prop_map(Op::Legacy),
        3 => (0..4_000_u16).prop_map(Op::Wait),
        3 => (0..1_200_u16).prop_map(Op::Wait),
        1 => (0..12_000_u16).prop_map(Op::Idle),
        3 => Just(Op::PollOnce),
        1 => Just(Op::Drop),
        1 => any::<bool>().prop_map(Op::Reopen),
        1 => Just(Op::Evict),
    ];
    // Seldom: nobody comes in any more afterwards.
    prop_oneof![150 => plain, 1 => (0..6_000_u16, any::<bool>()).prop_map(|(ms, has_others)| Op::Drain(ms, has_others))]
}

/// What an edge is set to.
#[derive(Clone, Copy, Debug)]
struct Mode {
    overlay: Overlay,
    levels_max: u8,
    is_strict: bool,
    is_churn_estimated: bool,
    hysteresis: f64,
    slope: Option<f64>,
    /// Clients that are there from the beginning.
    crowd: usize,
}

fn mode() -> impl Strategy<Value = Mode> {
    let overlay = prop_oneof![3 => Just(Overlay::Push), 2 => Just(Overlay::Mesh), 1 => Just(Overlay::Off)];
    let hysteresis = prop_oneof![Just(0.0), 0.0..3.0];
    let slope = prop_oneof![Just(None), (0.05..1.0).prop_map(Some)];
    (overlay, 1..4_u8, any::<bool>(), any::<bool>(), hysteresis, slope, up_to_all()).prop_map(
        |(overlay, levels_max, is_strict, is_churn_estimated, hysteresis, slope, crowd)| Mode {
            overlay,
            levels_max,
            is_strict,
            is_churn_estimated,
            hysteresis,
            slope,
            crowd,
        },
    )
}

/// So many viewers, and often all: few are not enough to tell a churn.
fn up_to_all() -> impl Strategy<Value = usize> {
    prop_oneof![0..VIEWERS + 1, Just(VIEWERS)]
}

impl Mode {
    const PLAIN: Self = Self {
        overlay: Overlay::Push,
        levels_max: 2,
        is_strict: false,
        is_churn_estimated: false,
        hysteresis: 0.0,
        slope: None,
        crowd: 4,
    };

    fn config(&self, capacity_kbps: u64, n1: u32) -> EdgeConfig {
        EdgeConfig {
            is_stage_strict: self.is_strict,
            is_churn_estimated: self.is_churn_estimated,
            churn_interval_s: 1,
            hysteresis: self.hysteresis,
            slope: self.slope,
            ..config(capacity_kbps * 1_000, n1)
        }
    }

    fn settings(&self) -> ChannelSettings {
        ChannelSettings { levels_max: self.levels_max, overlay: self.overlay, ..settings() }
    }
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
        Op::Tune(..) | Op::PushOther | Op::Legacy(_) | Op::Drain(..) => {}
    }
}

/// An edge of two channels that is driven by a script.
struct Script<'a> {
    world: World<'a>,
    other: ChannelId,
    other_next: FrameId,
    /// When an edge that was told to go has told everybody.
    until: Option<Instant>,
}

impl<'a> Script<'a> {
    fn new(memory: &'a mut EdgeMemory, config: EdgeConfig, mode: &Mode) -> Self {
        let settings = mode.settings();
        let mut world = World::new(memory, config, settings, 30);
        let other = ChannelSettings { substreams: 4, rate_bps: 300_000, ..settings };
        let name = ChannelName::new(OTHER).unwrap();
        let (other, _) = world.edge.open_channel(world.now, &name, other, &[7; 20], None).unwrap();
        for _ in 0..VIEWERS {
            let viewer = world.add_viewer();
            world.viewers[viewer].status = None;
            world.viewers[viewer].is_acking = !viewer.is_multiple_of(3);
        }
        world.is_publishing = false;
        let mut script = Self { world, other, other_next: FrameId(0), until: None };
        (0..30).for_each(|_| script.push_other());
        for viewer in 0..mode.crowd {
            script.step(&Op::Hello(viewer));
            script.step(&Op::Hello(viewer));
            script.step(&Op::Say(viewer, Said::Status(true, u16::MAX)));
        }
        script
    }

    fn channels(&self) -> [ChannelId; 2] {
        [self.world.channel, self.other]
    }

    /// One call, and whether what it left and what it changed is as it should be.
    fn step(&mut self, op: &Op) {
        let before = Before::new(&self.world, &self.channels());
        self.apply(op);
        check(&self.world, &self.channels());
        before.check(&self.world);
        if self.until.is_some_and(|until| until <= self.world.now) && matches!(op, Op::Wait(_) | Op::Idle(_))
        {
            let mut clients = self.world.edge.clients.iter();
            assert!(clients.all(|(_, client)| client.pending.leave.is_some()), "not told");
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Tune(viewer, asked) => self.tune(*viewer, *asked),
            Op::PushOther => self.push_other(),
            Op::Legacy(kbps) => {
                let (now, edge) = (self.world.now, &mut self.world.edge);
                let legacy_bps = u64::from(*kbps) * 1_000;
                edge.set_legacy_load(now, legacy_bps);
                let capacity_bps = edge.config.capacity_bps;
                let left_bps = capacity_bps.saturating_sub(legacy_bps).max(capacity_bps / 64);
                assert_eq!((edge.line_view().cap_bps, edge.stats().line_bps_max), (left_bps, left_bps));
            }
            Op::Drain(ms, has_others) => {
                let until = self.world.now + Duration::from_millis(u64::from(*ms));
                let others = others();
                self.world.edge.drain(self.world.now, until, if *has_others { &others } else { &[] });
                self.until = Some(until);
            }
            // What is lost on the way to one who is to go is not to be asked for afterwards.
            Op::PollOnce if self.until.is_some() => {}
            _ => apply(&mut self.world, op),
        }
    }

    fn push_other(&mut self) {
        let id = self.other_next;
        let len = if id.0.is_multiple_of(GOP) { KEY_LEN } else { FRAME_LEN };
        let dts = Dts::from_ticks(u64::from(id.0) * 3_600);
        let info = FrameInfo { id, dts, pts_offset_ticks: 0, len, key: id.0.is_multiple_of(GOP) };
        self.world.edge.push_bytes(self.world.now, self.other, info, &vec![5; len as usize]).unwrap();
        self.other_next = id.next();
        self.world.drain();
    }

    /// A client watches something else: it is let in there or told why not, and is no longer where it was.
    fn tune(&mut self, viewer: usize, asked: Asked) {
        let world = &mut self.world;
        let Viewer { edge_link, own_link, nonce, id, .. } = world.viewers[viewer];
        let was_in = edge_link.0 != 0 && world.edge.client(id).is_some();
        let told = world.viewers[viewer].told.len();
        let hello = Hello {
            nonce,
            link: own_link,
            channel: asked.name(),
            cookie: None,
            upload_bps: 400_000,
            ticket: &[],
        };
        let taken = world.say_raw(viewer, edge_link, &[Message::Hello(hello)]);
        if !was_in {
            assert_eq!(taken.is_ok(), edge_link.0 == 0, "only a stranger's hello goes without a session");
            return;
        }
        assert_eq!(taken, Ok(()));
        assert!(world.edge.client(id).is_none(), "a session has one channel");
        let channel = world.edge.channel_named(asked.name());
        let viewer = &world.viewers[viewer];
        match &viewer.told[told..] {
            [.., (_, Told::Refused(refused))] => {
                let is_unknown = refused.reason == RefusalReason::UnknownChannel;
                assert_eq!(is_unknown, channel.is_none(), "{refused:?}");
            }
            answers => {
                let is_welcome = |told: &(Instant, Told)| matches!(told.1, Told::Welcome { .. });
                assert_eq!(answers.iter().filter(|told| is_welcome(told)).count(), 1, "{answers:?}");
                let slot = world.edge.addresses.get(&viewer.path.remote).unwrap();
                let client = world.edge.clients.at(slot).unwrap();
                assert_eq!(Some(client.channel), channel);
            }
        }
    }
}

fn slots_of(viewer: usize) -> u8 {
    u8::try_from(2 * viewer).unwrap()
}

/// Told to go in 4 s, the edge sends everybody elsewhere in half of the time, dismisses who is still there at the end, and lets nobody in.
fn empty(script: &mut Script<'_>) {
    let others = others();
    let world = &mut script.world;
    world.drain();
    let of = |world: &World<'_>, viewer: &Viewer| -> Option<ClientId> {
        let slot = world.edge.addresses.get(&viewer.path.remote)?;
        Some(world.edge.client_id(world.edge.clients.handle_of(slot)?))
    };
    let there: Vec<Option<ClientId>> = world.viewers.iter().map(|viewer| of(world, viewer)).collect();
    let told: Vec<usize> = world.viewers.iter().map(|viewer| viewer.told.len()).collect();
    world.events.clear();
    world.edge.drain(world.now, world.now + SECOND * 4, &others);
    script.until = None;
    script.step(&Op::Wait(2_100));
    let world = &script.world;
    for (index, id) in there.iter().enumerate().filter_map(|(index, id)| Some((index, (*id)?))) {
        let told = &world.viewers[index].told[told[index]..];
        let is_sent = told.iter().any(|(_, told)| matches!(told, Told::Redirect(to) if to[..] == others));
        assert!(is_sent || world.edge.client(id).is_none(), "{index} was told nothing: {told:?}");
    }
    script.step(&Op::Wait(1_950));
    let world = &mut script.world;
    assert_eq!(world.edge.clients_len(), 0);
    let drained = world.events.iter().filter(|event| **event == EdgeEvent::Drained);
    assert_eq!(drained.count(), 1, "{:?}", world.events);
    for (index, id) in there.iter().enumerate().filter_map(|(index, id)| Some((index, (*id)?))) {
        let is_silent = |event: &EdgeEvent| matches!(event, EdgeEvent::Left { client, cause: LeaveCause::Silent, .. } if *client == id);
        let told = &world.viewers[index].told[told[index]..];
        let has_left = told.iter().any(|(_, told)| matches!(told, Told::Leave(_)));
        assert!(has_left || world.events.iter().any(is_silent), "{index} waits for what does not come");
    }
    for viewer in 0..VIEWERS {
        world.viewers[viewer].told.clear();
        let _asked = (world.hello(viewer), world.hello(viewer));
        let refused = world.viewers[viewer].refused().unwrap();
        let is_open = world.edge.channel_named("live1").is_some();
        let reason = if is_open { RefusalReason::Draining } else { RefusalReason::UnknownChannel };
        assert_eq!((refused.reason, &refused.alternatives[..]), (reason, &others[..]));
    }
    assert_eq!(world.edge.clients_len(), 0);
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
        room in up_to_all(),
        capacity_kbps in prop_oneof![0..6_000_u64, 0..20_000_u64],
        n1 in 0..4_u32,
        mode in mode(),
    ) {
        let mut memory = EdgeMemory::new(room, 2, 64);
        let mut script = Script::new(&mut memory, mode.config(capacity_kbps, n1), &mode);
        ops.iter().for_each(|op| script.step(op));
        empty(&mut script);
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(ops in prop::collection::vec(op(), 0..60)) {
        let run = || {
            let mut memory = EdgeMemory::new(VIEWERS, 2, 64);
            let mut script = Script::new(&mut memory, config(3_000_000, 2), &Mode::PLAIN);
            ops.iter().for_each(|op| script.step(op));
            let World { edge, viewers, .. } = &script.world;
            let told: Vec<_> = viewers.iter().map(|viewer| (viewer.bytes_in, viewer.told.clone())).collect();
            (edge.stats().clone(), told)
        };
        prop_assert_eq!(run(), run());
    }
}
