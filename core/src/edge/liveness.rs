//! Who is still there: silence, leases, and every other deadline of a client, on one timer each.

use core::time::Duration;

use crate::limits::DATAGRAM_LEN_MAX;
use crate::link::Link;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{Class, LeaveReason, RefuseReason};

use super::channel::{ChannelId, ChannelSlot, ChannelState};
use super::client_slot::{ClientRecord, Mask};
use super::events::{EdgeEvent, LeaveCause};
use super::feeds::{deciseconds, instant_of};
use super::machine::Edge;

/// A push client not heard for so long is forgotten (docs/wire.md, "Feeds").
const PUSH_SILENCE: Duration = Duration::from_secs(3);
/// A P2P client.
const P2P_SILENCE: Duration = Duration::from_secs(10);
/// A burst whose pace was used up goes on with this many packets at once, so that they leave in one call,
const PACE_BATCH_PACKETS: u64 = 8;
/// unless that takes longer than this.
const PACE_BATCH_US_MAX: u64 = 50_000;

impl<S: FrameStore> Edge<'_, S> {
    /// Sees to it that a client's timer fires at `at` or before. A timer that fires early is set again.
    pub(super) fn arm_at(&mut self, slot: u32, at: Instant) {
        if self.wheel.deadline(slot).is_none_or(|deadline| at < deadline) {
            self.wheel.schedule(slot, at);
        }
    }

    pub(super) fn arm(&mut self, now: Instant, slot: u32) {
        if let Some(at) = self.client_deadline(now, slot) {
            self.arm_at(slot, at);
        }
    }

    /// When something is next due at a client.
    fn client_deadline(&self, now: Instant, slot: u32) -> Option<Instant> {
        let client = self.clients.at(slot)?;
        let link = self.links.get(slot as usize)?;
        let ends = client.ending().iter().filter_map(|substream| client.feed(substream));
        let lease_at = ends.map(|feed| instant_of(feed.lease_end_ds)).min();
        let pace_at = client.is_paced.then(|| self.paced_until(now, slot));
        let silent_at = link.last_heard() + silence(client.class);
        let others = [lease_at, pace_at, link.loss_deadline()];
        others.into_iter().flatten().chain([silent_at]).min()
    }

    /// When a client's burst goes on.
    pub(super) fn paced_until(&self, now: Instant, slot: u32) -> Instant {
        let Some(client) = self.clients.at(slot) else { return now };
        let rate_bps = self.channel(client.channel).map_or(1, |channel| u64::from(channel.settings.rate_bps));
        let batch_us = PACE_BATCH_PACKETS * DATAGRAM_LEN_MAX as u64 * 8_000_000 / (4 * rate_bps.max(1));
        client.pace.ready_at(now).plus_micros(batch_us.min(PACE_BATCH_US_MAX))
    }

    /// A timer fired: a client's, or that of a channel whose publisher dropped.
    pub(super) fn on_timer(&mut self, now: Instant, id: u32) {
        match id.checked_sub(self.clients.capacity()) {
            None => self.on_client_timer(now, id),
            Some(channel) => {
                let id = ChannelId(u8::try_from(channel).unwrap_or(u8::MAX));
                if self.channel(id).is_some_and(|channel| channel.state == ChannelState::Suspended) {
                    self.close_channel(now, id);
                }
            }
        }
    }

    fn on_client_timer(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        let Some(link) = self.links.get_mut(slot as usize) else { return };
        if link.last_heard() + silence(client.class) <= now {
            self.remove_client(now, slot, LeaveCause::Silent);
            return;
        }
        link.on_loss_timeout(now);
        if client.is_paced && client.pace.is_ready(now) {
            client.is_paced = false;
        }
        let now_ds = deciseconds(now);
        let ending = client.ending().iter();
        let over =
            ending.filter(|&substream| client.feed(substream).is_none_or(|f| f.lease_end_ds <= now_ds));
        let over = over.fold(Mask::EMPTY, |mut over, substream| {
            over.set(substream, true);
            over
        });
        if !over.is_empty() {
            client.refusals = Mask(client.refusals.0 | over.0);
            client.accepts = Mask(client.accepts.0 & !over.0);
            client.refuse_reason = RefuseReason::Slow;
        }
        for substream in over.iter() {
            self.end_feed(slot, substream);
        }
        self.stop_waiting(slot);
        self.refresh(now, slot);
        if let Some(at) = self.client_deadline(now, slot) {
            self.wheel.schedule(slot, at.max(now.plus_micros(1)));
        }
    }

    /// Forgets a client: its feeds, its place among the suppliers, its address and its link.
    pub(super) fn remove_client(&mut self, now: Instant, slot: u32, cause: LeaveCause) {
        let Some(handle) = self.clients.handle_of(slot) else { return };
        let Some(client) = self.clients.at_mut(slot) else { return };
        let (id, remote, joined_at) = (client.channel, client.path.remote, client.joined_at);
        let is_waiting = client.is_waiting;
        self.end_sharing(slot);
        self.note_slots(slot, 0);
        let Some(client) = self.clients.at_mut(slot) else { return };
        client.feedable = Mask::EMPTY;
        for substream in client.active().iter() {
            self.end_feed(slot, substream);
        }
        self.stats.waiting = self.stats.waiting.saturating_sub(u32::from(is_waiting));
        self.update_supplier(slot);
        self.unready(slot);
        self.wheel.cancel(slot);
        self.addresses.remove(&remote);
        let client_id = self.client_id(handle);
        self.clients.remove(handle);
        if let Some(link) = self.link_mut(slot) {
            *link = Link::EMPTY;
        }
        let stayed_ms = now.micros_since(joined_at) / 1_000;
        self.on_reporter_gone(slot, id, cause, stayed_ms);
        let mut slots_max = 0;
        if let Some(record) = self.record_mut(slot) {
            slots_max = record.slots_max;
            *record = ClientRecord::EMPTY;
        }
        self.stats.leaves += 1;
        if let Some(channel) = self.channel_mut(id) {
            channel.clients = channel.clients.saturating_sub(1);
            channel.uplink_slots = channel.uplink_slots.saturating_sub(u32::from(slots_max));
            channel.estimator.on_leave();
            channel.minute.left = channel.minute.left.saturating_add(1);
        }
        self.on_load(id);
        let event = EdgeEvent::Left { client: client_id, channel: id, cause, stayed_ms };
        self.events.push(event, &mut self.stats);
        self.free_if_closing(id);
        self.tell_if_drained();
    }

    /// A closing channel's place is free once its last client was told.
    pub(super) fn free_if_closing(&mut self, id: ChannelId) {
        let Some(channel) = self.channel(id) else { return };
        if channel.state == ChannelState::Closing && channel.clients == 0 {
            self.end_minute(id, self.minute_number);
            if let Some(place) = self.channels.get_mut(usize::from(id.0)) {
                *place = ChannelSlot::EMPTY;
            }
            self.events.push(EdgeEvent::ChannelClosed { channel: id }, &mut self.stats);
        }
    }

    /// Tells the clients of a channel to leave; each is forgotten when its message is out.
    pub(super) fn dismiss(&mut self, now: Instant, id: ChannelId, reason: LeaveReason) {
        let mut next = self.clients.first_from(0);
        while let Some(handle) = next {
            if let Some(client) = self.clients.get_mut(handle).filter(|client| client.channel == id) {
                client.pending.leave = Some(reason);
                self.refresh(now, handle.slot);
            }
            next = self.clients.first_from(handle.slot.saturating_add(1));
        }
    }

    /// Forgets the clients of a channel without a word: their next datagram is answered by a reset, and they join again.
    pub(super) fn expel_all(&mut self, now: Instant, id: ChannelId) {
        let mut next = self.clients.first_from(0);
        while let Some(handle) = next {
            if self.clients.get(handle).is_some_and(|client| client.channel == id) {
                self.remove_client(now, handle.slot, LeaveCause::Dismissed);
            }
            next = self.clients.first_from(handle.slot.saturating_add(1));
        }
    }

    /// Tells everybody to leave and lets nobody in.
    pub fn shutdown(&mut self, now: Instant) {
        self.is_draining = true;
        for index in 0..self.channels.len() {
            let Ok(index) = u8::try_from(index) else { return };
            self.dismiss(now, ChannelId(index), LeaveReason::Done);
        }
    }
}

const fn silence(class: Class) -> Duration {
    match class {
        Class::Push => PUSH_SILENCE,
        Class::P2p => P2P_SILENCE,
    }
}
