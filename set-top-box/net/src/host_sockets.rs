//! The boxes' sockets as Linux sees them: one bound to each address and port that a box sends from.

use core::net::SocketAddrV4;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use crate::gateway::GatewayCounters;
use crate::ports::SOCKET_BUFFER_BYTES;

/// Sockets at the same time; the one used longest ago makes room.
const SOCKETS_MAX: usize = 256;

#[derive(Debug)]
struct HostSocket {
    socket: Arc<UdpSocket>,
    used_at: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct HostSockets {
    sockets: BTreeMap<SocketAddrV4, HostSocket>,
    /// Counts changes of the set.
    pub(crate) generation: u64,
}

impl HostSockets {
    /// Sends as the box `from`; binds its socket when there is none yet.
    pub(crate) fn send(
        &mut self,
        now: Duration,
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
        counters: &mut GatewayCounters,
    ) {
        let Ok(socket) = self.bound(now, from) else {
            counters.bind_failed += 1;
            return;
        };
        match socket.send_to(payload, to) {
            Ok(_) => counters.udp_to_linux += 1,
            Err(_) => counters.send_failed += 1,
        }
    }

    /// Every socket with the box's end that it stands for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SocketAddrV4, &Arc<UdpSocket>)> {
        self.sockets.iter().map(|(address, host)| (*address, &host.socket))
    }

    /// Something came in for the box's `address`.
    pub(crate) fn on_received(&mut self, now: Duration, address: SocketAddrV4) {
        if let Some(host) = self.sockets.get_mut(&address) {
            host.used_at = now;
        }
    }

    /// Closes those idle since `oldest` and those of addresses that no box has any longer.
    pub(crate) fn sweep(&mut self, oldest: Duration, is_box: impl Fn(SocketAddrV4) -> bool) {
        let before = self.sockets.len();
        self.sockets.retain(|address, host| host.used_at >= oldest && is_box(*address));
        self.generation += u64::from(self.sockets.len() != before);
    }

    pub(crate) fn len(&self) -> usize {
        self.sockets.len()
    }

    fn bound(&mut self, now: Duration, from: SocketAddrV4) -> io::Result<Arc<UdpSocket>> {
        if let Some(host) = self.sockets.get_mut(&from) {
            host.used_at = now;
            return Ok(Arc::clone(&host.socket));
        }
        let socket = UdpSocket::bind(from)?;
        socket.set_nonblocking(true)?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES)?;
        if self.sockets.len() >= SOCKETS_MAX {
            let oldest = self.sockets.iter().min_by_key(|(_, host)| host.used_at).map(|(key, _)| *key);
            oldest.map(|key| self.sockets.remove(&key));
        }
        let socket = Arc::new(socket);
        self.sockets.insert(from, HostSocket { socket: Arc::clone(&socket), used_at: now });
        self.generation += 1;
        Ok(socket)
    }
}
