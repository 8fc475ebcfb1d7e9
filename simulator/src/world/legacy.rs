//! Plain HTTP players: they take of an edge's capacity and of nothing else.
//!
//! Besides those the scenario names there are the viewers whose UDP is blocked: they fall back to HTTP.

use livesky_core::Instant;

use super::run::World;
use super::viewer::Stay;

/// What legacy clients take of one edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Legacy {
    bps: u64,
    since: Instant,
    /// Bits since measuring began, times a million.
    micro_bits: u128,
}

impl Legacy {
    pub(crate) const fn new(bps: u64) -> Self {
        Self { bps, since: Instant::ZERO, micro_bits: 0 }
    }

    pub(crate) const fn bps(self) -> u64 {
        self.bps
    }

    fn account(&mut self, now: Instant) {
        self.micro_bits += u128::from(now.micros_since(self.since)) * u128::from(self.bps);
        self.since = now;
    }

    fn set(&mut self, now: Instant, bps: u64) {
        self.account(now);
        self.bps = bps;
    }

    pub(crate) fn begin_measuring(&mut self, now: Instant) {
        self.account(now);
        self.micro_bits = 0;
    }

    /// Bytes since measuring began.
    pub(crate) fn bytes(&mut self, now: Instant) -> u64 {
        self.account(now);
        u64::try_from(self.micro_bits / 8_000_000).unwrap_or(u64::MAX)
    }
}

impl World<'_> {
    /// A viewer whose UDP is blocked comes.
    pub(super) fn join_legacy(&mut self, session: u32) {
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        viewer.stay = Stay::Legacy;
        let edge = viewer.terms.edge;
        self.change_legacy(edge, |bps, rate_bps| bps + rate_bps);
    }

    /// It goes.
    pub(super) fn leave_legacy(&mut self, session: u32) {
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        viewer.stay = Stay::Gone;
        let edge = viewer.terms.edge;
        self.change_legacy(edge, u64::saturating_sub);
    }

    fn change_legacy(&mut self, edge: usize, change: impl Fn(u64, u64) -> u64) {
        let now = self.wire.now;
        let rate_bps = u64::from(self.scenario.channel.rate_bps);
        let Some(service) = self.services.get_mut(edge) else { return };
        let bps = change(service.legacy.bps(), rate_bps);
        service.legacy.set(now, bps);
        service.edge.set_legacy_load(now, bps);
        service.settle(&mut self.wire, &mut self.scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rate_times_time_since_measuring_began() {
        let at = Instant::from_millis;
        let mut legacy = Legacy::new(8_000);
        legacy.begin_measuring(at(5_000));
        legacy.set(at(6_000), 16_000);
        assert_eq!(legacy.bytes(at(7_000)), 1_000 + 2_000);
    }
}
