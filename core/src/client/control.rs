//! Control datagrams, built from what peers are owed when they are polled.

use core::time::Duration;

use super::machine::Client;
use super::meeting::MEET_LEN;
use super::peer::{Acquaintance, EDGE, Owed, bit, substreams_of};
use crate::endpoint::Transmit;
use crate::limits::{ACK_RUNS_MAX, DATAGRAM_LEN_MAX};
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::{LeaveReason, LinkId, Meet, RefuseReason, Subscribe};
use crate::wire::{ControlWriter, Message};

impl<S: FrameStore> Client<'_, S> {
    pub(super) fn poll_control(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        while self.owing != 0 {
            let slot = u8::try_from(self.owing.trailing_zeros()).ok()?;
            let remote = self.target(slot);
            let head_len = self.write_control(now, slot, head);
            if head_len.is_none() {
                self.owing &= self.owing - 1;
            }
            self.after_control(slot);
            if let (Some(head_len), Some(remote)) = (head_len, remote) {
                self.stats.on_control_sent(head_len);
                return Some(Transmit { path: self.path_to(remote), head_len, body: None });
            }
        }
        // The last one to be told may have gone by itself.
        self.on_left();
        None
    }

    fn after_control(&mut self, slot: u8) {
        self.after_parting(slot);
        let has_left = self.is_leaving && self.peer(slot).is_some_and(|peer| !peer.owed.leave);
        if has_left {
            self.owing &= !(1_u64 << slot);
            if self.owing == 0 {
                self.on_left();
            }
        }
    }

    /// Writes one datagram of what a peer is owed; `None` when that is nothing.
    fn write_control(&mut self, now: Instant, slot: u8, head: &mut [u8]) -> Option<usize> {
        let peer = self.peer(slot)?;
        let link = match peer.acquaintance {
            Acquaintance::None => return None,
            // The edge is said hello to, not met.
            Acquaintance::Meeting if slot == EDGE => return None,
            Acquaintance::Meeting if peer.owed.meet == 0 => return None,
            Acquaintance::Meeting => LinkId(0),
            Acquaintance::Stranger | Acquaintance::Met => peer.their_link,
        };
        let (is_meeting, len_max) = match peer.acquaintance {
            Acquaintance::Stranger => (false, usize::from(peer.credit_bytes)),
            Acquaintance::Meeting => (slot != EDGE, DATAGRAM_LEN_MAX),
            Acquaintance::Met | Acquaintance::None => (false, DATAGRAM_LEN_MAX),
        };
        let room = len_max.min(head.len());
        let mut writer = ControlWriter::new(head.get_mut(..room)?, link)?;
        let mut owed = core::mem::replace(&mut self.peer_mut(slot)?.owed, Owed::EMPTY);
        // The last reports precede the goodbye: what follows it is nobody's.
        let has_reports = slot == EDGE && self.reports.is_due();
        if has_reports && owed.leave {
            self.push_kept(&mut writer);
        }
        self.push_acquaintance(slot, &mut owed, &mut writer);
        self.push_feeds(now, slot, &mut owed, &mut writer);
        self.push_repair(slot, &mut owed, &mut writer);
        self.push_ack(now, slot, &mut writer);
        self.push_reports(now, &mut owed, &mut writer);
        if has_reports {
            self.push_kept(&mut writer);
        }
        // What did not fit is owed still: the slot stays in the set, and the next poll goes on.
        self.peer_mut(slot)?.owed = owed;
        if is_meeting {
            writer.pad_to(MEET_LEN);
        }
        (!writer.is_empty()).then(|| writer.finish())
    }

    fn push_acquaintance(&mut self, slot: u8, owed: &mut Owed, writer: &mut ControlWriter<'_>) {
        let own_link = self.peer(slot).map_or(LinkId(0), |peer| peer.own_link);
        if let Some(session) = &self.session {
            let meet = Meet { link: own_link, client: session.client, epoch: session.epoch };
            if owed.meet != 0 && writer.push(&Message::Meet(meet)) {
                // One address was written to; the others' turn is with the next datagrams.
                owed.meet &= owed.meet - 1;
            }
            if owed.met && writer.push(&Message::Met(meet)) {
                owed.met = false;
                self.push_seen(slot, writer);
            }
        }
        if owed.leave {
            self.push_successors(slot, writer);
        }
        let is_reporting = slot == EDGE && self.reports.is_due();
        owed.leave =
            owed.leave && (is_reporting || !writer.push(&Message::Leave { reason: LeaveReason::Done }));
        if let Some(token) = owed.pong.take_if(|token| writer.push(&Message::Pong { token: *token })) {
            let _ = token;
        }
        let token = self.peer(slot).map_or(0, |peer| peer.probe.token);
        owed.ping = owed.ping && token != 0 && !writer.push(&Message::Ping { token });
    }

    /// A child is told whom to ask instead.
    fn push_successors(&self, slot: u8, writer: &mut ControlWriter<'_>) {
        let clients = self.successors_for(slot);
        // Without room it asks the edge.
        let _ = clients.is_empty() || writer.push(&Message::Successors { clients });
    }

    /// A peer that was introduced is told where it seems to be.
    fn push_seen(&self, slot: u8, writer: &mut ControlWriter<'_>) {
        if let Some(peer) = self.peer(slot).filter(|peer| peer.is_met()) {
            // It tells the peer about its NAT, not about us: not worth asking again.
            let _ = writer.push(&Message::Seen { address: peer.remote });
        }
    }

    fn push_feeds(&mut self, now: Instant, slot: u8, owed: &mut Owed, writer: &mut ControlWriter<'_>) {
        let levels_max = self.session.as_ref().map_or(0, |session| session.settings.levels_max);
        for substream in substreams_of(owed.release) {
            if self.push_release(now, slot, substream, writer) {
                owed.release &= !bit(substream);
            }
        }
        for substream in substreams_of(owed.subscribe) {
            let Some(feed) = self.feeds.get(usize::from(substream)) else { continue };
            let request = feed.request.filter(|request| request.peer == slot);
            let level = feed.feasible_below(self.has_children(substream)).min(levels_max);
            let message = request.map(|request| Subscribe { substream, from: request.from, level });
            if message.is_none_or(|subscribe| writer.push(&Message::Subscribe(subscribe))) {
                owed.subscribe &= !bit(substream);
            }
        }
        for substream in substreams_of(owed.accept) {
            let level = self.level(substream);
            if level >= levels_max {
                // The feed broke between the question and the answer.
                owed.accept &= !bit(substream);
                if let Some(peer) = self.peer_mut(slot) {
                    peer.stop_serving(substream);
                }
                owed.refuse.retain(|(of, _)| *of != substream);
                // One entry a substream: there is room.
                let _ = owed.refuse.push((substream, RefuseReason::Unhealthy));
                continue;
            }
            let accept = self.peer(slot).filter(|peer| peer.children & bit(substream) != 0);
            let accept = accept.and_then(|peer| peer.accept(substream, level));
            if accept.is_none_or(|accept| writer.push(&Message::Accept(accept))) {
                owed.accept &= !bit(substream);
            }
        }
        if self.peer(slot).is_some_and(|peer| peer.has_starved_due)
            && self.push_starved(slot, writer)
            && let Some(peer) = self.peer_mut(slot)
        {
            peer.has_starved_due = false;
        }
        while let Some(&(substream, reason)) = owed.refuse.last() {
            if !writer.push(&Message::Refuse { substream, reason }) {
                break;
            }
            owed.refuse.pop();
        }
    }

    /// Tells a child what does not come. `false`: no room for all.
    fn push_starved(&self, slot: u8, writer: &mut ControlWriter<'_>) -> bool {
        let children = self.peer(slot).map_or(0, |peer| peer.children);
        substreams_of(children).all(|substream| {
            let is_fed =
                self.feeds.get(usize::from(substream)).is_none_or(|feed| feed.starved_at == Instant::ZERO);
            let since = self.first_lacking(substream, EDGE).unwrap_or_default();
            is_fed || writer.push(&Message::Starved { substream, since })
        })
    }

    fn push_release(
        &mut self,
        now: Instant,
        slot: u8,
        substream: u8,
        writer: &mut ControlWriter<'_>,
    ) -> bool {
        let Some(feed) = self.feed_mut(substream) else { return true };
        let Some(release) = feed.releases.iter_mut().find(|release| release.peer == slot && release.is_due)
        else {
            return true;
        };
        let is_written = writer.push(&Message::Release { substream, until: release.until });
        if is_written {
            release.is_due = false;
            release.told_at = now;
        }
        is_written
    }

    fn push_repair(&mut self, slot: u8, owed: &mut Owed, writer: &mut ControlWriter<'_>) {
        if owed.pull {
            for can_wait in [false, true] {
                let items = self.pull_items(slot, can_wait);
                // Without room they are asked for again after their timeout.
                let _ = items.is_empty() || writer.push(&Message::Pull { items, can_wait });
            }
            owed.pull = self.has_pulls(slot);
        }
        while let Some(&frame) = owed.missing.last() {
            if !writer.push(&Message::Missing { frame }) {
                break;
            }
            owed.missing.pop();
        }
    }

    /// An acknowledgement rides along whenever one waits.
    fn push_ack(&mut self, now: Instant, slot: u8, writer: &mut ControlWriter<'_>) {
        let mut runs = [0; ACK_RUNS_MAX];
        if let Some(ack) = self.peer_mut(slot).and_then(|peer| peer.link.write_ack(now, &mut runs)) {
            // It is among the first messages of a datagram that holds many: there is room.
            let _ = writer.push(&Message::Ack(ack));
        }
    }

    fn push_reports(&mut self, now: Instant, owed: &mut Owed, writer: &mut ControlWriter<'_>) {
        if owed.status {
            let status = self.status(now);
            owed.status = !writer.push(&Message::Status(status));
            if !owed.status {
                self.push_reach(writer);
                self.push_skipped(writer);
            }
        }
        if owed.find {
            let substreams = self.wanting(now);
            owed.find = substreams != 0 && !writer.push(&Message::FindParents { substreams });
        }
        if owed.map || owed.whole_map {
            let is_written = self.push_map(writer, owed.whole_map);
            owed.map = !is_written;
            owed.whole_map = owed.whole_map && !is_written;
        }
    }

    /// The edge need not send what is not played any more. A client far behind may be sent seconds of it.
    fn push_skipped(&self, writer: &mut ControlWriter<'_>) {
        if let Some(to) = self.playout.playhead().filter(|&to| self.has_skipped(to)) {
            // Without room it is told with the next status.
            let _ = writer.push(&Message::Skipped { to });
        }
    }

    /// Whether a feed of the edge is at frames before `to`.
    pub(super) fn has_skipped(&self, to: FrameId) -> bool {
        let stretches = self.feeds.iter().flat_map(|feed| [feed.tail, feed.current]);
        let mut of_edge = stretches.flatten().filter(|stretch| stretch.peer == EDGE);
        of_edge.any(|stretch| stretch.next < to && stretch.until.is_none_or(|until| stretch.next < until))
    }

    /// Once a second: the edge learns how the client is.
    pub(super) fn on_status_due(&mut self, now: Instant) {
        self.clocks.status_at = now + Duration::from_secs(1);
        if self.session.is_some() {
            self.owe(EDGE, |owed| owed.status = true);
        }
    }
}
