use core::ops::ControlFlow;

use super::figures::{Solved, worst};
use super::shape::{LossFigures, Served};
use crate::general;
use crate::model::{Assignment, Customer, ratio};
use crate::solve::{Effort, Instance, Share, SiteNumbers, Standing, State};

/// A demand this small against the sizes is rounding.
const ROUNDING: f64 = 1e-9;

/// What the loss of `lost` does in the normal state: its viewers go to the nearest open site with room, the largest
/// first, and what has no room anywhere overloads the nearest. A plan that is to survive losses moves others too, where
/// that makes room.
pub(super) fn of_site(solved: &Solved<'_>, lost: usize) -> LossFigures {
    let nearest = Taken::by_nearest(solved, lost);
    let is_cramped = nearest.overload_bps > 0.0 && solved.problem.limits.survives_loss;
    let rearranged = if is_cramped { Taken::by_rearranging(solved, lost) } else { None };
    rearranged.unwrap_or(nearest).figures(solved, lost)
}

/// How a loss is taken.
struct Taken {
    takes_over: Vec<Served>,
    stays: Vec<Served>,
    unreachable_viewers: f64,
    overload_bps: f64,
}

impl Taken {
    fn by_nearest(solved: &Solved<'_>, lost: usize) -> Self {
        let mut room = rooms(solved, lost);
        let mut cut_off: Vec<(&Customer, f64)> = Vec::new();
        let mut taken =
            Self { takes_over: Vec::new(), stays: Vec::new(), unreachable_viewers: 0.0, overload_bps: 0.0 };
        for (customer, shares) in solved.shares(0) {
            for share in shares {
                if share.site == lost {
                    cut_off.push((customer, share.share));
                } else {
                    taken.stays.push(solved.served(0, customer, share.site, share.share));
                }
            }
        }
        let demand_bps =
            |(customer, share): &(&Customer, f64)| share * solved.problem.size_demand_bps(0, customer);
        cut_off.sort_by(|one, other| demand_bps(other).total_cmp(&demand_bps(one)));
        for (customer, share) in cut_off {
            let moved = Move { customer, share }.to_nearest(solved, &mut room);
            if moved.parts.is_empty() {
                taken.unreachable_viewers += share * customer.viewers;
            }
            taken.overload_bps += moved.overload_bps;
            let parts = moved.parts.into_iter().map(|(site, share)| solved.served(0, customer, site, share));
            taken.takes_over.extend(parts);
        }
        taken
    }

    /// Everybody anew among the sites left, in their sizes, for the least delay; `None` when they do not fit.
    fn by_rearranging(solved: &Solved<'_>, lost: usize) -> Option<Self> {
        let instance = without(solved, lost);
        let found = general::solve(&instance, &Effort::default(), &mut |_| ControlFlow::Continue(())).ok()?;
        let service = found.service.first()?;
        let mut taken =
            Self { takes_over: Vec::new(), stays: Vec::new(), unreachable_viewers: 0.0, overload_bps: 0.0 };
        for ((customer, before), after) in solved.shares(0).zip(service) {
            for Share { site, share } in after {
                let had =
                    before.iter().find(|before| before.site == *site).map_or(0.0, |before| before.share);
                let kept = share.min(had);
                if kept > ROUNDING {
                    taken.stays.push(solved.served(0, customer, *site, kept));
                }
                if share - kept > ROUNDING {
                    taken.takes_over.push(solved.served(0, customer, *site, share - kept));
                }
            }
        }
        Some(taken)
    }

    fn figures(self, solved: &Solved<'_>, lost: usize) -> LossFigures {
        let Self { takes_over, stays, unreachable_viewers, overload_bps } = self;
        let reached: Vec<Served> = stays.into_iter().chain(takes_over.iter().cloned()).collect();
        let viewers: f64 = reached.iter().map(|served| served.viewers).sum();
        let delays: f64 = reached.iter().map(|served| served.viewers * served.delay_ms).sum();
        let worst = worst(&reached);
        LossFigures {
            site: solved.problem.sites.get(lost).map_or_else(String::new, |site| site.name.clone()),
            unreachable_viewers,
            overload_bps,
            mean_delay_ms: ratio(delays, viewers),
            worst_delay_ms: worst.map_or(0.0, |served| served.delay_ms),
            worst_region: worst.map_or_else(String::new, |served| served.region.clone()),
            is_survived: unreachable_viewers == 0.0 && overload_bps == 0.0,
            takes_over,
        }
    }
}

/// The normal state without a site: those left stand in their sizes, and delay is all that counts.
fn without(solved: &Solved<'_>, lost: usize) -> Instance {
    let problem = solved.problem;
    let open = solved.solution.is_open.iter().zip(&solved.solution.size_bps).enumerate();
    let sites = open.map(|(site, (is_open, size_bps))| SiteNumbers {
        opening_cost: 0.0,
        standing: if *is_open && site != lost { Standing::Built } else { Standing::Forbidden },
        // Sizes are sums, and only so exact.
        size_max_bps: size_bps * (1.0 + ROUNDING),
        size_min_bps: 0.0,
    });
    let costs = solved.customers.iter().flat_map(|customer| {
        let sites = 0..problem.sites.len();
        sites.map(|site| {
            ratio(customer.viewers, solved.normal.viewers) * problem.delay_ms(site, customer.region)
        })
    });
    let state = State {
        weight: 1.0,
        demand_bps: solved.customers.iter().map(|customer| problem.size_demand_bps(0, customer)).collect(),
        service_cost: costs.collect(),
        lost: Vec::new(),
    };
    Instance::unlimited(sites.collect(), vec![state])
}

/// What each open site but `lost` has room for, as (site, bit/s).
fn rooms(solved: &Solved<'_>, lost: usize) -> Vec<(usize, f64)> {
    let load_bps = |site: usize| -> f64 {
        let loads = solved.shares(0).flat_map(|(customer, shares)| {
            let own = shares.iter().filter(move |share| share.site == site);
            own.map(move |share| share.share * solved.problem.size_demand_bps(0, customer))
        });
        loads.sum()
    };
    let others = solved.open().filter(|site| *site != lost);
    let size_bps = |site: usize| solved.solution.size_bps.get(site).copied().unwrap_or_default();
    others.map(|site| (site, size_bps(site) - load_bps(site))).collect()
}

/// A share of a customer that needs another site.
struct Move<'a> {
    customer: &'a Customer,
    share: f64,
}

/// Where it went.
struct Moved {
    parts: Vec<(usize, f64)>,
    overload_bps: f64,
}

impl Move<'_> {
    fn to_nearest(&self, solved: &Solved<'_>, room: &mut [(usize, f64)]) -> Moved {
        let problem = solved.problem;
        let delay_ms = |site: usize| problem.delay_ms(site, self.customer.region);
        room.sort_by(|(one, _), (other, _)| delay_ms(*one).total_cmp(&delay_ms(*other)).then(one.cmp(other)));
        let reach = room.iter().take_while(|(site, _)| delay_ms(*site).is_finite()).count();
        let room = room.get_mut(..reach).unwrap_or_default();
        let whole_bps = problem.size_demand_bps(0, self.customer);
        let is_whole = problem.limits.assignment == Assignment::Whole;
        let mut moved = Moved { parts: Vec::new(), overload_bps: 0.0 };
        let mut left = self.share;
        for (site, room_bps) in room.iter_mut() {
            let fits = if whole_bps > 0.0 { (*room_bps / whole_bps).clamp(0.0, left) } else { left };
            let is_all = fits >= left * (1.0 - ROUNDING);
            if fits <= self.share * ROUNDING || (is_whole && !is_all) {
                continue;
            }
            let part = if is_all { left } else { fits };
            *room_bps -= part * whole_bps;
            left -= part;
            moved.parts.push((*site, part));
            if is_all {
                return moved;
            }
        }
        if let Some((nearest, _)) = room.first() {
            // Sizes are sums, and only so exact.
            let is_rounding = left <= self.share * ROUNDING;
            moved.overload_bps = if is_rounding { 0.0 } else { left * whole_bps };
            match moved.parts.iter_mut().find(|(site, _)| site == nearest) {
                Some((_, part)) => *part += left,
                None => moved.parts.push((*nearest, left)),
            }
        }
        moved
    }
}
