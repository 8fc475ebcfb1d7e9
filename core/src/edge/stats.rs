//! What an edge counts.

use crate::stats::RejectCounts;
use crate::wire::SendReason;
use crate::wire::control::{Class, RefusalReason};

/// Counters of an edge since it started, and what it counts on of its line. Bytes are UDP payload bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeStats {
    /// Bytes of datagrams with a fragment, without their headers, by reason.
    media_bytes: [u64; 4],
    /// Headers of those datagrams.
    pub header_bytes: u64,
    /// Bytes of datagrams without a fragment.
    pub control_bytes: u64,
    /// Datagrams with a fragment.
    pub data_packets: u64,
    /// Datagrams without.
    pub control_packets: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Datagrams received.
    pub received_packets: u64,
    /// Fragments sent once more because they were lost.
    pub retransmissions: u64,
    /// Lost fragments that came too late to be sent once more.
    pub given_up: u64,
    /// Times a feed passed over frames that had left the store, were too old, or never came.
    pub frames_overrun: u64,
    /// Datagrams ignored, by reason.
    pub rejects: RejectCounts,
    /// Clients let in as push clients.
    pub joins_push: u64,
    /// Clients let in as P2P clients.
    pub joins_p2p: u64,
    /// Clients that went, for whatever reason.
    pub leaves: u64,
    refusals: [u64; 6],
    /// Challenges sent.
    pub challenges: u64,
    /// Leases given from the rescue budget.
    pub rescues: u64,
    /// Subscriptions refused because the rescue budget was spent.
    pub rescues_refused: u64,
    /// Times clients on a lease, or fed by peers, were fed for good from then on.
    pub promotions: u64,
    /// Times clients fed for good were left to peers.
    pub demotions: u64,
    /// What is counted on of the line at present, in bit/s.
    pub line_bps: u64,
    /// What is configured, less legacy clients, in bit/s.
    pub line_bps_max: u64,
    /// Clients that wait for the line at present.
    pub waiting: u32,
    /// Times what is counted on of the line fell by a tenth.
    pub line_lowered: u64,
    /// Times a client was set aside because the line gave too little.
    pub set_aside: u64,
    /// Events thrown away because nobody polled them.
    pub events_dropped: u64,
    /// Pairs of clients told of each other.
    pub introductions: u64,
    /// Of those, met, as told by the clients that had asked.
    pub introductions_met: u64,
    /// Of those, not met: left apart for a minute.
    pub introductions_failed: u64,
    /// Times a supplier was passed over because its NAT and the asker's do not let them meet, or they had failed to.
    pub introductions_passed_over: u64,
    /// Newcomers whose burst was left to peers beyond its first part, in a crowd.
    pub bursts_shared: u64,
    /// Reports of clients taken.
    pub reports: u64,
    /// Of those, thrown away because nobody polled.
    pub reports_dropped: u64,
    /// Reports that had been taken before.
    pub reports_repeated: u64,
    /// Reports owed by clients that fell silent: the join record and a report for each minute begun, less those taken.
    pub reports_missing: u64,
    /// Of those, the ones owed by clients that came back: they may have sent them.
    pub reports_missing_back: u64,
    /// Reports clients threw away before they could be taken, as they tell.
    pub reports_lost: u64,
    /// Answers to STUN requests.
    pub stun_answers: u64,
    /// STUN requests too short for any answer: what goes back is never longer than what came.
    pub stun_unanswered: u64,
    /// Answers to strangers thrown away because too many waited.
    pub replies_dropped: u64,
}

impl EdgeStats {
    /// Nothing counted, and a line that gives what is configured.
    pub(super) fn of_line(line_bps: u64) -> Self {
        Self { line_bps, line_bps_max: line_bps, ..Self::default() }
    }

    /// Media bytes sent for a reason.
    #[must_use]
    pub fn media_bytes(&self, reason: SendReason) -> u64 {
        self.media_bytes.get(reason_index(reason)).copied().unwrap_or(0)
    }

    /// Clients turned away for a reason.
    #[must_use]
    pub fn refusals(&self, reason: RefusalReason) -> u64 {
        self.refusals.get(refusal_index(reason)).copied().unwrap_or(0)
    }

    /// All bytes sent.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.media_bytes
            .iter()
            .sum::<u64>()
            .saturating_add(self.header_bytes)
            .saturating_add(self.control_bytes)
    }

    pub(super) fn on_fragment(&mut self, reason: SendReason, header_len: usize, len: u16) {
        self.data_packets += 1;
        self.header_bytes += widen(header_len);
        if let Some(bytes) = self.media_bytes.get_mut(reason_index(reason)) {
            *bytes += u64::from(len);
        }
    }

    pub(super) fn on_control(&mut self, len: usize) {
        self.control_packets += 1;
        self.control_bytes += widen(len);
    }

    pub(super) fn on_received(&mut self, len: usize) {
        self.received_packets += 1;
        self.received_bytes += widen(len);
    }

    pub(super) fn on_refusal(&mut self, reason: RefusalReason) {
        if let Some(count) = self.refusals.get_mut(refusal_index(reason)) {
            *count += 1;
        }
    }

    pub(super) fn on_join(&mut self, class: Class) {
        match class {
            Class::Push => self.joins_push += 1,
            Class::P2p => self.joins_p2p += 1,
        }
    }
}

fn widen(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(0)
}

/// Place of a reason in a table of bytes.
pub(super) const fn reason_index(reason: SendReason) -> usize {
    match reason {
        SendReason::Feed => 0,
        SendReason::Burst => 1,
        SendReason::Rescue => 2,
        SendReason::Pull => 3,
    }
}

const fn refusal_index(reason: RefusalReason) -> usize {
    match reason {
        RefusalReason::UnknownChannel => 0,
        RefusalReason::NotOnAir => 1,
        RefusalReason::Saturated => 2,
        RefusalReason::Full => 3,
        RefusalReason::Draining => 4,
        RefusalReason::Ticket => 5,
    }
}
