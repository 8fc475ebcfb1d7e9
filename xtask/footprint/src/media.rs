//! Substreams, buffer maps and the playout clock.

use core::hint::black_box;

use livesky_core::Instant;
use livesky_core::limits::FRAGMENT_LEN;
use livesky_core::media::{
    BufferMap, ChannelSettings, FrameId, FrameInfo, Playout, PlayoutBuffer, fragment_count, fragment_len_at,
    write_bits,
};

/// A store that may hold anything.
struct Anything;

impl PlayoutBuffer for Anything {
    fn frame(&self, _: FrameId) -> Option<FrameInfo> {
        black_box(None)
    }

    fn newest_live(&self) -> FrameId {
        black_box(FrameId(0))
    }

    fn next_complete(&self, from: FrameId) -> Option<FrameId> {
        black_box(Some(from))
    }

    fn next_key(&self, from: FrameId) -> Option<FrameId> {
        black_box(Some(from))
    }

    fn newest_key(&self) -> Option<FrameId> {
        black_box(None)
    }

    fn is_incomplete_key(&self, id: FrameId) -> bool {
        black_box(id) == id
    }
}

/// Maps frames, merges what a partner holds, plays.
pub fn weigh() {
    let settings = black_box(ChannelSettings::default());
    let frame = black_box(FrameId(0));
    let mapping = settings.mapping;
    black_box((settings.validate().is_ok(), settings.beat(), settings.all_substreams()));
    black_box(mapping.substream_of(frame, settings.substreams));
    black_box(mapping.next_in(black_box(0), frame, settings.substreams));
    black_box(mapping.previous_in(black_box(0), frame, settings.substreams));
    black_box((
        fragment_count(black_box(0), FRAGMENT_LEN),
        fragment_len_at(black_box(0), FRAGMENT_LEN, black_box(0)),
    ));

    let mut bytes = [0; 64];
    let bits = write_bits(frame, frame, black_box(64), |id| black_box(id) == frame, &mut bytes);
    let mut map = black_box(BufferMap::default());
    black_box(map.merge(&bits));
    map.forget(frame);
    black_box((map.has(frame), map.oldest(), map.newest()));

    let mut playout = Playout::new(&settings);
    playout.start(frame);
    let _ = black_box(playout.poll(black_box(Instant::ZERO), &Anything));
    black_box((playout.deadline_of(frame), playout.playhead(), playout.stats()));
    black_box((playout.lag(&Anything), playout.stalled_time(black_box(Instant::ZERO))));
}
