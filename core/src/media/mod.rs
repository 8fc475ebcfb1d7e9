//! What a channel carries: frames, their substreams, who has which, and when they are played.

mod channel;
mod clock;
mod frame;
mod mapping;
mod playout;

pub use channel::{ChannelName, ChannelSettings, InvalidSettings, Mapping, Overlay};
pub use frame::{Dts, FrameId, FrameInfo, fragment_count, fragment_len_at};
pub use playout::{Playout, PlayoutBuffer, PlayoutState, PlayoutStats, Step};
