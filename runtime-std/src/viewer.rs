//! A viewer on an async runtime: joins a channel at an edge, relays to others, and plays into a frame log.

use core::future::Future;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::ControlFlow;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_channel::Sender;
use livesky_core::Instant;
use livesky_core::client::{
    Client, ClientConfig, ClientEvent, ClientStats, ClientStorage, ClientView, Peer, PeerView, ReportsView,
};
use livesky_core::media::ChannelName;
use livesky_core::store::{Assembly, FrameSlot};
use livesky_core::wire::control::{LeaveReason, Refused, WatchStats};

use crate::command::Commands;
use crate::driver::{Driver, DriverStats, Machine, Owner, Turn};
use crate::entropy;
use crate::log::{FrameLog, FrameLogReader, LoggedFrame};
use crate::runtime::Runtime;
use crate::store::SharedStore;
use crate::udp::{Udp, UdpOptions, UdpStats};

/// How often a status that nothing changed is refreshed.
const REFRESH: Duration = Duration::from_millis(250);

/// What a viewer watches, and what it is lent.
#[derive(Clone, Debug)]
pub struct ViewerOptions {
    /// The edge's UDP address.
    pub edge: SocketAddr,
    /// The channel.
    pub channel: ChannelName,
    /// What may be uploaded in bit/s; 0: receive only.
    pub upload_bps: u32,
    /// Whether nothing is to be uploaded at all: a metered link, or no consent.
    pub receive_only: bool,
    /// Whether to go to the other edges an edge names when it is full or goes down.
    pub follows_redirects: bool,
    /// Decides every random choice; 0: drawn from the operating system.
    pub seed: u64,
    /// The address to bind; `None`: any port on every address of the edge's kind.
    pub bind: Option<SocketAddr>,
    /// The UDP socket.
    pub socket: UdpOptions,
    /// The edge and the peers, 1 to 64.
    pub peers_max: usize,
    /// Frames held: at least twice the target buffer and 2 s at the channel's cadence.
    pub frames_max: usize,
    /// Bytes of frames held.
    pub store_bytes_max: usize,
    /// Played frames a reader of the log may fall behind.
    pub log_frames_max: usize,
    /// Bytes of the log; frames that are in the store too are not held twice.
    pub log_bytes_max: usize,
}

impl ViewerOptions {
    /// A viewer of `channel` that receives only.
    #[must_use]
    pub fn new(edge: SocketAddr, channel: ChannelName) -> Self {
        Self {
            edge,
            channel,
            upload_bps: 0,
            receive_only: false,
            follows_redirects: true,
            seed: 0,
            bind: None,
            socket: UdpOptions { receive_slots: 1, ..UdpOptions::default() },
            peers_max: 24,
            frames_max: 2_048,
            store_bytes_max: 128 << 20,
            log_frames_max: 750,
            log_bytes_max: 64 << 20,
        }
    }
}

/// How a viewer fares.
#[derive(Clone, Debug, Default)]
pub struct ViewerStatus {
    /// When this was taken, on the driver's clock.
    pub taken_at: Instant,
    /// The session: parents, playout, slots; `None` before the welcome.
    pub session: Option<ClientView>,
    /// What the edge is told of watching: buffer, startup, stalls, bytes by source.
    pub watch: WatchStats,
    /// All the machine counts.
    pub stats: ClientStats,
    /// The peers met.
    pub peers: Vec<PeerView>,
    /// The edge's last refusal since the last welcome.
    pub refused: Option<Refused>,
    /// Why the last session ended, until the next welcome.
    pub left: Option<LeaveReason>,
    /// The last minute, and the reports that wait to be taken.
    pub reports: ReportsView,
    /// The edge asked in another's place, until one lets the viewer in.
    pub redirected: Option<SocketAddr>,
    /// Counters of the socket.
    pub udp: UdpStats,
    /// Counters of the driver.
    pub driver: DriverStats,
}

/// Why a viewer's driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerEnded {
    /// [`ViewerHandle::leave`] was called.
    Left,
    /// The last handle was dropped.
    HandleDropped,
}

enum Command {
    Leave,
}

/// A handle on a running viewer. When the last clone is dropped the viewer takes leave and ends.
#[derive(Clone)]
pub struct ViewerHandle {
    commands: Sender<Command>,
    status: Arc<Mutex<Arc<ViewerStatus>>>,
    log: FrameLog,
    local_addr: SocketAddr,
}

impl ViewerHandle {
    /// The address its socket is bound to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// How it fares: at most 250 ms old.
    #[must_use]
    pub fn status(&self) -> Arc<ViewerStatus> {
        Arc::clone(&self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The frames as they are played, from the newest key frame on.
    #[must_use]
    pub fn frames(&self) -> FrameLogReader {
        self.log.reader()
    }

    /// Ends the viewer: its edge and its peers are told; the driver then ends.
    pub async fn leave(&self) {
        let _is_running = self.commands.send(Command::Leave).await.is_ok();
    }
}

/// Joins a channel: the viewer's handle, and the future that does the work. To be called inside the runtime.
///
/// # Errors
/// When no socket can be bound, or the operating system has no entropy.
pub fn join<R: Runtime>(
    mut options: ViewerOptions,
) -> io::Result<(ViewerHandle, impl Future<Output = io::Result<ViewerEnded>> + Send)> {
    entropy::fill_seed(&mut options.seed)?;
    let udp =
        Udp::<R>::bind(options.bind.unwrap_or_else(|| any_port_towards(options.edge)), &options.socket)?;
    let (commands, receiver) = Commands::channel();
    let status = Arc::new(Mutex::new(Arc::new(ViewerStatus::default())));
    let log = FrameLog::new(options.log_frames_max, options.log_bytes_max);
    let handle = ViewerHandle {
        commands,
        status: Arc::clone(&status),
        log: log.clone(),
        local_addr: udp.local_addr(),
    };
    let owner = ViewerOwner {
        commands: receiver,
        status,
        log,
        left: None,
        redirected: None,
        refresh_at: Instant::ZERO,
    };
    Ok((handle, run(options, udp, owner)))
}

const fn any_port_towards(edge: SocketAddr) -> SocketAddr {
    match edge {
        SocketAddr::V4(_) => SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(core::net::IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}

/// The address a socket bound to `local` has on the way to the edge; nothing is sent.
fn address_towards(edge: SocketAddr, local: SocketAddr) -> Option<SocketAddr> {
    if !local.ip().is_unspecified() {
        return Some(SocketAddr::new(local.ip().to_canonical(), local.port()));
    }
    let probe = std::net::UdpSocket::bind(any_port_towards(edge)).ok()?;
    probe.connect(edge).ok()?;
    Some(SocketAddr::new(probe.local_addr().ok()?.ip().to_canonical(), local.port()))
}

/// The machine and the memory lent to it live in this future.
async fn run<R: Runtime>(
    options: ViewerOptions,
    mut udp: Udp<R>,
    mut owner: ViewerOwner,
) -> io::Result<ViewerEnded> {
    let mut peers: Box<[Peer]> = core::iter::repeat_n(Peer::EMPTY, options.peers_max.clamp(1, 64)).collect();
    let mut frames = vec![FrameSlot::EMPTY; options.frames_max].into_boxed_slice();
    let mut assemblies = vec![Assembly::EMPTY; ASSEMBLIES].into_boxed_slice();
    let storage = ClientStorage { peers: &mut peers, frames: &mut frames, assemblies: &mut assemblies };
    let ViewerOptions { edge, seed, upload_bps, receive_only, follows_redirects, .. } = options;
    let local = address_towards(edge, udp.local_addr());
    let config = ClientConfig {
        seed,
        edge,
        upload_bps,
        receive_only,
        follows_redirects,
        local,
        ..ClientConfig::default()
    };
    let mut client = Client::new(config, storage, SharedStore::new(options.store_bytes_max));
    client.tune(R::now(), &options.channel);
    let result = Driver::new(&mut client, &mut owner, &mut udp).run().await;
    owner.log.close();
    result.map(|(ended, _)| ended)
}

/// Frames being assembled at once.
const ASSEMBLIES: usize = 32;

type SharedClient<'a> = Client<'a, SharedStore>;

impl Machine for SharedClient<'_> {
    type Store = SharedStore;

    fn store(&self) -> &SharedStore {
        Client::store(self)
    }
}

struct ViewerOwner {
    commands: Commands<Command>,
    status: Arc<Mutex<Arc<ViewerStatus>>>,
    log: FrameLog,
    left: Option<LeaveReason>,
    redirected: Option<SocketAddr>,
    refresh_at: Instant,
}

impl ViewerOwner {
    fn refresh(&mut self, turn: &Turn<'_, SharedClient<'_>>) {
        let client = &turn.machine;
        let status = ViewerStatus {
            taken_at: turn.now,
            session: client.view(turn.now),
            watch: client.watch_stats(turn.now),
            stats: *client.stats(),
            peers: client.peers().collect(),
            refused: client.refused().cloned(),
            left: self.left,
            reports: client.reports(),
            redirected: self.redirected,
            udp: turn.udp,
            driver: turn.driver,
        };
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(status);
        self.refresh_at = turn.now + REFRESH;
    }
}

impl<'a> Owner<SharedClient<'a>> for ViewerOwner {
    type Ended = ViewerEnded;

    fn on_event(
        &mut self,
        _: Instant,
        client: &mut SharedClient<'a>,
        event: ClientEvent,
    ) -> ControlFlow<ViewerEnded> {
        match event {
            ClientEvent::Frame(due) => {
                if let Some(bytes) = client.store().frame(due.key) {
                    self.log.push(LoggedFrame { epoch: due.epoch, info: due.info, bytes });
                }
                return ControlFlow::Continue(());
            }
            ClientEvent::Joined => {
                self.log.set_init(client.init());
                self.left = None;
                self.redirected = None;
            }
            ClientEvent::Left { reason } => self.left = Some(reason),
            ClientEvent::Redirected { to } => self.redirected = Some(to),
            ClientEvent::Refused(_)
            | ClientEvent::Started { .. }
            | ClientEvent::Stalled
            | ClientEvent::Resumed { .. }
            | ClientEvent::Skipped { .. } => {}
        }
        self.refresh_at = Instant::ZERO;
        ControlFlow::Continue(())
    }

    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        turn: Turn<'_, SharedClient<'a>>,
    ) -> Poll<ControlFlow<ViewerEnded>> {
        let command = self.commands.poll_next(cx);
        if command.is_ready() {
            turn.machine.leave(turn.now);
        }
        if command.is_ready() || self.refresh_at <= turn.now {
            self.refresh(&turn);
        }
        command.map(|command| {
            ControlFlow::Break(match command {
                Some(Command::Leave) => ViewerEnded::Left,
                None => ViewerEnded::HandleDropped,
            })
        })
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.refresh_at)
    }
}
