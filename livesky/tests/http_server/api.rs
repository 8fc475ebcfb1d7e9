//! The API and the metrics against docs/api.md.

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::client::get;
use super::stage::{Setup, Stage, until};

/// The JSON examples of docs/api.md by the heading above them.
fn example(heading: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let json = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    serde_json::from_str(json).unwrap()
}

/// Every path to a field: that of an array's first element stands for all.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{path}/{name}");
                found.insert(path.clone());
                fields(value, &path, found);
            }
        }
        Value::Array(array) => {
            array.iter().take(1).for_each(|value| fields(value, &format!("{path}[]"), found))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fields_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    fields(value, "", &mut found);
    found
}

fn number(state: &Value, path: &str) -> f64 {
    state.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {state}"))
}

#[test]
fn the_api_has_the_fields_of_its_document_and_figures_that_can_be() {
    let mut stage = Stage::with_clip(&Setup { n1: 1, ..Setup::default() });
    let viewers: Vec<_> = (0..3).map(|_| stage.viewer(5_000_000)).collect();
    stage.board.set_p2p_video(
        "live1",
        Some(livesky::http::state::P2pVideo {
            url: "viewer/live1/index.m3u8".into(),
            viewer: livesky_core::wire::control::ClientId(7),
        }),
    );
    until("viewers that play", || viewers.iter().all(|viewer| viewer.status().watch.frames_played > 60));
    until("a sample of them", || {
        let state = get(stage.http, "/api/state?channel=live1").json();
        state.pointer("/bytes/peers").and_then(Value::as_u64) > Some(1_000)
            && number(&state, "/channel/rate_bps") > 0.0
            && state.pointer("/quality/startup_ms/2").is_some()
    });
    let answer = get(stage.http, "/api/state");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let state = answer.json();
    assert_eq!(fields_of(&state), fields_of(&example("`/api/state`")));
    for (path, least, most) in [
        ("/now_ms", 1.6e12, 1e14),
        ("/channel/rate_bps", 1e5, 3e6),
        ("/channel/substreams", 6.0, 6.0),
        ("/edge/egress_bps", 1.0, 1e9),
        ("/scaling/stage", 1.0, 4.0),
        ("/scaling/p0", 3.0, 3.0),
        ("/scaling/nc", 0.9, 3.0),
        ("/scaling/s", 0.01, 1.0),
        ("/scaling/n1", 1.0, 1.0),
        ("/offload/bytes_total", 0.0, 1.0),
        ("/offload/bytes_10s", 0.0, 1.0),
        ("/offload/viewers", 0.0, 1.0),
        ("/quality/continuity", 0.9, 1.0),
        ("/quality/viewers_seen", 3.0, 3.0),
        ("/quality/startup_p50_ms", 1.0, 10_000.0),
        ("/bytes/burst", 1.0, 1e8),
        ("/bytes/control", 1.0, 1e8),
        ("/bytes/fragment_headers", 1.0, 1e8),
        ("/viewers/0/level", 1.0, 2.0),
        ("/viewers/0/id", 1.0, 9e15),
        ("/viewers/0/buffer_ms", 1.0, 20_000.0),
    ] {
        let value = number(&state, path);
        assert!((least..=most).contains(&value), "{path} = {value}");
    }
    let parents = state.pointer("/viewers/0/parents").and_then(Value::as_array).unwrap();
    assert_eq!(parents.len(), 6);
    assert!(state.pointer("/why/0").and_then(Value::as_str).is_some_and(|why| why.starts_with("Stage ")));

    let channels = get(stage.http, "/api/channels").json();
    assert_eq!(fields_of(&channels), fields_of(&example("`/api/channels`")));
    let history = get(stage.http, "/api/history").json();
    assert_eq!(history.pointer("/columns"), example("`/api/history`").pointer("/columns"));
    let rows = history.pointer("/rows").and_then(Value::as_array).unwrap();
    assert!(rows.iter().all(|row| row.as_array().is_some_and(|row| row.len() == 9)), "{history}");
    assert_eq!(
        get(stage.http, "/api/state?channel=live9").json().pointer("/error"),
        Some(&"unknown channel live9".into())
    );

    // Nothing is lost when somebody leaves.
    let peers = number(&state, "/bytes/peers");
    smol::block_on(viewers.last().unwrap().leave());
    until("the leave", || number(&get(stage.http, "/api/state").json(), "/scaling/p0") < 3.0);
    let later = get(stage.http, "/api/state").json();
    assert!(number(&later, "/bytes/peers") >= peers);
    assert_eq!(later.pointer("/quality/viewers_seen"), Some(&3.into()));
    check_metrics(&get(stage.http, "/metrics").text());
}

/// Units and suffixes a metric's name may end in.
const ENDINGS: [&str; 12] = [
    "_total",
    "_bytes",
    "_seconds",
    "_ratio",
    "_per_second",
    "_clients",
    "_viewers",
    "_on_air",
    "_stage",
    "_nc",
    "_n1",
    "_n_star",
];

fn check_metrics(text: &str) {
    let mut family = String::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && seen.insert(format!("# {name}")), "{line}");
            assert!(
                ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.ends_with("_factor"),
                "{name}"
            );
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert!(name == family && seen.insert(series.to_owned()), "{line}");
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
            let labels = series.strip_prefix(name).unwrap();
            assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with("\"}")), "{line}");
        }
    }
    for series in [
        "livesky_clients{channel=\"live1\",class=\"push\"}",
        "livesky_media_bytes_total{channel=\"live1\",source=\"legacy\"}",
        "livesky_edge_rejects_total{reason=\"malformed\"}",
        "livesky_edge_refusals_total{reason=\"saturated\"}",
        "process_resident_memory_bytes",
    ] {
        assert!(seen.contains(series), "{series} in {text}");
    }
}

/// The last JSON object of a section of docs/api.md whose `kind` is this.
fn report_example(kind: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("\n## ").find(|section| section.starts_with("`/api/reports`")).unwrap();
    let mut lines = section.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.rfind(|line| line.pointer("/kind") == Some(&kind.into())).unwrap()
}

#[test]
fn reports_are_lines_and_events_and_counted() {
    let mut stage = Stage::with_clip(&Setup::default());
    let mut events = get(stage.http, "/api/reports/events");
    assert_eq!(events.chunk().unwrap(), b"retry: 2000\n\n");
    let viewer = stage.viewer(5_000_000);
    let lines = |path: &str| -> Vec<Value> {
        let answer = get(stage.http, path);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    until("the join record", || !lines("/api/reports").is_empty());
    until("some frames", || viewer.status().watch.frames_played > 10);
    smol::block_on(viewer.leave());
    until("the last minute", || lines("/api/reports?channel=live1").len() == 2);
    let told = lines("/api/reports");
    for (line, kind) in told.iter().zip(["join", "minute"]) {
        assert_eq!(line.pointer("/kind"), Some(&kind.into()));
        assert_eq!(fields_of(line), fields_of(&report_example(kind)), "{kind}");
        assert_eq!(line.pointer("/channel"), Some(&"live1".into()));
    }
    assert!(number(&told[0], "/started_ms") >= 1.0);
    assert_eq!((number(&told[0], "/number"), number(&told[1], "/number")), (1.0, 2.0));
    // Who leaves soon may have been sent nothing but the burst.
    let media = number(&told[1], "/bytes/push") + number(&told[1], "/bytes/burst");
    assert!(number(&told[1], "/frames_played") > 10.0 && media >= 1.0, "{}", told[1]);
    assert!(lines("/api/reports?channel=live9").is_empty());
    for line in &told {
        let event = String::from_utf8(events.chunk().unwrap()).unwrap();
        let data = event.strip_prefix("event: report\ndata: ").and_then(|data| data.strip_suffix("\n\n"));
        assert_eq!(&serde_json::from_str::<Value>(data.unwrap_or_else(|| panic!("{event}"))).unwrap(), line);
    }
    until("the counters", || {
        let metrics = get(stage.http, "/metrics").text();
        metrics.contains("\nlivesky_edge_reports_total 2\n")
            && metrics.contains("\nlivesky_reported_minutes_total{channel=\"live1\"} 1\n")
    });
}

#[test]
fn events_come_each_second_and_say_when_it_is_over() {
    let mut stage = Stage::with_clip(&Setup::default());
    let mut events = get(stage.http, "/api/events?channel=live1");
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let mut next = || String::from_utf8(events.chunk().unwrap()).unwrap();
    assert_eq!(next(), "retry: 2000\n\n");
    let mut uptimes = Vec::new();
    for _ in 0..3 {
        let event = next();
        let data = event.strip_prefix("event: state\ndata: ").and_then(|data| data.strip_suffix("\n\n"));
        let state: Value = serde_json::from_str(data.unwrap_or_else(|| panic!("{event}"))).unwrap();
        uptimes.push(number(&state, "/now_ms"));
    }
    let spans: Vec<_> = uptimes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(spans.iter().all(|span| (500.0..3_000.0).contains(span)), "{spans:?}");
    stage.board.end("the demo is over");
    drop(stage.stopper.take());
    assert_eq!(next(), "event: ended\ndata: {\"reason\":\"the demo is over\"}\n\n");
    assert!(events.chunk().is_none());
    std::thread::sleep(Duration::from_millis(50));
}

/// What players took before is no load on the edge when the channel begins again.
#[test]
fn a_channel_that_comes_back_brings_no_load_from_before() {
    let mut stage = Stage::with_clip(&Setup::default());
    for _ in 0..20 {
        let mut stream = get(stage.http, "/live1.ts?start=oldest");
        let mut len = 0;
        while len < 200_000 {
            len += stream.chunk().unwrap().len();
        }
    }
    stage.end_channel();
    until("the channel's end", || stage.board.sample(Some("live1")).is_none());
    stage.begin_channel();
    let mut after = 0;
    for _ in 0..3 {
        let sample = smol::block_on(stage.board.next("live1", after)).unwrap();
        after = sample.number;
        let egress_bps = sample.state.edge.egress_bps;
        assert!(
            egress_bps < 1_000_000,
            "nobody watches, and the edge sends {egress_bps} bit/s: sample {after}"
        );
    }
}
