//! What clients tell once a second.

use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{RefuseReason, Status};

use super::admission::first_part;
use super::client_slot::Mask;
use super::machine::Edge;

/// With more buffered the picture does not stand before the next status.
const STANDING_MS: u32 = 500;

impl<S: FrameStore> Edge<'_, S> {
    pub(super) fn on_status(&mut self, now: Instant, slot: u32, status: &Status) {
        let is_line_short = self.line.is_short();
        self.note_slots(slot, status.slots.min(status.slots_max));
        self.check_sharing(now, slot);
        let Some(client) = self.clients.at_mut(slot) else { return };
        let all = self
            .channels
            .get(usize::from(client.channel.0))
            .map_or(0, |channel| channel.settings.all_substreams());
        client.feedable = Mask(status.feedable & all);
        for substream in Mask(client.leases.0 & status.edge_feeds).iter() {
            client.renew_lease(substream, now);
        }
        if client.is_waiting && !is_line_short {
            client.hasten_end(now);
        }
        // A feed it believes to have and has not: the word of its end was lost.
        let believed = Mask(status.edge_feeds & all & !client.active().0 & !client.accepts.0);
        let must_refuse = !believed.is_empty() && client.refusals.is_empty();
        if must_refuse {
            client.refusals = believed;
            client.refuse_reason = RefuseReason::Unhealthy;
        }
        let id = client.channel;
        self.note_watch(slot, &status.watch);
        if let Some(record) = self.records.get_mut(slot as usize) {
            let slots_before = core::mem::replace(&mut record.slots_max, status.slots_max);
            if let Some(channel) = self.channels.get_mut(usize::from(id.0)) {
                let slots = channel.uplink_slots.saturating_add(u32::from(status.slots_max));
                channel.uplink_slots = slots.saturating_sub(u32::from(slots_before));
            }
            record.watch = status.watch;
            let told = status.parents.iter().copied().chain(core::iter::repeat(None));
            for (parent, told) in record.parents.iter_mut().zip(told) {
                *parent = told;
            }
        }
        if must_refuse {
            self.refresh(now, slot);
        }
        if status.watch.startup_ms > 0 {
            self.note_standing(now, slot, status.watch.buffer_ms, is_line_short);
        }
        self.update_supplier(slot);
        self.promote(now, slot);
        self.hold_to_stage(now, slot);
        self.estimate(now, slot);
    }

    /// Playback passed over what is under way: feeds go on with what can still be played.
    pub(super) fn on_skipped(&mut self, now: Instant, slot: u32, to: FrameId) {
        let Some(client) = self.clients.at(slot).filter(|client| !client.is_waiting) else { return };
        let Some(channel) = self.channel(client.channel) else { return };
        let Some(newest) = channel.newest else { return };
        let to = to.min(newest.next());
        for substream in client.active().iter() {
            let Some(client) = self.clients.at(slot) else { return };
            let is_begun = client.current.is_some_and(|current| current.substream == substream);
            let is_passed = !is_begun && client.feed(substream).is_some_and(|feed| feed.next < to);
            if let Some(next) = self.next_in(slot, substream, to).filter(|_| is_passed) {
                self.set_next(slot, substream, next);
            }
        }
        self.refresh(now, slot);
    }

    /// The picture stands or soon will: what the client plays next comes before other bursts, wherever it was thought to be. Those who stand because
    /// the line is short come before newcomers, until they have something again.
    pub(super) fn note_standing(&mut self, now: Instant, slot: u32, buffer_ms: u32, is_line_short: bool) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        client.is_standing = buffer_ms < STANDING_MS && (client.is_standing || is_line_short);
        if buffer_ms < STANDING_MS {
            self.note_urgent(now, slot);
        }
        self.refresh(now, slot);
    }

    fn note_urgent(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot).filter(|client| !client.is_waiting) else { return };
        let Some(settings) = self.channel(client.channel).map(|channel| &channel.settings) else { return };
        let behind = client.behind.iter().filter_map(|substream| client.feed(substream));
        let Some(lacking) = behind.map(|feed| feed.next).min() else { return };
        let base = lacking.plus(first_part(settings)).minus(client.played(now, settings.cadence_us));
        if let Some(client) = self.clients.at_mut(slot) {
            client.first_base = client.first_base.max(base);
        }
    }
}
