//! What the fuzz targets do with bytes. Each harness is a file of its own, so that a crate's tests replay its corpus
//! without a fuzzer (`core/tests/corpus_decode.rs`).

pub mod bytes;
pub mod client;
pub mod client_memory;
pub mod decode;
pub mod edge;
