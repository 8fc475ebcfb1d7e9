use super::*;
use crate::network::HostId;
use crate::world::memory::{ClientMemory, EdgeMemory};
use crate::world::plan::Plan;

const SCENARIO: &str = r#"
name = "overlap"
population = { initial = 1 }
clients = { uplinks = [{ share = 1, low = 20, high = 20 }] }
edges = [{ capacity-bps = 80_000_000, line-ratio = 1 }]
faults = [
    { kind = "edge-uplink", at-s = 0, for-s = 9, to-share = 0.5 },
    { kind = "edge-uplink", at-s = 1, for-s = 1, to-share = 0.8 },
    { kind = "client-uplink", at-s = 0, for-s = 1, clients = 1, to-share = 0.5 },
    { kind = "client-uplink", at-s = 0, for-s = 9, clients = 1, to-share = 0.5 },
    { kind = "loss", at-s = 0, for-s = 9, share = 1 },
    { kind = "loss", at-s = 1, for-s = 1, share = 0.1 },
    { kind = "edge-restart", at-s = 0, for-s = 9 },
    { kind = "edge-restart", at-s = 1, for-s = 1 },
]
"#;

/// What a faultless line of 80 Mbit/s and one of 8 Mbit/s take for 1,000 bytes, in microseconds.
const EDGE_US: u64 = 100;
const CLIENT_US: u64 = 1_000;

fn in_a_world(test: impl Fn(&mut World<'_>)) {
    let scenario = Scenario::parse(SCENARIO, "overlap.toml").unwrap();
    let plan = Plan::new(&scenario, 1);
    let settings = scenario.channel.settings();
    let mut clients: Vec<ClientMemory> =
        (0..plan.present_max).map(|_| ClientMemory::new(&settings, 24)).collect();
    let lives = 1 + restarts(&scenario).count();
    let mut edges: Vec<EdgeMemory> = (0..lives).map(|_| EdgeMemory::new(&settings, 10)).collect();
    let mut world = World::new(&scenario, 1, plan, &mut clients, &mut edges);
    world.join(0);
    // What it said has left.
    world.wire.now = livesky_core::Instant::from_millis(1_000);
    test(&mut world);
}

/// How long 1,000 bytes take on a host's uplink.
fn takes_us(world: &World<'_>, host: u32) -> u64 {
    let now = world.wire.now;
    let mut line = world.wire.network.host(HostId(host)).unwrap().uplink;
    line.pass(now, 1_000).unwrap().micros_since(now)
}

#[test]
fn an_edges_line_is_as_the_worst_fault_leaves_it() {
    in_a_world(|world| {
        assert_eq!(takes_us(world, 0), EDGE_US);
        world.begin_fault(0);
        assert_eq!(takes_us(world, 0), 2 * EDGE_US);
        world.begin_fault(1);
        assert_eq!(takes_us(world, 0), 2 * EDGE_US);
        world.end_fault(1);
        assert_eq!(takes_us(world, 0), 2 * EDGE_US, "the other one lasts");
        world.end_fault(0);
        assert_eq!(takes_us(world, 0), EDGE_US);
    });
}

#[test]
fn an_uplink_hit_twice_is_whole_again_when_both_faults_are_over() {
    in_a_world(|world| {
        world.begin_fault(2);
        world.begin_fault(3);
        assert_eq!(takes_us(world, 1), 4 * CLIENT_US);
        world.end_fault(2);
        assert_eq!(takes_us(world, 1), 2 * CLIENT_US, "the other one lasts");
        world.end_fault(3);
        assert_eq!(takes_us(world, 1), CLIENT_US);
    });
}

#[test]
fn a_short_loss_does_not_end_a_long_one() {
    in_a_world(|world| {
        let is_lost = |world: &mut World<'_>| {
            let (now, edge) = (world.wire.now, world.wire.network.addressing().edge(0, 0));
            let departed = (0..50).map(|_| world.wire.network.depart(now, HostId(1), 0, edge, 10));
            departed.filter(|departed| *departed == crate::network::Departed::Lost).count()
        };
        world.begin_fault(4);
        world.begin_fault(5);
        assert_eq!(is_lost(world), 50);
        world.end_fault(5);
        assert_eq!(is_lost(world), 50, "the other one lasts");
        world.end_fault(4);
        assert!(is_lost(world) < 10);
    });
}

#[test]
fn an_edge_comes_back_when_nothing_keeps_it_down() {
    in_a_world(|world| {
        world.begin_fault(6);
        world.begin_fault(7);
        world.end_fault(7);
        assert!(world.services[0].is_down, "the other one lasts");
        world.end_fault(6);
        assert!(!world.services[0].is_down);
    });
}
