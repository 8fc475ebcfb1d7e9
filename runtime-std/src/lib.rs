//! Drives the LiveSky core on async runtimes.
//!
//! Nothing here spawns: what does I/O comes as a handle, which talks to the machine through a bounded channel, and a future
//! that the program runs where it likes. Dropping the handle ends the future.
//!
//! - [`runtime`]: what a runtime offers; backends are the types [`Smol`], [`Tokio`], [`AsyncStd`], a feature each.
//! - [`udp`], [`impair`]: sockets with many datagrams a call, and a bad network on request.
//! - [`store`], [`log`]: frames as shared bytes, and the last frames of a channel for any number of readers.
//! - [`driver`]: the loop around any datagram machine.

#[cfg(feature = "async-std")]
pub mod async_std;
mod batch;
pub mod driver;
pub mod impair;
pub mod log;
#[cfg(any(feature = "smol", feature = "async-std"))]
mod reactor;
pub mod runtime;
#[cfg(feature = "smol")]
pub mod smol;
pub mod store;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod udp;

#[cfg(feature = "async-std")]
pub use crate::async_std::AsyncStd;
pub use crate::driver::{Driver, DriverStats, Machine, Owner};
pub use crate::impair::{Impairment, Pipe, PipeStats};
pub use crate::log::{FrameLog, FrameLogReader, LogEntry, LoggedFrame};
pub use crate::runtime::Runtime;
#[cfg(feature = "smol")]
pub use crate::smol::Smol;
pub use crate::store::SharedStore;
#[cfg(feature = "tokio")]
pub use crate::tokio::Tokio;
pub use crate::udp::{Udp, UdpOptions, UdpStats};
