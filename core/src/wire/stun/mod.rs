//! STUN (RFC 8489), the Binding method alone, with the attributes of NAT behaviour discovery (RFC 5780).
//!
//! It shares our port, told apart by the two top bits of the first byte, which are zero (RFC 8489 clause 5). Parsing passes
//! over every attribute that is not needed; credentials are neither made nor checked, since a Binding answer opens nothing.

mod attribute;
mod fingerprint;
mod message;
mod writer;

pub use attribute::{Change, StunAddress};
pub use message::{StunClass, StunMessage, TransactionId, is_stun};
pub use writer::StunWriter;

/// Second word of every message (RFC 8489 clause 5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Bytes before the first attribute.
pub const STUN_HEADER_LEN: usize = 20;
/// Comprehension-required attributes remembered from a request, to be named in an error.
pub const UNKNOWN_MAX: usize = 4;

#[cfg(test)]
mod tests;
