//! Buffer maps: telling partners what is held.

use core::time::Duration;

use super::data::AHEAD_MAX;
use super::machine::Client;
use super::peer::slots_of;
use crate::endpoint::Reject;
use crate::limits::MAP_LEN_MAX;
use crate::media::{FrameId, write_bits};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::MapBits;
use crate::wire::{ControlWriter, Message};

/// Changes go out this often (docs/wire.md, "Pull").
const MAP_EVERY: Duration = Duration::from_millis(500);
/// Every tenth map is whole: each 5 s.
const WHOLE_EVERY: u8 = 10;

impl<S: FrameStore> Client<'_, S> {
    pub(super) fn on_map_due(&mut self, now: Instant) {
        self.clocks.map_at = now + MAP_EVERY;
        self.clocks.maps = (self.clocks.maps + 1) % WHOLE_EVERY;
        let is_whole = self.clocks.maps == 0;
        // What completed in this half second is what the changes tell of.
        self.clocks.map_from = self.clocks.changed_from.take();
        for slot in slots_of(self.partners()) {
            self.owe(slot, |owed| {
                owed.map = true;
                owed.whole_map |= is_whole;
            });
        }
    }

    pub(super) fn on_map(&mut self, slot: u8, map: &MapBits<'_>) -> Result<(), Reject> {
        let peer = self.peer_mut(slot).filter(|_| slot != super::peer::EDGE).ok_or(Reject::Unexpected)?;
        peer.map.merge(map);
        let newest = peer.map.newest();
        if let (Some(newest), Some(session)) = (newest, self.session.as_mut()) {
            // A feed that fell silent is late only when there is something newer.
            let ahead_max = session.settings.frames_in(AHEAD_MAX);
            if newest.since(session.newest) <= ahead_max {
                session.newest = session.newest.max(newest);
            }
        }
        Ok(())
    }

    /// Appends the map a partner is owed; `false`: no room.
    pub(super) fn push_map(&self, writer: &mut ControlWriter<'_>, is_whole: bool) -> bool {
        let mut bits = [0; MAP_LEN_MAX];
        let oldest = self.frames.oldest().unwrap_or(FrameId(0));
        let end = self.frames.newest().map_or(oldest, FrameId::next);
        let changed = self.clocks.map_from.unwrap_or(end);
        let base = if is_whole { oldest } else { changed.max(oldest) };
        // Who may not upload has nothing to offer: an empty map says that it is there.
        let count = if self.upload_cap_bps() == 0 { 0 } else { end.since(base) };
        let map = write_bits(oldest, base, count, |id| self.frames.is_complete(id), &mut bits);
        writer.push(&Message::BufferMap(map))
    }
}
