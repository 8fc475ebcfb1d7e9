use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::*;
use crate::names::{ChannelName, HOST_NAME_LEN_MAX, HostName};
use crate::settings::{BUFFER_MS_MAX, Edge, EdgeHost, Network, StaticNetwork, TICKET_LEN_MAX};

fn plain() -> Settings {
    Settings {
        edge: Edge { host: EdgeHost::Name(HostName::new("edge.example").expect("a name")), port: 5600 },
        channel: ChannelName::new("one").expect("a name"),
        upload_bps_max: Some(2_000_000),
        is_receive_only: false,
        target_buffer_ms: 2_000,
        network: Network::Dhcp,
        ticket: heapless::Vec::new(),
    }
}

fn written(settings: &Settings) -> Vec<u8> {
    let mut out = [0; BLOB_LEN_MAX];
    settings.write(&mut out).expect("valid settings").to_vec()
}

fn static_network() -> StaticNetwork {
    StaticNetwork {
        address: Ipv4Addr::new(192, 168, 1, 20),
        prefix: 24,
        gateway: Some(Ipv4Addr::new(192, 168, 1, 1)),
        dns: heapless::Vec::from_slice(&[Ipv4Addr::new(192, 168, 1, 1)]).expect("room"),
    }
}

#[test]
fn the_format_is_pinned() {
    let expected = [
        b"LSTB".as_slice(),
        &[1, 0, 29, 0],
        &[0x24, 0xeb, 0xeb, 0x7d],
        &[0, 12],
        b"edge.example",
        &[0xe0, 0x2b],
        &[3],
        b"one",
        &[1, 0x80, 0x89, 0x7a],
        &[0],
        &[0xd0, 0x0f],
        &[0],
        &[0],
    ];
    let blob = written(&plain());
    assert_eq!(blob, expected.concat());
    assert_eq!(Settings::parse(&blob), Ok(plain()));
}

#[test]
fn the_checksum_is_the_usual_one() {
    assert_eq!(checksum(b"1234", b"56789"), 0xcbf4_3926);
}

#[test]
fn what_is_no_blob_says_why() {
    let blob = written(&plain());
    let mut future = blob.clone();
    future[4] = 2;
    let mut longer = blob.clone();
    longer.extend([7; 9]);
    let cases: [(&[u8], Result<Settings, ParseError>); 7] = [
        (&[], Err(ParseError::Truncated)),
        (&[0xff; 64], Err(ParseError::Erased)),
        (&[0; 64], Err(ParseError::Erased)),
        (b"ELF and more", Err(ParseError::NotABlob)),
        (&future, Err(ParseError::Version(2))),
        (&blob[..blob.len() - 1], Err(ParseError::Truncated)),
        (&longer, Ok(plain())),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Settings::parse(bytes), expected, "{bytes:02x?}");
    }
}

#[test]
fn settings_nobody_can_live_with_are_neither_written_nor_read() {
    type Case = (&'static str, fn(&mut Settings), InvalidSettings);
    let cases: [Case; 8] = [
        ("port", |s| s.edge.port = 0, InvalidSettings::Port),
        ("edge", |s| s.edge.host = EdgeHost::Address(Ipv6Addr::UNSPECIFIED.into()), InvalidSettings::Address),
        ("upload", |s| s.upload_bps_max = Some(0), InvalidSettings::UploadCap),
        ("buffer", |s| s.target_buffer_ms = BUFFER_MS_MAX + 1, InvalidSettings::Buffer),
        (
            "prefix",
            |s| s.network = Network::Static(StaticNetwork { prefix: 33, ..static_network() }),
            InvalidSettings::Prefix,
        ),
        (
            "own address",
            |s| {
                s.network =
                    Network::Static(StaticNetwork { address: Ipv4Addr::BROADCAST, ..static_network() });
            },
            InvalidSettings::Address,
        ),
        (
            "gateway",
            |s| {
                let gateway = Some(Ipv4Addr::UNSPECIFIED);
                s.network = Network::Static(StaticNetwork { gateway, ..static_network() });
            },
            InvalidSettings::Address,
        ),
        (
            "dns",
            |s| s.network = Network::Static(StaticNetwork { dns: heapless::Vec::new(), ..static_network() }),
            InvalidSettings::NoDns,
        ),
    ];
    for (name, spoil, expected) in cases {
        let mut settings = plain();
        spoil(&mut settings);
        let mut out = [0; BLOB_LEN_MAX];
        assert_eq!(settings.write(&mut out), Err(WriteError::Invalid(expected)), "{name}");
        assert_eq!(Settings::parse(&unchecked(&settings)), Err(ParseError::Invalid(expected)), "{name}");
    }
}

/// A blob with a right checksum around settings that `write` refuses.
fn unchecked(settings: &Settings) -> Vec<u8> {
    let mut body = [0; BLOB_LEN_MAX];
    let body = postcard::to_slice(settings, &mut body).expect("room");
    let [low, high] = u16::try_from(body.len()).expect("short").to_le_bytes();
    let head = [1, 0, low, high];
    [MAGIC.as_slice(), &head, &checksum(&head, body).to_le_bytes(), body].concat()
}

#[test]
fn names_are_checked_when_read_too() {
    let blob = written(&plain());
    let (head, body) = (&blob[4..8], blob[HEADER_LEN..].to_vec());
    for (at, byte) in [(2, b' '), (19, b'/')] {
        let mut body = body.clone();
        body[at] = byte;
        let sum = checksum(head, &body).to_le_bytes();
        let spoiled = [MAGIC.as_slice(), head, &sum, &body].concat();
        assert_eq!(Settings::parse(&spoiled), Err(ParseError::Malformed), "byte {at}");
    }
}

#[test]
fn the_longest_settings_fit() {
    let label = "a".repeat(63);
    let mut name = [label.as_str(); 4].join(".");
    name.truncate(HOST_NAME_LEN_MAX);
    let mut network = static_network();
    while network.dns.push(Ipv4Addr::new(223, 255, 255, 254)).is_ok() {}
    let settings = Settings {
        edge: Edge { host: EdgeHost::Name(HostName::new(&name).expect("a name")), port: u16::MAX },
        channel: ChannelName::new(&"c".repeat(32)).expect("a name"),
        upload_bps_max: Some(u64::MAX),
        is_receive_only: true,
        target_buffer_ms: BUFFER_MS_MAX,
        network: Network::Static(network),
        ticket: heapless::Vec::from_slice(&[0xff; TICKET_LEN_MAX]).expect("room"),
    };
    assert_eq!(Settings::parse(&written(&settings)), Ok(settings));
}

#[test]
fn names() {
    let long = "a".repeat(64);
    for (text, is_host, is_channel) in [
        ("edge.example", true, true),
        ("a", true, true),
        ("edge-1.example", true, true),
        ("", false, false),
        ("edge..example", false, true),
        ("-edge", false, true),
        ("edge-", false, true),
        ("192.0.2.1", false, true),
        ("192.0.2.256", false, true),
        ("fe80::1", false, false),
        ("edge_1", false, true),
        ("kanal/eins", false, false),
        ("kanäle", false, false),
        (long.as_str(), false, false),
    ] {
        assert_eq!(HostName::new(text).is_ok(), is_host, "{text}");
        assert_eq!(ChannelName::new(text).is_ok(), is_channel, "{text}");
    }
}

fn any_host() -> impl Strategy<Value = EdgeHost> {
    let name = "[a-z][a-z0-9]{0,20}(\\.[a-z][a-z0-9]{0,20}){0,4}"
        .prop_map(|text: String| EdgeHost::Name(HostName::new(&text).expect("a name")));
    let v4 = (1..0xe000_0000_u32).prop_map(|bits| EdgeHost::Address(IpAddr::V4(Ipv4Addr::from_bits(bits))));
    let v6 = (1..0xff_u128 << 120).prop_map(|bits| EdgeHost::Address(IpAddr::V6(Ipv6Addr::from_bits(bits))));
    prop_oneof![name, v4, v6]
}

fn any_network() -> impl Strategy<Value = Network> {
    let host = || (1..0xe000_0000_u32).prop_map(Ipv4Addr::from_bits);
    let fixed = (host(), 0..=32_u8, prop::option::of(host()), prop::collection::vec(host(), 1..=3)).prop_map(
        |(address, prefix, gateway, dns)| {
            let dns = heapless::Vec::from_slice(&dns).expect("room");
            Network::Static(StaticNetwork { address, prefix, gateway, dns })
        },
    );
    prop_oneof![Just(Network::Dhcp), fixed]
}

prop_compose! {
    fn any_settings()(
        host in any_host(),
        port in 1..=u16::MAX,
        channel in "[a-zA-Z0-9._-]{1,32}",
        upload_bps_max in prop::option::of(1..=u64::MAX),
        is_receive_only: bool,
        target_buffer_ms in 0..=BUFFER_MS_MAX,
        network in any_network(),
        ticket in prop::collection::vec(any::<u8>(), 0..=TICKET_LEN_MAX),
    ) -> Settings {
        Settings {
            edge: Edge { host, port },
            channel: ChannelName::new(&channel).expect("a name"),
            upload_bps_max,
            is_receive_only,
            target_buffer_ms,
            network,
            ticket: heapless::Vec::from_slice(&ticket).expect("room"),
        }
    }
}

proptest! {
    #![proptest_config(Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../../proptest-regressions/stb_settings.txt"
        ))),
        ..Config::default()
    })]

    #[test]
    fn what_is_written_is_read(settings in any_settings()) {
        prop_assert_eq!(Settings::parse(&written(&settings)), Ok(settings));
    }

    #[test]
    fn a_flipped_bit_is_noticed(settings in any_settings(), at: prop::sample::Index, bit in 0..8_u32) {
        let mut blob = written(&settings);
        let at = at.index(blob.len());
        blob[at] ^= 1 << bit;
        prop_assert!(Settings::parse(&blob).is_err());
    }

    #[test]
    fn no_input_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..BLOB_LEN_MAX), has_head: bool) {
        // Random bytes never get past the magic and the checksum on their own.
        if has_head && bytes.len() >= HEADER_LEN {
            let body_len = u16::try_from(bytes.len() - HEADER_LEN).expect("short");
            bytes[..4].copy_from_slice(&MAGIC);
            bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
            bytes[6..8].copy_from_slice(&body_len.to_le_bytes());
            let sum = checksum(&bytes[4..8], &bytes[HEADER_LEN..]);
            bytes[8..12].copy_from_slice(&sum.to_le_bytes());
        }
        if let Ok(settings) = Settings::parse(&bytes) {
            prop_assert_eq!(settings.check(), Ok(()));
        }
    }
}
