//! `/NAME.ts`: an endless MPEG-TS for players.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_lite::{Stream, stream};
use livesky_core::Instant;
use livesky_std::{FrameLogReader, LogEntry, LoggedFrame, Runtime, Smol};

use super::reply::fresh;
use super::router::{App, unknown_stream};
use super::site::{FrameSource, Start};
use super::state::{LegacyMeter, ReaderGuard};
use super::stop::Stopped;

/// Frames are sent together that come within this: few writes, and hardly later.
const BATCH: Duration = Duration::from_millis(100);
/// Frames lent to a connection at a time.
const BATCH_FRAMES_MAX: usize = 64;

/// Answers with a stream's frames as they come.
pub(super) fn live(app: &App, path: &str, start: Start) -> Response {
    let Some(source) = app.site.source(path) else { return unknown_stream(path) };
    let Some(frames) = source.frames(path, start) else { return unknown_stream(path) };
    let meter = source.meter(path);
    let feed = Feed {
        source: Arc::clone(source),
        path: path.to_owned(),
        batch: VecDeque::new(),
        frames,
        is_begun: false,
        batched_at: Instant::ZERO,
        stopped: app.stopped.clone(),
        _reader: meter.enter(),
        meter,
    };
    fresh("video/mp2t", Body::from_stream(feed.into_stream()))
}

/// Frames on their way to one player.
struct Feed {
    source: Arc<dyn FrameSource>,
    path: String,
    frames: FrameLogReader,
    batch: VecDeque<Bytes>,
    /// Whether `init` went out since the last key frame that was begun at.
    is_begun: bool,
    batched_at: Instant,
    stopped: Stopped,
    meter: LegacyMeter,
    _reader: ReaderGuard,
}

/// Bytes that are not copied.
pub(super) fn bytes_of(shared: &Arc<[u8]>) -> Bytes {
    Bytes::from_owner(Arc::clone(shared))
}

impl Feed {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut feed| async move {
            let bytes = feed.next().await?;
            feed.meter.on_sent(bytes.len());
            Some((Ok(bytes), feed))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.batch.pop_front() {
                Some(bytes) if bytes.is_empty() => {}
                Some(bytes) => return Some(bytes),
                None => self.fill().await?,
            }
        }
    }

    /// Waits for frames; `None` at the stream's or the program's end.
    async fn fill(&mut self) -> Option<()> {
        let Self { frames, stopped, batched_at, .. } = self;
        let waiting = async {
            Smol::sleep_until(*batched_at + BATCH).await;
            frames.next().await
        };
        let stopping = async {
            stopped.wait().await;
            None
        };
        let mut entry = smol::future::or(waiting, stopping).await;
        entry.as_ref()?;
        self.batched_at = Smol::now();
        while let Some(next) = entry {
            match next {
                LogEntry::Frame(frame) => self.push(&frame),
                LogEntry::Missed(_) => self.jump()?,
            }
            if self.batch.len() >= BATCH_FRAMES_MAX {
                // More is there: the next batch need not wait.
                self.batched_at = Instant::ZERO;
                break;
            }
            entry = self.frames.try_next();
        }
        Some(())
    }

    /// Goes on at the newest key frame: from the oldest held, a slow player would fall behind again at once.
    fn jump(&mut self) -> Option<()> {
        self.meter.on_jump();
        self.frames = self.source.frames(&self.path, Start::Newest)?;
        self.is_begun = false;
        Some(())
    }

    fn push(&mut self, frame: &LoggedFrame) {
        if !core::mem::replace(&mut self.is_begun, true) {
            self.batch.push_back(bytes_of(&self.frames.init()));
        }
        self.batch.push_back(bytes_of(&frame.bytes));
    }
}
