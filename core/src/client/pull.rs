//! Mesh repair: asking partners, and at last the edge, for what the feeds did not bring; answering the same.

use core::time::Duration;

use heapless::Vec;

use super::catch_up::{Left, Moment};
use super::holes::Hole;
use super::machine::Client;
use super::mesh::QUEUE_US;
use super::peer::{EDGE, substreams_of};
use super::suspicion::{LATE, next_beat};
use crate::endpoint::Reject;
use crate::limits::PULL_ITEMS_MAX;
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::PullItem;

/// How often holes are looked at while there are any.
pub(super) const PULL_EVERY: Duration = Duration::from_millis(40);
/// A feeder's own retransmission has this long beyond two round trips (docs/wire.md, "Pull").
const GRACE_US: u64 = 100_000;
/// Nearer to its deadline a hole does not wait for that.
const URGENT_US: u64 = 1_000_000;
/// Nearer still, only the edge is asked.
const LAST_CALL_US: u64 = 500_000;
/// Partners asked before the edge is.
const PARTNER_TRIES: u8 = 2;

impl<S: FrameStore> Client<'_, S> {
    /// Looks at every hole: filled, passed, or to be asked for.
    pub(super) fn on_pull_due(&mut self, now: Instant) {
        let playhead = self.playout.playhead().unwrap_or(FrameId(0));
        let frames = &self.frames;
        self.holes.retain(|hole| hole.frame >= playhead && !frames.is_complete(hole.frame));
        let is_pulling = self.is_pulling();
        if is_pulling {
            self.pull_from_partners(now);
        } else {
            self.pull_holes(now);
            self.catch_up(now);
        }
        let is_over = self.holes.is_empty() && !is_pulling && !self.is_catching_up();
        self.clocks.pull_at = if is_over { Instant::FAR_FUTURE } else { now + PULL_EVERY };
        self.refresh_waiting_children(now);
    }

    fn pull_holes(&mut self, now: Instant) {
        for index in 0..self.holes.len() {
            let hole = self.holes.at(index);
            let slot = hole.and_then(|hole| self.whom_to_ask(now, hole));
            if let Some(slot) = slot {
                self.ask(now, index, slot);
            }
        }
    }

    /// Children wait for holes only so long.
    fn refresh_waiting_children(&mut self, now: Instant) {
        let fed = self.peers.iter().fold(0, |set, peer| set | peer.children);
        for substream in substreams_of(fed) {
            self.refresh_children(now, substream);
        }
    }

    /// Frames that a peer's feed is a beat late with and that are nearly due are asked for elsewhere: the feeder may be too slow
    /// rather than gone.
    pub(super) fn note_overdue(&mut self, now: Instant, substream: u8) {
        let Some(session) = &self.session else { return };
        let (settings, newest) = (session.settings, session.newest);
        let Some(feed) = self.feeds.get(usize::from(substream)) else { return };
        for stretch in [feed.tail, feed.current].into_iter().flatten().filter(|stretch| stretch.peer != EDGE)
        {
            let deadline = self.playout.deadline_of(stretch.next);
            let left_us = deadline.map_or(u64::MAX, |deadline| deadline.micros_since(now));
            let beat_at = next_beat(&settings, substream, stretch.next, stretch.heard_at, stretch.heard_at);
            if left_us < URGENT_US && now > beat_at + LATE {
                let due_frames = settings.frames_in(Duration::from_micros(URGENT_US - left_us));
                let until = stretch.next.plus(due_frames).min(stretch.until.unwrap_or(newest));
                self.note_holes(now, substream, stretch.next, until);
            }
        }
    }

    /// Whom to ask for a hole now, if anybody.
    fn whom_to_ask(&self, now: Instant, hole: &Hole) -> Option<u8> {
        let session = self.session.as_ref().filter(|session| !session.left.has(hole.frame))?;
        let settings = &session.settings;
        let left_us = self.playout.deadline_of(hole.frame).map(|deadline| deadline.micros_since(now));
        let substream = settings.mapping.substream_of(hole.frame, settings.substreams);
        let feeder = self.feeds.get(usize::from(substream))?.parent().and_then(|slot| self.peer(slot));
        let is_gone = feeder.is_some_and(|feeder| feeder.probe.is_suspect);
        let rtt_us = feeder.map_or(0, |feeder| u64::from(feeder.link.rtt().smoothed_us()));
        let beat_us = self.has_children(substream).then(|| settings.beat().saturating_add(LATE).as_micros());
        let beat_us = beat_us.and_then(|us| u64::try_from(us).ok());
        // A suspect sends nothing again.
        let grace_us = if is_gone { 0 } else { grace_us(rtt_us, beat_us) };
        let is_urgent = left_us.is_some_and(|left_us| left_us < URGENT_US);
        let is_overdue = now.micros_since(hole.noted_at) >= grace_us;
        if !(is_urgent || is_overdue) || hole.again_at > now {
            return None;
        }
        let is_last_call = left_us.is_some_and(|left_us| left_us < LAST_CALL_US);
        let partner =
            if is_last_call || hole.tries >= PARTNER_TRIES { None } else { self.best_partner(hole) };
        partner.or(Some(EDGE)).filter(|&slot| self.peer(slot).is_some_and(super::peer::Peer::is_met))
    }

    /// The nearest partner that holds the frame, other than the one asked last.
    fn best_partner(&self, hole: &Hole) -> Option<u8> {
        let partners = self
            .peers
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, peer)| peer.is_there() && peer.map.has(hole.frame));
        let slots = partners.filter_map(|(slot, peer)| Some((u8::try_from(slot).ok()?, peer)));
        let others = slots.filter(|(slot, _)| hole.asked != Some(*slot));
        others.min_by_key(|(_, peer)| peer.link.rtt().answer_us()).map(|(slot, _)| slot)
    }

    pub(super) fn ask(&mut self, now: Instant, index: usize, slot: u8) {
        let answer_us = self.peer(slot).map_or(0, |peer| u64::from(peer.link.rtt().answer_us()));
        let queue_us = if self.is_pulling() { QUEUE_US } else { 0 };
        let Some(hole) = self.holes.at_mut(index) else { return };
        hole.asked = Some(slot);
        hole.tries = hole.tries.saturating_add(1);
        hole.is_due = true;
        // Each further question waits longer: the answer may stand in a queue.
        hole.again_at =
            now.plus_micros((answer_us + queue_us + 30_000) << hole.tries.min(4).saturating_sub(1));
        self.stats.pulls = self.stats.pulls.saturating_add(1);
        self.owe(slot, |owed| owed.pull = true);
    }

    /// The questions due to a peer, as many as one message holds: those that can wait, or the others.
    pub(super) fn pull_items(&mut self, slot: u8, can_wait: bool) -> Vec<PullItem, PULL_ITEMS_MAX> {
        let mut items = Vec::new();
        let frames = &self.frames;
        let left = self.session.as_ref().map_or(Left::NOTHING, |session| session.left);
        let is_due = |hole: &&mut Hole| {
            // The edge is asked for what is nearly due.
            let is_early = slot != EDGE && left.has(hole.frame);
            hole.is_due && hole.asked == Some(slot) && is_early == can_wait
        };
        for hole in self.holes.iter_mut().filter(is_due) {
            if items.is_full() {
                break;
            }
            let item = missing_of(frames, hole.frame);
            hole.is_due = false;
            if let Some(item) = item {
                // There is room: looked at above.
                let _ = items.push(item);
            }
        }
        items
    }

    /// Whether questions to a peer are still due.
    pub(super) fn has_pulls(&self, slot: u8) -> bool {
        self.holes.iter().any(|hole| hole.is_due && hole.asked == Some(slot))
    }

    /// A peer does not have a frame, or too much to do: others are asked.
    pub(super) fn on_missing(&mut self, now: Instant, slot: u8, frame: FrameId) {
        self.holes.on_missing(frame, slot, now);
        self.on_unanswered(slot);
    }

    /// A peer asks for fragments.
    pub(super) fn on_pull(
        &mut self,
        now: Instant,
        slot: u8,
        items: &[PullItem],
        can_wait: bool,
    ) -> Result<(), Reject> {
        if slot == EDGE {
            return Err(Reject::Unexpected);
        }
        let can_upload = self.upload_cap_bps() > 0;
        if let Some(peer) = self.peer_mut(slot) {
            // Together with what is urgent all is.
            let since = if peer.wanted.is_empty() { Some(Moment::of(now)) } else { peer.waits_since };
            peer.waits_since = since.filter(|_| can_wait);
        }
        for item in items {
            let is_held = can_upload && self.frames.is_complete(item.frame) && item.wanted != 0;
            let is_refused = !is_held || self.is_too_busy();
            let item = self.bounded(*item);
            let Some(peer) = self.peer_mut(slot) else { return Err(Reject::UnknownPeer) };
            let is_asked =
                peer.wanted.iter().any(|wanted| wanted.frame == item.frame && wanted.first == item.first);
            if is_asked {
                continue;
            }
            if is_refused || peer.wanted.push_back(item).is_err() {
                let frame = item.frame;
                self.owe(slot, |owed| {
                    // What does not fit stays unanswered: the asker's timeout deals with it.
                    let _ = owed.missing.push(frame);
                });
            } else {
                self.mark_serving(slot);
            }
        }
        Ok(())
    }
}

/// How long a hole is left to its feeder's own retransmission: two round trips and a little. With children the urgency is that of their
/// next beat, `beat_us` after the hole was found (docs/wire.md, "Pull"): a pull's answer has to be there by then, but not before what a
/// retransmission takes.
fn grace_us(rtt_us: u64, beat_us: Option<u64>) -> u64 {
    let own_us = 2 * rtt_us + GRACE_US;
    let soonest_us = rtt_us * 5 / 4 + GRACE_US / 2;
    beat_us.map_or(own_us, |beat_us| beat_us.saturating_sub(rtt_us).max(soonest_us).min(own_us))
}

/// The first run of up to 64 missing fragments of a frame; `None` when it is complete.
fn missing_of(frames: &crate::store::FrameIndex<'_>, frame: FrameId) -> Option<PullItem> {
    let Some(entry) = frames.get(frame) else {
        return Some(PullItem { frame, first: 0, wanted: u64::MAX });
    };
    let mut first = 0;
    while first < entry.count {
        let wanted = frames.missing(frame, first)?;
        if wanted != 0 {
            return Some(PullItem { frame, first, wanted });
        }
        first = first.saturating_add(64);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::grace_us;

    #[test]
    fn with_children_a_hole_waits_no_longer_than_their_beat_allows() {
        assert_eq!(grace_us(100_000, None), 300_000);
        assert_eq!(grace_us(100_000, Some(300_000)), 200_000, "a round trip before the beat");
        assert_eq!(grace_us(100_000, Some(100_000)), 175_000, "a retransmission has to have its chance");
        assert_eq!(grace_us(20_000, Some(300_000)), 140_000, "never longer than without");
        assert_eq!(grace_us(0, Some(0)), 50_000);
    }
}
