//! The machine: what it holds, and the verbs, which only dispatch.

use heapless::Vec;

use crate::auth::SipAuth;
use crate::endpoint::{Deadline, Endpoint, Path, Reject, Transmit, Why};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::link::{LineRate, Link, TokenBucket};
use crate::rng::Rng;
use crate::store::{AddressIndex, FrameIndex, FrameStore, Handle, List, Slab, TimerWheel};
use crate::time::Instant;
use crate::wire::Datagram;
use crate::wire::control::{LinkId, Message};
use crate::wire::stun::is_stun;

use super::channel::{CHANNELS_MAX, ChannelSlot};
use super::client_slot::{ClientRecord, ClientSlot, EgressClass};
use super::config::EdgeConfig;
use super::drain::Drain;
use super::events::{EdgeEvent, Events};
use super::feeds::share_of;
use super::replies::Replies;
use super::reports::Gone;
use super::stats::EdgeStats;
use super::storage::EdgeStorage;
use super::stun::StunAnswers;
use super::tracker::Tracker;

/// Slots have 16 bits in a link id, and one more than a slot has 16 bits in a record.
const CLIENTS_MAX: usize = (1 << 16) - 1;
/// Generations have 10 bits in a link id; 0 is left out, so that no id is 0.
const GENERATIONS: u32 = 1_023;

/// Plain HTTP players never take this last part of the capacity.
const SPARED_PART: u64 = 64;

/// Bits per second the edge has promised, over all channels, without headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Promised {
    pub(super) feeds_bps: u64,
    pub(super) joins_bps: u64,
    pub(super) rescues_bps: u64,
    /// Of those, to clients that wait for the line.
    pub(super) waiting_bps: u64,
}

/// An edge: lets clients in, feeds them, tells them of each other, and rescues them.
#[derive(Debug)]
pub struct Edge<'a, S> {
    pub(super) config: EdgeConfig,
    pub(super) auth: SipAuth,
    pub(super) rng: Rng,
    pub(super) clients: Slab<'a, ClientSlot>,
    pub(super) records: &'a mut [ClientRecord],
    pub(super) links: &'a mut [Link],
    pub(super) addresses: AddressIndex<'a>,
    /// A timer for each client by slot, then one for each channel.
    pub(super) wheel: TimerWheel<'a>,
    pub(super) channels: &'a mut [ChannelSlot],
    pub(super) frames: Vec<FrameIndex<'a>, CHANNELS_MAX>,
    pub(super) tracker: Tracker<'a>,
    /// Clients with something to send, by class.
    pub(super) ready: [List; EgressClass::ALL.len()],
    /// All the edge sends.
    pub(super) egress: TokenBucket,
    /// What those who start may have of it although live feeds wait.
    pub(super) bursts: TokenBucket,
    /// When the egress lets the next datagram through, after it held one back.
    pub(super) egress_at: Option<Instant>,
    pub(super) replies: Replies,
    pub(super) stun: StunAnswers,
    /// Whether anything ever came in at the second socket: a firewall may keep it shut.
    pub(super) is_second_heard: bool,
    pub(super) events: Events,
    pub(super) stats: EdgeStats,
    pub(super) promised: Promised,
    /// Reports taken from clients that are gone.
    pub(super) gone: Gone,
    /// When the minute ends, while there are channels.
    pub(super) minute_at: Instant,
    /// Minutes that are over.
    pub(super) minute_number: u32,
    /// What the line is seen to give.
    pub(super) line: LineRate,
    /// Of that, what the owner was last told when it was less than configured.
    pub(super) told_bps: Option<u64>,
    /// Before when no further client is set aside.
    pub(super) aside_at: Instant,
    pub(super) is_draining: bool,
    pub(super) drain: Option<Drain>,
    pub(super) store: S,
}

impl<'a, S: FrameStore> Edge<'a, S> {
    /// An edge without channels. The time its pace begins at is the first one it is told.
    #[must_use]
    pub fn new(config: EdgeConfig, storage: EdgeStorage<'a>, store: S) -> Self {
        let EdgeStorage {
            clients,
            records,
            links,
            addresses,
            timers,
            channels,
            frames,
            suppliers,
            reservations,
        } = storage;
        let room = timers.len().saturating_sub(channels.len());
        let len = clients.len().min(records.len()).min(links.len()).min(room).min(CLIENTS_MAX);
        let clients = clients.get_mut(..len).unwrap_or_default();
        channels.fill_with(|| ChannelSlot::EMPTY);
        let mut rng = Rng::from_seed(config.seed);
        let mut index_key = config.key;
        for byte in &mut index_key {
            *byte ^= rng.next_u32().to_le_bytes()[0];
        }
        let egress = TokenBucket::new(Instant::ZERO, config.capacity_bps, egress_depth(config.capacity_bps));
        let bursts_bps = share_of(config.capacity_bps, config.burst_share);
        let bursts = TokenBucket::new(Instant::ZERO, bursts_bps, egress_depth(bursts_bps));
        let places = channels.len().min(CHANNELS_MAX);
        Self {
            auth: SipAuth::new(config.key),
            rng,
            clients: Slab::new(clients),
            records,
            links,
            addresses: AddressIndex::new(addresses, index_key),
            wheel: TimerWheel::new(timers),
            frames: divide(frames, places),
            tracker: Tracker::new(suppliers, reservations, places),
            channels,
            ready: [List::EMPTY; EgressClass::ALL.len()],
            egress,
            bursts,
            egress_at: None,
            replies: Replies::default(),
            stun: StunAnswers::default(),
            is_second_heard: false,
            events: Events::default(),
            stats: EdgeStats::of_line(config.capacity_bps),
            promised: Promised::default(),
            gone: Gone::default(),
            minute_at: Instant::FAR_FUTURE,
            minute_number: 0,
            line: LineRate::new(config.capacity_bps),
            told_bps: None,
            aside_at: Instant::ZERO,
            is_draining: false,
            drain: None,
            store,
            config,
        }
    }

    /// What legacy clients take of the capacity, in bit/s. However much that is, one part in 64 is left:
    /// clients whose feeds no longer fit are set aside and told, one after the other.
    pub fn set_legacy_load(&mut self, now: Instant, legacy_bps: u64) {
        let capacity_bps = self.config.capacity_bps;
        self.line.set_cap(capacity_bps.saturating_sub(legacy_bps).max(capacity_bps / SPARED_PART));
        self.on_line_changed(now);
    }

    /// The bytes of the frames.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The bytes of the frames, to write them before [`Edge::push_frame`].
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// What it counted.
    #[must_use]
    pub const fn stats(&self) -> &EdgeStats {
        &self.stats
    }

    /// Clients let in, over all channels.
    #[must_use]
    pub const fn clients_len(&self) -> u32 {
        self.clients.len()
    }

    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Link> {
        self.links.get_mut(slot as usize)
    }

    pub(super) fn record_mut(&mut self, slot: u32) -> Option<&mut ClientRecord> {
        self.records.get_mut(slot as usize)
    }

    /// How a client addresses the edge: shard, generation and slot.
    pub(super) fn link_id(&self, handle: Handle) -> LinkId {
        let generation = handle.generation.saturating_sub(1) % GENERATIONS + 1;
        LinkId((u32::from(self.config.shard) << 26) | (generation << 16) | (handle.slot & 0xffff))
    }

    /// The slot of the client that addresses the edge so.
    pub(super) fn slot_of(&self, link: LinkId) -> Option<u32> {
        let handle = self.clients.handle_of(link.0 & 0xffff)?;
        (self.link_id(handle) == link).then_some(handle.slot)
    }

    fn on_datagram(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Result<(), Reject> {
        if is_stun(datagram) {
            return self.on_stun(path, datagram);
        }
        match Datagram::parse(datagram)? {
            Datagram::Control(LinkId(0), mut messages) => match messages.next() {
                Some(message) => self.on_stranger(now, path, datagram.len(), &message?),
                None => Err(Reject::Malformed),
            },
            Datagram::Control(link, messages) => {
                let Some(slot) = self.slot_of(link) else {
                    self.replies.reset(now, path, link, datagram.len(), &mut self.stats);
                    return Err(Reject::UnknownPeer);
                };
                if self.clients.at(slot).is_none_or(|client| !client.path.is_same(&path)) {
                    return Err(Reject::UnknownPeer);
                }
                if let Some(link) = self.link_mut(slot) {
                    link.on_heard(now);
                }
                let mut first = Ok(());
                for message in messages {
                    let taken = message.and_then(|message| {
                        if let Message::Hello(hello) = &message {
                            self.on_tune(now, slot, datagram.len(), hello)
                        } else {
                            self.on_message(now, slot, &message)
                        }
                    });
                    first = first.and(taken);
                    if self.clients.at(slot).is_none() {
                        break;
                    }
                }
                first
            }
            Datagram::Data(..) => Err(Reject::Unexpected),
            Datagram::Sealed { .. } | Datagram::Proof { .. } => Err(Reject::Unsupported),
        }
    }

    fn on_message(&mut self, now: Instant, slot: u32, message: &Message<'_>) -> Result<(), Reject> {
        match message {
            Message::Ack(ack) => self.on_ack(now, slot, ack),
            Message::Status(status) => {
                self.on_status(now, slot, status);
                Ok(())
            }
            Message::Reach(reach) => self.on_reach(now, slot, reach),
            Message::AlsoAt { address, cookie } => self.on_also_at(now, slot, address, cookie),
            Message::Report(report) => self.on_report(now, slot, report),
            Message::Subscribe(subscribe) => self.on_subscribe(now, slot, subscribe),
            Message::Release { substream, until } => self.on_release(now, slot, *substream, *until),
            Message::Pull { items, can_wait: _ } => self.on_pull(now, slot, items),
            Message::Skipped { to } => {
                self.on_skipped(now, slot, *to);
                Ok(())
            }
            Message::FindParents { substreams } => self.on_find_parents(now, slot, *substreams),
            Message::Ping { token } => {
                if let Some(client) = self.clients.at_mut(slot) {
                    client.pending.pong = true;
                    client.pong_token = *token;
                }
                self.refresh(now, slot);
                Ok(())
            }
            Message::Leave { .. } => {
                self.remove_client(now, slot, super::events::LeaveCause::Left);
                Ok(())
            }
            // An edge holds every frame it knows of and measures nothing: these tell it nothing.
            Message::Padding | Message::BufferMap(_) | Message::Pong { .. } | Message::Missing { .. } => {
                Ok(())
            }
            // The client gives up a feed on its side by a release; a refusal of its own says the same.
            Message::Hello(_)
            | Message::Challenge(_)
            | Message::Welcome(_)
            | Message::Refused(_)
            | Message::Meet(_)
            | Message::Met(_)
            | Message::Accept(_)
            | Message::Refuse { .. }
            | Message::Candidates { .. }
            | Message::Introduce(_)
            | Message::Seen { .. }
            | Message::ReportAck(_)
            | Message::Redirect { .. }
            | Message::Starved { .. }
            | Message::Successors { .. }
            | Message::Reset { .. } => Err(Reject::Unexpected),
        }
    }
}

impl<S: FrameStore> Endpoint for Edge<'_, S> {
    type Event = EdgeEvent;

    fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Result<(), Reject> {
        self.stats.on_received(datagram.len());
        let taken = self.on_datagram(now, path, datagram);
        if let Err(reject) = taken {
            self.stats.rejects.count(reject);
        }
        taken
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.egress_at.is_some_and(|at| at <= now) {
            self.egress_at = None;
        }
        self.tracker.expire(now, &mut self.clients);
        if self.minute_at <= now {
            self.on_minute(now);
        }
        self.on_drain_due(now);
        self.steer_line(now);
        while let Some(id) = self.wheel.pop_expired(now) {
            self.on_timer(now, id);
        }
    }

    fn poll_transmit(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        if head.len() < DATAGRAM_LEN_MAX {
            return None;
        }
        self.poll_stun(now, head).or_else(|| self.next_transmit(now, head))
    }

    fn poll_event(&mut self) -> Option<EdgeEvent> {
        self.events.pop()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let pacing = self.egress_at.map(|at| Deadline { at, why: Why::Pacing });
        let lease = self.tracker.next_expiry().map(|at| Deadline { at, why: Why::Lease });
        let timer = self.wheel.next_deadline().map(|at| Deadline { at, why: Why::Loss });
        let line = self.line.deadline().map(|at| Deadline { at, why: Why::Pacing });
        let minute = Some(self.minute_at).filter(|&at| at < Instant::FAR_FUTURE);
        let minute = minute.map(|at| Deadline { at, why: Why::Report });
        let drain = self.drain_deadline().map(|at| Deadline { at, why: Why::Request });
        [pacing, lease, drain, timer, line, minute].into_iter().flatten().min_by_key(|deadline| deadline.at)
    }
}

/// What the edge may send at once: 10 ms of its capacity, so that a turn of the adapter's loop does not leave it idle.
pub(super) fn egress_depth(capacity_bps: u64) -> u32 {
    u32::try_from(capacity_bps / 800).unwrap_or(u32::MAX).max(4_800)
}

/// A frame index for each channel, from equal parts of the lent slots.
fn divide(frames: &mut [crate::store::FrameSlot], places: usize) -> Vec<FrameIndex<'_>, CHANNELS_MAX> {
    let part = frames.len() / places.max(1);
    let mut rest = frames;
    let mut indexes = Vec::new();
    for _ in 0..places {
        let (own, others) = rest.split_at_mut(part.min(rest.len()));
        rest = others;
        if indexes.push(FrameIndex::new(own, &mut [])).is_err() {
            break;
        }
    }
    indexes
}
