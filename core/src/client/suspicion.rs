//! Feeders that fall silent: asked when a beat is late, suspected when they do not answer, given up after a second. A suspect's
//! feeds are taken from the edge meanwhile; one that speaks again feeds on as if nothing had been (docs/wire.md, "Feeds").

use core::time::Duration;

use super::machine::Client;
use super::peer::{EDGE, Peer, slot_bit, slots_of};
use crate::media::{ChannelSettings, FrameId};
use crate::store::FrameStore;
use crate::time::Instant;

/// A feed later than its beat by this much is asked about (docs/wire.md, "Feeds").
pub(super) const LATE: Duration = Duration::from_micros(LATE_US);
const LATE_US: u64 = 60_000;
/// A suspect unheard for this long is gone (docs/wire.md, "Feeds").
const UNHEARD_MAX: Duration = Duration::from_secs(1);
/// Pings of one probe: losses on the way are no silence, even where a tenth is lost.
const PINGS_MAX: u8 = 3;
/// Beats looked ahead for the one that is due.
const BEATS_MAX: u8 = 64;

/// What is known of a feeder's silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    /// When anything last came from it.
    pub(super) heard_at: Instant,
    /// When the next beat of its feeds is due; `FAR_FUTURE`: it feeds nothing.
    pub(super) due_at: Instant,
    /// When it was asked whether it is there; `None`: it was not, or was heard since.
    pub(super) asked_at: Option<Instant>,
    /// How often it was asked since.
    pub(super) pings: u8,
    /// Smoothed round trip.
    pub(super) rtt_us: u32,
    /// Whether it is suspected already.
    pub(super) is_suspect: bool,
}

/// What follows from a feeder's silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before that time.
    Wait(Instant),
    /// Ask it whether it is there.
    Ask,
    /// It did not answer: others have to feed.
    Suspect,
    /// It is gone.
    Gone,
}

/// Judges a feeder by its silence.
pub(super) fn judge(now: Instant, quiet: &Quiet) -> Verdict {
    let rtt_us = u64::from(quiet.rtt_us);
    let until = |at: Instant, verdict| if at <= now { verdict } else { Verdict::Wait(at) };
    if quiet.is_suspect {
        return until(quiet.heard_at + UNHEARD_MAX, Verdict::Gone);
    }
    let Some(asked_at) = quiet.asked_at else {
        return if quiet.due_at == Instant::FAR_FUTURE {
            Verdict::Wait(Instant::FAR_FUTURE)
        } else {
            until(quiet.due_at + LATE, Verdict::Ask)
        };
    };
    let wait_us = (rtt_us * 3 / 2).max(LATE_US);
    // The answer to the last ping is there by then, too.
    let gap_us = wait_us.saturating_sub(rtt_us) / u64::from(PINGS_MAX);
    let answer_by = asked_at.plus_micros(wait_us);
    let again_at = asked_at.plus_micros(gap_us * u64::from(quiet.pings));
    if answer_by <= now {
        Verdict::Suspect
    } else if quiet.pings < PINGS_MAX {
        until(again_at, Verdict::Ask)
    } else {
        Verdict::Wait(answer_by)
    }
}

/// When a feed whose newest frame `seen` came at `seen_at` should next bring one after `heard_at`.
pub(super) fn next_beat(
    settings: &ChannelSettings,
    substream: u8,
    seen: FrameId,
    seen_at: Instant,
    heard_at: Instant,
) -> Instant {
    let mut id = seen;
    let mut at = seen_at;
    for _ in 0..BEATS_MAX {
        id = settings.mapping.next_in(substream, id.next(), settings.substreams);
        at = seen_at.plus_micros(u64::from(id.since(seen)) * u64::from(settings.cadence_us));
        if at > heard_at {
            break;
        }
    }
    at
}

impl<S: FrameStore> Client<'_, S> {
    /// Whether a peer is taken for dead.
    pub(super) fn is_suspect(&self, slot: u8) -> bool {
        self.peer(slot).is_some_and(|peer| peer.probe.is_suspect)
    }

    /// Judges all who feed this client, or are suspected; sees to it that the next judgement comes in time.
    pub(super) fn check_feeders(&mut self, now: Instant) {
        let feeders = self.feeds.iter().filter_map(super::feed::Feed::parent);
        let feeders = feeders.fold(0, |set, slot| set | slot_bit(slot));
        let suspects = slots_of(self.known).filter(|&slot| self.is_suspect(slot));
        let judged = suspects.fold(feeders, |set, slot| set | slot_bit(slot)) & !slot_bit(EDGE);
        for slot in slots_of(judged) {
            let Some(quiet) = self.quiet_of(slot) else { continue };
            match judge(now, &quiet) {
                Verdict::Wait(at) => self.clocks.check_at = self.clocks.check_at.min(at),
                Verdict::Ask => self.ask_whether_there(now, slot, quiet.asked_at.is_some()),
                Verdict::Suspect => self.suspect(now, slot),
                Verdict::Gone => self.lose_peer(now, slot),
            }
        }
    }

    fn quiet_of(&self, slot: u8) -> Option<Quiet> {
        let settings = &self.session.as_ref()?.settings;
        let peer = self.peer(slot).filter(|peer| peer.is_met())?;
        let heard_at = peer.link.last_heard();
        let fed = self.feeds.iter().zip(0_u8..).filter_map(|(feed, substream)| {
            let stretch = feed.current.filter(|stretch| stretch.peer == slot)?;
            Some(next_beat(settings, substream, stretch.next, stretch.heard_at, heard_at))
        });
        let probe = &peer.probe;
        let is_asked = probe.token != 0 && probe.sent_at >= heard_at;
        Some(Quiet {
            heard_at,
            due_at: fed.min().unwrap_or(Instant::FAR_FUTURE),
            asked_at: is_asked.then_some(probe.sent_at),
            pings: probe.pings,
            rtt_us: peer.link.rtt().smoothed_us(),
            is_suspect: peer.probe.is_suspect,
        })
    }

    fn ask_whether_there(&mut self, now: Instant, slot: u8, is_again: bool) {
        if is_again {
            if let Some(peer) = self.peer_mut(slot) {
                peer.probe.pings = peer.probe.pings.saturating_add(1);
            }
            self.owe(slot, |owed| owed.ping = true);
        } else {
            if let Some(peer) = self.peer_mut(slot) {
                // A question from before it was last heard is answered by that.
                peer.probe.token = 0;
            }
            self.probe(now, slot);
        }
        // The next step follows within a round trip.
        let next = self.quiet_of(slot).map(|quiet| judge(now, &quiet));
        if let Some(Verdict::Wait(at)) = next {
            self.clocks.check_at = self.clocks.check_at.min(at);
        }
    }

    /// A feeder does not answer: all it feeds is taken from the edge, until it speaks again or another parent is found.
    fn suspect(&mut self, now: Instant, slot: u8) {
        let Some(peer) = self.peer_mut(slot) else { return };
        peer.probe.is_suspect = true;
        self.stats.suspicions = self.stats.suspicions.saturating_add(1);
        self.holes.forget_peer(slot);
        for substream in 0..self.substreams() {
            self.rescue(now, substream);
        }
        if !self.holes.is_empty() {
            self.clocks.pull_at = now;
        }
    }

    /// Asks the edge for what a suspect feeds, unless it is being asked or has nothing to give.
    pub(super) fn rescue(&mut self, now: Instant, substream: u8) {
        let Some(feed) = self.feed_mut(substream) else { return };
        let (parent, request) = (feed.parent(), feed.request);
        if !parent.is_some_and(|parent| self.is_suspect(parent)) {
            return;
        }
        let is_asked = request.is_some_and(|request| request.peer == EDGE);
        if is_asked {
            return;
        }
        if self.is_edge_spent(now) {
            if let Some(feed) = self.feed_mut(substream) {
                feed.search_at = feed.search_at.min(now);
            }
        } else {
            self.take_from_edge(now, substream);
        }
    }

    /// Anything came from a peer: if it was suspected it goes on, and the edge need not begin.
    pub(super) fn on_heard(&mut self, now: Instant, slot: u8) {
        let Some(peer) = self.peer_mut(slot) else { return };
        peer.link.on_heard(now);
        if !core::mem::take(&mut peer.probe.is_suspect) {
            return;
        }
        self.stats.suspicions_false = self.stats.suspicions_false.saturating_add(1);
        for feed in self.feeds.iter_mut().filter(|feed| feed.is_from(slot)) {
            // An answer to what is no longer asked is released.
            feed.request = feed.request.filter(|request| request.peer != EDGE);
        }
    }
}

impl Peer {
    /// Whether it can be asked for something: it was met, and not found silent since.
    pub(super) fn is_there(&self) -> bool {
        self.is_met() && !self.probe.is_suspect
    }
}

#[cfg(test)]
#[path = "suspicion_tests.rs"]
mod tests;
