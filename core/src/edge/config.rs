//! What an operator sets.

use core::net::SocketAddr;

use crate::limits::ALTERNATIVES_MAX;
use crate::media::ChannelSettings;
use crate::scaling::Churn;

/// Addresses of an edge's two sockets, which tell clients what their NATs do (RFC 5780). Where the edge does not know its own
/// address it is unspecified: clients take the one they know, and the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeSockets {
    /// Of socket 0 ([`Path::socket`](crate::Path)), over which clients join.
    pub main: SocketAddr,
    /// Of socket 1: the same address, another port.
    pub second: SocketAddr,
}

impl EdgeSockets {
    pub(super) const fn of(&self, socket: u8) -> SocketAddr {
        if socket == 0 { self.main } else { self.second }
    }
}

/// Settings of an edge, for all its channels.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Decides every random choice.
    pub seed: u64,
    /// Entropy for cookies and for the order of the address index: 16 bytes nobody can guess.
    pub key: [u8; 16],
    /// What the edge may send in bit/s: UDP payload, all channels and legacy clients together.
    pub capacity_bps: u64,
    /// First threshold of the stage function: up to this many clients are fed directly (LiveSky, Figure 3).
    pub n1: u32,
    /// How peers supply and come and go: gives S.
    pub churn: Churn,
    /// Whether S follows the churn that is seen, [`Self::churn`] being what it begins with.
    pub is_churn_estimated: bool,
    /// What gamma and delta are per, in seconds: 20 in the paper, by its own figures (docs/paper-map.md, "Readings").
    pub churn_interval_s: u32,
    /// Share of clients fed directly in stage 3; `None`: S.
    pub slope: Option<f64>,
    /// Whether Nc is held to the stage function (LiveSky, Figure 7). Else that is the most the edge feeds: it feeds fewer where
    /// peers can take on more.
    pub is_stage_strict: bool,
    /// By how many clients Nc must be short of its target before a newcomer is fed directly past stage 1.
    pub hysteresis: f64,
    /// Share of the capacity kept for rescues.
    pub rescue_share: f64,
    /// Share of the capacity for headers, control and retransmissions: 46 of 1,174 bytes are header, 2 % loss is a bad day.
    pub overhead_share: f64,
    /// Share of the capacity for those who start.
    pub burst_share: f64,
    /// The edge's shard, below 64: the top 6 bits of its link ids.
    pub shard: u8,
    /// How long a refused client is to wait, in milliseconds.
    pub retry_after_ms: u32,
    /// Addresses of its two sockets; `None`: there is one. Then, or while nothing was heard at the second, NATs are not told apart,
    /// and any two clients are introduced.
    pub sockets: Option<EdgeSockets>,
    /// Other edges a refused client may try.
    pub alternatives: heapless::Vec<SocketAddr, ALTERNATIVES_MAX>,
}

impl EdgeConfig {
    /// S of a channel by equation (7); 1, everybody fed by the edge, when the churn makes none.
    pub(super) fn scaling(&self, settings: &ChannelSettings) -> f64 {
        crate::scaling::scaling_factor(&self.churn, settings.levels_max).unwrap_or(1.0)
    }

    /// Clients of `rate_bps` that can be fed for good when `capacity_bps` is at hand: N* in operation.
    pub(super) fn n_star(&self, capacity_bps: u64, rate_bps: u32) -> u32 {
        crate::scaling::n_star_operating(
            capacity_bps,
            rate_bps,
            self.rescue_share,
            self.overhead_share,
            self.burst_share,
        )
    }
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            key: [0; 16],
            capacity_bps: 200_000_000,
            n1: 100,
            churn: Churn::default(),
            is_churn_estimated: false,
            churn_interval_s: 20,
            slope: None,
            is_stage_strict: false,
            hysteresis: 0.0,
            rescue_share: 0.2,
            overhead_share: 0.07,
            burst_share: 0.05,
            shard: 0,
            retry_after_ms: 2_000,
            sockets: None,
            alternatives: heapless::Vec::new(),
        }
    }
}
