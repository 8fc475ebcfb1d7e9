//! A street of houses on one Ethernet, in virtual time: an edge on a smoltcp stack of its own, and boxes.

pub(crate) mod cable;
pub(crate) mod edge;
pub(crate) mod screen;
