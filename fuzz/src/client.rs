//! Bytes become calls to a client: a scripted edge and scripted peers say anything, in any order, at any time, and the
//! owner drains or does not.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::vec;
use std::vec::Vec;

use livesky_core::client::{ClientConfig, ClientEvent};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::{
    ChannelName, ChannelSettings, Dts, FrameId, FrameInfo, Mapping, Overlay, fragment_count, fragment_len_at,
};
use livesky_core::store::{FragmentRef, FrameStore};
use livesky_core::wire::control::*;
use livesky_core::wire::report::ReportAck;
use livesky_core::wire::stun::is_stun;
use livesky_core::wire::{ControlWriter, DATA_HEADER_LEN, DataHeader, Datagram, Message, SendReason};
use livesky_core::{Endpoint, Instant, Path};

use super::bytes::Bytes;
pub use super::client_memory::{Memory, TestClient};

/// Others: the edge, then peers.
const OTHERS: usize = 6;
/// Frames from one key frame to the next.
const GOP: u32 = 10;
/// Datagrams a client may send at one point in time: more is a loop without an end.
const BURST_MAX: usize = 4_000;

/// What the caller looks at: the client, and the datagram it has just sent, if it did.
pub type Look<'l> = &'l mut dyn FnMut(&TestClient<'_>, Option<&[u8]>);

/// Another endpoint, as the script plays it.
#[derive(Clone, Copy)]
struct Other {
    address: SocketAddr,
    /// The id under which it wants to be addressed.
    own_link: LinkId,
    /// The id the client chose; 0: not told yet.
    client_link: LinkId,
    packet: u32,
    next: u32,
}

struct Script<'b, 'm, 'l> {
    bytes: Bytes<'b>,
    now: Instant,
    client: TestClient<'m>,
    pages: u32,
    upload_bps: u32,
    others: [Other; OTHERS],
    nonce: u64,
    /// Whether a hello waits for its answer, and whose it is to give.
    is_awaited: bool,
    asked: usize,
    /// A peer the client wants to meet.
    asked_to_meet: Option<usize>,
    last_welcome: Vec<u8>,
    settings: ChannelSettings,
    epoch: u16,
    live: u32,
    seen: Seen,
    look: Look<'l>,
}

/// What the client did so far.
#[derive(Default)]
struct Seen {
    /// Run and playhead after the call before.
    playhead: Option<(u16, ChannelSettings, FrameId)>,
    slots_used: u8,
    uploads: Vec<(Instant, usize)>,
    upload_bps_max: u64,
    upload_depth_max: u32,
    /// Frames that wait in the queue were told of before the run or the store's content was thrown away.
    has_old_events: bool,
}

/// Plays what `bytes` say on a client of small memory.
///
/// # Panics
/// When a promise of the client is broken.
pub fn check(bytes: &[u8]) {
    play(bytes, &mut |_, _| {});
}

/// The same, with a look at the client after each call and at each datagram.
///
/// # Panics
/// When a promise of the client is broken.
pub fn play(bytes: &[u8], look: Look<'_>) {
    let mut bytes = Bytes::new(bytes);
    let size = |bytes: &mut Bytes<'_>, sizes: &[usize]| sizes[bytes.below(sizes.len())];
    let pages = size(&mut bytes, &[400, 400, 400, 150, 40, 3, 1]);
    let mut memory = Memory::new(
        size(&mut bytes, &[7, 7, 7, 4, 2, 1, 12]),
        size(&mut bytes, &[256, 256, 256, 100, 33, 2, 1, 0]),
        size(&mut bytes, &[32, 32, 32, 4, 1, 0]),
        pages,
    );
    let upload_bps = [600_000, 0, 100_000, 5_000_000][bytes.below(4)];
    let address = |index: usize| SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 7_000 + index as u16));
    let config = ClientConfig { seed: 3, edge: address(0), upload_bps, ..ClientConfig::default() };
    let other = |index: usize| Other {
        address: address(index),
        own_link: LinkId(500 + index as u32),
        client_link: LinkId(0),
        packet: 0,
        next: 300,
    };
    let mut script = Script {
        bytes,
        now: Instant::from_millis(5_000),
        client: memory.client(config),
        pages: pages as u32,
        upload_bps,
        others: core::array::from_fn(other),
        nonce: 0,
        is_awaited: false,
        asked: 0,
        asked_to_meet: None,
        last_welcome: Vec::new(),
        settings: ChannelSettings::default(),
        epoch: 1,
        live: 300,
        seen: Seen::default(),
        look,
    };
    script.run();
}

impl Script<'_, '_, '_> {
    fn run(&mut self) {
        if !self.bytes.one_in(8) {
            self.tune();
            self.drain();
            self.welcome();
        }
        while !self.bytes.is_over() {
            self.step();
        }
        self.leave();
        self.drain();
        assert_eq!(self.client.store().free_count(), self.pages, "pages were lost");
        assert!(self.client.poll_timeout().is_none(), "who left rests");
    }

    fn step(&mut self) {
        if self.is_awaited && !self.bytes.one_in(4) {
            self.welcome();
        }
        if let Some(who) = self.asked_to_meet.take().filter(|_| !self.bytes.one_in(4)) {
            self.met(who);
        }
        match self.bytes.below(24) {
            0 if self.client.view(self.now).is_none() => self.tune(),
            0 if self.bytes.one_in(6) => self.tune(),
            1 if self.bytes.one_in(6) => self.leave(),
            2 if self.bytes.one_in(3) => self.welcome(),
            3 => self.say_anything(0),
            4..=6 => self.meet(),
            7..=11 => {
                let who = self.peer();
                self.say_anything(who);
            }
            12..=14 => self.stream(0),
            15 | 16 => {
                let who = self.peer();
                self.stream(who);
            }
            17 => self.live += u32::from(self.bytes.byte()) / 4,
            18 if self.bytes.one_in(4) => {
                self.now = self.now + Duration::from_millis(u64::from(self.bytes.short() % 9_000));
                self.timeout();
            }
            19 => {
                let raw = self.bytes.some(80);
                let who = self.bytes.below(OTHERS);
                self.hand_over(who, raw);
            }
            20 => {
                self.poll(DATAGRAM_LEN_MAX);
            }
            21 => {
                let head_len = self.bytes.below(256);
                self.poll(head_len);
            }
            _ => self.pass(),
        }
        if !self.bytes.one_in(4) {
            self.drain();
        }
    }

    fn tune(&mut self) {
        let name = ChannelName::new("live1").expect("a valid name");
        self.seen.has_old_events = true;
        self.client.tune(self.now, &name);
        self.after_call();
    }

    fn leave(&mut self) {
        self.client.leave(self.now);
        self.seen.has_old_events = true;
        self.after_call();
    }

    /// Time passes; each deadline is met, drained or not.
    fn pass(&mut self) {
        let end = self.now + Duration::from_millis(u64::from(self.bytes.byte()) * 8);
        let is_draining = !self.bytes.one_in(4);
        let mut calls = 0;
        while let Some(deadline) = self.client.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.timeout();
            if is_draining {
                self.drain();
            }
            calls += 1;
            assert!(calls < 3_000, "{deadline:?} comes again and again");
        }
        self.now = end;
    }

    fn timeout(&mut self) {
        self.client.handle_timeout(self.now);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|next| next.at > self.now), "{next:?} at {:?}", self.now);
        self.after_call();
    }

    fn welcome(&mut self) {
        if !self.is_awaited {
            // Answers nothing, or what went to the wrong address: the same again, but for a byte.
            self.seen.has_old_events = true;
            let mut stale = self.last_welcome.clone();
            if let Some(place) = stale.len().checked_sub(1).map(|last| self.bytes.below(last + 1)) {
                stale[place] ^= self.bytes.byte();
                self.hand_over(0, &stale);
            }
            return;
        }
        self.is_awaited = false;
        if self.bytes.one_in(3) {
            self.epoch = self.epoch.wrapping_add(1);
            self.live += 40;
        }
        if self.bytes.one_in(3) {
            let target_buffer_ms = [4_000, 15_000, 2_000, 500][self.bytes.below(4)];
            self.settings = ChannelSettings {
                rate_bps: [400_000, 30_000, 8_000_000, 1][self.bytes.below(4)],
                cadence_us: [40_000, 10_000, 200_000][self.bytes.below(3)],
                substreams: 1 + self.bytes.below(8) as u8,
                mapping: if self.bytes.one_in(2) { Mapping::RoundRobin } else { Mapping::Scattered },
                fragment_len: [1_128, 400, 188][self.bytes.below(3)],
                target_buffer_ms,
                startup_ms: [500, 200, 0][self.bytes.below(3)],
                levels_max: 1 + self.bytes.below(4) as u8,
                overlay: if self.bytes.one_in(5) { Overlay::Off } else { Overlay::Push },
                ..ChannelSettings::default()
            };
        }
        let candidates = self.candidates();
        let back = u32::from(self.bytes.byte()) / 4;
        let class = if self.bytes.one_in(2) { Class::Push } else { Class::P2p };
        let left_from = self.bytes.one_in(4).then(|| FrameId(self.live.saturating_sub(back / 2)));
        let welcome = Welcome {
            nonce: self.nonce,
            client: ClientId(77),
            link: self.others[self.asked].own_link,
            epoch: self.epoch,
            class,
            start: FrameId(self.live.saturating_sub(back)),
            newest: FrameId(self.live),
            left_from,
            settings: self.settings,
            observed: SocketAddr::from((Ipv4Addr::new(198, 51, 100, 9), 9_000)),
            init: b"init",
            candidates,
        };
        for other in &mut self.others {
            (other.next, other.packet) = (welcome.start.0, 0);
        }
        self.seen.has_old_events = true;
        self.last_welcome = self.say(self.asked, None, &Message::Welcome(welcome));
        self.others.swap(0, core::mem::take(&mut self.asked));
        if !self.bytes.one_in(4) {
            self.stream_all();
        }
    }

    /// What the edge sends first: everything from the start to the live edge.
    fn stream_all(&mut self) {
        for id in self.others[0].next..=self.live {
            self.send_frame(0, FrameId(id), SendReason::Burst, 0);
        }
        self.others[0].next = self.live + 1;
    }

    fn candidates(&mut self) -> heapless::Vec<Candidate, 8> {
        let mut list = heapless::Vec::new();
        let mask = self.bytes.byte();
        for (index, other) in self.others.iter().enumerate().skip(1).filter(|(i, _)| mask >> i & 1 == 1) {
            let candidate = Candidate {
                client: ClientId(index as u32),
                address: other.address,
                transport: Transport::Udp,
                slots: 1 + mask % 5,
                feedable: u16::MAX,
                age_s: mask,
            };
            list.push(candidate).expect("fewer than 8");
        }
        list
    }

    /// A peer at one or more addresses, its own or others'.
    fn introduce(&mut self) -> Message<'static> {
        let who = self.bytes.below(OTHERS);
        let mut addresses = heapless::Vec::new();
        for _ in 0..1 + self.bytes.below(3) {
            let of = if self.bytes.one_in(3) { self.bytes.below(OTHERS) } else { who };
            addresses.push(self.others[of].address).expect("at most 3");
        }
        Message::Introduce(Introduce { client: ClientId(who as u32), addresses })
    }

    /// A frame number near the live edge, or any.
    fn frame(&mut self) -> FrameId {
        if self.bytes.one_in(40) { FrameId(self.bytes.word()) } else { self.near() }
    }

    fn near(&mut self) -> FrameId {
        FrameId((self.live + u32::from(self.bytes.byte())).saturating_sub(170))
    }

    /// A peer, one of those that know the client more often than not.
    fn peer(&mut self) -> usize {
        let who = 1 + self.bytes.below(OTHERS - 1);
        let known = (who..OTHERS).find(|&peer| self.others[peer].client_link.0 != 0);
        known.unwrap_or(who)
    }

    fn meet(&mut self) {
        let who = 1 + self.bytes.below(OTHERS - 1);
        if self.bytes.one_in(4) {
            return self.met(who);
        }
        let epoch = if self.bytes.one_in(12) { self.epoch.wrapping_add(1) } else { self.epoch };
        let meet = Meet { link: self.others[who].own_link, client: ClientId(who as u32), epoch };
        self.others[who].packet = 0;
        self.say(who, Some(LinkId(0)), &Message::Meet(meet));
    }

    fn met(&mut self, who: usize) {
        let met = Meet { link: self.others[who].own_link, client: ClientId(who as u32), epoch: self.epoch };
        self.say(who, None, &Message::Met(met));
    }

    /// One to three messages of any kind in a datagram.
    fn say_anything(&mut self, who: usize) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let link = match self.bytes.below(16) {
            15 => LinkId(0),
            14 => LinkId(self.bytes.word()),
            _ => self.others[who].client_link,
        };
        let mut writer = ControlWriter::new(&mut out, link).expect("room for a header");
        for _ in 0..1 + self.bytes.below(3) {
            let message = self.message(who);
            writer.push(&message);
        }
        let len = writer.finish();
        if self.bytes.one_in(8) {
            let place = self.bytes.below(len);
            out[place] ^= self.bytes.byte();
        }
        self.hand_over(who, &out[..len]);
    }

    fn message(&mut self, who: usize) -> Message<'static> {
        const RUNS: [u8; 8] = [3, 1, 2, 0, 40, 7, 255, 255];
        let substream = self.bytes.below(9) as u8;
        match self.bytes.below(18) {
            0 | 1 => Message::Subscribe(Subscribe { substream, from: self.frame(), level: self.level() }),
            2 | 3 => {
                let grant = if self.bytes.one_in(3) { Grant::Lease } else { Grant::Feed };
                Message::Accept(Accept { substream, first: self.frame(), level: self.level(), grant })
            }
            4 if self.bytes.one_in(3) => Message::Starved { substream, since: self.frame() },
            4 => Message::Release { substream, until: self.frame() },
            5 => {
                use RefuseReason::{Budget, Full, Leaving, Level, Slow, Unhealthy};
                let reason = [Full, Level, Unhealthy, Budget, Slow, Leaving][self.bytes.below(6)];
                Message::Refuse { substream, reason }
            }
            6 | 7 => {
                let mut items = heapless::Vec::new();
                for _ in 0..1 + self.bytes.below(4) {
                    let wanted = [u64::MAX, 0, 1, 6][self.bytes.below(4)];
                    let item =
                        PullItem { frame: self.frame(), first: u16::from(self.bytes.one_in(5)), wanted };
                    items.push(item).expect("at most 4");
                }
                Message::Pull { items, can_wait: self.bytes.one_in(3) }
            }
            8 if self.bytes.one_in(4) => {
                let highest = u32::from(self.bytes.byte() % 8);
                Message::ReportAck(ReportAck { highest, taken: self.bytes.word() })
            }
            8 | 9 => {
                let (oldest, base) = (self.frame(), self.frame());
                let len = self.bytes.below(40);
                Message::BufferMap(MapBits { oldest, base, bits: &[0xd7; 40][..len] })
            }
            10 | 11 => {
                let runs = &RUNS[self.bytes.below(8)..];
                let largest = u32::from(self.bytes.byte());
                let delay_us = u32::from(self.bytes.short());
                Message::Ack(Ack { largest, delay_us, one_way_us: 0, runs })
            }
            12 if self.bytes.one_in(3) => Message::Seen { address: self.others[who].address },
            12 => Message::Ping { token: self.bytes.word() },
            13 if self.bytes.one_in(2) => self.introduce(),
            13 => Message::Pong { token: self.bytes.word() },
            14 if self.bytes.one_in(3) => Message::Redirect { alternatives: self.anybody().collect() },
            14 => Message::Missing { frame: self.frame() },
            15 if self.bytes.one_in(3) => Message::Leave { reason: LeaveReason::Done },
            15 if self.bytes.one_in(4) => {
                let clients = [self.bytes.byte(), 101].map(|client| ClientId(u32::from(client.max(1))));
                Message::Successors { clients: clients.into_iter().collect() }
            }
            15 => Message::Candidates { list: self.candidates() },
            16 if self.bytes.one_in(3) => Message::Reset { link: self.others[who].own_link },
            16 => Message::Challenge(Challenge { nonce: self.nonce, cookie: [self.bytes.byte(); 16] }),
            _ if self.bytes.one_in(3) => {
                let retry_after_ms = self.bytes.word();
                let (nonce, reason) = (self.nonce, RefusalReason::Saturated);
                let alternatives = self.anybody().collect();
                Message::Refused(Refused { nonce, reason, retry_after_ms, alternatives })
            }
            _ => Message::FindParents { substreams: self.bytes.short() },
        }
    }

    fn anybody(&mut self) -> core::option::IntoIter<SocketAddr> {
        Some(self.others[self.bytes.below(OTHERS)].address).into_iter()
    }

    fn level(&mut self) -> u8 {
        [0, 1, 2, 3, 4, 15][self.bytes.below(6)]
    }

    fn say(&mut self, who: usize, link: Option<LinkId>, message: &Message<'_>) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let link = link.unwrap_or(self.others[who].client_link);
        let mut writer = ControlWriter::new(&mut out, link).expect("room for a header");
        assert!(writer.push(message));
        // As a `Meet` is padded, or it is not answered.
        writer.pad_to(24);
        let len = writer.finish();
        self.hand_over(who, &out[..len]);
        out[..len].to_vec()
    }

    /// The next frames of some substreams, as a feeder would send them; some are left out.
    fn stream(&mut self, who: usize) {
        let reason =
            [SendReason::Feed, SendReason::Feed, SendReason::Rescue, SendReason::Pull][self.bytes.below(4)];
        let level = if who == 0 { 0 } else { self.level() };
        let substreams = if self.bytes.one_in(3) { self.bytes.short() } else { u16::MAX };
        let left_out = self.bytes.byte() & self.bytes.byte() & self.bytes.byte();
        let frames = self.bytes.below(24) as u32;
        if self.bytes.one_in(4) {
            self.others[who].next = self.near().0;
        }
        for step in 0..frames {
            let id = FrameId(self.others[who].next);
            self.others[who].next = id.next().0;
            self.live = self.live.max(id.0.min(1 << 20));
            let substream = self.settings.mapping.substream_of(id, self.settings.substreams);
            if substreams >> substream & 1 == 1 && left_out >> (step % 8) & 1 == 0 {
                self.send_frame(who, id, reason, level);
            }
        }
    }

    fn send_frame(&mut self, who: usize, id: FrameId, reason: SendReason, level: u8) {
        let fragment_len = self.settings.fragment_len;
        let key = id.0.is_multiple_of(GOP);
        let len = u32::from(fragment_len) * if key { 5 } else { id.0 % 2 } + 20;
        let count = fragment_count(len, fragment_len).expect("a valid length");
        let ticks = (u64::from(id.0) * u64::from(self.settings.cadence_us) * 9 / 100) % Dts::WRAP_TICKS;
        let info = FrameInfo { id, dts: Dts::from_ticks(ticks), pts_offset_ticks: 0, len, key };
        // Most frames come as they should, and take one byte of the script.
        let is_bad = self.bytes.one_in(8);
        for fragment in 0..count {
            let packet = self.others[who].packet;
            self.others[who].packet += if is_bad && self.bytes.one_in(3) { 2 } else { 1 };
            if is_bad && self.bytes.one_in(3) {
                continue;
            }
            let mut header = DataHeader {
                link: self.others[who].client_link,
                packet,
                sent_us: self.now.wire_us(),
                epoch: self.epoch,
                info,
                substream: self.settings.mapping.substream_of(id, self.settings.substreams),
                fragment,
                count,
                reason,
                level,
            };
            if is_bad && self.bytes.one_in(3) {
                self.falsify(&mut header);
            }
            let mut datagram = vec![0; DATA_HEADER_LEN];
            let body_len = usize::from(fragment_len_at(len, fragment_len, fragment));
            if header.write(&mut datagram).is_some() {
                datagram.resize(DATA_HEADER_LEN + body_len, id.0 as u8);
                self.hand_over(who, &datagram);
            }
        }
        if !is_bad {
            self.drain();
        }
    }

    fn falsify(&mut self, header: &mut DataHeader) {
        match self.bytes.below(7) {
            0 => header.link = LinkId(self.bytes.word()),
            1 => header.epoch ^= 1,
            2 => header.substream = self.bytes.below(16) as u8,
            3 => header.level = self.bytes.below(16) as u8,
            4 => header.info.key ^= true,
            5 => header.packet = self.bytes.word(),
            _ => header.info.id = self.frame(),
        }
    }

    fn hand_over(&mut self, who: usize, datagram: &[u8]) {
        let who = if self.bytes.one_in(40) { self.bytes.below(OTHERS) } else { who };
        let _verdict = self.client.handle_datagram(self.now, Path::to(self.others[who].address), datagram);
        self.after_call();
    }

    fn drain(&mut self) {
        let mut sent = 0;
        while self.poll(DATAGRAM_LEN_MAX) {
            sent += 1;
            assert!(sent < BURST_MAX, "sends without an end");
        }
        self.drain_events();
    }

    fn drain_events(&mut self) {
        let mut events = 0;
        let fragment_len = self.client.view(self.now).map_or(0, |view| view.settings.fragment_len);
        while let Some(event) = self.client.poll_event() {
            events += 1;
            assert!(events <= ClientEvent::QUEUE_LEN, "more events than the queue holds");
            if let ClientEvent::Frame(due) = event {
                let len = fragment_len_at(due.info.len, fragment_len, 0);
                let body = self.client.store().read(FragmentRef { key: due.key, index: 0, len });
                assert!(body.is_some() || self.seen.has_old_events, "{:?} is due and not held", due.info.id);
            }
        }
        self.seen.has_old_events = false;
    }

    fn poll(&mut self, head_len: usize) -> bool {
        let mut head = [0; DATAGRAM_LEN_MAX];
        let Some(transmit) = self.client.poll_transmit(self.now, &mut head[..head_len]) else {
            self.after_call();
            return false;
        };
        let mut datagram = head[..transmit.head_len].to_vec();
        if let Some(body) = transmit.body {
            match self.client.store().read(body) {
                Some(bytes) => datagram.extend_from_slice(bytes),
                None => return true,
            }
        }
        self.on_sent(transmit.path.remote, &datagram);
        (self.look)(&self.client, Some(&datagram));
        self.after_call();
        true
    }

    /// The other side reads what the client said.
    fn on_sent(&mut self, to: SocketAddr, datagram: &[u8]) {
        assert!(datagram.len() <= DATAGRAM_LEN_MAX);
        if is_stun(datagram) {
            return;
        }
        let parsed = Datagram::parse(datagram).expect("a valid datagram");
        // A mangled list of candidates leads to meets with strangers.
        let Some(other) = self.others.iter().position(|other| other.address == to) else { return };
        match parsed {
            Datagram::Data(..) => {
                assert!(self.upload_bps > 0, "receive-only, and sends data");
                self.seen.uploads.push((self.now, datagram.len()));
                self.check_uploads();
            }
            Datagram::Control(_, messages) => {
                for message in messages {
                    let message = message.expect("only valid messages");
                    self.on_message(other, &message);
                }
            }
            Datagram::Sealed { .. } | Datagram::Proof { .. } => panic!("not spoken"),
        }
    }

    fn on_message(&mut self, other: usize, message: &Message<'_>) {
        if let Message::Hello(hello) = message {
            self.is_awaited |= self.nonce != hello.nonce;
            self.asked = other;
            (self.nonce, self.others[other].client_link) = (hello.nonce, hello.link);
        } else if let Message::Meet(meet) = message {
            (self.others[other].client_link, self.others[other].packet) = (meet.link, 0);
            self.asked_to_meet = Some(other);
        } else if let Message::Met(met) = message {
            self.others[other].client_link = met.link;
        } else if let Message::Accept(accept) = message {
            let levels_max = self.client.view(self.now).map_or(15, |view| view.settings.levels_max);
            assert!(accept.level < levels_max, "a child below {accept:?}");
        }
    }

    /// Over any 10 s no more than the cap, one bucket, and the datagram that overdraws it.
    fn check_uploads(&mut self) {
        let Some(view) = self.client.view(self.now) else { return };
        let cap_bps = u64::from(view.settings.rate_bps) * u64::from(view.settings.upload_cap_percent) / 100;
        let seen = &mut self.seen;
        seen.upload_bps_max = seen.upload_bps_max.max(cap_bps.min(u64::from(self.upload_bps)));
        seen.upload_depth_max = seen.upload_depth_max.max(24_000).max(view.settings.rate_bps / 32);
        let since = self.now - Duration::from_secs(10);
        seen.uploads.retain(|&(at, _)| at > since);
        let sum: usize = seen.uploads.iter().map(|&(_, bytes)| bytes).sum();
        let bytes_max = seen.upload_bps_max * 10 / 8 + u64::from(seen.upload_depth_max);
        assert!(
            sum as u64 <= bytes_max + DATAGRAM_LEN_MAX as u64,
            "{sum} bytes in 10 s, {bytes_max} allowed"
        );
    }

    /// What holds after every call.
    fn after_call(&mut self) {
        (self.look)(&self.client, None);
        let Some(view) = self.client.view(self.now) else {
            (self.seen.playhead, self.seen.slots_used) = (None, 0);
            return;
        };
        if view.slots_used > self.seen.slots_used {
            assert!(view.slots_used <= view.slots_max, "{} of {} slots", view.slots_used, view.slots_max);
        }
        self.seen.slots_used = view.slots_used;
        if let Some(playhead) = view.playhead {
            let run = (view.epoch, view.settings);
            let before = self.seen.playhead.filter(|&(epoch, settings, _)| run == (epoch, settings));
            assert!(before.is_none_or(|(_, _, before)| before <= playhead), "{before:?} to {playhead:?}");
            self.seen.playhead = Some((view.epoch, view.settings, playhead));
        }
    }
}
