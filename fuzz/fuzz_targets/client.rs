//! Arbitrary calls and datagrams to a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| livesky_fuzz::client::check(bytes));
