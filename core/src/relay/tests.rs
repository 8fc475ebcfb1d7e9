//! A publisher and a service node in virtual time, their bytes in pieces of any size.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::endpoint::Why;
use crate::media::{ChannelName, ChannelSettings, Dts, FrameId, FrameInfo};
use crate::time::Instant;
use crate::wire::stream::{Publish, Resume, StreamRefusal};
use crate::wire::{STREAM_LEN_MAX, StreamMessage, encode_stream};

pub(super) const START: Instant = Instant::from_millis(1_000);

pub(super) fn config() -> SourceConfig {
    SourceConfig {
        channel: ChannelName::new("news").unwrap(),
        settings: ChannelSettings::default(),
        ticket: heapless::Vec::new(),
        resume: None,
    }
}

pub(super) fn frame(len: u32) -> NewFrame {
    NewFrame { dts: Dts::from_ticks(9), pts_offset_ticks: 3, len, key: true }
}

pub(super) fn resume(epoch: u16, next: u32) -> Resume {
    Resume { epoch, next: FrameId(next) }
}

pub(super) fn encode(message: &StreamMessage<'_>) -> Vec<u8> {
    let mut out = [0; STREAM_LEN_MAX];
    let len = encode_stream(message, &mut out).unwrap();
    out[..len].into()
}

pub(super) fn publish() -> StreamMessage<'static> {
    let (ticket, init): (&[u8], &[u8]) = (&[], &[]);
    let settings = ChannelSettings::default();
    StreamMessage::Publish(Publish { version: 0, channel: "news", ticket, resume: None, settings, init })
}

/// A source that was told to connect at [`START`].
fn connecting(config: SourceConfig) -> Source {
    let mut source = Source::new(config, START);
    source.handle_timeout(START);
    assert_eq!(source.poll_event(), Some(SourceEvent::Connect));
    source
}

/// Everything the source has to say at `now`.
pub(super) fn said(source: &mut Source, now: Instant) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = [0; STREAM_LEN_MAX];
    while let Some(len) = source.poll_transmit(now, &mut out) {
        bytes.extend(&out[..len]);
    }
    bytes
}

/// Everything the node has to say at `now`.
fn answered(intake: &mut Intake, now: Instant) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = [0; STREAM_LEN_MAX];
    while let Some(len) = intake.poll_transmit(now, &mut out) {
        bytes.extend(&out[..len]);
    }
    bytes
}

/// What a node made of a channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    init: Vec<u8>,
    offered: Option<Resume>,
    frames: Vec<(FrameId, Vec<u8>)>,
    is_ended: bool,
}

/// Feeds `bytes` in pieces of `size`; a node that holds `held` accepts.
pub(super) fn feed(
    intake: &mut Intake,
    now: Instant,
    bytes: &[u8],
    size: usize,
    held: Option<Resume>,
    heard: &mut Heard,
) -> Result<(), StreamError> {
    for mut rest in bytes.chunks(size) {
        let mut accepted = None;
        while let Some(event) = intake.handle_bytes(now, &mut rest)? {
            match event {
                IntakeEvent::Publish(publish) => {
                    heard.init = publish.init.into();
                    heard.offered = publish.resume;
                    accepted = Some(Resume::choose(held, publish.resume));
                }
                IntakeEvent::Init(bytes) => heard.init = bytes.into(),
                IntakeEvent::FrameStarted(info) => heard.frames.push((info.id, Vec::new())),
                IntakeEvent::FrameBytes(bytes) => heard.frames.last_mut().unwrap().1.extend(bytes),
                IntakeEvent::FrameCompleted(info) => {
                    let (id, bytes) = heard.frames.last().unwrap();
                    assert_eq!((info.id, usize::try_from(info.len).unwrap()), (*id, bytes.len()));
                }
                IntakeEvent::Ended => heard.is_ended = true,
            }
            if let Some(resume) = accepted.take() {
                intake.accept(resume);
            }
        }
        assert!(rest.is_empty() || intake.is_over(), "input was left");
    }
    Ok(())
}

/// A source on air from `held`, and its node.
fn on_air(config: SourceConfig, held: Option<Resume>) -> (Source, Intake, Heard) {
    let mut source = connecting(config);
    source.handle_connected(START);
    let (mut intake, mut heard) = (Intake::new(START), Heard::default());
    feed(&mut intake, START, &said(&mut source, START), 7, held, &mut heard).unwrap();
    source.handle_bytes(START, &answered(&mut intake, START));
    assert!(source.is_on_air());
    (source, intake, heard)
}

/// The bytes of one frame of `len` bytes, its head in front.
fn pushed(source: &mut Source, now: Instant, len: u32) -> Vec<u8> {
    let mut head = [0; STREAM_LEN_MAX];
    let (info, head_len) = source.push_frame(now, frame(len), &mut head).unwrap();
    let mut bytes = head[..head_len].to_vec();
    bytes.resize(head_len + usize::try_from(info.len).unwrap(), 0x47);
    bytes
}

#[test]
fn frames_arrive_numbered_and_whole() {
    let (mut source, mut intake, mut heard) = on_air(config(), None);
    assert_eq!(source.poll_event(), Some(SourceEvent::OnAir(resume(0, 0))));
    let mut bytes = pushed(&mut source, START, 10);
    source.set_init(b"PAT").unwrap();
    bytes.extend(pushed(&mut source, START, 2_000));
    source.set_init(b"PMT").unwrap();
    source.set_init(b"PMT").unwrap();
    bytes.extend(said(&mut source, START));
    assert_eq!(said(&mut source, START), [], "an init is told once");
    source.end();
    bytes.extend(said(&mut source, START));
    assert_eq!(source.poll_event(), Some(SourceEvent::Ended));
    assert!(source.is_over() && source.poll_timeout().is_none());
    feed(&mut intake, START, &bytes, 11, None, &mut heard).unwrap();
    let frames = vec![(FrameId(0), vec![0x47; 10]), (FrameId(1), vec![0x47; 2_000])];
    assert_eq!(heard, Heard { init: b"PMT".into(), offered: None, frames, is_ended: true });
    assert!(intake.is_over() && intake.poll_timeout().is_none());
}

#[test]
fn an_adapter_may_read_frames_itself() {
    let (mut source, mut intake, _) = on_air(config(), None);
    let bytes = pushed(&mut source, START, 100);
    let mut rest = &bytes[..];
    let event = intake.handle_bytes(START, &mut rest);
    let Ok(Some(IntakeEvent::FrameStarted(info))) = event else { panic!("{event:?}") };
    assert_eq!((rest.len(), intake.frame_bytes_left()), (100, 100));
    assert_eq!(intake.handle_frame_bytes(START, 60), 60);
    assert_eq!(intake.handle_bytes(START, &mut &[][..]), Ok(None));
    assert_eq!(intake.handle_frame_bytes(START, 60), 40, "no more than the frame has");
    assert_eq!(intake.handle_bytes(START, &mut &[][..]), Ok(Some(IntakeEvent::FrameCompleted(info))));
    assert_eq!(intake.handle_bytes(START, &mut &[][..]), Ok(None));
}

#[test]
fn a_publisher_goes_on_where_the_node_is() {
    let (mut source, _, _) = on_air(config(), Some(resume(3, 70)));
    pushed(&mut source, START, 10);
    pushed(&mut source, START, 10);
    assert_eq!(source.resume(), Some(resume(3, 72)));
    source.handle_disconnected(START);
    assert_eq!(source.poll_event(), Some(SourceEvent::Dropped(StreamError::Broken)));
    assert_eq!(source.push_frame(START, frame(1), &mut [0; STREAM_LEN_MAX]), Err(PushError::OffAir));
    let again = START.plus_micros(250_000);
    assert_eq!(source.poll_timeout().unwrap().at, again);
    source.handle_timeout(again);
    assert_eq!(source.poll_event(), Some(SourceEvent::Connect));
    source.handle_connected(again);
    // The node got only one of the two frames.
    let (mut intake, mut heard) = (Intake::new(again), Heard::default());
    let bytes = said(&mut source, again);
    feed(&mut intake, again, &bytes, 1, Some(resume(3, 71)), &mut heard).unwrap();
    assert_eq!(heard.offered, Some(resume(3, 72)));
    source.handle_bytes(again, &answered(&mut intake, again));
    assert_eq!(source.poll_event(), Some(SourceEvent::OnAir(resume(3, 71))));
    let bytes = pushed(&mut source, again, 10);
    feed(&mut intake, again, &bytes, 9, None, &mut heard).unwrap();
    assert_eq!(heard.frames, [(FrameId(71), vec![0x47; 10])]);
    // A node that took frames is asked again as soon as the first time.
    source.handle_disconnected(again);
    assert_eq!(source.poll_timeout().unwrap().at, again.plus_micros(250_000));
}

#[test]
fn the_wait_doubles_up_to_five_seconds() {
    let mut source = connecting(config());
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..7 {
        source.handle_disconnected(now);
        let until = source.poll_timeout().unwrap().at;
        waits.push(until.micros_since(now) / 1_000);
        now = until;
        source.handle_timeout(now);
        assert_eq!(source.poll_event(), Some(SourceEvent::Connect));
    }
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    let given_up = now.plus_micros(10_000_000);
    assert_eq!(source.poll_timeout().unwrap().at, given_up);
    source.handle_timeout(given_up);
    assert_eq!(source.poll_event(), Some(SourceEvent::Dropped(StreamError::Broken)));
}

#[test]
fn both_sides_say_that_they_are_there() {
    let (mut source, mut intake, mut heard) = on_air(config(), None);
    let mut now = START;
    for _ in 0..10 {
        let deadline = source.poll_timeout().unwrap();
        assert_eq!((deadline.why, deadline.at), (Why::KeepAlive, now.plus_micros(5_000_000)));
        assert_eq!(intake.poll_timeout(), Some(deadline));
        now = deadline.at;
        source.handle_timeout(now);
        intake.handle_timeout(now).unwrap();
        let bytes = said(&mut source, now);
        assert_eq!(bytes, encode(&StreamMessage::KeepAlive));
        feed(&mut intake, now, &bytes, 2, None, &mut heard).unwrap();
        source.handle_bytes(now, &answered(&mut intake, now));
    }
    assert!(source.is_on_air());
}

#[test]
fn fifteen_seconds_of_silence_end_a_connection() {
    let (mut source, mut intake, _) = on_air(config(), None);
    let silent = START.plus_micros(15_000_000);
    let almost = silent.minus_micros(1);
    source.handle_timeout(almost);
    intake.handle_timeout(almost).unwrap();
    assert!(source.is_on_air());
    assert_eq!(source.poll_timeout().unwrap().at, silent);
    source.handle_timeout(silent);
    source.poll_event().filter(|event| *event == SourceEvent::Dropped(StreamError::Silent)).unwrap();
    assert_eq!(intake.handle_timeout(silent), Err(StreamError::Silent));
    assert!(intake.is_over());
    assert_eq!(StreamError::Silent.blame(), Blame::Path);
}

#[test]
fn a_refusal_that_may_pass_is_asked_again() {
    for (reason, is_over) in [
        (StreamRefusal::ChannelTaken, false),
        (StreamRefusal::Full, false),
        (StreamRefusal::Invalid, true),
        (StreamRefusal::Version, true),
        (StreamRefusal::Ticket, true),
    ] {
        let mut source = connecting(config());
        source.handle_connected(START);
        let mut intake = Intake::new(START);
        let bytes = said(&mut source, START);
        assert!(matches!(intake.handle_bytes(START, &mut &bytes[..]), Ok(Some(IntakeEvent::Publish(_)))));
        intake.refuse(reason);
        source.handle_bytes(START, &answered(&mut intake, START));
        assert_eq!(source.poll_event(), Some(SourceEvent::Refused(reason)));
        assert_eq!((source.is_over(), source.poll_timeout().is_none()), (is_over, is_over), "{reason:?}");
    }
}

#[test]
fn a_node_answers_what_it_cannot_take() {
    let StreamMessage::Publish(good) = publish() else { panic!() };
    let settings = ChannelSettings { substreams: 0, ..good.settings };
    for publish in [Publish { channel: "no spaces", ..good.clone() }, Publish { settings, ..good.clone() }] {
        let mut intake = Intake::new(START);
        let bytes = encode(&StreamMessage::Publish(publish));
        assert_eq!(intake.handle_bytes(START, &mut &bytes[..]), Err(StreamError::Invalid));
        let refusal = encode(&StreamMessage::Refused(StreamRefusal::Invalid));
        assert_eq!(answered(&mut intake, START), refusal);
    }
    let mut intake = Intake::new(START);
    let error = intake.handle_bytes(START, &mut &[5, 0, 0, 1, 0xff, 0xff, 0xff][..]).unwrap_err();
    assert_eq!(error.blame(), Blame::Incompatible);
    assert_eq!(answered(&mut intake, START), encode(&StreamMessage::Refused(StreamRefusal::Version)));
}

#[test]
fn a_publisher_that_breaks_the_rules_is_put_out() {
    let info = FrameInfo { id: FrameId(0), len: 10, ..FrameInfo::default() };
    let wrong = [
        (StreamMessage::Frame(FrameInfo { id: FrameId(1), ..info }), StreamError::Numbering),
        (StreamMessage::Frame(FrameInfo { len: 1_024 * 1_128 + 1, ..info }), StreamError::FrameTooLong),
        (publish(), StreamError::Unexpected),
        (StreamMessage::Accepted(resume(0, 0)), StreamError::Unexpected),
    ];
    for (message, error) in wrong {
        let (_, mut intake, _) = on_air(config(), None);
        let bytes = encode(&message);
        assert_eq!(intake.handle_bytes(START, &mut &bytes[..]), Err(error), "{message:?}");
        assert_eq!(error.blame(), Blame::Peer);
        assert!(intake.is_over());
        assert_eq!(intake.handle_bytes(START, &mut &bytes[..]), Ok(None));
    }
    let bytes = encode(&StreamMessage::Frame(info));
    let early = Intake::new(START).handle_bytes(START, &mut &bytes[..]).unwrap_err();
    assert_eq!(early, StreamError::Unexpected, "before anything was announced");
}

#[test]
fn a_node_that_breaks_the_rules_is_left() {
    for message in [publish(), StreamMessage::Accepted(resume(0, 0)), StreamMessage::End] {
        let (mut source, _, _) = on_air(config(), None);
        source.handle_bytes(START, &encode(&message));
        assert_eq!(source.poll_event(), Some(SourceEvent::Dropped(StreamError::Unexpected)), "{message:?}");
        assert!(!source.is_on_air() && !source.is_over());
    }
}

#[test]
fn frames_out_of_bounds_use_no_number() {
    let (mut source, _, _) = on_air(config(), None);
    let mut out = [0; STREAM_LEN_MAX];
    let late = NewFrame { pts_offset_ticks: 1 << 24, ..frame(1) };
    for wrong in [frame(0), frame(1_024 * 1_128 + 1), late] {
        assert_eq!(source.push_frame(START, wrong, &mut out), Err(PushError::InvalidFrame));
    }
    let short = source.push_frame(START, frame(1), &mut out[1..]);
    assert_eq!(short, Err(PushError::ScratchTooShort));
    assert_eq!(source.resume(), Some(resume(0, 0)));
    assert_eq!(source.set_init(&[0; 753]), Err(PushError::InvalidFrame));
    let (mut source, _, _) = on_air(config(), Some(resume(0, u32::MAX)));
    assert_eq!(source.push_frame(START, frame(1), &mut out), Err(PushError::NumbersSpent));
}

#[test]
fn nothing_is_done_before_its_time_and_nobody_is_heard_before_there_is_a_connection() {
    let mut source = Source::new(config(), START);
    source.handle_timeout(START.minus_micros(1));
    assert_eq!(source.poll_event(), None);
    source.handle_bytes(START, &encode(&StreamMessage::Refused(StreamRefusal::Invalid)));
    assert_eq!(source.poll_event(), None, "nobody is there to refuse");
    source.handle_timeout(START);
    assert_eq!(source.poll_event(), Some(SourceEvent::Connect));
    let deadline = source.poll_timeout().unwrap();
    source.handle_timeout(deadline.at.minus_micros(1));
    assert_eq!((source.poll_event(), source.poll_timeout()), (None, Some(deadline)));
    source.handle_timeout(deadline.at);
    assert!(source.poll_event().is_some());
}

#[test]
fn a_frame_s_presentation_may_be_as_late_as_its_field_is_wide() {
    let (mut source, _, _) = on_air(config(), None);
    let mut out = [0; STREAM_LEN_MAX];
    for (pts_offset_ticks, is_taken) in [(0x00ff_ffff, true), (0x0100_0000, false)] {
        let taken = source.push_frame(START, NewFrame { pts_offset_ticks, ..frame(100) }, &mut out);
        assert_eq!(taken.is_ok(), is_taken, "{pts_offset_ticks:x}");
    }
}
