//! A seeded random number generator: same seed, same run.

/// PCG-XSH-RR 64/32 (O'Neill 2014): 16 bytes of state, the same on every target.
///
/// Not for secrets: those come from the entropy the caller supplies.
#[derive(Clone, Debug, Default)]
pub struct Rng {
    state: u64,
}

impl Rng {
    const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
    const INCREMENT: u64 = 1_442_695_040_888_963_407;

    /// A generator whose whole sequence is decided by `seed`.
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        let state = seed.wrapping_add(Self::INCREMENT).wrapping_mul(Self::MULTIPLIER);
        Self { state: state.wrapping_add(Self::INCREMENT) }
    }

    /// The next 32 random bits.
    #[cfg_attr(target_os = "none", inline(never))]
    #[expect(clippy::cast_possible_truncation, reason = "the output permutation keeps 32 bits")]
    pub fn next_u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(Self::MULTIPLIER).wrapping_add(Self::INCREMENT);
        let xorshifted = (((old >> 18) ^ old) >> 27) as u32;
        xorshifted.rotate_right((old >> 59) as u32)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        (u64::from(self.next_u32()) << 32) | u64::from(self.next_u32())
    }

    /// A number in `0..bound`, or 0 when `bound` is 0 (Lemire 2019, without the rejection step: the bias is below
    /// `bound / 2^32`).
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn the_sequence_is_fixed_by_the_seed() {
        let draw = |seed| {
            let mut rng = Rng::from_seed(seed);
            [rng.next_u32(), rng.next_u32(), rng.next_u32()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        // PCG-XSH-RR 64/32, computed apart.
        let [first, second, third] = [0x4be7_88d7, 0xfa6a_c9dc, 0x68ef_91ea];
        assert_eq!(draw(7), [first, second, third]);
        assert_eq!(Rng::from_seed(7).next_u64(), u64::from(first) << 32 | u64::from(second));
    }

    #[test]
    fn draws_below_a_bound_reach_both_ends() {
        let mut rng = Rng::from_seed(1);
        let mut seen = [0_u32; 5];
        for _ in 0..1_000 {
            seen[rng.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 150), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}
