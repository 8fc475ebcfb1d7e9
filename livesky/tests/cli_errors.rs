//! Bad input ends with one line that says what, where and what to do, and with exit code 1 or 2; never with a panic.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Runs the program without input.
fn livesky(arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_livesky")).args(arguments).stdin(Stdio::null()).output();
    command.expect("the program runs")
}

/// Runs the program, which is to fail; returns its one line.
#[track_caller]
fn error_of(arguments: &[&str]) -> String {
    let output = livesky(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {:?} {stderr}", output.status);
    assert!(output.stdout.is_empty(), "{arguments:?}: nothing on standard output");
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let [line] = lines.as_slice() else { panic!("{arguments:?}: not one line: {stderr}") };
    assert!(!stderr.contains("panicked"), "{stderr}");
    (*line).to_owned()
}

/// A file of the test's own.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("livesky-cli-{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("a file can be written");
    path
}

/// Arguments that publish `input` to where nobody listens.
fn publishing(input: &str) -> Vec<&str> {
    vec!["publish", input, "--to", "127.0.0.1:9", "--channel", "live1"]
}

#[test]
fn inputs_that_are_no_stream() {
    let clip = livesky::media::clip::CLIP;
    let noise: Vec<u8> = (0..100_000_u32).map(|number| (number * 7 % 251) as u8 | 0x80).collect();
    for (name, bytes, says) in [
        ("empty.ts", &[][..], "the input is empty"),
        ("noise.ts", noise.as_slice(), "not MPEG-TS"),
        ("text.ts", b"not a stream", "not MPEG-TS"),
        ("cut.ts", &clip[..188 * 1_000 + 100], "is cut off: its last MPEG-TS packet has 100 of 188 bytes"),
        ("tables.ts", &clip[..188].repeat(9), "no program"),
    ] {
        let path = file(name, bytes);
        let line = error_of(&publishing(path.to_str().expect("a path of ASCII")));
        assert!(line.contains(says), "{name}: {line}");
        assert!(line.contains(name), "{name} is named: {line}");
        fs::remove_file(path).expect("the file is there");
    }
}

#[test]
fn inputs_that_are_not_there() {
    let line = error_of(&publishing("/nowhere/at/all.ts"));
    assert!(line.contains("cannot read /nowhere/at/all.ts: No such file"), "{line}");
    let line = error_of(&publishing("/"));
    assert!(line.contains("cannot read /: "), "{line}");
    let line = error_of(&[publishing("-"), vec!["--loop"]].concat());
    assert!(line.contains("--loop is for files"), "{line}");
    // Standard input is closed: nothing comes.
    let line = error_of(&publishing("-"));
    assert!(line.contains("the input is empty"), "{line}");
}

#[test]
fn an_input_that_ends_before_any_edge_took_it() {
    let path = file("short.bin", b"over at once");
    let arguments = [publishing(path.to_str().expect("a path of ASCII")), vec!["--raw"]].concat();
    let line = error_of(&arguments);
    assert!(line.contains("no edge takes publishers at"), "{line}");
    fs::remove_file(path).expect("the file is there");
    let line = error_of(&["simulate", "smoke-churn", "--seed", "-1"]);
    assert!(line.contains("invalid value '-1' for '--seed <SEED>'"), "{line}");
}

/// The clip's packets with a program map table of six packets in place of one: descriptors of 900 bytes.
fn with_long_tables(clip: &[u8]) -> Vec<u8> {
    let pid = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    let pat = clip.chunks_exact(188).find(|packet| pid(packet) == 0).expect("a PAT");
    // After header, pointer and eight bytes of the section: the first program's number, then its PID.
    let pmt_pid = u16::from_be_bytes([pat[15] & 0x1f, pat[16]]);
    let mut stream = Vec::new();
    for packet in clip.chunks_exact(188) {
        if pid(packet) != pmt_pid {
            stream.extend_from_slice(packet);
            continue;
        }
        let old = &packet[5..];
        let [old_len, info_len] =
            [1, 10].map(|at| usize::from(u16::from_be_bytes([old[at] & 0x0f, old[at + 1]])));
        let streams = &old[12 + info_len..3 + old_len];
        let body = [&old[3..10], &[0xf3, 0x84], &[0xff; 900], streams].concat();
        let len = u16::try_from(body.len()).expect("a short section") | 0xb000;
        let section = [&[0, 0x02], &len.to_be_bytes()[..], &body].concat();
        for (number, part) in (0_u8..).zip(section.chunks(184)) {
            let start = if number == 0 { packet[1] | 0x40 } else { packet[1] & !0x40 };
            let mut whole = vec![0x47, start, packet[2], packet[3] & 0xf0 | (packet[3] + number) & 0x0f];
            whole.extend_from_slice(part);
            whole.resize(188, 0xff);
            stream.extend_from_slice(&whole);
        }
    }
    stream
}

#[test]
fn an_input_whose_tables_are_too_long() {
    let path = file("tables-too-long.ts", &with_long_tables(livesky::media::clip::CLIP));
    let line = error_of(&publishing(path.to_str().expect("a path of ASCII")));
    assert!(line.contains("tables-too-long.ts: its PAT and PMT take more than 752 bytes"), "{line}");
    fs::remove_file(path).expect("the file is there");
}

#[test]
fn ports_in_use() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("an address").to_string();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken_udp = udp.local_addr().expect("an address").to_string();
    let (tcp_input, udp_input) = (format!("tcp://{taken}"), format!("udp://{taken_udp}"));
    for arguments in [
        publishing(&tcp_input),
        publishing(&udp_input),
        vec!["demo", "--seconds", "1", "--http", &taken],
        vec!["watch", "livesky://127.0.0.1:9/live1", "--http", &taken],
        vec!["edge", "--udp", "127.0.0.1:0", "--tcp", &taken, "--http", "127.0.0.1:0"],
    ] {
        let line = error_of(&arguments);
        assert!(line.contains("the port is in use"), "{arguments:?}: {line}");
    }
}

#[test]
fn values_out_of_bounds() {
    let clip = file("bounds.ts", livesky::media::clip::CLIP);
    let clip = clip.to_str().expect("a path of ASCII");
    for (arguments, says) in [
        ([publishing(clip), vec!["--rate-kbps", "0"]].concat(), "0 is not in 1.."),
        ([publishing(clip), vec!["--fps", "0"]].concat(), "frame rates are"),
        ([publishing(clip), vec!["--substreams", "0"]].concat(), "0 is not in 1..=16"),
        (vec!["demo", "--rate", "0"], "0 is not in 50.."),
        (vec!["demo", "--viewers", "0"], "0 is not in 1.."),
        (vec!["demo", "--loss", "101"], "percentages are 0 to 100"),
        (vec!["demo", "--alpha", "-1"], "-1 is not in 0..=100"),
        (vec!["edge", "--alpha", "x"], "x is not a number"),
        (vec!["edge", "--gamma", "1.5"], "1.5 is not in 0..=1"),
        (vec!["edge", "--delta", "NaN"], "NaN is not in 0..=0.99"),
        (vec!["edge", "--churn-interval-s", "0"], "0 is not in 1..=300"),
        (vec!["edge", "--slope", "0"], "0 is not in 0.01..=1"),
        (vec!["watch", "live1"], "livesky://HOST:PORT/CHANNEL"),
        (vec!["publish", clip, "--to", "127.0.0.1:9", "--channel", "a b"], "a channel's name is"),
    ] {
        let line = error_of(&arguments);
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
    fs::remove_file(clip).expect("the file is there");
}

#[test]
fn an_edge_that_is_not_there() {
    // Bound, and silent: nobody answers, and no ICMP message says so.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let url = format!("livesky://{}/live1", silent.local_addr().expect("an address"));
    let line = error_of(&["watch", &url]);
    assert!(line.contains("no edge answers"), "{line}");
}

#[test]
fn an_output_that_cannot_be_written() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let url = format!("livesky://{}/live1", silent.local_addr().expect("an address"));
    let line = error_of(&["watch", &url, "--out", "/nowhere/at/all.ts"]);
    assert!(line.contains("cannot write /nowhere/at/all.ts"), "{line}");
}

#[test]
fn scenarios_that_cannot_be_simulated() {
    let unknown = file("unknown.toml", b"name = \"x\"\nrpm = 5\n");
    let bounds = file("bounds.toml", b"name = \"x\"\n[network]\nloss = 2\n");
    let (unknown, bounds) = (unknown.to_str().expect("ASCII"), bounds.to_str().expect("ASCII"));
    for (arguments, says) in [
        (vec!["simulate", "smoke-chrun"], "did you mean `smoke-churn`?"),
        (vec!["simulate", "zzzzzzzzz"], "there is no scenario `zzzzzzzzz`: `livesky simulate --list`"),
        (vec!["simulate", "/nowhere/at/all.toml"], "/nowhere/at/all.toml: cannot be read: No such file"),
        (vec!["simulate", unknown], "line 2, column 1: unknown field `rpm`"),
        (vec!["simulate", bounds], "network.loss = 2 is no share: give a fraction from 0 to 1"),
        (vec!["simulate", "smoke-churn", "--seed", "x"], "invalid value 'x'"),
        (vec!["simulate", "smoke-churn", "--seeds", "0"], "there are no seeds in 0: give a number as 10"),
        (vec!["simulate", "smoke-churn", "--seeds", "7..3"], "there are no seeds in 7..3"),
        (vec!["simulate", "smoke-churn", "--seed", "1", "--seeds", "3"], "cannot be used with"),
        (vec!["simulate", "swarm", "--seeds", "a"], "`a` is no seed"),
    ] {
        let line = error_of(&arguments);
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
    fs::remove_file(unknown).expect("the file is there");
    fs::remove_file(bounds).expect("the file is there");
}

#[test]
fn results_that_cannot_be_compared() {
    let text = file("text.json", b"not JSON");
    let other = file("other.json", b"{\"name\": \"x\"}");
    let empty = file("empty.json", b"[]");
    for (path, says) in [
        ("/nowhere/at/all.json", "cannot read /nowhere/at/all.json: No such file"),
        (text.to_str().expect("ASCII"), "has no results: expected ident at line 1"),
        (other.to_str().expect("ASCII"), "has no results: "),
        (empty.to_str().expect("ASCII"), "has no results: it is empty"),
    ] {
        let line = error_of(&["simulate", "compare", path, path]);
        assert!(line.contains(says), "{path}: {line}");
    }
    for path in [text, other, empty] {
        fs::remove_file(path).expect("the file is there");
    }
}

/// Known at once, not after the minutes that a simulation takes: the first file has nothing yet.
#[test]
fn results_that_cannot_be_written() {
    let out = file("results.json", b"");
    let name = out.to_str().expect("a path of ASCII");
    for arguments in
        [["--out", name, "--report", "/nowhere/at/all"], ["--report", name, "--out", "/nowhere/at/all"]]
    {
        let line = error_of(&[&["simulate", "smoke-loss"], &arguments[..]].concat());
        assert!(line.contains("cannot write /nowhere/at/all: No such file"), "{line}");
        assert_eq!(fs::read(&out).expect("the file is there"), b"", "{arguments:?}");
    }
    fs::remove_file(out).expect("the file is there");
}
