//! From a publisher over an edge to viewers, by the program itself and over real sockets.

#![expect(clippy::unwrap_used, reason = "a test")]

mod demo;
mod harness;
mod inputs;
mod nat;
mod viewers;
