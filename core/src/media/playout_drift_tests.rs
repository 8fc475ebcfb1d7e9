//! A source whose clock goes faster or slower than the viewer's: playback follows it for hours, and nobody sees it.

use std::boxed::Box;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

/// Frames from one key frame to the next.
const GOP: u32 = 25;
/// How long it is watched.
const WATCHED_US: u64 = 2 * 3_600 * 1_000_000;
/// What is off at first is made good within this time: 0.5 % of it are 18 s, and no viewer is off by more than 15.
const SETTLED_US: u64 = 3_600 * 1_000_000;
/// How far from its target the lag may be then.
const LAG_OFF_MAX: Duration = Duration::from_millis(500);

/// A buffer that holds every frame up to the newest, and needs no memory for it.
struct Line {
    newest: u32,
}

impl PlayoutBuffer for Line {
    fn frame(&self, id: FrameId) -> Option<FrameInfo> {
        (id.0 <= self.newest).then(|| frame(id.0, GOP))
    }
    fn newest_live(&self) -> FrameId {
        FrameId(self.newest)
    }
    fn next_complete(&self, from: FrameId) -> Option<FrameId> {
        (from.0 <= self.newest).then_some(from)
    }
    fn next_key(&self, from: FrameId) -> Option<FrameId> {
        Some(FrameId(from.0.next_multiple_of(GOP))).filter(|key| key.0 <= self.newest)
    }
    fn newest_key(&self) -> Option<FrameId> {
        Some(FrameId(self.newest / GOP * GOP))
    }
    fn is_incomplete_key(&self, _: FrameId) -> bool {
        false
    }
}

/// A source and the way from it.
#[derive(Clone, Copy, Debug)]
struct Source {
    /// By how much its frames take longer than they say, in parts per million.
    slow_ppm: i64,
    /// Frames that are there at the start.
    burst: u32,
    /// What a frame is held up on the way, at most.
    jitter_us: u64,
}

impl Source {
    /// When frame `id` comes, but not before the one before it.
    fn at(&self, id: u32) -> u64 {
        let media_us = i64::from(id + 1 - self.burst) * CADENCE_US as i64;
        let held_up_us = u64::from(id.wrapping_mul(0x9e37_79b9) >> 12) % (self.jitter_us + 1);
        (media_us + media_us * self.slow_ppm / 1_000_000).unsigned_abs() + held_up_us
    }
}

/// The pace of one frame: within 0.5 %, and up to 5 % faster as long as `is_hurrying`.
fn check_step(step_us: u64, is_hurrying: bool) -> Result<(), TestCaseError> {
    let fastest = if is_hurrying { 1_050_000 } else { 1_005_000 };
    let bounds = CADENCE_US * 1_000_000 / fastest - 1..=CADENCE_US * 1_000_000 / 995_000 + 2;
    prop_assert!(bounds.contains(&step_us), "a frame of {} us", step_us);
    Ok(())
}

/// Watches it.
fn watch(source: Source, target_ms: u32) -> Result<(), TestCaseError> {
    let target = Duration::from_millis(u64::from(target_ms));
    let mut playout = Playout::new(&settings(target_ms));
    playout.start(FrameId(0));
    let mut line = Line { newest: source.burst - 1 };
    let mut is_hurrying = u64::from(source.burst) * CADENCE_US > u64::from(target_ms) * 1_000;
    // When the frame before was handed over, and whether the pace from there on may be that of a start far behind.
    let mut before: Option<(u64, bool)> = None;
    let mut now_us = 0;
    let mut arrival_us = source.at(source.burst);
    while now_us < WATCHED_US {
        let wait_us = match playout.poll(Instant::from_micros(now_us), &line) {
            Step::Deliver(_) => {
                is_hurrying &= playout.rate_ppm() > 5_000;
                if let Some((before_us, was_hurrying)) = before.replace((now_us, is_hurrying)) {
                    check_step(now_us - before_us, was_hurrying)?;
                }
                let off = playout.lag(&line).abs_diff(target);
                prop_assert!(now_us < SETTLED_US || off <= LAG_OFF_MAX, "off by {:?} at {} us", off, now_us);
                continue;
            }
            Step::Started { .. } => continue,
            Step::Wait(at) => at.as_micros(),
            Step::Idle => u64::MAX,
            step @ (Step::Stalled | Step::Resumed { .. } | Step::Skipped { .. }) => {
                return Err(TestCaseError::fail(std::format!("{step:?} at {now_us} us")));
            }
        };
        now_us = wait_us.min(arrival_us);
        while arrival_us <= now_us {
            line.newest += 1;
            arrival_us = source.at(line.newest + 1).max(arrival_us);
        }
    }
    prop_assert_eq!(playout.stats().stalls, 0);
    prop_assert_eq!(playout.stats().frames_skipped, 0);
    let played = i64::from(playout.stats().frames_played);
    prop_assert!((played - WATCHED_US as i64 / CADENCE_US as i64).abs() < 1_000, "{} frames", played);
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 24,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_playout_drift.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Two hours of a clock that is off by up to 500 ppm, wherever the viewer begins: it ends up where it is to be, never stands, leaves
    /// nothing out, and is never more than 0.5 % from the right pace, but for a start far behind.
    #[test]
    fn a_clock_that_is_off_is_followed_without_a_stall(
        slow_ppm in prop_oneof![Just(-500_i64), Just(500), -500..=500_i64],
        target_ms in prop_oneof![Just(1_000_u32), Just(2_000), Just(15_000)],
        lag_percent in 0..100_u32,
        jitter_us in 0..80_000_u64,
    ) {
        // From just enough to start with to just less than what is jumped over.
        let lag_ms = 700 + (target_ms * 2 - 800) * lag_percent / 100;
        let burst = lag_ms * 1_000 / u32::try_from(CADENCE_US).unwrap();
        watch(Source { slow_ppm, burst, jitter_us }, target_ms)?;
    }
}
