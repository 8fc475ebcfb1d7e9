//! `/NAME/index.m3u8` and its segments: a pump per stream keeps its window.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use livesky_std::{FrameLogReader, LogEntry, Runtime, Smol};

use crate::executor;
use crate::media::hls::Window;

use super::live::bytes_of;
use super::reply::{fresh, refusal};
use super::router::unknown_stream;
use super::site::{Site, Start};
use super::state::LegacyMeter;
use super::stop::Stopped;

/// How often new streams are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How long a player that comes before the first segment is kept waiting: most do not ask again.
const FIRST_SEGMENT: Duration = Duration::from_secs(8);

/// How long the last segments are held after a stream's end, for players that are behind.
const PARTING: Duration = Duration::from_secs(20);

/// The windows of all streams.
pub(super) struct Playlists {
    site: Arc<Site>,
    stopped: Stopped,
    streams: Mutex<BTreeMap<String, Arc<Windowed>>>,
}

/// A stream's window, and what counts its bytes.
struct Windowed {
    window: Mutex<Window>,
    meter: LegacyMeter,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Playlists {
    pub(super) fn new(site: Arc<Site>, stopped: Stopped) -> Arc<Self> {
        Arc::new(Self { site, stopped, streams: Mutex::default() })
    }

    /// Starts a pump for every stream that appears, so that its window is there when a player comes.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            for path in self.site.paths() {
                let _windowed = self.stream(&path);
            }
            Smol::sleep_until(Smol::now() + LOOK).await;
        }
    }

    fn stream(self: &Arc<Self>, path: &str) -> Option<Arc<Windowed>> {
        let mut streams = lock(&self.streams);
        if let Some(stream) = streams.get(path) {
            return Some(Arc::clone(stream));
        }
        let source = self.site.source(path)?;
        let frames = source.frames(path, Start::Oldest)?;
        let stream = Arc::new(Windowed { window: Mutex::default(), meter: source.meter(path) });
        streams.insert(path.to_owned(), Arc::clone(&stream));
        executor::spawn(Arc::clone(self).pump(path.to_owned(), frames, Arc::clone(&stream))).detach();
        Some(stream)
    }

    /// Fills a window until the stream ends; a stream that begins anew gets a new one.
    async fn pump(self: Arc<Self>, path: String, mut frames: FrameLogReader, stream: Arc<Windowed>) {
        let pumping = async {
            while let Some(entry) = frames.next().await {
                let init = frames.init();
                let mut window = lock(&stream.window);
                match entry {
                    LogEntry::Frame(frame) => window.push(&frame, &init),
                    LogEntry::Missed(_) => window.on_missed(),
                }
            }
            lock(&stream.window).end();
            let deadline = Smol::now() + PARTING;
            while Smol::now() < deadline && !self.is_back(&path) {
                Smol::sleep_until(Smol::now() + LOOK).await;
            }
        };
        smol::future::or(pumping, self.stopped.wait()).await;
        lock(&self.streams).remove(&path);
    }

    /// Whether a stream that ended runs again.
    fn is_back(&self, path: &str) -> bool {
        let frames = self.site.source(path).and_then(|source| source.frames(path, Start::Newest));
        frames.is_some_and(|frames| !frames.is_closed())
    }

    /// The playlist of the stream at `path`.
    pub(super) async fn playlist(self: &Arc<Self>, path: &str) -> Response {
        let Some(stream) = self.stream(path) else { return unknown_stream(path) };
        let deadline = Smol::now() + FIRST_SEGMENT;
        loop {
            if let Some(text) = lock(&stream.window).playlist(|sequence| format!("{sequence}.ts")) {
                let mut response = fresh("application/vnd.apple.mpegurl", text);
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                return response;
            }
            if Smol::now() >= deadline {
                let error = format!("{path} has no segment yet: try again in a few seconds");
                let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &error);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
                return response;
            }
            Smol::sleep_until(Smol::now() + Duration::from_millis(100)).await;
        }
    }

    /// One segment.
    pub(super) fn segment(self: &Arc<Self>, path: &str, sequence: u64) -> Response {
        let Some(stream) = self.stream(path) else { return unknown_stream(path) };
        let segment = lock(&stream.window).segment(sequence);
        let Some(segment) = segment else {
            let error = format!("segment {sequence} of {path} is not held: see its index.m3u8");
            return refusal(StatusCode::NOT_FOUND, &error);
        };
        let len = segment.len_bytes();
        let meter = stream.meter.clone();
        let parts = segment.parts.clone().into_iter().map(move |part| {
            meter.on_sent(part.len());
            Ok::<_, Infallible>(bytes_of(&part))
        });
        let mut response = fresh("video/mp2t", Body::from_stream(futures_lite::stream::iter(parts)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        response
    }
}
