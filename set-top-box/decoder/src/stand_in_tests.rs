use std::vec;
use std::vec::Vec;

use livesky_core::media::{Dts, FrameId, FrameInfo};
use livesky_core::store::{PageLink, PagePool};

use super::*;

impl Output for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A frame of `packets` TS packets, its counters from `counter` on.
fn bytes(packets: u8, counter: u8) -> Vec<u8> {
    let packet = |index: u8| {
        let mut packet = vec![0x47, 1, 0, 0x10 | (counter + index) & 0x0f];
        packet.resize(PACKET_LEN, index);
        packet
    };
    (0..packets).flat_map(packet).collect()
}

/// Shows frames: number, decode time in ticks, whether it is a key frame, its packets, its first counter, and bytes that are lost.
fn show(frames: &[(u32, u64, bool, u8, u8, usize)], flushes: &[(u32, Flush)]) -> (Counters, Vec<u8>) {
    let mut screen = StandIn::new(Vec::new());
    for &(id, dts_ticks, key, packets, counter, lost) in frames {
        for (_, why) in flushes.iter().filter(|(before, _)| *before == id) {
            screen.on_flush(*why);
        }
        let (mut pages, mut links) = ([PagePool::EMPTY_PAGE; 8], [PageLink::EMPTY; 8]);
        let mut store = PagePool::new(&mut pages, &mut links);
        let bytes = bytes(packets, counter);
        let held = &bytes[..bytes.len() - lost];
        let key_in_store = store.allocate(u32::try_from(held.len()).unwrap(), 1_128).unwrap();
        for (index, piece) in (0..).zip(held.chunks(1_128)) {
            store.write(key_in_store, index, piece).unwrap();
        }
        let len = u32::try_from(bytes.len()).unwrap();
        let info =
            FrameInfo { id: FrameId(id), dts: Dts::from_ticks(dts_ticks), pts_offset_ticks: 0, len, key };
        screen.on_frame(&Frame::new(1, info, key_in_store, 1_128, &store).unwrap());
    }
    (*screen.counters(), screen.output)
}

#[test]
fn a_whole_stream_is_clean_and_written_byte_for_byte() {
    let frames = [(1, 0, true, 14, 0, 0), (2, 3_600, false, 7, 14, 0), (3, 7_200, false, 1, 5, 0)];
    let (counters, written) = show(&frames, &[(1, Flush::Begun)]);
    let expected = Counters { frames: 3, key_frames: 1, bytes: 22 * 188, ..Counters::default() };
    assert_eq!(counters, expected);
    assert!(counters.is_clean());
    assert_eq!(written, [bytes(14, 0), bytes(7, 14), bytes(1, 5)].concat());
}

#[test]
fn what_is_wrong_is_counted_for_what_it_is() {
    let first = (1, 7_200, true, 2, 0, 0);
    for (second, expected) in [
        ((2, 10_800, false, 2, 3, 0), Counters { discontinuities: 1, ..Counters::default() }),
        ((2, 7_200, false, 2, 2, 0), Counters { disorders: 1, ..Counters::default() }),
        ((2, 3_600, false, 2, 2, 0), Counters { disorders: 1, ..Counters::default() }),
        ((2, 10_800, false, 2, 2, 188), Counters { cut: 1, ..Counters::default() }),
    ] {
        let (counters, _) = show(&[first, second], &[]);
        let found = Counters { frames: 0, key_frames: 0, bytes: 0, ..counters };
        assert_eq!(found, expected);
        assert!(!counters.is_clean());
    }
}

#[test]
fn after_a_flush_nothing_is_missed_and_decoding_begins_at_a_key_frame() {
    let frames = [(1, 0, true, 2, 0, 0), (5, 14_400, false, 2, 9, 0), (9, 0, true, 2, 4, 0)];
    let skipped = Flush::Skipped { from: FrameId(2), to: FrameId(5) };
    let (counters, _) = show(&frames, &[(5, skipped), (9, Flush::Begun)]);
    assert!(counters.is_clean() && counters.skipped == 3);
    let (counters, _) = show(&frames[1..], &[(5, Flush::Begun), (9, Flush::Begun)]);
    assert_eq!(counters.undecodable, 1);
    let (counters, _) = show(&frames, &[(5, Flush::Late { frame: FrameId(4) }), (9, Flush::Begun)]);
    assert_eq!(counters.late, 1);
}
