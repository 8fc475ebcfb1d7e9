//! Timers by id, over slots the caller lends.

use super::option_slot::OptionSlot;
use crate::time::Instant;

/// One timer: 24 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct WheelSlot {
    at: Instant,
    next: OptionSlot,
    /// The timer before in the bucket; the first one's is the last.
    previous: OptionSlot,
    place: Place,
}

impl WheelSlot {
    /// Not scheduled; all zero bits.
    pub const EMPTY: Self =
        Self { at: Instant::ZERO, next: OptionSlot::NONE, previous: OptionSlot::NONE, place: Place::NONE };
}

/// Where a timer is: 0 nowhere, else 1 + level * 64 + bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place(u16);

impl Place {
    const NONE: Self = Self(0);
    /// Scheduled past the wheel's end: it never fires.
    const NEVER: Self = Self(u16::MAX);

    const fn new(level: u8, bucket: u8) -> Self {
        Self(1 + level as u16 * BUCKETS as u16 + bucket as u16)
    }

    /// The level and bucket; past the last level when in no bucket.
    const fn level_and_bucket(self) -> (usize, usize) {
        let index = self.0.wrapping_sub(1) as usize;
        (index / BUCKETS as usize, index % BUCKETS as usize)
    }
}

/// A bucket and the tick its span begins at.
struct Bucket {
    level: u8,
    index: u8,
    start: u64,
}

const LEVELS: u8 = 8;
const BUCKETS: u8 = 64;
/// Bits of a tick that one level decides.
const LEVEL_BITS: u32 = BUCKETS.trailing_zeros();
/// Ticks the wheel can tell apart: 8,900 years.
const TICKS_END: u64 = 1 << (LEVEL_BITS * LEVELS as u32);

/// A hierarchical timer wheel of 1 ms ticks: one timer for each id below the number of lent slots.
///
/// A timer fires at the first tick at or after its deadline: never early, and less than a tick late. Timers come out in the
/// order of their ticks, those of one tick in the order they were scheduled. The buckets take 2 KiB.
///
/// A timer's level is the highest group of 6 bits in which its tick and the present tick differ. So a bucket is filled by the
/// level above at the moment the present enters its span, before anything can be scheduled into it: that keeps the order.
#[derive(Debug)]
pub struct TimerWheel<'a> {
    slots: &'a mut [WheelSlot],
    first: [[OptionSlot; BUCKETS as usize]; LEVELS as usize],
    /// For each level a bit for each bucket that is not empty.
    occupied: [u64; LEVELS as usize],
    /// The present: no timer before it is left.
    tick: u64,
}

impl<'a> TimerWheel<'a> {
    /// Microseconds a tick.
    pub const TICK_US: u64 = 1_000;

    /// A wheel with nothing scheduled; the lent slots are cleared.
    #[must_use]
    pub fn new(slots: &'a mut [WheelSlot]) -> Self {
        slots.fill(WheelSlot::EMPTY);
        Self {
            slots,
            first: [[OptionSlot::NONE; BUCKETS as usize]; LEVELS as usize],
            occupied: [0; LEVELS as usize],
            tick: 0,
        }
    }

    /// Sets the timer of `id`, in place of an earlier setting; `false` when there is no such id. A deadline that has passed
    /// fires at the next [`Self::pop_expired`]; [`Instant::FAR_FUTURE`] never does. To the wheel time
    /// does not step back.
    pub fn schedule(&mut self, id: u32, at: Instant) -> bool {
        if id as usize >= self.slots.len() {
            return false;
        }
        self.cancel(id);
        self.link(id, at);
        true
    }

    /// Stops the timer of `id`; `false` when it was not set.
    pub fn cancel(&mut self, id: u32) -> bool {
        let Some(slot) = self.slots.get_mut(id as usize) else { return false };
        let WheelSlot { next, previous, place, .. } = *slot;
        *slot = WheelSlot::EMPTY;
        if place == Place::NONE {
            return false;
        }
        let (level, bucket) = place.level_and_bucket();
        let Some(first) = self.first.get_mut(level).and_then(|buckets| buckets.get_mut(bucket)) else {
            return true;
        };
        // Whoever keeps the way to the end learns it: the next timer, or the first one when this was the last.
        let is_first = first.get() == Some(id);
        if is_first {
            *first = next;
        }
        let first = *first;
        if first.is_none() {
            if let Some(occupied) = self.occupied.get_mut(level) {
                *occupied &= !(1 << bucket);
            }
            return true;
        }
        let heir = if next.is_none() { first } else { next };
        if let Some(heir) = self.slot_mut(heir) {
            heir.previous = previous;
        }
        if !is_first && let Some(before) = self.slot_mut(previous) {
            before.next = next;
        }
        true
    }

    /// Takes a timer that is due at `now`, the earliest first; it is then not set. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<u32> {
        let target = (now.as_micros() / Self::TICK_US).min(TICKS_END - 1);
        loop {
            let next = self.next_bucket().filter(|next| next.start <= target);
            let Some(bucket) = next else {
                self.tick = self.tick.max(target);
                return None;
            };
            self.tick = bucket.start;
            let id = self.first_in(&bucket)?;
            if bucket.level == 0 {
                self.cancel(id);
                return Some(id);
            }
            self.spread(&bucket);
        }
    }

    /// When to call [`Self::pop_expired`]; at times earlier than the next timer is due, as far timers are held coarsely.
    /// Later than `now` once `pop_expired(now)` returned `None`.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let bucket = self.next_bucket()?;
        Some(Instant::from_micros(bucket.start.saturating_mul(Self::TICK_US)))
    }

    /// What the timer of `id` is set to; `None` when it is not set.
    #[must_use]
    pub fn deadline(&self, id: u32) -> Option<Instant> {
        let slot = self.slots.get(id as usize)?;
        (slot.place != Place::NONE).then_some(slot.at)
    }

    /// Moves the timers of a bucket to lower levels, in order. The present is the start of its span.
    fn spread(&mut self, bucket: &Bucket) {
        while let Some(id) = self.first_in(bucket) {
            let at = self.deadline(id).unwrap_or_default();
            self.cancel(id);
            self.link(id, at);
        }
    }

    /// Appends a timer that is in no bucket to the bucket of its deadline.
    fn link(&mut self, id: u32, at: Instant) {
        let place = self.place_of(at);
        let own = OptionSlot::some(id);
        let (level, bucket) = place.level_and_bucket();
        let mut previous = OptionSlot::NONE;
        if let Some(first) = self.first.get_mut(level).and_then(|buckets| buckets.get_mut(bucket)) {
            previous = own;
            if first.is_none() {
                *first = own;
            }
            let first = *first;
            if let Some(occupied) = self.occupied.get_mut(level) {
                *occupied |= 1 << bucket;
            }
            if first != own {
                if let Some(first) = self.slot_mut(first) {
                    previous = core::mem::replace(&mut first.previous, own);
                }
                if let Some(last) = self.slot_mut(previous) {
                    last.next = own;
                }
            }
        }
        if let Some(slot) = self.slots.get_mut(id as usize) {
            *slot = WheelSlot { at, next: OptionSlot::NONE, previous, place };
        }
    }

    fn place_of(&self, at: Instant) -> Place {
        let tick = at.as_micros().div_ceil(Self::TICK_US);
        if tick >= TICKS_END {
            return Place::NEVER;
        }
        let tick = tick.max(self.tick);
        let level = (tick ^ self.tick).checked_ilog2().unwrap_or(0) / LEVEL_BITS;
        let bucket = (tick >> (level * LEVEL_BITS)) % u64::from(BUCKETS);
        match (u8::try_from(level), u8::try_from(bucket)) {
            (Ok(level), Ok(bucket)) => Place::new(level, bucket),
            (Err(_), _) | (_, Err(_)) => Place::NEVER,
        }
    }

    /// The first bucket that is not empty. Those before the present are, and lower levels lie wholly before higher ones.
    fn next_bucket(&self) -> Option<Bucket> {
        (0..LEVELS).zip(self.occupied).find_map(|(level, occupied)| {
            let shift = u32::from(level) * LEVEL_BITS;
            let index = occupied.trailing_zeros();
            if index >= u32::from(BUCKETS) {
                return None;
            }
            let span_start = (self.tick >> shift >> LEVEL_BITS) << LEVEL_BITS;
            let start = (span_start | u64::from(index)) << shift;
            Some(Bucket { level, index: u8::try_from(index).ok()?, start })
        })
    }

    fn first_in(&self, bucket: &Bucket) -> Option<u32> {
        self.first.get(usize::from(bucket.level))?.get(usize::from(bucket.index))?.get()
    }

    fn slot_mut(&mut self, slot: OptionSlot) -> Option<&mut WheelSlot> {
        self.slots.get_mut(slot.get()? as usize)
    }
}

#[cfg(test)]
mod tests;
