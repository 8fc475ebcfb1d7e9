//! Any calls, any order, in each overlay mode, on each terms, from channel to channel and back: what a client keeps stays consistent, who
//! is receive-only sends no fragment, and nothing of one channel gets into the other.

use core::time::Duration;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::goodbyes::address;
use super::properties::look;
use super::script::{Memory, TestClient};
use crate::client::{ClientConfig, ClientEvent};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::media::{
    ChannelName, ChannelSettings, Dts, FrameId, FrameInfo, Overlay, fragment_count, fragment_len_at,
};
use crate::store::{FragmentRef, FrameStore};
use crate::wire::control::{
    Accept, Candidate, Class, ClientId, Grant, LeaveReason, LinkId, MapBits, Meet, PullItem, RefuseReason,
    Subscribe, Transport, Welcome,
};
use crate::wire::stun::is_stun;
use crate::wire::{ControlWriter, DATA_HEADER_LEN, DataHeader, Datagram, Message, SendReason};
use crate::{Endpoint, Instant, Path};

/// The edge and the peers.
const OTHERS: usize = 5;
const PAGES: usize = 400;
const GOP: u32 = 10;
const CHANNELS: [&str; 2] = ["live1", "live2"];
/// Datagrams sent at one moment: more is a loop without an end.
const BURST_MAX: usize = 4_000;

/// On which terms a client watches.
#[derive(Clone, Copy, Debug)]
struct Terms {
    is_receive_only: bool,
    is_push: bool,
    overlays: [Overlay; 2],
    substreams: u8,
    upload_bps: u32,
}

fn terms() -> impl Strategy<Value = Terms> {
    let overlay = || prop_oneof![Just(Overlay::Mesh), Just(Overlay::Push), Just(Overlay::Off)];
    let upload_bps = prop_oneof![Just(600_000_u32), Just(5_000_000), Just(100_000), Just(0)];
    (any::<bool>(), any::<bool>(), [overlay(), overlay()], 1..7_u8, upload_bps).prop_map(
        |(is_receive_only, is_push, overlays, substreams, upload_bps)| Terms {
            is_receive_only,
            is_push,
            overlays,
            substreams,
            upload_bps,
        },
    )
}

/// One thing that happens: what, by whom, and two numbers it goes by.
type Step = (u8, usize, u16, u8);

#[derive(Clone, Copy)]
struct Other {
    own_link: LinkId,
    /// The id the client chose; 0: not told yet.
    client_link: LinkId,
    packet: u32,
}

struct World<'m> {
    client: TestClient<'m>,
    terms: Terms,
    now: Instant,
    others: [Other; OTHERS],
    /// Newest frame of each channel.
    live: [u32; 2],
    /// The channel the edge let the client in to last, and the one that is asked for with a nonce.
    watched: usize,
    hello: Option<(u64, usize)>,
    /// Questions to be answered.
    questions: Vec<(usize, FrameId)>,
    /// Events that wait may be of before the last call of the owner or the last welcome.
    has_old_events: bool,
    /// Calls that begin a new run, and the playhead in this one.
    runs: u32,
    playhead: Option<(u32, FrameId)>,
    uploads: Vec<(Instant, usize)>,
    /// Every datagram sent, how many fragments are among them, and the frames that were due.
    sent: Vec<Vec<u8>>,
    fragments: u32,
    frames: u32,
}

impl World<'_> {
    fn settings(&self, channel: usize) -> ChannelSettings {
        ChannelSettings {
            overlay: self.terms.overlays[channel],
            substreams: if channel == 0 { self.terms.substreams } else { 3 },
            fragment_len: 188,
            target_buffer_ms: 4_000,
            levels_max: 3,
            ..ChannelSettings::default()
        }
    }

    fn epoch(channel: usize) -> u16 {
        if channel == 0 { 1 } else { 7 }
    }

    /// What the bytes of a frame are: no frame of one channel looks like one of the other.
    fn fill(channel: usize, id: FrameId) -> u8 {
        u8::try_from(id.0 % 100).unwrap() + if channel == 0 { 0 } else { 100 }
    }

    fn step(&mut self, (kind, who, large, small): Step) {
        if self.hello.is_some() && !small.is_multiple_of(5) {
            self.welcome(u32::from(small) / 4);
        }
        if !small.is_multiple_of(4) {
            self.answer();
        }
        let near = FrameId(self.live[self.watched].saturating_sub(100) + u32::from(large % 120));
        match kind {
            0 => self.tune(usize::from(small % 2)),
            1 if small < 16 => self.leave(),
            1..=3 => self.meet(who.max(1)),
            4 => self.candidates(small),
            5..=9 => self.stream(0, u32::from(large % 24), small),
            10 | 11 => self.stream(who, u32::from(large % 24), small),
            // Too late: it is of the channel that was left.
            12 => self.send_frame(who, 1 - self.watched, near, SendReason::Feed),
            13..=15 => self.say_map(who, near),
            16..=21 => self.say_any(kind, who, near, small),
            _ => self.pass(u64::from(large % 1_500)),
        }
        self.drain();
    }

    fn tune(&mut self, channel: usize) {
        self.client.tune(self.now, &ChannelName::new(CHANNELS[channel]).unwrap());
        self.begin_run();
        self.after_call();
    }

    fn leave(&mut self) {
        self.client.leave(self.now);
        self.begin_run();
        self.after_call();
    }

    fn begin_run(&mut self) {
        self.runs += 1;
        self.has_old_events = true;
        self.questions.clear();
    }

    fn welcome(&mut self, back: u32) {
        let Some((nonce, channel)) = self.hello.take() else { return };
        self.watched = channel;
        self.has_old_events = true;
        let newest = FrameId(self.live[channel]);
        for other in &mut self.others {
            other.packet = 0;
        }
        let welcome = Welcome {
            nonce,
            client: ClientId(77),
            link: self.others[0].own_link,
            epoch: Self::epoch(channel),
            class: if self.terms.is_push { Class::Push } else { Class::P2p },
            start: newest.minus(back),
            newest,
            left_from: None,
            settings: self.settings(channel),
            observed: address(9),
            init: b"init",
            candidates: heapless::Vec::new(),
        };
        self.say(0, self.others[0].client_link, &Message::Welcome(welcome));
    }

    fn meet(&mut self, who: usize) {
        let client = ClientId(u32::try_from(who).unwrap());
        let epoch = Self::epoch(self.watched);
        self.others[who].packet = 0;
        self.say(who, LinkId(0), &Message::Meet(Meet { link: self.others[who].own_link, client, epoch }));
    }

    fn candidates(&mut self, mask: u8) {
        let named = (1..OTHERS).filter(|who| mask >> who & 1 == 1).map(|who| Candidate {
            client: ClientId(u32::try_from(who).unwrap()),
            address: address(u16::try_from(who).unwrap()),
            transport: Transport::Udp,
            slots: 3,
            feedable: u16::MAX,
            age_s: mask,
        });
        let list = named.collect();
        self.say(0, self.others[0].client_link, &Message::Candidates { list });
    }

    fn say_map(&mut self, who: usize, base: FrameId) {
        let oldest = base.minus(200);
        let map = MapBits { oldest, base, bits: &[0xfb; 12] };
        self.say(who, self.others[who].client_link, &Message::BufferMap(map));
    }

    fn say_any(&mut self, kind: u8, who: usize, frame: FrameId, small: u8) {
        let substream = small % 7;
        let message = match (kind, small / 7 % 4) {
            (16 | 17, 0) => Message::Pull {
                items: [item(frame)].into_iter().collect(),
                can_wait: small.is_multiple_of(2),
            },
            (16 | 17, _) => {
                let items = (0..6).map(|ahead| item(frame.plus(ahead))).collect();
                Message::Pull { items, can_wait: small.is_multiple_of(2) }
            }
            (18, _) => Message::Subscribe(Subscribe { substream, from: frame, level: 3 }),
            (19, lease) => {
                let grant = if lease == 0 { Grant::Lease } else { Grant::Feed };
                Message::Accept(Accept { substream, first: frame, level: small % 3, grant })
            }
            (20, 0) => Message::Starved { substream, since: frame },
            (20, 1) => Message::Release { substream, until: frame },
            (20, 2) => Message::Refuse { substream, reason: RefuseReason::Full },
            (20, _) => Message::Missing { frame },
            (_, 0) if small > 200 => Message::Leave { reason: LeaveReason::Done },
            (_, 0) => Message::Pong { token: 0 },
            _ => Message::Ping { token: u32::from(small) },
        };
        self.say(who, self.others[who].client_link, &message);
    }

    fn say(&mut self, who: usize, link: LinkId, message: &Message<'_>) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, link).unwrap();
        assert!(writer.push(message));
        writer.pad_to(24);
        let len = writer.finish();
        self.hand_over(who, &out[..len]);
    }

    fn hand_over(&mut self, who: usize, datagram: &[u8]) {
        let path = Path::to(address(u16::try_from(who).unwrap()));
        let _verdict = self.client.handle_datagram(self.now, path, datagram);
        self.after_call();
    }

    /// The next frames of the channel; some are left out.
    fn stream(&mut self, who: usize, frames: u32, left_out: u8) {
        let first = self.live[self.watched] + 1;
        self.live[self.watched] += frames;
        for id in (first..first + frames).filter(|id| left_out >> (id % 8) & 1 == 0 || left_out < 128) {
            self.send_frame(who, self.watched, FrameId(id), SendReason::Feed);
        }
    }

    fn send_frame(&mut self, who: usize, channel: usize, id: FrameId, reason: SendReason) {
        let settings = self.settings(self.watched);
        let len = if id.0.is_multiple_of(GOP) { 500 } else { 90 };
        let ticks = u64::from(id.0) * 3_600;
        let key = id.0.is_multiple_of(GOP);
        let info = FrameInfo { id, dts: Dts::from_ticks(ticks), pts_offset_ticks: 0, len, key };
        let count = fragment_count(len, settings.fragment_len).unwrap();
        for fragment in 0..count {
            let header = DataHeader {
                link: self.others[who].client_link,
                packet: self.others[who].packet,
                sent_us: self.now.wire_us(),
                epoch: Self::epoch(channel),
                info,
                substream: settings.mapping.substream_of(id, settings.substreams),
                fragment,
                count,
                reason,
                level: 0,
            };
            self.others[who].packet += 1;
            let mut datagram = vec![0; DATA_HEADER_LEN];
            header.write(&mut datagram).unwrap();
            let body_len = usize::from(fragment_len_at(len, settings.fragment_len, fragment));
            datagram.resize(DATA_HEADER_LEN + body_len, Self::fill(channel, id));
            self.hand_over(who, &datagram);
        }
    }

    /// What was asked for comes, if there is such a frame.
    fn answer(&mut self) {
        for (who, frame) in core::mem::take(&mut self.questions) {
            if frame.0 <= self.live[self.watched] {
                self.send_frame(who, self.watched, frame, SendReason::Pull);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        let mut calls = 0;
        while let Some(deadline) = self.client.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.client.handle_timeout(self.now);
            self.after_call();
            self.drain();
            calls += 1;
            assert!(calls < 3_000, "{deadline:?} comes again and again");
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        for sent in 0.. {
            assert!(sent < BURST_MAX, "sends without an end");
            let Some(transmit) = self.client.poll_transmit(self.now, &mut head) else { break };
            let mut datagram = head[..transmit.head_len].to_vec();
            if let Some(body) = transmit.body {
                datagram.extend_from_slice(self.client.store().read(body).expect("what is sent is held"));
            }
            look(&self.client, Some(&datagram));
            let port = transmit.path.remote.port();
            self.on_sent(usize::from(port - 7_000), &datagram);
            self.sent.push(datagram);
            self.after_call();
        }
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::Frame(due) = event
                && !self.has_old_events
            {
                self.frames += 1;
                assert_eq!(due.epoch, Self::epoch(self.watched), "a frame of another channel");
                let len = fragment_len_at(due.info.len, 188, 0);
                let body = self.client.store().read(FragmentRef { key: due.key, index: 0, len });
                let body = body.expect("what is due is held");
                assert!(body.iter().all(|&byte| byte == Self::fill(self.watched, due.info.id)));
            }
        }
        self.has_old_events = false;
    }

    fn on_sent(&mut self, to: usize, datagram: &[u8]) {
        if is_stun(datagram) {
            return;
        }
        match Datagram::parse(datagram).expect("a valid datagram") {
            Datagram::Data(header, body) => {
                assert!(!self.terms.is_receive_only, "receive-only, and sends a fragment to {to}");
                assert!(to != 0, "the edge is sent a fragment");
                assert!(self.client.view(self.now).is_some(), "of a channel that was left");
                assert_eq!(header.epoch, Self::epoch(self.watched), "a frame of another channel");
                assert!(body.iter().all(|&byte| byte == Self::fill(self.watched, header.info.id)));
                self.fragments += 1;
                self.uploads.push((self.now, datagram.len()));
                self.check_uploads();
            }
            Datagram::Control(_, messages) => {
                for message in messages {
                    self.on_message(to, &message.expect("only valid messages"));
                }
            }
            Datagram::Sealed { .. } | Datagram::Proof { .. } => panic!("not spoken"),
        }
    }

    fn on_message(&mut self, to: usize, message: &Message<'_>) {
        let is_receive_only = self.terms.is_receive_only;
        if let Message::Hello(hello) = message {
            assert!(hello.upload_bps == 0 || !is_receive_only, "receive-only, and offers to upload");
            let channel = CHANNELS.iter().position(|&name| name == hello.channel).unwrap();
            self.hello = Some((hello.nonce, channel));
            self.others[0].client_link = hello.link;
        } else if let Message::Meet(meet) = message {
            (self.others[to].client_link, self.others[to].packet) = (meet.link, 0);
            let epoch = Self::epoch(self.watched);
            let client = ClientId(u32::try_from(to).unwrap());
            let met = Meet { link: self.others[to].own_link, client, epoch };
            self.say(to, meet.link, &Message::Met(met));
        } else if let Message::Met(met) = message {
            self.others[to].client_link = met.link;
            self.say(to, met.link, &Message::Pong { token: 0 });
        } else if let Message::Accept(accept) = message {
            assert!(!is_receive_only, "receive-only, and promises {accept:?}");
        } else if let Message::BufferMap(map) = message {
            assert!(!is_receive_only || map.bits.is_empty(), "receive-only, and offers frames");
        } else if let Message::Status(status) = message {
            assert!(!is_receive_only || status.slots == 0, "receive-only, and has room");
        } else if let Message::Pull { items, .. } = message {
            self.questions.extend(items.iter().map(|item| (to, item.frame)));
        }
    }

    /// Over any 10 s no more than the cap, one bucket, and the datagram that overdraws it.
    fn check_uploads(&mut self) {
        let cap_bps = (400_000 * 150 / 100).min(self.terms.upload_bps);
        let since = self.now - Duration::from_secs(10);
        self.uploads.retain(|&(at, _)| at > since);
        let sum: usize = self.uploads.iter().map(|&(_, bytes)| bytes).sum();
        let bytes_max = usize::try_from(cap_bps).unwrap() * 10 / 8 + 24_000 + DATAGRAM_LEN_MAX;
        assert!(sum <= bytes_max, "{sum} bytes in 10 s, {bytes_max} allowed");
    }

    fn after_call(&mut self) {
        look(&self.client, None);
        let Some(view) = self.client.view(self.now) else { return };
        assert!(!self.terms.is_receive_only || (view.slots_max, view.slots_used) == (0, 0));
        if let Some(playhead) = view.playhead {
            let before = self.playhead.filter(|&(run, _)| run == self.runs);
            assert!(before.is_none_or(|(_, before)| before <= playhead), "{before:?} to {playhead:?}");
            self.playhead = Some((self.runs, playhead));
        }
    }
}

fn item(frame: FrameId) -> PullItem {
    PullItem { frame, first: 0, wanted: u64::MAX }
}

/// What a client did: the datagrams it sent, how many were fragments, and how many frames were due.
type Done = (Vec<Vec<u8>>, u32, u32);

/// Plays it all.
fn run(terms: Terms, steps: &[Step]) -> Done {
    let mut memory = Memory::new(6, 256, 32, PAGES);
    let Terms { is_receive_only: receive_only, upload_bps, .. } = terms;
    let config =
        ClientConfig { seed: 3, edge: address(0), upload_bps, receive_only, ..ClientConfig::default() };
    let other = |who| Other {
        own_link: LinkId(500 + u32::try_from(who).unwrap()),
        client_link: LinkId(0),
        packet: 0,
    };
    let mut world = World {
        client: memory.client(config),
        terms,
        now: Instant::from_millis(5_000),
        others: core::array::from_fn::<_, OTHERS, _>(other),
        live: [300, 5_000],
        watched: 0,
        hello: None,
        questions: Vec::new(),
        has_old_events: false,
        runs: 0,
        playhead: None,
        uploads: Vec::new(),
        sent: Vec::new(),
        fragments: 0,
        frames: 0,
    };
    world.tune(0);
    world.drain();
    world.welcome(20);
    for &step in steps {
        world.step(step);
    }
    world.leave();
    world.drain();
    assert_eq!(world.client.store().free_count(), u32::try_from(PAGES).unwrap(), "pages were lost");
    assert!(world.client.poll_timeout().is_none(), "who left rests");
    (world.sent, world.fragments, world.frames)
}

/// The others meet the client, tell what they hold, are asked and ask: in each mode frames are played, and sent but by the receive-only.
#[test]
fn there_is_something_to_play_and_to_send_in_each_mode() {
    let meets = [(1, 1, 0, 17), (1, 2, 0, 17)];
    let round = [(5, 0, 20, 1), (13, 1, 60, 1), (13, 2, 60, 1), (16, 1, 80, 9), (25, 0, 800, 1)];
    let there: Vec<Step> = meets.into_iter().chain(round.into_iter().cycle().take(50)).collect();
    // To the other channel, where there is as much, and back.
    let steps = [&there[..], &[(0, 0, 0, 1)], &there, &[(0, 0, 0, 2)], &there].concat();
    for overlay in [Overlay::Mesh, Overlay::Push, Overlay::Off] {
        for (is_receive_only, is_push) in [(false, false), (false, true), (true, false), (true, true)] {
            let overlays = [overlay; 2];
            let terms = Terms { is_receive_only, is_push, overlays, substreams: 4, upload_bps: 600_000 };
            let (_, fragments, frames) = run(terms, &steps);
            assert!(frames > 200, "{frames} frames, {terms:?}");
            assert_eq!(fragments > 50, !is_receive_only, "{fragments} fragments, {terms:?}");
        }
    }
}

fn steps(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..26_u8, 0..OTHERS, any::<u16>(), any::<u8>()), 0..len_max)
}

proptest! {
    #![proptest_config(Config {
        cases: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_modes.txt"))),
        ..Config::default()
    })]

    #[test]
    fn any_calls_in_any_mode_leave_the_client_consistent(terms in terms(), steps in steps(150)) {
        run(terms, &steps);
    }

    #[test]
    fn the_same_calls_in_the_same_mode_give_the_same_bytes(terms in terms(), steps in steps(60)) {
        prop_assert_eq!(run(terms, &steps), run(terms, &steps));
    }
}
