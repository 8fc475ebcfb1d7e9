//! What machines share: the clock, the queue, the network, the accounts. Everything a machine says goes through here.

use core::net::SocketAddr;

use livesky_core::store::FrameStore;
use livesky_core::wire::Datagram;
use livesky_core::{Deadline, Instant, Transmit};

use super::flights::{Cargo, Flights};
use crate::engine::{EventHash, Queue};
use crate::metrics::{Collector, Sender};
use crate::network::{Arrived, Departed, HostId, Network};
use crate::results::Violation;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// A datagram comes to its receiver's line.
    Arrive(u32),
    /// Its last bit is there.
    Deliver(u32),
    /// A machine's deadline.
    Wake { node: u32, turn: u32 },
    /// The publisher has a frame.
    Frame,
    /// A viewer comes.
    Join(u32),
    /// A viewer goes.
    Leave(u32),
    /// A fault begins.
    FaultBegins(u32),
    /// A fault ends.
    FaultEnds(u32),
    /// The warm-up is over.
    Measure,
    /// A minute is over.
    Minute,
    /// The whole is looked at.
    Check,
    /// A row of the series is due.
    Sample,
}

/// When a machine is to be woken: at most one wake of it counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    at: Option<Instant>,
    turn: u32,
    /// When it rang last, and how often at that time.
    rang_at: Instant,
    rings: u32,
}

impl Alarm {
    /// Whether this wake is the one that counts; then there is none any more.
    pub(crate) fn rings(&mut self, now: Instant, turn: u32) -> bool {
        let rings = self.at.is_some() && self.turn == turn;
        if rings {
            self.at = None;
            self.rings = if self.rang_at == now { self.rings + 1 } else { 1 };
            self.rang_at = now;
        }
        rings
    }

    /// No wake counts any more.
    pub(crate) const fn stop(&mut self) {
        self.at = None;
    }
}

/// The shared part of a world.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) now: Instant,
    pub(crate) queue: Queue<Happening>,
    pub(crate) network: Network,
    pub(crate) flights: Flights,
    pub(crate) hash: EventHash,
    pub(crate) collector: Collector,
    pub(crate) edges: u32,
    /// Rules broken: the first of them, and how many in all.
    pub(crate) violations: Vec<Violation>,
    pub(crate) violations_count: u64,
    /// How to see them again.
    pub(crate) replay: String,
}

/// Wakes at one time after which a machine is said to spin: playout takes a step with each event that is heard.
const SPINS_MAX: u32 = 100;
/// Breaches of one rule that are kept: the first tell most.
const BREACHES_KEPT: usize = 3;

impl Wire {
    /// A rule was broken.
    pub(crate) fn breach(&mut self, rule: &str, host: HostId, detail: impl FnOnce() -> String) {
        self.violations_count += 1;
        if self.violations.iter().filter(|kept| kept.rule == rule).count() < BREACHES_KEPT {
            let node = if self.is_edge(host) {
                format!("edge {}", host.0)
            } else {
                format!("client {}", host.0 - self.edges)
            };
            self.violations.push(Violation {
                rule: rule.to_owned(),
                at_us: self.now.as_micros(),
                node,
                detail: detail(),
                replay: self.replay.clone(),
            });
        }
    }

    /// Every event that reaches a machine goes into the hash: when, where, what kind.
    pub(crate) const fn witness(&mut self, node: u32, kind: u64) {
        self.hash.word(self.now.as_micros());
        self.hash.word((node as u64) << 8 | kind);
    }

    /// Whether a host is an edge.
    pub(crate) const fn is_edge(&self, host: HostId) -> bool {
        host.0 < self.edges
    }

    /// Sends what a machine has to say. `head` is the machine's scratch.
    pub(crate) fn send(
        &mut self,
        from: HostId,
        transmit: &Transmit,
        head: &mut [u8],
        store: &impl FrameStore,
    ) -> Option<Cargo> {
        let mut tag = [0; 4];
        let mut cargo = Cargo::Control;
        let mut shown = transmit.head_len;
        if let Some(body) = transmit.body {
            let bytes = store.read(body)?;
            tag.get_mut(..bytes.len())?.copy_from_slice(bytes);
            head.get_mut(shown..shown + bytes.len())?.copy_from_slice(bytes);
            shown += bytes.len();
            if let Ok(Datagram::Data(header, _)) = Datagram::parse(head.get(..shown)?) {
                cargo = Cargo::Fragment { reason: header.reason, substream: header.substream, len: body.len };
            }
        }
        let head = head.get(..transmit.head_len)?;
        let body_len = transmit.body.map_or(0, |body| usize::from(body.len));
        let sender = if self.is_edge(from) { Sender::Edge } else { Sender::Peer };
        self.collector.totals.datagrams_sent += 1;
        self.collector.bytes.on_sent(sender, head.len(), cargo);
        let sent = match sender {
            Sender::Edge => self.collector.edges.get_mut(from.index()).map(|egress| &mut egress.bytes),
            Sender::Peer => Some(&mut self.collector.peers_bytes),
        };
        if let Some(sent) = sent {
            *sent += (head.len() + body_len) as u64;
        }
        let SocketAddr::V4(to) = transmit.path.remote else {
            self.collector.totals.datagrams_unreachable += 1;
            return Some(cargo);
        };
        let departed = self.network.depart(self.now, from, transmit.path.socket, to, head.len() + body_len);
        match departed {
            Departed::Dropped => self.collector.totals.datagrams_dropped += 1,
            Departed::Lost => self.collector.totals.datagrams_lost += 1,
            Departed::Unreachable => self.collector.totals.datagrams_unreachable += 1,
            Departed::Sent { source, at, copy_at } => {
                for at in [Some(at), copy_at].into_iter().flatten() {
                    let flight = self.flights.begin(from, source, to, head, cargo, tag);
                    self.queue.push(at, Happening::Arrive(flight));
                }
            }
        }
        Some(cargo)
    }

    /// A datagram came to a line: whether it can be delivered at once.
    pub(crate) fn on_arrival(&mut self, index: u32) -> bool {
        let Some(flight) = self.flights.get_mut(index) else { return false };
        match self.network.arrive(self.now, flight.from, flight.source, flight.to, flight.len()) {
            Arrived::Here { host, socket, at } => {
                flight.receiver = (host, socket);
                if at <= self.now {
                    return true;
                }
                self.queue.push(at, Happening::Deliver(index));
                return false;
            }
            Arrived::Dropped => self.collector.totals.datagrams_dropped += 1,
            Arrived::Lost => self.collector.totals.datagrams_lost += 1,
            Arrived::Unreachable => self.collector.totals.datagrams_unreachable += 1,
        }
        self.flights.end(index);
        false
    }

    /// Sees to it that a machine is woken at its deadline.
    pub(crate) fn arm(&mut self, alarm: &mut Alarm, node: u32, deadline: Option<Deadline>) {
        let Some(deadline) = deadline else { return };
        let mut at = deadline.at.max(self.now);
        if at == self.now && alarm.rang_at == at && alarm.rings >= SPINS_MAX {
            self.breach("spin", HostId(node), || {
                format!("woken {SPINS_MAX} times at once for {:?}", deadline.why)
            });
            at = at.plus_micros(1_000);
        }
        // A wake that comes too early finds out and sleeps again: cheaper than one event for each change of mind.
        if alarm.at.is_some_and(|armed| armed <= at) {
            return;
        }
        alarm.turn = alarm.turn.wrapping_add(1);
        alarm.at = Some(at);
        self.queue.push(at, Happening::Wake { node, turn: alarm.turn });
    }
}
