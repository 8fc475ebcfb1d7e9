use core::ops::ControlFlow;
use core::time::Duration;
use std::time::Instant;

use crate::solve::{Effort, Progress};

/// Time between two reports.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// When to stop, and whom to tell meanwhile.
pub(super) struct Watch<'a> {
    started: Instant,
    told: Instant,
    time_limit: Option<Duration>,
    tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    is_stopped: bool,
    /// Factor from the search's costs to the instance's.
    pub(super) cost_unit: f64,
    pub(super) bound: f64,
    pub(super) best: f64,
    pub(super) nodes: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(effort: &Effort, tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        let started = read_clock();
        Self {
            started,
            told: started,
            time_limit: effort.time_limit,
            tell,
            is_stopped: false,
            cost_unit: 1.0,
            bound: f64::NEG_INFINITY,
            best: f64::INFINITY,
            nodes: 0,
        }
    }

    /// Whether the time is over or the caller said so. To be asked often.
    pub(super) fn is_over(&mut self) -> bool {
        if self.is_stopped {
            return true;
        }
        let now = read_clock();
        let elapsed = now.saturating_duration_since(self.started);
        self.is_stopped = self.time_limit.is_some_and(|limit| elapsed >= limit);
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
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time limit needs a clock; the search's choices never see it"
)]
fn read_clock() -> Instant {
    Instant::now()
}
