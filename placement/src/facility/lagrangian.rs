//! The bound of the linear relaxation by Lagrangian relaxation of "every customer is served once".
//!
//! With a price v per customer, L(v) = Σ v − Σ_i max(0, Σ_j max(0, v_j − c_ij) − f_i) bounds every plan from below, and
//! its maximum is the value of the linear relaxation. Limits on the number of sites restrict the sum to the greatest terms. It is climbed by deflected subgradients (Camerini, Fratta and
//! Maffioli 1975) with Polyak's step; the average of the relaxed plans tends to the relaxation's solution (Barahona and
//! Anbil 2000). Every v also decides sites: to open or close site i against the relaxed plan costs at least
//! L(v) + |Σ_j max(0, v_j − c_ij) − f_i| (limits add what the site takes the place of), and a site for which this is not below the best plan is settled.

use super::reach::{Decision, Reach};
use super::sorted::Sorted;

/// How a climb is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Climb {
    /// Steps at most.
    pub(super) steps: u32,
    /// Polyak's factor at first.
    pub(super) factor: f64,
    /// Steps without a better bound after which the factor is halved.
    pub(super) patience: u32,
    /// Ends below this factor.
    pub(super) factor_min: f64,
}

/// What is known of a part of the search: decided sites, prices, and the bound they prove.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) decision: Vec<Decision>,
    /// The best prices found.
    pub(super) price: Vec<f64>,
    /// L at these prices; infinite when no plan below the cutoff is left.
    pub(super) bound: f64,
    /// How much of each site the averaged relaxed plans open, 0..1.
    pub(super) opened: Vec<f64>,
}

impl Part {
    /// The whole of `problem`, with prices and the bound they prove.
    pub(super) fn new(problem: &Sorted, price: Vec<f64>, bound: f64) -> Self {
        let decide = |&is_required: &bool| if is_required { Decision::Open } else { Decision::Free };
        let decision = problem.is_required.iter().map(decide).collect();
        Self { decision, price, bound, opened: vec![0.5; problem.sites()] }
    }

    /// The same for the problem without the closed sites, which requires the sites marked.
    pub(super) fn narrowed(&self, is_required: &[bool]) -> Self {
        let kept =
            self.opened.iter().zip(&self.decision).filter(|(_, decision)| **decision != Decision::Closed);
        let decide = |&is_required: &bool| if is_required { Decision::Open } else { Decision::Free };
        Self {
            decision: is_required.iter().map(decide).collect(),
            price: self.price.clone(),
            bound: self.bound,
            opened: kept.map(|(opened, _)| *opened).collect(),
        }
    }
}

/// Working memory of the climbs.
#[derive(Debug, Default)]
pub(super) struct Lagrangian {
    reach: Reach,
    /// Σ_j max(0, v_j − c_ij) − f_i.
    surplus: Vec<f64>,
    is_used: Vec<bool>,
    /// What the relaxed plan gets back for a used site that it leaves: the next one's surplus, where that is to be used.
    left: f64,
    /// What it gives up for an unused one that enters: the last one's surplus, where that must leave.
    entered: f64,
    /// Sites that were open when `reach` was laid out.
    is_laid_open: Vec<bool>,
    /// Entries of each customer that are cheaper than its price.
    below: Vec<u32>,
    price: Vec<f64>,
    slope: Vec<f64>,
    direction: Vec<f64>,
    /// Sites decided since `reach` was laid out.
    unseen: usize,
}

/// A step that gains less than this share of the gap counts as none.
const GAIN_MIN: f64 = 1e-6;
/// Steps between two looks at whether `reach` should be laid out anew.
const LAYOUT_STEPS: u32 = 8;

impl Lagrangian {
    /// L(v) for `self.price`, which is cut to what open sites offer; leaves surpluses and the relaxed plan.
    ///
    /// `None` if a price has left the rows laid out.
    fn value(&mut self, problem: &Sorted, decision: &[Decision]) -> Option<f64> {
        for (surplus, opening) in self.surplus.iter_mut().zip(&problem.opening) {
            *surplus = -opening;
        }
        let mut total = self.reach.opened;
        for customer in 0..self.reach.customers() {
            let price = self.price[customer].min(self.reach.offer[customer]);
            if price > self.reach.horizon[customer] {
                return None;
            }
            self.price[customer] = price;
            total += price;
            let row = self.reach.row(customer);
            let mut below = 0;
            for (&site, &cost) in self.reach.site[row.clone()].iter().zip(&self.reach.cost[row]) {
                if cost >= price {
                    break;
                }
                self.surplus[site as usize] += price - cost;
                below += 1;
            }
            self.below[customer] = below;
        }
        Some(total - self.pick(problem, decision))
    }

    /// Picks the sites of the relaxed plan, those of greatest surplus, as many as pay and as may be. Returns their sum;
    /// minus infinity if no number of sites is allowed.
    fn pick(&mut self, problem: &Sorted, decision: &[Decision]) -> f64 {
        let mut sum = 0.0;
        let (mut open, mut free) = (0, 0);
        for (site, &surplus) in self.surplus.iter().enumerate() {
            // A site decided since the layout is still in the rows; one laid out as open is in none and costs `opened`.
            let is_used = match decision[site] {
                Decision::Free => surplus > 0.0,
                Decision::Closed => false,
                Decision::Open => !self.is_laid_open[site],
            };
            open += usize::from(decision[site] == Decision::Open);
            free += usize::from(decision[site] == Decision::Free);
            self.is_used[site] = is_used;
            if is_used {
                sum += surplus;
            }
        }
        (self.left, self.entered) = (0.0, 0.0);
        if problem.open_min <= open && open + free <= problem.open_max {
            return sum;
        }
        if open > problem.open_max || open + free < problem.open_min {
            return f64::NEG_INFINITY;
        }
        sum + self.pick_within(decision, problem.open_min.saturating_sub(open), problem.open_max - open)
    }

    /// Corrects the picks so that between `least` and `most` free sites are used. Returns what this adds to their sum.
    ///
    /// The relaxation of the p-median problem (Cornuéjols, Fisher and Nemhauser 1977).
    fn pick_within(&mut self, decision: &[Decision], least: usize, most: usize) -> f64 {
        let mut ranked: Vec<usize> =
            (0..decision.len()).filter(|&site| decision[site] == Decision::Free).collect();
        ranked.sort_by(|&a, &b| self.surplus[b].total_cmp(&self.surplus[a]).then(a.cmp(&b)));
        let paying = ranked.iter().filter(|&&site| self.surplus[site] > 0.0).count();
        let count = paying.clamp(least, most);
        let mut added = 0.0;
        for (rank, &site) in ranked.iter().enumerate() {
            let is_used = rank < count;
            match (self.is_used[site], is_used) {
                (true, false) => added -= self.surplus[site],
                (false, true) => added += self.surplus[site],
                (true, true) | (false, false) => {}
            }
            self.is_used[site] = is_used;
        }
        let next = ranked.get(count).map(|&site| self.surplus[site]);
        let last = count.checked_sub(1).and_then(|rank| ranked.get(rank)).map(|&site| self.surplus[site]);
        self.left =
            if count > least { next.unwrap_or(0.0).max(0.0) } else { next.unwrap_or(f64::NEG_INFINITY) };
        let alone = if count < most { 0.0 } else { f64::INFINITY };
        self.entered = last.map_or(alone, |last| last.min(alone));
        added
    }

    /// The subgradient of L at the prices last evaluated: one minus the times a customer is served.
    fn find_slope(&mut self) {
        for customer in 0..self.reach.customers() {
            let first = self.reach.start[customer] as usize;
            let row = &self.reach.site[first..first + self.below[customer] as usize];
            let served = row.iter().filter(|&&site| self.is_used[site as usize]).count();
            #[expect(clippy::cast_precision_loss, reason = "a number of sites")]
            let slope = 1.0 - served as f64;
            let is_capped = self.price[customer] >= self.reach.offer[customer];
            self.slope[customer] = if is_capped { slope.min(0.0) } else { slope };
        }
    }

    fn prepare(&mut self, problem: &Sorted, part: &Part) -> bool {
        self.surplus.resize(problem.sites(), 0.0);
        self.is_used.resize(problem.sites(), false);
        self.below.resize(problem.customers(), 0);
        self.slope.resize(problem.customers(), 0.0);
        self.direction.clear();
        self.direction.resize(problem.customers(), 0.0);
        self.price.clone_from(&part.price);
        self.lay_out(problem, &part.decision)
    }

    fn lay_out(&mut self, problem: &Sorted, decision: &[Decision]) -> bool {
        self.unseen = 0;
        self.is_laid_open.clear();
        self.is_laid_open.extend(decision.iter().map(|decision| *decision == Decision::Open));
        self.reach.fill(problem, decision, &self.price)
    }

    /// Raises the bound of `part` and decides sites for which no plan costs less than `cutoff`; `is_over`, which is told
    /// the bound, ends it early.
    ///
    /// When no plan below the cutoff is left, the bound becomes infinite.
    pub(super) fn climb(
        &mut self,
        problem: &Sorted,
        part: &mut Part,
        cutoff: f64,
        climb: Climb,
        is_over: &mut dyn FnMut(f64) -> bool,
    ) {
        if !self.prepare(problem, part) {
            part.bound = f64::INFINITY;
            return;
        }
        let mut factor = climb.factor;
        let mut waited = 0;
        for step in 0..climb.steps {
            let value = self.value(problem, &part.decision);
            let is_stale = step % LAYOUT_STEPS == 0 && self.unseen > 0;
            if (value.is_none() || is_stale) && !self.lay_out(problem, &part.decision) {
                part.bound = f64::INFINITY;
                return;
            }
            let Some(value) = value.filter(|_| !is_stale).or_else(|| self.value(problem, &part.decision))
            else {
                return;
            };
            self.find_slope();
            self.average(part, step);
            let gained = value - part.bound;
            waited = if gained > GAIN_MIN * (cutoff - part.bound) { 0 } else { waited + 1 };
            if gained > 0.0 {
                part.bound = value;
                part.price.clone_from(&self.price);
            }
            if part.bound >= cutoff {
                part.bound = f64::INFINITY;
                return;
            }
            self.settle(part, value, cutoff);
            if waited >= climb.patience {
                waited = 0;
                factor *= 0.5;
                self.price.clone_from(&part.price);
            }
            if factor < climb.factor_min || is_over(part.bound) || !self.advance(factor, cutoff - value) {
                return;
            }
        }
    }

    /// Moves the prices along the deflected subgradient. False at a maximum.
    fn advance(&mut self, factor: f64, distance: f64) -> bool {
        let dot: f64 = self.slope.iter().zip(&self.direction).map(|(a, b)| a * b).sum();
        let norm: f64 = self.direction.iter().map(|a| a * a).sum();
        let deflection = if dot < 0.0 && norm > 0.0 { -1.5 * dot / norm } else { 0.0 };
        let mut length = 0.0;
        for (direction, slope) in self.direction.iter_mut().zip(&self.slope) {
            *direction = slope + deflection * *direction;
            length += *direction * *direction;
        }
        if length <= 1e-12 {
            return false;
        }
        let step = factor * distance / length;
        for (price, direction) in self.price.iter_mut().zip(&self.direction) {
            *price = (*price + step * direction).max(0.0);
        }
        true
    }

    fn average(&self, part: &mut Part, step: u32) {
        let weight = (1.0 / f64::from(step + 1)).max(0.03);
        for (opened, &is_used) in part.opened.iter_mut().zip(&self.is_used) {
            *opened += weight * (f64::from(u8::from(is_used)) - *opened);
        }
    }

    /// Decides free sites.
    fn settle(&mut self, part: &mut Part, value: f64, cutoff: f64) {
        let room = cutoff - value;
        for ((decision, &surplus), &is_used) in part.decision.iter_mut().zip(&self.surplus).zip(&self.is_used)
        {
            if *decision != Decision::Free {
                continue;
            }
            if is_used && surplus - self.left >= room {
                *decision = Decision::Open;
                self.unseen += 1;
            } else if !is_used && self.entered - surplus >= room {
                *decision = Decision::Closed;
                self.unseen += 1;
            }
        }
    }

    /// The sites that the last relaxed plan opens.
    pub(super) fn used(&self) -> &[bool] {
        &self.is_used
    }
}

#[cfg(test)]
#[path = "lagrangian_tests.rs"]
mod tests;
