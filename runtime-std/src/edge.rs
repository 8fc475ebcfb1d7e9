//! An edge on an async runtime: clients by UDP, publishers by TCP, and a handle to look at it and to end it.

use core::future::Future;
use core::net::SocketAddr;
use core::ops::ControlFlow;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use livesky_core::Instant;
use livesky_core::edge::{
    CHANNELS_MAX, ChannelSlot, ClientRecord, ClientSlot, Edge, EdgeConfig, EdgeEvent, EdgeSockets,
    EdgeStorage, Reservation,
};
use livesky_core::link::Link;
use livesky_core::media::ChannelName;
use livesky_core::store::{AddressIndex, AddressSlot, FrameSlot, WheelSlot};

use crate::channels::{Channels, Logs};
use crate::command::{Commands, Reply, ask};
use crate::driver::{Driver, Machine, Owner, Turn};
use crate::entropy;
use crate::gate::Gate;
use crate::intake::{Publishers, SharedEdge};
use crate::log::FrameLogReader;
use crate::runtime::{Listener, Runtime};
use crate::snapshot::{ChannelSnapshot, EdgeSnapshot};
use crate::store::SharedStore;
use crate::udp::{Udp, UdpOptions};

/// Events that wait for a reader; then the oldest are dropped.
const EVENTS_MAX: usize = 1_024;

/// The second port of an edge (RFC 5780).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondPort {
    /// None: NATs are not told apart.
    None,
    /// The one after the first, none when that is taken; any when the first may be any.
    #[default]
    Next,
    /// This one.
    At(u16),
}

/// How an edge is set up.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// The machine's settings. A `seed` of 0 and a `key` of zeros are replaced by entropy of the operating system.
    pub config: EdgeConfig,
    /// Where clients reach it by UDP.
    pub udp: SocketAddr,
    /// The UDP port of its second socket, through which clients learn what their NATs do.
    pub second_port: SecondPort,
    /// Where publishers reach it by TCP.
    pub tcp: SocketAddr,
    /// The UDP socket.
    pub socket: UdpOptions,
    /// Most clients, at most 65,535.
    pub clients_max: usize,
    /// Most channels, at most 32.
    pub channels_max: usize,
    /// Frames held per channel: at least twice the target buffer and 2 s at the channel's cadence.
    pub frames_max: usize,
    /// Bytes of frames held, all channels together.
    pub store_bytes_max: usize,
    /// Frames a reader of a channel's log may fall behind.
    pub log_frames_max: usize,
    /// Bytes of a channel's log; frames that are in the store too are not held twice.
    pub log_bytes_max: usize,
    /// Most publishers connected at once.
    pub publishers_max: usize,
}

impl EdgeOptions {
    /// An edge for 4,096 clients on these addresses.
    #[must_use]
    pub fn new(udp: SocketAddr, tcp: SocketAddr) -> Self {
        Self {
            config: EdgeConfig::default(),
            udp,
            second_port: SecondPort::Next,
            tcp,
            socket: UdpOptions { receive_slots: 16, receive_buffer_bytes: 16 << 20, ..UdpOptions::default() },
            clients_max: 4_096,
            channels_max: 8,
            frames_max: 2_048,
            store_bytes_max: 512 << 20,
            log_frames_max: 1_500,
            log_bytes_max: 128 << 20,
            publishers_max: 32,
        }
    }
}

/// Why an edge's driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeEnded {
    /// [`EdgeHandle::shutdown`] was called.
    Shutdown,
    /// The last handle was dropped.
    HandleDropped,
}

enum Command {
    Channels(Reply<Vec<ChannelSnapshot>>),
    Snapshot(ChannelName, Reply<Option<EdgeSnapshot>>),
    SetLegacyLoad(u64),
    SetAlternatives(Vec<SocketAddr>),
    Drain(Duration, Vec<SocketAddr>, Reply<()>),
    Shutdown,
}

/// A handle on a running edge. When the last clone is dropped the edge takes leave of its clients and ends.
#[derive(Clone)]
pub struct EdgeHandle {
    commands: Sender<Command>,
    events: Receiver<EdgeEvent>,
    logs: Logs,
    udp_addr: SocketAddr,
    second_addr: Option<SocketAddr>,
    tcp_addr: SocketAddr,
}

impl EdgeHandle {
    /// Where clients reach it.
    #[must_use]
    pub const fn udp_addr(&self) -> SocketAddr {
        self.udp_addr
    }

    /// Where its second socket is, through which clients learn what their NATs do; none when its port was taken.
    #[must_use]
    pub const fn second_addr(&self) -> Option<SocketAddr> {
        self.second_addr
    }

    /// Where publishers reach it.
    #[must_use]
    pub const fn tcp_addr(&self) -> SocketAddr {
        self.tcp_addr
    }

    /// The channels in order of their names; none when the driver has ended.
    pub async fn channels(&self) -> Vec<ChannelSnapshot> {
        ask(&self.commands, Command::Channels).await.unwrap_or_default()
    }

    /// A channel with its clients. Looks at every client of the edge: for once a second.
    pub async fn snapshot(&self, channel: &ChannelName) -> Option<EdgeSnapshot> {
        ask(&self.commands, |reply| Command::Snapshot(channel.clone(), reply)).await.flatten()
    }

    /// The frames of a channel from its newest key frame on.
    #[must_use]
    pub fn frames(&self, channel: &ChannelName) -> Option<FrameLogReader> {
        self.logs.get(channel).map(|log| log.reader())
    }

    /// The frames of a channel from the oldest one held on.
    #[must_use]
    pub fn frames_from_oldest(&self, channel: &ChannelName) -> Option<FrameLogReader> {
        self.logs.get(channel).map(|log| log.reader_from_oldest())
    }

    /// What a decoder needs before any frame of a channel.
    #[must_use]
    pub fn init(&self, channel: &ChannelName) -> Option<Arc<[u8]>> {
        self.logs.get(channel).map(|log| log.init())
    }

    /// What happens at the edge, reports of viewers among it. Each event goes to one of the receivers; with none reading, the oldest are dropped.
    #[must_use]
    pub fn events(&self) -> Receiver<EdgeEvent> {
        self.events.clone()
    }

    /// Says what legacy clients take of the capacity, in bit/s.
    pub async fn set_legacy_load(&self, legacy_bps: u64) {
        let _is_running = self.commands.send(Command::SetLegacyLoad(legacy_bps)).await.is_ok();
    }

    /// Says which other edges a client that is refused or handed over may try, the least loaded first.
    pub async fn set_alternatives(&self, alternatives: Vec<SocketAddr>) {
        let _is_running = self.commands.send(Command::SetAlternatives(alternatives)).await.is_ok();
    }

    /// Lets nobody in any more and hands the clients over to `alternatives` (none: those set before) within `span`. Done when nobody
    /// is left.
    pub async fn drain(&self, span: Duration, alternatives: Vec<SocketAddr>) {
        let _is_empty = ask(&self.commands, |reply| Command::Drain(span, alternatives, reply)).await;
    }

    /// Ends the edge: clients are told to leave; the driver then ends.
    pub async fn shutdown(&self) {
        let _is_running = self.commands.send(Command::Shutdown).await.is_ok();
    }
}

/// Binds an edge: its handle, and the future that does the work. To be called inside the runtime.
///
/// # Errors
/// When an address cannot be bound, or the operating system has no entropy.
pub fn bind<R: Runtime>(
    mut options: EdgeOptions,
) -> io::Result<(EdgeHandle, impl Future<Output = io::Result<EdgeEnded>> + Send)> {
    entropy::fill_seed(&mut options.config.seed)?;
    if options.config.key == [0; 16] {
        options.config.key = entropy::draw()?;
    }
    let mut udp = Udp::<R>::bind(options.udp, &options.socket)?;
    bind_second(&mut udp, &mut options)?;
    let listener = R::listen_tcp(std::net::TcpListener::bind(options.tcp)?)?;
    let (commands, receiver) = Commands::channel();
    let (event_sender, events) = async_channel::bounded(EVENTS_MAX);
    let logs = Logs::default();
    let handle = EdgeHandle {
        commands,
        events,
        logs: logs.clone(),
        udp_addr: udp.local_addr(),
        second_addr: udp.second_addr(),
        tcp_addr: listener.local_addr()?,
    };
    let owner = EdgeOwner::<R> {
        commands: receiver,
        events: event_sender,
        channels: Channels::new(logs, options.log_frames_max, options.log_bytes_max),
        publishers: Publishers::new(listener, options.publishers_max, Gate::new()),
        draining: None,
    };
    Ok((handle, run(options, udp, owner)))
}

fn bind_second<R: Runtime>(udp: &mut Udp<R>, options: &mut EdgeOptions) -> io::Result<()> {
    let main = udp.local_addr();
    match options.second_port {
        SecondPort::None => {}
        SecondPort::Next => {
            let next = if options.udp.port() == 0 { Some(0) } else { main.port().checked_add(1) };
            // Without one the edge serves all the same.
            let _is_bound =
                next.is_some_and(|port| udp.bind_second(SocketAddr::new(main.ip(), port)).is_ok());
        }
        SecondPort::At(port) => udp.bind_second(SocketAddr::new(main.ip(), port))?,
    }
    options.config.sockets = udp.second_addr().map(|second| EdgeSockets { main, second });
    Ok(())
}

/// The machine and the memory lent to it live in this future.
async fn run<R: Runtime>(
    options: EdgeOptions,
    mut udp: Udp<R>,
    mut owner: EdgeOwner<R>,
) -> io::Result<EdgeEnded> {
    let channels_max = options.channels_max.clamp(1, CHANNELS_MAX);
    let clients_max = options.clients_max;
    let addresses_len = AddressIndex::slots_for(clients_max);
    let mut clients = boxed(clients_max, || ClientSlot::EMPTY);
    let mut records = boxed(clients_max, || ClientRecord::EMPTY);
    let mut links = boxed(clients_max, || Link::EMPTY);
    let mut addresses = boxed(addresses_len, || AddressSlot::EMPTY);
    let mut timers = boxed(clients_max + channels_max, || WheelSlot::EMPTY);
    let mut channels = boxed(channels_max, || ChannelSlot::EMPTY);
    let mut frames = boxed(channels_max * options.frames_max, || FrameSlot::EMPTY);
    let mut suppliers = boxed(channels_max * clients_max, || 0);
    let mut reservations = boxed(clients_max.clamp(64, 4_096), || Reservation::EMPTY);
    let storage = EdgeStorage {
        clients: &mut clients,
        records: &mut records,
        links: &mut links,
        addresses: &mut addresses,
        timers: &mut timers,
        channels: &mut channels,
        frames: &mut frames,
        suppliers: &mut suppliers,
        reservations: &mut reservations,
    };
    let mut edge = Edge::new(options.config, storage, SharedStore::new(options.store_bytes_max));
    let result = Driver::new(&mut edge, &mut owner, &mut udp).run().await;
    owner.channels.close_all();
    result.map(|(ended, _)| ended)
}

fn boxed<T>(len: usize, empty: impl FnMut() -> T) -> Box<[T]> {
    core::iter::repeat_with(empty).take(len).collect()
}

impl Machine for SharedEdge<'_> {
    type Store = SharedStore;

    fn store(&self) -> &SharedStore {
        Edge::store(self)
    }
}

struct EdgeOwner<R: Runtime> {
    commands: Commands<Command>,
    events: Sender<EdgeEvent>,
    channels: Channels,
    publishers: Publishers<R>,
    draining: Option<Reply<()>>,
}

impl<R: Runtime> EdgeOwner<R> {
    fn on_command(
        &mut self,
        command: Command,
        turn: &mut Turn<'_, SharedEdge<'_>>,
    ) -> ControlFlow<EdgeEnded> {
        let Turn { now, ref mut machine, udp, driver } = *turn;
        match command {
            Command::Channels(reply) => {
                let ids = self.channels.ids().into_iter();
                reply.send(ids.filter_map(|id| ChannelSnapshot::take(machine, &self.channels, id)).collect());
            }
            Command::Snapshot(name, reply) => {
                let id = self.channels.id_of(&name);
                reply.send(
                    id.and_then(|id| EdgeSnapshot::take(now, machine, &self.channels, id, (udp, driver))),
                );
            }
            Command::SetAlternatives(alternatives) => machine.set_alternatives(&alternatives),
            Command::Drain(span, alternatives, reply) => {
                self.draining = Some(reply);
                machine.drain(now, now + span, &alternatives);
            }
            Command::SetLegacyLoad(legacy_bps) => machine.set_legacy_load(now, legacy_bps),
            Command::Shutdown => {
                machine.shutdown(now);
                return ControlFlow::Break(EdgeEnded::Shutdown);
            }
        }
        ControlFlow::Continue(())
    }
}

impl<'a, R: Runtime> Owner<SharedEdge<'a>> for EdgeOwner<R> {
    type Ended = EdgeEnded;

    fn on_event(&mut self, _: Instant, _: &mut SharedEdge<'a>, event: EdgeEvent) -> ControlFlow<EdgeEnded> {
        if let EdgeEvent::ChannelClosed { channel } = event {
            self.channels.close(channel);
        }
        if let Some(draining) = self.draining.take_if(|_| event == EdgeEvent::Drained) {
            draining.send(());
        }
        let _older = self.events.force_send(event);
        ControlFlow::Continue(())
    }

    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        mut turn: Turn<'_, SharedEdge<'a>>,
    ) -> Poll<ControlFlow<EdgeEnded>> {
        match self.commands.poll_next(cx) {
            Poll::Ready(Some(command)) => return Poll::Ready(self.on_command(command, &mut turn)),
            Poll::Ready(None) => {
                turn.machine.shutdown(turn.now);
                return Poll::Ready(ControlFlow::Break(EdgeEnded::HandleDropped));
            }
            Poll::Pending => {}
        }
        let polled = self.publishers.poll(cx, turn.now, turn.machine, &mut self.channels);
        polled.map(|()| ControlFlow::Continue(()))
    }

    fn deadline(&self) -> Option<Instant> {
        self.publishers.deadline()
    }
}
