//! Problems from files: TOML, CSV tables, OR-Library instances, and what a simulation says of peers.

mod build;
mod contribution;
mod error;
mod load;
mod locate;
mod made;
mod or_library;
mod origin;
mod rows;
mod tables;
#[cfg(test)]
mod tests;

pub use contribution::{Contribution, read_contribution};
pub use error::{InputError, Place};
pub use load::{load, load_tables, parse};
pub use made::{MadeTables, made_tables};
pub use or_library::{Capacities, load_or_library, parse_or_library};
