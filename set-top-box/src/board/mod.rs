//! The hardware, and the only place that knows it. For another box, replace what is in here and nothing else.
//!
//! A board takes the reset, sets memory, interrupts and clock up, calls `crate::start` once with a [`Board`], and runs the
//! executor, asleep whenever nobody has work. It offers:
//!
//! | what | contract |
//! |---|---|
//! | [`Board::net`] | an `embassy_net_driver::Driver` for Ethernet that wakes its task by interrupt; rings for bursts of 128 packets or more; reports the link's state |
//! | [`Board::watchdog`] | a [`Watchdog`]: once fed, it ends the run when it is not fed for [`Watchdog::LIMIT`] |
//! | [`Board::seed`] | a [`Seed`]: bytes that differ at each start, and whether nobody can guess them |
//! | [`Board::config`] | the flash region of the config blob, read; anything may stand in it |
//! | [`exit`] | ends the run with a [`Status`]: a reset on a real box, a process's status here |
//! | `Recording` | feature `record`, for tests in QEMU: a file on the computer; no other board needs it |
//! | [`STATE_BYTES`], [`NETWORK_BYTES`] | what its own statics take, for the sum in `resources.rs` |
//!
//! It also links what works by name: embassy's time driver and `__pender`, a `critical-section`, a logger and a timestamp
//! for defmt, and handlers of faults that end in [`exit`]. A stack that overflows must fault, not spill.
//!
//! `virt` is QEMU's machine of that name: Cortex-A53, GICv3, virtio.

#![allow(unsafe_code, reason = "registers and page tables; each block says why it is sound")]

mod virt;

#[cfg(feature = "record")]
pub(crate) use virt::Recording;
pub(crate) use virt::{Board, NETWORK_BYTES, Net, STATE_BYTES, Seed, SeedSource, Status, Watchdog, exit};
