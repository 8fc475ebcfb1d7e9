//! Any calls, any datagrams, any order: what a client keeps stays consistent. The calls are those of the fuzz target
//! `client`; here is also a look inside after each of them.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::script::{TestClient, play};
use crate::client::ClientEvent;
use crate::client::peer::{EDGE, substreams_of};
use crate::media::{FrameId, fragment_len_at};
use crate::store::{FragmentRef, FrameState, FrameStore};
use crate::wire::{Datagram, Message};

/// What must hold inside.
pub(super) fn look(client: &TestClient<'_>, datagram: Option<&[u8]>) {
    if let Some(datagram) = datagram {
        check_map(client, datagram);
    }
    assert!(client.events.len() <= ClientEvent::QUEUE_LEN);
    assert!(client.holes.iter().is_sorted_by_key(|hole| hole.frame));
    check_peers(client);
    check_feeds(client);
    check_frames(client);
}

fn check_peers(client: &TestClient<'_>) {
    let slots = 1_u64.checked_shl(u32::from(client.peers_len())).map_or(u64::MAX, |end| end - 1);
    assert_eq!((client.owing | client.serving) & !slots, 0, "owed by nobody");
    for (peer, slot) in client.peers.iter().zip(0_u8..) {
        assert_eq!(peer.is_known(), client.known >> slot & 1 == 1);
        assert_eq!(peer.ready & !peer.children, 0, "ready for no child");
        assert!(peer.is_met() || peer.children == 0, "slot {slot} is fed and was not met");
        assert!(slot != EDGE || peer.children == 0, "the edge is fed");
        let is_owed = peer.children != 0 && peer.ready != 0;
        assert!(!is_owed || client.serving >> slot & 1 == 1, "slot {slot} is ready and not served");
        for other in client.peers.iter().skip(usize::from(slot) + 1) {
            let is_same = peer.is_known() && other.is_known() && slot != EDGE && peer.remote == other.remote;
            assert!(!is_same, "one peer in two slots");
        }
    }
}

fn check_feeds(client: &TestClient<'_>) {
    let Some(session) = &client.session else {
        assert!(client.feeds.iter().all(|feed| feed.current.is_none() && feed.request.is_none()));
        return;
    };
    for (feed, substream) in client.feeds.iter().zip(0_u8..) {
        let named =
            [feed.parent(), feed.tail.map(|tail| tail.peer), feed.request.map(|request| request.peer)];
        for slot in named.into_iter().flatten() {
            assert!(client.peer(slot).is_some_and(|peer| peer.is_known()), "fed by an empty slot {slot}");
        }
        if feed.current.is_some() {
            assert!(substream < session.settings.substreams);
            assert!(feed.level <= session.settings.levels_max, "level {}", feed.level);
        }
    }
    let fed = client.peers.iter().fold(0, |set, peer| set | peer.children);
    assert!(substreams_of(fed).all(|substream| substream < session.settings.substreams));
}

/// Every frame held has its bytes in the store, and the store holds nothing else.
fn check_frames(client: &TestClient<'_>) {
    if client.session.is_none() {
        assert!(client.frames.is_empty());
    }
    let (Some(oldest), Some(newest)) = (client.frames.oldest_held(), client.frames.newest_held()) else {
        return;
    };
    let window = newest.since(oldest);
    assert!(window < client.frames.capacity());
    for offset in 0..=window {
        let Some(entry) = client.frames.get(oldest.plus(offset)) else { continue };
        assert!(client.store.holds(entry.key));
        let is_complete = entry.state == FrameState::Complete;
        assert_eq!(is_complete, entry.received == entry.count);
    }
}

/// A map never claims a frame the store lacks.
fn check_map(client: &TestClient<'_>, datagram: &[u8]) {
    let Ok(Datagram::Control(_, messages)) = Datagram::parse(datagram) else { return };
    for message in messages {
        let Ok(Message::BufferMap(map)) = message else { continue };
        // Gone with the goodbye in the same datagram.
        let Some(session) = &client.session else { continue };
        let fragment_len = session.settings.fragment_len;
        let claimed = (0..map.bits.len() * 8).filter(|place| map.bits[place / 8] >> (place % 8) & 1 == 1);
        for place in claimed {
            let id = FrameId(map.base.0 + u32::try_from(place).unwrap());
            assert!(id >= map.oldest);
            let entry = client.frames.get(id).expect("a claimed frame is held");
            for index in 0..entry.count {
                let len = fragment_len_at(entry.info.len, fragment_len, index);
                let bytes = client.store.read(FragmentRef { key: entry.key, index, len });
                assert!(bytes.is_some_and(|bytes| bytes.iter().all(|&byte| byte == bytes[0])));
            }
        }
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 1_500,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_client.txt"))),
        ..Config::default()
    })]

    #[test]
    fn any_calls_leave_the_client_consistent(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        play(&bytes, &mut look);
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..1_000)) {
        let run = || {
            let mut sent: Vec<Vec<u8>> = Vec::new();
            play(&bytes, &mut |_, datagram| sent.extend(datagram.map(<[u8]>::to_vec)));
            sent
        };
        prop_assert_eq!(run(), run());
    }
}
