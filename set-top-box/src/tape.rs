//! The stream as a file of the host's, so that a test can play it.

use livesky_stb_decoder::Output;

use crate::board::Recording;

/// The file; made with the first byte.
#[derive(Default)]
pub(crate) struct Tape(Option<Recording>);

impl Output for Tape {
    fn write(&mut self, bytes: &[u8]) {
        self.0.get_or_insert_with(|| Recording::create(c"seen.ts")).write(bytes);
    }
}
