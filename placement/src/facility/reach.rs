//! What is left of the problem when some sites are decided: undecided sites, and what the open ones already offer.

use super::sorted::Sorted;

/// What a search has decided about a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Open in every plan looked for.
    Open,
    /// Closed in every plan looked for.
    Closed,
    /// Not decided.
    Free,
}

/// Rows are laid out up to this multiple of the customer's price: prices seldom rise further.
const HORIZON: f64 = 1.5;
/// And up to so many sites.
const ROW_MIN: usize = 8;

/// Each customer's free sites that are cheaper than its best open one, sorted by cost, laid out for one linear pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Where each customer's row begins, and the end of the last.
    pub(super) start: Vec<u32>,
    pub(super) cost: Vec<f64>,
    pub(super) site: Vec<u32>,
    /// What the best open site asks of each customer; infinite if there is none.
    pub(super) offer: Vec<f64>,
    /// Rows hold the sites cheaper than this; infinite where they hold all.
    pub(super) horizon: Vec<f64>,
    /// What the open sites cost to open.
    pub(super) opened: f64,
}

impl Reach {
    /// Lays out anew, as far as prices like these need it. False if a customer has no site left.
    pub(super) fn fill(&mut self, problem: &Sorted, decision: &[Decision], price: &[f64]) -> bool {
        self.start.clear();
        self.cost.clear();
        self.site.clear();
        self.offer.clear();
        self.horizon.clear();
        self.start.push(0);
        let mut is_served = true;
        for (customer, price) in price.iter().enumerate() {
            is_served &= self.fill_row(problem, decision, customer, HORIZON * price);
        }
        let open = decision.iter().zip(&problem.opening).filter(|(decision, _)| **decision == Decision::Open);
        self.opened = open.map(|(_, cost)| cost).sum();
        is_served
    }

    fn fill_row(&mut self, problem: &Sorted, decision: &[Decision], customer: usize, reach: f64) -> bool {
        let mut offer = f64::INFINITY;
        let mut horizon = f64::INFINITY;
        let before = self.site.len();
        for (site, cost) in problem.row(customer) {
            if cost > reach && self.site.len() >= before + ROW_MIN {
                horizon = cost;
                break;
            }
            match decision[site] {
                Decision::Closed => {}
                Decision::Free => {
                    self.site.push(index(site));
                    self.cost.push(cost);
                }
                Decision::Open => {
                    offer = cost;
                    break;
                }
            }
        }
        self.offer.push(offer);
        self.horizon.push(horizon);
        self.start.push(index(self.site.len()));
        offer.is_finite() || self.site.len() > before
    }

    pub(super) fn customers(&self) -> usize {
        self.offer.len()
    }

    /// The entries of a customer.
    pub(super) fn row(&self, customer: usize) -> core::ops::Range<usize> {
        self.start[customer] as usize..self.start[customer + 1] as usize
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`Facilities::new` keeps every count below 2^32")]
fn index(at: usize) -> u32 {
    at as u32
}
