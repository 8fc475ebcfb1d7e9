//! STUN (RFC 8489), the Binding method alone, with the attributes of NAT behaviour discovery (RFC 5780).
//!
//! It shares our port, told apart by the two top bits of the first byte, which are zero (RFC 8489 clause 5). Parsing passes
//! over every attribute that is not needed; credentials are neither made nor checked, since a Binding answer opens nothing.

mod attribute;
mod fingerprint;
mod message;
mod writer;

pub use attribute::{Change, StunAddress};
pub use message::{
    MAGIC_COOKIE, STUN_HEADER_LEN, StunClass, StunMessage, TransactionId, UNKNOWN_MAX, is_stun,
};
pub use writer::StunWriter;

#[cfg(test)]
mod tests;
