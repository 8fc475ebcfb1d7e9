use core::net::SocketAddr;

use super::*;
use crate::endpoint::Reject;
use crate::limits::DATAGRAM_LEN_MAX;

/// RFC 5769 clause 2.1: a request with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY and FINGERPRINT.
const REQUEST: [u8; 108] = *b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\
\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
/// RFC 5769 clause 2.2: an answer that tells 192.0.2.1:32853.
const RESPONSE_V4: [u8; 80] = *b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
\x80\x22\x00\x0btest vector \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\
\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";
/// RFC 5769 clause 2.3: an answer that tells [2001:db8:1234:5678:11:2233:4455:6677]:32853.
const RESPONSE_V6: [u8; 92] = *b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
\x80\x22\x00\x0btest vector \x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\
\xb9\xd9\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\x80\x28\x00\
\x04\xc8\xfb\x0b\x4c";
/// RFC 5769 clause 2.4: a request with long-term credentials.
const LONG_TERM: [u8; 116] = *b"\x00\x01\x00\x60\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e\
\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9\x00\x00\x00\x15\x00\x1c\
f//499k954d6OL34oL9FSTvy64sA\x00\x14\x00\x0bexample.org\x00\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\
\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

const TRANSACTION: TransactionId =
    TransactionId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_sample_requests_of_rfc_5769_are_read() {
    let request = StunMessage::parse(&REQUEST).unwrap();
    assert_eq!((request.class, request.transaction), (StunClass::Request, TRANSACTION));
    assert!(request.has_fingerprint);
    assert_eq!(request.unknown, [0x0024], "PRIORITY is ICE's, which this is not");
    let long_term = StunMessage::parse(&LONG_TERM).unwrap();
    assert_eq!((long_term.class, long_term.has_fingerprint), (StunClass::Request, false));
    assert!(long_term.unknown.is_empty(), "credentials are understood");
}

#[test]
fn the_sample_answers_of_rfc_5769_are_read() {
    let v4 = StunMessage::parse(&RESPONSE_V4).unwrap();
    assert_eq!((v4.class, v4.transaction, v4.has_fingerprint), (StunClass::Success, TRANSACTION, true));
    assert_eq!(v4.mapped, Some(address("192.0.2.1:32853")));
    let v6 = StunMessage::parse(&RESPONSE_V6).unwrap();
    assert_eq!(v6.mapped, Some(address("[2001:db8:1234:5678:11:2233:4455:6677]:32853")));
}

#[test]
fn the_addresses_of_rfc_5769_are_written_bit_for_bit() {
    for (text, sample) in [
        ("192.0.2.1:32853", &RESPONSE_V4[36..48]),
        ("[2001:db8:1234:5678:11:2233:4455:6677]:32853", &RESPONSE_V6[36..60]),
    ] {
        let mut out = [0; 64];
        let mut writer = StunWriter::new(&mut out, StunClass::Success, TRANSACTION).unwrap();
        assert!(writer.address(StunAddress::XorMapped, &address(text)));
        let len = writer.finish();
        assert_eq!(&out[STUN_HEADER_LEN..len], sample, "{text}");
    }
}

#[test]
fn a_wrong_fingerprint_and_every_cut_are_malformed() {
    for sample in [&REQUEST[..], &RESPONSE_V4, &RESPONSE_V6] {
        for len in 0..sample.len() {
            assert_eq!(StunMessage::parse(&sample[..len]), Err(Reject::Malformed), "{len} bytes");
        }
        for byte in 8..sample.len() {
            let mut wrong = sample.to_vec();
            wrong[byte] ^= 1;
            assert!(StunMessage::parse(&wrong).is_err() || is_harmless(byte, sample), "byte {byte}");
        }
    }
}

/// Nothing is: the fingerprint covers all but the type of its own attribute, without which there is none.
fn is_harmless(byte: usize, sample: &[u8]) -> bool {
    (sample.len() - 8..sample.len() - 4).contains(&byte)
}

#[test]
fn what_is_not_a_binding_message_is_unsupported() {
    let mut allocate = REQUEST;
    allocate[1] = 3;
    assert_eq!(StunMessage::parse(&allocate), Err(Reject::Unsupported));
    let mut classic = REQUEST;
    classic[4] = 0;
    assert_eq!(StunMessage::parse(&classic), Err(Reject::Unsupported));
    let mut ours = REQUEST;
    ours[0] = 0x80;
    assert_eq!(StunMessage::parse(&ours), Err(Reject::Malformed));
    assert!(is_stun(&REQUEST) && !is_stun(&ours) && !is_stun(&[]));
}

#[test]
fn all_that_is_written_is_read_back() {
    let (seen, origin, other) =
        (address("198.51.100.7:40000"), address("[2001:db8::1]:3478"), address("192.0.2.1:3479"));
    let mut out = [0xff; 256];
    let mut writer = StunWriter::new(&mut out, StunClass::Success, TRANSACTION).unwrap();
    assert!(writer.address(StunAddress::XorMapped, &seen));
    assert!(writer.address(StunAddress::ResponseOrigin, &origin));
    assert!(writer.address(StunAddress::Other, &other));
    assert!(writer.change(Change { ip: false, port: true }));
    assert!(writer.cookie(&[7; 16]));
    writer.pad_to(200);
    let len = writer.finish_with_fingerprint().unwrap();
    assert_eq!(len, 208);
    let read = StunMessage::parse(&out[..len]).unwrap();
    assert_eq!((read.mapped, read.origin, read.other), (Some(seen), Some(origin), Some(other)));
    assert_eq!(read.change, Change { ip: false, port: true });
    assert_eq!(read.cookie, Some([7; 16]));
    assert!(read.has_fingerprint && read.unknown.is_empty());
}

#[test]
fn an_error_names_what_was_not_understood() {
    let mut out = [0; 64];
    let mut writer = StunWriter::new(&mut out, StunClass::Error, TRANSACTION).unwrap();
    assert!(writer.error(420) && writer.unknown(&[0x24, 0x25, 0x7fff]));
    let len = writer.finish();
    assert_eq!(
        &out[STUN_HEADER_LEN..len],
        b"\x00\x09\x00\x04\x00\x00\x04\x14\x00\x0a\x00\x06\x00\x24\x00\x25\x7f\xff\x00\x00"
    );
    let read = StunMessage::parse(&out[..len]).unwrap();
    assert_eq!((read.class, read.error_code), (StunClass::Error, Some(420)));
}

#[test]
fn errors_are_three_hundreds_to_six_hundreds() {
    for (class, number, code) in [
        (3, 0, Ok(300)),
        (6, 99, Ok(699)),
        (2, 99, Err(())),
        (7, 0, Err(())),
        (4, 100, Err(())),
        (2, 100, Err(())),
    ] {
        let mut out = [0; 64];
        let mut writer = StunWriter::new(&mut out, StunClass::Error, TRANSACTION).unwrap();
        assert!(writer.error(438));
        let len = writer.finish();
        out[len - 2..len].copy_from_slice(&[class, number]);
        let read = StunMessage::parse(&out[..len]);
        assert_eq!(
            read.map(|read| read.error_code),
            code.map(Some).map_err(|()| Reject::Malformed),
            "{class} {number}"
        );
    }
    let mut out = [0; 64];
    let mut writer = StunWriter::new(&mut out, StunClass::Error, TRANSACTION).unwrap();
    assert!(!writer.error(25_600), "no class is that high");
}

#[test]
fn a_plain_address_alone_is_where_the_client_is_seen() {
    let seen = address("192.0.2.2:2");
    let mut out = [0; 64];
    let mut writer = StunWriter::new(&mut out, StunClass::Success, TRANSACTION).unwrap();
    assert!(writer.address(StunAddress::Mapped, &seen));
    let len = writer.finish();
    assert_eq!(out[STUN_HEADER_LEN + 6..len], [0, 2, 192, 0, 2, 2], "in plain");
    assert_eq!(StunMessage::parse(&out[..len]).unwrap().mapped, Some(seen));
}

#[test]
fn the_longest_datagram_is_read_and_a_longer_one_is_not() {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = StunWriter::new(&mut out, StunClass::Request, TRANSACTION).unwrap();
    writer.pad_to(DATAGRAM_LEN_MAX);
    assert_eq!(writer.finish(), DATAGRAM_LEN_MAX);
    assert!(StunMessage::parse(&out).is_ok());
    let mut longer = out.to_vec();
    longer[2..4]
        .copy_from_slice(&u16::try_from(DATAGRAM_LEN_MAX - STUN_HEADER_LEN + 4).unwrap().to_be_bytes());
    longer.extend([0x80, 0, 0, 0]);
    assert_eq!(StunMessage::parse(&longer), Err(Reject::Malformed));
}

#[test]
fn what_may_be_ignored_begins_at_0x8000() {
    for (kind, unknown) in [(0x7fff, &[0x7fff][..]), (0x8000, &[])] {
        let mut message = RESPONSE_V4[..STUN_HEADER_LEN].to_vec();
        message[3] = 4;
        message.extend(u16::to_be_bytes(kind));
        message.extend([0, 0]);
        assert_eq!(StunMessage::parse(&message).unwrap().unknown, unknown, "{kind:x}");
    }
}

#[test]
fn a_wish_for_another_address_and_one_for_another_port_are_two() {
    for (ip, port, bits) in [(false, false, 0), (false, true, 2), (true, false, 4), (true, true, 6)] {
        let change = Change { ip, port };
        assert_eq!((change.bits(), Change::from_bits(bits)), (bits, change));
    }
}

#[test]
fn what_has_no_room_is_left_out_and_the_rest_stays_whole() {
    let seen = address("198.51.100.7:40000");
    for len_max in 0..48 {
        let mut out = [0; 48];
        let Some(mut writer) = StunWriter::new(&mut out[..len_max], StunClass::Success, TRANSACTION) else {
            assert!(len_max < STUN_HEADER_LEN);
            continue;
        };
        let is_told = writer.address(StunAddress::XorMapped, &seen);
        let is_twice = writer.address(StunAddress::Other, &seen);
        assert_eq!((is_told, is_twice), (len_max >= 32, len_max >= 44));
        let len = writer.finish();
        assert!(len <= len_max);
        assert_eq!(StunMessage::parse(&out[..len]).unwrap().mapped.is_some(), is_told);
    }
}

#[test]
fn the_first_of_two_counts_and_the_disguised_before_the_plain() {
    let (first, second) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let mut out = [0; 128];
    let mut writer = StunWriter::new(&mut out, StunClass::Success, TRANSACTION).unwrap();
    assert!(writer.address(StunAddress::Mapped, &second));
    assert!(writer.address(StunAddress::XorMapped, &first));
    assert!(writer.address(StunAddress::XorMapped, &second));
    let len = writer.finish();
    assert_eq!(StunMessage::parse(&out[..len]).unwrap().mapped, Some(first));
}
