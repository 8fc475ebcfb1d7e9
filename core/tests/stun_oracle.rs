//! Our STUN code beside another: what one writes the other reads, and no bytes at all bring ours down.

use core::net::SocketAddr;

use livesky_core::wire::stun::{
    Change, StunAddress, StunClass, StunMessage, StunWriter, TransactionId, is_stun,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use stun_types::attribute::{AttributeType, ErrorCode, RawAttribute, Software, XorMappedAddress};
use stun_types::message::{BINDING, Message, MessageClass, MessageType, MessageWriteVec};
use stun_types::prelude::{MessageWrite, MessageWriteExt};

fn theirs(transaction: TransactionId) -> stun_types::message::TransactionId {
    let mut bits = [0; 16];
    bits[4..].copy_from_slice(&transaction.0);
    u128::from_be_bytes(bits).into()
}

fn transactions() -> impl Strategy<Value = TransactionId> {
    any::<[u8; 12]>().prop_map(TransactionId)
}

fn config() -> Config {
    Config {
        cases: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_stun.txt",
        ))),
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_we_answer_they_read(
        id in transactions(),
        seen in any::<SocketAddr>(),
        other in any::<SocketAddr>(),
        is_signed in any::<bool>(),
        padded_to in 0_usize..300,
    ) {
        let mut out = [0xaa; 400];
        let mut writer = StunWriter::new(&mut out, StunClass::Success, id).unwrap();
        prop_assert!(writer.address(StunAddress::XorMapped, &seen));
        prop_assert!(writer.address(StunAddress::Other, &other));
        writer.pad_to(padded_to);
        let len = if is_signed { writer.finish_with_fingerprint().unwrap() } else { writer.finish() };
        let read = Message::from_bytes(&out[..len]).unwrap();
        prop_assert!(read.has_class(MessageClass::Success) && read.has_method(BINDING));
        prop_assert_eq!(read.transaction_id(), theirs(id));
        let mapped = read.attribute::<XorMappedAddress>().unwrap();
        prop_assert_eq!(mapped.addr(read.transaction_id()), without_flow(seen));
        prop_assert!(read.has_attribute(AttributeType::new(0x802c)));
    }

    #[test]
    fn what_they_write_we_read(
        id in transactions(),
        seen in any::<SocketAddr>(),
        software in "[ -~]{0,60}",
        extra in proptest::option::of((0x7000_u16..0x9000, proptest::collection::vec(any::<u8>(), 0..60))),
        is_signed in any::<bool>(),
    ) {
        let kind = MessageType::from_class_method(MessageClass::Success, BINDING);
        let mut writer = Message::builder(kind, theirs(id), MessageWriteVec::new());
        writer.add_attribute(&Software::new(&software).unwrap()).unwrap();
        writer.add_attribute(&XorMappedAddress::new(seen, theirs(id))).unwrap();
        // Its own kinds of attribute are told from raw ones by it, not by us.
        let extra = extra.filter(|(kind, _)| !(0x8000..0x8060).contains(kind));
        if let Some((kind, value)) = &extra {
            writer.add_attribute(&RawAttribute::new(AttributeType::new(*kind), value)).unwrap();
        }
        if is_signed {
            writer.add_fingerprint().unwrap();
        }
        let bytes = writer.finish();
        prop_assert!(is_stun(&bytes));
        let read = StunMessage::parse(&bytes).unwrap();
        prop_assert_eq!((read.class, read.transaction), (StunClass::Success, id));
        prop_assert_eq!(read.mapped, Some(without_flow(seen)));
        prop_assert_eq!(read.has_fingerprint, is_signed);
        let required = extra.map(|(kind, _)| kind).filter(|&kind| kind < 0x8000);
        prop_assert_eq!(read.unknown.first().copied(), required);
    }

    #[test]
    fn their_errors_are_read(id in transactions(), code in 300_u16..700, reason in "[ -~]{0,40}") {
        let kind = MessageType::from_class_method(MessageClass::Error, BINDING);
        let mut writer = Message::builder(kind, theirs(id), MessageWriteVec::new());
        writer.add_attribute(&ErrorCode::new(code, &reason).unwrap()).unwrap();
        let read = StunMessage::parse(&writer.finish()).unwrap();
        prop_assert_eq!((read.class, read.error_code), (StunClass::Error, Some(code)));
    }

    #[test]
    fn our_errors_and_requests_they_read(id in transactions(), kinds in proptest::collection::vec(any::<u16>(), 0..4)) {
        let mut out = [0; 120];
        let mut writer = StunWriter::new(&mut out, StunClass::Error, id).unwrap();
        prop_assert!(writer.error(420) && writer.unknown(&kinds));
        let len = writer.finish_with_fingerprint().unwrap();
        let read = Message::from_bytes(&out[..len]).unwrap();
        prop_assert_eq!(read.attribute::<ErrorCode>().unwrap().code(), 420);
        let mut writer = StunWriter::new(&mut out, StunClass::Request, id).unwrap();
        let change = Change { ip: false, port: true };
        prop_assert!(writer.change(change));
        writer.pad_to(100);
        let len = writer.finish_with_fingerprint().unwrap();
        let read = Message::from_bytes(&out[..len]).unwrap();
        prop_assert!(read.has_class(MessageClass::Request));
        prop_assert_eq!(read.raw_attribute(AttributeType::new(3)).unwrap().value.to_vec(), [0, 0, 0, 2]);
    }

    /// Arbitrary bytes, and right messages with a few bytes changed: whatever we take they take.
    #[test]
    fn no_bytes_bring_it_down(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        id in transactions(),
        changes in proptest::collection::vec((0_usize..80, any::<u8>()), 0..4),
    ) {
        let _ = StunMessage::parse(&noise);
        let mut out = [0; 80];
        let mut writer = StunWriter::new(&mut out, StunClass::Success, id).unwrap();
        prop_assert!(writer.address(StunAddress::XorMapped, &SocketAddr::from(([1, 2, 3, 4], 5))));
        writer.pad_to(72);
        let len = writer.finish_with_fingerprint().unwrap();
        for (place, value) in changes {
            out[place] = value;
        }
        let is_ours = StunMessage::parse(&out[..len]).is_ok();
        prop_assert!(!is_ours || Message::from_bytes(&out[..len]).is_ok(), "{:02x?}", &out[..len]);
    }
}

/// Flow label and scope of IPv6 do not travel.
fn without_flow(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}
