//! Who is told of whom, at which addresses, and who is not told of each other again.

use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

use super::harness::*;
use crate::auth::Auth;
use crate::edge::{EdgeConfig, EdgeSockets};
use crate::nat::{NatClass, NatFiltering, NatMapping};
use crate::wire::control::{ClientId, Message, Reach};
use crate::wire::stun::{StunClass, StunWriter, TransactionId};
use crate::{Endpoint, Path, Reject};

const SYMMETRIC: NatClass =
    NatClass { mapping: NatMapping::PortDependent, filtering: NatFiltering::PortDependent };
const OPEN: NatClass = NatClass { mapping: NatMapping::Direct, filtering: NatFiltering::AddressDependent };

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Two push clients at different addresses, the first with slots; the edge has two sockets or one.
fn pair(memory: &mut EdgeMemory, sockets: bool) -> World<'_> {
    let sockets = sockets.then(|| EdgeSockets { main: at("192.0.2.1:7000"), second: at("192.0.2.1:7001") });
    let config = EdgeConfig { sockets, ..config(100_000_000, 90) };
    let mut world = World::new(memory, config, settings(), 30);
    for (slots, from) in [(5, "203.0.113.1:4000"), (0, "203.0.113.2:4000")] {
        let index = world.add_viewer();
        world.viewers[index].path = Path::to(at(from));
        world.hello(index).unwrap();
        world.hello(index).unwrap();
        let all = world.settings.all_substreams();
        let status = crate::wire::control::Status {
            slots,
            slots_max: slots,
            feedable: all,
            edge_feeds: all,
            ..crate::wire::control::Status::default()
        };
        world.say(index, &Message::Status(status.clone())).unwrap();
        world.viewers[index].status = Some(status);
    }
    world
}

fn reach(nat: NatClass) -> Reach {
    Reach { nat, ..Reach::default() }
}

/// The second asks; gives the candidates it is told.
fn ask(world: &mut World<'_>) -> Vec<ClientId> {
    world.run(Duration::from_millis(600));
    world.viewers[1].told.clear();
    world.say(1, &Message::FindParents { substreams: 1 }).unwrap();
    let told = world.viewers[1].told.iter().rev().find_map(|(_, told)| match told {
        Told::Candidates(list) => Some(list.iter().map(|candidate| candidate.client).collect()),
        _ => None,
    });
    told.unwrap()
}

fn introduced(world: &World<'_>, viewer: usize) -> Vec<(ClientId, Vec<SocketAddr>)> {
    let told = world.viewers[viewer].told.iter().filter_map(|(_, told)| match told {
        Told::Introduce(client, addresses) => Some((*client, addresses.clone())),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_candidate_is_told_of_the_asker_at_once() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = pair(&mut memory, false);
    assert!(introduced(&world, 0).is_empty(), "nobody asked");
    let (supplier, asker) = (world.viewers[0].id, world.viewers[1].id);
    assert_eq!(ask(&mut world), [supplier]);
    assert_eq!(introduced(&world, 0), [(asker, [at("203.0.113.2:4000")].to_vec())]);
    assert!(introduced(&world, 1).is_empty(), "the candidate says it all");
    assert_eq!(world.edge.stats().introductions, 1);
}

#[test]
fn a_pair_that_failed_is_left_apart_for_a_minute() {
    for reporter in [0, 1] {
        let mut memory = EdgeMemory::new(4, 1, 64);
        let mut world = pair(&mut memory, false);
        let supplier = world.viewers[0].id;
        assert_eq!(ask(&mut world), [supplier]);
        let other = world.viewers[1 - reporter].id;
        let mut failed = Reach { unmet: 1, ..Reach::default() };
        failed.unmet_list.push(other).unwrap();
        world.say(reporter, &Message::Reach(Reach::default())).unwrap();
        // It comes three times and counts once.
        for _ in 0..3 {
            world.say(reporter, &Message::Reach(failed.clone())).unwrap();
        }
        assert_eq!(world.edge.stats().introductions_failed, 1);
        assert!(ask(&mut world).is_empty(), "reported by {reporter}");
        assert!(world.edge.stats().introductions_passed_over > 0);
        world.run(58 * SECOND);
        assert!(ask(&mut world).is_empty());
        world.run(3 * SECOND);
        assert_eq!(ask(&mut world), [supplier]);
    }
}

/// With two sockets the edge knows better than to try; an address of IPv6 that both proved lets them meet all the same.
#[test]
fn those_who_cannot_meet_are_told_of_each_other_only_once_they_can() {
    let mut memory = EdgeMemory::new(4, 1, 64);
    let mut world = pair(&mut memory, true);
    let (supplier, asker) = (world.viewers[0].id, world.viewers[1].id);
    assert_eq!(ask(&mut world), [supplier], "the second port may be shut: nobody can know");
    let mut request = [0; 120];
    let mut writer = StunWriter::new(&mut request, StunClass::Request, TransactionId([1; 12])).unwrap();
    writer.pad_to(120);
    let len = writer.finish();
    let second = Path { socket: 1, ..world.viewers[0].path };
    world.edge.handle_datagram(world.now, second, &request[..len]).unwrap();
    assert!(world.edge.poll_transmit(world.now, &mut [0; 1_200]).is_some());
    world.run(2 * SECOND);
    assert!(ask(&mut world).is_empty(), "nothing is known of their NATs");
    world.say(0, &Message::Reach(reach(OPEN))).unwrap();
    assert_eq!(ask(&mut world), [supplier], "whom anybody can reach");
    world.say(0, &Message::Reach(reach(SYMMETRIC))).unwrap();
    world.say(1, &Message::Reach(reach(SYMMETRIC))).unwrap();
    world.run(2 * SECOND);
    assert!(ask(&mut world).is_empty());
    let addresses = [at("[2001:db8::1]:4000"), at("[2001:db8::2]:4000")];
    for (viewer, address) in addresses.into_iter().enumerate() {
        let forged = Message::AlsoAt { address, cookie: [9; 16] };
        assert_eq!(world.say(viewer, &forged), Err(Reject::Unauthentic));
        assert!(ask(&mut world).is_empty());
        let cookie = world.edge.auth.cookie(world.now, &address);
        world.say(viewer, &Message::AlsoAt { address, cookie }).unwrap();
    }
    assert_eq!(ask(&mut world), [supplier]);
    let public = [at("203.0.113.1:4000"), at("203.0.113.2:4000")];
    assert_eq!(introduced(&world, 1), [(supplier, [public[0], addresses[0]].to_vec())]);
    assert_eq!(introduced(&world, 0).last(), Some(&(asker, [public[1], addresses[1]].to_vec())));
}

/// What a client claims about its own network is told to those beside it alone, and never sends anybody elsewhere.
#[test]
fn a_private_address_is_told_to_neighbours_alone() {
    for (place, told) in [("203.0.113.1:4001", true), ("203.0.113.2:4000", false)] {
        let mut memory = EdgeMemory::new(4, 1, 64);
        let mut world = pair(&mut memory, false);
        let index = world.add_viewer();
        world.viewers[index].path = Path::to(at(place));
        // The second of the pair gives up its address, if that is the newcomer's.
        world.say(1, &Message::Leave { reason: crate::wire::control::LeaveReason::Done }).unwrap();
        world.viewers.swap(1, index);
        world.viewers.truncate(2);
        world.hello(1).unwrap();
        world.hello(1).unwrap();
        for (private, is_local) in [("192.168.1.7:4000", true), ("198.51.100.66:53", false)] {
            let claim = Reach { private: Some(at(private)), ..Reach::default() };
            world.say(0, &Message::Reach(claim)).unwrap();
            assert_eq!(ask(&mut world).len(), 1);
            let all: Vec<_> =
                introduced(&world, 1).into_iter().flat_map(|(_, addresses)| addresses).collect();
            assert_eq!(all.contains(&at(private)), told && is_local, "{private} to {place}");
            world.run(2 * SECOND);
        }
    }
}
