//! Which frames of a channel are held, and how much of each.

use super::StoreKey;
use super::assembly::{Assemblies, Assembly};
use super::frame_slot::{FrameEntry, FrameSlot, FrameState};
use super::place_bits::{PlaceBits, set_complete, set_gap};
use crate::limits::FRAGMENTS_MAX;
use crate::media::{FrameId, FrameInfo};

/// A frame cannot be held: evict first ([`FrameIndex::floor_for`]), or it is held already or not of 1 to [`FRAGMENTS_MAX`]
/// fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IndexFull;

/// What a fragment was to its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Marked {
    /// It was missing, and others still are.
    New,
    /// It was there already.
    Duplicate,
    /// It was the last one missing.
    Completed,
    /// The frame is not held, or has no such fragment.
    Unknown,
}

/// The frames of one channel that are held, complete or being assembled: a ring in which a frame's place is its id modulo the
/// number of slots. So all ids held lie within a window of that many.
///
/// Looking up, beginning, marking and removing a frame take constant time. The newest, the oldest and key frames are
/// found by bitmaps, 32 places a step; mostly that is one step.
#[derive(Debug)]
pub struct FrameIndex<'a> {
    slots: &'a mut [FrameSlot],
    assemblies: Assemblies<'a>,
    /// No held id is lower; there may be none this low.
    low: FrameId,
    /// No held id is higher; there may be none this high.
    high: FrameId,
    held: u32,
}

impl<'a> FrameIndex<'a> {
    /// An empty index of at most 2^31 frames; the lent slots are cleared. At most `assemblies.len()` frames are being
    /// assembled at a time; who inserts complete frames only lends none.
    #[must_use]
    pub fn new(slots: &'a mut [FrameSlot], assemblies: &'a mut [Assembly]) -> Self {
        slots.fill(FrameSlot::EMPTY);
        let assemblies = Assemblies::new(assemblies);
        Self { slots, assemblies, low: FrameId(0), high: FrameId(0), held: 0 }
    }

    /// Starts to assemble a frame of `count` fragments whose bytes go to `key`.
    ///
    /// # Errors
    /// [`IndexFull`]; no assembly may be free, too ([`Self::oldest_held`] names the frame to give up).
    pub fn begin(&mut self, info: FrameInfo, count: u16, key: StoreKey) -> Result<(), IndexFull> {
        self.check(info.id, count)?;
        let assembly = self.assemblies.take(info.id).ok_or(IndexFull)?;
        self.hold(&info, count, key, assembly);
        Ok(())
    }

    /// Takes in a complete frame of `count` fragments whose bytes are at `key`.
    ///
    /// # Errors
    /// [`IndexFull`].
    pub fn insert_complete(&mut self, info: FrameInfo, key: StoreKey, count: u16) -> Result<(), IndexFull> {
        self.check(info.id, count)?;
        self.hold(&info, count, key, 0);
        if let Some(place) = self.place(info.id) {
            set_complete(self.slots, place, info.key);
        }
        Ok(())
    }

    /// Notes that a fragment came.
    pub fn mark(&mut self, id: FrameId, fragment: u16) -> Marked {
        let Some((place, slot)) = self.find_mut(id) else { return Marked::Unknown };
        let (count, assembly, is_key) = (slot.count, slot.assembly, slot.is_key());
        if fragment >= count {
            return Marked::Unknown;
        }
        match self.assemblies.mark(assembly, fragment) {
            None | Some((false, _)) => Marked::Duplicate,
            Some((true, received)) if received < count => Marked::New,
            Some((true, _)) => {
                self.assemblies.give(assembly);
                if let Some((_, slot)) = self.find_mut(id) {
                    slot.assembly = 0;
                }
                set_complete(self.slots, place, is_key);
                Marked::Completed
            }
        }
    }

    /// Gives up a frame; its bytes are for the caller to release.
    pub fn remove(&mut self, id: FrameId) -> Option<StoreKey> {
        let (place, slot) = self.find_mut(id)?;
        let (key, assembly) = (slot.store_key(), slot.assembly);
        slot.clear();
        self.assemblies.give(assembly);
        set_gap(self.slots, place);
        self.held = self.held.saturating_sub(1);
        if id == self.low {
            self.low = id.next();
        }
        Some(key)
    }

    /// Gives up every frame below `floor`, oldest first. Constant time for each id the floor moves up.
    pub fn evict_below(&mut self, floor: FrameId, release: &mut dyn FnMut(StoreKey)) {
        while self.held > 0 && self.low < floor {
            let id = self.low;
            match self.remove(id) {
                Some(key) => release(key),
                None => self.low = id.next(),
            }
        }
    }

    /// Gives up every frame.
    pub fn clear(&mut self, release: &mut dyn FnMut(StoreKey)) {
        self.evict_below(FrameId(u32::MAX), release);
        if let Some(key) = self.remove(FrameId(u32::MAX)) {
            release(key);
        }
    }

    /// What is known of a frame.
    #[must_use]
    pub fn get(&self, id: FrameId) -> Option<FrameEntry> {
        let slot = self.find(id)?;
        let assembly = self.assemblies.at(slot.assembly);
        let (received, state) = match assembly {
            Some(assembly) => (assembly.received(), FrameState::Assembling),
            None => (slot.count, FrameState::Complete),
        };
        Some(FrameEntry { info: slot.info(), key: slot.store_key(), count: slot.count, received, state })
    }

    /// Whether every fragment of a frame is held.
    #[must_use]
    pub fn is_complete(&self, id: FrameId) -> bool {
        self.find(id).is_some_and(|slot| slot.assembly == 0)
    }

    /// Whether a fragment is held.
    #[must_use]
    pub fn has_fragment(&self, id: FrameId, fragment: u16) -> bool {
        self.find(id).is_some_and(|slot| {
            fragment < slot.count
                && self.assemblies.at(slot.assembly).is_none_or(|assembly| assembly.has(fragment))
        })
    }

    /// Which of the 64 fragments from `first` on are missing of a held frame, bit 0 being `first`
    /// ([`PullItem::wanted`](crate::wire::control::PullItem::wanted)); 0 for a complete frame, `None` when the frame is not held.
    #[must_use]
    pub fn missing(&self, id: FrameId, first: u16) -> Option<u64> {
        let slot = self.find(id)?;
        Some(self.assemblies.at(slot.assembly).map_or(0, |assembly| assembly.missing(slot.count, first)))
    }

    /// The newest complete frame.
    #[must_use]
    pub fn newest(&self) -> Option<FrameId> {
        self.highest_in(PlaceBits::Complete, self.low, self.high)
    }

    /// The oldest complete frame.
    #[must_use]
    pub fn oldest(&self) -> Option<FrameId> {
        self.lowest_in(PlaceBits::Complete, self.low, self.high)
    }

    /// The oldest frame, complete or not. Looks at every assembly.
    #[must_use]
    pub fn oldest_held(&self) -> Option<FrameId> {
        let assembling = self.assemblies.frames().min();
        self.oldest().into_iter().chain(assembling).min()
    }

    /// The newest frame, complete or not. Looks at every assembly.
    #[must_use]
    pub fn newest_held(&self) -> Option<FrameId> {
        let assembling = self.assemblies.frames().max();
        self.newest().into_iter().chain(assembling).max()
    }

    /// The frames being assembled, in no particular order.
    pub fn assembling(&self) -> impl Iterator<Item = FrameId> {
        self.assemblies.frames()
    }

    /// The oldest complete frame from `from` on.
    #[must_use]
    pub fn next_complete(&self, from: FrameId) -> Option<FrameId> {
        self.lowest_in(PlaceBits::Complete, from, self.high)
    }

    /// The last of the complete frames that follow each other without a gap from `from` on; `None` when `from` itself is
    /// not complete.
    #[must_use]
    pub fn run_end(&self, from: FrameId) -> Option<FrameId> {
        if !self.is_complete(from) {
            return None;
        }
        Some(self.lowest_in(PlaceBits::Gaps, from, self.high).map_or(self.high, |gap| gap.minus(1)))
    }

    /// The newest complete key frame.
    #[must_use]
    pub fn newest_key(&self) -> Option<FrameId> {
        self.highest_in(PlaceBits::Keys, self.low, self.high)
    }

    /// The newest complete key frame that is not newer than `id`.
    #[must_use]
    pub fn key_at_or_before(&self, id: FrameId) -> Option<FrameId> {
        self.highest_in(PlaceBits::Keys, self.low, id)
    }

    /// The oldest complete key frame from `from` on.
    #[must_use]
    pub fn oldest_key_from(&self, from: FrameId) -> Option<FrameId> {
        self.lowest_in(PlaceBits::Keys, from, self.high)
    }

    /// The lowest id that can be held together with `id`: with what is below evicted, only frames too far above
    /// `id` keep it out.
    #[must_use]
    pub fn floor_for(&self, id: FrameId) -> FrameId {
        id.minus(self.capacity().saturating_sub(1))
    }

    /// Frames held, complete or not.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.held
    }

    /// Whether no frame is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Frames that fit: the width of the window of ids.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        // Half of the numbers, so that the sum of two places is one.
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX).min(1 << 31)
    }

    /// Whether a frame can be taken in.
    fn check(&mut self, id: FrameId, count: u16) -> Result<(), IndexFull> {
        if self.capacity() == 0 || count == 0 || count > FRAGMENTS_MAX {
            return Err(IndexFull);
        }
        if !self.is_in_window(id) {
            // The bounds are loose after removals in the middle; only here does it matter.
            self.low = self.oldest_held().unwrap_or(id);
            self.high = self.newest_held().unwrap_or(id);
        }
        if self.is_in_window(id) && self.find(id).is_none() { Ok(()) } else { Err(IndexFull) }
    }

    fn is_in_window(&self, id: FrameId) -> bool {
        self.held == 0 || self.high.max(id).since(self.low.min(id)) < self.capacity()
    }

    /// Puts a checked frame in its place.
    fn hold(&mut self, info: &FrameInfo, count: u16, key: StoreKey, assembly: u16) {
        let id = info.id;
        let place = self.place(id);
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place as usize)) else { return };
        slot.hold(info, key, count, assembly);
        (self.low, self.high) = if self.held == 0 { (id, id) } else { (self.low.min(id), self.high.max(id)) };
        self.held = self.held.saturating_add(1);
    }

    fn place(&self, id: FrameId) -> Option<u32> {
        id.0.checked_rem(self.capacity())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn find(&self, id: FrameId) -> Option<&FrameSlot> {
        self.slots.get(self.place(id)? as usize).filter(|slot| slot.is_holding(id))
    }

    fn find_mut(&mut self, id: FrameId) -> Option<(u32, &mut FrameSlot)> {
        let place = self.place(id)?;
        let slot = self.slots.get_mut(place as usize).filter(|slot| slot.is_holding(id))?;
        Some((place, slot))
    }

    /// The places of the ids `from..=to` within the bounds: one run of places, or two where the ring wraps.
    fn runs(&self, from: FrameId, to: FrameId) -> Option<Runs> {
        let (from, to) = (from.max(self.low), to.min(self.high));
        if self.held == 0 || from > to {
            return None;
        }
        let first = self.place(from)?;
        let last = first.saturating_add(to.since(from));
        let end = self.capacity();
        Some(if last < end {
            Runs { from, first, last, wrapped_last: None }
        } else {
            Runs { from, first, last: end - 1, wrapped_last: Some(last - end) }
        })
    }

    fn lowest_in(&self, bits: PlaceBits, from: FrameId, to: FrameId) -> Option<FrameId> {
        let runs = self.runs(from, to)?;
        let straight = bits.lowest(self.slots, runs.first, runs.last);
        let place = straight.or_else(|| bits.lowest(self.slots, 0, runs.wrapped_last?))?;
        Some(runs.id_at(place, self.capacity()))
    }

    fn highest_in(&self, bits: PlaceBits, from: FrameId, to: FrameId) -> Option<FrameId> {
        let runs = self.runs(from, to)?;
        let wrapped = runs.wrapped_last.and_then(|last| bits.highest(self.slots, 0, last));
        let place = wrapped.or_else(|| bits.highest(self.slots, runs.first, runs.last))?;
        Some(runs.id_at(place, self.capacity()))
    }
}

/// Places of consecutive ids.
struct Runs {
    from: FrameId,
    /// Place of `from`.
    first: u32,
    last: u32,
    /// Where the ring wraps: the places from 0 to here follow.
    wrapped_last: Option<u32>,
}

impl Runs {
    fn id_at(&self, place: u32, capacity: u32) -> FrameId {
        let steps = if place >= self.first {
            place - self.first
        } else {
            capacity.saturating_sub(self.first).saturating_add(place)
        };
        self.from.plus(steps)
    }
}

#[cfg(test)]
mod tests;
