//! LiveSky, the program: publish a stream, serve it from an edge, watch it and pass it on.
//!
//! - [`cli`], [`address`], [`input`], [`config`]: what people write.
//! - [`commands`]: one file for each thing the program does.
//! - [`media`]: MPEG-TS, frames, and the film the demo shows.
//! - [`http`]: what an edge, a viewer and the demo answer to players, people and scripts.
//! - [`failure`], [`signals`]: how a command ends.

pub mod address;
pub mod cli;
pub mod commands;
pub mod config;
pub mod failure;
pub mod http;
pub mod input;
pub mod media;
pub mod signals;
