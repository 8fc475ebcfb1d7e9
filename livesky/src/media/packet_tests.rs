use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/livesky_packet.txt",
        ))),
        ..ProptestConfig::default()
    }
}

/// A time stamp as ISO/IEC 13818-1 clause 2.4.3.6 writes it, bit by bit.
fn stamp_bytes(prefix: u64, stamp: u64) -> [u8; 5] {
    let bits = prefix << 36 | (stamp >> 30 & 7) << 33 | 1 << 32 | (stamp >> 15 & 0x7fff) << 17 | 1 << 16;
    let bits = bits | (stamp & 0x7fff) << 1 | 1;
    bits.to_be_bytes()[3..].try_into().unwrap()
}

/// A packet of PID 0x100 with a PCR and the beginning of a PES packet with these stamps; `rest` fills it.
fn packet_with(pcr: Option<u64>, pts: Option<u64>, dts: Option<u64>, rest: u8) -> Vec<u8> {
    let mut bytes = vec![0x47, 0x41, 0x00, 0x37];
    bytes.extend([7, if pcr.is_some() { 0x50 } else { 0x40 }]);
    // 27 MHz extension: 299.
    let field = pcr.map_or(u64::MAX, |base| base << 15 | 0x3f << 9 | 299);
    bytes.extend(&field.to_be_bytes()[2..]);
    let flags: u8 = match (pts, dts) {
        (Some(_), Some(_)) => 0xc0,
        (Some(_), None) => 0x80,
        (None, _) => 0,
    };
    bytes.extend([0, 0, 1, 0xe0, 0, 0, 0x80, flags, 10]);
    bytes.extend(pts.map_or([0xff; 5], |stamp| stamp_bytes(u64::from(flags) >> 6, stamp)));
    bytes.extend(dts.map_or([0xff; 5], |stamp| stamp_bytes(1, stamp)));
    bytes.resize(PACKET_LEN, rest);
    bytes
}

#[test]
fn fields_are_read() {
    let bytes = packet_with(Some(5), Some(7), Some(6), 0xaa);
    let packet = Packet::new(&bytes).unwrap();
    assert_eq!((packet.pid(), packet.continuity()), (0x100, 7));
    assert!(packet.starts_unit() && packet.has_payload() && packet.is_random_access());
    assert!(!packet.is_discontinuity());
    assert_eq!(packet.pcr_base(), Some(5));
    let pes = packet.pes().unwrap();
    assert_eq!((pes.pts, pes.dts), (Some(7), Some(6)));
    assert_eq!(pes.elementary, &[0xaa; PACKET_LEN - 12 - 19]);
    assert_eq!(packet.payload().len(), PACKET_LEN - 12);
}

#[test]
fn what_is_no_packet_is_refused_and_left_alone() {
    for len in [0, 1, 187, 189] {
        assert!(Packet::new(&vec![SYNC_BYTE; len]).is_none(), "{len} bytes");
    }
    let mut bytes = [0; PACKET_LEN];
    assert!(Packet::new(&bytes).is_none(), "no sync byte");
    shift_clocks(&mut bytes, 1);
    set_continuity(&mut bytes, 5);
    assert_eq!(bytes, [0; PACKET_LEN]);
}

#[test]
fn a_unit_that_is_no_pes_packet_keeps_its_bytes() {
    let mut bytes = packet_with(None, Some(7), Some(6), 0);
    for (at, byte, what) in
        [(12 + 2, 2, "start code"), (12 + 3, 0xbe, "padding stream"), (12 + 6, 0, "marker")]
    {
        let kept = core::mem::replace(&mut bytes[at], byte);
        let before = bytes.clone();
        shift_clocks(&mut bytes, 1_000);
        assert_eq!(bytes, before, "{what}");
        bytes[at] = kept;
    }
    bytes[1] &= !0x40;
    let before = bytes.clone();
    shift_clocks(&mut bytes, 1_000);
    assert_eq!(bytes, before, "a packet in the middle of a unit");
}

#[test]
fn clocks_wrap_at_33_bits() {
    let last = WRAP_TICKS - 1;
    let mut bytes = packet_with(Some(last), Some(last), Some(last), 0);
    shift_clocks(&mut bytes, 3);
    assert_eq!(bytes, packet_with(Some(2), Some(2), Some(2), 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shifted_clocks_are_those_of_a_later_packet(
        pcr in proptest::option::of(0..WRAP_TICKS),
        pts in proptest::option::of(0..WRAP_TICKS),
        dts in proptest::option::of(0..WRAP_TICKS),
        ticks in 0..WRAP_TICKS,
        rest: u8,
    ) {
        let later = |stamp: Option<u64>| stamp.map(|stamp| (stamp + ticks) % WRAP_TICKS);
        let dts = dts.filter(|_| pts.is_some());
        let mut bytes = packet_with(pcr, pts, dts, rest);
        let packet = Packet::new(&bytes).unwrap();
        prop_assert_eq!(packet.pcr_base(), pcr);
        prop_assert_eq!(packet.pes().map(|pes| (pes.pts, pes.dts)), Some((pts, dts.or(pts))));
        shift_clocks(&mut bytes, ticks);
        prop_assert_eq!(bytes, packet_with(later(pcr), later(pts), later(dts), rest));
    }

    #[test]
    fn a_counter_is_written_and_nothing_else(mut bytes in vec(any::<u8>(), PACKET_LEN), continuity in 0_u8..16) {
        bytes[0] = SYNC_BYTE;
        let before = bytes.clone();
        set_continuity(&mut bytes, continuity);
        prop_assert_eq!(Packet::new(&bytes).map(|packet| packet.continuity()), Some(continuity));
        set_continuity(&mut bytes, before[3]);
        prop_assert_eq!(bytes, before);
    }

    #[test]
    fn no_bytes_panic(mut bytes in vec(any::<u8>(), 0..200), ticks: u64, adaptation_len: u8) {
        bytes.resize(PACKET_LEN.max(bytes.len()), 0);
        // Random bytes are rarely a PES packet behind an adaptation field.
        (bytes[0], bytes[4]) = (SYNC_BYTE, adaptation_len);
        bytes[1] |= 0x40;
        bytes[3] |= 0x30;
        let payload_at = 5 + usize::from(adaptation_len);
        for (byte, start) in bytes.iter_mut().skip(payload_at).zip([0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0]) {
            *byte = start;
        }
        for len in [bytes.len(), PACKET_LEN] {
            let bytes = &mut bytes[..len];
            if let Some(packet) = Packet::new(bytes) {
                let _fields = (packet.pid(), packet.continuity(), packet.pcr_base(), packet.payload());
                let _flags = (packet.is_random_access(), packet.is_discontinuity());
                let _stamps = packet.pes().map(|pes| (pes.pts, pes.dts, pes.elementary));
            }
            shift_clocks(bytes, ticks % WRAP_TICKS);
            set_continuity(bytes, 255);
            prop_assert_eq!(bytes.len(), len);
        }
    }
}
