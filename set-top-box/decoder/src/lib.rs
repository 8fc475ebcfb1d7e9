//! What stands where a set-top box has its decoder. It shows nothing and hides nothing: every MPEG-TS packet's continuity counter and
//! every frame's decode time is checked, and what a viewer would have seen of stalls and skips is counted.
//!
//! A vendor puts a driver of the decoder chip in its place: [`Decoder`](livesky_embedded::Decoder) is the seam.
#![no_std]

mod continuity;
mod stand_in;

#[cfg(test)]
extern crate std;

pub use continuity::{Continuity, PACKET_LEN};
pub use stand_in::{Counters, NoOutput, Output, StandIn};
