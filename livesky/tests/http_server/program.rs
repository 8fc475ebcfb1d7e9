//! `livesky edge` as people start and end it.

use core::net::{Ipv4Addr, SocketAddr};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use super::client::get;

fn edge(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livesky"));
    command.arg("edge").args(arguments).stdin(Stdio::null());
    command
}

/// Addresses nobody uses at the moment.
fn free_addresses() -> [String; 2] {
    [(); 2].map(|()| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().to_string()
    })
}

/// An address for UDP nobody uses, and who has the port after it.
fn port_before_a_taken_one() -> (String, UdpSocket) {
    loop {
        let next = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let before = SocketAddr::from((Ipv4Addr::LOCALHOST, next.local_addr().unwrap().port() - 1));
        if UdpSocket::bind(before).is_ok() {
            return (before.to_string(), next);
        }
    }
}

fn check_failure(output: &Output, code: i32, says: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(says), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    if code == 1 {
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

#[test]
fn bad_settings_get_one_clear_line() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("edge.toml");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "n1 = 5\ncapacity-mbp = 5\n").unwrap();
    let says = format!("{file}:2:1: there is no setting `capacity-mbp`: did you mean `capacity-mbps`?");
    check_failure(&edge(&["--config", file]).output().unwrap(), 1, &says);
    check_failure(&edge(&["--config", "/nowhere.toml"]).output().unwrap(), 1, "/nowhere.toml");
    for flags in [["--capacity-mbps", "0"], ["--n1", "0"], ["--channels-max", "33"], ["--http", "here"]] {
        check_failure(&edge(&flags).output().unwrap(), 2, flags[0]);
    }
    // One more than an edge can tell of; told before anything is bound.
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let flags = [&["--http", &taken], &["--alternative", "127.0.0.1:7001"].repeat(5)[..]].concat();
    let says = "--alternative is there 5 times: `alternatives` are at most 4";
    check_failure(&edge(&flags).output().unwrap(), 1, says);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = [tcp.local_addr().unwrap().to_string(), udp.local_addr().unwrap().to_string()];
    let [free, other] = free_addresses();
    for (flag, address) in [("--http", &taken[0]), ("--tcp", &taken[0]), ("--udp", &taken[1])] {
        let mut flags = vec![("--http", &free), ("--tcp", &other), ("--udp", &other)];
        flags.retain(|(name, _)| *name != flag);
        flags.push((flag, address));
        let arguments: Vec<_> = flags.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
        let output = edge(&arguments).output().unwrap();
        check_failure(&output, 1, &format!("cannot listen at {address}"));
        check_failure(&output, 1, flag);
    }
}

#[test]
fn a_second_port_that_is_asked_for_is_needed_and_the_default_one_is_not() {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (any, taken) = ("127.0.0.1:0", udp.local_addr().unwrap());
    let port = taken.port().to_string();
    let asked = ["--udp", any, "--tcp", any, "--http", any, "--stun-port", &port];
    let output = edge(&asked).output().unwrap();
    check_failure(&output, 1, &format!("cannot listen at {taken} for NAT tests (UDP): the port is in use"));
    check_failure(&output, 1, "--stun-port");
    // Its own first port is as taken as any other's.
    let [free, _] = free_addresses();
    let port = free.rsplit(':').next().unwrap();
    let output = edge(&["--udp", &free, "--tcp", any, "--http", any, "--stun-port", port]).output().unwrap();
    check_failure(&output, 1, &format!("cannot listen at {free} for NAT tests (UDP)"));

    let (before, _next) = port_before_a_taken_one();
    let mut child =
        edge(&["--udp", &before, "--tcp", any, "--http", any]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("NAT tests") || line.starts_with("error"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        line.as_ref().is_some_and(|line| line.contains("none") && line.contains("--stun-port")),
        "{line:?}"
    );
}

/// Starts an edge; where its page is, once it is up.
fn start() -> (Child, Option<SocketAddr>) {
    let any = "127.0.0.1:0";
    let mut child =
        edge(&["--udp", any, "--tcp", any, "--http", any]).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let page = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("page       http://")?.trim_end_matches('/').parse().ok());
    (child, page)
}

#[test]
fn signals_end_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, page) = start();
        let channels = get(page.unwrap(), "/api/channels").json();
        assert_eq!(channels.pointer("/role").and_then(serde_json::Value::as_str), Some("edge"));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
