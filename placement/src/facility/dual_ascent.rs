//! Dual ascent (Erlenkotter, "A dual-based procedure for uncapacitated facility location", 1978): a first bound, and
//! a plan by complementary slackness.
//!
//! The condensed dual: maximise Σ v_j such that Σ_j max(0, v_j − c_ij) ≤ f_i at every site. Raising one v_j at a time to
//! its next cost, as far as every site's slack allows, ends close to the maximum; sites without slack then make a plan.

use super::sorted::Sorted;

/// Tolls tried.
const TOLLS_MAX: u32 = 16;

/// A feasible point of the condensed dual.
#[derive(Clone, Debug)]
pub(super) struct DualAscent<'a> {
    problem: &'a Sorted,
    /// v.
    pub(super) price: Vec<f64>,
    /// What each site's opening cost leaves to be paid.
    slack: Vec<f64>,
    /// Each customer's first entry that is not below its price.
    next: Vec<usize>,
}

impl<'a> DualAscent<'a> {
    /// Every price at the customer's least cost, and every site dearer by `toll`: a price on the number of open sites.
    pub(super) fn new(problem: &'a Sorted, toll: f64) -> Self {
        let price = (0..problem.customers()).map(|customer| problem.cost[problem.start[customer]]).collect();
        let slack = problem.opening.iter().map(|cost| cost + toll).collect();
        let mut ascent = Self { next: problem.start[..problem.customers()].to_vec(), problem, price, slack };
        // A required site is paid for anyway: customers owe it nothing.
        for (slack, &is_required) in ascent.slack.iter_mut().zip(&problem.is_required) {
            if is_required {
                *slack = 0.0;
            }
        }
        ascent
    }

    /// Prices for a problem that allows `open_max` sites: with the toll at which the ascent opens about as many.
    ///
    /// A toll makes sites dearer than they are, so that prices bound no plan by their sum alone; the Lagrangian bound
    /// holds for any prices.
    pub(super) fn with_limit(problem: &'a Sorted) -> Self {
        let ascend = |toll: f64| {
            let mut ascent = Self::new(problem, toll);
            ascent.ascend();
            let count = ascent.plan().iter().filter(|is_open| **is_open).count();
            (ascent, count > problem.open_max)
        };
        let (mut ascent, is_too_many) = ascend(0.0);
        let (mut low, mut high) = (0.0, problem.cost_max());
        let tolls = if is_too_many { TOLLS_MAX } else { 0 };
        for _ in 0..tolls {
            // Down by magnitudes until a toll is too low, then halfway between.
            let toll = if low > 0.0 { 0.5 * (low + high) } else { high / 8.0 };
            let (next, is_too_many) = ascend(toll);
            if is_too_many {
                low = toll;
            } else {
                (high, ascent) = (toll, next);
            }
        }
        ascent
    }

    /// Σ v and the opening costs of required sites: no plan costs less.
    pub(super) fn bound(&self) -> f64 {
        let required = self.problem.opening.iter().zip(&self.problem.is_required);
        let paid: f64 = required.filter(|(_, is_required)| **is_required).map(|(cost, _)| cost).sum();
        paid + self.price.iter().sum::<f64>()
    }

    /// Raises all prices in turn until none can rise.
    pub(super) fn ascend(&mut self) {
        let mut rising: Vec<usize> = (0..self.problem.customers()).collect();
        while !rising.is_empty() {
            rising.retain(|&customer| self.raise(customer));
        }
    }

    /// Raises one price to the next cost, or as far as slack allows. Whether it may rise again.
    fn raise(&mut self, customer: usize) -> bool {
        let (begin, end) = (self.problem.start[customer], self.problem.start[customer + 1]);
        let price = self.price[customer];
        let mut next = self.next[customer].max(begin);
        while next < end && self.problem.cost[next] <= price {
            next += 1;
        }
        let target = if next < end { self.problem.cost[next] } else { f64::INFINITY };
        let payers = &self.problem.at[begin..next];
        let slack = payers.iter().map(|&site| self.slack[site as usize]).fold(f64::INFINITY, f64::min);
        let step = (target - price).min(slack).max(0.0);
        if step > 0.0 {
            for &site in payers {
                self.slack[site as usize] = (self.slack[site as usize] - step).max(0.0);
            }
            self.price[customer] = if step < slack { target } else { price + step };
        }
        self.next[customer] = next;
        step > 0.0 && step < slack
    }

    /// Opens sites without slack until every customer has one it pays or is content with.
    pub(super) fn plan(&self) -> Vec<bool> {
        let mut open = self.problem.is_required.clone();
        for customer in 0..self.problem.customers() {
            let within = |(_, cost): &(usize, f64)| *cost <= self.price[customer];
            if self.problem.row(customer).take_while(within).any(|(site, _)| open[site]) {
                continue;
            }
            // Prices that cannot rise have a site without slack; rounding may leave it a little.
            let row = self.problem.row(customer).take_while(within);
            if let Some((site, _)) = row.min_by(|a, b| self.slack[a.0].total_cmp(&self.slack[b.0])) {
                open[site] = true;
            }
        }
        open
    }
}
