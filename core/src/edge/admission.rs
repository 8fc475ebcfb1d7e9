//! Admission: a stranger says hello, proves its address, and is let in as the stage says, or is told why not.

use core::time::Duration;

use crate::auth::Auth;
use crate::endpoint::{Path, Reject};
use crate::limits::{CANDIDATES_MAX, DATAGRAM_LEN_MAX};
use crate::link::{Link, TokenBucket};
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::store::{FrameStore, List, Slab};
use crate::time::Instant;
use crate::wire::control::{Challenge, Class, Hello, Message, RefusalReason, Refused};

use super::channel::{ChannelId, ChannelSlot};
use super::client_slot::{ClientRecord, ClientSlot, EgressClass, Mask, Pending};
use super::events::{EdgeEvent, LeaveCause};
use super::feeds::{Granted, LEASE_DS, has_overlay, share_of};
use super::machine::Edge;
use super::replies::Reply;
use super::supply::{class_by_supply, slots_told};
use crate::scaling::{Decision, admit};

/// Packets a burst begins with before its pace counts (docs/wire.md, "Joining").
const BURST_PACKETS: u32 = 32;
/// A burst runs at this multiple of the channel's rate (docs/wire.md, "Joining").
const BURST_RATE: u64 = 4;
/// Media beyond the startup threshold that a burst brings before those of others, in milliseconds.
const FIRST_PART_MS: u64 = 2_000;

/// What was decided for a newcomer holds this long without a word of it: as long as a lease.
const DECISION_MAX: Duration = Duration::from_millis(LEASE_DS as u64 * 100);

/// Bursts that may wait for the egress before those who join then get short ones.
const BURSTS_WAITING_MAX: u32 = 3;

/// What becomes of a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Fed by the edge for good.
    Push,
    /// Fed by the edge until these candidates do; its leases count as told.
    P2p(Granted, [u16; CANDIDATES_MAX]),
    /// Fed by nobody: pulls from these and others.
    Mesh([u16; CANDIDATES_MAX]),
    Saturated,
}

impl<S: FrameStore> Edge<'_, S> {
    /// A datagram under no link: only a hello is answered.
    pub(super) fn on_stranger(
        &mut self,
        now: Instant,
        path: Path,
        len: usize,
        message: &Message<'_>,
    ) -> Result<(), Reject> {
        match message {
            Message::Hello(hello) => self.on_hello(now, path, len, hello),
            Message::Reset { link } => {
                let slot = self.addresses.get(&path.remote).ok_or(Reject::UnknownPeer)?;
                let is_its_own = self.clients.at(slot).is_some_and(|client| client.link == *link);
                if !is_its_own {
                    return Err(Reject::UnknownPeer);
                }
                self.remove_client(now, slot, LeaveCause::Reset);
                Ok(())
            }
            Message::Padding
            | Message::Challenge(_)
            | Message::Welcome(_)
            | Message::Refused(_)
            | Message::Meet(_)
            | Message::Met(_)
            | Message::Ping { .. }
            | Message::Pong { .. }
            | Message::Ack(_)
            | Message::Subscribe(_)
            | Message::Accept(_)
            | Message::Refuse { .. }
            | Message::Release { .. }
            | Message::BufferMap(_)
            | Message::Pull { .. }
            | Message::Missing { .. }
            | Message::FindParents { .. }
            | Message::Candidates { .. }
            | Message::Status(_)
            | Message::Introduce(_)
            | Message::Reach(_)
            | Message::Seen { .. }
            | Message::AlsoAt { .. }
            | Message::Report(_)
            | Message::ReportAck(_)
            | Message::Redirect { .. }
            | Message::Starved { .. }
            | Message::Successors { .. }
            | Message::Skipped { .. }
            | Message::Leave { .. } => Err(Reject::Unexpected),
        }
    }

    fn on_hello(&mut self, now: Instant, path: Path, len: usize, hello: &Hello<'_>) -> Result<(), Reject> {
        if len < DATAGRAM_LEN_MAX || hello.link.0 == 0 {
            return Err(Reject::Malformed);
        }
        let known = self.addresses.get(&path.remote);
        if let Some(slot) = known {
            let is_repeated = self.clients.at(slot).is_some_and(|client| client.path.is_same(&path))
                && self.records.get(slot as usize).is_some_and(|record| record.nonce == hello.nonce);
            if is_repeated {
                if self.is_decided_anew(now, slot) {
                    self.remove_client(now, slot, LeaveCause::Replaced);
                    self.admit(now, path, len, hello);
                } else {
                    self.on_hello_repeated(now, slot, hello);
                }
                return Ok(());
            }
        }
        let is_proved =
            hello.cookie.as_ref().is_some_and(|cookie| self.auth.verify_cookie(now, &path.remote, cookie));
        if !is_proved {
            let cookie = self.auth.cookie(now, &path.remote);
            let challenge = Reply::Challenge(Challenge { nonce: hello.nonce, cookie });
            self.stats.challenges += 1;
            self.replies.push(path, hello.link, len, challenge, &mut self.stats);
            return if hello.cookie.is_some() { Err(Reject::Unauthentic) } else { Ok(()) };
        }
        if let Some(slot) = known {
            self.remove_client(now, slot, LeaveCause::Replaced);
        }
        self.admit(now, path, len, hello);
        Ok(())
    }

    /// A client asks for another channel under the link of its session, which ends with that: whoever knows the link receives at its
    /// address. Repeated, the hello comes under no link, with the same nonce.
    pub(super) fn on_tune(
        &mut self,
        now: Instant,
        slot: u32,
        len: usize,
        hello: &Hello<'_>,
    ) -> Result<(), Reject> {
        if len < DATAGRAM_LEN_MAX {
            return Err(Reject::Malformed);
        }
        let path = self.clients.at(slot).map(|client| client.path).ok_or(Reject::UnknownPeer)?;
        self.remove_client(now, slot, LeaveCause::Replaced);
        self.admit(now, path, len, hello);
        Ok(())
    }

    /// Whether what was decided for a client that never acknowledged anything is out of date: its leases have ended by now, and its burst
    /// begins too far back.
    fn is_decided_anew(&self, now: Instant, slot: u32) -> bool {
        let has_acked = self.links.get(slot as usize).is_some_and(Link::has_acked);
        let is_old = self.clients.at(slot).is_some_and(|client| now.since(client.joined_at) >= DECISION_MAX);
        is_old && !has_acked
    }

    /// The welcome was lost, or crossed the hello: the same answer, and what was sent into the void once more.
    fn on_hello_repeated(&mut self, now: Instant, slot: u32, hello: &Hello<'_>) {
        let Some(link) = self.links.get_mut(slot as usize) else { return };
        link.on_heard(now);
        let has_acked = link.has_acked();
        let Some(client) = self.clients.at_mut(slot) else { return };
        client.pending.welcome = true;
        client.link = hello.link;
        if !has_acked {
            link.forget_all();
            self.start_over(now, slot);
        }
        self.refresh(now, slot);
    }

    fn start_over(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let running = client.active();
        let start = self.records.get(slot as usize).map(|record| record.start).unwrap_or_default();
        for substream in running.iter() {
            let granted = self.clients.at(slot).and_then(|client| client.granted(substream));
            let Some(granted) = granted else { continue };
            self.begin_at(now, slot, substream, start, granted);
        }
    }

    fn begin_at(&mut self, now: Instant, slot: u32, substream: u8, start: FrameId, granted: Granted) {
        let Some(id) = self.clients.at(slot).map(|client| client.channel) else { return };
        let first = self.first_from(id, substream, start);
        self.begin_feed(now, slot, substream, first, granted);
    }

    /// Decides on a proved hello.
    fn admit(&mut self, now: Instant, path: Path, len: usize, hello: &Hello<'_>) {
        let id = match self.open_to(hello) {
            Ok(id) => id,
            Err((reason, channel)) => return self.turn_away(path, len, hello, reason, channel, None),
        };
        let (verdict, decision) = self.decide(now, id, hello);
        let (class, granted, mut offered) = match verdict {
            Verdict::Push => (Class::Push, Some(Granted::Feed), [0; CANDIDATES_MAX]),
            Verdict::P2p(granted, offered) => (Class::P2p, Some(granted), offered),
            Verdict::Mesh(offered) => (Class::P2p, None, offered),
            Verdict::Saturated => {
                let reason = RefusalReason::Saturated;
                return self.turn_away(path, len, hello, reason, Some(id), decision);
            }
        };
        let is_shared = self.is_burst_shared(id, class) && self.add_givers(id, &mut offered);
        let Some(slot) = self.seat(now, path, hello, id, class, is_shared) else {
            return self.turn_away(path, len, hello, RefusalReason::Full, Some(id), decision);
        };
        if let Some(record) = self.record_mut(slot) {
            record.offered = offered;
        }
        let start = self.records.get(slot as usize).map(|record| record.start).unwrap_or_default();
        let substreams = self.channel(id).map_or(0, |channel| channel.settings.all_substreams());
        if let Some(granted) = granted {
            for substream in Mask(substreams).iter() {
                self.begin_at(now, slot, substream, start, granted);
            }
        }
        self.stats.on_join(class);
        self.tell_admitted(path, slot, id, class, decision);
        self.refresh(now, slot);
        self.arm(now, slot);
    }

    /// Whether the channel a hello asks for can take anybody at all.
    fn open_to(&self, hello: &Hello<'_>) -> Result<ChannelId, (RefusalReason, Option<ChannelId>)> {
        let id = self.channel_named(hello.channel).ok_or((RefusalReason::UnknownChannel, None))?;
        if self.is_draining {
            return Err((RefusalReason::Draining, Some(id)));
        }
        let start = self.start_of(id).ok_or((RefusalReason::NotOnAir, Some(id)));
        start.map(|_| id)
    }

    fn start_of(&self, id: ChannelId) -> Option<FrameId> {
        self.channel(id)?.start(self.frames.get(usize::from(id.0))?, self.is_crowded())
    }

    /// Whether bursts wait for the egress: with room, a burst that its own pace lets go goes at once.
    pub(super) fn is_crowded(&self) -> bool {
        let waiting = |class: EgressClass| self.ready.get(class.index()).map_or(0, List::len);
        waiting(EgressClass::BurstFirst) + waiting(EgressClass::BurstRest) > BURSTS_WAITING_MAX
    }

    fn decide(&mut self, now: Instant, id: ChannelId, hello: &Hello<'_>) -> (Verdict, Option<Decision>) {
        let Some(channel) = self.channel(id) else { return (Verdict::Saturated, None) };
        let Some(thresholds) = self.thresholds(id) else { return (Verdict::Saturated, None) };
        let settings = &channel.settings;
        let p0 = channel.clients.saturating_add(1);
        let by_stage = admit(&thresholds, p0, channel.nc(), self.config.hysteresis);
        let can_supply = slots_told(hello.upload_bps, settings) > 0;
        let has_spare = self.has_spare_slots(id, can_supply);
        let class = class_by_supply(by_stage, thresholds.stage(p0), has_spare);
        let decision = thresholds.explain(thresholds.stage(p0), p0, channel.nc());
        let has_room = channel.nc() + 1.0 <= f64::from(thresholds.n_star);
        if !has_overlay(settings.overlay, settings.levels_max) {
            let verdict = if has_room { Verdict::Push } else { Verdict::Saturated };
            return (verdict, Some(decision));
        }
        let all = Mask(settings.all_substreams());
        if settings.overlay == Overlay::Mesh {
            let offered = self.reserve_candidates(now, id, all, None);
            let is_seed = has_room && self.wants_seed(id, can_supply);
            return (if is_seed { Verdict::Push } else { Verdict::Mesh(offered) }, Some(decision));
        }
        let rate_bps = channel.substream_bps().saturating_mul(u64::from(settings.substreams));
        let verdict = match class {
            Class::Push if has_room => Verdict::Push,
            Class::Push | Class::P2p => {
                let offered = self.reserve_candidates(now, id, all, None);
                let has_candidates = offered.iter().any(|&place| place != 0);
                match self.start_lease(rate_bps, has_candidates) {
                    Some(granted) => Verdict::P2p(granted, offered),
                    None if by_stage == Class::Push && has_room => Verdict::Push,
                    None => Verdict::Saturated,
                }
            }
        };
        (verdict, Some(decision))
    }

    /// P0 changed: so may the stage.
    pub(super) fn on_load(&mut self, id: ChannelId) {
        let Some(thresholds) = self.thresholds(id) else { return };
        let Some(channel) = self.channel_mut(id) else { return };
        let p0 = channel.clients;
        let Some(stage) = channel.stage.on_load(&thresholds, p0) else { return };
        let decision = thresholds.explain(stage, p0, channel.nc());
        self.events.push(EdgeEvent::StageChanged { channel: id, decision }, &mut self.stats);
    }

    /// What pays for the start of a P2P client: what feeds and the rescue budget leave of the capacity when peers wait for it,
    /// else the rescue budget.
    fn start_lease(&self, rate_bps: u64, has_candidates: bool) -> Option<Granted> {
        if self.stats.waiting > 0 {
            // Who was let in before comes first.
            return None;
        }
        let config = &self.config;
        let kept_share = config.rescue_share + config.overhead_share + config.burst_share;
        let usable_bps = share_of(self.capacity_bps(), 1.0 - kept_share);
        let used_bps = self.promised.feeds_bps.saturating_add(self.promised.joins_bps);
        if has_candidates && used_bps.saturating_add(rate_bps) <= usable_bps {
            return Some(Granted::JoinLease);
        }
        self.has_rescue_budget(rate_bps).then_some(Granted::RescueLease)
    }

    /// Gives a newcomer a slot, not yet fed; `None`: the tables are full.
    fn seat(
        &mut self,
        now: Instant,
        path: Path,
        hello: &Hello<'_>,
        id: ChannelId,
        class: Class,
        is_shared: bool,
    ) -> Option<u32> {
        let start = if is_shared { self.start_in_full(id)? } else { self.start_of(id)? };
        let channel = self.channel(id)?;
        let client = newcomer(now, path, hello, id, class, channel, start);
        let handle = insert(&mut self.clients, client)?;
        let slot = handle.slot;
        if self.addresses.insert(path.remote, slot).is_err() {
            self.clients.remove(handle);
            return None;
        }
        let link = self.links.get_mut(slot as usize)?;
        *link = Link::EMPTY;
        link.on_heard(now);
        let record = self.records.get_mut(slot as usize)?;
        *record =
            ClientRecord { nonce: hello.nonce, start, upload_bps: hello.upload_bps, ..ClientRecord::EMPTY };
        let channel = self.channel_mut(id)?;
        channel.clients = channel.clients.saturating_add(1);
        channel.estimator.on_join();
        channel.minute.joined = channel.minute.joined.saturating_add(1);
        if is_shared {
            self.begin_sharing(slot, start);
        }
        self.on_load(id);
        Some(slot)
    }

    fn tell_admitted(
        &mut self,
        path: Path,
        slot: u32,
        channel: ChannelId,
        class: Class,
        decision: Option<Decision>,
    ) {
        let (Some(handle), Some(decision)) = (self.clients.handle_of(slot), decision) else { return };
        let client = self.client_id(handle);
        let event = EdgeEvent::Admitted { client, address: path.remote, channel, class, decision };
        self.events.push(event, &mut self.stats);
    }

    fn turn_away(
        &mut self,
        path: Path,
        len: usize,
        hello: &Hello<'_>,
        reason: RefusalReason,
        channel: Option<ChannelId>,
        decision: Option<Decision>,
    ) {
        self.stats.on_refusal(reason);
        if let Some(channel) = channel.and_then(|id| self.channel_mut(id)) {
            channel.minute.refused = channel.minute.refused.saturating_add(1);
        }
        let refused = Refused {
            nonce: hello.nonce,
            reason,
            // Who is refused because the line gives too little comes in soon after it gives more again.
            retry_after_ms: self.config.retry_after_ms / if self.stats.waiting > 0 { 2 } else { 1 },
            alternatives: self.config.alternatives.clone(),
        };
        self.replies.push(path, hello.link, len, Reply::Refused(refused), &mut self.stats);
        let event = EdgeEvent::Refused { reason, channel, decision, count: 1 };
        self.events.push(event, &mut self.stats);
    }
}

/// The slab gives a whole slot back when it is full; only whether it took it matters here.
fn insert(clients: &mut Slab<'_, ClientSlot>, client: ClientSlot) -> Option<crate::store::Handle> {
    clients.insert(client).ok()
}

/// Frames of a burst that come before the bursts of others.
pub(super) fn first_part(settings: &ChannelSettings) -> u32 {
    let first_ms = u64::from(settings.startup_ms) + FIRST_PART_MS;
    settings.frames_in(Duration::from_millis(first_ms))
}

fn newcomer(
    now: Instant,
    path: Path,
    hello: &Hello<'_>,
    id: ChannelId,
    class: Class,
    channel: &ChannelSlot,
    start: FrameId,
) -> ClientSlot {
    let settings = &channel.settings;
    let first_frames = first_part(settings);
    let burst_bytes = BURST_PACKETS * u32::try_from(DATAGRAM_LEN_MAX).unwrap_or(0);
    ClientSlot {
        path,
        link: hello.link,
        channel: id,
        class,
        pending: Pending { welcome: true, ..Pending::default() },
        pace: TokenBucket::new(now, BURST_RATE * u64::from(settings.rate_bps), burst_bytes),
        first_until: start.plus(first_frames),
        first_base: start.plus(first_frames),
        joined_at: now,
        ..ClientSlot::EMPTY
    }
}
