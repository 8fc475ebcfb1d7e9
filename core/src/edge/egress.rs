//! Egress: one token bucket for all the edge sends, and who is served next.
//!
//! A client is in one ready list at most, that of its most urgent work. The first of the most urgent list is served until its
//! frame is out, so that an adapter can send the frame's datagrams in one call; then it goes to the end of its list.

use crate::endpoint::{Reject, Transmit};
use crate::limits::{DATAGRAM_LEN_MAX, SUBSTREAMS_MAX};
use crate::media::FrameId;
use crate::store::{FragmentRef, FrameEntry, FrameStore, List, links_of};
use crate::time::Instant;
use crate::wire::control::{Ack, Class};
use crate::wire::{DATA_HEADER_LEN, DataHeader, SendReason};

use super::client_slot::{ClientSlot, Current, EgressClass};
use super::fanout::fragment_bytes;
use super::feeds::Granted;
use super::machine::Edge;
use super::pull::Pulled;
use super::stats::reason_index;

/// A fragment about to leave.
struct Sending {
    entry: FrameEntry,
    fragment: u16,
    reason: SendReason,
    level: u8,
}

/// What pays for a datagram, beside the egress that pays for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bucket {
    Egress,
    Bursts,
}

fn datagram_len(sent: &Transmit) -> usize {
    sent.head_len.saturating_add(sent.body.map_or(0, |body| usize::from(body.len)))
}

/// Why a frame of a feed is sent: what comes before the live edge is the burst of those who joined.
const fn reason_of(granted: Granted, is_behind: bool) -> SendReason {
    match (granted, is_behind) {
        (Granted::Feed | Granted::JoinLease, true) => SendReason::Burst,
        (Granted::Feed, false) => SendReason::Feed,
        (Granted::JoinLease, false) | (Granted::RescueLease, _) => SendReason::Rescue,
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// Puts a client into the ready list of its most urgent work, or out of all.
    pub(super) fn refresh(&mut self, now: Instant, slot: u32) {
        self.move_first_part(now, slot);
        let wanted = self.class_of(now, slot);
        let Some(client) = self.clients.at(slot).filter(|client| client.ready != wanted) else { return };
        if client.ready.is_some() {
            self.unready(slot);
        }
        let Some(class) = wanted else { return };
        if let Some(client) = self.clients.at_mut(slot) {
            client.ready = Some(class);
        }
        let mut links = links_of(&mut self.clients, |client: &mut ClientSlot| Some(&mut client.ready_links));
        if let Some(list) = self.ready.get_mut(class.index()) {
            list.push_back(&mut links, slot);
        }
    }

    /// What a bursting client will play within the threshold and 2 s comes before what others have longer to wait for.
    fn move_first_part(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot).filter(|client| !client.behind.is_empty()) else { return };
        let channel = self.channels.get(usize::from(client.channel.0));
        let played = channel.map_or(0, |channel| client.played(now, channel.settings.cadence_us));
        if let Some(client) = self.clients.at_mut(slot) {
            client.first_until = client.first_base.plus(played);
        }
    }

    /// Takes a client out of its ready list.
    pub(super) fn unready(&mut self, slot: u32) {
        let Some(class) = self.clients.at_mut(slot).and_then(|client| client.ready.take()) else { return };
        let mut links = links_of(&mut self.clients, |client: &mut ClientSlot| Some(&mut client.ready_links));
        if let Some(list) = self.ready.get_mut(class.index()) {
            list.remove(&mut links, slot);
        }
    }

    /// A client's most urgent work.
    pub(super) fn class_of(&self, now: Instant, slot: u32) -> Option<EgressClass> {
        let client = self.clients.at(slot)?;
        if client.has_control() {
            return Some(EgressClass::Control);
        }
        let has_lost = self.links.get(slot as usize).is_some_and(|link| link.has_lost());
        let is_paced = client.is_paced && !client.pace.is_ready(now);
        if (has_lost || client.has_pulls) && !is_paced {
            return Some(EgressClass::Rescue);
        }
        if client.is_waiting {
            return Some(EgressClass::Waiting);
        }
        if let Some(current) = client.current {
            let has_to_wait = client.is_paced && client.behind.has(current.substream);
            return (!has_to_wait).then_some(current.class);
        }
        let newest = self.channels.get(usize::from(client.channel.0))?.newest?;
        client.next_feed(newest).map(|(class, _)| class)
    }

    /// Who is served next, and out of which bucket: the first of the most urgent list. Those who are behind have a share of
    /// their own, or an edge that is full with live feeds would never let them begin.
    fn first_ready(&self, now: Instant) -> Option<(EgressClass, u32, Bucket)> {
        let front = |class: EgressClass| {
            let slot = self.ready.get(class.index()).and_then(List::front)?;
            (class != EgressClass::Waiting || self.has_room_for(slot)).then_some(slot)
        };
        let (class, slot) = EgressClass::ALL.iter().find_map(|&class| Some((class, front(class)?)))?;
        if class == EgressClass::Live && self.bursts.is_ready(now) {
            let behind = [EgressClass::Standing, EgressClass::BurstFirst, EgressClass::BurstRest];
            if let Some((class, slot)) = behind.iter().find_map(|&class| Some((class, front(class)?))) {
                return Some((class, slot, Bucket::Bursts));
            }
        }
        Some((class, slot, Bucket::Egress))
    }

    pub(super) fn next_transmit(&mut self, now: Instant, head: &mut [u8]) -> Option<Transmit> {
        if head.len() < DATAGRAM_LEN_MAX {
            return None;
        }
        if let Some((path, head_len)) = self.replies.write(head) {
            self.egress.take(now, head_len);
            self.stats.on_control(head_len);
            return Some(Transmit { path, head_len, body: None });
        }
        loop {
            let (class, slot, bucket) = self.first_ready(now)?;
            if class != EgressClass::Control && !self.egress.is_ready(now) {
                self.egress_at = Some(self.egress.ready_at(now).max(now.plus_micros(1)));
                return None;
            }
            let sent = match class {
                EgressClass::Control => self.send_control(now, slot, head),
                EgressClass::Rescue => {
                    self.send_rescue(now, slot, head).or_else(|| self.send_feed(now, slot, head))
                }
                EgressClass::Waiting => self.take_up(now, slot),
                EgressClass::Live | EgressClass::Standing | EgressClass::BurstFirst
                    if self.set_aside_if_late(now, slot) =>
                {
                    None
                }
                EgressClass::Live
                | EgressClass::Standing
                | EgressClass::BurstFirst
                | EgressClass::BurstRest => self.send_feed(now, slot, head),
            };
            if sent.is_none() {
                self.unready(slot);
            }
            self.refresh(now, slot);
            if let Some(sent) = sent {
                if bucket == Bucket::Bursts {
                    self.bursts.take(now, datagram_len(&sent));
                }
                self.egress_at = None;
                return Some(sent);
            }
            if self.clients.at(slot).is_some_and(|client| client.ready == Some(class)) {
                // It claims work it has not: it waits for its next occasion instead of being asked for ever.
                self.unready(slot);
            }
        }
    }

    /// The frame a client is at or begins, past feeds whose frames are all gone: each of those is then live or over.
    fn next_entry(&mut self, slot: u32) -> Option<(Current, FrameEntry)> {
        for _ in 0..=SUBSTREAMS_MAX {
            let client = self.clients.at(slot)?;
            let newest = self.channel(client.channel)?.newest?;
            let chosen = client.current.or_else(|| {
                let (class, substream) = client.next_feed(newest)?;
                Some(Current { substream, class, fragment: 0 })
            })?;
            let at = client.feed(chosen.substream)?.next;
            if let Some(entry) = self.feed_entry(slot, chosen.substream) {
                let is_same = entry.info.id == at && chosen.fragment < entry.count;
                return Some((
                    Current { fragment: if is_same { chosen.fragment } else { 0 }, ..chosen },
                    entry,
                ));
            }
            self.clients.at_mut(slot)?.current = None;
        }
        None
    }

    /// The next fragment of a client's feeds.
    fn send_feed(&mut self, now: Instant, slot: u32, head: &mut [u8]) -> Option<Transmit> {
        let (current, entry) = self.next_entry(slot)?;
        let fragment = current.fragment;
        let client = self.clients.at_mut(slot)?;
        let is_behind = client.behind.has(current.substream);
        let granted = client.granted(current.substream)?;
        let is_last = fragment.saturating_add(1) >= entry.count;
        client.current = (!is_last).then_some(Current { fragment: fragment.saturating_add(1), ..current });
        let level = self.channel(self.clients.at(slot)?.channel)?.level(granted.grant());
        let sending = Sending { entry, fragment, reason: reason_of(granted, is_behind), level };
        let sent = self.send_fragment(now, slot, &sending, head)?;
        if is_behind {
            self.pay_pace(now, slot, &sent);
        }
        if is_last {
            self.advance(slot, current.substream, entry.info.id);
            self.unready(slot);
        }
        Some(sent)
    }

    /// What a client has lost, then what it pulls, both at its own pace: a client that claims losses or pulls without end
    /// gets no more than a burst.
    fn send_rescue(&mut self, now: Instant, slot: u32, head: &mut [u8]) -> Option<Transmit> {
        self.clients.at(slot).filter(|client| client.pace.is_ready(now))?;
        while let Some((frame, fragment)) = self.links.get_mut(slot as usize)?.next_lost() {
            if let Some(sending) = self.lost(slot, frame, fragment) {
                self.stats.retransmissions += 1;
                let sent = self.send_fragment(now, slot, &sending, head)?;
                self.pay_pace(now, slot, &sent);
                return Some(sent);
            }
            self.stats.given_up += 1;
        }
        let client = self.clients.at(slot).filter(|client| client.has_pulls)?;
        let frames = self.frames.get(usize::from(client.channel.0))?;
        let record = self.records.get_mut(slot as usize)?;
        let pulled = record.pulls.pop(|frame| frames.get(frame).map(|entry| entry.count));
        let has_pulls = !record.pulls.is_empty();
        self.clients.at_mut(slot)?.has_pulls = has_pulls;
        match pulled? {
            Pulled::Missing(frame) => self.send_missing(now, slot, frame, head),
            Pulled::Fragment(frame, fragment) => {
                let client = self.clients.at(slot)?;
                let entry = self.frames.get(usize::from(client.channel.0))?.get(frame)?;
                let sending = Sending { entry, fragment, reason: SendReason::Pull, level: 0 };
                let sent = self.send_fragment(now, slot, &sending, head)?;
                self.pay_pace(now, slot, &sent);
                Some(sent)
            }
        }
    }

    /// A lost fragment, when it is held and can still make its deadline.
    fn lost(&self, slot: u32, frame: FrameId, fragment: u16) -> Option<Sending> {
        let client = self.clients.at(slot)?;
        let channel = self.channel(client.channel).filter(|channel| channel.is_timely(frame))?;
        let entry = self.frames.get(usize::from(client.channel.0))?.get(frame)?;
        let substream = channel.settings.mapping.substream_of(frame, channel.settings.substreams);
        // A feed that has ended since was what the client's class has as a rule.
        let granted = client.granted(substream).unwrap_or(match client.class {
            Class::Push => Granted::Feed,
            Class::P2p => Granted::JoinLease,
        });
        let level = channel.level(granted.grant());
        (fragment < entry.count).then(|| Sending {
            entry,
            fragment,
            reason: reason_of(granted, false),
            level,
        })
    }

    fn send_fragment(
        &mut self,
        now: Instant,
        slot: u32,
        sending: &Sending,
        head: &mut [u8],
    ) -> Option<Transmit> {
        let Sending { entry, fragment, reason, level } = *sending;
        let client = self.clients.at(slot)?;
        let (path, link_id) = (client.path, client.link);
        let channel = self.channel(client.channel)?;
        let settings = &channel.settings;
        let len = fragment_bytes(&entry, settings.fragment_len, fragment);
        let mut header = DataHeader {
            link: link_id,
            packet: 0,
            sent_us: now.wire_us(),
            epoch: channel.epoch,
            info: entry.info,
            substream: settings.mapping.substream_of(entry.info.id, settings.substreams),
            fragment,
            count: entry.count,
            reason,
            level,
        };
        let link = self.links.get_mut(slot as usize)?;
        header.packet = link.on_sent(now, entry.info.id, fragment);
        let loss_at = link.loss_deadline();
        let head_len = header.write(head)?;
        let total = head_len.saturating_add(usize::from(len));
        self.egress.take(now, total);
        self.line.on_sent(now, total);
        self.stats.on_fragment(reason, DATA_HEADER_LEN, len);
        let client = self.clients.at_mut(slot)?;
        let channel = self.channels.get_mut(usize::from(client.channel.0));
        if let Some(bytes) = channel.and_then(|channel| channel.minute.sent.get_mut(reason_index(reason))) {
            *bytes = bytes.saturating_add(u64::from(len));
        }
        if let Some(bytes) = client.bytes_by_reason.get_mut(reason_index(reason)) {
            *bytes = bytes.saturating_add(u64::try_from(total).unwrap_or(0));
        }
        if let Some(at) = loss_at {
            self.arm_at(slot, at);
        }
        let body = FragmentRef { key: entry.key, index: fragment, len };
        Some(Transmit { path, head_len, body: Some(body) })
    }

    /// Charges a client's own pace; once it is used up the client waits for its timer.
    fn pay_pace(&mut self, now: Instant, slot: u32, sent: &Transmit) {
        let Some(client) = self.clients.at_mut(slot) else { return };
        client.pace.take(now, datagram_len(sent));
        client.is_paced = !client.pace.is_ready(now);
        if client.is_paced {
            let at = self.paced_until(now, slot);
            self.arm_at(slot, at);
        }
    }

    pub(super) fn on_ack(&mut self, now: Instant, slot: u32, ack: &Ack<'_>) -> Result<(), Reject> {
        let link = self.link_mut(slot).ok_or(Reject::UnknownPeer)?;
        let had_lost = link.has_lost();
        let acked = link.on_ack(now, ack)?;
        // What was taken as lost may have come: then there is nothing left to send again.
        let is_changed = had_lost || link.has_lost();
        let loss_at = link.loss_deadline();
        self.line.on_ack(slot, &acked);
        if let Some(at) = loss_at {
            self.arm_at(slot, at);
        }
        if is_changed {
            self.refresh(now, slot);
        }
        Ok(())
    }
}
