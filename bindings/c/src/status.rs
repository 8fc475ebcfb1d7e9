//! How a client fares.

use livesky_core::Instant;
use livesky_core::client::Client;
use livesky_core::media::PlayoutState;
use livesky_core::store::PagePool;
use livesky_core::wire::control::ClientId;

use crate::address::LiveskyAddress;

/// A datagram to send.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveskyTransmit {
    /// Where to.
    pub to: LiveskyAddress,
    /// Bytes of it, at the start of the buffer.
    pub len: usize,
}

/// What playout is about.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveskyPlayout {
    /// Not started.
    #[default]
    Idle = 0,
    /// Gathers media before it begins.
    Startup = 1,
    /// Frames are told as they fall due.
    Playing = 2,
    /// The next frame is missing past its time.
    Stalled = 3,
}

/// How a client fares. Totals are since livesky_client_create.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveskyStatus {
    /// Payload bytes from the edge.
    pub bytes_edge: u64,
    /// Payload bytes from peers.
    pub bytes_peers: u64,
    /// Payload bytes that were there before.
    pub bytes_duplicate: u64,
    /// UDP payload bytes sent to peers in datagrams that carry a fragment.
    pub bytes_uploaded: u64,
    /// UDP payload bytes of all other datagrams sent.
    pub bytes_control: u64,
    /// Datagrams ignored.
    pub rejects: u64,
    /// Frames that were gone when a datagram was to carry a piece of them.
    pub stale_bodies: u64,
    /// Media that can be played without a gap, in milliseconds.
    pub buffer_ms: u32,
    /// From the first hello to playback, in milliseconds; 0: not started.
    pub startup_ms: u32,
    /// Stalls after the start.
    pub stalls: u32,
    /// Time spent in them, in milliseconds.
    pub stalled_ms: u32,
    /// Frames told.
    pub frames_played: u32,
    /// Frames passed over because they were missing.
    pub frames_skipped: u32,
    /// Events that found no room: livesky_client_poll_event was not called until there was nothing.
    pub events_dropped: u32,
    /// Fragments the frame store has room for.
    pub store_pages_free: u32,
    /// Seconds since the edge let the client in; this and all below are 0 before.
    pub age_s: u32,
    /// Rate of the channel in bit/s.
    pub rate_bps: u32,
    /// How far behind live the channel is played, in milliseconds.
    pub target_buffer_ms: u32,
    /// What playout is about.
    pub playout: LiveskyPlayout,
    /// The edge.
    pub edge: LiveskyAddress,
    /// Where the edge sees the client.
    pub observed: LiveskyAddress,
    /// Substreams of the channel.
    pub substreams: u8,
    /// Of those, fed by the edge.
    pub substreams_edge: u8,
    /// Of those, fed by peers.
    pub substreams_peers: u8,
    /// Different peers that feed some.
    pub parents: u8,
    /// Peers met.
    pub peers: u8,
    /// Substreams fed to other clients.
    pub slots_used: u8,
    /// Substreams that could be.
    pub slots_max: u8,
    /// Whether the edge let the client in.
    pub is_joined: bool,
}

impl From<PlayoutState> for LiveskyPlayout {
    fn from(state: PlayoutState) -> Self {
        match state {
            PlayoutState::Idle => Self::Idle,
            PlayoutState::Startup => Self::Startup,
            PlayoutState::Playing => Self::Playing,
            PlayoutState::Stalled => Self::Stalled,
        }
    }
}

impl LiveskyStatus {
    /// What core tells of a client.
    pub(crate) fn of(client: &Client<'_, PagePool<'_>>, now: Instant, stale_bodies: u64) -> Self {
        let (watch, stats) = (client.watch_stats(now), client.stats());
        let totals = Self {
            bytes_edge: watch.bytes_edge,
            bytes_peers: watch.bytes_peers,
            bytes_duplicate: watch.bytes_duplicate,
            bytes_uploaded: watch.bytes_uploaded,
            bytes_control: watch.bytes_control,
            rejects: stats.rejects.total(),
            stale_bodies,
            buffer_ms: watch.buffer_ms,
            startup_ms: watch.startup_ms,
            stalls: watch.stalls,
            stalled_ms: watch.stalled_ms,
            frames_played: watch.frames_played,
            frames_skipped: watch.frames_skipped,
            events_dropped: stats.events_dropped,
            store_pages_free: client.store().free_count(),
            ..Self::default()
        };
        let Some(view) = client.view(now) else { return totals };
        let from_peers = || view.parents.iter().flatten().filter(|&&parent| parent != ClientId::EDGE);
        let is_first =
            |&(place, parent): &(usize, &ClientId)| !from_peers().take(place).any(|other| other == parent);
        let substreams_edge = view.parents.iter().flatten().filter(|&&parent| parent == ClientId::EDGE);
        Self {
            age_s: view.age_s,
            rate_bps: view.settings.rate_bps,
            target_buffer_ms: view.settings.target_buffer_ms,
            playout: view.playout.into(),
            edge: view.edge.into(),
            observed: view.observed.into(),
            substreams: view.settings.substreams,
            substreams_edge: count(substreams_edge),
            substreams_peers: count(from_peers()),
            parents: count(from_peers().enumerate().filter(is_first)),
            peers: view.peers,
            slots_used: view.slots_used,
            slots_max: view.slots_max,
            is_joined: true,
            ..totals
        }
    }
}

fn count(items: impl Iterator) -> u8 {
    u8::try_from(items.count()).unwrap_or(u8::MAX)
}
