//! The publishers' connections of an edge: accepted, read, and their frames handed to the edge and to its frame logs.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_lite::{AsyncRead, AsyncWrite};
use livesky_core::Instant;
use livesky_core::edge::{ChannelId, Edge, OpenError};
use livesky_core::media::{ChannelName, ChannelSettings, FrameInfo};
use livesky_core::relay::{Intake, IntakeEvent};
use livesky_core::store::FrameStore;
use livesky_core::wire::stream::{Publish, Resume, StreamRefusal};

use crate::channels::Channels;
use crate::gate::Gate;
use crate::log::LoggedFrame;
use crate::runtime::{Listener, Runtime};
use crate::store::SharedStore;
use crate::stream::Outbox;

/// Bytes read from a connection at once.
const INPUT_LEN: usize = 65_536;
/// Reads of one connection in a round.
const READS_MAX: u32 = 8;
/// Pause after accepting failed: out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The edge as the drivers of this crate run it.
pub(crate) type SharedEdge<'a> = Edge<'a, SharedStore>;

/// Listens for publishers and serves those that came.
pub(crate) struct Publishers<R: Runtime> {
    listener: R::Listener,
    connections: Vec<Connection<R::Tcp>>,
    connections_max: usize,
    /// When accepting, which failed, is tried again.
    accept_at: Option<Instant>,
    gate: Gate,
}

impl<R: Runtime> Publishers<R> {
    pub(crate) const fn new(listener: R::Listener, connections_max: usize, gate: Gate) -> Self {
        Self { listener, connections: Vec::new(), connections_max, accept_at: None, gate }
    }

    /// Accepts and serves; ready when there is more to do at once.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        edge: &mut SharedEdge<'_>,
        channels: &mut Channels,
    ) -> Poll<()> {
        if self.deadline().is_some_and(|at| at <= now) {
            self.gate.open();
        }
        let Self { listener, connections, connections_max, accept_at, gate } = self;
        gate.poll(cx, |cx| {
            // A pause that is over is no deadline any more, even while there is no place: the edge would never rest again.
            accept_at.take_if(|at| *at <= now);
            while connections.len() < *connections_max && accept_at.is_none() {
                match listener.poll_accept(cx) {
                    Poll::Ready(Ok((stream, _))) => connections.push(Connection::new(stream, now)),
                    Poll::Ready(Err(_)) => *accept_at = Some(now + ACCEPT_PAUSE),
                    Poll::Pending => break,
                }
            }
            let mut is_more = false;
            connections.retain_mut(|connection| match connection.poll(cx, now, edge, channels) {
                Poll::Pending => true,
                Poll::Ready(Ok(())) => {
                    is_more = true;
                    true
                }
                Poll::Ready(Err(Closed)) => {
                    connection.on_closed(now, edge);
                    // At capacity nobody listened: whoever waits for the place wakes nobody.
                    is_more = true;
                    false
                }
            });
            if is_more { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// When to poll without a wake-up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let of_connections =
            self.connections.iter().filter_map(|connection| connection.intake.poll_timeout());
        let earliest = of_connections.map(|deadline| deadline.at).min();
        [earliest, self.accept_at].into_iter().flatten().min()
    }
}

/// The connection is done with.
struct Closed;

impl From<io::Error> for Closed {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// One publisher.
struct Connection<T> {
    stream: T,
    intake: Intake,
    input: Box<[u8]>,
    outbox: Outbox,
    on_air: Option<OnAir>,
    is_at_end: bool,
}

/// The channel a connection publishes.
struct OnAir {
    channel: ChannelId,
    epoch: u16,
    fragment_len: u16,
    /// The frame under way and how many of its bytes have come.
    frame: Option<(Arc<[u8]>, usize)>,
    is_over: bool,
}

/// An announcement out of the connection's buffers.
struct Announced {
    name: Option<ChannelName>,
    settings: ChannelSettings,
    init: Vec<u8>,
    resume: Option<Resume>,
}

impl From<Publish<'_>> for Announced {
    fn from(publish: Publish<'_>) -> Self {
        let Publish { channel, settings, init, resume, .. } = publish;
        Self { name: ChannelName::new(channel), settings, init: init.to_vec(), resume }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    fn new(stream: T, now: Instant) -> Self {
        let input = vec![0; INPUT_LEN].into_boxed_slice();
        Self {
            stream,
            intake: Intake::new(now),
            input,
            outbox: Outbox::new(),
            on_air: None,
            is_at_end: false,
        }
    }

    /// Serves the connection: ready and `Ok` when its share of the round is used up.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        edge: &mut SharedEdge<'_>,
        channels: &mut Channels,
    ) -> Poll<Result<(), Closed>> {
        if self.intake.poll_timeout().is_some_and(|deadline| deadline.at <= now)
            && self.intake.handle_timeout(now).is_err()
        {
            return Poll::Ready(Err(Closed));
        }
        for _ in 0..READS_MAX {
            let written = self.poll_write(cx, now)?;
            if self.intake.is_over() || self.is_at_end {
                // What is left to be said goes out first.
                ready!(written);
                return Poll::Ready(Err(Closed));
            }
            let count =
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut self.input)).map_err(Closed::from)?;
            self.is_at_end = count == 0;
            self.take_input(count, now, edge, channels);
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what there is to say; pending while the stream takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<Poll<()>, Closed> {
        loop {
            match self.outbox.poll_write(cx, &mut self.stream) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(written) => written?,
            }
            match self.intake.poll_transmit(now, self.outbox.head()) {
                Some(len) => self.outbox.put(len, None),
                None => return Ok(Poll::Ready(())),
            }
        }
    }

    fn take_input(&mut self, count: usize, now: Instant, edge: &mut SharedEdge<'_>, channels: &mut Channels) {
        let Self { intake, input, on_air, .. } = self;
        let mut input = input.get(..count).unwrap_or_default();
        loop {
            let announced = match intake.handle_bytes(now, &mut input) {
                Ok(None) | Err(_) => return,
                Ok(Some(IntakeEvent::Publish(publish))) => Announced::from(publish),
                Ok(Some(event)) => {
                    let kept =
                        on_air.as_mut().is_some_and(|on_air| on_air.handle(now, event, edge, channels));
                    if !kept {
                        intake.refuse(StreamRefusal::Full);
                    }
                    continue;
                }
            };
            match open(now, &announced, edge, channels) {
                Ok((opened, resume)) => {
                    *on_air = Some(opened);
                    intake.accept(resume);
                }
                Err(refusal) => intake.refuse(refusal),
            }
        }
    }

    /// A channel whose publisher said so is over; another one waits for its publisher to come back.
    fn on_closed(&mut self, now: Instant, edge: &mut SharedEdge<'_>) {
        match self.on_air.take() {
            Some(OnAir { channel, is_over: true, .. }) => edge.close_channel(now, channel),
            Some(OnAir { channel, is_over: false, .. }) => edge.suspend_channel(now, channel),
            None => {}
        }
    }
}

fn open(
    now: Instant,
    announced: &Announced,
    edge: &mut SharedEdge<'_>,
    channels: &mut Channels,
) -> Result<(OnAir, Resume), StreamRefusal> {
    let Announced { name, settings, init, resume } = announced;
    let name = name.as_ref().ok_or(StreamRefusal::Invalid)?;
    let opened = edge.open_channel(now, name, *settings, init, *resume);
    let (channel, resume) = opened.map_err(|error| match error {
        OpenError::Taken => StreamRefusal::ChannelTaken,
        OpenError::Full | OpenError::Draining => StreamRefusal::Full,
        OpenError::Settings(_) | OpenError::InitLen => StreamRefusal::Invalid,
    })?;
    channels.open(now, channel, name, init);
    let fragment_len = settings.fragment_len;
    Ok((OnAir { channel, epoch: resume.epoch, fragment_len, frame: None, is_over: false }, resume))
}

impl OnAir {
    /// Takes what comes on the air; `false` when the edge does not take it.
    fn handle(
        &mut self,
        now: Instant,
        event: IntakeEvent<'_, '_>,
        edge: &mut SharedEdge<'_>,
        channels: &mut Channels,
    ) -> bool {
        match event {
            // Announcements come once, before the air.
            IntakeEvent::Publish(_) => return false,
            IntakeEvent::Init(init) => {
                edge.set_init(self.channel, init);
                channels.set_init(self.channel, init);
            }
            IntakeEvent::FrameStarted(info) => {
                self.frame = Some((core::iter::repeat_n(0, info.len as usize).collect(), 0));
            }
            IntakeEvent::FrameBytes(bytes) => self.on_bytes(bytes),
            IntakeEvent::FrameCompleted(info) => return self.on_completed(now, info, edge, channels),
            IntakeEvent::Ended => self.is_over = true,
        }
        true
    }

    fn on_bytes(&mut self, bytes: &[u8]) {
        let Some((frame, filled)) = &mut self.frame else { return };
        let place = Arc::get_mut(frame).and_then(|frame| frame.get_mut(*filled..*filled + bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
            *filled += bytes.len();
        }
    }

    /// The frame goes to the edge, which evicts the oldest while the store is full, and to the channel's log.
    fn on_completed(
        &mut self,
        now: Instant,
        info: FrameInfo,
        edge: &mut SharedEdge<'_>,
        channels: &Channels,
    ) -> bool {
        let Some((bytes, _)) = self.frame.take() else { return false };
        let key = loop {
            match edge.store_mut().insert(Arc::clone(&bytes), self.fragment_len) {
                Ok(key) => break key,
                Err(_) if edge.evict_oldest() => {}
                Err(_) => return false,
            }
        };
        if edge.push_frame(now, self.channel, info, key).is_err() {
            edge.store_mut().release(key);
            return false;
        }
        channels.push(self.channel, LoggedFrame { epoch: self.epoch, info, bytes });
        true
    }
}
