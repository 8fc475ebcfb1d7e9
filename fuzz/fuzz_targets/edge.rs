//! Arbitrary calls and datagrams to an edge.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| livesky_fuzz::edge::check(bytes));
