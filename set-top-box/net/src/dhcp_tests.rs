use super::*;

const MAC: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0, 0, 1]);
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 11);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 12);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

fn server() -> DhcpServer {
    DhcpServer::new(Network::default(), DhcpSettings { lease: Duration::from_secs(20), ..Default::default() })
}

/// A message of a box: what it asks for, what it has, whom it asks.
fn message(
    message_type: DhcpMessageType,
    requested_ip: Option<Ipv4Addr>,
    client_ip: Ipv4Addr,
    server_identifier: Option<Ipv4Addr>,
) -> Vec<u8> {
    let repr = DhcpRepr {
        message_type,
        transaction_id: 99,
        secs: 0,
        client_hardware_address: MAC,
        client_ip,
        your_ip: Ipv4Addr::UNSPECIFIED,
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: false,
        requested_ip,
        client_identifier: Some(MAC),
        server_identifier,
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut DhcpPacket::new_unchecked(bytes.as_mut_slice())).unwrap();
    bytes
}

fn discover() -> Vec<u8> {
    message(DhcpMessageType::Discover, None, Ipv4Addr::UNSPECIFIED, None)
}

fn select(address: Ipv4Addr) -> Vec<u8> {
    message(DhcpMessageType::Request, Some(address), Ipv4Addr::UNSPECIFIED, Some(GATEWAY))
}

fn renew(address: Ipv4Addr) -> Vec<u8> {
    message(DhcpMessageType::Request, None, address, None)
}

#[test]
fn an_address_is_offered_taken_and_renewed() {
    let mut server = server();
    let offer = server.handle_message(Duration::ZERO, &discover()).unwrap();
    assert_eq!((offer.step, offer.address), (DhcpStep::Offered, Some(FIRST)));
    let packet = DhcpPacket::new_checked(&offer.payload[..]).unwrap();
    let repr = DhcpRepr::parse(&packet).unwrap();
    assert_eq!(repr.message_type, DhcpMessageType::Offer);
    assert_eq!((repr.your_ip, repr.router, repr.transaction_id), (FIRST, Some(GATEWAY), 99));
    assert_eq!((repr.subnet_mask, repr.lease_duration), (Some(Network::MASK), Some(20)));
    assert_eq!(repr.dns_servers.unwrap().as_slice(), [GATEWAY]);
    for message in [select(FIRST), renew(FIRST)] {
        let answer = server.handle_message(Duration::ZERO, &message).unwrap();
        assert_eq!((answer.step, answer.address), (DhcpStep::Acknowledged, Some(FIRST)));
        assert!(!answer.is_broadcast);
    }
}

#[test]
fn a_changed_lease_is_refused_then_offered_anew() {
    let mut server = server();
    server.handle_message(Duration::ZERO, &discover()).unwrap();
    assert_eq!(server.change(MAC), Some(SECOND));
    let answer = server.handle_message(Duration::ZERO, &renew(FIRST)).unwrap();
    assert_eq!((answer.step, answer.address, answer.is_broadcast), (DhcpStep::Refused, None, true));
    let answer = server.handle_message(Duration::ZERO, &discover()).unwrap();
    assert_eq!((answer.step, answer.address), (DhcpStep::Offered, Some(SECOND)));
    // What the box had is free again.
    assert_eq!(server.change(MAC), Some(FIRST));
}

#[test]
fn a_server_that_is_off_only_listens() {
    let mut server = server();
    server.settings.is_on = false;
    assert!(server.handle_message(Duration::from_secs(1), &discover()).is_none());
    let seen: Vec<_> = server.events().copied().collect();
    let expected =
        DhcpEvent { at: Duration::from_secs(1), mac: MAC, step: DhcpStep::Discovered, address: None };
    assert_eq!(seen, [expected]);
}

#[test]
fn other_servers_messages_and_noise_are_ignored() {
    let mut server = server();
    let other = message(DhcpMessageType::Request, Some(FIRST), Ipv4Addr::UNSPECIFIED, Some(SECOND));
    assert!(server.handle_message(Duration::ZERO, &other).is_none());
    let whole = discover();
    for len in 0..whole.len() - 1 {
        let mut noise = whole[..len].to_vec();
        noise.iter_mut().skip(240).for_each(|byte| *byte ^= 0x5a);
        assert!(server.handle_message(Duration::ZERO, &noise).is_none(), "{len}");
    }
    assert_eq!(server.events().count(), 0);
}

#[test]
fn the_log_and_the_addresses_are_bounded() {
    let mut server = server();
    for index in 0..=255 {
        let mac = EthernetAddress([0x52, 0x54, 0, 0, 1, index]);
        assert_eq!(server.assign(mac).is_some(), index < Network::BOXES_MAX);
        (0..4).for_each(|_| server.log(Duration::ZERO, mac, DhcpStep::Discovered, None));
    }
    assert_eq!(server.events().count(), EVENTS_MAX);
}
