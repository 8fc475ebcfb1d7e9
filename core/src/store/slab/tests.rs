extern crate std;

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::store::proptest_config;

#[derive(Clone, Copy, Debug)]
struct Item {
    meta: SlabMeta,
    value: u32,
}

const EMPTY: Item = Item { meta: SlabMeta::EMPTY, value: 0 };

const fn item(value: u32) -> Item {
    Item { meta: SlabMeta::EMPTY, value }
}

impl SlabItem for Item {
    fn slab(&self) -> &SlabMeta {
        &self.meta
    }

    fn slab_mut(&mut self) -> &mut SlabMeta {
        &mut self.meta
    }
}

#[test]
fn a_slab_of_nothing_is_full() {
    let mut slab: Slab<'_, Item> = Slab::new(&mut []);
    assert_eq!(slab.insert(item(7)).map_err(|item| item.value), Err(7));
    assert!(slab.at(0).is_none());
    assert!(!slab.remove(Handle::EMPTY));
    assert_eq!((slab.len(), slab.capacity()), (0, 0));
}

#[test]
fn a_reused_slot_has_another_handle() {
    let mut slots = [EMPTY];
    let mut slab = Slab::new(&mut slots);
    let first = slab.insert(item(1)).unwrap();
    assert!(slab.insert(item(2)).is_err());
    assert!(slab.remove(first) && !slab.remove(first));
    let second = slab.insert(item(2)).unwrap();
    assert_eq!(first.slot, second.slot);
    assert!(slab.get(first).is_none() && !slab.remove(first));
    assert_eq!(slab.get(second).map(|item| item.value), Some(2));
}

#[test]
fn generations_skip_zero_when_they_wrap() {
    let mut slots = [Item { meta: SlabMeta { generation: u32::MAX, ..SlabMeta::EMPTY }, value: 0 }];
    let mut slab = Slab::new(&mut slots);
    assert_eq!(slab.insert(item(1)).unwrap().generation, 1);
}

#[test]
fn lent_again_old_handles_stay_stale() {
    let mut slots = [EMPTY; 2];
    let old = Slab::new(&mut slots).insert(item(1)).unwrap();
    let mut slab = Slab::new(&mut slots);
    assert!(slab.get(old).is_none() && slab.at(0).is_none());
    slab.insert(item(2)).unwrap();
    assert!(slab.get(old).is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u32),
    Remove(usize),
    Change(usize, u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u32>().prop_map(Step::Insert),
        2 => (0..40_usize).prop_map(Step::Remove),
        1 => (0..40_usize, any::<u32>()).prop_map(|(which, value)| Step::Change(which, value)),
    ]
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn it_is_a_map_from_handles(capacity in prop_oneof![0..3_usize, 3..40_usize],
                                steps in prop::collection::vec(step(), 0..200)) {
        let mut slots = std::vec![EMPTY; capacity];
        let mut slab = Slab::new(&mut slots);
        let mut model = BTreeMap::<Handle, u32>::new();
        let mut given = Vec::new();
        for step in steps {
            match step {
                Step::Insert(value) => match slab.insert(item(value)) {
                    Ok(handle) => {
                        prop_assert!(model.len() < capacity);
                        prop_assert!(!given.contains(&handle) && handle.generation != 0);
                        given.push(handle);
                        model.insert(handle, value);
                    }
                    Err(back) => {
                        prop_assert_eq!(model.len(), capacity);
                        prop_assert_eq!(back.value, value);
                    }
                },
                Step::Remove(which) => if let Some(&handle) = given.get(which) {
                    prop_assert_eq!(slab.remove(handle), model.remove(&handle).is_some());
                },
                Step::Change(which, value) => if let Some(&handle) = given.get(which) {
                    match (slab.get_mut(handle), model.get_mut(&handle)) {
                        (Some(held), Some(known)) => (held.value, *known) = (value, value),
                        (None, None) => {}
                        (held, known) => prop_assert!(false, "{held:?} {known:?}"),
                    }
                },
            }
            prop_assert_eq!(slab.len() as usize, model.len());
            let held: Vec<_> = slab.iter().map(|(handle, item)| (handle, item.value)).collect();
            let known: Vec<_> = model.iter().map(|(&handle, &value)| (handle, value)).collect();
            prop_assert_eq!(&held, &known);
            prop_assert_eq!(slab.first_from(0), known.first().map(|known| known.0));
            for slot in 0..slab.capacity() {
                let known = known.iter().find(|known| known.0.slot == slot);
                prop_assert_eq!(slab.handle_of(slot), known.map(|known| known.0));
                prop_assert_eq!(slab.at(slot).map(|item| item.value), known.map(|known| known.1));
            }
        }
    }
}
