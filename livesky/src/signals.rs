//! SIGINT and SIGTERM.

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use std::io;

/// The first SIGINT or SIGTERM asks the program to end; a second one ends it on the spot.
pub struct Interrupts {
    signals: Signals,
}

impl Interrupts {
    /// From here on the signals are caught.
    ///
    /// # Errors
    /// When the operating system does not let them be caught.
    pub fn catch() -> io::Result<Self> {
        Signals::new([Signal::Int, Signal::Term]).map(|signals| Self { signals })
    }

    /// Completes at the next signal.
    pub async fn next(&mut self) {
        if self.signals.next().await.is_none() {
            core::future::pending().await
        }
    }
}
