//! When a frame is due: its decode time on the sender's clock.

use core::time::Duration;

use livesky_core::Instant;
use livesky_core::media::Dts;

/// A jump of decode time beyond this is a new time line, not a pause (as in playout).
const JUMP: Duration = Duration::from_secs(10);
/// Who is later than this does not catch up: that would be a burst nobody asked for.
const LATE: Duration = Duration::from_secs(1);

/// Who sets the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Our clock: the input is a recording.
    Recorded,
    /// The input: a pipe may bring a recording faster than it plays, or a live stream by a clock a little faster than ours.
    /// Frames go out up to 200 ppm faster than decode time: twice what clocks of cameras and computers are off.
    Piped,
    /// The input alone: what comes is due.
    Live,
}

impl Pace {
    /// Microseconds of our clock that go by in `media_us` of decode time.
    const fn stretch(self, media_us: u64) -> u64 {
        match self {
            Self::Recorded => media_us,
            Self::Piped => media_us - media_us / 5_000,
            Self::Live => 0,
        }
    }
}

/// Paces the frames of one input.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    pace: Pace,
    anchor: Option<(Instant, Dts)>,
    last: Dts,
}

impl Pacer {
    /// A pacer whose first frame is due at once.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace, anchor: None, last: Dts::from_ticks(0) }
    }

    /// When the next frame, decoded at `dts`, is due; `now` at the earliest.
    pub fn due(&mut self, now: Instant, dts: Dts) -> Instant {
        let step_us = dts.micros_since(self.last);
        self.last = dts;
        let jump_us = i64::try_from(JUMP.as_micros()).unwrap_or(i64::MAX);
        let anchor = self.anchor.filter(|_| (0..=jump_us).contains(&step_us));
        let (at, from) = *self.anchor.insert(anchor.unwrap_or((now, dts)));
        let media_us = u64::try_from(dts.micros_since(from)).unwrap_or(0);
        let due = at.plus_micros(self.pace.stretch(media_us));
        // The anchor moves along each hour, long before decode time wraps.
        if media_us > 3_600_000_000 || now.since(due) > LATE {
            self.anchor =
                Some((due.max(now.minus_micros(u64::try_from(LATE.as_micros()).unwrap_or(0))), dts));
        }
        due.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Due times in milliseconds of frames that are ready at `(now_ms, dts_ms)`.
    fn due_ms(pace: Pace, frames: &[(u64, u64)]) -> Vec<u64> {
        let mut pacer = Pacer::new(pace);
        let due = frames.iter().map(|&(now_ms, dts_ms)| {
            pacer.due(Instant::from_millis(now_ms), Dts::from_ticks(dts_ms * 90)).as_micros() / 1_000
        });
        due.collect()
    }

    #[test]
    fn a_recording_keeps_its_own_time() {
        assert_eq!(due_ms(Pace::Recorded, &[(100, 5_000), (100, 5_040), (150, 5_080)]), [100, 140, 180]);
    }

    #[test]
    fn a_new_time_line_begins_at_once() {
        assert_eq!(
            due_ms(Pace::Recorded, &[(0, 50_000), (0, 50_040), (40, 1_000), (40, 1_040)]),
            [0, 40, 40, 80]
        );
        assert_eq!(due_ms(Pace::Recorded, &[(0, 0), (0, 40), (40, 60_000), (40, 60_040)]), [0, 40, 40, 80]);
    }

    #[test]
    fn decode_time_wraps_without_a_seam() {
        let wrap_ms = Dts::WRAP_TICKS / 90;
        let mut pacer = Pacer::new(Pace::Recorded);
        assert_eq!(pacer.due(Instant::ZERO, Dts::from_ticks(wrap_ms * 90 - 1_800)), Instant::ZERO);
        let due = pacer.due(Instant::ZERO, Dts::from_ticks(1_800 + wrap_ms * 90));
        assert_eq!(due.as_micros() / 1_000, 40);
    }

    #[test]
    fn who_is_late_catches_up_by_a_second_at_most() {
        let due = due_ms(Pace::Recorded, &[(0, 0), (5_000, 40), (5_000, 80), (5_000, 1_040), (5_000, 1_080)]);
        assert_eq!(due, [0, 5_000, 5_000, 5_000, 5_040]);
    }

    #[test]
    fn a_pipe_may_be_a_little_faster_and_live_input_is_never_held() {
        assert_eq!(due_ms(Pace::Piped, &[(0, 0), (0, 5_000)]), [0, 4_999]);
        assert_eq!(due_ms(Pace::Live, &[(0, 0), (3, 5_000)]), [0, 3]);
    }
}
