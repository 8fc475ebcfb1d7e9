use core::time::Duration;

/// How long a solver tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Stop after so long with the best plan found and its gap; `None`: until it is proven.
    pub time_limit: Option<Duration>,
    /// Stop when (objective − bound) / |objective| is not above this.
    pub gap_goal: f64,
    /// Decides every choice that is left to chance. The same seed gives the same plan, unless a time limit ends the search.
    pub seed: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { time_limit: None, gap_goal: 1e-9, seed: 1 }
    }
}

/// How far a search is; told about ten times a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// No plan costs less, in units of the objective.
    pub bound: f64,
    /// The cost of the best plan so far; infinite while there is none.
    pub best: f64,
    /// Nodes of the search tree done.
    pub nodes: u64,
    /// Time since the search began.
    pub elapsed: Duration,
}

impl Progress {
    /// (best − bound) / |best|: 0 is proof, infinite says that there is no plan yet.
    #[must_use]
    pub fn gap(&self) -> f64 {
        if !self.best.is_finite() {
            return f64::INFINITY;
        }
        if self.best <= self.bound {
            0.0
        } else {
            (self.best - self.bound) / self.best.abs().max(f64::MIN_POSITIVE)
        }
    }
}
