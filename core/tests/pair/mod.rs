//! An edge and clients in virtual time: the real machines, joined by a network that delays, loses, doubles and reorders.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its part of the harness")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that panics fails, as it should"
)]

mod nat_box;
mod world;

pub use nat_box::*;
pub use world::*;
