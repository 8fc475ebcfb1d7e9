//! Bytes on the wire: borrowed messages, no payload re-encoded. `docs/wire.md` is the source.

pub mod control;
pub mod stream;

pub use control::Message;
