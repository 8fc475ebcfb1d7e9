//! From an input to frames on their way to an edge.
//!
//! - [`source`]: bytes out of files, pipes and sockets.
//! - [`cut`], [`raw`]: bytes into frames: MPEG-TS by its access units, anything else by time.
//! - [`measure`]: a channel's rate and cadence, from its first frames.
//! - [`pace`]: when a frame is due.
//! - [`feed`]: all of it, for as long as the input lasts.
//! - [`report`]: the status line and its JSON.

pub mod cut;
pub mod feed;
pub mod measure;
pub mod pace;
pub mod raw;
pub mod report;
pub mod source;
