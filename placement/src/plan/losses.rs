use super::figures::{Solved, worst};
use super::shape::{LossFigures, Served};
use crate::model::{Assignment, Customer, ratio};

/// A demand this small against the sizes is rounding.
const ROUNDING: f64 = 1e-9;

/// What the loss of `lost` does in the normal state: its viewers go to the nearest open site with room, the largest
/// first, and what has no room anywhere overloads the nearest.
pub(super) fn of_site(solved: &Solved<'_>, lost: usize) -> LossFigures {
    let mut room = rooms(solved, lost);
    let mut cut_off: Vec<(&Customer, f64)> = Vec::new();
    let mut stays: Vec<Served> = Vec::new();
    for (customer, shares) in solved.shares(0) {
        for share in shares {
            if share.site == lost {
                cut_off.push((customer, share.share));
            } else {
                stays.push(solved.served(0, customer, share.site, share.share));
            }
        }
    }
    let demand_bps =
        |(customer, share): &(&Customer, f64)| share * solved.problem.size_demand_bps(0, customer);
    cut_off.sort_by(|one, other| demand_bps(other).total_cmp(&demand_bps(one)));
    let mut takes_over = Vec::new();
    let mut unreachable_viewers = 0.0;
    let mut overload_bps = 0.0;
    for (customer, share) in cut_off {
        let moved = Move { customer, share }.to_nearest(solved, &mut room);
        if moved.parts.is_empty() {
            unreachable_viewers += share * customer.viewers;
        }
        overload_bps += moved.overload_bps;
        takes_over
            .extend(moved.parts.into_iter().map(|(site, share)| solved.served(0, customer, site, share)));
    }
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
            moved.overload_bps = left * whole_bps;
            match moved.parts.iter_mut().find(|(site, _)| site == nearest) {
                Some((_, part)) => *part += left,
                None => moved.parts.push((*nearest, left)),
            }
        }
        moved
    }
}
