//! Edges.

use serde::{Deserialize, Serialize};

/// One edge: what its operator sets, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EdgeSpec {
    /// What it may send, in bit/s.
    pub capacity_bps: u64,
    /// First threshold of the stage function.
    pub n1: u32,
    /// Share of the rate a supplying peer uploads on average, alpha.
    pub alpha: f64,
    /// Interval that gamma and delta are meant for, in seconds.
    pub churn_interval_s: f64,
    /// Joins per interval as a share of those present; left out: as the population's shares a minute say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Leaves per interval as a share of those present; left out: as the population's shares a minute say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// Whether alpha, gamma and delta are counted while it runs, and what is said of them here holds until then.
    pub estimate_churn: bool,
    /// Share of clients fed directly in stage 3; left out: S.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Option<f64>,
    /// Whether Nc is held to the stage function; else that is the most the edge feeds, and peers come first.
    pub strict_stages: bool,
    /// By how many clients Nc must be short of its target before a newcomer is fed directly past stage 1.
    pub hysteresis: f64,
    /// Share of the capacity kept for rescues.
    pub rescue_share: f64,
    /// Share of the capacity for headers, control and retransmissions.
    pub overhead_share: f64,
    /// Share of the capacity for those who start.
    pub burst_share: f64,
    /// What plain HTTP players take of the capacity, in bit/s.
    pub legacy_bps: u64,
    /// Most clients; left out: as many as ever watch at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients_max: Option<u32>,
    /// Rate of its line as a multiple of the capacity: headers of IP and UDP are not in the capacity.
    pub line_ratio: f64,
    /// Name of its region; left out: the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Name of its ISP; left out: the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isp: Option<String>,
}

impl Default for EdgeSpec {
    fn default() -> Self {
        Self {
            capacity_bps: 200_000_000,
            n1: 50,
            alpha: 0.54,
            churn_interval_s: 20.0,
            gamma: None,
            delta: None,
            estimate_churn: false,
            slope: None,
            strict_stages: false,
            hysteresis: 0.0,
            rescue_share: 0.2,
            overhead_share: 0.07,
            burst_share: 0.05,
            legacy_bps: 0,
            clients_max: None,
            line_ratio: 1.1,
            region: None,
            isp: None,
        }
    }
}
