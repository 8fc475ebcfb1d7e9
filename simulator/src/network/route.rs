//! The elements in a row: how a datagram gets from host to host.

use core::net::{SocketAddr, SocketAddrV4};
use std::collections::BTreeMap;

use livesky_core::Instant;

use super::address::{Addressing, Target};
use super::host::{Host, HostId, Site};
use super::nat::NatBox;
use super::partition::Partition;
use super::paths::{Delays, micros};
use crate::scenario::NetworkSpec;
use crate::seeds::Draw;

/// Bytes of the headers of IPv4 and UDP, which the lines carry, too.
const IP_UDP_LEN: u64 = 28;
/// Delay between two hosts behind one box.
const LAN_US: u64 = 500;

/// What became of a datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departed {
    /// A full queue dropped it.
    Dropped,
    /// The network lost it.
    Lost,
    /// There is no way to that address.
    Unreachable,
    /// It is under way.
    Sent {
        /// The address it seems to come from.
        source: SocketAddrV4,
        /// When it arrives at the other side's line.
        at: Instant,
        /// When its copy does.
        copy_at: Option<Instant>,
    },
}

/// What became of a datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// A full queue dropped it.
    Dropped,
    /// A partition lost it.
    Lost,
    /// A box or a blocked host stopped it.
    Unreachable,
    /// It reached a host's socket.
    Here {
        /// Which host.
        host: HostId,
        /// Which of its sockets.
        socket: u8,
        /// When its last bit is there.
        at: Instant,
    },
}

/// All hosts and what lies between.
#[derive(Debug)]
pub(crate) struct Network {
    addressing: Addressing,
    hosts: Vec<Host>,
    boxes: Vec<NatBox>,
    /// Where each box stands.
    box_sites: Vec<Site>,
    /// Hosts behind each box, by place.
    box_hosts: Vec<Vec<HostId>>,
    delays: Delays,
    jitter_us: u32,
    duplicate: f64,
    /// Last arrival between two hosts, when order is kept.
    order: Option<BTreeMap<(HostId, SocketAddrV4), Instant>>,
    partitions: Vec<Partition>,
    /// Loss by a fault.
    extra_loss: f64,
}

impl Network {
    pub(crate) fn new(addressing: Addressing, spec: &NetworkSpec) -> Self {
        Self {
            addressing,
            hosts: Vec::new(),
            boxes: Vec::new(),
            box_sites: Vec::new(),
            box_hosts: Vec::new(),
            delays: Delays::new(spec),
            jitter_us: micros(spec.jitter_ms),
            duplicate: spec.duplicate,
            order: spec.keep_order.then(BTreeMap::new),
            partitions: Vec::new(),
            extra_loss: 0.0,
        }
    }

    /// Adds a host; hosts are added in the order of their ids.
    pub(crate) fn add_host(&mut self, host: Host) {
        if let Some((nat, _)) = host.nat {
            let id = HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
            if let Some(hosts) = self.box_hosts.get_mut(nat as usize) {
                hosts.push(id);
            }
        }
        self.hosts.push(host);
    }

    /// Adds a box; gives its index.
    pub(crate) fn add_box(&mut self, nat: NatBox, site: Site) -> usize {
        self.boxes.push(nat);
        self.box_sites.push(site);
        self.box_hosts.push(Vec::new());
        self.boxes.len() - 1
    }

    pub(crate) fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id.index())
    }

    pub(crate) fn host_mut(&mut self, id: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(id.index())
    }

    pub(crate) const fn addressing(&self) -> Addressing {
        self.addressing
    }

    /// The host behind an address as `asker` means it; `None` when only the box before it knows.
    pub(crate) fn owner_of(&self, address: SocketAddr, asker: HostId) -> Option<HostId> {
        let SocketAddr::V4(address) = address else { return None };
        match self.addressing.target(address)? {
            Target::Host(id, _) => Some(id),
            Target::Box(nat) => {
                let (place, _) = self.boxes.get(nat)?.owner_of(address.port())?;
                self.box_hosts.get(nat)?.get(usize::from(place)).copied()
            }
            Target::Private(place) => {
                let (nat, _) = self.host(asker)?.nat?;
                self.box_hosts.get(nat as usize)?.get(place).copied()
            }
        }
    }

    pub(crate) fn cut(&mut self, partition: Partition) {
        self.partitions.push(partition);
    }

    pub(crate) fn heal(&mut self, fault: usize) {
        self.partitions.retain(|partition| partition.fault != fault);
    }

    pub(crate) const fn set_extra_loss(&mut self, share: f64) {
        self.extra_loss = share;
    }

    /// A host sends a datagram of `len` bytes of UDP payload.
    pub(crate) fn depart(
        &mut self,
        now: Instant,
        from: HostId,
        socket: u8,
        to: SocketAddrV4,
        len: usize,
    ) -> Departed {
        let Self { hosts, boxes, box_sites, box_hosts, addressing, .. } = self;
        let Some(target) = addressing.target(to) else { return Departed::Unreachable };
        let Some(host) = hosts.get(from.index()).filter(|host| !host.is_blocked) else {
            return Departed::Unreachable;
        };
        let (nat, site) = (host.nat, host.site);
        let (source, far) = match (nat, target) {
            (Some((nat, _)), Target::Private(place)) => {
                let is_there = box_hosts.get(nat as usize).is_some_and(|hosts| place < hosts.len());
                if !is_there {
                    return Departed::Unreachable;
                }
                return Departed::Sent { source: host.address, at: now.plus_micros(LAN_US), copy_at: None };
            }
            // No hairpinning.
            (Some((nat, _)), Target::Box(other)) if other == nat as usize => return Departed::Unreachable,
            (_, Target::Private(_)) => return Departed::Unreachable,
            (nat, Target::Host(..) | Target::Box(_)) => {
                let port = host.address.port() + u16::from(socket);
                let source = match nat {
                    Some((nat, place)) => {
                        let Some(outer) = boxes.get_mut(nat as usize) else { return Departed::Unreachable };
                        SocketAddrV4::new(
                            addressing.of_box(nat as usize),
                            outer.outward(now, place, port, to),
                        )
                    }
                    None => SocketAddrV4::new(*host.address.ip(), port),
                };
                let far = match target {
                    Target::Host(id, _) => hosts.get(id.index()).map(|host| host.site),
                    Target::Box(nat) => box_sites.get(nat).copied(),
                    Target::Private(_) => None,
                };
                (source, far)
            }
        };
        let Some(far) = far else { return Departed::Unreachable };
        self.cross(now, from, &site, &far, source, to, len)
    }

    /// Uplink, loss, delay.
    #[expect(clippy::too_many_arguments, reason = "the parts of one datagram's way, used once")]
    fn cross(
        &mut self,
        now: Instant,
        from: HostId,
        near: &Site,
        far: &Site,
        source: SocketAddrV4,
        to: SocketAddrV4,
        len: usize,
    ) -> Departed {
        let delay_us = self.delays.between(near, far);
        let Some(host) = self.hosts.get_mut(from.index()) else { return Departed::Unreachable };
        let Some(left_at) = host.uplink.pass(now, len as u64 + IP_UDP_LEN) else { return Departed::Dropped };
        if host.loss.takes(&mut host.rng, self.extra_loss) {
            return Departed::Lost;
        }
        let (jitter_us, duplicate) = (self.jitter_us, self.duplicate);
        let mut arrival = || {
            let jitter_us = if jitter_us == 0 { 0 } else { host.rng.below(jitter_us + 1) };
            left_at.plus_micros(delay_us + u64::from(jitter_us))
        };
        let mut at = arrival();
        let copy_at = (duplicate > 0.0).then(&mut arrival);
        let copy_at = copy_at.filter(|_| host.rng.happens(duplicate));
        if let Some(order) = &mut self.order {
            let last = order.entry((from, to)).or_insert(at);
            at = at.max(*last);
            *last = at;
        }
        Departed::Sent { source, at, copy_at }
    }

    /// A datagram comes to the line of whoever has the address `to`.
    pub(crate) fn arrive(
        &mut self,
        now: Instant,
        from: HostId,
        source: SocketAddrV4,
        to: SocketAddrV4,
        len: usize,
    ) -> Arrived {
        let (id, socket) = match self.addressing.target(to) {
            Some(Target::Host(id, socket)) => (id, socket),
            Some(Target::Box(nat)) => {
                let inner = self.boxes.get(nat).and_then(|inner| inner.inward(now, source, to.port()));
                let host = inner.and_then(|(place, _)| self.box_hosts.get(nat)?.get(usize::from(place)));
                let Some(&host) = host else { return Arrived::Unreachable };
                (host, 0)
            }
            Some(Target::Private(place)) => {
                let nat = self.hosts.get(from.index()).and_then(|host| host.nat);
                let hosts = nat.and_then(|(nat, _)| self.box_hosts.get(nat as usize));
                let Some(&host) = hosts.and_then(|hosts| hosts.get(place)) else {
                    return Arrived::Unreachable;
                };
                (host, 0)
            }
            None => return Arrived::Unreachable,
        };
        if self.partitions.iter().any(|partition| partition.cuts(from.index(), id.index())) {
            return Arrived::Lost;
        }
        let Some(host) = self.hosts.get_mut(id.index()).filter(|host| !host.is_blocked) else {
            return Arrived::Unreachable;
        };
        let at = match &mut host.downlink {
            Some(line) => line.pass(now, len as u64 + IP_UDP_LEN),
            None => Some(now),
        };
        at.map_or(Arrived::Dropped, |at| Arrived::Here { host: id, socket, at })
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
