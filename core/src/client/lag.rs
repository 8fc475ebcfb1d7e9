//! A feeder that falls behind: New CoolStreaming's tests, and the rest between two changes.

use core::time::Duration;

use super::machine::Client;
use super::peer::EDGE;
use crate::media::{FrameId, PlayoutState};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::RefuseReason;

/// A feed this far behind the newest frame any feeder or partner told of is too slow: T_s and T_p of New CoolStreaming, which
/// come to the same where each substream has one feeder (docs/wire.md, "Feeds").
const LAG_MAX: Duration = Duration::from_secs(1);
/// A feed this little ahead of the picture is taken from the edge until a better parent is found; of a short buffer an eighth.
const MARGIN_MIN: Duration = Duration::from_millis(500);
/// Rest after a change for lag, so that a hiccup of the network does not set everybody searching.
const COOL_DOWN: Duration = Duration::from_secs(5);

impl<S: FrameStore> Client<'_, S> {
    /// Starts to look for another feeder of a substream that lags; the old one goes on until the new one has begun.
    pub(super) fn check_lag(&mut self, now: Instant, substream: u8) {
        let Some(session) = self.session.as_ref() else { return };
        let settings = session.settings;
        let newest = session.newest;
        let Some(feed) = self.feeds.get(usize::from(substream)) else { return };
        let Some(stretch) = feed.current.filter(|stretch| stretch.peer != EDGE) else { return };
        let can_ask = feed.request.is_none();
        let margin = MARGIN_MIN.min(settings.target_buffer() / 8);
        let is_playing = self.playout.state() == PlayoutState::Playing;
        let playhead = self.playout.playhead().filter(|_| is_playing);
        let is_late = |playhead| is_too_late(playhead, stretch.next, newest, settings.frames_in(margin));
        if can_ask && playhead.is_some_and(is_late) && !self.is_edge_spent(now) {
            self.on_candidate_refused(now, stretch.peer, substream, RefuseReason::Slow);
            self.take_from_edge(now, substream);
            return;
        }
        let lag_max = settings.beat().saturating_mul(2).saturating_add(LAG_MAX);
        let is_lagging = is_behind(newest, stretch.next, settings.frames_in(lag_max));
        let was_lagging = feed.is_lagging;
        if was_lagging && !is_lagging {
            // It caught up before another was found.
            if let Some(feed) = self.feed_mut(substream) {
                feed.is_lagging = false;
            }
            return;
        }
        let is_patient = self.is_patient(now, substream);
        if !can_ask || is_patient || was_lagging || !is_lagging || self.clocks.adapt_at > now {
            return;
        }
        self.cool_down(now);
        self.stats.lags = self.stats.lags.saturating_add(1);
        self.on_candidate_refused(now, stretch.peer, substream, RefuseReason::Slow);
        if let Some(feed) = self.feed_mut(substream) {
            feed.is_lagging = true;
            feed.search_at = now;
        }
    }

    /// No change for lag for a while, a little longer for some than for others.
    pub(super) fn cool_down(&mut self, now: Instant) {
        let jitter = Duration::from_millis(u64::from(self.rng.below(2_000)));
        self.clocks.adapt_at = now + COOL_DOWN.saturating_add(jitter);
    }
}

fn is_behind(newest: FrameId, next: FrameId, frames_max: u32) -> bool {
    newest.since(next) > frames_max
}

/// Whether a feed has brought no more than `frames_min` frames beyond the playhead although there are more.
fn is_too_late(playhead: FrameId, next: FrameId, newest: FrameId, frames_min: u32) -> bool {
    next < playhead.plus(frames_min) && newest.since(next) > frames_min
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_close_to_the_playhead_is_too_late_unless_the_stream_is() {
        let is_late =
            |playhead, next, newest| is_too_late(FrameId(playhead), FrameId(next), FrameId(newest), 12);
        assert!(is_late(100, 111, 150));
        assert!(is_late(100, 90, 150), "it has passed already");
        assert!(!is_late(100, 112, 150), "12 frames are enough");
        assert!(!is_late(100, 111, 123), "a viewer this close to the live edge lacks nothing");
        assert!(is_late(100, 111, 124));
    }

    #[test]
    fn a_feed_is_behind_when_more_than_the_limit_is_missing() {
        assert!(!is_behind(FrameId(130), FrameId(100), 30));
        assert!(is_behind(FrameId(131), FrameId(100), 30));
        assert!(!is_behind(FrameId(90), FrameId(100), 30), "ahead of what is known");
    }
}
