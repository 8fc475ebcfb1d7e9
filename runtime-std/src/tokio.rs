//! The tokio backend.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_lite::io::{AsyncRead, AsyncWrite};
use livesky_core::Instant;
use quinn_udp::UdpSockRef;
use tokio::io::{AsyncRead as _, AsyncWrite as _, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Sleep;

use crate::runtime::{Listener, Runtime, Timer, UdpReadiness, system_instant};

/// Runs on tokio; its sockets and timers need a tokio runtime around them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

/// A TCP stream of tokio behind the traits the drivers use.
#[derive(Debug)]
pub struct TokioStream(TcpStream);

/// A timer of tokio, made when first set.
#[derive(Debug, Default)]
pub struct TokioTimer(Option<Pin<Box<Sleep>>>);

impl Runtime for Tokio {
    type Udp = UdpSocket;
    type Tcp = TokioStream;
    type Listener = TcpListener;
    type Timer = TokioTimer;

    fn timer() -> Self::Timer {
        TokioTimer::default()
    }

    fn bind_udp(socket: std::net::UdpSocket) -> io::Result<Self::Udp> {
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    }

    fn listen_tcp(socket: std::net::TcpListener) -> io::Result<Self::Listener> {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    }

    async fn connect_tcp(remote: SocketAddr) -> io::Result<Self::Tcp> {
        let stream = TcpStream::connect(remote).await?;
        stream.set_nodelay(true)?;
        Ok(TokioStream(stream))
    }
}

impl Timer for TokioTimer {
    fn set(&mut self, at: Instant) {
        let Some(at) = system_instant(at) else {
            self.0 = None;
            return;
        };
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(at.into()),
            None => self.0 = Some(Box::pin(tokio::time::sleep_until(at.into()))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl UdpReadiness for UdpSocket {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_ready(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send_ready(cx)
    }

    fn try_read<T>(&self, read: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::READABLE, || read(self.into()))
    }

    fn try_write<T>(&self, write: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::WRITABLE, || write(self.into()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

impl Listener for TcpListener {
    type Tcp = TokioStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Tcp, SocketAddr)>> {
        let (stream, remote) = ready!(Self::poll_accept(self, cx))?;
        stream.set_nodelay(true)?;
        Poll::Ready(Ok((TokioStream(stream), remote)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

impl AsyncRead for TokioStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(out);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl AsyncWrite for TokioStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
