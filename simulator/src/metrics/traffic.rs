//! Bytes by source.

use livesky_core::wire::SendReason;

use crate::results::BySource;
use crate::world::Cargo;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Edge,
    Peer,
}

impl BySource {
    pub(crate) fn add(&mut self, sender: Sender, reason: SendReason, bytes: u64) {
        let sum = match (sender, reason) {
            (Sender::Edge, SendReason::Burst) => &mut self.burst,
            (Sender::Edge, SendReason::Feed) => &mut self.push,
            (Sender::Edge, SendReason::Rescue) => &mut self.rescue,
            (Sender::Edge, SendReason::Pull) => &mut self.edge_pull,
            (Sender::Peer, SendReason::Pull) => &mut self.peer_pull,
            (Sender::Peer, SendReason::Feed | SendReason::Burst | SendReason::Rescue) => &mut self.peers,
        };
        *sum += bytes;
    }
}

/// Everything that is counted of bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) sent: BySource,
    pub(crate) delivered: BySource,
    pub(crate) cross_isp: BySource,
    pub(crate) control: u64,
    pub(crate) headers: u64,
    /// Delivered from the edge and from peers, by the receiver's region.
    pub(crate) regions: Vec<(u64, u64)>,
}

impl Bytes {
    /// A datagram was sent: `head_len` bytes and its cargo.
    pub(crate) fn on_sent(&mut self, sender: Sender, head_len: usize, cargo: Cargo) {
        match cargo {
            Cargo::Control => self.control += head_len as u64,
            Cargo::Fragment { reason, len, .. } => {
                self.headers += head_len as u64;
                self.sent.add(sender, reason, u64::from(len));
            }
        }
    }

    /// A fragment reached a client.
    pub(crate) fn on_delivered(
        &mut self,
        sender: Sender,
        reason: SendReason,
        len: u16,
        crosses_isp: bool,
        region: u8,
    ) {
        let bytes = u64::from(len);
        self.delivered.add(sender, reason, bytes);
        if crosses_isp {
            self.cross_isp.add(sender, reason, bytes);
        }
        if let Some((edge, peers)) = self.regions.get_mut(usize::from(region)) {
            match sender {
                Sender::Edge => *edge += bytes,
                Sender::Peer => *peers += bytes,
            }
        }
    }
}

/// A part of a whole; 0 when there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
