use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;
use crate::scaling::{scaling_factor, scaling_factor_clamped};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_estimate.txt",
        ))),
        ..ProptestConfig::default()
    }
}

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

/// What a channel's clients do until the next status comes.
#[derive(Clone, Copy, Debug)]
struct Span {
    joins: u32,
    leaves: u32,
    wait_ms: u64,
    p0: u32,
    slots: u32,
}

fn span() -> impl Strategy<Value = Span> {
    let count = || prop_oneof![3 => 0..20_u32, 1 => 0..100_000_u32];
    let wait_ms = prop_oneof![4 => 0..2_000_u64, 2 => 0..60_000_u64, 1 => 0..100_000_000_u64];
    let p0 = prop_oneof![1 => 0..12_u32, 3 => 0..2_000_u32, 1 => Just(65_535_u32)];
    (count(), count(), wait_ms, p0, 0..=255_u32).prop_map(|(joins, leaves, wait_ms, p0, each)| Span {
        joins,
        leaves,
        wait_ms,
        p0,
        slots: p0 * each,
    })
}

/// An estimator, its clock, and the parts of joins and leaves that are due but not whole.
struct Channel {
    estimator: Estimator,
    now: Instant,
    substreams: u8,
    carry: (f64, f64),
}

impl Channel {
    fn new(substreams: u8) -> Self {
        Self { estimator: Estimator::EMPTY, now: Instant::from_millis(1), substreams, carry: (0.0, 0.0) }
    }

    /// Gives what was estimated anew.
    fn play(&mut self, span: &Span) -> Option<Churn> {
        (0..span.joins).for_each(|_| self.estimator.on_join());
        (0..span.leaves).for_each(|_| self.estimator.on_leave());
        self.now = self.now + Duration::from_millis(span.wait_ms);
        self.estimator.on_time(self.now, INTERVAL, span.p0, span.slots, self.substreams)
    }

    /// Joins and leaves at an even pace, as shares of the clients per interval, until the next status.
    fn play_steady(&mut self, wait_ms: u64, p0: u32, gamma: f64, delta: f64) -> Option<Churn> {
        let intervals = Duration::from_millis(wait_ms).as_secs_f64() / 20.0;
        let due = |carry: &mut f64, share: f64| {
            *carry += share * f64::from(p0) * intervals;
            let mut whole = 0;
            while *carry >= 1.0 {
                *carry -= 1.0;
                whole += 1;
            }
            whole
        };
        let (joins, leaves) = (due(&mut self.carry.0, gamma), due(&mut self.carry.1, delta));
        self.play(&Span { joins, leaves, wait_ms, p0, slots: p0 })
    }
}

fn is_between(value: f64, one: f64, other: f64) -> bool {
    (one.min(other) - 1e-12..=one.max(other) + 1e-12).contains(&value)
}

proptest! {
    #![proptest_config(config())]

    /// Whatever comes and goes, and whenever somebody looks: shares are shares, and S can be had of them.
    #[test]
    fn any_coming_and_going_makes_a_churn(
        spans in prop::collection::vec(span(), 0..60),
        substreams in 0..17_u8,
        levels in 1..5_u8,
    ) {
        let mut channel = Channel::new(substreams);
        let (mut since, mut before) = ((0_u32, 0_u32), None::<Churn>);
        for span in &spans {
            since = (since.0.saturating_add(span.joins), since.1.saturating_add(span.leaves));
            let told = channel.play(span);
            prop_assert_eq!(channel.estimator.churn(), told.or(before));
            let Some(churn) = told else {
                // An interval that tells nothing is over all the same.
                since = (channel.estimator.joins, channel.estimator.leaves);
                continue;
            };
            prop_assert!((0.0..=1.0).contains(&churn.gamma) && (0.0..=DELTA_MAX).contains(&churn.delta), "{:?}", churn);
            prop_assert!(churn.alpha.is_finite() && churn.alpha >= 0.0);
            prop_assert!(churn.alpha <= 255.0 / f64::from(substreams.max(1)) + 1e-9);
            // It moves from what it was towards what was seen, never past it.
            let clients = f64::from(span.p0);
            let (gamma, delta) = (f64::from(since.0) / clients, f64::from(since.1) / clients);
            if let Some(before) = before {
                prop_assert!(is_between(churn.gamma, before.gamma, gamma.min(1.0)), "{:?} {:?}", before, churn);
                prop_assert!(is_between(churn.delta, before.delta, delta.min(DELTA_MAX)), "{:?} {:?}", before, churn);
            }
            if churn.alpha <= 100.0 {
                let s = scaling_factor_clamped(&churn, levels, span.p0).unwrap();
                prop_assert!(s <= 1.0 && s * clients >= 1.0 - 1e-9, "{} of {}", s, span.p0);
            }
            (since, before) = ((0, 0), Some(churn));
        }
    }

    /// Looked at once a second or more often, a steady churn is found whatever was before: past what the rest of the history weighs, it is
    /// off by no more than the second that an interval may be late and the one client that comes just before or after its end.
    #[test]
    fn a_steady_churn_is_found_after_any_other(
        spans in prop::collection::vec(span(), 0..20),
        waits_ms in prop::collection::vec(50..1_000_u64, 8..40),
        p0 in 10..3_000_u32,
        gamma in 0.0..0.95,
        delta in 0.0..0.85,
    ) {
        let mut channel = Channel::new(6);
        for span in &spans {
            channel.play(span);
        }
        let end = channel.now + INTERVAL * 26;
        for &wait_ms in waits_ms.iter().cycle() {
            channel.play_steady(wait_ms, p0, gamma, delta);
            if channel.now > end {
                break;
            }
        }
        let churn = channel.estimator.churn().unwrap();
        // At least 24 intervals of 21 s, the first of them with what went before.
        let history = 0.75_f64.powi(23);
        for (found, share) in [(churn.gamma, gamma), (churn.delta, delta)] {
            let off = history + share / 20.0 + 1.0 / f64::from(p0);
            prop_assert!((found - share).abs() <= off, "{} for {}: off by more than {}", found, share, off);
        }
    }

    /// When nobody comes or goes the estimate fades and never rises, however seldom somebody looks; between the ends of intervals it
    /// stands still, however often.
    #[test]
    fn without_anybody_coming_or_going_nothing_jumps(
        spans in prop::collection::vec(span(), 1..20),
        waits_ms in prop::collection::vec(prop_oneof![1..1_000_u64, 1..100_000_000_u64], 1..60),
        p0 in 10..3_000_u32,
        each in 0..20_u32,
    ) {
        let mut channel = Channel::new(6);
        for span in &spans {
            channel.play(span);
        }
        let calm = |wait_ms: u64| Span { joins: 0, leaves: 0, wait_ms, p0, slots: p0 * each };
        // What came before the calm counts in the interval that it ended in.
        channel.play(&calm(20_000));
        channel.play(&calm(20_000));
        let Some(mut before) = channel.estimator.churn() else { return Err(TestCaseError::fail("no estimate")) };
        let alpha = f64::from(each) / 6.0;
        let mut told_at = channel.now;
        for &wait_ms in &waits_ms {
            let told = channel.play(&calm(wait_ms));
            let is_over = channel.now.since(told_at) >= INTERVAL;
            prop_assert_eq!(told.is_some(), is_over);
            let churn = channel.estimator.churn().unwrap();
            if is_over {
                told_at = channel.now;
                let faded = |value: f64, before: f64| (value - before * (1.0 - WEIGHT)).abs() <= 1e-12;
                prop_assert!(faded(churn.gamma, before.gamma) && faded(churn.delta, before.delta), "{:?}", churn);
                prop_assert!(is_between(churn.alpha, before.alpha, alpha));
            } else {
                prop_assert_eq!(churn, before);
            }
            before = churn;
        }
    }

    /// How often somebody looks within an interval changes nothing.
    #[test]
    fn looking_more_often_finds_the_same(
        counts in prop::collection::vec((0..40_u32, 0..40_u32), 1..12),
        looks in 1..40_u64,
        p0 in 0..200_u32,
    ) {
        let estimates = |looks: u64| -> Vec<Option<Churn>> {
            let mut channel = Channel::new(6);
            channel.play(&Span { joins: 7, leaves: 0, wait_ms: 0, p0, slots: 0 });
            let each = counts.iter().map(|&(joins, leaves)| {
                let mut last = None;
                for look in 1..=looks {
                    let (joins, leaves) = if look == 1 { (joins, leaves) } else { (0, 0) };
                    let wait_ms = 20_000 * look / looks - 20_000 * (look - 1) / looks;
                    last = channel.play(&Span { joins, leaves, wait_ms, p0, slots: p0 });
                }
                last
            });
            each.collect()
        };
        prop_assert_eq!(estimates(looks), estimates(1));
    }
}
