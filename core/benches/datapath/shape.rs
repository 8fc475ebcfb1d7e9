//! What a stream looks like: its rate and the sizes of its frames.

use livesky_core::edge::ChannelId;
use livesky_core::media::{ChannelSettings, Dts, FrameId, FrameInfo};
use livesky_core::store::{FrameStore, StoreKey};
use livesky_core::{Endpoint, Instant};

use crate::gauge::{Gauge, Kind};
use crate::pair::TestEdge;

/// Frames of a group of pictures.
const GOP_FRAMES: u32 = 25;

/// A stream of 25 frames a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) rate_bps: u32,
    pub(crate) target_buffer_ms: u32,
    key_len: u32,
    frame_len: u32,
    /// Pages that hold all the frames kept.
    pub(crate) pages: usize,
}

impl Shape {
    /// 400 kbit/s with the paper's buffer of 15 s: about 2 fragments a frame.
    pub(crate) const SLIM: Self =
        Self { rate_bps: 400_000, target_buffer_ms: 15_000, key_len: 9_000, frame_len: 1_700, pages: 4_000 };
    /// 4 Mbit/s with a buffer of 2 s: 16 fragments a frame.
    pub(crate) const BROAD: Self = Self {
        rate_bps: 4_000_000,
        target_buffer_ms: 2_000,
        key_len: 90_000,
        frame_len: 17_000,
        pages: 6_000,
    };

    pub(crate) fn settings(&self) -> ChannelSettings {
        ChannelSettings {
            rate_bps: self.rate_bps,
            target_buffer_ms: self.target_buffer_ms,
            ..ChannelSettings::default()
        }
    }

    /// Frames kept: twice the target buffer and 2 s.
    pub(crate) fn frames(&self) -> usize {
        (2 * self.target_buffer_ms as usize + 2_000) / 40
    }

    /// Publishes a frame; `subscribers` is what it is divided by.
    pub(crate) fn publish(
        &self,
        now: Instant,
        edge: &mut TestEdge,
        channel: ChannelId,
        id: FrameId,
        subscribers: u64,
        gauge: &mut Gauge,
    ) {
        let key = id.0.is_multiple_of(GOP_FRAMES);
        let len = if key { self.key_len } else { self.frame_len };
        let dts = Dts::from_ticks(u64::from(id.0) * 3_600);
        let info = FrameInfo { id, dts, pts_offset_ticks: 0, len, key };
        let place = write_bytes(edge, len);
        gauge.measure(Kind::EdgeFrame, || {
            edge.push_frame(now, channel, info, place).unwrap();
            subscribers
        });
        while edge.poll_event().is_some() {}
    }
}

fn write_bytes(edge: &mut TestEdge, len: u32) -> StoreKey {
    let fragment_len = ChannelSettings::default().fragment_len;
    let store = edge.store_mut();
    let place = store.allocate(len, fragment_len).unwrap();
    let bytes = vec![5; len as usize];
    for (index, chunk) in (0..).zip(bytes.chunks(usize::from(fragment_len))) {
        store.write(place, index, chunk).unwrap();
    }
    store.complete(place);
    place
}
