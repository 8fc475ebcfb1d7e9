//! The demo says how it was, and counts those that left.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use livesky::media::clip::CLIP;
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

/// What the page tells people to type works as it stands.
#[test]
fn a_second_channel_is_published_as_the_page_says() {
    let path = std::env::temp_dir().join(format!("livesky-second-{}.ts", std::process::id()));
    std::fs::write(&path, CLIP).unwrap();
    let mut demo = Program::start_with(&["demo", "--viewers", "1", "--http", "127.0.0.1:0"], Stdio::null());
    let lines = BufReader::new(demo.0.stderr.take().unwrap()).lines();
    let page = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("the page: http://")?.split('/').next()?.to_owned()));
    let page = page.unwrap();
    let mut http = std::net::TcpStream::connect(&page).unwrap();
    std::io::Write::write_all(&mut http, b"GET /api/channels HTTP/1.0\r\n\r\n").unwrap();
    let answer = std::io::read_to_string(http).unwrap();
    let channels: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let command = channels["publish_command"].as_str().unwrap().replace("clip.ts", path.to_str().unwrap());
    let arguments: Vec<_> = command.split(' ').skip(1).chain(["--json"]).collect();
    let mut publisher = Program::start(&arguments);
    let reports = BufReader::new(publisher.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_on_air = reports.take(10).any(|report| report.contains("\"on_air\""));
    let _is_running = publisher.0.kill().is_ok();
    let said = publisher.output();
    assert!(is_on_air, "{command}: {said:?}");
    std::fs::remove_file(path).unwrap();
}
