//! The uplink that all children share: steered by what they see of its queue, relieved when it gives less than was promised.

use super::machine::Client;
use super::peer::{EDGE, slot_bit, slots_of, substreams_of};
use super::session::upload_depth;
use crate::media::FrameId;
use crate::scaling::{Uplink, slots};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::RefuseReason;

impl<S: FrameStore> Client<'_, S> {
    /// Upload slots: all of them.
    pub(super) fn slots_max(&self) -> u8 {
        self.slots_at(self.ledbat.gives_bps())
    }

    /// Upload slots up to which a further feed is promised: loss leaves fewer, but takes nobody's.
    pub(super) fn slots_promised_max(&self) -> u8 {
        self.slots_at(self.ledbat.arriving_bps())
    }

    fn slots_at(&self, cap_bps: u64) -> u8 {
        let Some(session) = &self.session else { return 0 };
        let settings = &session.settings;
        slots(&Uplink {
            cap_bps,
            rate_bps: u64::from(settings.rate_bps),
            substreams: settings.substreams,
            key_len: session.key_len,
            target_ms: settings.target_buffer_ms,
        })
    }

    /// Upload slots in use by feeds promised.
    pub(super) fn slots_used(&self) -> u8 {
        let known = slots_of(self.known).filter_map(|slot| self.peer(slot));
        let feeds = known.flat_map(|peer| substreams_of(peer.children));
        feeds.fold(0_u8, |used, substream| used.saturating_add(self.slots_of_feed(substream)))
    }

    pub(super) fn slots_of_feed(&self, substream: u8) -> u8 {
        self.session.as_ref().map_or(1, |session| session.load.slots(substream))
    }

    /// Steers the uplink, and lets go of children it cannot carry.
    pub(super) fn check_uplink(&mut self, now: Instant) {
        let Some(settings) = self.session.as_ref().map(|session| session.settings) else { return };
        if !self.ledbat.on_time(now) {
            return;
        }
        self.uplink.resize(now, self.ledbat.rate_bps(), upload_depth(&settings));
        // Each round lets go of one feed.
        while self.slots_used() > self.slots_max() {
            let Some((slot, substream)) = self.most_behind() else { return };
            self.stop_child(slot, substream, RefuseReason::Full);
        }
    }

    /// The feed given that is furthest behind.
    fn most_behind(&self) -> Option<(u8, u8)> {
        let mut most: Option<(FrameId, u8, u8)> = None;
        for slot in slots_of(self.known & !slot_bit(EDGE)) {
            let Some(peer) = self.peer(slot) else { continue };
            for substream in substreams_of(peer.children) {
                let cursor =
                    peer.serving.get(usize::from(substream)).map_or(FrameId(0), |serving| serving.cursor);
                if most.is_none_or(|(least, _, _)| cursor < least) {
                    most = Some((cursor, slot, substream));
                }
            }
        }
        most.map(|(_, slot, substream)| (slot, substream))
    }

    /// Stops feeding a child and tells it why.
    pub(super) fn stop_child(&mut self, slot: u8, substream: u8, reason: RefuseReason) {
        if let Some(peer) = self.peer_mut(slot) {
            peer.stop_serving(substream);
        }
        self.refuse(slot, substream, reason);
        self.stats.children_stopped = self.stats.children_stopped.saturating_add(1);
    }
}
