//! The network between hosts, of small elements: each host has an uplink and a downlink, maybe a NAT box before them, and
//! behind them lie loss, delay, and what faults do.
//!
//! A datagram [`departs`](Network::depart): NAT outwards, uplink, loss, delay. When its time has come it
//! [`arrives`](Network::arrive): partition, NAT inwards, downlink.

mod address;
mod host;
mod line;
mod loss;
mod nat;
mod partition;
mod paths;
mod route;

pub(crate) use address::{Addressing, Target};
pub(crate) use host::{Host, HostId, Site};
pub(crate) use line::Line;
pub(crate) use loss::Loss;
pub(crate) use nat::{NatBox, can_connect};
pub(crate) use partition::Partition;
pub(crate) use paths::micros;
pub(crate) use route::{Arrived, Departed, Network};
