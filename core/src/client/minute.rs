//! What a client saw since its minute began, and how its start went.

use core::time::Duration;

use super::stats::ClientStats;
use crate::media::PlayoutState;
use crate::nat::NatClass;
use crate::time::Instant;
use crate::wire::SendReason;
use crate::wire::control::Class;
use crate::wire::report::{AddressKinds, JoinRecord, MinuteReport, ReportBytes, stall_bucket};

/// A minute, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// What a report tells of the moment its minute ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) class: Class,
    pub(super) nat: NatClass,
    pub(super) kinds: AddressKinds,
    pub(super) peers: u8,
    pub(super) rate_bps: u32,
}

/// The minute under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minute {
    /// The first hello.
    began_at: Instant,
    /// When what is counted here began.
    from: Instant,
    /// Whether a channel is watched, or asked for.
    is_running: bool,
    /// Whether the join record is yet to be told.
    is_starting: bool,
    state: PlayoutState,
    /// Up to which time since `from` was accounted to a state.
    counted_ms: u32,
    join: JoinRecord,
    seen: MinuteReport,
}

impl Minute {
    /// Nothing is watched.
    pub(super) const STOPPED: Self = Self {
        began_at: Instant::ZERO,
        from: Instant::ZERO,
        is_running: false,
        is_starting: false,
        state: PlayoutState::Idle,
        counted_ms: 0,
        join: JoinRecord { answered_ms: 0, data_ms: 0, full_ms: 0, started_ms: 0, refused: 0 },
        seen: EMPTY,
    };

    /// Begins with the first hello.
    pub(super) fn begin(&mut self, now: Instant, stats: &ClientStats) {
        *self = Self { began_at: now, is_running: true, is_starting: true, ..Self::STOPPED };
        self.begin_minute(now, stats);
    }

    fn begin_minute(&mut self, now: Instant, stats: &ClientStats) {
        let minutes = now.micros_since(self.began_at) / 1_000 / MINUTE_MS;
        self.from = now;
        self.counted_ms = 0;
        self.seen = MinuteReport {
            minute: u32::try_from(minutes).unwrap_or(u32::MAX),
            bytes: Totals::of(stats).into_base(),
            ..EMPTY
        };
    }

    /// When the minute ends; `None` while nothing is watched.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let ms = (u64::from(self.seen.minute) + 1).saturating_mul(MINUTE_MS);
        self.is_running.then(|| self.began_at.plus_micros(ms.saturating_mul(1_000)))
    }

    /// Ends the minute and begins the next.
    pub(super) fn close(&mut self, now: Instant, stats: &ClientStats, standing: &Standing) -> MinuteReport {
        self.on_state(now, self.state);
        let base = self.seen.bytes;
        let mut report = MinuteReport {
            span_ms: millis(now.since(self.from)),
            class: standing.class,
            nat: standing.nat,
            kinds: standing.kinds,
            peers: standing.peers,
            ..self.seen
        };
        report.bytes = Totals::of(stats).since(&base);
        let due = u64::from(standing.rate_bps).saturating_mul(u64::from(report.span_ms)) / 8_000;
        let permille = report.bytes.media().saturating_mul(1_000).checked_div(due).unwrap_or(0);
        report.download_permille = u16::try_from(permille).unwrap_or(u16::MAX);
        self.begin_minute(now, stats);
        report
    }

    /// Ends a minute in which nothing was watched.
    pub(super) fn pass(&mut self, now: Instant, stats: &ClientStats) {
        self.begin_minute(now, stats);
    }

    /// Nothing is watched any more.
    pub(super) fn stop(&mut self) {
        *self = Self::STOPPED;
    }

    pub(super) const fn is_running(&self) -> bool {
        self.is_running
    }

    /// The join record, once, when nothing is to be added to it, or when `is_over`.
    pub(super) fn take_join(&mut self, is_over: bool) -> Option<JoinRecord> {
        let is_whole = self.join.started_ms > 0 && self.join.full_ms > 0;
        let is_due = self.is_starting && (is_whole || is_over);
        self.is_starting &= !is_due;
        is_due.then_some(self.join)
    }

    fn since_hello_ms(&self, now: Instant) -> u32 {
        millis(now.since(self.began_at)).max(1)
    }

    /// The edge answered a hello.
    pub(super) fn on_answer(&mut self, now: Instant) {
        if self.join.answered_ms == 0 {
            self.join.answered_ms = self.since_hello_ms(now);
        }
    }

    pub(super) const fn on_refused(&mut self) {
        self.join.refused = self.join.refused.saturating_add(1);
    }

    /// A fragment came in.
    pub(super) fn on_data(&mut self, now: Instant) {
        if self.join.data_ms == 0 {
            self.join.data_ms = self.since_hello_ms(now);
        }
    }

    /// Whether it matters that the buffer is full.
    pub(super) const fn wants_full(&self) -> bool {
        self.is_starting && self.join.full_ms == 0
    }

    pub(super) fn on_full(&mut self, now: Instant) {
        self.join.full_ms = self.since_hello_ms(now);
    }

    pub(super) fn on_started(&mut self, now: Instant) {
        if self.join.started_ms == 0 {
            self.join.started_ms = self.since_hello_ms(now);
        }
    }

    /// Playout is in this state from now on: the time before belongs to the last one.
    pub(super) fn on_state(&mut self, now: Instant, state: PlayoutState) {
        let until_ms = millis(now.since(self.from));
        let ms = until_ms.saturating_sub(self.counted_ms);
        self.counted_ms = until_ms;
        match self.state {
            PlayoutState::Playing => self.seen.played_ms = self.seen.played_ms.saturating_add(ms),
            PlayoutState::Stalled => self.seen.buffering_ms = self.seen.buffering_ms.saturating_add(ms),
            PlayoutState::Idle | PlayoutState::Startup => {}
        }
        self.state = state;
    }

    /// A stall is over.
    pub(super) fn on_resumed(&mut self, after: Duration) {
        if let Some(count) = self.seen.stalls.get_mut(stall_bucket(after)) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) const fn on_played(&mut self) {
        self.seen.frames_played = self.seen.frames_played.saturating_add(1);
    }

    /// Frames were passed over.
    pub(super) fn on_skipped(&mut self, frames: u32, is_to_key: bool) {
        let count = if is_to_key { &mut self.seen.frames_skipped } else { &mut self.seen.frames_omitted };
        *count = count.saturating_add(u16::try_from(frames).unwrap_or(u16::MAX));
    }

    /// The edge feeds a substream in a parent's place.
    pub(super) const fn on_rescued(&mut self) {
        self.seen.rescues = self.seen.rescues.saturating_add(1);
    }

    /// Payload came that was not there.
    pub(super) fn on_fragment(&mut self, is_from_edge: bool, reason: SendReason, len: usize) {
        let bytes = &mut self.seen.bytes;
        let sum = match reason {
            _ if !is_from_edge => &mut bytes.peers,
            SendReason::Feed => &mut bytes.push,
            SendReason::Burst => &mut bytes.burst,
            SendReason::Rescue => &mut bytes.rescue,
            SendReason::Pull => &mut bytes.pull,
        };
        *sum = sum.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    }
}

/// Nothing seen.
const EMPTY: MinuteReport = MinuteReport {
    minute: 0,
    span_ms: 0,
    class: Class::Push,
    nat: NatClass::UNKNOWN,
    kinds: AddressKinds(0),
    peers: 0,
    bytes: ReportBytes {
        burst: 0,
        push: 0,
        rescue: 0,
        pull: 0,
        peers: 0,
        uploaded: 0,
        control: 0,
        duplicates: 0,
    },
    download_permille: 0,
    played_ms: 0,
    buffering_ms: 0,
    stalls: [0; crate::wire::report::STALL_BUCKETS],
    frames_played: 0,
    frames_omitted: 0,
    frames_skipped: 0,
    rescues: 0,
};

/// The low 32 bits of totals that are counted elsewhere: what a minute adds to them is their difference.
struct Totals {
    uploaded: u32,
    control: u32,
    duplicates: u32,
}

impl Totals {
    fn of(stats: &ClientStats) -> Self {
        let watch = &stats.watch;
        let [uploaded, control, duplicates] =
            [watch.bytes_uploaded, watch.bytes_control, watch.bytes_duplicate]
                .map(|bytes| u32::try_from(bytes & u64::from(u32::MAX)).unwrap_or(0));
        Self { uploaded, control, duplicates }
    }

    /// While a minute runs, its report holds these in place of their growth.
    fn into_base(self) -> ReportBytes {
        let Self { uploaded, control, duplicates } = self;
        ReportBytes { uploaded, control, duplicates, ..EMPTY.bytes }
    }

    fn since(&self, base: &ReportBytes) -> ReportBytes {
        ReportBytes {
            uploaded: self.uploaded.wrapping_sub(base.uploaded),
            control: self.control.wrapping_sub(base.control),
            duplicates: self.duplicates.wrapping_sub(base.duplicates),
            ..*base
        }
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "minute_tests.rs"]
mod tests;
