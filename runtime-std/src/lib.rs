//! Drives the LiveSky core on async runtimes.
