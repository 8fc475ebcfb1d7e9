extern crate std;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::media::Dts;
use crate::store::proptest_config;

fn info(id: u32, key: bool) -> FrameInfo {
    FrameInfo {
        id: FrameId(id),
        dts: Dts::from_ticks(u64::from(id) * 3_600),
        pts_offset_ticks: 9,
        len: 3_000,
        key,
    }
}

const fn store_key(slot: u32) -> StoreKey {
    StoreKey { slot, generation: 1 }
}

#[test]
fn an_index_of_nothing_is_full() {
    let mut index = FrameIndex::new(&mut [], &mut []);
    assert_eq!(index.begin(info(0, true), 1, store_key(0)), Err(IndexFull));
    assert_eq!(index.insert_complete(info(0, true), store_key(0), 1), Err(IndexFull));
    assert_eq!(index.mark(FrameId(0), 0), Marked::Unknown);
    assert_eq!((index.newest(), index.oldest_held(), index.capacity()), (None, None, 0));
}

#[test]
fn a_frame_completes_when_its_last_fragment_comes() {
    let (mut slots, mut assemblies) = ([FrameSlot::EMPTY; 2], [Assembly::EMPTY]);
    let mut index = FrameIndex::new(&mut slots, &mut assemblies);
    let id = FrameId(7);
    assert_eq!(index.begin(info(7, true), 3, store_key(1)), Ok(()));
    assert_eq!(index.begin(info(7, true), 3, store_key(1)), Err(IndexFull), "held");
    assert_eq!(index.begin(info(8, true), 3, store_key(2)), Err(IndexFull), "no assembly free");
    assert_eq!(
        [2, 2, 3, 0].map(|fragment| index.mark(id, fragment)),
        [Marked::New, Marked::Duplicate, Marked::Unknown, Marked::New]
    );
    assert_eq!(index.missing(id, 0), Some(0b010));
    assert_eq!((index.newest(), index.oldest_held(), index.is_complete(id)), (None, Some(id), false));
    assert_eq!(index.mark(id, 1), Marked::Completed);
    assert_eq!(index.mark(id, 1), Marked::Duplicate);
    assert_eq!((index.newest_key(), index.missing(id, 0)), (Some(id), Some(0)));
    let entry = index.get(id).unwrap();
    assert_eq!((entry.info, entry.received, entry.state), (info(7, true), 3, FrameState::Complete));
    assert_eq!(index.begin(info(8, false), 1, store_key(2)), Ok(()), "the assembly is free again");
}

#[test]
fn a_window_whose_end_is_the_ring_s_holds_its_last_frame() {
    let mut slots = [FrameSlot::EMPTY; 4];
    let mut index = FrameIndex::new(&mut slots, &mut []);
    for id in 6..=8 {
        assert_eq!(index.insert_complete(info(id, id == 8), store_key(id), 1), Ok(()));
    }
    // Frame 8 is at place 0.
    assert_eq!((index.newest_key(), index.next_complete(FrameId(8))), (Some(FrameId(8)), Some(FrameId(8))));
    assert_eq!((index.len(), index.is_empty()), (3, false));
    assert_eq!(index.remove(FrameId(7)), Some(store_key(7)));
    assert_eq!(index.oldest_held(), Some(FrameId(6)));
    for id in [6, 8] {
        index.remove(FrameId(id));
    }
    assert!(index.is_empty());
}

#[test]
fn a_window_moves_on_when_its_ends_are_gone() {
    let mut slots = [FrameSlot::EMPTY; 4];
    let mut index = FrameIndex::new(&mut slots, &mut []);
    for id in 5..=8 {
        assert_eq!(index.insert_complete(info(id, true), store_key(id), 1), Ok(()));
    }
    assert_eq!(index.insert_complete(info(9, true), store_key(9), 1), Err(IndexFull));
    for id in [6, 5] {
        index.remove(FrameId(id));
    }
    assert_eq!(index.insert_complete(info(10, true), store_key(10), 1), Ok(()), "7 to 10 fit");
    assert_eq!(index.insert_complete(info(11, true), store_key(11), 1), Err(IndexFull));
}

#[test]
fn missing_fragments_are_told_64_at_a_time() {
    let (mut slots, mut assemblies) = ([FrameSlot::EMPTY], [Assembly::EMPTY]);
    let mut index = FrameIndex::new(&mut slots, &mut assemblies);
    let id = FrameId(3);
    assert_eq!(index.begin(info(3, false), FRAGMENTS_MAX, store_key(0)), Ok(()));
    (0..FRAGMENTS_MAX).filter(|fragment| fragment % 3 == 0).for_each(|fragment| {
        assert_eq!(index.mark(id, fragment), Marked::New);
    });
    for first in [0, 1, 63, 64, 100, 959, 960, 961, 1_023, 1_024, u16::MAX] {
        let wanted = (0..64)
            .filter(|bit| first.saturating_add(*bit) < FRAGMENTS_MAX && (first + bit) % 3 != 0)
            .fold(0_u64, |bits, bit| bits | 1 << bit);
        assert_eq!(index.missing(id, first), Some(wanted), "{first}");
    }
}

#[test]
fn ids_of_a_window_only() {
    let mut slots = [FrameSlot::EMPTY; 4];
    let mut index = FrameIndex::new(&mut slots, &mut []);
    let insert = |index: &mut FrameIndex<'_>, id| index.insert_complete(info(id, false), store_key(id), 1);
    assert_eq!([10, 13].map(|id| insert(&mut index, id)), [Ok(()), Ok(())]);
    assert_eq!([9, 14, 17].map(|id| insert(&mut index, id)), [Err(IndexFull); 3]);
    let mut released = Vec::new();
    index.evict_below(index.floor_for(FrameId(14)), &mut |key| released.push(key));
    assert_eq!((insert(&mut index, 14), released), (Ok(()), std::vec![store_key(10)]));
    assert_eq!(insert(&mut index, u32::MAX), Err(IndexFull));
    index.clear(&mut |_| {});
    assert_eq!((insert(&mut index, u32::MAX), index.newest()), (Ok(()), Some(FrameId(u32::MAX))));
    index.clear(&mut |_| {});
    assert_eq!((index.len(), insert(&mut index, 0)), (0, Ok(())));
}

#[test]
fn a_decode_time_of_33_bits_and_the_key_flag_share_a_word() {
    let mut slots = [FrameSlot::EMPTY];
    let mut index = FrameIndex::new(&mut slots, &mut []);
    for key in [false, true] {
        let info = FrameInfo {
            dts: Dts::from_ticks(Dts::WRAP_TICKS - 1),
            pts_offset_ticks: u32::MAX,
            ..info(0, key)
        };
        assert_eq!(index.insert_complete(info, store_key(1), 1), Ok(()));
        assert_eq!(index.get(FrameId(0)).map(|entry| entry.info), Some(info));
        assert_eq!(index.remove(FrameId(0)), Some(store_key(1)));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin { id: u32, key: bool, count: u16 },
    Insert { id: u32, key: bool },
    Mark(u32, u16),
    Remove(u32),
    Evict(u32),
    Advance(u32),
}

/// Ids are counted from a base that moves up.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..90_u32, any::<bool>(), 0..5_u16).prop_map(|(id, key, count)| Step::Begin { id, key, count }),
        3 => (0..90_u32, any::<bool>()).prop_map(|(id, key)| Step::Insert { id, key }),
        12 => (0..90_u32, 0..5_u16).prop_map(|(id, fragment)| Step::Mark(id, fragment)),
        2 => (0..90_u32).prop_map(Step::Remove),
        1 => (0..90_u32).prop_map(Step::Evict),
        1 => (0..50_u32).prop_map(Step::Advance),
    ]
}

#[derive(Clone, Debug)]
struct Known {
    key: bool,
    count: u16,
    came: BTreeSet<u16>,
}

impl Known {
    fn is_complete(&self) -> bool {
        self.came.len() == usize::from(self.count)
    }
}

struct Model {
    frames: BTreeMap<u32, Known>,
    capacity: u32,
    assemblies: usize,
}

impl Model {
    fn admits(&self, id: u32, count: u16) -> bool {
        let span = |known: u32| known.abs_diff(id);
        let widest = self.frames.keys().map(|&known| span(known)).max().unwrap_or(0);
        count > 0 && widest < self.capacity && !self.frames.contains_key(&id)
    }

    fn assembling(&self) -> usize {
        self.frames.values().filter(|known| !known.is_complete()).count()
    }

    fn apply(&mut self, index: &mut FrameIndex<'_>, step: Step, base: u32) -> Result<(), TestCaseError> {
        match step {
            Step::Begin { id, key, count } => {
                let fits = self.admits(base + id, count) && self.assembling() < self.assemblies;
                prop_assert_eq!(index.begin(info(base + id, key), count, store_key(base + id)).is_ok(), fits);
                if fits {
                    self.frames.insert(base + id, Known { key, count, came: BTreeSet::new() });
                }
            }
            Step::Insert { id, key } => {
                let fits = self.admits(base + id, 2);
                prop_assert_eq!(
                    index.insert_complete(info(base + id, key), store_key(base + id), 2).is_ok(),
                    fits
                );
                if fits {
                    self.frames.insert(base + id, Known { key, count: 2, came: BTreeSet::from([0, 1]) });
                }
            }
            Step::Mark(id, fragment) => {
                let marked = match self.frames.get_mut(&(base + id)) {
                    Some(known) if fragment < known.count => {
                        let is_new = known.came.insert(fragment);
                        match (is_new, known.is_complete()) {
                            (false, _) => Marked::Duplicate,
                            (true, false) => Marked::New,
                            (true, true) => Marked::Completed,
                        }
                    }
                    Some(_) | None => Marked::Unknown,
                };
                prop_assert_eq!(index.mark(FrameId(base + id), fragment), marked);
            }
            Step::Remove(id) => {
                let known = self.frames.remove(&(base + id)).map(|_| store_key(base + id));
                prop_assert_eq!(index.remove(FrameId(base + id)), known);
            }
            Step::Evict(id) => {
                let kept = self.frames.split_off(&(base + id));
                let evicted: Vec<_> = self.frames.keys().map(|&id| store_key(id)).collect();
                self.frames = kept;
                let mut released = Vec::new();
                index.evict_below(FrameId(base + id), &mut |key| released.push(key));
                prop_assert_eq!(released, evicted);
            }
            Step::Advance(_) => {}
        }
        Ok(())
    }

    fn compare(&self, index: &FrameIndex<'_>, base: u32) -> Result<(), TestCaseError> {
        prop_assert_eq!(index.len() as usize, self.frames.len());
        let complete = || self.frames.iter().filter(|(_, known)| known.is_complete()).map(|(&id, _)| id);
        let keys = || complete().filter(|id| self.frames[id].key);
        let id = |id: Option<u32>| id.map(FrameId);
        prop_assert_eq!(index.newest(), id(complete().next_back()));
        prop_assert_eq!(index.oldest(), id(complete().next()));
        prop_assert_eq!(index.oldest_held(), id(self.frames.keys().next().copied()));
        prop_assert_eq!(index.newest_held(), id(self.frames.keys().next_back().copied()));
        prop_assert_eq!(index.newest_key(), id(keys().next_back()));
        let mut assembling: Vec<_> = index.assembling().collect();
        assembling.sort();
        let known: Vec<_> = self
            .frames
            .iter()
            .filter(|(_, known)| !known.is_complete())
            .map(|(&id, _)| FrameId(id))
            .collect();
        prop_assert_eq!(assembling, known);
        for at in base.saturating_sub(3)..base + 100 {
            prop_assert_eq!(index.key_at_or_before(FrameId(at)), id(keys().rfind(|&key| key <= at)));
            prop_assert_eq!(index.oldest_key_from(FrameId(at)), id(keys().find(|&key| key >= at)));
            prop_assert_eq!(index.next_complete(FrameId(at)), id(complete().find(|&frame| frame >= at)));
            let run = (at..).take_while(|id| self.frames.get(id).is_some_and(Known::is_complete)).last();
            prop_assert_eq!(index.run_end(FrameId(at)), id(run));
            let known = self.frames.get(&at);
            let entry = index.get(FrameId(at));
            prop_assert_eq!(index.is_complete(FrameId(at)), known.is_some_and(Known::is_complete));
            prop_assert_eq!(
                entry.map(|entry| (entry.info, entry.key, entry.count, usize::from(entry.received))),
                known.map(|known| (info(at, known.key), store_key(at), known.count, known.came.len()))
            );
            for fragment in 0..6 {
                let has = known.is_some_and(|known| known.came.contains(&fragment));
                prop_assert_eq!(index.has_fragment(FrameId(at), fragment), has);
                let wanted = known.map(|known| {
                    (fragment..known.count)
                        .filter(|f| !known.came.contains(f))
                        .fold(0, |bits, f| bits | 1_u64 << (f - fragment))
                });
                prop_assert_eq!(index.missing(FrameId(at), fragment), wanted);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn it_is_a_map_of_the_frames_in_its_window(capacity in prop_oneof![0..3_u32, 3..100_u32],
                                               assemblies in 0..20_usize,
                                               steps in prop::collection::vec(step(), 0..150)) {
        let mut slots = std::vec![FrameSlot::EMPTY; capacity as usize];
        let mut lent = std::vec![Assembly::EMPTY; assemblies];
        let mut index = FrameIndex::new(&mut slots, &mut lent);
        let mut model = Model { frames: BTreeMap::new(), capacity, assemblies };
        let mut base = 0;
        for step in steps {
            if let Step::Advance(frames) = step {
                base += frames;
            }
            model.apply(&mut index, step, base)?;
        }
        model.compare(&index, base)?;
    }
}
