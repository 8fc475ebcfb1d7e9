//! The film the demo shows and the tests decode: 30 s, made by `livesky/media/make-clip.sh`.

/// MPEG-TS: H.264 with B-frames at 25 frames/s in closed GOPs of 1 s, and AAC.
pub const CLIP: &[u8] = include_bytes!("../../media/clip.ts");
