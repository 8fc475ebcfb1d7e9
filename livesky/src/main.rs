//! The LiveSky program.
fn main() {}
