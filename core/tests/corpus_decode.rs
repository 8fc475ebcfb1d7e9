//! The corpus of the fuzz target `decode`, replayed without a fuzzer.

#[expect(unreachable_pub, reason = "public for the fuzz target that shares the file")]
#[path = "../../fuzz/src/decode.rs"]
mod decode;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_decode_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/decode");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        // A failure names its file: the output of a failed test is shown.
        println!("{}", path.display());
        decode::check(&bytes);
        for cut in 0..bytes.len().min(64) {
            decode::check(&bytes[..cut]);
        }
        files += 1;
    }
    assert!(files >= 29, "a file for every kind of message and datagram, {files} found");
}
