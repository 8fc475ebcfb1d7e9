//! A UDP socket as the drivers use it: many datagrams a system call in both directions, and a bad network on request.

use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll, ready};
use std::io::{self, IoSliceMut};

use livesky_core::{Ecn, Instant, Path};
use quinn_udp::{EcnCodepoint, RecvMeta, UdpSocketState};

use crate::batch::Batch;
use crate::impair::{Impairment, Pipe, PipeStats};
use crate::runtime::{Runtime, UdpReadiness};

/// Most buffers one receiving call fills.
const SLOTS_MAX: usize = 32;
/// Bytes of a buffer: the longest train of datagrams the kernel joins (GRO), which is one IP packet's length.
const SLOT_LEN: usize = 65_535;
/// Calls that receive from the second socket in a round.
const SECOND_RECEIVES_MAX: u32 = 16;
/// Bytes of its buffer: a train of STUN requests.
const SECOND_LEN: usize = 4_096;

/// How a socket is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UdpOptions {
    /// Kernel receive buffer asked for in bytes; the system may grant less. The kernel's default loses bursts.
    pub receive_buffer_bytes: usize,
    /// Kernel send buffer asked for in bytes.
    pub send_buffer_bytes: usize,
    /// Buffers of 64 KiB that one receiving call fills, 1 to 32: one for a viewer, more for an edge.
    pub receive_slots: usize,
    /// What happens to datagrams sent; sending is then one datagram a call.
    pub uplink: Option<Impairment>,
    /// What happens to datagrams received.
    pub downlink: Option<Impairment>,
    /// Decides the impairments' chances.
    pub seed: u64,
}

impl Default for UdpOptions {
    fn default() -> Self {
        Self {
            receive_buffer_bytes: 4 << 20,
            send_buffer_bytes: 2 << 20,
            receive_slots: 4,
            uplink: None,
            downlink: None,
            seed: 0,
        }
    }
}

/// Counters of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpStats {
    /// Datagrams the kernel took.
    pub datagrams_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// System calls that sent them.
    pub send_calls: u64,
    /// Calls the kernel refused for another reason than a full buffer; their datagrams are lost.
    pub send_errors: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// System calls that received them.
    pub receive_calls: u64,
    /// What the uplink's impairment did.
    pub uplink: PipeStats,
    /// What the downlink's impairment did.
    pub downlink: PipeStats,
}

/// A socket of the operating system.
struct Port<R: Runtime> {
    socket: R::Udp,
    state: UdpSocketState,
    local: SocketAddr,
}

/// A UDP socket on runtime `R`, and perhaps a second one at another port, through which clients learn what their NATs do.
pub struct Udp<R: Runtime> {
    port: Port<R>,
    second: Option<Port<R>>,
    slots: Box<[u8]>,
    batch: Batch,
    uplink: Option<Pipe>,
    downlink: Option<Pipe>,
    /// A datagram out of the uplink's pipe that the kernel did not take yet.
    held: Option<(Path, Box<[u8]>)>,
    stats: UdpStats,
}

impl<R: Runtime> Udp<R> {
    /// Binds a socket. To be called inside the runtime.
    ///
    /// # Errors
    /// The operating system's.
    pub fn bind(address: SocketAddr, options: &UdpOptions) -> io::Result<Self> {
        let port = Port::bind(address, options)?;
        let slots = vec![0; options.receive_slots.clamp(1, SLOTS_MAX) * SLOT_LEN].into_boxed_slice();
        let [up_seed, down_seed] =
            [options.seed.wrapping_mul(2), options.seed.wrapping_mul(2).wrapping_add(1)];
        Ok(Self {
            port,
            second: None,
            slots,
            batch: Batch::new(),
            uplink: options.uplink.map(|settings| Pipe::new(settings, up_seed)),
            downlink: options.downlink.map(|settings| Pipe::new(settings, down_seed)),
            held: None,
            stats: UdpStats::default(),
        })
    }

    /// Binds the second socket, whose datagrams carry [`Path::socket`] 1. It is for the few bytes of STUN: small buffers do.
    ///
    /// # Errors
    /// The operating system's; there is then no second socket.
    pub fn bind_second(&mut self, address: SocketAddr) -> io::Result<()> {
        let options =
            UdpOptions { receive_buffer_bytes: 1 << 18, send_buffer_bytes: 1 << 18, ..UdpOptions::default() };
        self.second = Some(Port::bind(address, &options)?);
        Ok(())
    }

    /// The address the socket is bound to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.port.local
    }

    /// The address the second socket is bound to.
    #[must_use]
    pub fn second_addr(&self) -> Option<SocketAddr> {
        self.second.as_ref().map(|port| port.local)
    }

    /// Counters so far.
    #[must_use]
    pub fn stats(&self) -> UdpStats {
        let stats_of = |pipe: &Option<Pipe>| pipe.as_ref().map(Pipe::stats).unwrap_or_default();
        UdpStats { uplink: stats_of(&self.uplink), downlink: stats_of(&self.downlink), ..self.stats }
    }

    /// Receives what one system call gives and hands each datagram to `take`.
    ///
    /// # Errors
    /// The operating system's; the socket is of no more use.
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        take: &mut dyn FnMut(Path, &[u8]),
    ) -> Poll<io::Result<()>> {
        self.deliver_due(now, take);
        self.receive_second(cx, take)?;
        let mut metas = [RecvMeta::default(); SLOTS_MAX];
        let count = loop {
            match self.try_receive(&mut metas) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.port.socket.poll_readable(cx))?;
                }
                Err(error) if is_of_another_datagram(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        };
        self.stats.receive_calls += 1;
        for (meta, slot) in metas.iter().take(count).zip(self.slots.chunks_exact(SLOT_LEN)) {
            let path = Path { socket: 0, remote: canonical(meta.addr), ecn: ecn_of(meta.ecn) };
            let train = slot.get(..meta.len).unwrap_or_default();
            for datagram in train.chunks(meta.stride.max(1)) {
                self.stats.datagrams_received += 1;
                self.stats.bytes_received += datagram.len() as u64;
                match &mut self.downlink {
                    Some(pipe) => pipe.offer(now, path, datagram),
                    None => take(path, datagram),
                }
            }
        }
        self.deliver_due(now, take);
        Poll::Ready(Ok(()))
    }

    /// Room for the next datagram; `None` when [`Self::poll_flush`] is to come first.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        self.batch.room()
    }

    /// Takes the first `len` bytes of [`Self::room`] as a datagram to `path`.
    pub fn push(&mut self, path: Path, len: usize) {
        self.batch.push(path, len);
    }

    /// Sends what was pushed; pending while the socket is not writable.
    ///
    /// # Errors
    /// When waiting for the socket fails. Datagrams the kernel refuses are counted and dropped.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        if let Some(pipe) = &mut self.uplink {
            while let Some((group, bytes)) = self.batch.front() {
                bytes.chunks(group.segment_len).for_each(|datagram| pipe.offer(now, group.path, datagram));
                let len = bytes.len();
                self.batch.consume(len);
            }
            while let Some((path, datagram)) = self.held.take().or_else(|| pipe.take_due(now)) {
                let port = port_of(&self.port, self.second.as_ref(), path);
                let sent = port.send(path, &datagram, datagram.len());
                if is_blocked(&sent) {
                    self.held = Some((path, datagram));
                    ready!(port.socket.poll_writable(cx))?;
                } else {
                    self.stats.count_sent(&sent, datagram.len(), 1);
                }
            }
            return Poll::Ready(Ok(()));
        }
        while let Some((group, bytes)) = self.batch.front() {
            let port = port_of(&self.port, self.second.as_ref(), group.path);
            let segments_max = port.state.max_gso_segments().max(1);
            let part_len = bytes.len().min(segments_max.saturating_mul(group.segment_len));
            let part = bytes.get(..part_len).unwrap_or(bytes);
            let sent = port.send(group.path, part, group.segment_len);
            if is_blocked(&sent) {
                ready!(port.socket.poll_writable(cx))?;
            } else if sent.is_err() && port.state.max_gso_segments() < segments_max {
                // The kernel or the driver cannot segment: the same again, one by one.
            } else {
                self.stats.count_sent(&sent, part_len, part_len.div_ceil(group.segment_len));
                self.batch.consume(part_len);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// When an impaired datagram is to be delivered or sent.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let due_of = |pipe: &Option<Pipe>| pipe.as_ref().and_then(Pipe::next_due);
        [due_of(&self.uplink), due_of(&self.downlink)].into_iter().flatten().min()
    }

    /// Whether nothing is on its way to the kernel.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        let is_pipe_empty = self.uplink.as_ref().is_none_or(|pipe| pipe.next_due().is_none());
        self.batch.front().is_none() && self.held.is_none() && is_pipe_empty
    }

    fn try_receive(&mut self, metas: &mut [RecvMeta; SLOTS_MAX]) -> io::Result<usize> {
        let Self { port: Port { socket, state, .. }, slots, .. } = self;
        let count = slots.len() / SLOT_LEN;
        let mut chunks = slots.chunks_exact_mut(SLOT_LEN);
        let mut slots: [IoSliceMut<'_>; SLOTS_MAX] =
            core::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let slots = slots.get_mut(..count).unwrap_or_default();
        socket.try_read(|socket| state.recv(socket, slots, metas))
    }

    /// Hands over what came to the second socket: a few datagrams, the impairments aside.
    fn receive_second(&mut self, cx: &mut Context<'_>, take: &mut dyn FnMut(Path, &[u8])) -> io::Result<()> {
        let Self { second: Some(Port { socket, state, .. }), stats, .. } = self else { return Ok(()) };
        for _ in 0..SECOND_RECEIVES_MAX {
            let mut buffer = [0; SECOND_LEN];
            let mut metas = [RecvMeta::default()];
            let received =
                socket.try_read(|socket| state.recv(socket, &mut [IoSliceMut::new(&mut buffer)], &mut metas));
            match received {
                Ok(_) => {
                    let [meta] = metas;
                    let path = Path { socket: 1, remote: canonical(meta.addr), ecn: ecn_of(meta.ecn) };
                    stats.receive_calls += 1;
                    let train = buffer.get(..meta.len).unwrap_or_default();
                    for datagram in train.chunks(meta.stride.max(1)) {
                        stats.datagrams_received += 1;
                        stats.bytes_received += datagram.len() as u64;
                        take(path, datagram);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match socket.poll_readable(cx) {
                    Poll::Ready(readable) => readable?,
                    Poll::Pending => return Ok(()),
                },
                Err(error) if is_of_another_datagram(&error) => {}
                Err(error) => return Err(error),
            }
        }
        // Others first; the rest in the next round.
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn deliver_due(&mut self, now: Instant, take: &mut dyn FnMut(Path, &[u8])) {
        let Some(pipe) = &mut self.downlink else { return };
        while let Some((path, datagram)) = pipe.take_due(now) {
            take(path, &datagram);
        }
    }
}

impl UdpStats {
    fn count_sent(&mut self, sent: &io::Result<()>, len: usize, datagrams: usize) {
        match sent {
            Ok(()) => {
                self.send_calls += 1;
                self.datagrams_sent += datagrams as u64;
                self.bytes_sent += len as u64;
            }
            Err(_) => self.send_errors += 1,
        }
    }
}

impl<R: Runtime> Port<R> {
    fn bind(address: SocketAddr, options: &UdpOptions) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(address)?;
        let state = UdpSocketState::new((&socket).into())?;
        // The system's limit may be below the wish: that costs datagrams in bursts, not the service.
        let _ = state.set_recv_buffer_size((&socket).into(), options.receive_buffer_bytes);
        let _ = state.set_send_buffer_size((&socket).into(), options.send_buffer_bytes);
        let socket = R::bind_udp(socket)?;
        let local = socket.local_addr()?;
        Ok(Self { socket, state, local })
    }

    /// Hands equal datagrams of `segment_len` bytes back to back to the kernel, in one call.
    fn send(&self, path: Path, contents: &[u8], segment_len: usize) -> io::Result<()> {
        let transmit = quinn_udp::Transmit {
            destination: reachable_from(self.local, path.remote),
            ecn: codepoint_of(path.ecn),
            contents,
            segment_size: (segment_len < contents.len()).then_some(segment_len),
            src_ip: None,
        };
        self.socket.try_write(|socket| self.state.try_send(socket, &transmit))
    }
}

/// The socket a datagram leaves by.
fn port_of<'p, R: Runtime>(main: &'p Port<R>, second: Option<&'p Port<R>>, path: Path) -> &'p Port<R> {
    second.filter(|_| path.socket == 1).unwrap_or(main)
}

fn is_blocked(result: &io::Result<()>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// ICMP answers to datagrams sent earlier surface as errors of the next call on some systems.
fn is_of_another_datagram(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted
    )
}

/// An IPv4 address is told as one, also when it comes through an IPv6 socket: other clients' sockets may be IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `remote` as a socket bound to `local` wants it: an IPv6 socket takes IPv4 addresses in their mapped form.
fn reachable_from(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    match (local, remote.ip()) {
        (SocketAddr::V6(_), IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), remote.port()),
        _ => remote,
    }
}

const fn ecn_of(codepoint: Option<EcnCodepoint>) -> Ecn {
    match codepoint {
        None => Ecn::NotCapable,
        Some(EcnCodepoint::Ect1) => Ecn::Capable1,
        Some(EcnCodepoint::Ect0) => Ecn::Capable0,
        Some(EcnCodepoint::Ce) => Ecn::Experienced,
    }
}

const fn codepoint_of(ecn: Ecn) -> Option<EcnCodepoint> {
    match ecn {
        Ecn::NotCapable => None,
        Ecn::Capable1 => Some(EcnCodepoint::Ect1),
        Ecn::Capable0 => Some(EcnCodepoint::Ect0),
        Ecn::Experienced => Some(EcnCodepoint::Ce),
    }
}

#[cfg(test)]
#[path = "udp_tests.rs"]
mod tests;
