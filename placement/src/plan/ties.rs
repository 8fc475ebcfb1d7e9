use crate::model::{Normal, Objective, Problem};
use crate::solve::{Instance, Method, Solution, Standing, method};

/// Costs this close are the same.
const SAME: f64 = 1e-12;

/// MPCM sees no delay and MCCM no cost: among sites that are equal to the model, the nearest (the cheapest) serves. The
/// objective stays what it is. Where sizes bind everything stays as it was found.
pub(super) fn nearest_of_equals(problem: &Problem, instance: &Instance, solution: &mut Solution) {
    let by_delay = match problem.objective {
        Objective::Mpcm => true,
        Objective::Mccm => false,
        Objective::Mtcm { .. } | Objective::Ltcm { .. } => return,
    };
    let method = method(instance);
    if method == Method::General {
        return;
    }
    let customers = problem.customers();
    let unit_costs = Normal::new(problem, &customers).unit_costs;
    let was_open = solution.is_open.clone();
    let may_serve = |site: usize| match method {
        // Opening is free: any site will do.
        Method::Separable => {
            instance.sites.get(site).is_some_and(|site| site.standing != Standing::Forbidden)
        }
        Method::Facility | Method::General => was_open.get(site).copied().unwrap_or(false),
    };
    let second = |site: usize, region: usize| {
        if by_delay {
            problem.delay_ms(site, region)
        } else {
            unit_costs.get(site).copied().unwrap_or(f64::INFINITY)
        }
    };
    let sites = instance.sites.len();
    for (state, service) in instance.states.iter().zip(&mut solution.service) {
        let rows = state.service_cost.chunks_exact(sites.max(1));
        for ((shares, costs), customer) in service.iter_mut().zip(rows).zip(&customers) {
            let [share] = shares.as_mut_slice() else { continue };
            let Some(cost) = costs.get(share.site) else { continue };
            let limit = cost * (1.0 + SAME);
            let equals = costs.iter().enumerate().filter(|(site, cost)| {
                cost.is_finite() && **cost <= limit && may_serve(*site) && !state.lost.contains(site)
            });
            let nearest = equals
                .map(|(site, _)| (site, second(site, customer.region)))
                .min_by(|(_, one), (_, other)| one.total_cmp(other));
            if let Some((site, _)) = nearest {
                share.site = site;
            }
        }
    }
    resize(instance, solution, method);
}

/// Sizes and open sites that fit the service.
fn resize(instance: &Instance, solution: &mut Solution, method: Method) {
    let mut size_bps = vec![0.0_f64; instance.sites.len()];
    let mut is_used = vec![false; instance.sites.len()];
    for (state, service) in instance.states.iter().zip(&solution.service) {
        let mut load_bps = vec![0.0; instance.sites.len()];
        for (shares, demand_bps) in service.iter().zip(&state.demand_bps) {
            for share in shares {
                if let (Some(load), Some(is_used)) =
                    (load_bps.get_mut(share.site), is_used.get_mut(share.site))
                {
                    *load += share.share * demand_bps;
                    *is_used = true;
                }
            }
        }
        for (size, load) in size_bps.iter_mut().zip(load_bps) {
            *size = size.max(load);
        }
    }
    solution.size_bps = size_bps;
    if method == Method::Separable {
        let is_open = instance.sites.iter().zip(is_used);
        solution.is_open =
            is_open.map(|(site, is_used)| is_used || site.standing == Standing::Built).collect();
    }
}
