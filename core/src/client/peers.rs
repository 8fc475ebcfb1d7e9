//! Coming to know other clients, and losing them.

use core::net::SocketAddr;
use core::time::Duration;

use super::machine::Client;
use super::peer::{Acquaintance, EDGE, Known, Owed, Peer, slot_bit, slots_of};
use crate::endpoint::{Path, Reject};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{Candidate, ClientId, LeaveReason, LinkId, Meet, RefuseReason};
use crate::wire::{Message, Messages};

/// Waits between meets (docs/wire.md, "Peers"); after the last the candidate is set aside.
const MEET_WAITS_MS: [u64; 4] = [100, 200, 400, 400];
/// How long a candidate that did not answer is set aside.
const SET_ASIDE: Duration = Duration::from_secs(60);
/// A peer not heard for this long is gone (docs/wire.md, "Feeds").
pub(super) const SILENT_MAX: Duration = Duration::from_secs(3);

impl<S: FrameStore> Client<'_, S> {
    /// Changes what a peer is owed.
    pub(super) fn owe(&mut self, slot: u8, change: impl FnOnce(&mut Owed)) {
        if let Some(peer) = self.peer_mut(slot).filter(|peer| peer.is_known()) {
            change(&mut peer.owed);
            self.owing |= slot_bit(slot);
        }
    }

    /// A datagram under no link: a peer that wants to meet, or one that does not know us any more.
    pub(super) fn on_stranger(
        &mut self,
        now: Instant,
        path: &Path,
        mut messages: Messages<'_>,
    ) -> Result<(), Reject> {
        let first = messages.next().ok_or(Reject::Malformed)??;
        if let Message::Reset { link } = first {
            return self.on_reset(now, path, link);
        }
        let Message::Meet(meet) = first else { return Err(Reject::Unexpected) };
        let slot = self.on_meet(now, path, &meet)?;
        let own_link = self.peer(slot).map(|peer| peer.own_link);
        for message in messages {
            self.on_message(now, slot, &message?)?;
            if self.peer(slot).map(|peer| peer.own_link) != own_link {
                break;
            }
        }
        Ok(())
    }

    fn on_reset(&mut self, now: Instant, path: &Path, link: LinkId) -> Result<(), Reject> {
        let is_of = |peer: &Peer| peer.is_met() && peer.remote == path.remote && peer.their_link == link;
        let slot = self.peers.iter().position(is_of).ok_or(Reject::UnknownPeer)?;
        match u8::try_from(slot) {
            Ok(EDGE) => self.rejoin(now, LeaveReason::Silent),
            Ok(slot) => self.lose_peer(now, slot),
            Err(_) => {}
        }
        Ok(())
    }

    fn on_meet(&mut self, now: Instant, path: &Path, meet: &Meet) -> Result<u8, Reject> {
        let session = self.session.as_ref().ok_or(Reject::Unexpected)?;
        if session.epoch != meet.epoch {
            return Err(Reject::Stale);
        }
        if meet.client == session.client || meet.client == ClientId::EDGE || self.is_leaving {
            return Err(Reject::Unexpected);
        }
        let known = self.slot_at(&path.remote);
        if let Some(slot) = known {
            let is_other = self.peer(slot).is_some_and(|peer| peer.is_met() && peer.their_link != meet.link);
            if is_other {
                // The same address, another life: its old feeds and children are gone.
                self.lose_peer(now, slot);
            }
        }
        let slot = match self.slot_at(&path.remote) {
            Some(slot) => slot,
            None => self.take_slot(now, path.remote).ok_or(Reject::Full)?,
        };
        self.become_met(now, slot, meet);
        self.owe(slot, |owed| owed.met = true);
        Ok(slot)
    }

    pub(super) fn on_met(&mut self, now: Instant, slot: u8, met: &Meet) -> Result<(), Reject> {
        let session = self.session.as_ref().filter(|_| slot != EDGE).ok_or(Reject::Unexpected)?;
        if session.epoch != met.epoch {
            return Err(Reject::Stale);
        }
        let peer = self.peer_mut(slot).ok_or(Reject::UnknownPeer)?;
        if peer.acquaintance == Acquaintance::Meeting {
            if peer.meets == 1 {
                let sample = now.since(peer.met_at);
                peer.link.on_rtt_sample(sample);
            }
            self.become_met(now, slot, met);
        }
        Ok(())
    }

    fn become_met(&mut self, now: Instant, slot: u8, meet: &Meet) {
        let Some(peer) = self.peer_mut(slot) else { return };
        if !peer.is_met() {
            peer.acquaintance = Acquaintance::Met;
            peer.met_at = now;
        }
        peer.their_link = meet.link;
        peer.client = meet.client;
        peer.owed.meet = false;
        peer.link.on_heard(now);
        self.owe(slot, |owed| owed.whole_map = true);
    }

    fn slot_at(&self, remote: &SocketAddr) -> Option<u8> {
        let position =
            self.peers.iter().skip(1).position(|peer| peer.is_known() && peer.remote == *remote)?;
        u8::try_from(position + 1).ok()
    }

    /// The slot of a candidate, met or being met; `None` when all slots are taken by peers that matter.
    pub(super) fn slot_for(&mut self, now: Instant, candidate: &Candidate) -> Option<u8> {
        if let Some(slot) = self.slot_at(&candidate.address) {
            return Some(slot);
        }
        let slot = self.take_slot(now, candidate.address)?;
        let peer = self.peer_mut(slot)?;
        peer.client = candidate.client;
        self.meet(now, slot);
        Some(slot)
    }

    fn meet(&mut self, now: Instant, slot: u8) {
        if let Some(peer) = self.peer_mut(slot) {
            let wait_ms = MEET_WAITS_MS.get(usize::from(peer.meets)).copied().unwrap_or(400);
            peer.meets = peer.meets.saturating_add(1);
            peer.again_at = now + Duration::from_millis(wait_ms);
        }
        self.owe(slot, |owed| owed.meet = true);
    }

    /// A slot for a newcomer: a free one, else that of the peer unheard for longest among those without a feed either way.
    fn take_slot(&mut self, now: Instant, remote: SocketAddr) -> Option<u8> {
        let free = self.peers.iter().skip(1).position(|peer| !peer.is_known()).map(|position| position + 1);
        let slot = match free {
            Some(slot) => u8::try_from(slot).ok()?,
            None => {
                let idle = (1..self.peers_len()).filter(|&slot| !self.is_related(slot));
                let slot = idle.min_by_key(|&slot| self.peer(slot).map(|peer| peer.link.last_heard()))?;
                self.forget_peer(slot);
                slot
            }
        };
        let generation = self.rng.below(1 << 10);
        let own_link = LinkId(((generation | 1) << 16) | u32::from(slot));
        let acquaintance = Acquaintance::Meeting;
        self.known |= slot_bit(slot);
        let peer = self.peer_mut(slot)?;
        *peer = Peer { acquaintance, remote, own_link, met_at: now, again_at: now, ..Peer::EMPTY };
        peer.link.on_heard(now);
        Some(slot)
    }

    /// Whether a feed, or the asking for one, joins this client and a peer.
    fn is_related(&self, slot: u8) -> bool {
        let is_child = self.peer(slot).is_some_and(Peer::is_child);
        let is_feeder = self.feeds.iter().any(|feed| {
            feed.is_from(slot)
                || feed.tail.is_some_and(|tail| tail.peer == slot)
                || feed.request.is_some_and(|request| request.peer == slot)
        });
        is_child || is_feeder
    }

    /// Frees a peer's slot. Its feeds must have been dealt with before ([`Self::lose_peer`]).
    pub(super) fn forget_peer(&mut self, slot: u8) {
        for feed in &mut self.feeds {
            feed.forget_peer(slot);
        }
        self.holes.forget_peer(slot);
        if self.sending.is_some_and(|sending| sending.slot == slot) {
            self.sending = None;
        }
        let others = !slot_bit(slot);
        self.known &= others;
        self.owing &= others;
        self.serving &= others;
        if let Some(peer) = self.peer_mut(slot) {
            *peer = Peer::EMPTY;
        }
    }

    /// A peer is gone: what it fed is taken from the edge meanwhile.
    pub(super) fn lose_peer(&mut self, now: Instant, slot: u8) {
        let Some(client) = self.peer(slot).map(|peer| peer.client) else { return };
        self.set_aside(client, now + SET_ASIDE);
        for substream in 0..self.substreams() {
            self.on_feeder_lost(now, slot, substream);
        }
        self.forget_peer(slot);
    }

    pub(super) fn set_aside(&mut self, client: ClientId, until: Instant) {
        for known in self.candidates.iter_mut().filter(|known| known.candidate.client == client) {
            known.not_before = known.not_before.max(until);
        }
    }

    pub(super) fn on_pong(&mut self, now: Instant, slot: u8, token: u32) -> Result<(), Reject> {
        let peer = self.peer_mut(slot).filter(|peer| peer.probe.token == token && token != 0);
        let peer = peer.ok_or(Reject::Stale)?;
        peer.probe.token = 0;
        let sample = now.since(peer.probe.sent_at);
        peer.link.on_rtt_sample(sample);
        Ok(())
    }

    /// Asks a peer whether it is there, unless it is being asked.
    pub(super) fn probe(&mut self, now: Instant, slot: u8) {
        let token = self.rng.next_u32() | 1;
        let Some(peer) = self.peer_mut(slot).filter(|peer| peer.is_met() && peer.probe.token == 0) else {
            return;
        };
        peer.probe.token = token;
        peer.probe.sent_at = now;
        self.owe(slot, |owed| owed.ping = true);
    }

    pub(super) fn on_leave(&mut self, now: Instant, slot: u8, reason: LeaveReason) -> Result<(), Reject> {
        if slot == EDGE {
            self.rejoin(now, reason);
            // Not at once: the edge that said goodbye has just gone.
            if let Some(joining) = &mut self.joining {
                joining.delay(now + Duration::from_secs(1));
            }
        } else {
            self.lose_peer(now, slot);
        }
        Ok(())
    }

    /// Keeps acquaintances going: repeats meets, gives up on the silent.
    pub(super) fn check_peers(&mut self, now: Instant) {
        for slot in slots_of(self.known & !slot_bit(EDGE)) {
            let Some(peer) = self.peer(slot).filter(|peer| peer.is_known()) else { continue };
            let is_silent = now.since(peer.link.last_heard()) > SILENT_MAX;
            let is_unanswered = usize::from(peer.meets) >= MEET_WAITS_MS.len();
            match peer.acquaintance {
                Acquaintance::Meeting if peer.again_at > now => {}
                Acquaintance::Meeting if is_unanswered => self.lose_peer(now, slot),
                Acquaintance::Meeting => self.meet(now, slot),
                Acquaintance::Met if is_silent => self.lose_peer(now, slot),
                Acquaintance::Met | Acquaintance::None => {}
            }
        }
        self.check_edge(now);
    }

    /// A P2P client hears nothing from its edge unless it asks.
    fn check_edge(&mut self, now: Instant) {
        let Some(edge) = self.peer(EDGE).filter(|edge| edge.is_met()) else { return };
        let silence = now.since(edge.link.last_heard());
        if silence > SILENT_MAX.saturating_add(Duration::from_secs(1)) {
            self.rejoin(now, LeaveReason::Silent);
        } else if silence > Duration::from_secs(1) {
            let is_stale = now.since(edge.probe.sent_at) > Duration::from_millis(500);
            if let Some(edge) = self.peer_mut(EDGE).filter(|_| is_stale) {
                edge.probe.token = 0;
            }
            self.probe(now, EDGE);
        }
    }

    pub(super) fn on_candidates(&mut self, now: Instant, list: &[Candidate]) -> Result<(), Reject> {
        let own = self.session.as_ref().ok_or(Reject::Unexpected)?.client;
        for candidate in list.iter().filter(|candidate| candidate.client != own) {
            let fresh = Known { candidate: *candidate, not_before: Instant::ZERO };
            let is_same = |known: &&mut Known| known.candidate.client == candidate.client;
            if let Some(known) = self.candidates.iter_mut().find(is_same) {
                known.candidate = *candidate;
            } else {
                if self.candidates.is_full() {
                    self.candidates.remove(0);
                }
                // There is room: one was removed when it was full.
                let _ = self.candidates.push(fresh);
            }
        }
        if !list.is_empty() {
            self.clocks.find_every = Duration::from_millis(500);
            for feed in self.feeds.iter_mut().filter(|feed| feed.request.is_none()) {
                feed.search_at = feed.search_at.min(now);
            }
            self.clocks.check_at = now;
        }
        Ok(())
    }

    /// Notes why a candidate did not become a parent.
    pub(super) fn on_candidate_refused(
        &mut self,
        now: Instant,
        slot: u8,
        substream: u8,
        reason: RefuseReason,
    ) {
        let Some(client) = self.peer(slot).map(|peer| peer.client) else { return };
        let Some(known) = self.candidates.iter_mut().find(|known| known.candidate.client == client) else {
            return;
        };
        match reason {
            RefuseReason::Full | RefuseReason::Budget | RefuseReason::Slow => {
                known.candidate.slots = 0;
                known.not_before = now + Duration::from_secs(2);
            }
            RefuseReason::Level | RefuseReason::Unhealthy => {
                known.candidate.feedable &= !super::peer::bit(substream);
            }
            RefuseReason::Leaving => known.not_before = now + SET_ASIDE,
        }
    }
}
