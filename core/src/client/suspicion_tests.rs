use std::boxed::Box;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::*;
use crate::media::Mapping;

const RTT_US: u32 = 120_000;

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// Heard at 1,000 ms, the next beat due at 1,240 ms.
const QUIET: Quiet = Quiet {
    heard_at: Instant::from_millis(1_000),
    due_at: Instant::from_millis(1_240),
    asked_at: None,
    pings: 0,
    rtt_us: RTT_US,
    is_suspect: false,
};

#[test]
fn a_late_beat_is_asked_about_and_no_answer_makes_a_suspect() {
    let asked = Quiet { asked_at: Some(at(1_300)), pings: 1, ..QUIET };
    let suspect = Quiet { is_suspect: true, ..asked };
    let cases = [
        (1_299, QUIET, Verdict::Wait(at(1_300))),
        (1_300, QUIET, Verdict::Ask),
        (1_300, Quiet { due_at: Instant::FAR_FUTURE, ..QUIET }, Verdict::Wait(Instant::FAR_FUTURE)),
        (1_319, asked, Verdict::Wait(at(1_320))),
        (1_320, asked, Verdict::Ask),
        (1_339, Quiet { pings: 2, ..asked }, Verdict::Wait(at(1_340))),
        (1_340, Quiet { pings: 2, ..asked }, Verdict::Ask),
        (1_350, Quiet { pings: 3, ..asked }, Verdict::Wait(at(1_480))),
        (1_480, Quiet { pings: 3, ..asked }, Verdict::Suspect),
        (1_480, asked, Verdict::Suspect),
        // In one's own network the silence is no shorter than the lateness that is no silence.
        (1_359, Quiet { rtt_us: 1_000, pings: 3, ..asked }, Verdict::Wait(at(1_360))),
        (1_360, Quiet { rtt_us: 1_000, pings: 3, ..asked }, Verdict::Suspect),
        (1_999, suspect, Verdict::Wait(at(2_000))),
        (2_000, suspect, Verdict::Gone),
    ];
    for (now, quiet, verdict) in cases {
        assert_eq!(judge(at(now), &quiet), verdict, "{now} {quiet:?}");
    }
}

#[test]
fn the_next_beat_follows_what_was_heard() {
    let settings = ChannelSettings { mapping: Mapping::RoundRobin, ..ChannelSettings::default() };
    let beat_ms = u64::try_from(settings.beat().as_millis()).unwrap();
    let next = |heard_ms| next_beat(&settings, 1, FrameId(7), at(1_000), at(heard_ms));
    assert_eq!(next(1_000), at(1_000 + beat_ms));
    assert_eq!(next(1_000 + beat_ms - 1), at(1_000 + beat_ms));
    assert_eq!(next(1_000 + beat_ms), at(1_000 + 2 * beat_ms), "it spoke when that one was due");
    assert_eq!(next(1_000 + 3 * beat_ms + 5), at(1_000 + 4 * beat_ms));
    assert!(next(u64::from(u32::MAX)) > at(1_000), "bounded work");
}

proptest! {
    #![proptest_config(Config {
        cases: 500,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_suspicion.txt"
        ))),
        ..Config::default()
    })]

    /// Asked in time, a feeder that answers one ping of each probe within the round trip and its third is never suspected, however late its
    /// beats; and one that does not answer is, within a beat, the slack and a round trip and a half.
    #[test]
    fn who_answers_is_never_suspected_and_who_does_not_always_is(
        rtt_us in 2_000..400_000_u32,
        beat_ms in 40..480_u64,
        answered in 0..3_u8,
        answer_percent in 1..99_u64,
        probes in 1..20_u8,
        is_gone: bool,
    ) {
        let beat = Duration::from_millis(beat_ms);
        let mut quiet = Quiet { due_at: at(1_000) + beat, rtt_us, ..QUIET };
        let mut now = quiet.heard_at;
        let mut answer_at = Instant::FAR_FUTURE;
        let mut probed = 0;
        for _ in 0..400 {
            if answer_at <= now {
                quiet = Quiet { heard_at: answer_at, due_at: answer_at + beat, asked_at: None, pings: 0, ..quiet };
                answer_at = Instant::FAR_FUTURE;
                probed += 1;
                if probed == probes {
                    return Ok(());
                }
            }
            match judge(now, &quiet) {
                Verdict::Wait(at) => {
                    prop_assert!(at > now);
                    now = at.min(answer_at);
                }
                Verdict::Ask => {
                    quiet.asked_at = Some(quiet.asked_at.unwrap_or(now));
                    if quiet.pings == answered && !is_gone {
                        answer_at = now.plus_micros(u64::from(rtt_us) * answer_percent / 100);
                    }
                    quiet.pings += 1;
                }
                Verdict::Suspect => {
                    prop_assert!(is_gone, "it answers");
                    let wait = Duration::from_micros(u64::from(rtt_us) * 3 / 2).max(LATE);
                    prop_assert_eq!(now, quiet.heard_at + beat + LATE + wait);
                    return Ok(());
                }
                Verdict::Gone => prop_assert!(false, "not suspected before"),
            }
        }
        prop_assert!(false, "no end");
    }
}
