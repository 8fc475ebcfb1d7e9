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
    assert!(results.quality.continuity >= 0.998, "{:?}", results.quality);
    assert!(results.traffic.duplicate_share < 0.01, "{:?}", results.traffic);
    assert!(results.startup.p95_ms.is_some_and(|ms| ms <= 2_000.0), "{:?}", results.startup);
}

#[test]
fn departures_are_repaired() {
    let results = smoke("departure");
    assert!(results.repairs.lost > 0, "somebody fed somebody");
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
}

#[test]
fn everybody_behind_a_box_plays() {
    let results = smoke("nat");
    assert!(results.quality.continuity >= 0.999, "{:?}", results.quality);
    assert!(results.nat.connected_share.is_some_and(|share| share >= 0.9), "{:?}", results.nat);
    assert!(results.nat.introduced_in_vain <= 2, "{:?}", results.nat);
}

#[test]
fn faults_heal() {
    let results = smoke("faults");
    let is_healed = |after_s: Option<f64>| after_s.is_some_and(|after_s| after_s <= 10.0);
    assert!(results.faults.iter().all(|fault| is_healed(fault.healed_after_s)), "{:?}", results.faults);
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
}
