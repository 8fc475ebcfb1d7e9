//! How fast a home's uplink may be used so that others in the home do not notice: delay-based, after LEDBAT++.
//!
//! RFC 6817 (LEDBAT) and draft-irtf-iccrg-ledbat-plus-plus steer a window; feeds are eight packets a second and know no window,
//! so the same law steers the rate of the one bucket all children share. Their target of 60 ms, their way down that is steeper
//! than their way up, and their slow-down after which the base delay shows again are kept.

use core::time::Duration;

use super::Acked;
use crate::time::Instant;

/// Queueing delay aimed at (LEDBAT++, clause 4.1: 60 ms).
const TARGET_US: u32 = 60_000;
/// The rate is steered this often.
const INTERVAL: Duration = Duration::from_millis(500);
/// What gets through is counted over this: several acknowledgements of every child, so that their rhythm does not show.
const WINDOW: Duration = Duration::from_secs(1);
/// In an overload the rate falls to this share of what got through, in percent, until the queue is gone.
const DRAIN_PERCENT: u64 = 80;
/// Loss that the part of an uplink which is not promised covers ([`crate::scaling::slots`]).
const LOSS_PERMILLE_COVERED: u16 = 80;
/// More than this is an outage, or a queue that overflows.
const LOSS_PERMILLE_MAX: u16 = 500;
/// So often in a row the estimate falls to what got through.
const WHOLE_STEPS: u8 = 2;
/// What an uplink gives is believed to grow by this much a second, in permille, while it is not overloaded.
const GROWTH_PERMILLE: u64 = 5;
/// No estimate goes below this: one feed of a 400 kbit/s channel, or nothing would ever be measured again.
const RATE_BPS_MIN: u64 = 50_000;
/// Fewer fragments than this in a window say nothing about what an uplink gives.
const FRAGMENTS_MIN: u32 = 8;

/// What was counted in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    sent: u32,
    sent_bytes: u32,
    acked: u32,
    /// The least queueing delay told by any child.
    queue_us: Option<u32>,
}

impl Interval {
    const NONE: Self = Self { sent: 0, sent_bytes: 0, acked: 0, queue_us: None };
}

/// The estimate of what an uplink gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledbat {
    /// What the owner allows.
    cap_bps: u64,
    /// What the uplink was last seen to give, grown since; at most the cap.
    gives_bps: u64,
    /// Intervals in a row with a queue, or in which it was not gone yet.
    overloads: u8,
    /// Fragments sent and acknowledged of late: sixteen times the means of an interval, slowly followed.
    sent_of_late: u32,
    acked_of_late: u32,
    /// The interval that runs, and the one before; `None`: it measured nothing.
    current: Interval,
    before: Option<Interval>,
    ends_at: Instant,
}

impl Ledbat {
    /// Nothing may be sent.
    pub const EMPTY: Self = Self {
        cap_bps: 0,
        gives_bps: 0,
        overloads: 0,
        sent_of_late: 0,
        acked_of_late: 0,
        current: Interval::NONE,
        before: None,
        ends_at: Instant::ZERO,
    };

    /// Sets what the owner allows; an estimate below it stays.
    pub fn set_cap(&mut self, cap_bps: u64) {
        if self.cap_bps != cap_bps {
            let is_held_down = self.gives_bps < self.cap_bps;
            self.gives_bps = if is_held_down { self.gives_bps.min(cap_bps) } else { cap_bps };
            self.cap_bps = cap_bps;
        }
    }

    /// Notes a fragment sent.
    pub const fn on_sent(&mut self, bytes: u32) {
        self.current.sent = self.current.sent.saturating_add(1);
        self.current.sent_bytes = self.current.sent_bytes.saturating_add(bytes);
    }

    /// Notes what a child acknowledged, and the queueing delay it saw. A queue in the uplink shows at every child; the least
    /// of them leaves out the queues on their own side.
    pub fn on_ack(&mut self, acked: &Acked) {
        self.current.acked = self.current.acked.saturating_add(acked.newly);
        if let Some(queue_us) = acked.queue_us {
            self.current.queue_us = Some(self.current.queue_us.map_or(queue_us, |least| least.min(queue_us)));
        }
    }

    /// Steers, when the interval is over. Says whether the rate changed.
    pub fn on_time(&mut self, now: Instant) -> bool {
        if now < self.ends_at {
            return false;
        }
        let was_bps = self.rate_bps();
        let told = core::mem::replace(&mut self.current, Interval::NONE);
        let late = now.since(self.ends_at);
        // An interval begun long ago measured nothing.
        let is_measured = self.ends_at > Instant::ZERO && late < INTERVAL;
        let before = core::mem::replace(&mut self.before, is_measured.then_some(told));
        if let Some(before) = before.filter(|_| is_measured) {
            self.follow_loss(&told, &before);
        }
        let before = before.filter(|before| before.acked.saturating_add(told.acked) >= FRAGMENTS_MIN);
        match (before, told.queue_us) {
            (Some(before), Some(queue_us)) if is_measured => self.steer(queue_us, &told, &before, late),
            _ => self.overloads = 0,
        }
        self.ends_at = now + INTERVAL;
        was_bps != self.rate_bps()
    }

    /// What was acknowledged in an interval was sent in half of it and half of the one before.
    fn follow_loss(&mut self, told: &Interval, before: &Interval) {
        let follow = |of_late: u32, count: u32| (of_late - of_late / 16).saturating_add(count);
        self.sent_of_late = follow(self.sent_of_late, u32::midpoint(before.sent, told.sent));
        self.acked_of_late = follow(self.acked_of_late, told.acked);
    }

    /// Share of what is sent that is lost on the way.
    fn loss_permille(&self) -> u16 {
        if self.sent_of_late < 16 * FRAGMENTS_MIN {
            return 0;
        }
        let lost = u64::from(self.sent_of_late.saturating_sub(self.acked_of_late));
        let permille = (lost * 1_000).checked_div(u64::from(self.sent_of_late)).unwrap_or(0);
        u16::try_from(permille).unwrap_or(LOSS_PERMILLE_MAX).min(LOSS_PERMILLE_MAX)
    }

    fn steer(&mut self, queue_us: u32, told: &Interval, before: &Interval, late: Duration) {
        if queue_us > TARGET_US {
            // While there is a queue the uplink is busy: what gets through is what it gives. Half of the first window may lie before
            // the queue, the second does not; then in smaller steps, for the queue may be another's.
            let below_bps =
                self.gives_bps.saturating_sub(through_bps(told, before, self.loss_permille(), late));
            let step_bps = if self.overloads < WHOLE_STEPS { below_bps } else { below_bps / 4 };
            self.gives_bps = (self.gives_bps - step_bps).max(RATE_BPS_MIN.min(self.cap_bps));
            self.overloads = self.overloads.saturating_add(1);
        } else if queue_us < TARGET_US / 2 {
            self.overloads = 0;
            let growth = self.gives_bps.saturating_mul(GROWTH_PERMILLE) / 1_000;
            let growth = growth.saturating_mul(millis(INTERVAL.saturating_add(late))) / 1_000;
            self.gives_bps = self.gives_bps.saturating_add(growth.max(1)).min(self.cap_bps);
        }
    }

    /// What the uplink is believed to give, in bit/s.
    #[must_use]
    pub const fn gives_bps(&self) -> u64 {
        self.gives_bps
    }

    /// What feeds may be promised from, in bit/s: what arrives of that at the first time, beyond the loss that the reserve covers.
    #[must_use]
    pub fn arriving_bps(&self) -> u64 {
        let kept_permille =
            1_000_u16.saturating_sub(self.loss_permille().saturating_sub(LOSS_PERMILLE_COVERED));
        self.gives_bps.saturating_mul(u64::from(kept_permille)) / 1_000
    }

    /// How fast to send now, in bit/s: less than that while a queue is to go.
    #[must_use]
    pub const fn rate_bps(&self) -> u64 {
        if self.overloads > 0 { self.gives_bps / 100 * DRAIN_PERCENT } else { self.gives_bps }
    }
}

/// What the uplink carried in a window: what arrived, and what was lost behind it. Fragments are nearly equal in size.
fn through_bps(told: &Interval, before: &Interval, loss_permille: u16, late: Duration) -> u64 {
    let sent = u64::from(told.sent) + u64::from(before.sent);
    let sent_bytes = u64::from(told.sent_bytes) + u64::from(before.sent_bytes);
    let acked = u64::from(told.acked) + u64::from(before.acked);
    let arrived_bits = acked * sent_bytes.checked_div(sent).unwrap_or(0) * 8;
    let kept_permille = 1_000 - u64::from(loss_permille);
    let carried_bits = (arrived_bits * 1_000).checked_div(kept_permille).unwrap_or(arrived_bits);
    carried_bits.saturating_mul(1_000) / millis(WINDOW.saturating_add(late)).max(1)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "ledbat_tests.rs"]
mod tests;
