//! How one viewer watches: time played, time stalled, frames.

use livesky_core::Instant;

/// What a viewer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Watching {
    /// Waits for the first picture.
    #[default]
    Waiting,
    /// Plays.
    Playing,
    /// Has nothing to play.
    Stalled,
}

/// Time and frames since they were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) played_us: u64,
    pub(crate) stalled_us: u64,
    pub(crate) has_stalled: bool,
    pub(crate) frames_played: u64,
    pub(crate) frames_skipped: u64,
    pub(crate) stalls: u64,
}

/// The account of one viewer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    state: Watching,
    /// Up to when time is accounted.
    accounted_at: Instant,
    stalled_at: Instant,
    frame_at: Instant,
    span: Span,
}

impl Watch {
    pub(crate) const fn state(&self) -> Watching {
        self.state
    }

    /// Playback begins. When it had begun before, the machine lost its place: from the last frame to here it was a stall.
    /// Gives its length.
    pub(crate) fn on_started(&mut self, now: Instant, cadence_us: u64) -> Option<u64> {
        let was = self.state;
        match was {
            Watching::Waiting => {
                self.accounted_at = now;
                self.state = Watching::Playing;
                None
            }
            Watching::Playing => {
                let gap_us = now.micros_since(self.frame_at);
                if gap_us <= 2 * cadence_us {
                    return None;
                }
                self.account(now);
                let moved = gap_us.min(self.span.played_us);
                self.span.played_us -= moved;
                self.span.stalled_us += gap_us;
                self.span.stalls += 1;
                self.span.has_stalled = true;
                Some(gap_us)
            }
            Watching::Stalled => self.on_resumed(now),
        }
    }

    pub(crate) fn on_frame(&mut self, now: Instant) {
        self.frame_at = now;
        self.span.frames_played += 1;
    }

    pub(crate) fn on_skipped(&mut self, frames: u32) {
        if self.state != Watching::Waiting {
            self.span.frames_skipped += u64::from(frames);
        }
    }

    pub(crate) fn on_stalled(&mut self, now: Instant) {
        if self.state != Watching::Playing {
            return;
        }
        self.account(now);
        self.state = Watching::Stalled;
        self.stalled_at = now;
        self.span.stalls += 1;
        self.span.has_stalled = true;
    }

    /// Playback goes on; gives the length of the stall.
    pub(crate) fn on_resumed(&mut self, now: Instant) -> Option<u64> {
        if self.state != Watching::Stalled {
            return None;
        }
        self.account(now);
        self.state = Watching::Playing;
        Some(now.micros_since(self.stalled_at))
    }

    /// Since when it is stalled.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        (self.state == Watching::Stalled).then_some(self.stalled_at)
    }

    /// Takes what was counted since the last time.
    pub(crate) fn take(&mut self, now: Instant) -> Span {
        self.account(now);
        let next = Span { has_stalled: self.state == Watching::Stalled, ..Span::default() };
        core::mem::replace(&mut self.span, next)
    }

    fn account(&mut self, now: Instant) {
        let elapsed = now.micros_since(self.accounted_at);
        match self.state {
            Watching::Waiting => {}
            Watching::Playing => self.span.played_us += elapsed,
            Watching::Stalled => self.span.stalled_us += elapsed,
        }
        self.accounted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn startup_counts_nowhere_and_stalls_to_the_millisecond() {
        let mut watch = Watch::default();
        watch.on_stalled(at(100));
        watch.on_started(at(1_000), 40_000);
        watch.on_frame(at(1_000));
        watch.on_stalled(at(3_000));
        assert_eq!(watch.on_resumed(at(3_250)), Some(250_000));
        watch.on_skipped(3);
        let span = watch.take(at(4_000));
        let expected = Span {
            played_us: 2_750_000,
            stalled_us: 250_000,
            has_stalled: true,
            frames_played: 1,
            frames_skipped: 3,
            stalls: 1,
        };
        assert_eq!(span, expected);
        assert_eq!(watch.take(at(5_000)), Span { played_us: 1_000_000, ..Span::default() });
    }

    #[test]
    fn a_stall_that_goes_on_marks_the_next_minute_too() {
        let mut watch = Watch::default();
        watch.on_started(at(0), 40_000);
        watch.on_stalled(at(500));
        assert_eq!(watch.take(at(1_000)).stalls, 1);
        let next = watch.take(at(2_000));
        assert!(next.has_stalled && next.stalls == 0 && next.stalled_us == 1_000_000, "{next:?}");
    }

    #[test]
    fn starting_again_was_a_stall() {
        let mut watch = Watch::default();
        watch.on_started(at(0), 40_000);
        watch.on_frame(at(1_000));
        assert_eq!(watch.on_started(at(3_000), 40_000), Some(2_000_000));
        let span = watch.take(at(3_000));
        assert_eq!((span.played_us, span.stalled_us, span.stalls), (1_000_000, 2_000_000, 1));
    }
}
