//! Whole customers: from a service in shares to one where each customer has one site, by rounding and local search.

use crate::general::problem::Scaled;

/// Rounds of the local search.
const ROUNDS_MAX: usize = 30;
/// What a move must bring to count, in units of the scaled cost.
const GAIN_MIN: f64 = 1e-12;

/// The site of each customer, or nothing when none was found; `open` and `size` as the service had them.
pub(super) fn assign(
    state: &Scaled,
    open: &[usize],
    size: &[f64],
    shares: &[Vec<(usize, f64)>],
    tolerance: f64,
) -> Option<Vec<usize>> {
    let mut rounding = Rounding::new(state, open, size, tolerance);
    if !rounding.keep_whole(shares) {
        rounding.clear();
        if !rounding.insert_all() {
            return None;
        }
    }
    rounding.improve();
    Some(rounding.site)
}

struct Rounding<'a> {
    state: &'a Scaled,
    open: &'a [usize],
    left: Vec<f64>,
    size: &'a [f64],
    tolerance: f64,
    /// `usize::MAX`: nowhere.
    site: Vec<usize>,
}

impl<'a> Rounding<'a> {
    fn new(state: &'a Scaled, open: &'a [usize], size: &'a [f64], tolerance: f64) -> Self {
        let left = size.iter().map(|size| size + tolerance).collect();
        Self { state, open, left, size, tolerance, site: vec![usize::MAX; state.demand.len()] }
    }

    fn clear(&mut self) {
        self.site.fill(usize::MAX);
        for (left, size) in self.left.iter_mut().zip(self.size) {
            *left = size + self.tolerance;
        }
    }

    fn cost(&self, customer: usize, site: usize) -> f64 {
        self.state.cost[site * self.state.demand.len() + customer]
    }

    fn fits(&self, customer: usize, site: usize) -> bool {
        self.cost(customer, site).is_finite() && self.state.demand[customer] <= self.left[site]
    }

    fn put(&mut self, customer: usize, site: usize) {
        let old = self.site[customer];
        if old != usize::MAX {
            self.left[old] += self.state.demand[customer];
        }
        self.site[customer] = site;
        self.left[site] -= self.state.demand[customer];
    }

    /// Keeps whom the service leaves whole and inserts the others, the largest first.
    fn keep_whole(&mut self, shares: &[Vec<(usize, f64)>]) -> bool {
        let mut split: Vec<usize> = Vec::new();
        for (customer, parts) in shares.iter().enumerate() {
            match parts.iter().find(|part| part.1 >= 1.0 - 1e-9) {
                Some(&(site, _)) if self.fits(customer, site) => self.put(customer, site),
                Some(_) | None => split.push(customer),
            }
        }
        self.insert(split)
    }

    fn insert_all(&mut self) -> bool {
        self.insert((0..self.state.demand.len()).collect())
    }

    fn insert(&mut self, mut customers: Vec<usize>) -> bool {
        let demand = &self.state.demand;
        customers.sort_by(|&a, &b| demand[b].total_cmp(&demand[a]));
        customers.into_iter().all(|customer| self.insert_one(customer))
    }

    fn insert_one(&mut self, customer: usize) -> bool {
        let nearest = (self.open.iter().copied())
            .filter(|&site| self.fits(customer, site))
            .min_by(|&a, &b| self.cost(customer, a).total_cmp(&self.cost(customer, b)));
        if let Some(site) = nearest {
            self.put(customer, site);
            return true;
        }
        let Some((other, to, site)) = self.find_room(customer) else {
            return false;
        };
        self.put(other, to);
        self.put(customer, site);
        true
    }

    /// Whom to move where so that the customer fits at a site, at least cost.
    fn find_room(&self, customer: usize) -> Option<(usize, usize, usize)> {
        let mut best = (f64::INFINITY, None);
        for other in (0..self.site.len()).filter(|&other| self.site[other] != usize::MAX) {
            let site = self.site[other];
            let room = self.left[site] + self.state.demand[other];
            if !self.cost(customer, site).is_finite() || self.state.demand[customer] > room {
                continue;
            }
            for &to in self.open.iter().filter(|&&to| to != site && self.fits(other, to)) {
                let cost = self.cost(customer, site) + self.cost(other, to) - self.cost(other, site);
                if cost < best.0 {
                    best = (cost, Some((other, to, site)));
                }
            }
        }
        best.1
    }

    fn improve(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if !self.shift() && !self.swap() {
                return;
            }
        }
    }

    fn shift(&mut self) -> bool {
        let mut is_better = false;
        for customer in 0..self.site.len() {
            let here = self.cost(customer, self.site[customer]);
            let to = (self.open.iter().copied())
                .filter(|&site| site != self.site[customer] && self.fits(customer, site))
                .min_by(|&a, &b| self.cost(customer, a).total_cmp(&self.cost(customer, b)));
            if let Some(to) = to.filter(|&to| self.cost(customer, to) < here - GAIN_MIN) {
                self.put(customer, to);
                is_better = true;
            }
        }
        is_better
    }

    fn swap(&mut self) -> bool {
        let mut is_better = false;
        for one in 0..self.site.len() {
            for two in one + 1..self.site.len() {
                let (a, b) = (self.site[one], self.site[two]);
                let gain = self.cost(one, a) + self.cost(two, b) - self.cost(one, b) - self.cost(two, a);
                let more = self.state.demand[two] - self.state.demand[one];
                if a != b && gain > GAIN_MIN && more <= self.left[a] && -more <= self.left[b] {
                    self.put(one, b);
                    self.put(two, a);
                    is_better = true;
                }
            }
        }
        is_better
    }
}
