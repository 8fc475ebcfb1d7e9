//! What a supervisor sees of a viewer, and the watchdog it feeds.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::station::Trouble;

/// One word for a supervisor: another core, an interrupt, a page of shared memory. Written by the loop, read by anybody.
///
/// Bits from the lowest: 0 link, 1 address, 2 edge known, 3 joined, 4 playing, 5 stalled, 6 fed by peers, 7 feeds peers; 8 to 15 the trouble
/// ([`Trouble`]'s number, 0: none); 16 to 31 count the seconds the loop has lived through, modulo 65,536: a word that stays the same for
/// more than two seconds is a loop that stands.
#[derive(Debug, Default)]
pub struct Health(AtomicU32);

impl Health {
    /// All zero: nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// The word.
    #[must_use]
    pub fn word(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// What it says.
    #[must_use]
    pub fn read(&self) -> HealthWord {
        HealthWord::from_word(self.word())
    }

    pub(crate) fn write(&self, health: &HealthWord) {
        self.0.store(health.to_word(), Ordering::Relaxed);
    }
}

/// What the word says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HealthWord {
    /// The network interface has a carrier.
    pub has_link: bool,
    /// It has an address.
    pub has_address: bool,
    /// The edge's address is known.
    pub has_edge: bool,
    /// An edge let the viewer in.
    pub is_joined: bool,
    /// Frames are played.
    pub is_playing: bool,
    /// The picture stands.
    pub is_stalled: bool,
    /// Peers feed at least one substream.
    pub is_fed_by_peers: bool,
    /// At least one peer is fed.
    pub feeds_peers: bool,
    /// What is wrong.
    pub trouble: Option<Trouble>,
    /// Seconds the loop has lived through.
    pub beats: u16,
}

impl HealthWord {
    /// Reads a word.
    #[must_use]
    pub fn from_word(word: u32) -> Self {
        let bit = |at: u32| word >> at & 1 == 1;
        let [_, trouble, low, high] = word.to_le_bytes();
        Self {
            has_link: bit(0),
            has_address: bit(1),
            has_edge: bit(2),
            is_joined: bit(3),
            is_playing: bit(4),
            is_stalled: bit(5),
            is_fed_by_peers: bit(6),
            feeds_peers: bit(7),
            trouble: Trouble::from_number(trouble),
            beats: u16::from_le_bytes([low, high]),
        }
    }

    /// The word.
    #[must_use]
    pub fn to_word(self) -> u32 {
        let bits = [
            self.has_link,
            self.has_address,
            self.has_edge,
            self.is_joined,
            self.is_playing,
            self.is_stalled,
            self.is_fed_by_peers,
            self.feeds_peers,
        ];
        let flags = bits.iter().rev().fold(0_u8, |flags, &bit| flags << 1 | u8::from(bit));
        let [low, high] = self.beats.to_le_bytes();
        u32::from_le_bytes([flags, self.trouble.map_or(0, Trouble::number), low, high])
    }
}

/// A watchdog timer. It is fed once a second by a loop that runs, receives its deadlines in time and can hand over frames.
pub trait Watchdog {
    /// Puts off the reset.
    fn feed(&mut self);
}

/// For boards without one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatchdog;

impl Watchdog for NoWatchdog {
    fn feed(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_was_written() {
        let all = HealthWord {
            has_link: true,
            has_address: true,
            has_edge: true,
            is_joined: true,
            is_playing: true,
            is_stalled: true,
            is_fed_by_peers: true,
            feeds_peers: true,
            trouble: Some(Trouble::EdgeSilent),
            beats: 0xabcd,
        };
        assert_eq!(all.to_word(), 0xabcd_00ff | u32::from(Trouble::EdgeSilent.number()) << 8);
        let some = HealthWord { has_link: true, is_playing: true, beats: 1, ..HealthWord::default() };
        assert_eq!(some.to_word(), 0x0001_0011);
        for health in [all, some, HealthWord::default()] {
            assert_eq!(HealthWord::from_word(health.to_word()), health);
            let shared = Health::new();
            shared.write(&health);
            assert_eq!((shared.read(), shared.word()), (health, health.to_word()));
        }
    }
}
