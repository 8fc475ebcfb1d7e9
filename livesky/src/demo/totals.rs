//! What viewers saw, added up, and the figures made of it.

use livesky_core::client::ClientStats;
use livesky_core::wire::control::WatchStats;
use livesky_std::EdgeSnapshot;
use serde::Serialize;

use crate::demo::table::stage_number;
use crate::terminal::bytes;

/// Sums over viewers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Viewers counted.
    pub viewers: u32,
    /// Payload from the edge.
    pub bytes_edge: u64,
    /// Payload from peers.
    pub bytes_peers: u64,
    /// Payload that was there before.
    pub bytes_duplicate: u64,
    /// Payload from the edge, from before the viewer came.
    pub bytes_burst: u64,
    /// Payload from the edge until a parent was found.
    pub bytes_rescue: u64,
    /// Payload asked for frame by frame, of the edge or of peers.
    pub bytes_pull: u64,
    /// UDP payload of datagrams without media that viewers sent.
    pub bytes_control: u64,
    /// Frames played.
    pub frames_played: u64,
    /// Frames passed over.
    pub frames_skipped: u64,
    /// Stalls after the start.
    pub stalls: u64,
    /// Viewers that had at least one.
    pub viewers_stalled: u32,
    /// Startup times in milliseconds of those who started.
    pub startups_ms: Vec<u32>,
}

impl Totals {
    /// Adds a viewer.
    pub fn add(&mut self, stats: &ClientStats, watch: &WatchStats) {
        self.viewers += 1;
        self.bytes_edge += watch.bytes_edge;
        self.bytes_peers += watch.bytes_peers;
        self.bytes_duplicate += watch.bytes_duplicate;
        self.bytes_burst += stats.bytes_by_reason.burst;
        self.bytes_rescue += stats.bytes_by_reason.rescue;
        self.bytes_pull += stats.bytes_by_reason.pull;
        self.bytes_control += watch.bytes_control;
        self.frames_played += u64::from(watch.frames_played);
        self.frames_skipped += u64::from(watch.frames_skipped);
        self.stalls += u64::from(watch.stalls);
        self.viewers_stalled += u32::from(watch.stalls > 0);
        if watch.startup_ms > 0 {
            self.startups_ms.push(watch.startup_ms);
        }
    }

    /// The startup time that a `share` of the viewers stay within (nearest rank); 0 when nobody started.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
    #[expect(clippy::cast_sign_loss, reason = "shares are positive")]
    pub fn startup_ms(&self, share: f64) -> u32 {
        let mut startups = self.startups_ms.clone();
        startups.sort_unstable();
        let rank = (share * startups.len() as f64).ceil() as usize;
        startups.get(rank.clamp(1, startups.len().max(1)) - 1).copied().unwrap_or(0)
    }
}

/// The summary of a run. Percentages are of payload bytes; shares include every viewer that ever joined.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Payload from peers / all payload received for the first time.
    pub peer_share_percent: f64,
    /// Stalls of all viewers.
    pub stalls_after_start: u64,
    /// Viewers that had at least one.
    pub viewers_stalled: u32,
    /// Frames played / frames due.
    pub continuity: f64,
    /// Median of the startup times.
    pub startup_p50_ms: u32,
    /// Its 95th percentile.
    pub startup_p95_ms: u32,
    /// UDP payload without media, sent by anyone / media payload received for the first time.
    pub control_percent: f64,
    /// Payload that was there before / all payload received.
    pub duplicates_percent: f64,
    /// Media payload received for the first time.
    pub bytes_media: u64,
    /// Of it from the edge: all, and what of it was start bursts and rescues.
    pub bytes_edge: u64,
    /// Start bursts.
    pub bytes_burst: u64,
    /// Until a parent was found.
    pub bytes_rescue: u64,
    /// Asked for frame by frame, of the edge or of peers.
    pub bytes_pull: u64,
    /// From peers.
    pub bytes_peers: u64,
    /// Control sent by anyone.
    pub bytes_control: u64,
    /// Received twice.
    pub bytes_duplicate: u64,
    /// All that ever joined, those that left included.
    pub viewers_seen: u32,
    /// Of them those who never saw a picture.
    pub viewers_not_started: u32,
    /// Viewers at the end.
    pub viewers_now: u32,
    /// Stage at the end.
    pub stage: u8,
    /// Clients' worth of feeds from the edge at the end.
    pub nc: f64,
    /// How long the run was.
    pub seconds: u64,
}

impl Summary {
    /// The summary of `totals` over viewers of which `viewers_now` are there still.
    #[must_use]
    pub fn new(totals: &Totals, edge: Option<&EdgeSnapshot>, viewers_now: u32, seconds: u64) -> Self {
        let media = totals.bytes_edge + totals.bytes_peers;
        let control = totals.bytes_control + edge.map_or(0, |edge| edge.stats.control_bytes);
        let due = totals.frames_played + totals.frames_skipped;
        let started = u32::try_from(totals.startups_ms.len()).unwrap_or(u32::MAX);
        Self {
            peer_share_percent: percent(totals.bytes_peers, media),
            stalls_after_start: totals.stalls,
            viewers_stalled: totals.viewers_stalled,
            continuity: percent(totals.frames_played, due) / 100.0,
            startup_p50_ms: totals.startup_ms(0.5),
            startup_p95_ms: totals.startup_ms(0.95),
            control_percent: percent(control, media),
            duplicates_percent: percent(totals.bytes_duplicate, media + totals.bytes_duplicate),
            bytes_media: media,
            bytes_edge: totals.bytes_edge,
            bytes_burst: totals.bytes_burst,
            bytes_rescue: totals.bytes_rescue,
            bytes_pull: totals.bytes_pull,
            bytes_peers: totals.bytes_peers,
            bytes_control: control,
            bytes_duplicate: totals.bytes_duplicate,
            viewers_seen: totals.viewers,
            viewers_not_started: totals.viewers.saturating_sub(started),
            viewers_now,
            stage: edge.map_or(0, |edge| stage_number(edge.channel.stage)),
            nc: edge.map_or(0.0, |edge| edge.channel.nc),
            seconds,
        }
    }

    /// The summary in words.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{} viewers in {} s. Peers carried {:.1} % of {}; start bursts of the edge {}, rescues {}.\n\
             Startup {} ms in the median, {} ms for 95 %; {} stalls with {} viewers; continuity {:.5}.\n\
             Control {:.2} % of the media, duplicates {:.2} %.",
            self.viewers_seen,
            self.seconds,
            self.peer_share_percent,
            bytes(self.bytes_media),
            bytes(self.bytes_burst),
            bytes(self.bytes_rescue),
            self.startup_p50_ms,
            self.startup_p95_ms,
            self.stalls_after_start,
            self.viewers_stalled,
            self.continuity,
            self.control_percent,
            self.duplicates_percent
        )
    }

    /// The figures that `cargo xtask bench` sets beside their goals.
    #[must_use]
    pub fn figures(&self) -> [Figure; 8] {
        let figure = |name, value, unit| Figure { name, value, unit };
        [
            figure("peer_share_percent", self.peer_share_percent, "%"),
            figure("stalls_after_start", self.stalls_after_start as f64, "stalls"),
            figure("continuity", self.continuity, ""),
            figure("startup_p50_ms", f64::from(self.startup_p50_ms), "ms"),
            figure("startup_p95_ms", f64::from(self.startup_p95_ms), "ms"),
            figure("control_percent", self.control_percent, "%"),
            figure("duplicates_percent", self.duplicates_percent, "%"),
            figure("viewers_seen", f64::from(self.viewers_seen), "viewers"),
        ]
    }
}

/// One figure, as `cargo xtask bench` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
}

/// `part` of `whole` in percent; 0 of nothing.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        let mut totals = Totals::default();
        for (startup_ms, stalls) in [(200, 0), (300, 1), (0, 0), (900, 0)] {
            let watch = WatchStats {
                startup_ms,
                stalls,
                bytes_edge: 600,
                bytes_peers: 400,
                bytes_duplicate: 10,
                bytes_control: 20,
                frames_played: 99,
                frames_skipped: 1,
                ..WatchStats::default()
            };
            totals.add(&ClientStats::default(), &watch);
        }
        totals
    }

    #[test]
    fn shares_are_of_payload_bytes() {
        let summary = Summary::new(&totals(), None, 3, 9);
        assert_eq!(summary.peer_share_percent, 40.0);
        assert_eq!(summary.control_percent, 2.0);
        assert_eq!(summary.continuity, 0.99);
        assert!((summary.duplicates_percent - 40.0 / 40.4).abs() < 1e-9);
        assert_eq!((summary.viewers_seen, summary.viewers_not_started, summary.viewers_stalled), (4, 1, 1));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let totals = totals();
        for (share, ms) in [(0.0, 200), (0.33, 200), (0.5, 300), (0.95, 900), (1.0, 900)] {
            assert_eq!(totals.startup_ms(share), ms, "{share}");
        }
        assert_eq!(Totals::default().startup_ms(0.5), 0);
    }

    #[test]
    fn nothing_at_all_has_figures_too() {
        let summary = Summary::new(&Totals::default(), None, 0, 0);
        assert!(summary.figures().iter().all(|figure| figure.value == 0.0));
    }
}
