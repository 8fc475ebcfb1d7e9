//! A plan, and what each single change of it would cost.
//!
//! Resende and Werneck, "A fast swap-based local search procedure for location problems" (2006, 2007): what opening site
//! i in place of r saves is `gain[i] − loss[r] + extra[i, r]`, and only customers whose nearest two open sites change
//! need their share in these sums replaced.

use super::sorted::Sorted;

/// No slot, no entry.
const NONE: u32 = u32::MAX;

/// A change of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Open a site.
    Open(usize),
    /// Close the site in a slot.
    Close(usize),
    /// Open a site and close the one in a slot.
    Swap(usize, usize),
}

/// A plan with the value of every neighbour.
pub(super) struct Neighbourhood<'a> {
    problem: &'a Sorted,
    /// For each site the entries of `problem` that name it: (customer, index).
    entries: Vec<Vec<(u32, u32)>>,
    /// What a customer without an open site counts: more than opening its dearest site for it, and more than all the rest
    /// where a limit may keep that site from opening.
    unserved: Vec<f64>,
    /// The slot of each open site.
    slot: Vec<u32>,
    /// The site in each slot.
    open: Vec<u32>,
    /// For each customer the entries of the nearest and second nearest open site.
    first: Vec<u32>,
    second: Vec<u32>,
    gain: Vec<f64>,
    loss: Vec<f64>,
    /// By site and slot.
    extra: Vec<f64>,
    /// Slots in a row of `extra`.
    width: usize,
    /// Customers touched by a change.
    touched: Vec<u32>,
}

impl<'a> Neighbourhood<'a> {
    pub(super) fn new(problem: &'a Sorted) -> Self {
        let mut entries = vec![Vec::new(); problem.sites()];
        for customer in 0..problem.customers() {
            for entry in problem.start[customer]..problem.start[customer + 1] {
                entries[problem.at[entry] as usize].push((index(customer), index(entry)));
            }
        }
        let is_limited = problem.open_max < problem.sites();
        let floor = problem.cost_max() * if is_limited { 1.0 } else { 1e-6 };
        let dearest = |customer: usize| {
            let row = problem.row(customer).map(|(site, cost)| cost + problem.opening[site]);
            floor + row.fold(0.0, f64::max) * 1.001
        };
        let (sites, customers) = (problem.sites(), problem.customers());
        Self {
            entries,
            unserved: (0..customers).map(dearest).collect(),
            slot: vec![NONE; sites],
            open: Vec::new(),
            first: vec![NONE; customers],
            second: vec![NONE; customers],
            gain: vec![0.0; sites],
            loss: Vec::new(),
            extra: Vec::new(),
            width: 0,
            touched: Vec::new(),
            problem,
        }
    }

    /// Starts from the plan that opens the sites marked, and the required ones.
    pub(super) fn set(&mut self, is_open: &[bool]) {
        self.open.clear();
        for (site, (is_open, is_required)) in is_open.iter().zip(&self.problem.is_required).enumerate() {
            self.slot[site] = NONE;
            if *is_open || *is_required {
                self.slot[site] = index(self.open.len());
                self.open.push(index(site));
            }
        }
        for customer in 0..self.problem.customers() {
            self.first[customer] = self.next_open(customer, self.problem.start[customer]);
            self.second[customer] = self.after(customer, self.first[customer]);
        }
        self.rebuild();
    }

    /// Computes all sums anew: also ends the drift of sums that were changed often.
    fn rebuild(&mut self) {
        if self.open.len() >= self.width {
            self.width = self.open.len() + self.open.len() / 2 + 4;
        }
        self.extra.clear();
        self.extra.resize(self.width * self.problem.sites(), 0.0);
        self.loss.clear();
        self.loss.resize(self.width, 0.0);
        for (gain, cost) in self.gain.iter_mut().zip(&self.problem.opening) {
            *gain = -cost;
        }
        for (slot, &site) in self.open.iter().enumerate() {
            self.loss[slot] = -self.problem.opening[site as usize];
        }
        for customer in 0..self.problem.customers() {
            self.share(customer, 1.0);
        }
    }

    /// What the plan costs, with a penalty for each customer that it leaves unserved.
    pub(super) fn cost(&self) -> f64 {
        let opening: f64 = self.open.iter().map(|&site| self.problem.opening[site as usize]).sum();
        let service =
            (0..self.problem.customers()).map(|customer| self.cost_at(customer, self.first[customer]));
        opening + service.sum::<f64>()
    }

    /// Which sites are open.
    pub(super) fn plan(&self) -> Vec<bool> {
        self.slot.iter().map(|&slot| slot != NONE).collect()
    }

    /// The open sites, by slot.
    pub(super) fn open_sites(&self) -> &[u32] {
        &self.open
    }

    pub(super) fn is_open(&self, site: usize) -> bool {
        self.slot[site] != NONE
    }

    pub(super) fn slot_of(&self, site: usize) -> usize {
        self.slot[site] as usize
    }

    /// The change that saves most, and what it saves; `None` if none saves more than `least`.
    ///
    /// As long as too many or too few sites are open, the change that mends this at the least cost.
    pub(super) fn best_change(&self, least: f64) -> Option<Change> {
        let open = self.open.len();
        let (is_too_many, is_too_few) = (open > self.problem.open_max, open < self.problem.open_min);
        let mut best = (if is_too_many || is_too_few { f64::NEG_INFINITY } else { least }, None);
        if open > self.problem.open_min {
            for (slot, &site) in self.open.iter().enumerate() {
                if !self.problem.is_required[site as usize] && -self.loss[slot] > best.0 {
                    best = (-self.loss[slot], Some(Change::Close(slot)));
                }
            }
        }
        if is_too_many {
            return best.1;
        }
        for site in (0..self.problem.sites()).filter(|&site| !self.is_open(site)) {
            let gain = self.gain[site];
            if gain > best.0 && open < self.problem.open_max {
                best = (gain, Some(Change::Open(site)));
            }
            if is_too_few {
                continue;
            }
            let extra = &self.extra[site * self.width..site * self.width + open];
            for (slot, (extra, loss)) in extra.iter().zip(&self.loss).enumerate() {
                let saved = gain - loss + extra;
                if saved > best.0 && !self.problem.is_required[self.open[slot] as usize] {
                    best = (saved, Some(Change::Swap(site, slot)));
                }
            }
        }
        best.1
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Open(site) => self.open(site),
            Change::Close(slot) => self.close(slot),
            Change::Swap(site, slot) => {
                self.open(site);
                self.close(slot);
            }
        }
    }

    fn open(&mut self, site: usize) {
        if self.open.len() + 1 >= self.width {
            self.width = 0;
        }
        let slot = self.open.len();
        self.slot[site] = index(slot);
        self.open.push(index(site));
        let needs_rebuild = self.width == 0;
        if !needs_rebuild {
            self.loss[slot] = -self.problem.opening[site];
        }
        for at in 0..self.entries[site].len() {
            let (customer, entry) = self.entries[site][at];
            let customer = customer as usize;
            if entry > self.second[customer] {
                continue;
            }
            if !needs_rebuild {
                self.share(customer, -1.0);
            }
            if entry < self.first[customer] {
                self.second[customer] = self.first[customer];
                self.first[customer] = entry;
            } else {
                self.second[customer] = entry;
            }
            if !needs_rebuild {
                self.share(customer, 1.0);
            }
        }
        if needs_rebuild {
            self.rebuild();
        }
    }

    /// Closes the site in a slot; the last slot moves into its place.
    fn close(&mut self, slot: usize) {
        let site = self.open[slot] as usize;
        self.touched.clear();
        for &(customer, entry) in &self.entries[site] {
            if entry <= self.second[customer as usize] {
                self.touched.push(customer);
            }
        }
        let touched = core::mem::take(&mut self.touched);
        for &customer in &touched {
            self.share(customer as usize, -1.0);
        }
        self.slot[site] = NONE;
        for &customer in &touched {
            let customer = customer as usize;
            let first = self.first[customer];
            if self.problem.at[first as usize] as usize == site {
                self.first[customer] = self.second[customer];
            }
            self.second[customer] = self.after(customer, self.first[customer]);
        }
        self.vacate(slot);
        for &customer in &touched {
            self.share(customer as usize, 1.0);
        }
        self.touched = touched;
    }

    /// Moves the last slot's sums into `slot`, which no customer uses.
    fn vacate(&mut self, slot: usize) {
        let last = self.open.len() - 1;
        self.open.swap_remove(slot);
        for row in self.extra.chunks_exact_mut(self.width) {
            row[slot] = row[last];
            row[last] = 0.0;
        }
        self.loss[slot] = self.loss[last];
        self.loss[last] = 0.0;
        if slot != last {
            self.slot[self.open[slot] as usize] = index(slot);
        }
    }

    /// Adds or takes away what a customer contributes to the sums.
    fn share(&mut self, customer: usize, sign: f64) {
        let (first, second) = (self.first[customer], self.second[customer]);
        let (near, far) = (self.cost_at(customer, first), self.cost_at(customer, second));
        let begin = self.problem.start[customer];
        let end = self.problem.start[customer + 1].min(second as usize);
        let entries = self.problem.at[begin..end].iter().zip(&self.problem.cost[begin..end]);
        if first == NONE {
            for (&site, cost) in entries {
                self.gain[site as usize] += sign * (near - cost);
            }
            return;
        }
        let slot = self.slot[self.problem.at[first as usize] as usize] as usize;
        self.loss[slot] += sign * (far - near);
        for (&site, &cost) in entries {
            let site = site as usize;
            if cost < near {
                self.gain[site] += sign * (near - cost);
                self.extra[site * self.width + slot] += sign * (far - near);
            } else {
                self.extra[site * self.width + slot] += sign * (far - cost);
            }
        }
    }

    fn cost_at(&self, customer: usize, entry: u32) -> f64 {
        self.problem.cost.get(entry as usize).copied().unwrap_or(self.unserved[customer])
    }

    fn after(&self, customer: usize, entry: u32) -> u32 {
        if entry == NONE { NONE } else { self.next_open(customer, entry as usize + 1) }
    }

    fn next_open(&self, customer: usize, from: usize) -> u32 {
        let mut entries = from..self.problem.start[customer + 1];
        entries.find(|&entry| self.slot[self.problem.at[entry] as usize] != NONE).map_or(NONE, index)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`Facilities::new` keeps every count below 2^32")]
fn index(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
#[path = "neighbourhood_tests.rs"]
mod tests;
