//! The demo says how it was, and counts those that left.

use std::process::Output;

use serde_json::Value;

use crate::harness::Program;

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn a_short_demo_has_figures_for_all_viewers_that_ever_came() {
    // So much churn that somebody leaves within the seconds.
    let arguments =
        "demo --viewers 6 --n1 2 --churn 100 --loss 1 --rtt 20 --seconds 16 --json --http 127.0.0.1:0";
    let output = Program::start(&arguments.split(' ').collect::<Vec<_>>()).output();
    assert!(output.status.success(), "{output:?}");
    let summary = last_line(&output);
    let figure = |name: &str| summary[name].as_f64().unwrap_or_else(|| panic!("{name}: {summary}"));
    assert!(figure("viewers_seen") >= 6.0, "{summary}");
    assert!(figure("viewers_now") <= 6.0, "{summary}");
    assert_eq!(figure("viewers_not_started"), 0.0, "{summary}");
    assert!(figure("peer_share_percent") > 1.0, "{summary}");
    assert_eq!(figure("bytes_media"), figure("bytes_edge") + figure("bytes_peers"));
    assert!((0.9..=1.0).contains(&figure("continuity")), "{summary}");
    assert!(figure("startup_p95_ms") >= figure("startup_p50_ms"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["peer_share_percent", "stalls_after_start", "control_percent", "duplicates_percent"] {
        let line = text.lines().find(|line| line.starts_with(&format!("{{\"name\":\"{name}\",")));
        let line: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{name}: {text}"))).unwrap();
        assert_eq!(line["value"].as_f64(), summary[name].as_f64());
    }
}
