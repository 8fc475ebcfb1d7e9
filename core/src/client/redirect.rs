//! Going to another edge: one that refuses names others, and one that hands its clients over keeps feeding them meanwhile
//! (`docs/wire.md`, "Other edges").

use core::net::SocketAddr;
use core::time::Duration;

use heapless::Vec;

use super::events::ClientEvent;
use super::machine::Client;
use super::meeting::Claim;
use super::peer::{Acquaintance, EDGE, Owed, Peer, slot_bit, slots_of};
use super::session::Joining;
use crate::endpoint::{Path, Reject};
use crate::limits::ALTERNATIVES_MAX;
use crate::nat::is_same_address;
use crate::rng::Rng;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{ClientId, LinkId, RefusalReason};
use crate::wire::{Message, Messages};

/// Of the edges named, the least loaded first, one among so many is drawn: everybody's first choice would be the next to be full.
const DRAWN_FROM: u32 = 2;
/// An alternative that does not answer within four hellos is passed over.
pub(super) const ALTERNATIVE_WAIT: Duration = Duration::from_secs(2);
/// Without alternatives, the edge of the settings and the one that served last take turns.
pub(super) const TURN_WAIT: Duration = Duration::from_secs(8);
/// The former edge feeds on this long at most: a lease there ends after as long.
const FORMER_MAX: Duration = Duration::from_secs(5);

/// The edges still to be asked, and where to go back to.
#[derive(Clone, Debug)]
pub(super) struct Tour {
    rest: Vec<SocketAddr, ALTERNATIVES_MAX>,
    /// The edge that named them, when it may be asked again; `None`: nobody is asked in another's place.
    back: Option<(SocketAddr, Instant)>,
}

impl Tour {
    pub(super) const NONE: Self = Self { rest: Vec::new(), back: None };

    /// Draws the next edge.
    fn draw(&mut self, rng: &mut Rng) -> Option<SocketAddr> {
        let len = u32::try_from(self.rest.len()).ok().filter(|&len| len > 0)?;
        let place = usize::try_from(rng.below(len.min(DRAWN_FROM))).ok()?;
        // In their order: the others stay the least loaded first.
        let drawn = *self.rest.get(place)?;
        self.rest.retain(|edge| !is_same_address(edge, &drawn));
        Some(drawn)
    }
}

/// The edge the client came from, while it still feeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Former {
    pub(super) slot: u8,
    /// How it addresses us: by an id of slot 0.
    pub(super) link: LinkId,
    until: Instant,
}

/// Whether another edge may do what this one refuses.
const fn is_worth_asking_elsewhere(reason: RefusalReason) -> bool {
    match reason {
        RefusalReason::Saturated | RefusalReason::Full | RefusalReason::Draining => true,
        RefusalReason::UnknownChannel | RefusalReason::NotOnAir | RefusalReason::Ticket => false,
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// An edge that refused names others: they are asked first. `false`: there are none, or they are not to be followed.
    pub(super) fn follow(
        &mut self,
        now: Instant,
        reason: RefusalReason,
        alternatives: &[SocketAddr],
        back: (SocketAddr, Instant),
    ) -> bool {
        let is_followed = self.config.follows_redirects && is_worth_asking_elsewhere(reason);
        if !is_followed || !self.set_out(alternatives, back) {
            return false;
        }
        self.ask_next(now);
        true
    }

    /// Notes whom to ask. `false`: nobody.
    fn set_out(&mut self, alternatives: &[SocketAddr], back: (SocketAddr, Instant)) -> bool {
        let others = alternatives.iter().copied().filter(|&other| other != back.0);
        let rest: Vec<_, ALTERNATIVES_MAX> = crate::store::as_many_as_fit(others);
        if rest.is_empty() {
            return false;
        }
        self.tour = Tour { rest, back: Some(back) };
        true
    }

    /// Whether an edge is being asked in another's place.
    pub(super) const fn is_touring(&self) -> bool {
        self.tour.back.is_some()
    }

    /// The edge asked has no room or does not answer: the next, or back to the one that named it.
    pub(super) fn ask_next(&mut self, now: Instant) {
        let Some(joining) = self.joining else { return };
        if let Some(edge) = self.tour.draw(&mut self.rng) {
            if joining.is_move {
                self.begin_moving(now, edge);
            } else {
                self.begin_joining(now, edge, ALTERNATIVE_WAIT);
                self.keep_start(&joining);
            }
            self.push_event(ClientEvent::Redirected { to: edge });
            return;
        }
        let back = core::mem::replace(&mut self.tour, Tour::NONE).back;
        if joining.is_move {
            // The edge that feeds us goes on; it says so again if it wants us to go.
            self.joining = None;
            return;
        }
        let other =
            if is_same_address(&joining.edge, &self.config.edge) { self.served } else { self.config.edge };
        let (edge, at) = back.unwrap_or((other, now));
        self.begin_joining(now, edge, TURN_WAIT);
        self.keep_start(&joining);
        if let Some(joining) = self.joining.as_mut().filter(|_| at > now) {
            joining.delay(at);
        }
    }

    /// Startup is counted from the first hello to the first edge.
    fn keep_start(&mut self, before: &Joining) {
        if let Some(joining) = &mut self.joining {
            joining.started_at = before.started_at;
        }
    }

    /// The edge asks us to go: others are asked, and the session here goes on until one lets us in.
    pub(super) fn on_redirect(&mut self, now: Instant, alternatives: &[SocketAddr]) -> Result<(), Reject> {
        let is_free = self.joining.is_none() && self.session.is_some() && !self.is_leaving;
        if !is_free || !self.config.follows_redirects || !self.set_out(alternatives, (self.edge, now)) {
            return Err(Reject::Unexpected);
        }
        if let Some(edge) = self.tour.draw(&mut self.rng) {
            self.begin_moving(now, edge);
            self.push_event(ClientEvent::Redirected { to: edge });
        }
        Ok(())
    }

    /// Says hello to another edge; slot 0 stays with the one that feeds us.
    fn begin_moving(&mut self, now: Instant, edge: SocketAddr) {
        let own_link = self.draw_edge_link();
        let nonce = self.rng.next_u64();
        let mut joining = Joining::new(now, nonce, edge, own_link);
        joining.is_move = true;
        self.joining = Some(joining);
    }

    /// Whether a datagram is an answer to a hello that is said beside a session.
    pub(super) fn is_answer(&self, link: LinkId, path: &Path) -> bool {
        self.joining.as_ref().is_some_and(|joining| {
            joining.is_move && joining.own_link == link && is_same_address(&joining.edge, &path.remote)
        })
    }

    /// What another edge says before, and right after, it lets us in.
    pub(super) fn on_answer(
        &mut self,
        now: Instant,
        link: LinkId,
        messages: Messages<'_>,
    ) -> Result<(), Reject> {
        let mut verdict = Ok(());
        for message in messages {
            let message = message?;
            let is_in = self.peer(EDGE).is_some_and(|edge| edge.own_link == link);
            let taken = if is_in {
                self.on_message(now, EDGE, &message)
            } else if let Message::Challenge(challenge) = &message {
                self.on_challenge(now, challenge)
            } else if let Message::Refused(refused) = &message {
                self.on_refused(now, refused)
            } else if let Message::Welcome(welcome) = &message {
                self.on_welcome(now, welcome)
            } else {
                Err(Reject::Unexpected)
            };
            verdict = verdict.and(taken);
        }
        verdict
    }

    /// Another edge let us in: it takes slot 0, and the one there becomes a feeder like any other, for a while.
    pub(super) fn change_edges(&mut self, now: Instant, joining: &Joining) {
        let former = self.peer(EDGE).filter(|edge| edge.is_met()).map(|edge| edge.remote);
        // One address is one peer: where a peer was met at the edge's, the edge is let go at once.
        let former = former.filter(|remote| self.slot_at(remote).is_none());
        let slot = former.and_then(|remote| self.take_slot(now, remote, Claim::Introduced));
        match slot {
            Some(slot) => {
                if let Some((edge, others)) = self.peers.split_first_mut()
                    && let Some(other) = others.get_mut(usize::from(slot).wrapping_sub(1))
                {
                    core::mem::swap(edge, other);
                }
                let link = self.peer(slot).map_or(LinkId(0), |peer| peer.own_link);
                for feed in &mut self.feeds {
                    feed.rename_peer(EDGE, slot);
                }
                self.holes.forget_peer(EDGE);
                if self.owing & slot_bit(EDGE) != 0 {
                    self.owing |= slot_bit(slot);
                }
                self.former = Some(Former { slot, link, until: now + FORMER_MAX });
            }
            None => {
                for feed in &mut self.feeds {
                    feed.forget_peer(EDGE);
                }
            }
        }
        self.edge = joining.edge;
        self.seat_edge(joining);
    }

    /// The slot of the edge the client came from.
    pub(super) fn former_slot(&self) -> Option<u8> {
        self.former.map(|former| former.slot)
    }

    /// Takes over from the former edge what it still feeds, and takes leave of it.
    pub(super) fn check_former(&mut self, now: Instant) {
        let Some(former) = self.former else { return };
        let slot = former.slot;
        let newest = self.session.as_ref().map_or(crate::media::FrameId(0), |session| session.newest);
        for substream in 0..self.substreams() {
            let feed = self.feeds.get(usize::from(substream));
            let is_fed = feed.is_some_and(|feed| feed.is_from(slot) && feed.request.is_none());
            if is_fed && !self.is_edge_spent(now) {
                let from = self.next_in(substream, newest.next());
                self.request(now, EDGE, substream, from);
            }
        }
        if former.until <= now {
            self.end_feeds(now, slot);
        }
        let has_releases = self.peer(slot).is_some_and(|peer| peer.owed.release != 0);
        if former.until <= now || !(self.is_related(slot) || has_releases) {
            self.former = None;
            self.part_from(slot);
        }
    }

    /// Says goodbye to a peer and forgets it.
    fn part_from(&mut self, slot: u8) {
        self.serving &= !slot_bit(slot);
        if self.sending.is_some_and(|sending| sending.slot == slot) {
            self.sending = None;
        }
        if let Some(peer) = self.peer_mut(slot).filter(|peer| peer.is_met()) {
            // An acknowledgement that waits rides along: its time must not pass.
            peer.owed = Owed { leave: true, ack: true, ..Owed::EMPTY };
            peer.children = 0;
            peer.ready = 0;
            peer.wanted.clear();
            self.parting |= slot_bit(slot);
            self.owing |= slot_bit(slot);
        }
    }

    /// Says goodbye to all but the edge: another channel is not theirs.
    pub(super) fn part_from_peers(&mut self) {
        self.former = None;
        for slot in slots_of(self.known & !slot_bit(EDGE)) {
            self.part_from(slot);
        }
    }

    /// The goodbye is out.
    pub(super) fn after_parting(&mut self, slot: u8) {
        let is_told = self.peer(slot).is_some_and(|peer| !peer.owed.leave);
        if is_told && self.parting & slot_bit(slot) != 0 {
            self.forget_peer(slot);
        }
    }

    /// Ids are an edge's own: those the peers had at another one mean somebody else here.
    pub(super) fn estrange_peers(&mut self) {
        self.candidates.clear();
        self.unmet.clear();
        for slot in slots_of(self.known & !slot_bit(EDGE)) {
            if Some(slot) == self.former_slot() {
                continue;
            }
            match self.peer_mut(slot) {
                Some(peer) if peer.acquaintance == Acquaintance::Meeting => self.forget_peer(slot),
                Some(peer) => peer.client = ClientId::ELSEWHERE,
                None => {}
            }
        }
    }

    /// A link id for the edge, other than the one in use.
    pub(super) fn draw_edge_link(&mut self) -> LinkId {
        let generation = self.rng.below(1 << 10) | 1;
        let link = LinkId((generation << 16) | u32::from(EDGE));
        let is_used = self.peer(EDGE).is_some_and(|edge| edge.own_link == link)
            || self.former.is_some_and(|former| former.link == link);
        if is_used { LinkId(link.0 ^ (2 << 16)) } else { link }
    }

    /// Gives slot 0 to the edge that is asked.
    pub(super) fn seat_edge(&mut self, joining: &Joining) {
        let (remote, own_link, met_at) = (joining.edge, joining.own_link, joining.asked_at);
        self.known |= slot_bit(EDGE);
        self.owing &= !slot_bit(EDGE);
        self.serving &= !slot_bit(EDGE);
        if let Some(edge) = self.peer_mut(EDGE) {
            *edge = Peer { acquaintance: Acquaintance::Meeting, remote, own_link, met_at, ..Peer::EMPTY };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn edge(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn the_first_two_are_drawn_alike_and_each_is_asked_once() {
        let mut rng = Rng::from_seed(7);
        let mut first = [0_u32; 4];
        for _ in 0..1_000 {
            let mut tour = Tour { rest: (0..4).map(edge).collect(), back: None };
            let drawn: [u16; 4] = [(); 4].map(|()| tour.draw(&mut rng).unwrap().port());
            assert_eq!(tour.draw(&mut rng), None);
            let mut sorted = drawn;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
            first[usize::from(drawn[0])] += 1;
        }
        assert!(first[0] > 400 && first[1] > 400 && first[2] + first[3] == 0, "{first:?}");
    }

    #[test]
    fn only_want_of_room_is_a_reason_to_ask_elsewhere() {
        use RefusalReason::{Draining, Full, NotOnAir, Saturated, Ticket, UnknownChannel};
        for (reason, is_worth) in [
            (Saturated, true),
            (Full, true),
            (Draining, true),
            (UnknownChannel, false),
            (NotOnAir, false),
            (Ticket, false),
        ] {
            assert_eq!(is_worth_asking_elsewhere(reason), is_worth, "{reason:?}");
        }
    }
}
