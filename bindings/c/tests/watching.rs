//! Boxes behind the C ABI and core's own edge, in virtual time: what is played is what was published, byte for byte.

#![allow(unsafe_code, reason = "the functions under test follow pointers")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that panics fails, as it should"
)]

use core::net::SocketAddr;
use core::ptr::null_mut;
use std::collections::VecDeque;

use livesky_c::*;
use livesky_core::edge::{
    ChannelId, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeStorage, Reservation,
};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo};
use livesky_core::store::{AddressIndex, AddressSlot, FrameSlot, FrameStore, PageLink, PagePool, WheelSlot};
use livesky_core::{Endpoint, Instant, Path};

const EDGE: &str = "192.0.2.1:7000";
const STEP_US: u64 = 5_000;
const DELAY_US: u64 = 20_000;
const GOP: u32 = 10;

fn lend<T: Clone>(empty: T, count: usize) -> &'static mut [T] {
    vec![empty; count].leak()
}

fn new_edge() -> Edge<'static, PagePool<'static>> {
    let storage = EdgeStorage {
        clients: (0..4).map(|_| ClientSlot::EMPTY).collect::<Vec<_>>().leak(),
        records: (0..4).map(|_| ClientRecord::EMPTY).collect::<Vec<_>>().leak(),
        links: (0..4).map(|_| Link::EMPTY).collect::<Vec<_>>().leak(),
        addresses: lend(AddressSlot::EMPTY, AddressIndex::slots_for(4)),
        timers: lend(WheelSlot::EMPTY, 5),
        channels: (0..1).map(|_| ChannelSlot::EMPTY).collect::<Vec<_>>().leak(),
        frames: lend(FrameSlot::EMPTY, 300),
        suppliers: lend(0, 4),
        reservations: lend(Reservation::EMPTY, 32),
    };
    let store = PagePool::new(lend(PagePool::EMPTY_PAGE, 800), lend(PageLink::EMPTY, 800));
    Edge::new(EdgeConfig { n1: 1, slope: Some(0.2), ..EdgeConfig::default() }, storage, store)
}

fn frame_bytes(id: u32) -> Vec<u8> {
    let len = if id.is_multiple_of(GOP) { 5_000 } else { 700 + id * 37 % 1_400 };
    (0..len).map(|place| (place ^ id.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect()
}

/// A client in memory of its own, and what came of it.
struct Viewer {
    client: *mut LiveskyClient,
    /// Behind `client`; words, so that it is aligned.
    _memory: Vec<u128>,
    address: SocketAddr,
    ids: Vec<u32>,
    kinds: Vec<LiveskyEventKind>,
}

impl Viewer {
    fn new(seed: u64, upload_bps: u32) -> Self {
        let mut config = core::mem::MaybeUninit::uninit();
        let (mut size, mut align, mut client) = (0, 0, null_mut());
        // SAFETY: the places are ours.
        let mut config = unsafe {
            assert_eq!(livesky_config_init(config.as_mut_ptr(), LIVESKY_ABI_VERSION), LiveskyResult::Ok);
            assert_eq!(livesky_config_fit(config.as_mut_ptr(), 400_000, 2_000, 3_600), LiveskyResult::Ok);
            config.assume_init()
        };
        let address: SocketAddr = format!("198.51.100.{seed}:9000").parse().unwrap();
        config.edge = EDGE.parse::<SocketAddr>().unwrap().into();
        config.local = address.into();
        config.seed = seed;
        config.peers_max = 8;
        config.upload_bps = upload_bps;
        // SAFETY: the places are ours, and the memory is as long as asked for.
        let memory = unsafe {
            assert_eq!(
                livesky_client_size(&raw const config, &raw mut size, &raw mut align),
                LiveskyResult::Ok
            );
            let mut memory = vec![u128::MAX; size.div_ceil(16)];
            let start = memory.as_mut_ptr().cast();
            let created = livesky_client_create(&raw const config, start, size, &raw mut client);
            assert_eq!(created, LiveskyResult::Ok);
            memory
        };
        Self { client, _memory: memory, address, ids: Vec::new(), kinds: Vec::new() }
    }

    fn status(&self, now_us: u64) -> LiveskyStatus {
        let mut status = LiveskyStatus::default();
        // SAFETY: the client lives, the place is ours.
        assert_eq!(unsafe { livesky_client_status(self.client, now_us, &raw mut status) }, LiveskyResult::Ok);
        status
    }

    fn take_events(&mut self) {
        let mut event = LiveskyEvent::default();
        // SAFETY: the client lives, the place is ours.
        while unsafe { livesky_client_poll_event(self.client, &raw mut event) } == LiveskyResult::Ok {
            self.kinds.push(event.kind);
            if event.kind == LiveskyEventKind::Frame {
                let frame = event.frame;
                let expected = frame_bytes(frame.id);
                assert_eq!(frame.len as usize, expected.len());
                assert_eq!(frame.is_key, frame.id.is_multiple_of(GOP));
                assert_eq!((frame.pts_ticks + (1 << 33) - frame.dts_ticks) % (1 << 33), 7_200);
                assert_eq!(self.copied(frame.len as usize), expected, "frame {}", frame.id);
                assert_eq!(self.in_fragments(frame.fragments), expected, "frame {}", frame.id);
                self.ids.push(frame.id);
            }
        }
    }

    fn copied(&self, len: usize) -> Vec<u8> {
        let mut copy = vec![0; len];
        // SAFETY: the client lives, the place is ours and that long.
        unsafe {
            let short = livesky_client_frame_copy(self.client, copy.as_mut_ptr(), len - 1);
            assert_eq!(short, LiveskyResult::BufferTooSmall);
            assert_eq!(livesky_client_frame_copy(self.client, copy.as_mut_ptr(), len), LiveskyResult::Ok);
        }
        copy
    }

    fn in_fragments(&self, count: u16) -> Vec<u8> {
        let (mut start, mut len, mut bytes) = (core::ptr::null(), 0, Vec::new());
        for index in 0..count {
            // SAFETY: the client lives, the places are ours, the bytes are read before the next function is called.
            unsafe {
                let told = livesky_client_frame_fragment(self.client, index, &raw mut start, &raw mut len);
                assert_eq!(told, LiveskyResult::Ok);
                bytes.extend_from_slice(core::slice::from_raw_parts(start, len));
            }
        }
        // SAFETY: as before.
        let behind =
            unsafe { livesky_client_frame_fragment(self.client, count, &raw mut start, &raw mut len) };
        assert_eq!(behind, LiveskyResult::FrameGone);
        bytes
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let client = self.client;
        // SAFETY: the client lives; afterwards its memory, still ours, holds none.
        unsafe {
            assert_eq!(livesky_client_destroy(&raw mut self.client), LiveskyResult::Ok);
            assert!(self.client.is_null());
            assert_eq!(livesky_client_leave(client, 0), LiveskyResult::InvalidClient);
            assert_eq!(livesky_client_destroy(&raw mut self.client), LiveskyResult::NullPointer);
        }
    }
}

struct World {
    now_us: u64,
    edge: Edge<'static, PagePool<'static>>,
    channel: ChannelId,
    next: u32,
    viewers: Vec<Viewer>,
    under_way: VecDeque<(u64, SocketAddr, SocketAddr, Vec<u8>)>,
}

impl World {
    fn new() -> Self {
        let mut edge = new_edge();
        let now_us = 1_000_000;
        let settings = ChannelSettings { target_buffer_ms: 2_000, ..ChannelSettings::default() };
        let name = ChannelName::new("live1").unwrap();
        let opened = edge.open_channel(Instant::from_micros(now_us), &name, settings, b"tables", None);
        let channel = opened.unwrap().0;
        Self { now_us, edge, channel, next: 0, viewers: Vec::new(), under_way: VecDeque::new() }
    }

    fn join(&mut self, upload_bps: u32) {
        let viewer = Viewer::new(self.viewers.len() as u64 + 1, upload_bps);
        // SAFETY: the client lives, the name ends with a zero byte.
        let tuned = unsafe { livesky_client_tune(viewer.client, self.now_us, c"live1".as_ptr()) };
        assert_eq!(tuned, LiveskyResult::Ok);
        self.viewers.push(viewer);
    }

    fn run(&mut self, span_ms: u64) {
        for _ in 0..span_ms * 1_000 / STEP_US {
            self.now_us += STEP_US;
            self.step();
        }
    }

    fn step(&mut self) {
        let now = Instant::from_micros(self.now_us);
        if self.now_us.is_multiple_of(40_000) {
            let bytes = frame_bytes(self.next);
            let info = FrameInfo {
                id: FrameId(self.next),
                dts: Dts::from_ticks(Dts::WRAP_TICKS - 100_000 + u64::from(self.next) * 3_600),
                pts_offset_ticks: 7_200,
                len: bytes.len() as u32,
                key: self.next.is_multiple_of(GOP),
            };
            self.edge.push_bytes(now, self.channel, info, &bytes).unwrap();
            self.next += 1;
        }
        while let Some((at_us, from, to, bytes)) = self.under_way.pop_front_if(|sent| sent.0 <= self.now_us) {
            assert!(at_us <= self.now_us);
            self.deliver(from, to, &bytes);
        }
        self.edge.handle_timeout(now);
        self.drain_edge(now);
        for index in 0..self.viewers.len() {
            self.drive(index);
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if to == EDGE.parse().unwrap() {
            let _ = self.edge.handle_datagram(Instant::from_micros(self.now_us), Path::to(from), bytes);
            return;
        }
        let Some(viewer) = self.viewers.iter().find(|viewer| viewer.address == to) else { return };
        let from = LiveskyAddress::from(from);
        // SAFETY: the client lives, the bytes are ours.
        let taken = unsafe {
            livesky_client_handle_datagram(
                viewer.client,
                self.now_us,
                &raw const from,
                bytes.as_ptr(),
                bytes.len(),
            )
        };
        assert!(taken == LiveskyResult::Ok || taken as u32 >= 64, "{taken:?}");
    }

    fn drain_edge(&mut self, now: Instant) {
        let mut head = [0; DATAGRAM_LEN_MAX];
        while let Some(transmit) = self.edge.poll_transmit(now, &mut head) {
            let mut bytes = head[..transmit.head_len].to_vec();
            if let Some(body) = transmit.body {
                bytes.extend_from_slice(self.edge.store().read(body).unwrap());
            }
            let from = EDGE.parse().unwrap();
            self.under_way.push_back((self.now_us + DELAY_US, from, transmit.path.remote, bytes));
        }
        while self.edge.poll_event().is_some() {}
    }

    fn drive(&mut self, index: usize) {
        let viewer = &mut self.viewers[index];
        let mut at_us = u64::MAX;
        // SAFETY: the client lives, the place is ours.
        if unsafe { livesky_client_poll_deadline(viewer.client, &raw mut at_us) } == LiveskyResult::Ok
            && at_us <= self.now_us
        {
            // SAFETY: the client lives, the place is ours.
            unsafe {
                assert_eq!(livesky_client_handle_timeout(viewer.client, self.now_us), LiveskyResult::Ok);
                let _ = livesky_client_poll_deadline(viewer.client, &raw mut at_us);
            }
            assert!(at_us > self.now_us, "the client would spin");
        }
        viewer.take_events();
        let (mut buffer, mut transmit) = ([0; LIVESKY_DATAGRAM_LEN_MAX], LiveskyTransmit::default());
        loop {
            // SAFETY: the client lives, the places are ours.
            let polled = unsafe {
                livesky_client_poll_transmit(
                    viewer.client,
                    self.now_us,
                    buffer.as_mut_ptr(),
                    buffer.len(),
                    &raw mut transmit,
                )
            };
            if polled != LiveskyResult::Ok {
                assert_eq!(polled, LiveskyResult::Nothing);
                return;
            }
            let bytes = buffer[..transmit.len].to_vec();
            let [a, b, c, d, ..] = transmit.to.bytes;
            let to = SocketAddr::from(([a, b, c, d], transmit.to.port));
            self.under_way.push_back((self.now_us + DELAY_US, viewer.address, to, bytes));
        }
    }
}

#[track_caller]
fn assert_is_a_run(ids: &[u32], least: usize) {
    assert!(ids.len() >= least, "only {} frames came: {ids:?}", ids.len());
    assert!(ids[0].is_multiple_of(GOP), "playback begins with a key frame");
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
}

#[test]
fn a_box_plays_what_was_published_and_leaves() {
    let mut world = World::new();
    world.run(1_000);
    world.join(0);
    world.run(if cfg!(miri) { 1_500 } else { 6_000 });
    let status = world.viewers[0].status(world.now_us);
    assert!(status.is_joined && status.playout == LiveskyPlayout::Playing, "{status:?}");
    assert_eq!((status.substreams, status.substreams_edge, status.parents), (6, 6, 0));
    assert_eq!(status.edge, EDGE.parse::<SocketAddr>().unwrap().into());
    assert_eq!(status.observed, world.viewers[0].address.into());
    assert_eq!((status.stalls, status.frames_skipped, status.stale_bodies), (0, 0, 0));
    assert_eq!(status.frames_played as usize, world.viewers[0].ids.len());
    assert_is_a_run(&world.viewers[0].ids, if cfg!(miri) { 10 } else { 100 });
    assert_eq!(world.viewers[0].kinds[..2], [LiveskyEventKind::Joined, LiveskyEventKind::Started]);

    let (mut start, mut len) = (core::ptr::null(), 0);
    // SAFETY: the client lives, the places are ours, the bytes are read before the next function is called.
    unsafe {
        let told = livesky_client_init_bytes(world.viewers[0].client, &raw mut start, &raw mut len);
        assert_eq!(told, LiveskyResult::Ok);
        assert_eq!(core::slice::from_raw_parts(start, len), b"tables");
        assert_eq!(livesky_client_leave(world.viewers[0].client, world.now_us), LiveskyResult::Ok);
    }
    world.run(200);
    assert_eq!(world.viewers[0].kinds.last(), Some(&LiveskyEventKind::Left));
    assert!(!world.viewers[0].status(world.now_us).is_joined);
}

#[test]
fn a_box_is_fed_by_another() {
    if cfg!(miri) {
        return; // Twenty seconds of virtual time are an hour there.
    }
    let mut world = World::new();
    world.run(1_000);
    world.join(800_000);
    world.run(3_000);
    world.join(0);
    world.run(16_000);
    let (first, second) = (world.viewers[0].status(world.now_us), world.viewers[1].status(world.now_us));
    assert!(second.substreams_peers >= 3 && second.parents == 1, "{second:?}");
    assert!(first.slots_used == second.substreams_peers && first.peers == 1, "{first:?}");
    assert!(
        second.bytes_peers > 100_000 && first.bytes_uploaded > second.bytes_peers,
        "{first:?} {second:?}"
    );
    for viewer in &world.viewers {
        assert_is_a_run(&viewer.ids, 300);
    }
}
