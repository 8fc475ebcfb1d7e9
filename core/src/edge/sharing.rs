//! Burst sharing: in a crowd the edge sends a newcomer what it plays first and what is live. What lies between comes from peers, which
//! hold all of it (docs/wire.md, "Joining"), so that whoever comes with many others has a full buffer, too.

use core::time::Duration;

use crate::limits::CANDIDATES_MAX;
use crate::media::{ChannelSettings, FrameId, Overlay};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::Class;

use super::admission::first_part;
use super::channel::ChannelId;
use super::client_slot::ClientSlot;
use super::feeds::has_overlay;
use super::machine::Edge;

/// A shorter rest is not worth asking peers for: it is sent before they are met.
const REST_MIN: Duration = Duration::from_secs(1);

/// Clients looked at for a newcomer, to find some that can give.
const DRAWS_MAX: u32 = 24;

/// The first frame that is left to peers of a burst from `start` to `newest`; `None`: the first part is nearly all of it.
pub(super) fn left_from(start: FrameId, newest: FrameId, settings: &ChannelSettings) -> Option<FrameId> {
    let from = start.plus(first_part(settings));
    (newest.since(from) >= settings.frames_in(REST_MIN)).then_some(from)
}

/// Whether `idle` slots, less those promised, have room for one more newcomer that takes a whole rate until it has caught up; beside the
/// live feeds of those who come with it, when peers give these, too.
fn has_room(idle: u32, promised: u32, sharing: u32, substreams: u8, class: Class) -> bool {
    let each = match class {
        Class::Push => u32::from(substreams) * 2,
        Class::P2p => u32::from(substreams) * 3,
    };
    sharing.saturating_add(1).saturating_mul(each).saturating_add(promised) <= idle
}

impl ClientSlot {
    /// Whether a feed that goes on at `next` has sent all of the burst that is the edge's.
    pub(super) fn is_left(&self, substream: u8, next: FrameId) -> bool {
        let at = self.feed(substream).map_or(FrameId(u32::MAX), |feed| feed.next);
        self.behind.has(substream) && at < self.left_from && next >= self.left_from
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// Whether peers are to give a newcomer the rest of its burst: bursts wait for the egress, and peers have room for one more.
    pub(super) fn is_burst_shared(&self, id: ChannelId, class: Class) -> bool {
        let Some(channel) = self.channel(id) else { return false };
        let settings = &channel.settings;
        let is_tree = settings.overlay == Overlay::Push && has_overlay(settings.overlay, settings.levels_max);
        let promised = u32::try_from(self.tracker.reserved()).unwrap_or(u32::MAX);
        is_tree
            && self.is_crowded()
            && has_room(channel.slots_idle, promised, channel.sharing, settings.substreams, class)
    }

    /// Names clients that can give to a newcomer that has no candidates; `false`: there is nobody.
    pub(super) fn add_givers(&mut self, id: ChannelId, offered: &mut [u16; CANDIDATES_MAX]) -> bool {
        if offered.iter().any(|&place| place != 0) {
            // Who is to be fed by peers takes no slot but those held for it.
            return true;
        }
        let mut rng = self.rng.clone();
        for _ in 0..DRAWS_MAX {
            let Some(free) = offered.iter().position(|&place| place == 0) else { break };
            let slot = rng.below(self.clients.end());
            let is_giver = |client: &&ClientSlot| client.channel == id && client.slots > 0;
            let place = u16::try_from(slot).unwrap_or(u16::MAX).wrapping_add(1);
            if self.clients.at(slot).filter(is_giver).is_none() || offered.contains(&place) {
                continue;
            }
            if let Some(free) = offered.get_mut(free) {
                *free = place;
            }
        }
        self.rng = rng;
        offered.iter().any(|&place| place != 0)
    }

    /// Leaves the rest of a newcomer's burst to peers.
    pub(super) fn begin_sharing(&mut self, slot: u32, start: FrameId) {
        let Some(id) = self.clients.at(slot).map(|client| client.channel) else { return };
        let Some(channel) = self.channel_mut(id) else { return };
        let left_from = channel.newest.and_then(|newest| left_from(start, newest, &channel.settings));
        let Some(left_from) = left_from else { return };
        channel.sharing = channel.sharing.saturating_add(1);
        self.stats.bursts_shared += 1;
        if let Some(client) = self.clients.at_mut(slot) {
            client.left_from = left_from;
        }
    }

    /// After the time of a whole buffer a client has played what was left to peers.
    pub(super) fn check_sharing(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let target = self.channel(client.channel).map(|channel| channel.settings.target_buffer());
        if target.is_some_and(|target| now.since(client.joined_at) > target) {
            self.end_sharing(slot);
        }
    }

    pub(super) fn end_sharing(&mut self, slot: u32) {
        let Some(client) = self.clients.at_mut(slot).filter(|client| client.left_from > FrameId(0)) else {
            return;
        };
        client.left_from = FrameId(0);
        let id = client.channel;
        if let Some(channel) = self.channel_mut(id) {
            channel.sharing = channel.sharing.saturating_sub(1);
        }
    }

    /// A client told how many upload slots it has free.
    pub(super) fn note_slots(&mut self, slot: u32, slots: u8) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        let before = core::mem::replace(&mut client.slots, slots);
        let id = client.channel;
        if let Some(channel) = self.channel_mut(id) {
            let idle = channel.slots_idle.saturating_add(u32::from(slots));
            channel.slots_idle = idle.saturating_sub(u32::from(before));
        }
    }

    /// Where a newcomer begins whose burst is as long as anybody's.
    pub(super) fn start_in_full(&self, id: ChannelId) -> Option<FrameId> {
        self.channel(id)?.start(self.frames.get(usize::from(id.0))?, false)
    }

    /// The first frame of a substream at or after `from` by the mapping of a client's channel.
    pub(super) fn next_in(&self, slot: u32, substream: u8, from: FrameId) -> Option<FrameId> {
        let settings = &self.channel(self.clients.at(slot)?.channel)?.settings;
        Some(settings.mapping.next_in(substream, from, settings.substreams))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_lies_between_the_first_part_and_the_live_edge() {
        let settings = ChannelSettings::default();
        let first = first_part(&settings);
        let second = settings.frames_in(REST_MIN);
        let start = FrameId(100);
        let left = |newest: u32| left_from(start, FrameId(newest), &settings);
        assert_eq!(left(100 + first + second), Some(FrameId(100 + first)));
        assert_eq!(left(100 + first + second - 1), None, "too little to ask anybody for");
        assert_eq!(left(100), None);
    }
}
