//! Drives the LiveSky core on async runtimes.
//!
//! Nothing here spawns: what does I/O comes as a handle, which talks to the machine through a bounded channel, and a future
//! that the program runs where it likes. Dropping the handle ends the future.
//!
//! - [`runtime`]: what a runtime offers; backends are the types [`Smol`], [`Tokio`], [`AsyncStd`], a feature each.
//! - [`udp`], [`impair`]: sockets with many datagrams a call, and a bad network on request.
//! - [`store`], [`log`]: frames as shared bytes, and the last frames of a channel for any number of readers.
//! - [`driver`]: the loop around any datagram machine.
//! - [`edge`], [`viewer`], [`publisher`]: the three roles; [`snapshot`]: what an edge lets others see.

#[cfg(feature = "async-std")]
pub mod async_std;
mod batch;
mod channels;
mod command;
pub mod driver;
pub mod edge;
pub mod entropy;
mod gate;
pub mod impair;
mod intake;
pub mod log;
pub mod publisher;
#[cfg(any(feature = "smol", feature = "async-std"))]
mod reactor;
pub mod runtime;
#[cfg(feature = "smol")]
pub mod smol;
pub mod snapshot;
pub mod store;
mod stream;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod udp;
pub mod viewer;

#[cfg(feature = "async-std")]
pub use crate::async_std::AsyncStd;
pub use crate::driver::{Driver, DriverStats, Machine, Owner, Turn};
pub use crate::edge::{EdgeEnded, EdgeHandle, EdgeOptions, SecondPort};
pub use crate::impair::{Impairment, Pipe, PipeStats};
pub use crate::log::{FrameLog, FrameLogReader, LogEntry, LoggedFrame};
pub use crate::publisher::{
    PublishedFrame, Publisher, PublisherOptions, PublisherState, PublisherStatus, publish,
};
pub use crate::runtime::Runtime;
#[cfg(feature = "smol")]
pub use crate::smol::Smol;
pub use crate::snapshot::{ChannelSnapshot, ClientSnapshot, EdgeSnapshot};
pub use crate::store::SharedStore;
#[cfg(feature = "tokio")]
pub use crate::tokio::Tokio;
pub use crate::udp::{Udp, UdpOptions, UdpStats};
pub use crate::viewer::{ViewerEnded, ViewerHandle, ViewerOptions, ViewerStatus, join};
