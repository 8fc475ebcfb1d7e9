//! What the gateway answers: DHCP, DNS, ARP, echo.

use core::net::Ipv4Addr;
use core::time::Duration;

use livesky_stb_net::{Config, DhcpSettings, DhcpStep, EthernetAddress, Network, Switch};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet,
    Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr,
};

use crate::fake_box::{Cable, FakeBox, PATIENCE, box_port};
use crate::traffic::{linux, wait_for};

const MAC: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0x77, 9, 9]);

fn config(second: u8) -> Config {
    Config { network: Network::new(second).unwrap(), ..Config::default() }
}

#[test]
fn boxes_get_addresses_in_order_and_keep_them() {
    let switch = Switch::start(config(101)).unwrap();
    let network = switch.network();
    let (first, second) = (switch.add_port().unwrap(), switch.add_port().unwrap());
    assert_eq!(switch.box_address(first), None);
    let (one, address) = FakeBox::with_address(&switch, first);
    assert_eq!((address, one.router), (network.host(11), Some(network.gateway())));
    assert_eq!(FakeBox::with_address(&switch, second).1, network.host(12));
    assert_eq!(switch.box_address(first), Some(network.host(11)));
    // A box that starts again is another process at another loopback port.
    assert_eq!(FakeBox::with_address(&switch, first).1, network.host(11));
    let steps: Vec<_> = switch.dhcp_events().iter().map(|event| event.step).collect();
    let once = [DhcpStep::Discovered, DhcpStep::Offered, DhcpStep::Requested, DhcpStep::Acknowledged];
    assert_eq!(steps, once.repeat(3));
}

#[test]
fn without_a_dhcp_server_a_box_asks_on() {
    let switch = Switch::start(config(102)).unwrap();
    let port = switch.add_port().unwrap();
    switch.set_dhcp(DhcpSettings { is_on: false, ..DhcpSettings::default() });
    let mut one = FakeBox::boot(&switch, port);
    assert_eq!(one.poll_until(Duration::from_millis(2_300), |one| one.address), None);
    assert!(switch.dhcp_events().len() >= 2);
    assert!(switch.dhcp_events().iter().all(|event| event.step == DhcpStep::Discovered));
    switch.set_dhcp(DhcpSettings::default());
    assert!(one.poll_until(PATIENCE, |one| one.address).is_some());
}

#[test]
fn a_lease_changes_at_its_renewal() {
    let switch = Switch::start(config(103)).unwrap();
    let network = switch.network();
    let port = switch.add_port().unwrap();
    switch.set_dhcp(DhcpSettings { lease: Duration::from_secs(2), ..DhcpSettings::default() });
    let (mut one, first) = FakeBox::with_address(&switch, port);
    let (socket, linux) = linux(&switch);
    one.send(linux, b"x");
    one.poll_until(PATIENCE, |_| (switch.host_sockets() == 1).then_some(())).unwrap();
    assert_eq!(switch.change_lease(port), Some(network.host(12)));
    assert_eq!(
        one.poll_until(Duration::from_millis(500), |one| (one.address != Some(first)).then_some(())),
        None
    );
    let second = one.poll_until(PATIENCE, |one| one.address.filter(|&address| address != first));
    assert_eq!(second, Some(network.host(12)));
    let refused = switch.dhcp_events().into_iter().find(|event| event.step == DhcpStep::Refused).unwrap();
    assert_eq!(refused.address, Some(first));
    assert_eq!(switch.box_address(port), second);
    // Under the old address the box cannot be reached any longer, under the next one it can.
    wait_for(PATIENCE, || (switch.host_sockets() == 0).then_some(())).unwrap();
    one.send(linux, b"y");
    one.poll_until(PATIENCE, |_| (switch.gateway_counters().udp_to_linux == 2).then_some(())).unwrap();
    socket.send_to(b"z", (network.host(12), box_port())).unwrap();
    assert_eq!(one.poll_until(PATIENCE, FakeBox::receive), Some((linux, b"z".to_vec())));
}

#[test]
fn names_are_found_changed_and_unknown() {
    let switch = Switch::start(config(104)).unwrap();
    let port = switch.add_port().unwrap();
    let (mut one, _) = FakeBox::with_address(&switch, port);
    let edge = Config::default().network.gateway();
    assert_eq!(one.resolve("edge.livesky.test", PATIENCE), Some(edge));
    let other = switch.network().host(3);
    switch.set_name("Edge.livesky.test.", vec![other]);
    assert_eq!(one.resolve("edge.livesky.test", PATIENCE), Some(other));
    switch.remove_name("edge.livesky.test");
    assert_eq!(one.resolve("edge.livesky.test", PATIENCE), None);
    switch.set_dns(false);
    assert_eq!(one.resolve("edge.livesky.test", Duration::from_millis(300)), None);
    let counters = switch.gateway_counters();
    assert_eq!((counters.dns_answered, counters.dns_unknown), (2, 1));
    assert!(counters.dns_ignored >= 1);
}

fn arp_request(source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: MAC,
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    let mut bytes = vec![0; 14 + repr.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    let (dst_addr, ethertype) = (EthernetAddress::BROADCAST, EthernetProtocol::Arp);
    EthernetRepr { src_addr: MAC, dst_addr, ethertype }.emit(&mut frame);
    repr.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    bytes
}

fn arp_answer(cable: &Cable) -> Option<(Ipv4Addr, EthernetAddress)> {
    let frame = wait_for(Duration::from_millis(200), || cable.receive())?;
    let frame = EthernetFrame::new_checked(&frame[..]).unwrap();
    let ArpRepr::EthernetIpv4 { source_protocol_addr, source_hardware_addr, .. } =
        ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).unwrap()).unwrap()
    else {
        return None;
    };
    Some((source_protocol_addr, source_hardware_addr))
}

#[test]
fn arp_is_answered_for_linux_and_for_nobody_else() {
    let switch = Switch::start(config(105)).unwrap();
    let network = switch.network();
    let (first, second) = (switch.add_port().unwrap(), switch.add_port().unwrap());
    let (_box, address) = FakeBox::with_address(&switch, first);
    let cable = Cable::plug(&switch, second);
    let own = network.host(50);
    for (target, is_answered) in [
        (network.gateway(), true),
        (network.host(200), true),
        (address, false),                    // a box's; that box is not being polled
        (own, false),                        // a probe
        (Ipv4Addr::new(10, 0, 0, 1), false), // elsewhere
    ] {
        cable.send(&arp_request(own, target));
        let answer = arp_answer(&cable);
        assert_eq!(answer.map(|(address, _)| address), is_answered.then_some(target), "{target}");
    }
    assert_eq!(switch.gateway_counters().arp_answered, 2);
}

#[test]
fn echo_requests_are_answered() {
    let switch = Switch::start(config(106)).unwrap();
    let network = switch.network();
    let cable = Cable::plug(&switch, switch.add_port().unwrap());
    cable.send(&arp_request(network.host(50), network.gateway()));
    let (_, gateway_mac) = arp_answer(&cable).unwrap();
    let checksums = ChecksumCapabilities::default();
    let echo = Icmpv4Repr::EchoRequest { ident: 7, seq_no: 9, data: b"hello" };
    let ip = Ipv4Repr {
        src_addr: network.host(50),
        dst_addr: network.host(2),
        next_header: IpProtocol::Icmp,
        payload_len: echo.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; 14 + ip.buffer_len() + ip.payload_len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    EthernetRepr { src_addr: MAC, dst_addr: gateway_mac, ethertype: EthernetProtocol::Ipv4 }.emit(&mut frame);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &checksums);
    echo.emit(&mut Icmpv4Packet::new_unchecked(packet.payload_mut()), &checksums);
    cable.send(&bytes);

    let frame = wait_for(PATIENCE, || cable.receive()).unwrap();
    let frame = EthernetFrame::new_checked(&frame[..]).unwrap();
    let packet = Ipv4Packet::new_checked(frame.payload()).unwrap();
    let ip = Ipv4Repr::parse(&packet, &checksums).unwrap();
    assert_eq!((ip.src_addr, ip.dst_addr), (network.host(2), network.host(50)));
    let echo = Icmpv4Packet::new_checked(packet.payload()).unwrap();
    let reply = Icmpv4Repr::parse(&echo, &checksums).unwrap();
    assert_eq!(reply, Icmpv4Repr::EchoReply { ident: 7, seq_no: 9, data: b"hello" });
}

#[test]
fn noise_is_counted_and_harmless() {
    let switch = Switch::start(config(107)).unwrap();
    let port = switch.add_port().unwrap();
    let cable = Cable::plug(&switch, port);
    let whole = arp_request(switch.network().host(50), switch.network().gateway());
    for len in 0..whole.len() {
        cable.send(&whole[..len]);
    }
    let mut noise = whole;
    noise.resize(1_600, 0x5a);
    cable.send(&noise);
    for flip in 12..60 {
        let mut frame = noise[..200].to_vec();
        frame[flip] ^= 0xff;
        cable.send(&frame);
    }
    let (mut one, _) = FakeBox::with_address(&switch, port);
    assert!(one.resolve("edge.livesky.test", PATIENCE).is_some());
    assert_eq!(switch.counters(port).from_box.malformed, 14 + 1);
    assert!(switch.gateway_counters().malformed >= 28);
}
