//! Arbitrary bytes as a source of choices: what a script does next, and with what.

/// Choices, one or a few bytes each; zeros when the bytes have run out.
pub struct Bytes<'b> {
    rest: &'b [u8],
}

impl<'b> Bytes<'b> {
    /// Choices out of `bytes`.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether none are left.
    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    /// A number below `bound` (of at most 256).
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// True in one of `of` cases.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    /// Four bytes.
    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    /// Up to `len_max` bytes, as many as the next byte says.
    pub fn some(&mut self, len_max: usize) -> &'b [u8] {
        let len = self.below(len_max.min(255) + 1).min(self.rest.len());
        let (some, rest) = self.rest.split_at(len);
        self.rest = rest;
        some
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        let len = N.min(self.rest.len());
        taken[..len].copy_from_slice(&self.rest[..len]);
        self.rest = &self.rest[len..];
        taken
    }
}
