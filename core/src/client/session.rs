//! Joining a channel at the edge, and leaving it.

use core::net::SocketAddr;
use core::time::Duration;

use heapless::Vec;

use super::events::ClientEvent;
use super::feed::{Feed, Stretch};
use super::load::Load;
use super::machine::Client;
use super::peer::{Acquaintance, EDGE, Peer, slot_bit};
use crate::endpoint::{Path, Reject, Transmit};
use crate::limits::{DATAGRAM_LEN_MAX, INIT_LEN_MAX};
use crate::link::TokenBucket;
use crate::media::{ChannelSettings, FrameId, Playout};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{
    Challenge, Class, ClientId, Cookie, Grant, Hello, LeaveReason, LinkId, Refused, Welcome,
};
use crate::wire::{ControlWriter, Message};

/// First interval between hellos, doubled each time (docs/wire.md, "Joining").
const HELLO_EVERY: Duration = Duration::from_millis(250);
/// Longest interval between hellos.
const HELLO_EVERY_MAX: Duration = Duration::from_secs(2);
/// Smallest depth of the upload bucket in bytes: two key frames of a 400 kbit/s channel.
const UPLOAD_DEPTH_MIN: u32 = 24_000;

/// Depth of the upload bucket in bytes: what may go out at once.
pub(super) fn upload_depth(settings: &ChannelSettings) -> u32 {
    UPLOAD_DEPTH_MIN.max(settings.rate_bps / 32)
}

/// A hello that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joining {
    nonce: u64,
    cookie: Option<Cookie>,
    /// When to say hello again.
    pub(super) again_at: Instant,
    every: Duration,
    is_due: bool,
    started_at: Instant,
}

impl Joining {
    /// Says the next hello at `at`, not before.
    pub(super) const fn delay(&mut self, at: Instant) {
        self.again_at = at;
        self.is_due = false;
    }
}

/// What the edge said in its welcome.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) client: ClientId,
    pub(super) epoch: u16,
    pub(super) class: Class,
    pub(super) settings: ChannelSettings,
    pub(super) init: Vec<u8, INIT_LEN_MAX>,
    /// The newest frame known to exist.
    pub(super) newest: FrameId,
    /// Where the edge sees this client.
    pub(super) observed: SocketAddr,
    /// First frame of this session.
    pub(super) start: FrameId,
    /// First hello.
    pub(super) asked_at: Instant,
    /// Welcome.
    pub(super) joined_at: Instant,
    /// Bytes of the largest key frame of late.
    pub(super) key_len: u32,
    /// What a feed of each substream takes.
    pub(super) load: Load,
}

impl Session {
    /// Frames a feed may be behind the newest and still count as live: two beats and a second.
    pub(super) fn behind_max(&self) -> u32 {
        self.settings.frames_in(self.settings.beat().saturating_mul(2).saturating_add(Duration::from_secs(1)))
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// Starts to say hello; the edge gets slot 0 and a fresh link.
    pub(super) fn begin_joining(&mut self, now: Instant) {
        let generation = self.rng.below(1 << 10);
        let own_link = LinkId(((generation | 1) << 16) | u32::from(EDGE));
        let remote = self.config.edge;
        let nonce = self.rng.next_u64();
        self.known |= slot_bit(EDGE);
        if let Some(edge) = self.peer_mut(EDGE) {
            *edge =
                Peer { acquaintance: Acquaintance::Meeting, remote, own_link, met_at: now, ..Peer::EMPTY };
        }
        self.owing &= !1;
        self.serving &= !1;
        self.joining = Some(Joining {
            nonce,
            cookie: None,
            again_at: now + HELLO_EVERY,
            every: HELLO_EVERY,
            is_due: true,
            started_at: now,
        });
        self.discover(now);
    }

    pub(super) fn poll_hello(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        let own_link = self.peer(EDGE)?.own_link;
        let upload_bps = self.config.upload_bps_usable();
        let channel = self.channel.as_ref()?;
        let joining = self.joining.as_mut().filter(|joining| joining.is_due)?;
        let mut writer = ControlWriter::new(head, LinkId(0))?;
        let hello = Hello {
            nonce: joining.nonce,
            link: own_link,
            channel: channel.as_str(),
            cookie: joining.cookie,
            upload_bps,
            ticket: &[],
        };
        if !writer.push(&Message::Hello(hello)) {
            return None;
        }
        writer.pad_to(DATAGRAM_LEN_MAX);
        let head_len = writer.finish();
        joining.is_due = false;
        joining.again_at = now + joining.every;
        self.stats.on_control_sent(head_len);
        Some(Transmit { path: self.path_to(self.config.edge), head_len, body: None })
    }

    pub(super) fn on_hello_due(&mut self, now: Instant) {
        if let Some(joining) = self.joining.as_mut().filter(|joining| joining.again_at <= now) {
            joining.is_due = true;
            joining.every = joining.every.saturating_mul(2).min(HELLO_EVERY_MAX);
            joining.again_at = now + joining.every;
        }
    }

    pub(super) fn path_to(&self, remote: SocketAddr) -> Path {
        Path { socket: self.config.socket, ..Path::to(remote) }
    }

    pub(super) fn on_challenge(&mut self, now: Instant, challenge: &Challenge) -> Result<(), Reject> {
        let joining = self.joining.as_mut().filter(|joining| joining.nonce == challenge.nonce);
        let joining = joining.ok_or(Reject::Stale)?;
        self.reports.minute.on_answer(now);
        if joining.cookie != Some(challenge.cookie) {
            joining.cookie = Some(challenge.cookie);
            joining.is_due = true;
            joining.every = HELLO_EVERY;
            joining.again_at = now + joining.every;
        }
        Ok(())
    }

    pub(super) fn on_refused(&mut self, now: Instant, refused: &Refused) -> Result<(), Reject> {
        let joining = self.joining.as_mut().filter(|joining| joining.nonce == refused.nonce);
        let joining = joining.ok_or(Reject::Stale)?;
        joining.again_at = now + Duration::from_millis(u64::from(refused.retry_after_ms.max(250)));
        joining.every = HELLO_EVERY_MAX;
        joining.cookie = None;
        joining.is_due = false;
        self.reports.minute.on_answer(now);
        self.reports.minute.on_refused();
        self.push_event(ClientEvent::Refused(refused.reason));
        self.refused = Some(refused.clone());
        Ok(())
    }

    pub(super) fn on_welcome(&mut self, now: Instant, welcome: &Welcome<'_>) -> Result<(), Reject> {
        let joining = self.joining.filter(|joining| joining.nonce == welcome.nonce).ok_or(Reject::Stale)?;
        welcome.settings.validate().map_err(|_| Reject::Malformed)?;
        let init = Vec::from_slice(welcome.init).map_err(|_| Reject::Malformed)?;
        let is_same_run = self.session.as_ref().is_some_and(|session| {
            session.epoch == welcome.epoch
                && session.settings == welcome.settings
                && self
                    .frames
                    .newest()
                    .max(self.playout.playhead())
                    .is_some_and(|known| known >= welcome.start)
        });
        let asked_at = match &self.session {
            Some(session) if is_same_run => session.asked_at,
            _ => joining.started_at,
        };
        if !is_same_run {
            self.forget_session();
            self.playout = Playout::new(&welcome.settings);
            self.playout.start(welcome.start);
        }
        self.joining = None;
        self.refused = None;
        self.reports.minute.on_answer(now);
        self.reports.minute.on_state(now, self.playout.state());
        self.session = Some(Session {
            client: welcome.client,
            epoch: welcome.epoch,
            class: welcome.class,
            settings: welcome.settings,
            init,
            observed: welcome.observed,
            newest: welcome.newest,
            start: welcome.start,
            asked_at,
            joined_at: now,
            key_len: 0,
            load: Load::EMPTY,
        });
        if let Some(edge) = self.peer_mut(EDGE) {
            edge.acquaintance = Acquaintance::Met;
            edge.their_link = welcome.link;
            edge.link.on_rtt_sample(now.since(edge.met_at).min(Duration::from_secs(1)));
        }
        self.start_feeds(now, welcome, is_same_run);
        self.start_clocks(now);
        self.on_observed(now, welcome.observed);
        self.send_reports(now);
        // A welcome carries at most as many candidates as are remembered.
        let _ = self.on_candidates(now, &welcome.candidates);
        self.push_event(ClientEvent::Joined);
        Ok(())
    }

    /// From the welcome on the edge feeds every substream, as a lease where peers are to take over.
    fn start_feeds(&mut self, now: Instant, welcome: &Welcome<'_>, is_same_run: bool) {
        let settings = &welcome.settings;
        let (grant, level) = match welcome.class {
            Class::Push => (Grant::Feed, 1),
            Class::P2p => (Grant::Lease, settings.levels_max),
        };
        for substream in 0..settings.substreams {
            let lacked = self.first_lacking(substream, EDGE).filter(|_| is_same_run);
            let Some(feed) = self.feed_mut(substream) else { continue };
            feed.forget_peer(EDGE);
            feed.search_at = now;
            let next = settings.mapping.next_in(substream, welcome.start, settings.substreams);
            if feed.current.is_some() {
                feed.release(EDGE, next, now);
                self.owe_release(EDGE, substream);
                continue;
            }
            feed.current = Some(Stretch { peer: EDGE, next, until: None, heard_at: now });
            feed.grant = grant;
            feed.set_level(level);
            if let Some(from) = lacked.filter(|&from| from > next) {
                self.request(now, EDGE, substream, from);
            }
        }
        let cap_bps = self.upload_cap_bps();
        self.ledbat.set_cap(cap_bps);
        if self.uplink == TokenBucket::EMPTY {
            self.uplink = TokenBucket::new(now, cap_bps, upload_depth(settings));
        } else {
            self.uplink.resize(now, self.ledbat.rate_bps(), upload_depth(settings));
        }
    }

    fn start_clocks(&mut self, now: Instant) {
        // Spread over their periods, so that clients that joined together do not report together.
        let spread =
            |client: &mut Self, ms: u32| now + Duration::from_millis(u64::from(client.rng.below(ms)));
        self.clocks.check_at = now;
        self.clocks.status_at = now + Duration::from_millis(200);
        self.clocks.map_at = spread(self, 500);
        self.clocks.maps = 0;
        self.clocks.find_at = now + Duration::from_millis(500);
        self.clocks.find_every = Duration::from_millis(500);
        self.clocks.play_at = now;
    }

    /// What this client may upload: its own limit and the channel's cap, whichever is less.
    pub(super) fn upload_cap_bps(&self) -> u64 {
        let Some(session) = &self.session else { return 0 };
        let settings = &session.settings;
        let cap_bps = u64::from(settings.rate_bps) * u64::from(settings.upload_cap_percent) / 100;
        cap_bps.min(u64::from(self.config.upload_bps_usable()))
    }

    /// Drops everything that belongs to the channel watched so far.
    pub(super) fn forget_session(&mut self) {
        for slot in 1..self.peers_len() {
            self.forget_peer(slot);
        }
        let store = &mut self.store;
        self.frames.clear(&mut |key| store.release(key));
        self.feeds = [const { Feed::EMPTY }; crate::limits::SUBSTREAMS_MAX];
        self.candidates.clear();
        self.whereabouts.clear();
        self.unmet.clear();
        self.holes.clear();
        self.sending = None;
        self.session = None;
        self.playout = Playout::new(&ChannelSettings::default());
        self.clocks = super::machine::Clocks::STOPPED;
    }

    /// The edge does not know us any more, or is silent: join again, and play on from what peers send.
    pub(super) fn rejoin(&mut self, now: Instant, reason: LeaveReason) {
        if self.joining.is_some() || self.channel.is_none() {
            return;
        }
        for feed in &mut self.feeds {
            feed.forget_peer(EDGE);
        }
        self.push_event(ClientEvent::Left { reason });
        self.begin_joining(now);
    }

    pub(super) fn on_left(&mut self) {
        if self.is_leaving {
            self.is_leaving = false;
            self.forget_session();
            self.known = 0;
            if let Some(edge) = self.peer_mut(EDGE) {
                *edge = Peer::EMPTY;
            }
            self.push_event(ClientEvent::Left { reason: LeaveReason::Done });
        }
    }
}
