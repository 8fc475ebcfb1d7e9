//! A viewer in the world: its stay, and what it saw.

use livesky_core::Instant;
use livesky_core::media::FrameId;

use super::hosts::Terms;
use super::wire::Alarm;
use crate::invariants::{Idle, Known, RateBound};
use crate::metrics::{Pending, Watch};
use crate::network::{HostId, Site};
use crate::results::Feeding;

/// Where a viewer is in its stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// Has not come yet.
    Awaited,
    /// Is there; its machine is in this slot.
    Present(u32),
    /// Is there, by HTTP.
    Legacy,
    /// Has gone.
    Gone,
}

/// What a client gives to others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Feeds, one for each child and substream.
    pub(crate) feeds: u32,
    /// Upload slots they take.
    pub(crate) slots: u8,
    /// Upload slots there are.
    pub(crate) slots_max: u8,
}

/// A viewer.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) host: HostId,
    pub(crate) site: Site,
    pub(crate) terms: Terms,
    pub(crate) stay: Stay,
    pub(crate) alarm: Alarm,
    pub(crate) joined_at: Instant,
    pub(crate) startup_us: Option<u64>,
    pub(crate) class: Feeding,
    pub(crate) is_refused: bool,
    pub(crate) watch: Watch,
    pub(crate) pending: Pending,
    /// The last frame played, with its epoch.
    pub(crate) played: Option<(u16, FrameId)>,
    /// Payload bytes, first copies and others, and bytes uploaded, when measuring began.
    pub(crate) bytes_before: (u64, u64, u64),
    /// Its buffer at the last sample.
    pub(crate) buffer_ms: u32,
    /// What it gave at the last look.
    pub(crate) held: Held,
    /// What it may upload.
    pub(crate) upload: RateBound,
    /// To whom it may send.
    pub(crate) known: Known,
    /// For how long it has had no reason not to play.
    pub(crate) idle: Idle,
}

impl Viewer {
    pub(crate) fn new(host: HostId, site: Site, terms: Terms) -> Self {
        Self {
            host,
            site,
            terms,
            stay: Stay::Awaited,
            alarm: Alarm::default(),
            joined_at: Instant::ZERO,
            startup_us: None,
            class: Feeding::Push,
            is_refused: false,
            watch: Watch::default(),
            pending: Pending::default(),
            played: None,
            bytes_before: (0, 0, 0),
            buffer_ms: 0,
            held: Held::default(),
            upload: RateBound::default(),
            known: Known::default(),
            idle: Idle::default(),
        }
    }

    /// Its machine's slot, while it is there.
    pub(crate) const fn slot(&self) -> Option<u32> {
        match self.stay {
            Stay::Present(slot) => Some(slot),
            Stay::Awaited | Stay::Legacy | Stay::Gone => None,
        }
    }
}
