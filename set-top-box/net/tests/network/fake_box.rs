//! A box: smoltcp's interface over a UDP socket that carries Ethernet frames, as QEMU's `-netdev dgram` does.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use livesky_stb_net::{EthernetAddress, PortId, SwitchHandle};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{dhcpv4, dns, udp};
use smoltcp::time::Instant as Moment;
use smoltcp::wire::{DnsQueryType, IpAddress, IpCidr};

/// Longest that any single step of a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The end of a box's cable.
pub(crate) struct Cable {
    socket: UdpSocket,
}

impl Cable {
    pub(crate) fn plug(switch: &SwitchHandle, port: PortId) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(switch.port_address(port).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        self.socket.send(frame).unwrap();
    }

    pub(crate) fn receive(&self) -> Option<Vec<u8>> {
        let mut frame = vec![0; 2_048];
        let len = self.socket.recv(&mut frame).ok()?;
        frame.truncate(len);
        Some(frame)
    }
}

pub(crate) struct Received(Vec<u8>);
pub(crate) struct Sent<'a>(&'a Cable);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut frame = vec![0; len];
        let result = write(&mut frame);
        self.0.send(&frame);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Moment) -> Option<(Received, Sent<'_>)> {
        let frame = Self::receive(self)?;
        Some((Received(frame), Sent(self)))
    }

    fn transmit(&mut self, _: Moment) -> Option<Sent<'_>> {
        Some(Sent(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

/// What an echo of this test's boxes uses.
pub(crate) fn box_port() -> u16 {
    20_000 + u16::try_from(std::process::id() % 20_000).unwrap()
}

pub(crate) struct FakeBox {
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    udp: SocketHandle,
    dns: SocketHandle,
    started: Instant,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) router: Option<Ipv4Addr>,
}

impl FakeBox {
    pub(crate) fn boot(switch: &SwitchHandle, port: PortId) -> Self {
        let mut cable = Cable::plug(switch, port);
        let last = u8::try_from(port.index()).unwrap();
        let mut config = Config::new(EthernetAddress([0x52, 0x54, 0, 0x77, 0, last]).into());
        config.random_seed = u64::from(last) + 5;
        let interface = Interface::new(config, &mut cable, Moment::ZERO);
        let mut sockets = SocketSet::new(Vec::new());
        let mut dhcp = dhcpv4::Socket::new();
        let mut retry = dhcp.get_retry_config();
        retry.discover_timeout = smoltcp::time::Duration::from_secs(2);
        dhcp.set_retry_config(retry);
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 256], vec![0; 400_000]);
        let mut udp = udp::Socket::new(buffer(), buffer());
        udp.bind(box_port()).unwrap();
        Self {
            cable,
            interface,
            dhcp: sockets.add(dhcp),
            udp: sockets.add(udp),
            dns: sockets.add(dns::Socket::new(&[], vec![None, None])),
            sockets,
            started: Instant::now(),
            address: None,
            router: None,
        }
    }

    /// Boots and waits for an address.
    pub(crate) fn with_address(switch: &SwitchHandle, port: PortId) -> (Self, Ipv4Addr) {
        let mut one = Self::boot(switch, port);
        let address = one.poll_until(PATIENCE, |one| one.address).expect("an address by DHCP");
        (one, address)
    }

    pub(crate) fn poll(&mut self) {
        let now = Moment::from_micros(i64::try_from(self.started.elapsed().as_micros()).unwrap());
        self.interface.poll(now, &mut self.cable, &mut self.sockets);
        let Some(event) = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll() else { return };
        self.interface.update_ip_addrs(|all| all.clear());
        self.interface.routes_mut().remove_default_ipv4_route();
        (self.address, self.router) = (None, None);
        if let dhcpv4::Event::Configured(config) = event {
            (self.address, self.router) = (Some(config.address.address()), config.router);
            self.interface.update_ip_addrs(|all| all.push(IpCidr::Ipv4(config.address)).unwrap());
            self.interface.routes_mut().add_default_ipv4_route(config.router.unwrap()).unwrap();
            let servers: Vec<IpAddress> = config.dns_servers.iter().map(|&server| server.into()).collect();
            self.sockets.get_mut::<dns::Socket<'_>>(self.dns).update_servers(&servers);
        }
    }

    /// Runs the box until `look` finds something; `None` when it does not within `patience`.
    pub(crate) fn poll_until<T>(
        &mut self,
        patience: Duration,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let begun = Instant::now();
        loop {
            self.poll();
            if let Some(found) = look(self) {
                return Some(found);
            }
            if begun.elapsed() > patience {
                return None;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }

    pub(crate) fn send(&mut self, to: SocketAddrV4, payload: &[u8]) {
        self.sockets.get_mut::<udp::Socket<'_>>(self.udp).send_slice(payload, to).unwrap();
        self.poll();
    }

    /// The next datagram that came in, with its sender.
    pub(crate) fn receive(&mut self) -> Option<(SocketAddrV4, Vec<u8>)> {
        let (payload, meta) = self.sockets.get_mut::<udp::Socket<'_>>(self.udp).recv().ok()?;
        let IpAddress::Ipv4(address) = meta.endpoint.addr;
        Some((SocketAddrV4::new(address, meta.endpoint.port), payload.to_vec()))
    }

    /// Sends and waits for an answer.
    pub(crate) fn ask(&mut self, to: SocketAddrV4, payload: &[u8]) -> Option<(SocketAddrV4, Vec<u8>)> {
        self.send(to, payload);
        self.poll_until(PATIENCE, Self::receive)
    }

    /// The first address of a name; `None` when there is none or nobody answers within `patience`.
    pub(crate) fn resolve(&mut self, name: &str, patience: Duration) -> Option<Ipv4Addr> {
        let (dns, context) = (self.dns, self.interface.context());
        let query =
            self.sockets.get_mut::<dns::Socket<'_>>(dns).start_query(context, name, DnsQueryType::A).unwrap();
        let result = self.poll_until(patience, |one| {
            match one.sockets.get_mut::<dns::Socket<'_>>(dns).get_query_result(query) {
                Ok(addresses) => Some(addresses.first().copied()),
                Err(dns::GetQueryResultError::Pending) => None,
                Err(dns::GetQueryResultError::Failed) => Some(None),
            }
        });
        result.flatten().map(|IpAddress::Ipv4(address)| address)
    }
}
