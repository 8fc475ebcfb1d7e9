//! Whether the other side is still there, and whether it may think so of us.

use crate::endpoint::{Deadline, Why};
use crate::time::Instant;

/// A side that sent nothing for this long says that it is there.
const KEEP_ALIVE_US: u64 = 5_000_000;
/// A side not heard for this long is gone: three keep-alives.
const SILENCE_US: u64 = 15_000_000;

/// Times of one connection.
#[derive(Clone, Debug)]
pub(super) struct Liveness {
    heard: Instant,
    /// `None`: a keep-alive is due and not sent yet.
    sent: Option<Instant>,
}

impl Liveness {
    /// Of a connection made at `now`.
    pub(super) const fn new(now: Instant) -> Self {
        Self { heard: now, sent: Some(now) }
    }

    pub(super) fn on_heard(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    pub(super) const fn on_sent(&mut self, now: Instant) {
        self.sent = Some(now);
    }

    /// Whether a keep-alive is due; it stays so until something is sent.
    pub(super) const fn is_keep_alive_due(&self) -> bool {
        self.sent.is_none()
    }

    /// Makes a keep-alive due when it is time. `false`: the other side has been silent for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.sent.is_some_and(|sent| now >= sent.plus_micros(KEEP_ALIVE_US)) {
            self.sent = None;
        }
        now < self.heard.plus_micros(SILENCE_US)
    }

    pub(super) fn deadline(&self) -> Deadline {
        let silence = Deadline { at: self.heard.plus_micros(SILENCE_US), why: Why::Silence };
        let keep_alive =
            self.sent.map(|sent| Deadline { at: sent.plus_micros(KEEP_ALIVE_US), why: Why::KeepAlive });
        keep_alive.filter(|keep_alive| keep_alive.at < silence.at).unwrap_or(silence)
    }
}
