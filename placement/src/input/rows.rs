//! The shape of the files. Names stand in kebab-case, units last; what may be left out has a default or none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// A problem file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ProblemFile {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) currency: String,
    pub(super) files: FilesRow,
    pub(super) objective: ObjectiveRow,
    pub(super) limits: LimitsRow,
    pub(super) delays: DelaysRow,
    pub(super) serving: ServingRow,
    pub(super) regions: Vec<RegionRow>,
    pub(super) sites: Vec<SiteRow>,
    pub(super) channels: Vec<ChannelRow>,
    pub(super) scenarios: Vec<ScenarioRow>,
}

/// Tables beside the problem file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilesRow {
    pub(super) regions: Option<String>,
    pub(super) sites: Option<String>,
    pub(super) delays: Option<String>,
    pub(super) contribution: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModelName {
    #[default]
    Mtcm,
    Mpcm,
    Mccm,
    Ltcm,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ObjectiveRow {
    pub(super) model: ModelName,
    pub(super) exponent: Option<f64>,
    pub(super) placement_weight: Option<f64>,
    pub(super) connection_weight: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AssignmentName {
    #[default]
    Shares,
    Whole,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DemandName {
    #[default]
    Servers,
    Full,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LimitsRow {
    pub(super) budget_bps: Option<f64>,
    /// Exactly so many sites; instead of the two below.
    pub(super) open: Option<usize>,
    pub(super) open_min: Option<usize>,
    pub(super) open_max: Option<usize>,
    pub(super) assignment: AssignmentName,
    pub(super) demand: DemandName,
    pub(super) survives_loss: bool,
    pub(super) normal_weight: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DelaysRow {
    pub(super) rtt_ms: Option<Vec<Vec<f64>>>,
    pub(super) intra_rtt_ms: Option<f64>,
    pub(super) route_factor: Option<f64>,
    pub(super) k1: Option<f64>,
    pub(super) k2: Option<f64>,
    pub(super) threshold_ms: Option<f64>,
    pub(super) unit_ms: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServingRow {
    pub(super) isp: Option<BTreeMap<String, BTreeSet<String>>>,
    pub(super) jurisdiction: Option<BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RegionRow {
    pub(super) name: String,
    pub(super) viewers: Option<f64>,
    pub(super) rho: Option<f64>,
    pub(super) latitude_deg: Option<f64>,
    pub(super) longitude_deg: Option<f64>,
    pub(super) intra_rtt_ms: Option<f64>,
    pub(super) isp: Option<String>,
    pub(super) jurisdiction: Option<String>,
    /// The site of the same name in it.
    pub(super) site: Option<SiteRow>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StandingName {
    #[default]
    Free,
    Built,
    Forbidden,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SiteRow {
    pub(super) name: Option<String>,
    pub(super) region: Option<String>,
    pub(super) cost_per_mbps_month: Option<f64>,
    pub(super) cost_class: Option<String>,
    pub(super) opening_cost_per_month: Option<f64>,
    pub(super) size_max_bps: Option<f64>,
    pub(super) size_min_bps: Option<f64>,
    pub(super) standing: Option<StandingName>,
    pub(super) isp: Option<String>,
    pub(super) jurisdiction: Option<String>,
}

/// Viewers of a channel: by region, in the order of the regions or by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ViewersRow {
    InOrder(Vec<f64>),
    ByName(BTreeMap<String, f64>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ChannelRow {
    pub(super) name: String,
    pub(super) rate_bps: Option<f64>,
    pub(super) share: Option<f64>,
    pub(super) viewers: Option<ViewersRow>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ScenarioRow {
    pub(super) name: String,
    pub(super) weight: Option<f64>,
    pub(super) viewers_factor: Option<f64>,
    pub(super) region_viewers_factors: BTreeMap<String, f64>,
    pub(super) rho_factor: Option<f64>,
    pub(super) region_rhos: BTreeMap<String, f64>,
    pub(super) lost_sites: Vec<String>,
}
