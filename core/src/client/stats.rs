//! What a client counts.

use serde::Serialize;

use crate::stats::RejectCounts;
use crate::wire::SendReason;
use crate::wire::control::{RefuseReason, WatchStats};

/// Payload bytes received, by why they were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BytesByReason {
    /// Feeds of the edge and of peers.
    pub feed: u64,
    /// From the edge, from before the client came.
    pub burst: u64,
    /// From the edge until a parent is found.
    pub rescue: u64,
    /// Asked for frame by frame.
    pub pull: u64,
}

impl BytesByReason {
    pub(crate) fn add(&mut self, reason: SendReason, bytes: u64) {
        let sum = match reason {
            SendReason::Feed => &mut self.feed,
            SendReason::Burst => &mut self.burst,
            SendReason::Rescue => &mut self.rescue,
            SendReason::Pull => &mut self.pull,
        };
        *sum = sum.saturating_add(bytes);
    }
}

/// Candidates that did not become a parent, or did not stay one, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CandidateRefusals {
    /// They had no slot left.
    pub full: u32,
    /// They stood too deep: beyond K0, or below this client.
    pub level: u32,
    /// They had no feed of the substream themselves.
    pub unhealthy: u32,
    /// They did not answer, or fell behind.
    pub slow: u32,
    /// They were leaving.
    pub leaving: u32,
}

impl CandidateRefusals {
    pub(crate) const fn add(&mut self, reason: RefuseReason) {
        let count = match reason {
            RefuseReason::Full | RefuseReason::Budget => &mut self.full,
            RefuseReason::Level => &mut self.level,
            RefuseReason::Unhealthy => &mut self.unhealthy,
            RefuseReason::Slow => &mut self.slow,
            RefuseReason::Leaving => &mut self.leaving,
        };
        *count = count.saturating_add(1);
    }
}

/// Totals since the machine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// What the edge is told once a second. The playout's part is filled in when it is asked for.
    pub watch: WatchStats,
    /// Payload bytes received, by reason.
    pub bytes_by_reason: BytesByReason,
    /// Input ignored.
    pub rejects: RejectCounts,
    /// Feeds that broke.
    pub feeds_lost: u32,
    /// Frames asked for.
    pub pulls: u32,
    /// Fragments sent again to children.
    pub retransmits: u32,
    /// Feeders that fell silent and were suspected.
    pub suspicions: u32,
    /// Suspects that spoke again.
    pub suspicions_false: u32,
    /// Feeders that fell behind, and were to be replaced.
    pub lags: u32,
    /// Feeds to children stopped because the uplink did not carry them.
    pub children_stopped: u32,
    /// Peers named by the edge that were met.
    pub peers_met: u32,
    /// Peers named by the edge that did not answer: they are set aside for a minute.
    pub peers_unmet: u32,
    /// Why candidates did not become or stay parents.
    pub candidates_refused: CandidateRefusals,
    /// Events that found the queue full.
    pub events_dropped: u32,
}

impl ClientStats {
    pub(super) fn on_control_sent(&mut self, bytes: usize) {
        self.watch.bytes_control = self.watch.bytes_control.saturating_add(bytes as u64);
    }
}
