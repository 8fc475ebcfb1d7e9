//! Meeting other clients: those the edge introduces, by the same handshake from both sides, and strangers (`docs/wire.md`, "Peers").

use core::net::SocketAddr;
use core::time::Duration;

use super::machine::Client;
use super::peer::{Acquaintance, EDGE, NamedCandidate, Peer, bit, slot_bit};
use super::peers::deciseconds;
use crate::endpoint::{Path, Reject};
use crate::nat::{CompactAddress, is_local, is_same_address};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{ClientId, Introduce, LinkId, Meet};
use crate::wire::{Message, Messages};

/// Waits after each `Meet`: three at 50 ms, then longer (docs/wire.md, "Peers"); after the last the candidate is set aside.
const MEET_WAITS_MS: [u64; 6] = [50, 50, 100, 200, 400, 400];
/// Peers whose further addresses are kept at once.
pub(super) const WHEREABOUTS_MAX: usize = 8;
/// How long they are, in tenths of a second: until both sides use the same one.
const WHEREABOUTS_DS: u32 = 100;
/// Strangers known at once.
const STRANGERS_MAX: usize = 4;
/// Reports a peer that was not met is named in.
const UNMET_REPORTS: u8 = 3;
/// Bytes a datagram with `Meet` is padded to: the answer is no longer, whatever numbers are in it.
pub(super) const MEET_LEN: usize = 24;

/// Where else a peer may be reached than at its public address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whereabouts {
    slot: u8,
    addresses: [CompactAddress; 2],
    /// Tenths of a second since the origin.
    until_ds: u32,
}

/// With what right a newcomer takes a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The edge introduced it.
    Introduced,
    /// None.
    Stranger,
}

impl<S: FrameStore> Client<'_, S> {
    /// A datagram of `len` bytes under no link: a peer that wants to meet, or one that does not know us any more.
    pub(super) fn on_stranger(
        &mut self,
        now: Instant,
        path: &Path,
        len: usize,
        mut messages: Messages<'_>,
    ) -> Result<(), Reject> {
        let first = messages.next().ok_or(Reject::Malformed)??;
        if let Message::Reset { link } = first {
            return self.on_reset(now, path, link);
        }
        let Message::Meet(meet) = first else { return Err(Reject::Unexpected) };
        let slot = self.on_meet(now, path, len, &meet)?;
        if !self.peer(slot).is_some_and(Peer::is_met) {
            // Whoever has not proved its address gets `Met` and nothing else.
            return Ok(());
        }
        let own_link = self.peer(slot).map(|peer| peer.own_link);
        for message in messages {
            self.on_message(now, slot, &message?)?;
            if self.peer(slot).map(|peer| peer.own_link) != own_link {
                break;
            }
        }
        Ok(())
    }

    fn on_meet(&mut self, now: Instant, path: &Path, len: usize, meet: &Meet) -> Result<u8, Reject> {
        let session = self.session.as_ref().ok_or(Reject::Unexpected)?;
        if session.epoch != meet.epoch {
            return Err(Reject::Stale);
        }
        if meet.client == session.client || meet.client == ClientId::EDGE || self.is_leaving {
            return Err(Reject::Unexpected);
        }
        let introduced = self.slot_of_client(meet.client).filter(|&slot| self.is_at(slot, &path.remote));
        let slot = match introduced.or_else(|| self.slot_at(&path.remote)) {
            Some(slot) => slot,
            None => {
                self.note_unsolicited(&path.remote);
                self.take_slot(now, path.remote, Claim::Stranger).ok_or(Reject::Full)?
            }
        };
        let peer = self.peer(slot).ok_or(Reject::UnknownPeer)?;
        let (is_same_link, is_expected) = (peer.their_link == meet.link, peer.is_expected);
        let (acquaintance, client) = (peer.acquaintance, peer.client);
        match acquaintance {
            Acquaintance::None => return Err(Reject::UnknownPeer),
            Acquaintance::Stranger => self.note_stranger(slot, len, meet),
            // Only the edge's word or its own silence makes room for another client at an address in use.
            Acquaintance::Meeting | Acquaintance::Met if client != meet.client => {
                return Err(Reject::Unauthentic);
            }
            Acquaintance::Met if is_same_link => {}
            Acquaintance::Met if is_expected => return self.start_over(now, slot, path, meet),
            Acquaintance::Met => return Err(Reject::Unauthentic),
            Acquaintance::Meeting if !self.use_address(slot, &path.remote) => {
                return Err(Reject::Unauthentic);
            }
            Acquaintance::Meeting => self.become_met(now, slot, meet),
        }
        self.owe(slot, |owed| owed.met = true);
        Ok(slot)
    }

    /// A peer that forgot us and was introduced anew: its old feeds and children are gone.
    fn start_over(&mut self, now: Instant, slot: u8, path: &Path, meet: &Meet) -> Result<u8, Reject> {
        self.end_feeds(now, slot);
        self.forget_peer(slot);
        let slot = self.take_slot(now, path.remote, Claim::Introduced).ok_or(Reject::Full)?;
        if let Some(peer) = self.peer_mut(slot) {
            peer.client = meet.client;
        }
        self.become_met(now, slot, meet);
        self.owe(slot, |owed| owed.met = true);
        Ok(slot)
    }

    /// A stranger may be answered with as many bytes as it sent.
    fn note_stranger(&mut self, slot: u8, len: usize, meet: &Meet) {
        let Some(peer) = self.peer_mut(slot) else { return };
        peer.client = meet.client;
        peer.their_link = meet.link;
        peer.credit_bytes = u16::try_from(len).unwrap_or(u16::MAX);
    }

    pub(super) fn on_met(&mut self, now: Instant, slot: u8, met: &Meet) -> Result<(), Reject> {
        let session = self.session.as_ref().filter(|_| slot != EDGE).ok_or(Reject::Unexpected)?;
        if session.epoch != met.epoch {
            return Err(Reject::Stale);
        }
        let peer = self.peer_mut(slot).ok_or(Reject::UnknownPeer)?;
        if peer.meets == 1 {
            // Only then it is known which of several was answered.
            let sample = now.since(peer.probe.sent_at);
            peer.link.on_rtt_sample(sample);
            peer.meets = u8::MAX;
        }
        if peer.acquaintance == Acquaintance::Meeting {
            self.become_met(now, slot, met);
        }
        Ok(())
    }

    /// A datagram under a link's own id came: whoever sent it receives there. The side with the higher id follows the other's choice
    /// among its addresses.
    pub(super) fn on_path(&mut self, now: Instant, slot: u8, path: &Path) {
        let own = self.session.as_ref().map_or(ClientId::EDGE, |session| session.client);
        let Some(peer) = self.peer(slot) else { return };
        match peer.acquaintance {
            Acquaintance::Stranger => {
                let meet = Meet { link: peer.their_link, client: peer.client, epoch: 0 };
                self.become_met(now, slot, &meet);
            }
            Acquaintance::Meeting => {
                self.use_address(slot, &path.remote);
            }
            Acquaintance::Met if own > peer.client => {
                self.use_address(slot, &path.remote);
            }
            Acquaintance::Met | Acquaintance::None => {}
        }
    }

    /// Settles on an address of a peer. `false`: it is another's.
    fn use_address(&mut self, slot: u8, remote: &SocketAddr) -> bool {
        if slot == EDGE || self.peer(slot).is_some_and(|peer| is_same_address(&peer.remote, remote)) {
            return true;
        }
        if let Some(other) = self.slot_at(remote) {
            if self.peer(other).is_some_and(|peer| peer.acquaintance != Acquaintance::Stranger) {
                return false;
            }
            self.forget_peer(other);
        }
        if let Some(peer) = self.peer_mut(slot) {
            peer.remote = *remote;
        }
        true
    }

    fn become_met(&mut self, now: Instant, slot: u8, meet: &Meet) {
        let requested = self.requested_of(slot);
        let Some(peer) = self.peer_mut(slot) else { return };
        let was_meeting = peer.acquaintance == Acquaintance::Meeting;
        if !peer.is_met() {
            peer.acquaintance = Acquaintance::Met;
            peer.met_at = now;
        }
        peer.their_link = meet.link;
        peer.client = meet.client;
        peer.is_expected = false;
        peer.owed.meet = 0;
        peer.link.on_heard(now);
        self.owe(slot, |owed| {
            owed.whole_map = true;
            // What rode behind an earlier `Meet` was lost with it.
            owed.subscribe |= requested;
        });
        if was_meeting && self.is_named(meet.client) {
            self.stats.peers_met = self.stats.peers_met.saturating_add(1);
        }
    }

    /// Substreams whose request goes to a peer.
    fn requested_of(&self, slot: u8) -> u16 {
        let feeds = self.feeds.iter().zip(0_u8..);
        let requested = feeds.filter(|(feed, _)| feed.request.is_some_and(|request| request.peer == slot));
        requested.fold(0, |set, (_, substream)| set | bit(substream))
    }

    /// Whether the edge named a client as a candidate, rather than told it of us.
    fn is_named(&self, client: ClientId) -> bool {
        self.candidates.iter().any(|known| known.candidate.client == client)
    }

    pub(super) fn slot_at(&self, remote: &SocketAddr) -> Option<u8> {
        let position = self
            .peers
            .iter()
            .skip(1)
            .position(|peer| peer.is_known() && is_same_address(&peer.remote, remote))?;
        u8::try_from(position + 1).ok()
    }

    pub(super) fn slot_of_client(&self, client: ClientId) -> Option<u8> {
        let position = self.peers.iter().skip(1).position(|peer| peer.is_known() && peer.client == client)?;
        u8::try_from(position + 1).ok()
    }

    /// Whether a peer may be sending from `remote`: an address it is known by; while it is being met also another port, since a NAT
    /// may give it one for each receiver.
    pub(super) fn is_at(&self, slot: u8, remote: &SocketAddr) -> bool {
        let Some(peer) = self.peer(slot) else { return false };
        if is_same_address(&peer.remote, remote) {
            return true;
        }
        let is_meeting = peer.acquaintance == Acquaintance::Meeting && slot != EDGE;
        let others = self.whereabouts_of(slot);
        let is_ip = |address: SocketAddr| is_meeting && address.ip() == remote.ip();
        is_ip(peer.remote)
            || others.into_iter().flatten().any(|address| is_same_address(&address, remote) || is_ip(address))
    }

    fn whereabouts_of(&self, slot: u8) -> [Option<SocketAddr>; 2] {
        let found = self.whereabouts.iter().find(|whereabouts| whereabouts.slot == slot);
        found.map_or([None; 2], |whereabouts| whereabouts.addresses.map(|address| address.get()))
    }

    /// The edge told of a client that is told of us.
    pub(super) fn on_introduce(&mut self, now: Instant, introduce: &Introduce) -> Result<(), Reject> {
        let own = self.session.as_ref().ok_or(Reject::Unexpected)?.client;
        let (public, others) = introduce.addresses.split_first().ok_or(Reject::Malformed)?;
        if introduce.client == own || self.is_leaving {
            return Err(Reject::Unexpected);
        }
        let slot = self.expect(now, introduce.client, *public).ok_or(Reject::Full)?;
        self.note_whereabouts(now, slot, others);
        if self.peer(slot).is_some_and(|peer| peer.meets == 1 && peer.owed.meet != 0) {
            // Nothing was sent yet: to all addresses at once.
            let all = self.address_bits(slot);
            self.owe(slot, |owed| owed.meet = all);
        }
        Ok(())
    }

    /// Gets ready for a client the edge introduces; gives its slot.
    pub(super) fn expect(&mut self, now: Instant, client: ClientId, public: SocketAddr) -> Option<u8> {
        if let Some(slot) = self.slot_of_client(client) {
            let peer = self.peer_mut(slot)?;
            peer.is_expected = true;
            if peer.acquaintance == Acquaintance::Stranger && is_same_address(&peer.remote, &public) {
                let meet = Meet { link: peer.their_link, client, epoch: 0 };
                self.become_met(now, slot, &meet);
            }
            return Some(slot);
        }
        if let Some(slot) = self.slot_at(&public) {
            let peer = self.peer_mut(slot)?;
            if peer.acquaintance != Acquaintance::Stranger {
                // It joined the edge anew. If it lost its state with that its `Meet` brings another link.
                peer.client = client;
                peer.is_expected = true;
                return Some(slot);
            }
            self.forget_peer(slot);
        }
        let slot = self.take_slot(now, public, Claim::Introduced)?;
        let peer = self.peer_mut(slot)?;
        peer.client = client;
        peer.is_expected = true;
        self.meet(now, slot);
        Some(slot)
    }

    fn note_whereabouts(&mut self, now: Instant, slot: u8, others: &[SocketAddr]) {
        if others.is_empty() {
            return;
        }
        let now_ds = deciseconds(now);
        let mut addresses = [CompactAddress::NONE; 2];
        for (place, other) in addresses.iter_mut().zip(others) {
            *place = (*other).into();
        }
        self.whereabouts.retain(|whereabouts| whereabouts.slot != slot && whereabouts.until_ds > now_ds);
        if self.whereabouts.is_full() {
            self.whereabouts.remove(0);
        }
        // There is room: one was removed when it was full.
        let _ = self.whereabouts.push(Whereabouts {
            slot,
            addresses,
            until_ds: now_ds.saturating_add(WHEREABOUTS_DS),
        });
    }

    pub(super) fn forget_whereabouts(&mut self, slot: u8) {
        self.whereabouts.retain(|whereabouts| whereabouts.slot != slot);
    }

    /// The addresses `Meet` goes to, as bits: the public one, then the others.
    fn address_bits(&self, slot: u8) -> u8 {
        let others = self.whereabouts_of(slot).into_iter().zip([2, 4]);
        others.filter(|(address, _)| address.is_some()).fold(1, |set, (_, bit)| set | bit)
    }

    /// Where the next datagram for a peer goes.
    pub(super) fn target(&self, slot: u8) -> Option<SocketAddr> {
        let peer = self.peer(slot)?;
        let [first, second] = self.whereabouts_of(slot);
        let other = match peer.owed.meet.trailing_zeros() {
            1 => first,
            2 => second,
            _ => None,
        };
        Some(other.filter(|_| peer.acquaintance == Acquaintance::Meeting).unwrap_or(peer.remote))
    }

    /// The slot of a candidate, met or being met; `None` when all slots are taken by peers that matter.
    pub(super) fn slot_for(&mut self, now: Instant, candidate: &NamedCandidate) -> Option<u8> {
        match self.slot_of_client(candidate.client) {
            Some(slot) => Some(slot),
            None => self.expect(now, candidate.client, candidate.address.get()?),
        }
    }

    /// Sends `Meet` to all addresses of a peer.
    pub(super) fn meet(&mut self, now: Instant, slot: u8) {
        let all = self.address_bits(slot);
        let Some(peer) = self.peer_mut(slot) else { return };
        if peer.meets == 0 {
            peer.probe.sent_at = now;
        }
        let wait_ms = MEET_WAITS_MS.get(usize::from(peer.meets)).copied().unwrap_or(400);
        peer.meets = peer.meets.saturating_add(1);
        let again_at = now + Duration::from_millis(wait_ms);
        peer.again_at = again_at;
        self.clocks.check_at = self.clocks.check_at.min(again_at);
        self.owe(slot, |owed| owed.meet = all);
    }

    /// `Meet` is due again, or in vain.
    pub(super) fn on_meet_due(&mut self, now: Instant, slot: u8) {
        let Some(peer) = self.peer(slot) else { return };
        if usize::from(peer.meets) < MEET_WAITS_MS.len() {
            self.meet(now, slot);
            return;
        }
        let client = peer.client;
        if self.is_named(client) {
            self.stats.peers_unmet = self.stats.peers_unmet.saturating_add(1);
            self.unmet.retain(|(other, _)| *other != client);
            if self.unmet.is_full() {
                self.unmet.remove(0);
            }
            // There is room: one was removed when it was full.
            let _ = self.unmet.push((client, UNMET_REPORTS));
            self.owe(EDGE, |owed| owed.status = true);
        }
        self.lose_peer(now, slot);
    }

    /// Where a peer sees us.
    pub(super) fn on_seen(&mut self, slot: u8, address: &SocketAddr) -> Result<(), Reject> {
        let session = self.session.as_ref().filter(|_| slot != EDGE).ok_or(Reject::Unexpected)?;
        let observed = session.observed;
        let is_same_kind = observed.is_ipv4() == address.is_ipv4();
        // On the way through our own network a peer sees another address than the edge.
        if is_same_kind && (!is_local(&address.ip()) || is_local(&observed.ip())) {
            self.discovery.on_seen(is_same_address(address, &observed));
        }
        Ok(())
    }

    /// A slot for a newcomer: a free one. For one the edge introduced else a stranger's, else that of the peer unheard for longest
    /// among those without a feed either way; strangers take nobody's place and only few.
    pub(super) fn take_slot(&mut self, now: Instant, remote: SocketAddr, claim: Claim) -> Option<u8> {
        let is_stranger = |peer: &Peer| peer.acquaintance == Acquaintance::Stranger;
        let strangers = self.peers.iter().filter(|peer| is_stranger(peer)).count();
        if claim == Claim::Stranger && strangers >= STRANGERS_MAX {
            return None;
        }
        let free = (1..self.peers_len()).find(|&slot| self.peer(slot).is_some_and(|peer| !peer.is_known()));
        let slot = match (free, claim) {
            (Some(slot), _) => slot,
            (None, Claim::Stranger) => return None,
            (None, Claim::Introduced) => {
                let idle = (1..self.peers_len()).filter(|&slot| !self.is_related(slot));
                let slot = idle.min_by_key(|&slot| {
                    self.peer(slot).map(|peer| (!is_stranger(peer), peer.link.last_heard()))
                })?;
                self.forget_peer(slot);
                slot
            }
        };
        let acquaintance = match claim {
            Claim::Introduced => Acquaintance::Meeting,
            Claim::Stranger => Acquaintance::Stranger,
        };
        let generation = self.rng.below(1 << 10);
        let own_link = LinkId(((generation | 1) << 16) | u32::from(slot));
        self.known |= slot_bit(slot);
        if let Some(window) = self.windows.get_mut(usize::from(slot)) {
            *window = 0;
        }
        let peer = self.peer_mut(slot)?;
        *peer = Peer { acquaintance, remote, own_link, met_at: now, again_at: now, ..Peer::EMPTY };
        peer.link.on_heard(now);
        Some(slot)
    }
}
