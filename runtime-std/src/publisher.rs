//! Publishes a channel to a service node over TCP, and comes back when the connection breaks.

use core::convert::Infallible;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_channel::Sender;
use livesky_core::Instant;
use livesky_core::media::{ChannelName, ChannelSettings};
use livesky_core::relay::{NewFrame, Source, SourceConfig, SourceEvent, StreamError};
use livesky_core::wire::stream::{Resume, StreamRefusal};

use crate::command::Commands;
use crate::runtime::{Runtime, Timer};
use crate::stream::Outbox;

/// Steps in one poll, then others on the executor get their turn.
const STEPS_MAX: u32 = 64;

/// What is published, and where to.
#[derive(Clone, Debug)]
pub struct PublisherOptions {
    /// The service node's TCP address.
    pub node: SocketAddr,
    /// The channel's name.
    pub channel: ChannelName,
    /// The channel's settings.
    pub settings: ChannelSettings,
    /// What a decoder needs before any frame; at most [`livesky_core::limits::INIT_LEN_MAX`] bytes.
    pub init: Vec<u8>,
    /// Where an earlier run of the program was.
    pub resume: Option<Resume>,
    /// Frames that may wait for the connection; then [`Publisher::send`] waits.
    pub queue_frames: usize,
}

impl PublisherOptions {
    /// A publisher of `channel` with settings of their defaults and room for 64 frames.
    #[must_use]
    pub fn new(node: SocketAddr, channel: ChannelName) -> Self {
        let settings = ChannelSettings::default();
        Self { node, channel, settings, init: Vec::new(), resume: None, queue_frames: 64 }
    }
}

/// Where a publisher stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublisherState {
    /// The first connection is being made, or its answer awaited.
    #[default]
    Connecting,
    /// The node takes frames.
    OnAir,
    /// The connection is lost or could not be made; it is tried again.
    Waiting(StreamError),
    /// The node said no. Unless that is final ([`StreamRefusal::is_final`]) it is asked again.
    Refused(StreamRefusal),
    /// The channel is over.
    Ended,
}

/// State and counters of a publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherStatus {
    /// Where it stands.
    pub state: PublisherState,
    /// Where the channel is; worth keeping for a later run of the program.
    pub resume: Option<Resume>,
    /// Frames handed to the connection.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Frames the protocol cannot carry (empty, too long, bad offsets): dropped.
    pub frames_invalid: u64,
    /// Times the node accepted the channel.
    pub accepts: u64,
}

/// Why a publisher's driver fails.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// The node will not take the channel, however often it is asked.
    #[error("the service node refuses the channel: {0:?}")]
    Refused(StreamRefusal),
    /// `init` is longer than the protocol allows.
    #[error("the init bytes are more than {max}", max = livesky_core::limits::INIT_LEN_MAX)]
    InitTooLong,
}

/// A frame to be published: what is known of it and its bytes.
#[derive(Clone, Debug)]
pub struct PublishedFrame {
    /// Decode time, key flag and the like; `len` is taken from the bytes.
    pub frame: NewFrame,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// The publisher's driver is gone: the channel is over, or was refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publisher has ended")]
pub struct PublisherGone;

enum Command {
    Frame(PublishedFrame),
    Init(Vec<u8>),
}

/// The handle. When the last clone is dropped the channel ends, once the frames that wait are sent.
#[derive(Clone)]
pub struct Publisher {
    commands: Sender<Command>,
    /// Carries nothing. It is closed with `commands`, and tells so even while commands wait that nobody takes.
    alive: Sender<Infallible>,
    status: Arc<Mutex<PublisherStatus>>,
}

impl Publisher {
    /// Publishes a frame; waits while the queue is full.
    ///
    /// # Errors
    /// When the driver has ended.
    pub async fn send(&self, frame: PublishedFrame) -> Result<(), PublisherGone> {
        self.commands.send(Command::Frame(frame)).await.map_err(|_| PublisherGone)
    }

    /// Publishes a frame if there is room in the queue; whether there was.
    ///
    /// # Errors
    /// When the driver has ended.
    pub fn try_send(&self, frame: PublishedFrame) -> Result<bool, PublisherGone> {
        match self.commands.try_send(Command::Frame(frame)) {
            Ok(()) => Ok(true),
            Err(async_channel::TrySendError::Full(_)) => Ok(false),
            Err(async_channel::TrySendError::Closed(_)) => Err(PublisherGone),
        }
    }

    /// Replaces what a decoder needs before the frames sent from here on.
    ///
    /// # Errors
    /// When the driver has ended.
    pub async fn set_init(&self, init: Vec<u8>) -> Result<(), PublisherGone> {
        self.commands.send(Command::Init(init)).await.map_err(|_| PublisherGone)
    }

    /// Ends the channel after the frames that wait; while the node cannot be reached, at once. Nothing is taken any more.
    pub fn end(&self) {
        // Not a command: those wait while the queue is full, which it is when the node is away.
        self.commands.close();
        self.alive.close();
    }

    /// State and counters.
    #[must_use]
    pub fn status(&self) -> PublisherStatus {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> PublisherState {
        self.status().state
    }
}

/// A publisher of a channel: the handle, and the future that does the work. It ends when the channel does.
pub fn publish<R: Runtime>(
    options: PublisherOptions,
) -> (Publisher, impl Future<Output = Result<PublisherStatus, PublisherError>> + Send) {
    let (commands, receiver) = Commands::bounded(options.queue_frames.max(1));
    let (alive, handles) = Commands::bounded(1);
    let status = Arc::new(Mutex::new(PublisherStatus::default()));
    let publisher = Publisher { commands, alive, status: Arc::clone(&status) };
    let driver = async move {
        let now = R::now();
        let config = SourceConfig {
            channel: options.channel,
            settings: options.settings,
            ticket: Default::default(),
            resume: options.resume,
        };
        let mut source = Source::new(config, now);
        source.set_init(&options.init).map_err(|_| PublisherError::InitTooLong)?;
        let mut connection = Connection::<R> {
            node: options.node,
            source,
            commands: receiver,
            handles,
            waiting: None,
            connecting: None,
            stream: None,
            outbox: Outbox::new(),
            timer: R::timer(),
            status,
            ended: None,
        };
        poll_fn(|cx| connection.poll(cx)).await
    };
    (publisher, driver)
}

type Connecting<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

struct Connection<R: Runtime> {
    node: SocketAddr,
    source: Source,
    commands: Commands<Command>,
    /// Ends with the handles.
    handles: Commands<Infallible>,
    /// A frame taken from the queue while the node takes none.
    waiting: Option<PublishedFrame>,
    connecting: Option<Connecting<R::Tcp>>,
    stream: Option<R::Tcp>,
    outbox: Outbox,
    timer: R::Timer,
    status: Arc<Mutex<PublisherStatus>>,
    ended: Option<Result<(), PublisherError>>,
}

impl<R: Runtime> Connection<R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<PublisherStatus, PublisherError>> {
        for _ in 0..STEPS_MAX {
            let now = R::now();
            if self.source.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                self.source.handle_timeout(now);
            }
            let mut is_progress = false;
            is_progress |= self.poll_connecting(cx, now);
            is_progress |= self.poll_read(cx, now);
            is_progress |= self.poll_write(cx, now);
            while let Some(event) = self.source.poll_event() {
                self.on_event(event);
                is_progress = true;
            }
            if self.outbox.is_empty() || self.stream.is_none() {
                match self.ended.take() {
                    Some(Ok(())) => return Poll::Ready(Ok(self.report(|_| {}))),
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    None => {}
                }
            }
            if !is_progress && self.poll_timer(cx, now).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn on_event(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Connect => {
                self.disconnect();
                self.connecting = Some(Box::pin(R::connect_tcp(self.node)));
            }
            SourceEvent::OnAir(_) => {
                self.report(|status| {
                    status.state = PublisherState::OnAir;
                    status.accepts += 1;
                });
            }
            SourceEvent::Dropped(error) => {
                self.disconnect();
                self.report(|status| status.state = PublisherState::Waiting(error));
            }
            SourceEvent::Refused(reason) => {
                self.disconnect();
                self.report(|status| status.state = PublisherState::Refused(reason));
                if reason.is_final() {
                    self.ended = Some(Err(PublisherError::Refused(reason)));
                }
            }
            SourceEvent::Ended => {
                self.report(|status| status.state = PublisherState::Ended);
                self.ended = Some(Ok(()));
            }
        }
    }

    fn disconnect(&mut self) {
        self.connecting = None;
        self.stream = None;
        self.outbox.clear();
    }

    fn report(&self, change: impl FnOnce(&mut PublisherStatus)) -> PublisherStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut status);
        status.resume = self.source.resume();
        *status
    }

    fn poll_connecting(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(connecting) = &mut self.connecting else { return false };
        let Poll::Ready(connected) = connecting.as_mut().poll(cx) else { return false };
        self.connecting = None;
        match connected {
            Ok(stream) => {
                self.stream = Some(stream);
                self.source.handle_connected(now);
            }
            Err(_) => self.source.handle_disconnected(now),
        }
        true
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let mut buffer = [0; 1_024];
        match futures_lite::AsyncRead::poll_read(Pin::new(stream), cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(count)) if count > 0 => {
                self.source.handle_bytes(now, buffer.get(..count).unwrap_or_default());
            }
            Poll::Ready(Ok(_) | Err(_)) => self.on_broken(now),
        }
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(stream) = &mut self.stream else { return self.poll_unconnected(cx, now) };
        match self.outbox.poll_write(cx, stream) {
            Poll::Pending => return false,
            Poll::Ready(Err(_)) => {
                self.on_broken(now);
                return true;
            }
            Poll::Ready(Ok(())) => {}
        }
        if let Some(len) = self.source.poll_transmit(now, self.outbox.head()) {
            self.outbox.put(len, None);
            return true;
        }
        self.poll_command(cx, now)
    }

    fn on_broken(&mut self, now: Instant) {
        self.disconnect();
        self.source.handle_disconnected(now);
    }

    /// A publisher that is told to end, or whose handle is gone, does not wait for a node that does not answer.
    fn poll_unconnected(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let is_failing = match self.report(|_| {}).state {
            PublisherState::Waiting(_) | PublisherState::Refused(_) => true,
            PublisherState::Connecting | PublisherState::OnAir | PublisherState::Ended => false,
        };
        if is_failing && !self.source.is_over() && self.handles.poll_next(cx).is_ready() {
            self.source.end();
            return true;
        }
        self.poll_command(cx, now)
    }

    /// Takes the next command; frames only while the node takes them.
    fn poll_command(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.waiting.is_none() && !self.source.is_over() {
            match self.commands.poll_next(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(Command::Frame(frame))) => self.waiting = Some(frame),
                Poll::Ready(Some(Command::Init(init))) => {
                    let is_set = self.source.set_init(&init).is_ok();
                    self.report(|status| status.frames_invalid += u64::from(!is_set));
                    return true;
                }
                Poll::Ready(None) => {
                    self.source.end();
                    return true;
                }
            }
        }
        if !self.source.is_on_air() {
            return false;
        }
        let Some(PublishedFrame { frame, bytes }) = self.waiting.take() else { return false };
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let numbered = self.source.push_frame(now, NewFrame { len, ..frame }, self.outbox.head());
        self.report(|status| match numbered {
            Ok(_) => {
                status.frames_sent += 1;
                status.bytes_sent += u64::from(len);
            }
            Err(_) => status.frames_invalid += 1,
        });
        if let Ok((_, head_len)) = numbered {
            self.outbox.put(head_len, Some(bytes));
        }
        true
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let Some(deadline) = self.source.poll_timeout() else { return Poll::Pending };
        if deadline.at <= now {
            return Poll::Ready(());
        }
        self.timer.set(deadline.at);
        self.timer.poll(cx)
    }
}
