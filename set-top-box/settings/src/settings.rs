//! What the blob says.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::names::{ChannelName, HostName};

/// Bytes of a ticket.
pub const TICKET_LEN_MAX: usize = 256;
/// DNS servers of a static address; what the network stack keeps.
pub const DNS_SERVERS_MAX: usize = 3;
/// The longest buffer that can be asked for, in milliseconds.
pub const BUFFER_MS_MAX: u32 = 60_000;

/// Everything a box is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where it joins.
    pub edge: Edge,
    /// What it shows first.
    pub channel: ChannelName,
    /// The most it sends, in bit/s; `None`: what the line bears.
    pub upload_bps_max: Option<u64>,
    /// It feeds nobody.
    pub is_receive_only: bool,
    /// The longest buffer, in milliseconds, where the channel's is longer; 0: the channel's own.
    pub target_buffer_ms: u32,
    /// How it gets its address.
    pub network: Network,
    /// Permission to watch, as the operator issued it; empty: none.
    pub ticket: Ticket,
}

/// An operator's ticket, opaque to the box.
pub type Ticket = heapless::Vec<u8, TICKET_LEN_MAX>;

/// An edge's host and UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Its host.
    pub host: EdgeHost,
    /// Its UDP port, never 0.
    pub port: u16,
}

/// How an edge's host is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one of them exists, and there is no heap to put the name on")]
pub enum EdgeHost {
    /// To be looked up.
    Name(HostName),
    /// Known.
    Address(IpAddr),
}

/// How a box gets its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// It asks the network.
    Dhcp,
    /// It is told.
    Static(StaticNetwork),
}

/// An IPv4 address and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticNetwork {
    /// The box's own address.
    pub address: Ipv4Addr,
    /// Bits of the network's part, at most 32.
    pub prefix: u8,
    /// The way to other networks.
    pub gateway: Option<Ipv4Addr>,
    /// Who resolves names.
    pub dns: heapless::Vec<Ipv4Addr, DNS_SERVERS_MAX>,
}

/// Settings that contradict themselves or exceed a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidSettings {
    /// The edge's port is 0.
    Port,
    /// The edge's address or the box's own is one that no host has.
    Address,
    /// The prefix is longer than 32 bits.
    Prefix,
    /// The edge has a name, the address is static, and there is no DNS server.
    NoDns,
    /// An upload cap of 0: that is what receive-only is for.
    UploadCap,
    /// The buffer is longer than [`BUFFER_MS_MAX`].
    Buffer,
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "the edge's port is 0",
            Self::Address => "an address that no host can have",
            Self::Prefix => "the prefix is longer than 32 bits",
            Self::NoDns => "the edge is named, but there is no DNS server",
            Self::UploadCap => "an upload cap of 0: say receive-only instead",
            Self::Buffer => "the buffer is longer than a minute",
        })
    }
}

impl core::error::Error for InvalidSettings {}

impl Settings {
    /// Whether a box can live with these settings.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        let is_host = |address: IpAddr| !address.is_unspecified() && !address.is_multicast();
        if self.edge.port == 0 {
            return Err(InvalidSettings::Port);
        }
        if matches!(self.edge.host, EdgeHost::Address(address) if !is_host(address)) {
            return Err(InvalidSettings::Address);
        }
        if self.upload_bps_max == Some(0) {
            return Err(InvalidSettings::UploadCap);
        }
        if self.target_buffer_ms > BUFFER_MS_MAX {
            return Err(InvalidSettings::Buffer);
        }
        let Network::Static(network) = &self.network else {
            return Ok(());
        };
        let hosts = [network.address].into_iter().chain(network.gateway).chain(network.dns.iter().copied());
        for address in hosts {
            if !is_host(address.into()) || address.is_broadcast() {
                return Err(InvalidSettings::Address);
            }
        }
        if network.prefix > 32 {
            return Err(InvalidSettings::Prefix);
        }
        match self.edge.host {
            EdgeHost::Name(_) if network.dns.is_empty() => Err(InvalidSettings::NoDns),
            EdgeHost::Name(_) | EdgeHost::Address(_) => Ok(()),
        }
    }
}
