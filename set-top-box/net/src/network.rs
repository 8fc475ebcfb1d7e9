//! The addresses that boxes and Linux processes share.

use core::net::Ipv4Addr;

/// A part 127.x.0.0/16 of Linux's loopback network. Every address of it that is not a box's belongs to Linux.
///
/// Tests that run side by side take one each, so that their boxes may use the same ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    second: u8,
}

impl Network {
    /// Netmask of each.
    pub const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 0, 0);

    /// The last octet of the first box's address; the ones below are for Linux processes.
    const FIRST_BOX: u8 = 11;

    /// How many boxes get an address by DHCP.
    pub(crate) const BOXES_MAX: u8 = 200;

    /// 127.`second`.0.0/16; `None` for 0, which holds 127.0.0.1, and for 255.
    #[must_use]
    pub const fn new(second: u8) -> Option<Self> {
        if second == 0 || second == 255 { None } else { Some(Self { second }) }
    }

    /// Router, DHCP server and DNS server of the boxes; Linux processes may bind it too: 127.x.0.1.
    #[must_use]
    pub const fn gateway(self) -> Ipv4Addr {
        self.host(1)
    }

    /// 127.x.0.`last`.
    #[must_use]
    pub const fn host(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.second, 0, last)
    }

    /// Whether `address` is one of this network's.
    #[must_use]
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        let [first, second, ..] = address.octets();
        first == 127 && second == self.second
    }

    /// 127.x.255.255.
    #[must_use]
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.second, 255, 255)
    }

    /// The address of the `index`th box, counted from 0: 127.x.0.11 first.
    pub(crate) const fn nth_box(self, index: u8) -> Option<Ipv4Addr> {
        if index < Self::BOXES_MAX { Some(self.host(Self::FIRST_BOX + index)) } else { None }
    }
}

impl Default for Network {
    /// 127.77.0.0/16.
    fn default() -> Self {
        Self { second: 77 }
    }
}
