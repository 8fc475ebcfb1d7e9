//! How long viewers waited for their first frame.

use std::collections::{BTreeMap, VecDeque};

/// Startups listed one by one.
const LISTED_MAX: usize = 256;

/// Startup times of a channel: all of them counted, the last ones listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Startups {
    listed: VecDeque<u32>,
    /// How often each was seen; above 10 s in steps of 100 ms, which bounds the table.
    counts: BTreeMap<u32, u64>,
    total: u64,
}

impl Startups {
    pub(super) fn add(&mut self, startup_ms: u32) {
        if self.listed.len() == LISTED_MAX {
            self.listed.pop_front();
        }
        self.listed.push_back(startup_ms);
        let step = if startup_ms > 10_000 { 100 } else { 1 };
        *self.counts.entry((startup_ms / step * step).min(600_000)).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn listed(&self) -> Vec<u32> {
        self.listed.iter().copied().collect()
    }

    /// The smallest startup that `percent` of all do not exceed (nearest rank).
    pub(super) fn percentile(&self, percent: u64) -> Option<u32> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.counts.iter().find_map(|(&startup_ms, &count)| {
            seen += count;
            (seen >= rank).then_some(startup_ms)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_over_all_and_the_list_over_the_last() {
        let mut startups = Startups::default();
        assert_eq!(startups.percentile(50), None);
        startups.add(200);
        assert_eq!((startups.percentile(50), startups.percentile(95)), (Some(200), Some(200)));
        for startup_ms in 1..=1_000 {
            startups.add(startup_ms);
        }
        assert_eq!((startups.percentile(50), startups.percentile(95)), (Some(500), Some(950)));
        let listed = startups.listed();
        assert_eq!((listed.len(), listed.first(), listed.last()), (256, Some(&745), Some(&1_000)));
    }
}
