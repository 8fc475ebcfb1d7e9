//! What a host lets the server answer.

use std::sync::Arc;

use livesky_core::media::ChannelName;
use livesky_std::{EdgeHandle, FrameLog, FrameLogReader, ViewerHandle};

use super::state::{LegacyMeter, StateBoard};

/// What runs behind the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An edge.
    Edge,
    /// A viewer that lets players see what it received.
    Viewer,
    /// An edge and a crowd of viewers.
    Demo,
}

impl Role {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Viewer => "viewer",
            Self::Demo => "demo",
        }
    }
}

/// What `/` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The page with the overlay; needs a state.
    Overlay,
    /// A list of the streams for players.
    Links,
    /// Nothing.
    None,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the newest key frame.
    Newest,
    /// At the oldest frame held.
    Oldest,
}

/// Streams by their paths: `live1` is played at `/live1.ts` and `/live1/index.m3u8`.
pub trait FrameSource: Send + Sync + 'static {
    /// The paths there are.
    fn paths(&self) -> Vec<String>;

    /// A reader of the stream at a path; `None` when there is none.
    fn frames(&self, path: &str, start: Start) -> Option<FrameLogReader>;

    /// What counts the bytes that players are sent.
    fn meter(&self, path: &str) -> LegacyMeter;
}

/// What a server answers.
pub struct Site {
    /// What runs.
    pub role: Role,
    /// What `/` is.
    pub page: Page,
    /// Streams for players; of two with the same path the first counts.
    pub sources: Vec<Arc<dyn FrameSource>>,
    /// The state behind `/api/` and `/metrics`; `None`: neither is there.
    pub board: Option<Arc<StateBoard>>,
    /// A command to publish a channel here.
    pub publish_command: String,
    /// Most connections at once.
    pub connections_max: usize,
}

impl Site {
    pub(super) fn source(&self, path: &str) -> Option<&Arc<dyn FrameSource>> {
        self.sources.iter().find(|source| source.frames(path, Start::Newest).is_some())
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.sources.iter().flat_map(|source| source.paths()).collect()
    }
}

/// The channels of an edge, each at its name.
pub struct EdgeSource {
    edge: EdgeHandle,
    board: Arc<StateBoard>,
}

impl EdgeSource {
    /// The channels of `edge`; what players take is counted on `board`.
    #[must_use]
    pub const fn new(edge: EdgeHandle, board: Arc<StateBoard>) -> Self {
        Self { edge, board }
    }
}

impl FrameSource for EdgeSource {
    fn paths(&self) -> Vec<String> {
        self.board.samples().iter().map(|sample| sample.state.channel.name.clone()).collect()
    }

    fn frames(&self, path: &str, start: Start) -> Option<FrameLogReader> {
        let name = ChannelName::new(path)?;
        match start {
            Start::Newest => self.edge.frames(&name),
            Start::Oldest => self.edge.frames_from_oldest(&name),
        }
    }

    fn meter(&self, path: &str) -> LegacyMeter {
        self.board.legacy(path)
    }
}

/// What a viewer received, at one path.
pub struct ViewerSource {
    path: String,
    reader: Box<dyn Fn() -> FrameLogReader + Send + Sync>,
    meter: LegacyMeter,
}

impl ViewerSource {
    /// What `viewer` plays, at `path` (`live1`, or `viewer/live1`).
    #[must_use]
    pub fn new(path: impl Into<String>, viewer: ViewerHandle) -> Self {
        Self { path: path.into(), reader: Box::new(move || viewer.frames()), meter: LegacyMeter::default() }
    }

    /// What is in a log.
    #[must_use]
    pub fn of_log(path: impl Into<String>, log: FrameLog) -> Self {
        Self { path: path.into(), reader: Box::new(move || log.reader()), meter: LegacyMeter::default() }
    }
}

impl FrameSource for ViewerSource {
    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn frames(&self, path: &str, _: Start) -> Option<FrameLogReader> {
        (path == self.path).then(|| (self.reader)())
    }

    fn meter(&self, _: &str) -> LegacyMeter {
        self.meter.clone()
    }
}
