//! Time as the caller tells it.

use core::time::Duration;

/// A point in time in microseconds since an origin the caller chooses (boot, program start).
///
/// The core never reads a clock: every verb takes the time as an argument. All arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than every other instant: "never".
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The low 32 bits of the microseconds: the timestamp a data header carries. Wraps every 71 minutes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the wire carries the low 32 bits")]
    pub const fn wire_us(self) -> u32 {
        self.0 as u32
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Microseconds passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved `micros` microseconds later.
    #[must_use]
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn plus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This instant moved `micros` microseconds earlier.
    #[must_use]
    pub const fn minus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_sub(micros))
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.plus_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }
}

impl core::ops::Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.minus_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_move_an_instant_both_ways_and_stop_at_the_ends() {
        let (at, span) = (Instant::from_millis(5), Duration::from_millis(2));
        assert_eq!((at + span, at - span), (Instant::from_millis(7), Instant::from_millis(3)));
        assert_eq!(at - Duration::MAX, Instant::ZERO);
        assert_eq!((at + span).since(at), span);
        assert_eq!(at.since(at + span), Duration::ZERO);
    }
}
