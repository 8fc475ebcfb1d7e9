//! A host: its lines and where it stands.

use core::net::SocketAddrV4;

use livesky_core::rng::Rng;

use super::line::Line;
use super::loss::Loss;

/// Names a host: the edges come first, then the clients in the order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub(crate) u32);

impl HostId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a host stands, and its own part of every delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) region: u8,
    pub(crate) isp: u8,
    /// Delay between the host and the middle of its region, one way.
    pub(crate) access_us: u32,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) site: Site,
    /// Its own address: public, or private behind its box.
    pub(crate) address: SocketAddrV4,
    /// Its NAT box, and its place behind it.
    pub(crate) nat: Option<(u32, u16)>,
    pub(crate) uplink: Line,
    /// `None`: unlimited.
    pub(crate) downlink: Option<Line>,
    pub(crate) loss: Loss,
    /// What the network does to what this host sends.
    pub(crate) rng: Rng,
    /// No UDP here.
    pub(crate) is_blocked: bool,
}
