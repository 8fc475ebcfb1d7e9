//! The switch itself: frames between ports, lanes, gateway and Linux sockets. It is told the time.

use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use smoltcp::wire::{EthernetAddress, EthernetFrame};

use crate::frame::{FRAME_LEN_MAX, GATEWAY_MAC};
use crate::gateway::{Gateway, Reaction};
use crate::host_sockets::HostSockets;
use crate::impair::{Direction, Fate};
use crate::pcap::Capture;
use crate::ports::{Port, PortId};
use crate::queue::{DelayQueue, Queued};
use crate::switch::Config;

/// Hardware addresses remembered; frames to others go to every port.
const STATIONS_MAX: usize = 1_024;

/// How often idle Linux sockets are looked for and captures written out.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// A socket that the switch reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Port(PortId),
    Host(SocketAddrV4),
}

#[derive(Debug)]
pub(crate) struct Fabric {
    seed: u64,
    host_idle_max: Duration,
    pub(crate) ports: Vec<Port>,
    stations: BTreeMap<EthernetAddress, PortId>,
    pub(crate) gateway: Gateway,
    pub(crate) hosts: HostSockets,
    queue: DelayQueue,
    pub(crate) capture: Option<Capture>,
    sweep_at: Duration,
}

impl Fabric {
    pub(crate) fn new(config: Config) -> Self {
        let Config { network, seed, dhcp, dns, host_idle_max } = config;
        Self {
            seed,
            host_idle_max,
            ports: Vec::new(),
            stations: BTreeMap::new(),
            gateway: Gateway::new(network, dhcp, dns),
            hosts: HostSockets::default(),
            queue: DelayQueue::default(),
            capture: None,
            sweep_at: SWEEP_INTERVAL,
        }
    }

    pub(crate) fn add_port(&mut self) -> io::Result<PortId> {
        let id =
            PortId::nth(self.ports.len()).ok_or_else(|| io::Error::other("the switch has no port left"))?;
        self.ports.push(Port::bind(self.seed, id)?);
        Ok(id)
    }

    /// Changes whenever [`Self::sockets`] does.
    pub(crate) fn generation(&self) -> (usize, u64) {
        (self.ports.len(), self.hosts.generation)
    }

    pub(crate) fn sockets(&self) -> Vec<(Source, Arc<UdpSocket>)> {
        let ports = self.ports.iter().enumerate().filter_map(|(index, port)| {
            PortId::nth(index).map(|id| (Source::Port(id), Arc::clone(&port.socket)))
        });
        let hosts = self.hosts.iter().map(|(address, socket)| (Source::Host(address), Arc::clone(socket)));
        ports.chain(hosts).collect()
    }

    /// Handles a datagram that came to one of the sockets.
    pub(crate) fn handle_datagram(&mut self, now: Duration, source: Source, from: SocketAddr, bytes: &[u8]) {
        match (source, from) {
            (Source::Port(id), _) => self.handle_box(now, id, from, bytes),
            (Source::Host(to), SocketAddr::V4(from)) => {
                self.hosts.on_received(now, to);
                if let Some((mac, frame)) = self.gateway.handle_linux(from, to, bytes) {
                    self.send_to_station(now, mac, frame);
                }
            }
            (Source::Host(_), SocketAddr::V6(_)) => {}
        }
    }

    /// Moves every frame that is due, and what follows from it.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        while let Some(Queued { due, port: id, direction, frame, .. }) = self.queue.pop_due(now) {
            let Some(port) = self.ports.get_mut(id.index()) else { continue };
            port.lane_mut(direction).on_arrived();
            let counters = port.counters.lane_mut(direction);
            if !port.is_up {
                counters.link_down += 1;
                continue;
            }
            match direction {
                // From when it was due, so that lateness of this thread does not add up.
                Direction::FromBox => {
                    counters.passed += 1;
                    counters.passed_bytes += frame.len() as u64;
                    self.forward(due, id, frame);
                }
                Direction::ToBox => self.deliver(now, id, &frame),
            }
        }
        if now >= self.sweep_at {
            self.sweep_at = now + SWEEP_INTERVAL;
            let oldest = now.saturating_sub(self.host_idle_max);
            let gateway = &self.gateway;
            self.hosts.sweep(oldest, |address| gateway.owner(*address.ip()).is_some());
            self.capture_with(Capture::flush);
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Duration {
        self.queue.next_due().map_or(self.sweep_at, |due| due.min(self.sweep_at))
    }

    fn handle_box(&mut self, now: Duration, id: PortId, from: SocketAddr, bytes: &[u8]) {
        let Some(port) = self.ports.get_mut(id.index()) else { return };
        port.remote = Some(from);
        let sender = EthernetFrame::new_checked(bytes).map(|frame| frame.src_addr());
        let sender = sender.ok().filter(|mac| mac.is_unicast() && *mac != GATEWAY_MAC);
        let Some(sender) = sender.filter(|_| bytes.len() <= FRAME_LEN_MAX) else {
            port.counters.from_box.malformed += 1;
            return;
        };
        port.mac = Some(sender);
        self.capture_with(|capture| capture.write(now, bytes));
        self.send(now, id, Direction::FromBox, bytes.to_vec());
    }

    /// Puts a frame at the beginning of a lane.
    fn send(&mut self, now: Duration, id: PortId, direction: Direction, frame: Vec<u8>) {
        let Some(port) = self.ports.get_mut(id.index()) else { return };
        let counters = port.counters.lane_mut(direction);
        counters.offered += 1;
        if !port.is_up {
            counters.link_down += 1;
            return;
        }
        let fate = port.lane_mut(direction).handle_frame(now, frame.len());
        let counters = port.counters.lane_mut(direction);
        match fate {
            Fate::Lost => counters.lost += 1,
            Fate::QueueFull => counters.queue_full += 1,
            Fate::Passed { due, is_twice, is_held_back } => {
                counters.duplicated += u64::from(is_twice);
                counters.held_back += u64::from(is_held_back);
                if is_twice {
                    self.queue.push(due, id, direction, frame.clone());
                }
                self.queue.push(due, id, direction, frame);
            }
        }
    }

    /// A frame of a box has come to the switch.
    fn forward(&mut self, at: Duration, id: PortId, frame: Vec<u8>) {
        let Ok(header) = EthernetFrame::new_checked(&frame) else { return };
        let (sender, destination) = (header.src_addr(), header.dst_addr());
        if self.stations.len() < STATIONS_MAX || self.stations.contains_key(&sender) {
            self.stations.insert(sender, id);
        }
        if destination == GATEWAY_MAC {
            self.ask_gateway(at, id, &frame);
        } else if let Some(&to) = self.stations.get(&destination) {
            if to != id {
                self.send(at, to, Direction::ToBox, frame);
            }
        } else {
            let others = (0..self.ports.len()).filter_map(PortId::nth).filter(|other| *other != id);
            for other in others {
                self.send(at, other, Direction::ToBox, frame.clone());
            }
            if destination.is_broadcast() {
                self.ask_gateway(at, id, &frame);
            }
        }
    }

    fn ask_gateway(&mut self, at: Duration, id: PortId, frame: &[u8]) {
        match self.gateway.handle_frame(at, frame) {
            Reaction::Nothing => {}
            Reaction::Reply(reply) => self.send(at, id, Direction::ToBox, reply),
            Reaction::Forward(mac, frame) => self.send_to_station(at, mac, frame),
            Reaction::ToLinux { from, to, payload } => {
                self.hosts.send(at, from, to, payload, &mut self.gateway.counters);
            }
        }
    }

    fn send_to_station(&mut self, at: Duration, mac: EthernetAddress, frame: Vec<u8>) {
        if let Some(&id) = self.stations.get(&mac) {
            self.send(at, id, Direction::ToBox, frame);
        }
    }

    /// A frame has come to a box.
    fn deliver(&mut self, now: Duration, id: PortId, frame: &[u8]) {
        self.capture_with(|capture| capture.write(now, frame));
        let Some(port) = self.ports.get_mut(id.index()) else { return };
        let is_sent = port.transmit(frame);
        let counters = &mut port.counters.to_box;
        if is_sent {
            counters.passed += 1;
            counters.passed_bytes += frame.len() as u64;
        } else {
            counters.unsent += 1;
        }
    }

    /// A capture that cannot be written ends; the network goes on.
    fn capture_with(&mut self, write: impl FnOnce(&mut Capture) -> io::Result<()>) {
        if let Some(Err(_)) = self.capture.as_mut().map(write) {
            self.capture = None;
        }
    }
}

#[cfg(test)]
#[path = "fabric_tests.rs"]
mod tests;
