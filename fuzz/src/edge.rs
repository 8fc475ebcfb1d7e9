//! Bytes become calls to an edge: clients prove their addresses or do not, say anything under any link, publishers come
//! and go, the owner drains or does not.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use livesky_core::edge::{
    ChannelId, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeEvent, EdgeStorage, Reservation,
};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo, Overlay};
use livesky_core::store::{AddressIndex, AddressSlot, FrameSlot, FrameStore, PageLink, PagePool, WheelSlot};
use livesky_core::wire::control::*;
use livesky_core::wire::report::*;
use livesky_core::wire::{ControlWriter, Datagram, Message};
use livesky_core::{Endpoint, Instant, Path};

use super::bytes::Bytes;

/// Addresses that speak to the edge.
const OTHERS: usize = 6;
/// Frames from one key frame to the next.
const GOP: u32 = 10;
/// Datagrams an edge may send at one point in time: more is a loop without an end.
const BURST_MAX: usize = 20_000;

/// One who speaks to the edge.
#[derive(Clone, Copy)]
struct Other {
    address: SocketAddr,
    own_link: LinkId,
    edge_link: LinkId,
    nonce: u64,
    cookie: Option<Cookie>,
    /// Whether it has shown a cookie it got at its address.
    is_proved: bool,
    bytes_in: usize,
    bytes_out: usize,
}

/// Reports on their way through the edge.
#[derive(Default)]
struct Told {
    /// Numbers that came.
    sent: BTreeSet<u32>,
    /// Viewers that others spoke for: an edge cannot tell their reports apart.
    shared: BTreeSet<ViewerId>,
    /// What was handed up, since so many clients had gone that the edge may have forgotten one.
    handed_up: BTreeSet<(ViewerId, u32)>,
    forgotten_at_leaves: u64,
    count: u64,
}

struct Script<'b, 'm> {
    bytes: Bytes<'b>,
    now: Instant,
    edge: Edge<'m, PagePool<'m>>,
    channel: Option<ChannelId>,
    settings: ChannelSettings,
    next: FrameId,
    others: [Other; OTHERS],
    told: Told,
}

/// Plays what `bytes` say on an edge of small memory.
///
/// # Panics
/// When a promise of the edge is broken.
pub fn check(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let clients = [4, 6, 1, 2][bytes.below(4)];
    let frames = [120, 30, 2, 1, 0][bytes.below(5)];
    let pages = [300, 40, 2][bytes.below(3)];
    let capacity_bps = [50_000_000, 1_000_000, 0, 4_000_000][bytes.below(4)];
    let mut clients_memory: Vec<ClientSlot> = (0..clients).map(|_| ClientSlot::EMPTY).collect();
    let mut records: Vec<ClientRecord> = (0..clients).map(|_| ClientRecord::EMPTY).collect();
    let mut links = vec![Link::EMPTY; clients];
    let mut addresses = vec![AddressSlot::EMPTY; AddressIndex::slots_for(clients)];
    let mut timers = vec![WheelSlot::EMPTY; clients + 1];
    let mut channels = [ChannelSlot::EMPTY];
    let mut frame_slots = vec![FrameSlot::EMPTY; frames];
    let mut suppliers = vec![0; clients];
    let mut reservations = vec![Reservation::EMPTY; clients];
    let mut page_memory = vec![PagePool::EMPTY_PAGE; pages];
    let mut page_links = vec![PageLink::EMPTY; pages];
    let storage = EdgeStorage {
        clients: &mut clients_memory,
        records: &mut records,
        links: &mut links,
        addresses: &mut addresses,
        timers: &mut timers,
        channels: &mut channels,
        frames: &mut frame_slots,
        suppliers: &mut suppliers,
        reservations: &mut reservations,
    };
    let config = EdgeConfig { seed: 5, capacity_bps, n1: bytes.below(4) as u32, ..EdgeConfig::default() };
    let other = |index: usize| Other {
        address: SocketAddr::from((Ipv4Addr::new(198, 51, 100, 1), 9_000 + index as u16)),
        own_link: LinkId(500 + index as u32),
        edge_link: LinkId(0),
        nonce: index as u64,
        cookie: None,
        is_proved: false,
        bytes_in: 0,
        bytes_out: 0,
    };
    let settings = ChannelSettings {
        substreams: 1 + bytes.below(8) as u8,
        levels_max: 1 + bytes.below(3) as u8,
        overlay: if bytes.one_in(6) { Overlay::Off } else { Overlay::Push },
        target_buffer_ms: [4_000, 500, 15_000][bytes.below(3)],
        ..ChannelSettings::default()
    };
    let mut script = Script {
        bytes,
        now: Instant::from_millis(50_000),
        edge: Edge::new(config, storage, PagePool::new(&mut page_memory, &mut page_links)),
        channel: None,
        settings,
        next: FrameId(0),
        others: core::array::from_fn(other),
        told: Told::default(),
    };
    script.open();
    script.push(30);
    while !script.bytes.is_over() {
        script.step();
    }
}

impl Script<'_, '_> {
    fn step(&mut self) {
        let who = self.bytes.below(OTHERS);
        match self.bytes.below(20) {
            0..=4 => self.hello(who),
            5..=10 => self.say_anything(who),
            11..=13 => {
                let frames = self.bytes.below(20);
                self.push(frames);
            }
            14 if self.bytes.one_in(6) => {
                if let Some(channel) = self.channel {
                    self.edge.suspend_channel(self.now, channel);
                }
            }
            14 => self.open(),
            15 => {
                let raw = self.bytes.some(80);
                self.hand_over(who, raw);
            }
            16 => {
                self.edge.evict_oldest();
            }
            17 if self.bytes.one_in(3) => {
                self.now = self.now + Duration::from_millis(u64::from(self.bytes.short() % 12_000));
                self.timeout();
            }
            _ => self.pass(),
        }
        self.after_call();
        if !self.bytes.one_in(4) {
            self.drain();
        }
    }

    fn open(&mut self) {
        let name = ChannelName::new("live1").expect("a valid name");
        if let Ok((channel, resume)) = self.edge.open_channel(self.now, &name, self.settings, b"init", None) {
            (self.channel, self.next) = (Some(channel), resume.next);
        }
    }

    fn push(&mut self, frames: usize) {
        let Some(channel) = self.channel else { return };
        for _ in 0..frames {
            let id = self.next;
            let key = id.0.is_multiple_of(GOP);
            let bytes = [id.0 as u8; 5_000];
            let bytes = &bytes[..if key { 5_000 } else { 300 + 1_000 * (id.0 as usize % 2) }];
            let ticks = u64::from(id.0) * 3_600 % Dts::WRAP_TICKS;
            let len = bytes.len() as u32;
            let info = FrameInfo { id, dts: Dts::from_ticks(ticks), pts_offset_ticks: 0, len, key };
            if self.edge.push_bytes(self.now, channel, info, bytes).is_ok() {
                self.next = id.next();
            }
        }
    }

    fn pass(&mut self) {
        let end = self.now + Duration::from_millis(u64::from(self.bytes.byte()) * 8);
        let is_draining = !self.bytes.one_in(4);
        let mut calls = 0;
        while let Some(deadline) = self.edge.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.timeout();
            if is_draining {
                self.drain();
            }
            calls += 1;
            assert!(calls < 5_000, "{deadline:?} comes again and again");
        }
        self.now = end;
    }

    fn timeout(&mut self) {
        self.edge.handle_timeout(self.now);
        let next = self.edge.poll_timeout();
        assert!(next.is_none_or(|next| next.at > self.now), "{next:?} at {:?}", self.now);
    }

    fn hello(&mut self, who: usize) {
        let other = &mut self.others[who];
        if self.bytes.one_in(12) {
            other.nonce += 100;
        }
        let cookie = match self.bytes.below(10) {
            9 => Some([self.bytes.byte(); 16]),
            8 => None,
            7 => self.others[(who + 1) % OTHERS].cookie,
            _ => other.cookie,
        };
        let other = &mut self.others[who];
        other.is_proved |= cookie.is_some() && cookie == other.cookie;
        let hello = Hello {
            nonce: other.nonce,
            link: other.own_link,
            channel: if self.bytes.one_in(20) { "live2" } else { "live1" },
            cookie,
            upload_bps: [600_000, 0, u32::MAX][self.bytes.below(3)],
            ticket: &[],
        };
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, LinkId(0)).expect("room for a header");
        assert!(writer.push(&Message::Hello(hello)));
        writer.pad_to(if self.bytes.one_in(12) { self.bytes.below(256) } else { DATAGRAM_LEN_MAX });
        let len = writer.finish();
        self.hand_over(who, &out[..len]);
    }

    fn say_anything(&mut self, who: usize) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let link = match self.bytes.below(16) {
            15 => LinkId(0),
            14 => LinkId(self.bytes.word()),
            _ => self.others[who].edge_link,
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

    fn frame(&mut self) -> FrameId {
        if self.bytes.one_in(40) {
            return FrameId(self.bytes.word());
        }
        FrameId((self.next.0 + u32::from(self.bytes.byte())).saturating_sub(200))
    }

    fn message(&mut self, who: usize) -> Message<'static> {
        const RUNS: [u8; 8] = [3, 1, 2, 0, 40, 7, 255, 255];
        let substream = self.bytes.below(9) as u8;
        match self.bytes.below(12) {
            0..=2 => Message::Subscribe(Subscribe { substream, from: self.frame(), level: substream }),
            3 => Message::Release { substream, until: self.frame() },
            4 => {
                let wanted = [u64::MAX, 0, 1, 6][self.bytes.below(4)];
                let item = PullItem { frame: self.frame(), first: u16::from(substream), wanted };
                let items = heapless::Vec::from_slice(&[item, item]).expect("two fit");
                Message::Pull { items, can_wait: self.bytes.one_in(3) }
            }
            5 | 6 => {
                let largest = u32::from(self.bytes.short() % 400);
                let runs = &RUNS[self.bytes.below(8)..];
                Message::Ack(Ack { largest, delay_us: 0, one_way_us: 0, runs })
            }
            7 => Message::FindParents { substreams: self.bytes.short() },
            9 if !self.bytes.one_in(4) => Message::Report(self.report(who)),
            8 | 9 => Message::Status(Status {
                slots: self.bytes.byte(),
                slots_max: self.bytes.byte(),
                feedable: self.bytes.short(),
                edge_feeds: self.bytes.short(),
                ..Status::default()
            }),
            10 if self.bytes.one_in(2) => self.reach(),
            10 if self.bytes.one_in(2) => Message::Skipped { to: self.frame() },
            10 => Message::Ping { token: self.bytes.word() },
            _ if self.bytes.one_in(4) => Message::Leave { reason: LeaveReason::Done },
            _ => Message::Reset { link: LinkId(500 + u32::from(substream)) },
        }
    }

    /// What a viewer saw, as it may be or not.
    fn report(&mut self, who: usize) -> Report {
        let viewer = if self.bytes.one_in(8) { self.bytes.below(OTHERS) } else { who };
        let number = if self.bytes.one_in(16) { self.bytes.word() } else { 1 + self.bytes.below(60) as u32 };
        let name = ["live1", "live2"][usize::from(self.bytes.one_in(8))];
        let channel = ChannelTag::of(&ChannelName::new(name).expect("a valid name"));
        let body = if self.bytes.one_in(4) {
            let (answered_ms, started_ms) = (self.bytes.word(), self.bytes.word());
            ReportBody::Join(JoinRecord { answered_ms, started_ms, ..JoinRecord::default() })
        } else {
            ReportBody::Minute(self.minute())
        };
        let dropped = if self.bytes.one_in(4) { self.bytes.short() } else { 0 };
        let (public, private) = (self.others[who].address, None);
        Report { viewer: ViewerId(viewer as u64), number, channel, dropped, public, private, body }
    }

    fn minute(&mut self) -> MinuteReport {
        let class = if self.bytes.one_in(2) { Class::Push } else { Class::P2p };
        let number =
            |bytes: &mut Bytes<'_>| if bytes.one_in(8) { u32::MAX } else { u32::from(bytes.short()) };
        let (minute, span_ms) = (u32::from(self.bytes.byte()), number(&mut self.bytes));
        let (played_ms, buffering_ms) = (number(&mut self.bytes), number(&mut self.bytes));
        let bytes = ReportBytes {
            burst: number(&mut self.bytes),
            peers: number(&mut self.bytes),
            ..ReportBytes::default()
        };
        let (download_permille, stalls) = (self.bytes.short(), [self.bytes.byte(); STALL_BUCKETS]);
        let rescues = self.bytes.short();
        let rest = MinuteReport::default();
        MinuteReport {
            minute,
            span_ms,
            class,
            bytes,
            download_permille,
            played_ms,
            buffering_ms,
            stalls,
            rescues,
            ..rest
        }
    }

    /// How a client says it can be reached, and whom it did not meet.
    fn reach(&mut self) -> Message<'static> {
        let address = self.others[self.bytes.below(OTHERS)].address;
        if self.bytes.one_in(4) {
            return Message::AlsoAt { address, cookie: [self.bytes.byte(); 16] };
        }
        let mut reach = Reach { private: Some(address), unmet: self.bytes.word(), ..Reach::default() };
        let unmet = ClientId(self.others[self.bytes.below(OTHERS)].edge_link.0);
        reach.unmet_list.push(unmet).expect("the first");
        Message::Reach(reach)
    }

    fn hand_over(&mut self, who: usize, datagram: &[u8]) {
        self.others[who].bytes_in += datagram.len();
        self.told.on_datagram(who, datagram);
        let path = Path::to(self.others[who].address);
        let _verdict = self.edge.handle_datagram(self.now, path, datagram);
        self.after_call();
    }

    fn drain(&mut self) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        let mut sent = 0;
        while let Some(transmit) = self.edge.poll_transmit(self.now, &mut head) {
            sent += 1;
            assert!(sent < BURST_MAX, "sends without an end");
            let mut datagram = head[..transmit.head_len].to_vec();
            if let Some(body) = transmit.body {
                let Some(bytes) = self.edge.store().read(body) else { continue };
                datagram.extend_from_slice(bytes);
            }
            self.on_sent(transmit.path.remote, &datagram);
        }
        self.drain_events();
    }

    fn drain_events(&mut self) {
        while let Some(event) = self.edge.poll_event() {
            if let EdgeEvent::Report { report, .. } = event {
                self.told.on_handed_up(&report, self.edge.stats().leaves);
            }
        }
        // None is lost on the way up: it was acknowledged.
        assert_eq!((self.told.count, 0), (self.edge.stats().reports, self.edge.stats().reports_dropped));
    }

    fn on_sent(&mut self, to: SocketAddr, datagram: &[u8]) {
        assert!(datagram.len() <= DATAGRAM_LEN_MAX);
        let other = self.others.iter_mut().find(|other| other.address == to).expect("nobody else has spoken");
        other.bytes_out += datagram.len();
        // RFC 9000 clause 8.1 allows three times as much; here never more than came.
        assert!(
            other.is_proved || other.bytes_out <= other.bytes_in,
            "more than came, to an unproved address"
        );
        match Datagram::parse(datagram).expect("a valid datagram") {
            Datagram::Data(..) => assert!(other.is_proved, "media to an unproved address"),
            Datagram::Control(_, messages) => {
                for message in messages {
                    let message = message.expect("only valid messages");
                    if let Message::Challenge(challenge) = message {
                        other.cookie = Some(challenge.cookie);
                    } else if let Message::Welcome(welcome) = message {
                        assert!(other.is_proved, "a welcome without a cookie");
                        other.edge_link = welcome.link;
                    } else if let Message::ReportAck(ack) = message {
                        self.told.check_ack(&ack);
                    }
                }
            }
            Datagram::Sealed { .. } | Datagram::Proof { .. } => panic!("not spoken"),
        }
    }

    /// What holds after every call.
    fn after_call(&mut self) {
        let Some(view) = self.channel.and_then(|channel| self.edge.channel_view(channel)) else { return };
        let n_star = view.thresholds.map_or(0, |thresholds| thresholds.n_star);
        assert!(view.nc <= f64::from(n_star) + 1e-6, "Nc {} above {n_star}", view.nc);
        assert!(view.p0 == self.edge.clients_len() && view.p0 as usize <= OTHERS);
    }
}

impl Told {
    fn on_datagram(&mut self, who: usize, datagram: &[u8]) {
        let Ok(Datagram::Control(_, messages)) = Datagram::parse(datagram) else { return };
        for message in messages.flatten() {
            if let Message::Report(report) = message {
                self.sent.insert(report.number);
                if report.viewer != ViewerId(who as u64) {
                    self.shared.insert(report.viewer);
                }
            }
        }
    }

    /// Every report is handed up once, also when it is sent again at a later session.
    fn on_handed_up(&mut self, report: &Report, leaves: u64) {
        self.count += 1;
        // 128 who went are remembered.
        if leaves - self.forgotten_at_leaves > 100 {
            self.handed_up.clear();
            self.forgotten_at_leaves = leaves;
        }
        assert!(self.sent.contains(&report.number), "{report:?} was not told");
        // Numbers count from 1.
        let is_known = self.shared.contains(&report.viewer) || report.number == 0;
        assert!(self.handed_up.insert((report.viewer, report.number)) || is_known, "{report:?} comes twice");
    }

    /// Nothing is acknowledged that was not told.
    fn check_ack(&self, ack: &ReportAck) {
        let numbers = (0..REPORT_WINDOW).filter_map(|below| ack.highest.checked_sub(below));
        for number in numbers.filter(|&number| ack.has(number)) {
            assert!(self.sent.contains(&number), "{number} of {ack:?} was not told");
        }
    }
}
