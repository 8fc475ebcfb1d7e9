//! Times one kind of work and lets the rest pass.

use core::time::Duration;
use std::time::Instant;

/// Work that can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client takes in a fragment: the datagram and its events.
    ClientFragment,
    /// A client does what is due: playout, acknowledgements, its rounds over peers and feeds.
    ClientTimeout,
    /// A client gives out a datagram, control or data.
    ClientTransmit,
    /// A client says when it wants to be called.
    ClientDeadline,
    /// An edge gives out a datagram.
    EdgeTransmit,
    /// An edge takes in an acknowledgement.
    EdgeAck,
    /// An edge takes in a frame, for each subscriber.
    EdgeFrame,
    /// A data datagram is read.
    Parse,
    /// A data header is written.
    Write,
}

/// Sums up the time of one kind of work.
pub(crate) struct Gauge {
    kind: Kind,
    spent: Duration,
    calls: u32,
    operations: u64,
    /// Work beyond this many operations is not timed: a step of a scene may bring more.
    operations_max: u64,
}

impl Gauge {
    pub(crate) fn new(kind: Kind, operations_max: u64) -> Self {
        Self { kind, spent: Duration::ZERO, calls: 0, operations: 0, operations_max }
    }

    /// Does the work, which tells how many operations it was, and times it if it is of the right kind.
    pub(crate) fn measure(&mut self, kind: Kind, mut work: impl FnMut() -> u64) {
        if kind != self.kind || self.operations >= self.operations_max {
            work();
            return;
        }
        let start = Instant::now();
        let operations = measured(&mut work);
        self.spent += start.elapsed();
        self.calls += 1;
        self.operations += operations;
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    /// Nanoseconds of one operation, without what looking at the clock costs.
    pub(crate) fn ns_each(&self) -> f64 {
        let mut clock: Vec<Duration> = (0..1_001)
            .map(|_| {
                let start = Instant::now();
                measured(&mut || 0);
                start.elapsed()
            })
            .collect();
        clock.sort_unstable();
        let spent = self.spent.saturating_sub(clock[clock.len() / 2] * self.calls);
        spent.as_secs_f64() * 1e9 / self.operations as f64
    }
}

/// All that is timed happens below this function: callgrind counts what is inside.
#[inline(never)]
fn measured(work: &mut dyn FnMut() -> u64) -> u64 {
    core::hint::black_box(work())
}
