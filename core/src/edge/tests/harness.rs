//! An edge on memory of its own, and clients that only count what they get.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::edge::{
    ChannelId, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeEvent, EdgeStorage, Reservation,
};
use crate::limits::{ACK_RUNS_MAX, DATAGRAM_LEN_MAX};
use crate::link::Link;
use crate::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo};
use crate::scaling::Churn;
use crate::store::{AddressIndex, AddressSlot, FrameSlot, PageLink, PhantomStore, WheelSlot};
use crate::wire::ControlWriter;
use crate::wire::control::{Class, Hello, LinkId, Message, Status, Subscribe};
use crate::{Endpoint, Instant, Reject};

pub(crate) use super::viewer::{Told, Viewer};

/// Fragments the phantom store holds.
const FRAGMENTS: usize = 8_192;
/// Frames of a group of pictures: the first is a key frame.
pub(crate) const GOP: u32 = 25;
pub(crate) const KEY_LEN: u32 = 6_000;
pub(crate) const FRAME_LEN: u32 = 1_800;
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What an edge works in.
pub(crate) struct EdgeMemory {
    clients: Vec<ClientSlot>,
    records: Vec<ClientRecord>,
    links: Vec<Link>,
    addresses: Vec<AddressSlot>,
    timers: Vec<WheelSlot>,
    channels: Vec<ChannelSlot>,
    frames: Vec<FrameSlot>,
    suppliers: Vec<u32>,
    reservations: Vec<Reservation>,
    tags: Vec<[u8; 4]>,
    pages: Vec<PageLink>,
}

impl EdgeMemory {
    pub(crate) fn new(clients: usize, channels: usize, frames_each: usize) -> Self {
        Self {
            clients: (0..clients).map(|_| ClientSlot::EMPTY).collect(),
            records: (0..clients).map(|_| ClientRecord::EMPTY).collect(),
            links: vec![Link::EMPTY; clients],
            addresses: vec![AddressSlot::EMPTY; AddressIndex::slots_for(clients)],
            timers: vec![WheelSlot::EMPTY; clients + channels],
            channels: (0..channels).map(|_| ChannelSlot::EMPTY).collect(),
            frames: vec![FrameSlot::EMPTY; channels * frames_each],
            suppliers: vec![0; clients * channels],
            reservations: vec![Reservation::EMPTY; 8 * clients],
            tags: vec![PhantomStore::EMPTY_TAG; FRAGMENTS],
            pages: vec![PageLink::EMPTY; FRAGMENTS],
        }
    }

    pub(crate) fn edge(&mut self, config: EdgeConfig) -> Edge<'_, PhantomStore<'_>> {
        let storage = EdgeStorage {
            clients: &mut self.clients,
            records: &mut self.records,
            links: &mut self.links,
            addresses: &mut self.addresses,
            timers: &mut self.timers,
            channels: &mut self.channels,
            frames: &mut self.frames,
            suppliers: &mut self.suppliers,
            reservations: &mut self.reservations,
        };
        Edge::new(config, storage, PhantomStore::new(&mut self.tags, &mut self.pages))
    }
}

pub(crate) fn config(capacity_bps: u64, n1: u32) -> EdgeConfig {
    let churn = Churn { alpha: 1.0, gamma: 0.036, delta: 0.024 };
    EdgeConfig { seed: 7, key: *b"0123456789abcdef", capacity_bps, n1, churn, ..EdgeConfig::default() }
}

pub(crate) fn settings() -> ChannelSettings {
    ChannelSettings { target_buffer_ms: 4_000, ..ChannelSettings::default() }
}

pub(crate) fn name() -> ChannelName {
    ChannelName::new("live1").unwrap()
}

pub(crate) fn address(index: usize) -> SocketAddr {
    (Ipv4Addr::new(198, 51, 100, 1), 10_000 + u16::try_from(index).unwrap()).into()
}

/// An edge, its publisher and its clients.
pub(crate) struct World<'a> {
    pub(crate) edge: Edge<'a, PhantomStore<'a>>,
    pub(crate) now: Instant,
    pub(crate) channel: ChannelId,
    pub(crate) settings: ChannelSettings,
    pub(crate) next_frame: FrameId,
    pub(crate) is_publishing: bool,
    /// The socket takes nothing: what there is to send is not polled.
    pub(crate) is_stuck: bool,
    pub(crate) viewers: Vec<Viewer>,
    pub(crate) events: Vec<EdgeEvent>,
    next_frame_at: Instant,
    next_status_at: Instant,
}

impl<'a> World<'a> {
    /// An edge with an open channel and `frames` frames in it.
    pub(crate) fn new(
        memory: &'a mut EdgeMemory,
        config: EdgeConfig,
        settings: ChannelSettings,
        frames: u32,
    ) -> Self {
        let now = Instant::from_millis(100_000);
        let mut edge = memory.edge(config);
        let (channel, _) = edge.open_channel(now, &name(), settings, &[7; 376], None).unwrap();
        let mut world = Self {
            edge,
            now,
            channel,
            settings,
            next_frame: FrameId(0),
            is_publishing: true,
            is_stuck: false,
            viewers: Vec::new(),
            events: Vec::new(),
            next_frame_at: now,
            next_status_at: now,
        };
        for _ in 0..frames {
            world.push();
        }
        world.next_frame_at = now + world.cadence();
        world
    }

    fn cadence(&self) -> Duration {
        Duration::from_micros(u64::from(self.settings.cadence_us))
    }

    pub(crate) fn push(&mut self) {
        let id = self.next_frame;
        let key = id.0.is_multiple_of(GOP);
        let len = if key { KEY_LEN } else { FRAME_LEN };
        let dts = Dts::from_ticks(u64::from(id.0) * 3_600);
        let info = FrameInfo { id, dts, pts_offset_ticks: 0, len, key };
        let bytes = vec![5; len as usize];
        self.edge.push_bytes(self.now, self.channel, info, &bytes).unwrap();
        self.next_frame = id.next();
        self.drain();
    }

    /// Sends everything the edge has to send; gives the bytes of it.
    pub(crate) fn drain(&mut self) -> usize {
        if self.is_stuck {
            return 0;
        }
        let mut sum = 0;
        let mut head = [0; DATAGRAM_LEN_MAX];
        while let Some(transmit) = self.edge.poll_transmit(self.now, &mut head) {
            let mut bytes = head[..transmit.head_len].to_vec();
            if let Some(body) = transmit.body {
                assert!(body.len > 0);
                bytes.resize(bytes.len() + usize::from(body.len), 5);
            }
            sum += bytes.len();
            let remote = transmit.path.remote;
            if let Some(viewer) = self.viewers.iter_mut().find(|viewer| viewer.path.remote == remote) {
                viewer.on_datagram(self.now, &bytes);
            }
        }
        while let Some(event) = self.edge.poll_event() {
            self.events.push(event);
        }
        sum
    }

    /// Sends a control datagram under `link` as it is.
    pub(crate) fn say_raw(
        &mut self,
        index: usize,
        link: LinkId,
        messages: &[Message<'_>],
    ) -> Result<(), Reject> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, link).unwrap();
        for message in messages {
            assert!(writer.push(message));
        }
        if matches!(messages.first(), Some(Message::Hello(_))) {
            writer.pad_to(DATAGRAM_LEN_MAX);
        }
        let len = writer.finish();
        let path = self.viewers[index].path;
        let taken = self.edge.handle_datagram(self.now, path, &out[..len]);
        self.drain();
        taken
    }

    pub(crate) fn say(&mut self, index: usize, message: &Message<'_>) -> Result<(), Reject> {
        let link = self.viewers[index].edge_link;
        self.say_raw(index, link, core::slice::from_ref(message))
    }

    pub(crate) fn hello(&mut self, index: usize) -> Result<(), Reject> {
        let viewer = &self.viewers[index];
        let hello = Hello {
            nonce: viewer.nonce,
            link: viewer.own_link,
            channel: "live1",
            cookie: viewer.cookie,
            upload_bps: 400_000,
            ticket: &[],
        };
        self.say_raw(index, LinkId(0), &[Message::Hello(hello)])
    }

    pub(crate) fn add_viewer(&mut self) -> usize {
        self.viewers.push(Viewer::new(self.viewers.len()));
        self.viewers.len() - 1
    }

    /// A viewer that has gone through the cookie round.
    pub(crate) fn join(&mut self) -> usize {
        let index = self.add_viewer();
        self.hello(index).unwrap();
        self.hello(index).unwrap();
        index
    }

    /// A viewer that was let in and offers `slots`.
    pub(crate) fn join_with_slots(&mut self, slots: u8) -> usize {
        let index = self.join();
        assert!(self.viewers[index].edge_link.0 != 0, "{:?}", self.viewers[index].told);
        let all = self.settings.all_substreams();
        let feedable = if self.viewers[index].class == Class::Push { all } else { 0 };
        let status = Status { slots, slots_max: slots, feedable, edge_feeds: all, ..Status::default() };
        self.say(index, &Message::Status(status.clone())).unwrap();
        self.viewers[index].status = Some(status);
        index
    }

    pub(crate) fn subscribe(&mut self, index: usize, substream: u8, from: FrameId) -> Result<(), Reject> {
        self.say(index, &Message::Subscribe(Subscribe { substream, from, level: 2 }))
    }

    pub(crate) fn release(&mut self, index: usize, substream: u8, until: FrameId) -> Result<(), Reject> {
        self.say(index, &Message::Release { substream, until })
    }

    /// Ends a feed at once that is up to date, but perhaps for its last frame.
    pub(crate) fn stop(&mut self, index: usize, substream: u8) {
        let until = self.next_frame.minus(u32::from(self.settings.substreams));
        self.release(index, substream, until).unwrap();
    }

    pub(crate) fn statuses(&mut self) {
        for index in 0..self.viewers.len() {
            let Some(status) = self.viewers[index].status.clone() else { continue };
            if self.viewers[index].edge_link.0 != 0 {
                let _known = self.say(index, &Message::Status(status));
            }
        }
    }

    fn acks(&mut self) {
        for index in 0..self.viewers.len() {
            let viewer = &mut self.viewers[index];
            let is_due = viewer.link.ack_deadline().is_some_and(|at| at <= self.now);
            if !viewer.is_acking || !is_due || viewer.edge_link.0 == 0 {
                continue;
            }
            let mut runs = [0; ACK_RUNS_MAX];
            if let Some(ack) = viewer.link.write_ack(self.now, &mut runs) {
                let message = Message::Ack(ack);
                let _known = self.say(index, &message);
            }
        }
    }

    /// Lets time pass: frames, acknowledgements, statuses and the edge's own deadlines, each at its time.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let acks = self.viewers.iter().filter(|viewer| viewer.is_acking && viewer.edge_link.0 != 0);
            let ack_at = acks.filter_map(|viewer| viewer.link.ack_deadline()).min();
            let timer_at = self.edge.poll_timeout().map(|deadline| deadline.at);
            let frame_at = self.is_publishing.then_some(self.next_frame_at);
            let times = [ack_at, timer_at, frame_at, Some(self.next_status_at), Some(end)];
            let next = times.into_iter().flatten().min().unwrap();
            self.now = self.now.max(next);
            self.edge.handle_timeout(self.now);
            assert!(self.edge.poll_timeout().is_none_or(|deadline| deadline.at > self.now));
            self.drain();
            self.acks();
            if self.next_status_at <= self.now {
                self.next_status_at = self.now + SECOND;
                self.statuses();
            }
            if self.is_publishing && self.next_frame_at <= self.now {
                self.next_frame_at = self.next_frame_at + self.cadence();
                self.push();
            }
            if self.now >= end {
                break;
            }
        }
    }
}
