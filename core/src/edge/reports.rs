//! Reports of clients: each taken once and handed up, acknowledged once it is (`docs/wire.md`, "Reports").

use crate::endpoint::Reject;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::report::{ChannelTag, Report, ReportAck, ReportBody, ReportPlace, ViewerId};

use super::channel::ChannelId;
use super::events::{EdgeEvent, LeaveCause};
use super::machine::Edge;

/// Clients remembered after they went, lest a report that is sent again at the next session counts twice.
const GONE_MAX: usize = 128;
/// Reports a client may hand in at once: twice what it keeps.
const AT_ONCE_MAX: u64 = 8;
/// After those, one in this time: a viewer makes one a minute, and hands in what it kept.
const ONE_IN_MS: u64 = 10_000;

/// What an edge knows of a client's reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reporter {
    /// Whose, once one was taken.
    viewer: ViewerId,
    /// Which were taken.
    pub(super) taken: ReportAck,
    /// How many in this session.
    count: u16,
    /// Of how many it said that it threw them away.
    lost: u16,
    /// The edge's minutes in which it was last counted as rebuffering and as rescued, plus one.
    pub(super) rebuffered: u16,
    pub(super) rescued: u16,
}

impl Reporter {
    /// None came.
    pub(super) const EMPTY: Self =
        Self { viewer: ViewerId(0), taken: ReportAck::NONE, count: 0, lost: 0, rebuffered: 0, rescued: 0 };
}

/// A client that went.
#[derive(Clone, Copy, Debug, Default)]
struct Former {
    viewer: ViewerId,
    taken: ReportAck,
    lost: u16,
    missing: u16,
}

/// The last clients that went.
#[derive(Debug)]
pub(super) struct Gone {
    last: [Former; GONE_MAX],
    next: u8,
}

impl Default for Gone {
    fn default() -> Self {
        Self { last: [Former::default(); GONE_MAX], next: 0 }
    }
}

impl Gone {
    fn push(&mut self, former: Former) {
        if let Some(place) = self.last.get_mut(usize::from(self.next)) {
            *place = former;
        }
        self.next = if usize::from(self.next) + 1 < GONE_MAX { self.next + 1 } else { 0 };
    }

    /// The viewer's last session, if it had one of late.
    fn take(&mut self, viewer: ViewerId) -> Option<Former> {
        let is_of = |former: &&mut Former| former.taken.highest > 0 && former.viewer == viewer;
        let place = self.last.iter_mut().find(is_of)?;
        Some(core::mem::take(place))
    }
}

impl<S: FrameStore> Edge<'_, S> {
    pub(super) fn on_report(&mut self, now: Instant, slot: u32, report: &Report) -> Result<(), Reject> {
        let joined_at = self.clients.at(slot).ok_or(Reject::UnknownPeer)?.joined_at;
        let mut reporter = self.reporter(slot, report.viewer)?;
        match reporter.taken.place(report.number) {
            ReportPlace::Fresh => {}
            ReportPlace::Old => return Err(Reject::Stale),
            ReportPlace::Repeated => {
                self.stats.reports_repeated += 1;
                self.set_reporter(now, slot, reporter);
                return Err(Reject::Duplicate);
            }
        }
        let due = AT_ONCE_MAX.saturating_add(now.micros_since(joined_at) / 1_000 / ONE_IN_MS);
        if u64::from(reporter.count) >= due || !self.events.takes_report() {
            return Err(Reject::Full);
        }
        reporter.taken.take(report.number);
        reporter.count = reporter.count.saturating_add(1);
        self.stats.reports += 1;
        self.stats.reports_lost += u64::from(report.dropped.saturating_sub(reporter.lost));
        reporter.lost = reporter.lost.max(report.dropped);
        self.set_reporter(now, slot, reporter);
        self.hand_up(slot, report);
        Ok(())
    }

    /// What is known of the reports of the client in a slot, from its last session if this is its first report.
    fn reporter(&mut self, slot: u32, viewer: ViewerId) -> Result<Reporter, Reject> {
        let reporter = self.records.get(slot as usize).ok_or(Reject::UnknownPeer)?.reports;
        if reporter.taken != ReportAck::NONE {
            return if reporter.viewer == viewer { Ok(reporter) } else { Err(Reject::Unexpected) };
        }
        let former = self.gone.take(viewer).unwrap_or_default();
        self.stats.reports_missing_back += u64::from(former.missing);
        let reporter = Reporter { viewer, taken: former.taken, lost: former.lost, ..reporter };
        self.records.get_mut(slot as usize).ok_or(Reject::UnknownPeer)?.reports = reporter;
        Ok(reporter)
    }

    /// Keeps it, and acknowledges what it tells.
    fn set_reporter(&mut self, now: Instant, slot: u32, reporter: Reporter) {
        if let Some(record) = self.record_mut(slot) {
            record.reports = reporter;
        }
        if let Some(client) = self.clients.at_mut(slot) {
            client.pending.report_ack = true;
        }
        self.refresh(now, slot);
    }

    fn hand_up(&mut self, slot: u32, report: &Report) {
        let Some(handle) = self.clients.handle_of(slot) else { return };
        let channel = self.channel_tagged(report.channel);
        if let Some(channel) = channel.and_then(|id| self.channel_mut(id)) {
            match &report.body {
                ReportBody::Join(_) => {}
                ReportBody::Minute(minute) => channel.minute.told.add(minute),
            }
        }
        let event = EdgeEvent::Report { client: self.client_id(handle), channel, report: *report };
        self.events.push(event, &mut self.stats);
    }

    fn channel_tagged(&self, tag: ChannelTag) -> Option<ChannelId> {
        self.channels().find(|&id| {
            let name = self.channel(id).and_then(|channel| channel.name.as_ref());
            name.is_some_and(|name| ChannelTag::of(name) == tag)
        })
    }

    /// A client goes: what it may send again is remembered, what it owes is counted when it went without a word.
    pub(super) fn on_reporter_gone(&mut self, slot: u32, id: ChannelId, cause: LeaveCause, stayed_ms: u64) {
        let Some(reporter) = self.records.get(slot as usize).map(|record| record.reports) else { return };
        let owed = 2 + stayed_ms / 60_000;
        let missing = match cause {
            LeaveCause::Silent => owed.saturating_sub(u64::from(reporter.count)),
            LeaveCause::Left | LeaveCause::Replaced | LeaveCause::Reset | LeaveCause::Dismissed => 0,
        };
        self.stats.reports_missing += missing;
        let missing = u16::try_from(missing).unwrap_or(u16::MAX);
        if let Some(channel) = self.channel_mut(id) {
            channel.minute.reports_missing =
                channel.minute.reports_missing.saturating_add(u32::from(missing));
        }
        let Reporter { viewer, taken, lost, .. } = reporter;
        if taken != ReportAck::NONE {
            self.gone.push(Former { viewer, taken, lost, missing });
        }
    }
}
