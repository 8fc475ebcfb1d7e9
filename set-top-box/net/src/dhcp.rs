//! The DHCP server (RFC 2131): a fixed address for each hardware address, until a test changes it.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress};

use crate::network::Network;

/// Events kept for the test to look at; older ones are dropped.
const EVENTS_MAX: usize = 512;

/// Whether the server answers, and for how long it lends addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DhcpSettings {
    /// A server that is off never answers.
    pub is_on: bool,
    /// Lease time, in whole seconds; boxes renew after half of it.
    pub lease: Duration,
}

impl Default for DhcpSettings {
    /// On, an hour.
    fn default() -> Self {
        Self { is_on: true, lease: Duration::from_secs(3_600) }
    }
}

/// A message that the server saw or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpStep {
    /// DISCOVER: a box looks for servers.
    Discovered,
    /// OFFER, by the server.
    Offered,
    /// REQUEST: a box takes an offer or renews.
    Requested,
    /// ACK, by the server: the box has the address.
    Acknowledged,
    /// NAK, by the server: the box may not use the address any longer.
    Refused,
    /// RELEASE: a box gives its address back.
    Released,
    /// DECLINE: a box found its address in use.
    Declined,
}

/// One line of the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DhcpEvent {
    /// Time since the switch started.
    pub at: Duration,
    /// The box.
    pub mac: EthernetAddress,
    /// What happened.
    pub step: DhcpStep,
    /// The address it was about; for DISCOVER the one asked for, if any.
    pub address: Option<Ipv4Addr>,
}

/// What the server sends back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) step: DhcpStep,
    pub(crate) address: Option<Ipv4Addr>,
    /// Whether the box cannot be reached under an address of its own yet.
    pub(crate) is_broadcast: bool,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct DhcpServer {
    pub(crate) settings: DhcpSettings,
    network: Network,
    /// What each box is to have.
    addresses: BTreeMap<EthernetAddress, Ipv4Addr>,
    events: VecDeque<DhcpEvent>,
}

impl DhcpServer {
    pub(crate) fn new(network: Network, settings: DhcpSettings) -> Self {
        Self { settings, network, addresses: BTreeMap::new(), events: VecDeque::new() }
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &DhcpEvent> {
        self.events.iter()
    }

    /// The address that the box has or will get.
    pub(crate) fn address(&self, mac: EthernetAddress) -> Option<Ipv4Addr> {
        self.addresses.get(&mac).copied()
    }

    /// Gives the box another address: its next renewal is refused, the next offer is the returned one.
    pub(crate) fn change(&mut self, mac: EthernetAddress) -> Option<Ipv4Addr> {
        let other = self.free_address()?;
        self.addresses.insert(mac, other);
        Some(other)
    }

    /// Handles a message of a box; `None` when there is nothing to say.
    pub(crate) fn handle_message(&mut self, now: Duration, bytes: &[u8]) -> Option<Answer> {
        let packet = DhcpPacket::new_checked(bytes).ok()?;
        let request = DhcpRepr::parse(&packet).ok()?;
        let mac = request.client_hardware_address;
        let (step, named) = self.read(&request)?;
        self.log(now, mac, step, named);
        if !self.settings.is_on {
            return None;
        }
        let (step, message_type, address) = match step {
            DhcpStep::Discovered => {
                let address = self.assign(mac)?;
                (DhcpStep::Offered, DhcpMessageType::Offer, Some(address))
            }
            DhcpStep::Requested => {
                let address = self.assign(mac)?;
                if named == Some(address) {
                    (DhcpStep::Acknowledged, DhcpMessageType::Ack, Some(address))
                } else {
                    (DhcpStep::Refused, DhcpMessageType::Nak, None)
                }
            }
            DhcpStep::Offered
            | DhcpStep::Acknowledged
            | DhcpStep::Refused
            | DhcpStep::Released
            | DhcpStep::Declined => return None,
        };
        self.log(now, mac, step, address.or(named));
        let is_broadcast = request.broadcast || step == DhcpStep::Refused;
        let payload = self.write(&request, message_type, address)?;
        Some(Answer { step, address, is_broadcast, payload })
    }

    /// What a message is and which address it names; `None` when it is for another server.
    fn read(&self, request: &DhcpRepr<'_>) -> Option<(DhcpStep, Option<Ipv4Addr>)> {
        let server = self.network.gateway();
        let step = if request.message_type == DhcpMessageType::Discover {
            DhcpStep::Discovered
        } else if request.message_type == DhcpMessageType::Request {
            DhcpStep::Requested
        } else if request.message_type == DhcpMessageType::Release {
            DhcpStep::Released
        } else if request.message_type == DhcpMessageType::Decline {
            DhcpStep::Declined
        } else {
            return None;
        };
        // RFC 2131, 4.3.2: `requested_ip` while selecting or rebooting, `ciaddr` while renewing or rebinding.
        let own = Some(request.client_ip).filter(|address| !address.is_unspecified());
        let is_ours = request.server_identifier.is_none_or(|identifier| identifier == server);
        is_ours.then_some((step, request.requested_ip.or(own)))
    }

    fn assign(&mut self, mac: EthernetAddress) -> Option<Ipv4Addr> {
        if let Some(address) = self.address(mac) {
            return Some(address);
        }
        self.change(mac)
    }

    /// The lowest address that nobody has.
    fn free_address(&self) -> Option<Ipv4Addr> {
        let taken: BTreeSet<Ipv4Addr> = self.addresses.values().copied().collect();
        (0..Network::BOXES_MAX)
            .filter_map(|index| self.network.nth_box(index))
            .find(|address| !taken.contains(address))
    }

    fn log(&mut self, at: Duration, mac: EthernetAddress, step: DhcpStep, address: Option<Ipv4Addr>) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(DhcpEvent { at, mac, step, address });
    }

    fn write(
        &self,
        request: &DhcpRepr<'_>,
        message_type: DhcpMessageType,
        address: Option<Ipv4Addr>,
    ) -> Option<Vec<u8>> {
        let server = self.network.gateway();
        let is_lent = address.is_some();
        let lease_s = u32::try_from(self.settings.lease.as_secs()).unwrap_or(u32::MAX).max(1);
        let reply = DhcpRepr {
            message_type,
            your_ip: address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            client_ip: if is_lent { request.client_ip } else { Ipv4Addr::UNSPECIFIED },
            server_ip: Ipv4Addr::UNSPECIFIED,
            server_identifier: Some(server),
            router: is_lent.then_some(server),
            subnet_mask: is_lent.then_some(Network::MASK),
            dns_servers: is_lent.then(|| [server].into_iter().collect()),
            lease_duration: is_lent.then_some(lease_s),
            secs: 0,
            client_identifier: None,
            requested_ip: None,
            parameter_request_list: None,
            max_size: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
            transaction_id: request.transaction_id,
            client_hardware_address: request.client_hardware_address,
            relay_agent_ip: request.relay_agent_ip,
            broadcast: request.broadcast,
        };
        let mut payload = vec![0; reply.buffer_len()];
        reply.emit(&mut DhcpPacket::new_unchecked(payload.as_mut_slice())).ok()?;
        Some(payload)
    }
}

#[cfg(test)]
#[path = "dhcp_tests.rs"]
mod tests;
