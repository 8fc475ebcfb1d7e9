//! Fragments that arrive: into the store, to the feeds' account, on to the children.

use core::time::Duration;

use super::machine::Client;
use super::peer::EDGE;
use crate::endpoint::Reject;
use crate::media::{FrameId, FrameInfo, PlayoutState, fragment_count, fragment_len_at};
use crate::store::{FrameStore, Marked, StoreKey};
use crate::time::Instant;
use crate::wire::control::{Ack, Grant};
use crate::wire::{DataHeader, SendReason};

/// A peer may speak of frames this far ahead of what is known; only the edge may go further.
pub(super) const AHEAD_MAX: Duration = Duration::from_secs(60);
/// Below this target buffer acknowledgements wait 100 ms instead of 200 (docs/wire.md).
const LOW_LATENCY_MS: u32 = 3_000;

impl<S: FrameStore> Client<'_, S> {
    pub(super) fn on_data(
        &mut self,
        now: Instant,
        slot: u8,
        header: &DataHeader,
        payload: &[u8],
    ) -> Result<(), Reject> {
        let session = self.session.as_mut().ok_or(Reject::Unexpected)?;
        if header.epoch != session.epoch {
            return Err(Reject::Stale);
        }
        let settings = &session.settings;
        let info = &header.info;
        let is_sound = fragment_count(info.len, settings.fragment_len) == Some(header.count)
            && payload.len()
                == usize::from(fragment_len_at(info.len, settings.fragment_len, header.fragment))
            && settings.mapping.substream_of(info.id, settings.substreams) == header.substream;
        if !is_sound {
            return Err(Reject::Malformed);
        }
        if slot != EDGE && info.id.since(session.newest) > settings.frames_in(AHEAD_MAX) {
            return Err(Reject::Unexpected);
        }
        let ack_ms = if settings.target_buffer_ms <= LOW_LATENCY_MS { 100 } else { 200 };
        session.newest = session.newest.max(info.id);
        if info.key {
            session.key_len = session.key_len.max(info.len);
        }
        let peer = self.peer_mut(slot).ok_or(Reject::UnknownPeer)?;
        let verdict = peer.link.on_data(now, header.packet, header.sent_us, Duration::from_millis(ack_ms));
        let is_ack_due = peer.link.ack_deadline().is_some_and(|at| at <= now);
        if is_ack_due {
            self.owe(slot, |owed| owed.ack = true);
        }
        if let Err(reject) = verdict {
            self.stats.watch.bytes_duplicate += payload.len() as u64;
            return Err(reject);
        }
        if header.reason != SendReason::Pull {
            self.on_feed_data(now, slot, header);
        }
        self.take_fragment(now, slot, header, payload)
    }

    /// Accounts a frame to the feed it came by: what was left out is a hole, what should not come is told to stop.
    fn on_feed_data(&mut self, now: Instant, slot: u8, header: &DataHeader) {
        let substream = header.substream;
        let id = header.info.id;
        let levels_max = self.session.as_ref().map_or(0, |session| session.settings.levels_max);
        let Some(feed) = self.feed_mut(substream) else { return };
        if slot != EDGE && feed.is_from(slot) {
            let level = header.level.saturating_add(1);
            if level > levels_max {
                self.on_feeder_lost(now, slot, substream);
                self.send_release(now, slot, substream, id);
                return;
            }
            feed.set_level(level);
        }
        if feed.is_from(slot) {
            feed.patient_until = Instant::ZERO;
        }
        let Some(stretch) = feed.stretch_mut(slot, id) else {
            self.on_stray(now, slot, substream, id);
            return;
        };
        stretch.heard_at = now;
        let next = stretch.next;
        if id > next {
            stretch.next = id;
            self.note_holes(now, substream, next, id);
        }
    }

    /// A feeder sends what it was not asked for, or no longer: it did not hear the release.
    fn on_stray(&mut self, now: Instant, slot: u8, substream: u8, id: FrameId) {
        let Some(feed) = self.feed_mut(substream) else { return };
        if feed.request.is_some_and(|request| request.peer == slot) {
            // Its answer is late, or was lost and comes again.
            return;
        }
        if !feed.is_told_to_end(slot, id, now) {
            // Not the cut of before: it may have granted the feed anew since, and its word of that was lost.
            self.send_release(now, slot, substream, id);
        }
    }

    /// Notes the frames of a substream in `from..until` that are not complete.
    pub(super) fn note_holes(&mut self, now: Instant, substream: u8, from: FrameId, until: FrameId) {
        let floor = self.playout.playhead().unwrap_or(from);
        let left = self.leave_to_peers(from, until);
        let mut id = self.next_in(substream, from.max(floor));
        for _ in 0..self.frames.capacity() {
            if left.has(id) {
                id = self.next_in(substream, left.until);
            }
            if id >= until {
                break;
            }
            if !self.frames.is_complete(id)
                && let Some(displaced) = self.holes.note(id, now)
            {
                if displaced == id {
                    self.widen_gap(substream, id, until);
                    break;
                }
                let settings = self.session.as_ref().map(|session| &session.settings);
                let other = settings.map(|s| s.mapping.substream_of(displaced, s.substreams));
                self.widen_gap(other.unwrap_or(substream), displaced, displaced.next());
            }
            id = self.next_in(substream, id.next());
        }
        if !self.holes.is_empty() && self.clocks.pull_at == Instant::FAR_FUTURE {
            self.clocks.pull_at = now + super::pull::PULL_EVERY;
        }
    }

    /// Keeps frames in mind that found no room among the holes.
    fn widen_gap(&mut self, substream: u8, from: FrameId, until: FrameId) {
        if let Some(feed) = self.feed_mut(substream) {
            feed.widen_gap(from, until);
        }
    }

    fn take_fragment(
        &mut self,
        now: Instant,
        slot: u8,
        header: &DataHeader,
        payload: &[u8],
    ) -> Result<(), Reject> {
        let id = header.info.id;
        let key = match self.frames.get(id) {
            None => self.make_room(header)?,
            Some(_) if self.frames.has_fragment(id, header.fragment) => {
                self.stats.watch.bytes_duplicate += payload.len() as u64;
                return Err(Reject::Duplicate);
            }
            // Two feeders disagree about one frame; who lies is for the proofs to tell.
            Some(entry) if entry.info != header.info => return Err(Reject::Unexpected),
            Some(entry) => entry.key,
        };
        self.store.write(key, header.fragment, payload).map_err(|_| Reject::Stale)?;
        let bytes = payload.len() as u64;
        let is_of_edge = slot == EDGE || self.former_slot() == Some(slot);
        if is_of_edge {
            self.stats.watch.bytes_edge += bytes;
        } else {
            self.stats.watch.bytes_peers += bytes;
        }
        self.stats.bytes_by_reason.add(header.reason, bytes);
        self.reports.minute.on_data(now);
        self.reports.minute.on_fragment(is_of_edge, header.reason, payload.len());
        match self.frames.mark(id, header.fragment) {
            Marked::Completed => {
                self.store.complete(key);
                if header.reason == SendReason::Pull {
                    self.on_answered(slot);
                }
                self.on_frame_complete(now, &header.info, header.substream);
            }
            Marked::New | Marked::Duplicate | Marked::Unknown => {}
        }
        Ok(())
    }

    /// Begins a frame; the oldest frames give way, but none that is still to be played.
    fn make_room(&mut self, header: &DataHeader) -> Result<StoreKey, Reject> {
        let fragment_len = self.session.as_ref().map_or(0, |session| session.settings.fragment_len);
        let id = header.info.id;
        let unread = self.unread();
        let keep_from = unread.or(self.playout.playhead()).unwrap_or(id);
        let floor = self.frames.floor_for(id);
        if unread.is_some_and(|unread| unread < floor) {
            return Err(Reject::Full);
        }
        if id < keep_from && self.frames.oldest_held().is_some_and(|oldest| id < oldest) {
            return Err(Reject::Stale);
        }
        let store = &mut self.store;
        self.frames.evict_below(floor, &mut |key| store.release(key));
        for _ in 0..self.frames.capacity() {
            if let Ok(key) = self.store.allocate(header.info.len, fragment_len) {
                if self.frames.begin(header.info, header.count, key).is_ok() {
                    return Ok(key);
                }
                self.store.release(key);
            }
            let oldest = self.frames.oldest_held().filter(|&oldest| oldest < keep_from && oldest < id);
            let key = oldest.and_then(|oldest| self.frames.remove(oldest)).ok_or(Reject::Full)?;
            self.store.release(key);
        }
        Err(Reject::Full)
    }

    fn on_frame_complete(&mut self, now: Instant, info: &FrameInfo, substream: u8) {
        let id = info.id;
        if let Some(session) = &mut self.session {
            session.load.note(now, substream, info.len, &session.settings);
        }
        self.clocks.changed_from = Some(self.clocks.changed_from.map_or(id, |low| low.min(id)));
        self.refresh_children(now, substream);
        // A player that waits for data looks again; one that waits for the time does not need to.
        if self.playout.state() != PlayoutState::Playing {
            self.clocks.play_at = now;
        }
    }

    pub(super) fn on_ack(&mut self, now: Instant, slot: u8, ack: &Ack<'_>) -> Result<(), Reject> {
        let peer = self.peer_mut(slot).ok_or(Reject::UnknownPeer)?;
        let acked = peer.link.on_ack(now, ack)?;
        if slot != EDGE {
            self.ledbat.on_ack(&acked);
        }
        if acked.lost > 0 {
            self.mark_serving(slot);
        }
        Ok(())
    }

    /// Substreams taken from the edge.
    pub(super) fn edge_feeds(&self) -> u16 {
        self.substreams_where(|feed| feed.is_from(EDGE))
    }

    /// Substreams a child could be fed: fed by somebody up to the live edge, at a level above the deepest.
    pub(super) fn feedable(&self) -> u16 {
        let Some(session) = &self.session else { return 0 };
        if self.is_in_mesh() {
            // Whatever is held can be asked for.
            let can_supply = self.upload_cap_bps() > 0 && self.frames.newest().is_some();
            return if can_supply { session.settings.all_substreams() } else { 0 };
        }
        let levels_max = session.settings.levels_max;
        let behind_max = session.behind_max();
        self.substreams_where(|feed| {
            feed.level < levels_max
                && feed.current.is_some_and(|stretch| session.newest.since(stretch.next) <= behind_max)
                && !(feed.is_from(EDGE) && feed.grant == Grant::Lease)
        })
    }

    fn substreams_where(&self, rule: impl Fn(&super::feed::Feed) -> bool) -> u16 {
        let feeds = self.feeds.iter().enumerate().filter(|(_, feed)| rule(feed));
        feeds.fold(0, |set, (substream, _)| {
            set | 1_u16.checked_shl(u32::try_from(substream).unwrap_or(16)).unwrap_or(0)
        })
    }
}
