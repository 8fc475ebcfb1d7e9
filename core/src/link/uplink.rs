//! What may leave an endpoint: a token bucket.

use crate::time::Instant;

/// Bits x microseconds in a byte: the bucket counts in units in which a rate in bit/s times a span in us is whole.
const UNITS_PER_BYTE: i64 = 8_000_000;

/// A token bucket: `rate_bps` on average, `depth_bytes` at once. It may go into debt by one datagram, so that a datagram
/// larger than the depth still leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    rate_bps: u64,
    depth: i64,
    level: i64,
    updated: Instant,
}

impl TokenBucket {
    /// Lets nothing pass.
    pub const EMPTY: Self = Self { rate_bps: 0, depth: 0, level: 0, updated: Instant::ZERO };

    /// A full bucket.
    #[must_use]
    pub fn new(now: Instant, rate_bps: u64, depth_bytes: u32) -> Self {
        let depth = i64::from(depth_bytes) * UNITS_PER_BYTE;
        Self { rate_bps, depth, level: depth, updated: now }
    }

    /// Changes the rate from now on.
    pub fn set_rate(&mut self, now: Instant, rate_bps: u64) {
        self.refill(now);
        self.rate_bps = rate_bps;
    }

    /// Changes rate and depth from now on; what was spent stays spent.
    pub fn resize(&mut self, now: Instant, rate_bps: u64, depth_bytes: u32) {
        self.set_rate(now, rate_bps);
        self.depth = i64::from(depth_bytes) * UNITS_PER_BYTE;
        self.level = self.level.min(self.depth);
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn level_at(&self, now: Instant) -> i64 {
        let gained = now.micros_since(self.updated).saturating_mul(self.rate_bps);
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        self.level.saturating_add(gained).min(self.depth)
    }

    fn refill(&mut self, now: Instant) {
        self.level = self.level_at(now);
        self.updated = self.updated.max(now);
    }

    /// Whether a datagram may leave.
    #[must_use]
    pub fn is_ready(&self, now: Instant) -> bool {
        self.rate_bps > 0 && self.level_at(now) >= 0
    }

    /// When the next datagram may leave; `FAR_FUTURE` at rate 0.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        let debt = u64::try_from(self.level_at(now).saturating_neg()).unwrap_or(0);
        if self.rate_bps == 0 {
            return Instant::FAR_FUTURE;
        }
        now.plus_micros(debt.div_ceil(self.rate_bps))
    }

    /// Pays for a datagram.
    pub fn take(&mut self, now: Instant, bytes: usize) {
        self.refill(now);
        let cost = i64::try_from(bytes).unwrap_or(i64::MAX).saturating_mul(UNITS_PER_BYTE);
        self.level = self.level.saturating_sub(cost).max(i64::MIN / 2);
    }
}
