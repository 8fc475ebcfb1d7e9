//! A publisher's side of its connection to a service node.

use heapless::Vec;

use crate::endpoint::{Deadline, Why};
use crate::limits::{INIT_LEN_MAX, TICKET_LEN_MAX};
use crate::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo, fragment_count};
use crate::relay::StreamError;
use crate::relay::liveness::Liveness;
use crate::time::Instant;
use crate::wire::bounds::{FRAME_LEN_MAX, INIT_MESSAGE_LEN_MAX, PTS_OFFSET_TICKS_MAX};
use crate::wire::stream::{Publish, Resume, STREAM_VERSION, StreamRefusal};
use crate::wire::{
    STREAM_HEADER_LEN, STREAM_LEN_MAX, StreamDecoder, StreamItem, StreamMessage, encode_stream,
};

/// A connection that is not made within this is given up.
const CONNECT_US: u64 = 10_000_000;
/// Wait before the first new attempt; doubles with each.
const RETRY_US_MIN: u64 = 250_000;
/// Longest wait: several attempts fit the 30 s a node keeps the channel.
const RETRY_US_MAX: u64 = 5_000_000;
/// Attempts after which the wait is the longest.
const ATTEMPTS_MAX: u32 = 5;

// What stands before a frame always fits the scratch of a message.
const _: () = assert!(2 * STREAM_HEADER_LEN + INIT_MESSAGE_LEN_MAX + FRAME_LEN_MAX <= STREAM_LEN_MAX);

/// What a publisher publishes.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// The channel's name.
    pub channel: ChannelName,
    /// Its settings.
    pub settings: ChannelSettings,
    /// Permission to publish; empty where none is asked for.
    pub ticket: Vec<u8, TICKET_LEN_MAX>,
    /// Where an earlier run of the program was, if that is known.
    pub resume: Option<Resume>,
}

/// What the adapter is to do or may tell. One waits at a time: a later one makes an earlier one void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// Drop the connection there was, make one, and report by `handle_connected` or `handle_disconnected`.
    Connect,
    /// The node takes frames, the next one under this number.
    OnAir(Resume),
    /// The connection is of no more use: close it. `Connect` follows.
    Dropped(StreamError),
    /// The node says no: close. `Connect` follows unless [`StreamRefusal::is_final`].
    Refused(StreamRefusal),
    /// The channel's end was told, or needed no telling: close.
    Ended,
}

/// A frame not numbered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFrame {
    /// Decode time.
    pub dts: Dts,
    /// Presentation time minus decode time in 90 kHz ticks, below 2^24.
    pub pts_offset_ticks: u32,
    /// Bytes of the frame.
    pub len: u32,
    /// Whether decoding can start here.
    pub key: bool,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PushError {
    /// No node takes frames at the moment: drop the frame.
    OffAir,
    /// Empty, or of more fragments than a frame may have, or its presentation offset is out of bounds.
    InvalidFrame,
    /// The scratch is shorter than [`STREAM_LEN_MAX`].
    ScratchTooShort,
    /// The last number of the epoch is used up.
    NumbersSpent,
}

/// Whether something was written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Due,
    Written,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not connected, and not to be before then.
    Waiting { until: Instant },
    /// The adapter is connecting, and has until then.
    Connecting { until: Instant },
    /// Connected: the announcement is to be written, or its answer awaited.
    Announcing(Writing),
    /// Frames are taken.
    OnAir,
    /// The end is to be written.
    Ending,
    /// Nothing more happens.
    Over,
}

/// Publishes a channel. Reconnects for as long as it is not ended, and goes on where the node says.
#[derive(Clone, Debug)]
pub struct Source {
    config: SourceConfig,
    init: Vec<u8, INIT_LEN_MAX>,
    init_writing: Writing,
    state: State,
    attempts: u32,
    event: Option<SourceEvent>,
    liveness: Liveness,
    decoder: StreamDecoder,
}

impl Source {
    /// A source that wants to connect at once: its first event is [`SourceEvent::Connect`] after
    /// `handle_timeout(now)`.
    #[must_use]
    pub const fn new(config: SourceConfig, now: Instant) -> Self {
        Self {
            config,
            init: Vec::new(),
            init_writing: Writing::Written,
            state: State::Waiting { until: now },
            attempts: 0,
            event: None,
            liveness: Liveness::new(now),
            decoder: StreamDecoder::new(),
        }
    }

    /// Sets what a decoder needs before any frame from here on. The node is told before the next frame.
    ///
    /// # Errors
    /// [`PushError::InvalidFrame`] when there are more than [`INIT_LEN_MAX`] bytes.
    pub fn set_init(&mut self, bytes: &[u8]) -> Result<(), PushError> {
        if self.init == bytes {
            return Ok(());
        }
        self.init = Vec::from_slice(bytes).map_err(|_| PushError::InvalidFrame)?;
        self.init_writing = Writing::Due;
        Ok(())
    }

    /// Ends the channel: the node is told, if there is one.
    pub const fn end(&mut self) {
        match self.state {
            State::OnAir => self.state = State::Ending,
            State::Waiting { .. } | State::Connecting { .. } | State::Announcing(_) => {
                self.state = State::Over;
                self.event = Some(SourceEvent::Ended);
            }
            State::Ending | State::Over => {}
        }
    }

    /// A connection was made.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.is_unconnected() {
            self.state = State::Announcing(Writing::Due);
            self.liveness = Liveness::new(now);
            self.decoder = StreamDecoder::new();
        }
    }

    /// The connection broke, or could not be made.
    pub fn handle_disconnected(&mut self, now: Instant) {
        match self.state {
            State::Connecting { .. } | State::Announcing(_) | State::OnAir => {
                self.drop_connection(now, StreamError::Broken);
            }
            State::Ending => self.finish(),
            State::Waiting { .. } | State::Over => {}
        }
    }

    /// Takes what the node sent. Whether the connection is still of use, [`Self::poll_event`] tells.
    pub fn handle_bytes(&mut self, now: Instant, mut input: &[u8]) {
        if self.is_unconnected() || self.state == State::Over {
            return;
        }
        self.liveness.on_heard(now);
        loop {
            let message = match self.decoder.decode(&mut input) {
                Ok(None) => return,
                Ok(Some(StreamItem::Message(message))) => message,
                Ok(Some(StreamItem::FrameBytes(_))) => {
                    return self.drop_connection(now, StreamError::Unexpected);
                }
                Err(error) => return self.drop_connection(now, error.into()),
            };
            match (message, self.state) {
                (StreamMessage::Accepted(resume), State::Announcing(Writing::Written)) => {
                    self.config.resume = Some(resume);
                    self.state = State::OnAir;
                    self.attempts = 0;
                    self.event = Some(SourceEvent::OnAir(resume));
                }
                (StreamMessage::Refused(reason), _) => return self.on_refused(now, reason),
                (
                    StreamMessage::Publish(_)
                    | StreamMessage::Accepted(_)
                    | StreamMessage::Init { .. }
                    | StreamMessage::Frame(_)
                    | StreamMessage::KeepAlive
                    | StreamMessage::End,
                    _,
                ) => return self.drop_connection(now, StreamError::Unexpected),
            }
        }
    }

    /// Numbers a frame and writes what stands before its bytes to `out`. The adapter then sends the head (its length is
    /// given) and all bytes of the frame, before anything else.
    ///
    /// # Errors
    /// The frame is not taken, and its number is not used.
    pub fn push_frame(
        &mut self,
        now: Instant,
        frame: NewFrame,
        out: &mut [u8],
    ) -> Result<(FrameInfo, usize), PushError> {
        let (State::OnAir, Some(resume)) = (self.state, self.config.resume) else {
            return Err(PushError::OffAir);
        };
        if fragment_count(frame.len, self.config.settings.fragment_len).is_none()
            || frame.pts_offset_ticks > PTS_OFFSET_TICKS_MAX
        {
            return Err(PushError::InvalidFrame);
        }
        if resume.next == FrameId(u32::MAX) {
            return Err(PushError::NumbersSpent);
        }
        if out.len() < STREAM_LEN_MAX {
            return Err(PushError::ScratchTooShort);
        }
        let NewFrame { dts, pts_offset_ticks, len, key } = frame;
        let info = FrameInfo { id: resume.next, dts, pts_offset_ticks, len, key };
        let init_len = self.write_init(out);
        let rest = out.get_mut(init_len..).unwrap_or_default();
        let head_len = encode_stream(&StreamMessage::Frame(info), rest).ok_or(PushError::ScratchTooShort)?;
        self.config.resume = Some(Resume { epoch: resume.epoch, next: resume.next.next() });
        self.liveness.on_sent(now);
        Ok((info, init_len.saturating_add(head_len)))
    }

    /// Writes what is to be sent and gives its length. Call until `None`, not between a frame's head and its end; with
    /// less than [`STREAM_LEN_MAX`] bytes of `out`, nothing may come.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let len = match self.state {
            State::Announcing(Writing::Due) => {
                let len = encode_stream(&StreamMessage::Publish(self.publish()), out)?;
                self.state = State::Announcing(Writing::Written);
                self.init_writing = Writing::Written;
                len
            }
            State::OnAir => match self.write_init(out) {
                0 if self.liveness.is_keep_alive_due() => encode_stream(&StreamMessage::KeepAlive, out)?,
                0 => return None,
                len => len,
            },
            State::Ending => {
                let len = encode_stream(&StreamMessage::End, out)?;
                self.finish();
                len
            }
            State::Announcing(Writing::Written)
            | State::Waiting { .. }
            | State::Connecting { .. }
            | State::Over => return None,
        };
        self.liveness.on_sent(now);
        Some(len)
    }

    /// What the adapter is to do or may tell. Call until `None`.
    pub const fn poll_event(&mut self) -> Option<SourceEvent> {
        self.event.take()
    }

    /// Lets deadlines up to `now` fire.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Waiting { until } if until <= now => {
                self.state = State::Connecting { until: now.plus_micros(CONNECT_US) };
                self.event = Some(SourceEvent::Connect);
            }
            State::Connecting { until } if until <= now => self.drop_connection(now, StreamError::Broken),
            State::Announcing(_) | State::OnAir | State::Ending => {
                if !self.liveness.handle_timeout(now) {
                    self.drop_connection(now, StreamError::Silent);
                }
            }
            State::Waiting { .. } | State::Connecting { .. } | State::Over => {}
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        match self.state {
            State::Waiting { until } | State::Connecting { until } => {
                Some(Deadline { at: until, why: Why::Request })
            }
            State::Announcing(_) | State::OnAir | State::Ending => Some(self.liveness.deadline()),
            State::Over => None,
        }
    }

    /// Where the channel is, once a node or the configuration said so: to be kept for a later run of the program.
    #[must_use]
    pub const fn resume(&self) -> Option<Resume> {
        self.config.resume
    }

    /// Whether frames are taken.
    #[must_use]
    pub const fn is_on_air(&self) -> bool {
        matches!(self.state, State::OnAir)
    }

    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    const fn is_unconnected(&self) -> bool {
        matches!(self.state, State::Waiting { .. } | State::Connecting { .. })
    }

    fn publish(&self) -> Publish<'_> {
        Publish {
            version: STREAM_VERSION,
            channel: self.config.channel.as_str(),
            ticket: &self.config.ticket,
            resume: self.config.resume,
            settings: self.config.settings,
            init: &self.init,
        }
    }

    /// Writes the init bytes when they are due; 0 when they are not, or `out` is too short.
    fn write_init(&mut self, out: &mut [u8]) -> usize {
        match self.init_writing {
            Writing::Written => 0,
            Writing::Due => {
                let Some(len) = encode_stream(&StreamMessage::Init { bytes: &self.init }, out) else {
                    return 0;
                };
                self.init_writing = Writing::Written;
                len
            }
        }
    }

    fn on_refused(&mut self, now: Instant, reason: StreamRefusal) {
        if reason.is_final() {
            self.state = State::Over;
        } else {
            self.wait(now);
        }
        self.event = Some(SourceEvent::Refused(reason));
    }

    fn drop_connection(&mut self, now: Instant, error: StreamError) {
        if self.state == State::Ending {
            return self.finish();
        }
        self.wait(now);
        self.event = Some(SourceEvent::Dropped(error));
    }

    fn finish(&mut self) {
        self.state = State::Over;
        self.event = Some(SourceEvent::Ended);
    }

    fn wait(&mut self, now: Instant) {
        let wait_us = (RETRY_US_MIN << self.attempts.min(ATTEMPTS_MAX)).min(RETRY_US_MAX);
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Waiting { until: now.plus_micros(wait_us) };
    }
}
