use super::*;

/// 25 frames a second.
const CADENCE_US: u64 = 40_000;

fn frame(id: u32, ms: u64) -> FrameInfo {
    FrameInfo { id: FrameId(id), dts: Dts::from_ticks(ms * 90), pts_offset_ticks: 0, len: 1, key: false }
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// Frame 100, of 10 s of media, is the last one seen, and was due at 20 s.
fn clock() -> MediaClock {
    let mut clock = MediaClock::new(40_000);
    clock.anchor(at(20_000), &frame(100, 10_000));
    clock
}

#[test]
fn a_step_back_or_of_more_than_ten_seconds_is_none() {
    let of_ms = |ms: u64| frame(0, ms).dts;
    for (to_ms, step) in [
        (10_000, Some(0)),
        (10_040, Some(CADENCE_US)),
        (20_000, Some(10_000_000)),
        (20_001, None),
        (9_999, None),
    ] {
        assert_eq!(step_us(of_ms(10_000), of_ms(to_ms)), step, "{to_ms}");
    }
}

#[test]
fn missing_frames_lie_evenly_before_the_next() {
    let clock = clock();
    // Ten frames in 1,000 ms, where the cadence would say 400.
    let later = frame(110, 11_000);
    for (id, ms) in [(100, 20_000), (105, 20_500), (110, 21_000), (115, 21_000)] {
        assert_eq!(clock.estimate_before(FrameId(id), &later), at(ms), "{id}");
    }
    // Past a discontinuity, and at the last frame itself, only the cadence tells.
    assert_eq!(clock.estimate_before(FrameId(105), &frame(110, 30_000)), at(20_200));
    assert_eq!(clock.estimate_before(FrameId(105), &frame(100, 10_000)), at(20_200));
}

#[test]
fn frames_before_the_anchor_were_due_before_it() {
    let mut clock = clock();
    assert_eq!(clock.estimate(FrameId(95)), at(19_800));
    assert_eq!(clock.estimate(FrameId(105)), at(20_200));
    for (ms, due_ms) in [(9_000, 19_000), (10_000, 20_000), (10_500, 20_500)] {
        assert_eq!(clock.due_of(frame(0, ms).dts), at(due_ms), "{ms}");
    }
    // At twice the speed half a second is a quarter.
    clock.set_rate(1_000_000);
    assert_eq!(clock.due_of(frame(0, 10_500).dts), at(20_250));
    assert_eq!(clock.due_of(frame(0, 9_500).dts), at(19_750));
}

#[test]
fn media_is_measured_by_decode_time_where_it_agrees_with_the_count() {
    let clock = clock();
    let media = |from, ms| clock.media_to(FrameId(from), FrameId(150), Some(frame(150, ms).dts));
    for (from, ms, us) in [
        // From the last frame, and from the one after it, whose step is subtracted.
        (100, 12_400, 2_400_000),
        (101, 12_400, 2_360_000),
        // Further away, or behind, the count tells.
        (102, 12_400, 48 * CADENCE_US),
        (99, 12_400, 51 * CADENCE_US),
        // Half of the count agrees, less does not.
        (100, 11_000, 1_000_000),
        (100, 10_999, 50 * CADENCE_US),
        // So does twice the count and two seconds; more does not.
        (100, 16_000, 6_000_000),
        (100, 16_001, 50 * CADENCE_US),
        // It went back.
        (100, 9_000, 50 * CADENCE_US),
    ] {
        assert_eq!(media(from, ms), us, "from {from} to {ms} ms");
    }
    assert_eq!(clock.media_to(FrameId(100), FrameId(150), None), 50 * CADENCE_US);
}

#[test]
fn the_anchor_follows_before_differences_wrap() {
    let mut clock = clock();
    let far = frame(101, 10_000 + (1 << 30) / 90);
    clock.on_delivered(&far, at(30_000));
    assert_eq!(clock.anchor_at, at(20_000), "not yet");
    let further = frame(102, 10_000 + (1 << 30) / 90 + 1);
    clock.on_delivered(&further, at(40_000));
    assert_eq!((clock.anchor_at, clock.anchor_dts), (at(40_000), further.dts));
}
