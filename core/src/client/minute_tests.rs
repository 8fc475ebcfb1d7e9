use super::*;
use crate::nat::{NatFiltering, NatMapping};

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn begun(at_ms: u64, stats: &ClientStats) -> Minute {
    let mut minute = Minute::STOPPED;
    minute.begin(at(at_ms), stats);
    minute
}

fn standing() -> Standing {
    Standing {
        class: Class::P2p,
        nat: NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent },
        kinds: AddressKinds(5),
        peers: 7,
        rate_bps: 8_000,
    }
}

#[test]
fn a_start_is_told_once_when_all_of_it_is_known() {
    let mut minute = begun(1_000, &ClientStats::default());
    minute.on_refused();
    minute.on_refused();
    minute.on_answer(at(1_100));
    minute.on_data(at(1_200));
    assert!(minute.wants_full());
    assert_eq!(minute.take_join(false), None);
    minute.on_full(at(1_300));
    assert!(!minute.wants_full());
    assert_eq!(minute.take_join(false), None, "not started");
    minute.on_started(at(1_400));
    // The first time counts.
    minute.on_answer(at(1_900));
    minute.on_data(at(1_900));
    minute.on_started(at(1_900));
    let join = JoinRecord { answered_ms: 100, data_ms: 200, full_ms: 300, started_ms: 400, refused: 2 };
    assert_eq!(minute.take_join(false), Some(join));
    assert_eq!((minute.take_join(true), minute.wants_full()), (None, false), "once");
}

#[test]
fn a_start_cut_short_is_told_as_far_as_it_came() {
    let mut minute = begun(1_000, &ClientStats::default());
    minute.on_answer(at(1_000));
    minute.on_started(at(3_000));
    assert_eq!(minute.take_join(false), None, "the buffer is not full");
    let join = JoinRecord { answered_ms: 1, data_ms: 0, full_ms: 0, started_ms: 2_000, refused: 0 };
    assert_eq!(minute.take_join(true), Some(join), "1 ms is the least: 0 is never");
    let mut stopped = Minute::STOPPED;
    assert_eq!((stopped.take_join(true), stopped.wants_full()), (None, false), "nothing was begun");
}

#[test]
fn time_belongs_to_the_state_that_was() {
    let stats = ClientStats::default();
    let mut minute = begun(5_000, &stats);
    for (ms, state) in [
        (6_000, PlayoutState::Startup),
        (15_000, PlayoutState::Playing),
        (45_000, PlayoutState::Stalled),
        (50_000, PlayoutState::Playing),
    ] {
        minute.on_state(at(ms), state);
    }
    minute.on_resumed(Duration::from_secs(5));
    let first = minute.close(at(65_000), &stats, &standing());
    assert_eq!((first.minute, first.span_ms), (0, 60_000));
    assert_eq!((first.played_ms, first.buffering_ms), (45_000, 5_000));
    assert_eq!(first.stalls, [0, 0, 0, 0, 0, 0, 1, 0], "3.2 to 6.4 s");
    let second = minute.close(at(95_000), &stats, &standing());
    assert_eq!((second.minute, second.span_ms, second.age_s()), (1, 30_000, 90));
    assert_eq!((second.played_ms, second.buffering_ms, second.stalls), (30_000, 0, [0; 8]));
}

#[test]
fn bytes_are_counted_by_whom_they_came_from_and_why() {
    let stats = ClientStats::default();
    let mut minute = begun(0, &stats);
    for (is_from_edge, reason, len) in [
        (true, SendReason::Feed, 1_000),
        (true, SendReason::Burst, 200),
        (true, SendReason::Rescue, 30),
        (true, SendReason::Pull, 4),
        (true, SendReason::Pull, 1),
        (false, SendReason::Feed, 50_000),
        (false, SendReason::Pull, 5),
    ] {
        minute.on_fragment(is_from_edge, reason, len);
    }
    minute.on_played();
    minute.on_played();
    minute.on_skipped(3, true);
    minute.on_skipped(4, false);
    minute.on_rescued();
    let report = minute.close(at(60_000), &stats, &standing());
    let Standing { class, nat, kinds, peers, .. } = standing();
    let bytes = ReportBytes { burst: 200, push: 1_000, rescue: 30, pull: 5, peers: 50_005, ..EMPTY.bytes };
    let expected = MinuteReport {
        span_ms: 60_000,
        class,
        nat,
        kinds,
        peers,
        bytes,
        // 51,240 of 60,000 bytes.
        download_permille: 854,
        frames_played: 2,
        frames_skipped: 3,
        frames_omitted: 4,
        rescues: 1,
        ..EMPTY
    };
    assert_eq!(report, expected);
}

#[test]
fn totals_are_told_as_what_a_minute_added_to_them() {
    let mut stats = ClientStats::default();
    let begin = u64::from(u32::MAX) - 3;
    stats.watch.bytes_uploaded = begin;
    (stats.watch.bytes_control, stats.watch.bytes_duplicate) = (7 + (9 << 32), 8);
    let mut minute = begun(0, &stats);
    stats.watch.bytes_uploaded += 100;
    stats.watch.bytes_control += 20;
    stats.watch.bytes_duplicate += 3;
    let report = minute.close(at(60_000), &stats, &standing());
    assert_eq!((report.bytes.uploaded, report.bytes.control, report.bytes.duplicates), (100, 20, 3));
    assert_eq!(minute.close(at(61_000), &stats, &standing()).bytes, EMPTY.bytes);
}

#[test]
fn minutes_are_counted_from_the_first_hello() {
    let stats = ClientStats::default();
    let mut minute = begun(5_000, &stats);
    assert_eq!((minute.is_running(), minute.ends_at()), (true, Some(at(65_000))));
    minute.on_played();
    minute.pass(at(65_000), &stats);
    assert_eq!(minute.ends_at(), Some(at(125_000)));
    // Closed late: the next one ends in time.
    let report = minute.close(at(130_000), &stats, &standing());
    assert_eq!((report.minute, report.span_ms, report.frames_played), (1, 65_000, 0));
    assert_eq!(minute.ends_at(), Some(at(185_000)));
    minute.stop();
    assert_eq!((minute.is_running(), minute.ends_at()), (false, None));
}
