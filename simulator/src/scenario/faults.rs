//! What goes wrong, and when.

use serde::{Deserialize, Serialize};

/// One fault. `at_s` counts from the end of the warm-up, `for_s` is how long it lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum FaultSpec {
    /// The line of an edge carries only a share of its capacity.
    EdgeUplink {
        /// When.
        at_s: f64,
        /// How long.
        for_s: f64,
        /// Which, by its place in the file.
        #[serde(default)]
        edge: usize,
        /// What is left, 0 to 1.
        to_share: f64,
    },
    /// Two sets of hosts cannot reach each other.
    Partition {
        /// When.
        at_s: f64,
        /// How long.
        for_s: f64,
        /// One side.
        from: HostSet,
        /// The other.
        to: HostSet,
        /// Only datagrams from `from` to `to` are lost.
        #[serde(default)]
        one_way: bool,
    },
    /// Datagrams are lost at random beyond the network's own loss.
    Loss {
        /// When.
        at_s: f64,
        /// How long.
        for_s: f64,
        /// Share of datagrams lost.
        share: f64,
    },
    /// Uplinks of clients that feed others give less than promised.
    ClientUplink {
        /// When.
        at_s: f64,
        /// How long.
        for_s: f64,
        /// How many of the clients that upload most at that moment.
        clients: usize,
        /// What is left, 0 to 1.
        to_share: f64,
    },
    /// Clients vanish in one instant.
    MassDeparture {
        /// When.
        at_s: f64,
        /// Share of those present.
        share: f64,
        /// They say nothing.
        #[serde(default = "is_true")]
        silent: bool,
    },
    /// An edge is told to stop and hands its clients over.
    EdgeDrain {
        /// When.
        at_s: f64,
        /// Which, by its place in the file.
        #[serde(default)]
        edge: usize,
    },
    /// An edge loses power and comes back without memory.
    EdgeRestart {
        /// When.
        at_s: f64,
        /// How long it is away.
        for_s: f64,
        /// Which, by its place in the file.
        #[serde(default)]
        edge: usize,
    },
}

const fn is_true() -> bool {
    true
}

impl FaultSpec {
    /// When it begins, and how long it lasts: 0 for what happens in an instant.
    #[must_use]
    pub const fn span_s(&self) -> (f64, f64) {
        match self {
            Self::EdgeUplink { at_s, for_s, .. }
            | Self::Partition { at_s, for_s, .. }
            | Self::Loss { at_s, for_s, .. }
            | Self::ClientUplink { at_s, for_s, .. }
            | Self::EdgeRestart { at_s, for_s, .. } => (*at_s, *for_s),
            Self::MassDeparture { at_s, .. } | Self::EdgeDrain { at_s, .. } => (*at_s, 0.0),
        }
    }

    /// Its kind as in the file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EdgeUplink { .. } => "edge-uplink",
            Self::Partition { .. } => "partition",
            Self::Loss { .. } => "loss",
            Self::ClientUplink { .. } => "client-uplink",
            Self::MassDeparture { .. } => "mass-departure",
            Self::EdgeDrain { .. } => "edge-drain",
            Self::EdgeRestart { .. } => "edge-restart",
        }
    }
}

/// Some of the hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum HostSet {
    /// An edge, by its place in the file.
    Edge(usize),
    /// Every client.
    Clients,
    /// A share of the clients, the same in every fault that names the same share.
    ClientShare(f64),
    /// The clients and edges of a region.
    Region(String),
    /// The clients and edges of an ISP.
    Isp(String),
}
