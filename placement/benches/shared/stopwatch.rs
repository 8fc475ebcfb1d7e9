//! What a solver took.

use core::time::Duration;
use std::time::Instant;

/// Started at a call.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_before_s: Option<f64>,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), cpu_before_s: cpu_s() }
    }

    /// Seconds by the clock, and those this thread has computed: fewer when other programs run beside it.
    pub(crate) fn columns(&self) -> String {
        let cpu = cpu_s().zip(self.cpu_before_s).map(|(after, before)| format!("{:.3}", after - before));
        format!("{:>9.3}{:>9}", self.started.elapsed().as_secs_f64(), cpu.unwrap_or_default())
    }
}

fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: u64 = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(ns).as_secs_f64())
}
