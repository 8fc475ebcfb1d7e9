use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::super::{Churn, n_star, scaling_factor};
use super::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_stage.txt",
        ))),
        ..ProptestConfig::default()
    }
}

/// The paper's edge: 200 Mbit/s, 400 kbit/s, N1 = 100, K0 = 2, alpha = 1.
fn paper() -> Thresholds {
    let s = scaling_factor(&Churn::default(), 2).unwrap();
    Thresholds::new(100, n_star(200_000_000, 400_000), s, None).unwrap()
}

#[test]
fn the_papers_vector() {
    let thresholds = paper();
    assert_eq!(thresholds.n_star, 500);
    assert!((thresholds.stage_two_max() - 190.6).abs() < 0.05);
    assert!((thresholds.stage_four_min() - 953.0).abs() < 0.05);
    let table = [
        (0, Stage::One, 0.0),
        (1, Stage::One, 1.0),
        (100, Stage::One, 100.0),
        (101, Stage::Two, 100.0),
        (190, Stage::Two, 100.0),
        (191, Stage::Three, 100.2),
        (500, Stage::Three, 262.3),
        (952, Stage::Three, 499.5),
        (953, Stage::Four, 500.0),
        (100_000, Stage::Four, 500.0),
    ];
    for (p0, stage, target) in table {
        assert_eq!(thresholds.stage(p0), stage, "{p0}");
        assert!((thresholds.target_nc(p0) - target).abs() < 0.05, "{p0}: {}", thresholds.target_nc(p0));
    }
}

#[test]
fn the_papers_slope_of_a_half_meets_n_star_at_s_of_a_half() {
    let half = Thresholds::new(100, 500, 0.5, Some(0.5)).unwrap();
    assert_eq!(half, Thresholds::new(100, 500, 0.5, None).unwrap());
    assert_eq!((half.stage(999), half.stage(1_000)), (Stage::Three, Stage::Four));
    assert!((half.target_nc(1_000) - 500.0).abs() < 1e-9);
}

#[test]
fn odd_settings_are_clamped_or_refused() {
    let clamped = Thresholds::new(900, 500, 1.2, None).unwrap();
    assert_eq!((clamped.n1, clamped.s, clamped.slope), (500, 1.0, 1.0));
    assert_eq!((clamped.stage(500), clamped.stage(501)), (Stage::One, Stage::Four));
    for s in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Thresholds::new(1, 2, s, None), Err(ScalingError::Factor));
    }
    for slope in [0.0, -0.5, 1.5, f64::NAN] {
        assert_eq!(Thresholds::new(1, 2, 0.5, Some(slope)), Err(ScalingError::Slope));
    }
    let no_edge = Thresholds::new(0, 0, 0.5, None).unwrap();
    assert_eq!((no_edge.stage(0), no_edge.stage(1), no_edge.target_nc(9)), (Stage::One, Stage::Four, 0.0));
    let no_first = Thresholds::new(0, 10, 0.01, None).unwrap();
    assert_eq!(no_first.target_nc(1), 1.0, "somebody has to feed the peers");
    assert_eq!(no_first.target_nc(7), 1.0, "one of them, however few S asks for");
    assert_eq!(admit(&no_first, 1, 0.0, 0.0), Class::Push);
}

#[test]
fn newcomers_hold_nc_to_the_target() {
    let thresholds = paper();
    let mut nc = 0_u32;
    for p0 in 1..=1_200 {
        if admit(&thresholds, p0, f64::from(nc), 0.0) == Class::Push {
            nc += 1;
        }
        let target = thresholds.target_nc(p0);
        assert!(f64::from(nc) <= target + 1e-6 && f64::from(nc) > target - 1.0, "{p0}: {nc} {target}");
    }
    assert_eq!(nc, 500);
}

#[test]
fn feeds_counted_in_sixths_leave_room_for_whole_clients() {
    let sixths = (0..6 * 99).fold(0.0, |sum, _| sum + 1.0 / 6.0);
    assert_eq!(admit(&paper(), 150, sixths, 0.0), Class::Push);
    assert_eq!(admit(&paper(), 150, sixths + 1.0 / 6.0, 0.0), Class::P2p);
}

#[test]
fn hysteresis_waits_for_a_larger_gap() {
    let thresholds = paper();
    assert_eq!(admit(&thresholds, 150, 98.5, 1.0), Class::P2p);
    assert_eq!(admit(&thresholds, 150, 98.0, 1.0), Class::Push);
    assert_eq!(admit(&thresholds, 100, 99.0, 5.0), Class::Push, "stage 1 feeds everybody");
}

#[test]
fn a_load_wobbling_at_a_threshold_changes_the_stage_once() {
    let thresholds = paper();
    for (low, stage) in [(100, Stage::Two), (190, Stage::Three), (952, Stage::Four)] {
        let mut tracker = StageTracker::default();
        let _ = tracker.on_load(&thresholds, low);
        let changes = (0..100).filter(|step| tracker.on_load(&thresholds, low + step % 2).is_some()).count();
        assert_eq!((changes, tracker.stage()), (1, stage), "at {low}");
    }
}

#[test]
fn the_stage_falls_when_the_load_is_clearly_lower() {
    let thresholds = paper();
    let mut tracker = StageTracker::default();
    assert_eq!(tracker.on_load(&thresholds, 120), Some(Stage::Two));
    assert_eq!(tracker.on_load(&thresholds, 97), None);
    assert_eq!(tracker.on_load(&thresholds, 96), Some(Stage::One));
    assert_eq!(tracker.on_load(&thresholds, 2_000), Some(Stage::Four));
    // 953 less 2 and 2 %.
    assert_eq!(tracker.on_load(&thresholds, 932), None);
    assert_eq!(tracker.on_load(&thresholds, 931), Some(Stage::Three));
    assert_eq!(tracker.on_load(&thresholds, 0), Some(Stage::One), "an empty edge is in stage 1");
    assert_eq!(tracker.on_load(&thresholds, 0), None, "and stays there");
    let tiny = Thresholds::new(1, 2, 0.5, None).unwrap();
    let mut tracker = StageTracker::default();
    assert_eq!(tracker.on_load(&tiny, 2), Some(Stage::Two));
    assert_eq!(tracker.on_load(&tiny, 0), Some(Stage::One), "even where the margin is wider than the stage");
}

#[test]
fn a_decision_says_why() {
    let decision = paper().explain(Stage::Two, 150, 99.5);
    assert_eq!((decision.stage, decision.p0, decision.nc), (Stage::Two, 150, 99.5));
    assert_eq!((decision.target, decision.n1, decision.n_star), (100.0, 100, 500));
    assert!((decision.s - 0.5247).abs() < 0.000_05);
}

fn any_thresholds() -> impl Strategy<Value = Thresholds> {
    let slope = prop_oneof![Just(None), (0.01..=1.0).prop_map(Some)];
    (0_u32..600, 0_u32..600, 0.01..1.3, slope)
        .prop_map(|(n1, n_star, s, slope)| Thresholds::new(n1, n_star, s, slope).unwrap())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn stage_and_target_are_monotone_and_bounded(thresholds in any_thresholds()) {
        let limit = 1_200;
        for p0 in 0..limit {
            prop_assert!(thresholds.stage(p0) <= thresholds.stage(p0 + 1));
            let (here, there) = (thresholds.target_nc(p0), thresholds.target_nc(p0 + 1));
            prop_assert!(here <= there && there <= f64::from(thresholds.n_star));
            prop_assert!(here <= f64::from(p0));
            // Continuous: one more client moves the target by one at most.
            prop_assert!(there - here <= 1.0 + 1e-9, "{} to {} at {}", here, there, p0);
        }
    }

    #[test]
    fn on_the_default_slope_the_target_is_the_bound(thresholds in any_thresholds(), p0 in 0_u32..5_000) {
        let default = Thresholds::new(thresholds.n1, thresholds.n_star, thresholds.s, None).unwrap();
        if default.stage(p0) == Stage::Three {
            let bound = (default.s * f64::from(p0)).max(1.0);
            prop_assert!((default.target_nc(p0) - bound).abs() < 1e-6);
        }
        if default.stage(p0) == Stage::Four {
            prop_assert!((default.target_nc(p0) - f64::from(default.n_star)).abs() < 1e-6);
        }
    }

    /// Clients come and go as they like, mostly a few at a time. The stage is never below the load's. It is above it only while the load
    /// is not clearly below the threshold, and falls only when clearly more than a client or two went since it rose.
    #[test]
    fn no_walk_flaps_the_stage(thresholds in any_thresholds(), start in 0_u32..1_200, steps in walk()) {
        let mut tracker = StageTracker::default();
        let mut p0 = start;
        let mut risen_at = None::<u32>;
        for step in steps {
            let before = tracker.stage();
            let told = tracker.on_load(&thresholds, p0);
            let (stage, by_load) = (tracker.stage(), thresholds.stage(p0));
            prop_assert_eq!(told, (stage != before).then_some(stage));
            prop_assert!(stage >= by_load, "{:?} at {}", stage, p0);
            let threshold = thresholds.begins_above(stage);
            let margin = 2.0 + 0.02 * threshold;
            let is_near = p0 > 0 && f64::from(p0) > threshold - margin;
            prop_assert!(stage == by_load || is_near, "{:?} at {}, {} below {}", stage, p0, margin, threshold);
            if stage > before {
                risen_at = Some(p0);
            }
            if stage < before {
                let margin = 2.0 + 0.02 * thresholds.begins_above(before);
                let is_clear = risen_at.is_none_or(|risen| f64::from(risen) - f64::from(p0) >= margin);
                prop_assert!(p0 == 0 || is_clear, "{:?} to {:?} at {}, risen at {:?}", before, stage, p0, risen_at);
            }
            p0 = p0.saturating_add_signed(step);
        }
    }

    /// Within two clients, and above none, the stage falls once at most, before it rises: nothing that small flaps it, wherever it is.
    #[test]
    fn a_wobble_of_two_clients_never_flaps(
        thresholds in any_thresholds(),
        from in 0_u32..2_000,
        low in 1_u32..1_000,
        offsets in prop::collection::vec(0_u32..2, 1..60),
    ) {
        let mut tracker = StageTracker::default();
        let _ = tracker.on_load(&thresholds, from);
        let mut last = tracker.stage();
        let mut directions = Vec::new();
        for offset in offsets {
            if let Some(stage) = tracker.on_load(&thresholds, low + offset) {
                directions.push(stage > last);
                last = stage;
            }
        }
        prop_assert!(directions.is_sorted(), "{:?} at {}", directions, low);
        prop_assert!(directions.iter().filter(|&&rises| !rises).count() <= 1);
    }

    /// Whoever comes and goes, with whole feeds or single substreams: what is given to a newcomer keeps Nc under the stage function by
    /// the hysteresis, and it is given unless Nc is within a client and the hysteresis of it.
    #[test]
    fn any_walk_keeps_nc_within_the_stage_function(
        thresholds in any_thresholds(),
        hysteresis in prop_oneof![Just(0.0), 0.0..20.0],
        start in 0_u32..1_000,
        steps in walk(),
        goes in prop::collection::vec(any::<u8>(), 64),
    ) {
        let substreams = 6;
        let mut crowd = Crowd { thresholds, hysteresis, p0: 0, sixths: 0 };
        for _ in 0..start {
            crowd.join(substreams)?;
        }
        for (turn, step) in steps.into_iter().enumerate() {
            for _ in 0..step.max(0) {
                crowd.join(substreams)?;
            }
            for _ in 0..step.min(0).unsigned_abs() {
                crowd.leave(substreams, goes[turn % goes.len()]);
            }
        }
    }

    /// While clients only come Nc follows the stage function from below, at most a client and the hysteresis short of it.
    #[test]
    fn a_crowd_that_only_grows_is_fed_as_the_stages_say(
        thresholds in any_thresholds(),
        hysteresis in prop_oneof![Just(0.0), 0.0..20.0],
    ) {
        let mut crowd = Crowd { thresholds, hysteresis, p0: 0, sixths: 0 };
        let mut before = 0.0;
        for _ in 0..1_500 {
            crowd.join(6)?;
            let (nc, target) = (crowd.nc(), thresholds.target_nc(crowd.p0));
            prop_assert!(nc <= target + ROUNDING, "{} of {} at {}", nc, target, crowd.p0);
            prop_assert!(nc > target - 1.0 - hysteresis - ROUNDING, "{} of {} at {}", nc, target, crowd.p0);
            prop_assert!(nc >= before, "nobody went");
            before = nc;
        }
    }

    /// Who is fed by the edge would be, too, if the edge fed less, waited for a smaller gap, or had more clients past stage 1.
    #[test]
    fn admission_is_monotone(
        thresholds in any_thresholds(),
        p0 in 1_u32..2_000,
        nc in 0.0..700.0,
        less in 0.0..50.0,
        hysteresis in 0.0..20.0,
        smaller in 0.0..1.0,
        more in 0_u32..500,
    ) {
        let is_push = |p0: u32, nc: f64, hysteresis: f64| admit(&thresholds, p0, nc, hysteresis) == Class::Push;
        if is_push(p0, nc, hysteresis) {
            prop_assert!(is_push(p0, nc - less, hysteresis));
            prop_assert!(is_push(p0, nc, hysteresis * smaller));
            prop_assert!(thresholds.stage(p0) == Stage::One || is_push(p0 + more, nc, hysteresis));
        }
        prop_assert_eq!(is_push(p0, nc, -hysteresis), is_push(p0, nc, 0.0), "it never gives more");
    }
}

/// Steps of a random walk: mostly one client, sometimes a crowd.
fn walk() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(prop_oneof![6 => -1..=1_i32, 3 => -6..=6_i32, 1 => -300..=300_i32], 1..300)
}

/// Clients as they come and go, and what the edge feeds of them, in sixths of a client.
struct Crowd {
    thresholds: Thresholds,
    hysteresis: f64,
    p0: u32,
    sixths: u32,
}

impl Crowd {
    fn nc(&self) -> f64 {
        f64::from(self.sixths) / 6.0
    }

    /// One more client, which is fed as [`admit`] says.
    fn join(&mut self, substreams: u32) -> Result<(), TestCaseError> {
        let (thresholds, p0, nc) = (self.thresholds, self.p0 + 1, self.nc());
        let class = admit(&thresholds, p0, nc, self.hysteresis);
        self.p0 = p0;
        let target = thresholds.target_nc(p0);
        let is_first = thresholds.stage(p0) == Stage::One;
        match class {
            Class::Push => {
                self.sixths += substreams;
                let kept = if is_first { 0.0 } else { self.hysteresis };
                prop_assert!(self.nc() + kept <= target + ROUNDING, "{} of {} at {}", self.nc(), target, p0);
            }
            Class::P2p => {
                prop_assert!(!is_first, "stage 1 feeds everybody");
                prop_assert!(nc + 1.0 + self.hysteresis > target, "{} of {} at {}", nc, target, p0);
            }
        }
        Ok(())
    }

    /// One client less: one that peers feed, one the edge feeds in part or wholly. A client in stage 1 always is the edge's.
    fn leave(&mut self, substreams: u32, goes: u8) {
        if self.p0 == 0 {
            return;
        }
        self.p0 -= 1;
        let least = if self.thresholds.stage(self.p0 + 1) == Stage::One { substreams } else { 0 };
        let fed = (u32::from(goes) % (substreams + 1)).max(least);
        // What is fed is somebody's: never more than all of those who stay.
        self.sixths = self.sixths.saturating_sub(fed).min(self.p0 * substreams);
    }
}
