//! What lies between hosts.

use serde::{Deserialize, Serialize};

/// The network between the hosts' lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetworkSpec {
    /// Share of datagrams lost at random.
    pub loss: f64,
    /// Loss in bursts, beside that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_loss: Option<BurstLossSpec>,
    /// Share of datagrams that arrive twice.
    pub duplicate: f64,
    /// Delay beyond the path's own: uniform between 0 and this, in milliseconds.
    pub jitter_ms: f64,
    /// Datagrams between two hosts stay in order in spite of jitter, as in the queues of a real path. Without, jitter reorders
    /// every burst.
    pub keep_order: bool,
    /// Regions. Without any: one.
    pub regions: Vec<RegionSpec>,
    /// ISPs. Without any: one.
    pub isps: Vec<IspSpec>,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            loss: 0.01,
            burst_loss: None,
            duplicate: 0.0,
            jitter_ms: 2.0,
            keep_order: true,
            regions: Vec::new(),
            isps: Vec::new(),
        }
    }
}

/// Gilbert and Elliott's model: each host's line is good or bad, and loses datagrams while it is bad.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BurstLossSpec {
    /// Chance for each datagram that a good line becomes bad.
    pub to_bad: f64,
    /// Chance for each datagram that a bad line becomes good.
    pub to_good: f64,
    /// Share lost while bad.
    pub loss: f64,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegionSpec {
    /// Its name.
    pub name: String,
    /// Share of the clients.
    pub share: f64,
    /// Delay one way to every region in the file's order, in milliseconds, beside the hosts' own. To itself: usually 0.
    pub delay_ms: Vec<f64>,
}

/// An ISP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IspSpec {
    /// Its name.
    pub name: String,
    /// Share of the clients.
    pub share: f64,
}
