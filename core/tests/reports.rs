//! Reports, from the client that makes them to the edge that hands them up, in virtual time.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event among all")]

mod pair;

use core::time::Duration;
use std::collections::BTreeSet;

use livesky_core::edge::{EdgeConfig, EdgeEvent, EdgeMinute};
use livesky_core::media::ChannelSettings;
use livesky_core::wire::control::Class;
use livesky_core::wire::report::{AddressKinds, JoinRecord, MinuteReport, Report, ReportBody, ViewerId};
use pair::{Impairment, World};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const SECOND: Duration = Duration::from_secs(1);
/// Reports a client keeps.
const KEPT_MAX: u8 = 4;

fn world(seed: u64, n1: u32) -> World {
    let config = EdgeConfig { n1, ..EdgeConfig::default() };
    let settings = ChannelSettings { target_buffer_ms: 3_000, ..ChannelSettings::default() };
    let mut world = World::new(seed, config, settings, Impairment::NONE);
    world.run(10 * SECOND);
    world
}

fn taken(world: &World) -> Vec<Report> {
    let report = |event: &EdgeEvent| match event {
        EdgeEvent::Report { report, .. } => Some(*report),
        _ => None,
    };
    world.edge_events.iter().filter_map(report).collect()
}

fn minutes_of(world: &World, viewer: ViewerId) -> Vec<MinuteReport> {
    let minute = |report: Report| match report.body {
        ReportBody::Minute(minute) if report.viewer == viewer => Some(minute),
        _ => None,
    };
    taken(world).into_iter().filter_map(minute).collect()
}

fn joins(world: &World) -> Vec<(ViewerId, JoinRecord)> {
    let join = |report: Report| match report.body {
        ReportBody::Join(join) => Some((report.viewer, join)),
        ReportBody::Minute(_) => None,
    };
    taken(world).into_iter().filter_map(join).collect()
}

fn edge_minutes(world: &World) -> Vec<EdgeMinute> {
    let minute = |event: &EdgeEvent| match event {
        EdgeEvent::Minute { minute, .. } => Some(*minute),
        _ => None,
    };
    world.edge_events.iter().filter_map(minute).collect()
}

#[test]
fn a_minute_tells_what_the_viewer_saw() {
    let mut world = world(1, 2);
    let parents = [world.join(600_000), world.join(600_000)];
    world.run(5 * SECOND);
    let child = world.join(0);
    world.run(Duration::from_millis(119_999));
    let told = joins(&world);
    assert_eq!(told.len(), 3, "one of each");
    for (_, join) in &told {
        let times = [join.answered_ms, join.data_ms, join.started_ms, join.full_ms];
        assert!(times[0] >= 40 && times.is_sorted() && times[3] < 5_000, "{join:?}");
        assert_eq!(join.refused, 0);
    }
    let (viewer, join) = told[2];
    let played = world.viewers[child].played.len();
    // The second minute ends with the next microsecond; the report is on its way for 20 ms.
    world.run(Duration::from_millis(30));
    let minutes = minutes_of(&world, viewer);
    assert_eq!(minutes.len(), 2);
    let frames: usize = minutes.iter().map(|minute| usize::from(minute.frames_played)).sum();
    assert!(frames.abs_diff(played) <= 1, "{frames} of {played}");
    let seen = &world.viewers[child];
    assert_eq!((seen.stalls, seen.skipped), (0, 0));
    let startup_ms = u32::try_from(seen.started_after.unwrap().as_millis()).unwrap();
    assert_eq!(join.started_ms, startup_ms);
    for (number, minute) in (0..).zip(&minutes) {
        assert_eq!((minute.minute, minute.span_ms), (number, 60_000));
        assert_eq!(minute.class, Class::P2p);
        assert_eq!((minute.buffering_ms, minute.frames_omitted, minute.frames_skipped), (0, 0, 0));
        assert_eq!(minute.stalls, [0; 8]);
        assert_eq!(minute.peers, 2);
        assert!(minute.kinds.has(AddressKinds::EDGE_V4) && minute.kinds.has(AddressKinds::PEERS_V4));
    }
    assert_eq!(minutes[0].played_ms, 60_000 - startup_ms);
    assert_eq!(minutes[1].played_ms, 60_000);
    // The start came from the edge; then peers fed it.
    assert!(minutes[0].bytes.burst > 0 && minutes[1].bytes.burst == 0);
    assert!(minutes[1].bytes.peers > 0 && minutes[1].bytes.push == 0, "{:?}", minutes[1].bytes);
    let watch = seen.client.watch_stats(world.now);
    let sum: u64 = minutes.iter().map(|minute| minute.bytes.media()).sum();
    let total = watch.bytes_edge + watch.bytes_peers;
    assert!(sum <= total && total - sum < 10_000, "{sum} of {total}");
    let control: u64 = minutes.iter().map(|minute| u64::from(minute.bytes.control)).sum();
    assert!(control <= watch.bytes_control && watch.bytes_control - control < 1_000);
    let uploaded: u32 = minutes_of(&world, told[0].0).iter().map(|minute| minute.bytes.uploaded).sum();
    assert!(uploaded > 0);
    for parent in parents {
        assert_eq!(world.viewers[parent].client.reports().pending, 0);
    }
    assert_eq!(seen.client.reports().last, Some(minutes[1]));
}

#[test]
fn a_stall_shows_in_the_minute_of_the_client_and_of_the_edge() {
    let mut world = world(2, 10);
    let steady = world.join(0);
    world.run(70 * SECOND);
    world.is_publishing = false;
    world.run(6 * SECOND);
    world.is_publishing = true;
    world.run(110 * SECOND);
    let viewer = joins(&world)[0].0;
    let minutes = minutes_of(&world, viewer);
    assert!(minutes.len() >= 2);
    assert!(!minutes[0].has_buffered());
    let stalled = &minutes[1];
    assert!((2_000..6_000).contains(&stalled.buffering_ms), "{stalled:?}");
    assert_eq!(stalled.played_ms + stalled.buffering_ms, 60_000);
    let count: u32 = stalled.stalls.iter().map(|&count| u32::from(count)).sum();
    assert_eq!(count, world.viewers[steady].stalls);
    let edge: Vec<_> = edge_minutes(&world);
    assert_eq!(edge.iter().map(|minute| minute.rebuffered).sum::<u32>(), 1, "{edge:?}");
    assert_eq!(edge.iter().map(|minute| minute.joined).sum::<u32>(), 1);
    let told = edge.iter().find(|minute| minute.told.rebuffered == 1).unwrap().told;
    assert_eq!((told.clients, told.q2()), (1, Some(0.0)));
    assert!(told.q1().is_some_and(|q1| (0.9..0.97).contains(&q1)), "{told:?}");
    assert_eq!(told.played_ms, u64::from(stalled.played_ms));
}

#[test]
fn who_leaves_tells_the_last_of_it_and_who_falls_silent_owes_it() {
    let mut world = world(3, 10);
    let [leaver, silent] = [world.join(0), world.join(0)];
    world.run(Duration::from_millis(90_500));
    world.leave(leaver);
    world.kill(silent);
    world.run(Duration::from_secs(20));
    let told = joins(&world);
    let of = |place: usize| minutes_of(&world, told[place].0);
    let last = of(0)[1];
    assert_eq!((of(0).len(), of(1).len()), (2, 1));
    assert!(last.minute == 1 && (30_400..30_600).contains(&last.span_ms), "{last:?}");
    assert_eq!(last.age_s(), 90);
    let stats = world.edge.stats();
    assert_eq!((stats.reports, stats.reports_repeated, stats.reports_missing), (5, 0, 1));
    let edge = edge_minutes(&world);
    assert_eq!(edge.iter().map(|minute| minute.left).sum::<u32>(), 2);
    assert_eq!(edge.iter().map(|minute| minute.reports_missing).sum::<u32>(), 1);
    // The client that left knows nothing of its last report's fate, and says it again when it comes back.
    assert_eq!(world.viewers[leaver].client.reports().pending, 1);
}

/// Some seconds of a share of datagrams lost, both ways.
fn weather() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let loss = prop_oneof![Just(0_u32), Just(100), Just(400), Just(1_000)];
    prop::collection::vec((5..120_u64, loss), 1..6)
}

fn config() -> ProptestConfig {
    let file = "../proptest-regressions/core_reports.txt";
    ProptestConfig {
        cases: 12,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_lost_each_report_counts_once_and_none_is_lost_while_there_is_room(
        seed in 0..1_000_u64,
        weather in weather(),
    ) {
        let mut world = world(seed, 10);
        let viewer = world.join(0);
        world.run(5 * SECOND);
        let mut dark_s = 0;
        let mut dark_s_max = 0;
        for (seconds, loss_permille) in weather {
            world.impairment.loss_permille = loss_permille;
            dark_s = if loss_permille >= 400 { dark_s + seconds } else { 0 };
            dark_s_max = dark_s_max.max(dark_s);
            for _ in 0..seconds {
                world.run(SECOND);
                prop_assert!(world.viewers[viewer].client.reports().pending <= KEPT_MAX);
            }
        }
        world.impairment.loss_permille = 0;
        world.run(Duration::from_secs(130));
        if world.viewers[viewer].client.reports().pending > 0 {
            // A minute may end at this very moment.
            world.run(2 * SECOND);
        }
        let view = world.viewers[viewer].client.reports();
        prop_assert_eq!(view.pending, 0);
        let reports = taken(&world);
        let numbers: BTreeSet<u32> = reports.iter().map(|report| report.number).collect();
        prop_assert_eq!(numbers.len(), reports.len(), "each once");
        let last = *numbers.last().unwrap();
        let lost = u64::from(last) - numbers.len() as u64;
        prop_assert!(lost <= u64::from(view.dropped), "{} lost, {} told as dropped", lost, view.dropped);
        if dark_s_max < 120 {
            prop_assert_eq!((view.dropped, lost), (0, 0));
        }
        prop_assert_eq!(world.edge.stats().reports, reports.len() as u64);
    }
}
