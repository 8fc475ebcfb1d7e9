//! The scaling factor S = Nc / P0: which share of its clients the edge must feed for the peers to feed the rest.
//! Equations (1) to (7) of LiveSky, section 3.1.

/// What peers give, and how they come and go. Fractions per churn interval: an S is true for its interval only, so
/// whoever shows one says which.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Churn {
    /// alpha: mean share of the stream's rate that a peer uploads, 0 and up.
    pub alpha: f64,
    /// gamma: peers that join per interval, as a fraction of those present, 0 to 1.
    pub gamma: f64,
    /// delta: peers that leave per interval, as a fraction of those present, 0 to below 1.
    pub delta: f64,
}

/// Most that alpha may be: a peer that feeds a hundred others.
const ALPHA_MAX: f64 = 100.0;

impl Default for Churn {
    /// The figures the paper's Figure 2 is drawn with, and peers that give what they take.
    fn default() -> Self {
        Self { alpha: 1.0, gamma: 0.036, delta: 0.024 }
    }
}

impl Churn {
    /// Peers that neither come nor go: equation (4).
    #[must_use]
    pub const fn none(alpha: f64) -> Self {
        Self { alpha, gamma: 0.0, delta: 0.0 }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is negative, too large or not a number.
    pub fn validate(&self) -> Result<(), ScalingError> {
        if !(0.0..=ALPHA_MAX).contains(&self.alpha) {
            return Err(ScalingError::Alpha);
        }
        if !(0.0..=1.0).contains(&self.gamma) {
            return Err(ScalingError::Gamma);
        }
        if !(0.0..1.0).contains(&self.delta) {
            return Err(ScalingError::Delta);
        }
        Ok(())
    }
}

/// Which input makes no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ScalingError {
    /// alpha is negative, above 100 or not a number.
    Alpha,
    /// gamma is negative, above 1 or not a number.
    Gamma,
    /// delta is negative, 1 or above, or not a number.
    Delta,
    /// No levels: K0 is 0.
    Levels,
    /// S is not positive and finite.
    Factor,
    /// The slope is not above 0 and at most 1.
    Slope,
}

impl core::fmt::Display for ScalingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Alpha => "alpha is not between 0 and 100",
            Self::Gamma => "gamma is not between 0 and 1",
            Self::Delta => "delta is not between 0 and below 1",
            Self::Levels => "there must be at least one level",
            Self::Factor => "the scaling factor is not a positive number",
            Self::Slope => "the slope is not above 0 and at most 1",
        })
    }
}

/// S by equation (7), for overlays `levels` deep (K0); without churn this is equation (4).
///
/// The paper's two cases, alpha = 1 and alpha != 1, are one here: (1 - alpha^K0) / (1 - alpha) is the sum of alpha^j
/// for j below K0, which needs no division. S may pass 1: use [`scaling_factor_clamped`] where clients are counted.
///
/// # Errors
/// [`ScalingError::Levels`] for no levels, or the field of `churn` that is out of range.
pub fn scaling_factor(churn: &Churn, levels: u8) -> Result<f64, ScalingError> {
    churn.validate()?;
    if levels == 0 {
        return Err(ScalingError::Levels);
    }
    let growth = power(1.0 + churn.gamma - churn.delta, levels);
    let staying = power(1.0 - churn.delta, levels - 1);
    Ok(growth / (staying * geometric_sum(churn.alpha, levels)))
}

/// [`scaling_factor`], within [1/P0, 1]: the edge feeds one client at least and all of them at most. No clients count
/// as one.
///
/// # Errors
/// As [`scaling_factor`].
pub fn scaling_factor_clamped(churn: &Churn, levels: u8, p0: u32) -> Result<f64, ScalingError> {
    let s = scaling_factor(churn, levels)?;
    Ok(clamp_factor(s, p0))
}

/// S within [1/P0, 1].
pub(super) fn clamp_factor(s: f64, p0: u32) -> f64 {
    s.max(1.0 / f64::from(p0.max(1))).min(1.0)
}

/// N(k), peers that supply level k + 1, when the edge feeds `nc` clients itself: equation (5), without churn (1).
///
/// # Errors
/// The field of `churn` that is out of range.
pub fn supply(churn: &Churn, nc: f64, k: u8) -> Result<f64, ScalingError> {
    churn.validate()?;
    Ok(nc * power((1.0 - churn.delta) * churn.alpha, k))
}

/// P(k), clients not yet served after k levels of `p0` clients, when the edge feeds `nc` of them itself: equation (6),
/// without churn (2). S is the `nc / p0` that makes it 0 at k = K0, equation (3).
///
/// # Errors
/// The field of `churn` that is out of range.
pub fn population(churn: &Churn, p0: f64, nc: f64, k: u8) -> Result<f64, ScalingError> {
    churn.validate()?;
    let (mut waiting, mut suppliers, mut present) = (p0, nc, p0);
    for _ in 0..k {
        waiting = waiting - suppliers - churn.delta * waiting + present * churn.gamma;
        suppliers *= (1.0 - churn.delta) * churn.alpha;
        present *= 1.0 + churn.gamma - churn.delta;
    }
    Ok(waiting)
}

/// N* as the paper has it: capacity over rate. Nothing is left for headers, rescue and bursts: for the paper's figures,
/// not for operation. A rate of 0 gives 0.
#[must_use]
pub fn n_star(capacity_bps: u64, rate_bps: u32) -> u32 {
    let clients = capacity_bps.checked_div(u64::from(rate_bps)).unwrap_or(0);
    u32::try_from(clients).unwrap_or(u32::MAX)
}

/// N* in operation: what is left of the capacity after the shares for rescue, overhead and bursts, over the rate.
/// Each share counts as within 0 to 1, and not a number as 1: too few clients rather than too many.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and drops the fraction as wanted"
)]
pub fn n_star_operating(
    capacity_bps: u64,
    rate_bps: u32,
    rescue_share: f64,
    overhead_share: f64,
    burst_share: f64,
) -> u32 {
    if rate_bps == 0 {
        return 0;
    }
    let bounded = |share: f64| if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
    let left = 1.0 - bounded(rescue_share) - bounded(overhead_share) - bounded(burst_share);
    if left <= 0.0 {
        return 0;
    }
    // A sum of decimal shares misses the exact one by a few parts in 10^16: one in 10^9 keeps whole results whole.
    (capacity_bps as f64 * left / f64::from(rate_bps) * (1.0 + 1e-9)) as u32
}

fn power(base: f64, exponent: u8) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

/// 1 + ratio + ... + ratio^(terms - 1).
fn geometric_sum(ratio: f64, terms: u8) -> f64 {
    (0..terms).fold(0.0, |sum, _| sum * ratio + 1.0)
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
