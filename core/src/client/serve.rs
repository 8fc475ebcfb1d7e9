//! Feeding children: who is taken on, and what goes out next over the uplink.

use core::time::Duration;

use super::catch_up::Left;
use super::machine::Client;
use super::peer::{EDGE, Serving, bit, slot_bit, slots_of, substreams_of};
use crate::endpoint::{Reject, Transmit};
use crate::media::{FrameId, FrameInfo, fragment_len_at};
use crate::store::{FragmentRef, FrameState, FrameStore, StoreKey};
use crate::time::Instant;
use crate::wire::control::{RefuseReason, Subscribe};
use crate::wire::{DATA_HEADER_LEN, DataHeader, SendReason};

/// A feeder starts a child no further than this behind its newest frame (docs/wire.md, "Feeds").
const BACKLOG_MAX: Duration = Duration::from_secs(2);
/// A feeder waits this long for a frame it lacks before it goes on without it.
const HOLD_MAX: Duration = Duration::from_millis(500);

/// What can wait is given within this time of the question, or not at all. Shorter than the asker waits, less a round trip.
pub(super) const DECLINED_AFTER: Duration = Duration::from_millis(600);

/// A frame on its way to a child: its fragments go out one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) slot: u8,
    substream: u8,
    info: FrameInfo,
    key: StoreKey,
    count: u16,
    next: u16,
}

/// One fragment to be sent.
struct Parcel {
    slot: u8,
    substream: u8,
    info: FrameInfo,
    key: StoreKey,
    count: u16,
    fragment: u16,
    reason: SendReason,
}

impl<S: FrameStore> Client<'_, S> {
    /// Slots among which the children of a substream are.
    fn fed(&self, substream: u8) -> u64 {
        self.fed.get(usize::from(substream)).copied().unwrap_or(0)
    }

    /// Whether anybody is fed a substream.
    pub(super) fn has_children(&self, substream: u8) -> bool {
        slots_of(self.fed(substream))
            .filter_map(|slot| self.peer(slot))
            .any(|peer| peer.children & bit(substream) != 0)
    }

    pub(super) fn on_subscribe(
        &mut self,
        now: Instant,
        slot: u8,
        subscribe: &Subscribe,
    ) -> Result<(), Reject> {
        let substream = subscribe.substream;
        if slot == EDGE || substream >= self.substreams() {
            return Err(Reject::Unexpected);
        }
        let peer = self.peer(slot).ok_or(Reject::UnknownPeer)?;
        let is_child = peer.children & bit(substream) != 0;
        let is_promised =
            peer.serving.get(usize::from(substream)).is_some_and(|serving| serving.first >= subscribe.from);
        if is_child && is_promised {
            self.owe(slot, |owed| owed.accept |= bit(substream));
            return Ok(());
        }
        if let Some(reason) = self.refusal(now, substream, subscribe.level, is_child) {
            self.refuse(slot, substream, reason);
            return Ok(());
        }
        let first = self.first_for_child(substream, subscribe.from);
        if !self.has_children(substream)
            && let Some(feed) = self.feed_mut(substream)
        {
            feed.begin_telling();
        }
        let Some(peer) = self.peer_mut(slot) else { return Ok(()) };
        peer.children |= bit(substream);
        if let Some(serving) = peer.serving_mut(substream) {
            *serving = Serving::from(first);
        }
        peer.link.on_heard(now);
        if let Some(fed) = self.fed.get_mut(usize::from(substream)) {
            *fed |= slot_bit(slot);
        }
        self.owe(slot, |owed| owed.accept |= bit(substream));
        self.refresh_child(now, slot, substream);
        Ok(())
    }

    /// Why a child is not taken on, if so.
    fn refusal(&self, now: Instant, substream: u8, child_level: u8, is_child: bool) -> Option<RefuseReason> {
        let settings = &self.session.as_ref()?.settings;
        let level = self.level(substream);
        let is_healthy = self.feedable() & bit(substream) != 0 && self.is_fresh(now, substream);
        if self.is_leaving {
            Some(RefuseReason::Leaving)
        } else if level >= settings.levels_max || level >= child_level {
            Some(RefuseReason::Level)
        } else if !is_healthy {
            Some(RefuseReason::Unhealthy)
        } else if !is_child
            && self.slots_used().saturating_add(self.slots_of_feed(substream)) > self.slots_promised_max()
        {
            Some(RefuseReason::Full)
        } else {
            None
        }
    }

    /// Whether the feed of a substream brought something within two beats and a second.
    fn is_fresh(&self, now: Instant, substream: u8) -> bool {
        let Some(session) = &self.session else { return false };
        let silence_max = session.settings.beat().saturating_mul(2).saturating_add(Duration::from_secs(1));
        let feed = self.feeds.get(usize::from(substream)).and_then(|feed| feed.current);
        feed.is_some_and(|stretch| now.since(stretch.heard_at) <= silence_max)
    }

    pub(super) fn refuse(&mut self, slot: u8, substream: u8, reason: RefuseReason) {
        self.owe(slot, |owed| {
            owed.refuse.retain(|(of, _)| *of != substream);
            // One entry a substream: there is room.
            let _ = owed.refuse.push((substream, reason));
        });
    }

    /// The first frame a child gets: what it asks for, but no more than the backlog.
    fn first_for_child(&self, substream: u8, from: FrameId) -> FrameId {
        let backlog = self.session.as_ref().map_or(0, |session| session.settings.frames_in(BACKLOG_MAX));
        let floor = self.frames.newest().unwrap_or(from).minus(backlog);
        let first = from.max(floor);
        let left = self.session.as_ref().map_or(Left::NOTHING, |session| session.left);
        // What is still to come from others is not promised.
        self.next_in(substream, if left.has(first) { left.until } else { first })
    }

    pub(super) fn on_release(&mut self, slot: u8, substream: u8, until: FrameId) -> Result<(), Reject> {
        let peer = self.peer_mut(slot).filter(|_| slot != EDGE).ok_or(Reject::Unexpected)?;
        if peer.children & bit(substream) == 0 {
            return Err(Reject::Stale);
        }
        let Some(serving) = peer.serving_mut(substream) else { return Err(Reject::Malformed) };
        if !serving.stop_before(until) {
            return Err(Reject::Stale);
        }
        if serving.is_over() {
            peer.stop_serving(substream);
        }
        Ok(())
    }

    /// A frame of the substream was completed or given up: see which children can go on.
    pub(super) fn refresh_children(&mut self, now: Instant, substream: u8) {
        for slot in slots_of(self.fed(substream)) {
            let child = self.peer(slot).filter(|peer| peer.children & bit(substream) != 0);
            match child.map(|child| child.ready & bit(substream) == 0) {
                Some(true) => self.refresh_child(now, slot, substream),
                Some(false) => {}
                None => {
                    if let Some(fed) = self.fed.get_mut(usize::from(substream)) {
                        *fed &= !slot_bit(slot);
                    }
                }
            }
        }
    }

    /// Moves a child's cursor to the next frame that can be sent, past those that were waited for long enough.
    fn refresh_child(&mut self, now: Instant, slot: u8, substream: u8) {
        let Some(mut serving) =
            self.peer(slot).and_then(|peer| peer.serving.get(usize::from(substream)).copied())
        else {
            return;
        };
        let mut is_ready = false;
        while !serving.is_over() {
            is_ready = self.frames.is_complete(serving.cursor);
            let is_waited_for = is_ready
                || self.frames.newest().is_none_or(|newest| serving.cursor > newest)
                || !self.is_given_up(now, serving.cursor);
            if is_waited_for {
                break;
            }
            serving.cursor = self.next_in(substream, serving.cursor.next());
        }
        let is_over = serving.is_over();
        let Some(peer) = self.peer_mut(slot) else { return };
        if let Some(place) = peer.serving_mut(substream) {
            *place = serving;
        }
        if is_over {
            peer.stop_serving(substream);
        } else if is_ready {
            peer.ready |= bit(substream);
            self.mark_serving(slot);
        }
    }

    /// Whether a feeder need not wait for a frame any longer: it is a hole known for long, or too old to be one.
    fn is_given_up(&self, now: Instant, frame: FrameId) -> bool {
        let Some(session) = &self.session else { return true };
        if session.left.has(frame) {
            return true;
        }
        let hold = HOLD_MAX.min(session.settings.target_buffer() / 4);
        match self.holes.get(frame) {
            Some(hole) => now.since(hole.noted_at) >= hold,
            None => self.playout.playhead().is_some_and(|playhead| frame < playhead),
        }
    }

    pub(super) fn mark_serving(&mut self, slot: u8) {
        self.serving |= slot_bit(slot);
    }

    /// When the uplink lets the next fragment go, if one waits for it.
    pub(super) const fn pacing_deadline(&self) -> Option<Instant> {
        self.clocks.pacing_at
    }

    pub(super) fn poll_data(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        self.clocks.pacing_at = None;
        if self.serving == 0 && self.sending.is_none() {
            return None;
        }
        if !self.uplink.is_ready(now) {
            self.clocks.pacing_at = Some(self.uplink.ready_at(now));
            return None;
        }
        // A few parcels may prove stale on the way to one that can go.
        for _ in 0..64 {
            let parcel = self.next_parcel(now)?;
            let transmit = self.send(now, &parcel, head);
            if transmit.is_some() {
                return transmit;
            }
        }
        None
    }

    /// What goes first: the rest of a frame begun, then holes of children (lost, then asked for), then the oldest frame of
    /// their feeds.
    fn next_parcel(&mut self, now: Instant) -> Option<Parcel> {
        if let Some(sending) = self.sending {
            return Some(self.continue_sending(now, sending));
        }
        // In turn, from the one after the last: nobody who asks for much keeps others waiting.
        let first = (u32::from(self.turn) + 1) % u64::BITS;
        let mut rest = self.serving.rotate_right(first);
        while rest != 0 {
            let slot = u8::try_from((rest.trailing_zeros() + first) % u64::BITS).unwrap_or(0);
            rest &= rest - 1;
            if let Some(parcel) = self.lost_parcel(slot).or_else(|| self.pulled_parcel(slot, false)) {
                self.turn = self.turn_after(slot, parcel.info.id);
                return Some(parcel);
            }
            let is_idle = self.peer(slot).is_none_or(|peer| peer.ready == 0 && peer.wanted.is_empty());
            if is_idle {
                self.serving &= !(1_u64 << slot);
            }
        }
        let Some(sending) = self.next_frame() else { return self.waiting_parcel(now, first) };
        self.sending = Some(sending);
        Some(self.continue_sending(now, sending))
    }

    /// What is asked for and can wait, in turn from slot `first` on: nothing is more urgent.
    fn waiting_parcel(&mut self, now: Instant, first: u32) -> Option<Parcel> {
        let mut rest = self.serving.rotate_right(first);
        while rest != 0 {
            let slot = u8::try_from((rest.trailing_zeros() + first) % u64::BITS).unwrap_or(0);
            rest &= rest - 1;
            self.decline_late(now, slot);
            if let Some(parcel) = self.pulled_parcel(slot, true) {
                self.turn = slot;
                return Some(parcel);
            }
        }
        None
    }

    /// Who asked for what can wait has asked others by now: it would come twice.
    fn decline_late(&mut self, now: Instant, slot: u8) {
        let Some(peer) = self.peer_mut(slot) else { return };
        let is_late = peer.waits_since.is_some_and(|since| since.is_before(now, DECLINED_AFTER));
        if is_late && let Some(item) = peer.wanted.pop_front() {
            let rest = core::mem::take(&mut peer.wanted);
            self.owe(slot, |owed| {
                for frame in core::iter::once(&item).chain(&rest).map(|item| item.frame) {
                    // What does not fit stays unanswered: the asker's timeout deals with it.
                    let _ = owed.missing.push(frame);
                }
            });
        }
    }

    /// Whose turn it was, once a fragment went to `slot`. In a mesh a frame goes out whole: of many begun at once none would be
    /// of use to anybody before the last.
    fn turn_after(&self, slot: u8, frame: FrameId) -> u8 {
        let next = self.peer(slot).and_then(|peer| peer.wanted.front());
        let is_begun = self.is_in_mesh() && next.is_some_and(|item| item.frame == frame);
        if is_begun { slot.saturating_sub(1) } else { slot }
    }

    fn continue_sending(&mut self, now: Instant, sending: Sending) -> Parcel {
        let Sending { slot, substream, info, key, count, next } = sending;
        if next.saturating_add(1) < count {
            self.sending = Some(Sending { next: next + 1, ..sending });
        } else {
            self.sending = None;
            self.on_frame_sent(now, slot, substream, info.id);
        }
        Parcel { slot, substream, info, key, count, fragment: next, reason: SendReason::Feed }
    }

    fn on_frame_sent(&mut self, now: Instant, slot: u8, substream: u8, id: FrameId) {
        let next = self.next_in(substream, id.next());
        let Some(peer) = self.peer_mut(slot) else { return };
        peer.ready &= !bit(substream);
        if let Some(serving) = peer.serving_mut(substream).filter(|serving| serving.cursor == id) {
            serving.cursor = next;
        }
        if peer.children & bit(substream) != 0 {
            self.refresh_child(now, slot, substream);
        }
    }

    /// The lowest frame any child can be sent: the earliest deadline.
    fn next_frame(&mut self) -> Option<Sending> {
        let mut best: Option<(FrameId, u8, u8)> = None;
        let mut rest = self.serving;
        while rest != 0 {
            let slot = u8::try_from(rest.trailing_zeros()).unwrap_or(0);
            rest &= rest - 1;
            let Some(peer) = self.peer(slot) else { continue };
            for substream in substreams_of(peer.ready & peer.children) {
                let Some(serving) = peer.serving.get(usize::from(substream)) else { continue };
                if best.is_none_or(|(frame, _, _)| serving.cursor < frame) {
                    best = Some((serving.cursor, slot, substream));
                }
            }
        }
        let (frame, slot, substream) = best?;
        let entry = self.frames.get(frame).filter(|entry| entry.state == FrameState::Complete);
        let Some(entry) = entry else {
            // Evicted since: the child pulls it if it can.
            if let Some(peer) = self.peer_mut(slot) {
                peer.ready &= !bit(substream);
            }
            return None;
        };
        Some(Sending { slot, substream, info: entry.info, key: entry.key, count: entry.count, next: 0 })
    }

    /// A fragment that was lost on the way to a child and can still be in time.
    fn lost_parcel(&mut self, slot: u8) -> Option<Parcel> {
        let target = self
            .session
            .as_ref()
            .map(|session| session.settings.frames_in(session.settings.target_buffer()))?;
        let newest = self.session.as_ref()?.newest;
        while let Some((frame, fragment)) = self.peer_mut(slot)?.link.next_lost() {
            if newest.since(frame) < target
                && let Some(parcel) = self.parcel_of(slot, frame, fragment, SendReason::Feed)
            {
                self.stats.retransmits = self.stats.retransmits.saturating_add(1);
                return Some(parcel);
            }
        }
        None
    }

    /// The next fragment a peer asked for, of those that can wait or of the others.
    fn pulled_parcel(&mut self, slot: u8, can_wait: bool) -> Option<Parcel> {
        self.peer(slot).filter(|peer| peer.waits_since.is_some() == can_wait)?;
        while let Some(item) = self.peer_mut(slot)?.wanted.front_mut() {
            let offset = item.wanted.trailing_zeros();
            let fragment = item.first.saturating_add(u16::try_from(offset).unwrap_or(u16::MAX));
            item.wanted &= item.wanted.wrapping_sub(1);
            let (frame, is_done) = (item.frame, item.wanted == 0);
            let parcel = self.parcel_of(slot, frame, fragment, SendReason::Pull);
            if is_done || parcel.is_none() {
                self.peer_mut(slot)?.wanted.pop_front();
            }
            if parcel.is_some() {
                return parcel;
            }
        }
        None
    }

    fn parcel_of(&self, slot: u8, frame: FrameId, fragment: u16, reason: SendReason) -> Option<Parcel> {
        let entry = self
            .frames
            .get(frame)
            .filter(|entry| entry.state == FrameState::Complete && fragment < entry.count)?;
        let settings = &self.session.as_ref()?.settings;
        let substream = settings.mapping.substream_of(frame, settings.substreams);
        Some(Parcel {
            slot,
            substream,
            info: entry.info,
            key: entry.key,
            count: entry.count,
            fragment,
            reason,
        })
    }

    fn send(&mut self, now: Instant, parcel: &Parcel, head: &mut [u8]) -> Option<Transmit> {
        let session = self.session.as_ref()?;
        let epoch = session.epoch;
        let len = fragment_len_at(parcel.info.len, session.settings.fragment_len, parcel.fragment);
        let level = self.level(parcel.substream).min(crate::limits::LEVELS_MAX);
        let config_path = |remote| self.path_to(remote);
        let peer = self.peer(parcel.slot).filter(|peer| peer.is_met())?;
        let path = config_path(peer.remote);
        let link = peer.their_link;
        let packet = self.peer_mut(parcel.slot)?.link.on_sent(now, parcel.info.id, parcel.fragment);
        let header = DataHeader {
            link,
            packet,
            sent_us: now.wire_us(),
            epoch,
            info: parcel.info,
            substream: parcel.substream,
            fragment: parcel.fragment,
            count: parcel.count,
            reason: parcel.reason,
            level,
        };
        let head_len = header.write(head)?;
        let bytes = DATA_HEADER_LEN + usize::from(len);
        self.uplink.take(now, bytes);
        self.ledbat.on_sent(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.stats.watch.bytes_uploaded += bytes as u64;
        Some(Transmit {
            path,
            head_len,
            body: Some(FragmentRef { key: parcel.key, index: parcel.fragment, len }),
        })
    }
}
