//! One body for every runtime: a publisher, an edge, a push viewer and two P2P viewers on the loopback interface. What each
//! viewer plays is what was published, byte for byte and in order.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use livesky_core::media::{ChannelName, ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_core::wire::control::{Class, ClientId};
use livesky_std::publisher::PublishedFrame;
use livesky_std::{
    EdgeEnded, EdgeHandle, EdgeOptions, FrameLogReader, LogEntry, Publisher, PublisherOptions,
    PublisherState, Runtime, ViewerEnded, ViewerHandle, ViewerOptions, edge, join, publish,
};

const CADENCE_MS: u64 = 40;
const GOP_FRAMES: u32 = 25;
/// Frames each viewer is to play: 3 s.
const WATCHED_FRAMES: usize = 75;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test needs of a runtime beyond what a driver needs.
trait TestRuntime: Runtime {
    fn block_on<T>(future: impl Future<Output = T>) -> T;
    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send;
}

impl TestRuntime for livesky_std::Smol {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        smol::spawn(future)
    }
}

impl TestRuntime for livesky_std::Tokio {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let task = tokio::spawn(future);
        async { task.await.unwrap() }
    }
}

impl TestRuntime for livesky_std::AsyncStd {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        async_std::task::spawn(future)
    }
}

fn channel() -> ChannelName {
    ChannelName::new("live1").unwrap()
}

const fn is_key(number: u32) -> bool {
    number.is_multiple_of(GOP_FRAMES)
}

/// The bytes of a frame, told by its number.
fn bytes_of(number: u32) -> Arc<[u8]> {
    let len = if is_key(number) { 9_000 } else { 1_200 + number % 7 * 300 };
    (0..len).map(|place| u8::try_from((place * 31 + number * 17) % 251).unwrap()).collect()
}

/// Publishes a frame each 40 ms until the publisher is gone.
async fn feed<R: Runtime>(publisher: Publisher) {
    let began = R::now();
    for number in 0.. {
        R::sleep_until(began + Duration::from_millis(CADENCE_MS * u64::from(number))).await;
        let dts = Dts::from_ticks(u64::from(number) * CADENCE_MS * 90);
        let frame = NewFrame { dts, pts_offset_ticks: 0, len: 0, key: is_key(number) };
        if publisher.send(PublishedFrame { frame, bytes: bytes_of(number) }).await.is_err() {
            return;
        }
    }
}

/// Reads frames and compares each with what was published.
async fn watch(name: &str, mut frames: FrameLogReader) {
    let mut expected = None;
    for _ in 0..WATCHED_FRAMES {
        let entry = frames.next().await;
        let Some(LogEntry::Frame(frame)) = entry else { panic!("{name}: {entry:?}") };
        let number = frame.info.id.0;
        assert_eq!(number, *expected.get_or_insert(number), "{name}: out of order");
        assert!(frame.bytes == bytes_of(number), "{name}: frame {number} is not what was published");
        assert_eq!(frame.info.key, is_key(number));
        expected = Some(number + 1);
    }
    assert_eq!(&*frames.init(), b"init");
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn patiently<R: Runtime, T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = async { Some(future.await) };
    let out_of_time = async {
        R::sleep_until(R::now() + PATIENCE).await;
        None
    };
    smol::future::or(done, out_of_time).await.unwrap_or_else(|| panic!("{what} takes more than {PATIENCE:?}"))
}

async fn until<R: Runtime>(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    patiently::<R, _>(what, async {
        while !is_so().await {
            R::sleep_until(R::now() + Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn start_edge<R: TestRuntime>() -> (EdgeHandle, impl Future<Output = std::io::Result<EdgeEnded>>) {
    let mut options = EdgeOptions::new(any_port(), any_port());
    options.clients_max = 64;
    options.config.n1 = 1;
    let (handle, driver) = edge::bind::<R>(options).unwrap();
    (handle, R::spawn(driver))
}

fn start_viewer<R: TestRuntime>(
    edge: &EdgeHandle,
) -> (ViewerHandle, impl Future<Output = std::io::Result<ViewerEnded>>) {
    let options = ViewerOptions { upload_bps: 10_000_000, ..ViewerOptions::new(edge.udp_addr(), channel()) };
    let (handle, driver) = join::<R>(options).unwrap();
    (handle, R::spawn(driver))
}

async fn run<R: TestRuntime>() {
    let (edge, edge_task) = start_edge::<R>();
    let settings = ChannelSettings {
        rate_bps: 500_000,
        target_buffer_ms: 2_000,
        startup_ms: 200,
        // One push client can feed all substreams of both others.
        upload_cap_percent: 500,
        ..ChannelSettings::default()
    };
    let options = PublisherOptions {
        settings,
        init: b"init".to_vec(),
        ..PublisherOptions::new(edge.tcp_addr(), channel())
    };
    let (publisher, driver) = publish::<R>(options);
    let publisher_task = R::spawn(driver);
    let _feed = R::spawn(feed::<R>(publisher.clone()));
    until::<R>("the channel's first frames", async || {
        edge.frames(&channel()).is_some_and(|mut frames| frames.try_next().is_some())
    })
    .await;

    let (push, push_task) = start_viewer::<R>(&edge);
    until::<R>("the push viewer's start", async || push.status().session.is_some()).await;
    let (first, first_task) = start_viewer::<R>(&edge);
    let (second, second_task) = start_viewer::<R>(&edge);
    let watching = [("push", &push), ("first", &first), ("second", &second)]
        .map(|(name, viewer)| R::spawn(watch(name, viewer.frames())));
    let legacy = R::spawn(watch("legacy", edge.frames(&channel()).unwrap()));
    for task in watching {
        patiently::<R, _>("watching", task).await;
    }
    patiently::<R, _>("reading the edge's log", legacy).await;

    let snapshot = edge.snapshot(&channel()).await.unwrap();
    assert_eq!((snapshot.channel.p0, snapshot.clients.len()), (3, 3));
    assert!(snapshot.clients.iter().any(|client| client.class == Class::Push));
    assert_eq!(publisher.state(), PublisherState::OnAir);
    for (name, viewer) in [("first", &first), ("second", &second)] {
        until::<R>("a P2P viewer's peers", async || {
            let status = viewer.status();
            let parents = status.session.as_ref().map(|session| session.parents.clone()).unwrap_or_default();
            parents.iter().flatten().any(|&parent| parent != ClientId::EDGE) && status.watch.bytes_peers > 0
        })
        .await;
        assert_eq!(viewer.status().watch.stalls, 0, "{name} stalled");
    }

    first.leave().await;
    assert_eq!(first_task.await.unwrap(), ViewerEnded::Left);
    until::<R>("the edge's notice of the leave", async || {
        edge.snapshot(&channel()).await.is_some_and(|snapshot| snapshot.channel.p0 == 2)
    })
    .await;
    drop(push);
    assert_eq!(push_task.await.unwrap(), ViewerEnded::HandleDropped);
    publisher.end().await;
    assert_eq!(publisher_task.await.unwrap().state, PublisherState::Ended);
    until::<R>("the channel's end", async || edge.channels().await.is_empty()).await;
    edge.shutdown().await;
    assert_eq!(edge_task.await.unwrap(), EdgeEnded::Shutdown);
    second.leave().await;
    second_task.await.unwrap();
}

#[test]
fn on_smol() {
    livesky_std::Smol::block_on(run::<livesky_std::Smol>());
}

#[test]
fn on_tokio() {
    livesky_std::Tokio::block_on(run::<livesky_std::Tokio>());
}

#[test]
fn on_async_std() {
    livesky_std::AsyncStd::block_on(run::<livesky_std::AsyncStd>());
}
