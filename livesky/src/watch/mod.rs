//! Watching a channel.
//!
//! - [`patience`]: when to go on and when to give up.
//! - [`feeding`], [`way`], [`fallback`]: HTTP from the edge while UDP is blocked.
//! - [`output`]: the stream into a file or a pipe.
//! - [`report`]: the status line and its JSON.

pub mod fallback;
pub mod feeding;
pub mod output;
pub mod patience;
pub mod report;
pub mod way;
