//! What a client is told at birth, and the memory it is lent.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use super::peer::Peer;
use crate::store::{Assembly, FrameSlot};

/// Settings of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Decides every random choice; draw it from entropy, or fix it to replay a run.
    pub seed: u64,
    /// The edge's address.
    pub edge: SocketAddr,
    /// The socket datagrams leave by, in the adapter's numbering.
    pub socket: u8,
    /// What may be uploaded in bit/s; 0: receive only. The channel's upload cap bounds it further.
    pub upload_bps: u32,
    /// Whether nothing at all is to be uploaded, whatever `upload_bps` says: a metered link, or no consent. Such a client is never
    /// named to others as a parent; it is fed by peers like any other.
    pub receive_only: bool,
    /// The address its socket has on its own network, when the adapter knows: tells a NAT from none, and lets peers behind the same
    /// NAT reach it.
    pub local: Option<SocketAddr>,
    /// The edge's address of the other kind (IPv6 beside IPv4), when it has one and the socket can send there.
    pub edge_also: Option<SocketAddr>,
    /// Plays at most so far behind live, in milliseconds, where the channel's viewers are farther: less memory, less to repair with, fewer
    /// feeds given. 0: as the channel says.
    pub buffer_ms_max: u32,
    /// Whether to go to the other edges an edge names when it is full or hands its clients over. Otherwise the owner is told, and this
    /// edge is asked again.
    pub follows_redirects: bool,
}

impl ClientConfig {
    /// What may be uploaded in bit/s.
    pub(super) const fn upload_bps_usable(&self) -> u32 {
        if self.receive_only { 0 } else { self.upload_bps }
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            edge: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
            socket: 0,
            upload_bps: 0,
            receive_only: false,
            local: None,
            edge_also: None,
            buffer_ms_max: 0,
            follows_redirects: true,
        }
    }
}

/// Memory of a client. Each slice bounds what it holds; a client works, worse, with any of them empty but `peers`.
#[derive(Debug)]
pub struct ClientStorage<'a> {
    /// The edge and the peers: 1 to 64. Below 2 there are no peers; 24 are plenty.
    pub peers: &'a mut [Peer],
    /// Frames held: twice the target buffer and the pull window, at the channel's cadence.
    pub frames: &'a mut [FrameSlot],
    /// Frames being assembled at once: 32.
    pub assemblies: &'a mut [Assembly],
}
