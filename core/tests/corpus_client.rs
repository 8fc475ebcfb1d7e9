//! The corpus of the fuzz target `client`, replayed without a fuzzer.

#[expect(unreachable_pub, reason = "public for the fuzz target that shares the file")]
#[path = "../../fuzz/src/bytes.rs"]
mod bytes;
#[expect(
    unreachable_pub,
    clippy::cast_possible_truncation,
    reason = "public for the fuzz target that shares the file; its numbers are small"
)]
#[path = "../../fuzz/src/client.rs"]
mod client;
#[expect(unreachable_pub, reason = "public for the fuzz target that shares the file")]
#[path = "../../fuzz/src/client_memory.rs"]
mod client_memory;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_client_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/client");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A failure names its file: the output of a failed test is shown.
        println!("{}", path.display());
        client::check(&fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files >= 8, "{files} found");
}
