//! Codecs against arbitrary values and arbitrary bytes, and against the bounds they promise.

use core::net::{IpAddr, SocketAddr};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde::Deserialize;

use super::bounds::CONTROL_ROOM;
use super::control::*;
use super::report::*;
use super::{
    CONTROL_HEADER_LEN, ControlWriter, DATA_HEADER_LEN, DataHeader, Datagram, MAC_LEN, MAC_OFFSET, Messages,
    SendReason, StreamMessage, codec,
};
use crate::endpoint::Reject;
use crate::limits::*;
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo, fragment_count};
use crate::nat::{NatClass, NatFiltering, NatMapping};

fn config() -> ProptestConfig {
    let file = "../proptest-regressions/core_wire.txt";
    ProptestConfig {
        failure_persistence: Some(std::boxed::Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

fn headers() -> impl Strategy<Value = DataHeader> {
    let frame = (any::<u32>(), 0..Dts::WRAP_TICKS, 0..1_u32 << 24, any::<bool>());
    let size = (FRAGMENT_LEN_MIN..=FRAGMENT_LEN, 1..1_024 * 188_u32, any::<prop::sample::Index>());
    let rest = (any::<[u32; 3]>(), any::<u16>(), 0..16_u8, 0..4_usize, 0..16_u8);
    (frame, size, rest).prop_map(|((id, dts, pts_offset_ticks, key), (fragment_len, len, index), rest)| {
        let ([link, packet, sent_us], epoch, substream, reason, level) = rest;
        let count = fragment_count(len, fragment_len).unwrap();
        let fragment = u16::try_from(index.index(usize::from(count))).unwrap();
        let info = FrameInfo { id: FrameId(id), dts: Dts::from_ticks(dts), pts_offset_ticks, len, key };
        DataHeader {
            link: LinkId(link),
            packet,
            sent_us,
            epoch,
            info,
            substream,
            fragment,
            count,
            reason: SendReason::ALL[reason],
            level,
        }
    })
}

/// A datagram of `header` and a fragment of one byte.
fn datagram_of(header: &DataHeader) -> [u8; DATA_HEADER_LEN + 1] {
    let mut out = [1; DATA_HEADER_LEN + 1];
    assert_eq!(header.write(&mut out), Some(DATA_HEADER_LEN));
    out
}

fn parse_header(bytes: &[u8]) -> Result<DataHeader, Reject> {
    let datagram = Datagram::parse(bytes)?;
    let Datagram::Data(header, _) = datagram else { panic!("{datagram:?}") };
    Ok(header)
}

/// The longest message of every kind but padding.
fn longest(bytes: &'static [u8; 1_200], name: &'static str) -> Vec<Message<'static>> {
    let address = SocketAddr::new(IpAddr::V6([0xff; 16].into()), u16::MAX);
    let candidate = Candidate {
        client: ClientId(u32::MAX),
        address,
        transport: Transport::DataChannel,
        slots: u8::MAX,
        feedable: u16::MAX,
        age_s: u8::MAX,
    };
    let candidates = heapless::Vec::from_iter([candidate; CANDIDATES_MAX]);
    let item = PullItem { frame: FrameId(u32::MAX), first: u16::MAX, wanted: u64::MAX };
    // Not a valid channel: only the lengths matter.
    let settings = ChannelSettings {
        rate_bps: u32::MAX,
        cadence_us: u32::MAX,
        fragment_len: u16::MAX,
        target_buffer_ms: u32::MAX,
        startup_ms: u16::MAX,
        upload_cap_percent: u16::MAX,
        ..ChannelSettings::default()
    };
    let hello = Hello {
        nonce: u64::MAX,
        link: LinkId(u32::MAX),
        channel: name,
        cookie: Some([0xff; 16]),
        upload_bps: u32::MAX,
        ticket: &bytes[..TICKET_LEN_MAX],
    };
    let welcome = Welcome {
        nonce: u64::MAX,
        client: ClientId(u32::MAX),
        link: LinkId(u32::MAX),
        epoch: u16::MAX,
        class: Class::P2p,
        start: FrameId(u32::MAX),
        newest: FrameId(u32::MAX),
        left_from: Some(FrameId(u32::MAX)),
        settings,
        observed: address,
        init: &bytes[..INIT_LEN_MAX],
        candidates: candidates.clone(),
    };
    let refused = Refused {
        nonce: u64::MAX,
        reason: RefusalReason::Ticket,
        retry_after_ms: u32::MAX,
        alternatives: heapless::Vec::from_iter([address; ALTERNATIVES_MAX]),
    };
    let watch = WatchStats {
        buffer_ms: u32::MAX,
        startup_ms: u32::MAX,
        stalls: u32::MAX,
        stalled_ms: u32::MAX,
        frames_played: u32::MAX,
        frames_skipped: u32::MAX,
        bytes_edge: u64::MAX,
        bytes_peers: u64::MAX,
        bytes_duplicate: u64::MAX,
        bytes_uploaded: u64::MAX,
        bytes_control: u64::MAX,
    };
    let status = Status {
        slots: u8::MAX,
        slots_max: u8::MAX,
        feedable: u16::MAX,
        edge_feeds: u16::MAX,
        parents: heapless::Vec::from_iter([Some(ClientId(u32::MAX)); SUBSTREAMS_MAX]),
        watch,
    };
    let meet = Meet { link: LinkId(u32::MAX), client: ClientId(u32::MAX), epoch: u16::MAX };
    let frame = FrameId(u32::MAX);
    vec![
        Message::Hello(hello),
        Message::Challenge(Challenge { nonce: u64::MAX, cookie: [0xff; 16] }),
        Message::Welcome(welcome),
        Message::Refused(refused),
        Message::Meet(meet),
        Message::Met(meet),
        Message::Ping { token: u32::MAX },
        Message::Pong { token: u32::MAX },
        Message::Ack(Ack {
            largest: u32::MAX,
            delay_us: u32::MAX,
            one_way_us: u32::MAX,
            runs: &bytes[..ACK_RUNS_MAX],
        }),
        Message::Subscribe(Subscribe { substream: 15, from: frame, level: 15 }),
        Message::Accept(Accept { substream: 15, first: frame, level: 15, grant: Grant::Lease }),
        Message::Refuse { substream: 15, reason: RefuseReason::Leaving },
        Message::Release { substream: 15, until: frame },
        Message::BufferMap(MapBits { oldest: frame, base: frame, bits: &bytes[..MAP_LEN_MAX] }),
        Message::Pull { items: heapless::Vec::from_iter([item; PULL_ITEMS_MAX]), can_wait: true },
        Message::Missing { frame },
        Message::FindParents { substreams: u16::MAX },
        Message::Candidates { list: candidates },
        Message::Status(status),
        Message::Leave { reason: LeaveReason::Ended },
        Message::Reset { link: LinkId(u32::MAX) },
        Message::Introduce(Introduce {
            client: ClientId(u32::MAX),
            addresses: heapless::Vec::from_iter([address; MEETING_ADDRESSES_MAX]),
        }),
        Message::Reach(Reach {
            nat: NatClass { mapping: NatMapping::PortDependent, filtering: NatFiltering::PortDependent },
            private: Some(address),
            met: u32::MAX,
            unmet: u32::MAX,
            unmet_list: heapless::Vec::from_iter([ClientId(u32::MAX); UNMET_MAX]),
        }),
        Message::Seen { address },
        Message::AlsoAt { address, cookie: [0xff; 16] },
        Message::Report(longest_report(address)),
        Message::ReportAck(ReportAck { highest: u32::MAX, taken: u32::MAX }),
        Message::Redirect { alternatives: heapless::Vec::from_iter([address; ALTERNATIVES_MAX]) },
        Message::Starved { substream: 15, since: frame },
        Message::Skipped { to: frame },
        Message::Successors { clients: heapless::Vec::from_iter([ClientId(u32::MAX); SUCCESSORS_MAX]) },
    ]
}

fn longest_report(address: SocketAddr) -> Report {
    let bytes = ReportBytes {
        burst: u32::MAX,
        push: u32::MAX,
        rescue: u32::MAX,
        pull: u32::MAX,
        peers: u32::MAX,
        uploaded: u32::MAX,
        control: u32::MAX,
        duplicates: u32::MAX,
    };
    let minute = MinuteReport {
        minute: u32::MAX,
        span_ms: u32::MAX,
        class: Class::P2p,
        nat: NatClass { mapping: NatMapping::PortDependent, filtering: NatFiltering::PortDependent },
        kinds: AddressKinds(u8::MAX),
        peers: u8::MAX,
        bytes,
        download_permille: u16::MAX,
        played_ms: u32::MAX,
        buffering_ms: u32::MAX,
        stalls: [u8::MAX; STALL_BUCKETS],
        frames_played: u16::MAX,
        frames_omitted: u16::MAX,
        frames_skipped: u16::MAX,
        rescues: u16::MAX,
    };
    Report {
        viewer: ViewerId(u64::MAX),
        number: u32::MAX,
        channel: ChannelTag(u32::MAX),
        dropped: u16::MAX,
        public: address,
        private: Some(address),
        body: ReportBody::Minute(minute),
    }
}

#[test]
fn no_message_is_longer_than_promised_or_than_a_datagram() {
    static BYTES: [u8; 1_200] = [0xff; 1_200];
    let messages = longest(&BYTES, "12345678901234567890123456789012");
    assert_eq!(messages.len(), 31, "every kind but padding");
    for message in messages {
        let mut buffer = [0; 2_048];
        let len = postcard::to_slice(&message, &mut buffer).unwrap().len();
        assert_eq!(len, message.len_max(), "{message:?}");
        assert!(len <= CONTROL_ROOM, "{message:?}");
        let mut out = [0; DATAGRAM_LEN_MAX];
        assert!(ControlWriter::new(&mut out, LinkId(1)).unwrap().push(&message), "{message:?}");
    }
}

/// What postcard reads in `bytes`, and how much of them is left.
fn read_by_postcard<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, usize)> {
    postcard::take_from_bytes(bytes).ok().map(|(value, rest)| (value, rest.len()))
}

fn read_by_us<'a, T: Deserialize<'a>>(mut bytes: &'a [u8]) -> Option<(T, usize)> {
    codec::decode(&mut bytes).map(|value| (value, bytes.len()))
}

#[test]
fn what_is_cut_short_or_finds_no_room_is_no_message() {
    static BYTES: [u8; 1_200] = [0xff; 1_200];
    for message in longest(&BYTES, "12345678901234567890123456789012") {
        let mut whole = [0; 2_048];
        let len = codec::encode(&message, &mut whole).unwrap();
        assert_eq!(read_by_us(&whole[..len]), Some((message.clone(), 0)));
        for cut in 0..len {
            assert_eq!(codec::encode(&message, &mut [0; 2_048][..cut]), None, "{cut} {message:?}");
            assert_eq!(read_by_us::<Message<'_>>(&whole[..cut]), None, "{cut} {message:?}");
        }
        for place in 0..len.min(64) {
            for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
                let mut damaged = whole;
                damaged[place] = value;
                let bytes = &damaged[..len];
                assert_eq!(read_by_us::<Message<'_>>(bytes), read_by_postcard(bytes), "{bytes:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn we_read_what_postcard_reads(
        tag in 0..40_u8,
        rest in prop::collection::vec(prop_oneof![any::<u8>(), 0..4_u8, Just(0x80)], 0..120),
    ) {
        let bytes: Vec<u8> = [tag].into_iter().chain(rest).collect();
        prop_assert_eq!(read_by_us::<Message<'_>>(&bytes), read_by_postcard(&bytes));
        prop_assert_eq!(read_by_us::<StreamMessage<'_>>(&bytes), read_by_postcard(&bytes));
    }
}

#[test]
fn a_header_that_lacks_only_our_bit_is_not_ours() {
    let info = FrameInfo { len: 1, ..FrameInfo::default() };
    let mut bytes = datagram_of(&DataHeader { link: LinkId(1), info, count: 1, ..DataHeader::default() });
    assert!(Datagram::parse(&bytes).is_ok());
    bytes[0] &= 0x7f;
    assert_eq!(Datagram::parse(&bytes).unwrap_err(), Reject::Malformed);
}

#[test]
fn a_first_byte_tells_kind_and_version() {
    let sealed = [0x82, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9];
    let Ok(Datagram::Sealed { link, counter, ciphertext }) = Datagram::parse(&sealed) else { panic!() };
    assert_eq!((link, counter, ciphertext), (LinkId(1), 2, &[9][..]));
    let Ok(Datagram::Proof { link, body }) = Datagram::parse(&[0x83, 1, 0, 0, 0, 9]) else { panic!() };
    assert_eq!((link, body), (LinkId(1), &[9][..]));
    let reject = |bytes: &[u8]| Datagram::parse(bytes).map(|_| ()).unwrap_err();
    assert_eq!(reject(&[]), Reject::Malformed);
    assert_eq!(reject(&[0x00, 1, 0, 0, 0]), Reject::Malformed, "STUN");
    assert_eq!(reject(&[0x84, 1, 0, 0, 0]), Reject::Unsupported, "a kind to come");
    assert_eq!(reject(&[0x91, 1, 0, 0, 0]), Reject::Unsupported, "a version to come");
    assert_eq!(reject(&[0x81, 1, 0, 0]), Reject::Malformed, "no link id");
    assert_eq!(reject(&sealed[..12]), Reject::Malformed, "no counter");
    assert_eq!(reject(&[0x81; DATAGRAM_LEN_MAX + 1]), Reject::Malformed);
}

#[test]
fn a_data_header_out_of_bounds_is_malformed() {
    let info = FrameInfo { len: 2_000, ..FrameInfo::default() };
    let good = DataHeader { info, count: 2, fragment: 1, ..DataHeader::default() };
    let with_len = |len| DataHeader { info: FrameInfo { len, ..info }, ..good };
    let wrong: [(DataHeader, &str); 9] = [
        (DataHeader { count: 0, ..good }, "no fragments"),
        (DataHeader { count: FRAGMENTS_MAX + 1, ..with_len(1_000_000) }, "too many fragments"),
        (DataHeader { fragment: 2, ..good }, "past the end"),
        (with_len(0), "empty"),
        (with_len(188), "one fragment would do for every channel"),
        (with_len(2 * 1_128 + 1), "longer than two fragments of any channel"),
        (DataHeader { substream: 16, ..good }, "substream"),
        (DataHeader { level: 16, ..good }, "level"),
        (DataHeader { info: FrameInfo { pts_offset_ticks: 1 << 24, ..info }, ..good }, "pts offset"),
    ];
    for (header, what) in wrong {
        assert_eq!(header.write(&mut [0; 64]), None, "{what}");
    }
    assert_eq!(good.write(&mut [0; DATA_HEADER_LEN - 1]), None, "too short");
    // The same on the way in, where a field has room for a value out of bounds.
    let bytes = datagram_of(&good);
    let reject_at = |at: usize, value: u8| {
        let mut wrong = bytes;
        wrong[at] = value;
        parse_header(&wrong).unwrap_err()
    };
    for (at, value) in [(23, 2), (27, 16), (28, 2), (29, 1), (30, 0), (31, 5), (34, 1), (35, 1)] {
        assert_eq!(reject_at(at, value), Reject::Malformed, "byte {at}");
    }
    assert_eq!(parse_header(&bytes[..DATA_HEADER_LEN]).unwrap_err(), Reject::Malformed, "no fragment");
    let mut long = [1; DATA_HEADER_LEN + FRAGMENT_LEN as usize + 1];
    assert_eq!(good.write(&mut long), Some(DATA_HEADER_LEN));
    assert_eq!(parse_header(&long).unwrap_err(), Reject::Malformed, "a fragment no channel has");
    assert_eq!(parse_header(&long[..long.len() - 1]), Ok(good));
}

#[test]
fn reserved_bits_and_the_mac_are_ignored() {
    let info = FrameInfo { len: 1, ..FrameInfo::default() };
    let header = DataHeader { info, count: 1, ..DataHeader::default() };
    let mut bytes = datagram_of(&header);
    bytes[36] |= 0x08;
    bytes[37] = 0xff;
    bytes[MAC_OFFSET..MAC_OFFSET + MAC_LEN].fill(0xff);
    assert_eq!(parse_header(&bytes), Ok(header));
}

#[test]
fn padding_is_skipped_and_garbage_ends_a_datagram() {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
    assert!(writer.is_empty());
    assert!(writer.push(&Message::Ping { token: 1 }));
    writer.pad_to(40);
    assert!(writer.push(&Message::Pong { token: 2 }));
    writer.pad_to(10);
    assert!(!writer.is_empty());
    let len = writer.finish();
    assert_eq!(len, 42);
    let Ok(Datagram::Control(link, messages)) = Datagram::parse(&out[..len]) else { panic!() };
    assert_eq!(link, LinkId(7));
    let heard: Vec<_> = messages.collect();
    assert_eq!(heard, [Ok(Message::Ping { token: 1 }), Ok(Message::Pong { token: 2 })]);

    // Variant 22 does not exist, and nothing after it can be told apart.
    out[len] = 22;
    let Ok(Datagram::Control(_, messages)) = Datagram::parse(&out[..len + 3]) else { panic!() };
    let heard: Vec<_> = messages.skip(2).collect();
    assert_eq!(heard, [Err(Reject::Malformed)]);
}

#[test]
fn a_full_datagram_takes_no_more() {
    let mut out = [0; 3_000];
    let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
    writer.pad_to(5_000);
    assert!(!writer.push(&Message::Padding));
    assert_eq!(writer.finish(), DATAGRAM_LEN_MAX);
    let mut out = [0xee; CONTROL_HEADER_LEN + 1];
    let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
    assert!(!writer.push(&Message::Ping { token: 1 }));
    assert!(writer.is_empty());
    assert!(writer.push(&Message::Padding));
    assert!(ControlWriter::new(&mut [0; CONTROL_HEADER_LEN - 1], LinkId(7)).is_none());
}

#[test]
fn messages_no_correct_sender_produces_are_malformed() {
    let meet = Meet { link: LinkId(1), client: ClientId(1), epoch: 0 };
    let subscribe = Subscribe { substream: 0, from: FrameId(0), level: 0 };
    let address = SocketAddr::from(([192, 0, 2, 1], 1));
    let introduce =
        Introduce { client: ClientId(1), addresses: heapless::Vec::from_slice(&[address]).unwrap() };
    let wrong = [
        Message::Introduce(Introduce { client: ClientId::EDGE, ..introduce.clone() }),
        Message::Introduce(Introduce { addresses: heapless::Vec::new(), ..introduce }),
        Message::Meet(Meet { link: LinkId(0), ..meet }),
        Message::Met(Meet { client: ClientId::EDGE, ..meet }),
        Message::Subscribe(Subscribe { substream: 16, ..subscribe }),
        Message::Subscribe(Subscribe { level: 16, ..subscribe }),
        Message::Accept(Accept { substream: 16, first: FrameId(0), level: 0, grant: Grant::Feed }),
        Message::Refuse { substream: 16, reason: RefuseReason::Full },
        Message::Release { substream: 16, until: FrameId(0) },
        Message::BufferMap(MapBits { oldest: FrameId(0), base: FrameId(0), bits: &[0; MAP_LEN_MAX + 1] }),
        Message::Ack(Ack { largest: 0, delay_us: 0, one_way_us: 0, runs: &[0; ACK_RUNS_MAX + 1] }),
    ];
    wrong.iter().for_each(assert_malformed);
}

fn assert_malformed(message: &Message<'_>) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
    assert!(writer.push(message));
    let len = writer.finish();
    let Ok(Datagram::Control(_, mut messages)) = Datagram::parse(&out[..len]) else { panic!() };
    assert_eq!(messages.next(), Some(Err(Reject::Malformed)), "{message:?}");
    assert_eq!(messages.next(), None);
}

/// Each is wrong in one field.
#[test]
fn a_hello_and_a_welcome_out_of_bounds_are_malformed() {
    static BYTES: [u8; 1_200] = [b'a'; 1_200];
    let text = core::str::from_utf8(&BYTES).unwrap();
    let hello = Hello {
        nonce: 1,
        link: LinkId(1),
        channel: &text[..CHANNEL_NAME_LEN_MAX],
        cookie: None,
        upload_bps: 0,
        ticket: &BYTES[..TICKET_LEN_MAX],
    };
    assert!(Message::Hello(hello.clone()).is_valid());
    assert_malformed(&Message::Hello(Hello { link: LinkId(0), ..hello.clone() }));
    assert_malformed(&Message::Hello(Hello { channel: &text[..CHANNEL_NAME_LEN_MAX + 1], ..hello.clone() }));
    assert_malformed(&Message::Hello(Hello { ticket: &BYTES[..TICKET_LEN_MAX + 1], ..hello }));

    let address = SocketAddr::from(([192, 0, 2, 1], 1));
    let edge = Candidate {
        client: ClientId::EDGE,
        address,
        transport: Transport::Udp,
        slots: 1,
        feedable: 1,
        age_s: 1,
    };
    let edge = heapless::Vec::from_slice(&[edge]).unwrap();
    let welcome = Welcome {
        nonce: 1,
        client: ClientId(1),
        link: LinkId(1),
        epoch: 1,
        class: Class::Push,
        start: FrameId(7),
        newest: FrameId(7),
        left_from: None,
        settings: ChannelSettings::default(),
        observed: address,
        init: &BYTES[..INIT_LEN_MAX],
        candidates: heapless::Vec::new(),
    };
    assert!(Message::Welcome(welcome.clone()).is_valid());
    let settings = ChannelSettings { substreams: 0, ..ChannelSettings::default() };
    for wrong in [
        Welcome { link: LinkId(0), ..welcome.clone() },
        Welcome { client: ClientId::EDGE, ..welcome.clone() },
        Welcome { start: FrameId(8), ..welcome.clone() },
        Welcome { settings, ..welcome.clone() },
        Welcome { init: &BYTES[..INIT_LEN_MAX + 1], ..welcome.clone() },
        Welcome { candidates: edge.clone(), ..welcome },
    ] {
        assert_malformed(&Message::Welcome(wrong));
    }
    assert_malformed(&Message::Candidates { list: edge });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn data_headers_round_trip(header in headers()) {
        prop_assert_eq!(parse_header(&datagram_of(&header)), Ok(header));
    }

    #[test]
    fn no_bytes_panic_and_what_is_read_can_be_written(
        first in prop_oneof![Just(0x80_u8), Just(0x81), any::<u8>()],
        rest in prop::collection::vec(prop_oneof![0..32_u8, any::<u8>()], 0..300),
    ) {
        let mut bytes = vec![first];
        bytes.extend(rest);
        match Datagram::parse(&bytes) {
            Ok(Datagram::Data(header, _)) => {
                prop_assert_eq!(parse_header(&datagram_of(&header)), Ok(header));
            }
            Ok(Datagram::Control(_, messages)) => rewrite(messages)?,
            Ok(Datagram::Sealed { .. } | Datagram::Proof { .. }) | Err(_) => {}
        }
    }

    #[test]
    fn a_flipped_bit_in_real_messages_never_panics(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        static BYTES: [u8; 1_200] = [0xff; 1_200];
        for message in longest(&BYTES, "12345678901234567890123456789012") {
            let mut out = [0; DATAGRAM_LEN_MAX];
            let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
            prop_assert!(writer.push(&message));
            let len = writer.finish();
            out[CONTROL_HEADER_LEN + at.index(len - CONTROL_HEADER_LEN)] ^= 1 << bit;
            let Ok(Datagram::Control(_, messages)) = Datagram::parse(&out[..len]) else { panic!() };
            rewrite(messages)?;
        }
    }
}

/// Whatever was decoded encodes, within its bound, to bytes that decode to the same.
fn rewrite(messages: Messages<'_>) -> Result<(), TestCaseError> {
    for message in messages.flatten() {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = ControlWriter::new(&mut out, LinkId(7)).unwrap();
        prop_assert!(writer.push(&message));
        let len = writer.finish();
        prop_assert!(len <= CONTROL_HEADER_LEN + message.len_max(), "{:?}", message);
        let Ok(Datagram::Control(_, mut again)) = Datagram::parse(&out[..len]) else { panic!() };
        prop_assert_eq!(again.next(), Some(Ok(message)));
    }
    Ok(())
}
