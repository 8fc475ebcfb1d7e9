//! A random world from a seed: a configuration, then churn and faults, then calm.
//!
//! Safety: no rule is broken at any time. Liveness: when everything is well again everybody plays; whoever is not let in
//! knows why.

use livesky_core::rng::Rng;

use crate::results::{Results, Violation};
use crate::scenario::{
    BurstLossSpec, ChannelSpec, EdgeSpec, FaultSpec, FlashSpec, FrameSizes, HostSet, HostSpec, IspSpec,
    MappingName, NatKind, NatSpec, NetworkSpec, OverlayName, PopulationSpec, RegionSpec, RunSpec, Scenario,
    UplinkRange,
};
use crate::seeds::{Draw, Purpose, stream};

/// Time for faults and churn, in seconds.
const TROUBLE_S: f64 = 30.0;
/// Time after that: twice what a viewer may go without playing, so that liveness can fail.
const CALM_S: f64 = 45.0;

/// What a swarm came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SwarmReport {
    /// What was drawn.
    pub scenario: Scenario,
    /// What came of it.
    pub results: Results,
}

/// Lives through the world of a seed.
///
/// # Errors
/// The first rule that was broken.
pub fn swarm(seed: u64) -> Result<SwarmReport, Box<Violation>> {
    let scenario = draw(seed);
    let results = crate::run(&scenario, seed, &mut |_| {});
    match results.violations.first() {
        Some(violation) => Err(Box::new(violation.clone())),
        None => Ok(SwarmReport { scenario, results }),
    }
}

/// The scenario of a seed.
#[must_use]
pub fn draw(seed: u64) -> Scenario {
    let mut rng = stream(seed, Purpose::Swarm, 0);
    let initial = 2 + rng.below(59);
    let channel = channel(&mut rng);
    let edges = edges(&mut rng, &channel, initial);
    let faults = faults(&mut rng, edges.len());
    let mut scenario = Scenario {
        name: "swarm".to_owned(),
        about: format!("the random world of seed {seed}"),
        run: RunSpec { warm_up_s: 5.0, measure_s: TROUBLE_S + CALM_S, seeds: 1, sample_s: 1.0 },
        channel,
        edges,
        population: PopulationSpec {
            initial,
            ramp_s: rng.between(0.0, 5.0),
            joins_per_minute: one_of(&mut rng, &[0.0, 0.5, 1.0, 3.0]),
            leaves_per_minute: one_of(&mut rng, &[0.0, 0.5, 1.0, 2.0]),
            churn_until_s: Some(TROUBLE_S),
            silent_share: one_of(&mut rng, &[0.0, 0.1, 0.5, 1.0]),
            ..PopulationSpec::default()
        },
        clients: hosts(&mut rng),
        nat: nat(&mut rng),
        network: network(&mut rng),
        faults,
    };
    // From a stream of its own: what is added here changes nothing that is drawn above.
    rarely(&mut stream(seed, Purpose::Swarm, 1), &mut scenario);
    scenario
}

/// What not every world has.
fn rarely(rng: &mut Rng, scenario: &mut Scenario) {
    if rng.happens(0.1) {
        scenario.channel.overlay = OverlayName::Mesh;
    }
    for edge in &mut scenario.edges {
        edge.strict_stages = rng.happens(0.15);
        edge.hysteresis = one_of(rng, &[0.0, 0.0, 0.0, 2.0]);
        edge.estimate_churn = rng.happens(0.2);
        if edge.estimate_churn {
            // Several estimates in so short a life.
            edge.churn_interval_s = 5.0;
        }
    }
    scenario.clients.receive_only_share = one_of(rng, &[0.0, 0.0, 0.0, 0.3]);
    // Plain players take of the capacity, which may be a quarter of what all need.
    scenario.clients.udp_blocked_share = one_of(rng, &[0.0, 0.0, 0.0, 0.1]);
    if scenario.clients.udp_blocked_share == 0.0 && rng.happens(0.1) {
        scenario.edges.iter_mut().for_each(|edge| edge.legacy_bps = edge.capacity_bps / 4);
    }
    if rng.happens(0.2) {
        let clients = 1 + rng.below(scenario.population.initial);
        let at_s = rng.between(0.0, TROUBLE_S - 10.0);
        scenario.population.flash.push(FlashSpec { at_s, over_s: rng.between(0.0, 10.0), clients });
    }
    if scenario.edges.len() > 1 && rng.happens(0.4) {
        let at_s = rng.between(0.0, TROUBLE_S - 5.0);
        scenario.faults.push(FaultSpec::EdgeDrain { at_s, edge: rng.place(scenario.edges.len()) });
    }
    if rng.happens(0.2) {
        apart(rng, scenario);
    }
}

/// Two regions and two ISPs, and edges in some of them.
fn apart(rng: &mut Rng, scenario: &mut Scenario) {
    let share = rng.between(0.1, 0.9);
    let far_ms = rng.between(0.0, 80.0);
    let region = |name: &str, share, delay_ms| RegionSpec { name: name.to_owned(), share, delay_ms };
    let isp = |name: &str, share| IspSpec { name: name.to_owned(), share };
    let network = &mut scenario.network;
    network.regions =
        vec![region("near", share, vec![0.0, far_ms]), region("far", 1.0 - share, vec![far_ms, 0.0])];
    network.isps = vec![isp("one", 0.5), isp("two", 0.5)];
    scenario.population.mapped_right = one_of(rng, &[1.0, 0.5]);
    for edge in &mut scenario.edges {
        edge.region = Some(one_of(rng, &["near", "far"]).to_owned());
        edge.isp = Some(one_of(rng, &["one", "two"]).to_owned());
    }
}

fn one_of<T: Copy>(rng: &mut Rng, choice: &[T]) -> T {
    let place = rng.place(choice.len());
    #[expect(clippy::indexing_slicing, reason = "a place in the slice, which is never empty")]
    choice[place]
}

fn channel(rng: &mut Rng) -> ChannelSpec {
    let target_buffer_ms = one_of(rng, &[2_000, 3_000, 6_000, 15_000]);
    ChannelSpec {
        rate_bps: one_of(rng, &[100_000, 400_000, 400_000, 1_000_000, 2_000_000]),
        gop_frames: one_of(rng, &[10, 25, 50]),
        frame_sizes: one_of(rng, &[FrameSizes::Gop, FrameSizes::Gop, FrameSizes::Constant]),
        substreams: one_of(rng, &[1, 2, 4, 6, 8]),
        mapping: one_of(rng, &[MappingName::Scattered, MappingName::RoundRobin]),
        target_buffer_ms,
        levels_max: one_of(rng, &[1, 2, 2, 3, 6]),
        overlay: one_of(rng, &[OverlayName::Push, OverlayName::Push, OverlayName::Push, OverlayName::Off]),
        ..ChannelSpec::default()
    }
}

fn edges(rng: &mut Rng, channel: &ChannelSpec, clients: u32) -> Vec<EdgeSpec> {
    let count = one_of(rng, &[1, 1, 1, 2]);
    let edges = (0..count).map(|_| {
        // From a quarter of the clients to twice as many can be fed.
        let fed = u64::from(clients.max(4)) * u64::from(25 + rng.below(175)) / 100;
        let capacity_bps = (u64::from(channel.rate_bps) * (fed + 2)).max(500_000);
        EdgeSpec {
            capacity_bps,
            n1: 1 + rng.below(10),
            alpha: one_of(rng, &[0.3, 0.54, 1.0]),
            ..EdgeSpec::default()
        }
    });
    edges.collect()
}

fn hosts(rng: &mut Rng) -> HostSpec {
    let rich = vec![UplinkRange { share: 1.0, low: 0.5, high: 3.0 }];
    let uplinks = if rng.happens(0.4) { rich } else { HostSpec::default().uplinks };
    let least = rng.between(2.0, 60.0);
    HostSpec {
        uplinks,
        told_share: one_of(rng, &[0.8, 1.0, 1.0, 1.2]),
        downlink_bps: one_of(rng, &[None, Some(20_000_000)]),
        rtt_ms: [least, least + rng.between(0.0, 100.0)],
        peers_max: one_of(rng, &[8, 24, 24]),
        ..HostSpec::default()
    }
}

fn nat(rng: &mut Rng) -> Vec<NatSpec> {
    if rng.happens(0.6) {
        return Vec::new();
    }
    let kinds = [NatKind::FullCone, NatKind::AddressRestricted, NatKind::PortRestricted, NatKind::Symmetric];
    let specs = kinds.map(|kind| NatSpec {
        share: 0.2,
        kind,
        mapping_timeout_s: one_of(rng, &[30.0, 120.0]),
        hosts_per_box: one_of(rng, &[1, 1, 3]),
    });
    specs.to_vec()
}

fn network(rng: &mut Rng) -> NetworkSpec {
    let burst_loss = BurstLossSpec { to_bad: 0.005, to_good: 0.1, loss: 0.5 };
    NetworkSpec {
        loss: one_of(rng, &[0.0, 0.01, 0.02, 0.05]),
        burst_loss: rng.happens(0.2).then_some(burst_loss),
        duplicate: one_of(rng, &[0.0, 0.0, 0.01]),
        jitter_ms: one_of(rng, &[0.0, 2.0, 15.0]),
        keep_order: rng.happens(0.2),
        ..NetworkSpec::default()
    }
}

fn faults(rng: &mut Rng, edges: usize) -> Vec<FaultSpec> {
    let count = rng.below(4);
    let faults = (0..count).map(|_| {
        let at_s = rng.between(0.0, TROUBLE_S - 12.0);
        let for_s = rng.between(0.5, 10.0);
        let edge = rng.place(edges);
        match rng.below(7) {
            0 => FaultSpec::EdgeUplink { at_s, for_s, edge, to_share: rng.between(0.2, 0.8) },
            1 => {
                let from = HostSet::ClientShare(rng.between(0.1, 0.6));
                FaultSpec::Partition { at_s, for_s, from, to: HostSet::Edge(edge), one_way: rng.happens(0.5) }
            }
            2 => {
                let from = HostSet::ClientShare(rng.between(0.1, 0.6));
                FaultSpec::Partition { at_s, for_s, from, to: HostSet::Clients, one_way: rng.happens(0.5) }
            }
            3 => FaultSpec::Loss { at_s, for_s, share: rng.between(0.05, 0.4) },
            4 => FaultSpec::ClientUplink {
                at_s,
                for_s,
                clients: 1 + rng.place(5),
                to_share: rng.between(0.1, 0.9),
            },
            5 => FaultSpec::MassDeparture { at_s, share: rng.between(0.1, 0.6), silent: rng.happens(0.7) },
            _ => FaultSpec::EdgeRestart { at_s, for_s: for_s / 4.0, edge },
        }
    });
    faults.collect()
}
