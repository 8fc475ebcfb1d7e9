//! Joining a channel at the edge, and leaving it.

use core::net::SocketAddr;
use core::time::Duration;

use heapless::Vec;

use super::catch_up::Left;
use super::data::AHEAD_MAX;
use super::events::ClientEvent;
use super::feed::{Feed, Stretch};
use super::load::Load;
use super::machine::Client;
use super::peer::{Acquaintance, EDGE, Peer, slot_bit};
use super::redirect::{ALTERNATIVE_WAIT, TURN_WAIT, Tour};
use crate::endpoint::{Path, Reject, Transmit};
use crate::limits::{DATAGRAM_LEN_MAX, INIT_LEN_MAX};
use crate::link::TokenBucket;
use crate::media::{ChannelSettings, FrameId, Overlay, Playout};
use crate::nat::is_same_address;
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
/// Longest interval between the first `KEEN_HELLOS_MAX` hellos after an answer of the edge: it is there, so what it does not answer was lost,
/// and after its welcome it feeds one that knows nothing of it.
const HELLO_EVERY_KEEN_MAX: Duration = Duration::from_millis(500);
const KEEN_HELLOS_MAX: u8 = 16;
/// Smallest depth of the upload bucket in bytes: two datagrams.
const UPLOAD_DEPTH_MIN: u32 = 2_400;

/// Depth of the upload bucket in bytes: what goes out at once, 10 ms of the channel's rate. What a deeper one lets go together
/// would queue in the home's router, where nothing urgent can overtake it and where the uplink controller takes it for others'.
pub(super) fn upload_depth(settings: &ChannelSettings) -> u32 {
    UPLOAD_DEPTH_MIN.max(settings.rate_bps / 800)
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
    /// When hello was said last, and how often since the edge answered last.
    said_at: Instant,
    said: u8,
    /// Whether the edge ever answered.
    is_answered: bool,
    /// First hello to the first edge asked.
    pub(super) started_at: Instant,
    /// Whom it is said to.
    pub(super) edge: SocketAddr,
    /// How that edge is to address us.
    pub(super) own_link: LinkId,
    /// First hello to this edge.
    pub(super) asked_at: Instant,
    /// Unanswered for so long it is not asked further, when there are others.
    pub(super) wait: Duration,
    /// Whether the session at another edge goes on meanwhile.
    pub(super) is_move: bool,
    /// The link it is said under the first time, that of the session it ends: the address is proved there. 0: none.
    under: LinkId,
    /// That link, once it was said.
    ended: LinkId,
}

impl Joining {
    /// A hello to be said at once.
    pub(super) fn new(now: Instant, nonce: u64, edge: SocketAddr, own_link: LinkId) -> Self {
        Self {
            nonce,
            cookie: None,
            again_at: now + HELLO_EVERY,
            every: HELLO_EVERY,
            is_due: true,
            said_at: now,
            said: 0,
            is_answered: false,
            started_at: now,
            edge,
            own_link,
            asked_at: now,
            wait: ALTERNATIVE_WAIT,
            is_move: false,
            under: LinkId(0),
            ended: LinkId(0),
        }
    }

    /// Says the next hello at `at`, not before.
    pub(super) const fn delay(&mut self, at: Instant) {
        self.again_at = at;
        self.is_due = false;
    }

    fn on_said(&mut self, now: Instant) {
        self.is_due = false;
        self.said_at = now;
        self.said = self.said.saturating_add(1);
        self.again_at = now + self.every;
    }

    fn on_answer(&mut self) {
        self.is_answered = true;
        self.said = 0;
        self.every = HELLO_EVERY;
    }

    /// Nothing came of the last hello.
    fn repeat(&mut self, now: Instant) {
        let is_keen = self.is_answered && self.said < KEEN_HELLOS_MAX;
        let longest = if is_keen { HELLO_EVERY_KEEN_MAX } else { HELLO_EVERY_MAX };
        self.is_due = true;
        self.every = self.every.saturating_mul(2).min(longest);
        self.again_at = now + self.every;
    }

    /// The round trip that ends with an answer now; `None` when it may be the answer to any of several hellos (RFC 6298 clause 3, Karn).
    fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.said == 1).then(|| now.since(self.said_at))
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
    /// What the edge left to peers.
    pub(super) left: Left,
}

impl Session {
    /// Frames a feed may be behind the newest and still count as live: two beats and a second.
    pub(super) fn behind_max(&self) -> u32 {
        self.settings.frames_in(self.settings.beat().saturating_mul(2).saturating_add(Duration::from_secs(1)))
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// Starts to say hello to an edge, which gets slot 0 and a fresh link, and is given `wait` to answer when there are others.
    pub(super) fn begin_joining(&mut self, now: Instant, edge: SocketAddr, wait: Duration) {
        let own_link = self.draw_edge_link();
        let nonce = self.rng.next_u64();
        let joining = Joining { wait, ..Joining::new(now, nonce, edge, own_link) };
        self.edge = edge;
        self.joining = Some(joining);
        self.seat_edge(&joining);
        self.discover(now);
    }

    /// Asks the edge of the session for another channel, under the session's link: one round trip.
    pub(super) fn begin_tuning(&mut self, now: Instant) {
        let edge = self.peer(EDGE).filter(|edge| edge.is_met() && self.session.is_some());
        let under = edge.map_or(LinkId(0), |edge| edge.their_link);
        self.part_from_peers();
        self.forget_session();
        self.begin_joining(now, self.edge, TURN_WAIT);
        if let Some(joining) = &mut self.joining {
            joining.under = under;
        }
    }

    pub(super) fn poll_hello(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        let upload_bps = self.config.upload_bps_usable();
        let channel = self.channel.as_ref()?;
        let joining = self.joining.as_mut().filter(|joining| joining.is_due)?;
        let edge = joining.edge;
        let mut writer = ControlWriter::new(head, joining.under)?;
        let hello = Hello {
            nonce: joining.nonce,
            link: joining.own_link,
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
        // That link is gone once the edge has read this.
        joining.ended = core::mem::take(&mut joining.under);
        joining.on_said(now);
        self.stats.on_control_sent(head_len);
        Some(Transmit { path: self.path_to(edge), head_len, body: None })
    }

    /// The edge did not know the link any more that another channel was asked for under: once more, under none.
    pub(super) fn is_tuned_in_vain(&mut self, path: &Path, link: LinkId) -> bool {
        let joining = self.joining.as_mut().filter(|joining| is_same_address(&joining.edge, &path.remote));
        let joining = joining.filter(|joining| joining.ended == link && link != LinkId(0));
        let is_in_vain = joining.is_some();
        if let Some(joining) = joining {
            joining.ended = LinkId(0);
            joining.is_due = true;
        }
        is_in_vain
    }

    pub(super) fn on_hello_due(&mut self, now: Instant) {
        let has_others = self.is_touring() || !is_same_address(&self.served, &self.config.edge);
        let is_vain = |joining: &Joining| {
            joining.again_at <= now && has_others && now.since(joining.asked_at) >= joining.wait
        };
        if self.joining.as_ref().is_some_and(is_vain) {
            self.ask_next(now);
            return;
        }
        if let Some(joining) = self.joining.as_mut().filter(|joining| joining.again_at <= now) {
            joining.repeat(now);
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
            joining.on_answer();
            joining.again_at = now + joining.every;
        }
        Ok(())
    }

    pub(super) fn on_refused(&mut self, now: Instant, refused: &Refused) -> Result<(), Reject> {
        let joining = self.joining.as_mut().filter(|joining| joining.nonce == refused.nonce);
        let joining = joining.ok_or(Reject::Stale)?;
        let again_at = now + Duration::from_millis(u64::from(refused.retry_after_ms.max(250)));
        joining.again_at = again_at;
        joining.on_answer();
        joining.cookie = None;
        joining.is_due = false;
        self.reports.minute.on_answer(now);
        self.reports.minute.on_refused();
        let edge = joining.edge;
        self.push_event(ClientEvent::Refused(refused.reason));
        if self.is_touring() {
            // What counts is what the edge says in whose place it was asked.
            self.ask_next(now);
            return Ok(());
        }
        self.refused = Some(refused.clone());
        self.follow(now, refused.reason, &refused.alternatives, (edge, again_at));
        Ok(())
    }

    pub(super) fn on_welcome(&mut self, now: Instant, welcome: &Welcome<'_>) -> Result<(), Reject> {
        let joining = self.joining.filter(|joining| joining.nonce == welcome.nonce).ok_or(Reject::Stale)?;
        welcome.settings.validate().map_err(|_| Reject::Malformed)?;
        let init = Vec::from_slice(welcome.init).map_err(|_| Reject::Malformed)?;
        let settings = welcome.settings.with_buffer_max(self.config.buffer_ms_max);
        let is_same_run = self.session.as_ref().is_some_and(|session| {
            session.epoch == welcome.epoch
                && session.settings == settings
                && self
                    .frames
                    .newest()
                    .max(self.playout.playhead())
                    .is_some_and(|known| known >= welcome.start)
                && (is_same_address(&joining.edge, &self.served)
                    || session.newest <= welcome.newest.plus(session.settings.frames_in(AHEAD_MAX)))
        });
        let asked_at = match &self.session {
            Some(session) if is_same_run => session.asked_at,
            _ => joining.started_at,
        };
        if joining.is_move {
            self.change_edges(now, &joining);
        }
        if is_same_run && !is_same_address(&joining.edge, &self.served) {
            self.estrange_peers();
        }
        let before = self.session.as_ref().filter(|_| is_same_run);
        let (key_len, load) = before.map_or((0, Load::EMPTY), |session| (session.key_len, session.load));
        let newest = before.map_or(welcome.newest, |session| session.newest.max(welcome.newest));
        let left = Left::told(welcome, before.map(|session| session.left));
        if !is_same_run {
            self.part_from_peers();
            self.forget_session();
            self.playout = playout_of(welcome, &settings);
        }
        (self.joining, self.refused) = (None, None);
        self.reports.minute.on_answer(now);
        self.reports.minute.on_state(now, self.playout.state());
        self.tour = Tour::NONE;
        self.served = joining.edge;
        self.session = Some(Session {
            client: welcome.client,
            epoch: welcome.epoch,
            class: welcome.class,
            settings,
            init,
            observed: welcome.observed,
            newest,
            start: welcome.start,
            asked_at,
            joined_at: now,
            key_len,
            load,
            left,
        });
        self.meet_edge(now, &joining, welcome.link);
        self.start_feeds(now, welcome, is_same_run);
        self.start_clocks(now);
        self.check_former(now);
        self.on_observed(now, welcome.observed);
        self.send_reports(now);
        // A welcome carries at most as many candidates as are remembered.
        let _ = self.on_candidates(now, &welcome.candidates);
        self.push_event(ClientEvent::Joined);
        Ok(())
    }

    fn meet_edge(&mut self, now: Instant, joining: &Joining, their_link: LinkId) {
        let Some(edge) = self.peer_mut(EDGE) else { return };
        edge.acquaintance = Acquaintance::Met;
        edge.their_link = their_link;
        if let Some(sample) = joining.round_trip(now) {
            edge.link.on_rtt_sample(sample);
        }
    }

    /// From the welcome on the edge feeds every substream, as a lease where peers are to take over; in a mesh only its seeds.
    fn start_feeds(&mut self, now: Instant, welcome: &Welcome<'_>, is_same_run: bool) {
        let settings = &welcome.settings;
        let (grant, level) = match welcome.class {
            Class::Push => (Grant::Feed, 1),
            Class::P2p => (Grant::Lease, settings.levels_max),
        };
        let is_fed = settings.overlay != Overlay::Mesh || welcome.class == Class::Push;
        for substream in 0..settings.substreams {
            let lacked = self.first_lacking(substream, EDGE).filter(|_| is_same_run);
            let former = self.former_slot();
            let Some(feed) = self.feed_mut(substream) else { continue };
            feed.forget_peer(EDGE);
            feed.search_at = now;
            let next = settings.mapping.next_in(substream, welcome.start, settings.substreams);
            if former.is_some_and(|former| feed.is_from(former)) {
                // What the former edge feeds is taken over by a cut.
                continue;
            }
            if feed.current.is_some() {
                feed.release(EDGE, next, now);
                self.owe_release(EDGE, substream);
                continue;
            }
            if !is_fed {
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
        self.clocks.pull_at =
            if self.is_in_mesh() || self.is_catching_up() { now } else { self.clocks.pull_at };
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
            if self.parting & slot_bit(slot) == 0 {
                self.forget_peer(slot);
            }
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
        let is_moving = self.joining.is_some_and(|joining| joining.is_move);
        if self.channel.is_none() || (self.joining.is_some() && !is_moving) {
            return;
        }
        self.push_event(ClientEvent::Left { reason });
        self.join_anew(now);
    }

    /// Says hello once more, to the edge that is asked or that serves; what it fed is over.
    pub(super) fn join_anew(&mut self, now: Instant) {
        for feed in &mut self.feeds {
            feed.forget_peer(EDGE);
        }
        match self.joining.filter(|joining| joining.is_move) {
            Some(moving) => self.begin_joining(now, moving.edge, ALTERNATIVE_WAIT),
            None => self.begin_joining(now, self.edge, TURN_WAIT),
        }
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

/// Plays from where the edge begins, or from later on with a shorter buffer than the channel's: then the edge learns with the first status what
/// it need not send.
fn playout_of(welcome: &Welcome<'_>, settings: &ChannelSettings) -> Playout {
    let mut playout = Playout::new(settings);
    let is_shorter = settings.target_buffer_ms < welcome.settings.target_buffer_ms;
    let nearest = welcome.newest.minus(settings.frames_in(settings.target_buffer()));
    playout.start(if is_shorter { welcome.start.max(nearest) } else { welcome.start });
    playout
}
