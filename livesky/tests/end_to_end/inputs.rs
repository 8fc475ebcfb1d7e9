//! Every kind of input becomes a channel, byte for byte, and signals end the publisher cleanly.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;

use livesky::media::clip::CLIP;
use livesky_core::media::ChannelName;
use livesky_std::{EdgeHandle, LogEntry};

use crate::harness::{Program, edge, is_on_air, wait_for};

/// About 4 s of the clip.
fn piece() -> &'static [u8] {
    &CLIP[..CLIP.len() / 7 / 188 * 188]
}

fn publish(edge: &EdgeHandle, input: &str, more: &[&str], stdin: Stdio) -> Program {
    let node = edge.tcp_addr().to_string();
    let base = ["publish", input, "--to", &node, "--channel", "live1"];
    Program::start_with(&[&base[..], more].concat(), stdin)
}

/// All frames the edge holds of the channel.
fn received(edge: &EdgeHandle) -> Vec<u8> {
    let channel = ChannelName::new("live1").unwrap();
    let Some(mut frames) = edge.frames_from_oldest(&channel) else { return Vec::new() };
    let mut bytes = Vec::new();
    while let Some(LogEntry::Frame(frame)) = frames.try_next() {
        bytes.extend_from_slice(&frame.bytes);
    }
    bytes
}

#[track_caller]
fn assert_is_start_of(received: &[u8], sent: &[u8]) {
    assert!(received.len() > 30_000, "only {} bytes came", received.len());
    let begins = sent.windows(1_880).position(|window| received.starts_with(window));
    let begins = begins.expect("what came was sent");
    assert!(sent[begins..].starts_with(received), "what came differs from what was sent");
}

/// A port that was free a moment ago.
fn free_port(is_udp: bool) -> SocketAddr {
    let any = (Ipv4Addr::LOCALHOST, 0);
    if is_udp {
        UdpSocket::bind(any).unwrap().local_addr()
    } else {
        TcpListener::bind(any).unwrap().local_addr()
    }
    .unwrap()
}

/// Writes in real time, 20 times a second.
fn stream(mut write: impl FnMut(&[u8])) {
    for portion in piece().chunks(188 * 7 * 18) {
        portion.chunks(188 * 7).for_each(&mut write);
        thread::sleep(Duration::from_millis(350));
    }
}

#[test]
fn standard_input() {
    let edge = edge();
    let mut publisher = publish(&edge, "-", &[], Stdio::piped());
    let mut stdin = publisher.0.stdin.take().unwrap();
    let writing = thread::spawn(move || stdin.write_all(piece()));
    wait_for("the channel", || is_on_air(&edge));
    assert_is_start_of(&received(&edge), piece());
    writing.join().unwrap().unwrap();
    wait_for("the end of the input", || received(&edge).len() == piece().len());
    let output = publisher.output();
    assert!(output.status.success(), "{output:?}");
    wait_for("the end of the channel", || smol::block_on(edge.channels()).is_empty());
}

#[test]
fn a_tcp_listener() {
    let edge = edge();
    let address = free_port(false);
    let publisher = publish(&edge, &format!("tcp://{address}"), &[], Stdio::null());
    let mut stream_to = None;
    wait_for("the listener", || {
        stream_to = TcpStream::connect(address).ok();
        stream_to.is_some()
    });
    let mut tcp = stream_to.unwrap();
    stream(|bytes| tcp.write_all(bytes).unwrap());
    wait_for("the channel", || is_on_air(&edge));
    assert_is_start_of(&received(&edge), piece());
    drop(publisher);
}

#[test]
fn a_udp_listener() {
    let edge = edge();
    let address = free_port(true);
    let publisher = publish(&edge, &format!("udp://{address}"), &[], Stdio::null());
    thread::sleep(Duration::from_millis(1_500));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    stream(|bytes| assert_eq!(socket.send_to(bytes, address).unwrap(), bytes.len()));
    wait_for("the channel", || is_on_air(&edge));
    assert_is_start_of(&received(&edge), piece());
    drop(publisher);
}

#[test]
fn raw_bytes_of_a_file() {
    let edge = edge();
    let path = std::env::temp_dir().join(format!("livesky-raw-{}", std::process::id()));
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let publisher = publish(&edge, path.to_str().unwrap(), &["--raw"], Stdio::null());
    wait_for("the channel", || is_on_air(&edge));
    wait_for("all bytes", || received(&edge) == bytes);
    assert!(publisher.output().status.success());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn signals_end_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let edge = edge();
        let path = std::env::temp_dir().join(format!("livesky-{signal}-{}.ts", std::process::id()));
        std::fs::write(&path, CLIP).unwrap();
        let publisher = publish(&edge, path.to_str().unwrap(), &["--loop"], Stdio::null());
        wait_for("the channel", || is_on_air(&edge));
        let pid = publisher.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let output = publisher.output();
        assert!(output.status.success(), "{signal}: {output:?}");
        wait_for("the end of the channel", || smol::block_on(edge.channels()).is_empty());
        std::fs::remove_file(path).unwrap();
    }
}

/// The input is longer than what waits for a connection, so that all of it but that much is still to be taken.
#[test]
fn without_an_edge_it_gives_up_or_ends_when_told() {
    let path = std::env::temp_dir().join(format!("livesky-nowhere-{}.ts", std::process::id()));
    std::fs::write(&path, CLIP).unwrap();
    let node = free_port(false).to_string();
    let arguments = ["publish", path.to_str().unwrap(), "--to", &node, "--channel", "live1"];
    let mut patient = Program::start(&arguments);
    let mut told = Program::start(&arguments);
    thread::sleep(Duration::from_secs(4));
    let pid = told.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    wait_for("the end that was asked for", || told.0.try_wait().unwrap().is_some());
    let output = told.output();
    assert!(output.status.success(), "{output:?}");
    wait_for("the end without an edge", || patient.0.try_wait().unwrap().is_some());
    let output = patient.output();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && stderr.contains("no edge takes publishers at"), "{stderr}");
    std::fs::remove_file(path).unwrap();
}

/// Opening a pipe waits for whoever writes to it; that is no reason to be deaf.
#[test]
fn a_pipe_nobody_writes_to_can_be_left() {
    let path = std::env::temp_dir().join(format!("livesky-pipe-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let node = free_port(false).to_string();
    let mut publisher =
        Program::start(&["publish", path.to_str().unwrap(), "--to", &node, "--channel", "live1"]);
    thread::sleep(Duration::from_secs(1));
    let pid = publisher.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    wait_for("the end", || publisher.0.try_wait().unwrap().is_some());
    assert!(publisher.output().status.success());
    std::fs::remove_file(path).unwrap();
}

/// An encoder that loses its power says no goodbye: its connection stands, and the next one takes its place.
#[test]
fn an_encoder_that_comes_back_is_heard_while_its_old_connection_still_stands() {
    let edge = edge();
    let address = free_port(false);
    let _publisher = publish(&edge, &format!("tcp://{address}"), &[], Stdio::null());
    let mut first = None;
    wait_for("the listener", || {
        first = TcpStream::connect(address).ok();
        first.is_some()
    });
    let mut first = first.unwrap();
    stream(|bytes| first.write_all(bytes).unwrap());
    wait_for("the channel", || is_on_air(&edge));
    let mut second = TcpStream::connect(address).unwrap();
    stream(|bytes| second.write_all(bytes).unwrap());
    wait_for("what the second one sent", || received(&edge).len() > piece().len() + 30_000);
    drop(first);
}
