//! What a run tells: plain data, written as JSON. Nothing in it depends on the computer or the hour.
//!
//! `None` where a percentile is asked of nothing, or lies among those that never came: infinite.

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What was run, with every default filled in.
    pub scenario: Scenario,
    /// With which seed.
    pub seed: u64,
    /// Hash over all events in their order, in hexadecimal: the same for the same scenario, seed and program.
    pub event_hash: String,
    /// What the run came to.
    pub totals: Totals,
    /// How well it was watched.
    pub quality: Quality,
    /// How long viewers waited for the first picture.
    pub startup: Startup,
    /// The same by age and class.
    pub classes: Vec<ClassRow>,
    /// Where the bytes came from.
    pub traffic: Traffic,
    /// What viewers uploaded.
    #[serde(default)]
    pub uploads: Uploads,
    /// What theory says for these uplinks and this churn.
    pub bounds: Bounds,
    /// How fast feeds came back after their feeder was gone.
    pub repairs: Repairs,
    /// What the machines did.
    #[serde(default)]
    pub actions: Actions,
    /// How pairs behind NAT boxes met.
    pub nat: NatResults,
    /// Each edge.
    pub edges: Vec<EdgeRow>,
    /// Each region, for the planner.
    pub regions: Vec<RegionRow>,
    /// Each fault and what came of it.
    pub faults: Vec<FaultRow>,
    /// Each minute measured.
    pub minutes: Vec<MinuteRow>,
    /// Series from the beginning of the warm-up.
    pub series: Vec<Sample>,
    /// Rules broken: the first three of each.
    pub violations: Vec<Violation>,
    /// Rules broken in all.
    pub violations_count: u64,
}

/// What a run came to, warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Virtual time in seconds.
    pub simulated_s: f64,
    /// Sum of the time viewers were present, in seconds.
    pub viewer_s: f64,
    /// Viewers present at most.
    pub viewers_max: u32,
    /// Events handled.
    pub events: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagrams delivered.
    pub datagrams_delivered: u64,
    /// Datagrams lost by the network at random or in a fault.
    pub datagrams_lost: u64,
    /// Datagrams a full queue dropped.
    pub datagrams_dropped: u64,
    /// Datagrams a NAT box or a blocked host stopped, or whose receiver was gone.
    pub datagrams_unreachable: u64,
}

/// What clients' machines did, warm-up included: which parts of the protocol a scenario has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    /// Feeds that broke: their feeder left, fell silent or dropped them.
    pub feeds_lost: u64,
    /// Feeders that fell silent and were suspected.
    pub suspicions: u64,
    /// Suspects that spoke again.
    pub suspicions_false: u64,
    /// Feeders that fell behind, and were to be replaced.
    pub lags: u64,
    /// Feeds to children stopped because the uplink did not carry them.
    pub children_stopped: u64,
    /// Frames asked for.
    pub pulls: u64,
    /// Fragments sent again to children.
    pub retransmits: u64,
    /// Times a client was sent to another edge.
    pub redirects: u64,
}

/// How well it was watched, from the end of the warm-up on. Startup counts nowhere here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Frames played on time over frames due; frames that would have been played during stalls count as due.
    pub continuity: f64,
    /// Q1 of the paper: time played over time played and stalled.
    pub q1: f64,
    /// Q2 of the paper over all client-minutes: those without a stall.
    pub q2: f64,
    /// Q2 of the worst minute.
    pub q2_worst_minute: f64,
    /// Clients that stalled in the worst minute.
    pub stalled_worst_minute: u32,
    /// Client-minutes watched.
    pub client_minutes: u64,
    /// Client-minutes with a stall.
    pub stalled_client_minutes: u64,
    /// Frames played.
    pub frames_played: u64,
    /// Frames passed over.
    pub frames_skipped: u64,
    /// Stalls begun.
    pub stalls: u64,
    /// Time stalled, in seconds.
    pub stalled_s: f64,
    /// Stalls by duration.
    pub stall_durations: Vec<Bin>,
    /// Viewers that stalled with 2 s or more in the buffer a second before.
    pub stalled_with_buffer: u64,
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Up to and with this many milliseconds; `None`: everything above.
    pub up_to_ms: Option<u64>,
    /// How many.
    pub count: u64,
}

/// Startup, from the first hello to the first frame played, over all who came after the warm-up and could still have
/// started: refused or never started is infinite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Startup {
    /// Who came.
    pub arrivals: u64,
    /// Who started.
    pub started: u64,
    /// Who was refused at least once.
    pub refused: u64,
    /// Who left or was still waiting when the run ended, within 5 s of the first hello; not among the arrivals.
    pub undecided: u64,
    /// Half of the arrivals started within this many milliseconds.
    pub p50_ms: Option<f64>,
    /// 95 % did.
    pub p95_ms: Option<f64>,
    /// 99 % did.
    pub p99_ms: Option<f64>,
    /// All did.
    pub max_ms: Option<f64>,
    /// Who started, by milliseconds.
    pub durations: Vec<Bin>,
}

/// Age of a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// Came within the last minute.
    New,
    /// Came before.
    Old,
}

/// How a viewer was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feeding {
    /// By the edge.
    Push,
    /// By peers.
    P2p,
}

/// Quality of one kind of viewer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Age.
    pub age: Age,
    /// Class.
    pub class: Feeding,
    /// Client-minutes watched.
    pub client_minutes: u64,
    /// Client-minutes with a stall.
    pub stalled_client_minutes: u64,
    /// Time played over time played and stalled.
    pub q1: f64,
    /// Client-minutes without a stall.
    pub q2: f64,
}

/// Bytes of fragments by where they came from, without headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BySource {
    /// The edge, from before the viewer came.
    pub burst: u64,
    /// The edge's feeds.
    pub push: u64,
    /// The edge until a parent is found: leases.
    pub rescue: u64,
    /// The edge, asked for frame by frame.
    pub edge_pull: u64,
    /// Peers' feeds.
    pub peers: u64,
    /// Peers, asked for frame by frame.
    pub peer_pull: u64,
    /// Legacy clients.
    pub legacy: u64,
}

impl BySource {
    /// What the edge sent.
    #[must_use]
    pub const fn edge(&self) -> u64 {
        self.burst + self.push + self.rescue + self.edge_pull + self.legacy
    }

    /// What peers sent.
    #[must_use]
    pub const fn of_peers(&self) -> u64 {
        self.peers + self.peer_pull
    }

    /// Everything.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.edge() + self.of_peers()
    }
}

/// Where the bytes came from, from the end of the warm-up on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Fragments sent.
    pub sent: BySource,
    /// Fragments that arrived, first copies and others.
    pub delivered: BySource,
    /// Of those delivered: bytes that crossed from one ISP to another.
    pub cross_isp: BySource,
    /// First copies, as clients count them.
    pub useful_bytes: u64,
    /// Other copies, as clients count them.
    pub duplicate_bytes: u64,
    /// Other copies over all that arrived.
    pub duplicate_share: f64,
    /// The edges' share of the bytes delivered.
    pub cdn_share_bytes: f64,
    /// Nc over P0, averaged over time: the edges' share by users.
    pub cdn_share_users: f64,
    /// UDP payload of datagrams without a fragment.
    pub control_bytes: u64,
    /// The same over the bytes of fragments delivered.
    pub control_share: f64,
    /// Headers of datagrams with a fragment.
    pub header_bytes: u64,
    /// The same over the bytes of fragments sent.
    pub header_share: f64,
    /// Bytes of fragments sent per byte of first copies.
    pub sent_per_delivered: f64,
    /// Share of the delivered bytes that crossed from one ISP to another.
    pub cross_isp_share: f64,
    /// The same of the edges' bytes.
    pub cross_isp_share_edge: f64,
    /// The same of the peers' bytes.
    pub cross_isp_share_peers: f64,
    /// What `cross_isp_share` would be if everybody were fed from anywhere at random.
    pub cross_isp_share_random: f64,
}

/// Mean uploads of viewers that were there for 30 s or more after the warm-up, as multiples of the rate: datagrams with a
/// fragment, headers included (LiveSky, Figure 13).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uploads {
    /// Viewers.
    pub viewers: u64,
    /// Half of them uploaded this much or less.
    pub p50: Option<f64>,
    /// Viewers by upload in steps of a twentieth of the rate: up to 0.05, up to 0.1 and so on.
    pub by_twentieths: Vec<u64>,
}

/// What theory says, as shares of the CDN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// S of equation (7), for the first edge's churn and K0; `None` when the churn makes none.
    pub scaling: Option<f64>,
    /// The churn interval S is for, in seconds.
    pub churn_interval_s: f64,
    /// Mean uplink over the rate, as drawn.
    pub mean_uplink: f64,
    /// 1 - mean uplink / rate, at least 0.
    pub fluid: f64,
    /// The same with whole slots after headers and reserve.
    pub usable: f64,
    /// Best assignment of two levels with whole slots: best uplinks are fed by the edge.
    pub two_levels: f64,
}

/// Time from a feeder's departure to the next datagram of the feed from another, one entry per child and substream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repairs {
    /// Feeds that lost their feeder.
    pub lost: u64,
    /// Of those: repaired.
    pub repaired: u64,
    /// Half of them within this many milliseconds.
    pub p50_ms: Option<f64>,
    /// 95 %.
    pub p95_ms: Option<f64>,
    /// 99 %.
    pub p99_ms: Option<f64>,
    /// All.
    pub max_ms: Option<f64>,
}

/// How pairs behind NAT boxes met. A pair is counted once for each first datagram one sends to the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NatResults {
    /// Each pair of kinds.
    pub pairs: Vec<NatPairRow>,
    /// Of the pairs that can connect: share that did.
    pub connected_share: Option<f64>,
    /// 95 % of those that connected did so within this many milliseconds.
    pub p95_ms: Option<f64>,
    /// Pairs that cannot connect but were introduced.
    pub introduced_in_vain: u64,
}

/// One pair of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatPairRow {
    /// One.
    pub one: crate::scenario::NatKind,
    /// The other.
    pub other: crate::scenario::NatKind,
    /// Whether they can connect by punching.
    pub can_connect: bool,
    /// Pairs that tried.
    pub tried: u64,
    /// Pairs that heard each other both ways.
    pub connected: u64,
}

/// An edge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EdgeRow {
    /// Its capacity in bit/s.
    pub capacity_bps: u64,
    /// Clients let in for push.
    pub joins_push: u64,
    /// Clients let in for P2P.
    pub joins_p2p: u64,
    /// Clients turned away.
    pub refusals: u64,
    /// Clients gone.
    pub leaves: u64,
    /// Clients there at the end.
    #[serde(default)]
    pub viewers: u32,
    /// Times clients on a lease, or fed by peers, were fed for good from then on.
    #[serde(default)]
    pub promotions: u64,
    /// Times clients fed for good were left to peers.
    #[serde(default)]
    pub demotions: u64,
    /// Newcomers whose burst was left to peers beyond its first part.
    #[serde(default)]
    pub bursts_shared: u64,
    /// Leases given from the rescue budget.
    pub rescues: u64,
    /// Rescues refused.
    pub rescues_refused: u64,
    /// Fragments sent again.
    pub retransmissions: u64,
    /// Times the stage changed.
    pub stage_changes: u64,
    /// Mean bytes sent a second, in bit/s of UDP payload, from the end of the warm-up on.
    pub egress_bps_mean: f64,
    /// The most in a second.
    pub egress_bps_max: f64,
}

/// A region: what `placement` needs to know of its peers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegionRow {
    /// Its name.
    pub name: String,
    /// Viewers on average.
    pub viewers_mean: f64,
    /// Mean peer contribution: bytes from peers over all bytes delivered there.
    pub rho: f64,
    /// Continuity there.
    pub continuity: f64,
}

/// A fault and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultRow {
    /// Its kind.
    pub kind: String,
    /// When, in seconds from the end of the warm-up.
    pub at_s: f64,
    /// How long.
    pub for_s: f64,
    /// Clients hit: cut off, gone, or slowed down.
    pub clients: u64,
    /// Feeds that slowed clients gave when they were slowed.
    pub children: u64,
    /// Of those: have another feeder before the fault ends. The others may fit what is left of the uplink.
    pub children_moved: u64,
    /// Of those: within 3 s.
    #[serde(default)]
    pub children_moved_soon: u64,
    /// Until the last of those moved, in seconds.
    pub moved_after_s: Option<f64>,
    /// From 3 s after the beginning on, the most that a feed which stayed was behind the newest frame its child knew of; `None`: none stayed.
    pub stayed_behind_ms: Option<u64>,
    /// From its end until everybody present plays, in seconds; `None`: never within the run.
    pub healed_after_s: Option<f64>,
    /// Viewers that stalled between its beginning and 10 s after its end.
    pub stalled: u64,
    /// Of those: had 2 s or more in their buffer when it began.
    pub stalled_with_buffer: u64,
}

/// One minute from the end of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MinuteRow {
    /// Clients that watched in it.
    pub clients: u32,
    /// Of those: stalled.
    pub stalled: u32,
    /// Joins.
    pub joins: u32,
    /// Leaves.
    pub leaves: u32,
    /// Q1.
    pub q1: f64,
    /// Q2.
    pub q2: f64,
}

/// One row of the series: what holds at the time, and what happened since the row before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the beginning.
    pub at_s: f64,
    /// Viewers present.
    pub viewers: u32,
    /// Of those: playing.
    pub playing: u32,
    /// Of those: stalled.
    pub stalled: u32,
    /// Clients let in, all edges: P0.
    pub p0: u32,
    /// Clients' worth of feeds from the edges: Nc.
    pub nc: f64,
    /// Nc as the stages want it at this load (Figure 7).
    pub nc_target: f64,
    /// Stage of the first edge, 1 to 4.
    pub stage: u8,
    /// Joins since.
    pub joins: u32,
    /// Leaves since.
    pub leaves: u32,
    /// Stalls begun since.
    pub stalls: u32,
    /// The edges' UDP payload since, in bit/s.
    pub egress_bps: f64,
    /// Rescue and late pull since, in bit/s.
    pub rescue_bps: f64,
    /// Peers' UDP payload since, in bit/s.
    pub peers_bps: f64,
    /// The edges' share of the bytes delivered since.
    pub cdn_share: f64,
    /// Median of the viewers' buffers in milliseconds.
    pub buffer_ms_p50: u32,
    /// The 5 % point of the same.
    pub buffer_ms_p5: u32,
}

/// A rule was broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Which rule.
    pub rule: String,
    /// When, in microseconds of virtual time.
    pub at_us: u64,
    /// Where: `edge 0`, `client 17`.
    pub node: String,
    /// What was seen.
    pub detail: String,
    /// The command that shows it again.
    pub replay: String,
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { rule, at_us, node, detail, replay } = self;
        let (seconds, micros) = (at_us / 1_000_000, at_us % 1_000_000);
        write!(f, "{rule}: {node} at {seconds}.{micros:06} s: {detail}; again with: {replay}")
    }
}
