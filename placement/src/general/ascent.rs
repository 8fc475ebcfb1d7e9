//! Better and better prices: the volume algorithm (Barahona and Anbil 2000), which also averages the relaxation's answers
//! into a fractional plan.

use std::rc::Rc;

use crate::general::cut::Cuts;
use crate::general::problem::Fix;
use crate::general::relaxation::{Prices, Relaxation};

/// The share of the newest answer in the average.
const BLEND_MAX: f64 = 0.12;
/// Answers without progress after which the step shrinks.
const PATIENCE: usize = 8;

/// An ascent within one node.
pub(super) struct Ascent {
    /// The best prices.
    pub(super) prices: Prices,
    /// The bound they give.
    pub(super) bound: f64,
    /// By how much the averaged plan misses: demands, then the budget, then the cuts.
    miss: Prices,
    /// How open each site is in the averaged plan.
    pub(super) openness: Vec<f64>,
    /// Its averaged size.
    pub(super) size: Vec<f64>,
    /// How much of each row each site serves on average, at `site * rows + row`; kept for whole customers only.
    pub(super) service: Vec<f64>,
    step: f64,
    blend: f64,
    failures: usize,
    answers: usize,
}

impl Ascent {
    /// Begins at the prices given, with one answer.
    pub(super) fn new(
        relaxation: &mut Relaxation<'_>,
        start: &Rc<Prices>,
        cuts: &Cuts,
        fixes: &[Fix],
    ) -> Self {
        let mut prices = Prices::clone(start);
        prices.cuts.resize(cuts.all.len(), 0.0);
        let bound = relaxation.bound(&prices, cuts, fixes);
        let sites = relaxation.problem.sites;
        let rows = relaxation.rows();
        let mut ascent = Self {
            miss: Prices { service: vec![0.0; rows], budget: 0.0, cuts: Vec::new() },
            prices,
            bound,
            openness: vec![0.0; sites],
            size: vec![0.0; sites],
            service: if relaxation.problem.is_whole { vec![0.0; sites * rows] } else { Vec::new() },
            step: 1.0,
            blend: BLEND_MAX,
            failures: 0,
            answers: 0,
        };
        ascent.miss = misses(relaxation, cuts);
        ascent.average(relaxation, 1.0);
        ascent
    }

    fn average(&mut self, relaxation: &Relaxation<'_>, blend: f64) {
        let rows = relaxation.rows();
        let keep = 1.0 - blend;
        for value in &mut self.service {
            *value *= keep;
        }
        for site in 0..self.openness.len() {
            self.openness[site] *= keep;
            self.size[site] *= keep;
            if !relaxation.is_open[site] {
                continue;
            }
            self.openness[site] += blend;
            self.size[site] += blend * relaxation.size[site];
            if !self.service.is_empty() {
                for &(row, share) in &relaxation.takes[site] {
                    self.service[site * rows + row] += blend * share;
                }
            }
        }
    }

    /// One step towards `target`; tells whether the bound rose.
    pub(super) fn advance(
        &mut self,
        relaxation: &mut Relaxation<'_>,
        cuts: &Cuts,
        fixes: &[Fix],
        target: f64,
    ) -> bool {
        self.prices.cuts.resize(cuts.all.len(), 0.0);
        self.miss.cuts.resize(cuts.all.len(), 0.0);
        let norm = self.norm();
        if norm <= 1e-18 {
            self.failures += 1;
            return false;
        }
        let reach = (target - self.bound).max(1e-9 * (1.0 + self.bound.abs()));
        let length = self.step * reach / norm;
        let trial = self.trial(length, relaxation.problem.budget);
        let bound = relaxation.bound(&trial, cuts, fixes);
        if bound == f64::INFINITY {
            self.bound = bound;
            return true;
        }
        self.answers += 1;
        let miss = misses(relaxation, cuts);
        self.blend_in(relaxation, &miss);
        if bound > self.bound {
            let is_aligned = self.dot(&miss) > 0.0;
            let is_clear = bound > self.bound + 1e-7 * (1.0 + self.bound.abs());
            self.prices = trial;
            self.bound = bound;
            if is_aligned {
                self.step = (self.step * 1.2).min(2.0);
            }
            if is_clear {
                self.failures = 0;
            }
            true
        } else {
            self.failures += 1;
            if self.failures.is_multiple_of(PATIENCE) {
                self.step *= 0.66;
                self.blend = (self.blend * 0.8).max(0.01);
            }
            false
        }
    }

    /// Steps in a row that brought nothing.
    pub(super) fn failures(&self) -> usize {
        self.failures
    }

    fn trial(&self, length: f64, budget: f64) -> Prices {
        let step = |(price, miss): (&f64, &f64)| price + length * miss;
        let bounded = |pair| f64::max(step(pair), 0.0);
        Prices {
            service: self.prices.service.iter().zip(&self.miss.service).map(step).collect(),
            budget: if budget.is_finite() {
                // The budget's miss is relative to it, its price is per unit.
                (self.prices.budget + length * self.miss.budget / budget.max(f64::MIN_POSITIVE)).max(0.0)
            } else {
                0.0
            },
            cuts: self.prices.cuts.iter().zip(&self.miss.cuts).map(bounded).collect(),
        }
    }

    /// Squared length of the part of the miss that prices can follow.
    fn norm(&self) -> f64 {
        let service: f64 = self.miss.service.iter().map(|miss| miss * miss).sum();
        let cuts: f64 = self
            .prices
            .cuts
            .iter()
            .zip(&self.miss.cuts)
            .filter(|(price, miss)| **price > 0.0 || **miss > 0.0)
            .map(|(_, miss)| miss * miss)
            .sum();
        let budget =
            if self.prices.budget > 0.0 || self.miss.budget > 0.0 { self.miss.budget.powi(2) } else { 0.0 };
        service + cuts + budget
    }

    fn dot(&self, other: &Prices) -> f64 {
        let service: f64 = self.miss.service.iter().zip(&other.service).map(|(a, b)| a * b).sum();
        let cuts: f64 = self.miss.cuts.iter().zip(&other.cuts).map(|(a, b)| a * b).sum();
        service + cuts + self.miss.budget * other.budget
    }

    /// Averages the answer in, by the share that shortens the miss most within bounds.
    fn blend_in(&mut self, relaxation: &Relaxation<'_>, miss: &Prices) {
        let own: f64 = self.dot(&self.miss.clone());
        let cross = self.dot(miss);
        let other: f64 = miss.service.iter().chain(&miss.cuts).map(|value| value * value).sum::<f64>()
            + miss.budget * miss.budget;
        let spread = own - 2.0 * cross + other;
        let best = if spread > 0.0 { (own - cross) / spread } else { self.blend };
        // The first answers are poor: early on the average forgets them faster.
        let most = self.blend.max(1.0 / (2.0 + self.answers as f64));
        let blend = if best.is_nan() { most } else { best.clamp(0.1 * most, most) };
        for (average, value) in self.miss.service.iter_mut().zip(&miss.service) {
            *average += blend * (value - *average);
        }
        for (average, value) in self.miss.cuts.iter_mut().zip(&miss.cuts) {
            *average += blend * (value - *average);
        }
        self.miss.budget += blend * (miss.budget - self.miss.budget);
        self.average(relaxation, blend);
    }
}

/// By how much the relaxation's last answer misses what it leaves out.
fn misses(relaxation: &Relaxation<'_>, cuts: &Cuts) -> Prices {
    let problem = relaxation.problem;
    let mut service = vec![1.0; relaxation.rows()];
    let mut cut_misses = vec![1.0; cuts.all.len()];
    let mut size = 0.0;
    for site in (0..problem.sites).filter(|&site| relaxation.is_open[site]) {
        size += relaxation.size[site];
        for &(row, share) in &relaxation.takes[site] {
            service[row] -= share;
        }
        for (cut, miss) in cuts.all.iter().zip(&mut cut_misses) {
            *miss -= cut.open[site] + cut.size(site) * relaxation.size[site];
        }
    }
    let budget =
        if problem.budget.is_finite() { size / problem.budget.max(f64::MIN_POSITIVE) - 1.0 } else { 0.0 };
    Prices { service, budget, cuts: cut_misses }
}
