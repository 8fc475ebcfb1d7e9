use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use livesky_core::Instant;

use super::{NatBox, can_connect};
use crate::scenario::NatKind;

const KINDS: [NatKind; 4] =
    [NatKind::FullCone, NatKind::AddressRestricted, NatKind::PortRestricted, NatKind::Symmetric];
const NOW: Instant = Instant::from_millis(1_000);

fn remote(host: u8, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, host), port)
}

/// Sends to `(1, 80)`, then asks who may answer: the same, another port of it, another host.
fn answers(kind: NatKind) -> [bool; 3] {
    let mut nat = NatBox::new(kind, Duration::from_secs(120));
    let port = nat.outward(NOW, 0, 9_000, remote(1, 80));
    [remote(1, 80), remote(1, 81), remote(2, 80)].map(|from| nat.inward(NOW, from, port) == Some((0, 9_000)))
}

#[test]
fn each_kind_lets_in_whom_it_should() {
    assert_eq!(
        KINDS.map(answers),
        [[true, true, true], [true, true, false], [true, false, false], [true, false, false]]
    );
}

#[test]
fn only_a_symmetric_box_maps_by_destination() {
    for kind in KINDS {
        let mut nat = NatBox::new(kind, Duration::from_secs(120));
        let ports = [remote(1, 80), remote(1, 81), remote(2, 80)].map(|to| nat.outward(NOW, 0, 9_000, to));
        let is_one = ports[0] == ports[1] && ports[0] == ports[2];
        assert_eq!(is_one, kind != NatKind::Symmetric, "{kind:?}");
        assert_ne!(nat.outward(NOW, 1, 9_000, remote(1, 80)), ports[0], "another host has another port");
    }
}

#[test]
fn mappings_time_out_unless_used_outwards() {
    let mut nat = NatBox::new(NatKind::FullCone, Duration::from_secs(30));
    let port = nat.outward(NOW, 0, 9_000, remote(1, 80));
    let later = NOW + Duration::from_secs(29);
    assert!(nat.inward(later, remote(1, 80), port).is_some());
    assert!(nat.inward(later + Duration::from_secs(2), remote(1, 80), port).is_none());
    let again = nat.outward(later + Duration::from_secs(2), 0, 9_000, remote(1, 80));
    assert!(nat.inward(later + Duration::from_secs(2), remote(1, 80), again).is_some());
}

#[test]
fn a_permission_ends_by_itself() {
    let mut nat = NatBox::new(NatKind::PortRestricted, Duration::from_secs(30));
    let port = nat.outward(NOW, 0, 9_000, remote(1, 80));
    let later = NOW + Duration::from_secs(31);
    nat.outward(NOW + Duration::from_secs(20), 0, 9_000, remote(2, 80));
    assert!(nat.inward(later, remote(2, 80), port).is_some());
    assert!(nat.inward(later, remote(1, 80), port).is_none());
}

/// Both send to the address the other has towards a third, three times, as hole punching does; then each answers where a
/// datagram came from.
fn punch(one: NatKind, other: NatKind) -> bool {
    let edge = remote(9, 7_000);
    let ips = [remote(1, 0), remote(2, 0)];
    let mut boxes = [one, other].map(|kind| NatBox::new(kind, Duration::from_secs(120)));
    let known = [0, 1].map(|side| {
        let port = boxes[side].outward(NOW, 0, 9_000, edge);
        SocketAddrV4::new(*ips[side].ip(), port)
    });
    let mut targets = [known[1], known[0]];
    let mut heard = [false; 2];
    for _ in 0..3 {
        let sources = [0, 1].map(|side| {
            let port = boxes[side].outward(NOW, 0, 9_000, targets[side]);
            SocketAddrV4::new(*ips[side].ip(), port)
        });
        for side in [0, 1] {
            let arrives = *targets[side].ip() == *ips[1 - side].ip()
                && boxes[1 - side].inward(NOW, sources[side], targets[side].port()).is_some();
            if arrives {
                heard[1 - side] = true;
                targets[1 - side] = sources[side];
            }
        }
    }
    heard == [true, true]
}

#[test]
fn the_table_of_pairs_is_what_punching_finds() {
    for one in KINDS {
        for other in KINDS {
            assert_eq!(punch(one, other), can_connect(one, other), "{one:?} and {other:?}");
        }
    }
}
