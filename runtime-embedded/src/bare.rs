//! On bare smoltcp, without an executor: a loop of the owner's that calls [`Net::poll`] and sleeps until the time it gives, or until the
//! network interface has something.

use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use livesky_core::Instant;
use livesky_core::store::FrameStore;
use smoltcp::config::DNS_MAX_SERVER_COUNT;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::dns::{DnsQuery, GetQueryResultError, QueryHandle};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, SendError, UdpMetadata};
use smoltcp::socket::{dhcpv4, dns, udp};
use smoltcp::wire::{DnsQueryType, EthernetAddress, IpAddress, IpCidr};

use crate::decoder::Decoder;
use crate::health::Watchdog;
use crate::remote::Remote;
use crate::seam::{NotSent, UdpSocket};
use crate::station::{Network, Unresolved};
use crate::watch::Watch;

/// A lookup that takes longer has no answer.
const LOOKUP_MAX: Duration = Duration::from_secs(5);
/// UDP, DHCP, DNS.
const SOCKETS: usize = 3;

/// Where the interface's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// A DHCP server, IPv4.
    Dhcp,
    /// It is set.
    Static {
        /// Address and prefix, of either version.
        address: IpCidr,
        /// The way out, of the same version.
        gateway: Option<IpAddress>,
        /// The name server.
        dns: Option<IpAddress>,
    },
}

/// Memory of the sockets: `PACKETS` datagrams each way, in `BYTES` each way.
pub struct NetResources<const PACKETS: usize, const BYTES: usize> {
    sockets: [SocketStorage<'static>; SOCKETS],
    queries: [Option<DnsQuery>; 1],
    received: ([PacketMetadata; PACKETS], [u8; BYTES]),
    sent: ([PacketMetadata; PACKETS], [u8; BYTES]),
}

impl<const PACKETS: usize, const BYTES: usize> NetResources<PACKETS, BYTES> {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sockets: [SocketStorage::EMPTY; SOCKETS],
            queries: [None],
            received: ([PacketMetadata::EMPTY; PACKETS], [0; BYTES]),
            sent: ([PacketMetadata::EMPTY; PACKETS], [0; BYTES]),
        }
    }
}

impl<const PACKETS: usize, const BYTES: usize> Default for NetResources<PACKETS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// An interface with the sockets a viewer needs.
pub struct Net {
    iface: Interface,
    sockets: SocketSet<'static>,
    udp: SocketHandle,
    dns: SocketHandle,
    dhcp: Option<SocketHandle>,
    lookup: Option<Lookup>,
}

/// A name that is looked up.
#[derive(Clone, Copy)]
struct Lookup {
    query: Option<QueryHandle>,
    until: Instant,
}

impl Net {
    /// An interface of this hardware address, its UDP socket bound to `port`. `seed`: entropy for the stack's own random choices.
    pub fn new<const PACKETS: usize, const BYTES: usize>(
        (now, seed): (Instant, u64),
        device: &mut impl Device,
        hardware_address: [u8; 6],
        (addressing, port): (Addressing, u16),
        resources: &'static mut NetResources<PACKETS, BYTES>,
    ) -> Self {
        let mut config = Config::new(EthernetAddress(hardware_address).into());
        config.random_seed = seed;
        let iface = Interface::new(config, device, stack_time(now));
        let NetResources { sockets, queries, received, sent } = resources;
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let mut socket = udp::Socket::new(
            PacketBuffer::new(&mut received.0[..], &mut received.1[..]),
            PacketBuffer::new(&mut sent.0[..], &mut sent.1[..]),
        );
        // A port that is 0 is refused: then nothing is ever sent, and the log says that the edge does not answer.
        let _ = socket.bind(port);
        let udp = sockets.add(socket);
        let dns = sockets.add(dns::Socket::new(&[], &mut queries[..]));
        let dhcp = (addressing == Addressing::Dhcp).then(|| {
            let mut socket = dhcpv4::Socket::new();
            let mut retries = dhcpv4::RetryConfig::default();
            // Its own 10 s are a long time for who waits for a picture.
            retries.discover_timeout = smoltcp::time::Duration::from_secs(2);
            socket.set_retry_config(retries);
            sockets.add(socket)
        });
        let mut net = Self { iface, sockets, udp, dns, dhcp, lookup: None };
        if let Addressing::Static { address, gateway, dns } = addressing {
            net.set_address(Some(address), gateway, dns);
        }
        net
    }

    /// One round of everything. Gives the time of the next, unless the interface receives something before; `None`: the viewer has taken
    /// leave.
    pub fn poll<S, D, R, W>(
        &mut self,
        now: Instant,
        (device, has_link): (&mut impl Device, bool),
        watch: &mut Watch<'_, S>,
        (decoder, remote, watchdog): (&mut D, &mut R, &mut W),
    ) -> Option<Instant>
    where
        S: FrameStore,
        D: Decoder,
        R: Remote,
        W: Watchdog,
    {
        let time = stack_time(now);
        self.iface.poll(time, device, &mut self.sockets);
        self.follow_dhcp();
        if let Some(answer) = self.answer(now) {
            watch.on_resolved(now, answer);
        }
        let local = self.iface.ip_addrs().first().map(|cidr| cidr.address().into());
        let network = Network { has_link, local };
        let mut cx = Context::from_waker(Waker::noop());
        let mut socket = Socket(self.sockets.get_mut(self.udp));
        let round = watch.poll(&mut cx, now, network, (&mut socket, decoder, remote, watchdog));
        if let Some(name) = round.lookup {
            self.begin_lookup(now, name);
        }
        self.iface.poll(time, device, &mut self.sockets);
        if round.is_over {
            return None;
        }
        let stack_at = self.iface.poll_at(time, &self.sockets).map(core_time);
        let lookup_at = self.lookup.map(|lookup| lookup.until);
        [stack_at, lookup_at].into_iter().flatten().chain([round.at]).min()
    }

    fn follow_dhcp(&mut self) {
        let Some(dhcp) = self.dhcp else { return };
        let Some(event) = self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() else { return };
        match event {
            dhcpv4::Event::Configured(config) => {
                let (address, router) = (IpCidr::Ipv4(config.address), config.router.map(IpAddress::Ipv4));
                let servers = config.dns_servers.clone();
                self.set_address(Some(address), router, servers.into_iter().map(IpAddress::Ipv4));
            }
            dhcpv4::Event::Deconfigured => self.set_address(None, None, None),
        }
    }

    fn set_address(
        &mut self,
        address: Option<IpCidr>,
        gateway: Option<IpAddress>,
        servers: impl IntoIterator<Item = IpAddress>,
    ) {
        self.iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // There is room for one at least.
            let _ = address.map(|address| addresses.push(address));
        });
        let routes = self.iface.routes_mut();
        routes.remove_default_ipv4_route();
        routes.remove_default_ipv6_route();
        // There is room for one at least.
        match gateway {
            Some(IpAddress::Ipv4(gateway)) => drop(routes.add_default_ipv4_route(gateway)),
            Some(IpAddress::Ipv6(gateway)) => drop(routes.add_default_ipv6_route(gateway)),
            None => {}
        }
        let mut known = [IpAddress::v4(0, 0, 0, 0); DNS_MAX_SERVER_COUNT];
        let mut count = 0;
        for (place, server) in known.iter_mut().zip(servers) {
            *place = server;
            count += 1;
        }
        let known = known.get(..count).unwrap_or_default();
        self.sockets.get_mut::<dns::Socket<'_>>(self.dns).update_servers(known);
    }

    fn begin_lookup(&mut self, now: Instant, name: &str) {
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(self.dns);
        let kind = if self.iface.ipv4_addr().is_some() { DnsQueryType::A } else { DnsQueryType::Aaaa };
        let query = socket.start_query(self.iface.context(), name, kind).ok();
        self.lookup = Some(Lookup { query, until: now + LOOKUP_MAX });
    }

    /// What came of the lookup, once.
    fn answer(&mut self, now: Instant) -> Option<Result<IpAddr, Unresolved>> {
        let lookup = self.lookup?;
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(self.dns);
        let Some(query) = lookup.query else {
            self.lookup = None;
            return Some(Err(Unresolved::Unknown));
        };
        let answer = match socket.get_query_result(query) {
            Ok(found) => found.first().map(|&address| IpAddr::from(address)).ok_or(Unresolved::Unknown),
            Err(GetQueryResultError::Failed) => Err(Unresolved::Unknown),
            Err(GetQueryResultError::Pending) if lookup.until <= now => {
                socket.cancel_query(query);
                Err(Unresolved::NoAnswer)
            }
            Err(GetQueryResultError::Pending) => return None,
        };
        self.lookup = None;
        Some(answer)
    }
}

fn stack_time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

fn core_time(at: smoltcp::time::Instant) -> Instant {
    Instant::from_micros(u64::try_from(at.total_micros()).unwrap_or(0))
}

struct Socket<'s>(&'s mut udp::Socket<'static>);

impl UdpSocket for Socket<'_> {
    fn poll_receive<R>(&mut self, _: &mut Context<'_>, take: impl FnOnce(SocketAddr, &[u8]) -> R) -> Poll<R> {
        match self.0.recv() {
            Ok((datagram, from)) => Poll::Ready(take(from.endpoint.into(), datagram)),
            // Called again after the next poll of the interface.
            Err(_) => Poll::Pending,
        }
    }

    fn poll_send(
        &mut self,
        _: &mut Context<'_>,
        remote: SocketAddr,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Poll<Result<(), NotSent>> {
        let write = |room: &mut [u8]| {
            if let Some(room) = room.get_mut(..len) {
                fill(room);
            }
            len
        };
        match self.0.send_with(len, UdpMetadata::from(remote), write) {
            Ok(_) => Poll::Ready(Ok(())),
            Err(SendError::BufferFull) if self.0.payload_send_capacity() >= len => Poll::Pending,
            Err(SendError::BufferFull | SendError::Unaddressable) => Poll::Ready(Err(NotSent)),
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<()> {
        // Called again after the next poll of the interface.
        if self.0.send_queue() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}
