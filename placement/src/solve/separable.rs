use super::instance::{Instance, Share, Solution, Standing, State};

/// Whether each customer can be given its cheapest site without regard to the others: opening costs nothing, and nothing
/// limits sites, sizes or their number.
pub(super) fn is_separable(instance: &Instance) -> bool {
    let is_free = |site: &super::SiteNumbers| {
        site.opening_cost == 0.0 && site.size_max_bps == f64::INFINITY && site.size_min_bps == 0.0
    };
    instance.sites.iter().all(is_free)
        && instance.states.len() == 1
        && instance.budget_bps == f64::INFINITY
        && instance.open_min <= 1
        && instance.open_max >= instance.sites.len()
        && !instance.must_survive_loss
}

/// Each customer at its cheapest site, the first of equals; `None` when one has none.
pub(super) fn solve(instance: &Instance) -> Option<Solution> {
    let state = instance.states.first()?;
    let sites = instance.sites.len();
    let mut is_open: Vec<bool> = instance.sites.iter().map(|site| site.standing == Standing::Built).collect();
    let mut size_bps = vec![0.0; sites];
    let mut service = Vec::with_capacity(state.demand_bps.len());
    let mut cost = 0.0;
    for (costs, demand_bps) in state.service_cost.chunks_exact(sites.max(1)).zip(&state.demand_bps) {
        let (site, own_cost) = cheapest(instance, state, costs)?;
        cost += own_cost;
        if let (Some(is_open), Some(size_bps)) = (is_open.get_mut(site), size_bps.get_mut(site)) {
            *is_open = true;
            *size_bps += demand_bps;
        }
        service.push(vec![Share { site, share: 1.0 }]);
    }
    let objective = state.weight * cost;
    Some(Solution {
        is_open,
        size_bps,
        service: vec![service],
        objective,
        bound: objective,
        nodes: 0,
        is_proven: true,
    })
}

fn cheapest(instance: &Instance, state: &State, costs: &[f64]) -> Option<(usize, f64)> {
    let usable = instance
        .sites
        .iter()
        .enumerate()
        .filter(|(index, site)| site.standing != Standing::Forbidden && !state.lost.contains(index));
    let priced = usable.filter_map(|(index, _)| costs.get(index).map(|cost| (index, *cost)));
    let reached = priced.filter(|(_, cost)| cost.is_finite());
    reached.min_by(|(_, one), (_, other)| one.total_cmp(other))
}
