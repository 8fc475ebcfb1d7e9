//! One seed decides everything: every purpose and every host has its own stream, so that one more client does not change
//! what the others draw.

use livesky_core::rng::Rng;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Arrivals and departures.
    Population,
    /// A client's host.
    Host,
    /// What the network does to the datagrams a host sends.
    Network,
    /// Sizes of frames.
    Frames,
    /// Seeds of clients.
    Client,
    /// Seeds of edges.
    Edge,
    /// Who is hit by a fault.
    Fault,
    /// Configuration of a swarm.
    Swarm,
}

/// The stream of `purpose` for the `index`-th of its kind.
pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> Rng {
    let purpose = u64::from(purpose as u8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Rng::from_seed(mix(mix(seed ^ purpose) ^ index))
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Draws that the protocol's generator does not offer.
pub(crate) trait Draw {
    /// A number from 0 to below 1.
    fn unit(&mut self) -> f64;

    /// A number from `low` to `high`.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Whether something of this chance happens.
    fn happens(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.unit() < chance
    }

    /// A place in a row of `len`; 0 when it is empty.
    fn place(&mut self, len: usize) -> usize;
}

impl Draw for Rng {
    fn unit(&mut self) -> f64 {
        f64::from(self.next_u32()) / 4_294_967_296.0
    }

    fn place(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let first = |purpose, index| stream(7, purpose, index).next_u64();
        assert_eq!(first(Purpose::Host, 3), first(Purpose::Host, 3));
        assert_ne!(first(Purpose::Host, 3), first(Purpose::Host, 4));
        assert_ne!(first(Purpose::Host, 3), first(Purpose::Network, 3));
    }

    #[test]
    fn units_fill_the_interval() {
        let mut rng = stream(1, Purpose::Host, 0);
        let mean = (0..10_000).map(|_| rng.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(!rng.happens(0.0) && rng.happens(1.0));
    }
}
