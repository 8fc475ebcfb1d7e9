//! Viewers behind NATs: what they find out about them, who is introduced to whom, and who meets.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "a test that panics fails, as it should"
)]

mod pair;

use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use livesky_core::Instant;
use livesky_core::client::ClientConfig;
use livesky_core::edge::{EdgeConfig, EdgeSockets};
use livesky_core::media::ChannelSettings;
use livesky_core::nat::{NatClass, NatFiltering, NatKind, NatMapping, can_meet, is_local};
use livesky_core::rng::Rng;
use livesky_core::wire::control::ClientId;
use livesky_core::wire::{Datagram, Message};
use pair::{Impairment, NatBox, NatModel, World, edge_address, edge_second_address, is_gapless};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(10);
/// The bar: 1 % loss at 40 ms.
const LOSSY: Impairment = Impairment { loss_permille: 10, ..Impairment::NONE };

/// What somebody was told of somebody else's addresses.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    /// Whom, by the address the edge sends to.
    to: SocketAddr,
    /// Of whom.
    of: ClientId,
    address: SocketAddr,
    is_candidate: bool,
}

struct Watch {
    world: World,
    told: Rc<RefCell<Vec<Told>>>,
    /// When each viewer first had each other one among its peers.
    met: BTreeMap<(usize, ClientId), Instant>,
}

fn told_in(at: Instant, to: SocketAddr, bytes: &[u8]) -> Vec<Told> {
    let Ok(Datagram::Control(_, messages)) = Datagram::parse(bytes) else { return Vec::new() };
    let mut told = Vec::new();
    for message in messages.flatten() {
        let candidates = match &message {
            Message::Welcome(welcome) => welcome.candidates.as_slice(),
            Message::Candidates { list } => list.as_slice(),
            _ => &[],
        };
        told.extend(candidates.iter().map(|candidate| Told {
            at,
            to,
            of: candidate.client,
            address: candidate.address,
            is_candidate: true,
        }));
        if let Message::Introduce(introduce) = &message {
            let addresses = introduce.addresses.iter();
            told.extend(addresses.map(|&address| Told {
                at,
                to,
                of: introduce.client,
                address,
                is_candidate: false,
            }));
        }
    }
    told
}

impl Watch {
    /// An edge of two sockets with `n1` push clients.
    fn new(seed: u64, n1: u32, impairment: Impairment) -> Self {
        let sockets = Some(EdgeSockets { main: edge_address(), second: edge_second_address() });
        let config = EdgeConfig { n1, sockets, ..EdgeConfig::default() };
        let mut world = World::new(seed, config, ChannelSettings::default(), impairment);
        let told = Rc::new(RefCell::new(Vec::new()));
        let tapped = Rc::clone(&told);
        world.control_tap = Some(Box::new(move |at, from, to, bytes| {
            if from == edge_address() {
                tapped.borrow_mut().extend(told_in(at, to, bytes));
            }
        }));
        world.run(20 * SECOND);
        Self { world, told, met: BTreeMap::new() }
    }

    /// A viewer behind a NAT of its own, or behind none.
    fn join(&mut self, model: Option<NatModel>, upload_bps: u32) -> usize {
        let behind = model.map(|model| self.add_nat(model));
        self.world.join_as(ClientConfig { upload_bps, ..ClientConfig::default() }, behind)
    }

    fn add_nat(&mut self, model: NatModel) -> usize {
        let nat = self.world.nats.len();
        self.world.nats.push(NatBox::new(model, Ipv4Addr::new(203, 0, 113, u8::try_from(nat).unwrap())));
        nat
    }

    fn run(&mut self, span: Duration) {
        let end = self.world.now + span;
        while self.world.now < end {
            self.world.run(TICK);
            for (index, viewer) in self.world.viewers.iter().enumerate() {
                for peer in viewer.client.peers() {
                    self.met.entry((index, peer.client)).or_insert(self.world.now);
                }
            }
        }
    }

    fn model_of(&self, index: usize) -> Option<NatModel> {
        self.world.viewers[index].behind.map(|nat| self.world.nats[nat].model)
    }

    fn kind_of(&self, index: usize) -> NatKind {
        let view = self.world.viewers[index].client.view(self.world.now);
        view.map_or(NatKind::Unknown, |view| view.nat.kind())
    }

    fn by_client(&self) -> BTreeMap<ClientId, usize> {
        let views = self.world.viewers.iter().enumerate();
        views
            .filter_map(|(index, viewer)| Some((viewer.client.view(self.world.now)?.client, index)))
            .collect()
    }

    fn by_public(&self) -> BTreeMap<SocketAddr, usize> {
        let views = self.world.viewers.iter().enumerate();
        views
            .filter_map(|(index, viewer)| Some((viewer.client.view(self.world.now)?.observed, index)))
            .collect()
    }
}

/// What the models themselves let through, both sending to where the edge sees the other.
fn is_possible(one: Option<NatModel>, other: Option<NatModel>) -> bool {
    use NatModel::{PortRestricted, Symmetric};
    !matches!(
        (one, other),
        (Some(Symmetric), Some(Symmetric | PortRestricted)) | (Some(PortRestricted), Some(Symmetric))
    )
}

fn expected_kinds(model: Option<NatModel>) -> &'static [NatKind] {
    match model {
        None => &[NatKind::Open],
        // One address of the edge cannot tell these two apart; a stranger's visit can.
        Some(NatModel::FullCone) => &[NatKind::FullCone, NatKind::RestrictedCone],
        Some(NatModel::Restricted) => &[NatKind::RestrictedCone],
        Some(NatModel::PortRestricted) => &[NatKind::PortRestricted],
        Some(NatModel::Symmetric) => &[NatKind::Symmetric],
    }
}

#[test]
fn a_client_finds_out_what_its_nat_does_and_tells_the_edge() {
    let mut watch = Watch::new(1, 10, Impairment::NONE);
    let models = [None].into_iter().chain(NatModel::ALL.map(Some));
    let joined: Vec<_> = models.map(|model| (watch.join(model, 0), model)).collect();
    watch.run(600 * Duration::from_millis(1));
    for &(index, model) in &joined {
        let view = watch.world.viewers[index].client.view(watch.world.now).unwrap();
        assert!(expected_kinds(model).contains(&view.nat.kind()), "{model:?}: {:?}", view.nat);
        let told = watch.world.edge.client(view.client).unwrap();
        assert_eq!(told.nat(), view.nat, "{model:?}");
        assert_eq!(told.address(), view.observed);
    }
}

/// Lost questions are asked again, and the wrong conclusion that an answer which was lost never came is rare.
#[test]
fn loss_seldom_changes_the_class() {
    let (mut right, mut all) = (0, 0);
    for seed in 0..6 {
        let mut watch = Watch::new(seed, 100, Impairment { loss_permille: 20, ..LOSSY });
        for place in 0..20 {
            watch.join(NatModel::ALL.get(place % 5).copied(), 0);
        }
        watch.run(3 * SECOND);
        for index in 0..20 {
            all += 1;
            right += usize::from(expected_kinds(watch.model_of(index)).contains(&watch.kind_of(index)));
        }
    }
    assert!(right * 100 >= all * 98, "{right} of {all}");
}

/// One pair of each two kinds, the first a supplier, at 40 ms: those that can meet do, within a second; the others are not told of
/// each other.
#[test]
fn pairs_meet_when_their_nats_let_them() {
    let kinds = || [None].into_iter().chain(NatModel::ALL.map(Some));
    for supplier in kinds() {
        for asker in kinds() {
            let mut watch = Watch::new(7, 1, Impairment::NONE);
            let parent = watch.join(supplier, 600_000);
            watch.run(5 * SECOND);
            let child = watch.join(asker, 0);
            watch.run(5 * SECOND);
            let ids: Vec<_> = watch.by_client().into_iter().map(|(client, index)| (index, client)).collect();
            let id_of = |index| ids.iter().find(|(of, _)| *of == index).unwrap().1;
            let is_told =
                watch.told.borrow().iter().any(|told| told.of == id_of(parent) && told.is_candidate);
            assert_eq!(is_told, is_possible(supplier, asker), "{supplier:?} {asker:?}");
            let met = watch.met.get(&(child, id_of(parent)));
            assert_eq!(met.is_some(), is_told, "{supplier:?} {asker:?}");
            assert_eq!(watch.met.contains_key(&(parent, id_of(child))), is_told, "{supplier:?} {asker:?}");
            if is_told {
                let stats = watch.world.viewers[child].client.stats();
                assert_eq!((stats.peers_met, stats.peers_unmet), (1, 0), "{supplier:?} {asker:?}");
                let view = watch.world.viewers[child].client.view(watch.world.now).unwrap();
                assert!(
                    view.parents.contains(&Some(id_of(parent))),
                    "{supplier:?} {asker:?} {:?}",
                    view.parents
                );
            }
        }
    }
}

/// The row: 10 % open, 50 % cones in thirds, 40 % symmetric; 97 % of the pairs that can connect do, p95 below a second.
#[test]
fn in_a_crowd_nearly_all_introduced_pairs_meet_soon() {
    let (mut introduced, mut waits) = (0_usize, Vec::new());
    for seed in 0..4 {
        let mut watch = Watch::new(seed, 4, LOSSY);
        let mut rng = Rng::from_seed(seed);
        for _ in 0..24 {
            let model = match rng.below(30) {
                0..3 => None,
                3..8 => Some(NatModel::FullCone),
                8..13 => Some(NatModel::Restricted),
                13..18 => Some(NatModel::PortRestricted),
                _ => Some(NatModel::Symmetric),
            };
            watch.join(model, 600_000);
            watch.run(SECOND / 2);
        }
        watch.run(20 * SECOND);
        let (by_client, by_public) = (watch.by_client(), watch.by_public());
        let mut pairs = BTreeMap::new();
        for told in watch.told.borrow().iter().filter(|told| told.is_candidate) {
            let (Some(&asker), Some(&named)) = (by_public.get(&told.to), by_client.get(&told.of)) else {
                continue;
            };
            assert!(is_possible(watch.model_of(asker), watch.model_of(named)), "{asker} and {named}");
            pairs.entry((asker, told.of)).or_insert(told.at);
        }
        introduced += pairs.len();
        for (pair, at) in pairs {
            waits.extend(watch.met.get(&pair).map(|met| met.since(at)));
        }
        let failed = watch.world.edge.stats().introductions_failed;
        println!("seed {seed}: {} met of {introduced} so far, {failed} reported as failed", waits.len());
    }
    waits.sort();
    let p95 = waits[waits.len() * 95 / 100];
    println!("{} of {introduced} met, p50 {:?}, p95 {p95:?}", waits.len(), waits[waits.len() / 2]);
    assert!(introduced > 80 && waits.len() * 100 >= introduced * 97, "{} of {introduced}", waits.len());
    assert!(p95 < SECOND, "{p95:?}");
}

/// Behind one NAT that lets neither reach the other from outside, the private addresses do.
#[test]
fn neighbours_meet_at_home() {
    let mut watch = Watch::new(3, 1, LOSSY);
    let home = watch.add_nat(NatModel::Symmetric);
    let config = ClientConfig { upload_bps: 600_000, ..ClientConfig::default() };
    let parent = watch.world.join_as(config, Some(home));
    watch.run(5 * SECOND);
    let child = watch.world.join_as(config, Some(home));
    watch.run(20 * SECOND);
    let parent_address = watch.world.viewers[parent].address;
    let peers: Vec<_> = watch.world.viewers[child].client.peers().map(|peer| peer.remote).collect();
    assert_eq!(peers, [parent_address]);
    assert!(is_gapless(&watch.world.viewers[child].played));
    let back: Vec<_> = watch.world.viewers[parent].client.peers().map(|peer| peer.remote).collect();
    assert_eq!(back, [watch.world.viewers[child].address]);
}

/// Who may not upload is fed by peers and is nobody's candidate.
#[test]
fn a_receive_only_client_is_never_named() {
    let mut watch = Watch::new(4, 1, LOSSY);
    watch.join(None, 600_000);
    watch.run(5 * SECOND);
    let config = ClientConfig { upload_bps: 5_000_000, receive_only: true, ..ClientConfig::default() };
    let metered = watch.world.join_as(config, None);
    watch.run(10 * SECOND);
    for _ in 0..4 {
        watch.join(Some(NatModel::Restricted), 600_000);
        watch.run(5 * SECOND);
    }
    let view = watch.world.viewers[metered].client.view(watch.world.now).unwrap();
    assert_eq!(view.slots_max, 0);
    let is_named = watch.told.borrow().iter().any(|told| told.of == view.client && told.is_candidate);
    assert!(!is_named);
    let watched = watch.world.viewers[metered].client.watch_stats(watch.world.now);
    assert!(watched.bytes_peers > 0 && watched.bytes_uploaded == 0, "{watched:?}");
}

/// Nobody is told an address of anybody but those that are told of it too; private ones go to neighbours alone.
#[test]
fn addresses_are_told_to_introduced_peers_alone() {
    for seed in 0..8 {
        let mut watch = Watch::new(seed, 2, Impairment::ROUGH);
        let mut rng = Rng::from_seed(seed);
        let shared = watch.add_nat(NatModel::ALL[rng.below(4) as usize]);
        for _ in 0..16 {
            let upload_bps = [0, 600_000, 1_200_000][rng.below(3) as usize];
            if rng.below(4) == 0 {
                watch.world.join_as(ClientConfig { upload_bps, ..ClientConfig::default() }, Some(shared));
            } else {
                watch.join(NatModel::ALL.get(rng.below(5) as usize).copied(), upload_bps);
            }
            watch.run(Duration::from_millis(u64::from(rng.below(1_500))));
        }
        watch.run(20 * SECOND);
        let (by_client, by_public) = (watch.by_client(), watch.by_public());
        let told = watch.told.borrow();
        let known: Vec<_> = told
            .iter()
            .filter_map(|told| Some((told, *by_public.get(&told.to)?, *by_client.get(&told.of)?)))
            .collect();
        assert!(!known.is_empty());
        let ends: BTreeSet<_> = known.iter().map(|&(_, to, of)| (to, of)).collect();
        for (told, to, of) in known {
            assert!(ends.contains(&(of, to)), "seed {seed}: {to} was told of {of}, who knows nothing of it");
            let (to, of) = (&watch.world.viewers[to], &watch.world.viewers[of]);
            let is_neighbour = to.behind.is_some() && to.behind == of.behind;
            assert!(!is_local(&told.address.ip()) || is_neighbour, "seed {seed}: {told:?}");
            let public = of.client.view(watch.world.now).unwrap().observed;
            assert!(
                told.address == public || (told.address == of.address && is_neighbour),
                "seed {seed}: {told:?}"
            );
        }
    }
}

/// What a NAT model does, in full.
fn truth(model: Option<NatModel>) -> NatClass {
    let (mapping, filtering) = match model {
        None => (NatMapping::Direct, NatFiltering::Independent),
        Some(NatModel::FullCone) => (NatMapping::Independent, NatFiltering::Independent),
        Some(NatModel::Restricted) => (NatMapping::Independent, NatFiltering::AddressDependent),
        Some(NatModel::PortRestricted) => (NatMapping::Independent, NatFiltering::PortDependent),
        Some(NatModel::Symmetric) => (NatMapping::PortDependent, NatFiltering::PortDependent),
    };
    NatClass { mapping, filtering }
}

/// Whether a class has its client introduced to nobody whom the NAT behind it cannot meet.
fn is_no_more_open(found: NatClass, truth: NatClass) -> bool {
    let mappings =
        [NatMapping::Unknown, NatMapping::Direct, NatMapping::Independent, NatMapping::PortDependent];
    let filterings = [NatFiltering::Unknown, NatFiltering::AddressDependent, NatFiltering::PortDependent];
    let mut others =
        mappings.into_iter().flat_map(|mapping| filterings.map(|filtering| NatClass { mapping, filtering }));
    let openness = |filtering: NatFiltering| match filtering {
        NatFiltering::Independent => 2,
        NatFiltering::AddressDependent => 1,
        NatFiltering::Unknown | NatFiltering::PortDependent => 0,
    };
    others.all(|other| !can_meet(found, other) || can_meet(truth, other))
        && openness(found.filtering) <= openness(truth.filtering)
}

impl Watch {
    /// What each viewer and the edge have found out so far is no more open than it is.
    fn check_classes(&self) {
        for (index, viewer) in self.world.viewers.iter().enumerate() {
            let Some(view) = viewer.client.view(self.world.now) else { continue };
            let truth = truth(self.model_of(index));
            assert!(is_no_more_open(view.nat, truth), "{:?} is no {:?}", self.model_of(index), view.nat);
            let told = self.world.edge.client(view.client).map_or(NatClass::UNKNOWN, |client| client.nat());
            assert!(is_no_more_open(told, truth), "the edge has {told:?} for {:?}", self.model_of(index));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_nat.txt"))),
        ..ProptestConfig::default()
    })]

    /// Answers may be lost, come twice and overtake each other: nobody is ever taken for more open than it is, so that nobody is
    /// introduced in vain; and where all come in time, each is known for what it is.
    #[test]
    fn a_nat_is_never_taken_for_more_open_than_it_is(
        seed: u64,
        loss_permille in prop_oneof![1 => Just(0_u32), 2 => 0..301_u32],
        twice_permille in 0..500_u32,
        delay_ms in 0..80_u64,
        jitter_ms in prop_oneof![0..45_u64, 0..400_u64],
    ) {
        let impairment = Impairment {
            loss_permille,
            twice_permille,
            delay: Duration::from_millis(delay_ms),
            jitter: Duration::from_millis(jitter_ms),
        };
        let mut watch = Watch::new(seed, 100, impairment);
        let models: Vec<_> = [None].into_iter().chain(NatModel::ALL.map(Some)).collect();
        for &model in &models {
            watch.join(model, 0);
        }
        // The questions are all there is to see: frames would only take time.
        watch.world.is_publishing = false;
        for _ in 0..60 {
            watch.world.run(10 * TICK);
            watch.check_classes();
        }
        // Two answers to questions of one moment come within the time that the second one is waited for.
        let is_in_time = 2 * jitter_ms < 95;
        for (index, &model) in models.iter().enumerate().filter(|_| loss_permille == 0 && is_in_time) {
            let kind = watch.kind_of(index);
            prop_assert!(expected_kinds(model).contains(&kind), "{:?} is no {:?}", model, kind);
        }
    }
}
