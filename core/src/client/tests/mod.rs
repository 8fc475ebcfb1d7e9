//! The client alone.

mod sizes;
