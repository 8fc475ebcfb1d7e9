//! What one open site earns when customers pay prices to be served: a knapsack for each state, and a size for all.

/// Steps of the search for whole customers; after them the bound by shares stands.
const STEPS_MAX: usize = 2_000;

/// A customer that is worth serving.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Which row of prices: served state × customers + customer.
    pub(super) row: usize,
    /// What serving all of it earns; over 0.
    pub(super) gain: f64,
    /// What serving all of it takes of the size.
    pub(super) demand: f64,
}

impl Item {
    fn rate(&self) -> f64 {
        if self.demand > 0.0 { self.gain / self.demand } else { f64::INFINITY }
    }
}

fn by_rate(items: &mut [Item]) {
    items.sort_unstable_by(|a, b| b.rate().total_cmp(&a.rate()).then(a.row.cmp(&b.row)));
}

/// Fills `size` with the best of a state's items, in shares; adds to `taken` and returns what that earns.
pub(super) fn fill(items: &mut [Item], size: f64, taken: &mut Vec<(usize, f64)>) -> f64 {
    let all: f64 = items.iter().map(|item| item.demand).sum();
    if all > size {
        by_rate(items);
    }
    let mut left = size;
    let mut gain = 0.0;
    for item in items.iter() {
        let share = if item.demand <= left { 1.0 } else { left / item.demand };
        if share <= 0.0 {
            break;
        }
        left = (left - item.demand).max(0.0);
        gain += share * item.gain;
        taken.push((item.row, share));
    }
    gain
}

/// The size within `least..=most` at which the states' items together earn most above `price` per unit.
pub(super) fn best_size(states: &mut [Vec<Item>], price: f64, least: f64, most: f64) -> f64 {
    for items in states.iter_mut() {
        by_rate(items);
    }
    // Where each state's next unit comes from, and how much of that item is left.
    let mut next: Vec<(usize, f64)> =
        states.iter().map(|items| (0, items.first().map_or(0.0, |item| item.demand))).collect();
    let mut size = 0.0;
    loop {
        let mut rate = 0.0;
        let mut step = f64::INFINITY;
        for (items, (index, left)) in states.iter().zip(next.iter_mut()) {
            while *left <= 0.0 && *index < items.len() {
                *index += 1;
                *left = items.get(*index).map_or(0.0, |item| item.demand);
            }
            if let Some(item) = items.get(*index) {
                rate += item.rate();
                step = step.min(*left);
            }
        }
        if !step.is_finite() || (rate <= price && size >= least) {
            break;
        }
        let until = if rate > price { most } else { least };
        let step = step.min(until - size);
        size += step;
        for (_, left) in &mut next {
            *left -= step;
        }
        if size >= until {
            break;
        }
    }
    size.clamp(least, most)
}

/// Fills `size` (tolerance included) with whole items of one state. Returns no less than the best choice earns; what is added to `taken` is
/// that choice unless the search was cut short.
pub(super) fn fill_whole(items: &mut Vec<Item>, size: f64, taken: &mut Vec<(usize, f64)>) -> f64 {
    items.retain(|item| item.demand <= size);
    let all: f64 = items.iter().map(|item| item.demand).sum();
    if all <= size {
        taken.extend(items.iter().map(|item| (item.row, 1.0)));
        return items.iter().map(|item| item.gain).sum();
    }
    by_rate(items);
    let mut search = Search {
        items,
        chosen: vec![false; items.len()],
        best: vec![false; items.len()],
        gain: -1.0,
        steps: 0,
    };
    let relaxed = search.relaxed(0, size);
    search.run(size);
    taken.extend(items_of(search.items, &search.best));
    if search.steps >= STEPS_MAX { relaxed } else { search.gain.max(0.0) }
}

fn items_of(items: &[Item], chosen: &[bool]) -> Vec<(usize, f64)> {
    items.iter().zip(chosen).filter(|(_, is_chosen)| **is_chosen).map(|(item, _)| (item.row, 1.0)).collect()
}

struct Search<'a> {
    items: &'a [Item],
    chosen: Vec<bool>,
    best: Vec<bool>,
    gain: f64,
    steps: usize,
}

impl Search<'_> {
    /// What the items from `first` on earn at most in `left`, by shares.
    fn relaxed(&self, first: usize, mut left: f64) -> f64 {
        let mut gain = 0.0;
        for item in &self.items[first..] {
            if item.demand > left {
                return gain + item.gain * left / item.demand;
            }
            left -= item.demand;
            gain += item.gain;
        }
        gain
    }

    /// Depth first, with an item before without it; a walk over `chosen` instead of recursion.
    fn run(&mut self, size: f64) {
        let mut at = 0;
        let mut left = size;
        let mut gain = 0.0;
        loop {
            while at < self.items.len() {
                if gain + self.relaxed(at, left) <= self.gain * (1.0 + 1e-14) {
                    break;
                }
                let item = self.items[at];
                if item.demand <= left {
                    self.chosen[at] = true;
                    left -= item.demand;
                    gain += item.gain;
                }
                at += 1;
            }
            if at == self.items.len() && gain > self.gain {
                self.gain = gain;
                self.best.copy_from_slice(&self.chosen);
            }
            self.steps += 1;
            if self.steps >= STEPS_MAX {
                return;
            }
            let Some(last) = self.chosen[..at].iter().rposition(|&is_chosen| is_chosen) else {
                return;
            };
            self.chosen[last] = false;
            left += self.items[last].demand;
            gain -= self.items[last].gain;
            at = last + 1;
        }
    }
}
