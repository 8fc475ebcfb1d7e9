//! Addresses in tables.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address in 19 bytes, without flow label and scope. All zero bits: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactAddress {
    kind: Kind,
    ip: [u8; 16],
    port: [u8; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    None,
    V4,
    V6,
}

impl CompactAddress {
    /// No address.
    pub const NONE: Self = Self { kind: Kind::None, ip: [0; 16], port: [0; 2] };

    /// The address.
    #[must_use]
    pub fn get(&self) -> Option<SocketAddr> {
        let bits = u128::from_be_bytes(self.ip);
        let ip = match self.kind {
            Kind::None => return None,
            Kind::V4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(0))),
            Kind::V6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes(self.port)))
    }

    /// Whether it is `address`.
    #[must_use]
    pub fn is(&self, address: &SocketAddr) -> bool {
        *self == Self::from(*address)
    }
}

impl From<SocketAddr> for CompactAddress {
    fn from(address: SocketAddr) -> Self {
        let port = address.port().to_be_bytes();
        match address.ip() {
            IpAddr::V4(ip) => Self { kind: Kind::V4, ip: u128::from(ip.to_bits()).to_be_bytes(), port },
            IpAddr::V6(ip) => Self { kind: Kind::V6, ip: ip.to_bits().to_be_bytes(), port },
        }
    }
}

impl From<Option<SocketAddr>> for CompactAddress {
    fn from(address: Option<SocketAddr>) -> Self {
        address.map_or(Self::NONE, Self::from)
    }
}

/// Whether two addresses are the same, flow label and scope included: `==`, which is too much code to be repeated wherever a machine
/// compares addresses.
#[must_use]
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline)]
pub fn is_same_address(one: &SocketAddr, other: &SocketAddr) -> bool {
    one == other
}

/// Whether an address means something only within one network: private (RFC 1918, RFC 4193), of a carrier's NAT (RFC 6598), or
/// link-local. To send to another's costs nobody else anything.
#[must_use]
pub const fn is_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let is_carriers = ip.to_bits() >> 22 == 0x6440_0000 >> 22;
            ip.is_private() || ip.is_link_local() || is_carriers
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn local_addresses_are_those_of_the_registries() {
        let is = |text: &str| is_local(&text.parse().unwrap());
        for local in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.7.7",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(is(local), "{local}");
        }
        for public in
            ["8.8.8.8", "172.32.0.1", "100.63.255.255", "100.128.0.0", "127.0.0.1", "2001:db8::1", "::1"]
        {
            assert!(!is(public), "{public}");
        }
    }

    #[test]
    fn none_is_all_zero_bits_and_small() {
        assert_eq!(CompactAddress::NONE, CompactAddress::default());
        assert_eq!(CompactAddress::NONE.get(), None);
        assert_eq!(size_of::<CompactAddress>(), 19);
    }

    proptest! {
        #[test]
        fn an_address_comes_back(address in any::<SocketAddr>()) {
            let compact = CompactAddress::from(address);
            prop_assert_eq!(compact.get(), Some(SocketAddr::new(address.ip(), address.port())));
            prop_assert!(compact.is(&address));
        }
    }
}
