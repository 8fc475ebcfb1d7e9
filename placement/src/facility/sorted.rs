//! The problem as the solvers see it: sites that can matter, each customer's in the order of cost.

use super::problem::Facilities;
use super::reach::Decision;

/// A facility location problem whose sites are numbered anew, with each customer's sites sorted by cost.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    /// The number each site has in the caller's problem.
    pub(super) site: Vec<usize>,
    /// What opening it costs; finite.
    pub(super) opening: Vec<f64>,
    /// Whether it is open in every plan.
    pub(super) is_required: Vec<bool>,
    /// The least and the greatest number of open sites, required ones included.
    pub(super) open_min: usize,
    pub(super) open_max: usize,
    /// Where each customer's row begins in `cost` and `at`, and the end of the last.
    pub(super) start: Vec<usize>,
    /// Service costs, ascending in each row. A row ends with the first required site: it serves whatever the others do not.
    pub(super) cost: Vec<f64>,
    /// The site of each cost.
    pub(super) at: Vec<u32>,
}

impl Sorted {
    /// `None` if a required site is forbidden, a customer has no site, or no number of sites is allowed.
    pub(super) fn new(problem: &Facilities) -> Option<Self> {
        let required = problem.is_required();
        let is_forbidden = |site: usize| problem.opening_cost()[site].is_infinite();
        if (0..problem.sites()).any(|site| required[site] && is_forbidden(site)) {
            return None;
        }
        let site: Vec<_> = (0..problem.sites()).filter(|&site| !is_forbidden(site)).collect();
        let (open_min, open_max) = problem.open_limits();
        if open_min > open_max.min(site.len()) {
            return None;
        }
        let mut new = Self {
            opening: site.iter().map(|&site| problem.opening_cost()[site]).collect(),
            is_required: site.iter().map(|&site| required[site]).collect(),
            open_min,
            open_max,
            start: vec![0],
            cost: Vec::new(),
            at: Vec::new(),
            site,
        };
        for customer in 0..problem.customers() {
            let row = problem.row(customer);
            let mut sorted: Vec<_> = (0_u32..).zip(new.site.iter().map(|&site| row[site])).collect();
            sorted.retain(|(_, cost)| cost.is_finite());
            sorted.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            if sorted.is_empty() {
                return None;
            }
            new.push_row(sorted.into_iter());
        }
        Some(new)
    }

    /// The same without closed sites, and with open ones required.
    ///
    /// `None` if a customer has no site left.
    pub(super) fn narrowed(&self, decision: &[Decision]) -> Option<Self> {
        let kept: Vec<_> = (0..self.sites()).filter(|&site| decision[site] != Decision::Closed).collect();
        let mut number = vec![None; self.sites()];
        for (index, &old) in (0_u32..).zip(&kept) {
            number[old] = Some(index);
        }
        let mut new = Self {
            site: kept.iter().map(|&site| self.site[site]).collect(),
            opening: kept.iter().map(|&site| self.opening[site]).collect(),
            is_required: kept.iter().map(|&site| decision[site] == Decision::Open).collect(),
            open_min: self.open_min,
            open_max: self.open_max,
            start: vec![0],
            cost: Vec::new(),
            at: Vec::new(),
        };
        for customer in 0..self.customers() {
            let row = self.row(customer).filter_map(|(site, cost)| Some((number[site]?, cost)));
            let before = new.at.len();
            new.push_row(row);
            if new.at.len() == before {
                return None;
            }
        }
        Some(new)
    }

    fn push_row(&mut self, sorted: impl Iterator<Item = (u32, f64)>) {
        for (site, cost) in sorted {
            self.at.push(site);
            self.cost.push(cost);
            if self.is_required[site as usize] {
                break;
            }
        }
        self.start.push(self.at.len());
    }

    pub(super) fn sites(&self) -> usize {
        self.opening.len()
    }

    pub(super) fn customers(&self) -> usize {
        self.start.len().saturating_sub(1)
    }

    /// A customer's sites and their costs, cheapest first.
    pub(super) fn row(&self, customer: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.start[customer]..self.start[customer + 1];
        self.at[range.clone()].iter().map(|&site| site as usize).zip(self.cost[range].iter().copied())
    }

    /// More than any plan costs: every customer's dearest site, and all sites opened.
    pub(super) fn cost_max(&self) -> f64 {
        let dearest = self.start.windows(2).filter_map(|row| self.cost[row[0]..row[1]].last());
        (self.opening.iter().sum::<f64>() + dearest.sum::<f64>()) * 1.01 + f64::MIN_POSITIVE
    }

    /// What a plan costs; infinite if a customer has no open site or too few or too many are open. Required sites count
    /// as open.
    pub(super) fn cost_of(&self, open: &[bool]) -> f64 {
        let is_open = |site: usize| open[site] || self.is_required[site];
        let count = (0..self.sites()).filter(|&site| is_open(site)).count();
        if count < self.open_min || count > self.open_max {
            return f64::INFINITY;
        }
        let opening: f64 =
            (0..self.sites()).filter(|&site| is_open(site)).map(|site| self.opening[site]).sum();
        let service = (0..self.customers()).map(|customer| {
            self.row(customer).find(|(site, _)| is_open(*site)).map_or(f64::INFINITY, |(_, cost)| cost)
        });
        opening + service.sum::<f64>()
    }

    /// A plan in the numbers of the caller's problem, which has `sites` sites.
    pub(super) fn widen(&self, open: &[bool], sites: usize) -> Vec<bool> {
        let mut wide = vec![false; sites];
        for (here, &there) in self.site.iter().enumerate() {
            wide[there] = open[here] || self.is_required[here];
        }
        wide
    }
}
