//! Arbitrary bytes as a datagram and as a stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| livesky_fuzz::decode::check(bytes));
