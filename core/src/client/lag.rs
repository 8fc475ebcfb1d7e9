//! A feeder that falls behind: New CoolStreaming's tests, and the rest between two changes.

use core::time::Duration;

use super::machine::Client;
use super::peer::EDGE;
use crate::media::FrameId;
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::RefuseReason;

/// A feed this far behind the newest frame any feeder or partner told of is too slow: T_s and T_p of New CoolStreaming, which
/// come to the same where each substream has one feeder (protocol.md, "Parents").
const LAG_MAX: Duration = Duration::from_secs(1);
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
        let lag_max = settings.beat().saturating_mul(2).saturating_add(LAG_MAX);
        let is_lagging = is_behind(newest, stretch.next, settings.frames_in(lag_max));
        if feed.is_lagging && !is_lagging {
            // It caught up before another was found.
            if let Some(feed) = self.feed_mut(substream) {
                feed.is_lagging = false;
            }
            return;
        }
        if feed.request.is_some() || feed.is_lagging || !is_lagging || self.clocks.adapt_at > now {
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
