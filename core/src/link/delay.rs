//! Queueing delay of a path, from one-way delays whose clocks are not synchronised (RFC 6817 clause 3.4).

use core::time::Duration;

use crate::time::Instant;

/// The least one-way delay is forgotten after two of these: clocks drift 100 us a second at worst, routes change.
/// (RFC 6817's BASE_HISTORY is 10 minutes of minima, one a minute; two of them are enough where the drift is what matters.)
const EPOCH: Duration = Duration::from_secs(60);

/// Finds the queueing delay of a path: how far a one-way delay lies above the least of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDelay {
    /// The least of the epoch before, and of the one that runs, modulo 2^32.
    base_us: [u32; 2],
    /// When the epoch that runs ends; `ZERO` before the first sample.
    ends_at: Instant,
}

impl QueueDelay {
    /// No sample yet; all zero bits.
    pub const EMPTY: Self = Self { base_us: [0; 2], ends_at: Instant::ZERO };

    /// Takes in a one-way delay, clocks unsynchronised and modulo 2^32; gives the queueing delay in microseconds.
    pub fn on_sample(&mut self, now: Instant, one_way_us: u32) -> u32 {
        if self.ends_at == Instant::ZERO {
            *self = Self { base_us: [one_way_us; 2], ends_at: now + EPOCH };
        } else if now >= self.ends_at {
            let [_, last] = self.base_us;
            *self = Self { base_us: [last, one_way_us], ends_at: now + EPOCH };
        }
        let [before, running] = &mut self.base_us;
        if above(one_way_us, *running).is_none() {
            *running = one_way_us;
        }
        let over_before = above(one_way_us, *before).unwrap_or(0);
        let over_running = above(one_way_us, *running).unwrap_or(0);
        over_before.max(over_running)
    }
}

/// How far `sample` lies above `base` on the circle of 2^32; `None` when below.
fn above(sample: u32, base: u32) -> Option<u32> {
    let distance = sample.wrapping_sub(base);
    (distance <= u32::MAX / 2).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Instant = |seconds| Instant::from_millis(seconds * 1_000);

    #[test]
    fn what_lies_above_the_least_of_late_is_queueing() {
        for offset in [0, 4_000_000_000_u32, u32::MAX - 10_000] {
            let mut delay = QueueDelay::EMPTY;
            let mut sample = |second, us| delay.on_sample(AT(second), offset.wrapping_add(us));
            assert_eq!(sample(1, 30_000), 0);
            assert_eq!(sample(2, 25_000), 0);
            assert_eq!(sample(3, 95_000), 70_000);
            assert_eq!(sample(62, 95_000), 70_000, "the last epoch counts");
            assert_eq!(sample(63, 90_000), 65_000);
            assert_eq!(sample(123, 95_000), 5_000, "and then no more");
        }
    }

    #[test]
    fn a_clock_that_drifts_shows_little_delay() {
        let mut delay = QueueDelay::EMPTY;
        let most = (1..3_600)
            .map(|second| delay.on_sample(AT(second), 20_000 + u32::try_from(second).unwrap() * 100))
            .max();
        assert!(most.is_some_and(|us| us <= 12_000), "{most:?}");
    }
}
