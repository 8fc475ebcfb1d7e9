//! The LiveSky protocol as sans-IO state machines.
//!
//! `no_std`, no heap, no clock, no socket: time and bytes are arguments, memory is lent, the same seed and the same inputs
//! give the same outputs on every target. The folders are the layers, from the bottom:
//!
//! - [`time`], [`rng`], [`limits`]: instants, seeded randomness, the protocol's bounds.
//! - [`nat`]: what NATs do, and which clients can meet through theirs.
//! - [`wire`]: what datagrams and streams look like.
//! - [`store`]: bounded containers over lent slices, and the seam to the bytes of frames.
//! - [`media`]: channels, frames, substreams, buffer maps, playout.
//! - [`scaling`]: how many clients an edge feeds itself: the paper's model and its stages.
//! - [`link`]: one peer: acknowledgement, round trip, loss; token buckets.
//! - [`auth`]: proof of origin behind a seam.
//! - [`relay`]: a channel's way from its publisher to a service node, over streams.
//! - [`client`]: a viewer that also relays.
//! - [`edge`]: lets clients in, feeds them, tells them of each other, and rescues them.
//! - [`endpoint`]: the verbs that drive a datagram machine.
//!
//! Code counts on a box without an operating system: what is small and called from dozens of places stays one function there,
//! `cfg_attr(target_os = "none", inline(never))`. On a computer the compiler repeats it where that is faster.

#![no_std]
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::unreachable)
)]

#[cfg(test)]
extern crate std;
// The harnesses of the fuzz targets name the crate from outside; unit tests use them too.
#[cfg(test)]
extern crate self as livesky_core;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub mod auth;
pub mod client;
pub mod edge;
pub mod endpoint;
pub mod limits;
pub mod link;
pub mod media;
pub mod nat;
pub mod relay;
pub mod rng;
pub mod scaling;
pub mod stats;
pub mod store;
pub mod time;
pub mod wire;

pub use endpoint::{Deadline, Ecn, Endpoint, Path, Reject, Transmit, Why};
pub use time::Instant;
