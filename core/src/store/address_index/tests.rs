extern crate std;

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::proptest_config;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, last), 4_000))
}

#[test]
fn an_index_of_nothing_is_full() {
    let mut index = AddressIndex::new(&mut [], [0; 16]);
    assert_eq!(index.insert(address(1), 1), Err(AddressIndexFull));
    assert_eq!((index.get(&address(1)), index.remove(&address(1)), index.capacity()), (None, None, 0));
}

#[test]
fn one_slot_holds_one_address() {
    let mut slots = [AddressSlot::EMPTY];
    let mut index = AddressIndex::new(&mut slots, [0; 16]);
    assert_eq!(index.insert(address(1), 1), Ok(None));
    assert_eq!(index.insert(address(2), 2), Err(AddressIndexFull));
    assert_eq!(index.insert(address(1), 3), Ok(Some(1)));
    assert_eq!((index.get(&address(1)), index.get(&address(2))), (Some(3), None));
    assert_eq!(index.remove(&address(1)), Some(3));
    assert_eq!(index.insert(address(2), 2), Ok(None));
}

#[test]
fn addresses_that_differ_are_told_apart() {
    let mut slots = [AddressSlot::EMPTY; 16];
    let mut index = AddressIndex::new(&mut slots, [3; 16]);
    let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
    let all = [
        address(1),
        SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 4_001)),
        SocketAddr::from((mapped, 4_000)),
        SocketAddr::V6(SocketAddrV6::new(ip, 4_000, 0, 1)),
        SocketAddr::V6(SocketAddrV6::new(ip, 4_000, 0, 2)),
    ];
    for (address, value) in all.into_iter().zip(0..) {
        assert_eq!(index.insert(address, value), Ok(None));
    }
    for (address, value) in all.iter().zip(0..) {
        assert_eq!(index.get(address), Some(value));
    }
    let labelled = SocketAddr::V6(SocketAddrV6::new(ip, 4_000, 77, 2));
    assert_eq!(index.get(&labelled), Some(4), "a flow label does not count");
}

#[test]
fn one_hash_does_not_make_one_address() {
    let mut slots = [AddressSlot::EMPTY];
    let mut index = AddressIndex::new(&mut slots, [0; 16]);
    assert_eq!(index.insert(address(1), 1), Ok(None));
    index.slots[0].hash = Key::of(&address(2)).hash(&index.secret);
    assert_eq!((index.get(&address(2)), index.remove(&address(2))), (None, None));
}

#[test]
fn the_secret_decides_the_order_of_places() {
    let places = |secret| {
        let mut slots = [AddressSlot::EMPTY; 64];
        let mut index = AddressIndex::new(&mut slots, secret);
        (0..32).for_each(|last| assert_eq!(index.insert(address(last), u32::from(last)), Ok(None)));
        slots.map(|slot| slot.value)
    };
    assert_eq!(places([1; 16]), places([1; 16]));
    assert_ne!(places([1; 16]), places([2; 16]));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u8, u32),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..24_u8, any::<u32>()).prop_map(|(last, value)| Step::Insert(last, value)),
        2 => (0..24_u8).prop_map(Step::Remove),
    ]
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn it_is_a_map(slot_count in prop_oneof![0..4_usize, 4..40_usize], secret: [u8; 16],
                   steps in prop::collection::vec(step(), 0..200)) {
        let mut slots = std::vec![AddressSlot::EMPTY; slot_count];
        let mut index = AddressIndex::new(&mut slots, secret);
        let capacity = index.capacity() as usize;
        prop_assert!(capacity * 8 >= slot_count * 7 && (capacity < slot_count || slot_count < 8));
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Insert(last, _) if model.len() == capacity && !model.contains_key(&last) =>
                    prop_assert_eq!(index.insert(address(last), 0), Err(AddressIndexFull)),
                Step::Insert(last, value) =>
                    prop_assert_eq!(index.insert(address(last), value), Ok(model.insert(last, value))),
                Step::Remove(last) => prop_assert_eq!(index.remove(&address(last)), model.remove(&last)),
            }
            prop_assert_eq!(index.len() as usize, model.len());
            for last in 0..24 {
                prop_assert_eq!(index.get(&address(last)), model.get(&last).copied());
            }
        }
    }

    #[test]
    fn lent_for_as_many_it_takes_as_many(addresses in 0..1_000_usize) {
        let slots = AddressIndex::slots_for(addresses);
        prop_assert!(slots - slots / 8 >= addresses);
    }
}
