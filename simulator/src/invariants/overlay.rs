//! The trees: no cycle and no level past the deepest that lasts.

use livesky_core::limits::SUBSTREAMS_MAX;

/// How long a cycle or a level too many may last: until the next beats tell of it, a loss or two included.
const BROKEN_US: u64 = 1_500_000;

/// A client's way up on one substream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the edge over so many links.
    Edge(u8),
    /// To somebody without a feeder, or gone.
    Loose,
    /// Back to itself.
    Cycle,
}

/// Parents of everybody present, by place: what one look at the world found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    substreams: usize,
    /// `parents[place * substreams + substream]`.
    parents: Vec<Parent>,
    /// Since when something is broken, by session and substream.
    broken_since_us: Vec<[u64; SUBSTREAMS_MAX]>,
}

/// Who feeds somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Edge,
    /// By place.
    Client(u32),
    Nobody,
}

/// Not broken.
const WHOLE: u64 = u64::MAX;

impl Overlay {
    pub(crate) fn new(sessions: usize, substreams: u8) -> Self {
        Self {
            substreams: usize::from(substreams),
            parents: Vec::new(),
            broken_since_us: vec![[WHOLE; SUBSTREAMS_MAX]; sessions],
        }
    }

    /// A new look begins.
    pub(crate) fn clear(&mut self) {
        self.parents.clear();
    }

    /// Adds the parents of the client at the next place.
    pub(crate) fn push(&mut self, parents: impl Iterator<Item = Parent>) {
        let all = parents.chain(core::iter::repeat(Parent::Nobody));
        self.parents.extend(all.take(self.substreams));
    }

    /// The way up of everybody on one substream, by place.
    pub(crate) fn ways(&self, substream: u8) -> Vec<Way> {
        let count = self.parents.len() / self.substreams.max(1);
        let mut ways: Vec<Option<Way>> = vec![None; count];
        let mut path: Vec<u32> = Vec::new();
        for start in 0..count {
            path.clear();
            let mut place = start;
            // Up, until something known.
            let end = loop {
                if let Some(way) = ways.get(place).copied().flatten() {
                    break way;
                }
                if path.contains(&small(place)) {
                    break Way::Cycle;
                }
                path.push(small(place));
                let parent = self.parents.get(place * self.substreams + usize::from(substream));
                match parent {
                    Some(Parent::Edge) => break Way::Edge(0),
                    Some(Parent::Client(parent)) => place = *parent as usize,
                    Some(Parent::Nobody) | None => break Way::Loose,
                }
            };
            let mut way = end;
            for &place in path.iter().rev() {
                way = match way {
                    Way::Edge(levels) => Way::Edge(levels.saturating_add(1)),
                    Way::Loose | Way::Cycle => way,
                };
                if let Some(slot) = ways.get_mut(place as usize) {
                    *slot = Some(way);
                }
            }
        }
        ways.into_iter().map(|way| way.unwrap_or(Way::Loose)).collect()
    }

    /// Notes whether a session's way is broken; gives for how long it has been, once that is too long.
    pub(crate) fn note(&mut self, now_us: u64, session: u32, substream: u8, is_broken: bool) -> Option<u64> {
        let since = self.broken_since_us.get_mut(session as usize)?.get_mut(usize::from(substream))?;
        if !is_broken {
            *since = WHOLE;
            return None;
        }
        *since = (*since).min(now_us);
        let lasts_us = now_us - *since;
        (lasts_us > BROKEN_US).then_some(lasts_us)
    }
}

fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(parents: &[Parent]) -> Overlay {
        let mut overlay = Overlay::new(parents.len(), 1);
        parents.iter().for_each(|&parent| overlay.push([parent].into_iter()));
        overlay
    }

    #[test]
    fn ways_lead_to_the_edge_or_nowhere() {
        use Parent::{Client, Edge, Nobody};
        let ways = overlay(&[Client(2), Edge, Client(1), Nobody, Client(3)]).ways(0);
        assert_eq!(ways, [Way::Edge(3), Way::Edge(1), Way::Edge(2), Way::Loose, Way::Loose]);
    }

    #[test]
    fn everybody_on_or_below_a_cycle_is_told() {
        use Parent::{Client, Edge};
        let ways = overlay(&[Client(1), Client(2), Client(0), Client(1), Edge]).ways(0);
        assert_eq!(ways, [Way::Cycle, Way::Cycle, Way::Cycle, Way::Cycle, Way::Edge(1)]);
    }

    #[test]
    fn what_is_mended_in_time_is_no_breach() {
        let mut overlay = overlay(&[Parent::Nobody]);
        assert_eq!(overlay.note(1_000_000, 0, 0, true), None);
        assert_eq!(overlay.note(2_500_000, 0, 0, true), None);
        assert_eq!(overlay.note(2_600_000, 0, 0, true), Some(1_600_000));
        assert_eq!(overlay.note(2_700_000, 0, 0, false), None);
        assert_eq!(overlay.note(2_800_000, 0, 0, true), None);
    }
}
