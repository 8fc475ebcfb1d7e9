//! Owned copies of what an edge lets others see: they outlive the turn in which they were taken.

use core::net::SocketAddr;

use livesky_core::Instant;
use livesky_core::edge::{ChannelId, ChannelView, ClientView, EdgeStats};
use livesky_core::media::{ChannelName, ChannelSettings, FrameId};
use livesky_core::nat::NatClass;
use livesky_core::scaling::{Stage, Thresholds};
use livesky_core::wire::SendReason;
use livesky_core::wire::control::{Class, ClientId, WatchStats};

use crate::channels::Channels;
use crate::driver::DriverStats;
use crate::intake::SharedEdge;
use crate::udp::UdpStats;

/// A channel as it stands.
#[derive(Clone, Debug)]
pub struct ChannelSnapshot {
    /// What events name it by.
    pub id: ChannelId,
    /// Its name.
    pub name: ChannelName,
    /// Its settings.
    pub settings: ChannelSettings,
    /// Run of the channel.
    pub epoch: u16,
    /// Whether its publisher is there.
    pub is_open: bool,
    /// When it began, on the driver's clock.
    pub began_at: Instant,
    /// The newest frame held.
    pub newest: Option<FrameId>,
    /// Clients: P0.
    pub p0: u32,
    /// Clients' worth of feeds from the edge: Nc.
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

/// A client as its edge sees it.
#[derive(Clone, Debug)]
pub struct ClientSnapshot {
    /// Who.
    pub id: ClientId,
    /// Where it is.
    pub address: SocketAddr,
    /// What its NAT does, as last told.
    pub nat: NatClass,
    /// How it was let in.
    pub class: Class,
    /// When it was let in, on the driver's clock.
    pub joined_at: Instant,
    /// Free upload slots and all, as last told.
    pub slots: (u8, u8),
    /// What it said it can upload, in bit/s.
    pub upload_bps: u32,
    /// Substreams it can pass on, as a bit mask.
    pub feedable: u16,
    /// Substreams the edge feeds it: for good, and on lease, as bit masks.
    pub edge_feeds: (u16, u16),
    /// Its parent on each substream as last told: [`ClientId::EDGE`] the edge, `None` nobody.
    pub parents: Vec<Option<ClientId>>,
    /// What it has seen, as last told.
    pub watch: WatchStats,
    /// UDP payload bytes of datagrams with a fragment sent to it: feed, burst, rescue, pull.
    pub bytes: [u64; 4],
}

/// A channel, its clients, and the edge's counters at one moment.
#[derive(Clone, Debug)]
pub struct EdgeSnapshot {
    /// When it was taken, on the driver's clock.
    pub taken_at: Instant,
    /// The channel.
    pub channel: ChannelSnapshot,
    /// Its clients, ordered by id.
    pub clients: Vec<ClientSnapshot>,
    /// Counters of the edge, all channels together.
    pub stats: EdgeStats,
    /// Counters of its socket.
    pub udp: UdpStats,
    /// Counters of its driver.
    pub driver: DriverStats,
}

impl ChannelSnapshot {
    pub(crate) fn take(edge: &SharedEdge<'_>, channels: &Channels, id: ChannelId) -> Option<Self> {
        let view: ChannelView<'_> = edge.channel_view(id)?;
        Some(Self {
            id,
            name: view.name.clone(),
            settings: *view.settings,
            epoch: view.epoch,
            is_open: view.is_open,
            began_at: channels.began_at(id)?,
            newest: view.newest,
            p0: view.p0,
            nc: view.nc,
            leases: view.leases,
            stage: view.stage,
            thresholds: view.thresholds,
            bytes_in: view.bytes_in,
        })
    }
}

impl ClientSnapshot {
    fn take(view: &ClientView<'_>, substreams: u8) -> Self {
        let reasons = [SendReason::Feed, SendReason::Burst, SendReason::Rescue, SendReason::Pull];
        Self {
            id: view.id,
            address: view.address(),
            nat: view.nat(),
            class: view.class(),
            joined_at: view.joined_at(),
            slots: view.slots(),
            upload_bps: view.upload_bps(),
            feedable: view.feedable(),
            edge_feeds: view.edge_feeds(),
            parents: (0..substreams).map(|substream| view.parent(substream)).collect(),
            watch: *view.watch(),
            bytes: reasons.map(|reason| view.bytes(reason)),
        }
    }
}

impl EdgeSnapshot {
    pub(crate) fn take(
        taken_at: Instant,
        edge: &SharedEdge<'_>,
        channels: &Channels,
        id: ChannelId,
        (udp, driver): (UdpStats, DriverStats),
    ) -> Option<Self> {
        let channel = ChannelSnapshot::take(edge, channels, id)?;
        let substreams = channel.settings.substreams;
        let mut clients: Vec<_> =
            edge.clients(id).map(|view| ClientSnapshot::take(&view, substreams)).collect();
        clients.sort_unstable_by_key(|client| client.id);
        Some(Self { taken_at, channel, clients, stats: edge.stats().clone(), udp, driver })
    }
}
