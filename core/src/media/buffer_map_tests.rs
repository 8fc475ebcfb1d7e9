use std::boxed::Box;
use std::collections::BTreeSet;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/core_buffer_map.txt",
        ))),
        ..ProptestConfig::default()
    }
}

fn bits(oldest: u32, base: u32, bits: &[u8]) -> MapBits<'_> {
    MapBits { oldest: FrameId(oldest), base: FrameId(base), bits }
}

fn held(map: &BufferMap, ids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    ids.into_iter().filter(|&id| map.has(FrameId(id))).collect()
}

#[test]
fn is_small_and_empty_is_zero() {
    assert!(size_of::<BufferMap>() <= 136);
    assert_eq!(BufferMap::EMPTY.newest(), None);
    assert_eq!(held(&BufferMap::EMPTY, 0..2_000), []);
}

#[test]
fn a_change_replaces_what_it_covers_and_leaves_the_rest() {
    let mut map = BufferMap::EMPTY;
    assert!(map.merge(&bits(100, 100, &[0xff, 0x0f])));
    assert_eq!(map.newest(), Some(FrameId(111)));
    assert!(map.merge(&bits(102, 108, &[0b1000_0101])));
    assert_eq!(held(&map, 90..130), [102, 103, 104, 105, 106, 107, 108, 110, 115]);
    assert_eq!((map.oldest(), map.newest()), (FrameId(102), Some(FrameId(115))));
    assert!(!map.merge(&bits(101, 100, &[0xff])), "older than the last");
    assert_eq!(held(&map, 90..102), []);
    map.forget(FrameId(115));
    assert_eq!(map.newest(), Some(FrameId(110)));
}

#[test]
fn hostile_maps_do_no_harm() {
    let mut map = BufferMap::EMPTY;
    map.merge(&bits(0, 0, &[0xff]));
    map.merge(&bits(0, u32::MAX - 3, &[0; 256]));
    assert_eq!(map.newest(), Some(FrameId(7)), "zeros far ahead move nothing");
    map.merge(&bits(0, u32::MAX - 3, &[0xff; 256]));
    assert_eq!(held(&map, u32::MAX - 10..=u32::MAX), [u32::MAX - 3, u32::MAX - 2, u32::MAX - 1]);
    map.merge(&bits(u32::MAX, u32::MAX, &[0xff; 256]));
    assert_eq!(map.newest(), None);
    map.merge(&bits(u32::MAX, 0, &[0xff; 4_096]));
    assert_eq!(map.newest(), None);
    let mut map = BufferMap::EMPTY;
    map.merge(&bits(5_000, 0, &[0xff; 256]));
    assert_eq!((map.newest(), map.oldest()), (None, FrameId(5_000)), "all below its own oldest");
}

#[test]
fn written_maps_are_cut_to_the_room_there_is() {
    let mut out = [0xaa; 300];
    assert_eq!(write_bits(FrameId(1), FrameId(1), 9, |_| true, &mut out).bits, [0xff, 0xff]);
    assert_eq!(write_bits(FrameId(1), FrameId(1), u32::MAX, |_| true, &mut out).bits.len(), MAP_LEN_MAX);
    assert_eq!(write_bits(FrameId(1), FrameId(1), 99, |_| true, &mut []).bits, []);
    let last = write_bits(FrameId(1), FrameId(u32::MAX), 8, |id| id.0 == u32::MAX, &mut out);
    assert_eq!(last.bits, [1], "no id past the last is asked for");
}

/// What the partner may send: near the last position, or anywhere.
fn any_map() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
    let anywhere = prop_oneof![
        8 => 0_u32..4_000,
        1 => any::<u32>(),
        1 => u32::MAX - 3_000..=u32::MAX,
    ];
    let byte = prop_oneof![Just(0_u8), Just(0xff), any::<u8>()];
    (anywhere, prop::collection::vec(byte, 0..=256), 0_u32..1_500)
        .prop_map(|(base, bits, back)| (base.saturating_sub(back), base, bits))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn merging_agrees_with_a_set(maps in prop::collection::vec(any_map(), 1..12)) {
        let mut map = BufferMap::EMPTY;
        let mut model = BTreeSet::new();
        let mut oldest = 0;
        for (map_oldest, base, bytes) in &maps {
            let is_taken = map.merge(&bits(*map_oldest, *base, bytes));
            prop_assert_eq!(is_taken, *map_oldest >= oldest);
            if is_taken {
                oldest = *map_oldest;
                let all_bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
                for (id, is_held) in (*base..u32::MAX).zip(all_bits) {
                    model.remove(&id);
                    if is_held {
                        model.insert(id);
                    }
                }
                model.retain(|&id| id >= oldest);
                let newest = model.last().copied().unwrap_or(0);
                model.retain(|&id| newest - id < MAP_FRAMES);
            }
            prop_assert_eq!(map.newest().map(|id| id.0), model.last().copied());
            let around = [0, *base, oldest, model.last().copied().unwrap_or(0)];
            for from in around.map(|id| id.saturating_sub(2_100)) {
                let ids = from..from.saturating_add(4_200);
                prop_assert_eq!(held(&map, ids.clone()), model.range(ids).copied().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(
        base in 0_u32..100_000,
        ids in prop::collection::btree_set(0_u32..1_000, 0..300),
        count in 0_u32..1_000,
    ) {
        let mut out = [0; MAP_LEN_MAX];
        let is_held = |id: FrameId| ids.contains(&(id.0 - base));
        let mut map = BufferMap::EMPTY;
        map.merge(&write_bits(FrameId(base), FrameId(base), count, is_held, &mut out));
        let covered = count.div_ceil(8) * 8;
        let wanted: Vec<u32> = ids.range(..covered).map(|id| id + base).collect();
        prop_assert_eq!(held(&map, base..base + 2_048), wanted);
    }
}
