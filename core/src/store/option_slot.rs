//! An optional slot number whose `None` is all zero bits.

/// A slot number or none. Unlike `Option<u32>` it takes 4 bytes and its none is all zero bits, so tables of it live in
/// `.bss`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OptionSlot(u32);

impl OptionSlot {
    /// No slot.
    pub const NONE: Self = Self(0);

    /// The slot `slot`; `u32::MAX` is no slot number and gives none.
    #[must_use]
    pub const fn some(slot: u32) -> Self {
        Self(slot.wrapping_add(1))
    }

    /// The slot number, if any.
    #[must_use]
    pub const fn get(self) -> Option<u32> {
        self.0.checked_sub(1)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}
