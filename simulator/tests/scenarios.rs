//! Every scenario can be read; the small ones run, and no rule is broken in them.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::path::{Path, PathBuf};

use livesky_sim::{Results, Scenario, run};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_is_valid_and_named_as_its_file() {
    for file in files() {
        let scenario = Scenario::load(&file).unwrap();
        assert_eq!(Some(scenario.name.as_str()), file.file_stem().and_then(|stem| stem.to_str()));
        assert!(!scenario.about.is_empty(), "{} says nothing", file.display());
    }
}

fn smoke(name: &str) -> Results {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/smoke-{name}.toml"));
    let results = run(&Scenario::load(&path).unwrap(), 1, &mut |_| {});
    assert!(results.violations.is_empty(), "{}", results.violations.first().unwrap());
    results
}

#[test]
fn churn_disturbs_nobody() {
    let results = smoke("churn");
    assert!(results.quality.continuity >= 0.999, "{:?}", results.quality);
    assert_eq!(results.startup.started, results.startup.arrivals);
    assert!(results.traffic.delivered.of_peers() > results.traffic.delivered.total() / 10, "peers feed");
    // It is disturbed, though, and mended.
    let (actions, edge) = (&results.actions, results.edges.first().unwrap());
    assert!(actions.feeds_lost > 0 && actions.suspicions_false > 0, "{actions:?}");
    assert!(edge.rescues > 0 && edge.promotions > 0, "{edge:?}");
}

#[test]
fn a_crowd_is_let_in() {
    let results = smoke("flash");
    assert_eq!((results.startup.arrivals, results.startup.refused), (40, 0));
    assert!(results.startup.p95_ms.is_some_and(|ms| ms <= 2_000.0), "{:?}", results.startup);
}

#[test]
fn in_a_crowd_peers_fill_the_buffers() {
    let results = smoke("crowd");
    let last = results.series.last().unwrap();
    // Bursts of the first part alone leave 2.7 s in them.
    assert!(last.buffer_ms_p50 >= 8_000, "{last:?}");
    let delivered = &results.traffic.delivered;
    assert!(delivered.peer_pull > 2 * delivered.edge_pull, "{delivered:?}");
    assert!(results.edges.iter().all(|edge| edge.bursts_shared > 0), "{:?}", results.edges);
    assert!(results.quality.continuity >= 0.998, "{:?}", results.quality);
    assert!(results.traffic.duplicate_share < 0.01, "{:?}", results.traffic);
    assert!(results.startup.p95_ms.is_some_and(|ms| ms <= 2_000.0), "{:?}", results.startup);
}

#[test]
fn departures_are_repaired() {
    let results = smoke("departure");
    assert!(results.repairs.lost > 0, "somebody fed somebody");
    assert!(results.actions.suspicions > results.actions.suspicions_false, "{:?}", results.actions);
    assert_eq!(results.quality.stalled_with_buffer, 0, "{:?}", results.quality);
    let is_within = |ms: Option<f64>, ms_max: f64| ms.is_some_and(|ms| ms <= ms_max);
    assert!(is_within(results.repairs.p50_ms, 600.0), "{:?}", results.repairs);
    assert!(is_within(results.repairs.p99_ms, 1_000.0), "{:?}", results.repairs);
}

#[test]
fn loss_is_made_good() {
    let results = smoke("loss");
    assert!(results.quality.continuity >= 0.99, "{:?}", results.quality);
    assert!(results.traffic.sent_per_delivered <= 1.2 / 0.9, "{:?}", results.traffic);
    assert!(results.actions.retransmits > 1_000 && results.actions.pulls > 0, "{:?}", results.actions);
}

#[test]
fn everybody_behind_a_box_plays() {
    let results = smoke("nat");
    assert!(results.quality.continuity >= 0.999, "{:?}", results.quality);
    assert!(results.nat.connected_share.is_some_and(|share| share >= 0.9), "{:?}", results.nat);
    assert!(results.nat.introduced_in_vain <= 2, "{:?}", results.nat);
}

#[test]
fn faults_come_and_heal() {
    let results = smoke("faults");
    let is_healed = |after_s: Option<f64>| after_s.is_some_and(|after_s| after_s <= 10.0);
    assert!(results.faults.iter().all(|fault| is_healed(fault.healed_after_s)), "{:?}", results.faults);
    // They had come: at half a line of 20 Mbit/s the edge sends less, some are cut off, and without power it sends nothing.
    let egress_bps = |at_s: f64| results.series.iter().find(|row| row.at_s >= at_s).unwrap().egress_bps;
    assert!(egress_bps(17.0) > 12e6 && egress_bps(21.0) < 10e6, "{} {}", egress_bps(17.0), egress_bps(21.0));
    assert!(results.faults[1].clients >= 5, "{:?}", results.faults);
    assert!(egress_bps(39.0) < 1e6, "{}", egress_bps(39.0));
    // And it has come back without memory: everybody joined anew.
    let edge = results.edges.first().unwrap();
    assert!(edge.joins_push + edge.joins_p2p >= 80 && edge.viewers >= 38, "{edge:?}");
    assert!(results.actions.lags > 0, "{:?}", results.actions);
}

#[test]
fn half_of_the_edges_line_heals() {
    let results = smoke("halved");
    let fault = results.faults.first().unwrap();
    assert!(fault.healed_after_s.is_some_and(|after_s| after_s <= 5.0), "{fault:?}");
    // Some wait, so that most see nothing of it.
    let during = results.series.iter().filter(|sample| (38.0..50.0).contains(&sample.at_s));
    assert!(during.clone().all(|sample| sample.playing * 5 >= sample.viewers * 3), "{:?}", results.series);
    assert!(during.clone().all(|sample| sample.egress_bps < 30e6), "the rate follows the line");
    assert!(results.traffic.sent_per_delivered < 1.05, "{:?}", results.traffic);
    let last = results.series.last().unwrap();
    assert_eq!((last.playing, last.stalled), (last.viewers, 0), "{last:?}");
}

#[test]
fn bytes_are_told_by_isp() {
    let results = smoke("edges");
    let traffic = &results.traffic;
    assert!(
        traffic.cross_isp_share > 0.0 && traffic.cross_isp_share < traffic.cross_isp_share_random,
        "{traffic:?}"
    );
    assert_eq!(results.edges.len(), 2);
}

#[test]
fn who_cannot_be_reached_counts_as_legacy() {
    let results = smoke("blocked");
    let legacy_bps = results.traffic.delivered.legacy as f64 * 8.0 / 15.0;
    // Two players of the edge's own, and about 8 of 40.
    assert!(
        (800_000.0 + 4.0 * 400_000.0..800_000.0 + 14.0 * 400_000.0).contains(&legacy_bps),
        "{legacy_bps}"
    );
    assert!(results.quality.continuity >= 0.999, "{:?}", results.quality);
}

#[test]
fn an_edge_that_is_told_to_stop_hands_over_without_a_stall() {
    let results = smoke("drain");
    assert_eq!(results.quality.stalls, 0, "{:?}", results.quality);
    let last = results.series.last().unwrap();
    assert_eq!((last.viewers, last.playing), (30, 30));
    let viewers: Vec<u32> = results.edges.iter().map(|edge| edge.viewers).collect();
    assert_eq!(viewers, [0, 30], "the first edge has handed over whom it had");
    assert!(results.actions.redirects >= 10, "{:?}", results.actions);
}

#[test]
fn children_of_a_slow_uplink_move_before_they_stall() {
    let results = smoke("slow");
    let fault = results.faults.first().unwrap();
    // Half of the uplink bears half of the feeds.
    assert!(fault.children >= 12, "{fault:?}");
    assert!(fault.children_moved_soon * 5 >= fault.children * 2, "{fault:?}");
    assert!(results.actions.children_stopped > 0, "{:?}", results.actions);
    assert_eq!(results.quality.stalls, 0, "{:?}", results.quality);
}

#[test]
fn in_a_mesh_peers_feed_each_other() {
    let results = smoke("mesh");
    let delivered = &results.traffic.delivered;
    assert!(delivered.peer_pull > delivered.total() / 2, "{delivered:?}");
    // What a frame that was asked for lost is sent again as a feed's is: a little.
    assert!(delivered.peers < delivered.peer_pull / 20, "there are no trees: {delivered:?}");
    // As many as the edge may seed, and no more.
    assert!(results.edges.iter().all(|edge| edge.joins_push <= 8), "{:?}", results.edges);
    assert!(results.quality.continuity >= 0.95, "{:?}", results.quality);
    let last = results.series.last().unwrap();
    assert!(last.playing * 10 >= last.viewers * 9, "{last:?}");
}

#[test]
fn who_does_not_consent_uploads_nothing_and_misses_nothing() {
    let results = smoke("receive-only");
    // That they send nothing is a rule (`upload cap`); the others do.
    assert!(results.uploads.by_twentieths[0] >= 14, "{:?}", results.uploads);
    assert!(
        results.traffic.delivered.of_peers() > results.traffic.delivered.total() / 5,
        "{:?}",
        results.traffic
    );
    assert_eq!(results.quality.stalls, 0, "{:?}", results.quality);
}

#[test]
fn an_edge_counts_what_its_operator_does_not_know() {
    let results = smoke("estimate");
    assert!(results.bounds.scaling.is_some_and(|s| s > 0.95), "as told the edge would feed nearly everybody");
    let last = results.series.last().unwrap();
    assert!(last.nc_target < 0.85 * f64::from(last.p0), "{last:?}");
    assert!((last.nc - last.nc_target).abs() <= 2.0, "{last:?}");
    assert!(results.edges.iter().all(|edge| edge.demotions > 0), "{:?}", results.edges);
    assert_eq!(results.quality.stalls, 0, "{:?}", results.quality);
}

#[test]
fn a_publishers_clock_that_is_slow_is_followed() {
    let results = smoke("drift");
    assert_eq!((results.quality.stalls, results.quality.frames_skipped), (0, 0), "{:?}", results.quality);
    // At the pace of the time stamps 600 ms of the 2 s would be gone, and as much again as is lacking at first.
    let last = results.series.last().unwrap();
    assert!((1_700..=2_100).contains(&last.buffer_ms_p50), "{last:?}");
}
