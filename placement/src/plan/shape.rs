use serde::{Deserialize, Serialize};

use crate::model::Objective;

/// A plan: which sites to open, in what size, who serves whom, and what that costs. Plain data, the same in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The problem's name.
    pub problem: String,
    /// What the problem is about.
    pub about: String,
    /// What costs are counted in.
    pub currency: String,
    /// What was minimised.
    pub model: Objective,
    /// The same in words, with its numbers.
    pub model_text: String,
    /// What the plan costs, in units of the objective: normalised, all states with their weights, opening costs in it.
    pub objective: f64,
    /// No plan costs less.
    pub bound: f64,
    /// (objective − bound) / |objective|: 0 is proof.
    pub gap: f64,
    /// Whether the gap is within the effort's goal.
    pub is_proven: bool,
    /// Nodes of the search tree done.
    pub nodes: u64,
    /// The sites that are open, in the order of the problem.
    pub sites: Vec<OpenSite>,
    /// Who serves whom in the normal state.
    pub assignment: Vec<Served>,
    /// All sizes B_i together, in bit/s.
    pub sizes_bps: f64,
    /// U, in bit/s; `None`: no limit.
    pub budget_bps: Option<f64>,
    /// What all sizes cost at the sites' own prices, Σ B_i C_i, in currency per month.
    pub size_cost_per_month: f64,
    /// Opening costs of the open sites that are not built already, in currency per month.
    pub opening_cost_per_month: f64,
    /// The unit cost that counts 1, in currency per Mbit/s and month.
    pub cost_unit: f64,
    /// The delay that counts 1 in `f_cc`, in ms.
    pub delay_unit_ms: f64,
    /// Each state's figures; the first is the normal one.
    pub states: Vec<StateFigures>,
    /// What the loss of each open site does in the normal state.
    pub losses: Vec<LossFigures>,
}

/// An open site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenSite {
    /// Its name.
    pub name: String,
    /// Its region's name.
    pub region: String,
    /// North is positive; `None`: unknown.
    pub latitude_deg: Option<f64>,
    /// East is positive; `None`: unknown.
    pub longitude_deg: Option<f64>,
    /// Its provider, or its region's.
    pub isp: Option<String>,
    /// Whether it stood before the plan.
    pub is_built: bool,
    /// C_i, in currency per Mbit/s and month.
    pub cost_per_mbps_month: f64,
    /// c_i: its class's highest cost over the highest of all.
    pub unit_cost: f64,
    /// In currency per month; 0 when it is built already.
    pub opening_cost_per_month: f64,
    /// B_i: the size it needs over all states and losses, in bit/s.
    pub size_bps: f64,
    /// The largest size it may have, in bit/s; `None`: no limit.
    pub size_max_bps: Option<f64>,
    /// What it counts against its size in the normal state, in bit/s.
    pub load_bps: f64,
    /// What it really sends in the normal state, (1−ρ) n R, in bit/s.
    pub traffic_bps: f64,
    /// What that traffic costs, in currency per month; the opening cost is not in it.
    pub traffic_cost_per_month: f64,
    /// Viewers it serves in the normal state.
    pub viewers: f64,
    /// Whom it serves in the normal state.
    pub serves: Vec<ServedBySite>,
}

/// Whom a site serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedBySite {
    /// The channel's name.
    pub channel: String,
    /// The region's name.
    pub region: String,
    /// Its share of the channel's viewers there, over 0 and at most 1.
    pub share: f64,
    /// Those viewers.
    pub viewers: f64,
    /// L_ij, in ms.
    pub delay_ms: f64,
}

/// A share of a channel's viewers in one region, and who serves them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// The channel's name.
    pub channel: String,
    /// The region's name.
    pub region: String,
    /// The site's name.
    pub site: String,
    /// y_ij: over 0, at most 1.
    pub share: f64,
    /// Those viewers.
    pub viewers: f64,
    /// What the site sends them, (1−ρ) n R, in bit/s.
    pub traffic_bps: f64,
    /// L_ij, in ms.
    pub delay_ms: f64,
    /// Whether the site stands in their region.
    pub is_own_region: bool,
    /// Whether site and viewers are with different providers; `None`: one of them is unknown.
    pub crosses_isp: Option<bool>,
}

/// What a plan does in one state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateFigures {
    /// "normal" or the scenario's name.
    pub name: String,
    /// What the state counts in the objective: the weights of all states sum to 1.
    pub weight: f64,
    /// Viewers.
    pub viewers: f64,
    /// Σ n_j R, from servers and peers, in bit/s.
    pub demand_bps: f64,
    /// Σ (1−ρ_j) n_j R: what servers send, in bit/s.
    pub traffic_bps: f64,
    /// (7) with opening costs: f_pc, in parts of what the normal state's whole demand would cost at the highest unit cost.
    pub f_pc: f64,
    /// The opening costs' part of `f_pc`.
    pub f_pc_opening: f64,
    /// (10): the mean delay over viewers, in ms.
    pub f_cc_ms: f64,
    /// The same in delay units, as LTCM counts it.
    pub f_cc: f64,
    /// f_pc × f_cc, with `f_cc` in ms.
    pub integrated_cost_ms: f64,
    /// What the traffic costs at the sites' own prices, in currency per month, were the state to last.
    pub traffic_cost_per_month: f64,
    /// The longest delay of any viewer, in ms.
    pub worst_delay_ms: f64,
    /// Whose it is.
    pub worst_region: String,
    /// The share of servers' traffic that goes from one provider to another; `None`: providers are unknown.
    pub cross_isp_share: Option<f64>,
    /// The share of viewers served from outside their own region, 0 to 1.
    pub outside_region_share: f64,
    /// Who serves whom.
    pub assignment: Vec<Served>,
}

/// What the loss of one open site does in the normal state, when nobody else's service changes unless it must.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossFigures {
    /// The site that is lost.
    pub site: String,
    /// Who takes over, and whom.
    pub takes_over: Vec<Served>,
    /// Viewers that no open site reaches any more.
    pub unreachable_viewers: f64,
    /// What does not fit the sizes of those left, in bit/s; 0 when the loss is survived.
    pub overload_bps: f64,
    /// The mean delay over all viewers that are reached, in ms.
    pub mean_delay_ms: f64,
    /// The longest delay of any viewer that is reached, in ms.
    pub worst_delay_ms: f64,
    /// Whose it is.
    pub worst_region: String,
    /// Whether everybody is reached and everything fits.
    pub is_survived: bool,
}

impl Plan {
    /// The normal state's figures.
    #[must_use]
    pub fn normal(&self) -> Option<&StateFigures> {
        self.states.first()
    }

    /// What the plan costs in the normal state, traffic and opening together, in currency per month.
    #[must_use]
    pub fn cost_per_month(&self) -> f64 {
        self.normal().map_or(0.0, |state| state.traffic_cost_per_month) + self.opening_cost_per_month
    }
}
