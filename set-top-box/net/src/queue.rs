//! Frames on their way, by the time they arrive.

use core::cmp::{Ordering, Reverse};
use core::time::Duration;
use std::collections::BinaryHeap;

use crate::impair::Direction;
use crate::ports::PortId;

/// A frame between the two ends of a port's lane.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) due: Duration,
    /// Order of entry among those due at the same time.
    sequence: u64,
    pub(crate) port: PortId,
    pub(crate) direction: Direction,
    pub(crate) frame: Vec<u8>,
}

/// A timer queue; the lanes bound what is in it.
#[derive(Debug, Default)]
pub(crate) struct DelayQueue {
    heap: BinaryHeap<Reverse<Queued>>,
    sequence: u64,
}

impl DelayQueue {
    pub(crate) fn push(&mut self, due: Duration, port: PortId, direction: Direction, frame: Vec<u8>) {
        self.heap.push(Reverse(Queued { due, sequence: self.sequence, port, direction, frame }));
        self.sequence += 1;
    }

    /// The next frame that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Queued> {
        let is_due = self.next_due().is_some_and(|due| due <= now);
        if is_due { self.heap.pop().map(|Reverse(queued)| queued) } else { None }
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(queued)| queued.due)
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_by_time_then_by_entry() {
        let mut queue = DelayQueue::default();
        for (due_us, tag) in [(30, 1), (10, 2), (30, 3), (20, 4)] {
            queue.push(Duration::from_micros(due_us), PortId::FIRST, Direction::ToBox, vec![tag]);
        }
        let mut tags = Vec::new();
        for now_us in [5, 20, 40] {
            while let Some(queued) = queue.pop_due(Duration::from_micros(now_us)) {
                tags.extend(queued.frame);
            }
            tags.push(0);
        }
        assert_eq!(tags, [0, 2, 4, 0, 1, 3, 0]);
        assert_eq!(queue.next_due(), None);
    }
}
