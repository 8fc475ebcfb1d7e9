//! A line that gives too little for all feeds: some clients wait, so that the others see nothing of it.
//!
//! Live feeds share what there is. When all of them fall behind and more is promised than the line gives, clients are set aside
//! one after the other, whoever feeds nobody first: their feeds stand still. When there is room, they are taken up again at a key frame
//! near the live edge; what lies between is skipped (a parent never queues for a slow child).

use core::time::Duration;

use crate::endpoint::Transmit;
use crate::media::{FrameId, Overlay};
use crate::store::FrameStore;
use crate::time::Instant;

use super::admission::first_part;
use super::client_slot::{ClientSlot, EgressClass};
use super::feeds::{Granted, deciseconds, has_overlay, share_of};
use super::machine::Edge;

/// A live feed may be so far behind, as a part of the target buffer, and so much further for each feed its client gives.
const LATE_PART: u64 = 16;
const LATE_PART_PER_CHILD: u64 = 32;
/// At least so far: a beat and what the adapter collects.
const LATE_US_MIN: u64 = 250_000;
/// Who is taken up gets so much media beyond the startup threshold: all that waited begin at once.
const TAKEN_UP_BEYOND: Duration = Duration::from_secs(1);
/// One client at a time, so far apart: enough of them have been set aside long before buffers are empty, and no more than needed.
const ASIDE_EVERY: Duration = Duration::from_millis(20);
/// Who waited so long, in tenths of a second, is told that nothing will come, and may ask elsewhere. Once the line is whole, sooner: a
/// lease's time.
const PATIENCE_DS: u32 = 300;

impl<S: FrameStore> Edge<'_, S> {
    /// What is promised to those who are served, and what may be.
    fn served_bps(&self) -> u64 {
        let promised = &self.promised;
        let all_bps =
            promised.feeds_bps.saturating_add(promised.joins_bps).saturating_add(promised.rescues_bps);
        all_bps.saturating_sub(promised.waiting_bps)
    }

    fn usable_bps(&self, rate_bps: u64) -> u64 {
        share_of(self.line.arriving_bps(rate_bps), 1.0 - self.config.overhead_share)
    }

    /// Whether plain players take of the capacity: they do not ask, and what was promised before they came may be too much.
    fn is_squeezed(&self) -> bool {
        self.line.cap_bps() < self.config.capacity_bps
    }

    /// Whether a client that waits can be served, too.
    pub(super) fn has_room_for(&self, slot: u32) -> bool {
        let own_bps = self.fed_bps(slot);
        self.served_bps().saturating_add(own_bps) <= self.usable_bps(self.line.asked_bps())
    }

    /// What a client is fed.
    fn fed_bps(&self, slot: u32) -> u64 {
        let Some(client) = self.clients.at(slot) else { return 0 };
        let substream_bps = self.channel(client.channel).map_or(0, |channel| channel.substream_bps());
        substream_bps.saturating_mul(u64::from(client.active().0.count_ones()))
    }

    /// How late a client's live feeds may be before it is set aside.
    fn late_us_max(&self, slot: u32, target_ms: u32) -> u64 {
        let target_us = u64::from(target_ms) * 1_000;
        let base_us = (target_us / LATE_PART).max(LATE_US_MIN);
        base_us + target_us / LATE_PART_PER_CHILD * u64::from(self.feeds_given(slot))
    }

    /// Feeds a client gives to others, as last told.
    pub(super) fn feeds_given(&self, slot: u32) -> u8 {
        let all = self.records.get(slot as usize).map_or(0, |record| record.slots_max);
        all.saturating_sub(self.clients.at(slot).map_or(0, |client| client.slots))
    }

    /// How late the frame is that a client is sent next: a live feed behind the newest frame, a burst behind what the client
    /// plays by now.
    fn late_us(&self, slot: u32) -> Option<u64> {
        let client = self.clients.at(slot)?;
        let channel = self.channel(client.channel)?;
        let newest = channel.newest?;
        let (class, substream) = client.next_feed(newest)?;
        let next = client.feed(substream)?.next;
        let late = match class {
            EgressClass::Live => newest.since(next),
            EgressClass::Standing | EgressClass::BurstFirst => {
                client.first_until.minus(first_part(&channel.settings)).since(next)
            }
            EgressClass::Control | EgressClass::Rescue | EgressClass::Waiting | EgressClass::BurstRest => 0,
        };
        Some(u64::from(late) * u64::from(channel.settings.cadence_us))
    }

    /// Sets a client aside when what it is sent next is too late and the line is short, plain players take of it, or much of what it
    /// carries is lost behind it.
    pub(super) fn set_aside_if_late(&mut self, now: Instant, slot: u32) -> bool {
        if !(self.line.is_short() || self.line.is_lossy() || self.is_squeezed()) || now < self.aside_at {
            return false;
        }
        let Some(client) = self.clients.at(slot).filter(|client| client.current.is_none()) else {
            return false;
        };
        let target_ms = self.channel(client.channel).map_or(0, |channel| channel.settings.target_buffer_ms);
        let is_late = self.late_us(slot).is_some_and(|late_us| late_us > self.late_us_max(slot, target_ms));
        if !is_late || self.served_bps() <= self.usable_bps(self.line.counted_bps()) {
            return false;
        }
        self.aside_at = now + ASIDE_EVERY;
        self.set_aside(now, slot);
        true
    }

    fn set_aside(&mut self, now: Instant, slot: u32) {
        let fed_bps = self.fed_bps(slot);
        let feeds_nobody = self.feeds_given(slot) == 0;
        let has_others = !self.config.alternatives.is_empty();
        let Some(client) = self.clients.at_mut(slot) else { return };
        let (id, active, cut) = (client.channel, client.active(), client.cut);
        client.is_waiting = true;
        client.pulls_from = FrameId(u32::MAX);
        client.pending.redirect |= has_others;
        self.stats.waiting = self.stats.waiting.saturating_add(1);
        self.promised.waiting_bps = self.promised.waiting_bps.saturating_add(fed_bps);
        self.stats.set_aside += 1;
        let Some(channel) = self.channel(id) else { return };
        let end_ds = deciseconds(now).saturating_add(PATIENCE_DS);
        let ahead = channel.newest.map_or(channel.next, |newest| newest.next());
        let settings = &channel.settings;
        let is_tree = settings.overlay == Overlay::Push && has_overlay(settings.overlay, settings.levels_max);
        let may_be_fed = feeds_nobody && is_tree;
        for substream in active.iter() {
            if cut.has(substream) {
                self.end_feed(slot, substream);
                continue;
            }
            let next = self.first_from(id, substream, ahead);
            let Some(client) = self.clients.at_mut(slot) else { return };
            client.behind.set(substream, false);
            let is_feed = client.feeds.has(substream);
            if let Some(feed) = client.feed_mut(substream) {
                (feed.next, feed.mark, feed.lease_end_ds) = (next, next, end_ds);
            }
            if may_be_fed && is_feed {
                // On a lease it looks for parents.
                self.regrant(slot, substream, Some(Granted::JoinLease));
            }
        }
    }

    /// Who has no feed left waits for nothing.
    pub(super) fn stop_waiting(&mut self, slot: u32) {
        let waits_in_vain = |client: &&mut ClientSlot| client.is_waiting && client.active().is_empty();
        if let Some(client) = self.clients.at_mut(slot).filter(waits_in_vain) {
            client.is_waiting = false;
            self.stats.waiting = self.stats.waiting.saturating_sub(1);
        }
    }

    /// Feeds a client again, from where its feeds stood or from a key frame near the live edge.
    pub(super) fn take_up(&mut self, now: Instant, slot: u32) -> Option<Transmit> {
        let fed_bps = self.fed_bps(slot);
        let client = self.clients.at_mut(slot).filter(|client| client.is_waiting)?;
        client.is_waiting = false;
        let (id, active) = (client.channel, client.active());
        self.stats.waiting = self.stats.waiting.saturating_sub(1);
        self.promised.waiting_bps = self.promised.waiting_bps.saturating_sub(fed_bps);
        let channel = self.channel(id)?;
        let (newest, cadence_us) = (channel.newest?, channel.settings.cadence_us);
        let start = channel.start_within(self.frames.get(usize::from(id.0))?, TAKEN_UP_BEYOND)?;
        for substream in active.iter() {
            let client = self.clients.at(slot)?;
            let (granted, from) = (client.granted(substream)?, client.feed(substream)?.next.max(start));
            let first = self.first_from(id, substream, from);
            self.begin_feed(now, slot, substream, first, granted);
        }
        let client = self.clients.at_mut(slot)?;
        // All of it is to be played at once.
        client.first_base = newest.next().minus(client.played(now, cadence_us));
        client.pulls_from = start;
        None
    }
}
