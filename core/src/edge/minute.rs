//! What an edge counts in a minute, for each channel (LiveSky, sections 5.1 and 6.2).

use core::time::Duration;

use crate::scaling::Stage;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::SendReason;
use crate::wire::control::WatchStats;
use crate::wire::report::MinuteReport;

use super::channel::ChannelId;
use super::events::EdgeEvent;
use super::machine::Edge;
use super::stats::reason_index;

const MINUTE: Duration = Duration::from_secs(60);

/// A minute of a channel: what the edge saw itself, and what the reports told that came within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeMinute {
    /// Minutes before it since the edge's first channel was opened.
    pub number: u32,
    /// Clients at its end: P0.
    pub active: u32,
    /// Clients let in.
    pub joined: u32,
    /// Clients that went.
    pub left: u32,
    /// Hellos answered by a refusal.
    pub refused: u32,
    /// Clients whose status told of a stall: the rebuffering rate's numerator (Figure 8).
    pub rebuffered: u32,
    /// Clients that took a rescue lease: refocused on the edge (Figure 12).
    pub rescued: u32,
    /// Reports owed by clients that fell silent.
    pub reports_missing: u32,
    /// Stage at its end.
    pub stage: Stage,
    /// Media bytes sent, retransmissions included, in the order of [`SendReason::ALL`].
    pub(super) sent: [u64; 4],
    /// What reports told.
    pub told: ToldMinutes,
}

/// Sums over the minutes that reports told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToldMinutes {
    /// Client-minutes in which there was something to play: NT.
    pub clients: u32,
    /// Of those, with a picture that stood: NB.
    pub rebuffered: u32,
    /// Time played: TP, in milliseconds.
    pub played_ms: u64,
    /// Time the picture stood, startup left out: TB, in milliseconds.
    pub buffering_ms: u64,
    /// Media bytes from peers.
    pub bytes_peers: u64,
    /// Media bytes from the edge.
    pub bytes_edge: u64,
    /// Substreams the edge took over from parents.
    pub rescues: u64,
}

impl ToldMinutes {
    const EMPTY: Self = Self {
        clients: 0,
        rebuffered: 0,
        played_ms: 0,
        buffering_ms: 0,
        bytes_peers: 0,
        bytes_edge: 0,
        rescues: 0,
    };

    /// Adds a report.
    pub fn add(&mut self, minute: &MinuteReport) {
        let watched_ms = u64::from(minute.played_ms) + u64::from(minute.buffering_ms);
        self.clients = self.clients.saturating_add(u32::from(watched_ms > 0));
        self.rebuffered = self.rebuffered.saturating_add(u32::from(minute.has_buffered()));
        self.played_ms = self.played_ms.saturating_add(u64::from(minute.played_ms));
        self.buffering_ms = self.buffering_ms.saturating_add(u64::from(minute.buffering_ms));
        let bytes_peers = u64::from(minute.bytes.peers);
        self.bytes_peers = self.bytes_peers.saturating_add(bytes_peers);
        self.bytes_edge = self.bytes_edge.saturating_add(minute.bytes.media().saturating_sub(bytes_peers));
        self.rescues = self.rescues.saturating_add(u64::from(minute.rescues));
    }

    /// Q1 = TP / (TP + TB) over all clients (section 6.2); `None`: nobody played.
    #[must_use]
    pub fn q1(&self) -> Option<f64> {
        ratio(self.played_ms, self.played_ms.saturating_add(self.buffering_ms))
    }

    /// Q2 = 1 - NB / NT over client-minutes (section 6.2); `None`: nobody played.
    #[must_use]
    pub fn q2(&self) -> Option<f64> {
        let clear = self.clients.saturating_sub(self.rebuffered);
        ratio(u64::from(clear), u64::from(self.clients))
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a minute of 65,535 clients have 32 bits")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl EdgeMinute {
    /// Nothing counted.
    pub(super) const EMPTY: Self = Self {
        number: 0,
        active: 0,
        joined: 0,
        left: 0,
        refused: 0,
        rebuffered: 0,
        rescued: 0,
        reports_missing: 0,
        stage: Stage::One,
        sent: [0; 4],
        told: ToldMinutes::EMPTY,
    };

    /// Media bytes sent for a reason.
    #[must_use]
    pub fn sent(&self, reason: SendReason) -> u64 {
        self.sent.get(reason_index(reason)).copied().unwrap_or(0)
    }
}

impl<S: FrameStore> Edge<'_, S> {
    /// A channel opens: minutes are counted while there is one.
    pub(super) fn start_minutes(&mut self, now: Instant) {
        if self.minute_at == Instant::FAR_FUTURE {
            self.minute_at = now + MINUTE;
        }
    }

    /// The minute is over.
    pub(super) fn on_minute(&mut self, now: Instant) {
        let number = self.minute_number;
        self.minute_number = number.saturating_add(1);
        self.minute_at = self.minute_at + MINUTE;
        if self.minute_at <= now {
            self.minute_at = now + MINUTE;
        }
        let mut has_channels = false;
        for index in 0..self.channels.len() {
            let Ok(index) = u8::try_from(index) else { break };
            let id = ChannelId(index);
            has_channels |= self.channel(id).is_some();
            self.end_minute(id, number);
        }
        if !has_channels {
            self.minute_at = Instant::FAR_FUTURE;
        }
    }

    /// Tells what was counted of a channel, and counts anew.
    pub(super) fn end_minute(&mut self, id: ChannelId, number: u32) {
        let Some(channel) = self.channel_mut(id) else { return };
        let counted = core::mem::replace(&mut channel.minute, EdgeMinute::EMPTY);
        let minute = EdgeMinute { number, active: channel.clients, stage: channel.stage.stage(), ..counted };
        self.events.push(EdgeEvent::Minute { channel: id, minute }, &mut self.stats);
    }

    /// A number no earlier minute of late had; 0 is none.
    fn minute_mark(&self) -> u16 {
        u16::try_from(self.minute_number % 0xffff).unwrap_or(0).saturating_add(1)
    }

    /// A status says what the client has seen: a stall counts it, once a minute.
    pub(super) fn note_watch(&mut self, slot: u32, watch: &WatchStats) {
        let mark = self.minute_mark();
        let Some(record) = self.records.get_mut(slot as usize) else { return };
        let known = &record.watch;
        // The first status of a session tells of former ones, too.
        let is_first = known.frames_played == 0 && known.buffer_ms == 0 && known.bytes_control == 0;
        let has_stalled = watch.stalls > known.stalls || watch.stalled_ms > known.stalled_ms;
        if is_first || !has_stalled || record.reports.rebuffered == mark {
            return;
        }
        record.reports.rebuffered = mark;
        let channel = self.clients.at(slot).map(|client| client.channel);
        if let Some(channel) = channel.and_then(|id| self.channel_mut(id)) {
            channel.minute.rebuffered = channel.minute.rebuffered.saturating_add(1);
        }
    }

    /// A client takes a rescue lease: it counts once a minute.
    pub(super) fn note_rescued(&mut self, slot: u32) {
        let mark = self.minute_mark();
        let Some(record) = self.records.get_mut(slot as usize) else { return };
        if record.reports.rescued == mark {
            return;
        }
        record.reports.rescued = mark;
        let channel = self.clients.at(slot).map(|client| client.channel);
        if let Some(channel) = channel.and_then(|id| self.channel_mut(id)) {
            channel.minute.rescued = channel.minute.rescued.saturating_add(1);
        }
    }
}
