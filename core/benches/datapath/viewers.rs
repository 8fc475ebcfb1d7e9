//! An edge and real clients, 20 ms apart.

use core::hint::black_box;
use core::net::SocketAddr;
use std::collections::VecDeque;

use livesky_core::client::ClientConfig;
use livesky_core::edge::{ChannelId, EdgeConfig};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::{ChannelName, FrameId};
use livesky_core::store::FrameStore;
use livesky_core::{Endpoint, Instant, Path, Transmit};

use crate::Scene;
use crate::gauge::{Gauge, Kind};
use crate::pair::{TestClient, TestEdge, edge_address, new_client, new_edge, viewer_address};
use crate::shape::Shape;

const STEP_US: u64 = 5_000;
const STEPS_PER_FRAME: u64 = 8;
const DELAY_US: u64 = 20_000;
const WARM_UP_STEPS: u64 = 200 * 30;
/// Children of the relaying client's neighbourhood.
const CHILDREN: usize = 9;

/// Datagrams timed together: a glance at the clock costs as much as a datagram.
const BATCH: usize = 16;

struct Sent {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    is_data: bool,
}

/// The first client is the one that is timed.
struct World {
    now: Instant,
    steps: u64,
    shape: Shape,
    edge: TestEdge,
    channel: ChannelId,
    next: FrameId,
    clients: Vec<TestClient>,
    under_way: VecDeque<Sent>,
    heads: Box<[[u8; DATAGRAM_LEN_MAX]; BATCH]>,
}

/// A client fed by its edge.
pub(crate) fn alone(shape: Shape) -> Box<dyn Scene> {
    let mut world = World::new(shape);
    world.join(0);
    world.warm_up();
    Box::new(world)
}

/// A client fed by its edge that feeds others at one and a half times the rate.
pub(crate) fn relaying() -> Box<dyn Scene> {
    let mut world = World::new(Shape::SLIM);
    world.join(800_000);
    world.warm_up();
    for _ in 0..CHILDREN {
        world.join(0);
    }
    world.warm_up();
    let view = world.clients[0].view(world.now).unwrap();
    assert_eq!(view.slots_used, view.slots_max, "the client feeds as many as it can");
    Box::new(world)
}

impl World {
    fn new(shape: Shape) -> Self {
        let config = EdgeConfig { n1: 1, ..EdgeConfig::default() };
        let mut edge = new_edge(config, 2 * CHILDREN, shape.frames(), shape.pages);
        let now = Instant::from_millis(1_000);
        let name = ChannelName::new("live1").unwrap();
        let (channel, _) = edge.open_channel(now, &name, shape.settings(), b"init", None).unwrap();
        let mut world = Self {
            now,
            steps: 0,
            shape,
            edge,
            channel,
            next: FrameId(0),
            clients: Vec::new(),
            under_way: VecDeque::new(),
            heads: Box::new([[0; DATAGRAM_LEN_MAX]; BATCH]),
        };
        world.warm_up();
        world
    }

    fn warm_up(&mut self) {
        let mut gauge = Gauge::new(Kind::Parse, 0);
        for _ in 0..WARM_UP_STEPS {
            self.step(&mut gauge);
        }
    }

    fn join(&mut self, upload_bps: u32) {
        let seed = self.clients.len() as u64;
        let config = ClientConfig { seed, edge: edge_address(), upload_bps, ..ClientConfig::default() };
        let mut client = new_client(config, 24, self.shape.frames() + 50, self.shape.pages);
        client.tune(self.now, &ChannelName::new("live1").unwrap());
        self.clients.push(client);
    }

    fn drain_edge(&mut self) {
        let head = &mut self.heads[0];
        while let Some(transmit) = self.edge.poll_transmit(self.now, head) {
            self.under_way.push_back(sent(self.now, edge_address(), &transmit, head, self.edge.store()));
        }
        while self.edge.poll_event().is_some() {}
    }

    fn drain_client(&mut self, index: usize, gauge: &mut Gauge) {
        let (now, from) = (self.now, viewer_address(index));
        let mut batch: [Option<Transmit>; BATCH] = [None; BATCH];
        loop {
            let (client, heads) = (&mut self.clients[index], &mut self.heads);
            let mut len = 0;
            let mut poll = || {
                len = 0;
                for (head, place) in heads.iter_mut().zip(&mut batch) {
                    *place = client.poll_transmit(now, head);
                    if place.is_none() {
                        break;
                    }
                    len += 1;
                }
                len as u64
            };
            if index == 0 {
                gauge.measure(Kind::ClientTransmit, poll);
            } else {
                poll();
            }
            for (head, transmit) in self.heads.iter().zip(batch[..len].iter().flatten()) {
                self.under_way.push_back(sent(now, from, transmit, head, self.clients[index].store()));
            }
            if len < batch.len() {
                break;
            }
        }
    }

    /// Everything that arrives by now, in runs of data from one sender to one receiver.
    fn deliver(&mut self, gauge: &mut Gauge) {
        while let Some(first) = self.under_way.pop_front_if(|sent| sent.at <= self.now) {
            if first.to == edge_address() {
                let _ = self.edge.handle_datagram(self.now, Path::to(first.from), &first.bytes);
                continue;
            }
            let Some(index) = (0..self.clients.len()).find(|&index| viewer_address(index) == first.to) else {
                continue;
            };
            let (now, client) = (self.now, &mut self.clients[index]);
            if !first.is_data || index != 0 {
                let _ = client.handle_datagram(now, Path::to(first.from), &first.bytes);
                while client.poll_event().is_some() {}
                continue;
            }
            let to = first.to;
            let mut run = vec![first];
            let is_next = |sent: &mut Sent| sent.at <= now && sent.is_data && sent.to == to;
            while let Some(next) = self.under_way.pop_front_if(is_next) {
                run.push(next);
            }
            gauge.measure(Kind::ClientFragment, || {
                for sent in &run {
                    let _ = client.handle_datagram(now, Path::to(sent.from), &sent.bytes);
                    while client.poll_event().is_some() {}
                }
                run.len() as u64
            });
        }
    }
}

fn sent(now: Instant, from: SocketAddr, transmit: &Transmit, head: &[u8], store: &impl FrameStore) -> Sent {
    let mut bytes = head[..transmit.head_len].to_vec();
    if let Some(body) = transmit.body {
        bytes.extend_from_slice(store.read(body).unwrap());
    }
    let at = now.plus_micros(DELAY_US);
    Sent { at, from, to: transmit.path.remote, bytes, is_data: transmit.body.is_some() }
}

impl Scene for World {
    fn step(&mut self, gauge: &mut Gauge) {
        let now = self.now;
        if self.steps.is_multiple_of(STEPS_PER_FRAME) {
            self.shape.publish(now, &mut self.edge, self.channel, self.next, 1, gauge);
            self.next = self.next.next();
        }
        self.deliver(gauge);
        if self.edge.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.edge.handle_timeout(now);
        }
        self.drain_edge();
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            if client.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                let mut fire = || {
                    client.handle_timeout(now);
                    while client.poll_event().is_some() {}
                    1
                };
                if index == 0 {
                    gauge.measure(Kind::ClientTimeout, fire);
                } else {
                    fire();
                }
            }
            self.drain_client(index, gauge);
        }
        if let Some(client) = self.clients.first() {
            gauge.measure(Kind::ClientDeadline, || {
                black_box(client.poll_timeout());
                1
            });
        }
        self.now = now.plus_micros(STEP_US);
        self.steps += 1;
    }
}
