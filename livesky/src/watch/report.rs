//! How a viewer fares, in a line and in JSON.

use core::net::SocketAddr;

use livesky_core::client::{CandidateRefusals, ClientView};
use livesky_core::media::PlayoutState;
use livesky_core::wire::control::{Class, ClientId};
use livesky_std::ViewerStatus;
use serde::Serialize;

use crate::http::state::reports::Minute;
use crate::terminal;
use crate::watch::patience::{Standing, explain};

/// A viewer's state for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchReport {
    /// `joining`, `refused`, `startup`, `playing`, `stall` or `left`.
    pub state: &'static str,
    /// `udp`, or `http` while UDP is blocked.
    pub via: &'static str,
    /// Bytes of the stream read by HTTP.
    pub bytes_http: u64,
    /// The edge that serves it.
    pub edge: Option<String>,
    /// The edge asked in another's place.
    pub redirected: Option<String>,
    /// Why it was turned away.
    pub refused: Option<&'static str>,
    /// `push` or `p2p`.
    pub class: Option<&'static str>,
    /// What the NAT does, by the names of RFC 3489.
    pub nat: Option<&'static str>,
    /// Where the edge sees this viewer.
    pub observed: Option<SocketAddr>,
    /// Peers the edge named that were met.
    pub peers_met: u32,
    /// Those that did not answer.
    pub peers_unmet: u32,
    /// Parents that fell silent and were taken for gone.
    pub suspicions: u32,
    /// Those that spoke again after all.
    pub suspicions_false: u32,
    /// Why peers did not become, or stay, parents.
    pub candidates_refused: CandidateRefusals,
    /// Time since the welcome.
    pub age_s: u32,
    /// From the first hello to playback; 0 before that.
    pub startup_ms: u32,
    /// Playable media ahead of the playhead.
    pub buffer_ms: u32,
    /// Stalls after the start.
    pub stalls: u32,
    /// Time spent in them.
    pub stalled_ms: u32,
    /// Frames played.
    pub frames_played: u32,
    /// Frames passed over.
    pub frames_skipped: u32,
    /// Payload from the edge.
    pub bytes_edge: u64,
    /// Payload from peers.
    pub bytes_peers: u64,
    /// Payload received twice.
    pub bytes_duplicate: u64,
    /// UDP payload sent to peers.
    pub bytes_uploaded: u64,
    /// The same, over the last second.
    pub upload_bps: u64,
    /// UDP payload without media sent.
    pub bytes_control: u64,
    /// Parent per substream: 0 the edge, `null` nobody.
    pub parents: Vec<Option<u32>>,
    /// Feeds it can give, and gives.
    pub slots: u8,
    /// Feeds given.
    pub slots_used: u8,
    /// The last whole minute, as reported.
    pub last_minute: Option<Minute>,
    /// Reports the edge has not taken yet.
    pub reports_pending: u8,
    /// Reports thrown away because they were not taken in time.
    pub reports_dropped: u16,
}

impl WatchReport {
    /// The report of a status, `upload_bps` measured by whoever calls.
    #[must_use]
    pub fn new(status: &ViewerStatus, upload_bps: u64) -> Self {
        let standing = Standing::of(status);
        let session = status.session.as_ref();
        let watch = &status.watch;
        Self {
            state: state(standing, session),
            via: "udp",
            bytes_http: 0,
            edge: session.map(|session| session.edge.to_string()),
            redirected: status.redirected.map(|edge| edge.to_string()),
            refused: match standing {
                Standing::Refused(reason) => Some(explain(reason)),
                Standing::Joined | Standing::Unanswered | Standing::Left(_) => None,
            },
            class: session.map(|session| match session.class {
                Class::Push => "push",
                Class::P2p => "p2p",
            }),
            nat: session.map(|session| session.nat.kind().name()),
            observed: session.map(|session| session.observed),
            peers_met: status.stats.peers_met,
            peers_unmet: status.stats.peers_unmet,
            suspicions: status.stats.suspicions,
            suspicions_false: status.stats.suspicions_false,
            candidates_refused: status.stats.candidates_refused,
            age_s: session.map_or(0, |session| session.age_s),
            startup_ms: watch.startup_ms,
            buffer_ms: watch.buffer_ms,
            stalls: watch.stalls,
            stalled_ms: watch.stalled_ms,
            frames_played: watch.frames_played,
            frames_skipped: watch.frames_skipped,
            bytes_edge: watch.bytes_edge,
            bytes_peers: watch.bytes_peers,
            bytes_duplicate: watch.bytes_duplicate,
            bytes_uploaded: watch.bytes_uploaded,
            upload_bps,
            bytes_control: watch.bytes_control,
            parents: session
                .map(|session| session.parents.iter().map(|parent| parent.map(|ClientId(id)| id)).collect())
                .unwrap_or_default(),
            slots: session.map_or(0, |session| session.slots_max),
            slots_used: session.map_or(0, |session| session.slots_used),
            last_minute: status.reports.last.as_ref().map(Minute::new),
            reports_pending: status.reports.pending,
            reports_dropped: status.reports.dropped,
        }
    }

    /// The same of one that is fed by HTTP, with the stream's bytes and frames so far.
    #[must_use]
    pub fn over_http(self, bytes_http: u64, frames: u64) -> Self {
        let frames_played = self.frames_played.saturating_add(u32::try_from(frames).unwrap_or(u32::MAX));
        Self { state: "playing", via: "http", bytes_http, frames_played, refused: None, ..self }
    }

    /// The report in one line for people.
    #[must_use]
    pub fn line(&self) -> String {
        if self.via == "http" {
            let bytes = terminal::bytes(self.bytes_http);
            return format!("playing over HTTP, UDP is blocked and tried every minute: {bytes}");
        }
        if let (Some(edge), None) = (&self.redirected, self.class) {
            return format!("full: asking the edge at {edge}");
        }
        if let Some(refused) = self.refused {
            return format!("refused: {refused}");
        }
        if self.class.is_none() {
            return self.state.to_string();
        }
        let parents: Vec<String> = self.parents.iter().map(|parent| parent_name(*parent)).collect();
        let line = format!(
            "{} {}  start {} ms  buffer {}.{} s  edge {}  peers {}  from [{}]  up {} kbit/s  stalls {}  nat {}",
            terminal::clock(u64::from(self.age_s)),
            self.state,
            self.startup_ms,
            self.buffer_ms / 1_000,
            self.buffer_ms % 1_000 / 100,
            terminal::bytes(self.bytes_edge),
            terminal::bytes(self.bytes_peers),
            parents.join(" "),
            self.upload_bps / 1_000,
            self.stalls,
            self.nat.unwrap_or("unknown"),
        );
        line + &self.refusals() + &self.reported()
    }

    /// Why peers do not feed what the edge does; empty where they do, or nobody refused.
    fn refusals(&self) -> String {
        let is_wanting =
            self.class == Some("p2p") && self.parents.iter().any(|parent| matches!(parent, None | Some(0)));
        let counts = &self.candidates_refused;
        let named = [
            (counts.full, "full"),
            (counts.level, "too deep"),
            (counts.unhealthy, "without a feed"),
            (counts.slow, "too slow"),
            (counts.leaving, "leaving"),
            (self.peers_unmet, "not reached"),
        ];
        let told: Vec<String> = named
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        if is_wanting && !told.is_empty() { format!("  peers: {}", told.join(", ")) } else { String::new() }
    }

    /// The last minute, and whether the edge knows of it; empty as long as there is nothing to tell.
    fn reported(&self) -> String {
        let q1 = self.last_minute.as_ref().and_then(Minute::q1);
        let minute = q1.map_or(String::new(), |q1| format!("  last minute {:.1} % played", q1 * 100.0));
        match self.reports_pending {
            0 => minute,
            1 => minute + "  1 report waits",
            pending => minute + &format!("  {pending} reports wait"),
        }
    }
}

fn state(standing: Standing, session: Option<&ClientView>) -> &'static str {
    match (standing, session.map(|session| session.playout)) {
        (Standing::Refused(_), _) => "refused",
        (Standing::Left(_), _) => "left",
        (Standing::Unanswered, _) | (Standing::Joined, None) => "joining",
        (Standing::Joined, Some(PlayoutState::Idle | PlayoutState::Startup)) => "startup",
        (Standing::Joined, Some(PlayoutState::Playing)) => "playing",
        (Standing::Joined, Some(PlayoutState::Stalled)) => "stall",
    }
}

/// `E` the edge, `-` nobody, else a peer by the slot in its id.
fn parent_name(parent: Option<u32>) -> String {
    match parent {
        None => "-".into(),
        Some(id) if ClientId(id) == ClientId::EDGE => "E".into(),
        Some(id) => (id & 0xffff).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use livesky_core::wire::control::{RefusalReason, Refused, WatchStats};
    use livesky_core::wire::report::MinuteReport;

    use super::*;

    #[test]
    fn states_before_the_welcome_have_words() {
        let mut status = ViewerStatus::default();
        assert_eq!(WatchReport::new(&status, 0).line(), "joining");
        let reason = RefusalReason::Saturated;
        status.refused =
            Some(Refused { nonce: 0, reason, retry_after_ms: 0, alternatives: Default::default() });
        assert!(WatchReport::new(&status, 0).line().starts_with("refused: neither the edge"));
    }

    #[test]
    fn the_line_says_what_matters() {
        let watch = WatchStats { buffer_ms: 14_250, bytes_peers: 1_500_000, ..WatchStats::default() };
        let status = ViewerStatus { watch, ..ViewerStatus::default() };
        let mut report = WatchReport::new(&status, 331_000);
        report.class = Some("p2p");
        report.nat = Some("symmetric");
        report.parents = vec![Some(0), None, Some(0x1_0003)];
        let line = report.line();
        for part in
            ["buffer 14.2 s", "peers 1.5 MB", "from [E - 3]", "up 331 kbit/s", "stalls 0", "nat symmetric"]
        {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains("peers:"), "nobody refused: {line}");
        report.candidates_refused = CandidateRefusals { full: 3, slow: 1, ..CandidateRefusals::default() };
        report.peers_unmet = 2;
        let line = report.line();
        assert!(line.ends_with("  peers: 3 full, 1 too slow, 2 not reached"), "{line}");
        let minute = MinuteReport { played_ms: 57_000, buffering_ms: 3_000, ..MinuteReport::default() };
        report.last_minute = Some(Minute::new(&minute));
        report.reports_pending = 2;
        assert_eq!(report.line(), line + "  last minute 95.0 % played  2 reports wait");
    }
}
