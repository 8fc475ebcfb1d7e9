//! Plain players: the endless stream, HLS, many and slow ones.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use livesky::media::packet::PACKET_LEN;
use livesky_core::media::{ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_std::publisher::PublishedFrame;

use super::client::{get, request};
use super::stage::{Setup, Stage, settings, until};

/// Runs ffprobe on a file or an address; `None` where the program is missing, which in CI is a failure.
fn probe(arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0", "-show_entries", "stream=codec_name,nb_read_frames"]);
    let Ok(output) = command.args(arguments).args(["-count_frames", input]).output() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "ffprobe is missing");
        eprintln!("skipped: ffprobe is missing");
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "ffprobe on {input}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Frames decoded of a codec.
fn frames_of(probed: &str, codec: &str) -> u32 {
    let line = probed.lines().find_map(|line| line.strip_prefix(codec)?.strip_prefix(','));
    line.unwrap_or_else(|| panic!("no {codec} in {probed}")).trim_end_matches(',').parse().unwrap()
}

/// Every packet of picture and sound follows the one before it (ISO/IEC 13818-1, clause 2.4.3.3): nothing is left out.
fn check_continuity(stream: &[u8]) {
    let mut counters = BTreeMap::new();
    for packet in stream.chunks(PACKET_LEN) {
        let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
        let has_payload = packet[3] & 0x10 != 0;
        if !(0x100..0x200).contains(&pid) || !has_payload {
            continue;
        }
        let counter = packet[3] & 0x0F;
        if let Some(last) = counters.insert(pid, counter) {
            assert_eq!(counter, (last + 1) % 16, "a packet of {pid:#x} is missing");
        }
    }
    assert_eq!(counters.len(), 2, "picture and sound");
}

fn kept(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_endless_stream_begins_at_a_key_frame_and_decodes_without_an_error() {
    let stage = Stage::with_clip(&Setup::default());
    let answer = get(stage.http, "/live1.ts");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("video/mp2t")));
    let body = answer.body_of(Duration::from_secs(3));
    assert_eq!(body.len() % PACKET_LEN, 0);
    check_continuity(&body);
    let path = kept("endless.ts", &body);
    let Some(probed) = probe(&[], path.to_str().unwrap()) else { return };
    assert!(frames_of(&probed, "h264") >= 60, "{probed}");
    assert!(frames_of(&probed, "aac") >= 90, "{probed}");

    // What was before the newest key frame is there for those who ask.
    until("two seconds of frames", || {
        get(stage.http, "/live1.ts?start=oldest").body_of(Duration::from_millis(300)).len() > 200_000
    });
}

#[test]
fn hls_is_a_live_window_of_segments_that_decode_on_their_own() {
    let stage = Stage::with_clip(&Setup::default());
    let playlist = get(stage.http, "/live1/index.m3u8");
    assert_eq!(playlist.header("content-type"), Some("application/vnd.apple.mpegurl"));
    let text = playlist.text();
    assert!(text.starts_with("#EXTM3U\n"), "{text}");
    assert!(!text.contains("ENDLIST"), "{text}");
    let segments: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(segments.len() >= 2, "{text}");
    let mut joined = Vec::new();
    for segment in segments {
        let answer = get(stage.http, &format!("/live1/{segment}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("video/mp2t")));
        let len: usize = answer.header("content-length").unwrap().parse().unwrap();
        let body = answer.body();
        assert_eq!((body.len(), len % PACKET_LEN), (len, 0));
        joined.extend_from_slice(&body);
        let path = kept(&format!("segment-{segment}"), &body);
        let Some(probed) = probe(&[], path.to_str().unwrap()) else { return };
        assert!((48..=52).contains(&frames_of(&probed, "h264")), "{segment}: {probed}");
    }
    check_continuity(&joined);
    let url = format!("http://{}/live1/index.m3u8", stage.http);
    let Some(probed) = probe(&["-read_intervals", "%+4"], &url) else { return };
    assert!(frames_of(&probed, "h264") >= 90, "{probed}");
    assert_eq!(get(stage.http, "/live1/9999.ts").status, 404);
}

#[test]
fn players_hear_of_a_channels_end() {
    let mut stage = Stage::with_clip(&Setup::default());
    let mut endless = get(stage.http, "/live1.ts");
    assert!(endless.chunk().is_some());
    assert_eq!(get(stage.http, "/live1/index.m3u8").status, 200);
    stage.end_channel();
    while endless.chunk().is_some() {}
    let ended = || get(stage.http, "/live1/index.m3u8").text();
    until("the playlist's end", || ended().ends_with("#EXT-X-ENDLIST\n"));
    let text = ended();
    let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
    assert_eq!(get(stage.http, &format!("/live1/{last}")).status, 200);
    until("the channel to be unknown", || get(stage.http, "/api/state?channel=live1").status == 404);
}

#[test]
fn a_hundred_players_are_served_and_counted() {
    let stage = Stage::with_clip(&Setup { connections_max: 101, ..Setup::default() });
    let players: Vec<_> = (0..100)
        .map(|_| {
            let server = stage.http;
            std::thread::spawn(move || get(server, "/live1.ts").body_of(Duration::from_secs(4)).len())
        })
        .collect();
    let meter = stage.board.legacy("live1");
    until("all players", || meter.readers() == 100);
    until("a figure of them", || {
        let state = get(stage.http, "/api/state").json();
        state.pointer("/bytes/legacy").and_then(serde_json::Value::as_u64) > Some(1_000_000)
    });
    let lens: Vec<_> = players.into_iter().map(|player| player.join().unwrap()).collect();
    let (least, most) = (lens.iter().min().unwrap(), lens.iter().max().unwrap());
    assert!(*least > 100_000 && most - least < most / 2, "{least} to {most} bytes");
    until("the players' end", || meter.readers() == 0);
}

#[test]
fn whoever_comes_when_all_connections_are_taken_is_told_so() {
    let stage = Stage::with_clip(&Setup { connections_max: 2, ..Setup::default() });
    let mut players: Vec<_> = (0..2).map(|_| get(stage.http, "/live1.ts")).collect();
    assert!(players.iter_mut().all(|player| player.chunk().is_some()));
    let refused = get(stage.http, "/live1.ts");
    assert_eq!(refused.status, 503);
    assert!(refused.json().pointer("/error").is_some());
    drop(players);
    until("a free connection", || get(stage.http, "/api/channels").status == 200);
}

/// Bytes of each frame in the test of a slow player.
const FRAME_LEN: usize = 200_000;
const GOP: u32 = 10;

#[test]
fn a_player_that_falls_behind_goes_on_at_the_newest_key_frame() {
    let mut stage = Stage::new(&Setup { log_frames_max: 30, ..Setup::default() });
    let publisher = stage.publisher(ChannelSettings { rate_bps: 40_000_000, ..settings() }, Vec::new());
    let send = |numbers: core::ops::Range<u32>| {
        for number in numbers {
            let frame = NewFrame {
                dts: Dts::from_ticks(u64::from(number) * 3_600),
                pts_offset_ticks: 0,
                len: 0,
                key: number % GOP == 0,
            };
            let mut bytes = vec![0; FRAME_LEN];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            smol::block_on(publisher.send(PublishedFrame { frame, bytes: bytes.into() })).unwrap();
        }
    };
    send(0..5);
    until("the channel", || {
        stage.edge.frames(&super::stage::channel()).is_some_and(|mut log| log.try_next().is_some())
    });
    let mut player = get(stage.http, "/live1.ts");
    let number = |chunk: Vec<u8>| u32::from_be_bytes(chunk[..4].try_into().unwrap());
    assert_eq!(number(player.chunk().unwrap()), 0);
    // More than the sockets hold: the player sleeps meanwhile.
    send(5..200);
    let meter = stage.board.legacy("live1");
    let mut last = 0;
    let mut jumps = 0;
    while last < 195 {
        let next = number(player.chunk().unwrap());
        if next != last + 1 {
            assert!(next > last && next % GOP == 0, "from {last} to {next}");
            jumps += 1;
        }
        last = next;
    }
    assert!(jumps >= 1 && meter.jumps() == jumps, "{jumps} jumps");
}

#[test]
fn other_methods_and_paths_are_answered_by_the_rules() {
    let stage = Stage::with_clip(&Setup::default());
    for (method, path, status) in [
        ("GET", "/live9.ts", 404),
        ("GET", "/live9/index.m3u8", 404),
        ("GET", "/live1/1000.ts", 404),
        ("GET", "/nothing", 404),
        ("GET", "/../etc/passwd.ts", 404),
        ("GET", "/assets/../../Cargo.toml", 404),
        ("GET", "/%2e%2e/x", 404),
        ("POST", "/live1.ts", 405),
        ("DELETE", "/api/state", 405),
        ("POST", "/", 405),
    ] {
        let answer = request(stage.http, method, path, "");
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{method} {path}");
        assert!(answer.json().pointer("/error").is_some_and(serde_json::Value::is_string), "{method} {path}");
    }
    assert!(get(stage.http, "/live9.ts").text().contains("unknown channel live9"));
    for path in ["/live1.ts", "/live1/index.m3u8", "/api/state", "/api/events", "/metrics"] {
        let head = request(stage.http, "HEAD", path, "");
        assert_eq!(head.status, 200, "HEAD {path}");
        assert!(head.header("content-type").is_some());
        let options = request(stage.http, "OPTIONS", path, "Origin: http://a.example\r\n");
        assert_eq!(options.status, 204, "OPTIONS {path}");
        assert_eq!(options.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(options.header("access-control-allow-origin"), Some("*"));
    }
    let mut rubbish = TcpStream::connect(stage.http).unwrap();
    rubbish.write_all(b"\x16\x03\x01 no HTTP at all\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _read = rubbish.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
}
