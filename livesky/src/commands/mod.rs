//! What the program does, one file each; [`run`] finds the one the command line names.

mod dispatch;
mod edge;

pub use dispatch::run;
