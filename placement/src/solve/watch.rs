//! When to stop, and whom to tell meanwhile.

use core::ops::ControlFlow;
use core::time::Duration;
use std::time::Instant;

use super::{Effort, Progress};

/// Time between two reports.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// Follows a search: tells how far it is and knows when it must end.
pub(crate) struct Watch<'a> {
    started: Instant,
    told: Instant,
    time_limit: Option<Duration>,
    gap_goal: f64,
    tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    is_stopped: bool,
    /// Factor from the search's own costs to the caller's.
    pub(crate) cost_unit: f64,
    /// No plan costs less, in the search's own costs.
    pub(crate) bound: f64,
    /// The cost of the best plan.
    pub(crate) best: f64,
    /// Nodes of the tree done.
    pub(crate) nodes: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(effort: &Effort, tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        let started = read_clock();
        Self {
            started,
            told: started,
            time_limit: effort.time_limit,
            gap_goal: effort.gap_goal.max(0.0),
            tell,
            is_stopped: false,
            cost_unit: 1.0,
            bound: f64::NEG_INFINITY,
            best: f64::INFINITY,
            nodes: 0,
        }
    }

    /// Whether the search must end: the time is over, the caller said so, or the gap is small enough. To be asked often.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.is_stopped {
            return true;
        }
        let now = read_clock();
        let elapsed = now.saturating_duration_since(self.started);
        self.is_stopped = self.time_limit.is_some_and(|limit| elapsed >= limit) || self.is_near_enough();
        if now.saturating_duration_since(self.told) >= TELL_EVERY {
            self.told = now;
            let progress = Progress {
                bound: self.bound.min(self.best) * self.cost_unit,
                best: self.best * self.cost_unit,
                nodes: self.nodes,
                elapsed,
            };
            self.is_stopped |= (self.tell)(&progress).is_break();
        }
        self.is_stopped
    }

    fn is_near_enough(&self) -> bool {
        self.best.is_finite() && self.best - self.bound <= self.gap_goal * self.best
    }

    /// Raises the bound; a lower one than known changes nothing.
    pub(crate) fn raise(&mut self, bound: f64) {
        self.bound = self.bound.max(bound);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time limit needs a clock; the search's choices never see it"
)]
fn read_clock() -> Instant {
    Instant::now()
}
