//! Round trip time of a link (RFC 9002 clause 5).

use core::time::Duration;

/// Assumed before the first sample. RFC 9002 clause 6.2.2 says 333 ms, for a handshake; links here have just met.
const INITIAL_US: u32 = 200_000;
/// RFC 9002 clause 6.1.2, kGranularity.
const GRANULARITY_US: u32 = 1_000;
/// A sample above this is a clock jump or a lie.
const SAMPLE_US_MAX: u32 = 10_000_000;

/// Smoothed round trip time and its variation, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rtt {
    smoothed_us: u32,
    var_us: u32,
    latest_us: u32,
    min_us: u32,
    /// How much later than the round trip says packets were seen to come.
    reorder_us: u32,
}

impl Rtt {
    /// No sample yet.
    pub const EMPTY: Self = Self { smoothed_us: 0, var_us: 0, latest_us: 0, min_us: 0, reorder_us: 0 };

    /// Takes in a sample, less the delay the other side says it added (RFC 9002 clause 5.3).
    pub fn on_sample(&mut self, sample_us: u32, delay_us: u32) {
        let sample_us = sample_us.clamp(1, SAMPLE_US_MAX);
        if !self.is_known() {
            *self = Self {
                smoothed_us: sample_us,
                var_us: sample_us / 2,
                latest_us: sample_us,
                min_us: sample_us,
                ..*self
            };
            return;
        }
        self.min_us = self.min_us.min(sample_us);
        let less_delay_us = sample_us.saturating_sub(delay_us);
        let adjusted_us = if less_delay_us >= self.min_us { less_delay_us } else { sample_us };
        self.latest_us = adjusted_us;
        self.var_us = self.var_us - self.var_us / 4 + self.smoothed_us.abs_diff(adjusted_us) / 4;
        self.smoothed_us = self.smoothed_us - self.smoothed_us / 8 + adjusted_us / 8;
    }

    /// Whether there was a sample.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.smoothed_us > 0
    }

    /// The smoothed round trip; 200 ms before the first sample.
    #[must_use]
    pub const fn smoothed_us(&self) -> u32 {
        if self.is_known() { self.smoothed_us } else { INITIAL_US }
    }

    /// Its variation; half of the initial round trip before the first sample.
    #[must_use]
    pub const fn var_us(&self) -> u32 {
        if self.is_known() { self.var_us } else { INITIAL_US / 2 }
    }

    /// Round trip plus four variations: by then an answer is late.
    #[must_use]
    pub fn answer_us(&self) -> u32 {
        self.smoothed_us().saturating_add((4 * self.var_us().min(SAMPLE_US_MAX)).max(GRANULARITY_US))
    }

    /// Time after which an unacknowledged packet before an acknowledged one is lost: 9/8 of the round trip (clause 6.1.2), or
    /// four variations above it where jitter is larger than that.
    #[must_use]
    pub fn loss_us(&self) -> u32 {
        let longest_us = self.smoothed_us().max(self.latest_us);
        (longest_us + longest_us / 8).max(self.answer_us()).saturating_add(self.reorder_us)
    }

    /// A packet given up as lost had only been late: wait a quarter of the round trip longer, at most a whole one (RFC 8985
    /// clause 6.2, the reordering window).
    pub fn on_spurious_loss(&mut self) {
        let step_us = self.smoothed_us() / 4;
        self.reorder_us = self.reorder_us.saturating_add(step_us).min(self.smoothed_us());
    }

    /// Probe timeout without backoff (clause 6.2.1), `ack_delay` being the other side's longest.
    #[must_use]
    pub fn probe_us(&self, ack_delay: Duration) -> u32 {
        self.answer_us().saturating_add(u32::try_from(ack_delay.as_micros()).unwrap_or(u32::MAX))
    }
}
