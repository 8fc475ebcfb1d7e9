//! The general solver against brute force, and what it says when it must stop or cannot.

mod brute;
mod cases;
#[cfg(feature = "highs")]
mod highs;
mod instances;
mod properties;
