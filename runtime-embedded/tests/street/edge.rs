//! A core edge on a smoltcp stack, and a publisher of frames whose bytes can be checked.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use livesky_core::edge::{
    ChannelId, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeStorage, Reservation,
};
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo};
use livesky_core::store::{
    AddressIndex, AddressSlot, FrameSlot, FrameStore, Page, PageLink, PagePool, WheelSlot,
};
use livesky_core::{Endpoint, Instant, Path};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::wire::{EthernetAddress, IpCidr};

use super::cable::End;

pub(crate) const EDGE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const EDGE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const PORT: u16 = 7_000;
pub(crate) const CHANNELS: [&str; 2] = ["first", "second"];
pub(crate) const FRAME_LEN: u32 = 1_800;
const KEY_LEN: u32 = 6_000;
const GOP: u32 = 25;

fn leak<T>(count: usize, make: impl Fn() -> T) -> &'static mut [T] {
    Box::leak((0..count).map(|_| make()).collect::<Vec<_>>().into_boxed_slice())
}

pub(crate) fn settings() -> ChannelSettings {
    ChannelSettings { target_buffer_ms: 2_000, ..ChannelSettings::default() }
}

/// Every byte of a frame follows from its channel and its number.
pub(crate) fn byte_of(channel: u8, frame: FrameId, at: usize) -> u8 {
    (frame.0 as usize * 31 + at * 7 + usize::from(channel) * 101) as u8
}

pub(crate) struct EdgeHouse {
    end: End,
    iface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    pub(crate) edge: Edge<'static, PagePool<'static>>,
    channels: Vec<ChannelId>,
    next: FrameId,
    next_at: Instant,
    pub(crate) is_dead: bool,
}

impl EdgeHouse {
    pub(crate) fn new(end: End, now: Instant, n1: u32, seed: u64) -> Self {
        let mut end = end;
        let hardware = EthernetAddress([2, 0, 0, 0, 0, 1]);
        let time = stack_time(now);
        let mut iface = Interface::new(Config::new(hardware.into()), &mut end, time);
        iface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(EDGE.into(), 24)).unwrap();
            addresses.push(IpCidr::new(EDGE_V6.into(), 64)).unwrap();
        });
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 512], vec![0; 512 * 1_200]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(PORT).unwrap();
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(socket);
        let (edge, channels) = open(now, n1, seed);
        let (next, next_at) = (FrameId(0), now);
        Self { end, iface, sockets, socket, edge, channels, next, next_at, is_dead: false }
    }

    /// Another process on the same machine: it knows nobody.
    pub(crate) fn restart(&mut self, now: Instant, seed: u64) {
        (self.edge, self.channels) = open(now, 10, seed);
        (self.next, self.next_at) = (FrameId(0), now);
        self.is_dead = false;
    }

    /// Publishes what is due and answers; says when to come back.
    pub(crate) fn run(&mut self, now: Instant) -> Instant {
        let time = stack_time(now);
        while self.next_at <= now {
            self.publish(now);
        }
        self.iface.poll(time, &mut self.end, &mut self.sockets);
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        while let Ok((datagram, from)) = socket.recv() {
            if !self.is_dead {
                let _ = self.edge.handle_datagram(now, Path::to(from.endpoint.into()), datagram);
            }
        }
        if self.edge.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.edge.handle_timeout(now);
        }
        while self.edge.poll_event().is_some() {}
        let mut head = [0; 1_200];
        while !self.is_dead && socket.can_send() {
            let Some(sent) = self.edge.poll_transmit(now, &mut head) else { break };
            let mut datagram = head[..sent.head_len].to_vec();
            if let Some(body) = sent.body {
                let Some(bytes) = self.edge.store().read(body) else { continue };
                datagram.extend_from_slice(bytes);
            }
            let remote: SocketAddr = sent.path.remote;
            let _ = socket.send_slice(&datagram, udp::UdpMetadata::from(remote));
        }
        self.iface.poll(time, &mut self.end, &mut self.sockets);
        let at = self.edge.poll_timeout().map_or(self.next_at, |deadline| deadline.at.min(self.next_at));
        at.max(now.plus_micros(100))
    }

    fn publish(&mut self, now: Instant) {
        let key = self.next.0.is_multiple_of(GOP);
        let len = if key { KEY_LEN } else { FRAME_LEN };
        let dts = Dts::from_ticks(u64::from(self.next.0) * 3_600);
        let info = FrameInfo { id: self.next, dts, pts_offset_ticks: 1_800, len, key };
        for (number, channel) in (0..).zip(&self.channels) {
            let bytes: Vec<u8> = (0..len as usize).map(|at| byte_of(number, self.next, at)).collect();
            self.edge.push_bytes(now, *channel, info, &bytes).unwrap();
        }
        self.next = self.next.next();
        self.next_at = self.next_at.plus_micros(40_000);
    }
}

fn open(now: Instant, n1: u32, seed: u64) -> (Edge<'static, PagePool<'static>>, Vec<ChannelId>) {
    let storage = EdgeStorage {
        clients: leak(16, || ClientSlot::EMPTY),
        records: leak(16, || ClientRecord::EMPTY),
        links: leak(16, || Link::EMPTY),
        addresses: leak(AddressIndex::slots_for(16), || AddressSlot::EMPTY),
        timers: leak(16 + 2, || WheelSlot::EMPTY),
        channels: leak(2, || ChannelSlot::EMPTY),
        frames: leak(2 * 256, || FrameSlot::EMPTY),
        suppliers: leak(32, || 0),
        reservations: leak(128, || Reservation::EMPTY),
    };
    let store = PagePool::new(
        leak::<Page>(2_048, || PagePool::EMPTY_PAGE),
        leak::<PageLink>(2_048, || PageLink::EMPTY),
    );
    let config = EdgeConfig { seed, n1, capacity_bps: 50_000_000, ..EdgeConfig::default() };
    let mut edge = Edge::new(config, storage, store);
    let open = |name| {
        let name = ChannelName::new(name).unwrap();
        edge.open_channel(now, &name, settings(), &[0x47; 376], None).unwrap().0
    };
    let channels = CHANNELS.map(open).to_vec();
    (edge, channels)
}

pub(crate) fn stack_time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(now.as_micros() as i64)
}
