use super::*;
use smoltcp::wire::EthernetRepr;

const ONE: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0, 0, 1]);
const TWO: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0, 0, 2]);

fn gateway() -> Gateway {
    Gateway::new(Network::default(), DhcpSettings::default(), DnsSettings::default())
}

/// "I have `source`: who has `target`?"
fn asks(gateway: &mut Gateway, mac: EthernetAddress, source: Ipv4Addr, target: Ipv4Addr) -> bool {
    let repr = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: mac,
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    let mut bytes = vec![0; 14 + repr.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    let (dst_addr, ethertype) = (EthernetAddress::BROADCAST, EthernetProtocol::Arp);
    EthernetRepr { src_addr: mac, dst_addr, ethertype }.emit(&mut frame);
    repr.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    matches!(gateway.handle_frame(Duration::ZERO, &bytes), Reaction::Reply(_))
}

#[test]
fn a_box_with_another_address_has_given_up_the_first() {
    let (mut gateway, network) = (gateway(), Network::default());
    let [first, second, third] = [50, 51, 52].map(|last| network.host(last));
    assert!(asks(&mut gateway, ONE, first, network.gateway()));
    assert_eq!((gateway.owner(first), gateway.address_of(ONE)), (Some(ONE), Some(first)));
    assert!(asks(&mut gateway, ONE, second, network.gateway()));
    assert_eq!((gateway.owner(first), gateway.owner(second)), (None, Some(ONE)));
    // The first is Linux's again; the second may be taken over by another box.
    assert!(asks(&mut gateway, TWO, third, first));
    assert!(!asks(&mut gateway, TWO, third, second));
    assert!(asks(&mut gateway, TWO, second, network.gateway()));
    assert_eq!((gateway.owner(second), gateway.address_of(ONE)), (Some(TWO), None));
}

#[test]
fn nobody_takes_the_gateways_address_or_one_from_elsewhere() {
    let (mut gateway, network) = (gateway(), Network::default());
    for address in [network.gateway(), network.broadcast(), Ipv4Addr::LOCALHOST, Ipv4Addr::new(192, 0, 2, 1)]
    {
        asks(&mut gateway, ONE, address, network.host(99));
        assert_eq!(gateway.owner(address), None, "{address}");
    }
}

#[test]
fn addresses_remembered_are_bounded() {
    let (mut gateway, network) = (gateway(), Network::default());
    for high in 0..3 {
        for low in 0..=255 {
            let mac = EthernetAddress([2, 0, 0, 0, high, low]);
            let [first, second, ..] = network.gateway().octets();
            asks(&mut gateway, mac, Ipv4Addr::new(first, second, high + 1, low), network.gateway());
        }
    }
    assert_eq!(gateway.boxes.len(), BOXES_MAX);
}
