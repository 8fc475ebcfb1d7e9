//! Events in the order of (time, sequence).

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use livesky_core::Instant;

/// Microseconds of a slot, as a power of two: 128 us.
const SLOT_BITS: u32 = 7;
/// Slots of the wheel: about a second ahead.
const SLOTS: usize = 8_192;

/// An event that waits.
#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    at: u64,
    sequence: u64,
    what: T,
}

impl<T> Entry<T> {
    const fn key(&self) -> (u64, u64) {
        (self.at, self.sequence)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// A queue of events: a wheel of unsorted slots for the next second, a heap beyond. A slot is sorted when its time comes, so
/// that an event costs two moves, not a path through a heap of all that is in flight.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Events of the slot that is being served, last first.
    serving: Vec<Entry<T>>,
    /// The slot that is being served.
    slot: u64,
    wheel: Vec<Vec<Entry<T>>>,
    /// Bit per slot of the wheel: it is not empty.
    filled: Vec<u64>,
    /// Events past the wheel.
    far: BinaryHeap<Reverse<Entry<T>>>,
    sequence: u64,
    now: u64,
}

impl<T: Copy> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            serving: Vec::new(),
            slot: 0,
            wheel: (0..SLOTS).map(|_| Vec::new()).collect(),
            filled: vec![0; SLOTS / 64],
            far: BinaryHeap::new(),
            sequence: 0,
            now: 0,
        }
    }

    /// Puts an event in; one in the past happens now.
    pub(crate) fn push(&mut self, at: Instant, what: T) {
        let at = at.as_micros().max(self.now);
        let entry = Entry { at, sequence: self.sequence, what };
        self.sequence += 1;
        let slot = at >> SLOT_BITS;
        if slot <= self.slot {
            let place = self.serving.partition_point(|other| other.key() > entry.key());
            self.serving.insert(place, entry);
        } else if slot - self.slot < SLOTS as u64 {
            self.put(slot, entry);
        } else {
            self.far.push(Reverse(entry));
        }
    }

    /// Takes the next event out.
    pub(crate) fn pop(&mut self) -> Option<(Instant, T)> {
        if self.serving.is_empty() {
            self.advance()?;
        }
        let entry = self.serving.pop()?;
        self.now = entry.at;
        Some((Instant::from_micros(entry.at), entry.what))
    }

    fn put(&mut self, slot: u64, entry: Entry<T>) {
        let place = place_of(slot);
        self.filled[place / 64] |= 1 << (place % 64);
        self.wheel[place].push(entry);
    }

    /// Turns to the next slot that holds something.
    fn advance(&mut self) -> Option<()> {
        let near = self.next_filled();
        let far = self.far.peek().map(|Reverse(entry)| entry.at >> SLOT_BITS);
        self.slot = near.into_iter().chain(far).min()?;
        let place = place_of(self.slot);
        self.filled[place / 64] &= !(1 << (place % 64));
        core::mem::swap(&mut self.serving, &mut self.wheel[place]);
        while let Some(Reverse(entry)) = self.far.peek() {
            let slot = entry.at >> SLOT_BITS;
            if slot - self.slot >= SLOTS as u64 {
                break;
            }
            let Some(Reverse(entry)) = self.far.pop() else { break };
            if slot == self.slot { self.serving.push(entry) } else { self.put(slot, entry) }
        }
        self.serving.sort_unstable_by_key(|entry| Reverse(entry.key()));
        Some(())
    }

    /// The first slot of the wheel past the one being served that holds something.
    fn next_filled(&self) -> Option<u64> {
        let first = place_of(self.slot + 1);
        let words = SLOTS / 64;
        let found = (0..=words).find_map(|step| {
            let word = (first / 64 + step) % words;
            let mut bits = self.filled[word];
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            } else if step == words {
                bits &= !(u64::MAX << (first % 64));
            }
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        })?;
        Some(self.slot + 1 + ((found + SLOTS - first) % SLOTS) as u64)
    }
}

/// Where a slot is in the wheel.
#[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
const fn place_of(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use livesky_core::rng::Rng;

    #[test]
    fn events_come_in_order_of_time_then_of_entry() {
        let mut rng = Rng::from_seed(3);
        let mut queue = Queue::new();
        let mut expected = Vec::new();
        let mut popped = Vec::new();
        let mut now = 0;
        for number in 0..50_000_u32 {
            let span = [1, 200, 50_000, 900_000, 3_000_000][rng.below(5) as usize];
            let at = now + u64::from(rng.below(span));
            queue.push(Instant::from_micros(at), number);
            expected.push((at, number));
            if rng.below(3) > 0 {
                let (at, number) = queue.pop().unwrap();
                assert!(at.as_micros() >= now);
                now = at.as_micros();
                popped.push((now, number));
            }
        }
        while let Some((at, number)) = queue.pop() {
            popped.push((at.as_micros(), number));
        }
        expected.sort_unstable();
        assert_eq!(popped, expected);
    }

    #[test]
    fn long_silence_is_skipped() {
        let mut queue = Queue::new();
        queue.push(Instant::from_millis(3_600_000), 1);
        queue.push(Instant::from_millis(3_599_999), 2);
        assert_eq!(queue.pop(), Some((Instant::from_millis(3_599_999), 2)));
        assert_eq!(queue.pop(), Some((Instant::from_millis(3_600_000), 1)));
        assert_eq!(queue.pop(), None);
    }
}
