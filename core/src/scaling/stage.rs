//! The four stages of an edge's load, and who feeds a newcomer: LiveSky, Figure 3.

use serde::{Deserialize, Serialize};

use super::model::{ScalingError, clamp_factor};
use crate::wire::control::Class;

/// How loaded an edge is with one channel (LiveSky, Figure 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stage {
    /// Up to N1 clients: the edge feeds everybody.
    #[default]
    One,
    /// Up to N1/S: the edge feeds N1, these feed the rest.
    Two,
    /// Below N*/S: of each newcomers a share goes to the edge.
    Three,
    /// From N*/S on: the edge feeds as many as it can.
    Four,
}

/// Where the stages begin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Thresholds {
    /// N1: clients the edge feeds before peers are used; at most N*.
    pub n1: u32,
    /// N*: clients the edge can feed.
    pub n_star: u32,
    /// S, at most 1.
    pub s: f64,
    /// Share of newcomers that the edge feeds in stage 3.
    pub slope: f64,
}

/// Why a newcomer went where it went: for events, logs and the JSON interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decision {
    /// The stage.
    pub stage: Stage,
    /// P0: clients, the newcomer included.
    pub p0: u32,
    /// Nc before the decision: feeds of the edge over M.
    pub nc: f64,
    /// Nc as it should be.
    pub target: f64,
    /// N1.
    pub n1: u32,
    /// N*.
    pub n_star: u32,
    /// S.
    pub s: f64,
}

impl Thresholds {
    /// Thresholds for an S by [`scaling_factor`](super::scaling_factor). `n1` above `n_star` is `n_star`; S above 1 is
    /// 1; no `slope` is S, which keeps stage 3 on the analytical bound (the paper's half does so for S = 0.5 only).
    ///
    /// # Errors
    /// [`ScalingError::Factor`] when S, [`ScalingError::Slope`] when the slope is out of range.
    pub fn new(n1: u32, n_star: u32, s: f64, slope: Option<f64>) -> Result<Self, ScalingError> {
        if !(s.is_finite() && s > 0.0) {
            return Err(ScalingError::Factor);
        }
        let s = s.min(1.0);
        let slope = slope.unwrap_or(s);
        if !(slope > 0.0 && slope <= 1.0) {
            return Err(ScalingError::Slope);
        }
        Ok(Self { n1: n1.min(n_star), n_star, s, slope })
    }

    /// N1/S: the load up to which N1 clients fed by the edge suffice.
    #[must_use]
    pub fn stage_two_max(&self) -> f64 {
        f64::from(self.n1) / self.s
    }

    /// N*/S: the load from which on clients lack suppliers.
    #[must_use]
    pub fn stage_four_min(&self) -> f64 {
        f64::from(self.n_star) / self.s
    }

    /// The stage at a load of `p0` clients.
    #[must_use]
    pub fn stage(&self, p0: u32) -> Stage {
        let load = f64::from(p0);
        if p0 <= self.n1 {
            Stage::One
        } else if load <= self.stage_two_max() {
            Stage::Two
        } else if load < self.stage_four_min() {
            Stage::Three
        } else {
            Stage::Four
        }
    }

    /// Nc as it should be at a load of `p0` clients: all of them, then N1, then a share of each newcomer, never above
    /// N*, and one at least while there is anybody to feed. A slope below S reaches N* later than stage 4 begins.
    #[must_use]
    pub fn target_nc(&self, p0: u32) -> f64 {
        let (load, n1, n_star) = (f64::from(p0), f64::from(self.n1), f64::from(self.n_star));
        if p0 <= self.n1 {
            return load;
        }
        let beyond = load - self.stage_two_max();
        let target = if beyond > 0.0 { n1 + self.slope * beyond } else { n1 };
        // S clamped to 1/P0: without a first client there is nobody to feed the others.
        target.max(clamp_factor(0.0, p0) * load).min(n_star)
    }

    /// The decision at this load, for whoever wants to know why.
    #[must_use]
    pub fn explain(&self, stage: Stage, p0: u32, nc: f64) -> Decision {
        let target = self.target_nc(p0);
        Decision { stage, p0, nc, target, n1: self.n1, n_star: self.n_star, s: self.s }
    }

    /// The load above which `stage` begins; below it an edge may fall back a stage.
    fn begins_above(&self, stage: Stage) -> f64 {
        match stage {
            Stage::One => 0.0,
            Stage::Two => f64::from(self.n1),
            Stage::Three => self.stage_two_max(),
            Stage::Four => self.stage_four_min(),
        }
    }
}

/// The stage with memory: it rises at once, and falls when the load is clearly below the threshold, so that one client
/// coming and going at a threshold does not flap it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StageTracker {
    stage: Stage,
}

impl StageTracker {
    /// Clients below a threshold that count as clearly below it: this many and 2 %.
    const MARGIN: f64 = 2.0;
    const MARGIN_SHARE: f64 = 0.02;

    /// Nobody there; all zero bits.
    pub const EMPTY: Self = Self { stage: Stage::One };

    /// The stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Takes in a load of `p0` clients; the stage, when it changed.
    pub fn on_load(&mut self, thresholds: &Thresholds, p0: u32) -> Option<Stage> {
        let at_load = thresholds.stage(p0);
        let threshold = thresholds.begins_above(self.stage);
        let margin = Self::MARGIN + Self::MARGIN_SHARE * threshold;
        let is_clear = p0 == 0 || f64::from(p0) <= threshold - margin;
        if at_load > self.stage || (at_load < self.stage && is_clear) {
            self.stage = at_load;
            return Some(at_load);
        }
        None
    }
}

/// How a newcomer is to be fed. `p0` includes it; `nc_feeds` is what the edge feeds already, in clients (its feeds over
/// M); `hysteresis` is by how many clients Nc must be short beyond the newcomer itself before the edge takes one more
/// past stage 1. 0 holds Nc to the target.
#[must_use]
pub fn admit(thresholds: &Thresholds, p0: u32, nc_feeds: f64, hysteresis: f64) -> Class {
    let has_room = match thresholds.stage(p0) {
        Stage::One => true,
        Stage::Two | Stage::Three | Stage::Four => {
            nc_feeds + 1.0 + hysteresis.max(0.0) <= thresholds.target_nc(p0) + ROUNDING
        }
    };
    if has_room { Class::Push } else { Class::P2p }
}

/// Feeds are counted in sixths and the like: sums of them miss whole numbers by less than this.
const ROUNDING: f64 = 1e-6;

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
