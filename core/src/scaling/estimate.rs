//! Online estimates of alpha, gamma and delta, for an edge whose operator does not know them.

use core::time::Duration;

use super::model::Churn;
use crate::time::Instant;

/// Weight of the newest interval: four intervals halve what was before by two thirds.
const WEIGHT: f64 = 0.25;
/// Below so few clients a join or two would be a storm.
const CLIENTS_MIN: u32 = 10;
/// Equation (7) has no answer at delta = 1.
const DELTA_MAX: f64 = 0.9;

/// What an edge counts of one channel's clients, and the churn that follows.
///
/// alpha comes from *capacity*, the slots that clients have and that their uplinks were seen to bear. From bytes uploaded it
/// would lock the edge in push: who is asked for nothing uploads nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimator {
    joins: u32,
    leaves: u32,
    ends_at: Instant,
    churn: Option<Churn>,
}

impl Estimator {
    /// Nothing counted.
    pub const EMPTY: Self = Self { joins: 0, leaves: 0, ends_at: Instant::ZERO, churn: None };

    /// A client joined.
    pub const fn on_join(&mut self) {
        self.joins = self.joins.saturating_add(1);
    }

    /// A client left.
    pub const fn on_leave(&mut self) {
        self.leaves = self.leaves.saturating_add(1);
    }

    /// Ends the interval when it is over: with `p0` clients that have `slots` upload slots together, each a feed of one of
    /// `substreams`. Gives the churn, when there are enough clients to tell.
    pub fn on_time(
        &mut self,
        now: Instant,
        interval: Duration,
        p0: u32,
        slots: u32,
        substreams: u8,
    ) -> Option<Churn> {
        if now < self.ends_at {
            return None;
        }
        let is_first = self.ends_at == Instant::ZERO;
        let (joins, leaves) = (f64::from(self.joins), f64::from(self.leaves));
        (self.joins, self.leaves) = (0, 0);
        self.ends_at = now + interval;
        // Of the first interval the beginning is not known, and everybody joins.
        if is_first || p0 < CLIENTS_MIN {
            return None;
        }
        let clients = f64::from(p0);
        let fresh = Churn {
            alpha: f64::from(slots) / (clients * f64::from(substreams.max(1))),
            gamma: (joins / clients).min(1.0),
            delta: (leaves / clients).min(DELTA_MAX),
        };
        let churn = self.churn.map_or(fresh, |before| Churn {
            alpha: blend(before.alpha, fresh.alpha),
            gamma: blend(before.gamma, fresh.gamma),
            delta: blend(before.delta, fresh.delta),
        });
        self.churn = Some(churn);
        Some(churn)
    }

    /// The estimate, once there is one.
    #[must_use]
    pub const fn churn(&self) -> Option<Churn> {
        self.churn
    }
}

fn blend(before: f64, fresh: f64) -> f64 {
    before + WEIGHT * (fresh - before)
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
