//! How pairs of clients behind NAT boxes met.

use std::collections::BTreeMap;

use livesky_core::Instant;

use super::distribution::Distribution;
use super::summary::share_of;
use crate::network::can_connect;
use crate::results::{NatPairRow, NatResults};
use crate::scenario::NatKind;

/// A pair that tried to meet.
#[derive(Clone, Copy, Debug)]
struct Pair {
    kinds: (NatKind, NatKind),
    tried_at: Instant,
    /// The one of the lower number heard the other, and the other way round.
    heard: [bool; 2],
    connected_us: Option<u64>,
}

/// Every pair that tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    pairs: BTreeMap<(u32, u32), Pair>,
}

impl Pairs {
    /// One client sends to another for the first time, or again.
    pub(crate) fn on_sent(&mut self, now: Instant, from: (u32, NatKind), to: (u32, NatKind)) {
        let (low, high) = if from.0 < to.0 { (from, to) } else { (to, from) };
        let kinds = (low.1.min(high.1), low.1.max(high.1));
        let fresh = Pair { kinds, tried_at: now, heard: [false; 2], connected_us: None };
        self.pairs.entry((low.0, high.0)).or_insert(fresh);
    }

    /// One client hears another.
    pub(crate) fn on_heard(&mut self, now: Instant, from: u32, to: u32) {
        let Some(pair) = self.pairs.get_mut(&(from.min(to), from.max(to))) else { return };
        if let Some(heard) = pair.heard.get_mut(usize::from(from < to)) {
            *heard = true;
        }
        if pair.heard == [true; 2] {
            pair.connected_us.get_or_insert(now.micros_since(pair.tried_at));
        }
    }

    pub(crate) fn results(&self) -> NatResults {
        let mut rows: BTreeMap<(NatKind, NatKind), NatPairRow> = BTreeMap::new();
        let mut times = Distribution::default();
        for pair in self.pairs.values() {
            let (one, other) = pair.kinds;
            let can_connect = can_connect(one, other);
            let fresh = NatPairRow { one, other, can_connect, tried: 0, connected: 0 };
            let row = rows.entry(pair.kinds).or_insert(fresh);
            row.tried += 1;
            if let Some(us) = pair.connected_us {
                row.connected += 1;
                times.add(us);
            }
        }
        let rows: Vec<NatPairRow> = rows.into_values().collect();
        let able = |row: &&NatPairRow| row.can_connect;
        let tried: u64 = rows.iter().filter(able).map(|row| row.tried).sum();
        let connected: u64 = rows.iter().filter(able).map(|row| row.connected).sum();
        let [p95_ms] = times.percentiles_ms(times.count(), [0.95]);
        NatResults {
            introduced_in_vain: rows.iter().filter(|row| !row.can_connect).map(|row| row.tried).sum(),
            connected_share: (tried > 0).then(|| share_of(connected as f64, tried as f64)),
            p95_ms,
            pairs: rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_connected_when_both_heard_the_other() {
        let at = Instant::from_millis;
        let mut pairs = Pairs::default();
        let (one, other) = ((7, NatKind::Symmetric), (3, NatKind::FullCone));
        pairs.on_sent(at(100), one, other);
        pairs.on_sent(at(150), other, one);
        pairs.on_heard(at(200), 7, 3);
        assert_eq!(pairs.results().connected_share, Some(0.0));
        pairs.on_heard(at(300), 3, 7);
        pairs.on_sent(at(400), (8, NatKind::Symmetric), (9, NatKind::Symmetric));
        pairs.on_heard(at(500), 1, 2);
        let results = pairs.results();
        assert_eq!((results.connected_share, results.p95_ms), (Some(1.0), Some(200.0)));
        assert_eq!((results.introduced_in_vain, results.pairs.len()), (1, 2));
    }
}
