//! Bytes on the wire: borrowed messages, no payload re-encoded. `docs/wire.md` is the source.

pub mod bounds;
pub mod control;
mod header;
mod messages;
pub mod stream;

pub use control::Message;
pub use header::{
    CONTROL_HEADER_LEN, DATA_HEADER_LEN, DataHeader, Datagram, MAC_LEN, MAC_OFFSET, SendReason, VERSION,
};
pub use messages::{ControlWriter, Messages};

#[cfg(test)]
mod codec_tests;
#[cfg(test)]
mod golden_tests;
