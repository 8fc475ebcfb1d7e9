//! Frames that the gateway sends.

use core::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, ETHERNET_HEADER_LEN, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr, UDP_HEADER_LEN, UdpPacket,
    UdpRepr,
};

/// Hardware address of every address that is Linux's; locally administered.
pub(crate) const GATEWAY_MAC: EthernetAddress = EthernetAddress([0x02, 0x77, 0, 0, 0, 1]);

/// Longest frame that passes: 1,500 bytes of payload, a header, a VLAN tag.
pub(crate) const FRAME_LEN_MAX: usize = 1_500 + ETHERNET_HEADER_LEN + 4;

/// Longest UDP payload that fits into one frame.
pub(crate) const UDP_PAYLOAD_LEN_MAX: usize = 1_500 - 20 - UDP_HEADER_LEN;

/// Default of RFC 1700 for packets of a host.
const HOP_LIMIT: u8 = 64;

/// A UDP packet to the station `to_mac`; `None` when it would not fit into a frame.
pub(crate) fn udp(
    to_mac: EthernetAddress,
    from: SocketAddrV4,
    to: SocketAddrV4,
    payload: &[u8],
) -> Option<Vec<u8>> {
    if payload.len() > UDP_PAYLOAD_LEN_MAX {
        return None;
    }
    let checksums = ChecksumCapabilities::default();
    let header = UdpRepr { src_port: from.port(), dst_port: to.port() };
    let len = UDP_HEADER_LEN + payload.len();
    Some(ipv4(to_mac, *from.ip(), *to.ip(), IpProtocol::Udp, len, |bytes| {
        header.emit(
            &mut UdpPacket::new_unchecked(bytes),
            &(*from.ip()).into(),
            &(*to.ip()).into(),
            payload.len(),
            |room| room.copy_from_slice(payload),
            &checksums,
        );
    }))
}

/// The answer to an echo request that `to` sent to `from`.
pub(crate) fn echo_reply(
    to_mac: EthernetAddress,
    from: Ipv4Addr,
    to: Ipv4Addr,
    (ident, seq_no, data): (u16, u16, &[u8]),
) -> Vec<u8> {
    let reply = Icmpv4Repr::EchoReply { ident, seq_no, data };
    ipv4(to_mac, from, to, IpProtocol::Icmp, reply.buffer_len(), |bytes| {
        reply.emit(&mut Icmpv4Packet::new_unchecked(bytes), &ChecksumCapabilities::default());
    })
}

/// "`address` is at the gateway", for the station and address that asked.
pub(crate) fn arp_reply(address: Ipv4Addr, asker: EthernetAddress, asker_address: Ipv4Addr) -> Vec<u8> {
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: GATEWAY_MAC,
        source_protocol_addr: address,
        target_hardware_addr: asker,
        target_protocol_addr: asker_address,
    };
    ethernet(asker, EthernetProtocol::Arp, reply.buffer_len(), |bytes| {
        reply.emit(&mut ArpPacket::new_unchecked(bytes));
    })
}

/// The same packet, sent on by the gateway to `to_mac`.
pub(crate) fn readdressed(frame: &[u8], to_mac: EthernetAddress) -> Option<Vec<u8>> {
    let mut frame = EthernetFrame::new_checked(frame.to_vec()).ok()?;
    frame.set_src_addr(GATEWAY_MAC);
    frame.set_dst_addr(to_mac);
    Some(frame.into_inner())
}

fn ipv4(
    to_mac: EthernetAddress,
    src_addr: Ipv4Addr,
    dst_addr: Ipv4Addr,
    next_header: IpProtocol,
    payload_len: usize,
    write: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let header = Ipv4Repr { src_addr, dst_addr, next_header, payload_len, hop_limit: HOP_LIMIT };
    ethernet(to_mac, EthernetProtocol::Ipv4, header.buffer_len() + payload_len, |bytes| {
        let mut packet = Ipv4Packet::new_unchecked(bytes);
        header.emit(&mut packet, &ChecksumCapabilities::default());
        write(packet.payload_mut());
    })
}

fn ethernet(
    dst_addr: EthernetAddress,
    ethertype: EthernetProtocol,
    payload_len: usize,
    write: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let mut bytes = vec![0; ETHERNET_HEADER_LEN + payload_len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    EthernetRepr { src_addr: GATEWAY_MAC, dst_addr, ethertype }.emit(&mut frame);
    write(frame.payload_mut());
    bytes
}
