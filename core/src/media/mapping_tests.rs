use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

const BOTH: [Mapping; 2] = [Mapping::RoundRobin, Mapping::Scattered];

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_mapping.txt",
        ))),
        ..ProptestConfig::default()
    }
}

#[test]
fn round_robin_is_the_papers() {
    for id in 0..100 {
        assert_eq!(u32::from(Mapping::RoundRobin.substream_of(FrameId(id), 6)), id % 6);
    }
}

/// Both sides of a feed compute the mapping: these values are part of the protocol.
#[test]
fn scattered_is_pinned() {
    let got: Vec<u8> = (0..24).map(|id| Mapping::Scattered.substream_of(FrameId(id), 6)).collect();
    assert_eq!(got, [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 0, 4, 5, 0, 1, 2, 3, 1, 2, 3, 4, 5, 0]);
    assert_eq!(Mapping::Scattered.substream_of(FrameId(u32::MAX), 6), 2);
}

#[test]
fn scattered_spreads_key_frames_over_all_substreams() {
    for (gop, substreams) in [(48, 6), (24, 6), (12, 6), (48, 16), (30, 5), (60, 4)] {
        let mut keys = [0_u32; 16];
        for gop_number in 0..1_600 {
            keys[usize::from(Mapping::Scattered.substream_of(FrameId(gop_number * gop), substreams))] += 1;
        }
        let fair = 1_600 / u32::from(substreams);
        for &count in &keys[..usize::from(substreams)] {
            assert!(count > fair * 3 / 4 && count < fair * 5 / 4, "{gop} {substreams} {keys:?}");
        }
    }
}

#[test]
fn beats_reach_their_bound_and_never_pass_it() {
    for mapping in BOTH {
        for substreams in [1_u8, 2, 3, 6, 16] {
            let mut longest = 0;
            for substream in 0..substreams {
                let mut id = mapping.next_in(substream, FrameId(0), substreams);
                for _ in 0..2_000 {
                    let next = mapping.next_in(substream, id.next(), substreams);
                    longest = longest.max(next.since(id));
                    id = next;
                }
            }
            assert_eq!(longest, mapping.beat_max(substreams), "{mapping:?} {substreams}");
        }
    }
}

#[test]
fn the_ends_of_the_id_space() {
    for mapping in BOTH {
        for substream in 0..6 {
            assert!(mapping.next_in(substream, FrameId(u32::MAX), 6) == FrameId(u32::MAX));
            assert_eq!(mapping.previous_in(substream, FrameId(0), 6), None);
            let last = mapping.previous_in(substream, FrameId(u32::MAX), 6).unwrap();
            assert_eq!(mapping.substream_of(last, 6), substream);
        }
        assert_eq!(mapping.substream_of(FrameId(9), 0), 0);
        assert_eq!(mapping.next_in(3, FrameId(9), 0), FrameId(9));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_block_is_a_bijection(block in 0..u32::MAX / 16 - 1, substreams in 1_u8..=16) {
        for mapping in BOTH {
            let first = block * u32::from(substreams);
            let mask = (0..u32::from(substreams))
                .fold(0_u32, |mask, place| mask | 1 << mapping.substream_of(FrameId(first + place), substreams));
            prop_assert_eq!(mask, (1 << substreams) - 1);
        }
    }

    #[test]
    fn next_and_previous_agree_with_a_search(
        from in prop_oneof![0_u32..1_000, any::<u32>().prop_map(|id| id.min(u32::MAX - 64))],
        substreams in 1_u8..=16,
        pick in any::<u8>(),
    ) {
        let substream = pick % substreams;
        for mapping in BOTH {
            let is_of = |id: &u32| mapping.substream_of(FrameId(*id), substreams) == substream;
            let next = (from..from + 64).find(is_of).unwrap();
            prop_assert_eq!(mapping.next_in(substream, FrameId(from), substreams), FrameId(next));
            let previous = (from.saturating_sub(64)..from).rev().find(is_of).map(FrameId);
            prop_assert_eq!(mapping.previous_in(substream, FrameId(from), substreams), previous);
        }
    }
}
