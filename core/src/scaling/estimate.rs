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
mod tests {
    use super::*;
    use crate::scaling::scaling_factor;

    const INTERVAL: Duration = Duration::from_secs(20);

    /// The estimate after `intervals` of 20 s with so many joins and leaves in each.
    fn after(intervals: u32, joins: u32, leaves: u32, p0: u32, slots: u32) -> Option<Churn> {
        let mut estimator = Estimator::EMPTY;
        let mut now = Instant::from_millis(1);
        for _ in 0..intervals {
            (0..joins).for_each(|_| estimator.on_join());
            (0..leaves).for_each(|_| estimator.on_leave());
            estimator.on_time(now, INTERVAL, p0, slots, 6);
            now = now + INTERVAL;
        }
        estimator.churn()
    }

    #[test]
    fn steady_churn_is_found_as_it_is() {
        let churn = after(10, 18, 12, 500, 1_620).unwrap();
        let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(near(churn.alpha, 0.54) && near(churn.gamma, 0.036) && near(churn.delta, 0.024), "{churn:?}");
        assert!(scaling_factor(&churn, 2).is_ok_and(|s| (0.6..0.7).contains(&s)));
    }

    #[test]
    fn few_clients_and_the_first_interval_tell_nothing() {
        assert_eq!(after(1, 100, 0, 100, 100), None);
        assert_eq!(after(9, 1, 1, 9, 9), None);
    }

    #[test]
    fn a_flash_crowd_and_a_mass_departure_stay_within_bounds_and_fade() {
        let mut estimator = Estimator::EMPTY;
        let mut now = Instant::from_millis(1);
        let mut step = |joins: u32, leaves: u32, p0: u32| {
            (0..joins).for_each(|_| estimator.on_join());
            (0..leaves).for_each(|_| estimator.on_leave());
            now = now + INTERVAL;
            estimator.on_time(now, INTERVAL, p0, 0, 6)
        };
        step(0, 0, 100);
        let crowd = step(5_000, 0, 100).unwrap();
        let gone = step(0, 5_000, 10).unwrap();
        assert!(crowd.gamma <= 1.0 && gone.delta <= DELTA_MAX, "{crowd:?} {gone:?}");
        let calm = (0..20).filter_map(|_| step(0, 0, 100)).last().unwrap();
        assert!(calm.gamma < 0.01 && calm.delta < 0.01, "{calm:?}");
    }

    #[test]
    fn nothing_is_told_between_intervals() {
        let mut estimator = Estimator::EMPTY;
        estimator.on_time(Instant::from_millis(1), INTERVAL, 100, 100, 6);
        assert_eq!(estimator.on_time(Instant::from_millis(19_000), INTERVAL, 100, 100, 6), None);
        assert!(estimator.on_time(Instant::from_millis(20_001), INTERVAL, 100, 100, 6).is_some());
    }
}
