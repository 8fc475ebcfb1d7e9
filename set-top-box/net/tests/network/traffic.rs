//! UDP between boxes and Linux, and from box to box.

use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use livesky_stb_net::{Config, Network, Switch, SwitchHandle};

use crate::fake_box::{FakeBox, PATIENCE, box_port};

/// What `look` finds within `patience`.
pub(crate) fn wait_for<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if let Some(found) = look() {
            return Some(found);
        }
        thread::sleep(Duration::from_micros(200));
    }
    None
}

pub(crate) fn start(second: u8) -> SwitchHandle {
    Switch::start(Config { network: Network::new(second).unwrap(), ..Config::default() }).unwrap()
}

/// A process of Linux on the gateway's address.
pub(crate) fn linux(switch: &SwitchHandle) -> (UdpSocket, SocketAddrV4) {
    let socket = UdpSocket::bind((switch.network().gateway(), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!("an IPv4 socket") };
    (socket, address)
}

#[test]
fn both_sides_see_each_others_true_address() {
    let switch = start(111);
    let port = switch.add_port().unwrap();
    let (mut one, address) = FakeBox::with_address(&switch, port);
    let (socket, linux) = linux(&switch);
    one.send(linux, b"question");
    let mut bytes = [0; 64];
    let (len, from) = one
        .poll_until(PATIENCE, |_| {
            socket.set_nonblocking(true).unwrap();
            socket.recv_from(&mut bytes).ok()
        })
        .unwrap();
    assert_eq!(&bytes[..len], b"question");
    assert_eq!(from, SocketAddr::new(address.into(), box_port()));
    socket.send_to(b"answer", from).unwrap();
    let answer = one.poll_until(PATIENCE, FakeBox::receive);
    assert_eq!(answer, Some((linux, b"answer".to_vec())));
    // A process that the box never wrote to reaches it as well: the box's socket is there.
    let stranger = UdpSocket::bind((switch.network().host(5), 0)).unwrap();
    stranger.send_to(b"hello", from).unwrap();
    let (sender, payload) = one.poll_until(PATIENCE, FakeBox::receive).unwrap();
    assert_eq!((SocketAddr::V4(sender), payload), (stranger.local_addr().unwrap(), b"hello".to_vec()));
    // More than fits into a frame is dropped, the largest that fits is not.
    stranger.send_to(&[1; 1_473], from).unwrap();
    stranger.send_to(&[2; 1_472], from).unwrap();
    assert_eq!(one.poll_until(PATIENCE, FakeBox::receive).unwrap().1, [2; 1_472]);
    let counters = switch.gateway_counters();
    assert_eq!((counters.udp_to_linux, counters.udp_from_linux, counters.too_long), (1, 3, 1));
}

#[test]
fn two_boxes_talk_to_each_other_without_linux() {
    let switch = start(112);
    let (first, second) = (switch.add_port().unwrap(), switch.add_port().unwrap());
    let (mut one, one_address) = FakeBox::with_address(&switch, first);
    let (mut two, two_address) = FakeBox::with_address(&switch, second);
    let pass = |from: &mut FakeBox, to: &mut FakeBox, address, payload: &[u8]| {
        from.send(SocketAddrV4::new(address, box_port()), payload);
        to.poll_until(PATIENCE, |to| {
            from.poll();
            to.receive()
        })
    };
    let (from, payload) = pass(&mut one, &mut two, two_address, b"fragment").unwrap();
    assert_eq!((from, &payload[..]), (SocketAddrV4::new(one_address, box_port()), &b"fragment"[..]));
    let (from, payload) = pass(&mut two, &mut one, one_address, b"ack").unwrap();
    assert_eq!((from, &payload[..]), (SocketAddrV4::new(two_address, box_port()), &b"ack"[..]));
    let counters = switch.gateway_counters();
    assert_eq!((counters.udp_to_linux, counters.routed), (0, 0));
}

#[test]
fn a_box_that_asked_for_another_too_early_reaches_it_by_the_gateway() {
    let switch = start(113);
    let network = switch.network();
    let (first, second) = (switch.add_port().unwrap(), switch.add_port().unwrap());
    let (mut one, _) = FakeBox::with_address(&switch, first);
    // The second box does not exist yet: the address is still Linux's.
    let later = SocketAddrV4::new(network.host(12), box_port());
    one.send(later, b"too early");
    one.poll_until(Duration::from_millis(100), |_| None::<()>);
    let (mut two, address) = FakeBox::with_address(&switch, second);
    assert_eq!(address, network.host(12));
    one.send(later, b"in time");
    let (_, payload) = two
        .poll_until(PATIENCE, |two| {
            one.poll();
            two.receive()
        })
        .unwrap();
    assert_eq!(payload, b"in time");
    assert_eq!(switch.gateway_counters().routed, 1);
}

#[test]
fn twenty_megabits_a_second_reach_a_box() {
    let switch = start(119);
    let port = switch.add_port().unwrap();
    let (mut one, address) = FakeBox::with_address(&switch, port);
    let (socket, linux) = linux(&switch);
    one.send(linux, b"x");
    one.poll_until(PATIENCE, |_| (switch.host_sockets() == 1).then_some(())).unwrap();
    let (mut sent, mut arrived) = (0, 0);
    let begun = Instant::now();
    // 1,200 bytes each 480 us; what is due is sent at once when this thread was held up, as an edge would.
    while begun.elapsed() < Duration::from_millis(600) {
        while Duration::from_micros(480) * sent < begun.elapsed() {
            socket.send_to(&[7; 1_200], (address, box_port())).unwrap();
            sent += 1;
        }
        one.poll();
        while one.receive().is_some() {
            arrived += 1;
        }
    }
    one.poll_until(Duration::from_millis(300), |one| {
        arrived += u32::from(one.receive().is_some());
        None::<()>
    });
    // A computer busy with other things may hold every thread up for longer than the sockets can hold.
    assert!(arrived * 100 >= sent * 95, "{arrived} of {sent}");
}

#[test]
fn idle_sockets_of_boxes_are_closed() {
    let network = Network::new(114).unwrap();
    let config = Config { network, host_idle_max: Duration::from_millis(100), ..Config::default() };
    let switch = Switch::start(config).unwrap();
    let port = switch.add_port().unwrap();
    let (mut one, address) = FakeBox::with_address(&switch, port);
    let (_socket, linux) = linux(&switch);
    one.send(linux, b"x");
    one.poll_until(PATIENCE, |_| (switch.host_sockets() == 1).then_some(())).unwrap();
    assert!(UdpSocket::bind((address, box_port())).is_err());
    wait_for(PATIENCE, || (switch.host_sockets() == 0).then_some(())).unwrap();
    assert!(UdpSocket::bind((address, box_port())).is_ok());
}

#[test]
fn nothing_leaves_this_computer() {
    let switch = start(115);
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    one.send("192.0.2.1:9".parse().unwrap(), b"x");
    one.poll_until(PATIENCE, |_| (switch.gateway_counters().foreign == 1).then_some(())).unwrap();
    assert_eq!(switch.gateway_counters().udp_to_linux, 0);
}

#[test]
fn the_link_goes_down_and_comes_back() {
    let switch = start(116);
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    let (socket, linux) = linux(&switch);
    socket.set_nonblocking(true).unwrap();
    let mut bytes = [0; 64];
    let mut is_heard = |one: &mut FakeBox, patience| {
        one.send(linux, b"x");
        one.poll_until(patience, |_| socket.recv_from(&mut bytes).ok()).is_some()
    };
    assert!(is_heard(&mut one, PATIENCE));
    switch.set_link(port, false);
    assert!(!is_heard(&mut one, Duration::from_millis(100)));
    assert!(switch.counters(port).from_box.link_down >= 1);
    switch.set_link(port, true);
    assert!(is_heard(&mut one, PATIENCE));
}

#[test]
fn a_switch_ends_with_its_last_handle() {
    let switch = start(117);
    let port = switch.add_port().unwrap();
    let address = switch.port_address(port).unwrap();
    let other = switch.clone();
    drop(switch);
    assert!(UdpSocket::bind(address).is_err());
    drop(other);
    assert!(UdpSocket::bind(address).is_ok());
}

#[test]
fn a_capture_holds_what_passed() {
    let path = std::env::temp_dir().join(format!("livesky-stb-net-{}.pcap", std::process::id()));
    let switch = start(118);
    let port = switch.add_port().unwrap();
    switch.capture(&path).unwrap();
    FakeBox::with_address(&switch, port);
    switch.stop_capture();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 1));
    let mut at = 24;
    let mut frames = 0;
    while at < bytes.len() {
        at += 16 + usize::try_from(word(at + 8)).unwrap();
        frames += 1;
    }
    assert_eq!(at, bytes.len());
    assert!(frames >= 4, "{frames}");
}
