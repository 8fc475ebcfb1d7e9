//! Keeping other clients, and losing them.

use core::time::Duration;

use super::machine::Client;
use super::peer::{Acquaintance, EDGE, Known, Owed, Peer, bit, slot_bit, slots_of};
use super::succession::Successors;
use crate::endpoint::{Path, Reject};
use crate::nat::is_same_address;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{Candidate, ClientId, LeaveReason, LinkId, RefuseReason};

/// How long a candidate that did not answer is set aside.
const SET_ASIDE: Duration = Duration::from_secs(60);
/// How long a candidate can be met after it was named, in tenths of a second: what keeps a NAT's filter open is shorter than two
/// minutes (RFC 4787 clause 4.3), by many accounts 30 s.
const NAMED_DS: u32 = 300;
/// Peers that maps are exchanged with beside those that feed or are fed (docs/wire.md, "Pull").
const PARTNERS_MAX: usize = 8;
/// A peer not heard for this long is gone (docs/wire.md, "Feeds").
pub(super) const SILENT_MAX: Duration = Duration::from_secs(3);

impl<S: FrameStore> Client<'_, S> {
    /// Changes what a peer is owed.
    pub(super) fn owe(&mut self, slot: u8, change: impl FnOnce(&mut Owed)) {
        if let Some(owed) = self.owed_mut(slot) {
            change(owed);
        }
    }

    /// What a peer is owed from now on, to be written when it is polled next; `None` when nobody has the slot.
    #[cfg_attr(target_os = "none", inline(never))]
    fn owed_mut(&mut self, slot: u8) -> Option<&mut Owed> {
        let peer = self.peers.get_mut(usize::from(slot)).filter(|peer| peer.is_known())?;
        self.owing |= slot_bit(slot);
        Some(&mut peer.owed)
    }

    pub(super) fn on_reset(&mut self, now: Instant, path: &Path, link: LinkId) -> Result<(), Reject> {
        if self.is_tuned_in_vain(path, link) {
            return Ok(());
        }
        let is_of = |peer: &Peer| {
            peer.is_met() && is_same_address(&peer.remote, &path.remote) && peer.their_link == link
        };
        let slot = self.peers.iter().position(is_of).ok_or(Reject::UnknownPeer)?;
        match u8::try_from(slot) {
            Ok(EDGE) => self.rejoin(now, LeaveReason::Silent),
            Ok(slot) => self.lose_peer(now, slot),
            Err(_) => {}
        }
        Ok(())
    }

    /// Whether a feed, or the asking for one, joins this client and a peer.
    pub(super) fn is_related(&self, slot: u8) -> bool {
        let is_child = self.peer(slot).is_some_and(Peer::is_child);
        let is_feeder = self.feeds.iter().any(|feed| {
            feed.is_from(slot)
                || feed.tail.is_some_and(|tail| tail.peer == slot)
                || feed.request.is_some_and(|request| request.peer == slot)
        });
        is_child || is_feeder
    }

    /// The slots of those that maps are exchanged with: who feeds us or is fed, and the last that were met of the others, whose maps
    /// tell where else to ask. Who is told nothing falls silent, and is forgotten by both.
    pub(super) fn partners(&self) -> u64 {
        let met = slots_of(self.known & !slot_bit(EDGE));
        let met = met.filter(|&slot| self.peer(slot).is_some_and(Peer::is_met));
        let (mut partners, mut idle) = (0, 0);
        for slot in met {
            *(if self.is_related(slot) { &mut partners } else { &mut idle }) |= slot_bit(slot);
        }
        let idle_max = if self.is_in_mesh() { self.peers.len() } else { PARTNERS_MAX };
        for _ in 0..idle_max {
            let newest = slots_of(idle).max_by_key(|&slot| self.peer(slot).map(|peer| peer.met_at));
            let Some(newest) = newest else { break };
            partners |= slot_bit(newest);
            idle &= !slot_bit(newest);
        }
        partners
    }

    /// Frees a peer's slot. Its feeds must have been dealt with before ([`Self::lose_peer`]).
    pub(super) fn forget_peer(&mut self, slot: u8) {
        for feed in &mut self.feeds {
            feed.forget_peer(slot);
        }
        self.holes.forget_peer(slot);
        self.forget_whereabouts(slot);
        self.former = self.former.filter(|former| former.slot != slot);
        if self.sending.is_some_and(|sending| sending.slot == slot) {
            self.sending = None;
        }
        let others = !slot_bit(slot);
        self.known &= others;
        self.owing &= others;
        self.serving &= others;
        self.parting &= others;
        if let Some(peer) = self.peer_mut(slot) {
            *peer = Peer::EMPTY;
        }
    }

    /// A peer is gone: what it fed is taken from the edge meanwhile.
    pub(super) fn lose_peer(&mut self, now: Instant, slot: u8) {
        let Some(client) = self.peer(slot).map(|peer| peer.client) else { return };
        self.set_aside(client, now + SET_ASIDE);
        self.end_feeds(now, slot);
        self.forget_peer(slot);
    }

    /// What a peer fed is taken from the edge.
    pub(super) fn end_feeds(&mut self, now: Instant, slot: u8) {
        for substream in 0..self.substreams() {
            self.on_feeder_lost(now, slot, substream);
        }
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
        // Of a question that was repeated it is not known which one was answered (RFC 9293 clause 3.8.1, Karn's algorithm).
        if peer.probe.pings <= 1 {
            let sample = now.since(peer.probe.sent_at);
            peer.link.on_rtt_sample(sample);
        }
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
        peer.probe.pings = 1;
        self.owe(slot, |owed| owed.ping = true);
    }

    pub(super) fn on_leave(&mut self, now: Instant, slot: u8, reason: LeaveReason) -> Result<(), Reject> {
        if slot == EDGE {
            let edge = self.edge;
            self.rejoin(now, reason);
            // Not at once: the edge that said goodbye has just gone.
            if let Some(joining) =
                self.joining.as_mut().filter(|joining| is_same_address(&joining.edge, &edge))
            {
                joining.delay(now + Duration::from_secs(1));
            }
        } else {
            let feeds = self.feeds.iter().zip(0_u8..).filter(|(feed, _)| feed.is_from(slot));
            let fed = feeds.fold(0, |set, (_, substream)| set | bit(substream));
            let (of, named) = core::mem::replace(&mut self.successors, (EDGE, Successors::new()));
            self.lose_peer(now, slot);
            if of == slot {
                self.ask_successors(now, fed, &named);
            }
        }
        Ok(())
    }

    /// Keeps acquaintances going: repeats meets, gives up on the silent.
    pub(super) fn check_peers(&mut self, now: Instant) {
        for slot in slots_of(self.known & !slot_bit(EDGE)) {
            let Some(peer) = self.peer(slot).filter(|peer| peer.is_known()) else { continue };
            let is_silent = now.since(peer.link.last_heard()) > SILENT_MAX;
            match peer.acquaintance {
                Acquaintance::Meeting if peer.again_at > now => {
                    self.clocks.check_at = self.clocks.check_at.min(peer.again_at);
                }
                Acquaintance::Meeting => self.on_meet_due(now, slot),
                Acquaintance::Stranger if is_silent => self.forget_peer(slot),
                // One that neither feeds nor is fed may have had too many others.
                Acquaintance::Met if is_silent && !self.is_related(slot) => self.forget_peer(slot),
                Acquaintance::Met if is_silent => self.lose_peer(now, slot),
                Acquaintance::Stranger | Acquaintance::Met | Acquaintance::None => {}
            }
        }
        self.drop_old_candidates(now);
        self.check_former(now);
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
        let named_ds = deciseconds(now);
        for candidate in list.iter().filter(|candidate| candidate.client != own) {
            let fresh = Known { candidate: candidate.into(), named_ds, not_before: Instant::ZERO };
            let is_same_address = |known: &&mut Known| known.candidate.client == candidate.client;
            if let Some(known) = self.candidates.iter_mut().find(is_same_address) {
                *known = Known { not_before: known.not_before, ..fresh };
            } else {
                if self.candidates.is_full() {
                    self.candidates.remove(0);
                }
                // There is room: one was removed when it was full.
                let _ = self.candidates.push(fresh);
            }
            // It is told of us at this moment: later its NAT may be shut again.
            let _ = self.expect(now, candidate.client, candidate.address);
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

    /// Candidates named long ago and not met can not be met any more: their NATs were open for us then.
    fn drop_old_candidates(&mut self, now: Instant) {
        let Self { candidates, peers, .. } = self;
        let oldest_ds = deciseconds(now).saturating_sub(NAMED_DS);
        let is_met = |client| peers.iter().skip(1).any(|peer| peer.is_met() && peer.client == client);
        candidates.retain(|known| known.named_ds >= oldest_ds || is_met(known.candidate.client));
    }

    /// Notes why a candidate did not become a parent.
    pub(super) fn on_candidate_refused(
        &mut self,
        now: Instant,
        slot: u8,
        substream: u8,
        reason: RefuseReason,
    ) {
        self.stats.candidates_refused.add(reason);
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
                known.candidate.feedable &= !bit(substream);
            }
            RefuseReason::Leaving => known.not_before = now + SET_ASIDE,
        }
    }
}

/// Tenths of a second since the origin.
pub(super) fn deciseconds(now: Instant) -> u32 {
    u32::try_from(now.as_micros() / 100_000).unwrap_or(u32::MAX)
}
