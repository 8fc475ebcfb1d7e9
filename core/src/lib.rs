//! The LiveSky protocol core.
#![no_std]
