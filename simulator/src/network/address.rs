//! Addresses: who is where can be read off the number. Every client and every box has a /24 of its own: who shares one
//! seems to be in the same local network.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::host::HostId;

/// First address of the edges (TEST-NET-3, RFC 5737).
const EDGES: u32 = u32::from_be_bytes([203, 0, 113, 1]);
/// First address of clients without a NAT box.
const CLIENTS: u32 = u32::from_be_bytes([11, 0, 0, 1]);
/// First address of NAT boxes.
const BOXES: u32 = u32::from_be_bytes([100, 64, 0, 1]);
/// First private address in every box (RFC 1918).
const PRIVATE: u32 = u32::from_be_bytes([10, 0, 0, 2]);
/// Clients and boxes there are addresses for.
const INDEXES: u32 = 1 << 22;
/// Port of an edge; the next is its second.
const EDGE_PORT: u16 = 7_000;
/// Port of a client.
const CLIENT_PORT: u16 = 9_000;

/// What an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A host with a public address, and which of its sockets.
    Host(HostId, u8),
    /// A NAT box.
    Box(usize),
    /// A private address: which host of its box.
    Private(usize),
}

/// Gives out addresses and reads them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressing {
    edges: u32,
}

impl Addressing {
    pub(crate) fn new(edges: usize) -> Self {
        Self { edges: u32::try_from(edges).unwrap_or(u32::MAX) }
    }

    /// An edge's address, by its socket.
    pub(crate) fn edge(self, edge: usize, socket: u8) -> SocketAddrV4 {
        let edge = u32::try_from(edge).unwrap_or(0);
        SocketAddrV4::new(Ipv4Addr::from_bits(EDGES + edge), EDGE_PORT + u16::from(socket))
    }

    /// A client's own public address.
    pub(crate) fn client(self, host: HostId) -> SocketAddrV4 {
        let index = host.0.saturating_sub(self.edges);
        SocketAddrV4::new(Ipv4Addr::from_bits(CLIENTS + (index << 8)), CLIENT_PORT)
    }

    /// The address of the `place`-th host behind a box.
    pub(crate) fn private(self, place: usize) -> SocketAddrV4 {
        let place = u32::try_from(place).unwrap_or(0);
        SocketAddrV4::new(Ipv4Addr::from_bits(PRIVATE + place), CLIENT_PORT)
    }

    /// A box's public address.
    pub(crate) fn of_box(self, index: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(BOXES + (u32::try_from(index).unwrap_or(0) << 8))
    }

    /// What an address means; `None`: nobody's.
    pub(crate) fn target(self, address: SocketAddrV4) -> Option<Target> {
        let ip = address.ip().to_bits();
        if let Some(edge) = ip.checked_sub(EDGES).filter(|&edge| edge < self.edges) {
            let socket = u8::try_from(address.port().checked_sub(EDGE_PORT)?).ok()?;
            return (socket < 2).then_some(Target::Host(HostId(edge), socket));
        }
        if let Some(index) = index_from(BOXES, ip) {
            return Some(Target::Box(index as usize));
        }
        if address.port() != CLIENT_PORT {
            return None;
        }
        if let Some(index) = index_from(CLIENTS, ip) {
            return Some(Target::Host(HostId(index + self.edges), 0));
        }
        ip.checked_sub(PRIVATE).filter(|&place| place < 1 << 16).map(|place| Target::Private(place as usize))
    }
}

/// Which /24 after `first` an address is in; `None` when it is not the first address of one, or past the last.
fn index_from(first: u32, ip: u32) -> Option<u32> {
    let offset = ip.checked_sub(first)?;
    (offset & 0xff == 0 && offset >> 8 < INDEXES).then_some(offset >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_were_given() {
        let addressing = Addressing::new(3);
        assert_eq!(addressing.target(addressing.edge(2, 1)), Some(Target::Host(HostId(2), 1)));
        assert_eq!(
            addressing.target(addressing.client(HostId(70_003))),
            Some(Target::Host(HostId(70_003), 0))
        );
        assert_eq!(addressing.target(addressing.private(5)), Some(Target::Private(5)));
        let of_box = SocketAddrV4::new(addressing.of_box(70_000), 1_024);
        assert_eq!(addressing.target(of_box), Some(Target::Box(70_000)));
        assert_eq!(addressing.target(addressing.edge(3, 0)), None);
    }
}
