//! A line of some rate with a queue before it that drops what does not fit.

use livesky_core::Instant;

/// Nanoseconds that one byte takes at 1 bit/s.
const NANOS: u128 = 8_000_000_000;

/// A line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    rate_bps: u64,
    queue_bytes_max: u64,
    /// When all that was taken in has left. In nanoseconds: a datagram takes 48 us at 200 Mbit/s, and rounding would show.
    free_at_ns: u64,
}

impl Line {
    /// An idle line.
    pub(crate) const fn new(rate_bps: u64, queue_bytes_max: u64) -> Self {
        Self { rate_bps, queue_bytes_max, free_at_ns: 0 }
    }

    /// A line whose queue holds `queue_ms` of its rate, but at least 32 KiB.
    pub(crate) fn with_queue_ms(rate_bps: u64, queue_ms: u32) -> Self {
        Self::new(rate_bps, (rate_bps * u64::from(queue_ms) / 8_000).max(32_768))
    }

    /// Takes a datagram in: when its last bit has left; `None` when the queue is full.
    pub(crate) fn pass(&mut self, now: Instant, bytes: u64) -> Option<Instant> {
        if self.rate_bps == 0 || self.backlog_bytes(now) + bytes > self.queue_bytes_max.max(bytes) {
            return None;
        }
        let start_ns = self.free_at_ns.max(now.as_micros() * 1_000);
        self.free_at_ns = start_ns + span_ns(bytes, self.rate_bps);
        Some(Instant::from_micros(self.free_at_ns.div_ceil(1_000)))
    }

    /// Bytes that wait or are being sent.
    pub(crate) fn backlog_bytes(&self, now: Instant) -> u64 {
        let backlog_ns = self.free_at_ns.saturating_sub(now.as_micros() * 1_000);
        u64::try_from(u128::from(backlog_ns) * u128::from(self.rate_bps) / NANOS).unwrap_or(u64::MAX)
    }

    /// Changes the rate; what waits is sent at the rate from now on. At 0 everything is lost.
    pub(crate) fn set_rate(&mut self, now: Instant, rate_bps: u64) {
        let backlog = self.backlog_bytes(now);
        self.rate_bps = rate_bps;
        let span_ns = if rate_bps == 0 { 0 } else { span_ns(backlog, rate_bps) };
        self.free_at_ns = now.as_micros() * 1_000 + span_ns;
    }
}

fn span_ns(bytes: u64, rate_bps: u64) -> u64 {
    u64::try_from(u128::from(bytes) * NANOS / u128::from(rate_bps)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(10);

    #[test]
    fn datagrams_leave_one_after_another() {
        let mut line = Line::new(8_000_000, 10_000);
        assert_eq!(line.pass(START, 1_000), Some(START.plus_micros(1_000)));
        assert_eq!(line.pass(START, 500), Some(START.plus_micros(1_500)));
        let later = START.plus_micros(9_000);
        assert_eq!(line.pass(later, 1_000), Some(later.plus_micros(1_000)));
    }

    #[test]
    fn the_queue_drops_what_does_not_fit() {
        let mut line = Line::new(8_000, 2_500);
        assert!(line.pass(START, 1_000).is_some());
        assert!(line.pass(START, 1_000).is_some());
        assert_eq!(line.pass(START, 1_000), None);
        assert!(line.pass(START.plus_micros(600_000), 1_000).is_some());
    }

    #[test]
    fn a_large_datagram_passes_a_small_queue_when_it_is_empty() {
        assert!(Line::new(8_000, 100).pass(START, 1_200).is_some());
    }

    #[test]
    fn what_waits_is_sent_at_the_changed_rate() {
        let mut line = Line::new(8_000_000, 10_000);
        assert!(line.pass(START, 4_000).is_some());
        line.set_rate(START, 4_000_000);
        assert_eq!(line.backlog_bytes(START), 4_000);
        assert_eq!(line.pass(START, 1_000), Some(START.plus_micros(10_000)));
        line.set_rate(START, 0);
        assert_eq!(line.pass(START, 1), None);
    }
}
