//! A service node's side of one connection from a publisher.

use crate::endpoint::Deadline;
use crate::limits::INIT_LEN_MAX;
use crate::media::{ChannelName, FrameId, FrameInfo, fragment_count};
use crate::relay::StreamError;
use crate::relay::liveness::Liveness;
use crate::time::Instant;
use crate::wire::stream::{Publish, Resume, StreamRefusal};
use crate::wire::{FramingError, StreamDecoder, StreamItem, StreamMessage, encode_stream};

/// What a publisher's connection brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntakeEvent<'m, 'b> {
    /// It has a channel, and name, settings and init bytes are valid. To be answered by [`Intake::accept`] or
    /// [`Intake::refuse`]; input waits meanwhile.
    Publish(Publish<'m>),
    /// What a decoder needs before any frame from here on.
    Init(&'m [u8]),
    /// A frame begins. Its number is the next one, and it has no more fragments than a frame may have.
    FrameStarted(FrameInfo),
    /// The next bytes of the frame.
    FrameBytes(&'b [u8]),
    /// All bytes of the frame have come.
    FrameCompleted(FrameInfo),
    /// The channel is over.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its announcement is awaited.
    Greeting,
    /// The owner's answer to it is awaited; the channel's fragment length is kept.
    Asked { fragment_len: u16 },
    /// Frames come.
    OnAir { fragment_len: u16, next: FrameId, frame: Option<FrameInfo> },
    /// Nothing more is taken.
    Over,
}

/// What is to be told the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted(Resume),
    Refused(StreamRefusal),
}

/// Takes a channel from a publisher. One machine a connection.
///
/// After an error the adapter sends what [`Self::poll_transmit`] still gives (a refusal), then closes.
#[derive(Clone, Debug)]
pub struct Intake {
    state: State,
    answer: Option<Answer>,
    liveness: Liveness,
    decoder: StreamDecoder,
}

impl Intake {
    /// The machine of a connection accepted at `now`.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            state: State::Greeting,
            answer: None,
            liveness: Liveness::new(now),
            decoder: StreamDecoder::new(),
        }
    }

    /// Takes bytes from the front of `input` up to the next event. `None`: nothing more can be had from it. Call until
    /// `None`, also with no input left.
    ///
    /// # Errors
    /// The connection is of no more use.
    pub fn handle_bytes<'m, 'b>(
        &'m mut self,
        now: Instant,
        input: &mut &'b [u8],
    ) -> Result<Option<IntakeEvent<'m, 'b>>, StreamError> {
        if !input.is_empty() {
            self.liveness.on_heard(now);
        }
        if let Some(info) = self.take_completed() {
            return Ok(Some(IntakeEvent::FrameCompleted(info)));
        }
        let Self { state, answer, decoder, .. } = self;
        if matches!(state, State::Asked { .. } | State::Over) {
            return Ok(None);
        }
        match decoder.decode(input) {
            Ok(None) => Ok(None),
            Ok(Some(StreamItem::FrameBytes(bytes))) => Ok(Some(IntakeEvent::FrameBytes(bytes))),
            Ok(Some(StreamItem::Message(message))) => {
                on_message(state, message).map(Some).inspect_err(|&error| {
                    if error == StreamError::Invalid {
                        *answer = Some(Answer::Refused(StreamRefusal::Invalid));
                    }
                    *state = State::Over;
                })
            }
            Err(error) => {
                if error == FramingError::Version && *state == State::Greeting {
                    *answer = Some(Answer::Refused(StreamRefusal::Version));
                }
                *state = State::Over;
                Err(error.into())
            }
        }
    }

    /// Bytes the stream still owes of the frame under way: an adapter may read them straight into its own buffer and say
    /// so by [`Self::handle_frame_bytes`].
    #[must_use]
    pub const fn frame_bytes_left(&self) -> u32 {
        self.decoder.frame_bytes_left()
    }

    /// Counts bytes the adapter read itself, at most what is left; gives what was counted.
    pub fn handle_frame_bytes(&mut self, now: Instant, count: u32) -> u32 {
        self.liveness.on_heard(now);
        self.decoder.skip_frame_bytes(count)
    }

    /// Takes the channel, from `resume` on. Does nothing unless an announcement waits for its answer.
    pub const fn accept(&mut self, resume: Resume) {
        if let State::Asked { fragment_len } = self.state {
            self.state = State::OnAir { fragment_len, next: resume.next, frame: None };
            self.answer = Some(Answer::Accepted(resume));
        }
    }

    /// Turns the publisher away, or off: nothing more is taken. Close once the refusal is sent.
    pub const fn refuse(&mut self, reason: StreamRefusal) {
        if !self.is_over() {
            self.state = State::Over;
            self.answer = Some(Answer::Refused(reason));
        }
    }

    /// Whether nothing more is taken: send what is left, then close.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Writes what is to be sent and gives its length. Call until `None`; with less than
    /// [`STREAM_LEN_MAX`](crate::wire::STREAM_LEN_MAX) bytes of `out`, nothing may come.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let message = match self.answer {
            Some(Answer::Accepted(resume)) => StreamMessage::Accepted(resume),
            Some(Answer::Refused(reason)) => StreamMessage::Refused(reason),
            None if self.liveness.is_keep_alive_due() && !self.is_over() => StreamMessage::KeepAlive,
            None => return None,
        };
        let len = encode_stream(&message, out)?;
        self.answer = None;
        self.liveness.on_sent(now);
        Some(len)
    }

    /// Lets deadlines up to `now` fire.
    ///
    /// # Errors
    /// [`StreamError::Silent`]: close.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), StreamError> {
        if self.is_over() || self.liveness.handle_timeout(now) {
            return Ok(());
        }
        self.state = State::Over;
        Err(StreamError::Silent)
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        (!self.is_over()).then(|| self.liveness.deadline())
    }

    /// The frame under way, once the stream owes nothing of it.
    fn take_completed(&mut self) -> Option<FrameInfo> {
        let State::OnAir { next, frame, .. } = &mut self.state else { return None };
        if self.decoder.frame_bytes_left() > 0 {
            return None;
        }
        let info = frame.take()?;
        *next = info.id.next();
        Some(info)
    }
}

fn on_message<'m, 'b>(
    state: &mut State,
    message: StreamMessage<'m>,
) -> Result<IntakeEvent<'m, 'b>, StreamError> {
    match (message, &mut *state) {
        (StreamMessage::Publish(publish), State::Greeting) => {
            if !is_publish_valid(&publish) {
                return Err(StreamError::Invalid);
            }
            *state = State::Asked { fragment_len: publish.settings.fragment_len };
            Ok(IntakeEvent::Publish(publish))
        }
        (StreamMessage::Init { bytes }, State::OnAir { .. }) => Ok(IntakeEvent::Init(bytes)),
        (StreamMessage::Frame(info), State::OnAir { fragment_len, next, frame }) => {
            // The last id has no successor.
            if info.id != *next || info.id == FrameId(u32::MAX) {
                return Err(StreamError::Numbering);
            }
            if fragment_count(info.len, *fragment_len).is_none() {
                return Err(StreamError::FrameTooLong);
            }
            *frame = Some(info);
            Ok(IntakeEvent::FrameStarted(info))
        }
        (StreamMessage::End, State::OnAir { .. }) => {
            *state = State::Over;
            Ok(IntakeEvent::Ended)
        }
        (
            StreamMessage::Publish(_)
            | StreamMessage::Accepted(_)
            | StreamMessage::Refused(_)
            | StreamMessage::Init { .. }
            | StreamMessage::Frame(_)
            | StreamMessage::KeepAlive
            | StreamMessage::End,
            State::Greeting | State::Asked { .. } | State::OnAir { .. } | State::Over,
        ) => Err(StreamError::Unexpected),
    }
}

fn is_publish_valid(publish: &Publish<'_>) -> bool {
    ChannelName::new(publish.channel).is_some()
        && publish.settings.validate().is_ok()
        && publish.init.len() <= INIT_LEN_MAX
}
