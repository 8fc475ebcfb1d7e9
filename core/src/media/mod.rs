//! What a channel carries: frames, their substreams, who has which, and when they are played.

mod buffer_map;
mod channel;
mod clock;
mod frame;
mod mapping;
mod playout;
mod step;

pub use buffer_map::{BufferMap, MAP_FRAMES, write_bits};
pub use channel::{ChannelName, ChannelSettings, InvalidName, InvalidSettings, Mapping, Overlay};
pub use frame::{Dts, FrameId, FrameInfo, fragment_count, fragment_len_at};
pub use playout::Playout;
pub use step::{PlayoutBuffer, PlayoutState, PlayoutStats, Step};
