//! What the paper shows of its models, done again on stated numbers, and whether it comes out.

mod figures;
mod grid;
mod reproduce;
mod shape;
mod switches;

pub use figures::{paper_grid, paper_problem};
pub use reproduce::reproduce;
pub use shape::{Claim, Figure, Grid, Point, Reproduction, Series};
pub use switches::{Switch, switches};
