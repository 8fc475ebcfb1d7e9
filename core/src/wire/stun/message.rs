//! A message, taken apart once into what the machines ask of it.

use core::net::SocketAddr;

use heapless::Vec;

use super::attribute::{Attributes, Change, Raw, StunAddress, kind, read_address};
use super::fingerprint::fingerprint;
use crate::endpoint::Reject;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::wire::control::Cookie;

/// Second word of every message (RFC 8489 clause 5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Bytes before the first attribute.
pub const STUN_HEADER_LEN: usize = 20;
/// Comprehension-required attributes remembered from a request, to be named in an error.
pub const UNKNOWN_MAX: usize = 4;
/// Bytes of the FINGERPRINT attribute.
const FINGERPRINT_LEN: usize = 8;

/// Pairs an answer with its question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunClass {
    /// A question.
    Request,
    /// Something told, to be answered by nothing.
    Indication,
    /// The answer.
    Success,
    /// The answer that there is none.
    Error,
}

impl StunClass {
    /// The type field of a Binding message of this class: the class is in bits 4 and 8 (RFC 8489 clause 5).
    pub(super) const fn binding(self) -> u16 {
        match self {
            Self::Request => 0x0001,
            Self::Indication => 0x0011,
            Self::Success => 0x0101,
            Self::Error => 0x0111,
        }
    }

    const ALL: [Self; 4] = [Self::Request, Self::Indication, Self::Success, Self::Error];
}

/// Whether a datagram is to be read as STUN: its two top bits are zero.
#[must_use]
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0xc0 == 0)
}

/// A Binding message. Of an attribute that comes twice the first counts (RFC 8489 clause 14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunMessage {
    /// What it is.
    pub class: StunClass,
    /// Which question it is or answers.
    pub transaction: TransactionId,
    /// Where the server sees the client: XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS.
    pub mapped: Option<SocketAddr>,
    /// From where the answer comes.
    pub origin: Option<SocketAddr>,
    /// The server's other address and port.
    pub other: Option<SocketAddr>,
    /// From where an answer is wanted.
    pub change: Change,
    /// Code of an error, 300 to 699.
    pub error_code: Option<u16>,
    /// Our proof of the receiver's address.
    pub cookie: Option<Cookie>,
    /// Whether a FINGERPRINT, a right one, ends it.
    pub has_fingerprint: bool,
    /// Attributes one has to understand and we do not: the first few.
    pub unknown: Vec<u16, UNKNOWN_MAX>,
}

impl StunMessage {
    /// Takes a datagram apart.
    ///
    /// # Errors
    /// [`Reject::Unsupported`] for another method than Binding, or a message of before the magic cookie (RFC 3489);
    /// [`Reject::Malformed`] for what no correct sender produces, a wrong fingerprint among it.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        if datagram.len() > DATAGRAM_LEN_MAX || !is_stun(datagram) {
            return Err(Reject::Malformed);
        }
        let (header, body) = datagram.split_first_chunk::<STUN_HEADER_LEN>().ok_or(Reject::Malformed)?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if len != body.len() || !len.is_multiple_of(4) {
            return Err(Reject::Malformed);
        }
        if u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
            return Err(Reject::Unsupported);
        }
        let message_type = u16::from_be_bytes([t0, t1]);
        let class = StunClass::ALL.into_iter().find(|class| class.binding() == message_type);
        let mut message = Self {
            class: class.ok_or(Reject::Unsupported)?,
            transaction: TransactionId(id),
            mapped: None,
            origin: None,
            other: None,
            change: Change::default(),
            error_code: None,
            cookie: None,
            has_fingerprint: false,
            unknown: Vec::new(),
        };
        message.read(datagram, body)?;
        Ok(message)
    }

    fn read(&mut self, datagram: &[u8], body: &[u8]) -> Result<(), Reject> {
        let mut plain = None;
        let mut has_change = false;
        let mut is_signed = false;
        for raw in Attributes::new(body) {
            let raw = raw?;
            let is_last_of_all = raw.offset.saturating_add(FINGERPRINT_LEN) == datagram.len();
            if raw.kind == kind::FINGERPRINT && is_last_of_all {
                self.has_fingerprint = is_right(datagram, &raw);
                return self.settle(plain, self.has_fingerprint);
            }
            // What follows the signature is not covered by it, and ignored (RFC 8489 clause 14.5).
            if is_signed {
                continue;
            }
            match raw.kind {
                kind::MAPPED_ADDRESS => keep(&mut plain, self.address(StunAddress::Mapped, &raw)?),
                kind::XOR_MAPPED_ADDRESS => {
                    let address = self.address(StunAddress::XorMapped, &raw)?;
                    keep(&mut self.mapped, address);
                }
                kind::RESPONSE_ORIGIN => {
                    let address = self.address(StunAddress::ResponseOrigin, &raw)?;
                    keep(&mut self.origin, address);
                }
                kind::OTHER_ADDRESS => {
                    let address = self.address(StunAddress::Other, &raw)?;
                    keep(&mut self.other, address);
                }
                kind::CHANGE_REQUEST => {
                    let bits = u32::from_be_bytes(raw.value.try_into().map_err(|_| Reject::Malformed)?);
                    if !has_change {
                        self.change = Change::from_bits(bits);
                    }
                    has_change = true;
                }
                kind::ERROR_CODE => keep(&mut self.error_code, read_error(raw.value)?),
                // One of another length is somebody else's use of the number.
                kind::COOKIE => {
                    if let Ok(cookie) = raw.value.try_into() {
                        keep(&mut self.cookie, cookie);
                    }
                }
                kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256 => is_signed = true,
                _ => self.pass_over(&raw),
            }
        }
        self.settle(plain, true)
    }

    fn settle(&mut self, plain: Option<SocketAddr>, is_sound: bool) -> Result<(), Reject> {
        self.mapped = self.mapped.or(plain);
        if is_sound { Ok(()) } else { Err(Reject::Malformed) }
    }

    fn address(&self, of: StunAddress, raw: &Raw<'_>) -> Result<SocketAddr, Reject> {
        read_address(of, raw.value, &self.transaction).ok_or(Reject::Malformed)
    }

    /// Attributes below 0x8000 have to be understood (RFC 8489 clause 14). Credentials are: they are not asked for.
    fn pass_over(&mut self, raw: &Raw<'_>) {
        let is_understood = matches!(
            raw.kind,
            kind::USERNAME
                | kind::REALM
                | kind::NONCE
                | kind::PASSWORD_ALGORITHM
                | kind::USERHASH
                | kind::PADDING
                | kind::UNKNOWN_ATTRIBUTES
        );
        if raw.kind < 0x8000 && !is_understood && !self.unknown.contains(&raw.kind) {
            // The first few are enough to tell the sender.
            let _ = self.unknown.push(raw.kind);
        }
    }
}

/// Notes a value unless one came before.
fn keep<T>(place: &mut Option<T>, value: T) {
    if place.is_none() {
        *place = Some(value);
    }
}

fn is_right(datagram: &[u8], raw: &Raw<'_>) -> bool {
    let Some(before) = datagram.get(..raw.offset) else { return false };
    raw.value == fingerprint([before, &[]]).to_be_bytes()
}

/// Class and number of an error (RFC 8489 clause 14.8).
fn read_error(value: &[u8]) -> Result<u16, Reject> {
    let [_, _, class, number, ..] = *value else { return Err(Reject::Malformed) };
    let class = u16::from(class & 7);
    if !(3..=6).contains(&class) || number > 99 {
        return Err(Reject::Malformed);
    }
    Ok(class * 100 + u16::from(number))
}
