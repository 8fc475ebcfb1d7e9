use super::instance::{Instance, Share, Solution, Standing};

/// Each customer of each state at its cheapest site among those that `may_open`, the first of equals; `None` when one has
/// none. Built sites are open whether or not they serve. Sizes are what this asks for, at least the smallest worth building.
pub(super) fn cheapest_service(instance: &Instance, may_open: impl Fn(usize) -> bool) -> Option<Solution> {
    let is_built = |site: &super::SiteNumbers| site.standing == Standing::Built;
    let mut is_open: Vec<bool> = instance.sites.iter().map(is_built).collect();
    let sites = instance.sites.len();
    let mut size_bps = vec![0.0_f64; sites];
    let mut service = Vec::with_capacity(instance.states.len());
    let mut objective = 0.0;
    for state in &instance.states {
        let mut load_bps = vec![0.0; sites];
        let mut served = Vec::with_capacity(state.demand_bps.len());
        for (costs, demand_bps) in state.service_cost.chunks_exact(sites.max(1)).zip(&state.demand_bps) {
            let usable = costs
                .iter()
                .enumerate()
                .filter(|(site, cost)| cost.is_finite() && may_open(*site) && !state.lost.contains(site));
            let (site, cost) = usable.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
            objective += state.weight * cost;
            if let (Some(is_open), Some(load_bps)) = (is_open.get_mut(site), load_bps.get_mut(site)) {
                *is_open = true;
                *load_bps += demand_bps;
            }
            served.push(vec![Share { site, share: 1.0 }]);
        }
        for (size_bps, load_bps) in size_bps.iter_mut().zip(load_bps) {
            *size_bps = size_bps.max(load_bps);
        }
        service.push(served);
    }
    for ((site, is_open), size_bps) in instance.sites.iter().zip(&is_open).zip(&mut size_bps) {
        if *is_open {
            *size_bps = size_bps.max(site.size_min_bps);
            objective += site.opening_cost;
        }
    }
    Some(Solution { is_open, size_bps, service, objective, bound: objective, nodes: 0, is_proven: true })
}
