//! Rules of this repository that neither rustc nor clippy knows.
//!
//! `run` walks the tree and prints what breaks a rule. `regions` and `source` prepare Rust files; `sizes`, `modules`,
//! `names`, `unfinished` and `portable` look at one file or at all of them; `packages` reads the manifests.

mod finding;
mod modules;
mod names;
mod packages;
mod portable;
mod regions;
mod run;
mod sizes;
mod source;
mod unfinished;

pub(crate) use run::run;
