//! What playout sees, and what it says.

use core::time::Duration;

use super::{FrameId, FrameInfo};
use crate::time::Instant;

/// What playout asks of the buffer. Every answer is about the moment of the call.
pub trait PlayoutBuffer {
    /// Frame `id`, when it is complete.
    fn frame(&self, id: FrameId) -> Option<FrameInfo>;
    /// The newest frame known to exist, complete or not: the live edge. Whoever keeps the buffer checks such claims: one
    /// far ahead makes the viewer look late, and a late viewer jumps.
    fn newest_live(&self) -> FrameId;
    /// The oldest complete frame at or after `from`.
    fn next_complete(&self, from: FrameId) -> Option<FrameId>;
    /// The oldest complete key frame at or after `from`.
    fn next_key(&self, from: FrameId) -> Option<FrameId>;
    /// The newest complete key frame.
    fn newest_key(&self) -> Option<FrameId>;
    /// Whether the incomplete frame `id` is known to be a key frame, so that what follows cannot do without it.
    fn is_incomplete_key(&self, id: FrameId) -> bool;
}

/// What is to be done. Poll until [`Step::Wait`] or [`Step::Idle`], and again whenever a frame was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a step not carried out is a frame not shown"]
pub enum Step {
    /// Nothing to do until the buffer changes.
    Idle,
    /// Nothing to do until then, or until the buffer changes.
    Wait(Instant),
    /// Hand this complete frame to the player. The playhead is past it.
    Deliver(FrameId),
    /// Playback begins.
    Started {
        /// The first frame to be delivered: a key frame.
        first: FrameId,
        /// Time since the first poll after [`Playout::start`](super::Playout::start).
        startup: Duration,
    },
    /// A frame is missing at its deadline: the picture stands.
    Stalled,
    /// The stall is over.
    Resumed {
        /// How long it lasted.
        after: Duration,
    },
    /// Frames are passed over.
    Skipped {
        /// The first of them.
        from: FrameId,
        /// The next frame to be delivered.
        to: FrameId,
    },
}

/// What playout is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PlayoutState {
    /// Not started.
    Idle,
    /// Gathers media up to the startup threshold.
    Startup,
    /// Frames are delivered as they fall due.
    Playing,
    /// The next frame is missing past its deadline.
    Stalled,
}

/// Totals since the machine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PlayoutStats {
    /// Frames delivered.
    pub frames_played: u32,
    /// Frames passed over since playback began.
    pub frames_skipped: u32,
    /// Stalls since playback began, the present one included.
    pub stalls: u32,
    /// Time spent in stalls that are over.
    pub stalled: Duration,
}
