//! The best plan so far, and how better ones are looked for.

use std::collections::BTreeSet;

use crate::general::cut::Cuts;
use crate::general::plan::{self, Plan, Verdict};
use crate::general::problem::{Fix, Problem, Scaled};
use crate::solve::watch::Watch;

/// Rounds of adding or exchanging sites until a set serves everybody.
const REPAIRS_MAX: usize = 60;

/// The best plan, and which sets have been tried.
pub(super) struct Incumbent {
    pub(super) plan: Option<Plan>,
    /// What it costs; infinite without one.
    pub(super) cost: f64,
    tried: BTreeSet<Vec<usize>>,
    random: Random,
}

impl Incumbent {
    pub(super) fn new(seed: u64) -> Self {
        Self { plan: None, cost: f64::INFINITY, tried: BTreeSet::new(), random: Random(seed) }
    }

    /// Keeps the plan if it is better.
    pub(super) fn keep(&mut self, plan: Plan) -> bool {
        let is_better = plan.cost < self.cost;
        if is_better {
            self.cost = plan.cost;
            self.plan = Some(plan);
        }
        is_better
    }

    /// Tries an open set unless it has been; tells whether it serves everybody at whatever cost.
    pub(super) fn consider(
        &mut self,
        problem: &Problem,
        served: &[Scaled],
        open: &[usize],
        cuts: &mut Cuts,
    ) -> bool {
        if !self.tried.insert(open.to_vec()) {
            return true;
        }
        match plan::evaluate(problem, served, open, self.cost, false, cuts) {
            Verdict::Plan { plan, .. } => {
                self.keep(plan);
                true
            }
            Verdict::Costly(_) => true,
            Verdict::Impossible | Verdict::Unknown(_) => false,
        }
    }

    /// Tries the set that `openness` suggests, mended until it serves everybody.
    pub(super) fn round(
        &mut self,
        problem: &Problem,
        served: &[Scaled],
        cuts: &mut Cuts,
        openness: &[f64],
        watch: &mut Watch<'_>,
    ) {
        let mut is_open: Vec<bool> = problem.fixes.iter().map(|&fix| fix == Fix::Open).collect();
        let mut order: Vec<usize> =
            (0..problem.sites).filter(|&site| problem.fixes[site] == Fix::Free).collect();
        order.sort_by(|&a, &b| openness[b].total_cmp(&openness[a]));
        let mut opened = is_open.iter().filter(|&&is_open| is_open).count();
        for &site in &order {
            if opened < problem.open_min || (opened < problem.open_max && openness[site] > 0.5) {
                is_open[site] = true;
                opened += 1;
            }
        }
        for round in 0..REPAIRS_MAX {
            mend(problem, cuts, openness, &mut is_open);
            let open: Vec<usize> = (0..problem.sites).filter(|&site| is_open[site]).collect();
            let known = cuts.all.len();
            if self.consider(problem, served, &open, cuts) || (round > 0 && watch.is_over()) {
                return;
            }
            // What no cut explains, one more site may cure.
            if known == cuts.all.len() {
                let next = order.iter().copied().find(|&site| !is_open[site]);
                match next.filter(|_| open.len() < problem.open_max) {
                    Some(site) => is_open[site] = true,
                    None => return,
                }
            }
        }
    }

    /// Opens, closes and exchanges sites of the best plan as long as that makes it better.
    pub(super) fn improve(
        &mut self,
        problem: &Problem,
        served: &[Scaled],
        cuts: &mut Cuts,
        watch: &mut Watch<'_>,
    ) {
        loop {
            let before = self.cost;
            let Some(open) = self.plan.as_ref().map(|plan| plan.open.clone()) else {
                return;
            };
            let mut moves = moves(problem, &open);
            self.random.shuffle(&mut moves);
            for (close, add) in moves {
                let mut next: Vec<usize> = open.iter().copied().filter(|&site| Some(site) != close).collect();
                next.extend(add);
                next.sort_unstable();
                self.consider(problem, served, &next, cuts);
                watch.best = self.cost;
                if self.cost < before {
                    break;
                }
                if watch.is_over() {
                    return;
                }
            }
            if self.cost >= before {
                return;
            }
        }
    }
}

/// Every way to close one site, open one, or both.
fn moves(problem: &Problem, open: &[usize]) -> Vec<(Option<usize>, Option<usize>)> {
    let closable: Vec<usize> =
        open.iter().copied().filter(|&site| problem.fixes[site] == Fix::Free).collect();
    let addable: Vec<usize> =
        (0..problem.sites).filter(|site| problem.fixes[*site] == Fix::Free && !open.contains(site)).collect();
    let mut moves = Vec::new();
    if open.len() > problem.open_min {
        moves.extend(closable.iter().map(|&close| (Some(close), None)));
    }
    if open.len() < problem.open_max {
        moves.extend(addable.iter().map(|&add| (None, Some(add))));
    }
    for &close in &closable {
        moves.extend(addable.iter().map(|&add| (Some(close), Some(add))));
    }
    moves
}

/// Opens sites, or exchanges them when no more may be open, until no known cut is violated or nothing helps.
fn mend(problem: &Problem, cuts: &Cuts, openness: &[f64], is_open: &mut [bool]) {
    for _ in 0..problem.sites {
        let lacks: Vec<f64> = cuts.all.iter().map(|cut| lack(problem, cut, is_open, None)).collect();
        let total: f64 = lacks.iter().sum();
        if total <= 1e-9 {
            return;
        }
        let opened = is_open.iter().filter(|&&is_open| is_open).count();
        let is_full = opened >= problem.open_max;
        let free = |site: &usize| problem.fixes[*site] == Fix::Free;
        let mut best = (total - 1e-9, f64::NEG_INFINITY, None);
        let closing: Vec<Option<usize>> = if is_full {
            (0..problem.sites).filter(free).filter(|&site| is_open[site]).map(Some).collect()
        } else {
            vec![None]
        };
        for close in closing {
            for add in (0..problem.sites).filter(free).filter(|&site| !is_open[site]) {
                let left: f64 =
                    cuts.all.iter().map(|cut| lack(problem, cut, is_open, Some((close, add)))).sum();
                let key = openness[add] - close.map_or(0.0, |site| openness[site]);
                if left < best.0 - 1e-9 || (left < best.0 + 1e-9 && key > best.1) {
                    best = (left, key, Some((close, add)));
                }
            }
        }
        let Some((close, add)) = best.2 else {
            return;
        };
        if let Some(site) = close {
            is_open[site] = false;
        }
        is_open[add] = true;
    }
}

/// By how much an open set, after an exchange, misses a cut at the sites' largest sizes.
fn lack(
    problem: &Problem,
    cut: &crate::general::cut::Cut,
    is_open: &[bool],
    exchange: Option<(Option<usize>, usize)>,
) -> f64 {
    let is_open = |site: usize| match exchange {
        Some((_, add)) if add == site => true,
        Some((Some(close), _)) if close == site => false,
        Some(_) | None => is_open[site],
    };
    let sum: f64 = (0..problem.sites).filter(|&site| is_open(site)).map(|site| cut.most(problem, site)).sum();
    (1.0 - sum).max(0.0)
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.next() % (last as u64 + 1)).unwrap_or(last);
            items.swap(last, other);
        }
    }
}
