//! Writing a message, attribute by attribute.

use core::net::SocketAddr;

use super::attribute::{ADDRESS_LEN_MAX, Change, StunAddress, kind, write_address};
use super::fingerprint::fingerprint;
use super::message::{MAGIC_COOKIE, STUN_HEADER_LEN, StunClass, TransactionId};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::wire::control::Cookie;

/// Bytes of an attribute's header.
const ATTRIBUTE_HEADER_LEN: usize = 4;

/// Fills a Binding message.
#[derive(Debug)]
pub struct StunWriter<'b> {
    out: &'b mut [u8],
    len: usize,
    transaction: TransactionId,
}

impl<'b> StunWriter<'b> {
    /// Starts a message of at most [`DATAGRAM_LEN_MAX`] bytes or `out`, whichever is shorter. `None` when `out` does not hold a
    /// header.
    pub fn new(out: &'b mut [u8], class: StunClass, transaction: TransactionId) -> Option<Self> {
        let len_max = out.len().min(DATAGRAM_LEN_MAX);
        let out = out.get_mut(..len_max)?;
        let header = out.first_chunk_mut::<STUN_HEADER_LEN>()?;
        let [t0, t1] = class.binding().to_be_bytes();
        let [c0, c1, c2, c3] = MAGIC_COOKIE.to_be_bytes();
        let [start @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
        *start = [t0, t1, 0, 0, c0, c1, c2, c3];
        if let Some(id) = header.last_chunk_mut::<12>() {
            *id = transaction.0;
        }
        Some(Self { out, len: STUN_HEADER_LEN, transaction })
    }

    /// Goes on with a message of `len` bytes at the start of `out`.
    pub fn resume(out: &'b mut [u8], len: usize, transaction: TransactionId) -> Option<Self> {
        (STUN_HEADER_LEN..=out.len()).contains(&len).then_some(Self { out, len, transaction })
    }

    /// Appends an address. `false`: no room, nothing was appended; so for all that follow.
    pub fn address(&mut self, of: StunAddress, address: &SocketAddr) -> bool {
        let mut value = [0; ADDRESS_LEN_MAX];
        let len = write_address(of, address, &self.transaction, &mut value);
        value.get(..len).is_some_and(|value| self.attribute(of.kind(), value))
    }

    /// Appends from where the answer is wanted.
    pub fn change(&mut self, change: Change) -> bool {
        self.attribute(kind::CHANGE_REQUEST, &change.bits().to_be_bytes())
    }

    /// Appends our proof of the receiver's address.
    pub fn cookie(&mut self, cookie: &Cookie) -> bool {
        self.attribute(kind::COOKIE, cookie)
    }

    /// Appends an error without a reason phrase: people do not read it.
    pub fn error(&mut self, code: u16) -> bool {
        let (class, number) = (code / 100, code % 100);
        let (Ok(class), Ok(number)) = (u8::try_from(class), u8::try_from(number)) else { return false };
        self.attribute(kind::ERROR_CODE, &[0, 0, class & 7, number])
    }

    /// Appends the attributes a request was refused for.
    pub fn unknown(&mut self, kinds: &[u16]) -> bool {
        let len = kinds.len().saturating_mul(2);
        let Some(place) = self.open(kind::UNKNOWN_ATTRIBUTES, len) else { return false };
        for (place, kind) in place.as_chunks_mut::<2>().0.iter_mut().zip(kinds) {
            *place = kind.to_be_bytes();
        }
        true
    }

    /// Appends padding (RFC 5780 clause 7.6) so that `len` bytes are reached, when more than an attribute's header lacks.
    /// The message gets no longer than there is room.
    pub fn pad_to(&mut self, len: usize) {
        let missing = len.min(self.out.len()).saturating_sub(self.len) & !3;
        if let Some(value_len) = missing.checked_sub(ATTRIBUTE_HEADER_LEN) {
            let _is_padded = self.open(kind::PADDING, value_len).is_some();
        }
    }

    /// Appends the fingerprint, the last attribute, and gives the message's length.
    #[must_use]
    pub fn finish_with_fingerprint(mut self) -> Option<usize> {
        const LEN: usize = ATTRIBUTE_HEADER_LEN + 4;
        // The sum is over a header that counts the fingerprint (RFC 8489 clause 14.7).
        let before_len = self.len;
        self.write_len(before_len.saturating_add(LEN));
        let sum = fingerprint([self.out.get(..before_len)?, &[]]);
        self.attribute(kind::FINGERPRINT, &sum.to_be_bytes()).then(|| self.finish())
    }

    /// The message's length.
    #[must_use]
    pub fn finish(mut self) -> usize {
        self.write_len(self.len);
        self.len
    }

    fn write_len(&mut self, len: usize) {
        let body_len = u16::try_from(len.saturating_sub(STUN_HEADER_LEN)).unwrap_or(0);
        if let Some([_, _, l0, l1]) = self.out.first_chunk_mut::<4>() {
            [*l0, *l1] = body_len.to_be_bytes();
        }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) -> bool {
        let Some(place) = self.open(kind, value.len()) else { return false };
        // As long as each other, which a copy of slices would check once more.
        for (to, from) in place.iter_mut().zip(value) {
            *to = *from;
        }
        true
    }

    /// Appends an attribute's header and zeroes; gives the place of the value.
    fn open(&mut self, kind: u16, value_len: usize) -> Option<&mut [u8]> {
        let padded_len = value_len.checked_next_multiple_of(4)?.checked_add(ATTRIBUTE_HEADER_LEN)?;
        let end = self.len.checked_add(padded_len)?;
        let place = self.out.get_mut(self.len..end)?;
        place.fill(0);
        let (header, value) = place.split_first_chunk_mut::<ATTRIBUTE_HEADER_LEN>()?;
        let [k0, k1] = kind.to_be_bytes();
        let [l0, l1] = u16::try_from(value_len).ok()?.to_be_bytes();
        *header = [k0, k1, l0, l1];
        self.len = end;
        value.get_mut(..value_len)
    }
}
