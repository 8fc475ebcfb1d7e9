//! Bytes from anybody: no panic, nothing out of bounds, and what was understood can be said again.

use livesky_core::Instant;
use livesky_core::limits::{DATAGRAM_LEN_MAX, FRAGMENT_LEN, FRAGMENTS_MAX, SUBSTREAMS_MAX};
use livesky_core::relay::{Intake, IntakeEvent, StreamError};
use livesky_core::wire::control::LinkId;
use livesky_core::wire::stream::Resume;
use livesky_core::wire::{
    CONTROL_HEADER_LEN, ControlWriter, DATA_HEADER_LEN, DataHeader, Datagram, Messages, STREAM_LEN_MAX,
};

/// Takes `bytes` as a datagram, and as what a publisher sends.
///
/// # Panics
/// When a promise of the wire module is broken.
pub fn check(bytes: &[u8]) {
    check_datagram(bytes);
    check_stream(bytes);
}

fn check_datagram(bytes: &[u8]) {
    match Datagram::parse(bytes) {
        Ok(Datagram::Data(header, fragment)) => {
            assert!(!fragment.is_empty() && fragment.len() <= usize::from(FRAGMENT_LEN));
            check_header(&header);
        }
        Ok(Datagram::Control(_, messages)) => check_messages(messages),
        Ok(Datagram::Sealed { .. } | Datagram::Proof { .. }) | Err(_) => {}
    }
}

fn check_header(header: &DataHeader) {
    assert!(header.fragment < header.count && header.count <= FRAGMENTS_MAX);
    assert!(usize::from(header.substream) < SUBSTREAMS_MAX);
    let mut out = [0; DATA_HEADER_LEN + 1];
    assert_eq!(header.write(&mut out), Some(DATA_HEADER_LEN), "a valid header is written");
    let Ok(Datagram::Data(again, _)) = Datagram::parse(&out) else { panic!("{header:?} is not read again") };
    assert_eq!(again, *header);
}

fn check_messages(messages: Messages<'_>) {
    let mut is_over = false;
    for message in messages {
        assert!(!is_over, "an error is the last item");
        let Ok(message) = message else {
            is_over = true;
            continue;
        };
        let mut out = [0; DATAGRAM_LEN_MAX];
        let Some(mut writer) = ControlWriter::new(&mut out, LinkId(1)) else {
            panic!("no room for a header")
        };
        assert!(writer.push(&message), "{message:?} fits a datagram");
        let len = writer.finish();
        assert!(len <= CONTROL_HEADER_LEN + message.len_max(), "{message:?} is {len} bytes");
        let Ok(Datagram::Control(_, mut again)) = Datagram::parse(&out[..len]) else { panic!("not control") };
        assert_eq!(again.next(), Some(Ok(message)));
    }
}

/// The first byte says where the stream is cut; cuts must make no difference.
fn check_stream(bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else { return };
    let whole = intake_outcome(stream, stream.len().max(1));
    assert_eq!(intake_outcome(stream, usize::from(*size).max(1)), whole);
}

/// What a service node made of a stream: events and frames' bytes in all, and the end.
fn intake_outcome(stream: &[u8], size: usize) -> (u32, usize, Result<(), StreamError>) {
    let mut intake = Intake::new(Instant::ZERO);
    let (mut events, mut frame_bytes) = (0, 0);
    let mut end = Ok(());
    'stream: for mut piece in stream.chunks(size) {
        loop {
            let is_asked = match intake.handle_bytes(Instant::ZERO, &mut piece) {
                Err(error) => {
                    end = Err(error);
                    break 'stream;
                }
                Ok(None) => break,
                Ok(Some(IntakeEvent::FrameBytes(bytes))) => {
                    frame_bytes += bytes.len();
                    continue;
                }
                Ok(Some(IntakeEvent::Publish(_))) => true,
                Ok(Some(
                    IntakeEvent::Init(_)
                    | IntakeEvent::FrameStarted(_)
                    | IntakeEvent::FrameCompleted(_)
                    | IntakeEvent::Ended,
                )) => false,
            };
            events += 1;
            if is_asked {
                intake.accept(Resume::choose(None, None));
            }
        }
        assert!(piece.is_empty() || intake.is_over(), "input was left");
    }
    let mut out = [0; STREAM_LEN_MAX];
    while intake.poll_transmit(Instant::ZERO, &mut out).is_some() {}
    (events, frame_bytes, end)
}
