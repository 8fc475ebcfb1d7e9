//! Addresses behind NATs: how a NAT treats a client, which pairs of clients can meet through theirs, and addresses kept small.
//!
//! - [`NatClass`]: mapping and filtering, in the words of RFC 4787 and RFC 5780; [`can_meet`] over two of them.
//! - [`CompactAddress`]: an address in 19 bytes, for tables.

mod address;
mod class;

pub use address::{CompactAddress, is_local, is_same_address};
pub use class::{NatClass, NatFiltering, NatKind, NatMapping, can_meet};
