//! Proof of origin behind a small seam: machines ask [`Auth`], trust replaces it.

use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::time::Instant;
use crate::wire::control::Cookie;

/// Microseconds of the window a cookie names (`docs/wire.md`, "Joining").
const COOKIE_WINDOW_US: u64 = 32_000_000;
/// Keeps cookies apart from anything else hashed under the same key.
const COOKIE_DOMAIN: u8 = 1;

/// What a machine asks of cryptography.
pub trait Auth {
    /// The cookie of an address at a time: to be sent to that address, and stored nowhere.
    fn cookie(&self, now: Instant, remote: &SocketAddr) -> Cookie;

    /// Whether `cookie` was given to `remote` in this 32 s window or the one before, in a time that does not depend on the
    /// cookie's bytes.
    fn verify_cookie(&self, now: Instant, remote: &SocketAddr, cookie: &Cookie) -> bool;
}

/// [`Auth`] by SipHash-2-4 with 128 bits of output (Aumasson and Bernstein 2012) under a secret key.
#[derive(Clone)]
pub struct SipAuth {
    key: [u8; 16],
}

impl SipAuth {
    /// Takes 16 bytes of entropy; who knows them can forge cookies.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    fn cookie_of(&self, window: u64, remote: &SocketAddr) -> Cookie {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&[COOKIE_DOMAIN]);
        hasher.write(&window.to_le_bytes());
        match remote.ip() {
            IpAddr::V4(ip) => hasher.write(&ip.octets()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()),
        }
        hasher.write(&remote.port().to_le_bytes());
        hasher.finish128().as_bytes()
    }
}

impl core::fmt::Debug for SipAuth {
    /// Leaves the key out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SipAuth").finish_non_exhaustive()
    }
}

impl Auth for SipAuth {
    fn cookie(&self, now: Instant, remote: &SocketAddr) -> Cookie {
        self.cookie_of(window_of(now), remote)
    }

    fn verify_cookie(&self, now: Instant, remote: &SocketAddr, cookie: &Cookie) -> bool {
        let window = window_of(now);
        let is_current = is_same(cookie, &self.cookie_of(window, remote));
        let before = window.checked_sub(1);
        // Both are always compared: which of the two windows it was does not show in the time.
        let is_previous = is_same(cookie, &self.cookie_of(before.unwrap_or(window), remote));
        is_current | is_previous
    }
}

const fn window_of(now: Instant) -> u64 {
    now.as_micros() / COOKIE_WINDOW_US
}

/// Compares without stopping at the first difference.
fn is_same(left: &Cookie, right: &Cookie) -> bool {
    let difference = left.iter().zip(right).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
    core::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const AUTH: SipAuth = SipAuth::new(*b"0123456789abcdef");

    fn home(port: u16) -> SocketAddr {
        (Ipv4Addr::new(192, 0, 2, 7), port).into()
    }

    #[test]
    fn a_cookie_counts_in_its_window_and_the_next() {
        let given = Instant::from_millis(40_000);
        let cookie = AUTH.cookie(given, &home(5_000));
        let counts = |at_ms| AUTH.verify_cookie(Instant::from_millis(at_ms), &home(5_000), &cookie);
        assert!(counts(40_000));
        assert!(counts(95_999));
        assert!(!counts(96_000));
        assert!(!counts(31_999), "from the future");
        let first = AUTH.cookie(Instant::ZERO, &home(5_000));
        assert!(
            AUTH.verify_cookie(Instant::ZERO, &home(5_000), &first),
            "nothing comes before the first window"
        );
    }

    #[test]
    fn a_cookie_belongs_to_one_address_and_key() {
        let cookie = AUTH.cookie(Instant::ZERO, &home(5_000));
        assert!(!AUTH.verify_cookie(Instant::ZERO, &home(5_001), &cookie));
        let other: SocketAddr = (Ipv6Addr::LOCALHOST, 5_000).into();
        assert!(!AUTH.verify_cookie(Instant::ZERO, &other, &cookie));
        assert!(!SipAuth::new([7; 16]).verify_cookie(Instant::ZERO, &home(5_000), &cookie));
    }

    #[test]
    fn every_bit_of_a_cookie_counts() {
        let cookie = AUTH.cookie(Instant::ZERO, &home(1));
        for bit in 0..128_usize {
            let mut wrong = cookie;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!AUTH.verify_cookie(Instant::ZERO, &home(1), &wrong), "bit {bit}");
            wrong[(bit / 8 + 1) % 16] ^= 1 << (bit % 8);
            assert!(!AUTH.verify_cookie(Instant::ZERO, &home(1), &wrong), "bit {bit} of two bytes");
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        assert_eq!(std::format!("{AUTH:?}"), "SipAuth { .. }");
    }

    /// The expected bytes come from a second implementation of the reference paper: every target, and every shard of an
    /// edge, must agree on them.
    #[test]
    fn cookies_are_the_same_on_every_target() {
        let cookie = AUTH.cookie(Instant::from_millis(64_000), &home(5_000));
        assert_eq!(cookie, [37, 1, 163, 28, 73, 157, 136, 153, 152, 219, 38, 195, 94, 92, 110, 136]);
    }
}
