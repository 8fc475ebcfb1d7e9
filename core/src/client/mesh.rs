//! Overlay mode `mesh`: the edge feeds a few seeds, and nobody else is fed. Everybody pulls what comes next, frame by frame,
//! from partners whose maps say that they hold it (New CoolStreaming without its push; protocol.md, "Channel settings").

use core::time::Duration;

use super::machine::Client;
use super::peer::{EDGE, PEERS_MAX, Peer, slot_bit, slots_of};
use crate::media::{FrameId, Overlay};
use crate::store::FrameStore;
use crate::time::Instant;

/// With fewer partners than this the edge is asked for more.
const PARTNERS_MIN: usize = 6;
/// Questions open at one partner at most: what it is asked for goes out one after the other.
const OPEN_MAX: u8 = 3;
/// Who holds frames as new as this is at the live edge.
const FRESH: Duration = Duration::from_secs(1);
/// Frames kept in mind because they are played next.
const NEXT_MAX: u32 = 6;
/// Frames drawn at each look: a look every 40 ms draws twice as many as are played.
const DRAWS_MAX: u32 = 2;
/// How long an answer may stand in the partner's queue, in microseconds.
pub(super) const QUEUE_US: u64 = 2_000_000;

impl<S: FrameStore> Client<'_, S> {
    /// Whether the channel is one without feeds between clients.
    pub(super) fn is_in_mesh(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.settings.overlay == Overlay::Mesh)
    }

    /// Whether this client is fed by nobody, as a mesh has it, and pulls all there is.
    pub(super) fn is_pulling(&self) -> bool {
        self.is_in_mesh() && self.feeds.iter().all(|feed| feed.current.is_none())
    }

    /// Whether the edge is to name more partners: too few hold what is lacked next, or more.
    pub(super) fn lacks_partners(&self) -> bool {
        let Some(first) = self.first_to_pull().filter(|_| self.is_pulling()) else { return false };
        let partners = slots_of(self.known & !slot_bit(EDGE)).filter_map(|slot| self.peer(slot));
        let is_useful =
            |peer: &&Peer| peer.is_there() && peer.map.newest().is_some_and(|newest| newest >= first);
        partners.filter(is_useful).count() < PARTNERS_MIN
    }

    /// The first frame from the playhead on that is not held.
    fn first_to_pull(&self) -> Option<FrameId> {
        let floor = self.playout.playhead().or(self.session.as_ref().map(|session| session.start))?;
        Some(self.frames.run_end(floor).map_or(floor, FrameId::next))
    }

    /// Notes what comes next and is not held, as much as is kept in mind at once, and asks partners for it.
    pub(super) fn pull_from_partners(&mut self, now: Instant) {
        self.note_window(now);
        let mut open = self.open_questions(now);
        // What is played next, then the others from any one on: who asks for the same as everybody has nothing to give.
        let len = self.holes.len();
        let next = len.min(NEXT_MAX as usize);
        let later = len - next;
        let turn = self.rng.below(u32::try_from(later).unwrap_or(0)) as usize;
        for place in 0..len {
            let index = match place.checked_sub(next) {
                Some(place) => next + (place + turn) % later,
                None => place,
            };
            let hole = self.holes.at(index).filter(|hole| hole.again_at <= now);
            let Some(slot) = hole.and_then(|hole| self.least_busy(hole.frame, hole.asked, &open)) else {
                continue;
            };
            self.ask(now, index, slot);
            if let Some(count) = open.get_mut(usize::from(slot)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// How many questions are open at each partner.
    pub(super) fn open_questions(&self, now: Instant) -> [u8; PEERS_MAX] {
        let mut open = [0_u8; PEERS_MAX];
        for hole in self.holes.iter().filter(|hole| hole.again_at > now) {
            if let Some(count) = hole.asked.and_then(|slot| open.get_mut(usize::from(slot))) {
                *count = count.saturating_add(1);
            }
        }
        open
    }

    /// First what is played next, then frames at random: were all to ask for the same, none would have what another lacks.
    fn note_window(&mut self, now: Instant) {
        let Some(session) = &self.session else { return };
        let Some(first) = self.first_to_pull() else { return };
        // Who is far behind has no room for more than is played next.
        let window = session.settings.frames_in(session.settings.target_buffer());
        let newest = session.newest.min(first.plus(window));
        let (mut id, mut noted) = (first, 0);
        while id <= newest && noted < NEXT_MAX {
            if !self.frames.is_complete(id) {
                // What finds no room is noted when its time comes.
                let _ = self.holes.note(id, now);
                noted += 1;
            }
            id = id.next();
        }
        for _ in 0..DRAWS_MAX {
            let drawn = first.plus(self.rng.below(newest.since(first).saturating_add(1)));
            if !self.frames.is_complete(drawn) && self.is_offered(drawn) {
                let _ = self.holes.note(drawn, now);
            }
        }
    }

    pub(super) fn is_offered(&self, frame: FrameId) -> bool {
        let partners = slots_of(self.known & !slot_bit(EDGE)).filter_map(|slot| self.peer(slot));
        partners.filter(|peer| peer.is_there()).any(|peer| peer.map.has(frame))
    }

    /// The partner that holds a frame and has the fewest questions open, then the nearest; those at the live edge, who alone hold
    /// what is new, only when nobody else holds it, and the one asked last only when there is no other.
    pub(super) fn least_busy(&self, frame: FrameId, asked: Option<u8>, open: &[u8; PEERS_MAX]) -> Option<u8> {
        let session = self.session.as_ref()?;
        let fresh_from = session.newest.minus(session.settings.frames_in(FRESH));
        let holders = slots_of(self.known & !slot_bit(EDGE)).filter_map(|slot| {
            let peer = self.peer(slot).filter(|peer| peer.is_there() && peer.map.has(frame))?;
            let open = open.get(usize::from(slot)).copied().filter(|&open| open < OPEN_MAX)?;
            let is_fresh = peer.map.newest().is_some_and(|newest| newest >= fresh_from);
            Some(((asked == Some(slot), is_fresh, open, peer.link.rtt().answer_us()), slot))
        });
        holders.min().map(|(_, slot)| slot)
    }
}
