//! What `cargo xtask stb test` tries with boxes in QEMU.

mod boot;
mod faults;
mod long;
mod network;
mod run;
mod settings;
mod station;
mod watching;

pub(crate) use run::{Trial, run};
