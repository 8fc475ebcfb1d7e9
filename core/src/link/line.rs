//! How fast an edge may send: what its own line gives, from what the acknowledgements of all its clients say together.
//!
//! A live push is limited by the application, and no window means anything to it: the law steers the rate of the one bucket
//! everything leaves by. A queue or a loss that most clients see at once is in the line they share, the edge's own; what a few of
//! them see is theirs. Loss that does not fall when the rate does is the path's floor, and is lived with.

use core::time::Duration;

use super::Acked;
use crate::time::Instant;

/// The rate is steered this often: every client that is fed acknowledges within it (docs/wire.md: after 200 ms).
const INTERVAL: Duration = Duration::from_millis(250);
/// Queueing delay above this stands in a queue. LEDBAT++ (clause 4.1) aims at 60 ms on a home's uplink; an edge wants an empty one.
const QUEUE_US_MAX: u32 = 40_000;
/// Below this there is none.
const QUEUE_US_CLEAR: u32 = 20_000;
/// The rate falls to this share of what got through, in percent, until the queue is gone.
const DRAIN_PERCENT: u64 = 85;
/// Growth in an interval without a queue, in permille: it begins small, doubles each time, and is bounded.
const GROWTH_PERMILLE: [u64; 2] = [80, 500];
/// The same while less is sent than may be, which tells little.
const IDLE_PERMILLE: u64 = 10;
/// The rate grows no further than this share of what got through, in percent: a rate that is not used is not believed (RFC 7661).
const UNPROVED_PERCENT: u64 = 150;
/// Of the rate, in percent: who sends less does not use it.
const USED_PERCENT: u64 = 75;
/// After so many intervals without a queue the estimate is counted on: growth finds the end of a line sooner.
const CLEAR_INTERVALS: u8 = 5;
/// No estimate goes below this part of what is configured: a few clients on bad lines must not close an edge.
const FLOOR_PART: u64 = 16;
/// Fewer fragments than this in an interval, or fewer clients, say nothing about a line.
const FRAGMENTS_MIN: u32 = 32;
const VOICES_MIN: u32 = 4;
/// Loss so far above the floor counts, in ppm.
const LOSS_PPM_MIN: u64 = 50_000;
/// What the share kept for overhead covers of it, and the most that is believed of paths: more is an outage.
const LOSS_PPM_COVERED: u64 = 30_000;
const LOSS_PPM_MAX: u64 = 500_000;
/// In so many intervals in a row,
const LOSS_INTERVALS: u8 = 2;
/// and so many later it is looked whether a lower rate helped: by then what was sent before has been told.
const TRIAL_INTERVALS: u8 = 3;
/// Intervals without any acknowledgement after which the rate is cut to its floor (RFC 8083 clause 4.1, the media timeout).
const SILENT_INTERVALS: u8 = 4;

/// Why the rate is what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateCause {
    /// Nothing says that the line gives less than is configured.
    #[default]
    Configured,
    /// Most clients saw a queue.
    Queue,
    /// Clients lost more than their paths ever do.
    Loss,
    /// Nobody acknowledges anything.
    Silence,
}

/// What was counted since the interval began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Interval {
    sent: u32,
    sent_bytes: u32,
    acked: u32,
    lost: u32,
    /// Fragments acknowledged together with a delay; of those, with a queue, and without any.
    timed: u32,
    queued: u32,
    clear: u32,
    /// One bit for each of some clients that spoke.
    voices: u64,
}

/// What an interval says of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Stands,
    Unclear,
    None,
}

impl Interval {
    const NONE: Self =
        Self { sent: 0, sent_bytes: 0, acked: 0, lost: 0, timed: 0, queued: 0, clear: 0, voices: 0 };

    const fn is_told(&self) -> bool {
        self.acked >= FRAGMENTS_MIN && self.voices.count_ones() >= VOICES_MIN
    }

    /// Three quarters of what was acknowledged decide: one client that acknowledges much, or joined while there was a queue, does not.
    const fn queue(&self) -> Queue {
        if self.queued as u64 * 4 >= self.timed as u64 * 3 && self.timed > 0 {
            Queue::Stands
        } else if self.clear as u64 * 2 >= self.timed as u64 {
            Queue::None
        } else {
            Queue::Unclear
        }
    }

    fn loss_ppm(&self) -> u64 {
        let settled = u64::from(self.acked) + u64::from(self.lost);
        (u64::from(self.lost) * 1_000_000).checked_div(settled).unwrap_or(0)
    }

    fn bps(bits: u64, span: Duration) -> u64 {
        let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
        bits.saturating_mul(1_000_000) / span_us
    }

    fn sent_bps(&self, span: Duration) -> u64 {
        Self::bps(u64::from(self.sent_bytes) * 8, span)
    }

    /// What the line carried: what arrived, and what paths that lose `floor_ppm` whatever is sent lost of it behind the line. Fragments
    /// are nearly equal in size.
    fn through_bps(&self, floor_ppm: u64, span: Duration) -> u64 {
        let mean_bytes = self.sent_bytes.checked_div(self.sent).unwrap_or(0);
        let arrived_bits = u64::from(self.acked) * u64::from(mean_bytes) * 8;
        let kept_ppm = 1_000_000_u64.saturating_sub(floor_ppm.min(LOSS_PPM_MAX));
        Self::bps(arrived_bits.saturating_mul(1_000_000).checked_div(kept_ppm).unwrap_or(arrived_bits), span)
    }
}

/// A loss that may be the line's: the rate was lowered, and it is to be seen whether that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trial {
    before_bps: u64,
    before_ppm: u64,
    intervals_left: u8,
}

/// The rate of an edge's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRate {
    /// What is configured, less what others take.
    cap_bps: u64,
    /// What the line is believed to give.
    gives_bps: u64,
    /// What of that is counted on.
    counted_bps: u64,
    cause: RateCause,
    is_draining: bool,
    /// What got through in the interval before; 0: nothing was told.
    through_bps: u64,
    growth_permille: u64,
    /// Intervals in a row without a queue, without an acknowledgement, and with too much loss.
    clear: u8,
    silent: u8,
    lossy: u8,
    /// What the paths lose whatever is sent; `None` before anything was told.
    floor_ppm: Option<u64>,
    /// Fragments sent and acknowledged of late: sixteen times the means of an interval, slowly followed. A loss that only a timer tells of is in
    /// neither count of an acknowledgement.
    sent_of_late: u64,
    acked_of_late: u64,
    /// Sent in the interval before: that is what acknowledgements of this one tell of.
    sent_before: u32,
    trial: Option<Trial>,
    interval: Interval,
    /// When the interval ends; `ZERO`: none runs.
    ends_at: Instant,
}

impl LineRate {
    /// A line that is believed to give `cap_bps`.
    #[must_use]
    pub const fn new(cap_bps: u64) -> Self {
        Self {
            cap_bps,
            gives_bps: cap_bps,
            counted_bps: cap_bps,
            cause: RateCause::Configured,
            is_draining: false,
            through_bps: 0,
            growth_permille: GROWTH_PERMILLE[0],
            clear: 0,
            silent: 0,
            lossy: 0,
            floor_ppm: None,
            sent_of_late: 0,
            acked_of_late: 0,
            sent_before: 0,
            trial: None,
            interval: Interval::NONE,
            ends_at: Instant::ZERO,
        }
    }

    /// Changes what may be sent at most; an estimate below it stays.
    pub fn set_cap(&mut self, cap_bps: u64) {
        let follow = |bps: u64| if bps >= self.cap_bps { cap_bps } else { bps.min(cap_bps) };
        let (gives_bps, counted_bps) = (follow(self.gives_bps), follow(self.counted_bps));
        (self.cap_bps, self.gives_bps, self.counted_bps) = (cap_bps, gives_bps, counted_bps);
        self.trial = None;
    }

    /// Notes a fragment sent.
    pub fn on_sent(&mut self, now: Instant, bytes: usize) {
        if self.ends_at == Instant::ZERO {
            self.ends_at = now + INTERVAL;
        }
        let interval = &mut self.interval;
        interval.sent = interval.sent.saturating_add(1);
        interval.sent_bytes = interval.sent_bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Notes what a client acknowledged; `voice` tells clients apart.
    pub const fn on_ack(&mut self, voice: u32, acked: &Acked) {
        let interval = &mut self.interval;
        interval.acked = interval.acked.saturating_add(acked.newly);
        interval.lost = interval.lost.saturating_add(acked.lost);
        interval.voices |= 1 << (voice % u64::BITS);
        let Some(queue_us) = acked.queue_us else { return };
        interval.timed = interval.timed.saturating_add(acked.newly);
        if queue_us > QUEUE_US_MAX {
            interval.queued = interval.queued.saturating_add(acked.newly);
        } else if queue_us < QUEUE_US_CLEAR {
            interval.clear = interval.clear.saturating_add(acked.newly);
        }
    }

    /// When the rate is to be steered; `None`: nothing is sent, and nothing is missing.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        (self.ends_at > Instant::ZERO).then_some(self.ends_at)
    }

    /// Steers, when the interval is over. Says whether anything changed.
    pub fn on_time(&mut self, now: Instant) -> bool {
        if self.ends_at == Instant::ZERO || now < self.ends_at {
            return false;
        }
        let before = (self.rate_bps(), self.counted_bps, self.cause());
        let late = now.since(self.ends_at);
        let told = core::mem::replace(&mut self.interval, Interval::NONE);
        if late < INTERVAL {
            self.steer(&told, INTERVAL.saturating_add(late));
        }
        let is_idle = told.sent == 0 && self.counted_bps >= self.cap_bps && self.silent == 0;
        self.ends_at = if is_idle { Instant::ZERO } else { now + INTERVAL };
        before != (self.rate_bps(), self.counted_bps, self.cause())
    }

    fn steer(&mut self, told: &Interval, span: Duration) {
        let is_unanswered =
            told.acked == 0 && (told.sent >= FRAGMENTS_MIN || (self.silent > 0 && told.sent > 0));
        self.silent = if is_unanswered { self.silent.saturating_add(1) } else { 0 };
        if self.silent > 0 {
            return;
        }
        if !told.is_told() {
            self.is_draining = false;
            self.through_bps = 0;
            self.grow(told, span);
            return;
        }
        let follow = |of_late: u64, count: u32| of_late - of_late / 16 + u64::from(count);
        self.sent_of_late = follow(self.sent_of_late, core::mem::replace(&mut self.sent_before, told.sent));
        self.acked_of_late = follow(self.acked_of_late, told.acked);
        // What got through was given, whatever was thought.
        let through_bps = told.through_bps(self.floor_ppm.unwrap_or(0), span);
        let before_bps = core::mem::replace(&mut self.through_bps, through_bps);
        // Acknowledgements come five times a second: over two intervals their rhythm does not show.
        let mean_bps = if before_bps > 0 { u64::midpoint(before_bps, through_bps) } else { through_bps };
        self.counted_bps = self.counted_bps.max(mean_bps.min(self.gives_bps));
        match told.queue() {
            Queue::Stands => {
                self.trial = None;
                self.lower(RateCause::Queue, mean_bps);
                self.is_draining = true;
            }
            Queue::Unclear => self.clear = 0,
            Queue::None => {
                self.is_draining = false;
                if !self.has_lost(told, span) {
                    self.grow(told, span);
                }
            }
        }
    }

    /// While there is a queue the line is busy: what gets through is what it gives. Once seen, in smaller steps.
    fn lower(&mut self, cause: RateCause, through_bps: u64) {
        let below_bps = self.gives_bps.saturating_sub(through_bps);
        let step_bps = if self.is_draining { below_bps / 2 } else { below_bps };
        let least_bps = self.floor_bps().max(self.gives_bps / 2);
        self.gives_bps = (self.gives_bps - step_bps).max(least_bps).min(self.cap_bps);
        self.counted_bps = self.counted_bps.min(self.gives_bps);
        if self.gives_bps < self.cap_bps {
            self.cause = cause;
        }
        self.restart_growth();
    }

    const fn restart_growth(&mut self) {
        self.growth_permille = GROWTH_PERMILLE[0];
        self.clear = 0;
    }

    /// Looks at loss where there is no queue: a line with a short one drops at once.
    fn has_lost(&mut self, told: &Interval, span: Duration) -> bool {
        let loss_ppm = told.loss_ppm();
        let floor_ppm = *self.floor_ppm.get_or_insert(loss_ppm);
        if let Some(trial) = &mut self.trial {
            trial.intervals_left = trial.intervals_left.saturating_sub(1);
            let trial = *trial;
            if trial.intervals_left == 0 {
                self.judge(&trial, loss_ppm, floor_ppm);
            }
            return true;
        }
        if !is_above(loss_ppm, floor_ppm, told) {
            self.lossy = 0;
            // Down at once, for it is a floor; up slowly.
            self.floor_ppm = Some(loss_ppm.min(floor_ppm - floor_ppm / 16 + loss_ppm / 16));
            return false;
        }
        self.lossy = self.lossy.saturating_add(1);
        if self.lossy >= LOSS_INTERVALS {
            self.trial = Some(Trial {
                before_bps: self.gives_bps,
                before_ppm: loss_ppm,
                intervals_left: TRIAL_INTERVALS,
            });
            self.gives_bps = (told.through_bps(self.floor_ppm.unwrap_or(0), span) / 100 * 95)
                .max(self.gives_bps / 2)
                .max(self.floor_bps())
                .min(self.gives_bps);
            self.restart_growth();
        }
        true
    }

    /// The end of a trial: loss that did not fall by half with the rate is not the line's.
    fn judge(&mut self, trial: &Trial, loss_ppm: u64, floor_ppm: u64) {
        self.trial = None;
        self.lossy = 0;
        let is_ours = loss_ppm.saturating_sub(floor_ppm) * 2 <= trial.before_ppm.saturating_sub(floor_ppm);
        if is_ours {
            self.counted_bps = self.counted_bps.min(self.gives_bps);
            self.cause = RateCause::Loss;
        } else {
            self.gives_bps = trial.before_bps.min(self.cap_bps);
            self.floor_ppm = Some(loss_ppm);
        }
    }

    fn grow(&mut self, told: &Interval, span: Duration) {
        self.clear = self.clear.saturating_add(1);
        let is_used = told.sent_bps(span) >= self.gives_bps / 100 * USED_PERCENT;
        let permille = if is_used { self.growth_permille } else { IDLE_PERMILLE };
        let grown_bps =
            self.gives_bps.saturating_add((self.gives_bps / 1_000).saturating_mul(permille).max(1));
        let proved_bps = if is_used {
            told.through_bps(self.floor_ppm.unwrap_or(0), span) / 100 * UNPROVED_PERCENT
        } else {
            u64::MAX
        };
        self.gives_bps = grown_bps.min(proved_bps).max(self.gives_bps).min(self.cap_bps);
        if is_used {
            self.growth_permille = (self.growth_permille * 2).min(GROWTH_PERMILLE[1]);
        }
        if self.clear >= CLEAR_INTERVALS {
            self.counted_bps = self.gives_bps;
        }
        if self.counted_bps >= self.cap_bps {
            self.cause = RateCause::Configured;
        }
    }

    fn floor_bps(&self) -> u64 {
        self.cap_bps / FLOOR_PART
    }

    const fn is_silent(&self) -> bool {
        self.silent >= SILENT_INTERVALS
    }

    /// How fast to send now, in bit/s: less than the line gives while a queue is to go.
    #[must_use]
    pub const fn rate_bps(&self) -> u64 {
        if self.is_silent() {
            self.cap_bps / FLOOR_PART
        } else if self.is_draining {
            self.gives_bps / 100 * DRAIN_PERCENT
        } else {
            self.gives_bps
        }
    }

    /// What promises may be made from, in bit/s: it falls with the first queue and rises when none was seen for a while.
    #[must_use]
    pub const fn counted_bps(&self) -> u64 {
        self.counted_bps
    }

    /// What arrives of `bps` at the first time, beyond the little that the share kept for overhead covers: what paths lose is sent again.
    #[must_use]
    pub fn arriving_bps(&self, bps: u64) -> u64 {
        let kept_ppm = 1_000_000_u64.saturating_sub(self.loss_ppm().saturating_sub(LOSS_PPM_COVERED));
        bps / 1_000 * kept_ppm / 1_000
    }

    /// Whether paths lose more than the share kept for overhead covers.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.loss_ppm() > LOSS_PPM_COVERED
    }

    fn loss_ppm(&self) -> u64 {
        let lost = self.sent_of_late.saturating_sub(self.acked_of_late);
        (lost * 1_000_000).checked_div(self.sent_of_late).unwrap_or(0).min(LOSS_PPM_MAX)
    }

    /// Whether less is counted on than is configured.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.counted_bps < self.cap_bps
    }

    /// What may be sent at most, in bit/s.
    #[must_use]
    pub const fn cap_bps(&self) -> u64 {
        self.cap_bps
    }

    /// What may be asked of the line, in bit/s: what is counted on, or more when no queue was seen for a while.
    #[must_use]
    pub fn asked_bps(&self) -> u64 {
        if self.clear >= CLEAR_INTERVALS || self.counted_bps >= self.cap_bps {
            self.rate_bps()
        } else {
            self.counted_bps
        }
    }

    /// Why the rate is what it is.
    #[must_use]
    pub const fn cause(&self) -> RateCause {
        if self.is_silent() { RateCause::Silence } else { self.cause }
    }
}

/// Whether a loss is above the floor by more than chance: three deviations of a share counted so often.
fn is_above(loss_ppm: u64, floor_ppm: u64, told: &Interval) -> bool {
    let Some(over_ppm) = loss_ppm.checked_sub(floor_ppm + LOSS_PPM_MIN) else { return false };
    let count = u64::from(told.acked) + u64::from(told.lost);
    let variance_ppm2 = floor_ppm * 1_000_000_u64.saturating_sub(floor_ppm);
    over_ppm * over_ppm * count > 9 * variance_ppm2
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
