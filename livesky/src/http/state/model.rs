//! The JSON of docs/api.md, field by field.

use serde::Serialize;

/// `/api/channels`.
#[derive(Clone, Debug, Serialize)]
pub struct Channels {
    /// Name and version.
    pub program: &'static str,
    /// What runs: `edge` or `demo`.
    pub role: &'static str,
    /// A command to publish a channel here.
    pub publish_command: String,
    /// Ordered by name.
    pub channels: Vec<ChannelLine>,
}

/// A channel in `/api/channels`.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelLine {
    /// Its name.
    pub name: String,
    /// A publisher is connected.
    pub on_air: bool,
    /// Media rate, mean of the last 10 s.
    pub rate_bps: u64,
    /// Clients.
    pub viewers: u32,
    /// Since the channel's start.
    pub uptime_s: u64,
}

/// `/api/state`.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// Wall clock, since 1970.
    pub now_ms: u64,
    /// The channel.
    pub channel: Channel,
    /// The edge.
    pub edge: Edge,
    /// Where the load stands.
    pub scaling: Scaling,
    /// What was sent since the channel's start.
    pub bytes: Bytes,
    /// What the edge did not have to send.
    pub offload: Offload,
    /// How it was to watch.
    pub quality: Quality,
    /// Ordered by id.
    pub viewers: Vec<Viewer>,
    /// Why offload is what it is.
    pub why: Vec<String>,
    /// Where it can be seen.
    pub video: Video,
}

/// The channel.
#[derive(Clone, Debug, Serialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// A publisher is connected.
    pub on_air: bool,
    /// Media rate, mean of the last 10 s.
    pub rate_bps: u64,
    /// M.
    pub substreams: u8,
    /// K0.
    pub levels_max: u8,
    /// What viewers buffer towards.
    pub target_buffer_ms: u32,
    /// Since the channel's start.
    pub uptime_s: u64,
    /// How far `/api/history` reaches.
    pub history_s: u64,
}

/// The edge.
#[derive(Clone, Debug, Serialize)]
pub struct Edge {
    /// UDP address clients use.
    pub address: String,
    /// UDP port of the second socket, through which clients learn what their NATs do.
    pub stun_port: Option<u16>,
    /// Configured egress.
    pub capacity_bps: u64,
    /// Sent in the last second.
    pub egress_bps: u64,
}

/// Where the load stands.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Scaling {
    /// 1 to 4.
    pub stage: u8,
    /// P0.
    pub p0: u32,
    /// Nc.
    pub nc: f64,
    /// N1.
    pub n1: u32,
    /// N*.
    pub n_star: u32,
    /// S of equation (7).
    pub s: f64,
    /// Share fed directly in stage 3.
    pub slope: f64,
    /// Supply of peers.
    pub alpha: f64,
    /// Joins per interval.
    pub gamma: f64,
    /// Leaves per interval.
    pub delta: f64,
    /// The interval of both.
    pub churn_interval_s: u32,
    /// N1/S.
    pub n1_over_s: f64,
    /// N*/S.
    pub n_star_over_s: f64,
}

/// Bytes since the channel's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// From the edge at a viewer's start.
    pub burst: u64,
    /// From the edge by substream push.
    pub push: u64,
    /// From the edge while a parent is missing.
    pub rescue: u64,
    /// From the edge for single missing frames.
    pub pull: u64,
    /// From viewers.
    pub peers: u64,
    /// To plain players.
    pub legacy: u64,
    /// Control datagrams.
    pub control: u64,
    /// Headers in front of fragments.
    pub fragment_headers: u64,
    /// Payload that was there before.
    pub duplicates: u64,
}

impl Bytes {
    /// Media from the edge to clients and plain players, and from viewers.
    #[must_use]
    pub const fn media(&self) -> u64 {
        self.burst + self.push + self.rescue + self.pull + self.peers + self.legacy
    }

    /// Growth since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            burst: self.burst.saturating_sub(earlier.burst),
            push: self.push.saturating_sub(earlier.push),
            rescue: self.rescue.saturating_sub(earlier.rescue),
            pull: self.pull.saturating_sub(earlier.pull),
            peers: self.peers.saturating_sub(earlier.peers),
            legacy: self.legacy.saturating_sub(earlier.legacy),
            control: self.control.saturating_sub(earlier.control),
            fragment_headers: self.fragment_headers.saturating_sub(earlier.fragment_headers),
            duplicates: self.duplicates.saturating_sub(earlier.duplicates),
        }
    }
}

/// Offload.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Offload {
    /// Share of the bytes since the start.
    pub bytes_total: Option<f64>,
    /// Share of the bytes of the last 10 s.
    pub bytes_10s: Option<f64>,
    /// Share of the viewers.
    pub viewers: Option<f64>,
}

/// How it was to watch.
#[derive(Clone, Debug, Serialize)]
pub struct Quality {
    /// Frames played on time of those due.
    pub continuity: Option<f64>,
    /// Stalls of all viewers.
    pub stalls: u64,
    /// Viewers in a stall.
    pub stalled_viewers: u32,
    /// All that ever joined.
    pub viewers_seen: u64,
    /// Median startup.
    pub startup_p50_ms: Option<u32>,
    /// 95th percentile.
    pub startup_p95_ms: Option<u32>,
    /// The last 256, oldest first.
    pub startup_ms: Vec<u32>,
}

/// A viewer.
#[derive(Clone, Debug, Serialize)]
pub struct Viewer {
    /// Who.
    pub id: u32,
    /// Where, or `-`.
    pub address: String,
    /// What its NAT does, by the names of RFC 3489.
    pub nat: &'static str,
    /// `push` or `p2p`.
    pub class: &'static str,
    /// `startup`, `playing` or `stall`.
    pub state: &'static str,
    /// Most hops from the edge.
    pub level: u8,
    /// Since it joined.
    pub age_s: u64,
    /// What it may upload.
    pub uplink_bps: u32,
    /// Feeds it can give.
    pub slots: u8,
    /// Feeds it gives.
    pub slots_used: u8,
    /// Media ahead of the playhead.
    pub buffer_ms: u32,
    /// Join to first frame.
    pub startup_ms: Option<u32>,
    /// Stalls.
    pub stalls: u32,
    /// To other viewers, mean of the last 3 s.
    pub upload_bps: u64,
    /// Payload from the edge.
    pub bytes_edge: u64,
    /// Payload from viewers.
    pub bytes_peers: u64,
    /// Parent per substream: an id, 0 the edge, none.
    pub parents: Vec<Option<u32>>,
}

/// Where the channel can be seen.
#[derive(Clone, Debug, Serialize)]
pub struct Video {
    /// What a P2P-fed viewer received.
    pub p2p: Option<P2p>,
    /// Straight from the edge.
    pub edge: Option<Url>,
}

/// The video of a viewer.
#[derive(Clone, Debug, Serialize)]
pub struct P2p {
    /// HLS.
    pub url: String,
    /// Whose.
    pub viewer: u32,
}

/// A video.
#[derive(Clone, Debug, Serialize)]
pub struct Url {
    /// HLS.
    pub url: String,
}

/// `/api/history`.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// Names of the columns.
    pub columns: [&'static str; 9],
    /// One a second, oldest first.
    pub rows: Vec<HistoryRow>,
}

/// A row of `/api/history`: six counters of bytes between uptime and load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HistoryRow(pub u64, pub u64, pub u64, pub u64, pub u64, pub u64, pub u64, pub u32, pub f64);

/// Columns of [`HistoryRow`].
pub const HISTORY_COLUMNS: [&str; 9] =
    ["uptime_s", "burst", "push", "rescue", "pull", "peers", "legacy", "p0", "nc"];
