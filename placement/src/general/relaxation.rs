//! A bound on what any plan costs: customers pay prices to be served (the Lagrangian relaxation of the demands, the budget
//! and the cuts), every site decides for itself whom it would serve, and the best allowed number of sites opens.

use std::rc::Rc;

use crate::general::cut::Cuts;
use crate::general::knapsack::{self, Item};
use crate::general::problem::{Fix, Problem, Scaled};

/// Multipliers of what the relaxation leaves out.
#[derive(Clone, Debug, Default)]
pub(super) struct Prices {
    /// What each customer pays to be served: served state × customers + customer.
    pub(super) service: Vec<f64>,
    /// What a unit of the budget costs.
    pub(super) budget: f64,
    /// What fulfilling each cut earns; those beyond its end earn nothing.
    pub(super) cuts: Vec<f64>,
}

/// Whom a site must or may not serve wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    /// Index into `Problem::served`.
    pub(super) served: usize,
    pub(super) customer: usize,
    pub(super) site: usize,
    pub(super) is_served: bool,
}

/// The relaxation with its work space and the last answer.
pub(super) struct Relaxation<'a> {
    pub(super) problem: &'a Problem,
    /// The served states with the reach that the pins leave.
    pub(super) served: Vec<Scaled>,
    /// What pins took: served state, place, cost.
    pinned: Vec<(usize, usize, f64)>,
    /// What each site costs when it is open, minus what its customers and cuts pay.
    pub(super) reduced: Vec<f64>,
    pub(super) size: Vec<f64>,
    /// Whom each site would serve: row and share.
    pub(super) takes: Vec<Vec<(usize, f64)>>,
    pub(super) is_open: Vec<bool>,
    /// The largest reduced cost among the free sites that opened, the smallest among those that did not.
    last_in: f64,
    first_out: f64,
    opened: usize,
    items: Vec<Vec<Item>>,
}

impl<'a> Relaxation<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        Self {
            problem,
            served: problem.served.iter().map(|&state| problem.served_state(state)).collect(),
            pinned: Vec::new(),
            reduced: vec![0.0; problem.sites],
            size: vec![0.0; problem.sites],
            takes: vec![Vec::new(); problem.sites],
            is_open: vec![false; problem.sites],
            last_in: f64::NEG_INFINITY,
            first_out: f64::INFINITY,
            opened: 0,
            items: vec![Vec::new(); problem.served.len()],
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.problem.served.len() * self.problem.customers
    }

    /// Applies the pins of a node instead of those of the one before.
    pub(super) fn pin(&mut self, pins: &[Pin]) {
        let customers = self.problem.customers;
        while let Some((served, at, cost)) = self.pinned.pop() {
            self.served[served].cost[at] = cost;
        }
        for pin in pins {
            for site in 0..self.problem.sites {
                if (site == pin.site) != pin.is_served {
                    let at = site * customers + pin.customer;
                    let cost = core::mem::replace(&mut self.served[pin.served].cost[at], f64::INFINITY);
                    self.pinned.push((pin.served, at, cost));
                }
            }
        }
    }

    /// Prices to begin with: what the second-best site would cost.
    pub(super) fn first_prices(&self, cuts: &Cuts) -> Rc<Prices> {
        let customers = self.problem.customers;
        let mut service = Vec::with_capacity(self.rows());
        for state in &self.served {
            for customer in 0..customers {
                let (mut best, mut second) = (f64::INFINITY, f64::INFINITY);
                for site in (0..self.problem.sites).filter(|&site| self.problem.fixes[site] != Fix::Closed) {
                    let cost = state.cost[site * customers + customer];
                    if cost < best {
                        (best, second) = (cost, best);
                    } else if cost < second {
                        second = cost;
                    }
                }
                service.push(if second.is_finite() { second } else { best });
            }
        }
        Rc::new(Prices { service, budget: 0.0, cuts: vec![0.0; cuts.all.len()] })
    }

    /// The bound at these prices; infinite when the fixes leave no allowed number of sites.
    pub(super) fn bound(&mut self, prices: &Prices, cuts: &Cuts, fixes: &[Fix]) -> f64 {
        for (site, &fix) in fixes.iter().enumerate() {
            self.takes[site].clear();
            self.is_open[site] = false;
            if fix == Fix::Closed {
                self.reduced[site] = f64::INFINITY;
            } else {
                self.weigh_site(site, prices, cuts);
            }
        }
        let mut bound: f64 = prices.service.iter().sum();
        bound += prices.cuts.iter().sum::<f64>();
        if self.problem.budget.is_finite() {
            bound -= prices.budget * self.problem.budget;
        }
        bound + self.choose(fixes)
    }

    fn weigh_site(&mut self, site: usize, prices: &Prices, cuts: &Cuts) {
        let problem = self.problem;
        let mut opening = problem.opening[site];
        let mut unit = prices.budget;
        for (cut, &price) in cuts.all.iter().zip(&prices.cuts) {
            if price > 0.0 {
                opening -= price * cut.open[site];
                unit -= price * cut.size(site);
            }
        }
        let (least, most) = (problem.size_min[site], problem.size_max[site]);
        self.gather(site, prices);
        let is_free = !problem.budget.is_finite() || unit <= 0.0;
        let size = if is_free { most } else { knapsack::best_size(&mut self.items, unit, least, most) };
        let taken = &mut self.takes[site];
        let mut gain = 0.0;
        for items in &mut self.items {
            gain += if problem.is_whole && is_free {
                knapsack::fill_whole(items, size + problem.load_tolerance, taken)
            } else {
                knapsack::fill(items, size, taken)
            };
        }
        self.size[site] = size;
        let rent = if problem.budget.is_finite() { unit * size } else { 0.0 };
        self.reduced[site] = opening + rent - gain;
    }

    /// The customers who would pay the site more than they cost it.
    fn gather(&mut self, site: usize, prices: &Prices) {
        let customers = self.problem.customers;
        for (served, items) in self.items.iter_mut().enumerate() {
            items.clear();
            let state = &self.served[served];
            let cost = &state.cost[site * customers..(site + 1) * customers];
            let paid = &prices.service[served * customers..(served + 1) * customers];
            for customer in 0..customers {
                let gain = paid[customer] - cost[customer];
                if gain > 0.0 {
                    items.push(Item {
                        row: served * customers + customer,
                        gain,
                        demand: state.demand[customer],
                    });
                }
            }
        }
    }

    /// Opens the fixed sites and the best of the free ones; returns the sum of their reduced costs.
    fn choose(&mut self, fixes: &[Fix]) -> f64 {
        let mut sum = 0.0;
        self.opened = 0;
        let mut free: Vec<usize> = Vec::new();
        for (site, fix) in fixes.iter().enumerate() {
            match fix {
                Fix::Open => {
                    self.is_open[site] = true;
                    sum += self.reduced[site];
                    self.opened += 1;
                }
                Fix::Free => free.push(site),
                Fix::Closed => {}
            }
        }
        if self.opened > self.problem.open_max || self.opened + free.len() < self.problem.open_min {
            return f64::INFINITY;
        }
        free.sort_unstable_by(|&a, &b| self.reduced[a].total_cmp(&self.reduced[b]).then(a.cmp(&b)));
        self.last_in = f64::NEG_INFINITY;
        self.first_out = f64::INFINITY;
        for &site in &free {
            let cost = self.reduced[site];
            let is_wanted = cost < 0.0 && self.opened < self.problem.open_max;
            if is_wanted || self.opened < self.problem.open_min {
                self.is_open[site] = true;
                self.opened += 1;
                sum += cost;
                self.last_in = cost;
            } else {
                self.first_out = self.first_out.min(cost);
            }
        }
        sum
    }

    /// The bound, at the prices last used, if the free site were decided the other way than it was.
    pub(super) fn bound_if_flipped(&self, bound: f64, site: usize) -> f64 {
        let cost = self.reduced[site];
        if self.is_open[site] {
            let other =
                if self.opened <= self.problem.open_min { self.first_out } else { self.first_out.min(0.0) };
            bound - cost + other
        } else {
            let other =
                if self.opened >= self.problem.open_max { self.last_in } else { self.last_in.max(0.0) };
            // With nothing to close in exchange there is no room for it.
            if other == f64::NEG_INFINITY { f64::INFINITY } else { bound + cost - other }
        }
    }
}
