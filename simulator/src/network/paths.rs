//! Delays between regions.

use super::host::Site;
use crate::scenario::NetworkSpec;

/// One-way delays between regions.
#[derive(Clone, Debug)]
pub(crate) struct Delays {
    regions: usize,
    us: Vec<u32>,
}

impl Delays {
    pub(crate) fn new(network: &NetworkSpec) -> Self {
        let us = network.regions.iter().flat_map(|region| region.delay_ms.iter().map(|&ms| micros(ms)));
        let us: Vec<u32> = us.collect();
        if us.is_empty() {
            Self { regions: 1, us: vec![0] }
        } else {
            Self { regions: network.regions.len(), us }
        }
    }

    /// From one site to another: both hosts' own parts and the way between their regions.
    pub(crate) fn between(&self, from: &Site, to: &Site) -> u64 {
        let place = usize::from(from.region) * self.regions + usize::from(to.region);
        let regions_us = self.us.get(place).copied().unwrap_or(0);
        u64::from(from.access_us) + u64::from(to.access_us) + u64::from(regions_us)
    }
}

/// Milliseconds of a scenario in microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated: 0 to 60,000 ms")]
pub(crate) fn micros(ms: f64) -> u32 {
    (ms * 1_000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RegionSpec;

    #[test]
    fn delays_are_those_of_the_matrix_and_both_hosts() {
        let region = |name: &str, delay_ms: [f64; 2]| RegionSpec {
            name: name.to_owned(),
            share: 0.5,
            delay_ms: delay_ms.to_vec(),
        };
        let regions = vec![region("a", [0.0, 30.0]), region("b", [35.0, 1.0])];
        let delays = Delays::new(&NetworkSpec { regions, ..NetworkSpec::default() });
        let a = Site { region: 0, isp: 0, access_us: 10_000 };
        let b = Site { region: 1, isp: 0, access_us: 5_000 };
        assert_eq!(delays.between(&a, &b), 45_000);
        assert_eq!(delays.between(&b, &a), 50_000);
        assert_eq!(Delays::new(&NetworkSpec::default()).between(&a, &a), 20_000);
    }
}
