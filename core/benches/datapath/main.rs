//! What core's data path costs: real machines in virtual time, one kind of work timed at a time.
//!
//! Prints a figure a line, as `cargo xtask bench` reads it. `--repeat NAME COUNT` does one operation COUNT times, for callgrind
//! with `--toggle-collect='*::measured'`; other words choose the operations whose names hold them.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench that panics is a bench that failed"
)]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod datagrams;
mod gauge;
#[path = "../../tests/pair/mod.rs"]
mod pair;
mod readers;
mod shape;
mod viewers;

use gauge::{Gauge, Kind};
use shape::Shape;

/// Times each operation is timed; the median counts.
const ROUNDS: usize = 101;
/// Operations of a round at least.
const ROUND_OPERATIONS: u64 = 2_000;
/// Most nanoseconds of one operation.
const GOAL: &str = "<= 300";

/// Machines at work, and the kind of work that is timed.
trait Scene {
    /// Lets a little time pass.
    fn step(&mut self, gauge: &mut Gauge);
}

/// An operation: its name, what is timed, and the scene it happens in.
struct Operation {
    name: &'static str,
    kind: Kind,
    scene: fn() -> Box<dyn Scene>,
}

const OPERATIONS: [Operation; 13] = [
    Operation {
        name: "client/fragment_400k",
        kind: Kind::ClientFragment,
        scene: || viewers::alone(Shape::SLIM),
    },
    Operation {
        name: "client/fragment_4m",
        kind: Kind::ClientFragment,
        scene: || viewers::alone(Shape::BROAD),
    },
    Operation { name: "client/fragment_relaying", kind: Kind::ClientFragment, scene: viewers::relaying },
    Operation { name: "client/timeout_relaying", kind: Kind::ClientTimeout, scene: viewers::relaying },
    Operation { name: "client/transmit", kind: Kind::ClientTransmit, scene: viewers::relaying },
    Operation { name: "client/deadline", kind: Kind::ClientDeadline, scene: viewers::relaying },
    Operation { name: "edge/transmit_1", kind: Kind::EdgeTransmit, scene: || readers::crowd(1) },
    Operation { name: "edge/transmit_1000", kind: Kind::EdgeTransmit, scene: || readers::crowd(1_000) },
    Operation { name: "edge/transmit_10000", kind: Kind::EdgeTransmit, scene: || readers::crowd(10_000) },
    Operation { name: "edge/ack_1000", kind: Kind::EdgeAck, scene: || readers::crowd(1_000) },
    Operation { name: "edge/frame_per_subscriber", kind: Kind::EdgeFrame, scene: || readers::crowd(1_000) },
    Operation { name: "wire/parse_data", kind: Kind::Parse, scene: datagrams::fragment },
    Operation { name: "wire/write_header", kind: Kind::Write, scene: datagrams::fragment },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, count] = arguments.as_slice()
        && flag == "--repeat"
    {
        let operation =
            OPERATIONS.iter().find(|operation| operation.name == name).expect("a known operation");
        let count = count.parse().expect("a count");
        run(&mut *(operation.scene)(), &mut Gauge::new(operation.kind, count), count);
        return;
    }
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    for operation in OPERATIONS.iter().filter(|operation| is_chosen(operation.name)) {
        let (name, value) = (operation.name, median_ns(operation));
        println!(r#"{{"name":"{name}","value":{value:.1},"unit":"ns","goal":"{GOAL}"}}"#);
    }
}

fn median_ns(operation: &Operation) -> f64 {
    let mut scene = (operation.scene)();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let mut gauge = Gauge::new(operation.kind, u64::MAX);
            run(&mut *scene, &mut gauge, ROUND_OPERATIONS);
            gauge.ns_each()
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn run(scene: &mut dyn Scene, gauge: &mut Gauge, operations: u64) {
    while gauge.operations() < operations {
        scene.step(gauge);
    }
}
