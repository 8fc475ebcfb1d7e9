//! What an edge tells its owner.

use core::net::SocketAddr;

use heapless::Deque;

use crate::link::RateCause;
use crate::scaling::Decision;
use crate::wire::control::{Class, ClientId, RefusalReason};
use crate::wire::report::Report;

use super::channel::ChannelId;
use super::minute::EdgeMinute;
use super::stats::EdgeStats;

/// Events that wait to be polled.
const EVENTS_MAX: usize = 64;
/// Of those, reports.
const REPORTS_MAX: u8 = 32;

/// Something happened. Joins, leaves, stages and channels are told one by one; refusals of the same channel and reason that follow each
/// other are one event with a count. When 64 wait, the oldest is thrown away and
/// counted. At most 32 reports wait: one that finds no room is not acknowledged, and comes again.
#[derive(Clone, Debug, PartialEq)]
pub enum EdgeEvent {
    /// A channel began.
    ChannelOpened {
        /// Which.
        channel: ChannelId,
    },
    /// A channel ended.
    ChannelClosed {
        /// Which.
        channel: ChannelId,
    },
    /// The load passed a threshold.
    StageChanged {
        /// Of which channel.
        channel: ChannelId,
        /// The new stage, and what it comes from.
        decision: Decision,
    },
    /// A client was let in.
    Admitted {
        /// Who.
        client: ClientId,
        /// From where.
        address: SocketAddr,
        /// To what.
        channel: ChannelId,
        /// How it is to be fed.
        class: Class,
        /// How that was decided.
        decision: Decision,
    },
    /// A client on a lease, or fed by peers, is fed for good from now on.
    Promoted {
        /// Who.
        client: ClientId,
        /// Of what.
        channel: ChannelId,
        /// How that was decided; Nc counts the client.
        decision: Decision,
    },
    /// A client that was fed for good is on a lease from now on, until it has found parents.
    Demoted {
        /// Who.
        client: ClientId,
        /// Of what.
        channel: ChannelId,
        /// How that was decided; Nc does not count what became a lease.
        decision: Decision,
    },
    /// Clients were turned away.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// Which channel they wanted, where there is one.
        channel: Option<ChannelId>,
        /// How that was decided, where it was a question of capacity: of the last of them.
        decision: Option<Decision>,
        /// How many.
        count: u32,
    },
    /// A client told what it saw. Each report of a viewer comes once, but for those of a viewer that comes back after more than 128
    /// others went: `viewer` and `number` name the report.
    Report {
        /// Who, at this edge.
        client: ClientId,
        /// What it watched, where that is a channel here.
        channel: Option<ChannelId>,
        /// What it told.
        report: Report,
    },
    /// A minute of a channel is over, counted from the opening of the edge's first channel.
    Minute {
        /// Which channel.
        channel: ChannelId,
        /// What was counted.
        minute: EdgeMinute,
    },
    /// A client went.
    Left {
        /// Who.
        client: ClientId,
        /// From what.
        channel: ChannelId,
        /// Why.
        cause: LeaveCause,
        /// How long it was there, in milliseconds.
        stayed_ms: u64,
    },
    /// The line gives less than before, or more: what is promised and who is let in follow. Told when it changed by a tenth, and when it
    /// is whole again.
    RateChanged {
        /// What is counted on, in bit/s.
        counted_bps: u64,
        /// What is configured, less legacy clients, in bit/s.
        cap_bps: u64,
        /// Why.
        cause: RateCause,
        /// Clients that wait for the line.
        waiting: u32,
    },
    /// The edge was told to hand over its clients, and the last one went.
    Drained,
}

impl EdgeEvent {
    const fn is_report(&self) -> bool {
        matches!(self, Self::Report { .. })
    }
}

/// Why a client went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveCause {
    /// It said so.
    Left,
    /// It was not heard for too long.
    Silent,
    /// It joined anew, or asked for another channel.
    Replaced,
    /// It lost its own state.
    Reset,
    /// The channel ended or the edge went down.
    Dismissed,
}

/// Events in the order they happened.
#[derive(Debug, Default)]
pub(super) struct Events {
    queue: Deque<EdgeEvent, EVENTS_MAX>,
    /// Reports among them.
    reports: u8,
}

impl Events {
    pub(super) fn push(&mut self, event: EdgeEvent, stats: &mut EdgeStats) {
        if self.merge(&event) {
            return;
        }
        let is_report = event.is_report();
        let Err(event) = self.queue.push_back(event) else {
            self.reports = self.reports.saturating_add(u8::from(is_report));
            return;
        };
        let oldest = self.pop();
        stats.events_dropped += 1;
        stats.reports_dropped += u64::from(oldest.is_some_and(|event| event.is_report()));
        self.reports = self.reports.saturating_add(u8::from(event.is_report()));
        let _has_room = self.queue.push_back(event);
    }

    /// Adds a refusal to the one before it, if that is alike.
    fn merge(&mut self, event: &EdgeEvent) -> bool {
        let EdgeEvent::Refused { reason, channel, decision, .. } = event else { return false };
        let Some(EdgeEvent::Refused { reason: last_reason, channel: last_channel, decision: last, count }) =
            self.queue.back_mut()
        else {
            return false;
        };
        if last_reason != reason || last_channel != channel {
            return false;
        }
        *last = *decision;
        *count = count.saturating_add(1);
        true
    }

    pub(super) fn pop(&mut self) -> Option<EdgeEvent> {
        let event = self.queue.pop_front();
        let is_report = event.as_ref().is_some_and(EdgeEvent::is_report);
        self.reports = self.reports.saturating_sub(u8::from(is_report));
        event
    }

    pub(super) const fn takes_report(&self) -> bool {
        self.reports < REPORTS_MAX
    }
}
