//! Addresses without the platform's headers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::pointer::Plain;
use crate::result::LiveskyResult;

/// No address.
pub const LIVESKY_FAMILY_NONE: u8 = 0;
/// An IPv4 address.
pub const LIVESKY_FAMILY_IPV4: u8 = 4;
/// An IPv6 address.
pub const LIVESKY_FAMILY_IPV6: u8 = 6;

/// An address and port.
///
/// An IPv4 address that is mapped to IPv6 (::ffff:a.b.c.d), as sockets for both families tell them, is taken as the IPv4
/// address it is; given out are IPv4 addresses as such.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveskyAddress {
    /// LIVESKY_FAMILY_NONE, LIVESKY_FAMILY_IPV4 or LIVESKY_FAMILY_IPV6.
    pub family: u8,
    /// 0.
    pub reserved: u8,
    /// The port, in the computer's own byte order.
    pub port: u16,
    /// The address in network byte order: 4 bytes of IPv4 and zeros, or 16 of IPv6.
    pub bytes: [u8; 16],
}

// SAFETY: integers only, and no padding: 1 + 1 + 2 + 16 bytes, aligned to 2.
unsafe impl Plain for LiveskyAddress {}

impl LiveskyAddress {
    /// The address; `None` for LIVESKY_FAMILY_NONE.
    pub(crate) fn parse(&self) -> Result<Option<SocketAddr>, LiveskyResult> {
        let ip = match self.family {
            LIVESKY_FAMILY_NONE => return Ok(None),
            LIVESKY_FAMILY_IPV4 => {
                let [a, b, c, d, ..] = self.bytes;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            LIVESKY_FAMILY_IPV6 => IpAddr::V6(Ipv6Addr::from(self.bytes)).to_canonical(),
            _ => return Err(LiveskyResult::InvalidAddress),
        };
        if self.port == 0 {
            return Err(LiveskyResult::InvalidAddress);
        }
        Ok(Some(SocketAddr::new(ip, self.port)))
    }

    /// The address, which must be one.
    pub(crate) fn require(&self) -> Result<SocketAddr, LiveskyResult> {
        self.parse()?.ok_or(LiveskyResult::InvalidAddress)
    }
}

impl From<SocketAddr> for LiveskyAddress {
    fn from(address: SocketAddr) -> Self {
        let (family, bytes) = match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                (LIVESKY_FAMILY_IPV4, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            }
            IpAddr::V6(ip) => (LIVESKY_FAMILY_IPV6, ip.octets()),
        };
        Self { family, reserved: 0, port: address.port(), bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways() {
        for text in ["192.0.2.1:7000", "[2001:db8::1]:7000", "[::1]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(LiveskyAddress::from(address).parse(), Ok(Some(address)), "{text}");
        }
    }

    #[test]
    fn mapped_addresses_are_the_ipv4_ones_they_are() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:7000".parse().unwrap();
        let plain: SocketAddr = "192.0.2.1:7000".parse().unwrap();
        let mut address = LiveskyAddress { family: LIVESKY_FAMILY_IPV6, port: 7_000, ..Default::default() };
        address.bytes = Ipv6Addr::to_bits("::ffff:192.0.2.1".parse().unwrap()).to_be_bytes();
        assert_eq!(address.require(), Ok(plain));
        assert_eq!(LiveskyAddress::from(mapped), LiveskyAddress::from(plain));
    }

    #[test]
    fn what_is_no_address() {
        let good = LiveskyAddress { family: LIVESKY_FAMILY_IPV4, port: 1, ..Default::default() };
        assert!(good.require().is_ok());
        assert_eq!(LiveskyAddress::default().parse(), Ok(None));
        for bad in [
            LiveskyAddress::default(),
            LiveskyAddress { port: 0, ..good },
            LiveskyAddress { family: 2, ..good },
            LiveskyAddress { family: u8::MAX, ..good },
        ] {
            assert_eq!(bad.require(), Err(LiveskyResult::InvalidAddress), "{bad:?}");
        }
    }
}
