//! The client: what drives it, and where its parts meet.

use core::net::SocketAddr;
use core::time::Duration;

use heapless::{Deque, Vec};

use super::config::{ClientConfig, ClientStorage};
use super::discovery::Discovery;
use super::events::ClientEvent;
use super::feed::Feed;
use super::holes::Holes;
use super::meeting::{WHEREABOUTS_MAX, Whereabouts};
use super::peer::{EDGE, Known, PEERS_MAX, Peer, slots_of};
use super::redirect::{Former, Tour};
use super::reports::Reports;
use super::serve::Sending;
use super::session::{Joining, Session};
use super::stats::ClientStats;
use super::succession::Successors;
use crate::endpoint::{Deadline, Endpoint, Path, Reject, Transmit, Why};
use crate::limits::{DATAGRAM_LEN_MAX, SUBSTREAMS_MAX, UNMET_MAX};
use crate::link::{Ledbat, TokenBucket};
use crate::media::{ChannelName, ChannelSettings, FrameId, Playout};
use crate::rng::Rng;
use crate::store::{FrameIndex, FrameStore};
use crate::time::Instant;
use crate::wire::control::{ClientId, LinkId, Refused};
use crate::wire::stun::is_stun;
use crate::wire::{Datagram, Message};

/// Candidates remembered.
const CANDIDATES_KNOWN_MAX: usize = 20;

/// When the recurring work is due, and what it has to go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// Silence, requests, searches, acquaintances.
    pub(super) check_at: Instant,
    /// Status to the edge.
    pub(super) status_at: Instant,
    /// Buffer maps to partners.
    pub(super) map_at: Instant,
    /// Maps sent since the last whole one.
    pub(super) maps: u8,
    /// The lowest frame completed since the last map.
    pub(super) changed_from: Option<FrameId>,
    /// The lowest frame the last map tells as changed.
    pub(super) map_from: Option<FrameId>,
    /// When the uplink lets the next datagram go, when it held one back.
    pub(super) pacing_at: Option<Instant>,
    /// Holes to be asked for; `FAR_FUTURE` without holes.
    pub(super) pull_at: Instant,
    /// Not to ask the edge for candidates before.
    pub(super) find_at: Instant,
    /// Time between such questions, doubling while nobody is found.
    pub(super) find_every: Duration,
    /// Not to ask the edge for a feed before: it refused one.
    pub(super) edge_at: Instant,
    /// Not to change a feeder for its lag before.
    pub(super) adapt_at: Instant,
    /// Since when a player that waits has lacked a feed; `FAR_FUTURE` otherwise.
    pub(super) unfed_since: Instant,
    /// Playout wants to be asked.
    pub(super) play_at: Instant,
}

impl Clocks {
    pub(super) const STOPPED: Self = Self {
        check_at: Instant::FAR_FUTURE,
        status_at: Instant::FAR_FUTURE,
        map_at: Instant::FAR_FUTURE,
        maps: 0,
        changed_from: None,
        map_from: None,
        pacing_at: None,
        pull_at: Instant::FAR_FUTURE,
        find_at: Instant::ZERO,
        find_every: Duration::from_millis(500),
        edge_at: Instant::ZERO,
        adapt_at: Instant::ZERO,
        unfed_since: Instant::FAR_FUTURE,
        play_at: Instant::FAR_FUTURE,
    };
}

/// A viewer that also relays: joins at an edge, is fed by it or by peers, repairs what is missing, feeds its children, and
/// hands frames over when they are due.
///
/// A datagram machine: [`Endpoint`] is how it is driven. Besides: [`Self::tune`], [`Self::leave`].
#[derive(Debug)]
pub struct Client<'a, S> {
    pub(super) config: ClientConfig,
    pub(super) store: S,
    pub(super) rng: Rng,
    pub(super) channel: Option<ChannelName>,
    /// The edge of the session, or the one asked for it.
    pub(super) edge: SocketAddr,
    /// The edge that let us in last.
    pub(super) served: SocketAddr,
    pub(super) joining: Option<Joining>,
    pub(super) session: Option<Session>,
    pub(super) refused: Option<Refused>,
    pub(super) tour: Tour,
    pub(super) former: Option<Former>,
    pub(super) is_leaving: bool,
    pub(super) peers: &'a mut [Peer],
    pub(super) frames: FrameIndex<'a>,
    pub(super) feeds: [Feed; SUBSTREAMS_MAX],
    pub(super) candidates: Vec<Known, CANDIDATES_KNOWN_MAX>,
    pub(super) whereabouts: Vec<Whereabouts, WHEREABOUTS_MAX>,
    /// Candidates that were not met, and the reports still to name them.
    pub(super) unmet: Vec<(ClientId, u8), UNMET_MAX>,
    pub(super) discovery: Discovery,
    pub(super) holes: Holes,
    /// How many questions each peer is sent at once in a mesh: eighths beyond the first number (`mesh.rs`).
    pub(super) windows: [i8; PEERS_MAX],
    pub(super) playout: Playout,
    pub(super) uplink: TokenBucket,
    pub(super) ledbat: Ledbat,
    pub(super) sending: Option<Sending>,
    pub(super) clocks: Clocks,
    /// Slots in use.
    pub(super) known: u64,
    /// Slots that are owed control.
    pub(super) owing: u64,
    /// Slots that may be sent data: feeds, pulls, lost fragments.
    pub(super) serving: u64,
    /// Slots that are said goodbye to, and free afterwards.
    pub(super) parting: u64,
    /// Slots that may be fed, by substream; who is no child any more is found out when it is looked at.
    pub(super) fed: [u64; SUBSTREAMS_MAX],
    /// The slot whose lost or asked-for fragments were sent last.
    pub(super) turn: u8,
    pub(super) events: Deque<ClientEvent, { ClientEvent::QUEUE_LEN }>,
    pub(super) stats: ClientStats,
    pub(super) reports: Reports,
    /// Whom a peer named in its place last, and which.
    pub(super) successors: (u8, Successors),
}

impl<'a, S: FrameStore> Client<'a, S> {
    /// A client that does nothing until it is told to [`tune`](Self::tune). Of `storage.peers` at most 64 are used.
    #[must_use]
    pub fn new(config: ClientConfig, storage: ClientStorage<'a>, store: S) -> Self {
        let ClientStorage { peers, frames, assemblies } = storage;
        let peers_len = peers.len().min(PEERS_MAX);
        let peers = peers.get_mut(..peers_len).unwrap_or_default();
        peers.fill(Peer::EMPTY);
        Self {
            config,
            store,
            rng: Rng::from_seed(config.seed),
            channel: None,
            edge: config.edge,
            served: config.edge,
            joining: None,
            session: None,
            refused: None,
            tour: Tour::NONE,
            former: None,
            is_leaving: false,
            peers,
            frames: FrameIndex::new(frames, assemblies),
            feeds: [const { Feed::EMPTY }; SUBSTREAMS_MAX],
            candidates: Vec::new(),
            whereabouts: Vec::new(),
            unmet: Vec::new(),
            discovery: Discovery::EMPTY,
            holes: Holes::EMPTY,
            windows: [0; PEERS_MAX],
            playout: Playout::new(&ChannelSettings::default()),
            uplink: TokenBucket::EMPTY,
            ledbat: Ledbat::EMPTY,
            sending: None,
            clocks: Clocks::STOPPED,
            known: 0,
            owing: 0,
            serving: 0,
            parting: 0,
            fed: [0; SUBSTREAMS_MAX],
            turn: 0,
            events: Deque::new(),
            stats: ClientStats::default(),
            reports: Reports::new(config.seed),
            successors: (EDGE, Successors::new()),
        }
    }

    /// Begins anew in place, as if made with `config` and the same memory. Nobody is told: [`Self::leave`] first.
    pub fn reset(&mut self, config: ClientConfig) {
        self.parting = 0;
        self.forget_session();
        self.peers.fill(Peer::EMPTY);
        self.config = config;
        self.rng = Rng::from_seed(config.seed);
        self.channel = None;
        self.edge = config.edge;
        self.served = config.edge;
        self.joining = None;
        self.refused = None;
        self.tour = Tour::NONE;
        self.former = None;
        self.is_leaving = false;
        self.uplink = TokenBucket::EMPTY;
        self.ledbat = Ledbat::EMPTY;
        self.discovery.stop();
        self.known = 0;
        self.owing = 0;
        self.serving = 0;
        self.fed = [0; SUBSTREAMS_MAX];
        self.turn = 0;
        self.events.clear();
        self.stats = ClientStats::default();
        self.reports = Reports::new(config.seed);
        self.successors = (EDGE, Successors::new());
    }

    /// Asks the edge for a channel. What was watched before ends; its peers are told. At the edge of a session this takes one round
    /// trip, since the address is proved there.
    pub fn tune(&mut self, now: Instant, channel: &ChannelName) {
        self.begin_reports(now, channel);
        self.is_leaving = false;
        self.tour = Tour::NONE;
        self.channel = Some(channel.clone());
        self.begin_tuning(now);
    }

    /// Tells that the host has another address: a new lease, another network. Who knew it under the former one does not reach it any more:
    /// joins anew at once, and plays on from what is held.
    pub fn relocate(&mut self, now: Instant, local: Option<SocketAddr>) {
        self.config.local = local;
        if self.channel.is_some() {
            self.join_anew(now);
        }
    }

    /// Says goodbye to everybody: drain [`Endpoint::poll_transmit`] afterwards.
    pub fn leave(&mut self, now: Instant) {
        self.end_reports(now);
        self.joining = None;
        self.tour = Tour::NONE;
        self.former = None;
        self.channel = None;
        self.is_leaving = true;
        self.discovery.stop();
        for slot in 0..self.peers_len() {
            if self.peer(slot).is_some_and(Peer::is_met) {
                self.owe(slot, |owed| owed.leave = true);
            } else {
                // Who has not answered yet cannot be told.
                self.forget_peer(slot);
            }
        }
        if self.owing == 0 {
            self.on_left();
        }
    }

    /// The frame store: where [`Transmit::body`] and [`ClientEvent::Frame`] point into.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The frame store.
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    pub(super) fn peers_len(&self) -> u8 {
        u8::try_from(self.peers.len()).unwrap_or(0)
    }

    pub(super) fn peer(&self, slot: u8) -> Option<&Peer> {
        self.peers.get(usize::from(slot))
    }

    pub(super) fn peer_mut(&mut self, slot: u8) -> Option<&mut Peer> {
        self.peers.get_mut(usize::from(slot))
    }

    pub(super) fn feed_mut(&mut self, substream: u8) -> Option<&mut Feed> {
        self.feeds.get_mut(usize::from(substream))
    }

    pub(super) fn push_event(&mut self, event: ClientEvent) {
        if self.events.push_back(event).is_err() {
            self.stats.events_dropped = self.stats.events_dropped.saturating_add(1);
        }
    }

    /// The slot that owns a link id, when the datagram comes from its address.
    fn slot_of(&self, link: LinkId, path: &Path) -> Result<u8, Reject> {
        let former = self.former.filter(|former| former.link == link);
        let slot = former.map_or(link.0 & 0xffff, |former| u32::from(former.slot));
        let slot = u8::try_from(slot).map_err(|_| Reject::UnknownPeer)?;
        let peer = self.peer(slot).filter(|peer| peer.is_known() && peer.own_link == link);
        peer.filter(|_| self.is_at(slot, &path.remote)).map(|_| slot).ok_or(Reject::UnknownPeer)
    }

    fn on_datagram(&mut self, now: Instant, path: &Path, datagram: &[u8]) -> Result<(), Reject> {
        if is_stun(datagram) {
            return self.on_stun(now, path, datagram);
        }
        match Datagram::parse(datagram)? {
            Datagram::Data(header, payload) => {
                let slot = self.slot_of(header.link, path)?;
                self.on_heard(now, slot);
                self.on_path(now, slot, path);
                self.on_data(now, slot, &header, payload)
            }
            Datagram::Control(LinkId(0), messages) => self.on_stranger(now, path, datagram.len(), messages),
            Datagram::Control(link, messages) if self.is_answer(link, path) => {
                self.on_answer(now, link, messages)
            }
            Datagram::Control(link, messages) => {
                let slot = self.slot_of(link, path)?;
                self.on_heard(now, slot);
                self.on_path(now, slot, path);
                let mut verdict = Ok(());
                for message in messages {
                    let message = message?;
                    verdict = verdict.and(self.on_message(now, slot, &message));
                    if self.peer(slot).is_none_or(|peer| peer.own_link != link) {
                        // It said goodbye: what follows is nobody's.
                        break;
                    }
                }
                verdict
            }
            Datagram::Sealed { .. } | Datagram::Proof { .. } => Err(Reject::Unsupported),
        }
    }

    pub(super) fn on_message(&mut self, now: Instant, slot: u8, message: &Message<'_>) -> Result<(), Reject> {
        let is_met = self.peer(slot).is_some_and(Peer::is_met);
        match message {
            Message::Padding => Ok(()),
            Message::Challenge(challenge) if slot == EDGE => self.on_challenge(now, challenge),
            Message::Welcome(welcome) if slot == EDGE => self.on_welcome(now, welcome),
            Message::Refused(refused) if slot == EDGE => self.on_refused(now, refused),
            Message::Candidates { list } if slot == EDGE => self.on_candidates(now, list),
            Message::Redirect { alternatives } if slot == EDGE => self.on_redirect(now, alternatives),
            Message::Introduce(introduce) if slot == EDGE => self.on_introduce(now, introduce),
            Message::Met(met) => self.on_met(now, slot, met),
            // Who was not met cannot be answered.
            _ if !is_met => Err(Reject::Unexpected),
            Message::Seen { address } => self.on_seen(slot, address),
            Message::Ping { token } => {
                let token = *token;
                self.owe(slot, |owed| owed.pong = Some(token));
                Ok(())
            }
            Message::Pong { token } => self.on_pong(now, slot, *token),
            Message::Ack(ack) => self.on_ack(now, slot, ack),
            Message::Subscribe(subscribe) => self.on_subscribe(now, slot, subscribe),
            Message::Accept(accept) => self.on_accept(now, slot, accept),
            Message::Refuse { substream, reason } => self.on_refuse(now, slot, *substream, *reason),
            Message::Release { substream, until } => self.on_release(slot, *substream, *until),
            Message::BufferMap(map) => self.on_map(slot, map),
            Message::Pull { items, can_wait } => self.on_pull(now, slot, items, *can_wait),
            Message::Missing { frame } => {
                self.on_missing(now, slot, *frame);
                Ok(())
            }
            Message::Starved { substream, since } => self.on_starved(now, slot, *substream, *since),
            Message::Successors { clients } => {
                self.successors = (slot, clients.clone());
                Ok(())
            }
            Message::Leave { reason } => self.on_leave(now, slot, *reason),
            Message::ReportAck(ack) if slot == EDGE => self.on_report_ack(ack),
            Message::Hello(_)
            | Message::Challenge(_)
            | Message::Welcome(_)
            | Message::Refused(_)
            | Message::Candidates { .. }
            | Message::Meet(_)
            | Message::FindParents { .. }
            | Message::Status(_)
            | Message::Introduce(_)
            | Message::Reach(_)
            | Message::AlsoAt { .. }
            | Message::Report(_)
            | Message::ReportAck(_)
            | Message::Redirect { .. }
            | Message::Skipped { .. }
            | Message::Reset { .. } => Err(Reject::Unexpected),
        }
    }

    /// The peers' earliest deadline.
    fn peers_deadline(&self) -> Option<Deadline> {
        let of = |peer: &Peer| {
            let ack = peer.link.ack_deadline().map(|at| Deadline { at, why: Why::Ack });
            let loss = peer.link.loss_deadline().map(|at| Deadline { at, why: Why::Loss });
            ack.into_iter().chain(loss).min_by_key(|deadline| deadline.at)
        };
        // An acknowledgement that is owed already goes out with the next poll.
        let peers = slots_of(self.known).filter_map(|slot| self.peer(slot));
        peers.filter(|peer| peer.is_met() && !peer.owed.ack).filter_map(of).min_by_key(|d| d.at)
    }

    fn on_peer_timeouts(&mut self, now: Instant) {
        for slot in slots_of(self.known) {
            let Some(peer) = self.peer_mut(slot).filter(|peer| peer.is_met()) else { continue };
            let is_ack_due = peer.link.ack_deadline().is_some_and(|at| at <= now);
            let lost = peer.link.on_loss_timeout(now);
            if is_ack_due {
                self.owe(slot, |owed| owed.ack = true);
            }
            if lost > 0 {
                self.mark_serving(slot);
            }
        }
    }
}

impl<S: FrameStore> Endpoint for Client<'_, S> {
    type Event = ClientEvent;

    fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Result<(), Reject> {
        let verdict = self.on_datagram(now, &path, datagram);
        if let Err(reject) = verdict {
            self.stats.rejects.count(reject);
        }
        self.play(now);
        verdict
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.on_hello_due(now);
        self.on_discovery_due(now);
        self.clocks.pacing_at = self.clocks.pacing_at.filter(|&at| at > now);
        self.on_peer_timeouts(now);
        if self.clocks.check_at <= now {
            self.check(now);
        }
        if self.clocks.status_at <= now {
            self.on_status_due(now);
        }
        if self.clocks.map_at <= now {
            self.on_map_due(now);
        }
        if self.clocks.pull_at <= now {
            self.on_pull_due(now);
        }
        self.play(now);
        self.on_reports_due(now);
    }

    fn poll_transmit(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        if head.len() < DATAGRAM_LEN_MAX {
            return None;
        }
        let transmit = self.poll_hello(now, head);
        let transmit = transmit.or_else(|| self.poll_stun(head));
        let transmit = transmit.or_else(|| self.poll_control(now, head));
        transmit.or_else(|| self.poll_data(now, head))
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.events.pop_front();
        if event.is_some() && self.session.is_some() && self.clocks.play_at == Instant::FAR_FUTURE {
            // Playout waited for room in the queue.
            self.clocks.play_at = Instant::ZERO;
        }
        event
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let joining = self.joining.as_ref().map(|joining| joining.again_at);
        let pacing = self.pacing_deadline();
        let deadlines = [
            (joining.unwrap_or(Instant::FAR_FUTURE), Why::Request),
            (self.discovery.deadline(), Why::Request),
            (pacing.unwrap_or(Instant::FAR_FUTURE), Why::Pacing),
            (self.clocks.check_at, Why::Silence),
            (self.clocks.status_at, Why::KeepAlive),
            (self.clocks.map_at, Why::Map),
            (self.clocks.pull_at, Why::Pull),
            (self.clocks.play_at, Why::Playout),
            (self.reports_deadline(), Why::Report),
        ];
        let own = deadlines.into_iter().map(|(at, why)| Deadline { at, why });
        let earliest = own.chain(self.peers_deadline()).min_by_key(|deadline| deadline.at)?;
        (earliest.at < Instant::FAR_FUTURE).then_some(earliest)
    }
}
