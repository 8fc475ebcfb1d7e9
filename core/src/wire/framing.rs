//! Messages on a byte stream: cut out of whatever pieces TCP delivers, and put in (`docs/wire.md`, "Streams").

use crate::wire::bounds::PUBLISH_LEN_MAX;
use crate::wire::codec;
use crate::wire::stream::{STREAM_VERSION, StreamMessage};

/// Bytes before a message: its length.
pub const STREAM_HEADER_LEN: usize = 2;
/// Bytes of the longest message and its header: what [`encode_stream`] never exceeds.
pub const STREAM_LEN_MAX: usize = STREAM_HEADER_LEN + PUBLISH_LEN_MAX;

/// Writes a message with its header and gives their length; `None` when `out` is too short. A frame's bytes are the
/// caller's to send behind it.
pub fn encode_stream(message: &StreamMessage<'_>, out: &mut [u8]) -> Option<usize> {
    let (header, body) = out.split_first_chunk_mut::<STREAM_HEADER_LEN>()?;
    let len = codec::encode(message, body)?;
    *header = u16::try_from(len).ok()?.to_le_bytes();
    Some(STREAM_HEADER_LEN.saturating_add(len))
}

/// Why a stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FramingError {
    /// The peer misbehaved: a message that does not decode, or out of its bounds.
    Malformed,
    /// The peer misbehaved: a message longer than any there is.
    TooLong,
    /// We are incompatible: it publishes in a version we do not speak.
    Version,
}

/// What a stream holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem<'m, 'b> {
    /// A message other than a keep-alive, borrowed from the decoder.
    Message(StreamMessage<'m>),
    /// The next bytes of the frame announced last, borrowed from the input.
    FrameBytes(&'b [u8]),
}

/// What a decoder expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A message, of which so many bytes have come (header included).
    Message(usize),
    /// So many bytes of a frame.
    FrameBytes(u32),
    /// Nothing: the stream failed.
    Nothing(FramingError),
}

/// Cuts a byte stream into messages and frames' bytes. Holds at most one message; frames pass by. Keep-alives are left out.
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    expected: Expected,
    buffer: [u8; STREAM_LEN_MAX],
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { expected: Expected::Message(0), buffer: [0; STREAM_LEN_MAX] }
    }

    /// The next item, taken from the front of `input`. `None`: all input was taken and more is needed.
    ///
    /// # Errors
    /// [`FramingError`]: the stream is beyond repair, every later call says the same.
    pub fn decode<'m, 'b>(
        &'m mut self,
        input: &mut &'b [u8],
    ) -> Result<Option<StreamItem<'m, 'b>>, FramingError> {
        loop {
            match self.expected {
                Expected::Nothing(error) => return Err(error),
                Expected::FrameBytes(left) => {
                    return Ok(self.take_frame_bytes(left, input).map(StreamItem::FrameBytes));
                }
                Expected::Message(filled) => match self.collect(filled, input) {
                    Ok(Some(end)) if self.is_keep_alive(end) => self.expected = Expected::Message(0),
                    Ok(Some(end)) => {
                        return self.read_message(end).map(|message| Some(StreamItem::Message(message)));
                    }
                    Ok(None) => return Ok(None),
                    Err(error) => {
                        self.expected = Expected::Nothing(error);
                        return Err(error);
                    }
                },
            }
        }
    }

    /// Bytes of a frame the stream still owes before the next message. An adapter may read them from the connection
    /// straight into its own buffer; it then calls [`Self::skip_frame_bytes`].
    #[must_use]
    pub const fn frame_bytes_left(&self) -> u32 {
        match self.expected {
            Expected::FrameBytes(left) => left,
            Expected::Message(_) | Expected::Nothing(_) => 0,
        }
    }

    /// Counts `count` bytes of the frame as taken, at most what is left; gives what was counted.
    pub fn skip_frame_bytes(&mut self, count: u32) -> u32 {
        let left = self.frame_bytes_left();
        let taken = count.min(left);
        self.expect_frame_bytes(left.saturating_sub(taken));
        taken
    }

    fn expect_frame_bytes(&mut self, left: u32) {
        if let Expected::FrameBytes(_) = self.expected {
            self.expected = if left == 0 { Expected::Message(0) } else { Expected::FrameBytes(left) };
        }
    }

    fn take_frame_bytes<'b>(&mut self, left: u32, input: &mut &'b [u8]) -> Option<&'b [u8]> {
        let count = u32::try_from(input.len()).unwrap_or(u32::MAX).min(left);
        let (bytes, rest) = input.split_at_checked(usize::try_from(count).ok()?)?;
        *input = rest;
        self.expect_frame_bytes(left.saturating_sub(count));
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Adds input to the buffer, whose first `filled` bytes are in use; gives the end of the message once it is whole.
    fn collect(&mut self, filled: usize, input: &mut &[u8]) -> Result<Option<usize>, FramingError> {
        let filled = self.fill(filled, STREAM_HEADER_LEN, input);
        let mut end = STREAM_HEADER_LEN;
        if filled >= STREAM_HEADER_LEN {
            let header = self.buffer.first_chunk::<STREAM_HEADER_LEN>().ok_or(FramingError::TooLong)?;
            end = end.saturating_add(usize::from(u16::from_le_bytes(*header)));
            if end > STREAM_LEN_MAX {
                return Err(FramingError::TooLong);
            }
        }
        let filled = self.fill(filled, end, input);
        self.expected = Expected::Message(filled);
        Ok((filled >= STREAM_HEADER_LEN && filled == end).then_some(end))
    }

    /// Copies input to the buffer from `filled` to at most `end`; gives the new end.
    fn fill(&mut self, filled: usize, end: usize, input: &mut &[u8]) -> usize {
        let Some(room) = self.buffer.get_mut(filled..end) else { return filled };
        let count = room.len().min(input.len());
        let (Some(room), Some((bytes, rest))) = (room.get_mut(..count), input.split_at_checked(count)) else {
            return filled;
        };
        room.copy_from_slice(bytes);
        *input = rest;
        filled.saturating_add(count)
    }

    fn read_message(&mut self, end: usize) -> Result<StreamMessage<'_>, FramingError> {
        let body = self.buffer.get(STREAM_HEADER_LEN..end).unwrap_or_default();
        // The first two bytes of `Publish` are the same in every version, so that the answer can be `Refused`.
        if matches!(body, [0, version, ..] if *version != STREAM_VERSION) {
            self.expected = Expected::Nothing(FramingError::Version);
            return Err(FramingError::Version);
        }
        let decoded = read(body);
        self.expected = match &decoded {
            Some(StreamMessage::Frame(info)) => Expected::FrameBytes(info.len),
            Some(_) => Expected::Message(0),
            None => Expected::Nothing(FramingError::Malformed),
        };
        decoded.ok_or(FramingError::Malformed)
    }

    /// Whether the message up to `end` is one that only says: still here.
    fn is_keep_alive(&self, end: usize) -> bool {
        let body = self.buffer.get(STREAM_HEADER_LEN..end).unwrap_or_default();
        body.len() == 1 && read(body) == Some(StreamMessage::KeepAlive)
    }
}

/// The valid message that `body` is, all of it.
fn read(mut body: &[u8]) -> Option<StreamMessage<'_>> {
    let message = codec::decode::<StreamMessage<'_>>(&mut body)?;
    (body.is_empty() && message.is_valid()).then_some(message)
}
