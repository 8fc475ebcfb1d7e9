//! The HTTP server over real sockets: an edge, a publisher, players and scripts on the loopback interface.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api;
mod browser;
mod client;
mod players;
mod program;
mod stage;
