use std::boxed::Box;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

const GAMMA: f64 = 0.036;
const DELTA: f64 = 0.024;

/// Figure 2 of the paper: S by (7) for alpha 0.1 to 1.5 (rows) and K0 1 to 8 (columns).
#[expect(clippy::approx_constant, reason = "0.3183 is a value of the table, not 1/pi")]
const FIGURE_2: [[f64; 8]; 15] = [
    [1.0120, 0.9539, 0.9802, 1.0154, 1.0528, 1.0916, 1.1319, 1.1736],
    [1.0120, 0.8744, 0.8774, 0.9040, 0.9361, 0.9704, 1.0061, 1.0432],
    [1.0120, 0.8072, 0.7828, 0.7962, 0.8208, 0.8497, 0.8806, 0.9129],
    [1.0120, 0.7495, 0.6975, 0.6947, 0.7091, 0.7307, 0.7558, 0.7829],
    [1.0120, 0.6996, 0.6217, 0.6017, 0.6038, 0.6161, 0.6338, 0.6546],
    [1.0120, 0.6558, 0.5551, 0.5185, 0.5074, 0.5089, 0.5176, 0.5305],
    [1.0120, 0.6173, 0.4968, 0.4454, 0.4218, 0.4124, 0.4112, 0.4151],
    [1.0120, 0.5830, 0.4459, 0.3822, 0.3480, 0.3288, 0.3183, 0.3134],
    [1.0120, 0.5523, 0.4015, 0.3281, 0.2857, 0.2589, 0.2411, 0.2290],
    [1.0120, 0.5247, 0.3627, 0.2820, 0.2340, 0.2022, 0.1797, 0.1630],
    [1.0120, 0.4997, 0.3287, 0.2431, 0.1916, 0.1572, 0.1326, 0.1140],
    [1.0120, 0.4770, 0.2989, 0.2102, 0.1572, 0.1221, 0.0974, 0.0790],
    [1.0120, 0.4562, 0.2727, 0.1823, 0.1294, 0.0951, 0.0715, 0.0547],
    [1.0120, 0.4372, 0.2495, 0.1588, 0.1069, 0.0743, 0.0527, 0.0379],
    [1.0120, 0.4197, 0.2291, 0.1389, 0.0887, 0.0584, 0.0391, 0.0265],
];

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_scaling.txt",
        ))),
        ..ProptestConfig::default()
    }
}

fn s(alpha: f64, levels: u8) -> f64 {
    scaling_factor(&Churn { alpha, gamma: GAMMA, delta: DELTA }, levels).unwrap()
}

#[test]
fn figure_2_to_four_digits() {
    for (row, tenths) in FIGURE_2.iter().zip(1_u8..) {
        for (&expected, levels) in row.iter().zip(1_u8..) {
            let got = s(f64::from(tenths) / 10.0, levels);
            assert!((got - expected).abs() <= 0.000_050_1, "alpha .{tenths} K0 {levels}: {got} {expected}");
        }
    }
}

#[test]
fn one_level_gives_the_growth_whatever_alpha() {
    for tenths in 0_u8..=30 {
        assert!((s(f64::from(tenths) / 10.0, 1) - (1.0 + GAMMA - DELTA)).abs() < 1e-12);
    }
}

#[test]
fn below_one_there_is_a_best_depth() {
    for (tenths, best) in (1_u8..).zip([2, 2, 3, 4, 4, 5, 7, 9, 13]) {
        let alpha = f64::from(tenths) / 10.0;
        let argmin = (1..=60).min_by(|&a, &b| s(alpha, a).total_cmp(&s(alpha, b)));
        assert_eq!(argmin, Some(best), "alpha .{tenths}");
    }
}

#[test]
fn depth_helps_without_end_only_above_the_threshold() {
    let threshold = (1.0 + GAMMA - DELTA) / (1.0 - DELTA);
    assert!((threshold - 1.0369).abs() < 0.000_05);
    let falls = |alpha: f64| (1..=254).all(|levels| s(alpha, levels + 1) < s(alpha, levels));
    assert!(falls(threshold + 0.001));
    assert!(!falls(threshold - 0.01), "alpha > 1 alone is not enough, as the text has it");
}

#[test]
fn without_churn_depth_approaches_one_minus_alpha() {
    for tenths in 0_u8..=9 {
        let alpha = f64::from(tenths) / 10.0;
        let deep = scaling_factor(&Churn::none(alpha), u8::MAX).unwrap();
        assert!((deep - (1.0 - alpha)).abs() < 1e-9, "{alpha} {deep}");
    }
    for levels in 1..=20 {
        let even = scaling_factor(&Churn::none(1.0), levels).unwrap();
        assert!((even - 1.0 / f64::from(levels)).abs() < 1e-12, "(4) at alpha = 1");
    }
}

#[test]
fn inputs_out_of_range_are_errors() {
    let plain = Churn::default();
    for alpha in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
        assert_eq!(scaling_factor(&Churn { alpha, ..plain }, 2), Err(ScalingError::Alpha));
    }
    for gamma in [-0.1, 1.1, f64::NAN] {
        assert_eq!(scaling_factor(&Churn { gamma, ..plain }, 2), Err(ScalingError::Gamma));
    }
    for delta in [-0.1, 1.0, f64::NAN] {
        assert_eq!(supply(&Churn { delta, ..plain }, 1.0, 2), Err(ScalingError::Delta));
        assert_eq!(population(&Churn { delta, ..plain }, 1.0, 1.0, 2), Err(ScalingError::Delta));
    }
    assert_eq!(scaling_factor(&plain, 0), Err(ScalingError::Levels));
}

#[test]
fn an_error_says_which_input_it_is_about() {
    for (error, text) in [
        (ScalingError::Alpha, "alpha"),
        (ScalingError::Gamma, "gamma"),
        (ScalingError::Delta, "delta"),
        (ScalingError::Levels, "level"),
        (ScalingError::Factor, "scaling factor"),
        (ScalingError::Slope, "slope"),
    ] {
        assert!(std::format!("{error}").contains(text), "{error:?}");
    }
}

#[test]
fn suppliers_leave_between_the_levels() {
    for (alpha, delta, k, expected) in [
        (1.0, 0.0, 3, 80.0),
        (0.5, 0.0, 2, 20.0),
        (1.0, 0.25, 1, 60.0),
        (0.5, 0.5, 2, 5.0),
        (2.0, 0.5, 0, 80.0),
    ] {
        assert_eq!(supply(&Churn { alpha, gamma: 0.0, delta }, 80.0, k), Ok(expected), "{alpha} {delta} {k}");
    }
}

#[test]
fn where_clients_are_counted_s_is_clamped() {
    assert_eq!(scaling_factor_clamped(&Churn::none(0.5), 1, 10), Ok(1.0));
    assert_eq!(scaling_factor_clamped(&Churn { gamma: 1.0, ..Churn::default() }, 8, 10), Ok(1.0));
    assert_eq!(scaling_factor_clamped(&Churn::none(50.0), 4, 10), Ok(0.1));
    assert_eq!(scaling_factor_clamped(&Churn::none(50.0), 4, 0), Ok(1.0));
}

#[test]
fn the_papers_n_star_and_the_operating_one() {
    assert_eq!(n_star(200_000_000, 400_000), 500);
    assert_eq!(n_star(200_000_000, 0), 0);
    assert_eq!(n_star(u64::MAX, 1), u32::MAX);
    let table = [
        (200_000_000, 400_000, 0.0, 0.0, 0.0, 500),
        (200_000_000, 400_000, 0.2, 0.06, 0.04, 350),
        (200_000_000, 400_000, 0.2, 0.1, 0.0, 350),
        (1_000_000, 300_000, 0.0, 0.0, 0.0, 3),
        (200_000_000, 400_000, 0.5, 0.5, 0.2, 0),
        (200_000_000, 400_000, f64::NAN, 0.0, 0.0, 0),
        (200_000_000, 400_000, -3.0, 0.0, 0.5, 250),
        (200_000_000, 0, 0.2, 0.0, 0.0, 0),
        (u64::MAX, 1, 0.0, 0.0, 0.0, u32::MAX),
    ];
    for (capacity, rate, rescue, overhead, burst, clients) in table {
        assert_eq!(n_star_operating(capacity, rate, rescue, overhead, burst), clients, "{rescue} {burst}");
    }
}

proptest! {
    #![proptest_config(config())]

    /// (7) is where (5), (6) and P(K0) = 0 meet.
    #[test]
    fn s_serves_everybody_after_the_last_level(
        alpha in 0.0..1.5, gamma in 0.0..0.3, delta in 0.0..0.3, levels in 1_u8..=15, p0 in 1.0..1e6,
    ) {
        let churn = Churn { alpha, gamma, delta };
        let nc = p0 * scaling_factor(&churn, levels).unwrap();
        let left = population(&churn, p0, nc, levels).unwrap();
        prop_assert!(left.abs() < p0 * 1e-9, "{} of {}", left, p0);
        // And level by level as the recursions (1) and (2) have it, without churn.
        let still = Churn::none(alpha);
        let before = population(&still, p0, nc, levels - 1).unwrap();
        let after = population(&still, p0, nc, levels).unwrap();
        let fed = supply(&still, nc, levels - 1).unwrap();
        prop_assert!((before - fed - after).abs() < p0 * 1e-9);
    }

    #[test]
    fn s_falls_in_alpha_and_rises_in_gamma(
        alpha in 0.0..2.0, gamma in 0.0..0.5, delta in 0.0..0.5, levels in 2_u8..=15, more in 0.001..0.4,
    ) {
        let of = |churn| scaling_factor(&churn, levels).unwrap();
        let plain = of(Churn { alpha, gamma, delta });
        let generous = of(Churn { alpha: alpha + more, gamma, delta });
        prop_assert!(generous < plain);
        let crowded = of(Churn { alpha, gamma: gamma + more, delta });
        prop_assert!(crowded > plain);
    }
}
