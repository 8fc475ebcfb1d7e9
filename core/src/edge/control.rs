//! Control messages to clients, written from what is due when a datagram can leave.

use heapless::Vec;

use crate::endpoint::Transmit;
use crate::limits::CANDIDATES_MAX;
use crate::media::FrameId;
use crate::store::{FrameStore, as_many_as_fit};
use crate::time::Instant;
use crate::wire::ControlWriter;
use crate::wire::control::{Accept, Candidate, ClientId, Message, Welcome};

use super::client_slot::ClientSlot;
use super::events::LeaveCause;
use super::machine::Edge;

impl<S: FrameStore> Edge<'_, S> {
    /// Writes what a client is owed; what does not fit goes with the next datagram.
    pub(super) fn send_control(&mut self, now: Instant, slot: u32, head: &mut [u8]) -> Option<Transmit> {
        let client = self.clients.at(slot)?;
        let (path, pending) = (client.path, client.pending);
        let mut writer = ControlWriter::new(head, client.link)?;
        if let Some(reason) = pending.leave {
            writer.push(&Message::Leave { reason });
            let head_len = writer.finish();
            self.remove_client(now, slot, LeaveCause::Dismissed);
            return Some(self.sent_control(now, path, head_len));
        }
        if pending.welcome && self.write_welcome(now, slot, &mut writer) {
            self.clients.at_mut(slot)?.pending.welcome = false;
        }
        if pending.pong && writer.push(&Message::Pong { token: self.clients.at(slot)?.pong_token }) {
            self.clients.at_mut(slot)?.pending.pong = false;
        }
        if pending.report_ack
            && writer.push(&Message::ReportAck(self.records.get(slot as usize)?.reports.taken))
        {
            self.clients.at_mut(slot)?.pending.report_ack = false;
        }
        self.write_answers(slot, &mut writer)?;
        if pending.candidates {
            let list = self.candidates(now, slot);
            let told: Vec<ClientId, CANDIDATES_MAX> = as_many_as_fit(list.iter().map(|one| one.client));
            if self.write_whereabouts(slot, &told, &mut writer) && writer.push(&Message::Candidates { list })
            {
                self.clients.at_mut(slot)?.pending.candidates = false;
                self.introduce(now, slot, &told);
            }
        }
        let alternatives = &self.config.alternatives;
        if pending.redirect && writer.push(&Message::Redirect { alternatives: alternatives.clone() }) {
            self.clients.at_mut(slot)?.pending.redirect = false;
        }
        if pending.introduce {
            self.write_introductions(slot, &mut writer);
        }
        let is_empty = writer.is_empty();
        let head_len = writer.finish();
        (!is_empty).then(|| self.sent_control(now, path, head_len))
    }

    /// Tells a client that a frame it pulls is not held.
    pub(super) fn send_missing(
        &mut self,
        now: Instant,
        slot: u32,
        frame: FrameId,
        head: &mut [u8],
    ) -> Option<Transmit> {
        let client = self.clients.at(slot)?;
        let path = client.path;
        let mut writer = ControlWriter::new(head, client.link)?;
        writer.push(&Message::Missing { frame });
        let head_len = writer.finish();
        Some(self.sent_control(now, path, head_len))
    }

    fn sent_control(&mut self, now: Instant, path: crate::endpoint::Path, head_len: usize) -> Transmit {
        self.egress.take(now, head_len);
        self.stats.on_control(head_len);
        Transmit { path, head_len, body: None }
    }

    /// A welcome with as many candidates as there is room for.
    fn write_welcome(&mut self, now: Instant, slot: u32, writer: &mut ControlWriter<'_>) -> bool {
        let candidates = self.candidates(now, slot);
        let count = (0..=CANDIDATES_MAX).rev().find(|&count| {
            let told = as_many_as_fit(candidates.iter().take(count).copied());
            self.welcome(slot, told).is_some_and(|welcome| writer.push(&Message::Welcome(welcome)))
        });
        let Some(count) = count else { return false };
        let told: Vec<ClientId, CANDIDATES_MAX> =
            as_many_as_fit(candidates.iter().take(count).map(|one| one.client));
        self.introduce(now, slot, &told);
        true
    }

    fn welcome(&self, slot: u32, candidates: Vec<Candidate, CANDIDATES_MAX>) -> Option<Welcome<'_>> {
        let handle = self.clients.handle_of(slot)?;
        let client = self.clients.get(handle)?;
        let record = self.records.get(slot as usize)?;
        let channel = self.channel(client.channel)?;
        Some(Welcome {
            nonce: record.nonce,
            client: self.client_id(handle),
            link: self.link_id(handle),
            epoch: channel.epoch,
            class: client.class,
            start: record.start,
            newest: channel.newest.unwrap_or(record.start),
            left_from: (client.left_from > FrameId(0)).then_some(client.left_from),
            settings: channel.settings,
            observed: client.path.remote,
            init: &channel.init,
            candidates,
        })
    }

    /// Answers about feeds.
    fn write_answers(&mut self, slot: u32, writer: &mut ControlWriter<'_>) -> Option<()> {
        let client = self.clients.at(slot)?;
        let (accepts, refusals, reason) = (client.accepts, client.refusals, client.refuse_reason);
        for substream in accepts.iter() {
            let Some(accept) = self.accept(slot, substream) else {
                self.clients.at_mut(slot)?.accepts.set(substream, false);
                continue;
            };
            if writer.push(&Message::Accept(accept)) {
                self.clients.at_mut(slot)?.accepts.set(substream, false);
            }
        }
        for substream in refusals.iter() {
            if writer.push(&Message::Refuse { substream, reason }) {
                self.clients.at_mut(slot)?.refusals.set(substream, false);
            }
        }
        Some(())
    }

    /// The answer about a feed that runs.
    fn accept(&self, slot: u32, substream: u8) -> Option<Accept> {
        let client: &ClientSlot = self.clients.at(slot)?;
        let grant = client.granted(substream).filter(|_| !client.cut.has(substream))?.grant();
        let level = self.channel(client.channel)?.level(grant);
        Some(Accept { substream, first: client.feed(substream)?.mark, level, grant })
    }
}
