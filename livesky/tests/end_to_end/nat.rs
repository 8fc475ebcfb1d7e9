//! A viewer learns from the edge's two UDP ports what its NAT does.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;

use livesky::media::clip::CLIP;
use serde_json::Value;

use crate::harness::Program;

/// What an edge says of its addresses when it starts.
struct Edge {
    _program: Program,
    clients: String,
    second: String,
    node: String,
    page: String,
}

fn start_edge(more: &[&str]) -> Edge {
    let any = "127.0.0.1:0";
    let base = ["edge", "--udp", any, "--tcp", any, "--http", any];
    let mut program = Program::start(&[&base[..], more].concat());
    let mut lines = BufReader::new(program.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut after = |word: &str| {
        let line = lines.next().unwrap_or_default();
        let rest = line.strip_prefix(word).unwrap_or_else(|| panic!("{word} is not told: {line}"));
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    };
    let [clients, second, node, page] = ["clients", "NAT tests", "publishers", "page"].map(&mut after);
    Edge { _program: program, clients, second, node, page }
}

/// The first report of a viewer, or the first answer about it, of which `is_so` holds.
fn until_so(viewer: &mut Program, is_so: impl Fn(&Value) -> bool) -> Value {
    let lines = BufReader::new(viewer.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut last = Value::Null;
    for line in lines {
        last = serde_json::from_str(&line).unwrap();
        if is_so(&last) {
            break;
        }
    }
    last
}

fn state_of(edge: &Edge) -> Value {
    let url = format!("{}api/state", edge.page);
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap()
}

#[test]
fn a_viewer_without_a_nat_finds_that_out_by_the_second_port() {
    // The port asked for; then any, as the first port is any.
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = free.port().to_string();
    for (flags, second) in [(&["--stun-port", &port][..], Some(free.to_string())), (&[], None)] {
        let edge = start_edge(flags);
        assert!(second.is_none_or(|second| second == edge.second));
        let clip = std::env::temp_dir().join(format!("livesky-nat-{}.ts", std::process::id()));
        std::fs::write(&clip, CLIP).unwrap();
        let base = ["publish", clip.to_str().unwrap(), "--loop", "--to", &edge.node, "--channel", "live1"];
        let _publisher = Program::start(&base);
        let url = format!("livesky://{}/live1", edge.clients);
        let mut viewer = Program::start(&["watch", &url, "--json", "--seconds", "20"]);
        let report = until_so(&mut viewer, |report| report["nat"] == "open");
        assert_eq!(report["nat"], "open", "{report}");
        // The edge is told in the next report of a second.
        let mut state = state_of(&edge);
        for _ in 0..50 {
            if state.pointer("/viewers/0/nat").is_some_and(|nat| nat == "open") {
                break;
            }
            std::thread::sleep(core::time::Duration::from_millis(200));
            state = state_of(&edge);
        }
        assert_eq!(state.pointer("/viewers/0/nat"), Some(&Value::from("open")), "{state}");
        let port: u16 = edge.second.rsplit(':').next().unwrap().parse().unwrap();
        assert_eq!(state.pointer("/edge/stun_port"), Some(&Value::from(port)), "{state}");
        std::fs::remove_file(clip).unwrap();
    }
}
