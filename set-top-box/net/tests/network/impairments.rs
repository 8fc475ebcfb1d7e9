//! Loss, delay and rate, measured against what was asked for.

use core::num::NonZeroU64;
use core::time::Duration;
use std::collections::BTreeSet;
use std::time::Instant;

use livesky_stb_net::{Config, Direction, Impairment, Network, PortCounters, Switch, SwitchHandle};

use crate::fake_box::{FakeBox, PATIENCE};
use crate::traffic::{linux, start};

/// Sends numbered datagrams of 1,200 bytes to Linux, `spacing` apart; which of them arrived, in their order.
fn flood(one: &mut FakeBox, switch: &SwitchHandle, count: u32, spacing: Duration) -> Vec<u32> {
    let (socket, linux) = linux(switch);
    socket.set_nonblocking(true).unwrap();
    let mut arrived = Vec::new();
    let mut bytes = [0; 2_048];
    let mut payload = [0; 1_200];
    let mut read = |arrived: &mut Vec<u32>| {
        while let Ok((1_200, _)) = socket.recv_from(&mut bytes) {
            arrived.push(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
    };
    for number in 0..count {
        payload[..4].copy_from_slice(&number.to_be_bytes());
        one.send(linux, &payload);
        one.poll_until(spacing, |_| {
            read(&mut arrived);
            None::<()>
        });
    }
    one.poll_until(Duration::from_millis(200), |_| {
        read(&mut arrived);
        None::<()>
    });
    arrived
}

#[test]
fn loss_is_what_was_asked_for_and_the_same_again() {
    let run = |second| {
        let switch = start(second);
        let port = switch.add_port().unwrap();
        let (mut one, _) = FakeBox::with_address(&switch, port);
        // The way to Linux is known before frames are lost, else the box waits for ARP.
        assert_eq!(flood(&mut one, &switch, 1, Duration::from_millis(50)).len(), 1);
        let lossy = Impairment { loss: 0.2, ..Impairment::CLEAR };
        switch.set_impairment(port, Direction::FromBox, lossy);
        (flood(&mut one, &switch, 1_000, Duration::from_micros(150)), switch.counters(port))
    };
    let (arrived, counters) = run(121);
    assert_eq!(counters.from_box.lost + arrived.len() as u64, 1_000);
    assert!((160..240).contains(&counters.from_box.lost), "{counters:?}");
    assert_eq!(counters.to_box.lost, 0);
    assert_eq!(run(122), (arrived, counters));
}

#[test]
fn delay_is_exact_to_the_millisecond() {
    let switch = start(123);
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    let (socket, linux) = linux(&switch);
    let echo = std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            socket.send_to(&bytes[..len], from).unwrap();
            if &bytes[..len] == b"end" {
                break;
            }
        }
    });
    let round = |one: &mut FakeBox, payload: &[u8]| {
        let begun = Instant::now();
        one.ask(linux, payload).unwrap();
        begun.elapsed()
    };
    round(&mut one, b"first");
    let best = |one: &mut FakeBox| (0..15).map(|_| round(one, b"x")).min().unwrap();
    let clear = best(&mut one);
    assert!(clear < Duration::from_millis(5), "{clear:?}");
    let slow = |ms| Impairment { delay: Duration::from_millis(ms), ..Impairment::CLEAR };
    switch.set_impairment(port, Direction::FromBox, slow(20));
    switch.set_impairment(port, Direction::ToBox, slow(5));
    let delayed = best(&mut one);
    // The best of some, since other work on this computer may hold any one of them up.
    assert!(delayed >= Duration::from_millis(25), "{delayed:?}");
    assert!(delayed < Duration::from_millis(26) + clear, "{delayed:?} after {clear:?}");
    round(&mut one, b"end");
    echo.join().unwrap();
}

#[test]
fn copies_and_overtaking_reach_linux() {
    let network = Network::new(124).unwrap();
    let switch = Switch::start(Config { network, seed: 9, ..Config::default() }).unwrap();
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    flood(&mut one, &switch, 1, Duration::from_millis(20));
    let messy = Impairment { duplicate: 0.1, reorder: 0.1, ..Impairment::CLEAR };
    switch.set_impairment(port, Direction::FromBox, messy);
    let arrived = flood(&mut one, &switch, 500, Duration::from_micros(300));
    let PortCounters { from_box, .. } = switch.counters(port);
    assert_eq!(arrived.iter().collect::<BTreeSet<_>>().len(), 500);
    assert_eq!(arrived.len() as u64, 500 + from_box.duplicated);
    assert!(
        (25..80).contains(&from_box.duplicated) && (25..80).contains(&from_box.held_back),
        "{from_box:?}"
    );
    assert!(arrived.windows(2).any(|pair| pair[0] > pair[1]));
}

#[test]
fn a_rate_is_kept_and_its_queue_is_short() {
    let switch = start(125);
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    flood(&mut one, &switch, 1, Duration::from_millis(20));
    let narrow =
        Impairment { rate_bps: NonZeroU64::new(2_000_000), queue_bytes_max: 10_000, ..Impairment::CLEAR };
    switch.set_impairment(port, Direction::FromBox, narrow);
    let begun = Instant::now();
    // 1,242 bytes each millisecond or more: five times the rate at the most.
    let arrived = flood(&mut one, &switch, 300, Duration::from_millis(1)).len() as u64;
    let seconds = (begun.elapsed() - Duration::from_millis(200)).as_secs_f64();
    let most = 2_000_000.0 / 8.0 / 1_242.0 * seconds + 9.0;
    assert!((arrived as f64) <= most && arrived as f64 > 0.8 * most - 9.0, "{arrived} of {most}");
    assert_eq!(switch.counters(port).from_box.queue_full + arrived, 300);
}

#[test]
fn what_is_under_way_is_lost_with_the_link() {
    let switch = start(126);
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    flood(&mut one, &switch, 1, Duration::from_millis(20));
    let far = Impairment { delay: Duration::from_millis(150), ..Impairment::CLEAR };
    switch.set_impairment(port, Direction::FromBox, far);
    let (socket, linux) = linux(&switch);
    socket.set_nonblocking(true).unwrap();
    let offered = switch.counters(port).from_box.offered;
    one.send(linux, b"x");
    one.poll_until(PATIENCE, |_| (switch.counters(port).from_box.offered > offered).then_some(())).unwrap();
    switch.set_link(port, false);
    one.poll_until(Duration::from_millis(250), |_| None::<()>);
    assert!(socket.recv_from(&mut [0; 8]).is_err());
    assert_eq!(switch.counters(port).from_box.link_down, 1);
}
