//! The boxes' sides of the switch: a UDP socket for each QEMU, a lane for each direction.

use core::net::{Ipv4Addr, SocketAddr};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use smoltcp::wire::EthernetAddress;

use crate::impair::{Direction, Impairment, Lane, mix};

/// Room for bursts in the sockets; Linux grants what `net.core.rmem_max` allows.
pub(crate) const SOCKET_BUFFER_BYTES: usize = 1 << 20;

/// A port of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortId(u8);

impl PortId {
    #[cfg(test)]
    pub(crate) const FIRST: Self = Self(0);

    /// Ports of one switch.
    pub(crate) const COUNT_MAX: u8 = 64;

    pub(crate) fn nth(index: usize) -> Option<Self> {
        u8::try_from(index).ok().filter(|index| *index < Self::COUNT_MAX).map(Self)
    }

    /// Its number, counted from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Frames of one direction of a port, each counted once under what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounters {
    /// Came to the beginning of the lane.
    pub offered: u64,
    /// Came to its end; copies count too.
    pub passed: u64,
    /// Bytes of those that passed, Ethernet headers included.
    pub passed_bytes: u64,
    /// Vanished by `Impairment::loss`.
    pub lost: u64,
    /// Found no room at the rate asked for.
    pub queue_full: u64,
    /// The link was down when they were sent or when they would have arrived.
    pub link_down: u64,
    /// Among `passed`: copies by `Impairment::duplicate`.
    pub duplicated: u64,
    /// Among `passed`: held back by `Impairment::reorder`.
    pub held_back: u64,
    /// Shorter than an Ethernet header, longer than 1,518 bytes, or from an impossible sender.
    pub malformed: u64,
    /// To the box: QEMU has sent nothing yet, so that nobody knows where it is, or Linux refused the datagram.
    pub unsent: u64,
}

/// Counters of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// What the box sent.
    pub from_box: LaneCounters,
    /// What was sent to the box.
    pub to_box: LaneCounters,
}

impl PortCounters {
    pub(crate) fn lane_mut(&mut self, direction: Direction) -> &mut LaneCounters {
        match direction {
            Direction::FromBox => &mut self.from_box,
            Direction::ToBox => &mut self.to_box,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) socket: Arc<UdpSocket>,
    pub(crate) local: SocketAddr,
    /// Where QEMU last sent from: it binds any free port, and another one when it is started again.
    pub(crate) remote: Option<SocketAddr>,
    /// The last sender.
    pub(crate) mac: Option<EthernetAddress>,
    pub(crate) is_up: bool,
    pub(crate) counters: PortCounters,
    from_box: Lane,
    to_box: Lane,
}

impl Port {
    pub(crate) fn bind(seed: u64, id: PortId) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES)?;
        let seed = mix(seed ^ mix(u64::from(id.0)));
        Ok(Self {
            local: socket.local_addr()?,
            socket: Arc::new(socket),
            remote: None,
            mac: None,
            is_up: true,
            counters: PortCounters::default(),
            from_box: Lane::new(seed, Impairment::CLEAR),
            to_box: Lane::new(!seed, Impairment::CLEAR),
        })
    }

    pub(crate) fn lane_mut(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::FromBox => &mut self.from_box,
            Direction::ToBox => &mut self.to_box,
        }
    }

    /// Hands a frame to QEMU.
    pub(crate) fn transmit(&self, frame: &[u8]) -> bool {
        self.remote.is_some_and(|remote| self.socket.send_to(frame, remote).is_ok())
    }
}
