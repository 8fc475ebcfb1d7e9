extern crate std;

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::limits::FRAGMENTS_MAX;
use crate::media::{fragment_count, fragment_len_at};
use crate::store::proptest_config;

const fn fragment(key: StoreKey, index: u16, len: u16) -> FragmentRef {
    FragmentRef { key, index, len }
}

#[test]
fn a_pool_of_nothing_is_full() {
    let mut pool = PagePool::new(&mut [], &mut []);
    assert_eq!(pool.allocate(1, 1), Err(StoreFull));
    let key = StoreKey::default();
    assert!(!pool.holds(key) && pool.read(fragment(key, 0, 1)).is_none());
    assert_eq!(pool.write(key, 0, &[1]), Err(StaleKey));
}

#[test]
fn the_shorter_of_pages_and_links_counts() {
    let (mut pages, mut links) = ([PagePool::EMPTY_PAGE; 2], [PageLink::EMPTY; 1]);
    assert_eq!(PagePool::new(&mut pages, &mut links).free_count(), 1);
    assert_eq!(PagePool::new(&mut pages[..0], &mut links).free_count(), 0);
}

#[test]
fn what_is_no_valid_fragment_is_refused() {
    let (mut pages, mut links) = ([PagePool::EMPTY_PAGE; 2], [PageLink::EMPTY; 2]);
    let mut pool = PagePool::new(&mut pages, &mut links);
    assert_eq!(pool.allocate(1_129, FRAGMENT_LEN + 1), Err(StoreFull));
    assert_eq!([(0, 10), (10, 0), (21, 10)].map(|(len, each)| pool.allocate(len, each)), [Err(StoreFull); 3]);
    let key = pool.allocate(13, 10).unwrap();
    assert_eq!(pool.write(key, 0, &[1; 9]), Err(StaleKey));
    assert_eq!(pool.write(key, 1, &[2; 10]), Err(StaleKey));
    assert_eq!(pool.write(key, 2, &[3; 3]), Err(StaleKey));
    assert_eq!(pool.write(key, 1, &[2; 3]), Ok(()));
    assert_eq!(pool.read(fragment(key, 1, 3)), Some(&[2; 3][..]));
    assert_eq!(pool.read(fragment(key, 1, 2)), None);
    assert!(!pool.holds(StoreKey { slot: 1, ..key }), "a page in the middle is no frame");
}

#[test]
fn a_pool_lent_again_does_not_know_old_keys() {
    let (mut pages, mut links) = ([PagePool::EMPTY_PAGE; 1], [PageLink::EMPTY; 1]);
    let old = PagePool::new(&mut pages, &mut links).allocate(1, 1).unwrap();
    let mut pool = PagePool::new(&mut pages, &mut links);
    assert!(!pool.holds(old));
    let key = pool.allocate(1, 1).unwrap();
    assert!(key != old && !pool.holds(old));
}

#[test]
fn the_pages_of_the_largest_frame_are_all_different() {
    let mut pages = std::vec![PagePool::EMPTY_PAGE; usize::from(FRAGMENTS_MAX) + 5];
    let mut links = std::vec![PageLink::EMPTY; pages.len()];
    let mut pool = PagePool::new(&mut pages, &mut links);
    let small: Vec<_> = (0..5).map(|_| pool.allocate(1, 1).unwrap()).collect();
    [3, 0, 4].into_iter().for_each(|which: usize| pool.release(small[which]));
    let key = pool.allocate(u32::from(FRAGMENTS_MAX) * 2, 2).unwrap();
    for index in 0..FRAGMENTS_MAX {
        assert_eq!(pool.write(key, index, &index.to_le_bytes()), Ok(()));
    }
    for index in 0..FRAGMENTS_MAX {
        assert_eq!(pool.read(fragment(key, index, 2)), Some(&index.to_le_bytes()[..]));
    }
    pool.release(key);
    pool.release(key);
    assert_eq!(pool.free_count(), u32::from(FRAGMENTS_MAX) + 3);
}

#[test]
fn pages_for_a_stream() {
    // 400 kbit/s for 30 s is 1.5 MB: 1,330 full pages; 25 frames a second may waste 750 more.
    assert_eq!(PagePool::pages_for(400_000, 30_000, 750), 1_330 + 750);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Allocate { len: u32, fragment_len: u16 },
    Write { which: usize, index: u16, byte: u8 },
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..60_u32, 0..6_u16).prop_map(|(len, fragment_len)| Step::Allocate { len, fragment_len }),
        8 => (0..20_usize, 0..40_u16, any::<u8>()).prop_map(|(which, index, byte)| Step::Write { which, index, byte }),
        2 => (0..20_usize).prop_map(Step::Release),
    ]
}

/// A frame as a plain map has it.
struct Known {
    len: u32,
    fragment_len: u16,
    came: BTreeMap<u16, Vec<u8>>,
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn it_is_a_map_of_frames(capacity in prop_oneof![0..3_usize, 3..80_usize],
                             steps in prop::collection::vec(step(), 0..150)) {
        let mut pages = std::vec![PagePool::EMPTY_PAGE; capacity];
        let mut links = std::vec![PageLink::EMPTY; capacity];
        let mut pool = PagePool::new(&mut pages, &mut links);
        let mut model = BTreeMap::<(u32, u32), Known>::new();
        let mut given = Vec::<StoreKey>::new();
        let mut free = capacity;
        for step in steps {
            match step {
                Step::Allocate { len, fragment_len } => {
                    let count = fragment_count(len, fragment_len).map(usize::from);
                    let key = pool.allocate(len, fragment_len);
                    prop_assert_eq!(key.is_ok(), count.is_some_and(|count| count <= free));
                    if let Ok(key) = key {
                        prop_assert!(key.generation != 0 && !given.contains(&key));
                        given.push(key);
                        model.insert((key.slot, key.generation), Known { len, fragment_len, came: BTreeMap::new() });
                        free -= count.unwrap_or(0);
                    }
                }
                Step::Write { which, index, byte } => if let Some(&key) = given.get(which) {
                    let known = model.get_mut(&(key.slot, key.generation));
                    let len = known.as_ref().map_or(0, |known| fragment_len_at(known.len, known.fragment_len, index));
                    let bytes = std::vec![byte; usize::from(len.max(1))];
                    prop_assert_eq!(pool.write(key, index, &bytes).is_ok(), len > 0);
                    if let Some(known) = known.filter(|_| len > 0) {
                        known.came.insert(index, bytes);
                    }
                },
                Step::Release(which) => if let Some(&key) = given.get(which) {
                    pool.release(key);
                    if let Some(known) = model.remove(&(key.slot, key.generation)) {
                        free += fragment_count(known.len, known.fragment_len).map_or(0, usize::from);
                    }
                },
            }
            prop_assert_eq!(pool.free_count() as usize, free);
            for &key in &given {
                let known = model.get(&(key.slot, key.generation));
                prop_assert_eq!(pool.holds(key), known.is_some());
                for (&index, bytes) in known.iter().flat_map(|known| &known.came) {
                    let len = u16::try_from(bytes.len()).unwrap();
                    prop_assert_eq!(pool.read(fragment(key, index, len)), Some(&bytes[..]));
                }
            }
        }
    }
}
