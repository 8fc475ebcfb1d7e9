//! How many clients the edge feeds itself: LiveSky's analytical model, and the stages that follow from it.
//!
//! Pure functions over plain data; only `+ - * /` on floats, so every target computes the same bits.

mod estimate;
mod model;
mod stage;
mod uplink;

pub use estimate::Estimator;
pub use model::{
    Churn, ScalingError, n_star, n_star_operating, population, scaling_factor, scaling_factor_clamped, supply,
};
pub use stage::{Decision, Stage, StageTracker, Thresholds, admit};
pub use uplink::{Uplink, slots};
