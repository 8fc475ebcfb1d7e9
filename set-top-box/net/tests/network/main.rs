//! Boxes with smoltcp's stack, the one of the firmware, on a running switch, beside plain sockets of Linux.
//! Each test takes a network of its own, and the boxes' ports follow the process's number, so that tests may run side by side.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests measure real time")]

mod fake_box;
mod impairments;
mod services;
mod traffic;
