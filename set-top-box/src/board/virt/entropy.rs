//! What one start differs in from every other.

use virtio_drivers::device::rng::VirtIORng;
use virtio_drivers::transport::DeviceType;

use super::dma::Identity;
use super::{mmio, time};

/// Two draws, and what they are worth.
pub(crate) struct Seed {
    /// For what can be seen on the wire: ports, query ids.
    pub(crate) network: u64,
    /// For generators and keys; it does not follow from the other.
    pub(crate) viewer: [u8; 32],
    /// Where they are from.
    pub(crate) source: SeedSource,
}

/// Where a seed is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub(crate) enum SeedSource {
    /// A random number generator: nobody can guess it.
    Device,
    /// The clock's counter and the network address: different each time, but no secret.
    Counter,
}

/// Asks the machine's random number generator (`-device virtio-rng-device`), or does without.
pub(super) fn seed(mac: [u8; 6]) -> Seed {
    let mut bytes = [0; 40];
    if let Some((_, transport)) = mmio::find(DeviceType::EntropySource) {
        let device = VirtIORng::<Identity, _>::new(transport);
        if device.is_ok_and(|mut device| device.request_entropy(&mut bytes) == Ok(bytes.len())) {
            return Seed::new(bytes, SeedSource::Device);
        }
    }
    let mac = mac.into_iter().fold(0, |sum, byte| sum << 8 | u64::from(byte));
    let mut state = time::count() ^ mac << 16;
    for chunk in bytes.chunks_mut(8) {
        // SplitMix64 (Steele, Lea, Flood 2014, figure 16): spreads the few bits that differ.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
    }
    Seed::new(bytes, SeedSource::Counter)
}

impl Seed {
    fn new(bytes: [u8; 40], source: SeedSource) -> Self {
        let mut seed = Self { network: 0, viewer: [0; 32], source };
        if let Some((network, viewer)) = bytes.split_first_chunk() {
            seed.network = u64::from_le_bytes(*network);
            seed.viewer.copy_from_slice(viewer);
        }
        seed
    }
}
