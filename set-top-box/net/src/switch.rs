//! The thread that runs a switch, and the handle that everybody else holds.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smoltcp::wire::EthernetAddress;

use crate::dhcp::{DhcpEvent, DhcpSettings};
use crate::dns::DnsSettings;
use crate::fabric::{Fabric, Source};
use crate::gateway::GatewayCounters;
use crate::impair::{Direction, Impairment};
use crate::network::Network;
use crate::pcap::Capture;
use crate::ports::{PortCounters, PortId};

/// Datagrams read from one socket before the others have their turn.
const BATCH: usize = 64;

/// Longer than any frame, so that what is too long is seen to be.
const READ_LEN: usize = 2_048;

/// What a switch starts with; all but the network and the seed can be changed while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Addresses of the boxes and of Linux.
    pub network: Network,
    /// Decides which frames are lost, late, twice or held back.
    pub seed: u64,
    /// The DHCP server.
    pub dhcp: DhcpSettings,
    /// The DNS server, on the gateway's address.
    pub dns: DnsSettings,
    /// The Linux socket of a box's port is closed when nothing passed through it for so long.
    pub host_idle_max: Duration,
}

impl Default for Config {
    /// 127.77.0.0/16, DHCP with leases of an hour, DNS that knows `edge.livesky.test` as the gateway's address.
    fn default() -> Self {
        let network = Network::default();
        let mut dns = DnsSettings::default();
        dns.names.insert("edge.livesky.test".to_owned(), vec![network.gateway()]);
        Self { network, seed: 1, dhcp: DhcpSettings::default(), dns, host_idle_max: Duration::from_secs(120) }
    }
}

/// An Ethernet switch with a gateway to Linux. It lives as long as its handles.
#[derive(Debug)]
pub struct Switch;

impl Switch {
    /// Starts one, without a port, in a thread of its own.
    ///
    /// # Errors
    /// When the system gives no socket pair or no thread.
    #[expect(clippy::disallowed_methods, reason = "times of the switch count from here")]
    pub fn start(config: Config) -> io::Result<SwitchHandle> {
        let network = config.network;
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let state = Mutex::new(State { fabric: Fabric::new(config), is_stopping: false });
        let shared = Arc::new(Shared { started: Instant::now(), state, waker });
        let of_thread = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("switch".to_owned()).spawn(move || run(&of_thread, &woken))?;
        Ok(SwitchHandle { running: Arc::new(Running { shared, network, thread: Some(thread) }) })
    }
}

/// Controls a running switch. Clones control the same one; it stops when the last is dropped.
///
/// Changes are in force when a call returns. A port of another switch has no effect and counts nothing.
#[derive(Clone, Debug)]
pub struct SwitchHandle {
    running: Arc<Running>,
}

impl SwitchHandle {
    /// Adds a port for one box. There are 64 at most.
    ///
    /// # Errors
    /// When no port is left or no socket can be bound.
    pub fn add_port(&self) -> io::Result<PortId> {
        self.change(Fabric::add_port)
    }

    /// What follows `-netdev` to connect a QEMU to `port`, as the backend called `id`. QEMU binds any free port; the switch learns it from
    /// the first frame.
    #[must_use]
    pub fn netdev(&self, port: PortId, id: &str) -> String {
        let remote = self.port_address(port).map_or(0, |address| address.port());
        format!(
            "dgram,id={id},local.type=inet,local.host=127.0.0.1,local.port=0,\
             remote.type=inet,remote.host=127.0.0.1,remote.port={remote}"
        )
    }

    /// Where `port` takes frames, one a UDP datagram; it answers to wherever the last one came from.
    #[must_use]
    pub fn port_address(&self, port: PortId) -> Option<SocketAddr> {
        self.lock().fabric.ports.get(port.index()).map(|port| port.local)
    }

    /// The addresses in use.
    #[must_use]
    pub fn network(&self) -> Network {
        self.running.network
    }

    /// Spoils one direction of a port from the next frame on.
    pub fn set_impairment(&self, port: PortId, direction: Direction, impairment: Impairment) {
        self.change(|fabric| {
            if let Some(port) = fabric.ports.get_mut(port.index()) {
                port.lane_mut(direction).settings = impairment;
            }
        });
    }

    /// Pulls the cable of a port or puts it back. QEMU's guest does not notice: it hears nothing.
    pub fn set_link(&self, port: PortId, is_up: bool) {
        self.change(|fabric| {
            if let Some(port) = fabric.ports.get_mut(port.index()) {
                port.is_up = is_up;
            }
        });
    }

    /// What a port's frames met.
    #[must_use]
    pub fn counters(&self, port: PortId) -> PortCounters {
        self.lock().fabric.ports.get(port.index()).map(|port| port.counters).unwrap_or_default()
    }

    /// What the gateway did.
    #[must_use]
    pub fn gateway_counters(&self) -> GatewayCounters {
        self.lock().fabric.gateway.counters
    }

    /// Linux sockets bound for boxes at the moment.
    #[must_use]
    pub fn host_sockets(&self) -> usize {
        self.lock().fabric.hosts.len()
    }

    /// Changes the DHCP server's settings.
    pub fn set_dhcp(&self, settings: DhcpSettings) {
        self.change(|fabric| fabric.gateway.dhcp.settings = settings);
    }

    /// The latest 512 messages that the DHCP server saw and sent, oldest first.
    #[must_use]
    pub fn dhcp_events(&self) -> Vec<DhcpEvent> {
        self.lock().fabric.gateway.dhcp.events().copied().collect()
    }

    /// Gives the box on `port` another address, which is returned: its next renewal is refused, the next offer is the other address.
    /// `None` when it has sent nothing yet, or all 200 addresses are taken.
    pub fn change_lease(&self, port: PortId) -> Option<Ipv4Addr> {
        self.change(|fabric| {
            let mac = fabric.ports.get(port.index())?.mac?;
            fabric.gateway.dhcp.change(mac)
        })
    }

    /// The address that the box on `port` uses, as far as was seen.
    #[must_use]
    pub fn box_address(&self, port: PortId) -> Option<Ipv4Addr> {
        let state = self.lock();
        let mac = state.fabric.ports.get(port.index())?.mac?;
        state.fabric.gateway.address_of(mac)
    }

    /// The hardware address of the box on `port`, once it has sent something.
    #[must_use]
    pub fn box_mac(&self, port: PortId) -> Option<EthernetAddress> {
        self.lock().fabric.ports.get(port.index())?.mac
    }

    /// Whether the DNS server answers.
    pub fn set_dns(&self, is_on: bool) {
        self.change(|fabric| fabric.gateway.dns.is_on = is_on);
    }

    /// Gives a name its addresses, in place of those it had. Case does not matter.
    pub fn set_name(&self, name: &str, addresses: Vec<Ipv4Addr>) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.change(|fabric| fabric.gateway.dns.names.insert(name, addresses));
    }

    /// Takes a name away.
    pub fn remove_name(&self, name: &str) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.change(|fabric| fabric.gateway.dns.names.remove(&name));
    }

    /// Writes frames into a capture file for Wireshark: those of boxes as they were sent, those to boxes as they
    /// arrive. It ends with the switch, with [`Self::stop_capture`], or at 1 GiB; written out twice a second.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn capture(&self, path: &Path) -> io::Result<()> {
        let capture = Capture::create(path)?;
        self.change(|fabric| fabric.capture = Some(capture));
        Ok(())
    }

    /// Ends the capture.
    pub fn stop_capture(&self) {
        self.change(|fabric| fabric.capture = None);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.running.shared.lock()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Fabric) -> T) -> T {
        let result = change(&mut self.lock().fabric);
        self.running.shared.wake();
        result
    }
}

/// The thread, joined when the last handle goes.
#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    network: Network,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.lock().is_stopping = true;
        self.shared.wake();
        // A panic there has been printed already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
    waker: UnixStream,
}

#[derive(Debug)]
struct State {
    fabric: Fabric,
    is_stopping: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A full pipe wakes just as well.
    fn wake(&self) {
        let _ = (&self.waker).write(&[1]);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock; what it drives is told the time"
    )]
    fn now(&self) -> Duration {
        Instant::now() - self.started
    }
}

fn run(shared: &Shared, woken: &UnixStream) {
    let mut bytes = vec![0; READ_LEN];
    let mut sockets: Vec<(Source, Arc<UdpSocket>)> = Vec::new();
    let mut generation = None;
    loop {
        let wait = {
            let mut state = shared.lock();
            if state.is_stopping {
                return;
            }
            let now = shared.now();
            state.fabric.handle_timeout(now);
            if generation != Some(state.fabric.generation()) {
                generation = Some(state.fabric.generation());
                sockets = state.fabric.sockets();
            }
            state.fabric.poll_timeout().saturating_sub(now)
        };
        let ready = ready(woken, &sockets, wait);
        drain(woken);
        let mut state = shared.lock();
        for (source, socket) in
            sockets.iter().zip(ready).filter_map(|(socket, is_ready)| is_ready.then_some(socket))
        {
            for _ in 0..BATCH {
                let Ok((len, from)) = socket.recv_from(&mut bytes) else { break };
                let datagram = bytes.get(..len).unwrap_or_default();
                state.fabric.handle_datagram(shared.now(), *source, from, datagram);
            }
        }
    }
}

/// Waits until a socket can be read, somebody wakes the switch, or `wait` is over; which sockets can be read. `ppoll`
/// takes nanoseconds, where epoll would round a delay up to milliseconds.
fn ready(woken: &UnixStream, sockets: &[(Source, Arc<UdpSocket>)], wait: Duration) -> Vec<bool> {
    let mut polled: Vec<PollFd<'_>> =
        sockets.iter().map(|(_, socket)| PollFd::new(&**socket, PollFlags::IN)).collect();
    polled.push(PollFd::new(woken, PollFlags::IN));
    let timeout = Timespec::try_from(wait).ok();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => polled.iter().take(sockets.len()).map(|fd| !fd.revents().is_empty()).collect(),
        Err(rustix::io::Errno::INTR) => Vec::new(),
        // Out of memory or descriptors, for a moment: do not spin.
        Err(_) => {
            thread::sleep(Duration::from_millis(1));
            Vec::new()
        }
    }
}

fn drain(mut woken: &UnixStream) {
    let mut bytes = [0; 64];
    while woken.read(&mut bytes).is_ok_and(|len| len == bytes.len()) {}
}
