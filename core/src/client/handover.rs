//! Who feeds this client: asking for feeds, changing over by a cut, noticing that a feed broke.

use core::time::Duration;

use heapless::Vec;

use super::feed::{Feed, NO_LEVEL, Request, Stretch};
use super::machine::Client;
use super::peer::{EDGE, bit};
use super::peers::SILENT_MAX;
use super::select::{Prospect, choose, is_near};
use super::suspicion::LATE;
use crate::endpoint::Reject;
use crate::media::{FrameId, Overlay, PlayoutState};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{Accept, Grant, LeaveReason, RefuseReason};

/// Housekeeping interval; every wait measured by it is longer.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// A feeder that answers but sends nothing of a substream for this long is changed.
const FEED_SILENT_MAX: Duration = Duration::from_millis(1_500);
/// Requests are repeated this often before the other side counts as silent.
const TRIES_MAX: u8 = 3;
/// A viewer that stands still and lacks a feed for this long asks to be let in anew.
const UNFED_MAX: Duration = Duration::from_secs(5);
/// A slot no peer has.
const NOBODY: u8 = u8::MAX;
/// Candidates compared for one choice.
const PROSPECTS_MAX: usize = 24;

impl<S: FrameStore> Client<'_, S> {
    pub(super) fn substreams(&self) -> u8 {
        self.session.as_ref().map_or(0, |session| session.settings.substreams)
    }

    /// The first frame of a substream from `from` on.
    pub(super) fn next_in(&self, substream: u8, from: FrameId) -> FrameId {
        self.session.as_ref().map_or(from, |session| {
            session.settings.mapping.next_in(substream, from, session.settings.substreams)
        })
    }

    /// The first frame of a substream that is not held, from the playhead and from what the feed has not brought yet; for the
    /// feeder of the tail from what it has not brought.
    pub(super) fn first_lacking(&self, substream: u8, feeder: u8) -> Option<FrameId> {
        let session = self.session.as_ref()?;
        let floor = self.playout.playhead().unwrap_or(session.start);
        let seen = self.feeds.get(usize::from(substream)).and_then(|feed| feed.owed_by(feeder));
        let mut id = self.next_in(substream, seen.map_or(floor, |seen| seen.max(floor)));
        for _ in 0..self.frames.capacity() {
            if session.left.has(id) {
                // No feeder owes that.
                id = self.next_in(substream, session.left.until);
            } else if self.frames.is_complete(id) {
                id = self.next_in(substream, id.next());
            } else {
                break;
            }
        }
        Some(id)
    }

    /// Recurring work on peers and feeds.
    pub(super) fn check(&mut self, now: Instant) {
        self.clocks.check_at = now + CHECK_EVERY;
        if self.session.is_none() || self.is_leaving {
            return;
        }
        self.check_peers(now);
        self.check_uplink(now);
        self.check_feeders(now);
        let mut is_searching = false;
        for substream in 0..self.substreams() {
            self.check_tail(now, substream);
            self.check_gap(now, substream);
            self.check_request(now, substream);
            self.check_silence(now, substream);
            self.check_lag(now, substream);
            self.note_overdue(now, substream);
            self.check_starved(now, substream);
            is_searching |= self.search(now, substream);
        }
        self.check_fed(now);
        is_searching |= self.lacks_partners(now);
        if is_searching && self.clocks.find_at <= now {
            self.clocks.find_at = now + self.clocks.find_every;
            self.clocks.find_every = self.clocks.find_every.saturating_mul(2).min(Duration::from_secs(8));
            self.owe(EDGE, |owed| owed.find = true);
        }
    }

    /// A viewer whose picture stands and whom nobody feeds says hello again: the edge has a place, or says that it has none
    /// and who may.
    fn check_fed(&mut self, now: Instant) {
        let substreams = usize::from(self.substreams());
        let is_unfed = !self.is_in_mesh()
            && self.playout.state() != PlayoutState::Playing
            && self.feeds.iter().take(substreams).any(|feed| feed.current.is_none());
        if !is_unfed {
            self.clocks.unfed_since = Instant::FAR_FUTURE;
            return;
        }
        self.clocks.unfed_since = self.clocks.unfed_since.min(now);
        if now.since(self.clocks.unfed_since) > UNFED_MAX {
            self.clocks.unfed_since = Instant::FAR_FUTURE;
            self.rejoin(now, LeaveReason::Unfed);
        }
    }

    /// A former feeder that has delivered up to the cut, or stopped before it.
    fn check_tail(&mut self, now: Instant, substream: u8) {
        let Some(tail) = self.feeds.get(usize::from(substream)).and_then(|feed| feed.tail) else { return };
        let until = tail.until.unwrap_or(tail.next);
        let is_over =
            self.next_in(substream, tail.next.next()) >= until && self.frames.is_complete(tail.next);
        if tail.next >= until || is_over || now.since(tail.heard_at) > FEED_SILENT_MAX {
            self.note_holes(now, substream, tail.next, until);
            if let Some(feed) = self.feed_mut(substream) {
                feed.tail = None;
            }
        }
    }

    /// Holes that found no room: there may be some by now.
    fn check_gap(&mut self, now: Instant, substream: u8) {
        if let Some((from, until)) = self.feed_mut(substream).and_then(|feed| feed.gap.take()) {
            self.note_holes(now, substream, from, until);
        }
    }

    fn check_request(&mut self, now: Instant, substream: u8) {
        let Some(request) = self.feed_mut(substream).and_then(|feed| feed.request) else { return };
        if request.again_at > now {
            return;
        }
        if request.tries < TRIES_MAX {
            self.send_request(now, substream, request);
            return;
        }
        if let Some(feed) = self.feed_mut(substream) {
            feed.request = None;
            feed.search_at = now;
        }
        if request.peer != EDGE {
            self.on_candidate_refused(now, request.peer, substream, RefuseReason::Slow);
            let is_feeder = self.feeds.iter().any(|feed| feed.is_from(request.peer));
            if !is_feeder {
                self.lose_peer(now, request.peer);
            }
        }
    }

    /// Asks a feeder whose beat is late whether it is there, and gives up on it when it is not.
    fn check_silence(&mut self, now: Instant, substream: u8) {
        let Some(session) = &self.session else { return };
        let settings = session.settings;
        let Some(feed) = self.feeds.get(usize::from(substream)).filter(|feed| feed.request.is_none()) else {
            return;
        };
        let Some(stretch) = feed.current else {
            if settings.overlay != Overlay::Mesh {
                self.take_from_edge(now, substream);
            }
            return;
        };
        if self.is_suspect(stretch.peer) {
            self.rescue(now, substream);
            return;
        }
        let silence = now.since(stretch.heard_at);
        if silence <= LATE {
            return;
        }
        let following = self.next_in(substream, stretch.next.next());
        let gap = following.since(stretch.next).max(1);
        let beat = Duration::from_micros(u64::from(gap) * u64::from(settings.cadence_us));
        // Where one feeder brings everything nothing tells of newer frames but a picture that stands.
        let is_standing =
            self.playout.state() == PlayoutState::Stalled && silence > beat.saturating_add(SILENT_MAX);
        let is_lagging = session.newest > following || is_standing;
        if stretch.peer == EDGE && silence > beat.saturating_add(SILENT_MAX) {
            // It may have stopped and its word of it be lost; without other feeds nothing tells that there are newer frames.
            self.take_from_edge(now, substream);
            return;
        }
        if silence <= beat.saturating_add(LATE) || !is_lagging {
            return;
        }
        if silence > beat.saturating_add(FEED_SILENT_MAX) && !self.is_patient(now, substream) {
            self.on_feeder_lost(now, stretch.peer, substream);
            if stretch.peer != EDGE {
                if let Some(feed) = self.feed_mut(substream) {
                    feed.release(stretch.peer, stretch.next, now);
                }
                self.owe_release(stretch.peer, substream);
                self.on_candidate_refused(now, stretch.peer, substream, RefuseReason::Slow);
            }
            return;
        }
        let is_quiet =
            self.peer(EDGE).is_some_and(|edge| now.since(edge.link.last_heard()) > beat.saturating_add(LATE));
        if stretch.peer == EDGE && is_quiet {
            self.probe(now, EDGE);
        }
    }

    /// What a feeder fed is lost: from the edge meanwhile.
    pub(super) fn on_feeder_lost(&mut self, now: Instant, slot: u8, substream: u8) {
        let Some(feed) = self.feed_mut(substream) else { return };
        if let Some(tail) = feed.tail.filter(|tail| tail.peer == slot) {
            feed.tail = None;
            self.note_holes(now, substream, tail.next, tail.until.unwrap_or(tail.next));
        }
        let Some(feed) = self.feed_mut(substream) else { return };
        if feed.request.is_some_and(|request| request.peer == slot) {
            feed.request = None;
        }
        if feed.is_from(slot) {
            feed.search_at = now;
            self.stats.feeds_lost = self.stats.feeds_lost.saturating_add(1);
            let from = self.first_lacking(substream, EDGE);
            if let Some(feed) = self.feed_mut(substream) {
                feed.current = None;
            }
            if let Some(from) = from.filter(|_| !self.is_edge_spent(now)) {
                self.request(now, EDGE, substream, from);
            }
        }
    }

    pub(super) fn is_edge_spent(&self, now: Instant) -> bool {
        self.clocks.edge_at > now || !self.peer(EDGE).is_some_and(|edge| edge.is_met())
    }

    pub(super) fn take_from_edge(&mut self, now: Instant, substream: u8) {
        if let Some(from) = self.first_lacking(substream, EDGE).filter(|_| !self.is_edge_spent(now)) {
            self.request(now, EDGE, substream, from);
        }
    }

    /// Asks `slot` for a feed.
    pub(super) fn request(&mut self, now: Instant, slot: u8, substream: u8, from: FrameId) {
        self.send_request(now, substream, Request { peer: slot, from, again_at: now, tries: 0 });
    }

    fn send_request(&mut self, now: Instant, substream: u8, request: Request) {
        let Some(peer) = self.peer(request.peer) else { return };
        let wait_us = (u64::from(peer.link.rtt().smoothed_us()) * 3 / 2).max(100_000) << request.tries.min(3);
        let Some(feed) = self.feed_mut(substream) else { return };
        feed.request = Some(Request {
            again_at: now.plus_micros(wait_us),
            tries: request.tries.saturating_add(1),
            ..request
        });
        self.owe(request.peer, |owed| owed.subscribe |= bit(substream));
    }

    pub(super) fn owe_release(&mut self, slot: u8, substream: u8) {
        self.owe(slot, |owed| owed.release |= bit(substream));
    }

    /// Looks for a parent for a substream nobody feeds, or only the edge meanwhile. Says whether candidates are wanted.
    fn search(&mut self, now: Instant, substream: u8) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let settings = session.settings;
        let newest = session.newest;
        let Some(feed) = self.feeds.get(usize::from(substream)) else { return false };
        let is_leased = feed.is_from(EDGE) && feed.grant == Grant::Lease;
        let is_orphaned = feed.parent().is_none_or(|parent| self.is_suspect(parent));
        let is_wanting = feed.request.is_none() && (is_orphaned || is_leased || feed.is_lagging);
        if settings.overlay != Overlay::Push || !is_wanting || feed.search_at > now {
            return false;
        }
        let Some(index) = self.choose_parent(now, substream) else {
            if let Some(feed) = self.feed_mut(substream) {
                feed.search_at = now + Duration::from_millis(200);
            }
            return true;
        };
        let Some(known) = self.candidates.get_mut(index) else { return true };
        known.candidate.slots = known.candidate.slots.saturating_sub(1);
        let candidate = known.candidate;
        let from = if is_orphaned { self.first_lacking(substream, NOBODY) } else { None };
        let from = from.unwrap_or_else(|| self.next_in(substream, newest.next()));
        if let Some(slot) = self.slot_for(now, &candidate) {
            self.request(now, slot, substream, from);
        }
        false
    }

    fn choose_parent(&mut self, now: Instant, substream: u8) -> Option<usize> {
        let observed = self.session.as_ref()?.observed;
        let mut prospects: Vec<Prospect, PROSPECTS_MAX> = Vec::new();
        let mut indexes: Vec<usize, PROSPECTS_MAX> = Vec::new();
        for (index, known) in self.candidates.iter().enumerate() {
            let candidate = &known.candidate;
            let can_feed = candidate.feedable & bit(substream) != 0 && candidate.slots > 0;
            if !can_feed || known.not_before > now {
                continue;
            }
            let slot = self.peers.iter().position(|peer| peer.is_known() && peer.client == candidate.client);
            let slot = slot.and_then(|slot| u8::try_from(slot).ok()).filter(|&slot| slot != EDGE);
            let known_peer = slot.and_then(|slot| self.peer(slot));
            if known_peer.is_some_and(|peer| peer.probe.is_suspect) {
                continue;
            }
            let is_child = known_peer.is_some_and(|peer| peer.children & bit(substream) != 0);
            let is_parent = slot
                .is_some_and(|slot| self.feeds.get(usize::from(substream)).is_some_and(|f| f.is_from(slot)));
            if is_child || is_parent {
                continue;
            }
            let rtt = known_peer.map(|peer| *peer.link.rtt());
            let is_feeding = |feed: &&Feed| {
                slot.is_some() && (feed.parent() == slot || feed.request.map(|request| request.peer) == slot)
            };
            let feeds = u8::try_from(self.feeds.iter().filter(is_feeding).count()).unwrap_or(u8::MAX);
            let prospect = Prospect {
                rtt_us: rtt.filter(|rtt| rtt.is_known()).map(|rtt| rtt.smoothed_us()),
                slots: candidate.slots,
                age_s: candidate.age_s,
                feeds,
                is_near: candidate.address.get().is_some_and(|address| is_near(&address, &observed)),
            };
            if prospects.push(prospect).is_ok() {
                // Both vectors have the same capacity.
                let _ = indexes.push(index);
            }
        }
        let chosen = choose(&prospects, self.substreams(), &mut self.rng)?;
        indexes.get(chosen).copied()
    }

    pub(super) fn on_accept(&mut self, now: Instant, slot: u8, accept: &Accept) -> Result<(), Reject> {
        let session = self.session.as_ref().ok_or(Reject::Unexpected)?;
        let levels_max = session.settings.levels_max;
        let substream = accept.substream;
        let Some(feed) = self.feeds.get(usize::from(substream)) else { return Err(Reject::Malformed) };
        let from = feed.request.filter(|request| request.peer == slot).map(|request| request.from);
        let is_unasked = slot == EDGE && self.is_taken_on(now, feed, accept);
        let Some(from) = from.or_else(|| self.first_lacking(substream, EDGE).filter(|_| is_unasked)) else {
            if !feed.is_from(slot) {
                self.decline(now, slot, accept);
            } else if slot == EDGE && accept.grant != feed.grant {
                return self.on_regranted(now, substream, accept.grant);
            }
            return Err(Reject::Stale);
        };
        let feasible_below = feed.feasible_below(self.has_children(substream));
        let is_feasible = slot == EDGE || (accept.level < feasible_below && accept.level < levels_max);
        if let Some(feed) = self.feed_mut(substream) {
            feed.request = None;
        }
        if !is_feasible {
            self.decline(now, slot, accept);
            self.on_candidate_refused(now, slot, substream, RefuseReason::Level);
            return Err(Reject::Unexpected);
        }
        self.change_over(now, slot, accept, from);
        if accept.grant == Grant::Lease {
            self.reports.minute.on_rescued();
        }
        let level = match accept.grant {
            Grant::Lease => levels_max,
            // Whatever it says: nobody stands between the edge and its child.
            Grant::Feed if slot == EDGE => 1,
            Grant::Feed => accept.level.saturating_add(1),
        };
        if let Some(feed) = self.feed_mut(substream) {
            feed.grant = accept.grant;
            feed.set_level(level);
            feed.search_at = now;
            feed.is_lagging = false;
            feed.patient_until = Instant::ZERO;
            feed.releases.retain(|release| release.peer != slot);
        }
        // A feed that has just begun may have to catch up.
        self.cool_down(now);
        Ok(())
    }

    /// Whether an `Accept` of the edge that nobody asked for begins a feed. The edge makes a seed of a mesh of whom it likes, and
    /// feeds for good whom it likes of those that peers feed.
    fn is_taken_on(&self, now: Instant, feed: &Feed, accept: &Accept) -> bool {
        let Some(stretch) = feed.current else {
            return self.is_in_mesh() && accept.substream < self.substreams();
        };
        let is_by_peer = stretch.peer != EDGE && stretch.next <= accept.first && !self.is_in_mesh();
        let is_settled = feed.request.is_none() && !feed.is_told_to_end(EDGE, accept.first, now);
        is_by_peer && is_settled && accept.grant == Grant::Feed
    }

    /// The edge makes a feed for good of a lease, or a lease of a feed for good, unasked.
    fn on_regranted(&mut self, now: Instant, substream: u8, grant: Grant) -> Result<(), Reject> {
        let levels_max = self.session.as_ref().map_or(1, |session| session.settings.levels_max);
        let feed = self.feed_mut(substream).ok_or(Reject::Malformed)?;
        feed.grant = grant;
        feed.search_at = now;
        feed.set_level(match grant {
            Grant::Feed => 1,
            Grant::Lease => levels_max,
        });
        Ok(())
    }

    /// The cut: the old feeder goes on to `accept.first`, the new one from there.
    fn change_over(&mut self, now: Instant, slot: u8, accept: &Accept, from: FrameId) {
        let substream = accept.substream;
        let Some(feed) = self.feed_mut(substream) else { return };
        let (old, tail) = (feed.current, feed.tail);
        feed.current = Some(Stretch { peer: slot, next: accept.first, until: None, heard_at: now });
        feed.tail = None;
        if let Some(tail) = tail {
            let until = tail.until.unwrap_or(tail.next);
            // A feeder that moves its feed gives up what it owed before.
            let until = if tail.peer == slot { until.min(accept.first) } else { until };
            self.note_holes(now, substream, tail.next, until);
        }
        match old {
            None => self.note_holes(now, substream, from, accept.first),
            Some(old) if old.peer == slot => self.note_holes(now, substream, old.next, accept.first),
            Some(old) => {
                if self.is_suspect(old.peer) {
                    self.stats.feeds_lost = self.stats.feeds_lost.saturating_add(1);
                }
                if let Some(feed) = self.feed_mut(substream).filter(|_| old.next < accept.first) {
                    feed.tail = Some(Stretch { until: Some(accept.first), heard_at: now, ..old });
                }
                self.send_release(now, old.peer, substream, accept.first);
            }
        }
    }

    /// Tells a feeder that what it offers is not wanted.
    fn decline(&mut self, now: Instant, slot: u8, accept: &Accept) {
        let Some(feed) = self.feed_mut(accept.substream) else { return };
        let until = feed.unwanted_from(slot, accept.first);
        self.send_release(now, slot, accept.substream, until);
    }

    /// Tells a feeder to stop before `until`.
    pub(super) fn send_release(&mut self, now: Instant, slot: u8, substream: u8, until: FrameId) {
        if let Some(feed) = self.feed_mut(substream) {
            feed.release(slot, until, now);
            self.owe_release(slot, substream);
        }
    }

    pub(super) fn on_refuse(
        &mut self,
        now: Instant,
        slot: u8,
        substream: u8,
        reason: RefuseReason,
    ) -> Result<(), Reject> {
        let feed = self.feed_mut(substream).ok_or(Reject::Malformed)?;
        let is_answer = feed.request.is_some_and(|request| request.peer == slot);
        if is_answer {
            feed.request = None;
            feed.search_at = now;
        }
        let is_end = !is_answer && feed.is_from(slot);
        if slot == EDGE {
            // That there is no such feed says nothing against asking for one.
            if reason != RefuseReason::Unhealthy {
                self.clocks.edge_at = now + Duration::from_secs(1);
            }
        } else {
            self.on_candidate_refused(now, slot, substream, reason);
        }
        if is_end {
            self.on_feeder_lost(now, slot, substream);
        }
        self.clocks.check_at = now;
        if is_answer || is_end { Ok(()) } else { Err(Reject::Stale) }
    }

    /// The level this client has on a substream, for its children; [`NO_LEVEL`] without a feed.
    pub(super) fn level(&self, substream: u8) -> u8 {
        let feed = self.feeds.get(usize::from(substream));
        feed.filter(|feed| feed.current.is_some()).map_or(NO_LEVEL, |feed| feed.level)
    }
}
