use super::*;

#[test]
fn a_store_of_nothing_is_full() {
    let mut store = PhantomStore::new(&mut [], &mut []);
    assert_eq!(store.allocate(1, 1), Err(StoreFull));
}

#[test]
fn a_fragment_is_known_by_its_first_bytes() {
    let (mut tags, mut links) = ([PhantomStore::EMPTY_TAG; 3], [PageLink::EMPTY; 3]);
    let mut store = PhantomStore::new(&mut tags, &mut links);
    let key = store.allocate(2_258, 1_128).unwrap();
    assert_eq!(store.write(key, 0, &[1, 2, 3]), Err(StaleKey), "less than a tag");
    assert_eq!(store.write(key, 0, &[1; 1_129]), Err(StaleKey), "more than the fragment");
    assert_eq!(store.write(key, 0, &[1, 2, 3, 4]), Ok(()));
    assert_eq!(store.write(key, 1, &[7; 1_128]), Ok(()));
    assert_eq!(store.write(key, 2, &[8]), Err(StaleKey), "less than the short fragment");
    assert_eq!(store.write(key, 2, &[8, 9]), Ok(()));
    let read = |index, len| store.read(FragmentRef { key, index, len });
    assert_eq!(read(0, 1_128), Some(&[1, 2, 3, 4][..]));
    assert_eq!(read(1, 1_128), Some(&[7; 4][..]));
    assert_eq!(read(2, 2), Some(&[8, 9][..]));
    assert_eq!([read(2, 4), read(0, 4), read(3, 1)], [None; 3]);
}

#[test]
fn a_released_frame_makes_room_and_leaves_a_stale_key() {
    let (mut tags, mut links) = ([PhantomStore::EMPTY_TAG; 2], [PageLink::EMPTY; 2]);
    let mut store = PhantomStore::new(&mut tags, &mut links);
    assert_eq!(store.free_count(), 2);
    let old = store.allocate(8, 4).unwrap();
    assert_eq!((store.allocate(1, 1), store.free_count()), (Err(StoreFull), 0));
    store.release(old);
    let key = store.allocate(8, 4).unwrap();
    assert_eq!((store.holds(old), store.holds(key)), (false, true));
    assert_eq!(store.write(old, 0, &[1; 4]), Err(StaleKey));
}
