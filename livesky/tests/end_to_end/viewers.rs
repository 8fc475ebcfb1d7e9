//! Viewers that feed each other: what a P2P-fed `watch` writes is what was published, byte for byte.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use livesky::media::clip::CLIP;
use livesky_std::EdgeHandle;
use serde_json::Value;

use crate::harness::{Program, edge, is_on_air, wait_for};

/// Viewers of the test; with N1 = 1 most are fed by others.
const VIEWERS: usize = 4;

fn clip_file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("livesky-e2e-{}-{name}", std::process::id()));
    fs::write(&path, CLIP).unwrap();
    path
}

fn publish(edge: &EdgeHandle, clip: &Path, more: &[&str]) -> Program {
    let node = edge.tcp_addr().to_string();
    let base = ["publish", clip.to_str().unwrap(), "--to", &node, "--channel", "live1", "--json"];
    Program::start(&[&base[..], more].concat())
}

/// The last JSON line of a program's standard output.
fn last_report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_else(|| panic!("no report: {output:?}"));
    serde_json::from_str(line).unwrap()
}

/// What is written: the init bytes, then a piece of `published` that begins with the tables before a key frame.
#[track_caller]
fn assert_is_piece_of(written: &[u8], published: &[u8], init_len: usize) {
    let (_init, stream) = written.split_at(init_len);
    assert!(stream.len() > 188 * 100, "only {} bytes were written", stream.len());
    let found = published.windows(188 * 8).position(|window| stream.starts_with(window));
    let start = found.expect("the stream begins somewhere in what was published");
    assert_eq!(start % 188, 0, "at a packet");
    let piece = &published[start..start + stream.len()];
    assert!(piece == stream, "what is written differs from what was published");
}

#[test]
fn a_peer_fed_viewer_writes_what_was_published() {
    let edge = edge();
    let clip = clip_file("bytes.ts");
    let publisher = publish(&edge, &clip, &["--target-buffer-ms", "2000"]);
    wait_for("the channel", || is_on_air(&edge));
    let url = format!("livesky://{}/live1", edge.udp_addr());
    let outs: Vec<PathBuf> =
        (0..VIEWERS).map(|number| clip.with_extension(format!("{number}.out"))).collect();
    let viewers: Vec<Program> = outs
        .iter()
        .map(|out| {
            // One after the other, so that there are parents to be found.
            thread::sleep(Duration::from_millis(400));
            let out = out.to_str().unwrap();
            Program::start(&[
                "watch",
                &url,
                "--out",
                out,
                "--json",
                "--seconds",
                "14",
                "--upload-kbps",
                "2000",
            ])
        })
        .collect();
    let outputs: Vec<Output> = viewers.into_iter().map(Program::output).collect();
    let mut from_peers_most = 0.0_f64;
    for (output, out) in outputs.iter().zip(&outs) {
        assert!(output.status.success(), "{output:?}");
        let report = last_report(output);
        let bytes = |name: &str| report[name].as_f64().unwrap();
        from_peers_most =
            from_peers_most.max(bytes("bytes_peers") / (bytes("bytes_peers") + bytes("bytes_edge")));
        assert_eq!(report["stalls"], 0, "{report}");
        assert_eq!(report["frames_skipped"], 0, "{report}");
        let written = fs::read(out).unwrap();
        assert_is_piece_of(&written, CLIP, 2 * 188);
        assert_decodes(out);
        fs::remove_file(out).unwrap();
    }
    assert!(from_peers_most > 0.2, "a viewer is fed by peers: {from_peers_most:.2}");
    drop(publisher);
    fs::remove_file(clip).unwrap();
}

/// `ffprobe` reads every frame without a complaint.
#[track_caller]
fn assert_decodes(path: &Path) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path)
        .output();
    let Ok(output) = probe else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "ffprobe is missing: apt-get install ffmpeg");
        eprintln!("skipped: ffprobe is missing, nothing was decoded");
        return;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    // The piece may end in the middle of a sound frame, which the next packet would have completed.
    let complaints: Vec<_> = stderr.lines().filter(|line| !line.contains("incomplete frame")).collect();
    assert!(output.status.success() && complaints.is_empty(), "{stderr}");
    let counts = String::from_utf8_lossy(&output.stdout);
    let frames: u32 = counts.lines().find_map(|line| line.trim_matches(',').parse().ok()).unwrap();
    assert!(frames > 100, "{counts}");
}

#[test]
fn a_second_publisher_is_refused_and_one_that_returns_continues() {
    let edge = edge();
    let clip = clip_file("again.ts");
    let first = publish(&edge, &clip, &["--loop"]);
    wait_for("the channel", || is_on_air(&edge));

    let second = publish(&edge, &clip, &[]).output();
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let line = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(line.contains("refuses the channel live1: another publisher has it"), "{line}");

    let before = smol::block_on(edge.channels()).remove(0);
    drop(first);
    wait_for("the publisher's absence", || {
        !smol::block_on(edge.channels()).iter().any(|channel| channel.is_open)
    });
    let again = publish(&edge, &clip, &["--loop"]);
    wait_for("the publisher's return", || is_on_air(&edge));
    let after = smol::block_on(edge.channels()).remove(0);
    assert_eq!(after.epoch, before.epoch, "the channel goes on");
    assert!(after.newest > before.newest, "and so do its numbers");
    drop(again);
    fs::remove_file(clip).unwrap();
}

#[test]
fn an_unknown_channel_is_said_to_be_so() {
    let edge = edge();
    let url = format!("livesky://{}/nothing", edge.udp_addr());
    let output = Program::start(&["watch", &url]).output();
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(line.contains("there is no such channel"), "{line}");
}

#[test]
fn a_file_ends_and_its_viewers_see_it_to_its_end() {
    let edge = edge();
    let clip = std::env::temp_dir().join(format!("livesky-e2e-{}-short.ts", std::process::id()));
    let short = &CLIP[..CLIP.len() / 5 / 188 * 188];
    fs::write(&clip, short).unwrap();
    let publisher = publish(&edge, &clip, &["--target-buffer-ms", "1000"]);
    wait_for("the channel", || is_on_air(&edge));
    let url = format!("livesky://{}/live1", edge.udp_addr());
    let viewer = Program::start(&["watch", &url, "--out", "-"]);
    let published = publisher.output();
    assert!(published.status.success(), "{published:?}");
    let mut viewer = viewer;
    let mut written = Vec::new();
    std::io::Read::read_to_end(&mut viewer.0.stdout.take().unwrap(), &mut written).unwrap();
    assert!(viewer.0.wait().unwrap().success());
    assert!(short.ends_with(&written[written.len() - 188 * 20..]), "the last frames came");
    fs::remove_file(clip).unwrap();
}

#[test]
fn a_reader_that_goes_ends_the_viewer_quietly() {
    let edge = edge();
    let clip = clip_file("pipe.ts");
    let publisher = publish(&edge, &clip, &["--loop"]);
    wait_for("the channel", || is_on_air(&edge));
    let mut viewer =
        Program::start(&["watch", &format!("livesky://{}/live1", edge.udp_addr()), "--out", "-"]);
    let mut first = [0; 188];
    let mut stdout = viewer.0.stdout.take().unwrap();
    std::io::Read::read_exact(&mut stdout, &mut first).unwrap();
    assert_eq!(first[0], 0x47);
    drop(stdout);
    let output = viewer.output();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error"), "{output:?}");
    drop(publisher);
    fs::remove_file(clip).unwrap();
}

/// An edge as a program, and where it takes publishers and serves HTTP.
fn edge_with_http() -> (Program, String, String) {
    let [node, http] = [(); 2].map(|()| {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    });
    let edge = Program::start(&["edge", "--udp", "127.0.0.1:0", "--tcp", &node, "--http", &http]);
    let edge_up =
        || std::net::TcpStream::connect(&node).is_ok() && std::net::TcpStream::connect(&http).is_ok();
    wait_for("the edge", edge_up);
    (edge, node, http)
}

/// The edge has no UDP where the viewer asks: nothing answers there.
#[test]
fn a_viewer_whose_udp_is_blocked_plays_by_http() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let clip = clip_file("blocked.ts");
    let (_edge, node, http) = edge_with_http();
    let base = ["publish", clip.to_str().unwrap(), "--loop", "--to", &node, "--channel", "live1", "--json"];
    let _publisher = Program::start(&base);
    thread::sleep(Duration::from_secs(4));
    let url = format!("livesky://{}/live1", silent.local_addr().unwrap());
    let stream = format!("http://{http}/live1.ts");
    let out = clip.with_extension("http.out");
    let viewer = Program::start(&[
        "watch",
        &url,
        "--http-fallback",
        &stream,
        "--out",
        out.to_str().unwrap(),
        "--json",
        "--seconds",
        "12",
    ]);
    let output = viewer.output();
    assert!(output.status.success(), "{output:?}");
    let report = last_report(&output);
    assert_eq!(
        (report["via"].as_str(), report["state"].as_str()),
        (Some("http"), Some("playing")),
        "{report}"
    );
    assert!(report["bytes_http"].as_u64() > Some(50_000) && report["frames_played"].as_u64() > Some(50));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("the stream comes by HTTP"), "{text}");
    let written = fs::read(&out).unwrap();
    assert!(written.len() > 50_000 && written.iter().step_by(188).all(|&byte| byte == 0x47));
}

#[test]
fn a_viewer_by_http_sees_the_channels_end() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let clip = std::env::temp_dir().join(format!("livesky-e2e-{}-http-end.ts", std::process::id()));
    fs::write(&clip, &CLIP[..CLIP.len() / 3 / 188 * 188]).unwrap();
    let (_edge, node, http) = edge_with_http();
    let publisher = Program::start(&["publish", clip.to_str().unwrap(), "--to", &node, "--channel", "live1"]);
    let url = format!("livesky://{}/live1", silent.local_addr().unwrap());
    let stream = format!("http://{http}/live1.ts");
    let viewer = Program::start(&["watch", &url, "--http-fallback", &stream, "--out", "/dev/null"]);
    assert!(publisher.output().status.success());
    let output = viewer.output();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("the channel is over"), "{text}");
    assert!(text.contains("the stream comes by HTTP"), "{text}");
    fs::remove_file(clip).unwrap();
}

/// Neither way leads anywhere: what each of them met is said.
#[test]
fn a_viewer_that_is_answered_by_neither_way_says_both() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (_edge, _, http) = edge_with_http();
    let url = format!("livesky://{}/live1", silent.local_addr().unwrap());
    let stream = format!("http://{http}/live1.ts");
    let output = Program::start(&["watch", &url, "--http-fallback", &stream]).output();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("no edge answers at") && text.contains("there is no such stream (404)"), "{text}");
}
