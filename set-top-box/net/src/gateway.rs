//! The host "Linux" of the boxes' network: ARP, echo, DHCP and DNS are answered here, other UDP goes to Linux sockets.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::collections::BTreeMap;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, EthernetAddress, EthernetFrame,
    EthernetProtocol, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use crate::dhcp::{Answer, DhcpServer, DhcpSettings, DhcpStep};
use crate::dns::{self, DNS_PORT, DnsSettings};
use crate::frame::{self, GATEWAY_MAC};
use crate::network::Network;

/// Box addresses remembered.
const BOXES_MAX: usize = 256;

/// What the gateway did and what it could not do, in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayCounters {
    /// ARP requests answered for Linux.
    pub arp_answered: u64,
    /// Echo requests answered.
    pub echo_answered: u64,
    /// DHCP messages answered.
    pub dhcp_answered: u64,
    /// DNS questions answered whose name exists.
    pub dns_answered: u64,
    /// DNS questions answered with NXDOMAIN.
    pub dns_unknown: u64,
    /// DNS questions that got no answer: the server is off, or they were malformed.
    pub dns_ignored: u64,
    /// UDP handed to Linux.
    pub udp_to_linux: u64,
    /// UDP of Linux processes handed to boxes.
    pub udp_from_linux: u64,
    /// Sent by one box to another by way of the gateway, and sent on.
    pub routed: u64,
    /// Packets whose headers or checksums are wrong, and IP fragments, which nothing here reassembles.
    pub malformed: u64,
    /// Neither UDP nor an echo request.
    pub unsupported: u64,
    /// Destination outside 127.0.0.0/8, or source outside the network: nothing leaves this computer.
    pub foreign: u64,
    /// No Linux socket could be bound to the box's address and port, mostly because another process has it.
    pub bind_failed: u64,
    /// Linux refused to take a packet.
    pub send_failed: u64,
    /// Linux sent to an address that no box has any longer.
    pub no_box: u64,
    /// Linux sent more than fits into a frame.
    pub too_long: u64,
}

/// What is to be done about a frame.
#[derive(Debug)]
pub(crate) enum Reaction<'a> {
    Nothing,
    /// A frame for the port that asked.
    Reply(Vec<u8>),
    /// The same packet to another box.
    Forward(EthernetAddress, Vec<u8>),
    ToLinux {
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &'a [u8],
    },
}

#[derive(Debug)]
pub(crate) struct Gateway {
    network: Network,
    pub(crate) dhcp: DhcpServer,
    pub(crate) dns: DnsSettings,
    /// Who has which address; each box has one.
    boxes: BTreeMap<Ipv4Addr, EthernetAddress>,
    pub(crate) counters: GatewayCounters,
}

impl Gateway {
    pub(crate) fn new(network: Network, dhcp: DhcpSettings, dns: DnsSettings) -> Self {
        let dhcp = DhcpServer::new(network, dhcp);
        Self { network, dhcp, dns, boxes: BTreeMap::new(), counters: GatewayCounters::default() }
    }

    /// The box that has `address`.
    pub(crate) fn owner(&self, address: Ipv4Addr) -> Option<EthernetAddress> {
        self.boxes.get(&address).copied()
    }

    /// The address that the box uses.
    pub(crate) fn address_of(&self, mac: EthernetAddress) -> Option<Ipv4Addr> {
        self.boxes.iter().find(|(_, owner)| **owner == mac).map(|(address, _)| *address)
    }

    /// Handles a frame for the gateway or for everybody.
    pub(crate) fn handle_frame<'a>(&mut self, now: Duration, bytes: &'a [u8]) -> Reaction<'a> {
        let Ok(frame) = EthernetFrame::new_checked(bytes) else { return self.malformed() };
        if frame.ethertype() == EthernetProtocol::Arp {
            self.handle_arp(&frame)
        } else if frame.ethertype() == EthernetProtocol::Ipv4 {
            self.handle_ipv4(now, &frame, bytes)
        } else {
            Reaction::Nothing
        }
    }

    /// A datagram that a Linux process sent to a box: the frame to the box.
    pub(crate) fn handle_linux(
        &mut self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Option<(EthernetAddress, Vec<u8>)> {
        let Some(mac) = self.owner(*to.ip()) else {
            self.counters.no_box += 1;
            return None;
        };
        let Some(frame) = frame::udp(mac, from, to, payload) else {
            self.counters.too_long += 1;
            return None;
        };
        self.counters.udp_from_linux += 1;
        Some((mac, frame))
    }

    fn handle_arp<'a>(&mut self, frame: &EthernetFrame<&[u8]>) -> Reaction<'a> {
        let parsed = ArpPacket::new_checked(frame.payload()).and_then(|packet| ArpRepr::parse(&packet));
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: asker,
            source_protocol_addr: asker_address,
            target_protocol_addr: wanted,
            ..
        }) = parsed
        else {
            return self.malformed();
        };
        self.learn(asker_address, asker);
        // Asking for one's own address is an announcement or a probe (RFC 5227): silence means that it is free.
        let is_probe = asker_address.is_unspecified() || asker_address == wanted;
        let is_linux = self.network.contains(wanted) && self.owner(wanted).is_none();
        if operation != ArpOperation::Request || is_probe || !is_linux {
            return Reaction::Nothing;
        }
        self.counters.arp_answered += 1;
        Reaction::Reply(frame::arp_reply(wanted, asker, asker_address))
    }

    fn handle_ipv4<'a>(
        &mut self,
        now: Duration,
        frame: &EthernetFrame<&'a [u8]>,
        bytes: &'a [u8],
    ) -> Reaction<'a> {
        let Ok(packet) = Ipv4Packet::new_checked(frame.payload()) else { return self.malformed() };
        let Ok(header) = Ipv4Repr::parse(&packet, &ChecksumCapabilities::default()) else {
            return self.malformed();
        };
        let mac = frame.src_addr();
        self.learn(header.src_addr, mac);
        let is_direct = frame.dst_addr() == GATEWAY_MAC;
        if is_direct && let Some(owner) = self.owner(header.dst_addr) {
            self.counters.routed += 1;
            return frame::readdressed(bytes, owner)
                .map_or(Reaction::Nothing, |frame| Reaction::Forward(owner, frame));
        }
        if header.next_header == IpProtocol::Udp {
            self.handle_udp(now, mac, is_direct, &header, packet.payload())
        } else if header.next_header == IpProtocol::Icmp && is_direct {
            self.handle_echo(mac, &header, packet.payload())
        } else {
            self.counters.unsupported += u64::from(is_direct);
            Reaction::Nothing
        }
    }

    fn handle_echo<'a>(&mut self, mac: EthernetAddress, header: &Ipv4Repr, payload: &[u8]) -> Reaction<'a> {
        let Ok(packet) = Icmpv4Packet::new_checked(payload) else { return self.malformed() };
        let parsed = Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default());
        let Ok(Icmpv4Repr::EchoRequest { ident, seq_no, data }) = parsed else {
            self.counters.unsupported += 1;
            return Reaction::Nothing;
        };
        if !self.network.contains(header.dst_addr) {
            self.counters.foreign += 1;
            return Reaction::Nothing;
        }
        self.counters.echo_answered += 1;
        Reaction::Reply(frame::echo_reply(mac, header.dst_addr, header.src_addr, (ident, seq_no, data)))
    }

    fn handle_udp<'a>(
        &mut self,
        now: Duration,
        mac: EthernetAddress,
        is_direct: bool,
        header: &Ipv4Repr,
        bytes: &'a [u8],
    ) -> Reaction<'a> {
        let Ok(packet) = UdpPacket::new_checked(bytes) else { return self.malformed() };
        let (source, destination) = (header.src_addr.into(), header.dst_addr.into());
        let Ok(ports) = UdpRepr::parse(&packet, &source, &destination, &ChecksumCapabilities::default())
        else {
            return self.malformed();
        };
        let from = SocketAddrV4::new(header.src_addr, ports.src_port);
        let to = SocketAddrV4::new(header.dst_addr, ports.dst_port);
        let payload = packet.payload();
        let is_gateway = header.dst_addr == self.network.gateway();
        if to.port() == DHCP_SERVER_PORT && (is_gateway || header.dst_addr.is_broadcast()) {
            self.handle_dhcp(now, mac, header.src_addr, payload)
        } else if !is_direct {
            Reaction::Nothing
        } else if is_gateway && to.port() == DNS_PORT {
            self.handle_dns(mac, from, to, payload)
        } else if !self.network.contains(header.src_addr)
            || !header.dst_addr.is_loopback()
            || header.dst_addr == self.network.broadcast()
        {
            self.counters.foreign += 1;
            Reaction::Nothing
        } else {
            Reaction::ToLinux { from, to, payload }
        }
    }

    fn handle_dhcp<'a>(
        &mut self,
        now: Duration,
        mac: EthernetAddress,
        source: Ipv4Addr,
        payload: &[u8],
    ) -> Reaction<'a> {
        let Some(Answer { step, address, is_broadcast, payload }) = self.dhcp.handle_message(now, payload)
        else {
            return Reaction::Nothing;
        };
        if step == DhcpStep::Refused {
            self.boxes.retain(|_, owner| *owner != mac);
        } else if let Some(address) = address.filter(|_| step == DhcpStep::Acknowledged) {
            self.learn(address, mac);
        }
        // RFC 2131, 4.1: to the address it has, else to the one it gets, by its hardware address.
        let (to_mac, to) = match address {
            _ if is_broadcast => (EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST),
            _ if !source.is_unspecified() => (mac, source),
            Some(address) => (mac, address),
            None => (EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST),
        };
        let from = SocketAddrV4::new(self.network.gateway(), DHCP_SERVER_PORT);
        let reply = frame::udp(to_mac, from, SocketAddrV4::new(to, DHCP_CLIENT_PORT), &payload);
        self.counters.dhcp_answered += 1;
        reply.map_or(Reaction::Nothing, Reaction::Reply)
    }

    fn handle_dns<'a>(
        &mut self,
        mac: EthernetAddress,
        from: SocketAddrV4,
        to: SocketAddrV4,
        query: &[u8],
    ) -> Reaction<'a> {
        let answer = if self.dns.is_on { dns::answer(&self.dns.names, query) } else { None };
        let Some((answer, is_known)) = answer else {
            self.counters.dns_ignored += 1;
            return Reaction::Nothing;
        };
        self.counters.dns_answered += u64::from(is_known);
        self.counters.dns_unknown += u64::from(!is_known);
        frame::udp(mac, to, from, &answer).map_or(Reaction::Nothing, Reaction::Reply)
    }

    /// Remembers who has `address`. A box with a second address has given up the first.
    fn learn(&mut self, address: Ipv4Addr, mac: EthernetAddress) {
        let is_box = self.network.contains(address)
            && address != self.network.gateway()
            && address != self.network.broadcast()
            && mac != GATEWAY_MAC;
        if !is_box || self.boxes.get(&address) == Some(&mac) {
            return;
        }
        self.boxes.retain(|_, owner| *owner != mac);
        if self.boxes.len() < BOXES_MAX {
            self.boxes.insert(address, mac);
        }
    }

    fn malformed<'a>(&mut self) -> Reaction<'a> {
        self.counters.malformed += 1;
        Reaction::Nothing
    }
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
