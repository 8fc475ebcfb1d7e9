//! LiveSky, the program: publish a stream, serve it from an edge, watch it and pass it on.
//!
//! - [`cli`], [`address`], [`input`], [`config`], [`scaling`]: what people write.
//! - [`commands`]: one file for each thing the program does.
//! - [`publish`], [`watch`], [`demo`], [`simulate`], [`plan`]: what those are made of.
//! - [`media`]: MPEG-TS; [`http`]: what an edge, a viewer and the demo answer to players, people and scripts.
//! - [`error`], [`failure`], [`signals`]: how a command ends.
//! - [`executor`], [`terminal`], [`columns`], [`ticker`], [`nearest`]: threads, status lines, tables, once a second, what was meant.

pub mod address;
pub mod cli;
pub mod columns;
pub mod commands;
pub mod config;
pub mod demo;
pub mod error;
pub mod executor;
pub mod failure;
pub mod http;
pub mod input;
pub mod media;
pub mod nearest;
pub mod plan;
pub mod publish;
pub mod scaling;
pub mod signals;
pub mod simulate;
pub mod terminal;
pub mod ticker;
pub mod watch;
