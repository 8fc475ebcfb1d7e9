//! One body for every runtime: a publisher, an edge, a push viewer and two P2P viewers on the loopback interface. What each
//! viewer plays is what was published, byte for byte and in order.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{Read, Write};
use std::sync::Arc;

use livesky_core::edge::EdgeEvent;
use livesky_core::media::{ChannelName, ChannelSettings, Dts};
use livesky_core::nat::{NatClass, NatKind};
use livesky_core::relay::NewFrame;
use livesky_core::wire::control::{Class, ClientId};
use livesky_core::wire::report::ReportBody;
use livesky_core::wire::stream::StreamRefusal;
use livesky_std::publisher::{PublishedFrame, PublisherError};
use livesky_std::{
    AsyncStd, EdgeEnded, EdgeHandle, EdgeOptions, FrameLogReader, Impairment, LogEntry, Publisher,
    PublisherOptions, PublisherState, PublisherStatus, Runtime, Smol, Tokio, UdpOptions, ViewerEnded,
    ViewerHandle, ViewerOptions, edge, join, publish,
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

impl TestRuntime for Smol {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        smol::spawn(future)
    }
}

impl TestRuntime for Tokio {
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

impl TestRuntime for AsyncStd {
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

fn start_edge<R: TestRuntime>(
    tcp: SocketAddr,
) -> (EdgeHandle, impl Future<Output = std::io::Result<EdgeEnded>>) {
    let mut options = EdgeOptions::new(any_port(), tcp);
    options.clients_max = 64;
    options.config.n1 = 1;
    let (handle, driver) = edge::bind::<R>(options).unwrap();
    (handle, R::spawn(driver))
}

fn start_publisher<R: TestRuntime>(
    node: SocketAddr,
) -> (Publisher, impl Future<Output = Result<PublisherStatus, PublisherError>>) {
    let settings = ChannelSettings {
        rate_bps: 500_000,
        target_buffer_ms: 2_000,
        startup_ms: 200,
        // One push client can feed all substreams of both others.
        upload_cap_percent: 500,
        ..ChannelSettings::default()
    };
    let init = b"init".to_vec();
    let options = PublisherOptions { settings, init, ..PublisherOptions::new(node, channel()) };
    let (publisher, driver) = publish::<R>(options);
    (publisher, R::spawn(driver))
}

async fn until_on_air<R: TestRuntime>(edge: &EdgeHandle) {
    until::<R>("the channel's first frames", async || {
        edge.frames(&channel()).is_some_and(|mut frames| frames.try_next().is_some())
    })
    .await;
}

fn start_viewer<R: TestRuntime>(
    edge: &EdgeHandle,
    network: Option<Impairment>,
) -> (ViewerHandle, impl Future<Output = std::io::Result<ViewerEnded>>) {
    let mut options = ViewerOptions::new(edge.udp_addr(), channel());
    options.upload_bps = 10_000_000;
    options.socket = UdpOptions { uplink: network, downlink: network, seed: 1, ..options.socket };
    let (handle, driver) = join::<R>(options).unwrap();
    (handle, R::spawn(driver))
}

async fn run<R: TestRuntime>(network: Option<Impairment>) {
    let (edge, edge_task) = start_edge::<R>(any_port());
    let (publisher, publisher_task) = start_publisher::<R>(edge.tcp_addr());
    let _feed = R::spawn(feed::<R>(publisher.clone()));
    until_on_air::<R>(&edge).await;
    // With the target buffer behind the live edge there is time to repair what is lost, and to wait for a busy computer.
    until::<R>("the target buffer", async || {
        edge.frames_from_oldest(&channel()).is_some_and(|frames| frames.frames_behind() > 60)
    })
    .await;

    let (push, push_task) = start_viewer::<R>(&edge, network);
    until::<R>("the push viewer's start", async || push.status().session.is_some()).await;
    let (first, first_task) = start_viewer::<R>(&edge, network);
    let (second, second_task) = start_viewer::<R>(&edge, network);
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
    until::<R>("the class of the NAT that there is not", async || {
        let told = edge.snapshot(&channel()).await.unwrap().clients;
        let is_open = |nat: NatClass| nat.kind() == NatKind::Open;
        told.iter().all(|client| is_open(client.nat))
            && push.status().session.as_ref().is_some_and(|session| is_open(session.nat))
    })
    .await;
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
    publisher.end();
    assert_eq!(publisher_task.await.unwrap().state, PublisherState::Ended);
    until::<R>("the channel's end", async || edge.channels().await.is_empty()).await;
    edge.shutdown().await;
    assert_eq!(edge_task.await.unwrap(), EdgeEnded::Shutdown);
    second.leave().await;
    second_task.await.unwrap();
}

#[test]
fn on_smol() {
    Smol::block_on(run::<Smol>(None));
}

#[test]
fn on_tokio() {
    Tokio::block_on(run::<Tokio>(None));
}

#[test]
fn on_async_std() {
    AsyncStd::block_on(run::<AsyncStd>(None));
}

/// 2 % of the datagrams are lost in either direction, others wait, overtake each other or come twice.
#[test]
fn over_a_bad_network() {
    let network = Impairment {
        loss: 0.02,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(10),
        reorder: 0.01,
        duplicate: 0.01,
        ..Impairment::default()
    };
    Smol::block_on(run::<Smol>(Some(network)));
}

/// An edge that goes down and comes up again gets the channel again, under the numbers that follow.
#[test]
fn publishers_come_back_and_go_on_where_they_were() {
    Smol::block_on(async {
        let (edge, edge_task) = start_edge::<Smol>(any_port());
        let node = edge.tcp_addr();
        let (publisher, publisher_task) = start_publisher::<Smol>(node);
        let _feed = Smol::spawn(feed::<Smol>(publisher.clone()));
        until_on_air::<Smol>(&edge).await;
        drop(edge);
        assert_eq!(edge_task.await.unwrap(), EdgeEnded::HandleDropped);
        until::<Smol>("the notice of it", async || publisher.state() != PublisherState::OnAir).await;
        let before = publisher.status();
        let (edge, _edge_task) = start_edge::<Smol>(node);
        until_on_air::<Smol>(&edge).await;
        assert_eq!(publisher.status().accepts, 2);
        let first = edge.frames_from_oldest(&channel()).and_then(|mut frames| frames.try_next());
        let Some(LogEntry::Frame(first)) = first else { panic!("{first:?}") };
        assert_eq!(Some(first.info.id), before.resume.map(|resume| resume.next));
        drop(publisher);
        drop(_feed);
        assert_eq!(publisher_task.await.unwrap().state, PublisherState::Ended);
    });
}

/// A second publisher of a channel is refused and keeps asking; it gets the channel once the first has left it.
#[test]
fn channels_have_one_publisher_at_a_time() {
    Smol::block_on(async {
        let (edge, _edge_task) = start_edge::<Smol>(any_port());
        let (first, first_task) = start_publisher::<Smol>(edge.tcp_addr());
        until::<Smol>("the first's acceptance", async || first.state() == PublisherState::OnAir).await;
        let (second, _second_task) = start_publisher::<Smol>(edge.tcp_addr());
        let taken = PublisherState::Refused(StreamRefusal::ChannelTaken);
        until::<Smol>("the second's refusal", async || second.state() == taken).await;
        assert_eq!(first.state(), PublisherState::OnAir);
        first.end();
        first_task.await.unwrap();
        until::<Smol>("the second's acceptance", async || second.state() == PublisherState::OnAir).await;
    });
}

/// Bytes that are no protocol of ours end the connection they came by, or are counted; the edge goes on.
#[test]
fn garbage_harms_nobody() {
    Smol::block_on(async {
        let (edge, edge_task) = start_edge::<Smol>(any_port());
        let (publisher, _publisher_task) = start_publisher::<Smol>(edge.tcp_addr());
        let _feed = Smol::spawn(feed::<Smol>(publisher));
        until_on_air::<Smol>(&edge).await;
        let garbage: Vec<u8> =
            (0..100_000_u32).map(|place| u8::try_from(place % 977 * place % 251).unwrap()).collect();
        let (tcp_addr, udp_addr, bytes) = (edge.tcp_addr(), edge.udp_addr(), garbage.clone());
        smol::unblock(move || {
            let mut stream = std::net::TcpStream::connect(tcp_addr).unwrap();
            // The edge hangs up, before or after it got everything.
            let _ = stream.write_all(&bytes);
            let _ = stream.read_to_end(&mut Vec::new());
            let socket = std::net::UdpSocket::bind(any_port()).unwrap();
            for len in [0, 1, 46, 1_200, 1_201, 60_000] {
                socket.send_to(&bytes[..len], udp_addr).unwrap();
            }
        })
        .await;
        until::<Smol>("the rejects", async || {
            edge.snapshot(&channel()).await.is_some_and(|snapshot| snapshot.driver.rejects >= 5)
        })
        .await;
        let (viewer, _viewer_task) = start_viewer::<Smol>(&edge, None);
        patiently::<Smol, _>("watching", watch("viewer", viewer.frames())).await;
        edge.shutdown().await;
        edge_task.await.unwrap();
    });
}

/// A viewer's join record comes as soon as it plays with a full buffer, its last minute with its goodbye.
#[test]
fn viewers_tell_what_they_saw() {
    Smol::block_on(async {
        let (edge, _edge_task) = start_edge::<Smol>(any_port());
        let (publisher, _publisher_task) = start_publisher::<Smol>(edge.tcp_addr());
        let _feed = Smol::spawn(feed::<Smol>(publisher.clone()));
        until_on_air::<Smol>(&edge).await;
        let (viewer, viewer_task) = start_viewer::<Smol>(&edge, None);
        let events = edge.events();
        let report = async || {
            loop {
                if let EdgeEvent::Report { channel, report, .. } = events.recv().await.unwrap() {
                    assert!(channel.is_some());
                    return report;
                }
            }
        };
        let first = patiently::<Smol, _>("the join record", report()).await;
        let ReportBody::Join(join) = first.body else { panic!("{first:?}") };
        assert!(join.started_ms > 0 && join.full_ms > 0 && join.refused == 0, "{join:?}");
        until::<Smol>("the word that it was taken", async || viewer.status().reports.pending == 0).await;
        viewer.leave().await;
        assert_eq!(viewer_task.await.unwrap(), ViewerEnded::Left);
        let last = patiently::<Smol, _>("the last minute", report()).await;
        let ReportBody::Minute(minute) = last.body else { panic!("{last:?}") };
        assert_eq!((last.viewer, last.number, minute.minute), (first.viewer, first.number + 1, 0));
        assert!(minute.frames_played > 0 && minute.bytes.media() > 0, "{minute:?}");
        assert_eq!(viewer.status().reports.last, Some(minute));
    });
}
