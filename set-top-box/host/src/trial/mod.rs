//! What `cargo xtask stb test` tries with boxes in QEMU.

mod boot;
mod network;
mod run;
mod settings;

pub(crate) use run::{Trial, run};
