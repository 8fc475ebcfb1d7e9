//! The async-std backend: its TCP streams, and for the rest async-io, which it is a thin layer over.

use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::io;
use std::net::UdpSocket;

use async_io::Async;
use async_std::net::TcpStream;

use crate::runtime::{Listener, Runtime};

/// Runs on async-std.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

/// A listening socket whose streams are async-std's.
#[derive(Debug)]
pub struct AsyncStdListener(Async<std::net::TcpListener>);

impl Runtime for AsyncStd {
    type Udp = Async<UdpSocket>;
    type Tcp = TcpStream;
    type Listener = AsyncStdListener;
    type Timer = async_io::Timer;

    fn timer() -> Self::Timer {
        async_io::Timer::never()
    }

    fn bind_udp(socket: UdpSocket) -> io::Result<Self::Udp> {
        Async::new(socket)
    }

    fn listen_tcp(socket: std::net::TcpListener) -> io::Result<Self::Listener> {
        Async::new(socket).map(AsyncStdListener)
    }

    async fn connect_tcp(remote: SocketAddr) -> io::Result<Self::Tcp> {
        let stream = TcpStream::connect(remote).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Listener for AsyncStdListener {
    type Tcp = TcpStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Tcp, SocketAddr)>> {
        let (stream, remote) = ready!(crate::reactor::poll_accept(&self.0, cx))?;
        Poll::Ready(Ok((stream.into(), remote)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}
