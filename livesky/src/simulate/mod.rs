//! What `simulate` is made of: scenarios by name, seeds, runs on all cores, what is shown meanwhile and in the end.

mod args;
mod files;
mod runs;
mod scenarios;
mod screen;
mod seeds;
mod table;

pub use args::{CompareArgs, Other, PlayArgs, SimulateArgs, SwarmArgs};
pub use files::{check_writable, json, read, write};
pub use runs::run_all;
pub use scenarios::{Named, find, list};
pub use screen::Screen;
pub use seeds::Seeds;
pub use table::{differences, summary, worlds};
