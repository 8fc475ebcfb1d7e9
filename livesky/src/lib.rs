//! The LiveSky program: publish a stream, serve it from an edge, watch it and pass it on.

pub mod media;
