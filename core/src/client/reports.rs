//! Reports: made once a minute, kept until the edge has taken them (`docs/wire.md`, "Reports").
//!
//! Minutes are counted from the first hello: a machine has no wall clock, the edge notes when a report arrives, and the reports of many clients
//! are spread over the minute.

use core::time::Duration;

use heapless::Vec;

use super::machine::Client;
use super::minute::{Minute, Standing};
use super::peer::{EDGE, Peer};
use super::stats::ClientStats;
use crate::endpoint::Reject;
use crate::media::ChannelName;
use crate::nat::is_local;
use crate::rng::Rng;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::report::{
    AddressKinds, ChannelTag, MinuteReport, REPORT_WINDOW, Report, ReportAck, ReportBody, ViewerId,
};
use crate::wire::{ControlWriter, Message};

/// Reports kept: a join record and three minutes. A viewer whose edge was away for longer had nothing to play either.
const REPORTS_MAX: usize = 4;
/// Wait before a report is sent again, doubled each time.
const AGAIN_S: u8 = 1;
/// The longest such wait.
const AGAIN_S_MAX: u8 = 60;
/// Separates the viewer's name from the random choices that come of the same seed.
const NAME_SALT: u64 = 0x7265_706f_7274_6572;

/// A report, and whether it is known to have arrived.
#[derive(Clone, Copy, Debug)]
struct Kept {
    number: u32,
    channel: ChannelTag,
    is_taken: bool,
    body: ReportBody,
}

/// What a client has to tell, and tells again.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    /// The minute under way.
    pub(super) minute: Minute,
    viewer: ViewerId,
    channel: ChannelTag,
    /// In the order of their numbers.
    kept: Vec<Kept, REPORTS_MAX, u8>,
    next_number: u32,
    dropped: u16,
    /// When those that wait are sent again.
    again_at: Instant,
    again_s: u8,
    /// Those that wait from this number on go with the next datagrams.
    due_from: Option<u32>,
}

/// A client's reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportsView {
    /// Reports the edge has not taken yet.
    pub pending: u8,
    /// Reports thrown away because they were not taken in time.
    pub dropped: u16,
    /// The last minute that is over.
    pub last: Option<MinuteReport>,
}

impl Reports {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            minute: Minute::STOPPED,
            viewer: ViewerId(Rng::from_seed(seed ^ NAME_SALT).next_u64()),
            channel: ChannelTag::default(),
            kept: Vec::new(),
            next_number: 1,
            dropped: 0,
            again_at: Instant::FAR_FUTURE,
            again_s: AGAIN_S,
            due_from: None,
        }
    }

    /// A channel is asked for.
    fn begin(&mut self, now: Instant, name: &ChannelName, stats: &ClientStats) {
        self.channel = ChannelTag::of(name);
        self.minute.begin(now, stats);
    }

    /// Keeps a report, to be sent at once.
    fn keep(&mut self, now: Instant, body: ReportBody) {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        // An acknowledgement tells of so many numbers only.
        self.drop_where(|kept| kept.number.saturating_add(REPORT_WINDOW) <= number);
        if self.kept.is_full() {
            let taken = self.kept.iter().find(|kept| kept.is_taken);
            let out = taken.or(self.kept.first()).map_or(0, |kept| kept.number);
            self.drop_where(|kept| kept.number == out);
        }
        // There is room: one was let go when there was none.
        let _ = self.kept.push(Kept { number, channel: self.channel, is_taken: false, body });
        self.again_at = now;
        self.again_s = AGAIN_S;
    }

    fn drop_where(&mut self, rule: impl Fn(&Kept) -> bool) {
        let lost = self.kept.iter().filter(|kept| rule(kept) && !kept.is_taken).count();
        self.dropped = self.dropped.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
        self.kept.retain(|kept| !rule(kept));
    }

    fn pending(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(|kept| !kept.is_taken)
    }

    /// When the minute ends.
    pub(super) fn minute_deadline(&self) -> Instant {
        self.minute.ends_at().unwrap_or(Instant::FAR_FUTURE)
    }

    /// When those that wait are sent again, to an edge that can be reached.
    pub(super) const fn again_deadline(&self) -> Instant {
        self.again_at
    }

    /// Whether some are to go with the next datagram.
    pub(super) const fn is_due(&self) -> bool {
        self.due_from.is_some()
    }

    /// All that wait are to go, and again after a wait.
    fn make_due(&mut self, now: Instant) {
        if self.pending().next().is_none() {
            self.again_at = Instant::FAR_FUTURE;
            return;
        }
        self.due_from = Some(0);
        self.again_at = now + Duration::from_secs(u64::from(self.again_s));
        self.again_s = self.again_s.saturating_mul(2).min(AGAIN_S_MAX);
    }

    fn next_due(&self) -> Option<&Kept> {
        let from = self.due_from?;
        self.pending().find(|kept| kept.number >= from)
    }

    fn on_ack(&mut self, ack: &ReportAck) -> Result<(), Reject> {
        if ack.highest >= self.next_number {
            return Err(Reject::Unexpected);
        }
        for kept in self.kept.iter_mut().filter(|kept| !kept.is_taken && ack.has(kept.number)) {
            kept.is_taken = true;
            self.again_s = AGAIN_S;
        }
        if self.pending().next().is_none() {
            self.again_at = Instant::FAR_FUTURE;
            self.due_from = None;
        }
        Ok(())
    }
}

impl<S: FrameStore> Client<'_, S> {
    /// What is told of watching.
    #[must_use]
    pub fn reports(&self) -> ReportsView {
        let minute = |kept: &Kept| match kept.body {
            ReportBody::Minute(minute) => Some(minute),
            ReportBody::Join(_) => None,
        };
        ReportsView {
            pending: u8::try_from(self.reports.pending().count()).unwrap_or(u8::MAX),
            dropped: self.reports.dropped,
            last: self.reports.kept.iter().rev().find_map(minute),
        }
    }

    /// A channel is asked for: what was watched before is over.
    pub(super) fn begin_reports(&mut self, now: Instant, channel: &ChannelName) {
        self.end_reports(now);
        self.reports.begin(now, channel, &self.stats);
    }

    /// Nothing is watched any more: the last reports.
    pub(super) fn end_reports(&mut self, now: Instant) {
        if self.reports.minute.is_running() {
            self.close_minute(now);
            self.reports.minute.stop();
            self.send_reports(now);
        }
    }

    /// Recurring work on reports.
    pub(super) fn on_reports_due(&mut self, now: Instant) {
        if self.reports.minute_deadline() <= now {
            self.close_minute(now);
        }
        self.note_start(now);
        if self.reports.again_deadline() <= now {
            self.send_reports(now);
        }
    }

    /// Sends what waits as soon as there is an edge that takes it.
    pub(super) fn send_reports(&mut self, now: Instant) {
        if self.is_edge_met() {
            self.reports.make_due(now);
            if self.reports.is_due() {
                self.owe(EDGE, |_| ());
            }
        }
    }

    /// When there is work on reports.
    pub(super) fn reports_deadline(&self) -> Instant {
        let minute_at = self.reports.minute_deadline();
        if self.is_edge_met() { minute_at.min(self.reports.again_deadline()) } else { minute_at }
    }

    fn is_edge_met(&self) -> bool {
        self.peer(EDGE).is_some_and(Peer::is_met)
    }

    fn close_minute(&mut self, now: Instant) {
        if let Some(join) = self.reports.minute.take_join(true) {
            self.reports.keep(now, ReportBody::Join(join));
        }
        match self.standing() {
            Some(standing) => {
                let minute = self.reports.minute.close(now, &self.stats, &standing);
                self.reports.keep(now, ReportBody::Minute(minute));
            }
            None => self.reports.minute.pass(now, &self.stats),
        }
    }

    /// The buffer is full as soon as it holds the target, or all there is up to two beats from the live edge.
    pub(super) fn note_start(&mut self, now: Instant) {
        if self.reports.minute.wants_full() && self.is_buffer_full() {
            self.reports.minute.on_full(now);
        }
        if let Some(join) = self.reports.minute.take_join(false) {
            self.reports.keep(now, ReportBody::Join(join));
        }
    }

    fn is_buffer_full(&self) -> bool {
        let (Some(session), Some(playhead)) = (&self.session, self.playout.playhead()) else { return false };
        let Some(end) = self.frames.run_end(playhead) else { return false };
        let slack = session.settings.frames_in(session.settings.beat().saturating_mul(2));
        session.newest.since(end) <= slack || self.buffer_ms() >= session.settings.target_buffer_ms
    }

    fn standing(&self) -> Option<Standing> {
        let session = self.session.as_ref()?;
        let met = self.peers.iter().skip(1).filter(|peer| peer.is_met());
        Some(Standing {
            class: session.class,
            nat: self.discovery.class(),
            kinds: self.address_kinds(),
            peers: u8::try_from(met.count()).unwrap_or(u8::MAX),
            rate_bps: session.settings.rate_bps,
        })
    }

    fn address_kinds(&self) -> AddressKinds {
        let mut kinds = AddressKinds::default();
        for (slot, peer) in (0_u8..).zip(self.peers.iter()).filter(|(_, peer)| peer.is_met()) {
            kinds.add(match (slot == EDGE, peer.remote.is_ipv4()) {
                (true, true) => AddressKinds::EDGE_V4,
                (true, false) => AddressKinds::EDGE_V6,
                (false, _) if is_local(&peer.remote.ip()) => AddressKinds::PEERS_LOCAL,
                (false, true) => AddressKinds::PEERS_V4,
                (false, false) => AddressKinds::PEERS_V6,
            });
        }
        kinds
    }

    /// Writes as many of the reports that are due as there is room for.
    pub(super) fn push_kept(&mut self, writer: &mut ControlWriter<'_>) {
        let Some(public) = self.session.as_ref().map(|session| session.observed) else {
            self.reports.due_from = None;
            return;
        };
        while let Some(kept) = self.reports.next_due() {
            let &Kept { number, channel, body, .. } = kept;
            let Reports { viewer, dropped, .. } = self.reports;
            let private = self.config.local;
            let report = Report { viewer, number, channel, dropped, public, private, body };
            if !writer.push(&Message::Report(report)) {
                return;
            }
            self.reports.due_from = Some(number.saturating_add(1));
        }
        self.reports.due_from = None;
    }

    pub(super) fn on_report_ack(&mut self, ack: &ReportAck) -> Result<(), Reject> {
        self.reports.on_ack(ack)
    }
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
