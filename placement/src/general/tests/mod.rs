//! The general solver against brute force, and what it says when it must stop or cannot.

mod brute;
mod cases;
mod instances;
mod properties;
