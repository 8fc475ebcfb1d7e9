//! The clients' hosts: uplinks, delays, NAT.

use serde::{Deserialize, Serialize};

/// What clients' lines are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostSpec {
    /// Uplinks as multiples of the rate. Default: LiveSky's Figure 13.
    pub uplinks: Vec<UplinkRange>,
    /// Share of its uplink a client says it has; above 1 it promises too much. The channel's upload cap bounds it further.
    pub told_share: f64,
    /// Least rate of an uplink in bit/s: who shares nothing still sends requests and acknowledgements, over a line of its own
    /// that media at 400 kbit/s came by.
    pub uplink_min_bps: u64,
    /// How much an uplink queues, in milliseconds of its rate, but at least 32 KiB.
    pub uplink_queue_ms: u32,
    /// Rate of a downlink in bit/s; left out: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downlink_bps: Option<u64>,
    /// How much a downlink queues, in milliseconds of its rate, but at least 32 KiB.
    pub downlink_queue_ms: u32,
    /// Round trip between client and edge in one region, least and most, in milliseconds. Half of it is the host's own delay
    /// towards everybody.
    pub rtt_ms: [f64; 2],
    /// Share of hosts no UDP datagram reaches or leaves: they watch by HTTP, and count as legacy clients.
    pub udp_blocked_share: f64,
    /// Share of clients that do not consent to upload.
    pub receive_only_share: f64,
    /// Peers a client has room for, the edge included.
    pub peers_max: usize,
}

/// One part of the uplinks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UplinkRange {
    /// Share of the clients.
    pub share: f64,
    /// Least, in multiples of the rate.
    pub low: f64,
    /// Most, in multiples of the rate.
    pub high: f64,
}

impl Default for HostSpec {
    fn default() -> Self {
        Self {
            uplinks: vec![
                UplinkRange { share: 0.37, low: 0.0, high: 0.0 },
                UplinkRange { share: 0.33, low: 0.0, high: 1.0 },
                UplinkRange { share: 0.30, low: 1.0, high: 1.5 },
            ],
            told_share: 1.0,
            uplink_min_bps: 512_000,
            uplink_queue_ms: 500,
            downlink_bps: None,
            downlink_queue_ms: 200,
            rtt_ms: [20.0, 80.0],
            udp_blocked_share: 0.0,
            receive_only_share: 0.0,
            peers_max: 24,
        }
    }
}

/// A kind of NAT box (RFC 4787, in the words of RFC 3489).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NatKind {
    /// No box: a public address.
    Open,
    /// One mapping for all destinations; anybody may send to it.
    FullCone,
    /// One mapping; only addresses sent to may answer, from any port.
    AddressRestricted,
    /// One mapping; only address and port sent to may answer.
    PortRestricted,
    /// A mapping for each destination; only it may answer.
    Symmetric,
}

/// Clients behind NAT boxes of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NatSpec {
    /// Share of the clients.
    pub share: f64,
    /// The kind.
    pub kind: NatKind,
    /// How long a mapping outlives its last outgoing datagram, in seconds (RFC 4787 clause 4.3 asks for 120 and more).
    #[serde(default = "two_minutes")]
    pub mapping_timeout_s: f64,
    /// Clients that share a box.
    #[serde(default = "one")]
    pub hosts_per_box: u32,
}

const fn two_minutes() -> f64 {
    120.0
}

const fn one() -> u32 {
    1
}
