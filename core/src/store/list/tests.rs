extern crate std;

use std::collections::VecDeque;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::store::{SlabMeta, proptest_config};

#[derive(Clone, Copy)]
struct Client {
    meta: SlabMeta,
    ready: ListLinks,
    subscriptions: [ListLinks; 2],
}

const CLIENT: Client =
    Client { meta: SlabMeta::EMPTY, ready: ListLinks::EMPTY, subscriptions: [ListLinks::EMPTY; 2] };

impl SlabItem for Client {
    fn slab(&self) -> &SlabMeta {
        &self.meta
    }

    fn slab_mut(&mut self) -> &mut SlabMeta {
        &mut self.meta
    }
}

#[test]
fn one_client_is_in_several_lists_at_once() {
    let mut slots = [CLIENT; 3];
    let mut clients = Slab::new(&mut slots);
    (0..3).for_each(|_| assert!(clients.insert(CLIENT).is_ok()));
    let (mut ready, mut fed) = (List::EMPTY, [List::EMPTY; 2]);
    for slot in 0..3 {
        for (substream, list) in fed.iter_mut().enumerate() {
            assert!(list.push_back(
                &mut links_of(&mut clients, |client: &mut Client| client.subscriptions.get_mut(substream)),
                slot
            ));
        }
        assert!(ready.push_back(&mut links_of(&mut clients, |client| Some(&mut client.ready)), 2 - slot));
    }
    assert!(fed[1].remove(&mut links_of(&mut clients, |client| client.subscriptions.get_mut(1)), 1));
    let walk = |first: Option<u32>, links: &dyn Fn(&Client) -> ListLinks| {
        core::iter::successors(first, |&slot| links(clients.at(slot)?).next()).collect::<Vec<_>>()
    };
    assert_eq!(walk(fed[0].front(), &|client| client.subscriptions[0]), [0, 1, 2]);
    assert_eq!(walk(fed[1].front(), &|client| client.subscriptions[1]), [0, 2]);
    assert_eq!(walk(ready.front(), &|client| client.ready), [2, 1, 0]);
}

#[test]
fn a_table_of_nothing_has_only_empty_lists() {
    let mut links: [ListLinks; 0] = [];
    let mut list = List::EMPTY;
    assert!(!list.push_back(&mut links[..], 0) && !list.remove(&mut links[..], 0));
    assert_eq!((list.pop_front(&mut links[..]), list.len()), (None, 0));
}

#[test]
fn a_list_does_not_take_the_first_of_another() {
    let mut links = [ListLinks::EMPTY; 2];
    let (mut one, mut other) = (List::EMPTY, List::EMPTY);
    assert!(one.push_back(&mut links[..], 0) && other.push_back(&mut links[..], 1));
    assert!(!other.push_back(&mut links[..], 0) && !other.remove(&mut links[..], 0));
    assert_eq!((one.front(), other.front()), (Some(0), Some(1)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(u32),
    Remove(u32),
    Pop,
    Rotate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u32).prop_map(Step::Push),
        2 => (0..12_u32).prop_map(Step::Remove),
        1 => Just(Step::Pop),
        1 => Just(Step::Rotate),
    ]
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn it_is_a_queue_that_can_be_left(capacity in 0..12_usize, steps in prop::collection::vec(step(), 0..120)) {
        let mut links = std::vec![ListLinks::EMPTY; capacity];
        let links = &mut links[..];
        let mut list = List::EMPTY;
        let mut model = VecDeque::new();
        for step in steps {
            match step {
                Step::Push(slot) => {
                    let is_new = (slot as usize) < capacity && !model.contains(&slot);
                    prop_assert_eq!(list.push_back(links, slot), is_new);
                    model.extend(is_new.then_some(slot));
                }
                Step::Remove(slot) => {
                    prop_assert_eq!(list.remove(links, slot), model.contains(&slot));
                    model.retain(|&held| held != slot);
                }
                Step::Pop => prop_assert_eq!(list.pop_front(links), model.pop_front()),
                Step::Rotate => {
                    prop_assert_eq!(list.rotate(links), model.front().copied());
                    if !model.is_empty() {
                        model.rotate_left(1);
                    }
                }
            }
            prop_assert_eq!(list.len() as usize, model.len());
            prop_assert_eq!(list.is_empty(), model.is_empty());
            prop_assert_eq!(list.back(), model.back().copied());
            let walked: Vec<_> =
                core::iter::successors(list.front(), |&slot| list.next(links, slot)).take(20).collect();
            prop_assert_eq!(walked, model.iter().copied().collect::<Vec<_>>());
            for (slot, links) in (0..).zip(links.iter()) {
                prop_assert_eq!(links.is_linked(), model.contains(&slot));
            }
        }
    }
}
