//! Where frames go: a decoder, its stand-in, or whatever plays them.

use core::task::{Context, Poll};
use core::time::Duration;

use livesky_core::media::{ChannelSettings, FrameId, FrameInfo, fragment_count, fragment_len_at};
use livesky_core::store::{FragmentRef, FrameStore, StoreKey};

/// A frame that is due, its bytes where they lie in the frame store.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'s, S> {
    /// Run of the channel: frames of another run do not continue these.
    pub epoch: u16,
    /// Number, times, length, whether decoding can start here.
    pub info: FrameInfo,
    pub(crate) key: StoreKey,
    pub(crate) fragments: u16,
    pub(crate) fragment_len: u16,
    pub(crate) store: &'s S,
}

impl<'s, S: FrameStore> Frame<'s, S> {
    /// A frame whose bytes lie in `store` under `key`, in fragments of `fragment_len`: for tests of a decoder. `None` when it has no valid
    /// number of fragments.
    #[must_use]
    pub fn new(epoch: u16, info: FrameInfo, key: StoreKey, fragment_len: u16, store: &'s S) -> Option<Self> {
        let fragments = fragment_count(info.len, fragment_len)?;
        Some(Self { epoch, info, key, fragments, fragment_len, store })
    }

    /// Presentation time in 90 kHz ticks, modulo 2^33 (ISO/IEC 13818-1, clause 2.4.3.7).
    #[must_use]
    pub const fn pts_ticks(&self) -> u64 {
        self.info.dts.ticks().wrapping_add(self.info.pts_offset_ticks as u64) & ((1 << 33) - 1)
    }

    /// The bytes, in order, piece by piece: MPEG-TS packets, whole unless the channel's fragments are of an odd length. A piece that is
    /// gone from the store ends the frame early: compare [`Self::info`]'s `len`.
    pub fn pieces(&self) -> impl Iterator<Item = &'s [u8]> + use<'s, S> {
        let Self { info, key, fragments, fragment_len, store, .. } = *self;
        let piece = move |index| {
            store.read(FragmentRef { key, index, len: fragment_len_at(info.len, fragment_len, index) })
        };
        (0..fragments).map_while(piece)
    }

    /// Copies the bytes to `out`: how many; `None` when there is no room for all, or the frame is gone.
    pub fn copy_to(&self, out: &mut [u8]) -> Option<usize> {
        let mut len = 0_usize;
        for piece in self.pieces() {
            let end = len.checked_add(piece.len())?;
            out.get_mut(len..end)?.copy_from_slice(piece);
            len = end;
        }
        (u32::try_from(len) == Ok(self.info.len)).then_some(len)
    }
}

/// Why a decoder drops what it holds and waits for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Another channel, another run of it, or playback began anew: what comes does not continue what came.
    Begun,
    /// Frames were passed over because they did not come in time.
    Skipped {
        /// The first of them.
        from: FrameId,
        /// The one that comes next.
        to: FrameId,
    },
    /// A frame was lost between the client and the decoder: the decoder was busy for longer than frames are kept.
    Late {
        /// The frame.
        frame: FrameId,
    },
}

/// Takes frames when they are due. It paces the client: while it is not ready nothing is handed over, and playout waits.
pub trait Decoder {
    /// Whether one more call of the others can be taken. Pending: not now, and the task is woken when it can.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// A channel was joined: what stands before the first frame (PAT and PMT), and how it is sent. [`Self::on_flush`] follows where
    /// playback does not go on.
    fn on_joined(&mut self, init: &[u8], settings: &ChannelSettings);

    /// A frame is due.
    fn on_frame<S: FrameStore>(&mut self, frame: &Frame<'_, S>);

    /// What comes does not follow what came: drop what is held, show what was shown last, go on at the next key frame.
    fn on_flush(&mut self, why: Flush);

    /// There is nothing to play.
    fn on_stalled(&mut self) {}

    /// Playback goes on, `after` a stall of this length.
    fn on_resumed(&mut self, after: Duration) {
        let _ = after;
    }

    /// The first picture, `after` this time since the channel was asked for.
    fn on_started(&mut self, after: Duration) {
        let _ = after;
    }
}
