//! Streams in arbitrary pieces, and of arbitrary bytes.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::bounds::{FRAME_LEN_MAX, INIT_MESSAGE_LEN_MAX, PUBLISH_LEN_MAX};
use super::stream::*;
use super::{FramingError, STREAM_HEADER_LEN, STREAM_LEN_MAX, StreamDecoder, StreamItem, encode_stream};
use crate::limits::*;
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo};

fn config() -> ProptestConfig {
    let file = "../proptest-regressions/core_framing.txt";
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

/// A message as tests keep it: without borrowing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Init(Vec<u8>),
    Frame(FrameInfo, Vec<u8>),
    Accepted(Resume),
    KeepAlive,
    End,
    Other,
}

fn frames() -> impl Strategy<Value = Owned> {
    let info = (any::<u32>(), 0..Dts::WRAP_TICKS, 0..1_u32 << 24, any::<bool>());
    (info, prop::collection::vec(any::<u8>(), 1..400)).prop_map(
        |((id, dts, pts_offset_ticks, key), bytes)| {
            let len = u32::try_from(bytes.len()).unwrap();
            let info = FrameInfo { id: FrameId(id), dts: Dts::from_ticks(dts), pts_offset_ticks, len, key };
            Owned::Frame(info, bytes)
        },
    )
}

fn messages() -> impl Strategy<Value = Owned> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..INIT_LEN_MAX).prop_map(Owned::Init),
        frames(),
        any::<(u16, u32)>().prop_map(|(epoch, next)| Owned::Accepted(Resume { epoch, next: FrameId(next) })),
        Just(Owned::KeepAlive),
        Just(Owned::End),
    ]
}

fn encode(message: &Owned) -> Vec<u8> {
    let (message, frame) = match message {
        Owned::Init(bytes) => (StreamMessage::Init { bytes }, &[][..]),
        Owned::Frame(info, bytes) => (StreamMessage::Frame(*info), &bytes[..]),
        Owned::Accepted(resume) => (StreamMessage::Accepted(*resume), &[][..]),
        Owned::KeepAlive => (StreamMessage::KeepAlive, &[][..]),
        Owned::End | Owned::Other => (StreamMessage::End, &[][..]),
    };
    let mut out = [0; STREAM_LEN_MAX];
    let len = encode_stream(&message, &mut out).unwrap();
    [&out[..len], frame].concat()
}

/// Decodes `pieces` one after the other. With `skips`, frames' bytes go past the decoder.
fn decode_all<'a>(pieces: impl Iterator<Item = &'a [u8]>, skips: bool) -> Result<Vec<Owned>, FramingError> {
    let mut decoder = StreamDecoder::new();
    let mut heard = Vec::new();
    for mut rest in pieces {
        while !rest.is_empty() {
            let owed = usize::try_from(decoder.frame_bytes_left()).unwrap().min(rest.len());
            if skips && owed > 0 {
                let Some(Owned::Frame(_, frame)) = heard.last_mut() else { panic!("bytes of no frame") };
                frame.extend(&rest[..owed]);
                rest = &rest[owed..];
                let owed = u32::try_from(owed).unwrap();
                assert_eq!(decoder.skip_frame_bytes(owed), owed);
                continue;
            }
            match decoder.decode(&mut rest)? {
                None => assert!(rest.is_empty(), "input was left"),
                Some(StreamItem::FrameBytes(bytes)) => {
                    let Some(Owned::Frame(_, frame)) = heard.last_mut() else { panic!("bytes of no frame") };
                    frame.extend(bytes);
                }
                Some(StreamItem::Message(message)) => heard.push(match message {
                    StreamMessage::Init { bytes } => Owned::Init(bytes.into()),
                    StreamMessage::Frame(info) => Owned::Frame(info, Vec::new()),
                    StreamMessage::Accepted(resume) => Owned::Accepted(resume),
                    StreamMessage::KeepAlive => panic!("a keep-alive"),
                    StreamMessage::End => Owned::End,
                    StreamMessage::Publish(_) | StreamMessage::Refused(_) => Owned::Other,
                }),
            }
        }
    }
    Ok(heard)
}

#[test]
fn the_longest_messages_are_as_long_as_promised() {
    let long = [0xff; INIT_LEN_MAX];
    let settings = ChannelSettings {
        rate_bps: u32::MAX,
        cadence_us: u32::MAX,
        fragment_len: u16::MAX,
        target_buffer_ms: u32::MAX,
        startup_ms: u16::MAX,
        upload_cap_percent: u16::MAX,
        ..ChannelSettings::default()
    };
    let publish = Publish {
        version: 0,
        channel: "12345678901234567890123456789012",
        ticket: &long[..TICKET_LEN_MAX],
        resume: Some(Resume { epoch: u16::MAX, next: FrameId(u32::MAX) }),
        settings,
        init: &long,
    };
    let info = FrameInfo {
        id: FrameId(u32::MAX),
        dts: Dts::from_ticks(Dts::WRAP_TICKS - 1),
        pts_offset_ticks: (1 << 24) - 1,
        len: u32::MAX,
        key: true,
    };
    let expected = [
        (StreamMessage::Publish(publish), PUBLISH_LEN_MAX),
        (StreamMessage::Init { bytes: &long }, INIT_MESSAGE_LEN_MAX),
        (StreamMessage::Frame(info), FRAME_LEN_MAX),
    ];
    for (message, len) in expected {
        let mut out = [0; STREAM_LEN_MAX];
        assert_eq!(encode_stream(&message, &mut out), Some(STREAM_HEADER_LEN + len), "{message:?}");
        assert_eq!(encode_stream(&message, &mut out[..STREAM_HEADER_LEN + len - 1]), None);
        let mut decoder = StreamDecoder::new();
        let mut input = &out[..];
        assert_eq!(decoder.decode(&mut input), Ok(Some(StreamItem::Message(message))));
    }
}

#[test]
fn a_broken_stream_stays_broken() {
    let broken: [(&[u8], FramingError); 7] = [
        (&[0xff, 0xff], FramingError::TooLong),
        (&[0, 0], FramingError::Malformed),
        (&[1, 0, 7], FramingError::Malformed),
        (&[2, 0, 0, 1], FramingError::Version),
        (&[6, 0, 4, 0, 0, 0, 0, 0], FramingError::Malformed),
        (&[9, 0, 4, 0, 0, 0x80, 0x80, 0x80, 8, 1, 0], FramingError::Malformed),
        (&[2, 0, 6, 0], FramingError::Malformed),
    ];
    for (bytes, error) in broken {
        let mut decoder = StreamDecoder::new();
        let mut input = bytes;
        assert_eq!(decoder.decode(&mut input), Err(error), "{bytes:?}");
        let mut keep_alive: &[u8] = &[1, 0, 5];
        assert_eq!(decoder.decode(&mut keep_alive), Err(error), "{bytes:?}");
        assert_eq!(decoder.skip_frame_bytes(5), 0);
    }
}

#[test]
fn a_service_node_that_holds_the_channel_knows_best() {
    let at = |epoch, next| Some(Resume { epoch, next: FrameId(next) });
    assert_eq!(Some(Resume::choose(at(1, 5), at(1, 9))), at(1, 5));
    assert_eq!(Some(Resume::choose(None, at(1, 9))), at(1, 9));
    assert_eq!(Some(Resume::choose(None, None)), at(0, 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn pieces_of_any_size_give_the_same_messages(
        mut messages in prop::collection::vec(messages(), 1..12),
        sizes in prop::collection::vec(1..900_usize, 1..20),
        skips in any::<bool>(),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(encode).collect();
        let mut rest = &bytes[..];
        let mut sizes = sizes.into_iter().cycle();
        let pieces = core::iter::from_fn(|| {
            let (piece, tail) = rest.split_at(sizes.next().unwrap().min(rest.len()));
            rest = tail;
            (!piece.is_empty()).then_some(piece)
        });
        let heard = decode_all(pieces, skips);
        messages.retain(|message| *message != Owned::KeepAlive);
        prop_assert_eq!(heard, Ok(messages));
    }

    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..300),
        size in 1..40_usize,
    ) {
        let whole = decode_all(core::iter::once(&bytes[..]), false);
        prop_assert_eq!(decode_all(bytes.chunks(size), true), whole);
    }
}
