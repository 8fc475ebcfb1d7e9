//! Channels of an edge: opening, dropping and closing them.

use core::time::Duration;

use heapless::Vec;

use crate::limits::{INIT_LEN_MAX, SUBSTREAMS_MAX};
use crate::media::{ChannelName, ChannelSettings, FrameId, InvalidSettings, Mapping, Overlay};
use crate::scaling::{Estimator, StageTracker};
use crate::store::{FrameIndex, FrameStore, List};
use crate::time::Instant;
use crate::wire::control::{Grant, LeaveReason};
use crate::wire::stream::Resume;

use super::events::EdgeEvent;
use super::machine::Edge;
use super::minute::EdgeMinute;

/// Most channels of one edge: their frame indexes live in the machine itself.
pub const CHANNELS_MAX: usize = 32;
/// How long a channel is kept after its publisher dropped (docs/wire.md, "Streams").
const PUBLISHER_SILENCE: Duration = Duration::from_secs(30);
/// Frames kept beyond twice the target buffer: what a pull may still ask for.
const PULL_WINDOW: Duration = Duration::from_secs(2);

/// What is sent beyond the startup threshold to those who join in a crowd (docs/wire.md, "Joining").
const CROWD_BURST: Duration = Duration::from_secs(2);

/// Settings of a free place: all zero bits.
const NO_SETTINGS: ChannelSettings = ChannelSettings {
    rate_bps: 0,
    cadence_us: 0,
    substreams: 0,
    mapping: Mapping::RoundRobin,
    fragment_len: 0,
    target_buffer_ms: 0,
    startup_ms: 0,
    levels_max: 0,
    upload_cap_percent: 0,
    overlay: Overlay::Push,
};

/// Names a channel within its edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u8);

/// Why a channel is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// It is open already.
    Taken,
    /// No place is left for one more.
    Full,
    /// The settings make no channel.
    Settings(InvalidSettings),
    /// `init` is longer than [`INIT_LEN_MAX`].
    InitLen,
    /// The edge is going down.
    Draining,
}

/// Where a channel stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ChannelState {
    /// A free place.
    #[default]
    Closed,
    /// Its publisher is there.
    Open,
    /// Its publisher dropped; it may come back.
    Suspended,
    /// It is over; the place is free when its last client was told.
    Closing,
}

/// One channel.
#[derive(Debug)]
pub struct ChannelSlot {
    pub(super) state: ChannelState,
    pub(super) name: Option<ChannelName>,
    pub(super) settings: ChannelSettings,
    pub(super) init: Vec<u8, INIT_LEN_MAX>,
    pub(super) epoch: u16,
    /// The publisher's next frame.
    pub(super) next: FrameId,
    /// The newest frame held, once there is one.
    pub(super) newest: Option<FrameId>,
    pub(super) subscribers: [List; SUBSTREAMS_MAX],
    /// Clients, all classes: P0.
    pub(super) clients: u32,
    /// Feeds granted for good, per substream: their sum over M is Nc.
    pub(super) feeds: u32,
    /// Leases of those who joined.
    pub(super) join_leases: u32,
    /// Leases from the rescue budget.
    pub(super) rescue_leases: u32,
    /// S, once the channel was opened.
    pub(super) scaling: f64,
    pub(super) stage: StageTracker,
    /// Suppliers in this channel's part of the table.
    pub(super) suppliers: u32,
    /// What is seen of its clients' coming and going.
    pub(super) estimator: Estimator,
    /// Upload slots of all its clients, suppliers or not.
    pub(super) uplink_slots: u32,
    /// Free upload slots of all its clients, suppliers or not, as last told.
    pub(super) slots_idle: u32,
    /// Clients that are given part of their burst by peers.
    pub(super) sharing: u32,
    /// Free upload slots of its suppliers, as last told.
    pub(super) slots_free: u32,
    /// All of them.
    pub(super) slots_all: u32,
    /// Bytes of the frames taken in.
    pub(super) bytes_in: u64,
    /// What was counted since the minute began.
    pub(super) minute: EdgeMinute,
}

impl ChannelSlot {
    /// A free place.
    pub const EMPTY: Self = Self {
        state: ChannelState::Closed,
        name: None,
        settings: NO_SETTINGS,
        init: Vec::new(),
        epoch: 0,
        next: FrameId(0),
        newest: None,
        subscribers: [List::EMPTY; SUBSTREAMS_MAX],
        clients: 0,
        feeds: 0,
        join_leases: 0,
        rescue_leases: 0,
        scaling: 0.0,
        stage: StageTracker::EMPTY,
        suppliers: 0,
        estimator: Estimator::EMPTY,
        uplink_slots: 0,
        slots_idle: 0,
        sharing: 0,
        slots_free: 0,
        slots_all: 0,
        bytes_in: 0,
        minute: EdgeMinute::EMPTY,
    };

    /// Rate of one substream in bit/s, rounded down: M of them are not more than the channel.
    pub(super) fn substream_bps(&self) -> u64 {
        u64::from(self.settings.rate_bps) / u64::from(self.settings.substreams.max(1))
    }

    /// Clients' worth of feeds: Nc.
    pub(super) fn nc(&self) -> f64 {
        f64::from(self.feeds) / f64::from(self.settings.substreams.max(1))
    }

    /// The level the edge has towards a feed of this grant: a lease leads to level K0.
    pub(super) const fn level(&self, grant: Grant) -> u8 {
        match grant {
            Grant::Feed => 0,
            Grant::Lease => self.settings.levels_max.saturating_sub(1),
        }
    }

    /// Whether a frame is young enough to still make its deadline at a client.
    pub(super) fn is_timely(&self, frame: FrameId) -> bool {
        let Some(newest) = self.newest else { return false };
        let age_us = u64::from(newest.since(frame)) * u64::from(self.settings.cadence_us);
        age_us < u64::from(self.settings.target_buffer_ms) * 1_000
    }

    /// Frames kept at most.
    pub(super) fn frames_kept(&self) -> u32 {
        self.settings.frames_in(self.settings.target_buffer().saturating_mul(2).saturating_add(PULL_WINDOW))
    }

    /// Where a client that joins begins: the oldest key frame at most the target buffer old, else the newest one. In a crowd
    /// the threshold and 2 s have to do, or everybody would wait for everybody's burst (docs/wire.md, "Joining").
    pub(super) fn start(&self, frames: &FrameIndex<'_>, is_crowded: bool) -> Option<FrameId> {
        let beyond = if is_crowded { CROWD_BURST } else { self.settings.target_buffer() };
        self.start_within(frames, beyond)
    }

    /// The oldest key frame at most the startup threshold and `beyond` old, and not older than the target buffer, else the newest one.
    pub(super) fn start_within(&self, frames: &FrameIndex<'_>, beyond: Duration) -> Option<FrameId> {
        let newest = self.newest?;
        let startup = Duration::from_millis(u64::from(self.settings.startup_ms));
        let span = startup.saturating_add(beyond).min(self.settings.target_buffer());
        let from = newest.minus(self.settings.frames_in(span));
        frames.oldest_key_from(from).or_else(|| frames.newest_key())
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// Opens a channel, or goes on with one whose publisher dropped. Gives its name here and where the publisher is to go on:
    /// the edge's own numbers while it holds the channel, else `resume`, else the beginning.
    ///
    /// # Errors
    /// [`OpenError`]; a channel that is there stays as it was.
    pub fn open_channel(
        &mut self,
        now: Instant,
        name: &ChannelName,
        settings: ChannelSettings,
        init: &[u8],
        resume: Option<Resume>,
    ) -> Result<(ChannelId, Resume), OpenError> {
        settings.validate().map_err(OpenError::Settings)?;
        let init = Vec::from_slice(init).map_err(|_| OpenError::InitLen)?;
        if self.is_draining {
            return Err(OpenError::Draining);
        }
        if let Some(channel) = self.channel_named(name.as_str()) {
            return self.reopen(now, channel, settings, init);
        }
        let places = self.channels.iter().take(self.frames.len());
        let free = places.zip(0_u8..).find(|(place, _)| place.state == ChannelState::Closed);
        let id = free.map(|(_, index)| ChannelId(index)).ok_or(OpenError::Full)?;
        let scaling = self.config.scaling(&settings);
        let resume = resume.unwrap_or(Resume { epoch: 0, next: FrameId(0) });
        let place = self.channels.get_mut(usize::from(id.0)).ok_or(OpenError::Full)?;
        *place = ChannelSlot {
            state: ChannelState::Open,
            name: Some(name.clone()),
            settings,
            init,
            epoch: resume.epoch,
            next: resume.next,
            scaling,
            ..ChannelSlot::EMPTY
        };
        self.start_minutes(now);
        self.events.push(EdgeEvent::ChannelOpened { channel: id }, &mut self.stats);
        Ok((id, resume))
    }

    /// Other settings mean other frames: they begin an epoch of their own, and the clients join again.
    fn reopen(
        &mut self,
        now: Instant,
        id: ChannelId,
        settings: ChannelSettings,
        init: Vec<u8, INIT_LEN_MAX>,
    ) -> Result<(ChannelId, Resume), OpenError> {
        let channel = self.channel(id).ok_or(OpenError::Full)?;
        if channel.state != ChannelState::Suspended {
            return Err(OpenError::Taken);
        }
        let is_other = channel.settings != settings;
        if is_other {
            self.expel_all(now, id);
            self.release_frames(id);
        }
        let timer = self.channel_timer(id);
        self.wheel.cancel(timer);
        let scaling = self.config.scaling(&settings);
        let channel = self.channel_mut(id).ok_or(OpenError::Full)?;
        channel.state = ChannelState::Open;
        channel.init = init;
        channel.scaling = scaling;
        if is_other {
            channel.settings = settings;
            channel.epoch = channel.epoch.wrapping_add(1);
            channel.next = FrameId(0);
            channel.newest = None;
        }
        Ok((id, Resume { epoch: channel.epoch, next: channel.next }))
    }

    /// Replaces what a decoder needs before any frame; `false` when there is no such channel or the bytes are too many.
    pub fn set_init(&mut self, channel: ChannelId, init: &[u8]) -> bool {
        let Some(channel) = self.channel_mut(channel) else { return false };
        let Ok(init) = Vec::from_slice(init) else { return false };
        channel.init = init;
        true
    }

    /// The publisher dropped: the channel waits 30 s for it, then closes.
    pub fn suspend_channel(&mut self, now: Instant, id: ChannelId) {
        let Some(channel) = self.channel_mut(id) else { return };
        channel.state = ChannelState::Suspended;
        let timer = self.channel_timer(id);
        self.wheel.schedule(timer, now + PUBLISHER_SILENCE);
    }

    /// Ends a channel: its clients are told to leave, its frames are given up.
    pub fn close_channel(&mut self, now: Instant, id: ChannelId) {
        if self.channel(id).is_none() {
            return;
        }
        self.dismiss(now, id, LeaveReason::Ended);
        self.release_frames(id);
        let timer = self.channel_timer(id);
        self.wheel.cancel(timer);
        if let Some(channel) = self.channel_mut(id) {
            channel.state = ChannelState::Closing;
            channel.name = None;
            channel.newest = None;
        }
        self.free_if_closing(id);
    }

    /// Gives up the oldest frame of the channel that holds most, to make room in a full store; `false` when none is held.
    pub fn evict_oldest(&mut self) -> bool {
        let held = |index: &FrameIndex<'_>| match (index.oldest(), index.newest()) {
            (Some(oldest), Some(newest)) => newest.since(oldest).saturating_add(1),
            (None, _) | (_, None) => 0,
        };
        let Some(index) = self.frames.iter_mut().max_by_key(|index| held(index)) else { return false };
        let Some(oldest) = index.oldest() else { return false };
        let Some(key) = index.remove(oldest) else { return false };
        self.store.release(key);
        true
    }

    fn release_frames(&mut self, id: ChannelId) {
        let Some(index) = self.frames.get_mut(usize::from(id.0)) else { return };
        while let Some(oldest) = index.oldest() {
            let Some(key) = index.remove(oldest) else { break };
            self.store.release(key);
        }
    }

    /// The channel of that name.
    #[must_use]
    pub fn channel_named(&self, name: &str) -> Option<ChannelId> {
        let is_it = |channel: &ChannelSlot| channel.name.as_ref().is_some_and(|held| held.as_str() == name);
        self.channels
            .iter()
            .zip(0_u8..)
            .find(|(channel, _)| is_it(channel))
            .map(|(_, index)| ChannelId(index))
    }

    pub(super) fn channel(&self, id: ChannelId) -> Option<&ChannelSlot> {
        let channel = self.channels.get(usize::from(id.0))?;
        (channel.state != ChannelState::Closed).then_some(channel)
    }

    pub(super) fn channel_mut(&mut self, id: ChannelId) -> Option<&mut ChannelSlot> {
        let channel = self.channels.get_mut(usize::from(id.0))?;
        (channel.state != ChannelState::Closed).then_some(channel)
    }

    pub(super) fn channel_timer(&self, id: ChannelId) -> u32 {
        self.clients.capacity().saturating_add(u32::from(id.0))
    }
}
