//! The smol backend: async-io's sockets as they are.

use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};

use async_io::Async;

use crate::runtime::{Listener, Runtime};

/// Runs on smol, and on every executor that polls futures: async-io's reactor has a thread of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    type Udp = Async<UdpSocket>;
    type Tcp = Async<TcpStream>;
    type Listener = Async<TcpListener>;
    type Timer = async_io::Timer;

    fn timer() -> Self::Timer {
        async_io::Timer::never()
    }

    fn bind_udp(socket: UdpSocket) -> io::Result<Self::Udp> {
        Async::new(socket)
    }

    fn listen_tcp(socket: TcpListener) -> io::Result<Self::Listener> {
        Async::new(socket)
    }

    async fn connect_tcp(remote: SocketAddr) -> io::Result<Self::Tcp> {
        let stream = Async::<TcpStream>::connect(remote).await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(stream)
    }
}

impl Listener for Async<TcpListener> {
    type Tcp = Async<TcpStream>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Tcp, SocketAddr)>> {
        let (stream, remote) = ready!(crate::reactor::poll_accept(self, cx))?;
        Poll::Ready(Async::new(stream).map(|stream| (stream, remote)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }
}
