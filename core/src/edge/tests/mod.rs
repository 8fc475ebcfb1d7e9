//! The edge alone, driven by hand-made clients in virtual time.

pub(crate) mod harness;

mod admission;
mod bursts;
mod feeds;
mod liveness;
mod properties;
mod tracker;
