//! How fast feeds come back when their feeder is gone.

use livesky_core::Instant;
use livesky_core::limits::SUBSTREAMS_MAX;
use livesky_core::wire::SendReason;

use crate::network::HostId;

/// Feeds of one viewer whose feeder is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    lost: u16,
    at: [(Instant, HostId); SUBSTREAMS_MAX],
}

impl Default for Pending {
    fn default() -> Self {
        Self { lost: 0, at: [(Instant::ZERO, HostId(0)); SUBSTREAMS_MAX] }
    }
}

impl Pending {
    /// The feeder of a substream went; `false` when its loss is being repaired already.
    pub(crate) fn on_lost(&mut self, now: Instant, substream: u8, feeder: HostId) -> bool {
        let bit = 1_u16.checked_shl(u32::from(substream)).unwrap_or(0);
        let is_first = self.lost & bit == 0;
        if let Some(at) = self.at.get_mut(usize::from(substream)).filter(|_| is_first) {
            *at = (now, feeder);
            self.lost |= bit;
        }
        is_first && bit != 0
    }

    /// Feeds that wait for another feeder.
    pub(crate) const fn count(&self) -> u32 {
        self.lost.count_ones()
    }

    /// A fragment of a feed came: since when it was missing, in microseconds.
    pub(crate) fn on_fed(
        &mut self,
        now: Instant,
        substream: u8,
        by: HostId,
        reason: SendReason,
    ) -> Option<u64> {
        if self.lost == 0 || reason == SendReason::Pull {
            return None;
        }
        let bit = 1_u16.checked_shl(u32::from(substream)).unwrap_or(0);
        let &(lost_at, feeder) = self.at.get(usize::from(substream)).filter(|_| self.lost & bit != 0)?;
        if feeder == by {
            return None;
        }
        self.lost &= !bit;
        Some(now.micros_since(lost_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_repaired_by_another_once() {
        let at = Instant::from_millis;
        let fed = |pending: &mut Pending, ms, substream, by| {
            pending.on_fed(at(ms), substream, HostId(by), SendReason::Feed)
        };
        let mut pending = Pending::default();
        assert!(pending.on_lost(at(100), 3, HostId(7)));
        assert!(!pending.on_lost(at(150), 3, HostId(8)));
        assert_eq!(fed(&mut pending, 200, 3, 7), None, "still under way when it went");
        assert_eq!(fed(&mut pending, 200, 2, 9), None);
        assert_eq!(pending.on_fed(at(300), 3, HostId(9), SendReason::Pull), None, "a pull is no feed");
        assert_eq!(fed(&mut pending, 400, 3, 9), Some(300_000));
        assert_eq!(fed(&mut pending, 500, 3, 9), None);
    }
}
