//! The stream of a P2P-fed viewer, for the page.

use std::sync::{Arc, Mutex, PoisonError};

use livesky_std::{FrameLogReader, ViewerHandle};

use crate::http::state::LegacyMeter;
use crate::http::{FrameSource, Start};

/// What the viewer on the page received, at one path; nothing before there is such a viewer.
#[derive(Default)]
pub struct Screen {
    path: String,
    viewer: Mutex<Option<ViewerHandle>>,
    meter: LegacyMeter,
}

impl Screen {
    /// An empty screen at `path`.
    #[must_use]
    pub fn new(path: String) -> Arc<Self> {
        Arc::new(Self { path, ..Self::default() })
    }

    /// Shows what `viewer` plays.
    pub fn show(&self, viewer: ViewerHandle) {
        *self.viewer.lock().unwrap_or_else(PoisonError::into_inner) = Some(viewer);
    }

    /// Lets the viewer go.
    pub fn clear(&self) {
        *self.viewer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl FrameSource for Screen {
    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn frames(&self, path: &str, _: Start) -> Option<FrameLogReader> {
        let viewer = self.viewer.lock().unwrap_or_else(PoisonError::into_inner);
        viewer.as_ref().filter(|_| path == self.path).map(ViewerHandle::frames)
    }

    fn meter(&self, _: &str) -> LegacyMeter {
        self.meter.clone()
    }
}
