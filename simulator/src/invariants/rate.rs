//! Nobody sends more than it may.

use livesky_core::Instant;

/// Bits times microseconds in a byte: bytes are counted in units in which a rate in bit/s times a span in us is whole.
const UNITS_PER_BYTE: u64 = 8_000_000;

/// A leaky bucket beside the sender's own: what was sent may run ahead of the rate by `depth_bytes` at any time, so over any
/// span it is at most the rate times the span, and that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateBound {
    rate_bps: u64,
    depth: u64,
    level: u64,
    at: Instant,
}

impl RateBound {
    pub(crate) const fn new(rate_bps: u64, depth_bytes: u64) -> Self {
        Self { rate_bps, depth: depth_bytes * UNITS_PER_BYTE, level: 0, at: Instant::ZERO }
    }

    /// Something was sent; gives by how many bytes the bound is passed, when it is.
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: u64) -> Option<u64> {
        self.level = self.level.saturating_sub(now.micros_since(self.at).saturating_mul(self.rate_bps));
        self.at = now;
        self.level += bytes * UNITS_PER_BYTE;
        let over = self.level.saturating_sub(self.depth);
        (over > 0).then(|| over.div_ceil(UNITS_PER_BYTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_rate_and_depth() {
        let at = Instant::from_millis;
        let mut bound = RateBound::new(8_000, 1_500);
        assert_eq!(bound.on_sent(at(0), 1_500), None);
        assert_eq!(bound.on_sent(at(1_000), 1_000), None);
        assert_eq!(bound.on_sent(at(1_000), 10), Some(10));
        assert_eq!(bound.on_sent(at(9_000), 1_500), None);
        assert_eq!(RateBound::new(0, 0).on_sent(at(9_000), 1), Some(1));
    }
}
