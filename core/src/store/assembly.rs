//! Which fragments came of the frames that are not complete.

use crate::limits::FRAGMENTS_MAX;
use crate::media::FrameId;

const WORDS: usize = FRAGMENTS_MAX as usize / 64;

/// The fragments of one frame being assembled: 136 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Assembly {
    /// Bit f % 64 of word f / 64: fragment f came.
    came: [u64; WORDS],
    id: FrameId,
    received: u16,
    /// Free: 1 + the next free one, 0 at the end. In use: [`Assembly::IN_USE`].
    state: u16,
}

impl Assembly {
    /// Not in use; all zero bits.
    pub const EMPTY: Self = Self { came: [0; WORDS], id: FrameId(0), received: 0, state: 0 };

    const IN_USE: u16 = u16::MAX;

    /// Fragments that came.
    pub(super) const fn received(&self) -> u16 {
        self.received
    }

    /// Whether `fragment` came.
    pub(super) fn has(&self, fragment: u16) -> bool {
        let word = self.came.get(usize::from(fragment / 64)).copied().unwrap_or(0);
        word >> (fragment % 64) & 1 == 1
    }

    /// Notes that `fragment`, one of the frame, came; `false` when it had come before.
    fn mark(&mut self, fragment: u16) -> bool {
        if self.has(fragment) {
            return false;
        }
        let Some(word) = self.came.get_mut(usize::from(fragment / 64)) else { return false };
        *word |= 1 << (fragment % 64);
        self.received = self.received.saturating_add(1);
        true
    }

    /// Which of the 64 fragments from `first` on, of a frame of `count`, did not come: bit 0 is `first`.
    pub(super) fn missing(&self, count: u16, first: u16) -> u64 {
        let word = |index: u16| self.came.get(usize::from(index)).copied().unwrap_or(0);
        let (index, shift) = (first / 64, u32::from(first % 64));
        let low = word(index) >> shift;
        let high = word(index.saturating_add(1)).checked_shl(64 - shift).unwrap_or(0);
        let left = u32::from(count.saturating_sub(first));
        let of_the_frame = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        !(low | high) & of_the_frame
    }
}

/// The assemblies lent to an index. They are numbered from 1; 0 is none.
#[derive(Debug)]
pub(super) struct Assemblies<'a> {
    slots: &'a mut [Assembly],
    /// The one freed last.
    free: u16,
}

impl<'a> Assemblies<'a> {
    pub(super) fn new(slots: &'a mut [Assembly]) -> Self {
        let last = u16::try_from(slots.len()).unwrap_or(u16::MAX).min(Assembly::IN_USE - 1);
        for (slot, number) in slots.iter_mut().zip(1..=last) {
            *slot = Assembly { state: if number == last { 0 } else { number + 1 }, ..Assembly::EMPTY };
        }
        Self { slots, free: u16::from(last > 0) }
    }

    /// Takes a free assembly for frame `id`.
    pub(super) fn take(&mut self, id: FrameId) -> Option<u16> {
        let number = self.free;
        let slot = self.at_mut(number)?;
        let next = slot.state;
        *slot = Assembly { id, state: Assembly::IN_USE, ..Assembly::EMPTY };
        self.free = next;
        Some(number)
    }

    /// Gives an assembly back.
    pub(super) fn give(&mut self, number: u16) {
        let free = self.free;
        if let Some(slot) = self.at_mut(number) {
            slot.state = free;
            self.free = number;
        }
    }

    /// Notes a fragment; `None` when there is no such assembly, else whether it had not come before, and how many came.
    pub(super) fn mark(&mut self, number: u16, fragment: u16) -> Option<(bool, u16)> {
        let slot = self.at_mut(number)?;
        let is_new = slot.mark(fragment);
        Some((is_new, slot.received))
    }

    pub(super) fn at(&self, number: u16) -> Option<&Assembly> {
        self.slots.get(usize::from(number.checked_sub(1)?))
    }

    /// The frames being assembled, in no particular order.
    pub(super) fn frames(&self) -> impl Iterator<Item = FrameId> {
        self.slots.iter().filter(|slot| slot.state == Assembly::IN_USE).map(|slot| slot.id)
    }

    fn at_mut(&mut self, number: u16) -> Option<&mut Assembly> {
        self.slots.get_mut(usize::from(number.checked_sub(1)?))
    }
}
