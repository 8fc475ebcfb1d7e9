//! Who serves whom when the open sites and their sizes are given: a transportation problem, by successive shortest paths
//! over the sites. A customer that moves from one site to another is an edge, so paths have no more steps than sites.

use std::rc::Rc;

use crate::general::problem::Scaled;

/// No predecessor on a path.
const NONE: usize = usize::MAX;

/// The least costly service within the sizes.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// For each customer: sites and shares.
    pub(super) shares: Vec<Vec<(usize, f64)>>,
    /// Of each site, open or not.
    pub(super) load: Vec<f64>,
    /// Sum of cost × share.
    pub(super) cost: f64,
    /// Customers that cannot be served although all sites that any of them reaches are full; empty when everybody is
    /// served.
    pub(super) stuck: Vec<usize>,
}

/// Serves the customers of a state from `open` with sizes `size` (of every site), at least cost if `is_costed`, else anyhow.
pub(super) fn serve(
    state: &Scaled,
    open: &[usize],
    size: &[f64],
    is_costed: bool,
    tolerance: f64,
) -> Service {
    let mut network = Network::new(state, open, size, is_costed, tolerance);
    let mut short = Vec::new();
    for customer in 0..state.demand.len() {
        if !network.serve(customer) {
            short.push(customer);
        }
    }
    network.finish(short, size.len())
}

/// The lost sites, of `lost`, without which the other open ones cannot serve everybody, and whom they leave stuck: up to
/// `most` of them. Each loss starts from the service with all sites and moves only whom the lost one served.
pub(super) fn unsurvived_losses(
    state: &Scaled,
    open: &[usize],
    size: &[f64],
    tolerance: f64,
    most: usize,
) -> Vec<(usize, Vec<usize>)> {
    let mut network = Network::new(state, open, size, false, tolerance);
    let short: Vec<usize> = (0..state.demand.len()).filter(|&customer| !network.serve(customer)).collect();
    let mut found = Vec::new();
    for (place, &site) in open.iter().enumerate() {
        if found.len() >= most {
            break;
        }
        let mut without = network.clone();
        let mut moving = without.close(place);
        moving.extend(&short);
        moving.retain(|&customer| !without.serve(customer));
        if !moving.is_empty() {
            moving.sort_unstable();
            moving.dedup();
            found.push((site, without.stuck(moving)));
        }
    }
    found
}

#[derive(Clone)]
struct Network<'a> {
    state: &'a Scaled,
    open: &'a [usize],
    /// Cost per unit of demand, at `customer * open + place`.
    unit: Rc<Vec<f64>>,
    /// A place that is lost.
    closed: usize,
    /// What each customer still lacks.
    waiting: Vec<f64>,
    left: Vec<f64>,
    /// At each place: customer and amount.
    at: Vec<Vec<(usize, f64)>>,
    /// The least cost of moving one unit between two places, and whom.
    step: Vec<(f64, usize)>,
    /// Customers without weight: where they are.
    weightless: Vec<(usize, usize)>,
    /// A place with no more left is full.
    full: f64,
    tolerance: f64,
}

impl<'a> Network<'a> {
    fn new(state: &'a Scaled, open: &'a [usize], size: &[f64], is_costed: bool, tolerance: f64) -> Self {
        let customers = state.demand.len();
        let places = open.len();
        let mut unit = vec![f64::INFINITY; customers * places];
        for (place, &site) in open.iter().enumerate() {
            for customer in 0..customers {
                let cost = state.cost[site * customers + customer];
                if cost.is_finite() {
                    let demand = if state.demand[customer] > 0.0 { state.demand[customer] } else { 1.0 };
                    unit[customer * places + place] = if is_costed { cost / demand } else { 0.0 };
                }
            }
        }
        Self {
            state,
            open,
            unit: Rc::new(unit),
            closed: NONE,
            waiting: state.demand.clone(),
            left: open.iter().map(|&site| size[site]).collect(),
            at: vec![Vec::new(); places],
            step: vec![(f64::INFINITY, NONE); places * places],
            weightless: Vec::new(),
            full: 1e-3 * tolerance,
            tolerance,
        }
    }

    fn unit(&self, customer: usize, place: usize) -> f64 {
        if place == self.closed { f64::INFINITY } else { self.unit[customer * self.open.len() + place] }
    }

    /// Takes a place away; returns whom it served.
    fn close(&mut self, place: usize) -> Vec<usize> {
        let places = self.open.len();
        self.closed = place;
        self.left[place] = 0.0;
        for from in 0..places {
            self.step[from * places + place] = (f64::INFINITY, NONE);
            self.step[place * places + from] = (f64::INFINITY, NONE);
        }
        let mut moving = Vec::new();
        for (customer, amount) in core::mem::take(&mut self.at[place]) {
            self.waiting[customer] += amount;
            moving.push(customer);
        }
        moving.extend(self.weightless.iter().filter(|part| part.1 == place).map(|part| part.0));
        self.weightless.retain(|part| part.1 != place);
        moving
    }

    /// Whether the customer is served wholly.
    fn serve(&mut self, customer: usize) -> bool {
        let places = self.open.len();
        let nearest = (0..places).min_by(|&a, &b| self.unit(customer, a).total_cmp(&self.unit(customer, b)));
        let Some(nearest) = nearest.filter(|&place| self.unit(customer, place).is_finite()) else {
            return false;
        };
        if self.state.demand[customer] <= 0.0 {
            self.weightless.push((customer, nearest));
            return true;
        }
        let enough = (1e-13 * self.state.demand[customer]).max(f64::MIN_POSITIVE);
        // Every path fills a place or empties an edge; a limit guards against rounding that undoes itself.
        for _ in 0..64 + 8 * places * places {
            let remaining = self.waiting[customer];
            if remaining <= enough {
                return true;
            }
            let moved = if self.left[nearest] > self.full {
                let moved = remaining.min(self.left[nearest]);
                self.left[nearest] -= moved;
                self.put(customer, nearest, moved);
                moved
            } else {
                self.push_along_path(customer, remaining)
            };
            if moved <= 0.0 {
                break;
            }
            self.waiting[customer] -= moved;
        }
        self.waiting[customer] <= self.tolerance.min(1e-6 * self.state.demand[customer])
    }

    /// Serves up to `most` of the customer along the cheapest path to a place with room; returns how much.
    fn push_along_path(&mut self, customer: usize, most: f64) -> f64 {
        for margin in [1e-13, 1e-10, 1e-7] {
            let (distance, before) = self.shortest_paths(customer, margin);
            let end = (0..self.open.len())
                .filter(|&place| self.left[place] > self.full && distance[place].is_finite())
                .min_by(|&a, &b| distance[a].total_cmp(&distance[b]));
            let Some(end) = end else {
                return 0.0;
            };
            let Some(path) = walk_back(&before, end) else {
                continue;
            };
            let mut amount = most.min(self.left[end]);
            for hop in path.windows(2) {
                let (_, whom) = self.step[hop[0] * self.open.len() + hop[1]];
                amount = amount.min(self.amount_at(whom, hop[0]));
            }
            if amount <= 0.0 {
                return 0.0;
            }
            self.left[end] -= amount;
            let moves: Vec<(usize, usize, usize)> = path
                .windows(2)
                .map(|hop| (self.step[hop[0] * self.open.len() + hop[1]].1, hop[0], hop[1]))
                .collect();
            for &(whom, from, _) in &moves {
                self.take(whom, from, amount);
            }
            for &(whom, _, to) in &moves {
                self.put(whom, to, amount);
            }
            self.put(customer, path[0], amount);
            for &(_, from, _) in &moves {
                self.refresh(from);
            }
            return amount;
        }
        0.0
    }

    /// Bellman and Ford over the places; costs of moves may be negative, cycles are not.
    fn shortest_paths(&self, customer: usize, margin: f64) -> (Vec<f64>, Vec<usize>) {
        let places = self.open.len();
        let mut distance: Vec<f64> = (0..places).map(|place| self.unit(customer, place)).collect();
        let mut before = vec![NONE; places];
        let mut is_active: Vec<bool> = distance.iter().map(|distance| distance.is_finite()).collect();
        for _ in 0..places {
            let mut is_changed = false;
            for from in 0..places {
                if !is_active[from] {
                    continue;
                }
                is_active[from] = false;
                // From a place with room nobody needs to move on.
                if self.left[from] > self.full {
                    continue;
                }
                for to in 0..places {
                    let through = distance[from] + self.step[from * places + to].0;
                    if through < distance[to] - margin * (1.0 + through.abs()) {
                        distance[to] = through;
                        before[to] = from;
                        is_active[to] = true;
                        is_changed = true;
                    }
                }
            }
            if !is_changed {
                break;
            }
        }
        (distance, before)
    }

    fn amount_at(&self, customer: usize, place: usize) -> f64 {
        self.at[place].iter().find(|part| part.0 == customer).map_or(0.0, |part| part.1)
    }

    fn put(&mut self, customer: usize, place: usize, amount: f64) {
        if let Some(part) = self.at[place].iter_mut().find(|part| part.0 == customer) {
            part.1 += amount;
            return;
        }
        self.at[place].push((customer, amount));
        let places = self.open.len();
        let here = self.unit(customer, place);
        for to in 0..places {
            let cost = self.unit(customer, to) - here;
            let step = &mut self.step[place * places + to];
            if to != place && cost < step.0 {
                *step = (cost, customer);
            }
        }
    }

    fn take(&mut self, customer: usize, place: usize, amount: f64) {
        if let Some(index) = self.at[place].iter().position(|part| part.0 == customer) {
            self.at[place][index].1 -= amount;
            if self.at[place][index].1 <= 1e-13 * self.state.demand[customer] {
                self.at[place].swap_remove(index);
            }
        }
    }

    fn refresh(&mut self, place: usize) {
        let places = self.open.len();
        for to in 0..places {
            let mut best = (f64::INFINITY, NONE);
            if to != place {
                for &(customer, _) in &self.at[place] {
                    let cost = self.unit(customer, to) - self.unit(customer, place);
                    if cost < best.0 {
                        best = (cost, customer);
                    }
                }
            }
            self.step[place * places + to] = best;
        }
    }

    fn finish(self, short: Vec<usize>, sites: usize) -> Service {
        let customers = self.state.demand.len();
        let mut shares = vec![Vec::new(); customers];
        for (place, parts) in self.at.iter().enumerate() {
            for &(customer, amount) in parts {
                shares[customer].push((self.open[place], amount / self.state.demand[customer]));
            }
        }
        for &(customer, place) in &self.weightless {
            shares[customer].push((self.open[place], 1.0));
        }
        let mut load = vec![0.0; sites];
        let mut cost = 0.0;
        for (customer, parts) in shares.iter_mut().enumerate() {
            parts.sort_unstable_by_key(|part| part.0);
            let sum: f64 = parts.iter().map(|part| part.1).sum();
            for (site, share) in parts.iter_mut() {
                if short.binary_search(&customer).is_err() {
                    *share /= sum;
                }
                load[*site] += *share * self.state.demand[customer];
                cost += *share * self.state.cost[*site * customers + customer];
            }
        }
        let stuck = if short.is_empty() { short } else { self.stuck(short) };
        Service { shares, load, cost, stuck }
    }

    /// The customers on the short side of the minimum cut: whoever sits where those left over could go.
    fn stuck(&self, short: Vec<usize>) -> Vec<usize> {
        let mut is_stuck = vec![false; self.state.demand.len()];
        let mut is_reached = vec![false; self.open.len()];
        let mut todo = short;
        for &customer in &todo {
            is_stuck[customer] = true;
        }
        while let Some(customer) = todo.pop() {
            for (place, is_reached) in is_reached.iter_mut().enumerate() {
                if *is_reached || !self.unit(customer, place).is_finite() {
                    continue;
                }
                *is_reached = true;
                for &(other, _) in &self.at[place] {
                    if !is_stuck[other] {
                        is_stuck[other] = true;
                        todo.push(other);
                    }
                }
            }
        }
        (0..is_stuck.len()).filter(|&customer| is_stuck[customer]).collect()
    }
}

/// The path to `end` from its first place on; nothing when rounding closed a cycle.
fn walk_back(before: &[usize], end: usize) -> Option<Vec<usize>> {
    let mut path = vec![end];
    let mut place = end;
    while before[place] != NONE {
        place = before[place];
        path.push(place);
        if path.len() > before.len() {
            return None;
        }
    }
    path.reverse();
    Some(path)
}
