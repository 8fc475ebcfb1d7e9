//! `/NAME/index.m3u8` and its segments: a pump per stream keeps its window.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_lite::stream;
use livesky_std::{FrameLogReader, LogEntry, Runtime, Smol};

use super::reply::{fresh, refusal};
use super::router::unknown_stream;
use super::site::{Site, Start};
use super::stop::Stopped;
use super::window::Window;

/// How often new streams are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How long a player that comes before the first segment is kept waiting: most do not ask again.
const FIRST_SEGMENT: Duration = Duration::from_secs(8);

/// The windows of all streams.
pub(super) struct Playlists {
    site: Arc<Site>,
    stopped: Stopped,
    windows: Mutex<BTreeMap<String, Arc<Mutex<Window>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Playlists {
    pub(super) fn new(site: Arc<Site>, stopped: Stopped) -> Arc<Self> {
        Arc::new(Self { site, stopped, windows: Mutex::default() })
    }

    /// Starts a pump for every stream that appears, so that its window is there when a player comes.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            for path in self.site.paths() {
                let _window = self.window(&path);
            }
            Smol::sleep_until(Smol::now() + LOOK).await;
        }
    }

    fn window(self: &Arc<Self>, path: &str) -> Option<Arc<Mutex<Window>>> {
        let mut windows = lock(&self.windows);
        if let Some(window) = windows.get(path) {
            return Some(Arc::clone(window));
        }
        let frames = self.site.source(path)?.frames(path, Start::Oldest)?;
        let window = Arc::new(Mutex::new(Window::default()));
        windows.insert(path.to_owned(), Arc::clone(&window));
        smol::spawn(Arc::clone(self).pump(path.to_owned(), frames, Arc::clone(&window))).detach();
        Some(window)
    }

    /// Fills a window until the stream ends; a stream that begins anew gets a new one.
    async fn pump(self: Arc<Self>, path: String, mut frames: FrameLogReader, window: Arc<Mutex<Window>>) {
        let pumping = async {
            while let Some(entry) = frames.next().await {
                let init = frames.init();
                let mut window = lock(&window);
                match entry {
                    LogEntry::Frame(frame) => window.push(&frame, &init),
                    LogEntry::Missed(_) => window.on_missed(),
                }
            }
        };
        smol::future::or(pumping, self.stopped.wait()).await;
        lock(&self.windows).remove(&path);
    }

    /// The playlist of the stream at `path`.
    pub(super) async fn playlist(self: &Arc<Self>, path: &str) -> Response {
        let Some(window) = self.window(path) else { return unknown_stream(path) };
        let deadline = Smol::now() + FIRST_SEGMENT;
        loop {
            if let Some(text) = lock(&window).playlist() {
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
        let Some(source) = self.site.source(path) else { return unknown_stream(path) };
        let segment = self.window(path).and_then(|window| lock(&window).segment(sequence));
        let Some(segment) = segment else {
            let error = format!("segment {sequence} of {path} is not held: see its index.m3u8");
            return refusal(StatusCode::NOT_FOUND, &error);
        };
        let len: usize = segment.parts.iter().map(|part| part.len()).sum();
        let meter = source.meter(path);
        let parts = segment.parts.clone().into_iter().filter(|part| !part.is_empty()).map(move |part| {
            meter.on_sent(part.len());
            Ok::<_, Infallible>(part)
        });
        let mut response = fresh("video/mp2t", Body::from_stream(stream::iter(parts)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        response
    }
}
