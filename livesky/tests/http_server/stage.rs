//! What the tests run on: an edge with a publisher and its HTTP server.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use livesky::http::state::{Sampler, StateBoard, StateOptions};
use livesky::http::{self, EdgeSource, Page, Role, Site, Stopper};
use livesky::media::clip::CLIP;
use livesky::media::cut::{CutFrame, Cutter};
use livesky_core::media::{ChannelName, ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_std::publisher::PublishedFrame;
use livesky_std::{
    EdgeHandle, EdgeOptions, Publisher, PublisherOptions, Runtime, Smol, ViewerHandle, ViewerOptions, edge,
    join, publish,
};

/// Patience of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An edge and its server. Both end with it.
pub(crate) struct Stage {
    pub(crate) edge: EdgeHandle,
    pub(crate) board: Arc<StateBoard>,
    pub(crate) http: SocketAddr,
    pub(crate) stopper: Option<Stopper>,
    publisher: Option<Publisher>,
    _tasks: Vec<smol::Task<()>>,
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub(crate) fn channel() -> ChannelName {
    ChannelName::new("live1").unwrap()
}

/// How a stage differs from the usual one.
pub(crate) struct Setup {
    pub(crate) log_frames_max: usize,
    pub(crate) connections_max: usize,
    pub(crate) n1: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self { log_frames_max: 1_500, connections_max: 500, n1: 100 }
    }
}

impl Stage {
    pub(crate) fn new(setup: &Setup) -> Self {
        let mut options = EdgeOptions::new(any_port(), any_port());
        options.clients_max = 64;
        options.log_frames_max = setup.log_frames_max;
        options.config.n1 = setup.n1;
        let config = options.config.clone();
        let (handle, driver) = edge::bind::<Smol>(options).unwrap();
        let board = StateBoard::new();
        let state = StateOptions::new(handle.udp_addr().to_string(), config.capacity_bps, config.churn);
        let sampler = Sampler::new(handle.clone(), state, Arc::clone(&board));
        let listener = http::bind(any_port(), "--http").unwrap();
        let http = listener.local_addr().unwrap();
        let site = Site {
            role: Role::Edge,
            page: Page::Overlay,
            sources: vec![Arc::new(EdgeSource::new(handle.clone(), Arc::clone(&board)))],
            board: Some(Arc::clone(&board)),
            publish_command: "livesky publish clip.ts".into(),
            connections_max: setup.connections_max,
        };
        let (stopper, stopped) = http::stopper();
        let _tasks = vec![
            smol::spawn(async {
                driver.await.unwrap();
            }),
            smol::spawn(sampler.run(|_| {})),
            smol::spawn(http::serve(listener, site, stopped)),
        ];
        Self { edge: handle, board, http, stopper: Some(stopper), publisher: None, _tasks }
    }

    /// A stage whose channel shows the clip: its first seconds at once, then as fast as it plays.
    pub(crate) fn with_clip(setup: &Setup) -> Self {
        let mut stage = Self::new(setup);
        stage.begin_channel();
        stage
    }

    /// Shows the clip from its beginning, until it can be seen.
    pub(crate) fn begin_channel(&mut self) {
        let (frames, init) = clip();
        let publisher = self.publisher(ChannelSettings { target_buffer_ms: 2_000, ..settings() }, init);
        self.publisher = Some(publisher.clone());
        self._tasks.push(smol::spawn(show(publisher, frames)));
        until("the channel's first frames", || {
            self.edge.frames(&channel()).is_some_and(|mut frames| frames.try_next().is_some())
                && self.board.sample(Some("live1")).is_some()
        });
    }

    pub(crate) fn publisher(&mut self, settings: ChannelSettings, init: Vec<u8>) -> Publisher {
        let options =
            PublisherOptions { settings, init, ..PublisherOptions::new(self.edge.tcp_addr(), channel()) };
        let (publisher, driver) = publish::<Smol>(options);
        self._tasks.push(smol::spawn(async {
            let _status = driver.await;
        }));
        publisher
    }

    /// The publisher says that it is over.
    pub(crate) fn end_channel(&mut self) {
        let publisher = self.publisher.take().unwrap();
        publisher.end();
    }

    pub(crate) fn viewer(&mut self, upload_bps: u32) -> ViewerHandle {
        let options = ViewerOptions { upload_bps, ..ViewerOptions::new(self.edge.udp_addr(), channel()) };
        let (viewer, driver) = join::<Smol>(options).unwrap();
        self._tasks.push(smol::spawn(async {
            let _ended = driver.await;
        }));
        viewer
    }
}

pub(crate) fn settings() -> ChannelSettings {
    ChannelSettings { startup_ms: 200, ..ChannelSettings::default() }
}

/// Waits on a thread of the test.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Smol::now();
    while !is_so() {
        assert!(Smol::now().since(began) < PATIENCE, "{what} takes more than {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The clip's frames and its init.
fn clip() -> (Vec<CutFrame>, Vec<u8>) {
    let mut cutter = Cutter::new();
    cutter.push(CLIP).unwrap();
    cutter.finish().unwrap();
    (core::iter::from_fn(|| cutter.next_frame()).collect(), cutter.init())
}

/// Media that is sent without pacing.
const HEAD_START: Duration = Duration::from_secs(8);

async fn show(publisher: Publisher, frames: Vec<CutFrame>) {
    let began = Smol::now();
    let first = frames.first().map_or(0, |frame| frame.dts);
    for CutFrame { dts, pts_offset, key, bytes } in frames {
        let played = Duration::from_micros(dts.wrapping_sub(first) * 100 / 9);
        Smol::sleep_until(began + played.saturating_sub(HEAD_START)).await;
        let frame = NewFrame { dts: Dts::from_ticks(dts), pts_offset_ticks: pts_offset, len: 0, key };
        if publisher.send(PublishedFrame { frame, bytes: bytes.into() }).await.is_err() {
            return;
        }
    }
    core::future::pending().await
}
