//! Overlay mode `mesh`: the edge feeds a few seeds, and nobody else is fed. Everybody pulls, frame by frame, from partners whose maps
//! say that they hold it (New CoolStreaming without its push).
//!
//! Two wishes share the questions that may be open: what is played next, in its order, and what the fewest partners hold, which
//! is what others will ask for. A partner with too much to do says so at once, and is asked for less.

use core::time::Duration;

use super::machine::Client;
use super::peer::{EDGE, PEERS_MAX, Peer, slot_bit, slots_of};
use crate::media::{FrameId, Overlay};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::PullItem;

/// With fewer partners that hold what is lacked next the edge is asked for more. More than the edge names at once, and in a large
/// swarm everybody's places are soon taken: whoever comes late finds none.
const PARTNERS_MIN: usize = 6;
/// Who was met within this time has not told yet what it holds.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// Questions open in all at most: with nothing in the buffer, and with enough. Who lacks little leaves the uplinks to others.
const OPEN_MAX: Share = Share { empty: 48, full: 16, full_us: 8_000_000 };
/// Of those, questions for what is not played next: it must not delay that, but is the only way for frames to spread.
const OPEN_LATER_MAX: Share = Share { empty: 12, full: 48, full_us: 4_000_000 };
/// However much is in the buffer, so many may be open that what is played next is asked for.
const OPEN_NEXT_MAX: usize = 24;
/// What is played within this time of the first frame lacked is asked for in its order.
const NEXT: Duration = Duration::from_secs(2);
/// Questions at a look for what is played later: a look every 40 ms asks for three times as many as are played.
const LATER_MAX: u32 = 3;
/// Frames drawn of which the rarest is asked for: few enough that not everybody asks for the same.
const DRAWS: u32 = 8;
/// Who holds frames as new as this is at the live edge.
const FRESH: Duration = Duration::from_secs(1);
/// Questions a partner is sent at once, in eighths: at first, at least and at most.
const WINDOW_FIRST: i8 = 24;
const WINDOW_MIN: i8 = 8;
const WINDOW_MAX: i8 = 64;
/// How long an answer may stand in the partner's queue, in microseconds.
pub(super) const QUEUE_US: u64 = 2_000_000;
/// Who has asked for as much as its uplink carries in this time sends the next elsewhere, in microseconds.
const BUSY_US: u64 = 500_000;

/// A number that depends on what is in the buffer.
struct Share {
    empty: u64,
    full: u64,
    /// From how much media on it is `full`, in microseconds.
    full_us: u64,
}

impl Share {
    /// The number at so much media.
    fn at(&self, buffer_us: u64) -> usize {
        let Self { empty, full, full_us } = *self;
        let us = buffer_us.min(full_us);
        let share = (empty * full_us.saturating_sub(us) + full * us).checked_div(full_us).unwrap_or(empty);
        usize::try_from(share).unwrap_or(usize::MAX)
    }
}

/// Questions open at each partner.
type Open = [u8; PEERS_MAX];

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
    pub(super) fn lacks_partners(&self, now: Instant) -> bool {
        let Some(first) = self.first_to_pull().filter(|_| self.is_pulling()) else { return false };
        let is_useful = |peer: &Peer| {
            let holds_next = peer.map.newest().is_some_and(|newest| newest >= first);
            holds_next || now.since(peer.met_at) < TOLD_AFTER
        };
        self.offers().filter(|(_, peer)| is_useful(peer)).count() < PARTNERS_MIN
    }

    /// How many more partners there is room for.
    pub(super) fn places_free(&self) -> u8 {
        let known = u8::try_from(self.known.count_ones()).unwrap_or(u8::MAX);
        self.peers_len().saturating_sub(known)
    }

    /// The partners that can be asked, by slot.
    fn offers(&self) -> impl Iterator<Item = (u8, &Peer)> {
        let known = slots_of(self.known & !slot_bit(EDGE));
        known.filter_map(|slot| Some((slot, self.peer(slot).filter(|peer| peer.is_there())?)))
    }

    /// The first frame from the playhead on that is not held.
    fn first_to_pull(&self) -> Option<FrameId> {
        let floor = self.playout.playhead().or(self.session.as_ref().map(|session| session.start))?;
        Some(self.frames.run_end(floor).map_or(floor, FrameId::next))
    }

    /// Asks partners for what few of them hold, and for what is played next.
    pub(super) fn pull_from_partners(&mut self, now: Instant) {
        self.drop_unanswered(now);
        let mut open = self.open_questions(now);
        let Some(session) = &self.session else { return };
        let Some(first) = self.first_to_pull() else { return };
        let settings = &session.settings;
        // Who is far behind has no room for more.
        let newest = session.newest.min(first.plus(settings.frames_in(settings.target_buffer())));
        let next_end = newest.min(first.plus(settings.frames_in(NEXT)));
        let buffer_us = u64::from(self.buffer_ms()) * 1_000;
        let open_max = OPEN_MAX.at(buffer_us);
        let later_max = OPEN_LATER_MAX.at(buffer_us);
        for _ in 0..LATER_MAX {
            let later = self.holes.iter().filter(|hole| hole.frame > next_end).count();
            if self.holes.len() >= open_max || later >= later_max {
                break;
            }
            if let Some(rarest) = self.draw_rarest(first, newest) {
                self.ask_least_busy(now, rarest, &mut open);
            }
        }
        let mut id = first;
        while id <= next_end && self.holes.len() < open_max.max(OPEN_NEXT_MAX) {
            if self.is_wanted(id) {
                self.ask_least_busy(now, id, &mut open);
            }
            id = id.next();
        }
    }

    /// How many questions are open at each partner.
    pub(super) fn open_questions(&self, now: Instant) -> Open {
        let mut open = [0; PEERS_MAX];
        for hole in self.holes.iter().filter(|hole| hole.again_at > now) {
            count_question(&mut open, hole.asked);
        }
        open
    }

    /// Who did not answer, or said that it will not, is not asked for the frame again before it tells once more that it holds it.
    fn drop_unanswered(&mut self, now: Instant) {
        let Self { holes, peers, .. } = self;
        holes.retain(|hole| {
            let is_open = hole.again_at > now;
            let asked = hole.asked.and_then(|slot| peers.get_mut(usize::from(slot)));
            if let Some(peer) = asked.filter(|_| !is_open) {
                peer.map.forget(hole.frame);
            }
            is_open
        });
    }

    /// Whether a frame is neither here nor asked for.
    fn is_wanted(&self, frame: FrameId) -> bool {
        !self.frames.is_complete(frame) && self.holes.get(frame).is_none()
    }

    fn ask_least_busy(&mut self, now: Instant, frame: FrameId, open: &mut Open) {
        let Some(slot) = self.least_busy(frame, None, open) else { return };
        // There is room: fewer are open than are remembered.
        let _ = self.holes.note(frame, now);
        let index = self.holes.iter().position(|hole| hole.frame == frame);
        if let Some(index) = index {
            self.ask(now, index, slot);
            count_question(open, Some(slot));
        }
    }

    pub(super) fn is_offered(&self, frame: FrameId) -> bool {
        self.offers().any(|(_, peer)| peer.map.has(frame))
    }

    /// Of some frames drawn the one that the fewest partners hold, but any.
    pub(super) fn draw_rarest(&mut self, first: FrameId, newest: FrameId) -> Option<FrameId> {
        let mut rarest = None;
        for _ in 0..DRAWS {
            let drawn = first.plus(self.rng.below(newest.since(first).saturating_add(1)));
            if !self.is_wanted(drawn) {
                continue;
            }
            let holders = self.offers().filter(|(_, peer)| peer.map.has(drawn)).count();
            if holders > 0 && rarest.is_none_or(|(fewest, _)| holders < fewest) {
                rarest = Some((holders, drawn));
            }
        }
        rarest.map(|(_, frame)| frame)
    }

    /// The partner that holds a frame and has the fewest questions open, then the nearest; those at the live edge, who alone hold
    /// what is new, only when nobody else holds it, and the one asked last only when there is no other.
    pub(super) fn least_busy(&self, frame: FrameId, asked: Option<u8>, open: &Open) -> Option<u8> {
        let session = self.session.as_ref()?;
        let fresh_from = session.newest.minus(session.settings.frames_in(FRESH));
        let holders = self.offers().filter(|(_, peer)| peer.map.has(frame)).filter_map(|(slot, peer)| {
            let open =
                open.get(usize::from(slot)).copied().filter(|&open| open < self.questions_max(slot))?;
            let is_fresh = peer.map.newest().is_some_and(|newest| newest >= fresh_from);
            Some(((asked == Some(slot), is_fresh, open, peer.link.rtt().answer_us()), slot))
        });
        holders.min().map(|(_, slot)| slot)
    }

    /// A partner brought what it was asked for: it may be asked for a little more at once.
    pub(super) fn on_answered(&mut self, slot: u8) {
        if self.is_in_mesh() {
            self.set_window(slot, self.window(slot).saturating_add(1));
        }
    }

    /// It said that it will not: it is asked for a quarter less.
    pub(super) fn on_unanswered(&mut self, slot: u8) {
        if self.is_in_mesh() {
            let eighths = self.window(slot);
            self.set_window(slot, eighths.saturating_sub(eighths / 4));
        }
    }

    /// How many questions a partner is sent at once.
    pub(super) fn questions_max(&self, slot: u8) -> u8 {
        (self.window(slot) / 8).unsigned_abs()
    }

    /// The same in eighths.
    fn window(&self, slot: u8) -> i8 {
        WINDOW_FIRST.saturating_add(self.windows.get(usize::from(slot)).copied().unwrap_or(0))
    }

    fn set_window(&mut self, slot: u8, eighths: i8) {
        if let Some(window) = self.windows.get_mut(usize::from(slot)) {
            *window = eighths.clamp(WINDOW_MIN, WINDOW_MAX).saturating_sub(WINDOW_FIRST);
        }
    }

    /// Whether a partner in a mesh had better ask another: what others asked for takes the uplink long.
    pub(super) fn is_too_busy(&self) -> bool {
        self.is_in_mesh() && self.queue_us() > BUSY_US
    }

    /// How long the uplink takes for what partners asked for, in microseconds.
    fn queue_us(&self) -> u64 {
        let fragment_len = self.session.as_ref().map_or(0, |session| session.settings.fragment_len);
        let asking = slots_of(self.serving).filter_map(|slot| self.peer(slot));
        let items = asking.flat_map(|peer| &peer.wanted);
        let fragments: u64 = items.map(|item| u64::from(item.wanted.count_ones())).sum();
        let bits = fragments.saturating_mul(u64::from(fragment_len)).saturating_mul(8_000_000);
        bits.checked_div(self.ledbat.gives_bps()).unwrap_or(u64::MAX)
    }

    /// In a mesh, what is asked for without the fragments that the frame does not have, so that they can be counted.
    pub(super) fn bounded(&self, item: PullItem) -> PullItem {
        let Some(entry) = self.frames.get(item.frame).filter(|_| self.is_in_mesh()) else { return item };
        let left = u32::from(entry.count.saturating_sub(item.first));
        let all = u64::MAX.checked_shr(u64::BITS.saturating_sub(left)).unwrap_or(0);
        PullItem { wanted: item.wanted & all, ..item }
    }
}

fn count_question(open: &mut Open, slot: Option<u8>) {
    if let Some(count) = slot.and_then(|slot| open.get_mut(usize::from(slot))) {
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_much_asks_for_less_of_it_and_for_more_of_what_is_played_later() {
        for (buffer_ms, all, later) in
            [(0, 48, 12), (2_000, 40, 30), (4_000, 32, 48), (8_000, 16, 48), (60_000, 16, 48)]
        {
            let shares = [&OPEN_MAX, &OPEN_LATER_MAX].map(|share| share.at(buffer_ms * 1_000));
            assert_eq!(shares, [all, later], "{buffer_ms}");
        }
    }
}
