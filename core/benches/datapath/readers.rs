//! An edge and clients that only count and acknowledge.

use core::net::{Ipv4Addr, SocketAddr};

use livesky_core::edge::{ChannelId, EdgeConfig};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::{ChannelName, FrameId};
use livesky_core::wire::control::{Ack, Cookie, Hello, LinkId};
use livesky_core::wire::{ControlWriter, Datagram, Message};
use livesky_core::{Endpoint, Instant, Path, Transmit};

use crate::Scene;
use crate::gauge::{Gauge, Kind};
use crate::pair::{TestEdge, new_edge};
use crate::shape::Shape;

/// Frames there when the clients join.
const FRAMES_BEFORE: u32 = 30;
/// Frames until all are live.
const FRAMES_UNTIL_LIVE: u32 = 75;
/// Frames between two acknowledgements of a client: 200 ms.
const ACK_FRAMES: u32 = 5;
/// Datagrams an adapter asks for in a row.
const BATCH: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Reader {
    edge_link: LinkId,
    cookie: Option<Cookie>,
    received: u32,
    acked: u32,
}

struct Crowd {
    now: Instant,
    edge: TestEdge,
    channel: ChannelId,
    next: FrameId,
    readers: Vec<Reader>,
}

fn address(index: usize) -> SocketAddr {
    let [_, high, middle, low] = (index as u32).to_be_bytes();
    (Ipv4Addr::new(10, high, middle, low), 9_000).into()
}

fn index_of(remote: SocketAddr) -> usize {
    let SocketAddr::V4(remote) = remote else { unreachable!("readers have IPv4 addresses") };
    let [_, high, middle, low] = remote.ip().octets();
    u32::from_be_bytes([0, high, middle, low]) as usize
}

/// An edge that feeds `count` live clients 400 kbit/s each.
pub(crate) fn crowd(count: usize) -> Box<dyn Scene> {
    let config = EdgeConfig { capacity_bps: 100_000_000_000, n1: 60_000, ..EdgeConfig::default() };
    let mut edge = new_edge(config, count, Shape::SLIM.frames(), Shape::SLIM.pages);
    let now = Instant::from_millis(1_000);
    let name = ChannelName::new("live1").unwrap();
    let (channel, _) = edge.open_channel(now, &name, Shape::SLIM.settings(), b"init", None).unwrap();
    let mut crowd = Crowd { now, edge, channel, next: FrameId(0), readers: vec![Reader::default(); count] };
    let mut gauge = Gauge::new(Kind::Parse, 0);
    for _ in 0..FRAMES_BEFORE {
        crowd.step(&mut gauge);
    }
    for index in 0..count {
        crowd.say_hello(index);
        crowd.say_hello(index);
        assert!(crowd.readers[index].edge_link.0 != 0, "reader {index} was let in");
    }
    for _ in 0..FRAMES_UNTIL_LIVE {
        crowd.step(&mut gauge);
    }
    Box::new(crowd)
}

impl Crowd {
    fn say_hello(&mut self, index: usize) {
        let hello = Hello {
            nonce: index as u64,
            link: LinkId(index as u32 + 1),
            channel: "live1",
            cookie: self.readers[index].cookie,
            upload_bps: 0,
            ticket: &[],
        };
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, LinkId(0)).unwrap();
        assert!(writer.push(&Message::Hello(hello)));
        writer.pad_to(DATAGRAM_LEN_MAX);
        let len = writer.finish();
        self.edge.handle_datagram(self.now, Path::to(address(index)), &out[..len]).unwrap();
        let mut head = [0; DATAGRAM_LEN_MAX];
        while let Some(transmit) = self.edge.poll_transmit(self.now, &mut head) {
            self.take(&transmit, &head);
        }
        while self.edge.poll_event().is_some() {}
    }

    fn take(&mut self, transmit: &Transmit, head: &[u8]) {
        let reader = &mut self.readers[index_of(transmit.path.remote)];
        if transmit.body.is_some() {
            reader.received += 1;
            return;
        }
        let Ok(Datagram::Control(_, messages)) = Datagram::parse(&head[..transmit.head_len]) else { return };
        for message in messages.flatten() {
            if let Message::Challenge(challenge) = &message {
                reader.cookie = Some(challenge.cookie);
            }
            if let Message::Welcome(welcome) = &message {
                reader.edge_link = welcome.link;
            }
        }
    }

    /// Sends what is ready, in batches.
    fn drain(&mut self, gauge: &mut Gauge) {
        let mut heads = [[0; DATAGRAM_LEN_MAX]; 2];
        let mut batch: [Option<Transmit>; BATCH] = [None; BATCH];
        loop {
            let (now, edge) = (self.now, &mut self.edge);
            let mut len = 0;
            gauge.measure(Kind::EdgeTransmit, || {
                len = 0;
                while len < BATCH {
                    // Data heads are not looked at, control ends the batch.
                    let Some(transmit) = edge.poll_transmit(now, &mut heads[0]) else { break };
                    batch[len] = Some(transmit);
                    len += 1;
                    if transmit.body.is_none() {
                        heads[1] = heads[0];
                        break;
                    }
                }
                len as u64
            });
            for transmit in batch[..len].iter().flatten() {
                let head = heads[1];
                self.take(transmit, &head);
            }
            if len == 0 {
                break;
            }
        }
    }

    fn acknowledge(&mut self, gauge: &mut Gauge) {
        let count = self.readers.len();
        let part = (self.next.0 % ACK_FRAMES) as usize;
        for index in (part..count).step_by(ACK_FRAMES as usize) {
            let reader = &mut self.readers[index];
            let arrived = reader.received - reader.acked;
            if arrived == 0 || reader.edge_link.0 == 0 {
                continue;
            }
            reader.acked = reader.received;
            let mut rest = arrived.min(100);
            let mut runs = [0; 4];
            let mut runs_len = 0;
            while rest > 0 {
                runs[runs_len] = rest.min(255) as u8;
                rest -= rest.min(255);
                runs_len += 1;
            }
            let ack = Ack {
                largest: reader.received - 1,
                delay_us: 1_000,
                one_way_us: 20_000,
                runs: &runs[..runs_len],
            };
            let mut out = [0; DATAGRAM_LEN_MAX];
            let mut writer = ControlWriter::new(&mut out, reader.edge_link).unwrap();
            assert!(writer.push(&Message::Ack(ack)));
            let len = writer.finish();
            let (now, edge) = (self.now, &mut self.edge);
            gauge.measure(Kind::EdgeAck, || {
                edge.handle_datagram(now, Path::to(address(index)), &out[..len]).unwrap();
                1
            });
        }
    }
}

impl Scene for Crowd {
    fn step(&mut self, gauge: &mut Gauge) {
        let subscribers = self.readers.len() as u64;
        Shape::SLIM.publish(self.now, &mut self.edge, self.channel, self.next, subscribers, gauge);
        self.next = self.next.next();
        self.drain(gauge);
        // 20 ms on the way there and back.
        for part in 0..4 {
            self.now = self.now.plus_micros(10_000);
            if self.edge.poll_timeout().is_some_and(|deadline| deadline.at <= self.now) {
                self.edge.handle_timeout(self.now);
            }
            if part == 1 {
                self.acknowledge(gauge);
            }
            self.drain(gauge);
        }
    }
}
