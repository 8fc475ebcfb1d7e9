//! QEMU's `virt` machine: one Cortex-A53 at EL1, GICv3, virtio over MMIO, semihosting for log and exit status.
//!
//! [`start`] takes the reset and hands a [`Board`] on; [`memory`] maps what lies where; [`faults`] and [`interrupts`] are
//! what the processor calls; [`executor`], [`time`] and [`watchdog`] stand on those; [`net`], [`entropy`] and
//! [`config_flash`] are the devices, the first two over [`mmio`] and [`dma`]; [`exit`] ends it; `recording` (feature `record`) writes what
//! a test wants to see.

mod config_flash;
mod dma;
mod entropy;
mod executor;
mod exit;
mod faults;
mod interrupts;
mod memory;
mod mmio;
mod net;
#[cfg(feature = "record")]
mod recording;
mod start;
mod time;
mod watchdog;

use defmt_semihosting as _;

pub(crate) use entropy::{Seed, SeedSource};
pub(crate) use exit::{Status, exit};
pub(crate) use memory::STATE_BYTES;
pub(crate) use net::{NETWORK_BYTES, Net};
#[cfg(feature = "record")]
pub(crate) use recording::Recording;
pub(crate) use start::Board;
pub(crate) use watchdog::Watchdog;
