//! A network for set-top boxes that run in QEMU, in one process and without root.
//!
//! QEMU's `-netdev dgram` carries raw Ethernet frames in UDP datagrams over loopback. A [`Switch`] is what they are sent
//! to: it has a port for each box, learns hardware addresses, floods and forwards, and spoils traffic where a test asks it to.
//!
//! It is also the host "Linux" of that network. A [`Network`] is a part of loopback, 127.77.0.0/16 by default, on
//! purpose: Linux processes see a box under the very address it has, and the box sees them under theirs, so
//! that addresses inside messages need no translation. A box's UDP leaves through a Linux socket bound to the box's address and port;
//! what arrives there goes to the box.
//!
//! ```
//! use core::time::Duration;
//! use livesky_stb_net::{Config, Direction, Impairment, Switch};
//!
//! # fn main() -> std::io::Result<()> {
//! let switch = Switch::start(Config::default())?;
//! let port = switch.add_port()?;
//! println!("qemu-system-aarch64 ... -netdev {}", switch.netdev(port, "n0"));
//! let slow = Impairment { delay: Duration::from_millis(20), loss: 0.02, ..Impairment::CLEAR };
//! switch.set_impairment(port, Direction::ToBox, slow);
//! # Ok(())
//! # }
//! ```
//!
//! From the outside inwards: `switch` is the thread and its handle; `fabric` forwards between ports, delay queue and gateway;
//! `ports` are the boxes' sides, `impair` decides the fate of each frame; `gateway` answers for Linux with the help of `dhcp`
//! and `dns` and passes UDP to `host_sockets`; `frame` writes frames, `pcap` keeps them for people.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod dhcp;
mod dns;
mod fabric;
mod frame;
mod gateway;
mod host_sockets;
mod impair;
mod network;
mod pcap;
mod ports;
mod queue;
mod switch;

pub use dhcp::{DhcpEvent, DhcpSettings, DhcpStep};
pub use dns::DnsSettings;
pub use gateway::GatewayCounters;
pub use impair::{Direction, Impairment};
pub use network::Network;
pub use ports::{LaneCounters, PortCounters, PortId};
pub use smoltcp::wire::EthernetAddress;
pub use switch::{Config, Switch, SwitchHandle};
