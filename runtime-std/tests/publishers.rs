//! Publishers and the edge's port for them when something is away, full or refused, on the loopback interface.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use livesky_core::media::{ChannelName, Dts};
use livesky_core::relay::NewFrame;
use livesky_std::publisher::PublisherError;
use livesky_std::runtime::Listener;
use livesky_std::{
    EdgeHandle, EdgeOptions, PublishedFrame, Publisher, PublisherOptions, PublisherState, PublisherStatus,
    Runtime, Smol, edge, publish,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn channel() -> ChannelName {
    ChannelName::new("live1").unwrap()
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Where nobody listens.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind(any_port()).unwrap().local_addr().unwrap()
}

async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> T {
    let done = async { Some(future.await) };
    let out_of_time = async {
        Smol::sleep_until(Smol::now() + patience).await;
        None
    };
    smol::future::or(done, out_of_time).await.unwrap_or_else(|| panic!("{what} takes more than {patience:?}"))
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    within(PATIENCE, what, async {
        while !is_so() {
            Smol::sleep_until(Smol::now() + Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn start_edge<R: Runtime>(publishers_max: usize) -> EdgeHandle {
    let mut options = EdgeOptions::new(any_port(), any_port());
    options.clients_max = 64;
    options.publishers_max = publishers_max;
    let (handle, driver) = edge::bind::<R>(options).unwrap();
    smol::spawn(driver).detach();
    handle
}

fn start_publisher(node: SocketAddr) -> (Publisher, smol::Task<Result<PublisherStatus, PublisherError>>) {
    let options = PublisherOptions { queue_frames: 2, ..PublisherOptions::new(node, channel()) };
    let (publisher, driver) = publish::<Smol>(options);
    (publisher, smol::spawn(driver))
}

fn frame(number: u64) -> PublishedFrame {
    let frame = NewFrame { dts: Dts::from_ticks(number * 3_600), pts_offset_ticks: 0, len: 0, key: true };
    PublishedFrame { frame, bytes: Arc::new([7; 100]) }
}

/// One frame taken, two in the queue, and nobody to send them to.
#[test]
fn a_publisher_told_to_end_does_not_wait_for_a_node_that_is_away() {
    smol::block_on(async {
        let (publisher, task) = start_publisher(free_port());
        let is_away = || matches!(publisher.state(), PublisherState::Waiting(_));
        until("the first failure", is_away).await;
        let mut number = 0;
        until("the full queue", || {
            let is_taken = publisher.try_send(frame(number)) == Ok(true);
            number += u64::from(is_taken);
            !is_taken && number > 2
        })
        .await;
        within(Duration::from_millis(500), "ending", async { publisher.end() }).await;
        let ended = within(Duration::from_millis(500), "the driver's end", task).await;
        assert_eq!(ended.unwrap().state, PublisherState::Ended);
        assert!(publisher.send(frame(9)).await.is_err(), "nothing is taken any more");
    });
}

/// What waits when a publisher on the air is told to end goes out first.
#[test]
fn a_publisher_told_to_end_sends_what_waits() {
    smol::block_on(async {
        let edge = start_edge::<Smol>(4);
        let (publisher, task) = start_publisher(edge.tcp_addr());
        until("the acceptance", || publisher.state() == PublisherState::OnAir).await;
        for number in 0..5 {
            publisher.send(frame(number)).await.unwrap();
        }
        publisher.end();
        let ended = within(PATIENCE, "the driver's end", task).await.unwrap();
        assert_eq!((ended.state, ended.frames_sent), (PublisherState::Ended, 5));
    });
}

/// Smol, whose listeners say once, when asked to, that the system is out of descriptors.
struct Exhausted;

static IS_EXHAUSTED: AtomicBool = AtomicBool::new(false);

struct ExhaustedListener(<Smol as Runtime>::Listener);

impl Runtime for Exhausted {
    type Udp = <Smol as Runtime>::Udp;
    type Tcp = <Smol as Runtime>::Tcp;
    type Listener = ExhaustedListener;
    type Timer = <Smol as Runtime>::Timer;

    fn timer() -> Self::Timer {
        Smol::timer()
    }

    fn bind_udp(socket: std::net::UdpSocket) -> io::Result<Self::Udp> {
        Smol::bind_udp(socket)
    }

    fn listen_tcp(socket: std::net::TcpListener) -> io::Result<Self::Listener> {
        Smol::listen_tcp(socket).map(ExhaustedListener)
    }

    async fn connect_tcp(remote: SocketAddr) -> io::Result<Self::Tcp> {
        Smol::connect_tcp(remote).await
    }
}

impl Listener for ExhaustedListener {
    type Tcp = <Smol as Runtime>::Tcp;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Tcp, SocketAddr)>> {
        if IS_EXHAUSTED.swap(false, Ordering::AcqRel) {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        self.0.poll_accept(cx)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Rounds of the edge's loop so far.
async fn rounds(edge: &EdgeHandle) -> u64 {
    edge.snapshot(&channel()).await.unwrap().driver.rounds
}

#[test]
fn an_edge_whose_accepting_failed_once_accepts_again_and_rests() {
    smol::block_on(async {
        IS_EXHAUSTED.store(true, Ordering::Release);
        let edge = start_edge::<Exhausted>(4);
        let (publisher, _task) = start_publisher(edge.tcp_addr());
        until("the acceptance", || publisher.state() == PublisherState::OnAir).await;
        assert!(!IS_EXHAUSTED.load(Ordering::Acquire), "accepting failed first");
        let before = rounds(&edge).await;
        Smol::sleep_until(Smol::now() + Duration::from_millis(500)).await;
        let grown = rounds(&edge).await - before;
        assert!(grown < 100, "{grown} rounds in half a second in which nothing happens");
    });
}

/// All places are free again at once, and nobody is connected whose bytes would wake the edge.
#[test]
fn an_edge_whose_last_place_is_free_again_takes_the_next_publisher() {
    smol::block_on(async {
        let edge = start_edge::<Smol>(1);
        for _ in 0..3 {
            let (publisher, task) = start_publisher(edge.tcp_addr());
            until("the acceptance", || publisher.state() == PublisherState::OnAir).await;
            publisher.end();
            task.await.unwrap();
        }
    });
}
