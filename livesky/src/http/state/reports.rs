//! Reports of viewers and minutes of channels as lines of JSON (docs/api.md, "reports").

use livesky_core::edge::EdgeMinute;
use livesky_core::scaling::Stage;
use livesky_core::wire::SendReason;
use livesky_core::wire::control::{Class, ClientId};
use livesky_core::wire::report::{AddressKinds, JoinRecord, MinuteReport, Report, ReportBody};
use serde::Serialize;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// When it came, or when the minute ended.
    at_ms: u64,
    channel: Option<&'a str>,
    #[serde(flatten)]
    told: Told,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Told {
    Join(Viewer<Join>),
    Minute(Viewer<Minute>),
    Edge(Box<Edge>),
}

/// Who tells.
#[derive(Debug, Serialize)]
struct Viewer<T> {
    viewer: String,
    client: u32,
    number: u32,
    dropped: u16,
    public: String,
    private: Option<String>,
    #[serde(flatten)]
    seen: T,
}

#[derive(Debug, Serialize)]
struct Join {
    answered_ms: Option<u32>,
    data_ms: Option<u32>,
    full_ms: Option<u32>,
    started_ms: Option<u32>,
    refused: u16,
}

/// A minute of a viewer for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Minute {
    /// Whole minutes from the first hello to its begin.
    pub minute: u32,
    /// How long it was.
    pub span_ms: u32,
    /// From the first hello to its end.
    pub age_s: u32,
    /// `push` or `p2p`.
    pub class: &'static str,
    /// What its NAT does.
    pub nat: &'static str,
    /// Which kinds of addresses were in use.
    pub addresses: Vec<&'static str>,
    /// Peers met.
    pub peers: u8,
    /// Bytes.
    pub bytes: MinuteBytes,
    /// Media received over the channel's rate.
    pub download: f64,
    /// Time in which the picture moved.
    pub played_ms: u32,
    /// Time in which it stood.
    pub buffering_ms: u32,
    /// Stalls by length.
    pub stalls: [u8; 8],
    /// Frames handed to the player.
    pub frames_played: u16,
    /// Frames passed over, the one behind them decodable.
    pub frames_omitted: u16,
    /// Frames passed over up to a key frame.
    pub frames_skipped: u16,
    /// Substreams the edge took over.
    pub rescues: u16,
}

/// Bytes of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MinuteBytes {
    /// From before the viewer came.
    pub burst: u32,
    /// Feeds of the edge.
    pub push: u32,
    /// From the edge in place of a parent.
    pub rescue: u32,
    /// Asked of the edge.
    pub pull: u32,
    /// From peers.
    pub peers: u32,
    /// Sent to peers.
    pub uploaded: u32,
    /// Sent without media.
    pub control: u32,
    /// Received twice.
    pub duplicates: u32,
}

#[derive(Debug, Serialize)]
struct Edge {
    minute: u32,
    active: u32,
    joined: u32,
    left: u32,
    refused: u32,
    rebuffered: u32,
    rescued: u32,
    stage: u8,
    bytes: EdgeBytes,
    reports: u32,
    reports_missing: u32,
    rebuffered_reports: u32,
    q1: Option<f64>,
    q2: Option<f64>,
}

#[derive(Debug, Serialize)]
struct EdgeBytes {
    burst: u64,
    push: u64,
    rescue: u64,
    pull: u64,
    peers: u64,
}

impl<'a> Line<'a> {
    pub(super) fn of_report(
        at_ms: u64,
        channel: Option<&'a str>,
        client: ClientId,
        report: &Report,
        is_masked: bool,
    ) -> Self {
        let address = |address: core::net::SocketAddr| {
            if is_masked { "-".to_owned() } else { address.to_string() }
        };
        let at = (address(report.public), report.private.map(address));
        let told = match &report.body {
            ReportBody::Join(join) => Told::Join(Viewer::new(client, report, at, Join::new(join))),
            ReportBody::Minute(minute) => Told::Minute(Viewer::new(client, report, at, Minute::new(minute))),
        };
        Self { at_ms, channel, told }
    }

    pub(super) fn of_minute(at_ms: u64, channel: Option<&'a str>, minute: &EdgeMinute) -> Self {
        Self { at_ms, channel, told: Told::Edge(Box::new(Edge::new(minute))) }
    }

    /// The line, its end included.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

impl<T> Viewer<T> {
    fn new(client: ClientId, report: &Report, (public, private): (String, Option<String>), seen: T) -> Self {
        let Report { viewer, number, dropped, .. } = *report;
        let viewer = format!("{:016x}", viewer.0);
        Self { viewer, client: client.0, number, dropped, public, private, seen }
    }
}

impl Join {
    fn new(join: &JoinRecord) -> Self {
        let known = |ms: u32| (ms > 0).then_some(ms);
        Self {
            answered_ms: known(join.answered_ms),
            data_ms: known(join.data_ms),
            full_ms: known(join.full_ms),
            started_ms: known(join.started_ms),
            refused: join.refused,
        }
    }
}

impl Minute {
    /// A minute of a viewer.
    #[must_use]
    pub fn new(minute: &MinuteReport) -> Self {
        let bytes = &minute.bytes;
        Self {
            minute: minute.minute,
            span_ms: minute.span_ms,
            age_s: minute.age_s(),
            class: match minute.class {
                Class::Push => "push",
                Class::P2p => "p2p",
            },
            nat: minute.nat.kind().name(),
            addresses: KINDS
                .iter()
                .filter(|(kind, _)| minute.kinds.has(*kind))
                .map(|(_, name)| *name)
                .collect(),
            peers: minute.peers,
            bytes: MinuteBytes {
                burst: bytes.burst,
                push: bytes.push,
                rescue: bytes.rescue,
                pull: bytes.pull,
                peers: bytes.peers,
                uploaded: bytes.uploaded,
                control: bytes.control,
                duplicates: bytes.duplicates,
            },
            download: f64::from(minute.download_permille) / 1e3,
            played_ms: minute.played_ms,
            buffering_ms: minute.buffering_ms,
            stalls: minute.stalls,
            frames_played: minute.frames_played,
            frames_omitted: minute.frames_omitted,
            frames_skipped: minute.frames_skipped,
            rescues: minute.rescues,
        }
    }

    /// Share of the time in which the picture moved, startup left out: Q1 of one viewer's minute.
    #[must_use]
    pub fn q1(&self) -> Option<f64> {
        let watched_ms = u64::from(self.played_ms) + u64::from(self.buffering_ms);
        (watched_ms > 0).then(|| f64::from(self.played_ms) / watched_ms as f64)
    }
}

const KINDS: [(u8, &str); 5] = [
    (AddressKinds::EDGE_V4, "edge_v4"),
    (AddressKinds::EDGE_V6, "edge_v6"),
    (AddressKinds::PEERS_V4, "peers_v4"),
    (AddressKinds::PEERS_V6, "peers_v6"),
    (AddressKinds::PEERS_LOCAL, "peers_local"),
];

impl Edge {
    fn new(minute: &EdgeMinute) -> Self {
        let told = &minute.told;
        Self {
            minute: minute.number,
            active: minute.active,
            joined: minute.joined,
            left: minute.left,
            refused: minute.refused,
            rebuffered: minute.rebuffered,
            rescued: minute.rescued,
            stage: match minute.stage {
                Stage::One => 1,
                Stage::Two => 2,
                Stage::Three => 3,
                Stage::Four => 4,
            },
            bytes: EdgeBytes {
                burst: minute.sent(SendReason::Burst),
                push: minute.sent(SendReason::Feed),
                rescue: minute.sent(SendReason::Rescue),
                pull: minute.sent(SendReason::Pull),
                peers: told.bytes_peers,
            },
            reports: told.clients,
            reports_missing: minute.reports_missing,
            rebuffered_reports: told.rebuffered,
            q1: told.q1(),
            q2: told.q2(),
        }
    }
}
