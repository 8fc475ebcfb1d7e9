//! What the streams are made of: MPEG-TS packets, frames cut from them, what plain players read, and the demo's film.
//!
//! - [`packet`]: one packet of 188 bytes; [`psi`]: the tables that name the streams.
//! - [`cut`]: from packets to frames.
//! - [`looped`]: a file sent again and again as one endless stream; `adts` tells it how long the sound lasts.
//! - [`hls`]: the live window of HLS segments.
//! - [`clip`]: the film.

mod adts;
pub mod clip;
pub mod cut;
pub mod hls;
pub mod looped;
pub mod packet;
pub mod psi;
