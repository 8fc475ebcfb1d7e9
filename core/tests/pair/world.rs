//! The harness: all machines, the datagrams on their way, and the time.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::BTreeMap;

use livesky_core::client::{Client, ClientConfig, ClientEvent, ClientStorage, Peer};
use livesky_core::edge::{
    ChannelId, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeEvent, EdgeStorage, Reservation,
};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo};
use livesky_core::rng::Rng;
use livesky_core::store::{
    AddressIndex, AddressSlot, Assembly, FragmentRef, FrameSlot, FrameStore, PageLink, PagePool, WheelSlot,
};
use livesky_core::wire::stream::Resume;
use livesky_core::wire::{DataHeader, Datagram};
use livesky_core::{Endpoint, Instant, Path, Transmit};

use super::nat_box::NatBox;

/// What happens to datagrams on their way.
#[derive(Clone, Copy, Debug)]
pub struct Impairment {
    pub loss_permille: u32,
    pub twice_permille: u32,
    pub delay: Duration,
    pub jitter: Duration,
}

impl Impairment {
    pub const NONE: Self = Self {
        loss_permille: 0,
        twice_permille: 0,
        delay: Duration::from_millis(20),
        jitter: Duration::ZERO,
    };
    /// 2 % loss, 1 % doubled, up to 15 ms of jitter, which reorders.
    pub const ROUGH: Self = Self {
        loss_permille: 20,
        twice_permille: 10,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
    };
}

pub type TestEdge = Edge<'static, PagePool<'static>>;
pub type TestClient = Client<'static, PagePool<'static>>;

/// A viewer and what it saw.
pub struct Viewer {
    pub client: TestClient,
    /// Where it is; behind a NAT its address there.
    pub address: SocketAddr,
    /// Which of the world's NATs it is behind.
    pub behind: Option<usize>,
    pub played: Vec<FrameId>,
    pub skipped: u32,
    pub skips: Vec<(FrameId, FrameId)>,
    pub stalls: u32,
    pub refused: u32,
    pub started_after: Option<Duration>,
    /// Gone without a word.
    pub is_dead: bool,
    pub left: u32,
    /// Edges it was sent to.
    pub redirected: Vec<SocketAddr>,
}

/// Sees each data header with its time, sender and receiver.
pub type Tap = Box<dyn FnMut(Instant, SocketAddr, SocketAddr, &DataHeader)>;

/// Sees each control datagram with its time, sender and receiver, before any NAT.
pub type ControlTap = Box<dyn FnMut(Instant, SocketAddr, SocketAddr, &[u8])>;

/// Another edge, fed the same frames.
pub struct OtherEdge {
    pub address: SocketAddr,
    pub edge: TestEdge,
    pub channel: ChannelId,
    pub events: Vec<EdgeEvent>,
    /// Answers nothing.
    pub is_dead: bool,
}

/// All of it.
pub struct World {
    pub now: Instant,
    pub edge: TestEdge,
    pub edge_events: Vec<EdgeEvent>,
    pub viewers: Vec<Viewer>,
    pub channel: Option<ChannelId>,
    pub settings: ChannelSettings,
    pub impairment: Impairment,
    pub is_publishing: bool,
    pub gop_frames: u32,
    next_frame: FrameId,
    next_frame_at: Instant,
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sequence: u64,
    rng: Rng,
    /// Looks at every data header that is sent, with sender and receiver.
    pub tap: Option<Tap>,
    /// Looks at everything else.
    pub control_tap: Option<ControlTap>,
    pub nats: Vec<NatBox>,
    pub others: Vec<OtherEdge>,
    /// A second channel of the edge, fed the same frames.
    pub second: Option<ChannelId>,
    /// Bytes the edge sent in datagrams with a fragment.
    pub edge_bytes: u64,
}

fn lend<T>(empty: impl Fn() -> T, count: usize) -> &'static mut [T] {
    (0..count).map(|_| empty()).collect::<Vec<_>>().leak()
}

fn pool(pages: usize) -> PagePool<'static> {
    PagePool::new(lend(|| PagePool::EMPTY_PAGE, pages), lend(|| PageLink::EMPTY, pages))
}

/// Places for channels at an edge.
const CHANNELS: usize = 2;

pub fn other_edge_address(index: usize) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 10 + u8::try_from(index).unwrap()), 7_000).into()
}

pub fn edge_address() -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 7_000))
}

/// The edge's second port.
pub fn edge_second_address() -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 7_001))
}

pub fn viewer_address(index: usize) -> SocketAddr {
    let index = u16::try_from(index).unwrap();
    let [high, low] = index.to_be_bytes();
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(198, 51, high, low), 9_000))
}

pub fn new_edge(config: EdgeConfig, clients: usize, frames: usize, pages: usize) -> TestEdge {
    let storage = EdgeStorage {
        clients: lend(|| ClientSlot::EMPTY, clients),
        records: lend(|| ClientRecord::EMPTY, clients),
        links: lend(|| Link::EMPTY, clients),
        addresses: lend(|| AddressSlot::EMPTY, AddressIndex::slots_for(clients)),
        timers: lend(|| WheelSlot::EMPTY, clients + CHANNELS),
        channels: lend(|| ChannelSlot::EMPTY, CHANNELS),
        frames: lend(|| FrameSlot::EMPTY, CHANNELS * frames),
        suppliers: lend(|| 0, CHANNELS * clients),
        reservations: lend(|| Reservation::EMPTY, 8 * clients.min(64)),
    };
    Edge::new(config, storage, pool(pages))
}

pub fn new_client(config: ClientConfig, peers: usize, frames: usize, pages: usize) -> TestClient {
    let storage = ClientStorage {
        peers: lend(|| Peer::EMPTY, peers),
        frames: lend(|| FrameSlot::EMPTY, frames),
        assemblies: lend(|| Assembly::EMPTY, 32),
    };
    Client::new(config, storage, pool(pages))
}

/// The bytes of frame `id`: as long as its place in the GOP says, and different for each.
pub fn frame_bytes(id: FrameId, gop_frames: u32) -> Vec<u8> {
    let len = if id.0.is_multiple_of(gop_frames) { 9_000 } else { 900 + (id.0 * 37 % 1_400) };
    let mut rng = Rng::from_seed(u64::from(id.0));
    let seed = rng.next_u32().to_le_bytes();
    (0..len).map(|place| seed[place as usize % 4] ^ (place as u8)).collect()
}

impl World {
    pub fn new(seed: u64, config: EdgeConfig, settings: ChannelSettings, impairment: Impairment) -> Self {
        let mut edge = new_edge(EdgeConfig { seed, ..config }, 256, 1_000, 4_000);
        let name = ChannelName::new("live1").unwrap();
        let now = Instant::from_millis(1_000);
        let (channel, _) = edge.open_channel(now, &name, settings, b"init", None).unwrap();
        Self {
            now,
            edge,
            edge_events: Vec::new(),
            viewers: Vec::new(),
            channel: Some(channel),
            settings,
            impairment,
            is_publishing: true,
            gop_frames: 25,
            next_frame: FrameId(0),
            next_frame_at: now,
            in_flight: BTreeMap::new(),
            sequence: 0,
            rng: Rng::from_seed(seed ^ 0x5eed),
            tap: None,
            control_tap: None,
            nats: Vec::new(),
            others: Vec::new(),
            second: None,
            edge_bytes: 0,
        }
    }

    /// Adds another edge, which holds the channel from the next frame on, in the same epoch; gives its index.
    pub fn add_edge(&mut self, config: EdgeConfig) -> usize {
        self.add_edge_of_epoch(config, 0)
    }

    /// The same, in another epoch.
    pub fn add_edge_of_epoch(&mut self, config: EdgeConfig, epoch: u16) -> usize {
        let index = self.others.len();
        let mut edge = new_edge(config, 256, 1_000, 4_000);
        let name = ChannelName::new("live1").unwrap();
        let resume = Some(Resume { epoch, next: self.next_frame });
        let (channel, _) = edge.open_channel(self.now, &name, self.settings, b"init", resume).unwrap();
        let address = other_edge_address(index);
        self.others.push(OtherEdge { address, edge, channel, events: Vec::new(), is_dead: false });
        index
    }

    /// Opens the channel "live2".
    pub fn open_second(&mut self) {
        let name = ChannelName::new("live2").unwrap();
        let opened = self.edge.open_channel(self.now, &name, self.settings, b"init", None);
        self.second = Some(opened.unwrap().0);
    }

    pub fn drain_all(&mut self) {
        self.drain_edge();
        for index in 0..self.viewers.len() {
            self.drain_viewer(index);
        }
    }

    /// Adds a viewer that tunes in now; gives its index.
    pub fn join(&mut self, upload_bps: u32) -> usize {
        self.join_as(ClientConfig { upload_bps, ..ClientConfig::default() }, None)
    }

    /// Adds a viewer with settings of its own, behind one of the NATs or none.
    pub fn join_as(&mut self, config: ClientConfig, behind: Option<usize>) -> usize {
        let index = self.viewers.len();
        let seed = u64::from(self.rng.next_u32());
        let address = match behind {
            None => viewer_address(index),
            Some(nat) => {
                let host = 10 + u8::try_from(index).unwrap();
                (Ipv4Addr::new(192, 168, u8::try_from(nat).unwrap(), host), 9_000).into()
            }
        };
        let config = ClientConfig { seed, edge: edge_address(), local: Some(address), ..config };
        let mut client = new_client(config, 24, 1_000, 3_000);
        client.tune(self.now, &ChannelName::new("live1").unwrap());
        self.viewers.push(Viewer {
            client,
            address,
            behind,
            played: Vec::new(),
            skipped: 0,
            skips: Vec::new(),
            stalls: 0,
            refused: 0,
            started_after: None,
            is_dead: false,
            left: 0,
            redirected: Vec::new(),
        });
        self.drain_viewer(index);
        index
    }

    pub fn leave(&mut self, index: usize) {
        let now = self.now;
        self.viewers[index].client.leave(now);
        self.drain_viewer(index);
        self.viewers[index].is_dead = true;
    }

    pub fn kill(&mut self, index: usize) {
        self.viewers[index].is_dead = true;
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.next_event().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.step();
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Instant> {
        let arrival = self.in_flight.keys().next().map(|&(at, _)| at);
        let frame = self.is_publishing.then_some(self.next_frame_at);
        let viewers = self.viewers.iter().filter(|viewer| !viewer.is_dead);
        let deadlines = viewers.filter_map(|viewer| viewer.client.poll_timeout()).map(|deadline| deadline.at);
        let edge = self.edge.poll_timeout().map(|deadline| deadline.at);
        let others = self.others.iter().filter(|other| !other.is_dead);
        let others = others.filter_map(|other| other.edge.poll_timeout()).map(|deadline| deadline.at);
        arrival.into_iter().chain(frame).chain(deadlines).chain(edge).chain(others).min()
    }

    fn step(&mut self) {
        let now = self.now;
        if self.is_publishing && self.next_frame_at <= now {
            self.publish_frame();
        }
        while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now) {
            let (from, to, bytes) = entry.remove();
            self.deliver(from, to, &bytes);
        }
        if self.edge.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.edge.handle_timeout(now);
            let next = self.edge.poll_timeout();
            assert!(next.is_none_or(|deadline| deadline.at > now), "edge would spin: {next:?} at {now:?}");
            self.drain_edge();
        }
        for index in 0..self.others.len() {
            let OtherEdge { edge, is_dead, .. } = &mut self.others[index];
            if *is_dead || edge.poll_timeout().is_none_or(|deadline| deadline.at > now) {
                continue;
            }
            edge.handle_timeout(now);
            let next = edge.poll_timeout();
            assert!(next.is_none_or(|deadline| deadline.at > now), "edge would spin: {next:?} at {now:?}");
            self.drain_other(index);
        }
        for index in 0..self.viewers.len() {
            let viewer = &mut self.viewers[index];
            if viewer.is_dead || viewer.client.poll_timeout().is_none_or(|deadline| deadline.at > now) {
                continue;
            }
            viewer.client.handle_timeout(now);
            let next = viewer.client.poll_timeout();
            assert!(next.is_none_or(|deadline| deadline.at > now), "client would spin: {next:?} at {now:?}");
            self.drain_viewer(index);
        }
    }

    fn publish_frame(&mut self) {
        let id = self.next_frame;
        let bytes = frame_bytes(id, self.gop_frames);
        let info = FrameInfo {
            id,
            dts: Dts::from_ticks(Dts::WRAP_TICKS - 900_000 + u64::from(id.0) * 3_600),
            pts_offset_ticks: 7_200,
            len: u32::try_from(bytes.len()).unwrap(),
            key: id.0.is_multiple_of(self.gop_frames),
        };
        let channel = self.channel.unwrap();
        self.edge.push_bytes(self.now, channel, info, &bytes).unwrap();
        if let Some(second) = self.second {
            let _ = self.edge.push_bytes(self.now, second, info, &bytes);
        }
        for index in 0..self.others.len() {
            let OtherEdge { edge, channel, .. } = &mut self.others[index];
            edge.push_bytes(self.now, *channel, info, &bytes).unwrap();
            self.drain_other(index);
        }
        self.next_frame = id.next();
        self.next_frame_at = self.next_frame_at.plus_micros(u64::from(self.settings.cadence_us));
        self.drain_edge();
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = self.now;
        // A rejected datagram is an expected thing on a rough path; tests look at the counters.
        if to == edge_address() || to == edge_second_address() {
            let socket = u8::from(to != edge_address());
            let _ = self.edge.handle_datagram(now, Path { socket, ..Path::to(from) }, bytes);
            self.drain_edge();
        } else if let Some(index) = self.others.iter().position(|other| other.address == to) {
            if !self.others[index].is_dead {
                let _ = self.others[index].edge.handle_datagram(now, Path::to(from), bytes);
                self.drain_other(index);
            }
        } else if let Some(index) = self.receiver(from, to)
            && !self.viewers[index].is_dead
        {
            let _ = self.viewers[index].client.handle_datagram(now, Path::to(from), bytes);
            self.drain_viewer(index);
        }
    }

    /// Who gets a datagram: behind a NAT only what that lets in, or comes from behind the same one.
    fn receiver(&self, from: SocketAddr, to: SocketAddr) -> Option<usize> {
        let nat = self.nats.iter().find(|nat| IpAddr::V4(nat.public) == to.ip());
        let inside = match nat {
            Some(nat) => nat.translate_in(self.now, from, to.port())?,
            None => to,
        };
        let index = self.viewers.iter().position(|viewer| viewer.address == inside)?;
        let behind = self.viewers[index].behind;
        let is_neighbour =
            self.viewers.iter().any(|viewer| viewer.address == from && viewer.behind == behind);
        (nat.is_some() || behind.is_none() || is_neighbour).then_some(index)
    }

    /// Where a viewer's datagram seems to come from, beyond its NAT.
    fn seen_from(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let behind =
            self.viewers.iter().find(|viewer| viewer.address == from).and_then(|viewer| viewer.behind);
        let is_inside = self.viewers.iter().any(|viewer| viewer.address == to && viewer.behind == behind);
        match behind {
            Some(nat) if !is_inside => self.nats[nat].translate_out(self.now, from, to),
            _ => from,
        }
    }

    fn drain_edge(&mut self) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        while let Some(transmit) = self.edge.poll_transmit(self.now, &mut head) {
            let Some(bytes) = assemble(&head, &transmit, self.edge.store()) else { continue };
            if transmit.body.is_some() {
                self.edge_bytes += bytes.len() as u64;
            }
            let from = if transmit.path.socket == 0 { edge_address() } else { edge_second_address() };
            self.send(from, transmit.path.remote, bytes);
        }
        while let Some(event) = self.edge.poll_event() {
            self.edge_events.push(event);
        }
    }

    fn drain_other(&mut self, index: usize) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        let from = self.others[index].address;
        while let Some(transmit) = self.others[index].edge.poll_transmit(self.now, &mut head) {
            let Some(bytes) = assemble(&head, &transmit, self.others[index].edge.store()) else { continue };
            self.send(from, transmit.path.remote, bytes);
        }
        while let Some(event) = self.others[index].edge.poll_event() {
            self.others[index].events.push(event);
        }
    }

    fn drain_viewer(&mut self, index: usize) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        let from = self.viewers[index].address;
        while let Some(transmit) = self.viewers[index].client.poll_transmit(self.now, &mut head) {
            let Some(bytes) = assemble(&head, &transmit, self.viewers[index].client.store()) else {
                continue;
            };
            self.send(from, transmit.path.remote, bytes);
        }
        let gop_frames = self.gop_frames;
        let viewer = &mut self.viewers[index];
        while let Some(event) = viewer.client.poll_event() {
            match event {
                ClientEvent::Frame(due) => {
                    let bytes = read_frame(viewer.client.store(), &due);
                    assert_eq!(
                        bytes,
                        frame_bytes(due.info.id, gop_frames),
                        "frame {:?} of viewer {index}",
                        due.info.id
                    );
                    viewer.played.push(due.info.id);
                }
                ClientEvent::Started { after } => viewer.started_after = Some(after),
                ClientEvent::Stalled => viewer.stalls += 1,
                ClientEvent::Skipped { from, to } => {
                    viewer.skipped += to.since(from);
                    viewer.skips.push((from, to));
                }
                ClientEvent::Refused(_) => viewer.refused += 1,
                ClientEvent::Redirected { to } => viewer.redirected.push(to),
                ClientEvent::Left { .. } => viewer.left += 1,
                ClientEvent::Joined | ClientEvent::Resumed { .. } => {}
            }
        }
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if let (Some(tap), Ok(Datagram::Data(header, _))) = (&mut self.tap, Datagram::parse(&bytes)) {
            tap(self.now, from, to, &header);
        }
        if let (Some(tap), Ok(Datagram::Control(..))) = (&mut self.control_tap, Datagram::parse(&bytes)) {
            tap(self.now, from, to, &bytes);
        }
        let from = self.seen_from(from, to);
        let Impairment { loss_permille, twice_permille, delay, jitter } = self.impairment;
        if self.rng.below(1_000) < loss_permille {
            return;
        }
        let copies = if self.rng.below(1_000) < twice_permille { 2 } else { 1 };
        for _ in 0..copies {
            let jitter_us = u64::from(self.rng.below(u32::try_from(jitter.as_micros()).unwrap() + 1));
            let at = (self.now + delay).plus_micros(jitter_us);
            self.sequence += 1;
            self.in_flight.insert((at, self.sequence), (from, to, bytes.clone()));
        }
    }
}

fn assemble(head: &[u8], transmit: &Transmit, store: &PagePool<'_>) -> Option<Vec<u8>> {
    let mut bytes = head[..transmit.head_len].to_vec();
    if let Some(body) = transmit.body {
        bytes.extend_from_slice(store.read(body)?);
    }
    assert!(bytes.len() <= DATAGRAM_LEN_MAX);
    Some(bytes)
}

fn read_frame(store: &PagePool<'_>, due: &livesky_core::client::FrameDue) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..due.fragments {
        let left = due.info.len as usize - bytes.len();
        let len = u16::try_from(left.min(1_128)).unwrap();
        bytes.extend_from_slice(
            store.read(FragmentRef { key: due.key, index, len }).expect("a frame due is held"),
        );
    }
    bytes
}

/// Whether the ids follow each other without a gap.
pub fn is_gapless(played: &[FrameId]) -> bool {
    played.windows(2).all(|pair| pair[1] == pair[0].next())
}
