//! How fast a home's uplink may be used so that others in the home do not notice: delay-based, after LEDBAT++.
//!
//! RFC 6817 (LEDBAT) and draft-irtf-iccrg-ledbat-plus-plus steer a window; feeds are eight packets a second and know no window,
//! so the same law steers the rate of the one bucket all children share. Their target of 60 ms, their way down that is steeper
//! than their way up, and their slow-down after which the base delay shows again are kept.

use core::time::Duration;

use crate::time::Instant;

/// Queueing delay aimed at (LEDBAT++, clause 4.1: 60 ms).
const TARGET_US: u32 = 60_000;
/// The rate is steered this often: several acknowledgements of every child, so that their rhythm does not show.
const INTERVAL: Duration = Duration::from_secs(1);
/// In an overload the rate falls to this share of what got through, in percent, until the queue is gone.
const DRAIN_PERCENT: u64 = 80;
/// What an uplink gives is believed to grow by this much a second, in permille, while it is not overloaded.
const GROWTH_PERMILLE: u64 = 5;
/// No estimate goes below this: one feed of a 400 kbit/s channel, or nothing would ever be measured again.
const RATE_BPS_MIN: u64 = 50_000;
/// Fewer fragments than this in an interval say nothing about what an uplink gives.
const FRAGMENTS_MIN: u32 = 8;

/// The estimate of what an uplink gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledbat {
    /// What the owner allows.
    cap_bps: u64,
    /// What the uplink was last seen to give, grown since; at most the cap.
    gives_bps: u64,
    is_draining: bool,
    /// Of the interval that runs: fragments and bytes sent, fragments acknowledged, the least queueing delay told by any child.
    sent: u32,
    sent_bytes: u32,
    acked: u32,
    queue_us: Option<u32>,
    ends_at: Instant,
}

impl Ledbat {
    /// Nothing may be sent.
    pub const EMPTY: Self = Self {
        cap_bps: 0,
        gives_bps: 0,
        is_draining: false,
        sent: 0,
        sent_bytes: 0,
        acked: 0,
        queue_us: None,
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
        self.sent = self.sent.saturating_add(1);
        self.sent_bytes = self.sent_bytes.saturating_add(bytes);
    }

    /// Notes what a child acknowledged, and the queueing delay it saw. A queue in the uplink shows at every child; the least
    /// of them leaves out the queues on their own side.
    pub fn on_ack(&mut self, acked: u32, queue_us: Option<u32>) {
        self.acked = self.acked.saturating_add(acked);
        if let Some(queue_us) = queue_us {
            self.queue_us = Some(self.queue_us.map_or(queue_us, |least| least.min(queue_us)));
        }
    }

    /// Steers, when the interval is over. Says whether the rate changed.
    pub fn on_time(&mut self, now: Instant) -> bool {
        if now < self.ends_at {
            return false;
        }
        let before = self.rate_bps();
        // An interval begun long ago measured nothing.
        let is_measured = self.ends_at > Instant::ZERO && now.since(self.ends_at) < INTERVAL;
        if let Some(queue_us) = self.queue_us.filter(|_| is_measured && self.acked >= FRAGMENTS_MIN) {
            self.steer(queue_us, INTERVAL.saturating_add(now.since(self.ends_at)));
        } else {
            self.is_draining = false;
        }
        (self.sent, self.sent_bytes, self.acked, self.queue_us) = (0, 0, 0, None);
        self.ends_at = now + INTERVAL;
        before != self.rate_bps()
    }

    fn steer(&mut self, queue_us: u32, span: Duration) {
        let mean_bytes = u64::from(self.sent_bytes).checked_div(u64::from(self.sent)).unwrap_or(0);
        let got_through_bits = u64::from(self.acked) * mean_bytes * 8;
        let through_bps =
            got_through_bits.saturating_mul(1_000) / u64::try_from(span.as_millis()).unwrap_or(1).max(1);
        if queue_us > TARGET_US {
            // While there is a queue the uplink is busy: what gets through is what it gives. Once seen, in smaller steps.
            let below_bps = self.gives_bps.saturating_sub(through_bps);
            let step_bps = if self.is_draining { below_bps / 2 } else { below_bps };
            self.gives_bps = (self.gives_bps - step_bps).max(RATE_BPS_MIN.min(self.cap_bps));
            self.is_draining = true;
        } else if queue_us < TARGET_US / 2 {
            self.is_draining = false;
            let growth = self.gives_bps.saturating_mul(GROWTH_PERMILLE) / 1_000;
            let growth = growth.saturating_mul(u64::try_from(span.as_millis()).unwrap_or(0)) / 1_000;
            self.gives_bps = self.gives_bps.saturating_add(growth.max(1)).min(self.cap_bps);
        }
    }

    /// What the uplink is believed to give, in bit/s: what feeds may be promised from.
    #[must_use]
    pub const fn gives_bps(&self) -> u64 {
        self.gives_bps
    }

    /// How fast to send now, in bit/s: less than that while a queue is to go.
    #[must_use]
    pub const fn rate_bps(&self) -> u64 {
        if self.is_draining { self.gives_bps / 100 * DRAIN_PERCENT } else { self.gives_bps }
    }
}

#[cfg(test)]
#[path = "ledbat_tests.rs"]
mod tests;
