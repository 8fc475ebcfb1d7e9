//! Runs trials one after the other and says how they went.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::{boot, faults, long, network, watching};
use crate::firmware;
use crate::qemu::now;

/// Why a trial failed.
pub(super) type Failure = Box<dyn core::error::Error>;

/// What can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trial {
    /// Address by DHCP, datagrams to and fro in a burst, sleep when idle, exit status
    Boot,
    /// What a panic, an overflowing stack, a hang and missing settings end in
    Drill,
    /// A name looked up, a cable pulled for a while, and a neighbour on the same switch
    Network,
    /// Half a minute of real video at 400 kbit/s
    Watch,
    /// Half a minute at 4 Mbit/s, and what it costs
    Sharp,
    /// The same through loss, delay and reordering
    Lossy,
    /// Two boxes and a viewer on Linux: the second box is fed by the first
    Together,
    /// Another channel
    Zap,
    /// The edge dies, the cable is pulled, the lease changes
    Faults,
    /// A wrong channel, no DHCP, no DNS, no edge
    Troubles,
    /// Half an hour at 4 Mbit/s; only when it is named
    Long,
}

/// The firmware to try it with.
pub(super) struct Firmware {
    /// For 4 MiB of memory.
    pub(super) small: PathBuf,
    /// With ways to fail.
    pub(super) drill: PathBuf,
}

/// Fails with `what` unless it holds.
pub(super) fn expect(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(format!("this does not hold: {what}").into()) }
}

/// Runs the trials; all but the long one when none is named.
pub(crate) fn run(named: &[Trial]) -> ExitCode {
    let built = now();
    let firmware = firmware::build(&["drill"])
        .and_then(|drill| firmware::build(&["small"]).map(|small| Firmware { small, drill }));
    let firmware = match firmware {
        Ok(firmware) => firmware,
        Err(error) => {
            eprintln!("stb test: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("firmware built in {:.1} s", built.elapsed().as_secs_f32());
    let is_wanted =
        |trial: &&Trial| if named.is_empty() { **trial != Trial::Long } else { named.contains(trial) };
    let mut failed = false;
    for trial in Trial::value_variants().iter().filter(is_wanted) {
        let started = now();
        let result = match trial {
            Trial::Boot => boot::boot(&firmware),
            Trial::Drill => boot::drill(&firmware),
            Trial::Network => network::network(&firmware),
            Trial::Watch => watching::watch(&firmware),
            Trial::Sharp => watching::sharp(&firmware),
            Trial::Lossy => watching::lossy(&firmware),
            Trial::Together => watching::together(&firmware),
            Trial::Zap => watching::zap(&firmware),
            Trial::Faults => faults::faults(&firmware),
            Trial::Troubles => faults::troubles(&firmware),
            Trial::Long => long::long(&firmware),
        };
        let took = started.elapsed().as_secs_f32();
        match result {
            Ok(()) => println!("{trial:?}: passed in {took:.1} s"),
            Err(failure) => {
                println!("{trial:?}: FAILED after {took:.1} s: {failure}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
