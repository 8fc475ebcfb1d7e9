//! Sockets and timers of async-io, which smol and async-std share.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};

use async_io::Async;
use livesky_core::Instant;
use quinn_udp::UdpSockRef;

use crate::runtime::{Timer, UdpReadiness, system_instant};

impl Timer for async_io::Timer {
    fn set(&mut self, at: Instant) {
        match system_instant(at) {
            Some(at) => self.set_at(at),
            None => *self = Self::never(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Future::poll(Pin::new(self), cx).map(|_| ())
    }
}

impl UdpReadiness for Async<UdpSocket> {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_readable(self, cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_writable(self, cx)
    }

    fn try_read<T>(&self, read: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        read(self.get_ref().into())
    }

    fn try_write<T>(&self, write: impl FnOnce(UdpSockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        write(self.get_ref().into())
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }
}

/// Waits for a connection on a listener registered with async-io; the stream is non-blocking and its Nagle off.
pub(crate) fn poll_accept(
    listener: &Async<TcpListener>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
    loop {
        match listener.get_ref().accept() {
            Ok((stream, remote)) => {
                let prepared = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                return Poll::Ready(prepared.map(|()| (stream, remote)));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(listener.poll_readable(cx))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}
