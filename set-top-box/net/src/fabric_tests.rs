use super::*;
use crate::impair::Impairment;

const MS: Duration = Duration::from_millis(1);
const MACS: [[u8; 6]; 3] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 3]];

/// A fabric with a plugged box on each of three ports.
fn fabric() -> (Fabric, Vec<(PortId, UdpSocket)>) {
    let mut fabric = Fabric::new(Config::default());
    let plugs = MACS.iter().map(|_| {
        let id = fabric.add_port().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        (id, socket)
    });
    let plugs = plugs.collect();
    (fabric, plugs)
}

fn send(fabric: &mut Fabric, now: Duration, plug: &(PortId, UdpSocket), to: [u8; 6]) {
    let from = MACS[plug.0.index()];
    // IPv6: the gateway does not care.
    let frame = [&to[..], &from[..], &[0x86, 0xdd, 1, 2, 3]].concat();
    fabric.handle_datagram(now, Source::Port(plug.0), plug.1.local_addr().unwrap(), &frame);
    fabric.handle_timeout(now);
}

/// How many frames each box has got since the last call.
fn received(plugs: &[(PortId, UdpSocket)]) -> Vec<usize> {
    let count = |socket: &UdpSocket| (0..).take_while(|_| socket.recv(&mut [0; 64]).is_ok()).count();
    plugs.iter().map(|(_, socket)| count(socket)).collect()
}

#[test]
fn addresses_are_learnt_and_everything_else_is_flooded() {
    let (mut fabric, plugs) = fabric();
    let [one, two, three] = &plugs[..] else { panic!("three ports") };
    // Nobody knows yet where the other QEMUs are.
    send(&mut fabric, MS, one, [0xff; 6]);
    assert_eq!(received(&plugs), [0, 0, 0]);
    assert_eq!(fabric.ports[1].counters.to_box.unsent, 1);
    send(&mut fabric, MS, two, [0xff; 6]);
    send(&mut fabric, MS, three, [0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(received(&plugs), [2, 1, 0]);
    send(&mut fabric, MS, one, MACS[1]);
    assert_eq!(received(&plugs), [0, 1, 0]);
    send(&mut fabric, MS, one, [2, 0, 0, 0, 0, 9]);
    assert_eq!(received(&plugs), [0, 1, 1]);
    send(&mut fabric, MS, one, MACS[0]);
    send(&mut fabric, MS, one, GATEWAY_MAC.0);
    assert_eq!(received(&plugs), [0, 0, 0]);
    assert_eq!(fabric.gateway.counters, Default::default());
}

#[test]
fn a_late_thread_does_not_delay_the_second_half_of_the_way() {
    let (mut fabric, plugs) = fabric();
    plugs.iter().for_each(|plug| send(&mut fabric, MS, plug, [0xff; 6]));
    received(&plugs);
    let slow = |delay| Impairment { delay, ..Impairment::CLEAR };
    fabric.ports[0].lane_mut(Direction::FromBox).settings = slow(10 * MS);
    fabric.ports[1].lane_mut(Direction::ToBox).settings = slow(5 * MS);
    send(&mut fabric, 100 * MS, &plugs[0], MACS[1]);
    assert_eq!(fabric.poll_timeout(), 110 * MS);
    fabric.handle_timeout(112 * MS);
    assert_eq!((fabric.poll_timeout(), received(&plugs)), (115 * MS, vec![0, 0, 0]));
    fabric.handle_timeout(115 * MS);
    assert_eq!(received(&plugs), [0, 1, 0]);
    assert!(fabric.poll_timeout() > 115 * MS);
}

#[test]
fn ports_are_bounded() {
    let (mut fabric, plugs) = fabric();
    let more = (plugs.len()..100).take_while(|_| fabric.add_port().is_ok()).count();
    assert_eq!(plugs.len() + more, usize::from(PortId::COUNT_MAX));
}
