//! What those who look on may see of an edge.

use core::net::SocketAddr;

use crate::endpoint::Path;
use crate::link::RateCause;
use crate::media::{ChannelName, ChannelSettings, FrameId, FrameInfo};
use crate::nat::NatClass;
use crate::scaling::{Stage, Thresholds};
use crate::store::{FrameIndex, FrameStore, Handle, StoreKey};
use crate::time::Instant;
use crate::wire::SendReason;
use crate::wire::control::{Class, ClientId, WatchStats};

use super::channel::{ChannelId, ChannelState};
use super::client_slot::{ClientRecord, ClientSlot};
use super::machine::Edge;
use super::stats::reason_index;

/// A channel as it stands.
#[derive(Clone, Copy, Debug)]
pub struct ChannelView<'e> {
    /// Its name.
    pub name: &'e ChannelName,
    /// Its settings.
    pub settings: &'e ChannelSettings,
    /// What a decoder needs before any frame.
    pub init: &'e [u8],
    /// Run of the channel.
    pub epoch: u16,
    /// Whether its publisher is there.
    pub is_open: bool,
    /// The newest frame held.
    pub newest: Option<FrameId>,
    /// Clients: P0.
    pub p0: u32,
    /// Clients' worth of feeds from the edge for good: Nc.
    pub nc: f64,
    /// Leases running, per substream: of those who just joined, and from the rescue budget.
    pub leases: (u32, u32),
    /// Where P0 stands.
    pub stage: Stage,
    /// Between which bounds; `None` when the churn admits none.
    pub thresholds: Option<Thresholds>,
    /// Bytes of the frames taken in.
    pub bytes_in: u64,
}

/// The line of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineView {
    /// How fast it sends at most, in bit/s: less than what is counted on while a queue is to go.
    pub rate_bps: u64,
    /// What is counted on: N*, admission and budgets follow it.
    pub counted_bps: u64,
    /// What is configured, less legacy clients.
    pub cap_bps: u64,
    /// Why the rate is what it is.
    pub cause: RateCause,
    /// Clients whose feeds stand still meanwhile.
    pub waiting: u32,
}

/// A client as its edge sees it.
#[derive(Clone, Copy, Debug)]
pub struct ClientView<'e> {
    /// Who.
    pub id: ClientId,
    client: &'e ClientSlot,
    record: &'e ClientRecord,
}

impl ClientView<'_> {
    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.client.path.remote
    }

    /// What its NAT does, as last told.
    #[must_use]
    pub const fn nat(&self) -> NatClass {
        self.record.reach.nat
    }

    /// Its address in its own network, as last told; and where else it proved to receive.
    #[must_use]
    pub fn other_addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        (self.record.reach.private.get(), self.record.reach.also_at.get())
    }

    /// How it was let in.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.client.class
    }

    /// When it was let in.
    #[must_use]
    pub const fn joined_at(&self) -> Instant {
        self.client.joined_at
    }

    /// Free upload slots and all, as last told.
    #[must_use]
    pub const fn slots(&self) -> (u8, u8) {
        (self.client.slots, self.record.slots_max)
    }

    /// What it said it can upload, in bit/s.
    #[must_use]
    pub const fn upload_bps(&self) -> u32 {
        self.record.upload_bps
    }

    /// Substreams it can pass on, as a bit mask.
    #[must_use]
    pub const fn feedable(&self) -> u16 {
        self.client.feedable.0
    }

    /// Substreams the edge feeds it: for good, and on lease, as bit masks.
    #[must_use]
    pub const fn edge_feeds(&self) -> (u16, u16) {
        (self.client.feeds.0, self.client.leases.0)
    }

    /// Whether its feeds stand still, because the line gives too little for everybody.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.client.is_waiting
    }

    /// Its parent on a substream as last told: [`ClientId::EDGE`] the edge, `None` nobody.
    #[must_use]
    pub fn parent(&self, substream: u8) -> Option<ClientId> {
        self.record.parents.get(usize::from(substream)).copied().flatten()
    }

    /// What it has seen, as last told.
    #[must_use]
    pub const fn watch(&self) -> &WatchStats {
        &self.record.watch
    }

    /// UDP payload bytes sent to it in datagrams with a fragment, for a reason.
    #[must_use]
    pub fn bytes(&self, reason: SendReason) -> u64 {
        self.client.bytes_by_reason.get(reason_index(reason)).copied().unwrap_or(0)
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// A channel as it stands.
    #[must_use]
    pub fn channel_view(&self, id: ChannelId) -> Option<ChannelView<'_>> {
        let channel = self.channel(id)?;
        let thresholds = self.thresholds(id);
        Some(ChannelView {
            name: channel.name.as_ref()?,
            settings: &channel.settings,
            init: &channel.init,
            epoch: channel.epoch,
            is_open: channel.state == ChannelState::Open,
            newest: channel.newest,
            p0: channel.clients,
            nc: channel.nc(),
            leases: (channel.join_leases, channel.rescue_leases),
            stage: channel.stage.stage(),
            thresholds,
            bytes_in: channel.bytes_in,
        })
    }

    /// What the line is seen to give.
    #[must_use]
    pub const fn line_view(&self) -> LineView {
        LineView {
            rate_bps: self.line.rate_bps(),
            counted_bps: self.line.counted_bps(),
            cap_bps: self.line.cap_bps(),
            cause: self.line.cause(),
            waiting: self.stats.waiting,
        }
    }

    /// Open and suspended channels.
    pub fn channels(&self) -> impl Iterator<Item = ChannelId> {
        (0..self.channels.len())
            .filter_map(|index| Some(ChannelId(u8::try_from(index).ok()?)))
            .filter(|&id| self.channel(id).is_some())
    }

    /// The clients of a channel. Looks at every client: for those who look on, once a second.
    pub fn clients(&self, channel: ChannelId) -> impl Iterator<Item = ClientView<'_>> {
        self.clients.iter().filter_map(move |(handle, client)| {
            let record = self.records.get(handle.slot as usize)?;
            (client.channel == channel).then_some(ClientView { id: self.client_id(handle), client, record })
        })
    }

    /// One client.
    #[must_use]
    pub fn client(&self, id: ClientId) -> Option<ClientView<'_>> {
        let slot = self.slot_of(crate::wire::control::LinkId(id.0))?;
        let record = self.records.get(slot as usize)?;
        Some(ClientView { id, client: self.clients.at(slot)?, record })
    }

    /// A frame held: what is known of it and where its bytes are.
    #[must_use]
    pub fn frame(&self, channel: ChannelId, id: FrameId) -> Option<(FrameInfo, StoreKey)> {
        let entry = self.frames_of(channel)?.get(id)?;
        Some((entry.info, entry.key))
    }

    /// The newest key frame held: where one who reads along begins.
    #[must_use]
    pub fn newest_key(&self, channel: ChannelId) -> Option<FrameId> {
        self.frames_of(channel)?.newest_key()
    }

    fn frames_of(&self, channel: ChannelId) -> Option<&FrameIndex<'_>> {
        self.channel(channel)?;
        self.frames.get(usize::from(channel.0))
    }

    /// Names a client by its slot's use.
    pub(super) fn client_id(&self, handle: Handle) -> ClientId {
        ClientId(self.link_id(handle).0)
    }

    /// The path to a client, for tests of adapters.
    #[must_use]
    pub fn path_of(&self, id: ClientId) -> Option<Path> {
        let slot = self.slot_of(crate::wire::control::LinkId(id.0))?;
        Some(self.clients.at(slot)?.path)
    }
}
