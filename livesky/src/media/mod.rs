//! What the streams are made of: MPEG-TS packets, frames cut from them, and the film the demo shows.
//!
//! - [`packet`]: one packet of 188 bytes; [`psi`]: the tables that name the streams.
//! - [`cut`]: from packets to frames.
//! - [`clip`]: the film.

pub mod clip;
pub mod cut;
pub mod packet;
pub mod psi;
