//! What a client tells its owner.

use core::net::SocketAddr;
use core::time::Duration;

use crate::media::{FrameId, FrameInfo};
use crate::store::StoreKey;
use crate::wire::control::{LeaveReason, RefusalReason};

/// Something happened.
///
/// The queue holds [`ClientEvent::QUEUE_LEN`] events. While it is full playout waits, so that no frame is passed over unseen;
/// of the others only the newest that does not fit is dropped, and the client's view tells the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The edge let the client in: settings and `init` can be read.
    Joined,
    /// The edge turned the client away; it is asked again after the time it named
    /// ([`Client::refused`](super::Client::refused) tells it all).
    Refused(RefusalReason),
    /// Another edge is asked, because one is full or hands its clients over. What is playing plays on.
    Redirected {
        /// That edge.
        to: SocketAddr,
    },
    /// Playback begins.
    Started {
        /// Since the first hello.
        after: Duration,
    },
    /// A frame is due: read its bytes from the store before the next verb.
    Frame(FrameDue),
    /// Nothing to play.
    Stalled,
    /// Playback goes on.
    Resumed {
        /// Length of the stall.
        after: Duration,
    },
    /// Frames were passed over.
    Skipped {
        /// The first of them.
        from: FrameId,
        /// The frame playback goes on with.
        to: FrameId,
    },
    /// The session with the edge is over; the client joins again unless it left itself.
    Left {
        /// Why.
        reason: LeaveReason,
    },
}

impl ClientEvent {
    /// Events that may wait.
    pub const QUEUE_LEN: usize = 16;
}

/// A frame to be decoded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameDue {
    /// Run of the channel.
    pub epoch: u16,
    /// The frame.
    pub info: FrameInfo,
    /// Where its bytes are.
    pub key: StoreKey,
    /// Its fragments.
    pub fragments: u16,
}
