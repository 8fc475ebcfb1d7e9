//! Bytes that must never change: the order of variants and fields is the wire format.

use core::fmt::Debug;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::format;
use std::string::String;
use std::vec::Vec;

use serde::Serialize;

use super::control::*;
use super::report::*;
use super::stream::*;
use super::{DATA_HEADER_LEN, DataHeader, Datagram, SendReason, codec};
use crate::media::{ChannelSettings, Dts, FrameId, FrameInfo, Mapping, Overlay};
use crate::nat::{NatClass, NatFiltering, NatMapping};

const HINT: &str = "the wire format changed: append variants and never reorder, remove or retype; \
                    a field's change needs a variant of its own";

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn pin<T: Serialize + Debug>(value: &T, hex: &str) {
    let mut buffer = [0; 2_048];
    let bytes = postcard::to_slice(value, &mut buffer).unwrap();
    assert_eq!(hex_of(bytes), hex, "{value:?}: {HINT}");
    let mut written = [0; 2_048];
    let len = codec::encode(value, &mut written).unwrap();
    assert_eq!(&written[..len], bytes, "{value:?}: {HINT}");
}

fn v4() -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 7), 0x1234).into()
}

fn v6() -> SocketAddr {
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9), 443).into()
}

fn candidates() -> heapless::Vec<Candidate, 8> {
    let near = Candidate {
        client: ClientId(5),
        address: v4(),
        transport: Transport::Udp,
        slots: 6,
        feedable: 0x21,
        age_s: 255,
    };
    let far = Candidate { client: ClientId(300), address: v6(), transport: Transport::DataChannel, ..near };
    heapless::Vec::from_slice(&[near, far]).unwrap()
}

/// The number of a variant: a new one does not compile here until it has golden bytes below.
fn number_of(message: &Message<'_>) -> u8 {
    match message {
        Message::Padding => 0,
        Message::Hello(_) => 1,
        Message::Challenge(_) => 2,
        Message::Welcome(_) => 3,
        Message::Refused(_) => 4,
        Message::Meet(_) => 5,
        Message::Met(_) => 6,
        Message::Ping { .. } => 7,
        Message::Pong { .. } => 8,
        Message::Ack(_) => 9,
        Message::Subscribe(_) => 10,
        Message::Accept(_) => 11,
        Message::Refuse { .. } => 12,
        Message::Release { .. } => 13,
        Message::BufferMap(_) => 14,
        Message::Pull { .. } => 15,
        Message::Missing { .. } => 16,
        Message::FindParents { .. } => 17,
        Message::Candidates { .. } => 18,
        Message::Status(_) => 19,
        Message::Leave { .. } => 20,
        Message::Reset { .. } => 21,
        Message::Introduce(_) => 22,
        Message::Reach(_) => 23,
        Message::Seen { .. } => 24,
        Message::AlsoAt { .. } => 25,
        Message::Report(_) => 26,
        Message::ReportAck(_) => 27,
        Message::Redirect { .. } => 28,
        Message::Starved { .. } => 29,
        Message::Successors { .. } => 30,
        Message::Skipped { .. } => 31,
    }
}

fn joining() -> Vec<(Message<'static>, &'static str)> {
    let hello = Hello {
        nonce: 0x0102_0304_0506_0708,
        link: LinkId(1),
        channel: "news",
        cookie: Some([0xaa; 16]),
        upload_bps: 600_000,
        ticket: &[1, 2, 3],
    };
    let welcome = Welcome {
        nonce: 9,
        client: ClientId(300),
        link: LinkId(0x0400_0001),
        epoch: 2,
        class: Class::P2p,
        start: FrameId(100),
        newest: FrameId(475),
        left_from: Some(FrameId(163)),
        settings: ChannelSettings::default(),
        observed: v4(),
        init: &[0x47, 0x40],
        candidates: candidates(),
    };
    let refused = Refused {
        nonce: 9,
        reason: RefusalReason::Saturated,
        retry_after_ms: 1_000,
        alternatives: heapless::Vec::from_slice(&[v4(), v6()]).unwrap(),
    };
    let meet = Meet { link: LinkId(7), client: ClientId(8), epoch: 2 };
    std::vec![
        (Message::Padding, "00"),
        (
            Message::Hello(hello),
            "01888e98a8c0e080810101046e65777301aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac0cf2403010203"
        ),
        (
            Message::Challenge(Challenge { nonce: 9, cookie: [0xbb; 16] }),
            "0209bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        ),
        (
            Message::Welcome(welcome),
            "0309ac0281808020020164db0301a30180b518c0b8020601e8089875f4030296010000c0000207b424024740020500c0000207b424000621ffac020120010db8000000000000000000000009bb03010621ff"
        ),
        (Message::Refused(refused), "040902e8070200c0000207b4240120010db8000000000000000000000009bb03"),
        (Message::Meet(meet), "05070802"),
        (Message::Met(meet), "06070802"),
        (Message::Ping { token: 1 }, "0701"),
        (Message::Pong { token: 0xffff_ffff }, "08ffffffff0f"),
    ]
}

fn feeding() -> Vec<(Message<'static>, &'static str)> {
    let ack = Ack { largest: 1_000, delay_us: 200_000, one_way_us: 0x8000_0000, runs: &[10, 1, 255] };
    let item = PullItem { frame: FrameId(77), first: 64, wanted: 5 };
    let status = Status {
        slots: 2,
        slots_max: 7,
        feedable: 0x3f,
        edge_feeds: 4,
        parents: heapless::Vec::from_slice(&[None, Some(ClientId::EDGE), Some(ClientId(300))]).unwrap(),
        watch: WatchStats {
            buffer_ms: 1,
            startup_ms: 2,
            stalls: 3,
            stalled_ms: 4,
            frames_played: 5,
            frames_skipped: 6,
            bytes_edge: 7,
            bytes_peers: 8,
            bytes_duplicate: 9,
            bytes_uploaded: 10,
            bytes_control: 11,
        },
    };
    std::vec![
        (Message::Ack(ack), "09e807c09a0c8080808008030a01ff"),
        (Message::Subscribe(Subscribe { substream: 3, from: FrameId(128), level: 2 }), "0a03800102"),
        (
            Message::Accept(Accept { substream: 3, first: FrameId(129), level: 1, grant: Grant::Lease }),
            "0b0381010101"
        ),
        (Message::Refuse { substream: 3, reason: RefuseReason::Slow }, "0c0304"),
        (Message::Release { substream: 3, until: FrameId(129) }, "0d038101"),
        (
            Message::BufferMap(MapBits { oldest: FrameId(1), base: FrameId(8), bits: &[0xff, 1] }),
            "0e010802ff01"
        ),
        (
            Message::Pull { items: heapless::Vec::from_slice(&[item]).unwrap(), can_wait: true },
            "0f014d400501"
        ),
        (Message::Missing { frame: FrameId(77) }, "104d"),
        (Message::FindParents { substreams: 0x21 }, "1121"),
        (
            Message::Candidates { list: candidates() },
            "12020500c0000207b424000621ffac020120010db8000000000000000000000009bb03010621ff"
        ),
        (Message::Status(status), "1302073f040300010001ac020102030405060708090a0b"),
        (Message::Leave { reason: LeaveReason::Ended }, "1402"),
        (Message::Reset { link: LinkId(7) }, "1507"),
    ]
}

fn meeting() -> Vec<(Message<'static>, &'static str)> {
    let introduce =
        Introduce { client: ClientId(300), addresses: heapless::Vec::from_slice(&[v4(), v6()]).unwrap() };
    let nat = NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent };
    let reach = Reach {
        nat,
        private: Some(v4()),
        met: 300,
        unmet: 2,
        unmet_list: heapless::Vec::from_slice(&[ClientId(7), ClientId(300)]).unwrap(),
    };
    std::vec![
        (Message::Introduce(introduce), "16ac020200c0000207b4240120010db8000000000000000000000009bb03"),
        (Message::Reach(reach), "1702030100c0000207b424ac02020207ac02"),
        (Message::Seen { address: v4() }, "1800c0000207b424"),
        (
            Message::AlsoAt { address: v6(), cookie: [0xcc; 16] },
            "190120010db8000000000000000000000009bb03cccccccccccccccccccccccccccccccc"
        ),
    ]
}

fn reporting() -> Vec<(Message<'static>, &'static str)> {
    let join = JoinRecord { answered_ms: 40, data_ms: 80, full_ms: 3_000, started_ms: 300, refused: 1 };
    let bytes = ReportBytes {
        burst: 1,
        push: 2,
        rescue: 3,
        pull: 4,
        peers: 3_000_000,
        uploaded: 300,
        control: 200,
        duplicates: 5,
    };
    let minute = MinuteReport {
        minute: 2,
        span_ms: 60_000,
        class: Class::P2p,
        nat: NatClass { mapping: NatMapping::Independent, filtering: NatFiltering::PortDependent },
        kinds: AddressKinds(AddressKinds::EDGE_V4 | AddressKinds::PEERS_LOCAL),
        peers: 7,
        bytes,
        download_permille: 998,
        played_ms: 59_000,
        buffering_ms: 1_000,
        stalls: [0, 1, 2, 3, 4, 5, 6, 255],
        frames_played: 1_475,
        frames_omitted: 8,
        frames_skipped: 9,
        rescues: 10,
    };
    let report = Report {
        viewer: ViewerId(300),
        number: 4,
        channel: ChannelTag(5),
        dropped: 6,
        public: v4(),
        private: None,
        body: ReportBody::Join(join),
    };
    let second = Report { private: Some(v4()), body: ReportBody::Minute(minute), ..report };
    std::vec![
        (Message::Report(report), "1aac0204050600c0000207b42400002850b817ac0201"),
        (
            Message::Report(second),
            concat!(
                "1aac0204050600c0000207b4240100c0000207b42401",
                "02e0d403010203110701020304c08db701ac02c80105e607f8cc03e807",
                "00010203040506ffc30b08090a"
            )
        ),
        (Message::ReportAck(ReportAck { highest: 300, taken: 5 }), "1bac0205"),
        (
            Message::Redirect { alternatives: heapless::Vec::from_slice(&[v4(), v6()]).unwrap() },
            "1c0200c0000207b4240120010db8000000000000000000000009bb03",
        ),
        (Message::Starved { substream: 5, since: FrameId(300) }, "1d05ac02"),
        (
            Message::Successors {
                clients: heapless::Vec::from_slice(&[ClientId(5), ClientId(300)]).unwrap()
            },
            "1e0205ac02",
        ),
        (Message::Skipped { to: FrameId(260) }, "1f8402"),
    ]
}

#[test]
fn control_messages_keep_their_bytes() {
    let pinned: Vec<_> = joining().into_iter().chain(feeding()).chain(meeting()).chain(reporting()).collect();
    for (message, hex) in &pinned {
        pin(message, hex);
        assert!(message.is_valid(), "{message:?}");
        assert_eq!(hex[..2], format!("{:02x}", number_of(message)), "{message:?}: {HINT}");
    }
    let mut numbers: Vec<u8> = pinned.iter().map(|(message, _)| number_of(message)).collect();
    // A report is pinned with each of its bodies.
    numbers.dedup();
    assert_eq!(numbers, (0..=31).collect::<Vec<u8>>());
}

#[test]
fn stream_messages_keep_their_bytes() {
    let resume = Resume { epoch: 2, next: FrameId(300) };
    let publish = Publish {
        version: 0,
        channel: "news",
        ticket: &[1, 2, 3],
        resume: Some(resume),
        settings: ChannelSettings::default(),
        init: &[0x47, 0x40],
    };
    let info = FrameInfo {
        id: FrameId(300),
        dts: Dts::from_ticks(90_000),
        pts_offset_ticks: 3_600,
        len: 2_000,
        key: true,
    };
    pin(
        &StreamMessage::Publish(publish),
        "0000046e657773030102030102ac0280b518c0b8020601e8089875f40302960100024740",
    );
    pin(&StreamMessage::Accepted(resume), "0102ac02");
    pin(&StreamMessage::Refused(StreamRefusal::Full), "0201");
    pin(&StreamMessage::Init { bytes: &[0x47] }, "030147");
    pin(&StreamMessage::Frame(info), "04ac0290bf05901cd00f01");
    pin(&StreamMessage::KeepAlive, "05");
    pin(&StreamMessage::End, "06");
}

#[test]
fn every_reason_keeps_its_number() {
    pin(
        &[
            RefusalReason::UnknownChannel,
            RefusalReason::NotOnAir,
            RefusalReason::Saturated,
            RefusalReason::Full,
            RefusalReason::Draining,
            RefusalReason::Ticket,
        ],
        "000102030405",
    );
    pin(
        &[
            RefuseReason::Full,
            RefuseReason::Level,
            RefuseReason::Unhealthy,
            RefuseReason::Budget,
            RefuseReason::Slow,
            RefuseReason::Leaving,
        ],
        "000102030405",
    );
    pin(
        &[
            StreamRefusal::ChannelTaken,
            StreamRefusal::Full,
            StreamRefusal::Invalid,
            StreamRefusal::Version,
            StreamRefusal::Ticket,
        ],
        "0001020304",
    );
    pin(
        &[
            LeaveReason::Done,
            LeaveReason::Silent,
            LeaveReason::Ended,
            LeaveReason::Unfed,
            LeaveReason::Draining,
        ],
        "0001020304",
    );
    pin(
        &[
            NatMapping::Unknown,
            NatMapping::Direct,
            NatMapping::Independent,
            NatMapping::AddressDependent,
            NatMapping::PortDependent,
        ],
        "0001020304",
    );
    pin(
        &[
            NatFiltering::Unknown,
            NatFiltering::Independent,
            NatFiltering::AddressDependent,
            NatFiltering::PortDependent,
        ],
        "00010203",
    );
    pin(&[Class::Push, Class::P2p], "0001");
    pin(&[Grant::Feed, Grant::Lease], "0001");
    pin(&[Transport::Udp, Transport::DataChannel], "0001");
    pin(&[Mapping::RoundRobin, Mapping::Scattered], "0001");
    pin(&[Overlay::Push, Overlay::Off], "0001");
}

#[test]
fn the_data_header_keeps_its_bytes() {
    let info = FrameInfo {
        id: FrameId(0x1112_1314),
        dts: Dts::from_ticks(0x1_2122_2324),
        pts_offset_ticks: 0x31_3233,
        len: 0x0800,
        key: true,
    };
    let header = DataHeader {
        link: LinkId(0x0102_0304),
        packet: 0x0506_0708,
        sent_us: 0x090a_0b0c,
        epoch: 0x0d0e,
        info,
        substream: 5,
        fragment: 1,
        count: 2,
        reason: SendReason::Rescue,
        level: 9,
    };
    let mut out = [0xee; DATA_HEADER_LEN + 1];
    assert_eq!(header.write(&mut out), Some(DATA_HEADER_LEN));
    let pinned = concat!(
        "80",               // kind data, version 0
        "04030201",         // link
        "08070605",         // packet
        "0c0b0a09",         // sent
        "0e0d",             // epoch
        "14131211",         // frame
        "2423222101",       // dts
        "333231",           // pts offset
        "05",               // substream
        "0100",             // fragment
        "0200",             // count
        "00080000",         // length
        "95",               // level 9, reason rescue, key
        "00",               // zero
        "0000000000000000", // MAC
    );
    assert_eq!(hex_of(&out[..DATA_HEADER_LEN]), pinned, "{HINT}");
    let Ok(Datagram::Data(parsed, fragment)) = Datagram::parse(&out) else { panic!("a data datagram") };
    assert_eq!((parsed, fragment), (header, &[0xee][..]));
}
