//! Time for those who look once in a while.

use core::time::Duration;

use livesky_core::Instant;
use livesky_std::{Runtime, Smol};

/// Ticks at a fixed rate; ticks that were slept through are left out.
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    every: Duration,
    next: Instant,
}

impl Ticker {
    /// The first tick comes after `every`.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self { every, next: Smol::now() + every }
    }

    /// Waits for the next tick.
    pub async fn tick(&mut self) {
        Smol::sleep_until(self.next).await;
        self.next = (self.next + self.every).max(Smol::now());
    }
}

/// Waits for `time`.
pub async fn sleep(time: Duration) {
    Smol::sleep_until(Smol::now() + time).await;
}

/// Waits for `time`, or for ever when there is none.
pub async fn sleep_some(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => core::future::pending().await,
    }
}
