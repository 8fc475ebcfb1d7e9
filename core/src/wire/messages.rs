//! Control messages in a datagram: read one after the other, written until it is full.

use crate::endpoint::Reject;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::wire::codec;
use crate::wire::control::{LinkId, Message};
use crate::wire::header::{CONTROL_HEADER_LEN, write_control_header};

/// The control messages of a datagram, in order, without padding. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// The messages in `bytes`, which follow a control header.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match codec::decode(&mut self.rest) {
                Some(Message::Padding) => {}
                Some(message) if message.is_valid() => return Some(Ok(message)),
                Some(_) | None => {
                    self.rest = &[];
                    return Some(Err(Reject::Malformed));
                }
            }
        }
        None
    }
}

impl core::iter::FusedIterator for Messages<'_> {}

/// Fills a control datagram.
#[derive(Debug)]
pub struct ControlWriter<'b> {
    out: &'b mut [u8],
    len: usize,
}

impl<'b> ControlWriter<'b> {
    /// Starts a datagram for `link`, of at most [`DATAGRAM_LEN_MAX`] bytes or `out`, whichever is shorter. `None` when `out` does not hold
    /// a header.
    pub fn new(out: &'b mut [u8], link: LinkId) -> Option<Self> {
        let len_max = out.len().min(DATAGRAM_LEN_MAX);
        let out = out.get_mut(..len_max)?;
        let len = write_control_header(out, link)?;
        Some(Self { out, len })
    }

    /// Appends a message. `false`: no room, nothing was appended.
    pub fn push(&mut self, message: &Message<'_>) -> bool {
        let Some(room) = self.out.get_mut(self.len..) else { return false };
        let Some(len) = codec::encode(message, room) else { return false };
        self.len = self.len.saturating_add(len);
        true
    }

    /// Appends padding until the datagram is `len` bytes long, or as long as it can be.
    pub fn pad_to(&mut self, len: usize) {
        let end = len.min(self.out.len());
        if let Some(padding) = self.out.get_mut(self.len..end) {
            padding.fill(0);
            self.len = end;
        }
    }

    /// Whether nothing was appended.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == CONTROL_HEADER_LEN
    }

    /// Bytes of the datagram, its header included.
    #[must_use]
    pub fn finish(self) -> usize {
        self.len
    }
}
