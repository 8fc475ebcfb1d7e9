//! The edge's line: what its clients' acknowledgements say of it bounds what leaves and what is promised.

use crate::store::FrameStore;
use crate::time::Instant;

use super::channel::ChannelId;
use super::events::EdgeEvent;
use super::feeds::share_of;
use super::machine::{Edge, egress_depth};

/// The owner is told when what is counted on has changed by this part of it.
const TOLD_PART: u64 = 10;

impl<S: FrameStore> Edge<'_, S> {
    /// Steers the rate, when its time has come.
    pub(super) fn steer_line(&mut self, now: Instant) {
        if self.line.on_time(now) {
            self.on_line_changed(now);
        }
    }

    /// What the line gives bounds the buckets, N* and the budgets.
    pub(super) fn on_line_changed(&mut self, now: Instant) {
        let rate_bps = self.line.rate_bps();
        self.egress.resize(now, rate_bps, egress_depth(rate_bps));
        let bursts_bps = share_of(rate_bps, self.config.burst_share);
        self.bursts.resize(now, bursts_bps, egress_depth(bursts_bps));
        let (counted_bps, cap_bps) = (self.line.counted_bps(), self.line.cap_bps());
        (self.stats.line_bps, self.stats.line_bps_max) = (counted_bps, cap_bps);
        let before_bps = self.told_bps.unwrap_or(cap_bps);
        let is_noticeable = counted_bps.abs_diff(before_bps) > before_bps.min(counted_bps) / TOLD_PART;
        let is_whole = !self.line.is_short();
        if !(is_noticeable || is_whole && self.told_bps.is_some()) {
            return;
        }
        self.told_bps = (!is_whole).then_some(counted_bps);
        self.stats.line_lowered += u64::from(counted_bps < before_bps);
        for index in (0..self.channels.len()).filter_map(|index| u8::try_from(index).ok()) {
            self.on_load(ChannelId(index));
        }
        let event = EdgeEvent::RateChanged {
            counted_bps,
            cap_bps,
            cause: self.line.cause(),
            waiting: self.stats.waiting,
        };
        self.events.push(event, &mut self.stats);
    }
}
