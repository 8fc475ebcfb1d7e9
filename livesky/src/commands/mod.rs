//! What the program does, one file each; [`run`] finds the one the command line names.

mod demo;
mod dispatch;
mod edge;
mod plan;
mod plan_figures;
mod publish;
mod simulate;
mod watch;

pub use dispatch::run;
