//! A viewer with all that it needs to watch for years: what either network stack's loop calls.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use core::time::Duration;

use livesky_core::client::ClientConfig;
use livesky_core::media::ChannelName;
use livesky_core::store::{FrameStore, PagePool};
use livesky_core::wire::control::ClientId;
use livesky_core::{Endpoint, Instant};

use crate::decoder::Decoder;
use crate::health::{Health, HealthWord, Watchdog};
use crate::log::info;
use crate::remote::{Order, Remote};
use crate::resources::ClientMemory;
use crate::seam::UdpSocket;
use crate::station::{EdgeName, Network, SessionState, Station, StationConfig, Step, Unresolved};
use crate::viewer::Viewer;

/// The station is asked, the health word written and the watchdog fed this often.
const BEAT: Duration = Duration::from_secs(1);
/// A decoder that takes nothing for so long has died: the watchdog is not fed any more.
const DECODER_DEAD_AFTER: Duration = Duration::from_secs(10);
/// A line about the session goes to the log once in so many beats.
const BEATS_PER_LINE: u16 = 10;
/// How long a viewer that leaves tries to tell everybody.
const FAREWELL: Duration = Duration::from_millis(200);
/// A viewer that leaves looks this often whether its datagrams are out: a stack without an executor wakes nobody.
const LEAVING_LOOK: Duration = Duration::from_millis(5);

/// What an owner sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    /// The edge.
    pub edge: EdgeName<'a>,
    /// Its UDP port.
    pub port: u16,
    /// The channel watched first.
    pub channel: ChannelName,
    /// What may be uploaded in bit/s; 0: nothing.
    pub upload_bps: u32,
    /// Whether nothing at all is to be uploaded: a metered link, or no consent.
    pub receive_only: bool,
    /// Plays at most so far behind live, in milliseconds, where the channel's viewers are farther; 0: as the channel says.
    pub buffer_ms_max: u32,
    /// Whether to go to other edges that the edge names.
    pub follows_redirects: bool,
    /// Entropy: decides every random choice. Two boxes with the same one disturb each other.
    pub seed: u64,
    /// The UDP port on our side.
    pub local_port: u16,
}

/// What a loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round<'a> {
    /// When it calls again, unless the socket, the decoder or the remote wakes it before. Not later than now: at once, after others had
    /// their turn.
    pub at: Instant,
    /// A name to look up meanwhile: [`Watch::on_resolved`] takes the answer.
    pub lookup: Option<&'a str>,
    /// The viewer has taken leave: the loop ends.
    pub is_over: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Watch<'a, S> {
    viewer: Viewer<'a, S>,
    station: Station<'a>,
    settings: Settings<'a>,
    health: &'a Health,
    network: Network,
    beats: u16,
    beat_at: Instant,
    decoder_ready_at: Instant,
    leaving_until: Option<Instant>,
}

impl<'a> Watch<'a, PagePool<'a>> {
    /// A viewer in this memory, that is to be polled.
    #[must_use]
    pub fn new(settings: Settings<'a>, memory: ClientMemory<'a>, health: &'a Health) -> Self {
        Self::over(memory.client(ClientConfig::default()), settings, health)
    }
}

impl<'a, S: FrameStore> Watch<'a, S> {
    /// The same around any client.
    #[must_use]
    pub const fn over(
        client: livesky_core::client::Client<'a, S>,
        settings: Settings<'a>,
        health: &'a Health,
    ) -> Self {
        let station = Station::new(StationConfig { edge: settings.edge, port: settings.port });
        Self {
            viewer: Viewer::new(client),
            station,
            settings,
            health,
            network: Network { has_link: false, local: None },
            beats: 0,
            beat_at: Instant::ZERO,
            decoder_ready_at: Instant::ZERO,
            leaving_until: None,
        }
    }

    /// The viewer, to look at it.
    pub const fn viewer(&self) -> &Viewer<'a, S> {
        &self.viewer
    }

    /// One round. `network`: what the interface is like.
    pub fn poll<U, D, R, W>(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        network: Network,
        (udp, decoder, remote, watchdog): (&mut U, &mut D, &mut R, &mut W),
    ) -> Round<'a>
    where
        U: UdpSocket,
        D: Decoder,
        R: Remote,
        W: Watchdog,
    {
        while let Poll::Ready(order) = remote.poll_order(cx) {
            self.follow(now, order);
        }
        let mut lookup = None;
        let is_beat = self.beat_at <= now;
        if is_beat || network != self.network {
            self.network = network;
            lookup = self.ask_station(now);
        }
        let viewer_at = self.viewer.poll(cx, now, udp, decoder);
        if decoder.poll_ready(cx).is_ready() {
            self.decoder_ready_at = now;
        }
        if is_beat {
            self.beat(now, watchdog);
        }
        let mut at = viewer_at.map_or(self.beat_at, |at| at.min(self.beat_at));
        let mut is_over = false;
        if let Some(until) = self.leaving_until {
            is_over = until <= now || self.is_all_said(cx, now, viewer_at, udp);
            at = at.min(until).min(now + LEAVING_LOOK);
        }
        Round { at, lookup, is_over }
    }

    /// What came of a lookup.
    pub fn on_resolved(&mut self, now: Instant, answer: Result<core::net::IpAddr, Unresolved>) {
        self.station.on_resolved(now, answer);
        self.beat_at = now;
    }

    /// Whether the last datagram is out. What the stack still holds is gone with the socket, which goes with the loop.
    fn is_all_said<U: UdpSocket>(
        &self,
        cx: &mut Context<'_>,
        now: Instant,
        viewer_at: Option<Instant>,
        udp: &mut U,
    ) -> bool {
        let has_more = self.viewer.is_waiting_to_send() || viewer_at.is_some_and(|at| at <= now);
        !has_more && udp.poll_flush(cx).is_ready()
    }

    fn follow(&mut self, now: Instant, order: Order) {
        match order {
            Order::Tune(channel) => {
                if self.station.has_joined() {
                    self.viewer.client_mut().tune(now, &channel);
                }
                self.settings.channel = channel;
            }
            Order::Leave => {
                self.viewer.client_mut().leave(now);
                self.leaving_until = Some(now + FAREWELL);
            }
        }
    }

    /// Does what the station wants; a name to be looked up is the loop's affair.
    fn ask_station(&mut self, now: Instant) -> Option<&'a str> {
        if self.leaving_until.is_some() {
            return None;
        }
        loop {
            let session = match (self.viewer.client().refused(), self.viewer.is_joined()) {
                (None, true) => SessionState::Joined,
                (Some(_), _) => SessionState::Refused,
                (None, false) => SessionState::Asking,
            };
            match self.station.poll(now, &self.network, session) {
                Step::None => return None,
                Step::Resolve => return Some(self.station.name()),
                Step::Join { edge, local } => {
                    let local = SocketAddr::new(local, self.settings.local_port);
                    let config = ClientConfig {
                        seed: self.settings.seed,
                        edge,
                        upload_bps: self.settings.upload_bps,
                        receive_only: self.settings.receive_only,
                        follows_redirects: self.settings.follows_redirects,
                        buffer_ms_max: self.settings.buffer_ms_max,
                        local: Some(local),
                        ..ClientConfig::default()
                    };
                    self.viewer.begin(now, config, &self.settings.channel);
                }
                Step::Relocate { local } => {
                    let local = SocketAddr::new(local, self.settings.local_port);
                    self.viewer.client_mut().relocate(now, Some(local));
                }
            }
        }
    }

    fn tell(&self, now: Instant) {
        let client = self.viewer.client();
        let Some(view) = client.view(now).filter(|_| self.viewer.is_joined()) else { return };
        let watched = client.watch_stats(now);
        let is_peer = |parent: &&Option<ClientId>| parent.is_some_and(|parent| parent != ClientId::EDGE);
        info!(
            "{} ms buffered, {} of {} substreams from peers, {} feeds given, {} stalls",
            watched.buffer_ms,
            view.parents.iter().filter(is_peer).count(),
            view.settings.substreams,
            view.slots_used,
            watched.stalls
        );
    }

    fn beat<W: Watchdog>(&mut self, now: Instant, watchdog: &mut W) {
        self.beat_at = now + BEAT;
        self.beats = self.beats.wrapping_add(1);
        let mut word = HealthWord {
            has_link: self.network.has_link,
            has_address: self.network.local.is_some(),
            has_edge: self.station.has_edge(),
            trouble: self.station.trouble(now),
            beats: self.beats,
            ..HealthWord::default()
        };
        self.viewer.fill_health(now, &mut word);
        self.health.write(&word);
        if self.beats.is_multiple_of(BEATS_PER_LINE) {
            self.tell(now);
        }
        // The client's own deadlines are all met, or `poll` would not have come back here.
        let is_driven = self.viewer.client().poll_timeout().is_none_or(|deadline| deadline.at > now);
        if is_driven && now.since(self.decoder_ready_at) < DECODER_DEAD_AFTER {
            watchdog.feed();
        }
    }
}
