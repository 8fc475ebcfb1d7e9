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
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            edge: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
            socket: 0,
            upload_bps: 0,
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
