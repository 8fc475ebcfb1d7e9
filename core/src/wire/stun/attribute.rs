//! Attributes: a type, a length, a value, padded to words (RFC 8489 clause 14).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::message::{MAGIC_COOKIE, STUN_HEADER_LEN, TransactionId};

use crate::endpoint::Reject;

/// Attribute types, by RFC 8489 clause 18.3.1, RFC 5780 clause 7 and RFC 8445 clause 16.1.
pub(super) mod kind {
    pub(crate) const MAPPED_ADDRESS: u16 = 0x0001;
    pub(crate) const CHANGE_REQUEST: u16 = 0x0003;
    pub(crate) const USERNAME: u16 = 0x0006;
    pub(crate) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(crate) const ERROR_CODE: u16 = 0x0009;
    pub(crate) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(crate) const REALM: u16 = 0x0014;
    pub(crate) const NONCE: u16 = 0x0015;
    pub(crate) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    pub(crate) const PASSWORD_ALGORITHM: u16 = 0x001d;
    pub(crate) const USERHASH: u16 = 0x001e;
    pub(crate) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(crate) const PADDING: u16 = 0x0026;
    pub(crate) const FINGERPRINT: u16 = 0x8028;
    pub(crate) const RESPONSE_ORIGIN: u16 = 0x802b;
    pub(crate) const OTHER_ADDRESS: u16 = 0x802c;
    /// Ours, out of the comprehension-optional range left to expert review: proof that the answer's receiver is at the address it tells.
    pub(crate) const COOKIE: u16 = 0xc05e;
}

/// From where an answer is wanted (RFC 5780 clause 7.2). No flag set: from where the question went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// From the other address of the server.
    pub ip: bool,
    /// From the other port of the server.
    pub port: bool,
}

impl Change {
    const IP: u32 = 0x04;
    const PORT: u32 = 0x02;

    pub(super) const fn bits(self) -> u32 {
        let ip = if self.ip { Self::IP } else { 0 };
        let port = if self.port { Self::PORT } else { 0 };
        ip | port
    }

    pub(super) const fn from_bits(bits: u32) -> Self {
        Self { ip: bits & Self::IP != 0, port: bits & Self::PORT != 0 }
    }
}

/// The attributes that carry an address and that we write or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunAddress {
    /// Where the server sees the client, in plain (for servers before RFC 5389).
    Mapped,
    /// The same, disguised from NATs that rewrite addresses in payloads.
    XorMapped,
    /// From where the answer comes.
    ResponseOrigin,
    /// Address and port of the server's other socket.
    Other,
}

impl StunAddress {
    pub(super) const fn kind(self) -> u16 {
        match self {
            Self::Mapped => kind::MAPPED_ADDRESS,
            Self::XorMapped => kind::XOR_MAPPED_ADDRESS,
            Self::ResponseOrigin => kind::RESPONSE_ORIGIN,
            Self::Other => kind::OTHER_ADDRESS,
        }
    }

    const fn is_disguised(self) -> bool {
        matches!(self, Self::XorMapped)
    }
}

/// The longest value of an address attribute.
pub(super) const ADDRESS_LEN_MAX: usize = 20;

/// What an address is xored with: the magic cookie, then the transaction id (RFC 8489 clause 14.2).
fn disguise(transaction: &TransactionId) -> u128 {
    let [a, b, c, d] = MAGIC_COOKIE.to_be_bytes();
    let [e, f, g, h, i, j, k, l, m, n, o, p] = transaction.0;
    u128::from_be_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// The high half of the magic cookie.
const PORT_DISGUISE: u16 = 0x2112;

/// Writes an address's value to the start of `out` and gives its length.
pub(super) fn write_address(
    of: StunAddress,
    address: &SocketAddr,
    transaction: &TransactionId,
    out: &mut [u8; ADDRESS_LEN_MAX],
) -> usize {
    let (port_mask, mask) = if of.is_disguised() { (PORT_DISGUISE, disguise(transaction)) } else { (0, 0) };
    let [p0, p1] = (address.port() ^ port_mask).to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => {
            let v4_mask = u32::try_from(mask >> 96).unwrap_or(0);
            let [a, b, c, d] = (ip.to_bits() ^ v4_mask).to_be_bytes();
            let [head, ..] = out.as_chunks_mut::<8>().0 else { return 0 };
            *head = [0, 1, p0, p1, a, b, c, d];
            8
        }
        IpAddr::V6(ip) => {
            let [zero, family, port_high, port_low, rest @ ..] = out;
            (*zero, *family, *port_high, *port_low) = (0, 2, p0, p1);
            *rest = (ip.to_bits() ^ mask).to_be_bytes();
            20
        }
    }
}

/// Reads an address's value; `None`: a family or length there is not.
pub(super) fn read_address(of: StunAddress, value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let (port_mask, mask) = if of.is_disguised() { (PORT_DISGUISE, disguise(transaction)) } else { (0, 0) };
    let [_, family, p0, p1, address @ ..] = value else { return None };
    let port = u16::from_be_bytes([*p0, *p1]) ^ port_mask;
    match family {
        1 => {
            let v4_mask = u32::try_from(mask >> 96).unwrap_or(0);
            let bits = u32::from_be_bytes(address.try_into().ok()?) ^ v4_mask;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from_bits(bits)), port))
        }
        2 => {
            let bits = u128::from_be_bytes(address.try_into().ok()?) ^ mask;
            Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from_bits(bits)), port))
        }
        _ => None,
    }
}

/// An attribute as it stands in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    /// Bytes of the message before this attribute.
    pub(super) offset: usize,
}

/// The attributes after a header; ends after the first one that is cut off (`Err`).
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Attributes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: STUN_HEADER_LEN }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Raw<'a>, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let taken = take(self.rest);
        let Some((kind, value, padded_len)) = taken else {
            self.rest = &[];
            return Some(Err(Reject::Malformed));
        };
        let raw = Raw { kind, value, offset: self.offset };
        self.rest = self.rest.get(padded_len..).unwrap_or_default();
        self.offset = self.offset.saturating_add(padded_len);
        Some(Ok(raw))
    }
}

/// Type and value of the first attribute, and its length with header and padding.
fn take(bytes: &[u8]) -> Option<(u16, &[u8], usize)> {
    let (&[k0, k1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let value = rest.get(..len)?;
    let padded_len = len.next_multiple_of(4).saturating_add(4);
    (padded_len <= bytes.len()).then_some((u16::from_be_bytes([k0, k1]), value, padded_len))
}
