//! Watching a channel.
//!
//! - [`patience`]: when to go on and when to give up.
//! - [`output`]: the stream into a file or a pipe.
//! - [`report`]: the status line and its JSON.

pub mod output;
pub mod patience;
pub mod report;
