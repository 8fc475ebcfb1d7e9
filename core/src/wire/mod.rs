//! Bytes on the wire: borrowed messages, no payload re-encoded. `docs/wire.md` is the source.

pub mod bounds;
mod codec;
pub mod control;
mod framing;
mod header;
mod messages;
pub mod report;
pub mod stream;
pub mod stun;

pub use control::Message;
pub use framing::{
    FramingError, STREAM_HEADER_LEN, STREAM_LEN_MAX, StreamDecoder, StreamItem, encode_stream,
};
pub use header::{
    CONTROL_HEADER_LEN, DATA_HEADER_LEN, DataHeader, Datagram, MAC_LEN, MAC_OFFSET, SendReason, VERSION,
};
pub use messages::{ControlWriter, Messages};
pub use stream::StreamMessage;

#[cfg(test)]
mod codec_tests;
#[cfg(test)]
mod framing_tests;
#[cfg(test)]
mod golden_tests;
