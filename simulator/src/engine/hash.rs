//! One number over everything that happened, in its order.

/// A running hash of 64 bits: FNV-1a over words of 8 bytes instead of bytes, which is as good a witness and costs an eighth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventHash(u64);

impl EventHash {
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) const fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(Self::PRIME);
        // A multiplication carries upward only.
        self.0 = mixed ^ (mixed >> 47);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(0, |last, &byte| (last << 8) | u64::from(byte));
        self.word(last ^ (bytes.len() as u64) << 56);
    }

    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::EventHash;

    fn of(parts: &[&[u8]]) -> u64 {
        let mut hash = EventHash::new();
        parts.iter().for_each(|part| hash.bytes(part));
        hash.value()
    }

    #[test]
    fn order_length_and_every_byte_count() {
        assert_eq!(of(&[b"abc"]), of(&[b"abc"]));
        assert_ne!(of(&[b"abc", b"d"]), of(&[b"d", b"abc"]));
        assert_ne!(of(&[b"abc"]), of(&[b"\0abc"]));
        assert_ne!(of(&[b"12345678a"]), of(&[b"12345678b"]));
        assert_ne!(of(&[b"02345678a"]), of(&[b"12345678a"]));
    }
}
