//! What clients tell once a second.

use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{RefuseReason, Status};

use super::client_slot::Mask;
use super::machine::Edge;

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
        self.update_supplier(slot);
        self.promote(now, slot);
        self.estimate(now, slot);
    }
}
