extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::store::proptest_config;

fn drain(wheel: &mut TimerWheel<'_>, now: Instant) -> Vec<u32> {
    core::iter::from_fn(|| wheel.pop_expired(now)).collect()
}

#[test]
fn a_wheel_without_slots_keeps_no_timer() {
    let mut wheel = TimerWheel::new(&mut []);
    assert!(!wheel.schedule(0, Instant::ZERO) && !wheel.cancel(0));
    assert_eq!((wheel.pop_expired(Instant::FAR_FUTURE), wheel.next_deadline()), (None, None));
}

#[test]
fn it_fires_at_the_tick_not_before() {
    let mut slots = [WheelSlot::EMPTY; 1];
    let mut wheel = TimerWheel::new(&mut slots);
    assert!(wheel.schedule(0, Instant::from_millis(5)));
    assert!(!wheel.schedule(1, Instant::from_millis(5)));
    assert_eq!(wheel.pop_expired(Instant::from_micros(4_999)), None);
    assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(5)));
    assert_eq!(wheel.pop_expired(Instant::from_millis(5)), Some(0));
    assert_eq!((wheel.deadline(0), wheel.next_deadline()), (None, None));
}

#[test]
fn a_passed_deadline_fires_at_once() {
    let mut slots = [WheelSlot::EMPTY; 2];
    let mut wheel = TimerWheel::new(&mut slots);
    assert_eq!(wheel.pop_expired(Instant::from_millis(100_000)), None);
    assert!(wheel.schedule(1, Instant::from_millis(3)) && wheel.schedule(0, Instant::ZERO));
    assert_eq!(drain(&mut wheel, Instant::from_millis(100_000)), [1, 0]);
}

#[test]
fn one_tick_keeps_the_order_of_scheduling_from_near_and_far() {
    let mut slots = [WheelSlot::EMPTY; 4];
    let mut wheel = TimerWheel::new(&mut slots);
    let at = Instant::from_millis(70_000);
    for (id, now_ms) in [(3, 0), (1, 5_000), (2, 69_950), (0, 69_999)] {
        assert_eq!(wheel.pop_expired(Instant::from_millis(now_ms)), None);
        assert!(wheel.schedule(id, at));
    }
    assert_eq!(drain(&mut wheel, at), [3, 1, 2, 0]);
}

#[test]
fn time_does_not_step_back() {
    let mut slots = [WheelSlot::EMPTY; 2];
    let mut wheel = TimerWheel::new(&mut slots);
    assert_eq!(wheel.pop_expired(Instant::from_millis(1_000)), None);
    assert!(wheel.schedule(0, Instant::from_millis(1_100)));
    assert_eq!(wheel.pop_expired(Instant::from_millis(500)), None);
    assert!(wheel.schedule(1, Instant::from_millis(700)));
    assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(1_000)));
    assert_eq!(drain(&mut wheel, Instant::from_millis(999)), []);
    assert_eq!(drain(&mut wheel, Instant::from_millis(1_000)), [1]);
    assert_eq!(drain(&mut wheel, Instant::from_millis(1_100)), [0]);
}

#[test]
fn never_is_never() {
    let mut slots = [WheelSlot::EMPTY; 1];
    let mut wheel = TimerWheel::new(&mut slots);
    assert!(wheel.schedule(0, Instant::FAR_FUTURE));
    assert_eq!(wheel.deadline(0), Some(Instant::FAR_FUTURE));
    assert_eq!((wheel.next_deadline(), wheel.pop_expired(Instant::FAR_FUTURE)), (None, None));
    assert!(wheel.cancel(0) && !wheel.cancel(0));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Schedule { id: u32, after_us: i64 },
    ScheduleAt(u32, u64),
    Cancel(u32),
    Pass(u64),
    PopOne,
}

fn span_us() -> impl Strategy<Value = u64> {
    prop_oneof![0..3_000_u64, 0..300_000_u64, 0..100_000_000_u64, 0..40_000_000_000_000_u64]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..10_u32, span_us(), prop::bool::weighted(0.9)).prop_map(|(id, span, ahead)| {
            let span = span as i64;
            Step::Schedule { id, after_us: if ahead { span } else { -span } }
        }),
        1 => (0..10_u32, any::<u64>()).prop_map(|(id, at)| Step::ScheduleAt(id, at)),
        1 => (0..10_u32).prop_map(Step::Cancel),
        4 => span_us().prop_map(Step::Pass),
        1 => Just(Step::PopOne),
    ]
}

/// One set timer as a plain list has it: what it was set to, the tick it fires at, when in order it was set.
type Model = Vec<(u32, Instant, u64, usize)>;

fn ceil_tick(at: Instant) -> u64 {
    at.as_micros().div_ceil(1_000)
}

/// The timer the wheel must give at `now`: the earliest tick, then the one set first.
fn due(model: &Model, now: Instant) -> Option<(u32, Instant, u64, usize)> {
    let due =
        model.iter().filter(|timer| ceil_tick(timer.1) < TICKS_END && timer.2 <= now.as_micros() / 1_000);
    due.min_by_key(|timer| (timer.2, timer.3)).copied()
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn timers_fire_in_time_and_in_order(capacity in prop_oneof![0..3_usize, 3..10_usize],
                                        start in prop_oneof![Just(0), span_us()],
                                        steps in prop::collection::vec(step(), 0..100)) {
        let mut slots = std::vec![WheelSlot::EMPTY; capacity];
        let mut wheel = TimerWheel::new(&mut slots);
        let mut model: Model = Vec::new();
        let mut now = Instant::from_micros(start);
        // The wheel knows the time of the last call that drained it; a deadline before that is due then.
        let mut drained = 0_u64;
        let mut order = 0;
        for step in steps {
            let setting = match step {
                Step::Schedule { id, after_us } =>
                    Some((id, Instant::from_micros(now.as_micros().saturating_add_signed(after_us)))),
                Step::ScheduleAt(id, at) => Some((id, Instant::from_micros(at))),
                Step::Cancel(id) => {
                    prop_assert_eq!(wheel.cancel(id), model.iter().any(|timer| timer.0 == id));
                    model.retain(|timer| timer.0 != id);
                    None
                }
                Step::PopOne => {
                    let known = due(&model, now);
                    prop_assert_eq!(wheel.pop_expired(now), known.map(|timer| timer.0));
                    model.retain(|timer| Some(timer.0) != known.map(|timer| timer.0));
                    drained = drained.max(known.map_or(now.as_micros() / 1_000, |timer| timer.2));
                    None
                }
                Step::Pass(span) => {
                    now = now.plus_micros(span);
                    while let Some((id, at, _, _)) = due(&model, now) {
                        prop_assert!(at <= now, "early");
                        prop_assert_eq!(wheel.pop_expired(now), Some(id));
                        model.retain(|timer| timer.0 != id);
                    }
                    prop_assert_eq!(wheel.pop_expired(now), None);
                    drained = now.as_micros() / 1_000;
                    for &(_, at, ..) in &model {
                        prop_assert!(now.micros_since(at) < 1_000, "a tick late");
                    }
                    prop_assert!(wheel.next_deadline().is_none_or(|deadline| deadline > now));
                    None
                }
            };
            if let Some((id, at)) = setting {
                prop_assert_eq!(wheel.schedule(id, at), (id as usize) < capacity);
                model.retain(|timer| timer.0 != id);
                if (id as usize) < capacity {
                    model.push((id, at, ceil_tick(at).max(drained), order));
                    order += 1;
                }
            }
            for id in 0..10 {
                let known = model.iter().find(|timer| timer.0 == id);
                prop_assert_eq!(wheel.deadline(id), known.map(|timer| timer.1));
            }
            let first = model.iter().map(|timer| timer.2).filter(|&tick| tick < TICKS_END).min();
            let shown = wheel.next_deadline().map(|deadline| deadline.as_micros() / 1_000);
            prop_assert_eq!(shown.is_some(), first.is_some());
            prop_assert!(shown <= first, "{shown:?} hides {first:?}");
        }
    }

    #[test]
    fn a_wait_wakes_at_most_once_a_level(start in span_us(), span in span_us()) {
        let mut slots = [WheelSlot::EMPTY; 1];
        let mut wheel = TimerWheel::new(&mut slots);
        prop_assert_eq!(wheel.pop_expired(Instant::from_micros(start)), None);
        let at = Instant::from_micros(start + span);
        wheel.schedule(0, at);
        let mut wakes = 0;
        while let Some(deadline) = wheel.next_deadline() {
            wakes += 1;
            if wheel.pop_expired(deadline).is_some() {
                prop_assert!(deadline >= at && deadline.micros_since(at) < 1_000);
            }
        }
        prop_assert!(wakes <= u32::from(LEVELS), "{wakes}");
    }
}
