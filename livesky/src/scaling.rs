//! Settings of the scaling model: what an operator knows of the viewers, from which S follows (LiveSky, equation (7)).

use clap::Args;
use livesky_core::scaling::Churn;

use crate::config::Bounds;

/// The values a setting that is no whole number may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealBounds {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl RealBounds {
    /// Whether `number` lies between them.
    #[must_use]
    pub fn contain(self, number: f64) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

/// Bounds of `alpha`: a peer that feeds a hundred others.
pub const ALPHA: RealBounds = RealBounds { min: 0.0, max: 100.0 };
/// Bounds of `gamma`: twice as many in an interval.
pub const GAMMA: RealBounds = RealBounds { min: 0.0, max: 1.0 };
/// Bounds of `delta`: who stays for an interval supplies the others.
pub const DELTA: RealBounds = RealBounds { min: 0.0, max: 0.99 };
/// Bounds of `slope`.
pub const SLOPE: RealBounds = RealBounds { min: 0.01, max: 1.0 };
/// Bounds of `churn-interval-s`: within five minutes a third of the paper's viewers leave.
pub const CHURN_INTERVAL_S: Bounds = Bounds { min: 1, max: 300 };

/// The interval that gamma and delta of [`Churn::default`] are for: 2.4 % leaving in 20 s is the paper's mean view of 13.5
/// minutes.
const DEFAULT_INTERVAL_S: u64 = 20;

/// Flags of the model, the same for an edge and for the demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Args)]
pub struct ScalingArgs {
    /// Share of the stream's rate that a viewer uploads on average [default: 1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = flag(ALPHA))]
    pub alpha: Option<f64>,
    /// Viewers that come in a churn interval, as a share of those present [default: 0.036 for 20 s, in proportion otherwise]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = flag(GAMMA))]
    pub gamma: Option<f64>,
    /// Viewers that leave in a churn interval, as a share of those present [default: 0.024 for 20 s, in proportion otherwise]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = flag(DELTA))]
    pub delta: Option<f64>,
    /// The interval gamma and delta are for, in seconds: how long a viewer takes to find parents and to feed others [default: 20]
    #[arg(long, value_name = "S", value_parser = crate::cli::flag(CHURN_INTERVAL_S))]
    pub churn_interval_s: Option<u64>,
    /// Share of the newcomers fed directly in stage 3 [default: S, as alpha, gamma, delta and the levels give it]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = flag(SLOPE))]
    pub slope: Option<f64>,
}

/// A number within the bounds of a setting.
pub(crate) fn flag(bounds: RealBounds) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| {
        let RealBounds { min, max } = bounds;
        let number: f64 = text.parse().map_err(|_| format!("{text} is not a number"))?;
        if bounds.contain(number) { Ok(number) } else { Err(format!("{number} is not in {min}..={max}")) }
    }
}

/// The settings; what is `None` follows from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scaling {
    /// Share of the rate a viewer uploads.
    pub alpha: Option<f64>,
    /// Joins per interval, as a share of those present.
    pub gamma: Option<f64>,
    /// Leaves per interval, as a share of those present.
    pub delta: Option<f64>,
    /// The interval in seconds.
    pub churn_interval_s: Option<u64>,
    /// Share of the newcomers fed directly in stage 3; `None`: S.
    pub slope: Option<f64>,
}

impl Scaling {
    /// What the flags say, and where they say nothing what was set before.
    #[must_use]
    pub fn with_flags(self, args: &ScalingArgs) -> Self {
        Self {
            alpha: args.alpha.or(self.alpha),
            gamma: args.gamma.or(self.gamma),
            delta: args.delta.or(self.delta),
            churn_interval_s: args.churn_interval_s.or(self.churn_interval_s),
            slope: args.slope.or(self.slope),
        }
    }

    /// The interval that gamma and delta are for, in seconds.
    #[must_use]
    pub fn interval_s(&self) -> u32 {
        u32::try_from(self.churn_interval_s.unwrap_or(DEFAULT_INTERVAL_S)).unwrap_or(u32::MAX)
    }

    /// Churn per interval. Viewers that come and go as in the paper do so less in a shorter interval.
    #[must_use]
    pub fn churn(&self) -> Churn {
        let base = Churn::default();
        let intervals = f64::from(self.interval_s()) / DEFAULT_INTERVAL_S as f64;
        Churn {
            alpha: self.alpha.unwrap_or(base.alpha),
            gamma: self.gamma.unwrap_or(base.gamma * intervals),
            delta: self.delta.unwrap_or(base.delta * intervals),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_the_churn_is_the_papers() {
        let scaling = Scaling::default();
        assert_eq!((scaling.churn(), scaling.interval_s()), (Churn::default(), 20));
    }

    #[test]
    fn a_longer_interval_sees_more_come_and_go_unless_they_are_counted() {
        let churn = Scaling { churn_interval_s: Some(60), ..Scaling::default() }.churn();
        assert!((churn.gamma - 0.108).abs() < 1e-12 && (churn.delta - 0.072).abs() < 1e-12, "{churn:?}");
        let counted =
            Scaling { churn_interval_s: Some(60), gamma: Some(0.2), delta: Some(0.1), ..Scaling::default() };
        assert_eq!(counted.churn(), Churn { alpha: 1.0, gamma: 0.2, delta: 0.1 });
        let longest = Scaling { churn_interval_s: Some(CHURN_INTERVAL_S.max), ..Scaling::default() };
        assert_eq!(longest.churn().validate(), Ok(()));
    }

    #[test]
    fn every_value_within_bounds_makes_a_model() {
        for (alpha, gamma, delta) in
            [(ALPHA.min, GAMMA.min, DELTA.min), (ALPHA.max, GAMMA.max, DELTA.max), (0.0, 1.0, 0.99)]
        {
            let scaling =
                Scaling { alpha: Some(alpha), gamma: Some(gamma), delta: Some(delta), ..Scaling::default() };
            assert_eq!(scaling.churn().validate(), Ok(()), "{scaling:?}");
        }
    }

    #[test]
    fn flags_override_what_was_set() {
        let set = Scaling { alpha: Some(0.5), slope: Some(0.7), ..Scaling::default() };
        let args = ScalingArgs { alpha: Some(0.6), delta: Some(0.1), ..ScalingArgs::default() };
        let expected = Scaling { alpha: Some(0.6), delta: Some(0.1), slope: Some(0.7), ..Scaling::default() };
        assert_eq!(set.with_flags(&args), expected);
    }
}
