//! What can be seen of a client from outside.

use core::net::SocketAddr;

use heapless::Vec;

use super::machine::Client;
use super::peer::{EDGE, bit};
use super::stats::ClientStats;
use crate::limits::SUBSTREAMS_MAX;
use crate::link::Rtt;
use crate::media::{ChannelSettings, FrameId, Overlay, PlayoutState};
use crate::nat::NatClass;
use crate::store::{FrameStore, as_many_as_fit};
use crate::time::Instant;
use crate::wire::control::{Class, ClientId, Grant, Refused, Status, WatchStats};

/// State of a client's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientView {
    /// The edge.
    pub edge: SocketAddr,
    /// The id the edge gave.
    pub client: ClientId,
    /// How the client is fed.
    pub class: Class,
    /// Run of the channel.
    pub epoch: u16,
    /// The channel.
    pub settings: ChannelSettings,
    /// What playout is about.
    pub playout: PlayoutState,
    /// The next frame to be played.
    pub playhead: Option<FrameId>,
    /// The newest frame known to exist.
    pub newest: FrameId,
    /// Parent per substream: 0 the edge, `None` nobody.
    pub parents: Vec<Option<ClientId>, SUBSTREAMS_MAX>,
    /// Substreams the edge feeds only until a parent is found.
    pub leased: u16,
    /// Upload slots, and how many are in use.
    pub slots_max: u8,
    /// Feeds given to children.
    pub slots_used: u8,
    /// Peers met.
    pub peers: u8,
    /// What the NAT does, as far as is known.
    pub nat: NatClass,
    /// Where the edge sees the client.
    pub observed: SocketAddr,
    /// Time since the welcome, in seconds.
    pub age_s: u32,
}

/// A peer of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// Who.
    pub client: ClientId,
    /// Where.
    pub remote: SocketAddr,
    /// Round trip.
    pub rtt: Rtt,
    /// Substreams this client feeds it.
    pub children: u16,
    /// Substreams it feeds this client.
    pub feeds: u16,
}

impl<S: FrameStore> Client<'_, S> {
    /// The session; `None` before the welcome.
    #[must_use]
    pub fn view(&self, now: Instant) -> Option<ClientView> {
        let session = self.session.as_ref()?;
        let peers = self.peers.iter().skip(1).filter(|peer| peer.is_met()).count();
        let leased =
            self.feeds.iter().zip(0..).filter(|(feed, _)| feed.is_from(EDGE) && feed.grant == Grant::Lease);
        Some(ClientView {
            edge: self.served,
            client: session.client,
            class: session.class,
            epoch: session.epoch,
            settings: session.settings,
            playout: self.playout.state(),
            playhead: self.playout.playhead(),
            newest: session.newest,
            parents: self.parents(),
            leased: leased.fold(0, |set, (_, substream)| set | bit(substream)),
            slots_max: self.slots_max(),
            slots_used: self.slots_used(),
            peers: u8::try_from(peers).unwrap_or(u8::MAX),
            nat: self.discovery.class(),
            observed: session.observed,
            age_s: u32::try_from(now.since(session.joined_at).as_secs()).unwrap_or(u32::MAX),
        })
    }

    /// Why the edge last turned the client away, and where else to ask; `None` once it is in.
    #[must_use]
    pub const fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// What a decoder needs before the first frame; empty before the welcome.
    #[must_use]
    pub fn init(&self) -> &[u8] {
        self.session.as_ref().map_or(&[], |session| &session.init)
    }

    /// The peers met.
    pub fn peers(&self) -> impl Iterator<Item = PeerView> {
        let met = self.peers.iter().zip(0_u8..).skip(1).filter(|(peer, _)| peer.is_met());
        met.map(|(peer, slot)| {
            let of_slot = self.feeds.iter().zip(0..).filter(move |(feed, _)| feed.is_from(slot));
            PeerView {
                client: peer.client,
                remote: peer.remote,
                rtt: *peer.link.rtt(),
                children: peer.children,
                feeds: of_slot.fold(0, |set, (_, substream)| set | bit(substream)),
            }
        })
    }

    /// Frames by which the feed of a substream is behind the newest frame known; `None` without a feed.
    #[must_use]
    pub fn behind_frames(&self, substream: u8) -> Option<u32> {
        let stretch = self.feeds.get(usize::from(substream))?.current?;
        Some(self.session.as_ref()?.newest.since(stretch.next))
    }

    /// Totals.
    #[must_use]
    pub const fn stats(&self) -> &ClientStats {
        &self.stats
    }

    /// What the edge is told of watching.
    #[must_use]
    pub fn watch_stats(&self, now: Instant) -> WatchStats {
        let playout = self.playout.stats();
        WatchStats {
            buffer_ms: self.buffer_ms(),
            stalls: playout.stalls,
            stalled_ms: u32::try_from(self.playout.stalled_time(now).as_millis()).unwrap_or(u32::MAX),
            frames_played: playout.frames_played,
            frames_skipped: playout.frames_skipped,
            ..self.stats.watch
        }
    }

    fn parents(&self) -> Vec<Option<ClientId>, SUBSTREAMS_MAX> {
        let feeds = self.feeds.iter().take(usize::from(self.substreams()));
        as_many_as_fit(feeds.map(|feed| Some(self.peer(feed.parent()?)?.client)))
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let (used, promised_max) = (self.slots_used(), self.slots_promised_max());
        let free = promised_max.saturating_sub(used);
        Status {
            // In a mesh nobody takes a slot up: what bounds the partners of one that can supply them is the room for them.
            slots: if self.is_in_mesh() { free.min(1) * self.places_free() } else { free },
            slots_max: promised_max.max(used),
            feedable: self.feedable(),
            edge_feeds: self.edge_feeds(),
            parents: self.parents(),
            watch: self.watch_stats(now),
        }
    }

    /// Substreams a parent is looked for, or partners.
    pub(super) fn wanting(&self, now: Instant) -> u16 {
        let Some(session) = &self.session else { return 0 };
        match session.settings.overlay {
            Overlay::Push => {}
            Overlay::Off => return 0,
            Overlay::Mesh => {
                return if self.lacks_partners(now) { session.settings.all_substreams() } else { 0 };
            }
        }
        let feeds = self.feeds.iter().zip(0..session.settings.substreams);
        let is_wanting = |feed: &super::feed::Feed| {
            feed.parent().is_none_or(|parent| self.is_suspect(parent))
                || feed.is_lagging
                || (feed.is_from(EDGE) && feed.grant == Grant::Lease)
        };
        feeds.filter(|(feed, _)| is_wanting(feed)).fold(0, |set, (_, substream)| set | bit(substream))
    }
}
