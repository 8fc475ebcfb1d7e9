use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::shape::{Plan, Served};

/// What changes from one plan to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanDifference {
    /// Each figure in both plans.
    pub figures: Vec<Difference>,
    /// Sites open only after.
    pub opened: Vec<String>,
    /// Sites open only before.
    pub closed: Vec<String>,
    /// Sizes of the sites open in both, in bit/s, where they differ.
    pub resized: Vec<Difference>,
    /// Who is served by others, in the order of the second plan.
    pub moved: Vec<Moved>,
}

/// A figure in both plans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is, with its unit last.
    pub name: String,
    /// In the first plan; `None`: it has none.
    pub before: Option<f64>,
    /// In the second.
    pub after: Option<f64>,
}

/// A channel's viewers in a region who are served by others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The channel's name.
    pub channel: String,
    /// The region's name.
    pub region: String,
    /// By which sites before, with their shares.
    pub before: BTreeMap<String, f64>,
    /// By which after.
    pub after: BTreeMap<String, f64>,
}

/// Shares closer than this are the same.
const SHARE_STEP: f64 = 1e-6;

/// What changes from `before` to `after`. Sites, regions and channels are told apart by their names.
#[must_use]
pub fn compare(before: &Plan, after: &Plan) -> PlanDifference {
    let sizes = |plan: &Plan| -> BTreeMap<String, f64> {
        plan.sites.iter().map(|site| (site.name.clone(), site.size_bps)).collect()
    };
    let [sizes_before, sizes_after] = [sizes(before), sizes(after)];
    let only = |of: &BTreeMap<String, f64>, other: &BTreeMap<String, f64>| {
        of.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
    };
    let resized = sizes_before.iter().filter_map(|(name, before)| {
        let after = sizes_after.get(name)?;
        let differs = (after - before).abs() > before.abs().max(after.abs()) * SHARE_STEP;
        differs.then(|| Difference { name: name.clone(), before: Some(*before), after: Some(*after) })
    });
    PlanDifference {
        figures: figures(before, after),
        opened: only(&sizes_after, &sizes_before),
        closed: only(&sizes_before, &sizes_after),
        resized: resized.collect(),
        moved: moved(before, after),
    }
}

fn figures(before: &Plan, after: &Plan) -> Vec<Difference> {
    type Figure = (&'static str, fn(&Plan) -> Option<f64>);
    let figures: [Figure; 14] = [
        ("objective", |plan| Some(plan.objective)),
        ("bound", |plan| Some(plan.bound)),
        ("gap", |plan| Some(plan.gap)),
        ("sites", |plan| u32::try_from(plan.sites.len()).ok().map(f64::from)),
        ("sizes_bps", |plan| Some(plan.sizes_bps)),
        ("cost_per_month", |plan| Some(plan.cost_per_month())),
        ("opening_cost_per_month", |plan| Some(plan.opening_cost_per_month)),
        ("traffic_bps", |plan| plan.normal().map(|state| state.traffic_bps)),
        ("f_pc", |plan| plan.normal().map(|state| state.f_pc)),
        ("f_cc_ms", |plan| plan.normal().map(|state| state.f_cc_ms)),
        ("integrated_cost_ms", |plan| plan.normal().map(|state| state.integrated_cost_ms)),
        ("worst_delay_ms", |plan| plan.normal().map(|state| state.worst_delay_ms)),
        ("cross_isp_share", |plan| plan.normal().and_then(|state| state.cross_isp_share)),
        ("outside_region_share", |plan| plan.normal().map(|state| state.outside_region_share)),
    ];
    let figure =
        |(name, of): &Figure| Difference { name: (*name).to_owned(), before: of(before), after: of(after) };
    figures.iter().map(figure).collect()
}

type Sites = BTreeMap<String, f64>;

fn moved(before: &Plan, after: &Plan) -> Vec<Moved> {
    let service = |plan: &Plan| -> BTreeMap<(String, String), Sites> {
        let mut by_customer: BTreeMap<_, Sites> = BTreeMap::new();
        for served in &plan.assignment {
            let Served { channel, region, site, share, .. } = served;
            let sites = by_customer.entry((channel.clone(), region.clone())).or_default();
            *sites.entry(site.clone()).or_default() += share;
        }
        by_customer
    };
    let [mut before, after] = [service(before), service(after)];
    let mut moved = Vec::new();
    for (customer, after) in after {
        let before = before.remove(&customer).unwrap_or_default();
        let sites: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let share = |of: &Sites, site: &String| of.get(site).copied().unwrap_or_default();
        if sites.iter().any(|site| (share(&before, site) - share(&after, site)).abs() > SHARE_STEP) {
            let (channel, region) = customer;
            moved.push(Moved { channel, region, before, after });
        }
    }
    let gone = before.into_iter().map(|((channel, region), before)| Moved {
        channel,
        region,
        before,
        after: Sites::new(),
    });
    moved.extend(gone);
    moved
}
