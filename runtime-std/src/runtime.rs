//! What an async runtime offers to the drivers: a clock, a timer, sockets. One short file per backend implements it.

use core::future::Future;
use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;
use std::sync::OnceLock;

use futures_lite::io::{AsyncRead, AsyncWrite};
use livesky_core::Instant;
use quinn_udp::UdpSockRef;

/// An async runtime. Backends are types without values: several may be compiled in, a program names the one it runs on.
pub trait Runtime: Sized + Send + Sync + 'static {
    /// A bound UDP socket.
    type Udp: UdpReadiness;
    /// A connected TCP stream.
    type Tcp: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A listening TCP socket.
    type Listener: Listener<Tcp = Self::Tcp>;
    /// A timer that can be set again.
    type Timer: Timer;

    /// Monotonic time since the first call in this process, the same for all backends.
    #[must_use]
    fn now() -> Instant {
        monotonic_now()
    }

    /// A timer that is not set. To be made inside the runtime.
    fn timer() -> Self::Timer;

    /// Takes a bound socket over.
    ///
    /// # Errors
    /// When the socket cannot be registered with the runtime.
    fn bind_udp(socket: std::net::UdpSocket) -> io::Result<Self::Udp>;

    /// Takes a listening socket over.
    ///
    /// # Errors
    /// When the socket cannot be registered with the runtime.
    fn listen_tcp(socket: std::net::TcpListener) -> io::Result<Self::Listener>;

    /// Connects to `remote`, with Nagle's algorithm off: messages are written whole.
    fn connect_tcp(remote: SocketAddr) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Completes at `at` or soon after.
    fn sleep_until(at: Instant) -> impl Future<Output = ()> + Send {
        let mut timer: Option<Self::Timer> = None;
        core::future::poll_fn(move |cx| {
            let timer = timer.get_or_insert_with(|| {
                let mut timer = Self::timer();
                timer.set(at);
                timer
            });
            timer.poll(cx)
        })
    }
}

/// A timer that can be set again without being made again.
pub trait Timer: Send + 'static {
    /// Sets the timer to fire at `at`.
    fn set(&mut self, at: Instant);

    /// Whether the timer has fired since it was set. Not to be asked again before the next [`Self::set`].
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Tells when a UDP socket can be read or written. The datagrams themselves go through [`UdpSockRef`].
///
/// A caller tries first and polls when it would block, then tries again when the poll is ready: the poll may be ready once
/// too often, never once too rarely. One task at a time may wait in each direction.
pub trait UdpReadiness: Send + Sync + 'static {
    /// Waits until the socket may be readable.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Waits until the socket may be writable.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads without blocking.
    ///
    /// # Errors
    /// What `read` returns; `WouldBlock` also when the runtime knows that nothing is there.
    fn try_read<T>(&self, read: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T>;

    /// Writes without blocking.
    ///
    /// # Errors
    /// What `write` returns; `WouldBlock` also when the runtime knows that there is no room.
    fn try_write<T>(&self, write: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T>;

    /// The address the socket is bound to.
    ///
    /// # Errors
    /// The operating system's.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A listening TCP socket.
pub trait Listener: Send + 'static {
    /// What is accepted.
    type Tcp;

    /// Waits for a connection.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Tcp, SocketAddr)>>;

    /// The address the socket is bound to.
    ///
    /// # Errors
    /// The operating system's.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();

#[expect(clippy::disallowed_methods, reason = "the one place where drivers read the clock")]
fn clock() -> (std::time::Instant, std::time::Instant) {
    let time = std::time::Instant::now();
    (*ORIGIN.get_or_init(|| time), time)
}

/// Microseconds since the first call in this process.
pub(crate) fn monotonic_now() -> Instant {
    let (origin, time) = clock();
    let micros = time.saturating_duration_since(origin).as_micros();
    Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// The operating system's instant for one of ours; `None` when it is too far to be told.
#[cfg(any(feature = "smol", feature = "tokio", feature = "async-std"))]
pub(crate) fn system_instant(at: Instant) -> Option<std::time::Instant> {
    let (origin, _) = clock();
    origin.checked_add(core::time::Duration::from_micros(at.as_micros()))
}
