use core::time::Duration;

use livesky_core::Instant;
use livesky_core::rng::Rng;

use super::*;
use crate::network::{Line, Loss};
use crate::scenario::NatKind;

const NOW: Instant = Instant::from_millis(1_000);

fn host(address: SocketAddrV4, access_us: u32, nat: Option<(u32, u16)>) -> Host {
    Host {
        site: Site { region: 0, isp: 0, access_us },
        address,
        nat,
        uplink: Line::new(8_000_000, 100_000),
        downlink: None,
        loss: Loss::new(0.0, None),
        rng: Rng::from_seed(1),
        is_blocked: false,
    }
}

/// An edge, a public client, and two clients behind one box.
fn network(spec: &NetworkSpec) -> Network {
    let addressing = Addressing::new(1);
    let mut network = Network::new(addressing, spec);
    let site = Site { region: 0, isp: 0, access_us: 5_000 };
    network.add_box(NatBox::new(NatKind::PortRestricted, Duration::from_secs(60)), site);
    network.add_host(host(addressing.edge(0, 0), 0, None));
    network.add_host(host(addressing.client(HostId(1)), 10_000, None));
    network.add_host(host(addressing.private(0), 5_000, Some((0, 0))));
    network.add_host(host(addressing.private(1), 5_000, Some((0, 1))));
    network
}

fn calm() -> NetworkSpec {
    NetworkSpec { loss: 0.0, jitter_ms: 0.0, ..NetworkSpec::default() }
}

#[test]
fn a_datagram_takes_line_and_delay() {
    let mut network = network(&calm());
    let edge = network.addressing().edge(0, 1);
    let departed = network.depart(NOW, HostId(1), 0, edge, 972);
    let source = network.addressing().client(HostId(1));
    // 1,000 bytes at 8 Mbit/s and 10 ms of the client's own delay.
    let at = NOW.plus_micros(11_000);
    assert_eq!(departed, Departed::Sent { source, at, copy_at: None });
    assert_eq!(
        network.arrive(at, HostId(1), source, edge, 972),
        Arrived::Here { host: HostId(0), socket: 1, at }
    );
}

#[test]
fn a_box_lets_answers_in_and_strangers_not() {
    let mut network = network(&calm());
    let edge = network.addressing().edge(0, 0);
    let Departed::Sent { source, .. } = network.depart(NOW, HostId(2), 0, edge, 100) else {
        panic!("it is sent")
    };
    assert_eq!(*source.ip(), network.addressing().of_box(0));
    let answer = network.arrive(NOW, HostId(0), edge, source, 100);
    assert_eq!(answer, Arrived::Here { host: HostId(2), socket: 0, at: NOW });
    let stranger = network.addressing().client(HostId(1));
    assert_eq!(network.arrive(NOW, HostId(1), stranger, source, 100), Arrived::Unreachable);
}

#[test]
fn neighbours_meet_on_private_addresses_only() {
    let mut network = network(&calm());
    let edge = network.addressing().edge(0, 0);
    let Departed::Sent { source, .. } = network.depart(NOW, HostId(3), 0, edge, 100) else {
        panic!("it is sent")
    };
    assert_eq!(network.depart(NOW, HostId(2), 0, source, 100), Departed::Unreachable, "no hairpin");
    let private = network.addressing().private(1);
    let Departed::Sent { source, at, .. } = network.depart(NOW, HostId(2), 0, private, 100) else {
        panic!("it is sent")
    };
    assert_eq!(source, network.addressing().private(0));
    assert!(matches!(
        network.arrive(at, HostId(2), source, private, 100),
        Arrived::Here { host: HostId(3), .. }
    ));
    assert_eq!(network.depart(NOW, HostId(1), 0, private, 100), Departed::Unreachable);
}

#[test]
fn order_is_kept_when_asked() {
    let spec = NetworkSpec { jitter_ms: 50.0, keep_order: true, ..calm() };
    let mut network = network(&spec);
    let edge = network.addressing().edge(0, 0);
    let arrivals: Vec<Instant> = (0..100)
        .map(|_| {
            let departed = network.depart(NOW, HostId(1), 0, edge, 100);
            let Departed::Sent { at, .. } = departed else { panic!("{departed:?}") };
            at
        })
        .collect();
    assert!(arrivals.is_sorted());
}

#[test]
fn jitter_puts_datagrams_out_of_order() {
    let mut network = network(&NetworkSpec { jitter_ms: 50.0, keep_order: false, ..calm() });
    let edge = network.addressing().edge(0, 0);
    let arrivals: Vec<u64> = (0..100)
        .map(|_| {
            let departed = network.depart(NOW, HostId(1), 0, edge, 100);
            let Departed::Sent { at, .. } = departed else { panic!("{departed:?}") };
            at.micros_since(NOW)
        })
        .collect();
    assert!(!arrivals.is_sorted());
    // 10 ms of its own delay, up to 13 ms on the line, and jitter from 0 to 50 ms.
    assert!(arrivals.iter().all(|us| (10_000..=73_000).contains(us)), "{arrivals:?}");
    assert!(arrivals.iter().any(|us| *us > 50_000), "{arrivals:?}");
}

#[test]
fn some_datagrams_come_twice() {
    let mut network = network(&NetworkSpec { duplicate: 0.3, ..calm() });
    let edge = network.addressing().edge(0, 0);
    let copies = (0..1_000_u64).filter(|turn| {
        let now = NOW.plus_micros(turn * 1_000);
        let departed = network.depart(now, HostId(1), 0, edge, 100);
        let Departed::Sent { at, copy_at, .. } = departed else { panic!("{departed:?}") };
        copy_at.is_some_and(|copy_at| copy_at >= at)
    });
    let copies = copies.count();
    assert!((250..350).contains(&copies), "{copies}");
}

#[test]
fn a_full_downlink_drops() {
    let mut network = network(&calm());
    let (edge, client) = (network.addressing().edge(0, 0), network.addressing().client(HostId(1)));
    network.host_mut(HostId(1)).unwrap().downlink = Some(Line::new(8_000_000, 2_500));
    let mut arrive = || network.arrive(NOW, HostId(0), edge, client, 972);
    // 1,000 bytes with their headers at 8 Mbit/s, one after the other.
    for place in 1..=2 {
        let at = NOW.plus_micros(place * 1_000);
        assert_eq!(arrive(), Arrived::Here { host: HostId(1), socket: 0, at });
    }
    assert_eq!(arrive(), Arrived::Dropped);
}

#[test]
fn blocked_hosts_and_cuts_stop_everything() {
    let mut network = network(&calm());
    let (edge, client) = (network.addressing().edge(0, 0), network.addressing().client(HostId(1)));
    network.cut(Partition::new(4, 4, |host| host == 0, |host| host == 1, true));
    assert_eq!(network.arrive(NOW, HostId(0), edge, client, 100), Arrived::Lost);
    assert!(matches!(network.arrive(NOW, HostId(1), client, edge, 100), Arrived::Here { .. }));
    network.heal(4);
    assert!(matches!(network.arrive(NOW, HostId(0), edge, client, 100), Arrived::Here { .. }));
    network.host_mut(HostId(1)).unwrap().is_blocked = true;
    assert_eq!(network.arrive(NOW, HostId(0), edge, client, 100), Arrived::Unreachable);
    assert_eq!(network.depart(NOW, HostId(1), 0, edge, 100), Departed::Unreachable);
}
