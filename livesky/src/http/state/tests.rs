use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::nat::NatClass;
use livesky_core::wire::control::{Class, ClientId, WatchStats};
use livesky_std::ClientSnapshot;

use super::legacy::LegacyMeter;
use super::model::Bytes;
use super::sampler::rate_bps;
use super::totals::{Growth, Totals, divide};

fn client(id: u32, watch: WatchStats, bytes: [u64; 4]) -> ClientSnapshot {
    ClientSnapshot {
        id: ClientId(id),
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 4_000)),
        nat: NatClass::UNKNOWN,
        class: Class::P2p,
        joined_at: Instant::ZERO,
        slots: (2, 6),
        upload_bps: 600_000,
        feedable: 0,
        edge_feeds: (0, 0),
        parents: vec![None; 6],
        watch,
        bytes,
    }
}

#[test]
fn totals_survive_those_who_leave() {
    let mut totals = Totals::default();
    let first = WatchStats { frames_played: 100, stalls: 1, bytes_peers: 500, ..WatchStats::default() };
    let second = WatchStats { frames_played: 50, startup_ms: 200, ..WatchStats::default() };
    let growth = totals.take(&[client(1, first, [10, 20, 0, 0]), client(2, second, [1, 1, 1, 1])]);
    let expected = Growth { edge: [11, 21, 1, 1], peers: 500, joined: 2, orphaned: 1, ..Growth::default() };
    assert_eq!(growth, expected);

    let later = WatchStats { frames_played: 70, frames_skipped: 10, bytes_uploaded: 80, ..second };
    let growth = totals.take(&[client(2, later, [1, 1, 4, 1])]);
    assert_eq!(growth, Growth { edge: [0, 0, 3, 0], uploaded: 80, ..Growth::default() });
    assert_eq!((totals.played, totals.skipped, totals.stalls), (170, 10, 1));
    assert_eq!(totals.startups.listed(), [200]);
    // The first one comes back with its old id: it counts as somebody else, from 0.
    let growth = totals.take(&[client(1, WatchStats { frames_played: 5, ..WatchStats::default() }, [0; 4])]);
    assert_eq!((growth.joined, totals.played), (1, 175));
}

#[test]
fn a_viewer_stalls_while_its_stalled_time_grows_and_nothing_is_played() {
    let mut totals = Totals::default();
    let mut is_stalled = |frames_played, stalled_ms| {
        let watch = WatchStats { frames_played, stalled_ms, ..WatchStats::default() };
        totals.take(&[client(1, watch, [0; 4])]);
        totals.seen(ClientId(1)).is_some_and(|seen| seen.is_stalled)
    };
    assert!(!is_stalled(10, 0));
    assert!(is_stalled(10, 300));
    assert!(is_stalled(10, 300), "no news since");
    assert!(!is_stalled(35, 900), "it plays again");
}

#[test]
fn upload_rates_are_means_of_three_samples() {
    let mut totals = Totals::default();
    for bytes_uploaded in [0, 0, 20_000, 40_000, 60_000] {
        totals.take(&[client(1, WatchStats { bytes_uploaded, ..WatchStats::default() }, [0; 4])]);
    }
    assert_eq!(totals.seen(ClientId(1)).map(|seen| seen.upload_bps()), Some(160_000));
}

#[test]
fn dividing_loses_nothing() {
    for (whole, weights, parts) in [
        (100, &[1, 1][..], &[50, 50][..]),
        (100, &[1, 2], &[34, 66]),
        (7, &[0, 0, 0], &[7, 0, 0]),
        (u64::MAX, &[u64::MAX, u64::MAX], &[u64::MAX / 2 + 1, u64::MAX / 2]),
        (7, &[], &[]),
    ] {
        assert_eq!(divide(whole, weights), parts);
    }
}

#[test]
fn bytes_since_never_go_below_zero() {
    let earlier = Bytes { push: 10, legacy: 5, ..Bytes::default() };
    let later = Bytes { push: 30, peers: 8, ..Bytes::default() };
    assert_eq!(later.since(&earlier), Bytes { push: 20, peers: 8, ..Bytes::default() });
    assert_eq!(later.media(), 38);
}

#[test]
fn a_meter_counts_readers_while_they_are_there() {
    let meter = LegacyMeter::default();
    let reader = meter.enter();
    meter.on_sent(100);
    assert_eq!((meter.readers(), meter.bytes()), (1, 100));
    drop(reader);
    assert_eq!(meter.readers(), 0);
}

#[test]
fn a_rate_is_of_the_time_between_two_samples() {
    for (bytes, ms, bps) in
        [(1_000, 1_000, 8_000), (1_000, 2_000, 4_000), (1_000, 500, 16_000), (1_000, 0, 80_000)]
    {
        assert_eq!(rate_bps(bytes, Duration::from_millis(ms)), bps, "{bytes} bytes in {ms} ms");
    }
    assert_eq!(rate_bps(u64::MAX, Duration::ZERO), u64::MAX);
}
