//! Adds up what a channel's clients report, so that nothing is lost when they leave.

use std::collections::{BTreeMap, VecDeque};

use livesky_core::wire::control::{ClientId, WatchStats};
use livesky_std::ClientSnapshot;

use super::startups::Startups;

/// Samples an upload rate is the mean of.
const UPLOAD_SAMPLES: usize = 3;

/// What all clients of a channel did since its start, those that left included.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    clients: BTreeMap<ClientId, Seen>,
    pub(super) played: u64,
    pub(super) skipped: u64,
    pub(super) stalls: u64,
    pub(super) startups: Startups,
}

/// A client when it was last looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    watch: WatchStats,
    bytes: [u64; 4],
    uploaded: VecDeque<u64>,
    is_rescued: bool,
    /// Whether it stood still when it last reported.
    pub(super) is_stalled: bool,
}

/// What was added since the last sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    /// UDP payload of the edge's fragments by reason: feed, burst, rescue, pull. Headers included.
    pub(super) edge: [u64; 4],
    /// Payload from viewers.
    pub(super) peers: u64,
    /// UDP payload of viewers' fragments, headers included.
    pub(super) uploaded: u64,
    /// UDP payload of viewers' other datagrams.
    pub(super) control: u64,
    /// Payload that was there before.
    pub(super) duplicates: u64,
    /// Clients whose rescue began.
    pub(super) orphaned: u64,
    /// Clients not seen before.
    pub(super) joined: u64,
}

impl Seen {
    /// Upload rate over the samples kept, in bit/s.
    pub(super) fn upload_bps(&self) -> u64 {
        let seconds = self.uploaded.len().saturating_sub(1) as u64;
        let bytes = match (self.uploaded.front(), self.uploaded.back()) {
            (Some(first), Some(last)) => last.saturating_sub(*first),
            _ => 0,
        };
        (bytes * 8).checked_div(seconds).unwrap_or(0)
    }
}

impl Totals {
    /// Takes the clients as they are: adds what grew, forgets those that left.
    pub(super) fn take(&mut self, clients: &[ClientSnapshot]) -> Growth {
        let mut growth = Growth::default();
        let mut remaining = BTreeMap::new();
        for client in clients {
            let before = self.clients.remove(&client.id);
            growth.joined += u64::from(before.is_none());
            let mut seen = before.unwrap_or_default();
            self.on_client(client, &mut seen, &mut growth);
            remaining.insert(client.id, seen);
        }
        self.clients = remaining;
        growth
    }

    pub(super) fn seen(&self, id: ClientId) -> Option<&Seen> {
        self.clients.get(&id)
    }

    fn on_client(&mut self, client: &ClientSnapshot, seen: &mut Seen, growth: &mut Growth) {
        let (now, before) = (&client.watch, &seen.watch);
        self.played += u64::from(now.frames_played.saturating_sub(before.frames_played));
        self.skipped += u64::from(now.frames_skipped.saturating_sub(before.frames_skipped));
        self.stalls += u64::from(now.stalls.saturating_sub(before.stalls));
        if before.startup_ms == 0 && now.startup_ms != 0 {
            self.startups.add(now.startup_ms);
        }
        growth.peers += now.bytes_peers.saturating_sub(before.bytes_peers);
        growth.uploaded += now.bytes_uploaded.saturating_sub(before.bytes_uploaded);
        growth.control += now.bytes_control.saturating_sub(before.bytes_control);
        growth.duplicates += now.bytes_duplicate.saturating_sub(before.bytes_duplicate);
        if now != before {
            // It reported anew: a stall goes on if its time grew and nothing was played.
            seen.is_stalled = now.stalled_ms > before.stalled_ms && now.frames_played == before.frames_played;
        }
        for (sum, (now, before)) in growth.edge.iter_mut().zip(client.bytes.iter().zip(seen.bytes)) {
            *sum += now.saturating_sub(before);
        }
        let [_, _, rescue_before, _] = seen.bytes;
        let [_, _, rescue, _] = client.bytes;
        let is_rescued = rescue > rescue_before;
        growth.orphaned += u64::from(is_rescued && !seen.is_rescued);
        seen.is_rescued = is_rescued;
        seen.bytes = client.bytes;
        seen.uploaded.push_back(now.bytes_uploaded);
        if seen.uploaded.len() > UPLOAD_SAMPLES + 1 {
            seen.uploaded.pop_front();
        }
        seen.watch = *now;
    }
}

/// Divides `whole` in proportion to `weights`; nothing is lost: what rounding leaves goes to the first. Without any
/// weight, all goes to the first.
pub(super) fn divide(whole: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let part = |&weight: &u64| {
        let part = (u128::from(whole) * u128::from(weight)).checked_div(sum).unwrap_or(0);
        u64::try_from(part).unwrap_or(u64::MAX)
    };
    let mut parts: Vec<u64> = weights.iter().map(part).collect();
    let rest = whole.saturating_sub(parts.iter().sum());
    if let Some(first) = parts.first_mut() {
        *first += rest;
    }
    parts
}
