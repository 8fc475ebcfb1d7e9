//! What happens to a frame on its way between a box and the switch: a decision per frame, from a seed and its number.

use core::num::NonZeroU64;
use core::time::Duration;

/// A way through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Sent by the box.
    FromBox,
    /// Received by the box.
    ToBox,
}

/// What one direction of a port does to its frames. Probabilities run from 0 to 1.
///
/// Which frames are hit is decided by the switch's seed, the port, the direction and the frame's number there, and by
/// nothing else: the same frames in the same order meet the same fate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// Every frame arrives at least this much later.
    pub delay: Duration,
    /// And up to this much more, evenly distributed. Frames keep their order.
    pub jitter: Duration,
    /// Probability that a frame vanishes.
    pub loss: f64,
    /// Probability that a frame arrives twice.
    pub duplicate: f64,
    /// Probability that a frame is held back, so that others overtake it.
    pub reorder: f64,
    /// How long a frame is held back.
    pub reorder_hold: Duration,
    /// Bits of Ethernet frames a second, without preamble and gap; `None`: as fast as it goes.
    pub rate_bps: Option<NonZeroU64>,
    /// Bytes that wait for their turn at `rate_bps`; what does not fit is dropped.
    pub queue_bytes_max: u64,
}

impl Impairment {
    /// A line without any fault.
    pub const CLEAR: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_hold: Duration::from_millis(5),
        rate_bps: None,
        queue_bytes_max: 64 * 1024,
    };
}

impl Default for Impairment {
    fn default() -> Self {
        Self::CLEAR
    }
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// By `Impairment::loss`.
    Lost,
    /// No room before the line, or none in the delay queue.
    QueueFull,
    /// It arrives at `due`.
    Passed { due: Duration, is_twice: bool, is_held_back: bool },
}

/// One direction of one port. Times are those since the switch started.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) settings: Impairment,
    seed: u64,
    /// Frames offered so far: the number of the next one.
    offered: u64,
    /// Frames between here and the other end.
    queued: usize,
    /// When the line has sent what was offered.
    free_at: Duration,
    last_due: Duration,
}

impl Lane {
    /// Frames that may be on their way: 100 ms of 400 Mbit/s. 6 MiB at the most.
    pub(crate) const QUEUED_MAX: usize = 4_096;

    pub(crate) fn new(seed: u64, settings: Impairment) -> Self {
        Self { settings, seed, offered: 0, queued: 0, free_at: Duration::ZERO, last_due: Duration::ZERO }
    }

    pub(crate) fn handle_frame(&mut self, now: Duration, len: usize) -> Fate {
        let number = self.offered;
        self.offered += 1;
        let Impairment { delay, jitter, loss, duplicate, reorder, reorder_hold, .. } = self.settings;
        if self.draw(number, Draw::Loss) < loss {
            return Fate::Lost;
        }
        let is_twice = self.draw(number, Draw::Duplicate) < duplicate;
        if self.queued + usize::from(is_twice) >= Self::QUEUED_MAX {
            return Fate::QueueFull;
        }
        let Some(sent) = self.send(now, len) else { return Fate::QueueFull };
        let mut due = sent + delay + jitter.mul_f64(self.draw(number, Draw::Jitter));
        due = due.max(self.last_due);
        let is_held_back = self.draw(number, Draw::Reorder) < reorder;
        if is_held_back {
            due += reorder_hold;
        } else {
            self.last_due = due;
        }
        self.queued += 1 + usize::from(is_twice);
        Fate::Passed { due, is_twice, is_held_back }
    }

    /// One frame (or copy) of those passed came to its end.
    pub(crate) fn on_arrived(&mut self) {
        self.queued = self.queued.saturating_sub(1);
    }

    /// When the line has sent `len` bytes more; `None` when they find no room in the queue before it.
    fn send(&mut self, now: Duration, len: usize) -> Option<Duration> {
        let Some(rate_bps) = self.settings.rate_bps.map(NonZeroU64::get) else {
            self.free_at = now;
            return Some(now);
        };
        let start = self.free_at.max(now);
        let waiting_bits = (start - now).as_nanos() * u128::from(rate_bps) / 1_000_000_000;
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        if waiting_bits / 8 + u128::from(len) > u128::from(self.settings.queue_bytes_max) {
            return None;
        }
        self.free_at = start + Duration::from_nanos(len.saturating_mul(8_000_000_000) / rate_bps);
        Some(self.free_at)
    }

    /// A number in 0..1 that depends on the frame's number and the question only: one question more or less shifts no
    /// other answer, as it would with a generator that is drawn from in turn.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn draw(&self, number: u64, question: Draw) -> f64 {
        let bits = mix(self.seed ^ mix(number.wrapping_mul(4).wrapping_add(question as u64)));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[derive(Clone, Copy)]
enum Draw {
    Loss,
    Duplicate,
    Jitter,
    Reorder,
}

/// SplitMix64 (Steele, Lea and Flood 2014): one step and its finalizer.
pub(crate) fn mix(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
#[path = "impair_tests.rs"]
mod tests;
