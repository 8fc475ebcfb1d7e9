//! What the paper shows of its models, done again on stated numbers, and whether it comes out.

mod figures;
mod shape;

pub use figures::paper_problem;
pub use shape::{Claim, Figure, Grid, Point, Reproduction, Series};
