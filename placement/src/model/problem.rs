use super::channel::Channel;
use super::delay::{DelayModel, Delays};
use super::objective::Objective;
use super::region::Region;
use super::scenario::Scenario;
use super::serving::{Labels, ServingRules};
use super::site::Site;

/// All that a plan is made from. Fields may be changed freely: [`Problem::instance`] checks them.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Short name, as in results.
    pub name: String,
    /// What it is about, in a sentence.
    pub about: String,
    /// What costs are counted in, for messages: "EUR".
    pub currency: String,
    /// Where viewers are. At least one.
    pub regions: Vec<Region>,
    /// Where servers may stand. At least one.
    pub sites: Vec<Site>,
    /// What is watched. At least one.
    pub channels: Vec<Channel>,
    /// l_ij between the regions.
    pub delays: Delays,
    /// How L_ij follows from l_ij.
    pub delay_model: DelayModel,
    /// The delay that counts 1 in LTCM, in ms; without one, the longest L_ij there is, as the highest cost counts 1.
    pub delay_unit_ms: Option<f64>,
    /// Who may serve whom.
    pub serving: ServingRules,
    /// What to minimise.
    pub objective: Objective,
    /// What sizes and the budget are measured against.
    pub demand_rule: DemandRule,
    /// What a plan may not exceed.
    pub limits: Limits,
    /// How much the normal state's service costs count, relative to the scenarios'.
    pub normal_weight: f64,
    /// What the plan must serve beside the normal state.
    pub scenarios: Vec<Scenario>,
}

/// What a viewer asks of a site in (14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemandRule {
    /// (1−ρ_j) R, what servers send by (6) and (7).
    #[default]
    Servers,
    /// R, as (14) is printed: room for the day when peers give nothing.
    Full,
}

/// What a plan may not exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// U (15): all sizes together, in bit/s; infinite when nothing limits them.
    pub budget_bps: f64,
    /// Fewest sites open, built ones included.
    pub open_min: usize,
    /// Most sites open; `usize::MAX` when nothing limits them.
    pub open_max: usize,
    /// Whether a region may be served by several sites.
    pub assignment: Assignment,
    /// Whether the plan must survive the loss of any one site.
    pub survives_loss: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            budget_bps: f64::INFINITY,
            open_min: 0,
            open_max: usize::MAX,
            assignment: Assignment::default(),
            survives_loss: false,
        }
    }
}

/// How a channel's viewers of one region are assigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assignment {
    /// In shares to several sites.
    #[default]
    Shares,
    /// All to one site, as in the paper's (3).
    Whole,
}

impl Problem {
    /// The index of the region of that name.
    #[must_use]
    pub fn region_named(&self, name: &str) -> Option<usize> {
        self.regions.iter().position(|region| region.name == name)
    }

    /// The index of the site of that name.
    #[must_use]
    pub fn site_named(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|site| site.name == name)
    }

    /// What a site says of itself, or its region for it.
    #[must_use]
    pub fn site_labels(&self, site: usize) -> Labels<'_> {
        let Some(site) = self.sites.get(site) else { return Labels::default() };
        let region = self.region_labels(site.region);
        Labels {
            isp: site.isp.as_deref().or(region.isp),
            jurisdiction: site.jurisdiction.as_deref().or(region.jurisdiction),
        }
    }

    /// What a region says of itself.
    #[must_use]
    pub fn region_labels(&self, region: usize) -> Labels<'_> {
        let region = self.regions.get(region);
        region.map_or_else(Labels::default, |region| Labels {
            isp: region.isp.as_deref(),
            jurisdiction: region.jurisdiction.as_deref(),
        })
    }

    /// L_ij in ms from a site to the viewers of a region; infinite beyond the threshold, and where it may not serve.
    #[must_use]
    pub fn delay_ms(&self, site: usize, region: usize) -> f64 {
        if !self.serving.may_serve(self.site_labels(site), self.region_labels(region)) {
            return f64::INFINITY;
        }
        self.round_trip_ms(site, region)
    }

    /// L_ij in ms whether or not the site may serve them; infinite beyond the threshold.
    #[must_use]
    pub fn round_trip_ms(&self, site: usize, region: usize) -> f64 {
        let Some(site) = self.sites.get(site) else { return f64::INFINITY };
        let rtt_ms = self.delays.rtt_ms(site.region, region);
        self.delay_model.delay_ms(rtt_ms, self.delays.rtt_ms(region, region))
    }

    /// The names of the states: the normal one, then the scenarios.
    pub fn state_names(&self) -> impl Iterator<Item = &str> {
        core::iter::once(Scenario::NORMAL).chain(self.scenarios.iter().map(|scenario| scenario.name.as_str()))
    }

    /// The scenario of state `state`; the first state is the normal one, which is none.
    #[must_use]
    pub fn scenario_of(&self, state: usize) -> Option<&Scenario> {
        state.checked_sub(1).and_then(|scenario| self.scenarios.get(scenario))
    }
}
