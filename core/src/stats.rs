//! Counters shared by the machines.

use crate::endpoint::Reject;

/// How often input was ignored, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RejectCounts {
    counts: [u64; Reject::ALL.len()],
}

impl RejectCounts {
    /// Counts one.
    pub fn count(&mut self, reject: Reject) {
        if let Some(count) = self.counts.get_mut(reject.index()) {
            *count = count.saturating_add(1);
        }
    }

    /// How often input was ignored for this reason.
    #[must_use]
    pub fn of(&self, reject: Reject) -> u64 {
        self.counts.get(reject.index()).copied().unwrap_or(0)
    }

    /// How often input was ignored at all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        let mut counts = RejectCounts::default();
        for (times, &reject) in Reject::ALL.iter().enumerate() {
            for _ in 0..=times {
                counts.count(reject);
            }
        }
        for (times, &reject) in Reject::ALL.iter().enumerate() {
            assert_eq!(counts.of(reject), times as u64 + 1);
        }
        assert_eq!(counts.total(), 45);
    }
}
