//! The LiveSky client on embedded network stacks: `no_std`, no heap, no executor of its own.
//!
//! - [`seam`]: the three methods a UDP socket needs. [`decoder`]: what takes the frames. [`health`]: what a supervisor and a watchdog see.
//! - [`viewer`]: one round of the loop around core's `Client`: receive, deadline, frames, send. It holds no protocol decision.
//! - [`remote`]: orders while it runs: another channel, leave.
//! - [`station`]: what stands before a session and outlives it: an address, the edge's name, an edge that was lost, an address that changed. It
//!   looks at plain data and says what to do.
//! - [`watch`]: viewer and station together, what a network stack's loop calls.
//! - [`resources`]: the memory of it all, as one static.
//! - `embassy` and `bare`: the two network stacks, a feature each.
#![no_std]

mod log;

#[cfg(feature = "smoltcp")]
pub mod bare;
pub mod decoder;
#[cfg(feature = "embassy-net")]
pub mod embassy;
pub mod health;
pub mod remote;
pub mod resources;
pub mod seam;
pub mod station;
pub mod viewer;
pub mod watch;

#[cfg(test)]
extern crate std;

pub use decoder::{Decoder, Flush, Frame};
pub use health::{Health, HealthWord, NoWatchdog, Watchdog};
pub use remote::{NoRemote, Order, Remote};
pub use resources::{ClientMemory, ClientResources};
pub use station::{EdgeName, Station, StationConfig, Trouble};
pub use viewer::{Viewer, ViewerStats};
pub use watch::{Round, Settings, Watch};
